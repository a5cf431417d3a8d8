// How the fuzzing engine changes a request: half of the time as bytes, else as the message that it
// is, for a byte changed at random seldom leaves a message.
#include <limits>
#include <random>
#include <string>

#include "google/protobuf/message.h"
#include "google/protobuf/stubs/logging.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message_types.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace nisi::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr const char* kTexts[] = {"",
                                  "850423",
                                  "123456789012",
                                  "editions/1",
                                  "editions/1/entries/850423",
                                  "widgets/w1",
                                  "00000000-0000-4000-8000-000000000001",
                                  "HIGH",
                                  "made_on desc",
                                  "word = \"x\"",
                                  "*",
                                  "e\xcc\x81",
                                  "\xe2\x80\x8b",
                                  "title_ru",
                                  "2026-01-31",
                                  "KZT",
                                  "1250.5",
                                  "2026Q3",
                                  "7512",
                                  "281212.300"};
constexpr int64_t kNumbers[] = {0,
                                1,
                                -1,
                                2,
                                200,
                                20'000,
                                2026,
                                12,
                                31,
                                1'781'500'000,
                                std::numeric_limits<int32_t>::max(),
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  // Changes one field of the message or of one of its parts.
  void Change(Message* message, int depth) {
    const auto* type = message->GetDescriptor();
    if (type->field_count() == 0) return;
    const FieldDescriptor* field = type->field(Below(type->field_count()));
    const Reflection& reflection = *message->GetReflection();
    const int size = field->is_repeated() ? reflection.FieldSize(*message, field) : 0;
    switch (Below(8)) {
      case 0:
        return reflection.ClearField(message, field);
      case 1:
        if (size > 0) return reflection.RemoveLast(message, field);
        break;
      case 2:
        if (size > 1) return reflection.SwapElements(message, field, Below(size), Below(size));
        break;
      default:
        break;
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return Part(message, field, depth);
    Scalar(message, field);
  }

 private:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  void Part(Message* message, const FieldDescriptor* field, int depth) {
    const Reflection& reflection = *message->GetReflection();
    if (!field->is_repeated()) {
      if (depth < 70) Change(reflection.MutableMessage(message, field), depth + 1);
      return;
    }
    const int size = reflection.FieldSize(*message, field);
    if (size > 0 && Below(2) == 0) {
      return Change(reflection.MutableRepeatedMessage(message, field, Below(size)), depth + 1);
    }
    Message* added = reflection.AddMessage(message, field);
    if (size > 0) {
      added->CopyFrom(reflection.GetRepeatedMessage(*message, field, Below(size)));
    } else {
      Change(added, depth + 1);
    }
  }

  void Scalar(Message* message, const FieldDescriptor* field) {
    const Reflection& reflection = *message->GetReflection();
    const int64_t number = kNumbers[Below(std::size(kNumbers))];
    const bool add = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text = kTexts[Below(std::size(kTexts))];
        if (Below(8) == 0) text = std::string(static_cast<size_t>(Below(400)), 'x');
        if (Below(4) == 0) text += kTexts[Below(std::size(kTexts))];
        return add ? reflection.AddString(message, field, text)
                   : reflection.SetString(message, field, text);
      }
      case FieldDescriptor::CPPTYPE_INT32:
        return add ? reflection.AddInt32(message, field, static_cast<int32_t>(number))
                   : reflection.SetInt32(message, field, static_cast<int32_t>(number));
      case FieldDescriptor::CPPTYPE_INT64:
        return add ? reflection.AddInt64(message, field, number)
                   : reflection.SetInt64(message, field, number);
      case FieldDescriptor::CPPTYPE_UINT32:
        return add ? reflection.AddUInt32(message, field, static_cast<uint32_t>(number))
                   : reflection.SetUInt32(message, field, static_cast<uint32_t>(number));
      case FieldDescriptor::CPPTYPE_UINT64:
        return add ? reflection.AddUInt64(message, field, static_cast<uint64_t>(number))
                   : reflection.SetUInt64(message, field, static_cast<uint64_t>(number));
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        const double real = Below(4) == 0 ? std::numeric_limits<double>::quiet_NaN()
                                          : static_cast<double>(number) / 2;
        return add ? reflection.AddDouble(message, field, real)
                   : reflection.SetDouble(message, field, real);
      }
      case FieldDescriptor::CPPTYPE_FLOAT:
        return add ? reflection.AddFloat(message, field, static_cast<float>(number))
                   : reflection.SetFloat(message, field, static_cast<float>(number));
      case FieldDescriptor::CPPTYPE_BOOL:
        return add ? reflection.AddBool(message, field, true)
                   : reflection.SetBool(message, field, Below(2) == 0);
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int value = Below(field->enum_type()->value_count() + 1);
        return add ? reflection.AddEnumValue(message, field, value)
                   : reflection.SetEnumValue(message, field, value);
      }
      default:
        return;
    }
  }

  std::minstd_rand random_;
};

}  // namespace
}  // namespace nisi::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  constexpr size_t kHead = 2;
  // What is no text is meant: not a line of it.
  static const bool kQuiet = (google::protobuf::SetLogHandler(nullptr), true);
  static_cast<void>(kQuiet);
  if (size < kHead || seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const auto message = nisi::fuzz::NewMessage(*nisi::fuzz::TypeFor(data[0]).descriptor);
  // The zero byte that ends a stored input is no part of the message.
  const size_t body = size - kHead - (size > kHead && data[size - 1] == 0 ? 1 : 0);
  message->ParsePartialFromArray(data + kHead, static_cast<int>(body));
  nisi::fuzz::Mutator mutator(seed);
  for (unsigned i = 0; i <= seed / 2 % 4; ++i) mutator.Change(message.get(), 0);
  const std::string bytes = message->SerializePartialAsString();
  if (bytes.size() + kHead > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::copy(bytes.begin(), bytes.end(), data + kHead);
  return kHead + bytes.size();
}
