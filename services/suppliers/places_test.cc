// Places by date: what the map says of an address when it is entered, and what holds while it is
// away.
#include "nisi/industry_map/v1/places.pb.h"

#include "common/rpc/peer_testing.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using base::ReasonOf;
using industry_map::v1::ResolvePlaceRequest;
using industry_map::v1::ResolvePlaceResponse;

constexpr char kNew[] = "751110000", kOld[] = "751810000", kUnknown[] = "710000000";

// The map is played: one place took over from another, and others it does not know.
class PlacesTest : public SuppliersTest {
 protected:
  PlacesTest() {
    speaking_->SetHere("industry-map", map_.take());
    map_.On<ResolvePlaceRequest, ResolvePlaceResponse>(
        "/nisi.industry_map.v1.PlacesService/ResolvePlace",
        [](const ResolvePlaceRequest& request) -> absl::StatusOr<ResolvePlaceResponse> {
          if (request.kato() != kNew && request.kato() != kOld) {
            return base::Refusal(absl::StatusCode::kInvalidArgument, "PLACE_UNKNOWN", "No.");
          }
          ResolvePlaceResponse response;
          response.mutable_place()->set_name(absl::StrCat("places/", kNew));
          response.mutable_place()->set_kato(kNew);
          response.mutable_place()->set_etag("e7");
          response.mutable_region()->set_kato("750000000");
          return response;
        });
  }
  ~PlacesTest() override { service_.reset(); }
  rpc::Peers* peers() override { return speaking_.get(); }

  absl::StatusOr<v1::Supplier> Enter(const std::string& bin, const std::string& kato) {
    v1::RegisterSupplierRequest request;
    *request.mutable_supplier() = MakeSupplier(bin);
    request.mutable_supplier()->set_kato(kato);
    return Do<v1::Supplier>("RegisterSupplier", Owner(bin), request);
  }
  absl::StatusOr<v1::Supplier> Move(const v1::Supplier& supplier, const std::string& kato) {
    v1::UpdateSupplierRequest request;
    request.mutable_supplier()->set_name(supplier.name());
    request.mutable_supplier()->set_etag(supplier.etag());
    request.mutable_supplier()->set_kato(kato);
    request.mutable_update_mask()->add_paths("kato");
    return Do<v1::Supplier>("UpdateSupplier", Owner(supplier.bin()), request);
  }
  absl::StatusOr<v1::MonitoredOrganization> Monitor(const std::string& bin,
                                                    const std::string& kato) {
    v1::AddMonitoredOrganizationRequest request;
    v1::MonitoredOrganization& organization = *request.mutable_organization();
    organization.set_bin(bin);
    organization.set_name_ru("АО Заказчик");
    organization.set_kato(kato);
    organization.set_order_number("9-НҚ");
    *organization.mutable_order_date() = Day("2026-06-01").ToProto();
    return Do<v1::MonitoredOrganization>("AddMonitoredOrganization", authority_, request);
  }

  rpc::v1::ImportReport Import(const std::vector<std::string>& katos, int first) {
    std::vector<v1::ImportSuppliersRequest> messages(2);
    messages[0].mutable_header()->set_request_id(NextUuid());
    messages[0].mutable_header()->set_row_count(static_cast<int32_t>(katos.size()));
    for (const std::string& kato : katos) {
      auto* row = messages[1].mutable_rows()->add_rows();
      row->set_row_number(messages[1].rows().rows_size() + 1);
      row->set_bin(Bin(first++));
      row->set_name_ru("ТОО Завод");
      row->set_kato(kato);
      row->set_oked("28.14");
      row->set_activities("producer");
      row->set_phone("+77172000000");
    }
    rpc::v1::ImportReport report;
    const auto bytes = Upload("ImportSuppliers", institute_, messages);
    EXPECT_TRUE(bytes.ok() && report.ParseFromString(*bytes));
    return report;
  }

  rpc::PlayedPeer map_;
  rpc::Metrics peer_metrics_{"suppliers"};
  std::unique_ptr<rpc::Peers> speaking_ = rpc::MakePeers("suppliers", &peer_metrics_);
};

TEST_F(PlacesTest, WhatTheMapSaysIsKeptWithTheRecord) {
  const auto supplier = Enter(Bin(1), kNew);
  ASSERT_TRUE(supplier.ok()) << supplier.status();
  EXPECT_EQ(supplier->place().region(), "750000000");
  EXPECT_EQ(supplier->place().version(), "e7");
  EXPECT_EQ(supplier->place().source(), absl::StrCat("industry-map/places/", kNew));
  const auto organization = Monitor(Bin(2), kNew);
  ASSERT_TRUE(organization.ok()) << organization.status();
  EXPECT_EQ(organization->place().region(), "750000000");
  const absl::Status ended = Enter(Bin(3), kOld).status();
  EXPECT_EQ(ReasonOf(ended), "PLACE_ENDED");
  EXPECT_EQ(base::InfoOf(ended).metadata().at("successor"), kNew);
  EXPECT_EQ(base::BadRequestOf(ended).field_violations(0).field(), "supplier.kato");
  EXPECT_EQ(base::BadRequestOf(Monitor(Bin(3), kOld).status()).field_violations(0).field(),
            "organization.kato");
  EXPECT_EQ(ReasonOf(Move(*supplier, kOld).status()), "PLACE_ENDED");
  // One that the map does not know is taken by its digits, and the fact of the other goes.
  const auto moved = Move(*supplier, kUnknown);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_FALSE(moved->has_place());
}

TEST_F(PlacesTest, WithoutTheMapTheRegionIsTakenByTheDigits) {
  map_.SetAway(true);
  const auto supplier = Enter(Bin(1), kOld);
  ASSERT_TRUE(supplier.ok()) << supplier.status();
  EXPECT_FALSE(supplier->has_place());
  ASSERT_TRUE(Monitor(Bin(2), kNew).ok());
  map_.SetAway(false);
  // What it has had stands in the way of nothing, and is no reason to verify it again.
  v1::UpdateSupplierRequest request;
  *request.mutable_supplier() = MakeSupplier(Bin(1));  // the whole profile, as it stands
  request.mutable_supplier()->set_name(supplier->name());
  request.mutable_supplier()->set_kato(kOld);
  request.mutable_supplier()->mutable_contacts()->set_phone("+77170000001");
  const auto updated = Do<v1::Supplier>("UpdateSupplier", Owner(Bin(1)), request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_FALSE(updated->has_place());
  const auto moved = Move(*updated, kNew);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->place().region(), "750000000");
}

TEST_F(PlacesTest, AnImportAsksOnceForEachCodeAndRefusesTheEnded) {
  const auto report = Import({kNew, kOld, kUnknown, kNew, kOld}, 1);
  EXPECT_TRUE(report.committed());
  EXPECT_EQ(report.entered_count(), 3);
  EXPECT_EQ(report.refused_count(), 2);
  EXPECT_EQ(report.rows(1).reason(), "PLACE_ENDED");
  EXPECT_EQ(report.rows(1).field(), "kato");
  EXPECT_EQ(report.rows(1).description(), absl::StrCat("has ended; ", kNew, " took over from it"));
  EXPECT_EQ(map_.asked(), 3);
  EXPECT_EQ(Get(Bin(1), institute_)->place().region(), "750000000");
  EXPECT_EQ(Get(Bin(1), institute_)->place().version(), "e7");
  EXPECT_FALSE(Get(Bin(3), institute_)->has_place());
  // Without the map the digits hold, and nobody waits for it once for each code.
  map_.SetAway(true);
  EXPECT_EQ(Import({kNew, kOld, kUnknown}, 11).entered_count(), 3);
  EXPECT_LE(map_.asked() - 3, 3);
  EXPECT_FALSE(Get(Bin(11), institute_)->has_place());
}

// The first code alone, as one answer tells that the map is away; then many side by side.
TEST_F(PlacesTest, AnImportAsksManyAtOnce) {
  map_.On<ResolvePlaceRequest, ResolvePlaceResponse>(
      "/nisi.industry_map.v1.PlacesService/ResolvePlace",
      [](const ResolvePlaceRequest& request) -> absl::StatusOr<ResolvePlaceResponse> {
        ResolvePlaceResponse response;
        response.mutable_place()->set_kato(request.kato());
        response.mutable_region()->set_kato("750000000");
        return response;
      });
  std::vector<std::string> katos;
  for (int i = 0; i < 130; ++i) katos.push_back(absl::StrCat("75", 1'000'000 + i));
  map_.AnswerTogether({1, 64, 64, 1});
  const auto report = Import(katos, 1);
  EXPECT_EQ(report.entered_count(), 130);
  EXPECT_EQ(map_.asked(), 130);
  for (int i = 0; i < 130; ++i) {
    EXPECT_EQ(Get(Bin(1 + i), institute_)->place().kato(), katos[static_cast<size_t>(i)]);
  }
}

// Whether a code has ended is said of one's own record: of another it would tell that it is there,
// and where.
TEST_F(PlacesTest, AStrangerHearsNothingOfAPlace) {
  const auto there = Enter(Bin(1), kNew);  // a draft, which to others is not there
  ASSERT_TRUE(there.ok()) << there.status();
  const int asked = map_.asked();
  for (const std::string& bin : {Bin(1), Bin(2)}) {
    for (const char* kato : {kOld, kNew, kUnknown}) {
      v1::UpdateSupplierRequest request;
      request.mutable_supplier()->set_name("suppliers/" + bin);
      request.mutable_supplier()->set_kato(kato);
      request.mutable_update_mask()->add_paths("kato");
      EXPECT_EQ(ReasonOf(Do<v1::Supplier>("UpdateSupplier", Owner(Bin(3)), request).status()),
                "ACCESS_DENIED")
          << bin << " " << kato;
    }
  }
  EXPECT_EQ(map_.asked(), asked);
}

// What the request holds beside what it changes is neither asked for nor judged.
TEST_F(PlacesTest, APlaceThatAnUpdateDoesNotNameIsNotAsked) {
  const auto supplier = Enter(Bin(1), kNew);
  ASSERT_TRUE(supplier.ok()) << supplier.status();
  const int asked = map_.asked();
  v1::UpdateSupplierRequest request;
  request.mutable_supplier()->set_name(supplier->name());
  request.mutable_supplier()->set_etag(supplier->etag());
  request.mutable_supplier()->set_kato(kOld);
  request.mutable_supplier()->mutable_contacts()->set_phone("+77170000001");
  request.mutable_update_mask()->add_paths("contacts.phone");
  const auto updated = Do<v1::Supplier>("UpdateSupplier", Owner(Bin(1)), request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->place().kato(), kNew);
  EXPECT_EQ(map_.asked(), asked);
}

}  // namespace
}  // namespace nisi::suppliers
