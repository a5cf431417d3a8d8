#include "common/search/document.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace nisi::search {
namespace {

constexpr size_t kKatoDigits = 9;

}  // namespace

std::optional<PlaceRange> PlacesUnder(absl::string_view beginning) {
  if (beginning.empty()) return PlaceRange{};
  if (beginning.size() > kKatoDigits ||
      !std::all_of(beginning.begin(), beginning.end(), absl::ascii_isdigit)) {
    return std::nullopt;
  }
  PlaceRange range{0, 0};
  for (size_t at = 0; at < kKatoDigits; ++at) {
    const bool given = at < beginning.size();
    const auto digit = given ? static_cast<uint32_t>(beginning[at] - '0') : 0U;
    range.first = range.first * 10 + digit;
    range.last = range.last * 10 + (given ? digit : 9U);
  }
  return range;
}

uint32_t PlaceOf(absl::string_view kato) {
  const auto range = PlacesUnder(kato);
  return kato.size() == kKatoDigits && range.has_value() ? range->first : 0;
}

void Document::Add(uint32_t term, bool name) {
  if (terms_.size() >= kMaxTerms && !terms_.contains(term)) return;
  bool& in_names = terms_[term];
  in_names = in_names || name;
}

void Document::AddText(absl::string_view text, Language language, bool name) {
  if (terms_.empty()) terms_.reserve(64);
  // The dictionary of the analyzer may be another by now, when documents were made meanwhile.
  Analyzer& analyzer = Analyzer::OfThread();
  if (analyzer.dictionary() == dictionary_) {
    analyzer.VisitNumbers(text, language, [&](uint32_t term) { Add(term, name); });
    return;
  }
  analyzer.VisitTerms(text, language, [&](absl::string_view term) {
    Add(dictionary_->NumberOf(kWordTag, term), name);
  });
}

void Document::AddCode(char tag, absl::string_view code, std::initializer_list<size_t> beginnings) {
  if (code.empty() || code.size() > kMaxTermBytes) return;
  for (const size_t length : beginnings) {
    if (length < code.size()) Add(dictionary_->NumberOf(tag, code.substr(0, length)), false);
  }
  Add(dictionary_->NumberOf(tag, code), false);
}

uint64_t Document::TermsHash() const {
  uint64_t sum = 0;
  for (const auto& [term, name] : terms_)
    sum += name ? (*dictionary_)[term].hash_in_names : (*dictionary_)[term].hash;
  return sum;
}

}  // namespace nisi::search
