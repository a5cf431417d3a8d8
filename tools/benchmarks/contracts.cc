#include "tools/benchmarks/contracts.h"

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/money.h"
#include "common/rpc/host.h"
#include "nisi/contracts/v1/contracts_service.pb.h"
#include "nisi/contracts/v1/planning_service.pb.h"
#include "services/contracts/env.h"
#include "services/contracts/service.h"
#include "tools/benchmarks/times.h"

namespace nisi::bench {
namespace {

namespace planned = contracts;
namespace v1 = contracts::v1;

constexpr int32_t kPlanned = 2026;
constexpr char kCustomer[] = "990140000012";
constexpr char kSupplier[] = "990140000022";
constexpr char kContract[] = "contracts/bench";
constexpr int64_t kInACommand = 1'000;

// Nothing was made before.
class NothingMade final : public planned::Sources {
 public:
  absl::StatusOr<std::map<std::string, planned::Made>> Production(
      const rpc::Call& /*call*/, const std::set<std::string>& codes, base::Date /*day*/) override {
    std::map<std::string, planned::Made> made;
    for (const std::string& code : codes) made[code].source = {"suppliers", "position 1"};
    return made;
  }
};

google::type::Money TengeOf(int64_t tenge) {
  return base::Money::FromTenge(tenge)->ToProto();
}

absl::Status PutAll(store::Store& store, const std::function<absl::Status(store::Tx&)>& put) {
  store::CommandInfo info;
  info.actor = "bench/contracts";
  info.method = "/nisi.bench/Contracts";
  return store
      .Write(info,
             [&](store::Tx& tx) -> absl::StatusOr<std::string> {
               RETURN_IF_ERROR(put(tx));
               return std::string();
             })
      .status();
}

absl::Status PutNeeds(store::Tx& tx, int64_t from, int64_t until) {
  for (int64_t n = from; n < until; ++n) {
    planned::NeedRow row;
    row.set_year(kPlanned);
    row.set_number(static_cast<int32_t>(n + 1));
    v1::Need& need = *row.mutable_need();
    need.set_name(planned::NeedName(kPlanned, row.number()));
    need.set_customer(kCustomer);
    need.set_ens_tru(absl::StrFormat("271141.300.%06d", n));
    need.set_goods_code("850423");
    need.mutable_title()->set_ru("Трансформатор сухой силовой трёхфазный");
    need.set_unit("pcs");
    need.set_quantity("100");
    *need.mutable_price() = TengeOf(1'000);
    need.set_first_year(2027);
    need.set_years(3);
    need.set_kato("751110000");
    need.set_specification("1000 кВА, 10/0,4 кВ, класс нагревостойкости F");
    RETURN_IF_ERROR(tx.Put(planned::kNeeds, &row));
  }
  return absl::OkStatus();
}

absl::Status PutListing(store::Tx& tx) {
  planned::CycleRow cycle;
  cycle.mutable_cycle()->set_name(planned::CycleName(kPlanned));
  cycle.mutable_cycle()->set_year(kPlanned);
  cycle.mutable_cycle()->set_state(v1::Cycle::LISTING);
  cycle.mutable_cycle()->set_revision(1);
  return tx.Put(planned::kCycles, &cycle);
}

absl::Status PutContract(store::Tx& tx) {
  planned::ContractRow row;
  v1::Contract& contract = *row.mutable_contract();
  contract.set_name(kContract);
  contract.set_customer(kCustomer);
  contract.set_supplier(kSupplier);
  contract.set_type(v1::OFF_TAKE);
  contract.set_state(v1::Contract::DELIVERING);
  *contract.mutable_sign_date() = base::Date::Parse("2022-01-10")->ToProto();
  for (int32_t year = 2022; year < 2032; ++year) {
    v1::YearTerms& terms = *contract.add_years();
    terms.set_year(year);
    terms.set_volume("1000000");
    *terms.mutable_price() = TengeOf(1'000);
  }
  return tx.Put(planned::kContracts, &row, base::Date::Parse("2022-01-10").value());
}

// Over four and a half years, each second one accepted.
absl::Status PutDeliveries(store::Tx& tx, int64_t from, int64_t until, int64_t all) {
  const base::Date first = *base::Date::Parse("2022-01-10");
  for (int64_t n = from; n < until; ++n) {
    planned::EntryRow row;
    row.set_contract(kContract);
    row.set_number(static_cast<int32_t>(n + 1));
    const base::Date day = first.AddDays(n * 1'600 / all);
    v1::Entry& entry = *row.mutable_entry();
    entry.set_name(planned::ChildName(kContract, "entries", row.number()));
    entry.set_kind(n % 2 == 0 ? v1::Entry::DELIVERY : v1::Entry::ACCEPTANCE);
    entry.set_year(day.year());
    *entry.mutable_event_date() = day.ToProto();
    entry.set_quantity("10");
    entry.set_customer(kCustomer);
    entry.set_supplier(kSupplier);
    RETURN_IF_ERROR(tx.Put(planned::kEntries, &row));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunContracts(const ContractsSettings& settings, std::ostream& out) {
  std::filesystem::create_directories(settings.data);
  base::FakeClock clock(base::Date::Parse("2026-06-10")->StartOfDay() + absl::Hours(12));
  ASSIGN_OR_RETURN(const norms::Norms norms, norms::Norms::Default());
  rpc::Metrics metrics("contracts");
  rpc::HostOptions options;
  options.data_dir = settings.data;
  options.clock = &clock;
  options.norms = &norms;
  options.metrics = &metrics;
  ASSIGN_OR_RETURN(const auto service, planned::OpenWith(options, std::make_unique<NothingMade>()));
  store::Store& store = service->store();
  RETURN_IF_ERROR(PutAll(store, PutListing));
  for (int64_t n = 0; n < settings.needs; n += kInACommand) {
    RETURN_IF_ERROR(PutAll(store, [&](store::Tx& tx) {
      return PutNeeds(tx, n, std::min(n + kInACommand, settings.needs));
    }));
  }
  RETURN_IF_ERROR(PutAll(store, PutContract));
  const int64_t entries = 2 * settings.deliveries;
  for (int64_t n = 0; n < entries; n += kInACommand) {
    RETURN_IF_ERROR(PutAll(store, [&](store::Tx& tx) {
      return PutDeliveries(tx, n, std::min(n + kInACommand, entries), entries);
    }));
  }

  const auto caller = std::make_shared<rpc::Caller>();
  caller->subject = "bench";
  caller->Grant(rpc::v1::AUTHORITY_INDUSTRY);
  int64_t asked = 0;
  const auto ask = [&](const google::protobuf::ServiceDescriptor& of, const char* name,
                       const google::protobuf::Message& request) {
    const rpc::Method* method =
        service->registry().Find(absl::StrCat("/", of.full_name(), "/", name));
    if (method == nullptr) return absl::InternalError(name);
    rpc::Call call;
    call.method = &method->policy;
    call.caller = caller;
    call.now = clock.Now();
    call.deadline = absl::InfiniteFuture();
    call.request_id = absl::StrFormat("00000000-0000-4000-8000-%012d", ++asked);
    call.body_hash = std::string(32, 'h');
    return method->unary(call, request).status();
  };
  v1::FormListRequest form;
  form.set_name(planned::CycleName(kPlanned));
  const auto forming = [&](int64_t) {
    return ask(*v1::PlanningService::descriptor(), "FormList", form);
  };
  v1::GetBalanceRequest balance;
  balance.set_name(kContract);
  const auto balancing = [&](int64_t) {
    return ask(*v1::ContractsService::descriptor(), "GetBalance", balance);
  };
  Times first, again, today, before;
  RETURN_IF_ERROR(first.Measure(1, forming));
  RETURN_IF_ERROR(again.Measure(5, forming));
  RETURN_IF_ERROR(today.Measure(settings.rounds, balancing));
  // In the middle of a month, so that its days are read one by one.
  v1::GetBalanceRequest past = balance;
  *past.mutable_as_of() = base::Date::Parse("2026-06-09")->ToProto();
  RETURN_IF_ERROR(before.Measure(settings.rounds, [&](int64_t) {
    return ask(*v1::ContractsService::descriptor(), "GetBalance", past);
  }));
  out << "{" << first.Json("FormList") << ", " << again.Json("FormList again") << ", "
      << today.Json("GetBalance") << ", " << before.Json("GetBalance of a day before") << "}"
      << std::endl;
  return absl::OkStatus();
}

}  // namespace nisi::bench
