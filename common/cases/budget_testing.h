// What the tests of services with accounts share: how an account stands, in a line of text, and
// that all of them are sound.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/cases/budget.h"
#include "common/store/store.h"
#include "nisi/budget/v1/budget.pb.h"

namespace nisi::cases {

// "available reserved committed paid", in tenge.
inline std::string StandsText(const budget::v1::Account& account) {
  return absl::StrCat(account.available().units(), " ", account.reserved().units(), " ",
                      account.committed().units(), " ", account.paid().units());
}

inline void ExpectAccountsSound(const store::Store& store) {
  const auto findings = AuditBudget(store.Read());
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, ::testing::IsEmpty());
}

}  // namespace nisi::cases
