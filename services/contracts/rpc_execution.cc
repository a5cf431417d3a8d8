// Additional conditions, pledges, years assessed, penalties and reports.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/norms/term.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

using base::Money;

constexpr size_t kMaxPledges = 20;
constexpr int kMaxProofs = 50;  // of one condition: they lie in the contract

// The condition of the contract: OFFSET_UNKNOWN.
absl::StatusOr<Offset*> OffsetIn(Contract* contract, int32_t number) {
  if (number < 1 || number > contract->offsets_size()) return errors::OffsetUnknown("offset");
  return contract->mutable_offsets(number - 1);
}

absl::Status OffsetStateRefusal(const Offset& offset, const char* needed) {
  return errors::OffsetState("offset", Offset::State_Name(offset.state()), needed);
}

absl::Status CloseOffset(store::Tx& tx, const Contract& contract, int32_t number,
                         cases::Deadline::State state) {
  const std::string record = ChildName(contract.name(), "offsets", number);
  RETURN_IF_ERROR(CloseDeadlinesOf(tx, record, kOffsetDeadline, state));
  return CloseDeadlinesOf(tx, record, kCureDeadline, state);
}

// The earliest proof that waits for the customer; null: none.
Offset::Proof* WaitingProof(Offset* offset) {
  for (Offset::Proof& proof : *offset->mutable_proofs()) {
    if (!proof.has_accepted()) return &proof;
  }
  return nullptr;
}

// That much of a proof is accepted.
absl::Status TakeProof(const google::type::Money& accepted, const std::string& remark,
                       Offset::Proof* proof, Offset* offset) {
  ASSIGN_OR_RETURN(const Money before, Money::FromProto(offset->accepted()));
  ASSIGN_OR_RETURN(const Money more, Money::FromProto(accepted));
  ASSIGN_OR_RETURN(const Money all, before.Add(more));
  *proof->mutable_accepted() = accepted;
  proof->set_remark(remark);
  *offset->mutable_accepted() = all.ToProto();
  return absl::OkStatus();
}

// Whoever is to gain by a penalty does not bring it about by silence: proofs that came in time and
// that the customer has not answered count.
absl::Status TakeUnanswered(base::Date last_day, Offset* offset) {
  for (Offset::Proof& proof : *offset->mutable_proofs()) {
    ASSIGN_OR_RETURN(const base::Date proven_on, base::Date::FromProto(proof.prove_date()));
    if (proof.has_accepted() || proven_on > last_day) continue;
    RETURN_IF_ERROR(TakeProof(proof.value(), "NOT_ANSWERED", &proof, offset));
  }
  return absl::OkStatus();
}

// To whom the contract is pledged sees an amendment that waits.
absl::Status ShowWaiting(store::Tx& tx, const Contract& contract) {
  ASSIGN_OR_RETURN(auto open, tx.FindUnique(kOpenAmendments, store::Key::Of(contract.name())));
  if (!open.has_value()) return absl::OkStatus();
  *open->row.mutable_amendment()->mutable_pledgees() = contract.pledgees();
  return tx.Put(kAmendments, &open->row);
}

// Whether a year came to the same, whatever version of the contract says so.
bool SaysTheSame(v1::YearBalance before, v1::YearBalance after) {
  if (before.decision().outcome() != after.decision().outcome()) return false;
  before.clear_decision();
  after.clear_decision();
  return before.SerializeAsString() == after.SerializeAsString();
}

// Brings what is owed for the year to what the assessment found: what was settled stays so, what is
// due is replaced where it is another sum.
absl::Status BringPenalty(const Env& env, store::Tx& tx, const Contract& contract, int32_t year,
                          v1::Assessment* assessment) {
  ASSIGN_OR_RETURN(const Money found, Money::FromProto(assessment->balance().penalty()));
  ASSIGN_OR_RETURN(std::vector<PenaltyRow> rows,
                   cases::AllOf(tx, kPenalties, store::Key::Of(contract.name())));
  int64_t settled = 0, due = 0;
  std::string last_settled;
  for (const PenaltyRow& row : rows) {
    const Penalty& penalty = row.penalty();
    if (penalty.year() != year || penalty.state() == Penalty::REPLACED) continue;
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(penalty.amount()));
    const bool is_due = penalty.state() == Penalty::DUE;
    (is_due ? due : settled) += amount.tiyn();
    if (!is_due) last_settled = penalty.name();
  }
  const int64_t owed = std::max<int64_t>(0, found.tiyn() - settled);
  if (owed == due) return absl::OkStatus();
  for (PenaltyRow& row : rows) {
    if (row.penalty().year() != year || row.penalty().state() != Penalty::DUE) continue;
    ASSIGN_OR_RETURN(auto step,
                     cases::BeginByItself(PenaltyMachine(), PenaltyVerb::kReplace, std::move(row)));
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kPenalties, &step));
  }
  assessment->set_penalty(last_settled);
  if (owed == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Money amount, Money::FromTiyn(owed));
  Penalty penalty;
  penalty.set_debtor(contract.customer());
  penalty.set_creditor(contract.supplier());
  penalty.set_year(year);
  *penalty.mutable_amount() = amount.ToProto();
  ASSIGN_OR_RETURN(*assessment->mutable_penalty(),
                   OpenPenalty(tx, contract.name(), std::move(penalty)));
  return absl::OkStatus();
}

using PledgeStep = cases::Step<PledgeRow>;
// A step of a pledge by its pledgee.
absl::StatusOr<PledgeStep> BeginPledge(const store::Tx& tx, const Call& call, PledgeVerb verb,
                                       const std::string& name, const std::string& etag) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(name, "contracts/*/pledges/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kPledges, key, name));
  const uint32_t roles = call.caller->bin == found.row.pledge().pledgee() ? found.roles : 0;
  return cases::Begin(call, PledgeMachine(), verb, std::move(found.row),
                      {.roles = roles, .etag = etag});
}

}  // namespace

absl::StatusOr<v1::Contract> ProveOffset(Env& env, const Call& call, store::Tx& tx,
                                         const v1::ProveOffsetRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step,
                   BeginContract(tx, call, ContractVerb::kProve, request.name(), request.etag()));
  Contract& contract = *step.row.mutable_contract();
  ASSIGN_OR_RETURN(Offset * offset, OffsetIn(&contract, request.offset()));
  // The customer's silence on one does not keep the supplier from proving the rest in time.
  if (offset->state() != Offset::OPEN && offset->state() != Offset::PROVEN) {
    return OffsetStateRefusal(*offset, "OPEN or PROVEN is needed");
  }
  if (offset->proofs_size() >= kMaxProofs) {
    return OffsetStateRefusal(*offset, "fewer than 50 proofs are needed");
  }
  ASSIGN_OR_RETURN(const Money value, Money::FromProto(request.value()));
  if (value.is_zero()) return errors::AmountZero("value");
  Offset::Proof& proof = *offset->add_proofs();
  *proof.mutable_value() = request.value();
  *proof.mutable_documents() = request.documents();
  *proof.mutable_prove_date() = tx.today().ToProto();
  offset->set_state(Offset::PROVEN);
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return contract;
}

absl::StatusOr<v1::Contract> AcceptOffset(Env& env, const Call& call, store::Tx& tx,
                                          const v1::AcceptOffsetRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step, BeginContract(tx, call, ContractVerb::kAcceptOffset,
                                                    request.name(), request.etag()));
  Contract& contract = *step.row.mutable_contract();
  ASSIGN_OR_RETURN(Offset * offset, OffsetIn(&contract, request.offset()));
  Offset::Proof* proof = WaitingProof(offset);
  if (offset->state() != Offset::PROVEN || proof == nullptr) {
    return OffsetStateRefusal(*offset, "PROVEN is needed");
  }
  ASSIGN_OR_RETURN(const Money proven, Money::FromProto(proof->value()));
  ASSIGN_OR_RETURN(const Money accepted, Money::FromProto(request.accepted()));
  if (accepted > proven) return errors::AcceptedOverProven();
  if (accepted < proven && request.remark().empty()) return errors::RemarkMissing();
  RETURN_IF_ERROR(TakeProof(request.accepted(), request.remark(), proof, offset));
  ASSIGN_OR_RETURN(const Money all, Money::FromProto(offset->accepted()));
  ASSIGN_OR_RETURN(const Money value, Money::FromProto(offset->value()));
  const bool fulfilled = all >= value;
  offset->set_state(fulfilled                         ? Offset::FULFILLED
                    : WaitingProof(offset) != nullptr ? Offset::PROVEN
                                                      : Offset::OPEN);
  if (fulfilled) {
    RETURN_IF_ERROR(CloseOffset(tx, contract, request.offset(), cases::Deadline::DONE));
  }
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return contract;
}

absl::StatusOr<v1::Contract> AssessOffset(Env& env, const Call& call, store::Tx& tx,
                                          const v1::AssessOffsetRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step, BeginContract(tx, call, ContractVerb::kAssessOffset,
                                                    request.name(), request.etag()));
  Contract& contract = *step.row.mutable_contract();
  ASSIGN_OR_RETURN(Offset * offset, OffsetIn(&contract, request.offset()));
  if (offset->state() != Offset::OPEN && offset->state() != Offset::PROVEN) {
    return OffsetStateRefusal(*offset, "OPEN or PROVEN is needed");
  }
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(offset->due_date()));
  ASSIGN_OR_RETURN(const norms::Term cure,
                   norms::TermOf(*env.norms, "contracts.offset_cure_days", due));
  if (tx.today() <= cure.last_day) return errors::CureRunning(cure.last_day);
  if (offset->state() == Offset::PROVEN) {
    RETURN_IF_ERROR(TakeUnanswered(cure.last_day, offset));
  }
  Penalty penalty;
  ASSIGN_OR_RETURN(
      *penalty.mutable_decision(),
      JudgeOffset(*offset, {contract.name(), contract.etag()}, *env.norms, tx.today()));
  cases::SetDecideTime(tx, penalty.mutable_decision());
  ASSIGN_OR_RETURN(const Money amount, Money::Parse(penalty.decision().outcome()));
  penalty.set_debtor(contract.supplier());
  penalty.set_creditor(contract.customer());
  penalty.set_offset(request.offset());
  *penalty.mutable_amount() = amount.ToProto();
  const bool fulfilled = FirstUnsatisfied(penalty.decision()) == nullptr;
  if (!amount.is_zero()) {
    RETURN_IF_ERROR(OpenPenalty(tx, contract.name(), std::move(penalty)).status());
  }
  offset->set_state(fulfilled ? Offset::FULFILLED : Offset::PENALIZED);
  RETURN_IF_ERROR(CloseOffset(tx, contract, request.offset(),
                              fulfilled ? cases::Deadline::DONE : cases::Deadline::CANCELLED));
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  return contract;
}

absl::StatusOr<v1::Pledge> PledgeContract(Env& env, const Call& call, store::Tx& tx,
                                          const v1::PledgeContractRequest& request) {
  ASSIGN_OR_RETURN(ContractStep step,
                   BeginContract(tx, call, ContractVerb::kPledge, request.parent(), ""));
  Contract& contract = *step.row.mutable_contract();
  if (contract.type() != v1::OFF_TAKE) return errors::NotOffTake();
  PledgeRow row;
  Pledge& pledge = *row.mutable_pledge();
  pledge = request.pledge();
  if (pledge.pledgee() == contract.customer() || pledge.pledgee() == contract.supplier()) {
    return errors::PledgeeIsParty();
  }
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(pledge.agreement_date()));
  ASSIGN_OR_RETURN(const base::Date signed_on, base::Date::FromProto(contract.sign_date()));
  if (day > tx.today() || day < signed_on) return errors::PledgeDateInvalid();
  ASSIGN_OR_RETURN(const std::vector<PledgeRow> active, ActivePledges(tx, contract.name()));
  for (const PledgeRow& one : active) {
    if (one.pledge().pledgee() == pledge.pledgee()) return errors::PledgeExists();
  }
  if (active.size() >= kMaxPledges) return errors::PledgesTooMany();
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("pledges/", contract.name())));
  row.set_contract(contract.name());
  row.set_number(static_cast<int32_t>(number));
  pledge.set_name(ChildName(contract.name(), "pledges", row.number()));
  pledge.set_state(Pledge::ACTIVE);
  pledge.set_customer(contract.customer());
  pledge.set_supplier(contract.supplier());
  RETURN_IF_ERROR(tx.Put(kPledges, &row));
  contract.add_pledgees(pledge.pledgee());
  RETURN_IF_ERROR(FinishContract(env, tx, &step));
  RETURN_IF_ERROR(ShowWaiting(tx, contract));
  return pledge;
}

absl::StatusOr<v1::Pledge> ReleasePledge(Env& env, const Call& call, store::Tx& tx,
                                         const v1::ReleasePledgeRequest& request) {
  ASSIGN_OR_RETURN(PledgeStep step,
                   BeginPledge(tx, call, PledgeVerb::kRelease, request.name(), request.etag()));
  const Pledge& pledge = step.row.pledge();
  ASSIGN_OR_RETURN(ContractRow row,
                   cases::Need(tx, kContracts, store::Key::Of(step.row.contract())));
  auto& pledgees = *row.mutable_contract()->mutable_pledgees();
  pledgees.erase(std::remove(pledgees.begin(), pledgees.end(), pledge.pledgee()), pledgees.end());
  RETURN_IF_ERROR(tx.Put(kContracts, &row));
  RETURN_IF_ERROR(ShowWaiting(tx, row.contract()));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kPledges, &step));
  return pledge;
}

absl::StatusOr<v1::Pledge> Consent(Env& env, const Call& call, store::Tx& tx,
                                   const v1::ConsentRequest& request) {
  ASSIGN_OR_RETURN(PledgeStep step,
                   BeginPledge(tx, call, PledgeVerb::kConsent, request.name(), request.etag()));
  Pledge& pledge = *step.row.mutable_pledge();
  if (request.amendment().empty()) {
    ASSIGN_OR_RETURN(const ContractRow of,
                     cases::Need(tx, kContracts, store::Key::Of(step.row.contract())));
    if (of.contract().termination_signatures().empty()) return errors::TerminationNotSigned();
    pledge.set_consents_to_termination(!request.withdraw());
  } else {
    ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.amendment(), "contracts/*/amendments/*"));
    if (ParentOf(request.amendment()) != step.row.contract()) {
      return base::InvalidField("amendment", "is of another contract");
    }
    ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kAmendments, key, request.amendment()));
    ASSIGN_OR_RETURN(auto consented, cases::Begin(call, AmendmentMachine(), AmendmentVerb::kConsent,
                                                  std::move(found.row), {.roles = found.roles}));
    Amendment& amendment = *consented.row.mutable_amendment();
    auto& consents = *amendment.mutable_consents();
    consents.erase(std::remove(consents.begin(), consents.end(), pledge.name()), consents.end());
    if (!request.withdraw()) amendment.add_consents(pledge.name());
    RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kAmendments, &consented));
  }
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kPledges, &step));
  return pledge;
}

absl::StatusOr<v1::Assessment> AssessYear(Env& env, const Call& call, store::Tx& tx,
                                          const v1::AssessYearRequest& request) {
  ASSIGN_OR_RETURN(const ContractStep step,
                   BeginContract(tx, call, ContractVerb::kAssess, request.parent(), ""));
  const Contract& contract = step.row.contract();
  const int32_t year = request.year();
  RETURN_IF_ERROR(TermsIn(contract, year, "year").status());
  if (!contract.has_sign_date() ||
      (contract.has_terminate_date() && year > contract.terminate_date().year())) {
    return errors::YearUnknown("year");
  }
  if (tx.today().year() <= year) return errors::YearNotOver(year);
  ASSIGN_OR_RETURN(auto known, tx.Find(kAssessments, store::Key::Of(contract.name(), year)));
  AssessmentRow row;
  if (known.has_value()) row = std::move(known->row);
  row.set_contract(contract.name());
  row.set_year(year);
  v1::Assessment& assessment = *row.mutable_assessment();
  assessment.set_name(ChildName(contract.name(), "assessments", year));
  assessment.set_customer(contract.customer());
  assessment.set_supplier(contract.supplier());
  ASSIGN_OR_RETURN(v1::YearBalance balance, YearOver(env, tx, contract, year));
  if (known.has_value() && SaysTheSame(assessment.balance(), balance)) {
    return errors::YearAssessed(year);
  }
  *assessment.mutable_balance() = std::move(balance);
  cases::SetDecideTime(tx, assessment.mutable_balance()->mutable_decision());
  RETURN_IF_ERROR(BringPenalty(env, tx, contract, year, &assessment));
  RETURN_IF_ERROR(
      CloseDeadlinesOf(tx, assessment.name(), kAssessmentDeadline, cases::Deadline::DONE));
  tx.Cite(errors::Monitoring());
  RETURN_IF_ERROR(tx.Put(kAssessments, &row));
  return assessment;
}

absl::StatusOr<v1::Penalty> SettlePenalty(Env& env, const Call& call, store::Tx& tx,
                                          const v1::SettlePenaltyRequest& request) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.name(), "contracts/*/penalties/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kPenalties, key, request.name()));
  // Each in the role in which it is a party.
  const auto [customer, supplier] = PartiesOf(found.row.penalty());
  const uint32_t roles = PartyRoles(*call.caller, customer, supplier, found.roles);
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, PenaltyMachine(), PenaltyVerb::kSettle, std::move(found.row),
                                {.roles = roles, .etag = request.etag()}));
  Penalty& penalty = *step.row.mutable_penalty();
  if (call.caller->bin != penalty.creditor()) return errors::NotCreditor();
  penalty.set_note(request.note());
  RETURN_IF_ERROR(step.Lead(request.waived() ? Penalty::WAIVED : Penalty::PAID));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kPenalties, &step));
  return penalty;
}

absl::StatusOr<v1::MonitoringReport> SubmitMonitoringReport(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const v1::SubmitMonitoringReportRequest& request) {
  ASSIGN_OR_RETURN(const auto known,
                   tx.Find(kReports, store::Key::Of(request.parent(), request.report().year())));
  const std::string current = known.has_value() ? known->row.report().etag() : std::string();
  ASSIGN_OR_RETURN(
      const ContractStep step,
      BeginContract(tx, call, ContractVerb::kReport, request.parent(), request.etag(), &current));
  const Contract& contract = step.row.contract();
  ReportRow row;
  row.set_contract(contract.name());
  v1::MonitoringReport& report = *row.mutable_report();
  report = request.report();
  RETURN_IF_ERROR(TermsIn(contract, report.year(), "report.year").status());
  // Of a contract that was ended there is nothing to tell after that.
  if (contract.has_terminate_date() && report.year() > contract.terminate_date().year()) {
    return errors::YearUnknown("report.year");
  }
  if (report.year() > tx.today().year()) return errors::YearAhead(report.year());
  report.set_name(ChildName(contract.name(), "reports", report.year()));
  if (known.has_value() && report.correction_reason().empty()) {
    return errors::CorrectionReasonMissing();
  }
  // All that follows is found anew, by what this version says.
  report.set_minimum_reached(report.in_country_value_bp() >=
                             contract.minimum_in_country_value_bp());
  report.set_customer(contract.customer());
  report.set_supplier(contract.supplier());
  tx.Cite(errors::Monitoring());
  RETURN_IF_ERROR(tx.Put(kReports, &row));
  return report;
}

absl::StatusOr<v1::Balance> GetBalance(Env& env, Call& call, const v1::GetBalanceRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  // What is to come nobody knows: a balance of a later day is that of today.
  const base::Date day = std::min(at.as_of.value_or(call.today()), call.today());
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found,
                   rpc::FindFor(view, call, kContracts, store::Key::Of(request.name()),
                                request.name(), nullptr, at));
  const Contract& contract = found.row.contract();
  if (!SeesExecution(*call.caller, contract, RolesUnder(call, contract))) {
    return rpc::Missing(call, kContracts.name, request.name());
  }
  store::At known;
  known.known_at_us = at.known_at_us;
  // Nothing is dated in the future, so today's balance needs no look at days.
  std::optional<base::Date> by;
  if (day < call.today()) by = day;
  std::map<int32_t, Tally> late;
  ASSIGN_OR_RETURN(auto tallies, TalliesOf(view, contract.name(), by, known, &late));
  ASSIGN_OR_RETURN(const std::vector<Terms> terms, TermsOf(contract.years(), "contract.years"));
  v1::Balance balance;
  balance.set_name(contract.name());
  balance.set_customer(contract.customer());
  balance.set_supplier(contract.supplier());
  *balance.mutable_as_of() = day.ToProto();
  Money accepted, paid, unpaid, penalty;
  for (size_t i = 0; i < terms.size(); ++i) {
    const int32_t of = terms[i].year;
    ASSIGN_OR_RETURN(v1::YearBalance year,
                     JudgeYear({&contract, terms[i], static_cast<int32_t>(i) + 1, tallies[of],
                                day.year() > of, late[of]},
                               *env.norms));
    const auto add = [](Money* sum, const google::type::Money& more) -> absl::Status {
      ASSIGN_OR_RETURN(const Money one, Money::FromProto(more));
      ASSIGN_OR_RETURN(*sum, sum->Add(one));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(add(&accepted, year.accepted_value()));
    RETURN_IF_ERROR(add(&paid, year.paid()));
    RETURN_IF_ERROR(add(&unpaid, year.unpaid()));
    RETURN_IF_ERROR(add(&penalty, year.penalty()));
    *balance.add_years() = std::move(year);
  }
  *balance.mutable_accepted_value() = accepted.ToProto();
  *balance.mutable_paid() = paid.ToProto();
  *balance.mutable_unpaid() = unpaid.ToProto();
  *balance.mutable_penalty() = penalty.ToProto();
  ASSIGN_OR_RETURN(const int64_t position, view.Position());
  balance.set_position(position);
  return balance;
}

}  // namespace nisi::contracts
