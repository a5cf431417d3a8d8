#include "common/cases/checked.h"

#include "absl/strings/str_cat.h"

namespace nisi::cases {
namespace {

constexpr char kListed[] = "unreliable_entries";
constexpr char kEntry[] = "unreliable_entry_";  // and its number
constexpr char kPassed[] = "GATE_PASSED";
constexpr char kNotListed[] = "NOT_ON_A_LIST";

}  // namespace

void SetChecked(const char* name, const Checked& checked, Facts* facts) {
  const gate::v1::Notice& notice = checked.notice;
  facts->Set(name, gate::v1::Notice::Verdict_Name(notice.verdict()), notice.name(), notice.etag());
  const Listed& listed = checked.listed;
  facts->Set(kListed, absl::StrCat(listed.entries.size()), listed.source,
             absl::StrCat("position ", listed.position));
  for (size_t i = 0; i < listed.entries.size(); ++i) {
    const Listed::Entry& entry = listed.entries[i];
    facts->Set(absl::StrCat(kEntry, i + 1), entry.list, entry.name, entry.etag);
  }
}

absl::Status FindPassed(const Facts& facts, const char* name, const base::LegalBasis& basis,
                        decision::v1::Decision* decision) {
  ASSIGN_OR_RETURN(const std::string verdict, facts.Text(name));
  AddFinding(decision, kPassed, verdict == "PASSED", basis, facts, {name});
  if (!facts.Has(kListed)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t count, facts.Number(kListed));
  // As many as there were, so that one that is not stored is missed.
  std::vector<std::string> names{kListed};
  for (int64_t entry = 1; entry <= count; ++entry) names.push_back(absl::StrCat(kEntry, entry));
  AddFinding(decision, kNotListed, count == 0, basis, facts, names);
  return absl::OkStatus();
}

bool IsOfGate(absl::string_view rule) {
  return rule == kPassed || rule == kNotListed;
}

}  // namespace nisi::cases
