// Regions by date: what the map says when they are entered, and what holds while it is away.
#include "nisi/industry_map/v1/places.pb.h"

#include "common/rpc/peer_testing.h"
#include "services/clusters/service_testing.h"

namespace nisi::clusters {
namespace {

using base::ReasonOf;
using industry_map::v1::PlaceFact;
using industry_map::v1::ResolvePlaceRequest;
using industry_map::v1::ResolvePlaceResponse;

constexpr char kKostanay[] = "390000000";  // borders on Akmola
constexpr char kOld[] = "111800000", kNew[] = "113200000";

// The map is played: it knows Akmola and Kostanay, and that one district took over from another.
class PlacesTest : public ClustersTest {
 protected:
  PlacesTest() {
    speaking_->SetHere("industry-map", map_.take());
    map_.On<ResolvePlaceRequest, ResolvePlaceResponse>(
        "/nisi.industry_map.v1.PlacesService/ResolvePlace",
        [this](const ResolvePlaceRequest& request) { return Answer(request); });
  }
  ~PlacesTest() override { service_.reset(); }
  rpc::Peers* peers() override { return speaking_.get(); }

  absl::StatusOr<ResolvePlaceResponse> Answer(const ResolvePlaceRequest& request) {
    asked_for_ = base::Date::FromProto(request.as_of())->ToString();
    const std::string kato = request.kato() == kOld ? kNew : request.kato();
    if (kato != kAkmola && kato != kKostanay && kato != kNew) {
      return base::Refusal(absl::StatusCode::kInvalidArgument, "PLACE_UNKNOWN", "No such place.");
    }
    ResolvePlaceResponse response;
    response.mutable_place()->set_name(absl::StrCat("places/", kato));
    response.mutable_place()->set_kato(kato);
    response.mutable_place()->set_etag("e7");
    response.mutable_place()->set_classifier("NK RK 11-2025");
    response.mutable_region()->set_kato(absl::StrCat(kato.substr(0, 2), "0000000"));
    if (spoiled_) response.clear_region();
    return response;
  }
  absl::StatusOr<v1::Initiative> Enter(int n, const std::string& region,
                                       const std::vector<std::string>& others = {}) {
    v1::CreateInitiativeRequest create;
    *create.mutable_initiative() = MakeInitiative(n);
    create.mutable_initiative()->set_region(region);
    create.mutable_initiative()->clear_other_regions();
    for (const std::string& other : others) create.mutable_initiative()->add_other_regions(other);
    return Do<v1::Initiative>("CreateInitiative", Entity(n), create);
  }
  // "110000000 in 110000000 at e7, ..."
  static std::string Told(const google::protobuf::RepeatedPtrField<PlaceFact>& places) {
    std::string told;
    for (const PlaceFact& place : places) {
      absl::StrAppend(&told, told.empty() ? "" : ", ", place.kato(), " in ", place.region(), " at ",
                      place.version());
    }
    return told;
  }

  rpc::PlayedPeer map_;
  rpc::Metrics peer_metrics_{"clusters"};
  std::unique_ptr<rpc::Peers> speaking_ = rpc::MakePeers("clusters", &peer_metrics_);
  std::string asked_for_;
  bool spoiled_ = false;
};

TEST_F(PlacesTest, WhatTheMapSaysIsKeptWithTheRecord) {
  const auto made = Enter(1, kAkmola, {kKostanay});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(asked_for_, today().ToString());
  EXPECT_EQ(Told(made->places()), "110000000 in 110000000 at e7, 390000000 in 390000000 at e7");
  EXPECT_EQ(made->places(0).source(), "industry-map/places/110000000");
  EXPECT_EQ(made->places(0).classifier(), "NK RK 11-2025");
  EXPECT_EQ(base::Date::FromProto(made->places(0).as_of())->ToString(), today().ToString());
  // Its akimat finds it without the map.
  map_.SetAway(true);
  rpc::Caller akimat = CallerOf("akimat", {rpc::v1::AKIMAT}, "");
  akimat.regions = {"39"};
  v1::GetInitiativeRequest get;
  get.set_name(made->name());
  EXPECT_TRUE(Do<v1::Initiative>("GetInitiative", akimat, get).ok());
  akimat.regions = {"55"};
  EXPECT_EQ(ReasonOf(Do<v1::Initiative>("GetInitiative", akimat, get).status()), "ACCESS_DENIED");
}

TEST_F(PlacesTest, ACodeThatHasEndedIsRefusedWithItsSuccessor) {
  const absl::Status refused = Enter(1, kOld).status();
  EXPECT_EQ(ReasonOf(refused), "PLACE_ENDED");
  EXPECT_EQ(base::InfoOf(refused).metadata().at("successor"), kNew);
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(), "initiative.region");
  EXPECT_EQ(
      base::BadRequestOf(Enter(1, kAkmola, {kKostanay, kOld}).status()).field_violations(0).field(),
      "initiative.other_regions[1]");
  EXPECT_EQ(position(), 0);
}

TEST_F(PlacesTest, WithoutTheMapRegionsAreTakenByTheirDigits) {
  map_.SetAway(true);
  const int before = map_.asked();
  auto made = Enter(1, kAkmola, {kKostanay});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->places_size(), 0);
  EXPECT_EQ(made->regions_size(), 2);
  EXPECT_LE(map_.asked() - before, 3);  // one code, and its retries: not each of them
  map_.SetAway(false);
  spoiled_ = true;
  EXPECT_EQ(Enter(30, kAkmola)->places_size(), 0);
  spoiled_ = false;
  // A place that it does not know, between two that it does.
  EXPECT_EQ(Told(Enter(60, kAkmola, {kPavlodar, kKostanay})->places()),
            "110000000 in 110000000 at e7, 390000000 in 390000000 at e7");
  // The next change asks for what it enters; the rest stays as it is.
  v1::UpdateInitiativeRequest update;
  update.mutable_initiative()->set_name(made->name());
  update.mutable_initiative()->set_etag(made->etag());
  update.mutable_initiative()->add_other_regions(kKostanay);
  update.mutable_update_mask()->add_paths("other_regions");
  made = Do<v1::Initiative>("UpdateInitiative", Entity(1), update);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(Told(made->places()), "390000000 in 390000000 at e7");
  update.mutable_initiative()->set_etag(made->etag());
  *update.mutable_initiative()->mutable_other_regions(0) = kPavlodar;
  EXPECT_EQ(Do<v1::Initiative>("UpdateInitiative", Entity(1), update)->places_size(), 0);
}

// A code that ended since it was entered does not stand in the way of other changes.
TEST_F(PlacesTest, WhatARecordHasHadIsNotRefused) {
  map_.SetAway(true);
  const auto made = Enter(1, kAkmola, {kOld});
  ASSERT_TRUE(made.ok()) << made.status();
  map_.SetAway(false);
  v1::UpdateInitiativeRequest update;
  *update.mutable_initiative() = MakeInitiative(1);  // the whole of it, as it stands
  update.mutable_initiative()->set_name(made->name());
  update.mutable_initiative()->mutable_title()->set_ru("Другое имя");
  *update.mutable_initiative()->mutable_other_regions(0) = kOld;
  const auto changed = Do<v1::Initiative>("UpdateInitiative", Entity(1), update);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->title().ru(), "Другое имя");
  EXPECT_EQ(Told(changed->places()), "110000000 in 110000000 at e7");
}

TEST_F(PlacesTest, AClusterHasThePlacesOfItsInitiative) {
  const Round round = Registered();
  EXPECT_EQ(Told(ClusterNow(round.cluster).places()), "110000000 in 110000000 at e7");
  v1::UpdateClusterRequest update;
  update.mutable_cluster()->set_name(round.cluster);
  update.mutable_cluster()->add_other_regions(kKostanay);
  update.mutable_update_mask()->add_paths("other_regions");
  EXPECT_EQ(Told(Must<v1::Cluster>("UpdateCluster", institute_, update).places()),
            "110000000 in 110000000 at e7, 390000000 in 390000000 at e7");
  *update.mutable_cluster()->mutable_other_regions(0) = kOld;
  EXPECT_EQ(ReasonOf(Do<v1::Cluster>("UpdateCluster", institute_, update).status()), "PLACE_ENDED");
}

}  // namespace
}  // namespace nisi::clusters
