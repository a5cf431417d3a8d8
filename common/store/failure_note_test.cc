#include "common/store/failure_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/store/temp_dir.h"

namespace nisi::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNoon = absl::FromUnixSeconds(1'780'000'000);

absl::Status NoSync() {
  return base::Unavailable("STORE_FAILED", "The disk refuses.", absl::Seconds(5));
}
absl::Status Unsound() {
  return base::Refusal(absl::StatusCode::kDataLoss, "STORE_UNSOUND", "Rows contradict.");
}

class FailureNoteTest : public ::testing::Test {
 protected:
  void Note(const absl::Status& failure, absl::Time now) {
    NoteFailure(dir_ / "", failure, now);
    ASSERT_TRUE(AwaitFailureNotes(absl::Minutes(1)));
  }
  std::vector<std::string> Noted() const {
    std::vector<std::string> lines;
    for (const Failure& failure : ReadFailures(dir_ / "")) {
      lines.push_back(absl::StrCat(failure.kind, " ", absl::FormatDuration(failure.at - kNoon), " ",
                                   failure.reason));
    }
    return lines;
  }
  const TempDir dir_;
};

TEST_F(FailureNoteTest, TheLastOfEachKindStays) {
  EXPECT_THAT(Noted(), IsEmpty());
  Note(NoSync(), kNoon);
  EXPECT_THAT(Noted(), ElementsAre("commit 0 STORE_FAILED"));
  Note(Unsound(), kNoon + absl::Seconds(1));
  Note(base::Refusal(absl::StatusCode::kResourceExhausted, "DISK_FULL", "Full."),
       kNoon + absl::Seconds(2));
  EXPECT_THAT(Noted(), ElementsAre("damage 1s STORE_UNSOUND", "commit 2s DISK_FULL"));
  Note(absl::DataLossError("no reason of ours"), kNoon + absl::Seconds(3));
  EXPECT_THAT(Noted(), ElementsAre("commit 2s DISK_FULL", "damage 3s UNKNOWN"));
}

TEST_F(FailureNoteTest, WhatSaysNothingIsPassedOver) {
  std::ofstream(dir_ / "FAILED") << "\nnonsense\ncommit yesterday STORE_FAILED\n"
                                    "other 2026-05-28T20:26:40Z STORE_FAILED\n"
                                    "commit 2026-05-28T20:26:40Z STORE_FAILED\n"
                                    "commit 2026-05-28T20:26:41Z DISK_FULL\n"
                                    "damage 2026-05-28T20:2";
  EXPECT_THAT(Noted(), ElementsAre("commit 0 STORE_FAILED"));
}

TEST_F(FailureNoteTest, ADiskThatTakesNothingHoldsNothingUp) {
  std::filesystem::create_directories(dir_ / "FAILED/in the way");
  Note(NoSync(), kNoon);
  EXPECT_THAT(Noted(), IsEmpty());
}

}  // namespace
}  // namespace nisi::store
