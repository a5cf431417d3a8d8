#include "common/rpc/scope.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/policy.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::v1::Widget;

constexpr char kScopeOwn[] = "940140000385";
constexpr char kScopeOther[] = "070340007218";

Widget WidgetOf(const std::string& text) {
  Widget widget;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &widget)) << text;
  return widget;
}

uint32_t Bits(const std::vector<Role>& roles) {
  uint32_t bits = 0;
  for (const Role role : roles) bits |= base::RoleBit(role);
  return bits;
}

TEST(Ties, EveryRoleHasAPlace) {
  for (const Role role : AllRoles()) {
    const bool placed = ((kScopedRoles | kCountryRoles) & base::RoleBit(role)) != 0;
    EXPECT_EQ(placed, role != v1::PUBLIC && role != v1::OPERATOR) << v1::Role_Name(role);
  }
  EXPECT_EQ(kScopedRoles & kCountryRoles, 0U);
}

TEST(Ties, ARoleHoldsWhereItsTieIsTheCallers) {
  const struct {
    const char* what;
    Caller caller;
    std::string widget;
    std::vector<Role> holds;
  } kCases[] = {
      {"its own",
       CallerOf({v1::ENTITY}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOwn, "'"),
       {v1::ENTITY}},
      {"as a customer",
       CallerOf({v1::CUSTOMER}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOwn, "'"),
       {v1::CUSTOMER}},
      {"one of its makers",
       CallerOf({v1::ENTITY}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOther, "' maker { bins: '", kScopeOther, "' bins: '", kScopeOwn,
                    "' }"),
       {v1::ENTITY}},
      {"another's",
       CallerOf({v1::ENTITY}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOther, "'"),
       {}},
      {"nobody's", CallerOf({v1::ENTITY}, kScopeOwn), "", {}},
      {"a caller without a BIN", CallerOf({v1::ENTITY}), "", {}},
      {"a body is no party",
       CallerOf({v1::ENTITY}, kScopeOwn),
       absl::StrCat("maker { body: '", kScopeOwn, "' }"),
       {}},
      {"in its region",
       CallerOf({v1::AKIMAT}, "", {"71", "75"}),
       "region: '751110000'",
       {v1::AKIMAT}},
      {"in its district",
       CallerOf({v1::AKIMAT}, "", {"7511"}),
       "region: '751110000'",
       {v1::AKIMAT}},
      {"in another district", CallerOf({v1::AKIMAT}, "", {"7511"}), "region: '751210000'", {}},
      {"in the whole region", CallerOf({v1::AKIMAT}, "", {"7511"}), "region: '75'", {}},
      {"nowhere", CallerOf({v1::AKIMAT}, "", {"75"}), "", {}},
      {"an akimat of nowhere", CallerOf({v1::AKIMAT}, "", {""}), "region: '751110000'", {}},
      {"an akimat goes by no BIN",
       CallerOf({v1::AKIMAT}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOwn, "'"),
       {}},
      {"its projects",
       CallerOf({v1::HOLDING}, kScopeOwn),
       absl::StrCat("maker { body: '", kScopeOwn, "' }"),
       {v1::HOLDING}},
      {"another body's",
       CallerOf({v1::HOLDING}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOwn, "' maker { body: '", kScopeOther, "' }"),
       {}},
      {"assigned", CallerOf({v1::EXPERT}), "examiners: 'else' examiners: 'somebody'", {v1::EXPERT}},
      {"not assigned", CallerOf({v1::EXPERT}), "examiners: 'else'", {}},
      {"the country",
       CallerOf({v1::AUTHORITY_TRADE, v1::AUDITOR}),
       "",
       {v1::AUTHORITY_TRADE, v1::AUDITOR}},
      {"an operator reads no records",
       CallerOf({v1::OPERATOR}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOwn, "'"),
       {}},
      // Each role by its own tie.
      {"both",
       CallerOf({v1::ENTITY, v1::AKIMAT}, kScopeOwn, {"75"}),
       absl::StrCat("bin: '", kScopeOwn, "' region: '750000000'"),
       {v1::ENTITY, v1::AKIMAT}},
      {"one of both",
       CallerOf({v1::ENTITY, v1::AKIMAT}, kScopeOwn, {"75"}),
       absl::StrCat("bin: '", kScopeOther, "' region: '750000000'"),
       {v1::AKIMAT}},
      {"and the country",
       CallerOf({v1::ENTITY, v1::AUDITOR}, kScopeOwn),
       absl::StrCat("bin: '", kScopeOther, "'"),
       {v1::AUDITOR}},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(TiesOf<Widget>().RolesOver(c.caller, WidgetOf(c.widget)), Bits(c.holds)) << c.what;
  }
  Caller nobody;  // without a subject nothing is assigned
  nobody.Grant(v1::EXPERT);
  EXPECT_EQ(TiesOf<Widget>().RolesOver(nobody, WidgetOf("examiners: ''")), 0U);
}

TEST(Ties, WhatATypeDoesNotDeclareHoldsForNobody) {
  const Ties none = *Ties::Of(*testing::v1::Maker::descriptor());
  testing::v1::Maker maker;
  maker.add_bins(kScopeOwn);
  maker.set_body(kScopeOwn);
  EXPECT_EQ(none.RolesOver(CallerOf({v1::ENTITY, v1::HOLDING}, kScopeOwn), maker), 0U);
  EXPECT_EQ(none.RolesOver(CallerOf({v1::ENTITY, v1::AUDITOR}, kScopeOwn), maker),
            base::RoleBit(v1::AUDITOR));
  EXPECT_EQ(none.roles(), 0U);
  EXPECT_EQ(TiesOf<Widget>().roles(), kScopedRoles);
}

TEST(Ties, PartiesAreTheOwnerFirst) {
  const std::string both = absl::StrCat("bin: '", kScopeOwn, "' maker { bins: '", kScopeOther,
                                        "' bins: '", kScopeOwn, "' }");
  EXPECT_THAT(TiesOf<Widget>().Parties(WidgetOf(both)), ElementsAre(kScopeOwn, kScopeOther));
  EXPECT_THAT(TiesOf<Widget>().Parties(Widget()), ElementsAre());
}

// ---- What is said of a record.

Call CallOf(const MethodPolicy& method, const Caller& caller) {
  Call call;
  call.method = &method;
  call.caller = std::make_shared<Caller>(caller);
  return call;
}

MethodPolicy MethodFor(const std::vector<Role>& roles, bool unscoped = false) {
  MethodPolicy method;
  method.roles = Bits(roles);
  method.is_public = (method.roles & base::RoleBit(v1::PUBLIC)) != 0;
  method.unscoped = unscoped;
  return method;
}

TEST(RolesFor, OnlyThoseInWhichTheMethodAdmitsTheCaller) {
  const Caller caller = CallerOf({v1::ENTITY, v1::AUDITOR}, kScopeOwn);
  const Widget own = WidgetOf(absl::StrCat("bin: '", kScopeOwn, "'"));
  const auto over = [&](const MethodPolicy& method, const Widget& widget) {
    return RolesFor(CallOf(method, caller), TiesOf<Widget>(), widget);
  };
  EXPECT_EQ(over(MethodFor({v1::ENTITY}), own), Bits({v1::ENTITY}));
  EXPECT_EQ(over(MethodFor({v1::ENTITY}), Widget()), 0U);
  EXPECT_EQ(over(MethodFor({v1::AUDITOR}), own), Bits({v1::AUDITOR}));
  EXPECT_EQ(over(MethodFor({v1::PUBLIC}), own), Bits({v1::ENTITY, v1::AUDITOR}));
  EXPECT_EQ(over(MethodFor({v1::PUBLIC}), Widget()), Bits({v1::AUDITOR}));
  EXPECT_EQ(over(MethodFor({v1::ENTITY}, /*unscoped=*/true), own), Bits({v1::ENTITY}));
  EXPECT_EQ(over(MethodFor({v1::ENTITY}, /*unscoped=*/true), Widget()), 0U);
  EXPECT_EQ(over(MethodFor({v1::AKIMAT}, /*unscoped=*/true), own), 0U);
}

TEST(Missing, IsToldToWhoMaySeeAllOfThem) {
  const auto reason = [](const std::vector<Role>& admitted, const Caller& caller) {
    const MethodPolicy method = MethodFor(admitted);
    return ReasonOf(Missing(CallOf(method, caller), "widgets", "widgets/7"));
  };
  EXPECT_EQ(reason({v1::AUDITOR, v1::ENTITY}, CallerOf({v1::AUDITOR})), "NOT_FOUND");
  EXPECT_EQ(reason({v1::AUDITOR, v1::ENTITY}, CallerOf({v1::ENTITY}, kScopeOwn)), "ACCESS_DENIED");
  EXPECT_EQ(reason({v1::ENTITY}, CallerOf({v1::AUDITOR, v1::ENTITY}, kScopeOwn)), "ACCESS_DENIED");
  EXPECT_EQ(reason({v1::PUBLIC}, CallerOf({v1::AUDITOR})), "NOT_FOUND");
  EXPECT_EQ(reason({v1::PUBLIC}, CallerOf({v1::ENTITY, v1::OPERATOR}, kScopeOwn)), "ACCESS_DENIED");
  EXPECT_EQ(reason({v1::PUBLIC}, Caller()), "ACCESS_DENIED");
}

// ---- What is declared.

const FileDescriptor* Build(DescriptorPool* pool, const std::string& text) {
  FileDescriptorProto file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &file)) << text;
  file.set_name("scope_test.proto");
  file.set_package("scope_test");
  file.set_syntax("proto3");
  file.add_dependency("nisi/rpc/v1/options.proto");
  file.add_dependency("google/protobuf/field_mask.proto");
  return pool->BuildFile(file);
}

// A text field of a message.
std::string Text(const std::string& name, int number, const std::string& rules = "",
                 bool repeated = false) {
  return absl::StrCat("field { name: '", name, "' number: ", number,
                      " type: TYPE_STRING label: ", repeated ? "LABEL_REPEATED" : "LABEL_OPTIONAL",
                      " options { [nisi.rpc.v1.field] { ", rules, " } } } ");
}
std::string Part(const std::string& name, int number, const std::string& type,
                 bool repeated = false) {
  return absl::StrCat("field { name: '", name, "' number: ", number,
                      " type: TYPE_MESSAGE label: ", repeated ? "LABEL_REPEATED" : "LABEL_OPTIONAL",
                      " type_name: '", type, "' } ");
}
std::string Type(const std::string& name, const std::string& fields, const std::string& ties = "") {
  return absl::StrCat(
      "message_type { name: '", name, "' ", fields,
      ties.empty() ? "" : absl::StrCat("options { [nisi.rpc.v1.resource] { ", ties, " } } "), "} ");
}

TEST(Ties, RefusesWhatLeadsNowhere) {
  const struct {
    const char* ties;
    const char* problem;  // empty: good
  } kCases[] = {
      {"bin_fields: 'bin' bin_fields: 'bins' region_fields: 'bin' expert_field: 'hidden'", ""},
      {"bin_fields: 'part.bin'", ""},
      {"closed: true", ""},
      {"bin_fields: 'nobody'", "leads to no text field"},
      {"bin_fields: ''", "leads nowhere"},
      {"body_field: 'part'", "leads to no text field"},
      {"body_field: 'part.nobody'", "leads to no text field"},
      {"body_field: 'bin.nobody'", "leads to no text field"},
      {"region_fields: 'parts.bin'", "leads to no text field"},
      {"region_fields: 'count'", "leads to no text field"},
      {"region_fields: 'bin' region_fields: 'bins'", ""},
      {"region_fields: 'bin' region_fields: ''", "leads nowhere"},
      {"bin_fields: 'hidden'", "must not be confidential"},
      {"expert_field: 'bin'", ""},
      {"expert_field: 'hidden'", ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.ties);
    DescriptorPool pool(DescriptorPool::generated_pool());
    const FileDescriptor* file = Build(
        &pool, Type("Thing",
                    Text("bin", 1) + Text("bins", 2, "", true) +
                        Text("hidden", 3, "data_class: CONFIDENTIAL") +
                        Part("part", 4, ".scope_test.Thing") +
                        Part("parts", 5, ".scope_test.Thing", true) +
                        "field { name: 'count' number: 6 type: TYPE_INT64 label: LABEL_OPTIONAL }",
                    c.ties));
    ASSERT_NE(file, nullptr);
    const absl::Status status = Ties::Of(*file->message_type(0)).status();
    EXPECT_EQ(ReasonOf(status), *c.problem == '\0' ? "" : "POLICY_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.problem));
  }
}

// A service over Thing, things/*, which is tied to BINs and regions; Secret, a closed one, to BINs;
// and Open, opens/*, to nobody.
std::string World(const std::string& input, const std::string& output, const std::string& policy,
                  bool streams) {
  const std::string mask = Part("update_mask", 9, ".google.protobuf.FieldMask");
  const auto name = [](const std::string& pattern) {
    return absl::StrCat("format: RESOURCE_NAME resource: '", pattern, "'");
  };
  const auto own = [&](const std::string& pattern) {
    return Text("name", 1, absl::StrCat("output_only: true ", name(pattern)));
  };
  return absl::StrCat(
      Type("Thing", own("things/*") + Text("bin", 2) + Text("region", 3),
           "bin_fields: 'bin' region_fields: 'region'"),
      Type("Secret", own("secrets/*") + Text("bin", 2), "bin_fields: 'bin' closed: true"),
      Type("Open", own("opens/*"), ""),  //
      Type("Nothing", ""),               //
      Type("ByName", Text("name", 1, name("things/*"))),
      Type("ByParent", Text("parent", 1, name("things/*"))),
      Type("ByAnyName", Text("name", 1, name("*/*"))),
      Type("ByReference", Text("thing", 1, name("things/*"))),
      Type("ByOpenName", Text("name", 1, name("opens/*"))),
      Type("Create", Part("thing", 1, ".scope_test.Thing")),
      Type("Update", Part("thing", 1, ".scope_test.Thing") + mask),
      Type("Import", Part("header", 1, ".scope_test.ByParent")),
      Type("Things", Part("things", 1, ".scope_test.Thing", true)),
      Type("Secrets", Part("secrets", 1, ".scope_test.Secret", true)),
      "service { name: 'Service' options { [nisi.rpc.v1.service] { owner: 'test' } } method { "
      "name: 'Method' input_type: '.scope_test.",
      input, "' output_type: '.scope_test.", output,
      "' client_streaming: ", streams ? "true" : "false", " options { [nisi.rpc.v1.policy] { ",
      policy, " } } } }");
}

TEST(CheckScopesDeclared, AScopedRoleIsTiedOrSaysWhyNot) {
  const struct {
    const char* input;
    const char* output;
    const char* policy;
    const char* problem;  // empty: good
    bool streams = false;
  } kCases[] = {
      {"Nothing", "Thing", "roles: AUDITOR roles: INSTITUTE_EXPORT roles: OPERATOR", ""},
      {"Nothing", "Thing", "roles: PUBLIC", ""},
      {"Nothing", "Thing", "roles: PUBLIC roles: ENTITY", ""},
      // by name
      {"ByName", "Thing", "roles: ENTITY roles: CUSTOMER roles: AKIMAT", ""},
      {"ByName", "Thing", "roles: ENTITY roles: HOLDING", "admits HOLDING and"},
      {"ByName", "Thing", "roles: EXPERT roles: HOLDING", "admits HOLDING, EXPERT and"},
      {"ByParent", "Things", "roles: ENTITY", ""},
      {"ByAnyName", "Thing", "roles: ENTITY", "admits ENTITY and"},
      {"ByReference", "Thing", "roles: ENTITY", "admits ENTITY and"},
      {"ByOpenName", "Open", "roles: ENTITY roles: AUDITOR", "admits ENTITY and"},
      {"Update", "Thing", "roles: AKIMAT", ""},
      {"Create", "Thing", "roles: AKIMAT", "admits AKIMAT and"},
      {"Import", "Nothing", "roles: AKIMAT", "", true},
      {"Import", "Nothing", "roles: AKIMAT", "admits AKIMAT and"},
      {"Create", "Nothing", "roles: AKIMAT", "admits AKIMAT and", true},
      // by the request's own field
      {"Create", "Thing", "roles: ENTITY roles: CUSTOMER bin_field: 'thing.bin'", ""},
      {"Create", "Thing", "roles: ENTITY roles: AKIMAT bin_field: 'thing.bin'",
       "admits AKIMAT and"},
      {"Create", "Thing",
       "roles: ENTITY roles: AKIMAT bin_field: 'thing.bin' region_field: 'thing.region'", ""},
      {"Create", "Thing", "roles: HOLDING bin_field: 'thing.bin'", "admits HOLDING and"},
      // lists
      {"Nothing", "Secrets", "roles: ENTITY roles: AUDITOR", ""},
      {"Nothing", "Secrets", "roles: AKIMAT", "admits AKIMAT and"},
      {"Nothing", "Things", "roles: ENTITY", "admits ENTITY and"},
      // excuses
      {"Nothing", "Things", "roles: ENTITY unscoped: 'open data'", ""},
      {"ByName", "Thing", "roles: ENTITY unscoped: 'open data'", "says why it is unscoped"},
      {"Nothing", "Things", "roles: AUDITOR unscoped: 'open data'", "says why it is unscoped"},
      {"Nothing", "Things", "roles: PUBLIC unscoped: 'open data'", "says why it is unscoped"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(absl::StrCat(c.input, " ", c.output, " ", c.policy));
    DescriptorPool pool(DescriptorPool::generated_pool());
    const FileDescriptor* file = Build(&pool, World(c.input, c.output, c.policy, c.streams));
    ASSERT_NE(file, nullptr);
    const absl::Status status = CheckScopesDeclared(*file->service(0));
    EXPECT_EQ(ReasonOf(status), *c.problem == '\0' ? "" : "POLICY_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.problem));
    // It is what a server asks before it starts.
    EXPECT_EQ(ReasonOf(PoliciesOf(*file->service(0)).status()), ReasonOf(status));
  }
}

TEST(CheckScopesDeclared, WantsTiesThatHold) {
  DescriptorPool pool(DescriptorPool::generated_pool());
  std::string world = World("Nothing", "Nothing", "roles: AUDITOR", false);
  const FileDescriptor* file =
      Build(&pool, world + Type("Broken", Text("bin", 1), "body_field: 'nobody'"));
  ASSERT_NE(file, nullptr);
  const absl::Status status = CheckScopesDeclared(*file->service(0));
  EXPECT_EQ(ReasonOf(status), "POLICY_INVALID");
  EXPECT_THAT(std::string(status.message()), HasSubstr("scope_test.Broken: the tie nobody"));
}

}  // namespace
}  // namespace nisi::rpc
