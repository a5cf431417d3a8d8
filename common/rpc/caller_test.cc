#include "common/rpc/caller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nisi::rpc {
namespace {

TEST(RoleTest, WrittenFormHasOneDot) {
  EXPECT_EQ(RoleName(v1::AUTHORITY_INDUSTRY), "authority.industry");
  EXPECT_EQ(RoleName(v1::INSTITUTE_LOCAL_CONTENT), "institute.local_content");
  EXPECT_EQ(RoleName(v1::AKIMAT), "akimat");
}

TEST(RoleTest, EveryRoleComesBack) {
  EXPECT_EQ(AllRoles().size(), static_cast<size_t>(v1::Role_ARRAYSIZE - 1));
  for (const Role role : AllRoles()) {
    EXPECT_EQ(RoleFromName(RoleName(role)), role);
  }
}

TEST(RoleTest, OtherSpellingsAreRefused) {
  for (const char* name :
       {"", "role.unspecified", "role_unspecified", "AKIMAT", "Akimat", "akimat ",
        "authority_industry", "institute.local.content", "admin", "authority."}) {
    EXPECT_EQ(RoleFromName(name), std::nullopt) << name;
  }
}

TEST(CallerTest, HasOnlyWhatWasGranted) {
  Caller caller;
  EXPECT_TRUE(caller.anonymous());
  EXPECT_TRUE(caller.Has(v1::PUBLIC));
  EXPECT_FALSE(caller.Has(v1::ROLE_UNSPECIFIED));
  caller.Grant(v1::ROLE_UNSPECIFIED);
  caller.Grant(static_cast<Role>(31));
  EXPECT_EQ(caller.roles, 0U);
  caller.Grant(v1::AUDITOR);
  for (const Role role : AllRoles()) {
    EXPECT_EQ(caller.Has(role), role == v1::AUDITOR || role == v1::PUBLIC) << RoleName(role);
  }
}

}  // namespace
}  // namespace nisi::rpc
