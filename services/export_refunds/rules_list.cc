#include "services/export_refunds/rules_list.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "services/export_refunds/errors.h"

namespace nisi::export_refunds {
namespace {

using cases::Facts;

// Among the facts of an approval.
constexpr char kApprovedBy[] = "approved_by";

absl::StatusOr<Decision> DecideList(const Facts& facts) {
  Decision decision;
  RETURN_IF_ERROR(
      cases::FindApproval(facts, kApprovedBy, errors::List(), errors::List(), &decision));
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

absl::StatusOr<Decision> ApproveList(const Edition& edition, const cases::EditionOrder& order,
                                     base::Date today, const norms::Norms& norms) {
  if (order.effective_from < order.date) {
    return base::InvalidField("effective_from", "must not be before order_date");
  }
  if (edition.entry_count() == 0) return cases::EditionEmpty(errors::List());
  if (order.date > today) return cases::OrderDateInvalid(errors::List());
  if (order.effective_from < today) return cases::EffectiveDayPast(errors::List());
  ASSIGN_OR_RETURN(Decision decision,
                   DecideList(cases::ApprovalFacts(edition, order, today, kApprovedBy)));
  decision.set_norms_edition(norms.edition());
  return decision;
}

absl::StatusOr<Decision> ReplayList(const Decision& stored) {
  return cases::Replay(stored, DecideList);
}

}  // namespace nisi::export_refunds
