// The groups in which the map is summed: which are kept, their keys on disk, and which of them
// answer a question.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/store/key.h"
#include "nisi/industry_map/v1/resources.pb.h"

namespace nisi::industry_map {

// In this order on disk: projects, jobs planned, jobs, cost and investment used in tiyn, reds,
// yellows, the owner's BIN as a number, its square.
inline constexpr size_t kMeasures = 9;

// Bits of a mask, in the order of keys.
inline constexpr uint32_t kByRegion = 1;
inline constexpr uint32_t kBySector = 2;
inline constexpr uint32_t kByStage = 4;
inline constexpr uint32_t kByBody = 8;
inline constexpr uint32_t kByYear = 16;
inline constexpr uint32_t kByAll = 31;

// What a project is by each dimension.
struct Group {
  std::string region;
  std::string sector;
  int64_t stage = 0;
  std::string body;
  int64_t year = 0;

  friend auto operator<=>(const Group&, const Group&) = default;
};

Group GroupOf(const v1::Project& project);
// The masks that totals are kept for: none, each one, each two, all.
const std::vector<uint32_t>& KeptMasks();
// The mask, then the values of its dimensions in their order.
store::Key GroupKey(uint32_t mask, const Group& group);
// The beginning of the keys of a mask that have `group`'s values in the dimensions `given`, as far
// as these come first.
store::Key GroupPrefix(uint32_t mask, uint32_t given, const Group& group);
// DATA_LOSS when it is no such key.
absl::StatusOr<Group> ReadGroup(absl::string_view key);
// The smallest kept mask that has all these dimensions.
uint32_t KeptMaskFor(uint32_t dimensions);
// The group with nothing but the values of these dimensions.
Group Only(uint32_t dimensions, const Group& group);
// The group as a name: "summary/region/75/sector/27".
std::string NameOf(uint32_t dimensions, const Group& group);

// A BIN or IIN as a number; 0 where there is none.
int64_t OwnerNumber(const std::string& bin);
// BIN or IIN of the owner that all projects of a group have, from its sums; empty: they have
// several. n numbers are all the same exactly where n times the sum of their squares is the square
// of their sum; 12 digits leave room for ten million projects.
std::string OnlyOwner(absl::Span<const absl::int128> sums);

// Whether both have the same values in these dimensions.
bool Agree(uint32_t dimensions, const Group& a, const Group& b);

}  // namespace nisi::industry_map
