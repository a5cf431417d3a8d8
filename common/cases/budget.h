// The money of a programme by financial year, in double entry, kept in the store of the service
// that decides on it. Every posting is a part of the command whose decision it carries out, so
// money and decision cannot part; the store's one writer makes postings serial, so nothing is
// locked.
//
//   // tables.cc: new store::Schema(cases::WithBudget({"grants", 1, ...}))
//   RETURN_IF_ERROR(cases::Post(tx, {Posting::RESERVE, sum, "grants", tx.today().year(),
//                                    grant.name()}, errors::Budget()).status());
//
// What always holds: the legs of a posting add up to zero, so all accounts of a programme do; no
// bucket but SOURCE is below zero; an account is what its postings say (AuditBudget). A command
// after which the accounts would not add up is DATA_LOSS and commits nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/rpc/call.h"
#include "common/store/store.h"
#include "nisi/budget/v1/budget.pb.h"

namespace nisi::cases {

using budget::v1::Account;
using budget::v1::AccountRow;
using budget::v1::Posting;
using budget::v1::PostingRow;

// Numbers on disk, the same in every service that has money.
extern const store::Table<AccountRow> kAccounts;          // 0xf020: programme, year
extern const store::Table<PostingRow> kPostings;          // 0xf021: programme, number
extern const store::Index<PostingRow> kPostingsByRecord;  // 0xf022: programme, record
// 0xf023 is the audit.
extern const store::Index<PostingRow>
    kPostingsByReversed;  // 0xf024: programme, posting that is undone; unique

// The schema of a service with the tables of budgets.
store::Schema WithBudget(store::Schema schema);

struct Movement {
  Posting::Kind kind = Posting::KIND_UNSPECIFIED;  // any but CLOSE_YEAR and REVERSE
  base::Money amount;
  std::string programme;
  int year = 0;
  std::string record;                                   // see Posting
  std::string subject;                                  // whose command it is
  std::optional<base::Date> order_date = std::nullopt;  // of money that an order gives
};

// Posts a movement within one account. ALLOCATE opens the account; for any other one that is not
// there is empty. INVALID_FIELD for no amount; BUDGET_EXCEEDED (FAILED_PRECONDITION with
// QuotaFailure) when the bucket holds less, or YEAR_NOT_CLOSED (with it too) when that of an
// earlier year that is not closed holds something; YEAR_CLOSED, of an ALLOCATE also when a later
// year is closed: what goes in behind it would never come out. A refusal changes nothing. Cites
// `basis`.
absl::StatusOr<Posting> Post(store::Tx& tx, const Movement& movement,
                             const base::LegalBasis& basis);

// Posts a COMMIT or RELEASE of what was reserved for a record, or a PAY or UNCOMMIT of what was
// committed for it: out of the account that holds it, which is that of an earlier year as long as
// that is open. Nobody waits because a year was not closed, and nobody is paid with what another
// was promised; closing it carries what is left by then. What is paid is paid in `movement.year`,
// in whichever account it was. That one is also taken where no other is known to hold it. Else as
// Post.
absl::StatusOr<Posting> PostHeld(store::Tx& tx, Movement movement, const std::string& held_for,
                                 const base::LegalBasis& basis);

// Undoes a posting that was typed in wrongly, an ALLOCATE, RECOVER or RETURN, by one that names it
// and takes its money back to where it came from: in its account, or where that year is closed in
// the one to which its money was carried. Another person than posted it does so, once.
// POSTING_NOT_TYPED for any other kind; SEPARATION_OF_DUTIES; POSTING_REVERSED; BUDGET_EXCEEDED and
// YEAR_NOT_CLOSED as Post, where the money is decided on already; YEAR_CLOSED where that year was
// closed without carrying over and gave back what was free; NOT_FOUND.
absl::StatusOr<Posting> Reverse(store::Tx& tx, const std::string& posting,
                                const std::string& reason, const std::string& subject,
                                const base::LegalBasis& basis);

// Closes a financial year that is over: reserved and committed money goes on in the next year, and
// what is free too where it is carried over, else back to the budget. One posting, once: asked
// again, the same answer. YEAR_NOT_OVER; YEAR_NOT_CLOSED while an earlier one is open; YEAR_CLOSED
// when the next one, which would take the money, is closed; NOT_FOUND.
absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(store::Tx& tx, const std::string& programme,
                                                        int year, bool carry_over,
                                                        const std::string& subject,
                                                        const base::LegalBasis& basis);

// For rpc::Metrics::AddFigures, of the years that are not closed: nisi_budget_tenge by bucket, over
// all programmes; nisi_budget_years_not_closed, which of them are over and hold money that is not
// paid; and nisi_budget_least_available_ratio, of the programme of this year that has
// least left to decide on, which is not there while none has been given money.
std::function<std::vector<store::Figure>()> BudgetFigures(std::weak_ptr<store::Store> store);

// What does not hold, one line a finding: a part of the store's scrub.
absl::StatusOr<std::vector<std::string>> AuditBudget(const store::Reader& reader);

// The four methods that every service with money has; who may call them its proto says. Of
// AllocateBudget: ORDER_DATE_INVALID; ORDER_POSTED (ALREADY_EXISTS) when the account has money by
// an order of this number and date, whoever asks and by whatever request, unless it was undone.
absl::StatusOr<Account> AllocateBudget(const rpc::Call& call, store::Tx& tx,
                                       const budget::v1::AllocateBudgetRequest& request,
                                       const base::LegalBasis& basis);
absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(const rpc::Call& call, store::Tx& tx,
                                                        const budget::v1::CloseYearRequest& request,
                                                        bool carry_over,
                                                        const base::LegalBasis& basis);
// A fifth: what an order gave and was typed in wrongly. Of money that a record brought, as a
// repayment, POSTING_NOT_TYPED: it is undone with its record.
absl::StatusOr<Posting> ReversePosting(const rpc::Call& call, store::Tx& tx,
                                       const budget::v1::ReversePostingRequest& request,
                                       const base::LegalBasis& basis);
absl::StatusOr<rpc::Encoded<Account>> GetAccount(const store::Store& store, const rpc::Call& call,
                                                 const budget::v1::GetAccountRequest& request);
absl::StatusOr<rpc::Encoded<budget::v1::ListPostingsResponse>> ListPostings(
    const store::Store& store, const rpc::Call& call,
    const budget::v1::ListPostingsRequest& request);

}  // namespace nisi::cases
