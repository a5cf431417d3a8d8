#include "tools/nisi/fit.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace nisi::cli {
namespace {

constexpr int kGap = 2;
// Cells wider than this are text.
constexpr int kLongestValue = 20;
constexpr int kShortestText = 16;
constexpr int kShortestHeading = 10;
// "editions/12/entries/8504231000", "assessments/" and 20 digits.
constexpr int kLongestKey = 32;
constexpr int kNarrowest = 8;

enum Rank { kTelling, kPlain, kMinor, kBookkeeping };

bool IsOneOf(absl::string_view name, std::initializer_list<absl::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool EndsOneOf(absl::string_view name, std::initializer_list<absl::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](absl::string_view end) { return absl::EndsWith(name, end); });
}

// The protos name like things alike, so that a new package needs nothing here.
bool IsTelling(absl::string_view field) {
  return IsOneOf(field, {"name", "code", "position", "record_time", "state", "status", "kind",
                         "verdict", "outcome", "points", "method", "record", "id", "verb",
                         "changes", "changed_fields"}) ||
         EndsOneOf(field, {"_code", "_level", "_date", "_from", "_until"});
}

// How a record came about rather than what it says.
bool IsBookkeeping(absl::string_view field) {
  return IsOneOf(field, {"etag", "key", "key_id", "signature", "request_id", "actor", "assessor",
                         "legal_basis"}) ||
         EndsOneOf(field, {"_time", "_by", "_hash"});
}

// What stands for a column while a table is fitted.
struct Plan {
  bool shown = true;
  int rank = kTelling;
  // Not cut below the first, or below the second where telling columns alone are too wide.
  int least = 0;
  int hardly = 0;
};

std::vector<Plan> PlansOf(const std::vector<FitColumn>& columns) {
  std::vector<Plan> plans;
  bool text_seen = false;
  for (const FitColumn& column : columns) {
    const absl::string_view name = column.name;
    const size_t dot = name.rfind('.');
    const absl::string_view field = dot == absl::string_view::npos ? name : name.substr(dot + 1);
    const bool first = plans.empty();
    const bool nested = !first && dot != absl::string_view::npos;
    const bool text = column.cells > kLongestValue;
    Plan plan;
    plan.shown = column.shown;
    if (first || IsTelling(field)) {
      plan.least = std::min(column.whole, kLongestKey);
      plan.hardly = std::min(column.whole, kShortestText);
    } else if (text) {
      plan.least = kShortestText;
      plan.hardly = kShortestHeading;
      plan.rank = IsBookkeeping(field) ? kBookkeeping : text_seen || nested ? kMinor : kTelling;
      text_seen |= plan.rank == kTelling;
    } else {
      // A heading is no reason to keep a column of small numbers wide.
      plan.least = std::max(column.cells, std::min(column.whole, kShortestHeading));
      plan.hardly = plan.least;
      plan.rank = IsBookkeeping(field) ? kBookkeeping : kPlain;
    }
    if (nested) plan.rank = std::min<int>(plan.rank + 1, kBookkeeping);
    plans.push_back(plan);
  }
  return plans;
}

int Total(const std::vector<int>& widths) {
  int total = -kGap;
  for (const int width : widths) total += width > 0 ? width + kGap : 0;
  return std::max(total, 0);
}

// Leaves columns out, the least telling and of these the last first. Two stay.
void LeaveOut(int width, std::vector<Plan>* plans) {
  bool hard = false;
  while (true) {
    std::vector<int> least;
    Plan* out = nullptr;
    for (Plan& plan : *plans) {
      if (!plan.shown) continue;
      least.push_back(plan.least);
      if (out == nullptr || plan.rank >= out->rank) out = &plan;
    }
    if (least.size() <= 2 || Total(least) <= width) return;
    if (out->rank == kTelling && !hard) {
      hard = true;
      for (Plan& plan : *plans) plan.least = plan.hardly;
    } else {
      out->shown = false;
    }
  }
}

// Takes from the least telling, and of these the widest, that has more than its least. False when
// none has.
bool TakeOne(const std::vector<Plan>& plans, std::vector<int>* widths) {
  size_t from = plans.size();
  for (size_t i = 0; i < plans.size(); ++i) {
    if ((*widths)[i] <= plans[i].least) continue;
    const bool better = from == plans.size() || plans[i].rank > plans[from].rank ||
                        (plans[i].rank == plans[from].rank && (*widths)[i] > (*widths)[from]);
    if (better) from = i;
  }
  if (from < plans.size()) --(*widths)[from];
  return from < plans.size();
}

}  // namespace

std::vector<int> FitColumns(const std::vector<FitColumn>& columns, int width, bool may_leave_out) {
  std::vector<int> widths;
  for (const FitColumn& column : columns) widths.push_back(column.shown ? column.whole : 0);
  if (Total(widths) <= width) return widths;
  std::vector<Plan> plans = PlansOf(columns);
  if (may_leave_out) LeaveOut(width, &plans);
  for (size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i].shown) widths[i] = 0;
  }
  while (Total(widths) > width && TakeOne(plans, &widths)) {
  }
  for (Plan& plan : plans) plan.least = kNarrowest;
  while (Total(widths) > width && TakeOne(plans, &widths)) {
  }
  return widths;
}

}  // namespace nisi::cli
