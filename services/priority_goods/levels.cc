#include "services/priority_goods/levels.h"

#include <cstdint>
#include <map>
#include <utility>

#include "services/priority_goods/tables.h"

namespace nisi::priority_goods {
namespace {

// What stands for a code, and the position at which it was recorded.
struct Standing {
  int64_t position = 0;
  AssessedLevel level;
};
using ByCode = std::map<std::string, Standing>;

absl::StatusOr<bool> Take(const store::RowView& view, ByCode* found) {
  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<AssessmentRow>(view));
  const Assessment& assessment = stored.row.assessment();
  Standing& standing = (*found)[assessment.goods_code()];
  const auto position = static_cast<int64_t>(view.version.position);
  if (position < standing.position) return true;
  standing.position = position;
  standing.level.goods_code = assessment.goods_code();
  standing.level.assessed = assessment.processing_level();
  standing.level.assessment = assessment.name();
  standing.level.etag = assessment.etag();
  standing.level.assessor = assessment.assessor();
  return true;
}

}  // namespace

absl::Status CheckAssessed(const store::Reader& reader, const Entry& entry) {
  ByCode found;
  RETURN_IF_ERROR(reader.Scan(
      kAssessmentsByCode, {store::Key::Of(entry.goods_code()), ""}, {},
      [&](const store::RowView& view, absl::string_view) { return Take(view, &found); }));
  std::vector<AssessedLevel> levels;
  for (auto& [code, standing] : found) {
    standing.level.entry = entry.processing_level();
    levels.push_back(std::move(standing.level));
  }
  return CheckAssessed(levels);
}

absl::StatusOr<std::vector<AssessedLevel>> AssessedLevels(const store::Reader& reader,
                                                          int32_t edition) {
  ByCode found;
  RETURN_IF_ERROR(reader.Scan(
      kAssessments, {}, {},
      [&](const store::RowView& view, absl::string_view) { return Take(view, &found); }));
  std::vector<AssessedLevel> levels;
  if (found.empty()) return levels;
  RETURN_IF_ERROR(
      reader.Scan(kEntries, {store::Key::Of(edition), ""}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(view));
                    const Entry& entry = stored.row.entry();
                    const auto standing = found.find(entry.goods_code());
                    if (standing == found.end()) return true;
                    levels.push_back(standing->second.level);
                    levels.back().entry = entry.processing_level();
                    return true;
                  }));
  return levels;
}

}  // namespace nisi::priority_goods
