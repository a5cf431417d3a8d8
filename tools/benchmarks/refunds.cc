#include "tools/benchmarks/refunds.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/rpc/host.h"
#include "common/rpc/peer_testing.h"
#include "nisi/export_refunds/v1/service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/export_refunds/env.h"
#include "services/export_refunds/service.h"
#include "services/export_refunds/sources.h"
#include "tools/benchmarks/times.h"

namespace nisi::bench {
namespace {

constexpr int32_t kOfAClaim = 1'000;
constexpr char kClaimant[] = "990140000012";
constexpr char kDraft[] = "claims/draft";

// The days of payment of a claim's costs: each is a question to the database of suppliers.
constexpr int32_t kDays = 250;
// Invoices of one number and day, of as many issuers.
constexpr int32_t kOfOneNumber = 10'000;

// The database of suppliers within this process: everybody is a domestic producer and small.
void PlaySuppliers(rpc::PlayedPeer* database) {
  constexpr char kPath[] = "/nisi.suppliers.v1.SuppliersService/";
  database->On<suppliers::v1::CheckDomesticRequest, suppliers::v1::CheckDomesticResponse>(
      absl::StrCat(kPath, "CheckDomestic"), [](const suppliers::v1::CheckDomesticRequest& request) {
        suppliers::v1::CheckDomesticResponse response;
        response.set_position(1);
        for (const auto& question : request.questions()) {
          auto* result = response.add_results();
          result->set_bin(question.bin());
          *result->mutable_on_date() = question.on_date();
          result->set_domestic(true);
          result->add_activities(suppliers::v1::Supplier::PRODUCER);
          result->set_size(suppliers::v1::SMALL);
          result->set_supplier_etag("1");
        }
        return response;
      });
}

// The n-th expense of the register.
export_refunds::ExpenseRow MakeExpense(const std::string& claim, int32_t number, int64_t n) {
  export_refunds::ExpenseRow row;
  row.set_claim(claim);
  row.set_number(number);
  export_refunds::v1::Expense& expense = *row.mutable_expense();
  expense.set_name(export_refunds::ExpenseName(claim, number));
  expense.set_claimant(kClaimant);
  expense.set_kind(export_refunds::v1::EXHIBITION);
  expense.set_claimant_kind(export_refunds::v1::PRODUCER);
  expense.set_goods_code("850423");
  expense.set_country("DE");
  expense.set_contract_number("K-1");
  expense.set_invoice_issuer(absl::StrCat("Messe GmbH, HRB ", n % 97));
  expense.set_invoice_number(absl::StrFormat("INV-%07d", n));
  for (auto* day : {expense.mutable_contract_date(), expense.mutable_invoice_date()}) {
    *day = base::Date::Parse("2023-07-10")->ToProto();
  }
  *expense.mutable_payment_date() =
      base::Date::Parse("2024-06-09")->AddDays(-(n % kDays)).ToProto();
  expense.set_payment_number("P-1");
  expense.set_currency("KZT");
  expense.set_amount("1000000");
  *expense.mutable_net() = base::Money::FromTenge(1'000'000)->ToProto();
  return row;
}

absl::Status Write(store::Store& store, const std::function<absl::Status(store::Tx&)>& run) {
  store::CommandInfo info;
  info.actor = "bench/refunds";
  info.method = "/nisi.bench/Refunds";
  return store
      .Write(info,
             [&](store::Tx& tx) -> absl::StatusOr<std::string> {
               RETURN_IF_ERROR(run(tx));
               return std::string();
             })
      .status();
}

absl::Status PutList(store::Tx& tx) {
  export_refunds::EditionRow edition;
  edition.set_number(1);
  edition.mutable_edition()->set_name(export_refunds::EditionName(1));
  edition.mutable_edition()->set_state(export_refunds::v1::Edition::IN_FORCE);
  *edition.mutable_edition()->mutable_effective_from() = base::Date::Parse("2024-01-01")->ToProto();
  RETURN_IF_ERROR(tx.Put(export_refunds::kLists, &edition));
  export_refunds::EntryRow entry;
  entry.set_edition(1);
  entry.mutable_entry()->set_name(export_refunds::EntryName(1, "8504"));
  entry.mutable_entry()->set_goods_code("8504");
  entry.mutable_entry()->set_processing_level(export_refunds::v1::HIGH);
  return tx.Put(export_refunds::kEntries, &entry);
}

// A claim's expenses, from the n-th of the register on. `held`: they have their invoices.
absl::Status PutExpenses(store::Tx& tx, const std::string& claim, int64_t n, bool held) {
  for (int32_t i = 0; i < kOfAClaim; ++i) {
    export_refunds::ExpenseRow row = MakeExpense(claim, i + 1, n + i);
    row.set_holds_invoice(held);
    RETURN_IF_ERROR(tx.Put(export_refunds::kExpenses, &row));
  }
  return absl::OkStatus();
}

// The n-th of those that have one number and day.
export_refunds::ExpenseRow MakeEqual(const std::string& claim, int32_t number, int64_t n) {
  export_refunds::ExpenseRow row = MakeExpense(claim, number, n);
  row.mutable_expense()->set_invoice_issuer(absl::StrCat("Messe ", n));
  row.mutable_expense()->set_invoice_number("1");
  return row;
}

absl::Status PutEqual(store::Tx& tx, int64_t n) {
  for (int32_t i = 0; i < kOfAClaim; ++i) {
    export_refunds::ExpenseRow row = MakeEqual(absl::StrCat("claims/e", n), i + 1, n + i);
    row.set_holds_invoice(true);
    RETURN_IF_ERROR(tx.Put(export_refunds::kExpenses, &row));
  }
  return absl::OkStatus();
}

absl::Status PutDraft(store::Tx& tx) {
  export_refunds::ClaimRow row;
  export_refunds::v1::Claim& claim = *row.mutable_claim();
  claim.set_name(kDraft);
  claim.set_claimant(kClaimant);
  claim.set_state(export_refunds::v1::Claim::DRAFT);
  claim.set_expense_count(kOfAClaim);
  *claim.mutable_taxes_paid() = base::Money::FromTenge(1'000'000'000)->ToProto();
  for (int32_t year = 2023; year <= 2026; ++year) {
    auto* volume = claim.add_export_volumes();
    volume->set_year(year);
    volume->set_volume("100");
  }
  return tx.Put(export_refunds::kClaims, &row);
}

// What the register has, and the draft that is measured.
absl::Status Fill(store::Store& store, const RefundsSettings& settings) {
  RETURN_IF_ERROR(Write(store, PutList));
  for (int64_t n = 0; n < settings.expenses; n += kOfAClaim) {
    const auto put = [n](store::Tx& tx) {
      return PutExpenses(tx, absl::StrCat("claims/f", n / kOfAClaim), n, /*held=*/true);
    };
    RETURN_IF_ERROR(Write(store, put));
  }
  for (int64_t n = 0; n < kOfOneNumber; n += kOfAClaim) {
    RETURN_IF_ERROR(Write(store, [n](store::Tx& tx) { return PutEqual(tx, n); }));
  }
  RETURN_IF_ERROR(Write(store, PutDraft));
  const auto put = [&](store::Tx& tx) {
    return PutExpenses(tx, kDraft, settings.expenses, /*held=*/false);
  };
  return Write(store, put);
}

// The n-th look for a duplicate among `count` invoices that `make` makes: each second one is a
// taken one, anywhere among them, the others are of invoices that nobody has.
absl::Status LookAmong(const store::View& view, int64_t n, int64_t count,
                       const std::function<export_refunds::ExpenseRow(int64_t)>& make) {
  const bool is_there = n % 2 == 0;
  const int64_t which = n * 7'919 % count;
  const export_refunds::ExpenseRow row = make(is_there ? which : which + 2 * count);
  ASSIGN_OR_RETURN(const bool taken,
                   export_refunds::InvoiceTaken(view, row, export_refunds::MarksOf(row.expense()),
                                                export_refunds::Among::kRegister));
  return taken == is_there ? absl::OkStatus() : absl::InternalError("a wrong answer");
}

}  // namespace

absl::Status RunRefunds(const RefundsSettings& settings, std::ostream& out) {
  std::filesystem::create_directories(settings.data);
  base::FakeClock clock(base::Date::Parse("2024-06-10")->StartOfDay() + absl::Hours(12));
  ASSIGN_OR_RETURN(const norms::Norms norms, norms::Norms::Default());
  rpc::Metrics metrics("export-refunds");
  rpc::HostOptions options;
  options.data_dir = settings.data;
  options.clock = &clock;
  options.norms = &norms;
  options.metrics = &metrics;
  options.sync = false;
  rpc::PlayedPeer database;
  PlaySuppliers(&database);
  const auto peers = rpc::MakePeers("export-refunds", &metrics);
  peers->SetHere("suppliers", database.take());
  ASSIGN_OR_RETURN(const auto service,
                   export_refunds::OpenWith(options, export_refunds::AskPeers(peers.get())));
  store::Store& store = service->store();
  RETURN_IF_ERROR(Fill(store, settings));

  const auto caller = std::make_shared<rpc::Caller>();
  caller->subject = "bench";
  caller->bin = kClaimant;
  caller->Grant(rpc::v1::ENTITY);
  const auto ask = [&](const char* name, const google::protobuf::Message& request,
                       const std::string& request_id) {
    const rpc::Method* method = service->registry().Find(absl::StrCat(
        "/", export_refunds::v1::ExportRefundsService::descriptor()->full_name(), "/", name));
    if (method == nullptr) return absl::InternalError(name);
    rpc::Call call;
    call.method = &method->policy;
    call.caller = caller;
    call.now = clock.Now();
    call.deadline = absl::InfiniteFuture();
    call.request_id = request_id;
    call.body_hash = std::string(32, 'h');
    return method->unary(call, request).status();
  };
  export_refunds::v1::CalculateClaimRequest calculate;
  calculate.set_name(kDraft);
  const auto calculating = [&](int64_t) { return ask("CalculateClaim", calculate, ""); };
  Times draft, as_signed, signing, duplicate, equal;
  RETURN_IF_ERROR(draft.Measure(settings.rounds, calculating));
  const int questions = database.asked() / static_cast<int>(settings.rounds);
  export_refunds::v1::SignClaimRequest sign;
  sign.set_name(kDraft);
  sign.set_request_id("00000000-0000-4000-8000-000000000001");
  const auto signing_it = [&](int64_t) { return ask("SignClaim", sign, sign.request_id()); };
  RETURN_IF_ERROR(signing.Measure(1, signing_it));
  RETURN_IF_ERROR(as_signed.Measure(settings.rounds, calculating));
  const store::View view = store.Read();
  const auto look = [&](int64_t n) {
    return LookAmong(view, n, settings.expenses,
                     [](int64_t which) { return MakeExpense("claims/new", 1, which); });
  };
  RETURN_IF_ERROR(duplicate.Measure(10'000, look));
  // Where thousands have one number and day.
  const auto look_among_equal = [&](int64_t n) {
    return LookAmong(view, n, kOfOneNumber,
                     [](int64_t which) { return MakeEqual("claims/new", 1, which); });
  };
  RETURN_IF_ERROR(equal.Measure(1'000, look_among_equal));
  out << "{" << draft.Json("CalculateClaim of a draft") << ", "
      << as_signed.Json("CalculateClaim as signed") << ", " << signing.Json("SignClaim") << ", "
      << duplicate.Json("duplicate check") << ", "
      << equal.Json("duplicate check of one number and day")
      << ", \"questions to suppliers of a calculation\": " << questions << "}" << std::endl;
  return absl::OkStatus();
}

}  // namespace nisi::bench
