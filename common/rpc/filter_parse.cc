// Reading a filter's text.
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/base/text.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/filter.h"

namespace nisi::rpc {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

namespace {

constexpr size_t kMaxPathSteps = 8;

struct Literal {
  std::string text;
  size_t position = 0;
  bool quoted = false;
  bool wildcard = false;  // begins or ends with a * that is not escaped
};

bool IsNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

bool IsWordChar(char c) {
  return IsNameChar(c) || absl::string_view(".+-/:*").find(c) != absl::string_view::npos ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

// -?digits, nothing else: what SimpleAtoi takes beyond that (spaces, a plus) is refused.
bool IsWhole(absl::string_view text) {
  if (absl::StartsWith(text, "-")) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos;
}

bool IsDecimal(absl::string_view text) {
  return !text.empty() && (absl::ascii_isdigit(static_cast<unsigned char>(text.back())) != 0) &&
         text.find_first_not_of("0123456789.eE+-") == absl::string_view::npos &&
         text.front() != '+' && text.front() != '.';
}

}  // namespace

class FilterParser {
 public:
  FilterParser(absl::string_view text, const Descriptor& resource, const FilterPolicy& policy)
      : text_(text), resource_(resource), policy_(policy) {}

  absl::StatusOr<Filter> Parse() {
    if (CodePoints(text_) > policy_.max_chars) {
      return Error(text_.size(), absl::StrCat("is over ", policy_.max_chars, " characters"));
    }
    SkipSpace();
    if (AtEnd()) return std::move(filter_);
    ASSIGN_OR_RETURN(filter_.root_, Expression(0));
    if (!AtEnd()) return Error(next_, "an expression should end here");
    return std::move(filter_);
  }

 private:
  using Op = Filter::Op;
  using Kind = Filter::Kind;
  using Term = Filter::Term;

  // The position in characters, from 1. Never the text itself.
  absl::Status Error(size_t position, absl::string_view problem) const {
    const size_t character = CodePoints(text_.substr(0, position)) + 1;
    return base::Refusal(absl::StatusCode::kInvalidArgument, "FILTER_INVALID",
                         "The filter cannot be read.")
        .With("position", absl::StrCat(character))
        .Field("filter", absl::StrCat("position ", character, ": ", problem));
  }

  bool AtEnd() const { return next_ >= text_.size(); }
  char Peek() const { return AtEnd() ? '\0' : text_[next_]; }
  void SkipSpace() {
    while (!AtEnd() && IsSpace(text_[next_])) ++next_;
  }
  // After a value or a closing parenthesis.
  bool AtBoundary() const { return AtEnd() || IsSpace(Peek()) || Peek() == ')'; }

  bool AtKeyword(absl::string_view word) const {
    if (!absl::StartsWith(text_.substr(next_), word)) return false;
    const size_t after = next_ + word.size();
    return after >= text_.size() || IsSpace(text_[after]) || text_[after] == '(' ||
           text_[after] == ')';
  }
  bool TakeKeyword(absl::string_view word) {
    if (!AtKeyword(word)) return false;
    next_ += word.size();
    SkipSpace();
    return true;
  }

  int Add(Filter::Node node) {
    filter_.nodes_.push_back(std::move(node));
    return static_cast<int>(filter_.nodes_.size()) - 1;
  }
  // Adds `part` to the parts of a node of `kind`; a node of the same kind gives its own parts.
  void AddPart(Kind kind, int part, std::vector<int>* parts) const {
    const Filter::Node& node = filter_.nodes_[static_cast<size_t>(part)];
    if (node.kind == kind) {
      parts->insert(parts->end(), node.parts.begin(), node.parts.end());
    } else {
      parts->push_back(part);
    }
  }
  int Join(Kind kind, std::vector<int> parts) {
    if (parts.size() == 1) return parts.front();
    return Add({kind, 0, std::move(parts)});
  }

  // factor {[AND] factor}
  absl::StatusOr<int> Expression(int depth) {
    std::vector<int> parts;
    do {
      ASSIGN_OR_RETURN(const int factor, Factor(depth));
      AddPart(Kind::kAnd, factor, &parts);
      SkipSpace();
      if (AtEnd() || Peek() == ')') break;
      TakeKeyword("AND");
    } while (true);
    return Join(Kind::kAnd, std::move(parts));
  }

  // term {OR term}
  absl::StatusOr<int> Factor(int depth) {
    std::vector<int> parts;
    do {
      ASSIGN_OR_RETURN(const int term, NotTerm(depth));
      AddPart(Kind::kOr, term, &parts);
      SkipSpace();
    } while (TakeKeyword("OR"));
    return Join(Kind::kOr, std::move(parts));
  }

  absl::StatusOr<int> NotTerm(int depth) {
    bool negated = TakeKeyword("NOT");
    if (!negated && Peek() == '-') {
      negated = true;
      ++next_;
    }
    ASSIGN_OR_RETURN(const int simple, Simple(depth));
    return negated ? Add({Kind::kNot, 0, {simple}}) : simple;
  }

  absl::StatusOr<int> Simple(int depth) {
    if (Peek() != '(') return Restriction();
    if (depth >= policy_.max_depth) {
      return Error(next_, absl::StrCat("parentheses nest over ", policy_.max_depth, " deep"));
    }
    ++next_;
    SkipSpace();
    ASSIGN_OR_RETURN(const int inner, Expression(depth + 1));
    if (Peek() != ')') return Error(next_, "a closing parenthesis is missing");
    ++next_;
    if (!AtBoundary()) return Error(next_, "a space should follow");
    return inner;
  }

  absl::StatusOr<int> Restriction() {
    const size_t start = next_;
    if (static_cast<int>(filter_.terms_.size()) >= policy_.max_terms) {
      return Error(start, absl::StrCat("has over ", policy_.max_terms, " terms"));
    }
    Term term;
    RETURN_IF_ERROR(Path(&term));
    SkipSpace();
    const size_t op_position = next_;
    if (!TakeOp(&term.op)) {
      return Error(start, "a field, an operator and a value should stand here");
    }
    SkipSpace();
    ASSIGN_OR_RETURN(const Literal literal, Value());
    RETURN_IF_ERROR(Bind(op_position, literal, &term));
    filter_.terms_.push_back(std::move(term));
    return Add({Kind::kTerm, filter_.terms_.size() - 1, {}});
  }

  // name {. name}, looked up as it is read.
  absl::Status Path(Term* term) {
    const size_t start = next_;
    size_t end = start;
    while (end < text_.size() && (IsNameChar(text_[end]) || text_[end] == '.')) ++end;
    if (end == start || AtKeyword("AND") || AtKeyword("OR") || AtKeyword("NOT")) {
      return Error(start, "a field's name should stand here");
    }
    if (end < text_.size() && text_[end] == '(') {
      return Error(start, "functions are not supported");
    }
    if (!IsAllowed(text_.substr(start, end - start))) return NoSuchField(start, policy_.fields);
    const Descriptor* owner = &resource_;
    while (true) {
      const size_t name = next_;
      while (next_ < end && text_[next_] != '.') ++next_;
      const FieldDescriptor* field =
          owner == nullptr || term->path.size() >= kMaxPathSteps
              ? nullptr
              : owner->FindFieldByName(std::string(text_.substr(name, next_ - name)));
      if (field == nullptr || field->is_map() || field->type() == FieldDescriptor::TYPE_BYTES) {
        return NoSuchField(start, FieldsOf(owner));
      }
      term->path.push_back(field);
      const bool plain = field->message_type() != nullptr &&
                         WellKnownOf(*field->message_type()) == WellKnown::kNone;
      owner = plain ? field->message_type() : nullptr;
      if (next_ == end) break;
      ++next_;  // the dot
    }
    return CheckConfidential(*term);
  }

  // Those of a message that may be asked for.
  static std::vector<std::string> FieldsOf(const Descriptor* owner) {
    std::vector<std::string> names;
    for (int i = 0; owner != nullptr && i < owner->field_count(); ++i) {
      const FieldDescriptor& field = *owner->field(i);
      const bool none = field.is_map() || field.type() == FieldDescriptor::TYPE_BYTES ||
                        RuleOf(field).data_class() == v1::CONFIDENTIAL;
      if (!none) names.push_back(field.name());
    }
    return names;
  }

  // With the names that may stand there instead, where they are not too many to be of use.
  absl::Status NoSuchField(size_t start, const std::vector<std::string>& names) const {
    constexpr size_t kLongest = 500;
    const std::string all = absl::StrJoin(names, ", ");
    if (all.empty() || all.size() > kLongest) return Error(start, "no such field");
    return Error(start, absl::StrCat("no such field; there are ", all));
  }

  bool IsAllowed(absl::string_view path) const {
    if (policy_.fields.empty()) return true;
    for (const std::string& field : policy_.fields) {
      if (path == field || absl::StartsWith(path, absl::StrCat(field, "."))) return true;
    }
    return false;
  }

  static absl::Status CheckConfidential(const Term& term) {
    for (const FieldDescriptor* field : term.path) {
      if (RuleOf(*field).data_class() != v1::CONFIDENTIAL) continue;
      return base::Refusal(absl::StatusCode::kPermissionDenied, "FILTER_CONFIDENTIAL",
                           "Nobody may filter by a confidential field.")
          .With("field", Filter::PathOf(term));
    }
    return absl::OkStatus();
  }

  bool TakeOp(Op* op) {
    static constexpr std::pair<absl::string_view, Op> kOps[] = {
        {"!=", Op::kNe}, {"<=", Op::kLe}, {">=", Op::kGe}, {"=", Op::kEq},
        {"<", Op::kLt},  {">", Op::kGt},  {":", Op::kHas}};
    for (const auto& [spelling, meaning] : kOps) {
      if (!absl::StartsWith(text_.substr(next_), spelling)) continue;
      next_ += spelling.size();
      *op = meaning;
      return true;
    }
    return false;
  }

  absl::StatusOr<Literal> Value() {
    Literal literal;
    literal.position = next_;
    if (Peek() == '"' || Peek() == '\'') {
      RETURN_IF_ERROR(QuotedText(&literal));
    } else {
      while (!AtEnd() && IsWordChar(Peek())) literal.text += text_[next_++];
      if (literal.text.empty() || literal.text == "AND" || literal.text == "OR" ||
          literal.text == "NOT") {
        return Error(literal.position, "a value should stand here");
      }
      if (Peek() == '(') return Error(literal.position, "functions are not supported");
      literal.wildcard = literal.text.front() == '*' || literal.text.back() == '*';
    }
    if (!AtBoundary()) return Error(next_, "a space should follow");
    return literal;
  }

  absl::Status QuotedText(Literal* literal) {
    const char quote = text_[next_++];
    literal->quoted = true;
    bool star_last = false;
    while (!AtEnd() && Peek() != quote) {
      char c = text_[next_++];
      star_last = c == '*';
      if (star_last && literal->text.empty()) literal->wildcard = true;
      if (c == '\\') {
        c = Unescaped(Peek());
        if (c == '\0') return Error(next_ - 1, "no such escape");
        ++next_;
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        return Error(next_ - 1, "a control character must be escaped");
      }
      literal->text += c;
    }
    if (AtEnd()) return Error(literal->position, "a closing quote is missing");
    ++next_;
    literal->wildcard = literal->wildcard || star_last;
    if (!IsPlainAscii(literal->text) && !CheckLine(/*multiline=*/true, &literal->text).ok()) {
      return Error(literal->position, "the text holds characters that no text here has");
    }
    return absl::OkStatus();
  }

  static char Unescaped(char c) {
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case '\\':
      case '"':
      case '\'':
      case '*':
        return c;
      default:
        return '\0';
    }
  }

  // Gives the term its value in the type of its field.
  absl::Status Bind(size_t op_position, const Literal& literal, Term* term) const {
    const FieldDescriptor& field = *term->path.back();
    if (term->op == Op::kHas && !literal.quoted && literal.text == "*") {
      term->op = Op::kPresent;
      return absl::OkStatus();
    }
    bool many = false;
    for (const FieldDescriptor* step : term->path) many = many || step->is_repeated();
    if (many && term->op != Op::kHas) return Error(op_position, "a repeated field takes only ':'");
    const bool orders = term->op != Op::kEq && term->op != Op::kNe && term->op != Op::kHas;
    const bool unordered = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL ||
                           field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
    if (orders && unordered) return Error(op_position, "this field has no order: use = or !=");
    if (RuleOf(field).format() == v1::DECIMAL) return BindQuantity(literal, many, term);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      return BindText(literal, term);
    }
    if (term->op == Op::kHas && !many) term->op = Op::kEq;
    if (literal.quoted && field.message_type() == nullptr &&
        field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM) {
      return Error(literal.position, "a number, true or false stands without quotes");
    }
    if (const char* problem = BindTyped(field, literal.text, term)) {
      return Error(literal.position, problem);
    }
    return absl::OkStatus();
  }

  absl::Status BindText(const Literal& literal, Term* term) const {
    if (literal.wildcard) {
      return Error(literal.position, "wildcards are not supported: use ':', or \\* for the sign");
    }
    term->text = literal.text;
    if (!literal.quoted && !IsPlainAscii(term->text) &&
        !CheckLine(/*multiline=*/false, &term->text).ok()) {
      return Error(literal.position, "the text holds characters that no text here has");
    }
    term->folded = base::FoldForSearch(term->text);
    return absl::OkStatus();
  }

  // In one spelling, so that 5 and 5.0 are the same.
  absl::Status BindQuantity(const Literal& literal, bool many, Term* term) const {
    const auto quantity = base::Quantity::Parse(literal.text);
    if (!quantity.ok()) return Error(literal.position, "a quantity as 1250.5 should stand here");
    if (term->op == Op::kHas && !many) term->op = Op::kEq;
    term->is_quantity = true;
    term->integer = quantity->thousandths();
    term->text = quantity->ToString();
    return absl::OkStatus();
  }

  template <class T>
  static const char* BindInteger(absl::string_view text, Term* term) {
    T value{};
    if (!IsWhole(text) || !absl::SimpleAtoi(text, &value))
      return "a whole number should stand here";
    if constexpr (std::is_same_v<T, uint64_t>) {
      term->natural = value;
    } else {
      term->integer = value;
    }
    return nullptr;
  }

  static const char* BindTyped(const FieldDescriptor& field, const std::string& text, Term* term) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return BindInteger<int32_t>(text, term);
      case FieldDescriptor::CPPTYPE_UINT32:
        return BindInteger<uint32_t>(text, term);
      case FieldDescriptor::CPPTYPE_INT64:
        return BindInteger<int64_t>(text, term);
      case FieldDescriptor::CPPTYPE_UINT64:
        return BindInteger<uint64_t>(text, term);
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        if (!IsDecimal(text) || !absl::SimpleAtod(text, &term->real) ||
            !std::isfinite(term->real)) {
          return "a number should stand here";
        }
        return nullptr;
      case FieldDescriptor::CPPTYPE_BOOL:
        term->integer = text == "true" ? 1 : 0;
        return text == "true" || text == "false" ? nullptr : "true or false should stand here";
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* value = field.enum_type()->FindValueByName(text);
        if (value == nullptr) return "the name of one of the field's values should stand here";
        term->integer = value->number();
        return nullptr;
      }
      default:
        return BindMessage(field, text, term);
    }
  }

  static const char* BindMessage(const FieldDescriptor& field, const std::string& text,
                                 Term* term) {
    switch (WellKnownOf(*field.message_type())) {
      case WellKnown::kDate: {
        const auto date = base::Date::Parse(text);
        if (!date.ok()) return "a date as 2026-01-31 should stand here";
        term->integer = date->year() * 10'000 + date->month() * 100 + date->day();
        return nullptr;
      }
      case WellKnown::kTimestamp: {
        absl::Time time;
        std::string ignored;
        // The 'T' at its place keeps out what ParseTime takes beyond RFC 3339 (spaces,
        // "infinite-past").
        if (text.size() < 20 || text[10] != 'T' ||
            !absl::ParseTime(absl::RFC3339_full, text, &time, &ignored)) {
          return "a time as 2026-01-31T10:00:00Z should stand here";
        }
        term->integer = absl::ToUnixSeconds(time);
        term->nanos = static_cast<int32_t>(
            absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(term->integer)));
        return IsSane({term->integer, term->nanos}) ? nullptr
                                                    : "a time of 1990 to 2199 should stand here";
      }
      case WellKnown::kMoney: {
        const auto sum = base::Money::Parse(text);
        if (!sum.ok()) return "a sum in tenge as 1250.50 should stand here";
        term->integer = sum->tiyn();
        return nullptr;
      }
      default:
        return "this field is a message: ask for one of its fields, or :* whether it is set";
    }
  }

  const absl::string_view text_;
  const Descriptor& resource_;
  const FilterPolicy& policy_;
  size_t next_ = 0;
  Filter filter_;
};

absl::StatusOr<Filter> Filter::Parse(absl::string_view text, const Descriptor* resource,
                                     const FilterPolicy& policy) {
  return FilterParser(text, *resource, policy).Parse();
}

}  // namespace nisi::rpc
