// JSON against what Debian's json_util makes of the same messages, and what it should not take.
#include "services/gateway/transcode.h"

#include <gtest/gtest.h>

#include <ctime>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/testing/v1/testing.pb.h"
#include "services/gateway/packages.h"

namespace nisi::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::util::MessageDifferencer;
using testing::v1::FormSample;
using testing::v1::ListWidgetsResponse;

// Every field set, each repeated one twice; sub-messages as deep as `depth`.
void Fill(google::protobuf::Message* message, int depth, int* next) {
  const auto* type = message->GetDescriptor();
  const auto& reflection = *message->GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    for (int item = 0; item < (field->is_repeated() ? 2 : 1); ++item) {
      const int n = ++*next;
      const bool many = field->is_repeated();
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
          many ? reflection.AddInt32(message, field, -n) : reflection.SetInt32(message, field, -n);
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          many ? reflection.AddInt64(message, field, -n * 9'000'000'000'000'001)
               : reflection.SetInt64(message, field, n * 9'000'000'000'000'001);
          break;
        case FieldDescriptor::CPPTYPE_UINT32:
          many ? reflection.AddUInt32(message, field, 4'000'000'000U)
               : reflection.SetUInt32(message, field, 4'000'000'000U);
          break;
        case FieldDescriptor::CPPTYPE_UINT64:
          many ? reflection.AddUInt64(message, field, UINT64_MAX)
               : reflection.SetUInt64(message, field, UINT64_MAX);
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          many ? reflection.AddDouble(message, field, n / 7.0)
               : reflection.SetDouble(message, field, n * 1e300);
          break;
        case FieldDescriptor::CPPTYPE_FLOAT:
          many ? reflection.AddFloat(message, field, 0.1F) : reflection.SetFloat(message, field, 5);
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          many ? reflection.AddBool(message, field, true)
               : reflection.SetBool(message, field, true);
          break;
        case FieldDescriptor::CPPTYPE_ENUM: {
          const int last =
              field->enum_type()->value(field->enum_type()->value_count() - 1)->number();
          many ? reflection.AddEnumValue(message, field, last + item)
               : reflection.SetEnumValue(message, field, last);
          break;
        }
        case FieldDescriptor::CPPTYPE_STRING: {
          const std::string text =
              field->type() == FieldDescriptor::TYPE_BYTES
                  ? absl::StrCat("\xff\xfe", n)
                  : absl::StrCat(n,
                                 " \"quoted\" \\ \n\t\r\x01 </script> "
                                 "\u043f\u0435\u0440\u0435\u0447\u0435\u043d\u044c");
          many ? reflection.AddString(message, field, text)
               : reflection.SetString(message, field, text);
          break;
        }
        case FieldDescriptor::CPPTYPE_MESSAGE: {
          if (depth == 0) break;
          auto* sub = many ? reflection.AddMessage(message, field)
                           : reflection.MutableMessage(message, field);
          const std::string& name = sub->GetDescriptor()->full_name();
          if (name == "google.protobuf.Timestamp") {
            const auto* seconds = sub->GetDescriptor()->FindFieldByName("seconds");
            const auto* nanos = sub->GetDescriptor()->FindFieldByName("nanos");
            sub->GetReflection()->SetInt64(sub, seconds, 1'700'000'000 + n);
            sub->GetReflection()->SetInt32(sub, nanos, n % 3 * 1'001'000);
          } else if (name == "google.protobuf.FieldMask") {
            const auto* paths = sub->GetDescriptor()->FindFieldByName("paths");
            sub->GetReflection()->AddString(sub, paths, "update_time");
            sub->GetReflection()->AddString(sub, paths, "maker.bins");
          } else if (name == "google.protobuf.Any") {
            static_cast<google::protobuf::Any*>(sub)->PackFrom(testing::v1::EchoRequest());
          } else {
            Fill(sub, depth - 1, next);
          }
          break;
        }
      }
    }
  }
}

std::string Reference(const google::protobuf::Message& message) {
  std::string told;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &told).ok());
  return told;
}

// All types that the methods of these services take and give.
void Collect(const google::protobuf::Descriptor* type,
             std::set<const google::protobuf::Descriptor*>* types) {
  if (!types->insert(type).second) return;
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->message_type() != nullptr) Collect(type->field(i)->message_type(), types);
  }
}

TEST(TranscodeTest, EveryMessageOfEveryServiceIsAsJsonUtilHasIt) {
  std::set<const google::protobuf::Descriptor*> requests;
  std::set<const google::protobuf::Descriptor*> types{FormSample::descriptor()};
  for (const auto* service : LinkedServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      Collect(service->method(i)->input_type(), &requests);
      types.insert(service->method(i)->input_type());
      types.insert(service->method(i)->output_type());
    }
  }
  for (const auto* type : requests) {
    EXPECT_NE(type->well_known_type(), google::protobuf::Descriptor::WELLKNOWNTYPE_ANY);
  }
  EXPECT_GT(types.size(), 200U);
  for (const auto* type : types) {
    const std::unique_ptr<google::protobuf::Message> message(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
    int next = 0;
    Fill(message.get(), 4, &next);
    const std::string bytes = message->SerializeAsString();
    const auto told = ToJson(*type, bytes);
    ASSERT_TRUE(told.ok()) << type->full_name() << told.status();
    const std::string reference = Reference(*message);
    EXPECT_EQ(nlohmann::json::parse(*told), nlohmann::json::parse(reference)) << type->full_name();
    if (told->find("\"@type\"") != std::string::npos) continue;  // goes out only
    const auto back = FromJson(*type, *told);
    ASSERT_TRUE(back.ok()) << type->full_name() << base::BadRequestOf(back.status()).DebugString();
    const std::unique_ptr<google::protobuf::Message> read(message->New());
    ASSERT_TRUE(read->ParseFromString(*back));
    EXPECT_TRUE(MessageDifferencer::Equals(*message, *read)) << type->full_name();
    const auto of_reference = FromJson(*type, reference);
    ASSERT_TRUE(of_reference.ok()) << type->full_name();
    ASSERT_TRUE(read->ParseFromString(*of_reference));
    EXPECT_TRUE(MessageDifferencer::Equals(*message, *read)) << type->full_name();
  }
}

std::string FieldOf(const std::string& told) {
  const auto bytes = FromJson(*FormSample::descriptor(), told);
  if (bytes.ok()) return "taken";
  EXPECT_EQ(base::ReasonOf(bytes.status()), "MALFORMED_MESSAGE");
  const auto request = base::BadRequestOf(bytes.status());
  return request.field_violations_size() == 0 ? "" : request.field_violations(0).field();
}

TEST(TranscodeTest, Refuses) {
  EXPECT_EQ(FieldOf(R"({"nothing": 1})"), "nothing");
  EXPECT_EQ(FieldOf(R"({"row": {"noted": "x"}})"), "row.noted");
  EXPECT_EQ(FieldOf("{\"n\u043e\": 1}"), "?");
  EXPECT_EQ(FieldOf(R"({"text": "a", "text": "b"})"), "text");
  EXPECT_EQ(FieldOf(R"({"goodsCode": "a", "goods_code": "b"})"), "goods_code");
  EXPECT_EQ(FieldOf(R"({"choiceText": "a", "choiceNumber": 1})"), "choice");
  EXPECT_EQ(FieldOf(R"({"labels": {"a": "1", "a": "2"}})"), "labels[\"a\"]");
  EXPECT_EQ(FieldOf(R"({"labels": {"a": 1}})"), "labels[\"a\"]");
  EXPECT_EQ(FieldOf(R"({"labels": {"a": null}})"), "labels[\"a\"]");
  EXPECT_EQ(FieldOf(R"({"labels": []})"), "labels");
  EXPECT_EQ(FieldOf(R"({"labels": [{}]})"), "labels");
  EXPECT_EQ(FieldOf(R"({"text": 1})"), "text");
  EXPECT_EQ(FieldOf(R"({"text": ["a"]})"), "text");
  EXPECT_EQ(FieldOf(R"({"text": {}})"), "text");
  EXPECT_EQ(FieldOf(R"({"codes": "a"})"), "codes");
  EXPECT_EQ(FieldOf(R"({"codes": [["a"]]})"), "codes[0]");
  EXPECT_EQ(FieldOf(R"({"codes": ["a", null]})"), "codes[1]");
  EXPECT_EQ(FieldOf(R"({"rows": [{"note": "a"}, {"note": 2}]})"), "rows[1].note");
  EXPECT_EQ(FieldOf(R"({"rows": [{}, 2]})"), "rows[1]");
  EXPECT_EQ(FieldOf(R"({"row": []})"), "row");
  EXPECT_EQ(FieldOf(R"({"count": 1.5})"), "count");
  EXPECT_EQ(FieldOf(R"({"count": "1.0"})"), "count");
  EXPECT_EQ(FieldOf(R"({"count": ""})"), "count");
  EXPECT_EQ(FieldOf(R"({"count": " 1"})"), "count");
  EXPECT_EQ(FieldOf(R"({"count": 9223372036854775808})"), "count");
  EXPECT_EQ(FieldOf(R"({"count": "9223372036854775808"})"), "count");
  EXPECT_EQ(FieldOf(R"({"count": -9223372036854775809})"), "count");
  EXPECT_EQ(FieldOf(R"({"level": -1})"), "level");
  EXPECT_EQ(FieldOf(R"({"level": 4294967296})"), "level");
  EXPECT_EQ(FieldOf(R"({"bonus": 2147483648})"), "bonus");
  EXPECT_EQ(FieldOf(R"({"active": "true"})"), "active");
  EXPECT_EQ(FieldOf(R"({"active": 1})"), "active");
  EXPECT_EQ(FieldOf(R"({"ratio": "one"})"), "ratio");
  EXPECT_EQ(FieldOf(R"({"size": "HUGE"})"), "size");
  EXPECT_EQ(FieldOf(R"({"size": 1.5})"), "size");
  // Abseil alone would take all but the first, and read the last two as if they ended in zeros.
  for (const char* text : {"*", "+/ 8=", "+/8= ", "+/8.", "\\n+/8=", "+/9=", "+/9"}) {
    EXPECT_EQ(FieldOf(absl::StrCat("{\"digest\": \"", text, "\"}")), "digest") << text;
  }
  EXPECT_EQ(FieldOf(R"({"at": "yesterday"})"), "at");
  EXPECT_EQ(FieldOf(R"({"at": {"seconds": 1}})"), "at");
  EXPECT_EQ(FieldOf(R"({"at": "9999-12-31T23:59:59-00:01"})"), "at");
  EXPECT_EQ(FieldOf(R"({"at": 1})"), "at");
  EXPECT_EQ(FieldOf(R"({"readMask": ["a"]})"), "read_mask");
  EXPECT_EQ(FieldOf(absl::StrCat("{\"ratio\": 0.", std::string(2000, '1'), "}")), "ratio");
  EXPECT_EQ(FieldOf(absl::StrCat("{\"ratio\": \"0.", std::string(2000, '1'), "\"}")), "ratio");
  EXPECT_EQ(FieldOf(absl::StrCat("{\"count\": \"", std::string(2000, '0'), "\"}")), "count");
  EXPECT_EQ(FieldOf(absl::StrCat("{\"at\": \"2026-01-02T03:04:05.", std::string(99, '1'), "Z\"}")),
            "at");
  for (const std::string& text : std::initializer_list<std::string>{
           "",
           "1",
           "null",
           "\"a\"",
           "[]",
           "{",
           "{}}",
           "{},",
           "{} x",
           "{a: 1}",
           "{'text': 'a'}",
           R"({"text": "a",})",
           "{\"text\": \"\xff\"}",
           R"({"text": "\ud800"})",
           R"({"text": "\udc00"})",
           R"({"\udc00": "a"})",
           R"({"labels": {"\udc00": "a"}})",
           R"({"text": "\ud800\u0041"})",
           "{\"text\": \"\x1f\"}",
           "{\"multiline\": \"0123456789abcdef\x1a 0123456789abcdef\"}",
           std::string("{}\0", 3),
           std::string("{\"text\": \"a\0\"}", 14),
           std::string("{\0}", 3),
           "{/**/}",
           R"({"count": 01})",
           R"({"count": +1})",
           R"({"ratio": NaN})",
           R"({"ratio": 1e999})",
           "\xef\xbb\xbf[]",
           "{\"text\": \"a\nb\"}"}) {
    EXPECT_EQ(FieldOf(text), "") << text;
  }
}

TEST(TranscodeTest, SaysWhatIsWrongAndWhere) {
  const auto said = [](const std::string& told) {
    const absl::Status refused = FromJson(*FormSample::descriptor(), told).status();
    const auto request = base::BadRequestOf(refused);
    if (request.field_violations_size() > 0) {
      const auto& violation = request.field_violations(0);
      return absl::StrCat(violation.field(), " ", violation.description());
    }
    const auto info = base::InfoOf(refused);
    const auto byte = info.metadata().find("byte");
    return byte != info.metadata().end() ? byte->second : std::string(refused.message());
  };
  // Of a list where there should be none: what should be there.
  EXPECT_EQ(said(R"({"text": ["a"]})"), "text is no text");
  EXPECT_EQ(said(R"({"row": []})"), "row is no object");
  EXPECT_EQ(said(R"({"codes": ["a", ["b"]]})"), "codes[1] is no text");
  EXPECT_EQ(said(R"({"labels": []})"), "labels is no object");
  EXPECT_EQ(said(R"({"labels": {"a": ["b"]}})"), "labels[\"a\"] is no text");
  EXPECT_EQ(said(R"({"codes": {}})"), "codes is no list");
  // Of what has a form of its own: that.
  EXPECT_EQ(said(R"({"at": "2026-01-31"})"), "at is no time as 2026-01-31T09:30:00Z");
  for (const char* mask : {R"("read_mask")", R"(["name"])"}) {
    EXPECT_EQ(said(absl::StrCat("{\"readMask\": ", mask, "}")),
              "read_mask is no text of fields in camel case with commas between, as titleRu,note");
  }
  EXPECT_EQ(said("[]"), "The request is no object.");
  // Of what is no JSON: from which byte on.
  EXPECT_EQ(said(""), "1");
  EXPECT_EQ(said("{'text': 'a'}"), "2");
  EXPECT_EQ(said(R"({"text": "a",})"), "14");
  EXPECT_EQ(said("\xef\xbb\xbf{} x"), "7");
  EXPECT_EQ(said(std::string("{\"text\": \"a\0\"}", 14)), "12");
}

TEST(TranscodeTest, Takes) {
  const auto read = [](const std::string& told) {
    FormSample sample;
    const auto bytes = FromJson(*FormSample::descriptor(), told);
    EXPECT_TRUE(bytes.ok()) << told << base::BadRequestOf(bytes.status()).DebugString();
    EXPECT_TRUE(bytes.ok() && sample.ParseFromString(*bytes));
    return sample;
  };
  EXPECT_EQ(read(R"({"count": "-9223372036854775808"})").count(), INT64_MIN);
  EXPECT_EQ(read(R"({"count": 1e3})").count(), 1000);
  EXPECT_EQ(read(R"({"level": "7"})").level(), 7U);
  EXPECT_EQ(read(R"({"ratio": 7})").ratio(), 7);
  EXPECT_EQ(read(R"({"ratio": -0.0})").ratio(), 0);
  EXPECT_EQ(read(R"({"ratio": 0.30000000000000004})").ratio(), 0.30000000000000004);
  EXPECT_EQ(read(R"({"ratio": 5e-324})").ratio(), 5e-324);
  EXPECT_EQ(read(R"({"ratio": 123456789012345678901234567890})").ratio(),
            123456789012345678901234567890.0);
  EXPECT_EQ(read(R"({"count": -9223372036854775808})").count(), INT64_MIN);
  EXPECT_EQ(read(R"({"count": -0})").count(), 0);
  EXPECT_EQ(read("\xef\xbb\xbf{\"level\": 7}").level(), 7U);
  EXPECT_EQ(read(R"({"raw": "\u0000\ud83d\ude00\/\b"})").raw(), std::string("\0\U0001F600/\b", 7));
  EXPECT_EQ(read(R"({"ratio": "-Infinity"})").ratio(), -INFINITY);
  EXPECT_EQ(read(R"({"ratio": "1e-3"})").ratio(), 1e-3);
  EXPECT_EQ(read(R"({"size": 2})").size(), testing::v1::LARGE);
  EXPECT_EQ(read(R"({"size": 77})").size(), 77);
  EXPECT_EQ(read(R"({"goods_code": "850423"})").goods_code(), "850423");
  EXPECT_EQ(read(R"({"digest": "-_-_"})").digest(), "\xfb\xff\xbf");
  EXPECT_EQ(read(R"({"digest": "+/8="})").digest(), "\xfb\xff");
  EXPECT_EQ(read(R"({"digest": "+/8"})").digest(), "\xfb\xff");
  EXPECT_EQ(read(R"({"text": null, "rows": null, "row": null, "labels": null})").ByteSizeLong(),
            0U);
  EXPECT_TRUE(read(R"({"row": {}})").has_row());
  EXPECT_TRUE(read(R"({"bonus": 0})").has_bonus());
  EXPECT_EQ(read(R"({"at": "2026-01-02T03:04:05.5+05:00"})").at().nanos(), 500'000'000);
  EXPECT_EQ(read(R"({"readMask": "goodsCode,row.note"})").read_mask().paths(0), "goods_code");
}

// As another writer may have it: what comes twice counts once, or goes together; what JSON leaves
// out may be written.
TEST(TranscodeTest, ReadsWhatIsWrittenInAnotherOrder) {
  const auto shown = [](std::initializer_list<std::string> parts) {
    std::string bytes;
    for (const std::string& part : parts) bytes += part;
    FormSample sample;
    EXPECT_TRUE(sample.ParseFromString(bytes));
    const auto told = ToJson(*FormSample::descriptor(), bytes);
    EXPECT_TRUE(told.ok()) << told.status();
    EXPECT_EQ(nlohmann::json::parse(told.value_or("")), nlohmann::json::parse(Reference(sample)))
        << sample.DebugString();
    return told.value_or("");
  };
  const auto bytes = [](auto set) {
    FormSample sample;
    set(sample);
    return sample.SerializeAsString();
  };
  const std::string text = bytes([](FormSample& sample) { sample.set_text("a"); });
  const std::string other = bytes([](FormSample& sample) { sample.set_text("b"); });
  const std::string codes = bytes([](FormSample& sample) {
    sample.add_codes("c");
    sample.add_codes("d");
  });
  const std::string note = bytes([](FormSample& sample) { sample.mutable_row()->set_note("e"); });
  const std::string child =
      bytes([](FormSample& sample) { sample.mutable_row()->add_children()->set_note("f"); });
  const std::string one = bytes([](FormSample& sample) { sample.set_choice_text("g"); });
  const std::string another = bytes([](FormSample& sample) { sample.set_choice_number(7); });
  const std::string label =
      bytes([](FormSample& sample) { (*sample.mutable_labels())["h"] = "i"; });
  shown({text, codes, note, one, label});
  shown({label, one, note, codes, text});
  EXPECT_EQ(shown({text, other}), R"({"text":"b"})");
  EXPECT_EQ(shown({codes, text, codes}), R"({"text":"a","codes":["c","d","c","d"]})");
  EXPECT_EQ(shown({note, child}), R"({"row":{"note":"e","children":[{"note":"f"}]}})");
  EXPECT_EQ(shown({one, another}), R"({"choiceNumber":"7"})");
  EXPECT_EQ(shown({another, one}), R"({"choiceText":"g"})");
  const auto tag = [](int field, int wire_type) {
    return std::string(1, static_cast<char>(field << 3 | wire_type));
  };
  const int number = FormSample::descriptor()->FindFieldByName("text")->number();
  EXPECT_EQ(shown({tag(number, 2) + std::string(1, '\0')}), "{}");
  EXPECT_EQ(shown({tag(number, 0) + "\x01", codes}), R"({"codes":["c","d"]})");
  EXPECT_FALSE(ToJson(*FormSample::descriptor(), tag(number, 2) + "\x05"
                                                                  "abc")
                   .ok());
  EXPECT_FALSE(ToJson(*FormSample::descriptor(), tag(number, 2) + "\x01\xff").ok());
  EXPECT_FALSE(ToJson(*FormSample::descriptor(), tag(number, 4)).ok());
}

// Protobuf's own function for it ends the process.
TEST(TranscodeTest, ATimeThatCannotBeWrittenIsAnError) {
  FormSample sample;
  sample.mutable_at()->set_seconds(INT64_MAX);
  EXPECT_TRUE(
      absl::IsInternal(ToJson(*FormSample::descriptor(), sample.SerializeAsString()).status()));
  sample.mutable_at()->set_seconds(0);
  sample.mutable_at()->set_nanos(-1);
  EXPECT_TRUE(
      absl::IsInternal(ToJson(*FormSample::descriptor(), sample.SerializeAsString()).status()));
}

// Each holds the next as bytes, which no parser of the outermost looks into.
TEST(TranscodeTest, AnythingWithinAnythingHasAnEnd) {
  const auto nested = [](int times) {
    google::protobuf::Any any;
    while (times-- > 0) {
      std::string inner = any.SerializeAsString();
      any.set_type_url("/google.protobuf.Any");
      any.set_value(std::move(inner));
    }
    return ToJson(*google::protobuf::Any::descriptor(), any.SerializeAsString()).status();
  };
  EXPECT_TRUE(nested(50).ok());
  EXPECT_TRUE(absl::IsInternal(nested(1000)));
}

// What is long, deep or many is refused for what it is, and not for what it cost.
TEST(TranscodeTest, ABombIsCheap) {
  const auto repeated = [](absl::string_view part, size_t bytes) {
    std::string text;
    while (text.size() < bytes) absl::StrAppend(&text, part);
    return text;
  };
  constexpr size_t kBytes = 256 << 10;
  EXPECT_EQ(FieldOf(absl::StrCat("{\"row\":", repeated("{\"children\":[", kBytes))).substr(0, 15),
            "row.children[0]");
  EXPECT_EQ(FieldOf(repeated("[", kBytes)), "");
  EXPECT_EQ(FieldOf(absl::StrCat("{\"codes\":", repeated("[", kBytes))), "codes[0]");
  // Of too many in all the list that is too long, as the services say it of bytes.
  const auto too_many = [&](absl::string_view begin, absl::string_view part,
                            absl::string_view end) {
    const absl::Status refused =
        FromJson(*FormSample::descriptor(), absl::StrCat(begin, repeated(part, kBytes << 2), end))
            .status();
    const auto request = base::BadRequestOf(refused);
    if (request.field_violations_size() != 1) return std::string(refused.message());
    const auto& violation = request.field_violations(0);
    return absl::StrCat(base::ReasonOf(refused), " ", violation.field(), " ",
                        violation.description());
  };
  EXPECT_EQ(too_many("{\"rows\":[{}", ",{}", "]}"), "INVALID_FIELD rows must hold at most 3 items");
  EXPECT_EQ(too_many("{\"codes\":[\"a\"", ",\"a\"", "]}"),
            "INVALID_FIELD codes must hold at most 40 items");
  EXPECT_EQ(too_many("{\"rows\":[{},{\"children\":[{}", ",{}", "]}]}"),
            "INVALID_FIELD rows[1].children must hold at most 500 items");
  const std::string full = absl::StrCat("{\"children\":[{}", repeated(",{}", 3 * 400), "]}");
  EXPECT_EQ(
      too_many(absl::StrCat("{\"row\":{\"children\":[", full), absl::StrCat(",", full), "]}}"),
      "MALFORMED_MESSAGE row.children[248].children[301] is past the 100000 fields and items of a "
      "request");
  EXPECT_EQ(FieldOf(absl::StrCat("{\"readMask\":\"a", repeated(",a", kBytes), "\"}")), "read_mask");
  // Within the bound of the readers of bytes.
  EXPECT_EQ(FieldOf(absl::StrCat("{\"rows\":[{}", repeated(",{}", 90'000 * 3), "]}")), "taken");
}

}  // namespace
}  // namespace nisi::gateway
