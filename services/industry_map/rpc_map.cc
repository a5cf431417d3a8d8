#include <deque>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/rpc/changes_watch.h"
#include "common/rpc/wire.h"
#include "nisi/journal/v1/journal.pb.h"
#include "services/industry_map/box.h"
#include "services/industry_map/rpcs.h"
#include "services/industry_map/rules.h"
#include "services/industry_map/summary.h"

namespace nisi::industry_map {
namespace {

using Request = v1::SummarizeRequest;

uint32_t BitOf(Request::Dimension dimension) {
  switch (dimension) {
    case Request::REGION:
      return kByRegion;
    case Request::SECTOR:
      return kBySector;
    case Request::STAGE:
      return kByStage;
    case Request::RESPONSIBLE_BODY:
      return kByBody;
    default:
      return kByYear;
  }
}

// What a request asks for: by which dimensions to group, and which values in which.
struct Question {
  uint32_t grouped = 0;
  uint32_t given = 0;
  Group values;
};

Question QuestionOf(const Request& request) {
  Question question;
  for (const int dimension : request.group_by())
    question.grouped |= BitOf(static_cast<Request::Dimension>(dimension));
  const auto give = [&question](bool given, uint32_t dimension) {
    if (given) question.given |= dimension;
  };
  give(!request.region().empty(), kByRegion);
  give(!request.sector().empty(), kBySector);
  give(request.stage() != ProjectParameters::STAGE_UNSPECIFIED, kByStage);
  give(!request.body_bin().empty(), kByBody);
  give(request.commissioning_year() != 0, kByYear);
  question.values = {request.region(), request.sector(), request.stage(), request.body_bin(),
                     request.commissioning_year()};
  return question;
}

// Sums by group, in order.
absl::StatusOr<std::map<Group, store::Sums>> Sum(const store::Reader& reader,
                                                 const Question& question, const store::At& at) {
  const uint32_t shown = question.grouped | question.given;
  const uint32_t mask = KeptMaskFor(shown);
  std::map<Group, store::Sums> groups;
  RETURN_IF_ERROR(reader.ScanTotals(
      kMapTotals, GroupPrefix(mask, question.given, question.values), at,
      [&](absl::string_view key, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const Group group, ReadGroup(key));
        if (!Agree(question.given, group, question.values)) return true;
        store::Sums& total = groups[Only(shown, group)];
        total.resize(kMeasures);
        for (size_t i = 0; i < kMeasures; ++i) total[i] += sums[i];
        return true;
      }));
  return groups;
}

// A sum over many projects may exceed what a Money of one may hold: whole tenge fit 64 bits.
google::type::Money MoneyOf(store::Int tiyn) {
  google::type::Money money;
  money.set_currency_code("KZT");
  money.set_units(static_cast<int64_t>(tiyn / 100));
  money.set_nanos(static_cast<int32_t>(tiyn % 100) * 10'000'000);
  return money;
}

// Whole: the call layer takes out the sums of money where its reader has no right to them, and
// records the look of one who has.
v1::SummaryRow RowOf(uint32_t shown, const Group& group, const store::Sums& sums) {
  v1::SummaryRow row;
  row.set_name(NameOf(shown, group));
  row.set_owner_bin(OnlyOwner(sums));
  row.set_region(group.region);
  row.set_sector(group.sector);
  row.set_stage(static_cast<ProjectParameters::Stage>(group.stage));
  row.set_body_bin(group.body);
  row.set_commissioning_year(static_cast<int32_t>(group.year));
  row.set_project_count(static_cast<int64_t>(sums[0]));
  row.set_jobs_plan(static_cast<int64_t>(sums[1]));
  row.set_jobs_fact(static_cast<int64_t>(sums[2]));
  v1::SummaryData& data = *row.mutable_administrative_data();
  *data.mutable_cost() = MoneyOf(sums[3]);
  *data.mutable_investment_used() = MoneyOf(sums[4]);
  data.set_red_count(static_cast<int64_t>(sums[5]));
  data.set_yellow_count(static_cast<int64_t>(sums[6]));
  return row;
}

// Follows projects as the caller may see them. The journal's leaves hold no administrative data.
class ProjectWatch final : public rpc::ChangesWatch<v1::WatchProjectsResponse> {
 public:
  ProjectWatch(Env& env, const Call& call, v1::WatchProjectsRequest request)
      : ChangesWatch(*env.store, request.start_position()),
        caller_(call.caller),
        request_(std::move(request)) {}

 private:
  absl::Status ShowEntry(const journal::v1::Entry& entry,
                         v1::WatchProjectsResponse* response) override {
    for (const journal::v1::Change& change : entry.changes()) {
      if (change.table() == kProjects.name) RETURN_IF_ERROR(Add(entry, change, response));
    }
    return absl::OkStatus();
  }

  absl::Status Add(const journal::v1::Entry& entry, const journal::v1::Change& change,
                   v1::WatchProjectsResponse* response) const {
    Project before, after;
    if (!before.ParseFromString(change.before().value()) ||
        !after.ParseFromString(change.after().value())) {
      return base::StoreCorrupt("project in the journal");
    }
    const bool was = IsWanted(before), is = IsWanted(after);
    if (!was && !is) return absl::OkStatus();
    v1::WatchProjectsResponse::Change& shown = *response->add_changes();
    shown.set_position(entry.position());
    *shown.mutable_record_time() = entry.record_time();
    shown.set_name(is ? after.name() : before.name());
    *shown.mutable_effective_from() = change.effective_from();
    if (is) *shown.mutable_project() = std::move(after);
    return absl::OkStatus();
  }

  // In sight of the caller, and what it asks for.
  bool IsWanted(const Project& project) const {
    if (project.name().empty()) return false;
    const uint32_t roles = rpc::TiesOf<Project>().RolesOver(*caller_, project);
    const std::string& body = project.parameters().responsible_body().bin();
    return IsVisible(project, roles) &&
           (request_.project().empty() || request_.project() == project.name()) &&
           project.parameters().kato().starts_with(request_.region()) &&
           (request_.body_bin().empty() || request_.body_bin() == body);
  }

  const std::shared_ptr<const rpc::Caller> caller_;
  const v1::WatchProjectsRequest request_;
};

}  // namespace

absl::StatusOr<v1::SummarizeResponse> Summarize(Env& env, Call&,
                                                const v1::SummarizeRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  const Question question = QuestionOf(request);
  const uint32_t shown = question.grouped | question.given;
  ASSIGN_OR_RETURN(const auto groups, Sum(view, question, at));
  v1::SummarizeResponse response;
  for (const auto& [group, sums] : groups) *response.add_rows() = RowOf(shown, group, sums);
  *response.mutable_as_of() = at.as_of.value_or(view.today()).ToProto();
  // What the register knew at an earlier moment is not what the snapshot's position stands for.
  if (at.known_at_us.has_value()) {
    *response.mutable_known_at() = request.known_at();
    return response;
  }
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  ASSIGN_OR_RETURN(const int64_t recorded_us, view.RecordedUs());
  response.set_position(position);
  response.mutable_known_at()->set_seconds(recorded_us / 1'000'000);
  response.mutable_known_at()->set_nanos(static_cast<int32_t>(recorded_us % 1'000'000) * 1000);
  return response;
}

absl::StatusOr<Encoded<v1::ListInBoxResponse>> ListInBox(Env& env, Call& call,
                                                         const v1::ListInBoxRequest& request) {
  RETURN_IF_ERROR(CheckBox(request.box()));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kProjects, request, call));
  plan.over = &kProjectsByCell;
  for (const std::string& quad : Cover(request.box())) {
    // The cell is one text, of which a quad is the beginning.
    plan.under.push_back(store::Key().AddTextPrefix(quad));
  }
  plan.sift = [&request](absl::string_view project) -> absl::StatusOr<bool> {
    const auto bytes = rpc::FindMessage(
        project, {Project::kParametersFieldNumber, ProjectParameters::kPointFieldNumber});
    v1::Point point;
    if (!bytes.has_value() || !point.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())))
      return base::StoreCorrupt("project");
    return Holds(request.box(), point);
  };
  return rpc::ListAs<v1::ListInBoxResponse>(*env.store, plan);
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchProjects(
    Env& env, Call& call, const v1::WatchProjectsRequest& request) {
  if (!request.project().empty()) {
    const store::View view = env.store->Read();
    RETURN_IF_ERROR(FindProject(view, call, request.project()).status());
  }
  return std::make_unique<ProjectWatch>(env, call, request);
}

}  // namespace nisi::industry_map
