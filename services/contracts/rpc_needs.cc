// What customers need, one by one and by file.
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/rpc/import.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

absl::Status PutNeed(store::Tx& tx, int32_t year, const Need& told, NeedRow* row) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("needs/", year)));
  row->set_year(year);
  row->set_number(static_cast<int32_t>(number));
  *row->mutable_need() = told;
  row->mutable_need()->set_name(NeedName(year, row->number()));
  return tx.Put(kNeeds, row);
}

// A need of a cycle whose needs are analysed.
absl::StatusOr<rpc::Found<NeedRow>> EditableNeed(const store::Tx& tx, const Call& call,
                                                 const std::string& name, const std::string& etag) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(name, "cycles/*/needs/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kNeeds, key, name));
  RETURN_IF_ERROR(rpc::CheckEtag(etag, found.row.need().etag()));
  RETURN_IF_ERROR(CheckCycle(tx, call, CycleVerb::kEditNeeds, found.row.year()));
  return found;
}

// No form allows it: what is no number becomes it, and the row is INVALID at that field.
constexpr int32_t kNoNumber = -1;

class NeedImport final : public rpc::Import<v1::ImportNeedsRequest, Need> {
 public:
  explicit NeedImport(Env& env) : Import(*env.store) {}

 protected:
  absl::Status CheckHeader(const Header& header) override {
    ASSIGN_OR_RETURN(year_, rpc::NumberIn(header.parent(), "cycles/*", 0));
    return absl::OkStatus();
  }

  Need FromRow(const Row& row) const override {
    const auto number = [](const std::string& text) {
      int32_t value = 0;
      return absl::SimpleAtoi(text, &value) ? value : kNoNumber;
    };
    Need need;
    need.set_customer(row.customer());
    need.set_ens_tru(row.ens_tru());
    need.set_goods_code(row.goods_code());
    need.mutable_title()->set_kk(row.title_kk());
    need.mutable_title()->set_ru(row.title_ru());
    need.set_unit(row.unit());
    need.set_quantity(row.quantity());
    const auto price = base::Money::Parse(row.price());
    if (price.ok()) {
      *need.mutable_price() = price->ToProto();
    } else {
      need.mutable_price()->set_currency_code("-");  // no form allows it
    }
    need.set_first_year(number(row.first_year()));
    need.set_years(number(row.years()));
    need.set_kato(row.kato());
    need.set_specification(row.specification());
    return need;
  }

  std::string KeyOf(const Row& row) const override {
    return base::EnsTruForm::Check(row.ens_tru()).ok() ? row.ens_tru() : "";
  }

  absl::Status Judge(const Need& need) const override { return CheckNeed(need, year_, ""); }

  absl::Status Begin(store::Tx& tx, const Call& call, const Header& header) override {
    tx.Cite(errors::Needs());
    customers_.clear();
    return BeginCycle(tx, call, CycleVerb::kEditNeeds, header.parent(), "").status();
  }

  absl::Status JudgeIn(const store::Tx& tx, const Need& need) override {
    const auto [known, fresh] = customers_.try_emplace(need.customer());
    if (fresh) known->second = EligibleCustomer(tx, need.customer(), "customer").status();
    return known->second;
  }

  absl::Status Enter(store::Tx& tx, const Need& need) override {
    NeedRow row;
    return PutNeed(tx, year_, need, &row);
  }

 private:
  int32_t year_ = 0;
  std::map<std::string, absl::Status> customers_;  // a file names few of them, many times
};

}  // namespace

absl::StatusOr<v1::SubmitNeedsResponse> SubmitNeeds(Env& /*env*/, const Call& call, store::Tx& tx,
                                                    const v1::SubmitNeedsRequest& request) {
  ASSIGN_OR_RETURN(const CycleStep step,
                   BeginCycle(tx, call, CycleVerb::kEditNeeds, request.parent(), ""));
  const int32_t year = step.row.cycle().year();
  tx.Cite(errors::Needs());
  v1::SubmitNeedsResponse response;
  for (int i = 0; i < request.needs_size(); ++i) {
    const std::string path = absl::StrCat("needs[", i, "]");
    RETURN_IF_ERROR(CheckNeed(request.needs(i), year, path + "."));
    const auto customer =
        EligibleCustomer(tx, request.needs(i).customer(), absl::StrCat(path, ".customer"));
    if (!customer.ok()) return rpc::InItem(customer.status(), path);
    NeedRow row;
    RETURN_IF_ERROR(PutNeed(tx, year, request.needs(i), &row));
    *response.add_needs() = row.need();
  }
  return response;
}

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportNeedsRequest>>> ImportNeeds(Env& env,
                                                                                      Call&) {
  return std::make_unique<NeedImport>(env);
}

absl::StatusOr<v1::Need> UpdateNeed(Env& /*env*/, const Call& call, store::Tx& tx,
                                    const v1::UpdateNeedRequest& request) {
  ASSIGN_OR_RETURN(auto found,
                   EditableNeed(tx, call, request.need().name(), request.need().etag()));
  RETURN_IF_ERROR(
      rpc::ApplyUpdate(request.need(), request.update_mask(), found.row.mutable_need(), &call));
  RETURN_IF_ERROR(CheckNeed(found.row.need(), found.row.year(), "need."));
  tx.Cite(errors::Needs());
  RETURN_IF_ERROR(tx.Put(kNeeds, &found.row));
  return found.row.need();
}

absl::StatusOr<v1::DeleteNeedResponse> DeleteNeed(Env& /*env*/, const Call& call, store::Tx& tx,
                                                  const v1::DeleteNeedRequest& request) {
  ASSIGN_OR_RETURN(const auto found, EditableNeed(tx, call, request.name(), request.etag()));
  tx.Cite(errors::Needs());
  RETURN_IF_ERROR(tx.End(kNeeds, store::Key::Of(found.row.year(), found.row.number())));
  return v1::DeleteNeedResponse();
}

}  // namespace nisi::contracts
