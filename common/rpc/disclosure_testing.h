// Marked values in every confidential field of a service's records, and a walk over all its methods
// that looks for them in everything that leaves it.
//
//   PlantCanaries(&resource) where the test makes a record; then
//   const CanaryWalk walk = WalkCanaries({.registry = ..., .store = ..., .clock = ..., .records =
//   ...});
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/date.h"
#include "common/base/roles.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/requests_testing.h"
#include "common/rpc/served_testing.h"

namespace nisi::rpc {

// Numbers from here on take four bytes and more in every form, so that none stands anywhere by
// chance.
inline constexpr int64_t kFirstCanary = 304'050'607;

// Bytes that stand for confidential values, in the forms they could leave in.
class Canaries {
 public:
  void Add(const google::protobuf::Message& message,
           const google::protobuf::FieldDescriptor& field) {
    using google::protobuf::FieldDescriptor;
    const auto& reflection = *message.GetReflection();
    const int items = field.is_repeated() ? reflection.FieldSize(message, &field) : 1;
    for (int i = 0; i < items; ++i) {
      switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          AddText(field.is_repeated() ? reflection.GetRepeatedString(message, &field, i)
                                      : reflection.GetString(message, &field));
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          AddNumber(field.is_repeated() ? reflection.GetRepeatedInt64(message, &field, i)
                                        : reflection.GetInt64(message, &field));
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          AddNumber(field.is_repeated() ? reflection.GetRepeatedInt32(message, &field, i)
                                        : reflection.GetInt32(message, &field));
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          AddAll(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, i)
                                     : reflection.GetMessage(message, &field));
          break;
        default:
          break;  // too few values to be told from others
      }
    }
  }
  void AddAll(const google::protobuf::Message& message) {
    // The time of a change stands in its record as well, and a date has few values.
    const WellKnown known = WellKnownOf(*message.GetDescriptor());
    if (known == WellKnown::kTimestamp || known == WellKnown::kDate) return;
    // Words of rules, articles and norms are no secrets; what was decided on has canaries of its
    // own.
    if (message.GetDescriptor()->full_name() == "nisi.decision.v1.Decision") return;
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const auto* field : fields) Add(message, *field);
  }
  // The first that stands in these bytes; empty: none.
  std::string In(absl::string_view bytes) const {
    for (const auto& [name, form] : forms_) {
      if (absl::StrContains(bytes, form)) return name;
    }
    return "";
  }
  size_t size() const { return forms_.size(); }

 private:
  void AddText(const std::string& text) {
    constexpr size_t kShortest = 6;
    if (text.size() < kShortest || text == "KZT") return;
    forms_.insert({text, text});
  }
  void AddNumber(int64_t number) {
    if (number < kFirstCanary) return;
    const std::string name = absl::StrCat(number);
    forms_.insert({name, name});
    std::string varint;
    for (auto rest = static_cast<uint64_t>(number); rest != 0; rest >>= 7) {
      varint.push_back(static_cast<char>(rest >> 7 == 0 ? rest : (rest & 0x7f) | 0x80));
    }
    forms_.insert({name, varint});
    forms_.insert({name, std::string(store::Key::Of(number).bytes())});
  }

  std::set<std::pair<std::string, std::string>> forms_;
};

namespace canaries {

// Texts and numbers without a form of their own become marked ones.
inline void Mark(int* count, const google::protobuf::FieldDescriptor& field,
                 google::protobuf::Message* message) {
  using google::protobuf::FieldDescriptor;
  const auto& reflection = *message->GetReflection();
  const v1::Field& rule = RuleOf(field);
  const auto text = [&] {
    std::string marked = absl::StrCat("canary", ++*count, "x");
    if (rule.max_chars() > 0 && marked.size() > rule.max_chars()) marked.resize(rule.max_chars());
    return marked;
  };
  const auto number = [&]() -> int64_t {
    const int64_t marked = kFirstCanary + 1'000 * ++*count;
    return rule.has_max() && rule.max() < marked ? rule.max() : marked;
  };
  const bool is_text = field.type() == FieldDescriptor::TYPE_STRING &&
                       (rule.format() == v1::TEXT || rule.format() == v1::MULTILINE);
  const int items = field.is_repeated() ? reflection.FieldSize(*message, &field) : 1;
  for (int i = 0; i < items; ++i) {
    if (is_text && field.is_repeated()) {
      reflection.SetRepeatedString(message, &field, i, text());
    } else if (is_text) {
      reflection.SetString(message, &field, text());
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 && !field.is_repeated()) {
      reflection.SetInt64(message, &field, number());
    } else if (IsMessage(field)) {
      auto* part = field.is_repeated() ? reflection.MutableRepeatedMessage(message, &field, i)
                                       : reflection.MutableMessage(message, &field);
      std::vector<const FieldDescriptor*> fields;
      part->GetReflection()->ListFields(*part, &fields);
      for (const auto* inner : fields) {
        if (inner->name() != "currency_code" && inner->name() != "nanos") Mark(count, *inner, part);
      }
    }
  }
}

inline google::protobuf::Message* Holder(google::protobuf::Message* message,
                                         const FieldPath& path) {
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, path[i]);
  }
  return message;
}

}  // namespace canaries

// Fills every confidential field of a resource with values that stand nowhere else, but the ties to
// experts where there are some. The same ones each time. What an output_only field holds the
// service sets: `with_output_only` is for rows that the test puts by itself.
inline void PlantCanaries(google::protobuf::Message* resource, bool with_output_only = false) {
  const auto type = MarkedTypeOf(*resource->GetDescriptor());
  ASSERT_TRUE(type.ok() && *type != nullptr) << type.status();
  int count = 0;
  for (const Mark& mark : (*type)->marks) {
    auto* holder = canaries::Holder(resource, mark.path);
    const auto& field = *mark.path.back();
    if (RuleOf(field).output_only() && !with_output_only) continue;
    holder->GetReflection()->ClearField(holder, &field);
    FillSampleField(77'000, field, holder);
    if (!with_output_only && IsMessage(field)) {
      const int items =
          field.is_repeated() ? holder->GetReflection()->FieldSize(*holder, &field) : 0;
      for (int i = 0; i < items; ++i) {
        ClearOutputOnly(false, holder->GetReflection()->MutableRepeatedMessage(holder, &field, i));
      }
      if (!field.is_repeated()) {
        ClearOutputOnly(false, holder->GetReflection()->MutableMessage(holder, &field));
      }
    }
    canaries::Mark(&count, field, holder);
  }
}

struct CanaryFixture {
  const Registry* registry = nullptr;  // with everything that the service serves
  store::Store* store = nullptr;
  base::Clock* clock = nullptr;
  // The records that were planted, one or more a type, all of one owner.
  std::vector<std::string> records;
  std::string owner_bin;
  std::vector<std::string>
      regions;       // KATO prefixes that they lie in, for an akimat; none: has none
  std::string body;  // BIN of their body, for a holding
  // What they hold: of each record the resource that was planted, as the service keeps it.
  std::vector<const google::protobuf::Message*> planted;
  // More calls than the walk makes by itself: path and request.
  std::vector<std::pair<std::string, std::string>> calls;
};

struct CanaryWalk {
  int calls = 0;
  int answered = 0;
  int to_owner = 0;  // records that were shown, in whole or part, to their owner
  int by_right = 0;  // and to others
  int withheld = 0;  // records that kept all back
  int accesses = 0;
};

// One walk.
class CanaryWalker {
 public:
  explicit CanaryWalker(const CanaryFixture& fixture)
      : fixture_(fixture), server_(*fixture.registry, fixture.clock) {
    EXPECT_TRUE(server_.started().ok()) << server_.started();
    for (const auto* resource : fixture.planted) AddPlanted(*resource);
    EXPECT_GT(canaries_.size(), 0U) << "nothing was planted";
    for (const auto* resource : fixture.planted) {
      // What looks for them does find them.
      EXPECT_NE(canaries_.In(resource->SerializeAsString()), "");
    }
  }

  CanaryWalk Walk() {
    ::testing::internal::CaptureStderr();
    const std::vector<const Method*> methods = MethodsOf(*fixture_.registry);
    // What changes records comes last, and first only tries to.
    for (const bool mutations : {false, true}) {
      for (const Method* method : methods) {
        if (method->policy.mutation == mutations) Visit(*method, /*for_real=*/!mutations);
      }
    }
    for (const auto& [path, request] : fixture_.calls) {
      for (const Who& who : Callers()) Send(*fixture_.registry->Find(path), who, request);
    }
    for (const Method* method : methods) {
      if (method->policy.mutation) Visit(*method, /*for_real=*/true);
    }
    LookAtJournal();
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(canaries_.In(log), "") << "in the log";
    return walk_;
  }

 private:
  struct Who {
    std::string name;
    Caller caller;
  };

  void AddPlanted(const google::protobuf::Message& resource) {
    const auto type = MarkedTypeOf(*resource.GetDescriptor());
    ASSERT_TRUE(type.ok() && *type != nullptr) << type.status();
    const std::unique_ptr<google::protobuf::Message> copy(resource.New());
    copy->CopyFrom(resource);
    for (const Mark& mark : (*type)->marks) {
      canaries_.Add(*canaries::Holder(copy.get(), mark.path), *mark.path.back());
    }
  }

  std::vector<Who> Callers() const {
    std::vector<Who> callers{{"nobody", Caller()}};
    const std::string stranger = SampleBin(31'337);
    for (const Role role : AllRoles()) {
      if (role == v1::PUBLIC) continue;
      const auto add = [&](const char* how, const std::string& bin,
                           const std::vector<std::string>& regions) {
        Who who{absl::StrCat(RoleName(role), how), Caller()};
        who.caller.subject = absl::StrCat("walker as ", RoleName(role), how);
        who.caller.bin = bin;
        who.caller.regions = regions;
        who.caller.Grant(role);
        callers.push_back(std::move(who));
      };
      if (role == v1::ENTITY || role == v1::CUSTOMER) {
        add(" owner", fixture_.owner_bin, {});
        add(" stranger", stranger, {});
      } else if (role == v1::AKIMAT) {
        add(" inside", "", fixture_.regions);
        add(" outside", "", {"00"});
      } else if (role == v1::HOLDING) {
        add(" its", fixture_.body, {});
        add(" other", stranger, {});
      } else {
        add("", "", {});
      }
    }
    return callers;
  }

  // The paths of all confidential fields that answers of the service can have.
  std::set<std::string> Marks() const {
    std::set<std::string> marks;
    for (const Method* method : MethodsOf(*fixture_.registry)) {
      for (const auto& type : method->mask.types()) {
        for (const Mark& mark : type->marks) marks.insert(mark.dotted);
      }
    }
    return marks;
  }

  // Requests of the method: about each record, with every way in.
  std::vector<std::string> Requests(const Method& method, bool for_real) const {
    std::vector<std::string> requests;
    std::vector<std::vector<std::string>> about{fixture_.records};
    for (size_t i = 1; i < fixture_.records.size(); ++i) {
      about.push_back(
          {fixture_.records.begin() + static_cast<std::ptrdiff_t>(i), fixture_.records.end()});
    }
    std::set<std::string> seen;
    for (const auto& names : about) {
      const auto plain = RequestOf(method, names);
      Plant(method, plain.get());
      const auto take = [&](const google::protobuf::Message& request) {
        const std::unique_ptr<google::protobuf::Message> key(request.New());
        key->CopyFrom(request);
        SetText("request_id", "", key.get());
        if (seen.insert(key->SerializeAsString()).second) {
          requests.push_back(request.SerializeAsString());
        }
      };
      const auto with = [&](const std::function<bool(google::protobuf::Message*)>& change) {
        const std::unique_ptr<google::protobuf::Message> request(plain->New());
        request->CopyFrom(*plain);
        SetText("request_id", FreshId(), request.get());
        if (change(request.get())) take(*request);
      };
      if (!for_real) {
        with([](auto* request) { return SetBool("validate_only", true, request); });
        with([](auto* request) { return SetText("etag", "0badcafe", request); });
        for (const std::string& mark : Marks()) {
          with([&](auto* request) { return AddPath(mark, request); });
        }
        continue;
      }
      take(*plain);
      if (method.policy.mutation) continue;
      with([](auto* request) { return SetBool("reveal", true, request); });
      with([](auto* request) {
        const auto* field = request->GetDescriptor()->FindFieldByName("page_size");
        if (field == nullptr) return false;
        request->GetReflection()->SetInt32(request, field, 1);
        return SetBool("reveal", true, request) || true;
      });
      for (const std::string& mark : Marks()) {
        with([&](auto* request) { return SetText("filter", mark + ":*", request); });
        with([&](auto* request) {
          return SetText("filter", absl::StrCat(mark, " = \"canary1x\""), request);
        });
        with([&](auto* request) { return SetText("order_by", mark, request); });
      }
    }
    return requests;
  }

  // A resource in a request carries canaries as well: no answer may repeat them to whoever sent
  // them and may not see them. It is the owner's.
  void Plant(const Method& method, google::protobuf::Message* request) const {
    if (!method.policy.bin_path.empty()) {
      auto* holder = canaries::Holder(request, method.policy.bin_path);
      holder->GetReflection()->SetString(holder, method.policy.bin_path.back(), fixture_.owner_bin);
    }
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    request->GetReflection()->ListFields(*request, &fields);
    for (const auto* field : fields) {
      if (!IsMessage(*field) || field->is_repeated()) continue;
      const auto type = MarkedTypeOf(*field->message_type());
      if (type.ok() && *type != nullptr) {
        PlantCanaries(request->GetReflection()->MutableMessage(request, field));
      }
    }
  }

  static bool AddPath(const std::string& path, google::protobuf::Message* request) {
    const auto* field = request->GetDescriptor()->FindFieldByName("update_mask");
    if (field == nullptr || !IsUpdate(*request->GetDescriptor())) return false;
    auto* mask = request->GetReflection()->MutableMessage(request, field);
    mask->GetReflection()->AddString(mask, mask->GetDescriptor()->FindFieldByName("paths"), path);
    return true;
  }

  void Visit(const Method& method, bool for_real) {
    for (const std::string& request : Requests(method, for_real)) {
      for (const Who& who : Callers()) Send(method, who, request);
    }
  }

  void Send(const Method& method, const Who& who, const std::string& bytes) {
    SCOPED_TRACE(absl::StrCat(method.policy.path, " by ", who.name));
    ++walk_.calls;
    if (method.server_stream) return Stream(method, who, bytes);
    std::unique_ptr<google::protobuf::Message> request(method.request_prototype->New());
    request->ParseFromString(bytes);
    if (method.policy.mutation) SetText("request_id", FreshId(), request.get());
    const int before = CountAccesses();
    const Got got = server_.Call(who.caller, method.policy.path, request->SerializeAsString());
    EXPECT_EQ(canaries_.In(got.trailers), "") << "in the trailers";
    EXPECT_EQ(canaries_.In(got.error), "") << "in an error";
    if (got.messages.empty()) {
      EXPECT_EQ(CountAccesses(), before) << "an access without an answer";
      return;
    }
    ++walk_.answered;
    const std::set<std::string> owners = LookAt(method, who, *request, got.message());
    const int accesses = CountAccesses() - before;
    // A caller of one role and no permit reads on one ground.
    EXPECT_EQ(accesses, static_cast<int>(owners.size())) << "accesses of one answer";
    walk_.accesses += accesses;
  }

  // What a stream sends until it waits for more, as the call layer sends it.
  void Stream(const Method& method, const Who& who, const std::string& bytes) {
    if (!CheckRoles(method.policy, who.caller).ok()) return;
    std::unique_ptr<google::protobuf::Message> request(method.request_prototype->New());
    request->ParseFromString(bytes);
    const auto* start = request->GetDescriptor()->FindFieldByName("start_position");
    if (start != nullptr) request->GetReflection()->SetInt64(request.get(), start, 1);
    Call call;
    call.method = &method.policy;
    call.caller = std::make_shared<Caller>(who.caller);
    call.now = fixture_.clock->Now();
    call.deadline = absl::InfiniteFuture();
    const auto source = method.server_stream(call, *request);
    if (!source.ok()) {
      EXPECT_EQ(canaries_.In(source.status().ToString()), "") << "in an error";
      return;
    }
    for (std::string message;;) {
      const auto state = (*source)->Pull(&message);
      if (!state.ok() || *state != MessageSource::State::kMessage) return;
      const auto sent = MaskStreamed(method, call, message);
      ASSERT_TRUE(sent.ok()) << sent.status();
      ++walk_.answered;
      EXPECT_EQ(canaries_.In(*sent), "") << "in a stream";
    }
  }

  // The owners of whose records the answer shows something to somebody else. Each record shows what
  // the table of disclosure.h says, and nothing else in the answer holds a canary.
  std::set<std::string> LookAt(const Method& method, const Who& who,
                               const google::protobuf::Message& request, const std::string& bytes) {
    std::unique_ptr<google::protobuf::Message> answer(method.response_prototype->New());
    EXPECT_TRUE(answer->ParseFromString(bytes));
    std::set<std::string> owners;
    for (const Mask::Place& place : method.mask.Find(answer.get())) {
      const MarkedType& type = *place.type;
      const std::vector<std::string> of = OwnersOf(*place.resource);
      const bool owner = !who.caller.bin.empty() &&
                         std::find(of.begin(), of.end(), who.caller.bin) != of.end() &&
                         (who.caller.Has(v1::ENTITY) || who.caller.Has(v1::CUSTOMER));
      const auto& withheld = static_cast<const v1::Withheld&>(
          place.resource->GetReflection()->GetMessage(*place.resource, type.withheld));
      int shown = 0;
      for (const Mark& mark : type.marks) {
        const bool kept = std::find(withheld.fields().begin(), withheld.fields().end(),
                                    mark.dotted) != withheld.fields().end();
        EXPECT_EQ(!kept, owner || HasRight(method, who, request, type, mark, *place.resource))
            << mark.dotted << " of " << type.NameOf(*place.resource);
        auto* holder = canaries::Holder(place.resource, mark.path);
        const auto& field = *mark.path.back();
        if (kept) {
          EXPECT_FALSE(IsGiven(*holder, field)) << mark.dotted << " is withheld, and there";
        }
        holder->GetReflection()->ClearField(holder, &field);
        shown += kept ? 0 : 1;
      }
      if (shown > 0 && !owner) {
        owners.insert(of.begin(), of.end());
        if (of.empty()) owners.emplace();
      }
      ++(shown == 0 ? walk_.withheld : owner ? walk_.to_owner : walk_.by_right);
    }
    // All that may be shown is taken out now.
    EXPECT_EQ(canaries_.In(answer->SerializeAsString()), "") << "in an answer";
    LookAtToken(*answer);
    return owners;
  }

  static bool HasRight(const Method& method, const Who& who,
                       const google::protobuf::Message& request, const MarkedType& type,
                       const Mark& mark, const google::protobuf::Message& resource) {
    const auto* reveal = request.GetDescriptor()->FindFieldByName("reveal");
    const bool asked = reveal == nullptr || request.GetReflection()->GetBool(request, reveal);
    if (!method.policy.discloses || !asked || who.caller.anonymous()) return false;
    const uint32_t over = type.ties.RolesOver(who.caller, resource) &
                          (method.policy.is_public ? ~0U : method.policy.roles);
    return (over & (mark.readers | base::RoleBit(v1::AUDITOR))) != 0;
  }

  void LookAtToken(const google::protobuf::Message& answer) const {
    const auto* field = answer.GetDescriptor()->FindFieldByName("next_page_token");
    if (field == nullptr) return;
    std::string token;
    absl::WebSafeBase64Unescape(answer.GetReflection()->GetString(answer, field), &token);
    EXPECT_EQ(canaries_.In(token), "") << "in a page token";
  }

  void LookAtJournal() const {
    const auto records = fixture_.store->ReadJournal(1, 1'000'000, 1 << 30);
    ASSERT_TRUE(records.ok()) << records.status();
    for (const store::JournalRecord& record : *records) {
      EXPECT_EQ(canaries_.In(record.leaf), "") << "in the leaf of entry " << record.position;
    }
  }

  int CountAccesses() const {
    int count = 0;
    const absl::Status read = fixture_.store->Read().Scan(
        kAccesses, {}, {},
        [&count](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
          ++count;
          return true;
        });
    EXPECT_TRUE(read.ok()) << read;
    return count;
  }

  const CanaryFixture& fixture_;
  LocalServer server_;
  Canaries canaries_;
  CanaryWalk walk_;
};

// Calls every method as every role, about the planted records: by name, in lists, with filters and
// orders by confidential fields, page by page, revealing and not, with a wrong etag, only to
// validate, for real, in streams. No canary stands in any answer, error, trailer, page token,
// journal leaf or line of the log, but in the fields that the table of disclosure.h shows; and each
// answer that shows something to others than the owner has exactly one access of that owner.
inline CanaryWalk WalkCanaries(const CanaryFixture& fixture) {
  return CanaryWalker(fixture).Walk();
}

struct PermitWalk {
  int opened = 0;   // answers that a permit showed whole
  int refused = 0;  // answers to others, or without one in force, that showed nothing
};

// One walk.
class PermitWalker {
 public:
  explicit PermitWalker(const CanaryFixture& fixture)
      : fixture_(fixture),
        server_(*fixture.registry, fixture.clock),
        today_(base::Date::LegalDay(fixture.clock->Now())) {
    EXPECT_TRUE(server_.started().ok()) << server_.started();
  }

  PermitWalk Walk() {
    for (const Method* method : MethodsOf(*fixture_.registry)) {
      const MethodPolicy& policy = method->policy;
      if (!method->unary || !policy.discloses || policy.reveal != nullptr) continue;
      for (const Role role : {v1::ENTITY, v1::CUSTOMER}) {
        if (!policy.is_public && (policy.roles & base::RoleBit(role)) == 0) continue;
        for (const std::string& record : fixture_.records) About(*method, role, record);
      }
    }
    return walk_;
  }

 private:
  static constexpr char kService[] = "/nisi.disclosure.v1.DisclosureService/";

  static Caller Made(Role role, const std::string& bin, const std::string& subject) {
    Caller caller;
    caller.subject = subject;
    caller.bin = bin;
    caller.Grant(role);
    return caller;
  }

  void About(const Method& method, Role role, const std::string& record) {
    const auto request = RequestOf(method, {});
    if (!SetNames({record}, request.get())) return;
    const std::string bytes = request->SerializeAsString();
    const Caller owner = Made(role, fixture_.owner_bin, "owner");
    if (Look(method, owner, bytes) != kAll) return;  // not about a record of the owner's
    SCOPED_TRACE(absl::StrCat(method.policy.path, " of ", record, " as ", base::RoleName(role)));
    const Caller bank = Made(role, SampleBin(41'001), "bank"),
                 other = Made(role, SampleBin(41'003), "other"),
                 reader = Made(role, SampleBin(41'005), "bailiff"),
                 authority = Made(v1::AUTHORITY_INDUSTRY, "", "authority");
    const auto expect = [&](const Caller& caller, bool sees, const char* who) {
      EXPECT_EQ(Look(method, caller, bytes), sees ? kAll : kNothing) << who;
      ++(sees ? walk_.opened : walk_.refused);
    };
    expect(bank, false, "before the consent");
    disclosure::v1::GiveConsentRequest consent;
    *consent.mutable_permit() = PermitFor(record);
    consent.mutable_permit()->set_reader_bin(bank.bin);
    const std::string consented = Make("GiveConsent", owner, consent);
    expect(bank, true, "by consent");
    expect(other, false, "whom the consent does not name");
    expect(Caller(), false, "the public");
    Withdraw(consented, owner);
    expect(bank, false, "after the withdrawal");

    disclosure::v1::RecordCourtOrderRequest order;
    *order.mutable_permit() = PermitFor(record);
    order.mutable_permit()->set_reader_subject(reader.subject);
    order.mutable_permit()->set_court("СМЭС");
    order.mutable_permit()->set_number("7119-26");
    *order.mutable_permit()->mutable_decision_date() = today_.ToProto();
    const std::string ordered = Make("RecordCourtOrder", authority, order);
    expect(reader, true, "by court order");
    expect(bank, false, "whom the order does not name");
    Withdraw(ordered, authority);
    expect(reader, false, "after the order was set aside");

    EXPECT_EQ(Accesses(owner, consented, bank, record), 1);
    EXPECT_EQ(Accesses(owner, ordered, reader, record), 1);
    EXPECT_EQ(Accesses(other, consented, bank, record), 0);
  }

  enum Seen { kNothing, kSome, kAll };

  // Of a record that is denied: nothing.
  Seen Look(const Method& method, const Caller& caller, const std::string& request) {
    const Got got = server_.Call(caller, method.policy.path, request);
    if (!got.status.ok()) return kNothing;
    std::unique_ptr<google::protobuf::Message> answer(method.response_prototype->New());
    EXPECT_TRUE(answer->ParseFromString(got.message()));
    size_t marks = 0, withheld = 0;
    for (const Mask::Place& place : method.mask.Find(answer.get())) {
      marks += place.type->marks.size();
      withheld += static_cast<size_t>(
          static_cast<const v1::Withheld&>(
              place.resource->GetReflection()->GetMessage(*place.resource, place.type->withheld))
              .fields_size());
    }
    return marks == withheld ? kNothing : withheld == 0 ? kAll : kSome;
  }

  disclosure::v1::Permit PermitFor(const std::string& record) const {
    disclosure::v1::Permit permit;
    permit.set_owner_bin(fixture_.owner_bin);
    permit.set_record(record);
    *permit.mutable_first_day() = today_.ToProto();
    *permit.mutable_last_day() = today_.AddDays(30).ToProto();
    return permit;
  }

  template <class Request>
  std::string Make(const char* name, const Caller& caller, Request request) {
    request.set_request_id(FreshId());
    const auto made =
        server_.Do<disclosure::v1::Permit>(caller, absl::StrCat(kService, name), request);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? made->name() : "";
  }

  void Withdraw(const std::string& name, const Caller& caller) {
    disclosure::v1::WithdrawPermitRequest request;
    request.set_name(name);
    Make("WithdrawPermit", caller, request);
  }

  // How many looks by `reader` at the record, under the permit, `caller` sees of the owner's.
  int Accesses(const Caller& caller, const std::string& permit, const Caller& reader,
               const std::string& record) {
    disclosure::v1::ListAccessesRequest request;
    request.set_filter(absl::StrCat("owner_bin = \"", fixture_.owner_bin, "\""));
    request.set_page_size(200);
    int count = 0;
    do {
      const auto page = server_.Do<disclosure::v1::ListAccessesResponse>(
          caller, absl::StrCat(kService, "ListAccesses"), request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const auto& access : page->accesses()) {
        count += access.permit() == permit && access.reader_bin() == reader.bin &&
                         access.reader_subject() == reader.subject && access.records_size() == 1 &&
                         access.records(0) == record
                     ? 1
                     : 0;
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return count;
  }

  const CanaryFixture& fixture_;
  LocalServer server_;
  const base::Date today_;
  PermitWalk walk_;
};

// For each method that discloses one record, as Get, and each record of the owner's: a third party
// sees nothing, then all by the owner's consent or a court order that names it, and nothing again
// from the withdrawal on; nobody else sees more; the owner finds each look, and nobody else's list
// has it.
inline PermitWalk WalkPermits(const CanaryFixture& fixture) {
  return PermitWalker(fixture).Walk();
}

}  // namespace nisi::rpc
