// List filters: a strict subset of AIP-160.
//
//   color = "red" AND (weight >= 5 OR tags:heavy) made_on > 2026-01-01 -note:"test"
//
// - `field = value`, `!=`, `<`, `<=`, `>`, `>=`, `field:value`; AND, OR, NOT or `-`, parentheses.
//   OR binds tighter than AND, and two terms side by side are joined by AND, both as AIP-160 has
//   it. Bare words are refused.
// - A field may lie in a sub-message: `row.note = "x"`. Below a repeated message only `:` may ask,
//   for any item.
// - Values: text, quoted or one word of letters, digits and `_ . + - / :`; whole and decimal
//   numbers; true, false; names of enum values; 2026-01-31 for a date; 2026-01-31T10:00:00Z for a
//   time; 1250.50 for a sum in tenge. Quotes are " or ', with the escapes \\ \" \' \* \n \t; a text
//   that begins or ends with a bare * is refused, for AIP-160 means a wildcard by it.
// - `:` on text: contains, as people search (any case, ё as е). On a repeated field: has such an
//   item. On other fields: equals. `field:*`: is set.
// - Text orders by bytes, but quantities (DECIMAL) as the numbers they are; enums, bools and
//   repeated fields have no order.
// - A comparison below or of an unset message (date, time and sum included) is false, `!=` too; NOT
//   then makes it true. So is one of a quantity that is not given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

struct FilterPolicy {
  // Paths that may be asked for; empty: every field of the resource.
  std::vector<std::string> fields;
  size_t max_chars = 2'000;
  int max_depth = 5;  // of parentheses
  int max_terms = 100;
};

class Filter {
 public:
  // INVALID_ARGUMENT, reason FILTER_INVALID, BadRequest field "filter", with the position of the
  // first character that is wrong, counted from 1. PERMISSION_DENIED, reason FILTER_CONFIDENTIAL,
  // for a confidential field, whoever asks: what matches would tell it. Neither repeats the text.
  // An empty text is a filter that everything matches.
  static absl::StatusOr<Filter> Parse(absl::string_view text,
                                      const google::protobuf::Descriptor* resource,
                                      const FilterPolicy& policy = {});

  // `resource` is of the type given to Parse.
  bool Matches(const google::protobuf::Message& resource) const;

  bool empty() const { return root_ < 0; }

  // The value that `field` must equal (or, repeated, hold) for anything to match, because the
  // filter says so at its top level: text as it is, an enum by its name, a number in decimal, a
  // date as 2026-01-31, a sum as 1250.50, a quantity as 1250.500. Where the filter says it twice,
  // the first one. So a List can pick an index; it must still ask Matches unless IsFullyCoveredBy.
  std::optional<std::string> EqualityOn(absl::string_view field) const;

  // Whether the filter is nothing but such equalities, each on another of `fields`: a List that
  // looked all of them up in an index need not look at the rows.
  bool IsFullyCoveredBy(absl::Span<const absl::string_view> fields) const;

  // The same filter in one spelling: two texts that differ in spaces, quotes or needless
  // parentheses give the same. Parsing it gives the same filter again.
  std::string Canonical() const;

 private:
  friend class FilterParser;

  enum class Op { kEq, kNe, kLt, kLe, kGt, kGe, kHas, kPresent };
  struct Term {
    std::vector<const google::protobuf::FieldDescriptor*> path;
    Op op = Op::kEq;
    // The value, in the form its field's type needs.
    std::string text;    // strings
    std::string folded;  // for `:` on text
    // Integers, enums, bools, dates as YYYYMMDD, seconds of times, tiyn, thousandths of quantities.
    int64_t integer = 0;
    uint64_t natural = 0;  // uint64
    double real = 0;
    int32_t nanos = 0;
    bool is_quantity = false;
  };
  enum class Kind { kTerm, kAnd, kOr, kNot };
  struct Node {
    Kind kind = Kind::kTerm;
    size_t term = 0;
    std::vector<int> parts;
  };

  static bool Holds(const Term& term, const google::protobuf::Message& message, size_t step);
  static bool Compare(const Term& term, const google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field, int index);
  static bool HoldsText(const Term& term, const std::string& value, bool item);
  static std::string ValueOf(const Term& term);
  static std::string PathOf(const Term& term);

  bool Evaluate(int node, const google::protobuf::Message& message) const;
  // The terms that must all hold; *only is false when the top level says more than these.
  std::vector<const Term*> TopTerms(bool* only) const;
  static bool IsEquality(const Term& term);
  void Print(int node, std::string* out) const;

  std::vector<Term> terms_;
  std::vector<Node> nodes_;
  int root_ = -1;
};

}  // namespace nisi::rpc
