#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "common/cases/rows.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/offers.h"
#include "services/suppliers/roles.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using EvidenceStep = cases::Step<EvidenceRow>;

bool IsPublished(const Evidence& evidence) {
  return evidence.state() == Evidence::CONFIRMED;
}

// From now on it counts: its owner hears in time that it runs out.
absl::Status ScheduleWarning(const Env& env, store::Tx& tx, const EvidenceRow& row) {
  ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(row.evidence().valid_until()));
  ASSIGN_OR_RETURN(const int64_t days, env.norms->Int("suppliers.evidence.warn_days", tx.today()));
  tx.Schedule(last.AddDays(-days).StartOfDay(), kWarnEvidenceTimer, absl::StrCat(row.number()));
  return absl::OkStatus();
}

// Ends a step that holds from a day on, today or past, through every version since: so the record
// as of each day says of the paper what is judged of that day.
absl::Status FinishFrom(const Env& env, store::Tx& tx, EvidenceStep* step, base::Date from) {
  const std::string key(store::Key::Of(step->row.number()).bytes());
  ASSIGN_OR_RETURN(const auto versions, tx.Versions(kEvidence, key, from));
  std::set<base::Date> later;
  for (const store::RawRow& version : versions)
    if (version.version.effective_from > from) later.insert(version.version.effective_from);
  step->day = from;
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEvidence, step));
  for (const base::Date day : later) RETURN_IF_ERROR(tx.Put(kEvidence, &step->row, day));
  return absl::OkStatus();
}

// Of what is confirmed: its own first day, or today where it is to begin.
absl::StatusOr<base::Date> FirstDay(const Evidence& evidence, base::Date today) {
  ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(evidence.valid_from()));
  return std::min(first, today);
}

// Whether the paper was not confirmed before, of whomever.
absl::Status CheckPaper(const store::Tx& tx, const Evidence& evidence) {
  ASSIGN_OR_RETURN(const auto known, tx.FindUnique(kEvidenceByPaper, PaperKey(evidence)));
  return known.has_value() ? errors::EvidenceExists() : absl::OkStatus();
}

// The same paper of the same supplier. A claim that was revoked before anybody confirmed it is
// none: the paper may be entered again.
absl::StatusOr<std::optional<EvidenceRow>> OwnPaper(const store::Tx& tx, const Evidence& told) {
  std::optional<EvidenceRow> own;
  RETURN_IF_ERROR(
      tx.Scan(kEvidenceByOwner, {OwnPaperKey(told), ""}, {},
              [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<EvidenceRow>(view));
                if (stored.row.confirmed() || stored.row.evidence().state() != Evidence::REVOKED)
                  own = std::move(stored.row);
                return !own.has_value();
              }));
  return own;
}

// The step that entering it is: the supplier claims it, the institute records it, and what the
// supplier has claimed already is confirmed by that.
absl::StatusOr<EvidenceStep> BeginEntry(const store::Tx& tx, const Call& call,
                                        const Evidence& told) {
  ASSIGN_OR_RETURN(const auto supplier, tx.Find(kSuppliers, store::Key::Of(told.bin())));
  if (!supplier.has_value()) return rpc::Missing(call, kSuppliers.name, SupplierName(told.bin()));
  ASSIGN_OR_RETURN(std::optional<EvidenceRow> own, OwnPaper(tx, told));
  const bool confirms = own.has_value() && own->evidence().state() == Evidence::ADDED &&
                        call.caller->Has(rpc::v1::INSTITUTE_LOCAL_CONTENT);
  EvidenceRow row;
  if (own.has_value()) row = *std::move(own);
  // Its own BIN, as the policy says, or anybody's by the institute.
  ASSIGN_OR_RETURN(
      EvidenceStep step,
      cases::Begin(call, EvidenceMachine(), confirms ? EvidenceVerb::kConfirm : EvidenceVerb::kAdd,
                   std::move(row), {.roles = call.caller->roles}));
  if (!step.allowed.single()) RETURN_IF_ERROR(step.Lead(Evidence::CONFIRMED));
  if (step.edge->to == Evidence::CONFIRMED) RETURN_IF_ERROR(CheckPaper(tx, told));
  return step;
}

}  // namespace

absl::Status JudgeEvidence(const store::Tx& tx, const Call& call, const Evidence& told) {
  ASSIGN_OR_RETURN(const EvidenceStep step, BeginEntry(tx, call, told));
  if (step.row.number() != 0) return absl::OkStatus();  // is there already
  ASSIGN_OR_RETURN(const int64_t count,
                   cases::CountIn(tx, kEvidenceCounts, store::Key::Of(told.bin())));
  return count < kMaxEvidence ? absl::OkStatus() : errors::EvidenceTooMany(kMaxEvidence);
}

absl::StatusOr<v1::Evidence> AddEvidence(Env& env, const Call& call, store::Tx& tx,
                                         const v1::AddEvidenceRequest& request) {
  RETURN_IF_ERROR(JudgeEvidence(tx, call, request.evidence()));
  return EnterEvidence(env, call, tx, request.evidence(), "evidence.");
}

absl::StatusOr<v1::Evidence> EnterEvidence(const Env& env, const Call& call, store::Tx& tx,
                                           const Evidence& told, absl::string_view root) {
  ASSIGN_OR_RETURN(EvidenceStep step, BeginEntry(tx, call, told));
  Evidence& evidence = *step.row.mutable_evidence();
  const bool claimed = step.row.number() != 0;
  const std::string added_by = claimed ? evidence.added_by() : step.subject;
  if (!claimed) {
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("evidence"));
    step.row.set_number(number);
  }
  evidence = told;  // what the institute enters stands, whatever was claimed
  evidence.set_name(EvidenceName(step.row.number()));
  evidence.set_etag(tx.etag());  // the version that the decision says its facts are of
  evidence.set_added_by(added_by);
  ASSIGN_OR_RETURN(*evidence.mutable_decision(), DecideTerm(evidence, *env.norms, root));
  evidence.mutable_decision()->mutable_decide_time()->set_seconds(absl::ToUnixSeconds(call.now));
  ASSIGN_OR_RETURN(const base::Date last, base::Date::Parse(evidence.decision().outcome()));
  *evidence.mutable_valid_until() = last.ToProto();
  if (step.edge->to != Evidence::CONFIRMED) {
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEvidence, &step));
    return evidence;
  }
  step.row.set_confirmed(true);
  evidence.set_decided_by(step.subject);
  RETURN_IF_ERROR(ScheduleWarning(env, tx, step.row));
  ASSIGN_OR_RETURN(const base::Date first, FirstDay(evidence, tx.today()));
  RETURN_IF_ERROR(FinishFrom(env, tx, &step, first));
  if (claimed) RETURN_IF_ERROR(RefreshOffers(tx, evidence, first));  // offers may name it
  return evidence;
}

absl::StatusOr<v1::Evidence> ConfirmEvidence(Env& env, const Call& call, store::Tx& tx,
                                             const v1::ConfirmEvidenceRequest& request) {
  ASSIGN_OR_RETURN(EvidenceStep step,
                   BeginEvidence(tx, call, request.name(), request.etag(), EvidenceVerb::kConfirm));
  RETURN_IF_ERROR(CheckPaper(tx, step.row.evidence()));
  step.row.set_confirmed(true);
  step.row.mutable_evidence()->set_decided_by(step.subject);
  RETURN_IF_ERROR(ScheduleWarning(env, tx, step.row));
  ASSIGN_OR_RETURN(const base::Date first, FirstDay(step.row.evidence(), tx.today()));
  RETURN_IF_ERROR(FinishFrom(env, tx, &step, first));
  RETURN_IF_ERROR(RefreshOffers(tx, step.row.evidence(), first));
  return step.row.evidence();
}

absl::StatusOr<v1::Evidence> RevokeEvidence(Env& env, const Call& call, store::Tx& tx,
                                            const v1::RevokeEvidenceRequest& request) {
  ASSIGN_OR_RETURN(EvidenceStep step,
                   BeginEvidence(tx, call, request.name(), request.etag(), EvidenceVerb::kRevoke));
  Evidence& evidence = *step.row.mutable_evidence();
  base::Date day = tx.today();
  if (request.has_revoke_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.revoke_date()));
  }
  const bool owner = (step.roles & ~kEntity) == 0;
  ASSIGN_OR_RETURN(
      *evidence.mutable_revocation(),
      DecideRevocation(step.row, day, owner, request.reason(), tx.etag(), tx.today(), *env.norms));
  evidence.mutable_revocation()->mutable_decide_time()->set_seconds(absl::ToUnixSeconds(call.now));
  ASSIGN_OR_RETURN(const base::Date from, base::Date::Parse(evidence.revocation().outcome()));
  *evidence.mutable_revoke_date() = from.ToProto();
  evidence.set_reason(request.reason());
  evidence.set_decided_by(step.subject);
  if (!step.row.confirmed()) {
    // It has counted on no day and given no offer a value; that it was claimed until today is so.
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kEvidence, &step));
    return evidence;
  }
  RETURN_IF_ERROR(FinishFrom(env, tx, &step, from));
  RETURN_IF_ERROR(RefreshOffers(tx, evidence, from));
  return evidence;
}

absl::StatusOr<v1::ReplayEvidenceDecisionResponse> ReplayEvidenceDecision(
    Env& env, Call& call, const v1::ReplayEvidenceDecisionRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "evidence/*"));
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(view, call, kEvidence, store::Key::Of(number),
                                                  request.name(), nullptr, at));
  const Evidence& evidence = found.row.evidence();
  if (request.revocation() && !evidence.has_revocation())
    return cases::DecisionMissing(errors::Examination());
  const auto& stored = request.revocation() ? evidence.revocation() : evidence.decision();
  ASSIGN_OR_RETURN(auto answer, cases::ReplayAnswer<v1::ReplayEvidenceDecisionResponse>(
                                    stored, request.revocation() ? ReplayRevocation : ReplayTerm));
  answer.set_name(evidence.name());
  answer.set_bin(evidence.bin());
  return answer;
}

absl::StatusOr<Encoded<v1::Evidence>> GetEvidence(Env& env, Call& call,
                                                  const v1::GetEvidenceRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "evidence/*"));
  return GetOfSupplier<Evidence>(env, call, kEvidence, store::Key::Of(number), request,
                                 IsPublished);
}

absl::StatusOr<Encoded<v1::ListEvidenceResponse>> ListEvidence(
    Env& env, Call& call, const v1::ListEvidenceRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kEvidence, request, call));
  plan.indexes = {{"bin", &kEvidenceBySupplier,
                   [](const std::string& bin) { return std::optional(store::Key::Of(bin)); }}};
  plan.orders = {{"number"}, {"valid_until", &kEvidenceByLastDay, {}}};
  std::optional<base::Date> valid_on;
  if (request.has_valid_on()) {
    ASSIGN_OR_RETURN(valid_on, base::Date::FromProto(request.valid_on()));
  }
  ShowOfSupplier<Evidence>(
      call, IsPublished,
      [code = request.ens_tru(), valid_on](const Evidence& evidence) {
        if (valid_on.has_value()) {
          EvidenceRow row;  // who was confirmed once and is not revoked is CONFIRMED
          *row.mutable_evidence() = evidence;
          row.set_confirmed(evidence.state() != Evidence::ADDED);
          const auto days = CountsOn(row);
          if (!days.has_value() || !days->Has(*valid_on)) return false;
        }
        if (code.empty()) return true;
        for (const Evidence::Cover& cover : evidence.covers()) {
          if (cover.ens_tru() == code) return true;
        }
        return false;
      },
      &plan);
  return rpc::ListAs<v1::ListEvidenceResponse>(*env.store, plan);
}

namespace {

// What says first, in order of the register, that a code was made by a day: entries in the register
// of producers, then certificates; whether an offer rests on them or not, since whoever ends an
// offer made its goods all the same.
absl::Status FindProduction(const store::View& view, base::Date day,
                            v1::CheckProductionResponse::Result* result) {
  const store::Range range{store::Key::Of(result->ens_tru()), ""};
  for (const auto* index : {&kEvidenceByEnsTru, &kCertificatesByEnsTru}) {
    RETURN_IF_ERROR(
        view.Scan(*index, range, {},
                  [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EvidenceRow>(row));
                    const auto days = CountsOn(stored.row);
                    if (!days.has_value() || days->first > day) return true;
                    result->set_made(true);
                    result->set_source(stored.row.evidence().name());
                    result->set_version(stored.row.evidence().etag());
                    *result->mutable_since() = days->first.ToProto();
                    return false;
                  }));
    if (result->made()) break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::CheckProductionResponse> CheckProduction(
    Env& env, Call& call, const v1::CheckProductionRequest& request) {
  base::Date day = call.today();
  if (request.has_on_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.on_date()));
  }
  const store::View view = env.store->Read();
  v1::CheckProductionResponse response;
  for (const std::string& code : request.ens_tru()) {
    auto* result = response.add_results();
    result->set_ens_tru(code);
    RETURN_IF_ERROR(FindProduction(view, day, result));
  }
  *response.mutable_on_date() = day.ToProto();
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  response.set_position(position);
  *response.mutable_legal_basis() = errors::NewProduction();
  return response;
}

absl::StatusOr<v1::CheckDomesticResponse> CheckDomestic(Env& env, Call& call,
                                                        const v1::CheckDomesticRequest& request) {
  base::Date day = call.today();
  if (request.has_on_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.on_date()));
  }
  std::optional<int64_t> known_at;
  if (request.has_known_at()) {
    known_at = request.known_at().seconds() * 1'000'000 + request.known_at().nanos() / 1'000;
  }
  const store::View view = env.store->Read(call.reach);
  Books books(view, known_at);
  v1::CheckDomesticResponse response;
  const auto answer = [&](const std::string& bin, base::Date on_date) -> absl::Status {
    ASSIGN_OR_RETURN(const Supplier* supplier, books.SupplierOn(bin, on_date));
    ASSIGN_OR_RETURN(const std::vector<EvidenceRow>* evidence, books.EvidenceOf(bin));
    auto* result = response.add_results();
    *result = Domestic(bin, supplier, *evidence, request.ens_tru(), on_date, *env.norms);
    *result->mutable_on_date() = on_date.ToProto();
    return absl::OkStatus();
  };
  for (const std::string& bin : request.bins()) RETURN_IF_ERROR(answer(bin, day));
  for (const auto& question : request.questions()) {
    ASSIGN_OR_RETURN(const base::Date on_date, base::Date::FromProto(question.on_date()));
    RETURN_IF_ERROR(answer(question.bin(), on_date));
  }
  *response.mutable_on_date() = day.ToProto();
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  response.set_position(position);
  *response.mutable_legal_basis() = errors::DomesticProducers();
  return response;
}

}  // namespace nisi::suppliers
