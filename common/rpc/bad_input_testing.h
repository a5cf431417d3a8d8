// A walk over every method of a service with requests that break one rule each of what its protos
// declare, and with the outermost values that keep them.
//
//   const BadInputWalk walk = WalkBadInput({.registry = ..., .store = ..., .clock = ...,
//                                           .records = ..., .bin = ..., .regions = ...});
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/requests_testing.h"
#include "common/rpc/served_testing.h"
#include "common/store/store.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/money.pb.h"

namespace nisi::rpc {

struct BadInputFixture {
  const Registry* registry = nullptr;
  store::Store* store = nullptr;
  base::Clock* clock = nullptr;
  std::vector<std::string> records;  // that requests are about, one or more a type
  // Of the caller, who has every role that a method admits.
  std::string bin;
  std::vector<std::string> regions;
};

struct BadInputWalk {
  int broken = 0;     // requests with one rule broken, each refused by the field's name
  int answered = 0;   // methods that answer the request before it was broken
  int outermost = 0;  // requests with an outermost value that keeps the rules
  int taken = 0;      // of them, those that were answered
};

namespace bad_input {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

inline constexpr char kMark[] = "Zq9Secret";  // in no message of ours

// A change to a request, and what it is for people.
struct Change {
  std::string path;  // of the field, as a refusal names it
  std::string what;
  std::function<void(Message*)> apply;
  // Left to the function, which may find another fault first.
  bool by_function = false;
};

// Leads from a request to the message that holds a field.
using Reach = std::function<Message*(Message*)>;

inline size_t MaxChars(const v1::Field& rule) {
  if (rule.max_chars() != 0) return rule.max_chars();
  return rule.format() == v1::MULTILINE ? 10'000 : 300;
}

inline std::vector<std::string> BadTexts(const v1::Field& rule, const std::string& good) {
  const std::string mark = kMark;
  const std::string too_long = mark + std::string(MaxChars(rule), 'a');
  switch (rule.format()) {
    case v1::TEXT:
      return {mark + "\x07", mark + "\n", mark + "\u202e", too_long};
    case v1::MULTILINE:
      return {mark + "\x07", mark + "\u202e", too_long};
    case v1::UUID:
      return {mark, "00000000-0000-4000-8000-00000000000", "0000000000004000800000000000000A"};
    case v1::GOODS_CODE:
      return {mark, "85042", "8504239", "85042300001", "0012", "7712", "8504 3", "８５０４"};
    case v1::GOODS_CODE_PREFIX:
      return {mark, "850", "85042300001", "77"};
    case v1::OKED:
      return {mark, "2711", "27.11.4.1"};
    case v1::KPVED:
      return {mark, "27114100", "27.11.41.0000"};
    case v1::ENS_TRU:
      return {mark, "271110.100", "271110100000007", "271110.100.0000070"};
    case v1::ENS_TRU_PREFIX:
      return {mark, "27111", "271110.1", "271110.100.0000070"};
    case v1::BIN:
      return {mark, "07034000000", "070340000001234", "07034000000x", std::string(12, '9')};
    case v1::KATO:
      return {mark, "7511", "0011100000", "001110000", "75111000x"};
    case v1::KATO_PREFIX:
      return {mark, "7", "00", "7511100000"};
    case v1::RESOURCE_NAME:
      return {mark, rule.resource(), good + "/" + mark, "/" + good, too_long};
    case v1::ETAG:
      return {mark + " ", mark + "\xc3\xa9", std::string(129, 'e')};
    case v1::WORD:
      return {mark, "two words", mark + std::string(300, 'w')};
    case v1::QUARTER:
      return {mark, "2026Q5", "2026Q0", "2026-3", "26Q3"};
    case v1::DECIMAL:
      return {mark, "-1", "1.0001", "1e3", ".5", "1234567890123", "1,5"};
    case v1::FILTER:
      return {mark, mark + " =", mark + " = \"x\"", "(" + mark, mark + std::string(2'001, 'f')};
    case v1::ORDER_BY:
      return {mark, mark + " desc", ",", mark + std::string(2'001, 'o')};
    case v1::PAGE_TOKEN:
      return {mark, std::string(40, 'A'), mark + std::string(5'000, 't')};
    default:  // RAW: the function reports on it
      return {};
  }
}

// What keeps every rule of the field, at its edge.
inline std::vector<std::string> OutermostTexts(const v1::Field& rule) {
  switch (rule.format()) {
    case v1::TEXT:
    case v1::MULTILINE: {
      std::string longest;
      for (size_t i = 0; i < MaxChars(rule); ++i) longest += "\xf0\x9d\x92\xb3";  // four bytes each
      return {longest, std::string(std::max<size_t>(rule.min_chars(), 1), '%')};
    }
    case v1::GOODS_CODE:
      return {"0101", "9999999999"};
    case v1::GOODS_CODE_PREFIX:
      return {"01", "9999999999"};
    case v1::ENS_TRU:
      return {"000000.000.000000", "999999.999.999999"};
    case v1::OKED:
      return {"00.00", "99.99.9"};
    case v1::QUARTER:
      return {"1990Q1", "2199Q4"};
    case v1::DECIMAL:
      return {"0", "0.001", "999999999999.999"};
    case v1::ETAG:
      return {std::string(128, '~')};
    case v1::RAW:
      return {kMark, std::string(3'000, '9'), std::string("\x00\x01", 2)};
    default:
      return {};
  }
}

class Finder {
 public:
  explicit Finder(bool mutation) : mutation_(mutation) {}

  std::vector<Change> broken, outermost;

  // How a message stands in the request: as in form.cc.
  enum class Mode { kWhole, kResource, kPatch };

  void Visit(const Message& message, const Reach& reach, const std::string& prefix, Mode mode) {
    const auto& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      if (field->is_map()) continue;
      const std::string path = prefix.empty() ? field->name() : prefix + "." + field->name();
      if (RuleOf(*field).output_only() && !(mode == Mode::kResource && IsOwnName(*field))) {
        if (mutation_ && field->real_containing_oneof() == nullptr) {
          Break(path, "output only", reach, [field](Message* m) { Give(field, m); });
        }
        continue;
      }
      if (!IsGiven(message, *field) && !IsMask(*field) && !LeftToFunction(*field)) continue;
      Field(message, field, reach, path, mode);
    }
    const auto any_of = AnyOf(type);
    if (mode == Mode::kWhole && !any_of.empty()) {
      const std::string& first = any_of.front()->name();
      Break(prefix.empty() ? first : prefix + "." + first, "none of a group", reach,
            [any_of](Message* m) {
              for (const auto* field : any_of) m->GetReflection()->ClearField(m, field);
            });
    }
  }

 private:
  static bool IsMask(const FieldDescriptor& field) {
    return field.message_type() != nullptr &&
           WellKnownOf(*field.message_type()) == WellKnown::kFieldMask;
  }
  static bool LeftToFunction(const FieldDescriptor& field) {
    const v1::Format format = RuleOf(field).format();
    return field.type() == FieldDescriptor::TYPE_STRING &&
           (format == v1::FILTER || format == v1::ORDER_BY || format == v1::PAGE_TOKEN);
  }

  // Sets what only the system may set.
  static void Give(const FieldDescriptor* field, Message* m) {
    const auto& reflection = *m->GetReflection();
    if (field->message_type() != nullptr) {
      if (field->is_repeated()) {
        reflection.AddMessage(m, field);
      } else {
        reflection.MutableMessage(m, field);
      }
      return;
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {  // one that is false is not given
      if (field->is_repeated()) {
        reflection.AddBool(m, field, true);
      } else {
        reflection.SetBool(m, field, true);
      }
      return;
    }
    FillSampleField(1, *field, m);
  }

  void Break(const std::string& path, const std::string& what, const Reach& reach,
             const std::function<void(Message*)>& change, bool by_function = false) {
    broken.push_back(
        {path, what, [reach, change](Message* request) { change(reach(request)); }, by_function});
  }
  void Stretch(const std::string& path, const std::string& what, const Reach& reach,
               const std::function<void(Message*)>& change) {
    outermost.push_back(
        {path, what, [reach, change](Message* request) { change(reach(request)); }});
  }

  void Field(const Message& message, const FieldDescriptor* field, const Reach& reach,
             const std::string& path, Mode mode) {
    const v1::Field& rule = RuleOf(*field);
    const auto clear = [field](Message* m) { m->GetReflection()->ClearField(m, field); };
    const auto* oneof = field->real_containing_oneof();
    const bool addressed = mode == Mode::kResource && IsOwnName(*field);
    if (addressed || (rule.required() && mode == Mode::kWhole)) {
      const std::string group =
          oneof == nullptr ? path
                           : path.substr(0, path.size() - field->name().size()) + oneof->name();
      Break(group, "missing", reach, clear);
    } else {
      Stretch(path, "absent", reach, clear);
    }
    if (field->is_repeated()) return Repeated(message, field, reach, path, mode);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return Text(message, field, reach, path, /*item=*/false);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Part(message, field, reach, path, mode);
      default:
        return Number(field, reach, path);
    }
  }

  void Text(const Message& message, const FieldDescriptor* field, const Reach& reach,
            const std::string& path, bool item) {
    const v1::Field& rule = RuleOf(*field);
    const auto& reflection = *message.GetReflection();
    const auto set = [field, item](const std::string& text) {
      return [field, item, text](Message* m) {
        if (item) {
          m->GetReflection()->SetRepeatedString(m, field, 0, text);
        } else {
          m->GetReflection()->SetString(m, field, text);
        }
      };
    };
    if (field->type() == FieldDescriptor::TYPE_BYTES) {
      if (rule.min_chars() > 1)
        Break(path, "too few bytes", reach, set(std::string(rule.min_chars() - 1, 'b')));
      if (rule.max_chars() > 0)
        Break(path, "too many bytes", reach, set(kMark + std::string(rule.max_chars(), 'b')));
      return;
    }
    const std::string good = item ? reflection.GetRepeatedString(message, field, 0)
                                  : reflection.GetString(message, field);
    for (const std::string& bad : BadTexts(rule, good)) {
      Break(path, "text " + absl::CHexEscape(bad.substr(0, 40)), reach, set(bad),
            LeftToFunction(*field));
    }
    if (rule.min_chars() > 1 && rule.format() == v1::TEXT)
      Break(path, "too short", reach, set(std::string(rule.min_chars() - 1, 'a')));
    for (const std::string& outer : OutermostTexts(rule)) {
      Stretch(path, "text " + absl::CHexEscape(outer.substr(0, 12)), reach, set(outer));
    }
  }

  void Number(const FieldDescriptor* field, const Reach& reach, const std::string& path) {
    const v1::Field& rule = RuleOf(*field);
    const auto set = [field](int64_t value) {
      return [field, value](Message* m) {
        const auto& reflection = *m->GetReflection();
        switch (field->cpp_type()) {
          case FieldDescriptor::CPPTYPE_INT32:
            return reflection.SetInt32(m, field, static_cast<int32_t>(value));
          case FieldDescriptor::CPPTYPE_INT64:
            return reflection.SetInt64(m, field, value);
          case FieldDescriptor::CPPTYPE_ENUM:
            return reflection.SetEnumValue(m, field, static_cast<int>(value));
          default:
            return reflection.SetBool(m, field, value != 0);
        }
      };
    };
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      Break(path, "unknown value", reach, set(9'999));
      for (int i = 0; i < field->enum_type()->value_count(); ++i) {
        const auto& value = *field->enum_type()->value(i);
        if (value.number() != 0) Stretch(path, value.name(), reach, set(value.number()));
      }
      return;
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      if (field->name() != "validate_only") Stretch(path, "true", reach, set(1));
      return;
    }
    const bool wide = field->cpp_type() == FieldDescriptor::CPPTYPE_INT64;
    if (!wide && field->cpp_type() != FieldDescriptor::CPPTYPE_INT32) return;
    const int64_t least = wide ? std::numeric_limits<int64_t>::min() : INT32_MIN;
    const int64_t most = wide ? std::numeric_limits<int64_t>::max() : INT32_MAX;
    const auto try_bad = [&](int64_t bad) {
      // 0 is the same as not given.
      if (bad != 0) Break(path, absl::StrCat("number ", bad), reach, set(bad));
    };
    if (rule.has_min() && rule.min() > least) {
      try_bad(rule.min() - 1);
      try_bad(least);
    }
    if (rule.has_max() && rule.max() < most) {
      try_bad(rule.max() + 1);
      try_bad(most);
    }
    for (const int64_t outer :
         {rule.has_min() ? rule.min() : least, rule.has_max() ? rule.max() : most}) {
      if (outer != 0) Stretch(path, absl::StrCat("number ", outer), reach, set(outer));
    }
  }

  void Repeated(const Message& message, const FieldDescriptor* field, const Reach& reach,
                const std::string& path, Mode mode) {
    const v1::Field& rule = RuleOf(*field);
    const auto max = static_cast<int>(rule.max_items() == 0 ? 500 : rule.max_items());
    Break(path, "too many", reach, [field, max](Message* m) {
      const auto& reflection = *m->GetReflection();
      for (int n = 0; reflection.FieldSize(*m, field) <= max; ++n) {
        FillSampleField(n, *field, m);
        if (field->message_type() == nullptr) continue;
        // What no caller sends would make a long list a flood of fields.
        const int last = reflection.FieldSize(*m, field) - 1;
        Message* item = reflection.MutableRepeatedMessage(m, field, last);
        for (int i = 0; i < field->message_type()->field_count(); ++i) {
          const FieldDescriptor* part = field->message_type()->field(i);
          if (RuleOf(*part).output_only()) item->GetReflection()->ClearField(item, part);
        }
      }
    });
    if (rule.min_items() > 1 && mode == Mode::kWhole) {
      Break(path, "too few", reach, [field, rule](Message* m) {
        const auto& reflection = *m->GetReflection();
        while (reflection.FieldSize(*m, field) >= static_cast<int>(rule.min_items())) {
          reflection.RemoveLast(m, field);
        }
      });
    }
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      Text(message, field, reach, path + "[0]", /*item=*/true);
      Break(path + "[0]", "empty", reach,
            [field](Message* m) { m->GetReflection()->SetRepeatedString(m, field, 0, ""); });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      Break(path + "[0]", "unknown value", reach,
            [field](Message* m) { m->GetReflection()->SetRepeatedEnumValue(m, field, 0, 9'999); });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Known(
          message.GetReflection()->GetRepeatedMessage(message, field, 0), field,
          [reach, field](Message* request) {
            Message* m = reach(request);
            return m->GetReflection()->MutableRepeatedMessage(m, field, 0);
          },
          path + "[0]", Mode::kWhole);
    }
    if (rule.unique_items() && message.GetReflection()->FieldSize(message, field) == 2 &&
        field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      Break(path + "[1]", "twice the same", reach, [field](Message* m) {
        m->GetReflection()->SetRepeatedString(m, field, 1,
                                              m->GetReflection()->GetRepeatedString(*m, field, 0));
      });
    }
  }

  void Part(const Message& message, const FieldDescriptor* field, const Reach& reach,
            const std::string& path, Mode mode) {
    const Mode inside = IsUpdate(*field->containing_type()) ? Mode::kResource
                        : mode == Mode::kWhole              ? Mode::kWhole
                                                            : Mode::kPatch;
    Known(
        message.GetReflection()->GetMessage(message, field), field,
        [reach, field](Message* request) {
          Message* m = reach(request);
          return m->GetReflection()->MutableMessage(m, field);
        },
        path, inside);
  }

  // A date, a time, a sum, a mask; or a message of ours.
  void Known(const Message& part, const FieldDescriptor* field, const Reach& inner,
             const std::string& path, Mode mode) {
    const auto copy = [](const Message& from) {
      const std::shared_ptr<Message> kept(from.New());
      kept->CopyFrom(from);
      return [kept](Message* m) { m->CopyFrom(*kept); };
    };
    switch (WellKnownOf(*part.GetDescriptor())) {
      case WellKnown::kDate: {
        const auto day = [&](int y, int m, int d) {
          google::type::Date date;
          date.set_year(y);
          date.set_month(m);
          date.set_day(d);
          return copy(date);
        };
        int n = 0;
        for (const auto& bad : {day(2026, 2, 30), day(2026, 13, 1), day(2026, 0, 0),
                                day(2026, 6, 0), day(1, 1, 1), day(9999, 1, 1), day(-1, 1, 1)}) {
          Break(path, absl::StrCat("date ", ++n), inner, bad);
        }
        Stretch(path, "first day", inner, day(1990, 1, 1));
        Stretch(path, "last day", inner, day(2199, 12, 31));
        return;
      }
      case WellKnown::kTimestamp: {
        const auto time = [&](int64_t seconds, int32_t nanos) {
          google::protobuf::Timestamp timestamp;
          timestamp.set_seconds(seconds);
          timestamp.set_nanos(nanos);
          return copy(timestamp);
        };
        constexpr int64_t kThen = 1'781'500'000;
        int n = 0;
        for (const auto& bad :
             {time(0, 0), time(-1, 0), time(kThen, -1), time(kThen, 1'000'000'000),
              time(INT64_MAX, 0), time(INT64_MIN, 0)}) {
          Break(path, absl::StrCat("time ", ++n), inner, bad);
        }
        Stretch(path, "first time", inner, time(631'152'000, 0));
        Stretch(path, "last time", inner, time(7'258'118'399, 999'999'999));
        return;
      }
      case WellKnown::kMoney: {
        const v1::Field& rule = RuleOf(*field);
        const auto sum = [&](const char* currency, int64_t units, int32_t nanos) {
          google::type::Money money;
          money.set_currency_code(currency);
          money.set_units(units);
          money.set_nanos(nanos);
          return copy(money);
        };
        const int64_t most = rule.has_max() ? rule.max() : base::Money::kMaxTenge;
        int n = 0;
        for (const auto& bad :
             {sum("USD", 1, 0), sum("", 1, 0), sum("KZT", 1, 1), sum("KZT", 1, -10'000'000),
              sum("KZT", rule.min() - 1, 0), sum("KZT", most, 10'000'000), sum("KZT", INT64_MAX, 0),
              sum("KZT", INT64_MIN, 0), sum("KZT", 0, INT32_MAX)}) {
          Break(path, absl::StrCat("sum ", ++n), inner, bad);
        }
        Stretch(path, "least", inner, sum("KZT", rule.min(), 0));
        Stretch(path, "most", inner, sum("KZT", most, 0));
        return;
      }
      case WellKnown::kFieldMask:
        for (const std::string& bad :
             {std::string(kMark), std::string("*"), std::string("name"), std::string("etag")}) {
          Break(
              path + ".paths[0]", "mask " + bad, inner,
              [bad](Message* m) { static_cast<google::protobuf::FieldMask*>(m)->add_paths(bad); },
              /*by_function=*/true);
        }
        return;
      case WellKnown::kNone:
        return Visit(part, inner, path, mode);
    }
  }

  const bool mutation_;
};

}  // namespace bad_input

class BadInputWalker {
 public:
  explicit BadInputWalker(const BadInputFixture& fixture)
      : fixture_(fixture), server_(*fixture.registry, fixture.clock) {
    EXPECT_TRUE(server_.started().ok()) << server_.started();
  }

  BadInputWalk Walk() {
    const std::vector<const Method*> methods = MethodsOf(*fixture_.registry);
    for (const Method* method : methods) {
      for (const auto& good : Requests(*method)) BreakEach(*method, *good);
    }
    // What is well formed changes records, so it comes last.
    for (const bool mutations : {false, true}) {
      for (const Method* method : methods) {
        if (method->policy.mutation != mutations || method->server_stream) continue;
        for (const auto& good : Requests(*method)) StretchEach(*method, *good);
      }
    }
    return walk_;
  }

 private:
  using Message = google::protobuf::Message;

  Caller CallerFor(const Method& method) const {
    Caller caller;
    caller.subject = "walker";
    caller.bin = fixture_.bin;
    caller.regions = fixture_.regions;
    for (const Role role : AllRoles()) {
      if (role != v1::PUBLIC && (method.policy.roles & base::RoleBit(role)) != 0) {
        caller.Grant(role);
      }
    }
    // What a public method keeps back as well.
    if (method.policy.is_public) {
      caller.Grant(v1::AUDITOR);
      caller.Grant(v1::ENTITY);
    }
    return caller;
  }

  // One for each member of each oneof of the request, of good form.
  std::vector<std::unique_ptr<Message>> Requests(const Method& method) const {
    std::vector<std::unique_ptr<Message>> requests;
    const auto& type = *method.request_prototype->GetDescriptor();
    requests.push_back(Good(method, nullptr));
    for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
      for (int n = 0; n < type.oneof_decl(i)->field_count(); ++n) {
        requests.push_back(Good(method, type.oneof_decl(i)->field(n)));
      }
    }
    return requests;
  }

  std::unique_ptr<Message> Good(const Method& method,
                                const google::protobuf::FieldDescriptor* member) const {
    auto request = RequestOf(method, fixture_.records);
    if (member != nullptr) {
      const auto& reflection = *request->GetReflection();
      reflection.ClearOneof(request.get(), member->real_containing_oneof());
      FillSampleField(1, *member, request.get());
      if (IsMessage(*member)) {
        ClearOutputOnly(false, reflection.MutableMessage(request.get(), member));
      }
      (void)SetNames(fixture_.records, request.get());
    }
    SetAt(method.policy.bin_path, fixture_.bin, request.get());
    if (!fixture_.regions.empty()) {
      const std::string& region = fixture_.regions.front();
      const auto& path = method.policy.region_path;
      const bool place = !path.empty() && RuleOf(*path.back()).format() == v1::KATO;
      SetAt(path, place ? region + std::string(9 - region.size(), '0') : region, request.get());
    }
    return request;
  }
  static void SetAt(const FieldPath& path, const std::string& value, Message* message) {
    if (path.empty()) return;
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      message = message->GetReflection()->MutableMessage(message, path[i]);
    }
    message->GetReflection()->SetString(message, path.back(), value);
  }

  static bad_input::Finder Found(const Method& method, const Message& good) {
    bad_input::Finder finder(method.policy.mutation);
    finder.Visit(
        good, [](Message* request) { return request; }, "", bad_input::Finder::Mode::kWhole);
    return finder;
  }

  // A stream of a server says what is wrong before its first message, or is of good form.
  Got Send(const Method& method, const Message& request) {
    return server_.Call(CallerFor(method), method.policy.path, request.SerializeAsString(), 1);
  }

  void BreakEach(const Method& method, const Message& good) {
    const std::unique_ptr<Message> copy(good.New());
    copy->CopyFrom(good);
    const absl::Status form = method.form->Check(copy.get(), method.policy.mutation);
    ASSERT_TRUE(form.ok()) << method.policy.path << " "
                           << base::BadRequestOf(form).ShortDebugString();
    const bool tries = !method.policy.mutation || SetBool("validate_only", true, copy.get());
    const bool answers = method.unary && tries && Send(method, *copy).status.ok();
    walk_.answered += answers ? 1 : 0;
    for (const auto& change : Found(method, good).broken) {
      SCOPED_TRACE(absl::StrCat(method.policy.path, " ", change.path, ": ", change.what));
      copy->CopyFrom(good);
      change.apply(copy.get());
      const int64_t before = fixture_.store->position();
      const Got got = Send(method, *copy);
      ++walk_.broken;
      EXPECT_FALSE(got.status.ok());
      EXPECT_FALSE(absl::StrContains(got.error, bad_input::kMark)) << got.error;
      EXPECT_FALSE(absl::StrContains(got.trailers, bad_input::kMark)) << got.trailers;
      EXPECT_EQ(fixture_.store->position(), before);
      EXPECT_NE(base::ReasonOf(got.status), "") << got.status;
      if (change.by_function && !answers) {
        ExpectTheirs(got.status);
        continue;
      }
      EXPECT_EQ(got.status.code(), absl::StatusCode::kInvalidArgument) << got.status;
      const auto bad = base::BadRequestOf(got.status);
      if (bad.field_violations_size() != 1) {
        ADD_FAILURE() << got.status;
        continue;
      }
      EXPECT_EQ(bad.field_violations(0).field(), change.path);
      EXPECT_NE(bad.field_violations(0).description(), "");
    }
  }

  void StretchEach(const Method& method, const Message& good) {
    const std::unique_ptr<Message> copy(good.New());
    for (const auto& change : Found(method, good).outermost) {
      SCOPED_TRACE(absl::StrCat(method.policy.path, " ", change.path, ": ", change.what));
      copy->CopyFrom(good);
      change.apply(copy.get());
      if (change.path != "request_id") SetText("request_id", FreshId(), copy.get());
      const Got got = Send(method, *copy);
      ++walk_.outermost;
      walk_.taken += got.status.ok() ? 1 : 0;
      if (!got.status.ok()) ExpectTheirs(got.status);
    }
  }

  // A refusal that is the caller's to mend, with its reason.
  static void ExpectTheirs(const absl::Status& refused) {
    EXPECT_NE(base::ReasonOf(refused), "") << refused;
    switch (refused.code()) {
      case absl::StatusCode::kInvalidArgument:
      case absl::StatusCode::kFailedPrecondition:
      case absl::StatusCode::kNotFound:
      case absl::StatusCode::kAlreadyExists:
      case absl::StatusCode::kPermissionDenied:
      case absl::StatusCode::kOutOfRange:
      case absl::StatusCode::kAborted:
        return;
      default:
        ADD_FAILURE() << refused;
    }
  }

  const BadInputFixture fixture_;
  LocalServer server_;
  BadInputWalk walk_;
};

// Every method, for each rule of each field of its request: a value that breaks it is refused as
// INVALID_ARGUMENT by the field's path, never told again, and changes nothing (what is left to the
// function, where the method answers at all: filters, orders, page tokens, masks); a value at the
// edge of what is allowed is answered, or refused as the caller's fault with a reason.
inline BadInputWalk WalkBadInput(const BadInputFixture& fixture) {
  return BadInputWalker(fixture).Walk();
}

}  // namespace nisi::rpc
