#include "tools/nisi/own_flags.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "tools/nisi/names.h"

namespace nisi::cli {

std::vector<std::string> CandidatesOf(const rpc::Flags& flags,
                                      const std::vector<std::string>& words) {
  const std::string before = words.size() > 1 ? words[words.size() - 2] : "";
  std::vector<std::string> all;
  for (const rpc::Flags::Offer& offer : flags.Offers()) {
    if (offer.takes_value && offer.name == before) return {kFileCandidate};
    all.push_back(absl::StrCat(offer.name, "\t", offer.help));
  }
  return all;
}

std::string ProblemOf(const absl::Status& refused, const rpc::Flags& flags) {
  const auto info = base::InfoOf(refused);
  const auto given = info.metadata().find("flag");
  std::vector<std::string> names;
  for (const rpc::Flags::Offer& offer : flags.Offers()) names.push_back(offer.name);
  std::string meant = given == info.metadata().end() ? "" : DidYouMean(given->second, names);
  // One that is there was given wrongly.
  if (!meant.empty() && meant == absl::StrCat(" Did you mean ", given->second, "?")) meant.clear();
  return absl::StrCat(refused.message(), meant.empty() ? "" : ".", meant);
}

}  // namespace nisi::cli
