// WatchRegister and WatchDemands. Both show journal leaves and rows without their confidential
// fields, to everybody alike.
#include <algorithm>
#include <deque>
#include <set>

#include "common/rpc/changes_watch.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_demand.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using journal::v1::Change;
using WatchRequest = v1::WatchRegisterRequest;

// Messages are kept well under the 4 MiB that clients take by default.
constexpr size_t kChangesBytes = 1 << 20;

template <class Resource>
Resource In(const google::protobuf::Any& any) {
  Resource resource;
  resource.ParseFromString(any.value());
  return resource;
}

// What is confidential stands in no leaf; rows that are read here lose it.
void Open(Evidence* evidence) {
  evidence->clear_reason();
  evidence->clear_added_by();
  evidence->clear_decided_by();
  evidence->clear_revocation();
}

class RegisterWatch final : public rpc::ChangesWatch<v1::WatchRegisterResponse> {
 public:
  RegisterWatch(Env& env, const Call& call, const WatchRequest& request)
      : ChangesWatch(*env.store, request.start_position()),
        env_(env),
        caller_(call.caller),
        method_(call.method),
        bin_(request.bin()),
        contents_(request.contents().begin(), request.contents().end()) {}

 private:
  // What comes with a supplier that is in the register again, piece by piece.
  struct Pending {
    std::string bin;
    int64_t position = 0;
    google::protobuf::Timestamp record_time;
    bool evidence = false;  // offers are shown, evidence comes now
    std::string after;      // the last key shown
  };

  bool Wants(WatchRequest::Content content) const {
    return contents_.empty() || contents_.contains(content);
  }

  uint32_t RolesOver(const rpc::Ties& ties, const google::protobuf::Message& resource) const {
    rpc::Call call;
    call.method = method_;
    call.caller = caller_;
    return rpc::RolesFor(call, ties, resource) & kInsiders;
  }

  v1::WatchRegisterResponse::Change* Add(v1::WatchRegisterResponse* response, int64_t position,
                                         const google::protobuf::Timestamp& time,
                                         const std::string& name,
                                         const google::type::Date& from) const {
    auto* change = response->add_changes();
    change->set_position(position);
    *change->mutable_record_time() = time;
    change->set_name(name);
    *change->mutable_effective_from() = from;
    return change;
  }

  // The register now, and as it was known when the entry was recorded.
  struct Known {
    Known(const store::View& view, const journal::v1::Entry& entry)
        : now(view),
          then(view,
               entry.record_time().seconds() * 1'000'000 + entry.record_time().nanos() / 1000),
          day(base::Date::LegalDay(absl::FromUnixSeconds(entry.record_time().seconds()))) {}
    Books now, then;
    base::Date day;  // of the entry
  };

  // Whether what a supplier has is public: it was when it changed, and has not left since. What it
  // changed while it was in no register is seen, as it is by then, when it comes into it.
  absl::StatusOr<bool> IsPublic(const std::string& bin, Known& known) const {
    ASSIGN_OR_RETURN(const bool was, known.then.IsActiveOn(bin, known.day));
    if (!was) return false;
    return known.now.IsActiveOn(bin, Today());
  }

  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchRegisterResponse* response) override {
    const store::View view = env_.store->Read();
    Known known(view, entry);
    for (const Change& change : entry.changes()) {
      if (change.table() == kSuppliers.name) {
        ShowSupplier(entry, change, response);
      } else if (change.table() == kOffers.name && Wants(WatchRequest::OFFERS)) {
        RETURN_IF_ERROR(ShowOffer(entry, change, view, known, response));
      } else if (change.table() == kEvidence.name && Wants(WatchRequest::EVIDENCE)) {
        RETURN_IF_ERROR(ShowEvidence(entry, change, known, response));
      }
    }
    // What comes with a supplier follows: whoever is cut off before resumes at this entry.
    if (!pending_.empty()) response->set_position(entry.position() - 1);
    return absl::OkStatus();
  }

  void ShowSupplier(const journal::v1::Entry& entry, const Change& change,
                    v1::WatchRegisterResponse* response) {
    const auto before = In<Supplier>(change.before());
    auto after = In<Supplier>(change.after());
    if (!bin_.empty() && after.bin() != bin_) return;
    const rpc::Ties& ties = rpc::TiesOf<Supplier>();
    const bool saw = RolesOver(ties, before) != 0 || before.state() == Supplier::ACTIVE;
    const bool insider = RolesOver(ties, after) != 0;
    const bool sees = insider || after.state() == Supplier::ACTIVE;
    if (!saw && !sees) return;
    // That it goes is told whatever is followed: what it has goes with it.
    if (Wants(WatchRequest::SUPPLIERS) || !sees) {
      auto* shown = Add(response, entry.position(), entry.record_time(), after.name(),
                        change.effective_from());
      if (sees) *shown->mutable_supplier() = std::move(after);
    }
    if (!saw && sees && !insider &&
        (Wants(WatchRequest::OFFERS) || Wants(WatchRequest::EVIDENCE))) {
      pending_.push_back(
          {In<Supplier>(change.after()).bin(), entry.position(), entry.record_time(), false, ""});
    }
  }

  // Of a supplier that is in the register (IsPublic), or of the caller's own.
  absl::Status ShowOffer(const journal::v1::Entry& entry, const Change& change,
                         const store::View& view, Known& known,
                         v1::WatchRegisterResponse* response) {
    const bool ended = change.kind() == Change::END;
    Offer offer = In<Offer>(ended ? change.before() : change.after());
    if (!bin_.empty() && offer.bin() != bin_) return absl::OkStatus();
    // What is put right of the days before an offer ended does not bring it back.
    ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(change.effective_from()));
    if (!ended && from < known.day) {
      ASSIGN_OR_RETURN(const int64_t number, NumberOf(offer.name(), "offers/*"));
      ASSIGN_OR_RETURN(const auto now, view.FindRaw(kOffers, store::Key::Of(number)));
      if (!now.has_value()) return absl::OkStatus();
    }
    if (RolesOver(rpc::TiesOf<Offer>(), offer) == 0) {
      ASSIGN_OR_RETURN(const bool is_public, IsPublic(offer.bin(), known));
      if (!is_public) return absl::OkStatus();
    }
    auto* shown =
        Add(response, entry.position(), entry.record_time(), offer.name(), change.effective_from());
    if (!ended) *shown->mutable_offer() = std::move(offer);
    return absl::OkStatus();
  }

  absl::Status ShowEvidence(const journal::v1::Entry& entry, const Change& change, Known& known,
                            v1::WatchRegisterResponse* response) {
    Evidence evidence = In<Evidence>(change.after());
    if (!bin_.empty() && evidence.bin() != bin_) return absl::OkStatus();
    if (RolesOver(rpc::TiesOf<Evidence>(), evidence) == 0) {
      const bool was = In<Evidence>(change.before()).state() == Evidence::CONFIRMED;
      const bool is = evidence.state() == Evidence::CONFIRMED;
      ASSIGN_OR_RETURN(const bool is_public, IsPublic(evidence.bin(), known));
      if (!is_public || (!was && !is)) return absl::OkStatus();
      auto* shown = Add(response, entry.position(), entry.record_time(), evidence.name(),
                        change.effective_from());
      if (is) *shown->mutable_evidence() = std::move(evidence);
      return absl::OkStatus();
    }
    auto* shown = Add(response, entry.position(), entry.record_time(), evidence.name(),
                      change.effective_from());
    *shown->mutable_evidence() = std::move(evidence);
    return absl::OkStatus();
  }

  // All messages but the last carry the position before, so that whoever is cut off between them
  // resumes at this entry.
  absl::Status ShowMore(std::deque<std::string>* out) override {
    if (pending_.empty()) return absl::OkStatus();
    Pending& pending = pending_.front();
    v1::WatchRegisterResponse response;
    const store::View view = env_.store->Read();
    Books books(view);
    ASSIGN_OR_RETURN(const bool active, books.IsActiveOn(pending.bin, Today()));
    if (!active) pending.evidence = true;  // gone again since: nothing of it is public
    size_t bytes = 0;
    bool more = false;
    const auto take = [&](absl::string_view key, size_t size) {
      more = bytes > kChangesBytes;
      if (more) return false;
      bytes += size;
      pending.after.assign(key.data(), key.size());
      return true;
    };
    const store::Range range{store::Key::Of(pending.bin), pending.after};
    if (!pending.evidence && Wants(WatchRequest::OFFERS)) {
      RETURN_IF_ERROR(view.Scan(
          kOffersBySupplier, range, {},
          [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
            if (!take(key, row.row.size())) return false;
            ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<OfferRow>(row));
            auto* shown = Add(&response, pending.position, pending.record_time,
                              stored.row.offer().name(), row.version.effective_from.ToProto());
            *shown->mutable_offer() = std::move(*stored.row.mutable_offer());
            return true;
          }));
    } else if (active && pending.evidence && Wants(WatchRequest::EVIDENCE)) {
      RETURN_IF_ERROR(view.Scan(
          kEvidenceBySupplier, range, {},
          [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
            if (!take(key, row.row.size())) return false;
            ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<EvidenceRow>(row));
            if (stored.row.evidence().state() != Evidence::CONFIRMED) return true;
            Open(stored.row.mutable_evidence());
            auto* shown = Add(&response, pending.position, pending.record_time,
                              stored.row.evidence().name(), row.version.effective_from.ToProto());
            *shown->mutable_evidence() = std::move(*stored.row.mutable_evidence());
            return true;
          }));
    }
    const bool last = !more && pending.evidence;
    const int64_t position = pending.position;
    if (last) {
      pending_.pop_front();
    } else if (!more) {
      pending.evidence = true;
      pending.after.clear();
    }
    response.set_position(last && pending_.empty() ? position : position - 1);
    // The last one says that all of the entry has come, also where it brings nothing.
    if (response.changes_size() > 0 || last) {
      out->push_back(response.SerializeAsString());
    } else {
      return ShowMore(out);
    }
    return absl::OkStatus();
  }

  base::Date Today() const { return base::Date::LegalDay(env_.store->clock().Now()); }

  Env& env_;
  const std::shared_ptr<const rpc::Caller> caller_;
  const rpc::MethodPolicy* const method_;
  const std::string bin_;
  const std::set<int> contents_;
  std::deque<Pending> pending_;
};

class DemandWatch final : public rpc::ChangesWatch<v1::WatchDemandsResponse> {
 public:
  DemandWatch(Env& env, int64_t start, std::optional<v1::Subscription> subscription)
      : ChangesWatch(*env.store, start), subscription_(std::move(subscription)) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchDemandsResponse* response) override {
    for (const Change& change : entry.changes()) {
      if (change.table() != kDemands.name) continue;
      Demand demand = In<Demand>(change.after());
      if (subscription_.has_value() && !Wants(*subscription_, demand)) continue;
      auto* shown = response->add_changes();
      shown->set_position(entry.position());
      *shown->mutable_record_time() = entry.record_time();
      *shown->mutable_demand() = std::move(demand);
    }
    return absl::OkStatus();
  }

  const std::optional<v1::Subscription> subscription_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchRegister(
    Env& env, Call& call, const v1::WatchRegisterRequest& request) {
  return std::make_unique<RegisterWatch>(env, call, request);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchDemands(
    Env& env, Call& call, const v1::WatchDemandsRequest& request) {
  std::optional<v1::Subscription> subscription;
  if (!request.subscription().empty()) {
    const store::View view = env.store->Read();
    ASSIGN_OR_RETURN(subscription, SubscriptionOf(view, call, request.subscription()));
  }
  return std::make_unique<DemandWatch>(env, request.start_position(), std::move(subscription));
}

}  // namespace nisi::suppliers
