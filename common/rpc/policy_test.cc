#include "common/rpc/policy.h"

#include <gtest/gtest.h>

#include "common/base/status.h"
#include "common/rpc/caller_testing.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;

MethodPolicy PolicyOf(const char* method) {
  const auto* descriptor = testing::v1::WidgetService::descriptor()->FindMethodByName(method);
  return *MethodPolicy::Of(*descriptor);
}

TEST(CheckRoles, OneNamedRoleIsEnoughAndNoOtherIs) {
  const MethodPolicy get = PolicyOf("GetWidget");  // AUDITOR, ENTITY
  EXPECT_TRUE(CheckRoles(get, CallerOf({v1::AUDITOR})).ok());
  EXPECT_TRUE(CheckRoles(get, CallerOf({v1::CUSTOMER, v1::ENTITY})).ok());
  EXPECT_EQ(ReasonOf(CheckRoles(get, CallerOf({v1::CUSTOMER, v1::AKIMAT}))), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(CheckRoles(get, CallerOf({}))), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(CheckRoles(get, Caller())), "IDENTITY_REQUIRED");
  EXPECT_TRUE(CheckRoles(PolicyOf("ListWidgets"), Caller()).ok());  // PUBLIC
}

TEST(CheckScope, TheBinAndTheRegionsAreTheCallersOwn) {
  // An ENTITY creates its own widgets, an AKIMAT those of its regions.
  const MethodPolicy create = PolicyOf("CreateWidget");
  const std::string own = "123456789012", other = "210987654321";
  struct ScopeCase {
    Caller caller;
    std::string bin, region;
    bool ok;
  };
  for (const ScopeCase& c : std::vector<ScopeCase>{
           {CallerOf({v1::ENTITY}, own), own, "", true},
           {CallerOf({v1::ENTITY}, own), other, "", false},
           {CallerOf({v1::ENTITY}, own), "", "", false},
           {CallerOf({v1::ENTITY}), own, "", false},
           {CallerOf({v1::ENTITY}), "", "", false},  // no BIN is nobody's
           {CallerOf({v1::AKIMAT}, "", {"75", "71"}), other, "711210000", true},
           {CallerOf({v1::AKIMAT}, "", {"7112"}), other, "711210000", true},
           {CallerOf({v1::AKIMAT}, "", {"7112"}), other, "710000000", false},
           {CallerOf({v1::AKIMAT}, "", {"71"}), other, "", false},
           {CallerOf({v1::AKIMAT}), other, "711210000", false},
           {CallerOf({v1::AKIMAT}, "", {""}), other, "711210000", false},
           // The scope of one role does not help the other.
           {CallerOf({v1::AKIMAT}, own, {"71"}), own, "750000000", false},
           {CallerOf({v1::ENTITY}, own, {"71"}), other, "710000000", false},
           // By each of its roles on its own.
           {CallerOf({v1::ENTITY, v1::AKIMAT}, own, {"71"}), own, "750000000", true},
           {CallerOf({v1::ENTITY, v1::AKIMAT}, own, {"71"}), other, "710000000", true},
           {CallerOf({v1::ENTITY, v1::AKIMAT}, own, {"71"}), other, "750000000", false},
           // A role that the method does not name admits nothing.
           {CallerOf({v1::CUSTOMER}, own), own, "", false},
           {CallerOf({v1::AUDITOR}, own, {"71"}), own, "710000000", false},
       }) {
    testing::v1::CreateWidgetRequest request;
    request.mutable_widget()->set_bin(c.bin);
    request.mutable_widget()->set_region(c.region);
    EXPECT_EQ(ReasonOf(CheckScope(create, c.caller, request)), c.ok ? "" : "ACCESS_DENIED")
        << c.caller.roles << " " << c.caller.bin << " for " << c.bin << " " << c.region;
  }
}

TEST(CheckScope, WhatHasNoneIsForAllWhoMayCall) {
  EXPECT_TRUE(
      CheckScope(PolicyOf("GetWidget"), CallerOf({v1::ENTITY}), testing::v1::GetWidgetRequest())
          .ok());
}

}  // namespace
}  // namespace nisi::rpc
