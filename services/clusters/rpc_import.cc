// ImportClusters: what a row becomes, and when it may enter. How rows come and are reported on is
// in common/rpc/import.h.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/codes.h"
#include "common/rpc/import.h"
#include "services/clusters/errors.h"
#include "services/clusters/places.h"
#include "services/clusters/rpcs.h"

namespace nisi::clusters {
namespace {

using v1::ImportedMember;

void SetDay(const std::string& text, google::type::Date* day) {
  const auto date = base::Date::Parse(text);
  // What is no day is given as none, which the form refuses.
  if (date.ok()) {
    *day = date->ToProto();
  } else {
    day->set_day(-1);
  }
}

class ClusterImport final : public rpc::Import<v1::ImportClustersRequest, ImportedMember> {
 public:
  explicit ClusterImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  ImportedMember FromRow(const Row& row) const override {
    ImportedMember member;
    member.set_register_number(row.register_number());
    member.set_order_number(row.order_number());
    if (!row.order_date().empty()) SetDay(row.order_date(), member.mutable_order_date());
    member.mutable_title()->set_kk(row.title_kk());
    member.mutable_title()->set_ru(row.title_ru());
    member.mutable_title()->set_en(row.title_en());
    member.set_cluster_organization(row.cluster_organization());
    member.set_region(row.region());
    member.set_oked(row.oked());
    for (const absl::string_view code : absl::StrSplit(row.goods_codes(), ' ', absl::SkipEmpty())) {
      member.add_goods_codes(std::string(code));
    }
    member.set_level(rpc::ValueNamed<v1::DevelopmentLevel>(row.level()));
    Participant& participant = *member.mutable_participant();
    participant.set_bin(row.member_bin());
    participant.set_title(row.member_title());
    for (const absl::string_view role :
         absl::StrSplit(row.member_roles(), ' ', absl::SkipEmpty())) {
      participant.add_roles(rpc::ValueNamed<v1::MemberRole>(role));
    }
    participant.set_region(row.member_region());
    if (!row.member_from().empty()) SetDay(row.member_from(), member.mutable_member_from());
    return member;
  }

  std::string KeyOf(const Row& row) const override {
    return base::BinIin::Parse(row.member_bin()).ok() ? row.member_bin() : "";
  }

  absl::Status Judge(const ImportedMember& member) const override {
    const absl::Status fit = JudgeMember(member);
    if (!fit.ok()) refused_.insert(member.register_number());
    return fit;
  }

  absl::Status Gather(const Call& call, const std::vector<ImportedMember>& members) override {
    std::set<std::string> katos;
    for (const ImportedMember& member : members) {
      for (const std::string& kato : {member.region(), member.participant().region()}) {
        if (!kato.empty()) katos.insert(kato);
      }
    }
    places_ = cases::PlacesOf(env_.ask_places, call, katos);
    for (const ImportedMember& member : members) {
      if (!PlacesStand(member).ok()) refused_.insert(member.register_number());
    }
    return absl::OkStatus();
  }

  absl::Status PlacesStand(const ImportedMember& member) const {
    RETURN_IF_ERROR(CheckPlace(places_, "region", member.region()));
    return CheckPlace(places_, "participant.region", member.participant().region());
  }

  // A cluster without one of its members is another cluster: it enters whole or not at all.
  absl::Status JudgeIn(const store::Tx&, const ImportedMember& member) override {
    RETURN_IF_ERROR(PlacesStand(member));
    return refused_.contains(member.register_number()) ? errors::ClusterRefused()
                                                       : absl::OkStatus();
  }

  static absl::Status JudgeMember(const ImportedMember& member) {
    for (const int role : member.participant().roles()) {
      if (role == v1::MEMBER_ROLE_UNSPECIFIED) {
        return base::InvalidField("participant.roles", "is no role");
      }
    }
    return IsNear(member.region(), member.participant().region())
               ? absl::OkStatus()
               : errors::RegionNotNeighbouring("participant.region");
  }

  absl::Status Begin(store::Tx& tx, const Call& call, const Header&) override {
    clusters_.clear();
    subject_ = call.caller->subject;
    tx.Cite(errors::KeepingTheRegister());
    return absl::OkStatus();
  }

  absl::Status Enter(store::Tx& tx, const ImportedMember& member) override {
    ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(member.order_date()));
    ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(member.member_from()));
    if (ordered > tx.today()) return base::InvalidField("order_date", "lies in the future");
    if (from > tx.today()) return base::InvalidField("member_from", "lies in the future");
    ASSIGN_OR_RETURN(const ClusterRow row, ClusterOf(tx, member, ordered));
    const std::string& bin = member.participant().bin();
    const store::Key key = store::Key::Of(row.number(), bin);
    ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kMembers, key));
    if (known.has_value()) return base::InvalidField("participant.bin", "is a member already");
    MemberRow put;
    put.set_cluster(row.number());
    put.mutable_member()->set_name(MemberName(row.number(), bin));
    *put.mutable_member()->mutable_participant() = member.participant();
    KeepPlace(places_, put.mutable_member());
    put.mutable_member()->set_cluster_organization(row.cluster().cluster_organization());
    *put.mutable_member()->mutable_regions() = row.cluster().regions();
    *put.mutable_member()->mutable_member_from() = member.member_from();
    RETURN_IF_ERROR(tx.Put(kMembers, &put, from));
    return Recount(tx, bin, row.number(), std::max(from, ordered));
  }

 private:
  // The cluster of a register number: entered with the first of its rows.
  absl::StatusOr<ClusterRow> ClusterOf(store::Tx& tx, const ImportedMember& member,
                                       base::Date ordered) {
    if (const auto known = clusters_.find(member.register_number()); known != clusters_.end()) {
      ASSIGN_OR_RETURN(ClusterRow row, Need(tx, kClusters, store::Key::Of(known->second)));
      if (row.cluster().cluster_organization() != member.cluster_organization() ||
          row.cluster().region() != member.region()) {
        return base::InvalidField("register_number",
                                  "names a cluster with another organization or region");
      }
      const auto& codes = row.cluster().specialization().goods_codes();
      if (!std::equal(codes.begin(), codes.end(), member.goods_codes().begin(),
                      member.goods_codes().end())) {
        return base::InvalidField("goods_codes", "are not those of the cluster's other rows");
      }
      return row;
    }
    const std::string entry = absl::StrCat("register/", member.register_number());
    ASSIGN_OR_RETURN(const auto taken,
                     tx.FindUniqueRaw(kClustersByInitiative, store::Key::Of(entry)));
    if (taken.has_value()) return base::InvalidField("register_number", "is in the register");
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("clusters"));
    clusters_[member.register_number()] = static_cast<int32_t>(number);
    ClusterRow row;
    row.set_number(static_cast<int32_t>(number));
    *row.mutable_selected_on() = member.order_date();
    Cluster& cluster = *row.mutable_cluster();
    cluster.set_name(ClusterName(row.number()));
    *cluster.mutable_title() = member.title();
    cluster.set_cluster_organization(member.cluster_organization());
    cluster.set_region(member.region());
    cluster.add_regions(member.region());
    KeepPlaces({member.region()}, places_, cluster.mutable_places());
    cluster.mutable_specialization()->add_okeds(member.oked());
    *cluster.mutable_specialization()->mutable_goods_codes() = member.goods_codes();
    cluster.set_state(Cluster::REGISTERED);
    cluster.set_level(member.level());
    cluster.set_initiative(entry);
    cluster.set_application(entry);
    cluster.set_order_number(member.order_number());
    *cluster.mutable_order_date() = member.order_date();
    cluster.set_decided_by(subject_);
    RETURN_IF_ERROR(OpenReportDeadline(env_, tx, cluster, tx.today().year()));
    RETURN_IF_ERROR(SetDueDate(tx, &cluster));
    RETURN_IF_ERROR(tx.Put(kClusters, &row, ordered));
    // Judged with all its members, once they are in.
    tx.Schedule(tx.recorded(), kJudgeCompositionTimer,
                absl::StrCat(row.number(), "/", ordered.ToString()));
    return row;
  }

  Env& env_;
  Places places_;  // of the rows
  std::string subject_;
  // Register numbers of which a row cannot enter: known when all rows have come, which is before
  // the command runs.
  mutable std::set<std::string> refused_;
  std::map<std::string, int32_t> clusters_;  // of this import, by register number
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportClustersRequest>>> ImportClusters(
    Env& env, Call&) {
  return std::make_unique<ClusterImport>(env);
}

}  // namespace nisi::clusters
