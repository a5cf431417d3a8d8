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
    peers_->SetHere("industry-map", map_.take());
    map_.On<ResolvePlaceRequest, ResolvePlaceResponse>(
        "/nisi.industry_map.v1.PlacesService/ResolvePlace",
        [this](const ResolvePlaceRequest& request) { return Answer(request); });
  }

  absl::StatusOr<ResolvePlaceResponse> Answer(const ResolvePlaceRequest& request) {
    asked_for_ = base::Date::FromProto(request.as_of())->ToString();
    const std::string kato = request.kato() == kOld ? kNew : request.kato();
    if (kato != kAkmola && kato != kKostanay && kato != kNew && !kato.starts_with("112")) {
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

// Whether a code has ended is said of one's own record: of another it would tell that it is there.
TEST_F(PlacesTest, AStrangerHearsNothingOfAPlace) {
  const auto made = Enter(1, kAkmola);
  ASSERT_TRUE(made.ok()) << made.status();
  const int asked = map_.asked();
  for (const std::string& name :
       {made->name(), std::string("initiatives/00000000-0000-4000-8000-00000000beef")}) {
    v1::UpdateInitiativeRequest update;
    update.mutable_initiative()->set_name(name);
    update.mutable_initiative()->add_other_regions(kOld);
    update.mutable_update_mask()->add_paths("other_regions");
    EXPECT_EQ(ReasonOf(Do<v1::Initiative>("UpdateInitiative", Entity(700), update).status()),
              "ACCESS_DENIED")
        << name;
  }
  EXPECT_EQ(map_.asked(), asked);
}

// Nor whether somebody is a member, by a code that this one has had.
TEST_F(PlacesTest, AStrangerHearsNothingOfAMembersPlace) {
  map_.SetAway(true);
  const Round round = Registered();
  v1::AddMemberRequest add;
  add.set_parent(round.cluster);
  *add.mutable_participant() = MakeParticipant(900, v1::OTHER, kOld);
  Must<v1::Member>("AddMember", Entity(round.organizations[0]), add);
  map_.SetAway(false);
  const int asked = map_.asked();
  for (const std::string& name : {round.cluster, std::string("clusters/77")}) {
    for (const int n : {900, 901}) {
      add.set_parent(name);
      *add.mutable_participant() = MakeParticipant(n, v1::OTHER, kOld);
      EXPECT_EQ(ReasonOf(Do<v1::Member>("AddMember", Entity(700), add).status()), "ACCESS_DENIED")
          << name << " " << n;
    }
  }
  EXPECT_EQ(map_.asked(), asked);
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

TEST_F(PlacesTest, ParticipantsPlacesAreAskedTooAndKeptWithTheMember) {
  v1::CreateInitiativeRequest create;
  *create.mutable_initiative() = MakeInitiative(1);
  create.mutable_initiative()->mutable_participants(3)->set_region(kOld);
  const absl::Status refused = Do<v1::Initiative>("CreateInitiative", Entity(1), create).status();
  EXPECT_EQ(ReasonOf(refused), "PLACE_ENDED");
  EXPECT_EQ(base::BadRequestOf(refused).field_violations(0).field(),
            "initiative.participants[3].region");
  create.mutable_initiative()->mutable_participants(3)->set_region(kNew);
  EXPECT_EQ(Told(Must<v1::Initiative>("CreateInitiative", Entity(1), create).places()),
            "110000000 in 110000000 at e7, 113200000 in 110000000 at e7");

  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  v1::GetMemberRequest get;
  get.set_name(absl::StrCat(round.cluster, "/members/", Bin(round.organizations[0] + 7)));
  EXPECT_EQ(Must<v1::Member>("GetMember", public_, get).place().version(), "e7");
  v1::AddMemberRequest add;
  add.set_parent(round.cluster);
  *add.mutable_participant() = MakeParticipant(900, v1::OTHER, kOld);
  const absl::Status ended = Do<v1::Member>("AddMember", organization, add).status();
  EXPECT_EQ(ReasonOf(ended), "PLACE_ENDED");
  EXPECT_EQ(base::BadRequestOf(ended).field_violations(0).field(), "participant.region");
  add.mutable_participant()->set_region(kNew);
  auto member = Must<v1::Member>("AddMember", organization, add);
  EXPECT_EQ(member.place().kato(), kNew);
  EXPECT_EQ(member.place().region(), kAkmola);
  // Without the map its digits hold; what it has had refuses no change.
  map_.SetAway(true);
  add.mutable_participant()->set_region(kOld);
  add.set_etag(member.etag());
  member = Must<v1::Member>("AddMember", organization, add);
  EXPECT_FALSE(member.has_place());
  map_.SetAway(false);
  add.mutable_participant()->set_title("Другое имя");
  add.set_etag(member.etag());
  EXPECT_FALSE(Must<v1::Member>("AddMember", organization, add).has_place());
}

TEST_F(PlacesTest, AnImportAsksOnceForEachCodeAndRefusesTheEnded) {
  std::vector<v1::ImportClustersRequest::Row> rows;
  for (int i = 1; i <= 10; ++i) {
    rows.push_back(MakeRow(i, "KZ-7", 4000 + i, i <= 5 ? "MANUFACTURER" : "SUPPLIER",
                           i == 10 ? kNew : kAkmola));
  }
  rows.push_back(MakeRow(11, "KZ-8", 4021, "SUPPLIER"));
  rows.push_back(MakeRow(12, "KZ-8", 4022, "SUPPLIER", kOld));
  const std::string id = NextUuid();
  const auto report = Import(rows, false, id);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->entered_count(), 10);
  EXPECT_EQ(report->rows(10).reason(), "CLUSTER_REFUSED");
  EXPECT_EQ(report->rows(11).reason(), "PLACE_ENDED");
  EXPECT_EQ(report->rows(11).field(), "participant.region");
  EXPECT_EQ(report->rows(11).description(),
            absl::StrCat("has ended; ", kNew, " took over from it"));
  EXPECT_EQ(map_.asked(), 3);
  EXPECT_EQ(Told(ClusterNow("clusters/1").places()), "110000000 in 110000000 at e7");
  v1::GetMemberRequest get;
  get.set_name(absl::StrCat("clusters/1/members/", Bin(4010)));
  EXPECT_EQ(Must<v1::Member>("GetMember", public_, get).place().kato(), kNew);
  // Sent again it is answered without asking.
  EXPECT_TRUE(Import(rows, false, id)->committed());
  EXPECT_EQ(map_.asked(), 3);
  // Without the map the digits hold, and nobody waits for it once for each code.
  map_.SetAway(true);
  for (auto& row : rows) row.set_register_number(row.register_number() + "b");
  const auto alone = Import(rows, false, NextUuid());
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(alone->entered_count(), 12);
  EXPECT_LE(map_.asked() - 3, 3);
  EXPECT_EQ(ClusterNow("clusters/2").places_size(), 0);
}

// The first code alone, as one answer tells that the map is away; then many side by side.
TEST_F(PlacesTest, AnImportAsksManyAtOnce) {
  std::vector<v1::ImportClustersRequest::Row> rows;
  for (int i = 1; i <= 129; ++i) {
    rows.push_back(MakeRow(i, "KZ-7", 4000 + i, i <= 60 ? "MANUFACTURER" : "SUPPLIER",
                           absl::StrCat("112", 100'000 + i)));
  }
  map_.AnswerTogether({1, 64, 64, 1});
  const auto report = Import(rows, false, NextUuid());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->entered_count(), 129);
  EXPECT_EQ(map_.asked(), 130) << "each place, and the region of the cluster";
  for (int i = 1; i <= 129; ++i) {
    v1::GetMemberRequest get;
    get.set_name(absl::StrCat("clusters/1/members/", Bin(4000 + i)));
    EXPECT_EQ(Must<v1::Member>("GetMember", public_, get).place().kato(),
              absl::StrCat("112", 100'000 + i));
  }
}

// What the request holds beside what it changes is neither asked for nor judged.
TEST_F(PlacesTest, PlacesThatAnUpdateDoesNotNameAreNotAsked) {
  const auto made = Enter(1, kAkmola, {kKostanay});
  ASSERT_TRUE(made.ok()) << made.status();
  int asked = map_.asked();
  v1::UpdateInitiativeRequest update;
  *update.mutable_initiative() = MakeInitiative(1);
  update.mutable_initiative()->set_name(made->name());
  update.mutable_initiative()->set_region(kOld);
  *update.mutable_initiative()->mutable_other_regions(0) = kOld;
  update.mutable_initiative()->mutable_participants(0)->set_region(kOld);
  update.mutable_initiative()->mutable_title()->set_ru("Другое имя");
  update.mutable_update_mask()->add_paths("title.ru");
  const auto changed = Do<v1::Initiative>("UpdateInitiative", Entity(1), update);
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->title().ru(), "Другое имя");
  EXPECT_EQ(Told(changed->places()), Told(made->places()));
  EXPECT_EQ(map_.asked(), asked);
  update.mutable_initiative()->set_etag(changed->etag());
  update.mutable_update_mask()->add_paths("participants");
  EXPECT_EQ(base::BadRequestOf(Do<v1::Initiative>("UpdateInitiative", Entity(1), update).status())
                .field_violations(0)
                .field(),
            "initiative.participants[0].region");

  const Round round = Registered();
  asked = map_.asked();
  v1::UpdateClusterRequest of_cluster;
  of_cluster.mutable_cluster()->set_name(round.cluster);
  of_cluster.mutable_cluster()->mutable_title()->set_ru("Другой кластер");
  of_cluster.mutable_cluster()->add_other_regions(kOld);
  of_cluster.mutable_update_mask()->add_paths("title");
  const auto renamed = Do<v1::Cluster>("UpdateCluster", institute_, of_cluster);
  ASSERT_TRUE(renamed.ok()) << renamed.status();
  EXPECT_EQ(map_.asked(), asked);
}

// Of a change that the state forbids, or that was made by another version, nobody is asked.
TEST_F(PlacesTest, AMemberThatMayNotComeHasItsPlaceAskedOfNobody) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  v1::AddMemberRequest add;
  add.set_parent(round.cluster);
  *add.mutable_participant() = MakeParticipant(900, v1::OTHER, kNew);
  add.set_etag("\"0-0\"");
  const int asked = map_.asked();
  EXPECT_EQ(ReasonOf(Do<v1::Member>("AddMember", organization, add).status()), "VERSION_MISMATCH");
  add.clear_etag();
  Must<v1::Cluster>("RemoveCluster", authority_, Ordered<v1::RemoveClusterRequest>(round.cluster));
  EXPECT_EQ(ReasonOf(Do<v1::Member>("AddMember", organization, add).status()), "CLUSTER_STATE");
  EXPECT_EQ(map_.asked(), asked);
}

// What a member has had is what it has on the day from which the change holds.
TEST_F(PlacesTest, AMembersPlaceIsThatOfTheDayOfItsChange) {
  const Round round = Registered();
  const rpc::Caller organization = Entity(round.organizations[0]);
  v1::AddMemberRequest add;
  add.set_parent(round.cluster);
  *add.mutable_participant() = MakeParticipant(900, v1::OTHER, kNew);
  auto member = Must<v1::Member>("AddMember", organization, add);
  // It moves in ten days, to a code that nobody says has ended.
  map_.SetAway(true);
  *add.mutable_member_from() = today().AddDays(10).ToProto();
  add.mutable_participant()->set_region(kOld);
  add.set_etag(member.etag());
  member = Must<v1::Member>("AddMember", organization, add);
  map_.SetAway(false);
  add.mutable_participant()->set_title("Другое имя");
  add.set_etag(member.etag());
  const auto later = Do<v1::Member>("AddMember", organization, add);
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(later->participant().title(), "Другое имя");
  // As of today it has never had that code.
  add.clear_member_from();
  add.clear_etag();
  EXPECT_EQ(ReasonOf(Do<v1::Member>("AddMember", organization, add).status()), "PLACE_ENDED");
}

}  // namespace
}  // namespace nisi::clusters
