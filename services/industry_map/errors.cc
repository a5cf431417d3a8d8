#include "services/industry_map/errors.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nisi::industry_map::errors {

using absl::StatusCode;
using base::Refusal;

base::LegalBasis UnifiedMap() {
  return base::Law("Art. 6(2)",
                   "Industrial and innovative projects stand in the unified map of "
                   "industrialization, which bodies responsible for them keep.");
}
base::LegalBasis QuarterlyReports() {
  return base::Law("Art. 6(2)",
                   "The bodies responsible for a project report on it to the authorized body every "
                   "quarter.");
}
base::LegalBasis ApprovalOfTheMap() {
  return base::Law("Art. 9(7)",
                   "The authorized body for state stimulation of industry approves the unified map "
                   "of industrialization.");
}
base::LegalBasis RulesOfTheMap() {
  return base::Law(
      "Art. 9(11)",
      "Projects are included in the map, changed, supported and excluded by rules that "
      "the authorized body approves.");
}
base::LegalBasis Methodology() {
  return base::Law("Art. 9(12)",
                   "Projects of the map are monitored by a methodology that the authorized body "
                   "approves.");
}
base::LegalBasis Akimats() {
  return base::Law("Art. 11(8)",
                   "Local executive bodies examine projects of their region and report on those in "
                   "the map.");
}
base::LegalBasis Criteria() {
  return base::Law("Art. 25(4)",
                   "A project meets criteria of innovativeness, competitiveness, scale, export "
                   "orientation or labour productivity.");
}

absl::Status MilestonesOutOfOrder(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "MILESTONES_OUT_OF_ORDER",
                 "Give each kind of milestone once, in order, with days that follow each other.")
      .Field(field, "is out of order")
      .Cite(Methodology());
}

absl::Status CostOverMaximum(const std::string& field, const std::string& maximum) {
  return Refusal(StatusCode::kInvalidArgument, "COST_OVER_MAXIMUM",
                 "The cost exceeds the maximum of a project.")
      .With("maximum", maximum)
      .Field(field, absl::StrCat("is over the norm of ", maximum))
      .Cite(RulesOfTheMap());
}

absl::Status DraftsTooMany(int64_t most) {
  return Refusal(StatusCode::kFailedPrecondition, "DRAFTS_TOO_MANY",
                 "There are as many drafts as an owner may have. Propose or withdraw some first.")
      .With("most", absl::StrCat(most))
      .Precondition("DRAFTS", "project.parameters.owner_bin",
                    absl::StrCat("at most ", most, " at once"))
      .Cite(UnifiedMap());
}

absl::Status CostMismatch() {
  return Refusal(StatusCode::kInvalidArgument, "COST_MISMATCH",
                 "The sums of financing do not add up to the cost.")
      .Field("administrative_data.terms.financing", "must add up to the cost, to the tiyn")
      .Cite(RulesOfTheMap());
}

absl::Status ProjectIncomplete(const std::vector<std::string>& gaps) {
  Refusal refusal(StatusCode::kFailedPrecondition, "PROJECT_INCOMPLETE",
                  "The project lacks main parameters.");
  for (const std::string& gap : gaps) {
    refusal.Field(gap, "is needed to propose a project");
    refusal.Precondition("PROJECT_INCOMPLETE", gap, "is missing");
  }
  return refusal.Cite(RulesOfTheMap());
}

absl::Status CriteriaMissing(int64_t minimum) {
  return Refusal(StatusCode::kFailedPrecondition, "CRITERIA_MISSING",
                 "Too few criteria are claimed with a justification.")
      .With("minimum", absl::StrCat(minimum))
      .Precondition("CRITERIA", "administrative_data.terms.criteria",
                    absl::StrCat("at least ", minimum, ", each once and justified"))
      .Cite(Criteria());
}

absl::Status DossierIncomplete(const std::vector<int64_t>& chapters) {
  const std::string missing = absl::StrJoin(chapters, ", ");
  return Refusal(StatusCode::kFailedPrecondition, "DOSSIER_INCOMPLETE",
                 "A project of this cost needs a complete dossier.")
      .With("missing", missing)
      .Precondition("DOSSIER", "administrative_data.terms.dossier",
                    absl::StrCat("chapters are missing: ", missing))
      .Cite(RulesOfTheMap());
}

absl::Status ReviewOpen(const std::string& name) {
  return Refusal(StatusCode::kFailedPrecondition, "REVIEW_OPEN",
                 "A review of this kind is open already.")
      .With("review", name)
      .Precondition("REVIEW_OPEN", name, "is to be decided or withdrawn first")
      .Cite(RulesOfTheMap());
}

absl::Status ReviewKind() {
  return Refusal(StatusCode::kFailedPrecondition, "REVIEW_KIND",
                 "Another method does this for a review of this kind.")
      .Precondition("REVIEW_KIND", "kind", "see the methods of this kind")
      .Cite(RulesOfTheMap());
}

absl::Status NotTheProposer() {
  return Refusal(StatusCode::kPermissionDenied, "NOT_THE_PROPOSER",
                 "Only whoever proposed it may take it back or propose it again.")
      .Cite(UnifiedMap());
}

absl::Status ExaminerIsOwner(const std::string& field) {
  return Refusal(StatusCode::kFailedPrecondition, "EXAMINER_IS_OWNER",
                 "A body may not examine its own project.")
      .Precondition("EXAMINER_IS_OWNER", field, "must be another body than the owner")
      .Cite(RulesOfTheMap());
}

absl::Status SupportExists(const std::string& review) {
  return Refusal(StatusCode::kAlreadyExists, "SUPPORT_EXISTS",
                 "This measure of this body is adopted for the project already.")
      .With("review", review)
      .Resource("reviews", review)
      .Cite(RulesOfTheMap());
}

absl::Status RemarksInvalid() {
  return Refusal(StatusCode::kInvalidArgument, "REMARKS_INVALID",
                 "Give remarks where a project is returned, and only there.")
      .Field("remarks", "at least one with RETURN, none without")
      .Cite(RulesOfTheMap());
}

absl::Status RemarkFieldUnknown(size_t index) {
  return Refusal(StatusCode::kInvalidArgument, "REMARK_FIELD_UNKNOWN",
                 "A remark names a field that does not exist.")
      .Field(absl::StrCat("remarks[", index, "].field"),
             "must be a path of parameters, administrative_data.terms or of what was proposed")
      .Cite(RulesOfTheMap());
}

absl::Status RemarkUnanswered(const std::vector<int32_t>& numbers) {
  const std::string open = absl::StrJoin(numbers, ", ");
  return Refusal(StatusCode::kFailedPrecondition, "REMARK_UNANSWERED",
                 "Answer every open remark once, and no other.")
      .With("remarks", open)
      .Precondition("REMARKS", "answers", absl::StrCat("to be answered once each: ", open))
      .Cite(RulesOfTheMap());
}

absl::Status ChangeEmpty(const char* field) {
  return Refusal(StatusCode::kFailedPrecondition, "CHANGE_EMPTY", "Nothing would change.")
      .Precondition("CHANGE_EMPTY", field, "something must differ from what is recorded")
      .Cite(RulesOfTheMap());
}

absl::Status ProjectStale() {
  return Refusal(StatusCode::kFailedPrecondition, "PROJECT_STALE",
                 "Main parameters have changed since the proposal.")
      .Precondition("PROJECT_STALE", "parameters_etag", "propose again what is now to be changed")
      .Cite(RulesOfTheMap());
}

absl::Status NotRecommended(const std::string& body) {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_RECOMMENDED",
                 "A body that has to examine it has not recommended it in this round.")
      .With("body", body)
      .Precondition("NOT_RECOMMENDED", body, "its recommendation is needed")
      .Cite(RulesOfTheMap());
}

absl::Status ActDateInvalid(const char* field) {
  return Refusal(StatusCode::kFailedPrecondition, "ACT_DATE_INVALID",
                 "The act cannot be dated before the last act that it rests on, or in the future.")
      .Precondition("ACT_DATE", field,
                    "from the day of what was proposed, concluded or examined last to today")
      .Cite(ApprovalOfTheMap());
}

absl::Status EffectiveBeforeInclusion() {
  return Refusal(StatusCode::kFailedPrecondition, "EFFECTIVE_BEFORE_INCLUSION",
                 "A change cannot take effect before the project was on the map.")
      .Precondition("EFFECTIVE_FROM", "effective_from", "the day of inclusion or later is needed")
      .Cite(RulesOfTheMap());
}

absl::Status GroundNotMet() {
  return Refusal(StatusCode::kFailedPrecondition, "GROUND_NOT_MET",
                 "The reports do not show the capacity in use for as long as this ground needs.")
      .Precondition("GROUND", "exclusion_ground", "quarters in a row, each reported and loaded")
      .Cite(Methodology());
}

absl::Status RefusalOfOthers() {
  return Refusal(StatusCode::kPermissionDenied, "GROUND_OF_THE_OWNER",
                 "Only the owner can give a project up.")
      .Cite(RulesOfTheMap());
}

absl::Status ConclusionUnknown() {
  return Refusal(
             StatusCode::kFailedPrecondition, "CONCLUSION_UNKNOWN",
             "The review has no such conclusion, or another body has to tell the applicant of it.")
      .Precondition("CONCLUSION", "conclusion", "one that the caller's body gave is needed")
      .Cite(RulesOfTheMap());
}

absl::Status InformedAlready() {
  return Refusal(StatusCode::kFailedPrecondition, "INFORMED_ALREADY",
                 "The applicant has already been told of this conclusion.")
      .Precondition("CONCLUSION", "conclusion", "one that the applicant was not told of")
      .Cite(RulesOfTheMap());
}

absl::Status InformedTooEarly() {
  return Refusal(StatusCode::kInvalidArgument, "INFORMED_TOO_EARLY",
                 "The applicant cannot be told of a conclusion before it is made.")
      .Field("inform_date", "must not be before the day of the conclusion")
      .Cite(RulesOfTheMap());
}

absl::Status DateInFuture(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "DATE_IN_FUTURE", "The date lies in the future.")
      .Field(field, "must not be in the future")
      .Cite(Methodology());
}

absl::Status NotResponsible() {
  return Refusal(StatusCode::kPermissionDenied, "NOT_RESPONSIBLE",
                 "Another body is, or was on that day, responsible for the project.")
      .Cite(QuarterlyReports());
}

absl::Status MilestoneKind() {
  return Refusal(StatusCode::kInvalidArgument, "MILESTONE_KIND",
                 "Another method records commissioning.")
      .Field("kind", "must not be COMMISSIONING: see CommissionProject")
      .Cite(Methodology());
}

absl::Status MilestoneReached() {
  return Refusal(StatusCode::kFailedPrecondition, "MILESTONE_REACHED",
                 "This milestone is already recorded.")
      .Precondition("MILESTONE", "kind", "one that was not reached yet")
      .Cite(Methodology());
}

absl::Status MilestoneNotReached() {
  return Refusal(StatusCode::kFailedPrecondition, "MILESTONE_NOT_REACHED",
                 "This milestone is not recorded, so there is nothing to correct.")
      .Precondition("MILESTONE", "kind", "one that is recorded as reached")
      .Cite(QuarterlyReports());
}

absl::Status QuarterNotEnded() {
  return Refusal(StatusCode::kFailedPrecondition, "QUARTER_NOT_ENDED",
                 "A report on a quarter can be filed only when the quarter is over.")
      .Precondition("QUARTER", "report.quarter", "one that has ended")
      .Cite(QuarterlyReports());
}

absl::Status NotOnMap(const std::string& quarter) {
  return Refusal(StatusCode::kFailedPrecondition, "NOT_ON_MAP",
                 "The project was not carried out on the map on the last day of the quarter.")
      .With("quarter", quarter)
      .Precondition("NOT_ON_MAP", quarter, "a quarter that ended with the project on the map")
      .Cite(QuarterlyReports());
}

absl::Status ReportExists(const std::string& name) {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                 "There is a report on this quarter already: correct that one.")
      .Resource("reports", name);
}

absl::Status SourcesMismatch() {
  return Refusal(StatusCode::kInvalidArgument, "SOURCES_MISMATCH",
                 "The sums of investment by use and by source differ.")
      .Field("report.administrative_data.sources", "must add up to the three sums used")
      .Cite(Methodology());
}

absl::Status LoadBeforeCommissioning(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "LOAD_BEFORE_COMMISSIONING",
                 "A project that is not commissioned has no load and no output.")
      .Field(absl::StrCat("report.administrative_data.", field), "must be empty")
      .Cite(Methodology());
}

absl::Status ForecastAfterCommissioning() {
  return Refusal(StatusCode::kInvalidArgument, "FORECAST_AFTER_COMMISSIONING",
                 "A commissioned project needs no forecast of commissioning.")
      .Field("report.forecast_commissioning_date", "must be absent")
      .Cite(Methodology());
}

absl::Status CumulativeFell(const std::string& field, const std::string& quarter) {
  return Refusal(StatusCode::kFailedPrecondition, "CUMULATIVE_FELL",
                 "A cumulative figure cannot fall from quarter to quarter.")
      .With("field", field)
      .With("quarter", quarter)
      .Precondition("CUMULATIVE", field, absl::StrCat("correct the report of ", quarter, " first"))
      .Cite(Methodology());
}

absl::Status CorrectionEmpty(const std::string& what) {
  return Refusal(StatusCode::kFailedPrecondition, "CORRECTION_EMPTY", "Nothing would change.")
      .Precondition("CORRECTION_EMPTY", what, "something must differ from what is recorded")
      .Cite(QuarterlyReports());
}

absl::Status PositionInvalid(const std::string& why) {
  return Refusal(StatusCode::kFailedPrecondition, "POSITION_INVALID",
                 "The map cannot be approved as of that position.")
      .Precondition("POSITION", "edition.position", why)
      .Cite(ApprovalOfTheMap());
}

absl::Status MapEmpty() {
  return Refusal(StatusCode::kFailedPrecondition, "MAP_EMPTY",
                 "No project was on the map at that position.")
      .Precondition("MAP_EMPTY", "edition.position", "a map with projects")
      .Cite(ApprovalOfTheMap());
}

absl::Status BoxInvalid(const std::string& field) {
  return Refusal(StatusCode::kInvalidArgument, "BOX_INVALID",
                 "The corners do not make a rectangle.")
      .Field(field, "lies on the wrong side of its opposite edge")
      .Cite(UnifiedMap());
}

absl::Status AlreadyImported(const std::string& name) {
  return Refusal(StatusCode::kAlreadyExists, "ALREADY_IMPORTED",
                 "A project with this number on the earlier map was imported already.")
      .With("project", name)
      .Resource("projects", name);
}

absl::Status PlaceUnknown(const std::string& field, const std::string& kato) {
  return Refusal(StatusCode::kInvalidArgument, "PLACE_UNKNOWN",
                 "The classifier of places has no such place on that day.")
      .With("kato", kato)
      .Field(field, "is not in the classifier on that day")
      .Cite(UnifiedMap());
}

absl::Status PlaceWithoutParent(const std::string& kato) {
  return Refusal(StatusCode::kInvalidArgument, "PLACE_WITHOUT_PARENT",
                 "The place lies in no place that is in force on that day.")
      .With("kato", kato)
      .Field("kato", "has no place around it on that day")
      .Cite(UnifiedMap());
}

absl::Status PlaceTwice(const std::string& kato) {
  return Refusal(StatusCode::kInvalidArgument, "PLACE_TWICE", "A place is in the file twice.")
      .With("kato", kato)
      .Field("kato", "came before")
      .Cite(UnifiedMap());
}

absl::Status ClassifierOutdated(base::Date later) {
  return Refusal(StatusCode::kFailedPrecondition, "CLASSIFIER_OUTDATED",
                 "A classifier of a later day was imported already: import them in the order of "
                 "their days.")
      .With("later", later.ToString())
      .Precondition("CLASSIFIER", "effective_date",
                    absl::StrCat("must not be before ", later.ToString()))
      .Cite(UnifiedMap());
}

absl::Status ProjectUnknown(const std::string& name) {
  return Refusal(StatusCode::kInvalidArgument, "PROJECT_UNKNOWN",
                 "The caller is responsible for no such project.")
      .With("project", name)
      .Field("project", "is none that the caller answers for")
      .Cite(QuarterlyReports());
}

}  // namespace nisi::industry_map::errors
