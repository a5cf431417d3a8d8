// ExportContracts: each signed contract as a package of the Open Contracting Data Standard.
#include <deque>
#include <vector>

#include "common/rpc/disclosure.h"
#include "services/contracts/errors.h"
#include "services/contracts/ocds.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

// As many as one record of a look names.
constexpr size_t kBatch = 200;

// From one snapshot, contract by contract. The text is no resource that a mask reaches: who may be
// told the figures is asked, and recorded, batch by batch before they leave.
class ContractExport final : public rpc::MessageSource {
 public:
  ContractExport(Env& env, const Call& call, const v1::ExportContractsRequest& request)
      : store_(*env.store),
        view_(env.store->Read()),
        call_(call),
        form_(request.form()),
        figures_(request.figures()) {}

  absl::StatusOr<State> Pull(std::string* out) override {
    if (batch_.empty()) RETURN_IF_ERROR(Load());
    if (batch_.empty()) return State::kEnd;
    const Loaded next = std::move(batch_.front());
    batch_.pop_front();
    ASSIGN_OR_RETURN(OcdsContract gathered, Gather(next.contract));
    gathered.figures = next.figures;
    v1::ExportContractsResponse response;
    response.set_contract(next.contract.name());
    ASSIGN_OR_RETURN(*response.mutable_json(), form_ == v1::ExportContractsRequest::RECORDS
                                                   ? RecordPackage(gathered)
                                                   : ReleasePackage(gathered));
    *out = response.SerializeAsString();
    return State::kMessage;
  }

 private:
  struct Loaded {
    Contract contract;
    bool figures = false;
  };

  // The next signed ones whose execution the caller sees: the method is unscoped.
  absl::Status Load() {
    RETURN_IF_ERROR(view_.Scan(
        kContracts, {{}, after_}, {},
        [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ContractRow>(row));
          after_ = std::string(key);
          Contract& contract = *stored.row.mutable_contract();
          const bool seen = SeesExecution(*call_.caller, contract, RolesUnder(call_, contract));
          if (seen && contract.has_sign_date()) batch_.push_back({std::move(contract)});
          return batch_.size() < kBatch;
        }));
    if (!figures_ || batch_.empty()) return absl::OkStatus();
    std::vector<const google::protobuf::Message*> records;
    for (const Loaded& one : batch_) records.push_back(&one.contract);
    ASSIGN_OR_RETURN(const std::vector<bool> told, rpc::MayBeTold(store_, call_, records));
    for (size_t i = 0; i < told.size(); ++i) batch_[i].figures = told[i];
    return absl::OkStatus();
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

  store::Store& store_;
  const store::View view_;
  const Call call_;
  const v1::ExportContractsRequest::Form form_;
  const bool figures_;
  std::deque<Loaded> batch_;
  std::string after_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportContracts(
    Env& env, Call& call, const v1::ExportContractsRequest& request) {
  return std::make_unique<ContractExport>(env, call, request);
}

}  // namespace nisi::contracts
