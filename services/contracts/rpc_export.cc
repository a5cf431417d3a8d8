// ExportContracts: each signed contract as a package of the Open Contracting Data Standard.
#include <deque>

#include "services/contracts/errors.h"
#include "services/contracts/ocds.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

// From one snapshot, contract by contract.
class ContractExport final : public rpc::MessageSource {
 public:
  ContractExport(Env& env, const Call& call, v1::ExportContractsRequest::Form form)
      : view_(env.store->Read()), call_(call), form_(form) {}

  absl::StatusOr<State> Pull(std::string* out) override {
    ASSIGN_OR_RETURN(const std::optional<Contract> next, Next());
    if (!next.has_value()) return State::kEnd;
    ASSIGN_OR_RETURN(const OcdsContract gathered, Gather(*next));
    v1::ExportContractsResponse response;
    response.set_contract(next->name());
    ASSIGN_OR_RETURN(*response.mutable_json(), form_ == v1::ExportContractsRequest::RECORDS
                                                   ? RecordPackage(gathered)
                                                   : ReleasePackage(gathered));
    *out = response.SerializeAsString();
    return State::kMessage;
  }

 private:
  // The next signed one whose execution the caller sees: the method is unscoped.
  absl::StatusOr<std::optional<Contract>> Next() {
    std::optional<Contract> next;
    RETURN_IF_ERROR(view_.Scan(
        kContracts, {{}, after_}, {},
        [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ContractRow>(row));
          after_ = std::string(key);
          Contract& contract = *stored.row.mutable_contract();
          const uint32_t roles =
              rpc::TiesOf<Contract>().RolesOver(*call_.caller, contract) & call_.method->roles;
          const bool seen = SeesExecution(*call_.caller, contract, roles);
          if (seen && contract.has_sign_date()) next = std::move(contract);
          return !next.has_value();
        }));
    return next;
  }

  absl::StatusOr<OcdsContract> Gather(const Contract& contract) {
    OcdsContract gathered;
    gathered.contract = contract;
    gathered.supplier_name = contract.supplier();
    ASSIGN_OR_RETURN(const auto customer,
                     view_.Find(kCustomers, store::Key::Of(contract.customer())));
    gathered.customer_name = contract.customer();
    if (customer.has_value()) {
      const auto& title = customer->row.customer().title();
      gathered.customer_name = title.ru().empty() ? title.kk() : title.ru();
    }
    ASSIGN_OR_RETURN(const store::Key key, KeyIn(contract.item(), "cycles/*/items/*"));
    ASSIGN_OR_RETURN(auto item, view_.Find(kItems, key));
    // A good that left the List since is told by the contract's own.
    *gathered.item.mutable_title() = contract.good().title();
    if (item.has_value()) gathered.item = std::move(*item->row.mutable_item());
    ASSIGN_OR_RETURN(std::vector<AmendmentRow> amendments,
                     cases::AllOf(view_, kAmendments, store::Key::Of(contract.name())));
    for (AmendmentRow& row : amendments) {
      if (row.amendment().state() == Amendment::IN_FORCE) {
        gathered.amendments.push_back(std::move(*row.mutable_amendment()));
      }
    }
    // The contract as it was known before its first amendment, and after each.
    for (size_t i = 0; i <= gathered.amendments.size(); ++i) {
      store::At at;
      if (i < gathered.amendments.size()) {
        at.known_at_us = absl::ToUnixMicros(TimeOf(gathered.amendments[i].update_time())) - 1;
      }
      ASSIGN_OR_RETURN(ContractRow then,
                       cases::Need(view_, kContracts, store::Key::Of(contract.name()), at));
      gathered.terms.push_back(std::move(*then.mutable_contract()));
    }
    ASSIGN_OR_RETURN(std::vector<EntryRow> entries,
                     cases::AllOf(view_, kEntries, store::Key::Of(contract.name())));
    for (EntryRow& row : entries) {
      if (row.corrected_by() == 0) gathered.entries.push_back(std::move(*row.mutable_entry()));
    }
    return gathered;
  }

  static absl::Time TimeOf(const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  }

  const store::View view_;
  const Call call_;
  const v1::ExportContractsRequest::Form form_;
  std::string after_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportContracts(
    Env& env, Call& call, const v1::ExportContractsRequest& request) {
  return std::make_unique<ContractExport>(env, call, request.form());
}

}  // namespace nisi::contracts
