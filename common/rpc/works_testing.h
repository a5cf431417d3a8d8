// A register of works with confidential fields, as a service would have it, for the tests of what
// is shown to whom.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/list.h"
#include "common/rpc/resource.h"
#include "common/rpc/served_testing.h"
#include "common/store/mem_engine.h"
#include "nisi/testing/v1/disclosure.pb.h"

namespace nisi::rpc {

using testing::v1::Works;
using testing::v1::WorksRow;
using testing::v1::WorksService;

inline const store::Table<WorksRow> kWorks(1, "works", [](const WorksRow& row) {
  return store::Key::Of(row.works().name());
});
inline const store::Index<WorksRow> kWorksByOwner(2, "works_by_owner", kWorks, false,
                                                  [](const WorksRow& row,
                                                     const store::EmitKey& emit) {
                                                    emit(store::Key::Of(row.works().owner_bin()));
                                                  });
// By whom it is examined: the one confidential field that a list may go by, the expert's own.
inline const store::Index<WorksRow> kWorksByExaminer(
    3, "works_by_examiner", kWorks, false, [](const WorksRow& row, const store::EmitKey& emit) {
      for (const auto& who : row.works().examiners()) {
        emit(store::Key::Of(who));
      }
    });
// One record a number, whoever may know it.
inline const store::Index<WorksRow> kWorksByTaxNumber(
    4, "works_by_tax_number", kWorks, false,
    [](const WorksRow& row, const store::EmitKey& emit) {
      emit(store::Key::Of(row.works().tax_number()));
    },
    /*is_secret=*/true);

inline store::Schema WorksSchema() {
  store::Schema schema;
  schema.name = "testing";
  schema.tables = {&kWorks};
  schema.indexes = {&kWorksByOwner, &kWorksByExaminer, &kWorksByTaxNumber};
  return schema;
}

struct WorksEnv {
  store::Store* store = nullptr;
};

inline absl::StatusOr<Encoded<Works>> GetWorks(WorksEnv& env, Call& call,
                                               const testing::v1::GetWorksRequest& request) {
  store::At at;
  if (request.has_as_of()) {
    ASSIGN_OR_RETURN(at.as_of, base::Date::FromProto(request.as_of()));
  }
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(const auto found,
                   FindFor(
                       view, call, kWorks, store::Key::Of(request.name()), request.name(),
                       [](const google::protobuf::Message&, uint32_t) { return true; }, at));
  return Encoded<Works>{found.row.works().SerializeAsString()};
}
inline absl::StatusOr<Encoded<testing::v1::ListWorksResponse>> ListWorks(
    WorksEnv& env, Call& call, const testing::v1::ListWorksRequest& request) {
  ListPlan plan;
  plan.table = &kWorks;
  plan.indexes = {{"owner_bin", &kWorksByOwner,
                   [](const std::string& value) { return store::Key::Of(value); }}};
  plan.orders = {{"owner_bin", &kWorksByOwner, {}}};
  PlanPage(request, call, &plan);
  return ListAs<testing::v1::ListWorksResponse>(*env.store, plan);
}
inline absl::StatusOr<testing::v1::SearchWorksResponse> SearchWorks(
    WorksEnv& env, Call& call, const testing::v1::ListWorksRequest& request) {
  ASSIGN_OR_RETURN(const auto page, ListWorks(env, call, request));
  testing::v1::ListWorksResponse list;
  list.ParseFromString(page.bytes);
  testing::v1::SearchWorksResponse response;
  for (const Works& works : list.works()) {
    response.add_hits()->set_why("title");
    *response.mutable_hits(response.hits_size() - 1)->mutable_works() = works;
  }
  return response;
}
inline absl::StatusOr<Works> CreateWorks(WorksEnv&, const Call& call, store::Tx& tx,
                                         const testing::v1::CreateWorksRequest& request) {
  WorksRow row;
  *row.mutable_works() = request.works();
  row.mutable_works()->set_name("works/" + IdFor(call));
  RETURN_IF_ERROR(tx.Put(kWorks, &row));
  return row.works();
}
inline absl::StatusOr<Works> UpdateWorks(WorksEnv&, const Call& call, store::Tx& tx,
                                         const testing::v1::UpdateWorksRequest& request) {
  const std::string& name = request.works().name();
  ASSIGN_OR_RETURN(auto found, FindFor(tx, call, kWorks, store::Key::Of(name), name));
  RETURN_IF_ERROR(
      UpdateResource(request.works(), request.update_mask(), found.row.mutable_works(), &call));
  RETURN_IF_ERROR(tx.Put(kWorks, &found.row));
  return found.row.works();
}
// As a service that sends rows and not journal leaves.
class WorksExport final : public MessageSource {
 public:
  explicit WorksExport(const store::Store& store) {
    const auto read = store.Read().Scan(
        kWorks, {}, {},
        [this](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<WorksRow>(row));
          messages_.push_back(stored.row.works().SerializeAsString());
          return true;
        });
    EXPECT_TRUE(read.ok()) << read;
  }
  absl::StatusOr<State> Pull(std::string* out) override {
    if (at_ == messages_.size()) return State::kEnd;
    *out = messages_[at_++];
    return State::kMessage;
  }

 private:
  std::vector<std::string> messages_;
  size_t at_ = 0;
};
inline absl::StatusOr<std::unique_ptr<MessageSource>> ExportWorks(
    WorksEnv& env, Call&, const testing::v1::ExportWorksRequest&) {
  return std::make_unique<WorksExport>(*env.store);
}
// As a function that forgets to look whose the record is.
inline absl::StatusOr<testing::v1::Vault> OpenVault(WorksEnv&, Call&,
                                                    const testing::v1::GetVaultRequest& request) {
  testing::v1::Vault vault;
  vault.set_name(request.name());
  vault.set_owner_bin("940140000385");
  return vault;
}

inline absl::StatusOr<testing::v1::Safe> OpenSafe(WorksEnv&, Call&,
                                                  const testing::v1::GetSafeRequest& request) {
  testing::v1::Safe safe;
  safe.set_name(request.name());
  safe.set_owner_bin("940140000385");
  safe.set_content("gold");
  return safe;
}

inline absl::Status BindWorks(WorksEnv& env, Registry* registry) {
  RETURN_IF_ERROR(registry->Add(*WorksService::descriptor()));
  NISI_UNARY(*registry, WorksService, GetWorks, env, GetWorks);
  NISI_UNARY(*registry, WorksService, FindWorks, env, GetWorks);
  NISI_UNARY(*registry, WorksService, ReviewWorks, env, GetWorks);
  NISI_UNARY(*registry, WorksService, ListWorks, env, ListWorks);
  NISI_UNARY(*registry, WorksService, SearchWorks, env, SearchWorks);
  NISI_COMMAND(*registry, WorksService, CreateWorks, env, *env.store, CreateWorks);
  NISI_COMMAND(*registry, WorksService, UpdateWorks, env, *env.store, UpdateWorks);
  NISI_SERVER_STREAM(*registry, WorksService, ExportWorks, env, ExportWorks);
  NISI_UNARY(*registry, WorksService, OpenVault, env, OpenVault);
  NISI_UNARY(*registry, WorksService, OpenSafe, env, OpenSafe);
  return absl::OkStatus();
}

}  // namespace nisi::rpc
