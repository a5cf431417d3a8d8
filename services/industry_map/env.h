// What the functions of this service work with, how records are found by name, and who may see
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/norms/norms.h"
#include "common/rpc/resource.h"
#include "common/store/store.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "services/industry_map/tables.h"

namespace nisi::industry_map {

struct Env {
  store::Store* store = nullptr;
  const norms::Norms* norms = nullptr;
};

// A project that is on the map, or was, is everybody's to see; any other is for its owner, the
// bodies over it, the institute, the authority and auditors.
bool IsVisible(const google::protobuf::Message& resource, uint32_t roles);

// The numbers in names. NOT_FOUND for a name that no record can have.
absl::StatusOr<int32_t> ProjectNumber(const std::string& name);
struct ReviewNumbers {
  int32_t project = 0;
  int32_t review = 0;
};
absl::StatusOr<ReviewNumbers> NumbersOfReview(const std::string& name);
struct ReportNumbers {
  int32_t project = 0;
  base::Quarter quarter = base::Quarter::Containing(base::Date());
};
absl::StatusOr<ReportNumbers> NumbersOfReport(const std::string& name);
absl::StatusOr<int32_t> EditionNumber(const std::string& name);
// Of a List's parent; 0 for "projects/-".
absl::StatusOr<int32_t> ParentNumber(const std::string& parent);

// What the caller may see and act on: as rpc::FindFor has it.
absl::StatusOr<rpc::Found<ProjectRow>> FindProject(const store::Reader& reader,
                                                   const rpc::Call& call, const std::string& name);
absl::StatusOr<rpc::Found<ReviewRow>> FindReview(const store::Reader& reader, const rpc::Call& call,
                                                 const std::string& name);
// A record that another one names, so that it must be there: DATA_LOSS.
absl::StatusOr<ProjectRow> LoadProject(const store::Reader& reader, int32_t number);
absl::StatusOr<ReviewRow> LoadReview(const store::Reader& reader, int32_t project, int32_t number);

}  // namespace nisi::industry_map
