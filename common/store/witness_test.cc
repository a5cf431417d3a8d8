#include "common/store/witness.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

namespace fs = std::filesystem;

class WitnessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "nisi_witness_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    path_ = (dir_ / "witness").string();
  }
  void TearDown() override { fs::remove_all(dir_); }

  static Head At(int64_t position) { return {position, LeafHash(absl::StrCat(position))}; }

  absl::StatusOr<std::optional<Head>> Load() const { return FileWitness(path_)->Load(); }

  void Flip(std::streamoff offset) const {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const int byte = file.get();
    file.seekp(offset);
    file.put(static_cast<char>(byte ^ 1));
  }

  fs::path dir_;
  std::string path_;
};

TEST_F(WitnessTest, KnowsNothingAtFirst) {
  const auto head = Load();
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(*head, std::nullopt);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(WitnessTest, RemembersTheLastHead) {
  const auto witness = FileWitness(path_);
  for (int64_t position = 1; position <= 9; ++position) {
    ASSERT_TRUE(witness->Save(At(position)).ok());
    EXPECT_EQ(witness->Load().value(), At(position));
    EXPECT_EQ(Load().value(), At(position));
  }
  EXPECT_LE(fs::file_size(path_), 8192u);
}

TEST_F(WitnessTest, GoesOnAfterReopening) {
  for (int64_t position = 1; position <= 5; ++position) {
    const auto witness = FileWitness(path_);
    ASSERT_TRUE(witness->Save(At(position)).ok());  // Without a Load before.
    EXPECT_EQ(Load().value(), At(position));
  }
}

TEST_F(WitnessTest, NeverGoesBack) {
  ASSERT_TRUE(FileWitness(path_)->Save(At(7)).ok());
  const auto witness = FileWitness(path_);
  EXPECT_EQ(base::ReasonOf(witness->Save(At(6))), "WITNESS_AHEAD");
  EXPECT_EQ(witness->Load().value(), At(7));
  EXPECT_TRUE(witness->Save(At(7)).ok());
}

TEST_F(WitnessTest, TornSlotLeavesTheOther) {
  for (int64_t saves = 2; saves <= 5; ++saves) {
    fs::remove(path_);
    const auto witness = FileWitness(path_);
    for (int64_t position = 1; position <= saves; ++position)
      ASSERT_TRUE(witness->Save(At(position)).ok());
    const std::streamoff last_slot = saves % 2 == 1 ? 0 : 4096;
    for (const int byte : {0, 9, 20, 40, 60, 71}) {
      Flip(last_slot + byte);
      EXPECT_EQ(Load().value(), At(saves - 1)) << saves << " " << byte;
      Flip(last_slot + byte);
      EXPECT_EQ(Load().value(), At(saves));
    }
    // And the one torn is the one written next.
    Flip(last_slot + 30);
    ASSERT_TRUE(FileWitness(path_)->Save(At(saves + 1)).ok());
    EXPECT_EQ(Load().value(), At(saves + 1));
  }
}

TEST_F(WitnessTest, BothSlotsDamagedIsDataLoss) {
  const auto witness = FileWitness(path_);
  for (int64_t position = 1; position <= 2; ++position)
    ASSERT_TRUE(witness->Save(At(position)).ok());
  Flip(30);
  Flip(4096 + 30);
  EXPECT_EQ(base::ReasonOf(Load().status()), "WITNESS_CORRUPT");
  EXPECT_EQ(base::ReasonOf(FileWitness(path_)->Save(At(9))), "WITNESS_CORRUPT");
}

TEST_F(WitnessTest, EmptyFileIsDataLoss) {
  std::ofstream(path_).flush();
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(WitnessTest, MissingFolderIsUnavailable) {
  const auto witness = FileWitness((dir_ / "absent" / "witness").string());
  EXPECT_EQ(witness->Save(At(1)).code(), absl::StatusCode::kUnavailable);
}

TEST(NoWitnessTest, SeesNothing) {
  const auto witness = NoWitness();
  EXPECT_TRUE(witness->Save({5, EmptyRoot()}).ok());
  EXPECT_EQ(witness->Load().value(), std::nullopt);
}

}  // namespace
}  // namespace nisi::store
