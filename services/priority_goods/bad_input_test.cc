// Bad input, generated from the descriptors: for every rule of every request field one value that
// breaks it. Each must be refused as INVALID_ARGUMENT, naming the field, never repeating the value,
// changing nothing.
#include <functional>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "services/priority_goods/service_testing.h"

namespace nisi::priority_goods {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using rpc::v1::Field;

constexpr char kMark[] = "Zq9Secret";  // in no message of ours

const Field& RuleOf(const FieldDescriptor& field) {
  return field.options().GetExtension(rpc::v1::field);
}
bool Is(const FieldDescriptor& field, const char* type) {
  return field.message_type() != nullptr && field.message_type()->full_name() == type;
}
constexpr char kDate[] = "google.type.Date";
constexpr char kTimestamp[] = "google.protobuf.Timestamp";
constexpr char kMask[] = "google.protobuf.FieldMask";

std::string GoodText(const Field& rule) {
  switch (rule.format()) {
    case rpc::v1::UUID:
      return "00000000-0000-4000-8000-000000009999";
    case rpc::v1::GOODS_CODE:
      return "950300";
    case rpc::v1::GOODS_CODE_PREFIX:
      return "95";
    case rpc::v1::OKED:
      return "27.11";
    case rpc::v1::KPVED:
      return "27.11.41";
    case rpc::v1::RESOURCE_NAME:
      return rule.resource() == "*/*"
                 ? "editions/1"
                 : absl::StrReplaceAll(rule.resource(),
                                       {{"entries/*", "entries/850423"}, {"*", "1"}});
    case rpc::v1::ETAG:
      return rule.required() ? "00000001" : "";
    case rpc::v1::FILTER:
    case rpc::v1::PAGE_TOKEN:
      return "";
    case rpc::v1::RAW:
      return "any\ttext\n";
    default:
      return "word";
  }
}

void AddItem(Message* message, const FieldDescriptor* field);

// Fills everything a caller may give with good values; of a oneof, member `member`.
void Fill(Message* message, int member) {
  const auto& reflection = *message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    const Field& rule = RuleOf(*field);
    const auto* oneof = field->real_containing_oneof();
    if (oneof != nullptr && oneof->field(member % oneof->field_count()) != field) continue;
    if (rule.output_only() || Is(*field, kMask)) continue;
    if (field->is_repeated()) {
      AddItem(message, field);
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(message, field,
                             field->type() == FieldDescriptor::TYPE_BYTES
                                 ? std::string(rule.min_chars(), 'x')
                                 : GoodText(rule));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(message, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(message, field, 2);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message* part = reflection.MutableMessage(message, field);
        if (auto* date = dynamic_cast<google::type::Date*>(part)) {
          *date = Day("2026-06-15").ToProto();
        } else if (auto* time = dynamic_cast<google::protobuf::Timestamp*>(part)) {
          time->set_seconds(1'781'500'000);
        } else {
          Fill(part, member);
        }
        break;
      }
      default:
        break;  // bool
    }
  }
}

void AddItem(Message* message, const FieldDescriptor* field) {
  const auto& reflection = *message->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    reflection.AddString(message, field, GoodText(RuleOf(*field)));
  } else {
    Fill(reflection.AddMessage(message, field), 0);
  }
}

// What breaks one rule of one field.
struct Breakage {
  std::string path;  // that the refusal must name
  std::string what;
  std::string value;  // that it must not repeat; empty where there is nothing to repeat
  std::function<void(Message*)> apply;
};

// Leads from the request to the message that holds the field.
using Reach = std::function<Message*(Message*)>;

std::vector<std::string> BadTexts(const Field& rule) {
  const std::string mark = kMark;
  const size_t limit = rule.max_chars() != 0                 ? rule.max_chars()
                       : rule.format() == rpc::v1::MULTILINE ? 10'000
                                                             : 300;
  std::string too_long = mark;
  while (too_long.size() <= limit) too_long += 'a';
  switch (rule.format()) {
    case rpc::v1::TEXT:
      return {mark + "\x07", mark + "\n", mark + "\u202e", too_long};
    case rpc::v1::MULTILINE:
      return {mark + "\x07", mark + "\u202e", too_long};
    case rpc::v1::GOODS_CODE:
      return {mark, "85042", "8504239", "85042300001", "0012", "7712", "8504 3", "８５０４"};
    case rpc::v1::GOODS_CODE_PREFIX:
      return {mark, "850", "85042300001", "77"};
    case rpc::v1::UUID:
      return {mark, "00000000-0000-4000-8000-00000000000", "0000000000004000800000000000000A"};
    case rpc::v1::OKED:
      return {mark, "2711", "27.11.4.1"};
    case rpc::v1::KPVED:
      return {mark, "27114100", "27.11.41.0000"};
    case rpc::v1::RESOURCE_NAME:
      return {mark, rule.resource(), GoodText(rule) + "/" + mark, "/" + GoodText(rule), too_long};
    case rpc::v1::ETAG:
      return {mark + " ", mark + "\xc3\xa9", std::string(129, 'e')};
    case rpc::v1::WORD:
      return {mark, "two words", std::string(64, 'w')};
    case rpc::v1::FILTER:
      return {mark, mark + " =", mark + " = \"x\"", "(" + mark, std::string(2'001, 'f')};
    case rpc::v1::RAW:
      return {};  // none: the function reports on it, as import_test.cc sees
    default:      // PAGE_TOKEN
      return {mark, std::string(40, 'A')};
  }
}

class Breaker {
 public:
  explicit Breaker(const rpc::MethodPolicy& policy) : mutation_(policy.mutation) {}

  // `whole`: what is required here is required. `own_name`: the resource of an update, named by its
  // name.
  void Visit(const Message& message, const Reach& reach, const std::string& prefix, bool whole,
             bool own_name) {
    const bool update = message.GetDescriptor()->FindFieldByName("update_mask") != nullptr;
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message.GetDescriptor()->field(i);
      const auto* oneof = field->real_containing_oneof();
      if (oneof != nullptr && !message.GetReflection()->HasField(message, field))
        continue;  // the other member's turn
      const std::string path = prefix.empty() ? field->name() : prefix + "." + field->name();
      const Field& rule = RuleOf(*field);
      if (rule.output_only()) {
        if (own_name && field->name() == "name") {
          Text(field, reach, path, false);
        } else if (mutation_) {
          OutputOnly(field, reach, path);
        }
        continue;
      }
      if (rule.required() && whole) {
        Add(path, "missing", "", reach,
            [field](Message* m) { m->GetReflection()->ClearField(m, field); });
      }
      if (field->is_repeated()) {
        Repeated(message, field, reach, path);
      } else {
        Singular(message, field, reach, path, whole && !update, update);
      }
    }
  }

  std::vector<Breakage> breakages;

 private:
  void Add(const std::string& path, const std::string& what, const std::string& value,
           const Reach& reach, const std::function<void(Message*)>& change) {
    breakages.push_back(
        {path, what, value, [reach, change](Message* request) { change(reach(request)); }});
  }

  void OutputOnly(const FieldDescriptor* field, const Reach& reach, const std::string& path) {
    Add(path, "output only", "", reach, [field](Message* m) {
      const auto& reflection = *m->GetReflection();
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          return reflection.SetString(m, field, kMark);
        case FieldDescriptor::CPPTYPE_INT32:
          return reflection.SetInt32(m, field, 1);
        case FieldDescriptor::CPPTYPE_ENUM:
          return reflection.SetEnumValue(m, field, 1);
        default:
          reflection.MutableMessage(m, field);
      }
    });
  }

  void Text(const FieldDescriptor* field, const Reach& reach, const std::string& path, bool item) {
    for (const std::string& bad : BadTexts(RuleOf(*field))) {
      Add(path, "text " + bad.substr(0, 40), bad, reach, [field, bad, item](Message* m) {
        if (item) {
          m->GetReflection()->SetRepeatedString(m, field, 0, bad);
        } else {
          m->GetReflection()->SetString(m, field, bad);
        }
      });
    }
  }

  void Repeated(const Message& message, const FieldDescriptor* field, const Reach& reach,
                const std::string& path) {
    const Field& rule = RuleOf(*field);
    const auto max = static_cast<int>(rule.max_items() == 0 ? 500 : rule.max_items());
    Add(path, "too many", "", reach, [field, max](Message* m) {
      while (m->GetReflection()->FieldSize(*m, field) <= max) AddItem(m, field);
    });
    if (rule.min_items() > 0) {
      Add(path, "too few", "", reach,
          [field](Message* m) { m->GetReflection()->ClearField(m, field); });
    }
    const std::string item = path + "[0]";
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      Text(field, reach, item, true);
      Add(item, "empty", "", reach,
          [field](Message* m) { m->GetReflection()->SetRepeatedString(m, field, 0, ""); });
    } else {
      Visit(
          message.GetReflection()->GetRepeatedMessage(message, field, 0),
          [reach, field](Message* request) {
            Message* m = reach(request);
            return m->GetReflection()->MutableRepeatedMessage(m, field, 0);
          },
          item, true, false);
    }
  }

  void Singular(const Message& message, const FieldDescriptor* field, const Reach& reach,
                const std::string& path, bool whole, bool update) {
    const Field& rule = RuleOf(*field);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        if (field->type() == FieldDescriptor::TYPE_BYTES) return Bytes(field, reach, path);
        return Text(field, reach, path, false);
      case FieldDescriptor::CPPTYPE_ENUM:
        Add(path, "unknown value", "", reach,
            [field](Message* m) { m->GetReflection()->SetEnumValue(m, field, 99); });
        return;
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64:
        if (rule.has_min()) Number(field, reach, path, rule.min() - 1);
        if (rule.has_max()) Number(field, reach, path, rule.max() + 1);
        return;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Part(message, field, reach, path, whole, update);
      default:
        return;
    }
  }

  void Number(const FieldDescriptor* field, const Reach& reach, const std::string& path,
              int64_t bad) {
    if (bad == 0) return;  // the same as not given
    Add(path, absl::StrCat("number ", bad), "", reach, [field, bad](Message* m) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
        m->GetReflection()->SetInt32(m, field, static_cast<int32_t>(bad));
      } else {
        m->GetReflection()->SetInt64(m, field, bad);
      }
    });
  }

  void Bytes(const FieldDescriptor* field, const Reach& reach, const std::string& path) {
    const Field& rule = RuleOf(*field);
    for (const size_t size : {rule.min_chars() - 1, rule.max_chars() + 1}) {
      const std::string bad = std::string(kMark) + std::string(size - sizeof(kMark) + 1, 'b');
      Add(path, absl::StrCat(size, " bytes"), kMark, reach,
          [field, bad](Message* m) { m->GetReflection()->SetString(m, field, bad); });
    }
  }

  void Part(const Message& message, const FieldDescriptor* field, const Reach& reach,
            const std::string& path, bool whole, bool update) {
    const Reach inner = [reach, field](Message* request) {
      Message* m = reach(request);
      return m->GetReflection()->MutableMessage(m, field);
    };
    if (Is(*field, kDate)) {
      const int dates[][3] = {{2026, 2, 30}, {2026, 13, 1}, {2026, 0, 0}, {2026, 6, 0},
                              {1, 1, 1},     {9999, 1, 1},  {-1, 1, 1}};
      for (const auto& [year, month, day] : dates) {
        google::type::Date bad;
        bad.set_year(year);
        bad.set_month(month);
        bad.set_day(day);
        Add(path, "date " + bad.ShortDebugString(), "", inner,
            [bad](Message* m) { m->CopyFrom(bad); });
      }
    } else if (Is(*field, kTimestamp)) {
      const std::pair<int64_t, int32_t> times[] = {
          {0, 0},         {-1, 0},       {1'781'500'000, -1}, {1'781'500'000, 1'000'000'000},
          {INT64_MAX, 0}, {INT64_MIN, 0}};
      for (const auto& [seconds, nanos] : times) {
        google::protobuf::Timestamp bad;
        bad.set_seconds(seconds);
        bad.set_nanos(nanos);
        Add(path, "time " + bad.ShortDebugString(), "", inner,
            [bad](Message* m) { m->CopyFrom(bad); });
      }
    } else if (Is(*field, kMask)) {
      for (const std::string& bad :
           {std::string(kMark), std::string("*"), std::string("name"), std::string("etag")}) {
        Add(path + ".paths[0]", "mask " + bad, bad == kMark ? bad : "", inner,
            [bad](Message* m) { static_cast<google::protobuf::FieldMask*>(m)->add_paths(bad); });
      }
    } else {
      Visit(message.GetReflection()->GetMessage(message, field), inner, path, whole, update);
    }
  }

  const bool mutation_;
};

class BadInputTest : public PriorityGoodsTest {
 protected:
  void SetUp() override {
    PriorityGoodsTest::SetUp();
    ASSERT_EQ(CreateDraft({MakeEntry("850423")}), "editions/1");  // the names in Fill lead here
    v1::CreateAssessmentRequest create;
    create.mutable_assessment()->set_goods_code("850423");
    assessment_ = Do<v1::Assessment>("CreateAssessment", institute_, create)->name();
  }

  std::unique_ptr<Message> GoodRequest(const rpc::Method& method, int member) {
    std::unique_ptr<Message> request(method.request_prototype->New());
    Fill(request.get(), member);
    if (auto* edition = dynamic_cast<v1::UpdateEditionRequest*>(request.get())) {
      edition->mutable_edition()->set_name("editions/1");
    } else if (auto* entry = dynamic_cast<v1::UpdateEntryRequest*>(request.get())) {
      entry->mutable_entry()->set_name("editions/1/entries/850423");
      entry->mutable_entry()->set_goods_code("850423");
    } else if (auto* update = dynamic_cast<v1::UpdateAssessmentRequest*>(request.get())) {
      update->mutable_assessment()->set_name(assessment_);
      update->mutable_assessment()->set_goods_code("850423");
    }
    return request;
  }

  // As the pipeline: the form, and the function only when the form passes.
  absl::Status Send(const rpc::Method& method, Message* request) {
    const rpc::Caller& caller =
        (method.policy.roles & (1U << rpc::v1::INSTITUTE_INDUSTRY)) != 0 || method.policy.is_public
            ? institute_
            : authority_;
    rpc::Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(Prepare(method, request, &call));
    if (method.unary) return method.unary(call, *request).status();
    if (method.server_stream) return method.server_stream(call, *request).status();
    ASSIGN_OR_RETURN(const auto sink, method.client_stream(call));
    return sink->Push(*request);
  }

  void ExpectRefused(const rpc::Method& method, const Message& good, const Breakage& breakage) {
    SCOPED_TRACE(absl::StrCat(method.policy.path, " ", breakage.path, ": ", breakage.what));
    const std::unique_ptr<Message> request(good.New());
    request->CopyFrom(good);
    breakage.apply(request.get());
    const int64_t before = position();
    const absl::Status refused = Send(method, request.get());
    ASSERT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << refused;
    int infos = 0;
    refused.ForEachPayload([&](absl::string_view url, const absl::Cord&) {
      infos += absl::EndsWith(url, "/google.rpc.ErrorInfo") ? 1 : 0;
    });
    EXPECT_EQ(infos, 1);
    EXPECT_NE(base::ReasonOf(refused), "");
    const auto bad = base::BadRequestOf(refused);
    ASSERT_EQ(bad.field_violations_size(), 1) << bad.ShortDebugString();
    EXPECT_EQ(bad.field_violations(0).field(), breakage.path);
    EXPECT_NE(bad.field_violations(0).description(), "");
    if (breakage.value.size() >= 4) {
      EXPECT_FALSE(absl::StrContains(BytesOf(refused), breakage.value)) << BytesOf(refused);
    }
    EXPECT_FALSE(absl::StrContains(BytesOf(refused), kMark));
    EXPECT_EQ(position(), before);
  }

  std::string assessment_;
};

TEST_F(BadInputTest, EveryRuleOfEveryFieldOfEveryMethod) {
  const auto* service = v1::PriorityGoodsService::descriptor();
  size_t tried = 0;
  for (int i = 0; i < service->method_count(); ++i) {
    const rpc::Method& method = MethodOf(service->method(i)->name());
    const int members = service->method(i)->client_streaming() ? 2 : 1;
    for (int member = 0; member < members; ++member) {
      const std::unique_ptr<Message> good = GoodRequest(method, member);
      const std::unique_ptr<Message> copy(good->New());
      copy->CopyFrom(*good);
      const absl::Status form = method.form->Check(copy.get(), method.policy.mutation);
      ASSERT_TRUE(form.ok()) << method.policy.path << " "
                             << base::BadRequestOf(form).ShortDebugString();
      Breaker breaker(method.policy);
      breaker.Visit(
          *good, [](Message* request) { return request; }, "", true, false);
      EXPECT_GT(breaker.breakages.size(), 0u) << method.policy.path;
      for (const Breakage& breakage : breaker.breakages) ExpectRefused(method, *good, breakage);
      tried += breaker.breakages.size();
    }
  }
  EXPECT_GT(tried, 500u);
}

// What the functions themselves see to.
TEST_F(BadInputTest, NamesAndScores) {
  const auto expect = [&](const std::string& method, const Message& request,
                          const std::string& path) {
    ExpectRefused(MethodOf(method), request, {path, "", "", [](Message*) {}});
  };
  v1::CreateEditionRequest edition;
  edition.set_request_id(NextUuid());
  edition.mutable_edition()->set_title_en("List");
  expect("CreateEdition", edition, "edition.title_ru");

  v1::CreateEntryRequest entry;
  entry.set_request_id(NextUuid());
  entry.set_parent("editions/1");
  *entry.mutable_entry() = MakeEntry("0101");
  entry.mutable_entry()->clear_name_ru();
  entry.mutable_entry()->set_name_en("Horses");
  expect("CreateEntry", entry, "entry.name_ru");

  v1::BatchCreateEntriesRequest batch;
  batch.set_request_id(NextUuid());
  batch.set_parent("editions/1");
  *batch.add_entries() = MakeEntry("0102");
  *batch.add_entries() = entry.entry();
  expect("BatchCreateEntries", batch, "entries[1].name_ru");

  v1::CreateAssessmentRequest assessment;
  assessment.set_request_id(NextUuid());
  assessment.mutable_assessment()->set_goods_code("850423");
  assessment.mutable_assessment()->set_export_potential(31);
  expect("CreateAssessment", assessment, "assessment.export_potential");

  v1::UpdateEntryRequest update;
  update.set_request_id(NextUuid());
  update.mutable_entry()->set_name("editions/1/entries/850423");
  update.mutable_entry()->set_goods_code("850424");
  update.mutable_update_mask()->add_paths("goods_code");
  expect("UpdateEntry", update, "update_mask.paths[0]");

  v1::ReplayDecisionRequest replay;
  replay.set_name("entries/1");  // of the form of a name, but of no record that is decided on
  expect("ReplayDecision", replay, "name");
}

}  // namespace
}  // namespace nisi::priority_goods
