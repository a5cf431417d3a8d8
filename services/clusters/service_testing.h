// What the tests of this service share: the service (common/rpc/service_testing.h), and the way of
// a selection, step by step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/base/values_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/peer_testing.h"
#include "common/rpc/service_testing.h"
#include "nisi/clusters/v1/service.pb.h"
#include "nisi/clusters/v1/supports.pb.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "services/clusters/service.h"
#include "services/clusters/tables.h"

namespace nisi::clusters {

using base::Bin;
using base::Day;
using base::Tenge;
using rpc::CallerOf;

inline constexpr char kAkmola[] = "110000000";
inline constexpr char kPavlodar[] = "550000000";
inline constexpr char kMangystau[] = "470000000";

inline v1::Participant MakeParticipant(int n, v1::MemberRole role,
                                       const std::string& region = kAkmola) {
  v1::Participant participant;
  participant.set_bin(Bin(n));
  participant.set_title(absl::StrCat("Организация ", n));
  participant.add_roles(role);
  participant.set_region(region);
  return participant;
}

// Ten organizations from the n-th on, five of them manufacturers and one a university: just enough.
inline v1::Initiative MakeInitiative(int n) {
  v1::Initiative initiative;
  initiative.mutable_title()->set_ru(absl::StrCat("Кластер ", n));
  initiative.set_cluster_organization(Bin(n));
  initiative.set_region(kAkmola);
  initiative.add_other_regions(kPavlodar);
  initiative.mutable_specialization()->add_okeds("28.30");
  initiative.mutable_specialization()->add_goods_codes("8432");
  for (int i = 1; i <= 10; ++i) {
    *initiative.add_participants() = MakeParticipant(n + i, i <= 5   ? v1::MANUFACTURER
                                                            : i == 6 ? v1::HIGHER_EDUCATION
                                                                     : v1::SUPPLIER);
  }
  auto* step = initiative.add_work_plan();
  step->set_title("Общий испытательный центр");
  *step->mutable_due_date() = Day("2027-06-01").ToProto();
  initiative.set_strategy("Стратегия, которую видят не все");
  return initiative;
}

class ClustersTest : public rpc::ServiceTest {
 protected:
  ClustersTest()
      : ServiceTest(
            "clusters", Day("2026-06-15"),
            {"nisi.clusters.v1.ClustersService", "nisi.clusters.v1.ClusterSupportService"}) {
    peers_->SetHere("grants", lists_.take());
    lists_.On<grants::v1::CheckRecipientRequest, grants::v1::CheckRecipientResponse>(
        "/nisi.grants.v1.GrantAgreementsService/CheckRecipient",
        [this](const grants::v1::CheckRecipientRequest& request)
            -> absl::StatusOr<grants::v1::CheckRecipientResponse> {
          grants::v1::CheckRecipientResponse response;
          response.set_recipient(request.recipient());
          *response.mutable_on_date() = request.on_date();
          response.set_position(5);
          if (!bankrupts_.contains(request.recipient())) return response;
          auto* listing = response.add_listings();
          listing->set_name("unreliable/3");
          listing->set_list(grants::v1::UnreliableRecipient::BANKRUPT);
          listing->set_etag("e3");
          return response;
        });
  }
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    options.peers = peers_.get();
    return Open(options);
  }

  // ---- Steps, by whoever may take them unless somebody else is named

  static rpc::Caller Entity(int n, const std::string& subject = "") {
    return CallerOf(subject.empty() ? absl::StrCat("organization-", n) : subject, {rpc::v1::ENTITY},
                    Bin(n));
  }
  static rpc::Caller ExpertOf(int n) {
    return CallerOf(absl::StrCat("expert-", n), {rpc::v1::EXPERT});
  }

  v1::Initiative Propose(int n) { return Propose(n, MakeInitiative(n)); }
  v1::Initiative Propose(int n, const v1::Initiative& initiative) {
    v1::CreateInitiativeRequest create;
    *create.mutable_initiative() = initiative;
    return Must<v1::Initiative>("CreateInitiative", Entity(n), create);
  }
  // A row of an import: the n-th organization is a member of a cluster of Akmola.
  static v1::ImportClustersRequest::Row MakeRow(int number, const std::string& cluster, int n,
                                                const char* roles,
                                                const std::string& region = kAkmola) {
    v1::ImportClustersRequest::Row made;
    made.set_row_number(number);
    made.set_register_number(cluster);
    made.set_order_number("5-НҚ");
    made.set_order_date("2025-03-01");
    made.set_title_ru("Кластер молока");
    made.set_cluster_organization(Bin(4000));
    made.set_region(kAkmola);
    made.set_oked("10.51");
    made.set_goods_codes("0401 040210");
    made.set_level("MATURE");
    made.set_member_bin(Bin(n));
    made.set_member_title(absl::StrCat("Завод ", n));
    made.set_member_roles(roles);
    made.set_member_region(region);
    made.set_member_from("2025-04-01");
    return made;
  }
  absl::StatusOr<rpc::v1::ImportReport> Import(
      const std::vector<v1::ImportClustersRequest::Row>& rows, bool dry, const std::string& id) {
    std::vector<v1::ImportClustersRequest> messages(2);
    messages[0].mutable_header()->set_request_id(id);
    messages[0].mutable_header()->set_dry_run(dry);
    messages[0].mutable_header()->set_row_count(static_cast<int32_t>(rows.size()));
    for (const auto& one : rows) *messages[1].mutable_rows()->add_rows() = one;
    ASSIGN_OR_RETURN(const std::string bytes, Upload("ImportClusters", institute_, messages));
    rpc::v1::ImportReport report;
    report.ParseFromString(bytes);
    return report;
  }
  static v1::Diagnostic MakeDiagnostic(int32_t points = 15) {
    v1::Diagnostic diagnostic;
    auto* indicator = diagnostic.add_indicators();
    indicator->set_indicator("export_share");
    indicator->set_value("12.5");
    indicator->set_unit("%");
    indicator->set_source("отчёт");
    for (const auto criterion : {v1::CRITICAL_MASS, v1::COOPERATION, v1::EXPORT_AND_MARKET,
                                 v1::SCIENCE_AND_EDUCATION, v1::STRATEGY}) {
      auto* given = diagnostic.add_points();
      given->set_criterion(criterion);
      given->set_points(points);
    }
    diagnostic.set_region_effect("Рабочие места");
    diagnostic.set_sector_effect("Поставщики");
    diagnostic.set_country_effect("Экспорт");
    diagnostic.set_prospects("Рост");
    return diagnostic;
  }
  v1::Diagnostic DiagnoseIt(const std::string& initiative) {
    v1::DiagnoseInitiativeRequest request;
    request.set_name(initiative);
    request.set_etag(InitiativeNow(initiative).etag());
    *request.mutable_diagnostic() = MakeDiagnostic();
    return Must<v1::Diagnostic>("DiagnoseInitiative", institute_, request);
  }
  // A row as it stands, past the call layer: a call that shows confidential fields is written down,
  // and who looks at what a refused command left behind must not change it.
  template <class Row>
  Row Stored(const store::Table<Row>& table, const std::string& name) {
    auto found = store().Read().Find(table, store::Key::Of(name));
    EXPECT_TRUE(found.ok() && found->has_value()) << name;
    return found.ok() && found->has_value() ? std::move((*found)->row) : Row();
  }
  v1::Initiative InitiativeNow(const std::string& name) {
    return Stored(kInitiatives, name).initiative();
  }
  v1::Selection SelectionNow(const std::string& name) {
    v1::GetSelectionRequest get;
    get.set_name(name);
    return Must<v1::Selection>("GetSelection", auditor_, get);
  }
  v1::Application ApplicationNow(const std::string& name) {
    v1::GetApplicationRequest get;
    get.set_name(name);
    return Must<v1::Application>("GetApplication", auditor_, get);
  }
  v1::Cluster ClusterNow(const std::string& name) {
    v1::GetClusterRequest get;
    get.set_name(name);
    return Must<v1::Cluster>("GetCluster", auditor_, get);
  }

  v1::CreateSelectionRequest Draft() {
    v1::CreateSelectionRequest create;
    create.mutable_selection()->mutable_title()->set_ru("Отбор кластеров");
    *create.mutable_selection()->mutable_applications_from() = today().ToProto();
    *create.mutable_selection()->mutable_applications_until() = today().AddDays(2).ToProto();
    return create;
  }
  absl::StatusOr<v1::Selection> Announce(const std::string& name, const rpc::Caller& caller) {
    v1::AnnounceSelectionRequest request;
    request.set_name(name);
    request.set_etag(SelectionNow(name).etag());
    return Do<v1::Selection>("AnnounceSelection", caller, request);
  }
  absl::StatusOr<v1::Expert> Appoint(const std::string& selection, int n,
                                     const rpc::Caller& caller) {
    v1::CreateExpertRequest request;
    request.set_parent(selection);
    request.mutable_expert()->set_subject(absl::StrCat("expert-", n));
    request.mutable_expert()->set_title(absl::StrCat("Эксперт ", n));
    return Do<v1::Expert>("CreateExpert", caller, request);
  }
  absl::StatusOr<v1::Expert> Declare(const std::string& expert, int n,
                                     const std::vector<std::string>& ties = {}) {
    v1::DeclareTiesRequest request;
    request.set_name(expert);
    for (const std::string& tie : ties) request.add_ties(tie);
    return Do<v1::Expert>("DeclareTies", ExpertOf(n), request);
  }
  absl::StatusOr<v1::Application> Apply(const std::string& initiative, const std::string& selection,
                                        const rpc::Caller& caller) {
    v1::ApplyToSelectionRequest request;
    request.set_name(initiative);
    request.set_etag(InitiativeNow(initiative).etag());
    request.set_selection(selection);
    return Do<v1::Application>("ApplyToSelection", caller, request);
  }
  absl::StatusOr<v1::Application> AdmitIt(const std::string& application, bool complete,
                                          const rpc::Caller& caller) {
    v1::AdmitApplicationRequest request;
    request.set_name(application);
    request.set_etag(ApplicationEtag(application));
    request.set_documents_complete(complete);
    return Do<v1::Application>("AdmitApplication", caller, request);
  }
  std::string ApplicationEtag(const std::string& name) {
    v1::GetApplicationRequest get;
    get.set_name(name);
    const auto found = Do<v1::Application>("GetApplication", auditor_, get);
    return found.ok() ? found->etag() : "none";
  }
  absl::StatusOr<v1::Score> ScoreIt(const std::string& application, const rpc::Caller& caller,
                                    const std::vector<int32_t>& points = {20, 15, 15, 10, 15}) {
    v1::ScoreApplicationRequest request;
    request.set_name(application);
    for (size_t i = 0; i < points.size(); ++i) {
      auto* given = request.add_points();
      given->set_criterion(static_cast<v1::Criterion>(i + 1));
      given->set_points(points[i]);
    }
    return Do<v1::Score>("ScoreApplication", caller, request);
  }
  absl::StatusOr<v1::Selection> CloseIt(const std::string& selection, const rpc::Caller& caller) {
    v1::CloseScoringRequest request;
    request.set_name(selection);
    return Do<v1::Selection>("CloseScoring", caller, request);
  }
  // Seven members, all for it.
  v1::DecideSelectionRequest Protocol(const std::string& selection) {
    v1::DecideSelectionRequest request;
    request.set_name(selection);
    request.set_etag(SelectionNow(selection).etag());
    request.set_protocol_number("7");
    *request.mutable_protocol_date() = today().ToProto();
    for (int i = 1; i <= 7; ++i) {
      auto* member = request.add_members();
      member->set_subject(absl::StrCat("member-", i));
      member->set_vote(v1::DecideSelectionRequest::FOR);
      member->set_chair(i == 1);
    }
    return request;
  }
  absl::StatusOr<v1::Selection> PublishIt(const std::string& selection, const rpc::Caller& caller) {
    v1::PublishResultsRequest request;
    request.set_name(selection);
    return Do<v1::Selection>("PublishResults", caller, request);
  }
  template <class Request>
  Request Ordered(const std::string& cluster) {
    Request request;
    request.set_name(cluster);
    request.set_order_number("12-НҚ");
    *request.mutable_order_date() = today().ToProto();
    if constexpr (requires { request.set_ground(v1::Cluster::FALSE_DATA); }) {
      request.set_ground(v1::Cluster::FALSE_DATA);
    }
    if constexpr (requires { request.set_reason(""); }) request.set_reason("По приказу");
    return request;
  }
  absl::StatusOr<v1::Cluster> RegisterIt(const std::string& cluster, const rpc::Caller& caller) {
    auto request = Ordered<v1::RegisterClusterRequest>(cluster);
    request.set_etag(ClusterNow(cluster).etag());
    return Do<v1::Cluster>("RegisterCluster", caller, request);
  }

  // A selection on its way, with fresh applicants and three experts who have declared no ties.
  struct Round {
    std::string selection;
    std::vector<int> organizations;
    std::vector<std::string> initiatives, applications, experts;
    std::string cluster;  // of the first
  };
  // Brings a new one to a state: DRAFT to PUBLISHED.
  Round RoundAt(v1::Selection::State state, int applicants = 1) {
    Round round;
    round.selection = Must<v1::Selection>("CreateSelection", institute_, Draft()).name();
    if (state == v1::Selection::DRAFT) return round;
    const auto announced = Announce(round.selection, authority_);
    EXPECT_TRUE(announced.ok()) << announced.status();
    for (int i = 1; i <= 3; ++i) {
      const auto expert = Appoint(round.selection, i, authority_);
      EXPECT_TRUE(expert.ok()) << expert.status();
      round.experts.push_back(expert->name());
      EXPECT_TRUE(Declare(expert->name(), i).ok());
    }
    for (int i = 0; i < applicants; ++i) {
      organizations_ += 20;
      round.organizations.push_back(organizations_);
      round.initiatives.push_back(Propose(organizations_).name());
      DiagnoseIt(round.initiatives.back());
      const auto application =
          Apply(round.initiatives.back(), round.selection, Entity(organizations_));
      EXPECT_TRUE(application.ok()) << application.status();
      round.applications.push_back(application->name());
    }
    if (state == v1::Selection::ANNOUNCED) return round;
    GoTo(today().AddDays(3));
    if (state == v1::Selection::ADMISSION) return round;
    for (const std::string& application : round.applications) {
      const auto admitted = AdmitIt(application, true, examiner_);
      EXPECT_TRUE(admitted.ok()) << admitted.status();
      EXPECT_EQ(admitted->state(), v1::Application::ADMITTED)
          << admitted->admission().ShortDebugString();
    }
    round.cluster = ApplicationNow(round.applications.front()).cluster();
    if (state == v1::Selection::SCORING) return round;
    for (const std::string& application : round.applications) {
      for (int i = 1; i <= 3; ++i) EXPECT_TRUE(ScoreIt(application, ExpertOf(i)).ok());
    }
    const auto closed = CloseIt(round.selection, examiner_);
    EXPECT_TRUE(closed.ok()) << closed.status();
    if (state == v1::Selection::RANKED) return round;
    const auto decided = Do<v1::Selection>("DecideSelection", decider_, Protocol(round.selection));
    EXPECT_TRUE(decided.ok()) << decided.status();
    if (state == v1::Selection::DECIDED) return round;
    const auto published = PublishIt(round.selection, authority_);
    EXPECT_TRUE(published.ok()) << published.status();
    return round;
  }
  // A registered cluster of the organization round.organizations[0].
  Round Registered() {
    Round round = RoundAt(v1::Selection::PUBLISHED);
    const auto registered = RegisterIt(round.cluster, authority_);
    EXPECT_TRUE(registered.ok()) << registered.status();
    return round;
  }

  const rpc::Caller institute_ = CallerOf("aigul@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller examiner_ = CallerOf("daniyar@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller authority_ = CallerOf("saule@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller decider_ = CallerOf("marat@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller public_;

  // The services that this one asks. The register of grants is played; others are, or do not
  // answer.
  rpc::PlayedPeer lists_;
  std::set<std::string> bankrupts_;  // who stands on its lists
  rpc::Metrics peer_metrics_{"clusters"};
  std::unique_ptr<rpc::Peers> peers_ = rpc::MakePeers("clusters", &peer_metrics_);
  int organizations_ = 0;
};

}  // namespace nisi::clusters
