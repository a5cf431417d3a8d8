#include "common/cases/edition_rules.h"

#include "absl/strings/match.h"

namespace nisi::cases {

absl::Status CheckNamed(const std::string& kk, const std::string& ru, const std::string& field) {
  return kk.empty() && ru.empty()
             ? base::InvalidField(field, "a name in Kazakh or Russian is needed")
             : absl::OkStatus();
}

absl::Status FindApproval(const Facts& facts, const char* approved_by,
                          const base::LegalBasis& approval, const base::LegalBasis& list,
                          decision::v1::Decision* decision) {
  ASSIGN_OR_RETURN(const std::string drafter, facts.Text(kDraftedBy));
  ASSIGN_OR_RETURN(const std::string submitter, facts.Text(kSubmittedBy));
  ASSIGN_OR_RETURN(const std::string approver, facts.Text(approved_by));
  AddFinding(decision, "SEPARATION_OF_DUTIES", approver != drafter && approver != submitter,
             approval, facts, {kDraftedBy, kSubmittedBy, approved_by});
  ASSIGN_OR_RETURN(const int64_t count, facts.Number(kEntryCount));
  AddFinding(decision, "EDITION_NOT_EMPTY", count > 0, list, facts, {kEntryCount});
  ASSIGN_OR_RETURN(const base::Date ordered, facts.Date(kOrderDate));
  ASSIGN_OR_RETURN(const base::Date first, facts.Date(kEffectiveFrom));
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kApprovalDay));
  AddFinding(decision, "DATES_IN_ORDER", ordered <= today && ordered <= first && today <= first,
             approval, facts, {kOrderDate, kEffectiveFrom, kApprovalDay});
  return absl::OkStatus();
}

std::vector<std::string> Covering(const std::string& code) {
  std::vector<std::string> codes;
  for (size_t length = code.size(); length >= 4; length -= 2) {
    codes.push_back(code.substr(0, length));
  }
  return codes;
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

}  // namespace nisi::cases
