#include "common/rpc/field_rules.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/text.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/money.pb.h"

namespace nisi::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// 1990-01-01 and 2200-01-01, 00:00 UTC.
constexpr int64_t kFirstSecond = 631'152'000;
constexpr int64_t kEndSecond = 7'258'118'400;

// What this system gives as an etag: visible ASCII, no spaces.
absl::Status CheckEtag(absl::string_view value) {
  if (value.size() > 128) return absl::InvalidArgumentError("must have at most 128 characters");
  for (const char c : value) {
    if (c <= ' ' || c > '~') return absl::InvalidArgumentError("is no etag of this system");
  }
  return absl::OkStatus();
}

// `message` as the generated type, for a dynamic one by way of its bytes.
template <class M, class F>
auto As(const Message& message, F use) {
  if (const M* known = google::protobuf::DynamicCastToGenerated<const M>(&message)) {
    return use(*known);
  }
  M copy;
  copy.ParsePartialFromString(message.SerializePartialAsString());
  return use(copy);
}

}  // namespace

absl::Status CheckFormat(v1::Format format, absl::string_view value, absl::string_view pattern) {
  switch (format) {
    case v1::UUID:
      return base::UuidForm::Check(value);
    case v1::GOODS_CODE:
      return base::GoodsCode::Parse(value).status();
    case v1::GOODS_CODE_PREFIX:
      return base::GoodsCode::ParsePrefix(value).status();
    case v1::OKED:
      return base::OkedForm::Check(value);
    case v1::KPVED:
      return base::KpvedForm::Check(value);
    case v1::ENS_TRU:
      return base::EnsTruForm::Check(value);
    case v1::BIN:
      return base::BinIin::Parse(value).status();
    case v1::KATO:
      return base::Kato::Parse(value).status();
    case v1::RESOURCE_NAME:
      return base::MatchResourceName(pattern, value).status();
    case v1::ETAG:
      return CheckEtag(value);
    case v1::WORD:
      return base::WordForm::Check(value);
    case v1::QUARTER:
      return base::Quarter::Parse(value).status();
    case v1::KATO_PREFIX:
      return base::KatoPrefixForm::Check(value);
    case v1::ENS_TRU_PREFIX:
      return base::EnsTruPrefixForm::Check(value);
    case v1::DECIMAL:
      return base::Quantity::Parse(value).status();
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckLine(bool multiline, std::string* value) {
  base::TextRule rule;
  rule.multiline = multiline;
  rule.max_chars = std::numeric_limits<size_t>::max();
  return base::NormaliseText(*value, rule);
}

bool IsPlainAscii(absl::string_view value) {
  bool visible = false;
  for (const char c : value) {
    if (c < ' ' || c > '~') return false;
    visible = visible || c != ' ';
  }
  return visible;
}

size_t CodePoints(absl::string_view value) {
  size_t count = 0;
  for (const char c : value) count += (static_cast<uint8_t>(c) & 0xc0) != 0x80;
  return count;
}

int32_t DateNumber(const Message& message) {
  return As<google::type::Date>(message, [](const google::type::Date& date) {
    const bool real = base::Date::FromProto(date).ok();
    return real ? date.year() * 10'000 + date.month() * 100 + date.day() : 0;
  });
}

absl::StatusOr<base::Money> MoneyOf(const Message& message) {
  return As<google::type::Money>(message, base::Money::FromProto);
}

Instant InstantOf(const Message& message) {
  return As<google::protobuf::Timestamp>(message, [](const google::protobuf::Timestamp& time) {
    return Instant{time.seconds(), time.nanos()};
  });
}

bool IsSane(const Instant& instant) {
  return instant.seconds >= kFirstSecond && instant.seconds < kEndSecond && instant.nanos >= 0 &&
         instant.nanos <= 999'999'999;
}

WellKnown WellKnownOf(const google::protobuf::Descriptor& descriptor) {
  const std::string& name = descriptor.full_name();
  if (name == "google.type.Date") return WellKnown::kDate;
  if (name == "google.protobuf.Timestamp") return WellKnown::kTimestamp;
  if (name == "google.protobuf.FieldMask") return WellKnown::kFieldMask;
  if (name == "google.type.Money") return WellKnown::kMoney;
  return WellKnown::kNone;
}

int MaxItems(const FieldDescriptor& field) {
  constexpr int kDefaultItems = 500;
  constexpr int kDefaultMapEntries = 64;
  if (const auto given = RuleOf(field).max_items(); given != 0) return static_cast<int>(given);
  return field.is_map() ? kDefaultMapEntries : kDefaultItems;
}

std::string TooManyProblem(int max_items) {
  return absl::StrCat("must hold at most ", max_items, " items");
}

bool IsGiven(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                             : reflection.HasField(message, &field);
}

std::vector<const FieldDescriptor*> AnyOf(const google::protobuf::Descriptor& descriptor) {
  std::vector<const FieldDescriptor*> fields;
  for (const std::string& name : descriptor.options().GetExtension(v1::form).any_of()) {
    // One that is not there is refused at start.
    if (const auto* field = descriptor.FindFieldByName(name)) fields.push_back(field);
  }
  return fields;
}

bool HoldsAnyOf(const Message& message, const std::vector<const FieldDescriptor*>& any_of) {
  return any_of.empty() || std::any_of(any_of.begin(), any_of.end(),
                                       [&](const auto* field) { return IsGiven(message, *field); });
}

std::string NoneOfProblem(const std::vector<const FieldDescriptor*>& any_of) {
  std::string others;
  for (size_t i = 1; i < any_of.size(); ++i) {
    absl::StrAppend(&others, others.empty() ? "" : " or ", any_of[i]->name());
  }
  return absl::StrCat("is required unless ", others, " is given");
}

}  // namespace nisi::rpc
