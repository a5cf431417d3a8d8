#include "services/export_refunds/rules_list.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/cases/findings.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

using cases::Facts;

constexpr char kDraftedBy[] = "drafted_by";
constexpr char kSubmittedBy[] = "submitted_by";
constexpr char kApprovedBy[] = "approved_by";
constexpr char kEntryCount[] = "entry_count";
constexpr char kOrderDate[] = "order_date";
constexpr char kEffectiveFrom[] = "effective_from";
constexpr char kApprovalDay[] = "today";

absl::StatusOr<Decision> DecideList(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string drafter, facts.Text(kDraftedBy));
  ASSIGN_OR_RETURN(const std::string submitter, facts.Text(kSubmittedBy));
  ASSIGN_OR_RETURN(const std::string approver, facts.Text(kApprovedBy));
  cases::AddFinding(&decision, "SEPARATION_OF_DUTIES", approver != drafter && approver != submitter,
                    errors::List(), facts, {kDraftedBy, kSubmittedBy, kApprovedBy});
  ASSIGN_OR_RETURN(const int64_t count, facts.Number(kEntryCount));
  cases::AddFinding(&decision, "EDITION_NOT_EMPTY", count > 0, errors::List(), facts,
                    {kEntryCount});
  ASSIGN_OR_RETURN(const base::Date ordered, facts.Date(kOrderDate));
  ASSIGN_OR_RETURN(const base::Date first, facts.Date(kEffectiveFrom));
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kApprovalDay));
  cases::AddFinding(&decision, "DATES_IN_ORDER",
                    ordered <= today && ordered <= first && today <= first, errors::List(), facts,
                    {kOrderDate, kEffectiveFrom, kApprovalDay});
  decision.set_outcome(cases::AllSatisfied(decision) ? "APPROVED" : "REFUSED");
  return decision;
}

}  // namespace

absl::Status CheckEntry(const Entry& entry, const std::string& path) {
  const bool good = !entry.goods_code().empty();
  if (good == !entry.oked().empty()) {
    return base::InvalidField(absl::StrCat(path, ".goods_code"), "is given, or oked, and not both");
  }
  if (good == (entry.processing_level() != v1::PROCESSING_LEVEL_UNSPECIFIED)) {
    return absl::OkStatus();
  }
  return base::InvalidField(absl::StrCat(path, ".processing_level"),
                            good ? "is required of a good" : "belongs to goods only");
}

absl::Status CheckNamed(const std::string& kk, const std::string& ru, const std::string& field) {
  return kk.empty() && ru.empty()
             ? base::InvalidField(field, "a name in Kazakh or Russian is needed")
             : absl::OkStatus();
}

std::optional<std::string> FindOverlap(const std::set<std::string>& codes,
                                       const std::string& code) {
  const auto below = codes.lower_bound(code);
  if (below != codes.end() && absl::StartsWith(*below, code)) return *below;
  for (const std::string& above : Covering(code)) {
    if (codes.contains(above)) return above;
  }
  return std::nullopt;
}

std::vector<std::string> Covering(const std::string& code) {
  std::vector<std::string> codes;  // digits by twos, or NN.NN.N by a dot and a digit
  for (size_t length = code.size(); length >= 4; length -= 2) {
    codes.push_back(code.substr(0, length));
  }
  return codes;
}

absl::Status CheckCodePrefix(const std::string& prefix, const std::string& field) {
  constexpr absl::string_view kService = "NN.NN.N";
  bool good = prefix.size() % 2 == 0 && prefix.size() <= 10;
  bool service = prefix.size() <= kService.size();
  for (size_t i = 0; i < prefix.size(); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(prefix[i]));
    good = good && digit;
    service = service && (kService[i] == 'N' ? digit : prefix[i] == '.');
  }
  return good || service ? absl::OkStatus()
                         : base::InvalidField(field,
                                              "must be the beginning of a code: 2, 4, 6, 8 or 10 "
                                              "digits of a good, NN.NN.N or less of a service");
}

const base::Machine<Edition::State, ListVerb>& ListMachine() {
  using base::Duty;
  using S = Edition;
  using V = ListVerb;
  constexpr uint32_t kTrade = base::RoleBit(rpc::v1::AUTHORITY_TRADE);
  static const auto* const kMachine = new base::Machine<Edition::State, ListVerb>(
      "EDITION", S::State_descriptor(),
      {{"edit", errors::List, "EDITION_FROZEN"},
       {"submit", errors::List},
       {"return", errors::List},
       {"approve", errors::List},
       {"take effect", errors::List},
       {"supersede", errors::List},
       {"withdraw", errors::List}},
      {{{S::DRAFT, S::RETURNED},
        V::kEdit,
        base::kSame,
        kTrade,
        errors::List,
        {.duty = Duty::kPrepares}},
       {{S::DRAFT, S::RETURNED},
        V::kSubmit,
        S::SUBMITTED,
        kTrade,
        errors::List,
        {.duty = Duty::kPrepares}},
       {{S::SUBMITTED}, V::kReturn, S::RETURNED, kTrade, errors::List, {.duty = Duty::kDecides}},
       {{S::SUBMITTED}, V::kApprove, S::APPROVED, kTrade, errors::List, {.duty = Duty::kDecides}},
       {{S::APPROVED}, V::kTakeEffect, S::IN_FORCE, base::kByItself, errors::List},
       {{S::IN_FORCE}, V::kSupersede, S::SUPERSEDED, base::kByItself, errors::List},
       {{S::DRAFT, S::RETURNED}, V::kWithdraw, S::WITHDRAWN, kTrade, errors::List},
       // What was approved is not undone by whoever prepared it.
       {{S::SUBMITTED, S::APPROVED},
        V::kWithdraw,
        S::WITHDRAWN,
        kTrade,
        errors::List,
        {.duty = Duty::kDecides}}});
  return *kMachine;
}

bool IsPublished(Edition::State state) {
  return state == Edition::APPROVED || state == Edition::IN_FORCE || state == Edition::SUPERSEDED;
}

void ShowOn(base::Date day, const std::set<base::Date>& first_days, Edition* edition) {
  const auto first = base::Date::FromProto(edition->effective_from());
  if (!IsPublished(edition->state()) || !first.ok() || *first > day) return;
  if (edition->state() == Edition::APPROVED) edition->set_state(Edition::IN_FORCE);
  const auto next = first_days.upper_bound(*first);
  if (next == first_days.end() || *next > day) return;
  edition->set_state(Edition::SUPERSEDED);
  *edition->mutable_effective_until() = next->ToProto();
}

absl::StatusOr<Decision> ApproveList(const Edition& edition, const ListOrder& order,
                                     base::Date today, const norms::Norms& norms) {
  if (order.effective_from < order.date) {
    return base::InvalidField("effective_from", "must not be before order_date");
  }
  if (edition.entry_count() == 0) return errors::EditionEmpty();
  if (order.date > today) return errors::OrderDateInvalid();
  if (order.effective_from < today) return errors::EffectiveDayPast();
  Facts facts;
  facts.Set(kDraftedBy, edition.drafted_by(), edition.name(), edition.etag());
  facts.Set(kSubmittedBy, edition.submitted_by(), edition.name(), edition.etag());
  facts.Set(kEntryCount, absl::StrCat(edition.entry_count()), edition.name(), edition.etag());
  facts.Set(kApprovedBy, order.approver, edition.name(), order.etag);
  facts.Set(kOrderDate, order.date.ToString(), edition.name(), order.etag);
  facts.Set(kEffectiveFrom, order.effective_from.ToString(), edition.name(), order.etag);
  facts.Set(kApprovalDay, today.ToString(), "clock");
  ASSIGN_OR_RETURN(Decision decision, DecideList(facts));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayList(const Decision& stored) {
  return cases::Replay(stored, DecideList);
}

}  // namespace nisi::export_refunds
