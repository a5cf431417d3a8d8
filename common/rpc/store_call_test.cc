#include "common/rpc/store_call.h"

#include <gtest/gtest.h>

#include "common/base/status.h"

namespace nisi::rpc {
namespace {

google::rpc::ResourceInfo ResourceOf(const absl::Status& status) {
  google::rpc::ResourceInfo resource;
  if (const auto payload = status.GetPayload(base::TypeUrl(resource)); payload.has_value()) {
    resource.ParseFromString(std::string(*payload));
  }
  return resource;
}

TEST(NumberIn, ReadsTheNumberAtAStar) {
  EXPECT_EQ(*NumberIn("editions/7", "editions/*", 0), 7);
  EXPECT_EQ(*NumberIn("editions/2147483647", "editions/*", 0), 2'147'483'647);
  EXPECT_EQ(*NumberIn("editions/7/entries/8504", "editions/*/entries/*", 0), 7);
  EXPECT_EQ(*NumberIn("editions/7/entries/8504", "editions/*/entries/*", 1), 8504);
}

TEST(NumberIn, WhatNoRecordCanHaveIsNotFoundInItsCollection) {
  for (const std::string number : {"0", "007", "abc", "-", "99999999999999999999", "2147483648"}) {
    SCOPED_TRACE(number);
    const auto edition = NumberIn("editions/" + number, "editions/*", 0).status();
    EXPECT_EQ(edition.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ResourceOf(edition).resource_type(), "editions");
    EXPECT_EQ(ResourceOf(edition).resource_name(), "editions/" + number);

    const std::string pattern = "editions/*/entries/*";
    const auto parent = NumberIn("editions/" + number + "/entries/8504", pattern, 0).status();
    EXPECT_EQ(parent.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ResourceOf(parent).resource_type(), "editions");
    EXPECT_EQ(ResourceOf(parent).resource_name(), "editions/" + number);

    const auto entry = NumberIn("editions/7/entries/" + number, pattern, 1).status();
    EXPECT_EQ(entry.code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ResourceOf(entry).resource_type(), "entries");
    EXPECT_EQ(ResourceOf(entry).resource_name(), "editions/7/entries/" + number);
  }
}

TEST(CheckEtag, AStaleOneIsRefused) {
  EXPECT_TRUE(CheckEtag("0000002a", "0000002a").ok());
  EXPECT_TRUE(CheckEtag("", "0000002a").ok());  // where the method does not require one
  const absl::Status stale = CheckEtag("00000029", "0000002a");
  EXPECT_EQ(stale.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(base::ReasonOf(stale), "VERSION_MISMATCH");
}

}  // namespace
}  // namespace nisi::rpc
