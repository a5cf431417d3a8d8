#include "services/industry_map/summary.h"

#include <bit>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"

namespace nisi::industry_map {
namespace {

constexpr uint32_t kDimensions[] = {kByRegion, kBySector, kByStage, kByBody, kByYear};

void AddValue(uint32_t dimension, const Group& group, store::Key* key) {
  switch (dimension) {
    case kByRegion:
      key->Add(group.region);
      break;
    case kBySector:
      key->Add(group.sector);
      break;
    case kByStage:
      key->Add(group.stage);
      break;
    case kByBody:
      key->Add(group.body);
      break;
    default:
      key->Add(group.year);
      break;
  }
}

bool TakeText(store::KeyReader* reader, std::string* text) {
  auto value = reader->Text();
  if (value.has_value()) *text = *std::move(value);
  return value.has_value();
}

bool TakeNumber(store::KeyReader* reader, int64_t* number) {
  const auto value = reader->Number();
  if (value.has_value()) *number = *value;
  return value.has_value();
}

bool TakeValue(uint32_t dimension, store::KeyReader* reader, Group* group) {
  switch (dimension) {
    case kByRegion:
      return TakeText(reader, &group->region);
    case kBySector:
      return TakeText(reader, &group->sector);
    case kByStage:
      return TakeNumber(reader, &group->stage);
    case kByBody:
      return TakeText(reader, &group->body);
    default:
      return TakeNumber(reader, &group->year);
  }
}

}  // namespace

Group GroupOf(const v1::Project& project) {
  return {project.region(), project.sector(), project.parameters().stage(),
          project.parameters().responsible_body().bin(), project.commissioning_year()};
}

const std::vector<uint32_t>& KeptMasks() {
  static const auto* const kMasks = [] {
    auto* masks = new std::vector<uint32_t>;
    for (uint32_t mask = 0; mask <= kByAll; ++mask) {
      if (std::popcount(mask) <= 2 || mask == kByAll) masks->push_back(mask);
    }
    return masks;
  }();
  return *kMasks;
}

store::Key GroupKey(uint32_t mask, const Group& group) {
  return GroupPrefix(mask, mask, group);
}

store::Key GroupPrefix(uint32_t mask, uint32_t given, const Group& group) {
  store::Key key = store::Key::Of(static_cast<int64_t>(mask));
  for (const uint32_t dimension : kDimensions) {
    if ((mask & dimension) == 0) continue;
    if ((given & dimension) == 0) break;
    AddValue(dimension, group, &key);
  }
  return key;
}

absl::StatusOr<Group> ReadGroup(absl::string_view key) {
  store::KeyReader reader(key);
  Group group;
  const auto mask = reader.Number();
  bool good = mask.has_value();
  for (const uint32_t dimension : kDimensions) {
    if (good && (static_cast<uint32_t>(*mask) & dimension) != 0)
      good = TakeValue(dimension, &reader, &group);
  }
  if (!good || !reader.done()) return base::StoreCorrupt("key of a group");
  return group;
}

uint32_t KeptMaskFor(uint32_t dimensions) {
  return std::popcount(dimensions) <= 2 ? dimensions : kByAll;
}

Group Only(uint32_t dimensions, const Group& group) {
  Group only;
  if ((dimensions & kByRegion) != 0) only.region = group.region;
  if ((dimensions & kBySector) != 0) only.sector = group.sector;
  if ((dimensions & kByStage) != 0) only.stage = group.stage;
  if ((dimensions & kByBody) != 0) only.body = group.body;
  if ((dimensions & kByYear) != 0) only.year = group.year;
  return only;
}

std::string NameOf(uint32_t dimensions, const Group& group) {
  std::string name = "summary";
  const auto add = [&](uint32_t dimension, const char* what, const auto& value) {
    if ((dimensions & dimension) != 0) absl::StrAppend(&name, "/", what, "/", value);
  };
  add(kByRegion, "region", group.region);
  add(kBySector, "sector", group.sector);
  add(kByStage, "stage",
      v1::ProjectParameters::Stage_Name(static_cast<v1::ProjectParameters::Stage>(group.stage)));
  add(kByBody, "body", group.body);
  add(kByYear, "year", group.year);
  return name;
}

int64_t OwnerNumber(const std::string& bin) {
  int64_t number = 0;
  return absl::SimpleAtoi(bin, &number) ? number : 0;
}

std::string OnlyOwner(absl::Span<const absl::int128> sums) {
  const absl::int128 count = sums[0], owners = sums[kMeasures - 2], squares = sums[kMeasures - 1];
  if (count <= 0 || owners <= 0 || count * squares != owners * owners) return "";
  return absl::StrFormat("%012d", static_cast<int64_t>(owners / count));
}

bool Agree(uint32_t dimensions, const Group& a, const Group& b) {
  return Only(dimensions, a) == Only(dimensions, b);
}

}  // namespace nisi::industry_map
