// The account of the register's one programme, and the queue for it.
#include "common/cases/budget.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

using base::Money;

constexpr int32_t kUsualPlaces = 100;

absl::Status CheckProgramme(const std::string& account) {
  return absl::StartsWith(account, absl::StrCat("programmes/", kProgramme, "/"))
             ? absl::OkStatus()
             : errors::ProgrammeUnknown("account");
}

int32_t YearIn(const std::string& account) {
  int32_t year = 0;
  (void)absl::SimpleAtoi(account.substr(account.rfind('/') + 1), &year);
  return year;
}

// Money that was given to a year to come is there for the queue from the year's first day on.
absl::Status ServeWhenItBegins(store::Tx& tx, int32_t year) {
  if (year <= tx.today().year()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const base::Date first, base::Date::Of(year, 1, 1));
  tx.Schedule(first.StartOfDay(), kServeQueueTimer, "");
  return absl::OkStatus();
}

// As the queue left it.
absl::StatusOr<budget::v1::Account> AccountNow(const store::Tx& tx, const std::string& account) {
  ASSIGN_OR_RETURN(
      const auto stored,
      tx.Find(cases::kAccounts, store::Key::Of(std::string(kProgramme), YearIn(account))));
  if (!stored.has_value()) return base::StoreCorrupt("account");
  return stored->row.account();
}

}  // namespace

absl::StatusOr<budget::v1::Account> AllocateBudget(
    Env& env, const Call& call, store::Tx& tx, const budget::v1::AllocateBudgetRequest& request) {
  RETURN_IF_ERROR(CheckProgramme(request.account()));
  RETURN_IF_ERROR(cases::AllocateBudget(call, tx, request, errors::Account()).status());
  RETURN_IF_ERROR(ServeWhenItBegins(tx, YearIn(request.account())));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  return AccountNow(tx, request.account());
}

// What is not spent is carried over, not returned to the budget (Art. 13(5)(10)).
absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(
    Env& env, const Call& call, store::Tx& tx, const budget::v1::CloseYearRequest& request) {
  RETURN_IF_ERROR(CheckProgramme(request.account()));
  ASSIGN_OR_RETURN(auto response,
                   cases::CloseYear(call, tx, request, /*carry_over=*/true, errors::Account()));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  if (response.has_next()) {
    ASSIGN_OR_RETURN(*response.mutable_next(), AccountNow(tx, response.next().name()));
  }
  return response;
}

absl::StatusOr<budget::v1::Posting> ReversePosting(
    Env& env, const Call& call, store::Tx& tx, const budget::v1::ReversePostingRequest& request) {
  RETURN_IF_ERROR(FreeToUndo(env, tx, request.name()));
  ASSIGN_OR_RETURN(budget::v1::Posting undone,
                   cases::ReversePosting(call, tx, request, errors::Account()));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  return undone;
}

absl::StatusOr<Encoded<budget::v1::Account>> GetAccount(
    Env& env, Call& call, const budget::v1::GetAccountRequest& request) {
  return cases::GetAccount(*env.store, call, request);
}

absl::StatusOr<Encoded<budget::v1::ListPostingsResponse>> ListPostings(
    Env& env, Call& call, const budget::v1::ListPostingsRequest& request) {
  return cases::ListPostings(*env.store, call, request);
}

absl::StatusOr<v1::GetQueueResponse> GetQueue(Env& env, Call& call,
                                              const v1::GetQueueRequest& request) {
  const bool whole = IsOfficial(*call.caller);
  const int32_t limit = request.limit() == 0 ? kUsualPlaces : request.limit();
  const store::View view = env.store->Read();
  v1::GetQueueResponse response;
  int32_t place = 0;
  Money waiting;
  RETURN_IF_ERROR(view.Scan(
      kQueue, {}, {}, [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ClaimRow>(row));
        const Claim& claim = stored.row.claim();
        ++place;
        if (!claim.funded()) {
          ASSIGN_OR_RETURN(const Money amount, Money::FromProto(claim.amount()));
          ASSIGN_OR_RETURN(waiting, waiting.Add(amount));
        }
        if (claim.number() <= request.after_number()) return true;
        if (!whole && claim.claimant() != call.caller->bin) return true;
        if (response.places_size() == limit) {
          response.set_more(true);
          return true;
        }
        auto* shown = response.add_places();
        shown->set_place(place);
        shown->set_claim(claim.name());
        shown->set_number(claim.number());
        shown->set_state(claim.state());
        *shown->mutable_amount() = claim.amount();
        shown->set_funded(claim.funded());
        return true;
      }));
  if (whole) {
    ASSIGN_OR_RETURN(const Money available, AvailableOn(view, call.today()));
    *response.mutable_available() = available.ToProto();
    *response.mutable_waiting() = waiting.ToProto();
  }
  return response;
}

}  // namespace nisi::export_refunds
