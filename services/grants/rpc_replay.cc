// Decisions computed again, and what is to be done by which day.
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/cases/findings.h"
#include "common/cases/overdue.h"
#include "common/cases/refusals.h"
#include "services/grants/errors.h"
#include "services/grants/rpcs.h"

namespace nisi::grants {
namespace {

using Response = v1::ReplayDecisionResponse;

// One field of a record that keeps a decision.
struct Kept {
  const char* field;
  bool has;
  const Decision* stored;
  absl::StatusOr<Decision> (*replay)(const Decision&);
};

absl::StatusOr<Response> ReplayAll(const std::string& name, const std::string& owner,
                                   const std::vector<Kept>& kept) {
  Response response;
  response.set_name(name);
  response.set_owner(owner);
  response.set_same(true);
  for (const Kept& one : kept) {
    if (!one.has) continue;
    ASSIGN_OR_RETURN(*response.add_replays(),
                     cases::ReplayAnswer<Response::Replay>(*one.stored, one.replay));
    auto& replay = *response.mutable_replays(response.replays_size() - 1);
    replay.set_field(one.field);
    response.set_same(response.same() && replay.same());
  }
  if (response.replays().empty()) return cases::DecisionMissing(errors::Refusing());
  return response;
}

template <class Row>
absl::StatusOr<Row> Named(const store::Reader& reader, const store::Table<Row>& table,
                          const store::Key& key, const std::string& name, const store::At& at) {
  ASSIGN_OR_RETURN(auto found, reader.Find(table, key, at));
  if (!found.has_value()) return base::NotFound(table.name, name);
  return std::move(found->row);
}

}  // namespace

absl::StatusOr<v1::ReplayDecisionResponse> ReplayDecision(
    Env& env, Call&, const v1::ReplayDecisionRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  const std::string& name = request.name();
  const store::Key key = store::Key::Of(name);
  const auto is = [&name](const char* pattern) {
    return base::MatchResourceName(pattern, name).ok();
  };
  if (is("applications/*")) {
    ASSIGN_OR_RETURN(const ApplicationRow row, Named(view, kApplications, key, name, at));
    const Application& of = row.application();
    return ReplayAll(
        name, of.applicant(),
        {{"completeness", of.has_completeness(), &of.completeness(), ReplayCompleteness},
         {"eligibility", of.has_eligibility(), &of.eligibility(), ReplayEligibility},
         {"examination", of.has_examination(), &of.examination(), ReplayExamination},
         {"decision", of.has_decision(), &of.decision(), ReplayCommission}});
  }
  if (is("agreements/*")) {
    ASSIGN_OR_RETURN(const AgreementRow row, Named(view, kAgreements, key, name, at));
    const Agreement& of = row.agreement();
    return ReplayAll(name, of.recipient(),
                     {{"assessment", of.has_assessment(), &of.assessment(), ReplayObligations},
                      {"excuse", of.has_excuse(), &of.excuse(), ReplayExcuse}});
  }
  if (is("agreements/*/payments/*")) {
    ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, "agreements/*/payments/*", 1));
    const std::string agreement = name.substr(0, name.find("/payments/"));
    ASSIGN_OR_RETURN(const PaymentRow row,
                     Named(view, kPayments, store::Key::Of(agreement, number), name, at));
    const v1::Payment& of = row.payment();
    return ReplayAll(name, of.recipient(),
                     {{"decision", of.has_decision(), &of.decision(), ReplayPayment}});
  }
  if (is("demands/*")) {
    ASSIGN_OR_RETURN(const DemandRow row, Named(view, kDemands, key, name, at));
    const Demand& of = row.demand();
    return ReplayAll(name, of.recipient(),
                     {{"decision", of.has_decision(), &of.decision(), ReplayObligations}});
  }
  if (is("competitiveness/*")) {
    ASSIGN_OR_RETURN(const CompetitivenessAgreementRow row,
                     Named(view, kCompetitiveness, key, name, at));
    const CompetitivenessAgreement& of = row.agreement();
    return ReplayAll(name, of.entity(),
                     {{"admission", of.has_admission(), &of.admission(), ReplayAdmission},
                      {"assessment", of.has_assessment(), &of.assessment(), ReplayObligations},
                      {"excuse", of.has_excuse(), &of.excuse(), ReplayExcuse}});
  }
  return base::InvalidField("name", "is of no record with decisions");
}

absl::StatusOr<v1::ListNoticesResponse> ListNotices(Env& env, Call& call,
                                                    const v1::ListNoticesRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  RETURN_IF_ERROR(rpc::FindFor(view, call, kApplications, store::Key::Of(request.parent()),
                               request.parent(), nullptr, at)
                      .status());
  v1::ListNoticesResponse response;
  for (const char* collection : {"applications", "agreements"}) {
    ASSIGN_OR_RETURN(const std::vector<cases::NoticeRow> rows,
                     AllOf(view, cases::kNoticesByRecord,
                           store::Key::Of(Sibling(collection, request.parent())), at));
    for (const cases::NoticeRow& row : rows) *response.add_notices() = row.notice();
  }
  return response;
}

absl::StatusOr<Encoded<v1::ListOverdueResponse>> ListOverdue(
    Env& env, Call& call, const v1::ListOverdueRequest& request) {
  return cases::ListOverdue<v1::ListOverdueResponse>(*env.store, call, kOverdue, request);
}

absl::StatusOr<v1::ListDeadlinesResponse> ListDeadlines(Env& env, Call& call,
                                                        const v1::ListDeadlinesRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  RETURN_IF_ERROR(rpc::FindFor(view, call, kApplications, store::Key::Of(request.parent()),
                               request.parent(), nullptr, at)
                      .status());
  std::vector<cases::Deadline> all;
  for (const char* collection : {"applications", "agreements", "demands"}) {
    ASSIGN_OR_RETURN(const auto open,
                     cases::OpenDeadlines(view, Sibling(collection, request.parent()), at));
    all.insert(all.end(), open.begin(), open.end());
  }
  cases::SortByDueDay(&all);
  v1::ListDeadlinesResponse response;
  *response.mutable_deadlines() = {all.begin(), all.end()};
  return response;
}

}  // namespace nisi::grants
