#include "services/industry_map/env.h"

#include "absl/strings/ascii.h"
#include "common/base/roles.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {
namespace {

constexpr uint32_t kInsiders = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY) |
                               base::RoleBit(rpc::v1::INSTITUTE_INDUSTRY) |
                               base::RoleBit(rpc::v1::AKIMAT) | base::RoleBit(rpc::v1::HOLDING) |
                               base::RoleBit(rpc::v1::ENTITY) | base::RoleBit(rpc::v1::AUDITOR);

}  // namespace

bool IsVisible(const google::protobuf::Message& resource, uint32_t roles) {
  return (roles & kInsiders) != 0 || IsPublic(static_cast<const Project&>(resource).state());
}

absl::StatusOr<int32_t> ProjectNumber(const std::string& name) {
  return rpc::NumberIn(name, "projects/*", 0);
}

absl::StatusOr<ReviewNumbers> NumbersOfReview(const std::string& name) {
  constexpr char kPattern[] = "projects/*/reviews/*";
  ReviewNumbers numbers;
  ASSIGN_OR_RETURN(numbers.project, rpc::NumberIn(name, kPattern, 0));
  ASSIGN_OR_RETURN(numbers.review, rpc::NumberIn(name, kPattern, 1));
  return numbers;
}

absl::StatusOr<ReportNumbers> NumbersOfReport(const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t project, rpc::NumberIn(name, "projects/*/reports/*", 0));
  const std::string text = name.substr(name.rfind('/') + 1);
  // One spelling a name: of "2026Q3" that in lower case.
  const auto quarter = base::Quarter::Parse(absl::AsciiStrToUpper(text));
  if (!quarter.ok()) return base::NotFound("reports", name);
  return ReportNumbers{project, *quarter};
}

absl::StatusOr<int32_t> EditionNumber(const std::string& name) {
  return rpc::NumberIn(name, "editions/*", 0);
}

absl::StatusOr<int32_t> ParentNumber(const std::string& parent) {
  return parent == "projects/-" ? absl::StatusOr<int32_t>(0) : ProjectNumber(parent);
}

absl::StatusOr<rpc::Found<ProjectRow>> FindProject(const store::Reader& reader,
                                                   const rpc::Call& call, const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t number, ProjectNumber(name));
  return rpc::FindFor(reader, call, kProjects, ProjectKey(number), name, IsVisible);
}

absl::StatusOr<rpc::Found<ReviewRow>> FindReview(const store::Reader& reader, const rpc::Call& call,
                                                 const std::string& name) {
  ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(name));
  return rpc::FindFor(reader, call, kReviews, ReviewKey(numbers.project, numbers.review), name);
}

absl::StatusOr<ProjectRow> LoadProject(const store::Reader& reader, int32_t number) {
  ASSIGN_OR_RETURN(auto found, reader.Find(kProjects, ProjectKey(number)));
  if (!found.has_value()) return base::StoreCorrupt("project of a review");
  return std::move(found->row);
}

absl::StatusOr<ReviewRow> LoadReview(const store::Reader& reader, int32_t project, int32_t number) {
  ASSIGN_OR_RETURN(auto found, reader.Find(kReviews, ReviewKey(project, number)));
  if (!found.has_value()) return base::StoreCorrupt("review of a project");
  return std::move(found->row);
}

}  // namespace nisi::industry_map
