// What a filter says about a message. Reading its text is in filter_parse.cc.
#include "common/rpc/filter.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/base/decimal.h"
#include "common/base/money.h"
#include "common/base/text.h"
#include "common/rpc/field_rules.h"

namespace nisi::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <class T, class Op>
bool Ordered(Op op, const T& left, const T& right) {
  switch (op) {
    case Op::kNe:
      return left != right;
    case Op::kLt:
      return left < right;
    case Op::kLe:
      return left <= right;
    case Op::kGt:
      return left > right;
    case Op::kGe:
      return left >= right;
    default:
      return left == right;
  }
}

int64_t Integer(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return index < 0 ? r.GetInt32(message, &field) : r.GetRepeatedInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return index < 0 ? r.GetUInt32(message, &field) : r.GetRepeatedUInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_BOOL:
      return static_cast<int64_t>(index < 0 ? r.GetBool(message, &field)
                                            : r.GetRepeatedBool(message, &field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return index < 0 ? r.GetEnumValue(message, &field)
                       : r.GetRepeatedEnumValue(message, &field, index);
    default:
      return index < 0 ? r.GetInt64(message, &field) : r.GetRepeatedInt64(message, &field, index);
  }
}

double Real(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
    return static_cast<double>(index < 0 ? r.GetFloat(message, &field)
                                         : r.GetRepeatedFloat(message, &field, index));
  }
  return index < 0 ? r.GetDouble(message, &field) : r.GetRepeatedDouble(message, &field, index);
}

std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      if (c == '"' || c == '\\' || c == '*') out += '\\';
      out += c;
    }
  }
  return out += '"';
}

}  // namespace

bool Filter::HoldsText(const Term& term, const std::string& value, bool item) {
  if (term.is_quantity) {
    const auto quantity = base::Quantity::Parse(value);
    return quantity.ok() && Ordered(term.op, quantity->thousandths(), term.integer);
  }
  if (term.op != Op::kHas || item) return Ordered(term.op, value, term.text);
  return absl::StrContains(base::FoldForSearch(value), term.folded);
}

bool Filter::Compare(const Term& term, const Message& message, const FieldDescriptor& field,
                     int index) {
  const Reflection& r = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return HoldsText(term,
                       index < 0 ? r.GetStringReference(message, &field, &scratch)
                                 : r.GetRepeatedStringReference(message, &field, index, &scratch),
                       index >= 0);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return Ordered(
          term.op,
          index < 0 ? r.GetUInt64(message, &field) : r.GetRepeatedUInt64(message, &field, index),
          term.natural);
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Ordered(term.op, Real(message, field, index), term.real);
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const Message& part =
          index < 0 ? r.GetMessage(message, &field) : r.GetRepeatedMessage(message, &field, index);
      switch (WellKnownOf(*field.message_type())) {
        case WellKnown::kDate:
          return Ordered(term.op, int64_t{DateNumber(part)}, term.integer);
        case WellKnown::kMoney: {
          const auto sum = MoneyOf(part);
          return sum.ok() && Ordered(term.op, sum->tiyn(), term.integer);
        }
        default:
          return Ordered(term.op, InstantOf(part), Instant{term.integer, term.nanos});
      }
    }
    default:
      return Ordered(term.op, Integer(message, field, index), term.integer);
  }
}

bool Filter::Holds(const Term& term, const Message& message, size_t step) {
  const FieldDescriptor& field = *term.path[step];
  const Reflection& reflection = *message.GetReflection();
  const bool last = step + 1 == term.path.size();
  if (field.is_repeated()) {
    const int size = reflection.FieldSize(message, &field);
    if (last && term.op == Op::kPresent) return size > 0;
    for (int i = 0; i < size; ++i) {
      if (last ? Compare(term, message, field, i)
               : Holds(term, reflection.GetRepeatedMessage(message, &field, i), step + 1)) {
        return true;
      }
    }
    return false;
  }
  if (last && term.op == Op::kPresent) return reflection.HasField(message, &field);
  if (field.has_presence() && !reflection.HasField(message, &field)) return false;
  if (last) return Compare(term, message, field, -1);
  return Holds(term, reflection.GetMessage(message, &field), step + 1);
}

bool Filter::Evaluate(int node, const Message& message) const {
  const Node& n = nodes_[static_cast<size_t>(node)];
  const auto holds = [&](int part) { return Evaluate(part, message); };
  switch (n.kind) {
    case Kind::kTerm:
      return Holds(terms_[n.term], message, 0);
    case Kind::kAnd:
      return std::all_of(n.parts.begin(), n.parts.end(), holds);
    case Kind::kOr:
      return std::any_of(n.parts.begin(), n.parts.end(), holds);
    case Kind::kNot:
      return !holds(n.parts.front());
  }
  return false;
}

bool Filter::Matches(const Message& resource) const {
  return root_ < 0 || Evaluate(root_, resource);
}

std::string Filter::PathOf(const Term& term) {
  std::string path;
  for (const FieldDescriptor* field : term.path) {
    absl::StrAppend(&path, path.empty() ? "" : ".", field->name());
  }
  return path;
}

std::string Filter::ValueOf(const Term& term) {
  const FieldDescriptor& field = *term.path.back();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return term.text;
    case FieldDescriptor::CPPTYPE_BOOL:
      return term.integer != 0 ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return field.enum_type()->FindValueByNumber(static_cast<int>(term.integer))->name();
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(term.natural);
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrFormat("%.17g", term.real);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (WellKnownOf(*field.message_type()) == WellKnown::kDate) {
        return absl::StrFormat("%04d-%02d-%02d", term.integer / 10'000, term.integer / 100 % 100,
                               term.integer % 100);
      }
      if (WellKnownOf(*field.message_type()) == WellKnown::kMoney) {
        return base::FormatDecimal(term.integer, 2);
      }
      return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ",
                              absl::FromUnixSeconds(term.integer) + absl::Nanoseconds(term.nanos),
                              absl::UTCTimeZone());
    default:
      return absl::StrCat(term.integer);
  }
}

bool Filter::IsEquality(const Term& term) {
  for (size_t i = 0; i + 1 < term.path.size(); ++i) {
    if (term.path[i]->is_repeated()) return false;
  }
  return term.op == Op::kEq || (term.op == Op::kHas && term.path.back()->is_repeated());
}

std::vector<const Filter::Term*> Filter::TopTerms(bool* only) const {
  std::vector<const Term*> terms;
  *only = true;
  if (root_ < 0) return terms;
  const Node& root = nodes_[static_cast<size_t>(root_)];
  const auto take = [&](const Node& node) {
    if (node.kind == Kind::kTerm) {
      terms.push_back(&terms_[node.term]);
    } else {
      *only = false;
    }
  };
  if (root.kind != Kind::kAnd) {
    take(root);
    return terms;
  }
  for (const int part : root.parts) take(nodes_[static_cast<size_t>(part)]);
  return terms;
}

std::optional<std::string> Filter::EqualityOn(absl::string_view field) const {
  bool only = true;
  for (const Term* term : TopTerms(&only)) {
    if (IsEquality(*term) && PathOf(*term) == field) return ValueOf(*term);
  }
  return std::nullopt;
}

bool Filter::IsFullyCoveredBy(absl::Span<const absl::string_view> fields) const {
  bool only = true;
  const std::vector<const Term*> terms = TopTerms(&only);
  if (!only) return false;
  std::vector<std::string> seen;
  for (const Term* term : terms) {
    std::string path = PathOf(*term);
    if (!IsEquality(*term) || std::find(fields.begin(), fields.end(), path) == fields.end() ||
        std::find(seen.begin(), seen.end(), path) != seen.end()) {
      return false;
    }
    seen.push_back(std::move(path));
  }
  return true;
}

void Filter::Print(int node, std::string* out) const {
  static constexpr absl::string_view kOps[] = {" = ", " != ", " < ", " <= ", " > ", " >= ", ":"};
  const Node& n = nodes_[static_cast<size_t>(node)];
  if (n.kind == Kind::kTerm) {
    const Term& term = terms_[n.term];
    absl::StrAppend(out, PathOf(term));
    if (term.op == Op::kPresent) {
      absl::StrAppend(out, ":*");
      return;
    }
    const bool text = term.path.back()->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    absl::StrAppend(out, kOps[static_cast<size_t>(term.op)],
                    text ? Quoted(term.text) : ValueOf(term));
    return;
  }
  if (n.kind == Kind::kNot) absl::StrAppend(out, "NOT ");
  bool first = true;
  for (const int part : n.parts) {
    if (!first) absl::StrAppend(out, n.kind == Kind::kAnd ? " AND " : " OR ");
    first = false;
    // OR within AND needs none, for it binds tighter.
    const Kind kind = nodes_[static_cast<size_t>(part)].kind;
    const bool parentheses =
        n.kind == Kind::kNot ? kind != Kind::kTerm : n.kind == Kind::kOr && kind == Kind::kAnd;
    if (parentheses) out->push_back('(');
    Print(part, out);
    if (parentheses) out->push_back(')');
  }
}

std::string Filter::Canonical() const {
  std::string out;
  if (root_ >= 0) Print(root_, &out);
  return out;
}

}  // namespace nisi::rpc
