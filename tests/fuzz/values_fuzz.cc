// The values that records are made of: what is taken has one spelling, which means the same, orders
// as the value does, and why a text is not taken never holds it.
#include "absl/strings/match.h"
#include "common/base/codes.h"
#include "common/base/date.h"
#include "common/base/decimal.h"
#include "common/base/money.h"
#include "common/base/text.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::values_target {
namespace {

// Of types whose ToString Parse takes. `exact`: no other text than that.
template <class Value>
void CheckValue(absl::string_view text, bool exact,
                absl::StatusOr<Value> (*parse)(absl::string_view) = Value::Parse) {
  const absl::StatusOr<Value> value = parse(text);
  if (!value.ok()) {
    Expect(absl::IsInvalidArgument(value.status()), "a value is good or not");
    // What is long is no reason's own words.
    Expect(text.size() < 60 || !absl::StrContains(value.status().message(), text),
           "a reason never holds the value");
    return;
  }
  const std::string spelled = value->ToString();
  Expect(!exact || spelled == text, "a value has one spelling");
  const absl::StatusOr<Value> again = parse(spelled);
  Expect(again.ok() && *again == *value, "a value that is written is read");
}

// Of forms that have no type of their own.
template <class Form>
void CheckForm(absl::string_view text) {
  const absl::Status checked = Form::Check(text);
  Expect(checked.ok() || absl::IsInvalidArgument(checked), "a text is good or not");
  Expect(checked.ok() || text.size() < 60 || !absl::StrContains(checked.message(), text),
         "a reason never holds the text");
}

void CheckNumbers(absl::string_view text) {
  CheckValue<base::Money>(text, false);
  CheckValue<base::Percent>(text, false);
  CheckValue<base::Quantity>(text, false);
  for (const int scale : {0, 2, 6}) {
    const auto scaled = base::ParseDecimal(text, scale);
    if (!scaled.ok()) continue;
    const auto again = base::ParseDecimal(base::FormatDecimal(*scaled, scale), scale);
    Expect(again.ok() && *again == *scaled, "a number that is written is read");
  }
}

void CheckDates(absl::string_view text) {
  CheckValue<base::Date>(text, true);
  CheckValue<base::Quarter>(text, true);
  if (const auto date = base::Date::Parse(text); date.ok()) {
    Expect(base::Date::LegalDay(date->StartOfDay()) == *date &&
               base::Date::LegalDay(date->EndOfDay() - absl::Microseconds(1)) == *date,
           "a day is from its first moment to its last");
    const auto quarter = base::Quarter::Containing(*date);
    Expect(quarter.first_day() <= *date && *date <= quarter.last_day(), "a day has a quarter");
  }
}

void CheckCodes(absl::string_view text) {
  CheckValue<base::GoodsCode>(text, true);
  CheckValue<base::GoodsCode>(text, true, base::GoodsCode::ParsePrefix);
  CheckValue<base::BinIin>(text, true);
  CheckValue<base::BinIin>(text, true, base::BinIin::ParseBin);
  CheckValue<base::BinIin>(text, true, base::BinIin::ParseIin);
  CheckValue<base::Kato>(text, true);
  CheckForm<base::KatoPrefixForm>(text);
  CheckForm<base::OkedForm>(text);
  CheckForm<base::KpvedForm>(text);
  CheckForm<base::EnsTruForm>(text);
  CheckForm<base::EnsTruPrefixForm>(text);
  CheckForm<base::UuidForm>(text);
  CheckForm<base::WordForm>(text);
  if (const auto place = base::Kato::Parse(text); place.ok()) {
    Expect(place->region().prefix == place->prefix(), "a place lies in its region");
  }
}

void CheckOrder(absl::string_view first, absl::string_view second) {
  const auto one = base::GoodsCode::ParsePrefix(first);
  const auto other = base::GoodsCode::ParsePrefix(second);
  if (!one.ok() || !other.ok()) return;
  Expect((*one < *other) == (first < second), "codes order as text");
}

void CheckText(bool multiline, absl::string_view text) {
  base::TextRule rule;
  rule.multiline = multiline;
  const auto normal = base::CheckText(text, rule);
  std::string in_place(text);
  const absl::Status done = base::NormaliseText(in_place, rule);
  Expect(normal.status() == done, "in place it is judged the same");
  if (!normal.ok()) return;
  Expect(in_place == *normal, "in place it becomes the same");
  const auto again = base::CheckText(*normal, rule);
  Expect(again.ok() && *again == *normal, "what is normal stays so");
  for (const std::string& word : base::Words(*normal)) {
    Expect(!word.empty() && base::Words(word).size() <= 1, "a word is one word");
  }
}

void CheckName(absl::string_view pattern, absl::string_view name) {
  const auto stars = base::MatchResourceName(pattern, name);
  if (!stars.ok()) return;
  std::string built;
  size_t next = 0;
  for (const char c : pattern) {
    if (c == '*') {
      built += (*stars)[next++];
    } else {
      built += c;
    }
  }
  Expect(built == name && next == stars->size(), "what stands at the stars makes the name");
}

}  // namespace

NISI_FUZZ_TARGET(values) {
  Input in(data, size);
  switch (in.Byte() % 6) {
    case 0:
      CheckNumbers(in.Rest());
      break;
    case 1:
      CheckDates(in.Rest());
      break;
    case 2:
      CheckCodes(in.Rest());
      break;
    case 3: {
      const absl::string_view first = in.Part();
      CheckOrder(first, in.Rest());
      break;
    }
    case 4: {
      const bool multiline = in.Byte() % 2 == 1;
      CheckText(multiline, in.Rest());
      break;
    }
    default:
      CheckName(in.Byte() % 2 == 0 ? "editions/*/entries/*" : "widgets/*", in.Rest());
  }
  return 0;
}

}  // namespace nisi::fuzz::values_target
