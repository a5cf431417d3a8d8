// What the steps of projects and reviews share: a project that is put is what its parameters, state
// and reports make of it, and it goes where its review of inclusion goes.
#pragma once

#include <string>

#include "common/cases/step.h"
#include "services/industry_map/env.h"
#include "services/industry_map/rules.h"

namespace nisi::industry_map {

// Ends a step of a project: brings what follows from its new state (rules.h: Derive) and its
// traffic light up to date, then cases::Finish.
absl::Status Settle(const Env& env, store::Tx& tx, cases::Step<ProjectRow>* step);
// Fills what of a project follows from its parameters, state and place on a day (rules.h: Derive).
absl::Status DeriveOn(const Env& env, const store::Reader& reader, base::Date day,
                      v1::Project* project);
// Computes the traffic light as on `day`.
absl::Status SetLight(const Env& env, store::Tx& tx, base::Date day, ProjectRow* row);
// The same, and sees to the timer that turns it next.
absl::Status UpdateLight(const Env& env, store::Tx& tx, base::Date day, ProjectRow* row);

// The project goes where its review of inclusion went.
absl::Status Follow(const Env& env, store::Tx& tx, ProjectRow row, Review::State review);

// Who acts next on a review that is in a state.
cases::Who WhoActs(const Review& review, Review::State state);

// A review that ends is no longer among the open ones.
void CloseReview(const std::string& name, Project* project);

// What is proposed: a new review, or a returned one once more.
struct Proposal {
  Review::Kind kind = Review::KIND_UNSPECIFIED;
  ReviewVerb verb = ReviewVerb::kProposeInclusion;
  std::string review;                             // the returned one; empty: a new one
  const ProjectParameters* parameters = nullptr;  // as they shall be
  const ProjectTerms* terms = nullptr;
  const google::protobuf::RepeatedPtrField<v1::RemarkAnswer>* answers = nullptr;
};
// Begins the step, with the path, round, bodies and owner of the review set. REVIEW_OPEN,
// REVIEW_STATE, REVIEW_KIND, REMARK_UNANSWERED.
absl::StatusOr<cases::Step<ReviewRow>> BeginProposal(const Env& env, const rpc::Call& call,
                                                     store::Tx& tx,
                                                     const rpc::Found<ProjectRow>& project,
                                                     const Proposal& proposal);
// Opens the term within which the applicant is to be told of the last conclusion.
absl::Status OpenInforming(const Env& env, store::Tx& tx, const Review& review);

// Puts it, and notes it in the project's row, which is still to be put.
absl::Status FinishProposal(const Env& env, store::Tx& tx, cases::Step<ReviewRow>* step,
                            ProjectRow* project);
// Proposes an exclusion for sustained capacity: nobody calls it (Art. 9(12)).
absl::Status ProposeSustained(const Env& env, store::Tx& tx, const Decision& ground,
                              ProjectRow* project);

// Whether the newest reports show sustained capacity.
absl::StatusOr<Decision> FindSustained(const Env& env, const store::Tx& tx, const ProjectRow& row);

}  // namespace nisi::industry_map
