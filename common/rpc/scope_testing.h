// A walk over every method of a service that is about a record: who the ties of the record and the
// policy let in, and whether a record that is not there and one that is not theirs are the same.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/requests_testing.h"
#include "common/rpc/scope.h"
#include "common/rpc/served_testing.h"

namespace nisi::rpc {

struct ScopedRecord {
  std::string name;
  std::string absent;  // a name of the same form that no record has
  // As it is kept, with all its ties; its type declares them.
  const google::protobuf::Message* resource = nullptr;
};

struct ScopeFixture {
  const Registry* registry = nullptr;
  base::Clock* clock = nullptr;
  std::vector<ScopedRecord> records;
  // Whether the service's own rule keeps the record from a caller whom the ties let in, or all from
  // the public: of a method that everybody may call. Empty: a public method shows all that is not
  // closed.
  std::function<bool(const Method&, const Caller&, const ScopedRecord&)> hides;
  // Whether a method that changes records refuses one who is let in, with ACCESS_DENIED, by the
  // table of its machine or a duty of its own.
  std::function<bool(const Method&, Role)> may_deny;
  // Methods that name the record and are not judged by its ties, as an answer to a demand that is
  // open to all: tests of their own have who is let in. Empty: none.
  std::function<bool(const Method&, const ScopedRecord&)> apart;
  // Fills in what a request asks beside the record, as a rectangle that holds it. Empty: nothing.
  std::function<void(const Method&, google::protobuf::Message*)> fill;
};

struct ScopeWalk {
  int inside = 0;    // calls of those whom the record is tied to
  int answered = 0;  // of them, those that were no refusal
  int outside = 0;   // of others
  int alike = 0;     // pairs of a hidden and an absent record that were the same
  int by_field = 0;  // calls judged by a field of the request, both ways
  int lists = 0;     // lists looked for a record, both ways
};

class ScopeWalker {
 public:
  explicit ScopeWalker(const ScopeFixture& fixture)
      : fixture_(fixture), server_(*fixture.registry, fixture.clock) {
    EXPECT_TRUE(server_.started().ok()) << server_.started();
  }

  ScopeWalk Walk() {
    const std::vector<const Method*> methods = MethodsOf(*fixture_.registry);
    // What changes a record comes last.
    for (const bool mutations : {false, true}) {
      for (const Method* method : methods) {
        if (!method->unary || method->policy.mutation != mutations) continue;
        for (const ScopedRecord& record : fixture_.records) {
          ByName(*method, record);
          if (!mutations) ByList(*method, record);
        }
        ByField(*method);
      }
    }
    return walk_;
  }

 private:
  struct Who {
    Caller caller;
    Role role;
  };

  static Who Made(Role role, const std::string& bin = "",
                  const std::vector<std::string>& regions = {}, const std::string& subject = "") {
    Who who{Caller(), role};
    who.caller.subject = subject.empty() ? absl::StrCat("walker as ", RoleName(role)) : subject;
    who.caller.bin = bin;
    who.caller.regions = regions;
    who.caller.Grant(role);
    return who;
  }

  // The texts at a tie of a record.
  static std::vector<std::string> At(const ScopedRecord& record, const std::string& dotted) {
    const FieldPath path =
        FollowPath(*record.resource->GetDescriptor(), dotted, /*may_repeat=*/true);
    std::vector<std::string> texts =
        path.empty() ? std::vector<std::string>() : TextsAt(*record.resource, path);
    texts.erase(std::remove(texts.begin(), texts.end(), ""), texts.end());
    return texts;
  }

  // One for each tie of each role, and one of each role that nothing ties.
  static std::vector<Who> Callers(const ScopedRecord& record) {
    const v1::Resource& ties =
        record.resource->GetDescriptor()->options().GetExtension(v1::resource);
    const std::string nobodys = SampleBin(31'337);
    std::vector<Who> callers;
    for (const Role role : {v1::ENTITY, v1::CUSTOMER}) {
      for (const std::string& dotted : ties.bin_fields()) {
        for (const std::string& bin : At(record, dotted)) callers.push_back(Made(role, bin));
      }
      callers.push_back(Made(role, nobodys));
      callers.push_back(Made(role));
    }
    for (const std::string& dotted : ties.region_fields()) {
      for (const std::string& kato : At(record, dotted)) {
        callers.push_back(Made(v1::AKIMAT, "", {kato.substr(0, 2)}));
        callers.push_back(Made(v1::AKIMAT, "", {kato}));
      }
    }
    callers.push_back(Made(v1::AKIMAT, "", {"00"}));
    callers.push_back(Made(v1::AKIMAT));
    for (const std::string& bin : At(record, ties.body_field())) {
      callers.push_back(Made(v1::HOLDING, bin));
    }
    callers.push_back(Made(v1::HOLDING, nobodys));
    for (const std::string& subject : At(record, ties.expert_field())) {
      callers.push_back(Made(v1::EXPERT, "", {}, subject));
    }
    callers.push_back(Made(v1::EXPERT));
    for (const Role role : AllRoles()) {
      if ((base::RoleBit(role) & (kCountryRoles | base::RoleBit(v1::OPERATOR))) != 0) {
        callers.push_back(Made(role));
      }
    }
    callers.push_back(Who{Caller(), v1::PUBLIC});
    return callers;
  }

  bool LetsIn(const Method& method, const Who& who, const ScopedRecord& record) const {
    const auto ties = Ties::Of(*record.resource->GetDescriptor());
    if (!ties.ok()) return false;
    const uint32_t over = ties->RolesOver(who.caller, *record.resource);
    const MethodPolicy& policy = method.policy;
    const bool tied =
        policy.is_public
            ? !ties->closed() || over != 0
            : (over & policy.roles) != 0 ||
                  (policy.unscoped && (who.caller.roles & kScopedRoles & policy.roles) != 0);
    return tied && !(fixture_.hides && fixture_.hides(method, who.caller, record));
  }

  Got Ask(const Method& method, const Who& who, const std::string& name, bool try_only) {
    const std::string parent = ParentOf(name);
    const auto request = RequestOf(method, {name, parent});
    ClearOtherNames({name, parent}, request.get());
    if (fixture_.fill) fixture_.fill(method, request.get());
    if (!SetBool("validate_only", try_only, request.get()) && method.policy.mutation) {
      SetStaleEtag(request.get());
    }
    if (!method.policy.bin_path.empty())
      SetAt(method.policy.bin_path, who.caller.bin, request.get());
    if (!method.policy.region_path.empty() && !who.caller.regions.empty()) {
      SetAt(method.policy.region_path, who.caller.regions.front(), request.get());
    }
    return server_.Call(who.caller, method.policy.path, request->SerializeAsString());
  }

  // So that the walk changes nothing: of the request, or of the resource that an update changes.
  static void SetStaleEtag(google::protobuf::Message* request) {
    constexpr char kStale[] = "0badcafe";
    SetText("etag", kStale, request);
    if (!IsUpdate(*request->GetDescriptor())) return;
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    request->GetReflection()->ListFields(*request, &fields);
    for (const auto* field : fields) {
      if (!IsMessage(*field) || field->is_repeated()) continue;
      SetText("etag", kStale, request->GetReflection()->MutableMessage(request, field));
    }
  }

  static void SetAt(const FieldPath& path, const std::string& value,
                    google::protobuf::Message* message) {
    for (size_t i = 0; i + 1 < path.size(); ++i) {
      message = message->GetReflection()->MutableMessage(message, path[i]);
    }
    message->GetReflection()->SetString(message, path.back(), value);
  }

  // Whether the method is about such a record: its request has the name's form.
  static bool IsAbout(const Method& method, const ScopedRecord& record) {
    const auto request = RequestOf(method, {});
    return SetNames({record.name}, request.get());
  }

  void ByName(const Method& method, const ScopedRecord& record) {
    if (!IsAbout(method, record) || (fixture_.apart && fixture_.apart(method, record))) return;
    for (const Who& who : Callers(record)) {
      if (!CheckRoles(method.policy, who.caller).ok())
        continue;  // the table of roles is a test of its own
      const bool by_bin = who.role == v1::ENTITY || who.role == v1::CUSTOMER;
      if (by_bin && who.caller.bin.empty() && !method.policy.bin_path.empty())
        continue;  // it cannot even fill the request in
      SCOPED_TRACE(absl::StrCat(method.policy.path, " of ", record.name, " by ", RoleName(who.role),
                                " ", who.caller.bin, " ", absl::StrJoin(who.caller.regions, ",")));
      const Got there = Ask(method, who, record.name, /*try_only=*/true);
      const Got absent = Ask(method, who, record.absent, /*try_only=*/true);
      EXPECT_FALSE(absent.status.ok());
      // What is wrong with the request, or with what the record would be a part of, may be said
      // first, whoever asks: where it is said of both.
      if ((absl::IsInvalidArgument(absent.status) || absl::IsFailedPrecondition(absent.status)) &&
          there.error == absent.error) {
        continue;
      }
      const bool country = (who.caller.roles & kCountryRoles &
                            (method.policy.is_public ? ~0U : method.policy.roles)) != 0;
      if (!LetsIn(method, who, record)) {
        ++walk_.outside;
        if (country && absl::IsNotFound(absent.status)) {
          // To a role for the whole country what is hidden from it is not there, by the name asked.
          EXPECT_EQ(there.status.code(), absl::StatusCode::kNotFound) << there.status;
          EXPECT_EQ(there.status.message(), absent.status.message());
          ++walk_.alike;
          continue;
        }
        EXPECT_EQ(there.status.code(), absl::StatusCode::kPermissionDenied) << there.status;
        EXPECT_EQ(there.error, absent.error);
        EXPECT_EQ(there.trailers, absent.trailers);
        ++walk_.alike;
        continue;
      }
      ++walk_.inside;
      walk_.answered += there.status.ok() ? 1 : 0;
      const bool may_deny =
          method.policy.mutation && fixture_.may_deny && fixture_.may_deny(method, who.role);
      if (!may_deny) {
        EXPECT_NE(there.status.code(), absl::StatusCode::kPermissionDenied) << there.status;
      }
      EXPECT_NE(there.status.code(), absl::StatusCode::kNotFound) << there.status;
      // What is wrong with the request may be said first, whoever asks.
      if (absent.status.code() == absl::StatusCode::kInvalidArgument) continue;
      // To whoever sees all of them anyway, also what is wrong with its parent.
      if (country && absl::IsFailedPrecondition(absent.status)) continue;
      if (country) {
        EXPECT_EQ(absent.status.code(), absl::StatusCode::kNotFound) << absent.status;
      } else if (!method.policy.is_public || !absl::IsNotFound(absent.status)) {
        // Where something of its kind is hidden: of such a one those outside saw above that it is
        // as one that is not there.
        EXPECT_EQ(absent.status.code(), absl::StatusCode::kPermissionDenied) << absent.status;
      }
    }
  }

  // A list of a closed type, or of one of which some are hidden, shows the record to those who are
  // let in and to nobody else.
  void ByList(const Method& method, const ScopedRecord& record) {
    const auto& answer = *method.policy.descriptor->output_type();
    const auto* items = answer.FindFieldByNumber(1);
    if (items == nullptr || !items->is_repeated() ||
        items->message_type() != record.resource->GetDescriptor() ||
        (!fixture_.hides &&
         !items->message_type()->options().GetExtension(v1::resource).closed())) {
      return;
    }
    for (const Who& who : Callers(record)) {
      if (!CheckRoles(method.policy, who.caller).ok()) continue;
      SCOPED_TRACE(absl::StrCat(method.policy.path, " with ", record.name, " by ",
                                RoleName(who.role), " ", who.caller.bin));
      const std::string parent = ParentOf(record.name);
      const auto request = RequestOf(method, {record.name, parent});
      ClearOptional(request.get());
      if (!parent.empty()) SetText("parent", parent, request.get());
      const auto ties = Ties::Of(*record.resource->GetDescriptor());
      if (!method.policy.bin_path.empty() && ties.ok()) {
        SetAt(method.policy.bin_path, ties->Owner(*record.resource), request.get());
      }
      if (fixture_.fill) fixture_.fill(method, request.get());
      const Got got = server_.Call(who.caller, method.policy.path, request->SerializeAsString());
      if (!got.status.ok()) continue;  // about one owner or place: judged by that field
      std::unique_ptr<google::protobuf::Message> page(method.response_prototype->New());
      ASSERT_TRUE(page->ParseFromString(got.message()));
      bool there = false;
      for (int i = 0; i < page->GetReflection()->FieldSize(*page, items); ++i) {
        const auto& item = page->GetReflection()->GetRepeatedMessage(*page, items, i);
        const auto* name = item.GetDescriptor()->FindFieldByName("name");
        there = there || item.GetReflection()->GetString(item, name) == record.name;
      }
      EXPECT_EQ(there, LetsIn(method, who, record));
      ++walk_.lists;
    }
  }

  // "selections/2" of "selections/2/experts/1"; empty: it is in no other.
  static std::string ParentOf(const std::string& name) {
    const std::vector<std::string> parts = absl::StrSplit(name, '/');
    if (parts.size() < 4) return "";
    return absl::StrJoin(parts.begin(), parts.end() - 2, "/");
  }

  // Names of other records, where none need be given: they are not there.
  static void ClearOtherNames(const std::vector<std::string>& names,
                              google::protobuf::Message* request) {
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    const auto& reflection = *request->GetReflection();
    reflection.ListFields(*request, &fields);
    for (const auto* field : fields) {
      const v1::Field& rule = RuleOf(*field);
      if (rule.format() != v1::RESOURCE_NAME || rule.required() || field->is_repeated()) continue;
      if (std::find(names.begin(), names.end(), reflection.GetString(*request, field)) ==
          names.end()) {
        reflection.ClearField(request, field);
      }
    }
  }

  static void ClearOptional(google::protobuf::Message* request) {
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    request->GetReflection()->ListFields(*request, &fields);
    for (const auto* field : fields) {
      if (!RuleOf(*field).required()) request->GetReflection()->ClearField(request, field);
    }
  }

  // bin_field and region_field: the caller's own passes, another's does not.
  void ByField(const Method& method) {
    const MethodPolicy& policy = method.policy;
    const std::string own = SampleBin(10), other = SampleBin(20);
    const auto ask = [&](const Who& who, const FieldPath& path, const std::string& value) {
      const auto request = RequestOf(method, {});
      SetBool("validate_only", true, request.get());
      SetAt(path, value, request.get());
      return server_.Call(who.caller, policy.path, request->SerializeAsString()).status;
    };
    const auto judge = [&](const Who& who, const FieldPath& path, const std::string& good,
                           const std::string& bad) {
      if ((policy.roles & base::RoleBit(who.role)) == 0) return;
      SCOPED_TRACE(absl::StrCat(policy.path, " by its field, as ", RoleName(who.role)));
      const absl::Status denied = ask(who, path, bad);
      EXPECT_EQ(base::ReasonOf(denied), "ACCESS_DENIED") << denied;
      const absl::Status let_in = ask(who, path, good);
      if (!(fixture_.may_deny && fixture_.may_deny(method, who.role))) {
        EXPECT_NE(base::ReasonOf(let_in), "ACCESS_DENIED") << let_in;
      }
      ++walk_.by_field;
    };
    if (!policy.bin_path.empty()) {
      for (const Role role : {v1::ENTITY, v1::CUSTOMER}) {
        judge(Made(role, own), policy.bin_path, own, other);
      }
    }
    if (!policy.region_path.empty()) {
      judge(Made(v1::AKIMAT, "", {"75"}), policy.region_path, "751110000", "711110000");
    }
  }

  const ScopeFixture& fixture_;
  LocalServer server_;
  ScopeWalk walk_;
};

// For each record, each method about it and each caller that its policy admits: those whom the ties
// let in are answered, or refused for another reason than who they are; all others get
// PERMISSION_DENIED, to the byte the same as for a record that is not there, which is NOT_FOUND to
// roles for the whole country alone. Methods with bin_field or region_field both ways; lists of
// closed records both ways. Changes are tried with validate_only where the method has it, and so
// are the same for every caller.
inline ScopeWalk WalkScopes(const ScopeFixture& fixture) {
  return ScopeWalker(fixture).Walk();
}

}  // namespace nisi::rpc
