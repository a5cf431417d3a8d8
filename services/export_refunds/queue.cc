// Money by the order of claim numbers (Art. 13(5)(10)): reserved for those that wait as it comes,
// never for a later one past an earlier one.
#include "absl/strings/str_cat.h"
#include "common/cases/budget.h"
#include "common/rpc/store_call.h"
#include "services/export_refunds/env.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

using base::Money;
using cases::Posting;

// In one command; what is left goes on at once by timer.
constexpr int kMostServed = 200;
constexpr char kByQueue[] = "system";  // nobody serves it

// One that failed the second check cannot be paid, and holds up nobody.
bool Failed(const Claim& claim) {
  return claim.gate().outcome() == "FAILED";
}

// The first claim that its account does not cover.
struct Waiting {
  int64_t number = 0;
  Money missing;
};

// Gives to those that wait, in order, until one is not covered.
absl::StatusOr<std::optional<Waiting>> Serve(store::Tx& tx, bool* more) {
  ASSIGN_OR_RETURN(Money available, AvailableOn(tx, tx.today()));
  std::vector<ClaimRow> served;
  std::optional<Waiting> waiting;
  RETURN_IF_ERROR(tx.Scan(
      kQueue, {}, {}, [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ClaimRow>(view));
        const Claim& claim = stored.row.claim();
        if (claim.funded() || Failed(claim)) return true;
        ASSIGN_OR_RETURN(const Money amount, Money::FromProto(claim.amount()));
        if (amount > available) {
          ASSIGN_OR_RETURN(const Money missing, amount.Sub(available));
          waiting = Waiting{claim.number(), missing};
          return false;
        }
        *more = served.size() == kMostServed;
        if (*more) return false;
        ASSIGN_OR_RETURN(available, available.Sub(amount));
        served.push_back(std::move(stored.row));
        return true;
      }));
  for (ClaimRow& row : served) {
    Claim& claim = *row.mutable_claim();
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(claim.amount()));
    RETURN_IF_ERROR(PostFor(tx, Posting::RESERVE, amount, claim.name(), kByQueue).status());
    claim.set_funded(true);
    RETURN_IF_ERROR(tx.Put(kClaims, &row));
  }
  return waiting;
}

// Whether an earlier financial year is not closed yet: what is held for claims lies there, and
// comes to this year with its closing.
absl::StatusOr<bool> IsYearOpenBefore(const store::Reader& reader, int32_t year) {
  bool open = false;
  RETURN_IF_ERROR(reader.Scan(
      cases::kAccounts, {store::Key::Of(std::string(kProgramme)), ""}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<budget::v1::AccountRow>(view));
        open = stored.row.year() < year && stored.row.closed_by() == 0;
        return !open && stored.row.year() < year;
      }));
  return open;
}

// Gives the money of a claim back. One past the second check goes back before it: its term to sign
// the agreement must not run while it cannot.
absl::Status GiveBack(const Env& env, store::Tx& tx, ClaimRow row) {
  if (row.claim().state() == Claim::ACCEPTED) {
    RETURN_IF_ERROR(ReleaseMoney(tx, kByQueue, row.mutable_claim()));
    return tx.Put(kClaims, &row);
  }
  ASSIGN_OR_RETURN(ClaimStep step,
                   cases::BeginByItself(ClaimMachine(), ClaimVerb::kGiveWay, std::move(row)));
  RETURN_IF_ERROR(ReleaseMoney(tx, kByQueue, step.row.mutable_claim()));
  return FinishClaim(env, tx, &step);
}

// Those that were accepted before an earlier one, and are not agreed on, give back what it is short
// of, the last first. Whether something came of it.
absl::StatusOr<bool> TakeFromLater(const Env& env, store::Tx& tx, const Waiting& first) {
  ASSIGN_OR_RETURN(const bool open, IsYearOpenBefore(tx, tx.today().year()));
  if (open) return false;
  std::vector<ClaimRow> later;
  RETURN_IF_ERROR(tx.Scan(
      kQueue, {}, {}, [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ClaimRow>(view));
        const Claim& claim = stored.row.claim();
        if (claim.number() > first.number && claim.funded() &&
            claim.state() != Claim::AGREEMENT_SIGNED) {
          later.push_back(std::move(stored.row));
        }
        return true;
      }));
  Money missing = first.missing;
  while (!later.empty()) {
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(later.back().claim().amount()));
    RETURN_IF_ERROR(GiveBack(env, tx, std::move(later.back())));
    later.pop_back();
    if (amount >= missing) return true;
    ASSIGN_OR_RETURN(missing, missing.Sub(amount));
  }
  return false;
}

// Whether a claim that is agreed on cannot be paid: it failed the second check by the last that was
// said of it, or its claimant owes a demand past its day. One that is only not checked is not.
absl::StatusOr<bool> IsBarred(const store::Reader& reader, const ClaimRow& row) {
  const Claim& claim = row.claim();
  ASSIGN_OR_RETURN(
      const auto notice,
      cases::LastNotice(reader, claim.name(), gate::v1::BEFORE_PAYMENT, claim.claimant()));
  // By a notice that let pass it failed where it stands on a list.
  const bool used = !notice.has_value() || notice->name() == row.gate_notice();
  if (used ? Failed(claim) : notice->verdict() == gate::v1::Notice::FAILED) return true;
  ASSIGN_OR_RETURN(const auto owing, OwesPastDue(reader, claim.claimant()));
  return owing.has_value();
}

}  // namespace

absl::StatusOr<std::string> PostFor(store::Tx& tx, int kind, Money amount,
                                    const std::string& record, const std::string& subject) {
  const cases::Movement movement{
      static_cast<Posting::Kind>(kind), amount, kProgramme, tx.today().year(), record, subject};
  const bool held = kind == Posting::COMMIT || kind == Posting::RELEASE || kind == Posting::PAY ||
                    kind == Posting::UNCOMMIT;
  ASSIGN_OR_RETURN(const Posting posting,
                   held ? cases::PostHeld(tx, movement, record, errors::Account())
                        : cases::Post(tx, movement, errors::Account()));
  return posting.name();
}

absl::StatusOr<Money> AvailableOn(const store::Reader& reader, base::Date day) {
  ASSIGN_OR_RETURN(const auto found,
                   reader.Find(cases::kAccounts, store::Key::Of(std::string(kProgramme),
                                                                static_cast<int32_t>(day.year()))));
  if (!found.has_value() || found->row.closed_by() != 0) return Money();
  return Money::FromProto(found->row.account().available());
}

absl::Status ServeQueue(const Env& env, store::Tx& tx) {
  bool more = false;
  for (bool again = true; again && !more;) {
    ASSIGN_OR_RETURN(const std::optional<Waiting> first, Serve(tx, &more));
    again = first.has_value();
    if (again) {
      ASSIGN_OR_RETURN(again, TakeFromLater(env, tx, *first));
    }
  }
  if (more) tx.Schedule(tx.recorded(), kServeQueueTimer, "");
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadyBefore(const store::Reader& reader, int64_t number) {
  std::vector<ClaimRow> agreed;
  RETURN_IF_ERROR(reader.Scan(
      kQueue, {}, {}, [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<ClaimRow>(view));
        const Claim& claim = stored.row.claim();
        if (claim.number() >= number) return false;
        if (claim.state() == Claim::AGREEMENT_SIGNED) agreed.push_back(std::move(stored.row));
        return true;
      }));
  for (const ClaimRow& row : agreed) {
    ASSIGN_OR_RETURN(const bool barred, IsBarred(reader, row));
    if (!barred) return row.claim().number();
  }
  return 0;
}

absl::Status ReleaseMoney(store::Tx& tx, const std::string& subject, Claim* claim) {
  if (!claim->funded()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Money amount, Money::FromProto(claim->amount()));
  const bool committed = claim->state() == Claim::AGREEMENT_SIGNED;
  RETURN_IF_ERROR(
      PostFor(tx, committed ? Posting::UNCOMMIT : Posting::RELEASE, amount, claim->name(), subject)
          .status());
  claim->set_funded(false);
  return absl::OkStatus();
}

absl::Status FreeToUndo(const Env& env, store::Tx& tx, const std::string& posting) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(posting, "programmes/*/postings/*", 1));
  ASSIGN_OR_RETURN(const auto found,
                   tx.Find(cases::kPostings,
                           store::Key::Of(std::string(kProgramme), static_cast<int64_t>(number))));
  if (!found.has_value()) return absl::OkStatus();  // for whoever undoes it to say
  Money brought;
  for (const Posting::Leg& leg : found->row.posting().legs()) {
    if (leg.bucket() != budget::v1::AVAILABLE) continue;
    ASSIGN_OR_RETURN(brought, Money::FromProto(leg.amount()));
  }
  ASSIGN_OR_RETURN(const Money available, AvailableOn(tx, tx.today()));
  if (brought <= available) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Money missing, brought.Sub(available));
  return TakeFromLater(env, tx, Waiting{0, missing}).status();
}

}  // namespace nisi::export_refunds
