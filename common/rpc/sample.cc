#include "common/rpc/sample.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/base/codes.h"
#include "common/base/date.h"
#include "common/rpc/field_rules.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/money.pb.h"

namespace nisi::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kDeepest = 6;
constexpr int64_t kSomeTime = 1'781'000'000;

std::string SampleText(int seed, const v1::Field& rule) {
  switch (rule.format()) {
    case v1::UUID:
      return absl::StrFormat("00000000-0000-4000-8000-%012d", seed);
    case v1::GOODS_CODE:
      return absl::StrFormat("85%04d", 1000 + seed % 9000);
    case v1::GOODS_CODE_PREFIX:
      return rule.unique_items() ? absl::StrFormat("85%02d", seed % 100) : "8504";
    case v1::OKED:
    case v1::KPVED:
      return absl::StrFormat("27.%02d", 10 + seed % 90);
    case v1::ENS_TRU:
      return absl::StrFormat("271110.100.%06d", seed % 1'000'000);
    case v1::ENS_TRU_PREFIX:
      return rule.unique_items() ? absl::StrFormat("2711%02d", seed % 100) : "271110";
    case v1::BIN:
      return SampleBin(seed);
    case v1::KATO:
      return absl::StrFormat("75%02d10000", 10 + seed % 90);
    case v1::KATO_PREFIX:
      return rule.unique_items() ? absl::StrFormat("75%02d", seed % 100) : "75";
    case v1::RESOURCE_NAME:
      return absl::StrReplaceAll(rule.resource(), {{"*", absl::StrCat(1 + seed)}});
    case v1::FILTER:
    case v1::ORDER_BY:
    case v1::PAGE_TOKEN:
      return "";
    case v1::ETAG:
      return absl::StrFormat("%08x", seed);
    case v1::QUARTER:
      return absl::StrCat(2020 + seed / 4 % 10, "Q", 1 + seed % 4);
    case v1::DECIMAL:
      return absl::StrCat(1 + seed, ".5");
    case v1::WORD:
      return absl::StrCat("w", seed);
    default:
      break;
  }
  std::string text = absl::StrCat("s", seed);
  if (text.size() < rule.min_chars()) text.resize(rule.min_chars(), 'x');
  if (rule.max_chars() > 0 && text.size() > rule.max_chars()) text.resize(rule.max_chars());
  return text;
}

int64_t SampleNumber(int seed, const v1::Field& rule, int64_t largest) {
  const int64_t min = rule.has_min() ? rule.min() : 0;
  const int64_t max = rule.has_max() ? rule.max() : largest;
  return max - min < 1 ? min : min + 1 + seed % std::min<int64_t>(max - min, 1'000'000);
}

void FillMessage(int seed, int depth, Message* message);

class Setter {
 public:
  Setter(int seed, int depth, const FieldDescriptor& field, Message* message)
      : seed_(seed), depth_(depth), field_(field), message_(message) {}

  void Set() {
    const auto& reflection = *message_->GetReflection();
    const v1::Field& rule = RuleOf(field_);
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return Put(field_.type() == FieldDescriptor::TYPE_BYTES
                       ? std::string(std::max<size_t>(rule.min_chars(), 1),
                                     static_cast<char>('a' + seed_ % 26))
                       : SampleText(seed_, rule),
                   &google::protobuf::Reflection::SetString,
                   &google::protobuf::Reflection::AddString);
      case FieldDescriptor::CPPTYPE_INT64:
        return Put(SampleNumber(seed_, rule, INT32_MAX), &google::protobuf::Reflection::SetInt64,
                   &google::protobuf::Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT64:
        return Put(static_cast<uint64_t>(SampleNumber(seed_, rule, INT32_MAX)),
                   &google::protobuf::Reflection::SetUInt64,
                   &google::protobuf::Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_INT32:
        return Put(static_cast<int32_t>(SampleNumber(seed_, rule, INT32_MAX)),
                   &google::protobuf::Reflection::SetInt32,
                   &google::protobuf::Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_UINT32:
        return Put(static_cast<uint32_t>(SampleNumber(seed_, rule, INT32_MAX)),
                   &google::protobuf::Reflection::SetUInt32,
                   &google::protobuf::Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Put(static_cast<double>(SampleNumber(seed_, rule, 1000)),
                   &google::protobuf::Reflection::SetDouble,
                   &google::protobuf::Reflection::AddDouble);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return Put(static_cast<float>(SampleNumber(seed_, rule, 1000)),
                   &google::protobuf::Reflection::SetFloat,
                   &google::protobuf::Reflection::AddFloat);
      case FieldDescriptor::CPPTYPE_BOOL:
        return Put(seed_ % 2 == 0, &google::protobuf::Reflection::SetBool,
                   &google::protobuf::Reflection::AddBool);
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto& values = *field_.enum_type();
        const int index = values.value_count() == 1 ? 0 : 1 + seed_ % (values.value_count() - 1);
        return Put(values.value(index)->number(), &google::protobuf::Reflection::SetEnumValue,
                   &google::protobuf::Reflection::AddEnumValue);
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(field_.is_repeated() ? reflection.AddMessage(message_, &field_)
                                         : reflection.MutableMessage(message_, &field_));
    }
  }

 private:
  template <class Value, class SetFn, class AddFn>
  void Put(const Value& value, SetFn set, AddFn add) {
    const auto& reflection = *message_->GetReflection();
    if (field_.is_repeated()) {
      (reflection.*add)(message_, &field_, value);
    } else {
      (reflection.*set)(message_, &field_, value);
    }
  }

  void Fill(Message* part) {
    switch (WellKnownOf(*part->GetDescriptor())) {
      case WellKnown::kDate: {
        const base::Date day = base::Date::Parse("2026-01-01")->AddDays(seed_ % 365);
        static_cast<google::type::Date&>(*part) = day.ToProto();
        return;
      }
      case WellKnown::kTimestamp:
        static_cast<google::protobuf::Timestamp&>(*part).set_seconds(kSomeTime + seed_);
        return;
      case WellKnown::kMoney: {
        auto& money = static_cast<google::type::Money&>(*part);
        money.set_currency_code("KZT");
        money.set_units(SampleNumber(seed_, RuleOf(field_), 1'000'000'000));
        return;
      }
      case WellKnown::kFieldMask:
        return;
      case WellKnown::kNone:
        return FillMessage(seed_, depth_ + 1, part);
    }
  }

  const int seed_;
  const int depth_;
  const FieldDescriptor& field_;
  Message* const message_;
};

void FillField(int seed, int depth, const FieldDescriptor& field, Message* message) {
  if (field.is_map() || field.name() == "withheld") return;
  if (field.message_type() != nullptr && depth >= kDeepest) return;
  const int items =
      field.is_repeated() ? std::max(2, static_cast<int>(RuleOf(field).min_items())) : 1;
  for (int i = 0; i < items; ++i) {
    // Fields of one message differ, and so do items.
    Setter(seed + field.number() * 7 + i, depth, field, message).Set();
  }
}

void FillMessage(int seed, int depth, Message* message) {
  const auto& type = *message->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto* oneof = field.real_containing_oneof();
    if (oneof != nullptr && oneof->field(seed % oneof->field_count()) != &field) continue;
    FillField(seed, depth, field, message);
  }
}

}  // namespace

std::string SampleBin(int number) {
  const std::string eleven = absl::StrFormat("070340%05d", number % 100'000);
  for (char check = '0'; check <= '9'; ++check) {
    const std::string bin = eleven + check;
    if (base::BinIin::Parse(bin).ok()) return bin;
  }
  return SampleBin(number + 1);  // no check digit fits: this number is given to nobody
}

void FillSample(int seed, Message* message) {
  FillMessage(seed, 0, message);
}

void FillSampleField(int seed, const FieldDescriptor& field, Message* message) {
  FillField(seed, 0, field, message);
}

}  // namespace nisi::rpc
