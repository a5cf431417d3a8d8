#include "common/rpc/order_by.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"

namespace nisi::rpc {
namespace {

constexpr size_t kMaxChars = 500;

class OrderParser {
 public:
  OrderParser(absl::string_view text, absl::Span<const absl::string_view> allowed)
      : text_(text), allowed_(allowed) {}

  absl::StatusOr<std::vector<OrderKey>> Parse() {
    if (CodePoints(text_) > kMaxChars) {
      return Error(text_.size(), absl::StrCat("is over ", kMaxChars, " characters"));
    }
    SkipSpace();
    if (AtEnd()) return std::move(keys_);
    RETURN_IF_ERROR(Key());
    while (!AtEnd()) {
      if (text_[next_] != ',') return Error(next_, "a comma should stand here");
      ++next_;
      SkipSpace();
      RETURN_IF_ERROR(Key());
    }
    return std::move(keys_);
  }

 private:
  absl::Status Error(size_t position, absl::string_view problem) const {
    const size_t character = CodePoints(text_.substr(0, position)) + 1;
    return base::Refusal(absl::StatusCode::kInvalidArgument, "ORDER_INVALID",
                         "The order cannot be read.")
        .With("position", absl::StrCat(character))
        .Field("order_by", absl::StrCat("position ", character, ": ", problem));
  }

  bool AtEnd() const { return next_ >= text_.size(); }
  void SkipSpace() {
    while (!AtEnd() && text_[next_] == ' ') ++next_;
  }
  absl::string_view Word() {
    const size_t start = next_;
    while (!AtEnd() && (absl::ascii_isalnum(static_cast<unsigned char>(text_[next_])) ||
                        text_[next_] == '_' || text_[next_] == '.')) {
      ++next_;
    }
    return text_.substr(start, next_ - start);
  }

  // field [desc]
  absl::Status Key() {
    const size_t start = next_;
    const absl::string_view field = Word();
    if (field.empty()) return Error(start, "a field's name should stand here");
    if (std::find(allowed_.begin(), allowed_.end(), field) == allowed_.end()) {
      return Error(start, "the list has no order by this");
    }
    for (const OrderKey& key : keys_) {
      if (key.field == field) return Error(start, "the field is named twice");
    }
    SkipSpace();
    const size_t direction = next_;
    const absl::string_view word = Word();
    if (!word.empty() && word != "desc") return Error(direction, "only desc may follow a field");
    SkipSpace();
    keys_.push_back({std::string(field), !word.empty()});
    return absl::OkStatus();
  }

  const absl::string_view text_;
  const absl::Span<const absl::string_view> allowed_;
  size_t next_ = 0;
  std::vector<OrderKey> keys_;
};

}  // namespace

absl::StatusOr<std::vector<OrderKey>> ParseOrderBy(absl::string_view text,
                                                   absl::Span<const absl::string_view> allowed) {
  return OrderParser(text, allowed).Parse();
}

std::string CanonicalOrder(absl::Span<const OrderKey> keys) {
  return absl::StrJoin(keys, ", ", [](std::string* out, const OrderKey& key) {
    absl::StrAppend(out, key.field, key.descending ? " desc" : "");
  });
}

}  // namespace nisi::rpc
