#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/norms/term.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/flow.h"
#include "services/industry_map/history.h"
#include "services/industry_map/rpcs.h"

namespace nisi::industry_map {
namespace {

using cases::Deadline;

std::optional<ReviewVerb> VerbOf(Conclusion::Verdict verdict) {
  switch (verdict) {
    case Conclusion::RECOMMEND:
      return ReviewVerb::kRecommend;
    case Conclusion::RETURN:
      return ReviewVerb::kReturn;
    case Conclusion::REJECT:
      return ReviewVerb::kReject;
    default:
      return std::nullopt;
  }
}

// The review with the roles in which the caller reviews it: that of an akimat holds over one that
// it proposed, too, and the place is another's by that.
absl::StatusOr<rpc::Found<ReviewRow>> FindToReview(const store::Tx& tx, const Call& call,
                                                   const std::string& name) {
  ASSIGN_OR_RETURN(auto found, FindReview(tx, call, name));
  if (!rpc::InRegions(*call.caller, found.row.review().kato()))
    found.roles &= ~base::RoleBit(rpc::v1::AKIMAT);
  return found;
}

// The record that waits while the applicant was not told of a conclusion.
std::string ConclusionName(const Review& review, int number) {
  return absl::StrCat(review.name(), "/conclusions/", number);
}

}  // namespace

// To tell the applicant is a duty beside the path: it outlives the next steps and holds up none.
absl::Status OpenInforming(const Env& env, store::Tx& tx, const Review& review) {
  const auto& conclusions = review.administrative_data().conclusions();
  const Conclusion& last = conclusions[conclusions.size() - 1];
  const bool regional = last.step() == Review::REGIONAL_REVIEW;
  // What the sector body recommends, the authority's decision tells.
  if (last.step() == Review::SECTOR_REVIEW && last.verdict() == Conclusion::RECOMMEND)
    return absl::OkStatus();
  const char* norm =
      regional ? "industry_map.days.regional_conclusion" : "industry_map.days.informing";
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(*env.norms, norm, tx.today()));
  Deadline deadline;
  deadline.set_record(ConclusionName(review, conclusions.size()));
  deadline.set_kind(norm);
  deadline.set_norm(norm);
  deadline.set_rests_on_assumption(term.assumption);
  *deadline.mutable_since() = term.since.ToProto();
  *deadline.mutable_due_date() = term.last_day.ToProto();
  *deadline.mutable_legal_basis() = errors::RulesOfTheMap();
  if (regional) {
    deadline.add_roles(rpc::v1::AKIMAT);
    deadline.set_region(review.kato());
  } else {
    deadline.add_roles(rpc::v1::AUTHORITY_INDUSTRY);
    deadline.add_roles(rpc::v1::INSTITUTE_INDUSTRY);
  }
  return cases::OpenDeadline(tx, std::move(deadline)).status();
}

absl::StatusOr<v1::Review> StartReview(Env& env, const Call& call, store::Tx& tx,
                                       const v1::StartReviewRequest& request) {
  ASSIGN_OR_RETURN(auto found, FindToReview(tx, call, request.name()));
  const uint32_t path = PathBit(found.row.review().path());
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ReviewMachine(), ReviewVerb::kStart, std::move(found.row),
                                {.roles = found.roles, .etag = request.etag(), .path = path}));
  const Review& review = step.row.review();
  RETURN_IF_ERROR(
      cases::Finish(tx, *env.norms, kReviews, &step, WhoActs(review, Review::REGIONAL_REVIEW)));
  if (review.kind() == Review::INCLUSION) {
    ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, step.row.project()));
    RETURN_IF_ERROR(Follow(env, tx, std::move(project), review.state()));
  }
  return review;
}

absl::StatusOr<v1::Review> ConcludeReview(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ConcludeReviewRequest& request) {
  const auto verb = VerbOf(request.conclusion().verdict());
  if (!verb.has_value())
    return base::InvalidField("conclusion.verdict", "must be RECOMMEND, RETURN or REJECT");
  ASSIGN_OR_RETURN(auto found, FindToReview(tx, call, request.name()));
  // Of two who conclude at once the second sees what it did not examine.
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.review().etag()));
  const Review::State at = found.row.review().state();
  // The role holds over the responsible body, too, which does not examine.
  if (at == Review::SECTOR_REVIEW && call.caller->bin != found.row.review().sector_body_bin())
    found.roles &= ~base::RoleBit(rpc::v1::HOLDING);
  const uint32_t path = PathBit(found.row.review().path());
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ReviewMachine(), *verb, std::move(found.row),
                                           {.roles = found.roles, .path = path}));
  if (!call.caller->bin.empty() && call.caller->bin == step.row.review().owner_bin())
    return errors::ExaminerIsOwner("owner_bin");
  RETURN_IF_ERROR(CheckRemarks(request.conclusion().verdict(), request.remarks()));
  Review& review = *step.row.mutable_review();
  v1::ReviewData& data = *review.mutable_administrative_data();
  Conclusion& conclusion = *data.add_conclusions();
  conclusion = request.conclusion();
  conclusion.set_step(at);
  conclusion.set_round(review.round());
  conclusion.set_author(step.subject);
  conclusion.mutable_conclude_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  for (const v1::Remark& given : request.remarks()) {
    v1::Remark& remark = *data.add_remarks();
    remark = given;
    remark.set_number(data.remarks_size());
    remark.set_author(step.subject);
  }
  const auto next = static_cast<Review::State>(step.edge->to);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReviews, &step, WhoActs(review, next)));
  RETURN_IF_ERROR(OpenInforming(env, tx, review));
  if (!IsOpen(next) || review.kind() == Review::INCLUSION) {
    ASSIGN_OR_RETURN(ProjectRow project, LoadProject(tx, step.row.project()));
    if (!IsOpen(next)) CloseReview(review.name(), project.mutable_project());
    if (review.kind() == Review::INCLUSION) {
      RETURN_IF_ERROR(Follow(env, tx, std::move(project), next));
    } else {
      RETURN_IF_ERROR(PutProject(env, tx, &project));
    }
  }
  return review;
}

absl::StatusOr<v1::Notice> InformApplicant(Env& /*env*/, const Call& call, store::Tx& tx,
                                           const v1::InformApplicantRequest& request) {
  ASSIGN_OR_RETURN(const auto found, FindToReview(tx, call, request.name()));
  const Review& review = found.row.review();
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.inform_date()));
  if (day > tx.today()) return errors::DateInFuture("inform_date");
  const store::Key key =
      store::Key::Of(found.row.project(), found.row.number(), request.conclusion());
  ASSIGN_OR_RETURN(const auto known, tx.Find(kNotices, key));
  if (known.has_value()) return errors::InformedAlready();
  ASSIGN_OR_RETURN(const auto open,
                   cases::OpenDeadlines(tx, ConclusionName(review, request.conclusion())));
  const Deadline* owed = nullptr;
  for (const Deadline& deadline : open) {
    for (const int role : deadline.roles()) {
      if ((found.roles & base::RoleBit(static_cast<rpc::v1::Role>(role))) != 0) owed = &deadline;
    }
  }
  if (owed == nullptr) return errors::ConclusionUnknown();
  const auto& conclusions = review.administrative_data().conclusions();
  if (request.conclusion() > conclusions.size()) return errors::ConclusionUnknown();
  const Conclusion& told = conclusions[request.conclusion() - 1];
  const auto concluded =
      base::Date::LegalDay(absl::FromUnixSeconds(told.conclude_time().seconds()));
  if (day < concluded) return errors::InformedTooEarly();
  RETURN_IF_ERROR(cases::CloseDeadline(tx, owed->name(), Deadline::DONE));
  NoticeRow row;
  row.set_project(found.row.project());
  row.set_review(found.row.number());
  row.set_conclusion(request.conclusion());
  v1::Notice& notice = *row.mutable_notice();
  notice.set_name(absl::StrCat(review.name(), "/notices/", request.conclusion()));
  *notice.mutable_inform_date() = request.inform_date();
  notice.set_notice(request.notice());
  notice.set_informed_by(call.caller->subject);
  tx.Cite(errors::RulesOfTheMap());
  RETURN_IF_ERROR(tx.Put(kNotices, &row));
  return row.notice();
}

absl::StatusOr<Encoded<v1::Review>> GetReview(Env& env, Call& call,
                                              const v1::GetReviewRequest& request) {
  ASSIGN_OR_RETURN(const ReviewNumbers numbers, NumbersOfReview(request.name()));
  return rpc::GetRecord<Review>(*env.store, call, kReviews,
                                ReviewKey(numbers.project, numbers.review), request);
}

absl::StatusOr<Encoded<v1::ListReviewsResponse>> ListReviews(
    Env& env, Call& call, const v1::ListReviewsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kReviews, request, call));
  ASSIGN_OR_RETURN(const int32_t project, ParentNumber(request.parent()));
  plan.show = rpc::ShowTo<Review>(call);
  if (project != 0) {
    plan.prefix = store::Key::Of(project);
  } else {
    plan.indexes = {{"sector_body_bin", &kReviewsBySectorBody, rpc::TextKey},
                    {"kato", &kReviewsByPlace, rpc::TextKey},
                    {"region", &kReviewsByPlace,
                     [](const std::string& region) -> std::optional<store::Key> {
                       if (region.size() != 2) return std::nullopt;
                       return store::Key().AddTextPrefix(region);
                     }},
                    {"state", &kReviewsByState, rpc::EnumKey<Review::State>}};
    plan.scopes = {{rpc::v1::AKIMAT, &kReviewsByAkimat}};
  }
  return rpc::ListAs<v1::ListReviewsResponse>(*env.store, plan);
}

absl::StatusOr<v1::ListReviewDeadlinesResponse> ListReviewDeadlines(
    Env& env, Call& call, const v1::ListReviewDeadlinesRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, FindReview(view, call, request.parent()));
  v1::ListReviewDeadlinesResponse response;
  const auto add = [&](const store::Key& prefix) {
    return view.Scan(cases::kDeadlinesByRecord, {prefix, ""}, at,
                     [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                       ASSIGN_OR_RETURN(auto stored,
                                        store::Reader::Parse<cases::v1::DeadlineRow>(row));
                       *response.add_deadlines() = std::move(*stored.row.mutable_deadline());
                       return true;
                     });
  };
  const std::string& name = found.row.review().name();
  RETURN_IF_ERROR(add(store::Key::Of(name)));
  RETURN_IF_ERROR(add(store::Key().AddTextPrefix(absl::StrCat(name, "/conclusions/"))));
  RETURN_IF_ERROR(
      view.Scan(kNotices, {store::Key::Of(found.row.project(), found.row.number()), ""}, at,
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<NoticeRow>(row));
                  *response.add_notices() = std::move(*stored.row.mutable_notice());
                  return true;
                }));
  return response;
}

}  // namespace nisi::industry_map
