#include "common/rpc/form.h"

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using base::BadRequestOf;
using base::ReasonOf;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::v1::CreateWidgetRequest;
using testing::v1::FormRow;
using testing::v1::FormSample;
using testing::v1::UpdateWidgetRequest;
using type::v1::LocalizedText;

constexpr char kUuid[] = "0b8f8a3c-5d7e-4f21-9c3a-1b2c3d4e5f60";

FormSample GoodSample() {
  FormSample sample;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(text: "good text"
           multiline: "two\nlines"
           uuid: "0b8f8a3c-5d7e-4f21-9c3a-1b2c3d4e5f60"
           goods_code: "850423"
           goods_prefix: "85"
           oked: "27.11"
           kpved: "27.11.10"
           parent: "editions/7/entries/e1"
           word: "machinery"
           etag: "W/1a"
           count: 7
           level: 5
           ratio: 0.5
           size: LARGE
           sizes: SMALL
           sizes: LARGE
           on_date { year: 2026 month: 1 day: 31 }
           at { seconds: 1767225600 nanos: 999999999 }
           codes: "8504"
           codes: "850423"
           rows {
             note: "n"
             needed: "x"
             children { needed: "y" }
           }
           row { needed: "x" }
           labels { key: "k" value: "v" }
           digest: "12345"
           choice_number: 3
           bonus: 9
           active: true
           numbers: 0
           numbers: 9
           quarter: "2026Q3"
           kato_prefix: "7512"
           ens_tru_prefix: "281212.300"
           quantity: "1250.5"
           cost { currency_code: "KZT" units: 1250 nanos: 500000000 }
           balance { currency_code: "KZT" units: -1000 }
           share_bp: 10000
           title { ru: "x" }
           other_titles { kk: "x" en: "y" }
           payments { currency_code: "KZT" })pb",
      &sample));
  return sample;
}

CreateWidgetRequest GoodCreate() {
  CreateWidgetRequest request;
  request.set_request_id(kUuid);
  request.mutable_widget()->set_code("850423");
  request.mutable_widget()->set_color("red");
  return request;
}

std::vector<std::string> PathsOf(const absl::Status& status) {
  std::vector<std::string> paths;
  const google::rpc::BadRequest bad = BadRequestOf(status);
  for (const auto& violation : bad.field_violations()) {
    paths.push_back(violation.field());
  }
  return paths;
}

std::string AllBytesOf(const absl::Status& status) {
  std::string all(status.message());
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    absl::StrAppend(&all, "|", url, "|", std::string(payload));
  });
  return all;
}

// ---- One bad value for each rule of each field, generated from the descriptor.

struct BadForm {
  std::string name;
  std::string path;
  std::function<void(Message*)> spoil;
  std::string value;  // must not come back; empty where there is none
};

using Reach = std::function<Message*(Message*)>;

class CaseMaker {
 public:
  std::vector<BadForm> Make(const Descriptor& type) {
    Walk(
        type, "", [](Message* m) { return m; }, 0);
    return std::move(cases_);
  }

 private:
  void Walk(const Descriptor& type, const std::string& prefix, const Reach& reach, int depth) {
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* f = type.field(i);
      if (f->is_map()) continue;
      const v1::Field& rule = RuleOf(*f);
      const std::string path = prefix + f->name();
      if (rule.output_only()) {
        Add(
            "output_only", path, reach, f, [f](Message* m) { SetOrAdd(m, f, "qzxset"); }, "qzxset");
        continue;
      }
      if (rule.required()) {
        const auto* oneof = f->real_containing_oneof();
        Add(
            "required", oneof != nullptr ? prefix + oneof->name() : path, reach, f,
            [oneof](Message* m) {
              if (oneof != nullptr) m->GetReflection()->ClearOneof(m, oneof);
            },
            "");
      }
      if (f->is_repeated()) AddItemCases(f, rule, path, reach);
      AddValueCases(f, rule, f->is_repeated() ? path + "[0]" : path, reach);
      if (f->message_type() != nullptr && depth < 2 &&
          WellKnownOf(*f->message_type()) == WellKnown::kNone) {
        Walk(
            *f->message_type(), (f->is_repeated() ? path + "[0]" : path) + ".",
            [f, reach](Message* root) {
              Message* m = reach(root);
              return MessageAt(m, f);
            },
            depth + 1);
      }
    }
  }

  // The sub-message, or the first of them; filled so that what it requires is there.
  static Message* MessageAt(Message* m, const FieldDescriptor* f) {
    const Reflection* r = m->GetReflection();
    if (f->is_repeated() && r->FieldSize(*m, f) > 0) return r->MutableRepeatedMessage(m, f, 0);
    const bool fresh = f->is_repeated() || !r->HasField(*m, f);
    Message* part = f->is_repeated() ? r->AddMessage(m, f) : r->MutableMessage(m, f);
    if (auto* row = google::protobuf::DynamicCastToGenerated<FormRow>(part); row && fresh) {
      row->set_needed("x");
    }
    if (auto* text = google::protobuf::DynamicCastToGenerated<LocalizedText>(part); text && fresh) {
      text->set_kk("x");
      text->set_ru("x");
    }
    return part;
  }

  static void SetOrAdd(Message* m, const FieldDescriptor* f, const std::string& text) {
    const Reflection* r = m->GetReflection();
    if (f->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      r->MutableMessage(m, f);
    } else if (f->is_repeated()) {
      r->AddString(m, f, text);
    } else {
      r->SetString(m, f, text);
    }
  }

  static void SetOrAddNumber(Message* m, const FieldDescriptor* f, int64_t n) {
    const Reflection* r = m->GetReflection();
    const bool add = f->is_repeated();
    switch (f->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        add ? r->AddInt32(m, f, static_cast<int32_t>(n))
            : r->SetInt32(m, f, static_cast<int32_t>(n));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        add ? r->AddUInt32(m, f, static_cast<uint32_t>(n))
            : r->SetUInt32(m, f, static_cast<uint32_t>(n));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        add ? r->AddDouble(m, f, static_cast<double>(n))
            : r->SetDouble(m, f, static_cast<double>(n));
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        add ? r->AddEnumValue(m, f, static_cast<int>(n))
            : r->SetEnumValue(m, f, static_cast<int>(n));
        break;
      default:
        add ? r->AddInt64(m, f, n) : r->SetInt64(m, f, n);
    }
  }

  void AddItemCases(const FieldDescriptor* f, const v1::Field& rule, const std::string& path,
                    const Reach& reach) {
    const int max = rule.max_items() != 0 ? static_cast<int>(rule.max_items()) : 500;
    Add(
        "max_items", path, reach, f,
        [f, max](Message* m) {
          for (int i = 0; i <= max; ++i) AddAny(m, f);
        },
        "");
    if (rule.unique_items()) {
      Add(
          "unique_items", path + "[1]", reach, f,
          [f](Message* m) {
            AddAny(m, f);
            AddAny(m, f);
          },
          "");
    }
    if (f->type() == FieldDescriptor::TYPE_STRING) {
      Add(
          "empty item", path + "[0]", reach, f,
          [f](Message* m) { m->GetReflection()->AddString(m, f, ""); }, "");
    }
  }

  static void AddAny(Message* m, const FieldDescriptor* f) {
    const Reflection* r = m->GetReflection();
    if (f->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      r->AddString(m, f, "8504");
    } else if (f->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* part = r->AddMessage(m, f);
      if (auto* row = google::protobuf::DynamicCastToGenerated<FormRow>(part)) row->set_needed("x");
      if (auto* text = google::protobuf::DynamicCastToGenerated<LocalizedText>(part))
        text->set_kk("x");
      if (auto* sum = google::protobuf::DynamicCastToGenerated<google::type::Money>(part)) {
        sum->set_currency_code("KZT");
      }
    } else {
      SetOrAddNumber(m, f, 1);
    }
  }

  void AddText(const std::string& name, const FieldDescriptor* f, const std::string& path,
               const Reach& reach, const std::string& value) {
    Add(
        name, path, reach, f, [f, value](Message* m) { SetOrAdd(m, f, value); }, value);
  }
  void AddNumber(const std::string& name, const FieldDescriptor* f, const std::string& path,
                 const Reach& reach, int64_t value) {
    Add(
        name, path, reach, f, [f, value](Message* m) { SetOrAddNumber(m, f, value); },
        absl::StrCat(value));
  }

  static std::string Repeat(absl::string_view piece, size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out.append(piece.data(), piece.size());
    return out;
  }

  void AddValueCases(const FieldDescriptor* f, const v1::Field& rule, const std::string& path,
                     const Reach& reach) {
    if (f->type() == FieldDescriptor::TYPE_STRING) return AddTextCases(f, rule, path, reach);
    if (f->type() == FieldDescriptor::TYPE_BYTES) {
      if (rule.max_chars() != 0) AddText("max", f, path, reach, Repeat("q", rule.max_chars() + 1));
      if (rule.min_chars() != 0) AddText("min", f, path, reach, Repeat("q", rule.min_chars() - 1));
      return;
    }
    if (f->message_type() == nullptr && rule.has_min() &&
        !(rule.min() == 0 && f->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) &&
        rule.min() - 1 != 0) {
      AddNumber("min", f, path, reach, rule.min() - 1);
    }
    if (f->message_type() == nullptr && rule.has_max())
      AddNumber("max", f, path, reach, rule.max() + 1);
    if (f->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      AddNumber("unknown value", f, path, reach, 987);
      AddNumber("negative value", f, path, reach, -987);
    }
    if (f->message_type() == nullptr) return;
    if (WellKnownOf(*f->message_type()) == WellKnown::kMoney) AddMoneyCases(f, rule, path, reach);
    if (WellKnownOf(*f->message_type()) == WellKnown::kDate) AddDateCases(f, path, reach);
    if (WellKnownOf(*f->message_type()) == WellKnown::kTimestamp) AddTimeCases(f, path, reach);
  }

  void AddTextCases(const FieldDescriptor* f, const v1::Field& rule, const std::string& path,
                    const Reach& reach) {
    switch (rule.format()) {
      case v1::FILTER:
      case v1::ORDER_BY:
      case v1::PAGE_TOKEN:
      case v1::RAW:
        return;
      case v1::TEXT:
      case v1::MULTILINE: {
        const std::string max = Repeat("ы", rule.max_chars() != 0            ? rule.max_chars() + 1
                                            : rule.format() == v1::MULTILINE ? 10'001
                                                                             : 301);
        AddText("max_chars", f, path, reach, max);
        AddText("NUL", f, path, reach, std::string("q\0z", 3));
        AddText("control", f, path, reach, "qz\x07x");
        AddText("C1 control", f, path, reach, "q\u0085zx");
        AddText("bidirectional override", f, path, reach, "q\u202ezx");
        AddText("only zero-width", f, path, reach, "\u200b\u200b");
        AddText("only spaces", f, path, reach, "   ");
        AddText("combining bomb", f, path, reach, "q" + Repeat("\u0301", 9));
        if (rule.format() == v1::TEXT) AddText("line feed", f, path, reach, "qz\nx");
        if (rule.min_chars() > 1) {
          AddText("min_chars", f, path, reach, Repeat("ы", rule.min_chars() - 1));
        }
        return;
      }
      default:
        AddText("format", f, path, reach, "qz! xq");
        AddText("full-width digits", f, path, reach, "８５０４２３");
        AddText("long", f, path, reach, Repeat("a1q", 3'400));
        if (rule.format() == v1::RESOURCE_NAME) {
          AddText("climbing", f, path, reach, "editions/../entries/e1");
        }
    }
  }

  void AddDateCases(const FieldDescriptor* f, const std::string& path, const Reach& reach) {
    for (const auto& [y, m, d] : {std::tuple{2026, 2, 30},
                                  {2026, 13, 1},
                                  {1989, 12, 31},
                                  {2200, 1, 1},
                                  {2026, 0, 0},
                                  {2026, 1, 0},
                                  {0, 0, 0}}) {
      const std::string text = absl::StrCat("year: ", y, " month: ", m, " day: ", d);
      Add(
          "date " + text, path, reach, f,
          [f, text](Message* message) {
            Message* date = message->GetReflection()->MutableMessage(message, f);
            EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, date));
          },
          "");
    }
  }

  void AddMoneyCases(const FieldDescriptor* f, const v1::Field& rule, const std::string& path,
                     const Reach& reach) {
    const int64_t least = rule.min();
    const int64_t most = rule.has_max() ? rule.max() : 1'000'000'000'000'000;
    const std::string kzt = "currency_code: 'KZT' ";
    for (const std::string& text :
         {std::string(), std::string("units: 5"), std::string("currency_code: 'USD' units: 5"),
          std::string("currency_code: 'kzt' units: 5"), absl::StrCat(kzt, "units: ", least - 1),
          absl::StrCat(kzt, "units: ", least, " nanos: -10000000"),
          absl::StrCat(kzt, "units: ", most + 1),
          absl::StrCat(kzt, "units: ", most, " nanos: 10000000"),
          absl::StrCat(kzt, "units: 5 nanos: 5000000"), absl::StrCat(kzt, "units: 5 nanos: 1"),
          absl::StrCat(kzt, "units: 5 nanos: -10000000"),
          absl::StrCat(kzt, "units: 5 nanos: 1000000000"),
          absl::StrCat(kzt, "units: ", std::numeric_limits<int64_t>::max()),
          absl::StrCat(kzt, "units: ", std::numeric_limits<int64_t>::min())}) {
      Add(
          "money " + text, path, reach, f,
          [f, text](Message* message) {
            Message* sum = f->is_repeated() ? message->GetReflection()->AddMessage(message, f)
                                            : message->GetReflection()->MutableMessage(message, f);
            EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, sum));
          },
          "");
    }
  }

  void AddTimeCases(const FieldDescriptor* f, const std::string& path, const Reach& reach) {
    constexpr int64_t kGood = 1'767'225'600;
    for (const auto& [seconds, nanos] : {std::pair{std::numeric_limits<int64_t>::min(), 0},
                                         {int64_t{631'151'999}, 0},
                                         {int64_t{7'258'118'400}, 0},
                                         {kGood, -1},
                                         {kGood, 1'000'000'000}}) {
      const std::string text = absl::StrCat("seconds: ", seconds, " nanos: ", nanos);
      Add(
          "time " + text, path, reach, f,
          [f, text](Message* message) {
            Message* time = message->GetReflection()->MutableMessage(message, f);
            EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, time));
          },
          "");
    }
  }

  void Add(const std::string& name, const std::string& path, const Reach& reach,
           const FieldDescriptor* f, std::function<void(Message*)> set, const std::string& value) {
    cases_.push_back({absl::StrCat(path, ": ", name), path,
                      [reach, f, set = std::move(set)](Message* root) {
                        Message* m = reach(root);
                        m->GetReflection()->ClearField(m, f);
                        set(m);
                      },
                      value});
  }

  std::vector<BadForm> cases_;
};

void ExpectEachCaseRefused(const Message& good) {
  const FormChecker checker(good.GetDescriptor());
  const std::vector<BadForm> cases = CaseMaker().Make(*good.GetDescriptor());
  ASSERT_GT(cases.size(), 5u);
  for (const BadForm& bad : cases) {
    SCOPED_TRACE(bad.name);
    const std::unique_ptr<Message> request(good.New());
    request->CopyFrom(good);
    bad.spoil(request.get());
    const absl::Status status = checker.Check(request.get(), /*is_mutation=*/true);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
    EXPECT_EQ(base::InfoOf(status).domain(), "nisi");
    EXPECT_THAT(PathsOf(status), ElementsAre(bad.path));
    if (bad.value.size() > 1) {
      EXPECT_THAT(AllBytesOf(status), Not(HasSubstr(bad.value)));
    }
    EXPECT_LT(AllBytesOf(status).size(), 4'096u);
  }
}

TEST(FormChecker, TheGoodRequestsOfTheseTestsPass) {
  FormSample sample = GoodSample();
  EXPECT_EQ(FormChecker(FormSample::descriptor()).Check(&sample, true), absl::OkStatus());
  CreateWidgetRequest create = GoodCreate();
  EXPECT_EQ(FormChecker(CreateWidgetRequest::descriptor()).Check(&create, true), absl::OkStatus());
}

TEST(FormChecker, RefusesOneBadValueOfEachRule) {
  ExpectEachCaseRefused(GoodSample());
  ExpectEachCaseRefused(GoodCreate());
}

TEST(FormChecker, KnowsTheCodesWithCheckDigitsAndClassifiers) {
  const FormChecker checker(FormSample::descriptor());
  const auto problem = [&](const std::function<void(FormSample*)>& change) {
    FormSample sample = GoodSample();
    change(&sample);
    const absl::Status status = checker.Check(&sample);
    return status.ok() ? std::vector<std::string>{} : PathsOf(status);
  };
  EXPECT_THAT(problem([](auto* s) { s->set_bin("940140000385"); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->set_bin("940140000386"); }), ElementsAre("bin"));
  EXPECT_THAT(problem([](auto* s) { s->set_kato("750000000"); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->set_kato("990000000"); }), ElementsAre("kato"));
  EXPECT_THAT(problem([](auto* s) { s->set_goods_code("77"); }), ElementsAre("goods_code"));
  EXPECT_THAT(problem([](auto* s) { s->set_goods_code("7701"); }), ElementsAre("goods_code"));
  EXPECT_THAT(problem([](auto* s) { s->set_ens_tru("281212.300.000001"); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->set_ens_tru_prefix("281212.300.000001"); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->set_ens_tru_prefix("281212.3"); }),
              ElementsAre("ens_tru_prefix"));
  EXPECT_THAT(problem([](auto* s) { s->set_kato_prefix("75"); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->set_kato_prefix("7"); }), ElementsAre("kato_prefix"));
  EXPECT_THAT(problem([](auto* s) { s->set_kato_prefix("99"); }), ElementsAre("kato_prefix"));
  EXPECT_THAT(problem([](auto* s) { s->set_quarter("2199Q4"); }), ElementsAre());
  for (const char* bad : {"2026Q0", "2026Q5", "2026q3", "2026-Q3", "1989Q4", "2200Q1", "26Q3"}) {
    EXPECT_THAT(problem([&](auto* s) { s->set_quarter(bad); }), ElementsAre("quarter")) << bad;
  }
  EXPECT_THAT(problem([](auto* s) { s->set_quantity("0"); }), ElementsAre());
  for (const char* bad : {"-1", "1.0005", "1000000000000", "1e3", "NaN", "1,5", "05"}) {
    EXPECT_THAT(problem([&](auto* s) { s->set_quantity(bad); }), ElementsAre("quantity")) << bad;
  }
  EXPECT_THAT(problem([](auto* s) { s->set_uuid("0B8F8A3C-5D7E-4F21-9C3A-1B2C3D4E5F60"); }),
              ElementsAre("uuid"));
}

TEST(FormChecker, ANumberSaysBothItsBounds) {
  const auto problem = [](const std::function<void(FormSample*)>& change) {
    FormSample sample = GoodSample();
    change(&sample);
    const google::rpc::BadRequest bad =
        BadRequestOf(FormChecker(FormSample::descriptor()).Check(&sample));
    return bad.field_violations().empty() ? "" : bad.field_violations(0).description();
  };
  EXPECT_EQ(problem([](auto* s) { s->set_count(-1); }), "must be from 1 to 100");
  EXPECT_EQ(problem([](auto* s) { s->set_count(101); }), "must be from 1 to 100");
  EXPECT_EQ(problem([](auto* s) { s->set_ratio(-0.5); }), "must be from 0 to 1");
  EXPECT_EQ(problem([](auto* s) { s->set_level(6); }), "must be at most 5");
}

TEST(FormChecker, ASumSaysWhatIsWrongWithIt) {
  const FormChecker checker(FormSample::descriptor());
  const struct {
    const char* sum;
    const char* cost;     // not negative, as sums are
    const char* balance;  // between -1,000 and 1,000
  } kCases[] = {
      {"currency_code: 'KZT' units: 5 nanos: 990000000", "", ""},
      {"currency_code: 'KZT' units: 1000", "", ""},
      {"currency_code: 'USD' units: 5", "is no sum in tenge (KZT)", "is no sum in tenge (KZT)"},
      {"currency_code: 'KZT' units: 5 nanos: 1000000", "has more than 2 decimals",
       "has more than 2 decimals"},
      {"currency_code: 'KZT' nanos: -10000000", "must not be negative", ""},
      {"currency_code: 'KZT' units: -1001", "must not be negative",
       "must be from -1000 to 1000 tenge"},
      {"currency_code: 'KZT' units: 1000 nanos: 10000000", "", "must be from -1000 to 1000 tenge"},
      {"currency_code: 'KZT' units: 1000000000000001", "is over 10^15 tenge",
       "is over 10^15 tenge"},
  };
  for (const auto& c : kCases) {
    const auto problem = [&](google::type::Money* (FormSample::*sum)()) {
      FormSample sample = GoodSample();
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(c.sum, (sample.*sum)()));
      const google::rpc::BadRequest bad = BadRequestOf(checker.Check(&sample));
      return bad.field_violations().empty() ? "" : bad.field_violations(0).description();
    };
    EXPECT_EQ(problem(&FormSample::mutable_cost), c.cost) << c.sum;
    EXPECT_EQ(problem(&FormSample::mutable_balance), c.balance) << c.sum;
  }
}

TEST(FormChecker, AMessageHoldsOneOfTheFieldsThatItsFormNames) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  sample.clear_title();  // none at all is a matter of `required`
  EXPECT_EQ(checker.Check(&sample, true), absl::OkStatus());
  sample.mutable_title()->set_kk("x");
  EXPECT_EQ(checker.Check(&sample, true), absl::OkStatus());
  sample.mutable_title()->clear_kk();
  sample.mutable_title()->set_en("x");
  sample.add_other_titles();
  const absl::Status status = checker.Check(&sample, true);
  EXPECT_THAT(PathsOf(status), ElementsAre("title.kk", "other_titles[1].kk"));
  EXPECT_EQ(BadRequestOf(status).field_violations(0).description(),
            "is required unless ru is given");
}

TEST(FormChecker, ReportsAllViolationsTogetherAndAtMostTwenty) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  sample.clear_text();
  sample.set_level(6);
  sample.mutable_rows(0)->set_note("far too long a note");
  sample.mutable_rows(0)->mutable_children(0)->set_amount(-5);
  sample.clear_choice_number();
  EXPECT_THAT(PathsOf(checker.Check(&sample)),
              ElementsAre("text", "level", "rows[0].note", "rows[0].children[0].amount", "choice"));
  for (int i = 0; i < 38; ++i) sample.add_codes("nonsense");
  const absl::Status status = checker.Check(&sample);
  EXPECT_EQ(PathsOf(status).size(), 20u);
  EXPECT_LT(AllBytesOf(status).size(), 4'096u);
}

TEST(FormChecker, KeepsDetailsShortWhenPathsAreLong) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  FormRow* row = sample.mutable_row();
  for (int i = 0; i < 50; ++i) {
    row = row->add_children();
    row->set_needed("x");
  }
  for (int i = 0; i < 30; ++i) row->add_children()->set_amount(-1);
  const absl::Status status = checker.Check(&sample);
  EXPECT_GT(PathsOf(status).size(), 2u);
  EXPECT_LT(AllBytesOf(status).size(), 4'096u);
}

TEST(FormChecker, BringsTextToNfcInPlace) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  sample.set_text("И\u0306од");        // И and a breve
  sample.set_multiline("e\u0301\nx");  // e and an acute
  sample.mutable_rows(0)->set_note("и\u0306");
  ASSERT_EQ(checker.Check(&sample), absl::OkStatus());
  EXPECT_EQ(sample.text(), "Йод");
  EXPECT_EQ(sample.multiline(), "é\nx");
  EXPECT_EQ(sample.rows(0).note(), "й");
}

TEST(FormChecker, CountsCodePointsOfTheNormalisedText) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  sample.set_text("ййййййййй\u0438\u0306");  // 11 code points, 10 in NFC
  EXPECT_EQ(checker.Check(&sample), absl::OkStatus());
  EXPECT_EQ(sample.text(), "йййййййййй");
}

TEST(FormChecker, RawTextPassesAndStaysAsItIs) {
  const FormChecker checker(FormSample::descriptor());
  for (const std::string& text :
       {std::string(), std::string("two\nlines"), std::string("a\tb\r"), std::string("a\x07"),
        std::string("a\0b", 3), std::string("\u202e"), std::string("\u200b"), std::string("  "),
        std::string("И\u0306"), std::string(1 << 20, 'a')}) {
    SCOPED_TRACE(text.substr(0, 20));
    FormSample sample = GoodSample();
    sample.set_raw(text);
    EXPECT_EQ(checker.Check(&sample, true), absl::OkStatus());
    EXPECT_EQ(sample.raw(), text);
  }
}

TEST(FormChecker, OutputOnlyMattersInMutationsOnly) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  sample.set_create_note("by me");
  EXPECT_EQ(checker.Check(&sample), absl::OkStatus());
  EXPECT_THAT(PathsOf(checker.Check(&sample, true)), ElementsAre("create_note"));
  CreateWidgetRequest create = GoodCreate();
  create.mutable_widget()->set_etag("W/7");
  EXPECT_EQ(FormChecker(CreateWidgetRequest::descriptor()).Check(&create, true), absl::OkStatus());
}

TEST(FormChecker, InAnUpdateNothingOfTheResourceIsRequiredButItsName) {
  const FormChecker checker(UpdateWidgetRequest::descriptor());
  UpdateWidgetRequest request;
  request.set_request_id(kUuid);
  EXPECT_THAT(PathsOf(checker.Check(&request, true)), ElementsAre("widget"));
  request.mutable_widget()->set_color("red");
  EXPECT_THAT(PathsOf(checker.Check(&request, true)), ElementsAre("widget.name"));
  request.mutable_widget()->set_name("widgets/7");
  EXPECT_EQ(checker.Check(&request, true), absl::OkStatus());
  request.mutable_widget()->mutable_update_time()->set_seconds(1'767'225'600);
  request.mutable_widget()->set_weight(-1);
  EXPECT_THAT(PathsOf(checker.Check(&request, true)),
              ElementsAre("widget.weight", "widget.update_time"));
}

// What of a mask is wrong whatever is stored: a record of another version would hide it.
TEST(FormChecker, TheMaskOfAnUpdateNamesWhatMayBeNamed) {
  const FormChecker checker(UpdateWidgetRequest::descriptor());
  const auto faults = [&](const std::vector<std::string>& paths) {
    UpdateWidgetRequest request;
    request.set_request_id(kUuid);
    request.mutable_widget()->set_name("widgets/7");
    request.mutable_widget()->mutable_maker();
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return PathsOf(checker.Check(&request, true));
  };
  EXPECT_THAT(faults({"weight", "note", "maker.body", "maker", "code", "size"}), ElementsAre());
  EXPECT_THAT(faults({"weight", "no such path", "*", "name", "etag", "made_on.year", "color"}),
              ElementsAre("update_mask.paths[1]", "update_mask.paths[2]", "update_mask.paths[3]",
                          "update_mask.paths[4]", "update_mask.paths[5]", "update_mask.paths[6]"));
  EXPECT_THAT(faults(std::vector<std::string>(100, "note")), ElementsAre());
  EXPECT_THAT(faults(std::vector<std::string>(101, "note")), ElementsAre("update_mask.paths"));
}

TEST(FormChecker, TheNameInAnUpdateHasItsForm) {
  const FormChecker checker(UpdateWidgetRequest::descriptor());
  for (const std::string name :
       {"qzx", "widgets/*", "widgets/", "editions/7", "widgets/7/parts/1", "/widgets/7",
        "Widgets/7", "widgets/../qzx", "widgets/7 ", "widgets//7"}) {
    SCOPED_TRACE(name);
    UpdateWidgetRequest request;
    request.set_request_id(kUuid);
    request.mutable_widget()->set_name(name);
    const absl::Status status = checker.Check(&request, true);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELD");
    EXPECT_THAT(PathsOf(status), ElementsAre("widget.name"));
    EXPECT_THAT(AllBytesOf(status), Not(HasSubstr("qzx")));
  }
}

TEST(FormChecker, OneofsOptionalsMapsAndFloats) {
  const FormChecker checker(FormSample::descriptor());
  const auto problem = [&](const std::function<void(FormSample*)>& change) {
    FormSample sample = GoodSample();
    change(&sample);
    const absl::Status status = checker.Check(&sample);
    return status.ok() ? std::vector<std::string>{} : PathsOf(status);
  };
  EXPECT_THAT(problem([](auto* s) { s->set_choice_text(""); }), ElementsAre("choice_text"));
  EXPECT_THAT(problem([](auto* s) { s->set_choice_number(0); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->mutable_choice_row(); }), ElementsAre("choice_row.needed"));
  EXPECT_THAT(problem([](auto* s) { s->clear_bonus(); }), ElementsAre());
  EXPECT_THAT(problem([](auto* s) { s->set_bonus(0); }), ElementsAre("bonus"));
  EXPECT_THAT(problem([](auto* s) { (*s->mutable_labels())[""] = "v"; }).size(), 1u);
  EXPECT_THAT(problem([](auto* s) { (*s->mutable_labels())[std::string(65, 'k')] = "v"; }).size(),
              1u);
  EXPECT_THAT(problem([](auto* s) {
                s->clear_labels();
                (*s->mutable_labels())["k"] = "v\x07";
              }),
              ElementsAre("labels[0]"));
  EXPECT_THAT(problem([](auto* s) {
                for (int i = 0; i < 65; ++i) (*s->mutable_labels())[absl::StrCat(i)] = "v";
              }),
              ElementsAre("labels"));
  EXPECT_THAT(problem([](auto* s) { s->set_ratio(std::nan("")); }), ElementsAre("ratio"));
  EXPECT_THAT(problem([](auto* s) { s->set_ratio(std::numeric_limits<double>::infinity()); }),
              ElementsAre("ratio"));
  EXPECT_THAT(problem([](auto* s) { s->set_ratio(1.01); }), ElementsAre("ratio"));
}

TEST(FormChecker, FindsRepeatsInLongListsToo) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  sample.clear_codes();
  for (int i = 0; i < 40; ++i) sample.add_codes(absl::StrCat(8400 + i));
  EXPECT_EQ(checker.Check(&sample), absl::OkStatus());
  sample.set_codes(37, sample.codes(2));
  EXPECT_THAT(PathsOf(checker.Check(&sample)), ElementsAre("codes[37]"));
}

TEST(FormChecker, AFloodOfUnknownFieldsIsNoMessage) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  auto* unknown =
      FormRow::GetReflection()->MutableUnknownFields(sample.mutable_rows(0)->mutable_children(0));
  for (int i = 0; i < 100; ++i) unknown->AddVarint(1'000 + i, 1);
  EXPECT_EQ(checker.Check(&sample), absl::OkStatus());
  unknown->AddVarint(2'000, 1);
  EXPECT_EQ(ReasonOf(checker.Check(&sample)), "MALFORMED_MESSAGE");
}

TEST(FormChecker, TooDeepNestingIsNoMessage) {
  const FormChecker checker(FormSample::descriptor());
  FormSample sample = GoodSample();
  FormRow* row = sample.mutable_row();
  for (int i = 0; i < 63; ++i) {
    row = row->add_children();
    row->set_needed("x");
  }
  EXPECT_EQ(checker.Check(&sample), absl::OkStatus());
  row->add_children()->set_needed("x");
  EXPECT_EQ(ReasonOf(checker.Check(&sample)), "MALFORMED_MESSAGE");
}

TEST(CheckDescriptor, PassesRulesThatCanBeKept) {
  EXPECT_EQ(CheckDescriptor(FormSample::descriptor()), absl::OkStatus());
  EXPECT_EQ(CheckDescriptor(CreateWidgetRequest::descriptor()), absl::OkStatus());
  EXPECT_EQ(CheckDescriptor(UpdateWidgetRequest::descriptor()), absl::OkStatus());
}

TEST(CheckDescriptor, NamesEachFieldWhoseRulesMakeNoSense) {
  const Descriptor* nonsense = testing::v1::FormNonsense::descriptor();
  const absl::Status status = CheckDescriptor(nonsense);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  for (int i = 0; i < nonsense->field_count(); ++i) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(nonsense->field(i)->full_name() + ":"));
  }
}

TEST(CheckDescriptor, WantsFieldsForTheFormOfAMessage) {
  const absl::Status status = CheckDescriptor(testing::v1::FormlessNonsense::descriptor());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("FormlessNonsense: any_of"));
  EXPECT_EQ(CheckDescriptor(LocalizedText::descriptor()), absl::OkStatus());
}

TEST(CheckDescriptor, WantsAPatternForTheNameThatAnUpdateGoesBy) {
  const absl::Status status = CheckDescriptor(testing::v1::UpdateNonsenseRequest::descriptor());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("NamelessNonsense.name:"));
  EXPECT_EQ(CheckDescriptor(testing::v1::NamelessNonsense::descriptor()), absl::OkStatus());
}

}  // namespace
}  // namespace nisi::rpc
