// Claims from draft to signature, what they come to, and their decisions computed again.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/cases/ahead.h"
#include "common/cases/findings.h"
#include "common/cases/refusals.h"
#include "common/rpc/wire.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"
#include "services/export_refunds/rules_invoice.h"
#include "services/export_refunds/rules_obligations.h"

namespace nisi::export_refunds {
namespace {

using base::Money;

// What reads need of a claim before anything is asked of others.
struct ClaimRead {
  ClaimRow row;
  std::vector<ExpenseRow> expenses;
};

absl::StatusOr<ClaimRead> ReadClaim(const store::View& view, const Call& call,
                                    const std::string& name) {
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(view, call, kClaims, store::Key::Of(name), name));
  ClaimRead read{std::move(found.row), {}};
  ASSIGN_OR_RETURN(read.expenses, ExpensesOf(view, name));
  return read;
}

// The lines of what is not examined yet, as signing would find them, without keeping anything.
absl::Status FindLines(const Env& env, const store::View& view, const Gathered& gathered,
                       Among among, std::vector<ExpenseRow>* expenses) {
  ASSIGN_OR_RETURN(ListOfDay list, ListOfDay::On(view, gathered.sign_date));
  ASSIGN_OR_RETURN(const ExpenseNorms norms, ExpenseNorms::On(*env.norms, gathered.sign_date));
  std::vector<Marked> marked;
  for (const ExpenseRow& row : *expenses) {
    if (!row.expense().has_examination()) marked.push_back({&row, MarksOf(row.expense())});
  }
  ASSIGN_OR_RETURN(const std::vector<bool> held, InvoicesTaken(view, marked, among));
  Invoices invoices;  // of the expenses before that count
  size_t next = 0;
  for (ExpenseRow& row : *expenses) {
    if (row.expense().has_examination()) continue;
    Expense& expense = *row.mutable_expense();
    const size_t at = next++;
    const InvoiceMarks& marks = marked[at].marks;
    const bool taken = held[at] || invoices.Has(marks);
    ASSIGN_OR_RETURN(const ExpenseFacts by,
                     FactsFor(gathered, &list, taken, expense.etag(), expense));
    ASSIGN_OR_RETURN(*expense.mutable_line(), LineOf(expense, by, norms));
    if (expense.line().unsatisfied().empty()) invoices.Add(marks);
  }
  return absl::OkStatus();
}

v1::Calculation HeadOf(const Claim& claim) {
  v1::Calculation calculation;
  calculation.set_name(claim.name());
  calculation.set_claimant(claim.claimant());
  *calculation.mutable_legal_basis() = errors::Rules();
  return calculation;
}

// Of a draft, or of what is being fixed: as if it were signed, or answered, now.
absl::StatusOr<v1::Calculation> CalculateNow(Env& env, const Call& call, const store::View& view,
                                             const std::string& name) {
  ASSIGN_OR_RETURN(ClaimRead read, ReadClaim(view, call, name));
  const Claim& claim = read.row.claim();
  base::Date sign_date = call.today();
  if (claim.has_sign_date()) {
    ASSIGN_OR_RETURN(sign_date, base::Date::FromProto(claim.sign_date()));
  }
  ASSIGN_OR_RETURN(const Gathered facts,
                   GatherFacts(env, call, read.row, read.expenses, sign_date));
  const Among among = IsOfficial(*call.caller) ? Among::kRegister : Among::kOwn;
  RETURN_IF_ERROR(FindLines(env, view, facts, among, &read.expenses));
  v1::Calculation calculation = HeadOf(claim);
  *calculation.mutable_sign_date() = sign_date.ToProto();
  ASSIGN_OR_RETURN(*calculation.mutable_decision(),
                   CalculateOf(env, claim, read.expenses, sign_date, claim.etag()));
  ASSIGN_OR_RETURN(const Money amount, Money::Parse(calculation.decision().outcome()));
  *calculation.mutable_amount() = amount.ToProto();
  for (ExpenseRow& row : read.expenses) {
    auto* line = calculation.add_lines();
    line->set_name(row.expense().name());
    line->set_kind(row.expense().kind());
    line->mutable_line()->Swap(row.mutable_expense()->mutable_line());
  }
  return calculation;
}

// Of a claim that is examined: what is stored, its lines as bytes.
absl::StatusOr<std::string> CalculatedBefore(const store::View& view, const Claim& claim) {
  v1::Calculation head = HeadOf(claim);
  *head.mutable_sign_date() = claim.sign_date();
  *head.mutable_decision() = claim.calculation();
  *head.mutable_amount() = claim.calculated();
  rpc::ReplyBuilder reply;
  reply.AddRaw(head.SerializeAsString());
  std::string line;
  RETURN_IF_ERROR(
      view.Scan(kExpenses, {store::Key::Of(claim.name()), ""}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const store::ResourceView split, store::SplitRow(row.row));
                  line.clear();
                  for (absl::string_view rest = split.resource; !rest.empty();) {
                    rpc::WireField field;
                    if (!rpc::TakeField(&rest, &field)) return base::StoreCorrupt(kExpenses.name);
                    if (field.number == v1::Calculation::ExpenseLine::kNameFieldNumber ||
                        field.number == v1::Calculation::ExpenseLine::kKindFieldNumber ||
                        field.number == v1::Calculation::ExpenseLine::kLineFieldNumber) {
                      line.append(field.whole.data(), field.whole.size());
                    }
                  }
                  reply.AddBytesField(v1::Calculation::kLinesFieldNumber, line);
                  return true;
                }));
  return std::move(reply).Take();
}
static_assert(static_cast<int>(Expense::kNameFieldNumber) ==
              static_cast<int>(v1::Calculation::ExpenseLine::kNameFieldNumber));
static_assert(static_cast<int>(Expense::kKindFieldNumber) ==
              static_cast<int>(v1::Calculation::ExpenseLine::kKindFieldNumber));
static_assert(static_cast<int>(Expense::kLineFieldNumber) ==
              static_cast<int>(v1::Calculation::ExpenseLine::kLineFieldNumber));

// A decision computed again, where there is one.
absl::Status AddReplay(const char* field, bool has, const Decision& stored,
                       absl::StatusOr<Decision> (*replay)(const Decision&), v1::Replays* replays) {
  if (!has) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto answer, cases::ReplayAnswer<v1::Replays::Replay>(stored, replay));
  answer.set_field(field);
  *replays->add_replays() = std::move(answer);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Claim> CreateClaim(Env& /*env*/, const Call& call, store::Tx& tx,
                                      const v1::CreateClaimRequest& request) {
  ClaimRow row;
  Claim& claim = *row.mutable_claim();
  claim = request.claim();
  claim.set_name(absl::StrCat("claims/", rpc::IdFor(call)));
  // The same request again, after its answer is kept no longer, must not undo what came since.
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kClaims, store::Key::Of(claim.name())));
  if (known.has_value()) return cases::RecordExists(kClaims.name, claim.name());
  claim.set_state(Claim::DRAFT);
  tx.Cite(errors::Reimbursement());
  RETURN_IF_ERROR(tx.Put(kClaims, &row));
  return claim;
}

absl::StatusOr<v1::Claim> UpdateClaim(Env& env, const Call& call, store::Tx& tx,
                                      const v1::UpdateClaimRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step, BeginClaim(tx, call, ClaimVerb::kEdit, request.claim().name(),
                                              request.claim().etag()));
  Claim& claim = *step.row.mutable_claim();
  const Claim before = claim;
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.claim(), request.update_mask(), &claim, &call));
  if (google::protobuf::util::MessageDifferencer::Equals(before, claim)) return claim;
  RETURN_IF_ERROR(CheckChangesRemarked(step.row, before, claim));
  step.row.set_mended(true);
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return claim;
}

absl::StatusOr<v1::DeleteClaimResponse> DeleteClaim(Env& /*env*/, const Call& call, store::Tx& tx,
                                                    const v1::DeleteClaimRequest& request) {
  RETURN_IF_ERROR(
      BeginClaim(tx, call, ClaimVerb::kGiveUp, request.name(), request.etag()).status());
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(tx, request.name()));
  for (const ExpenseRow& row : expenses) {
    RETURN_IF_ERROR(tx.End(kExpenses, store::Key::Of(row.claim(), row.number())));
  }
  tx.Cite(errors::Reimbursement());
  RETURN_IF_ERROR(tx.End(kClaims, store::Key::Of(request.name())));
  return v1::DeleteClaimResponse();
}

absl::StatusOr<Encoded<v1::Claim>> GetClaim(Env& env, Call& call,
                                            const v1::GetClaimRequest& request) {
  return rpc::GetRecord<Claim>(*env.store, call, kClaims, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListClaimsResponse>> ListClaims(Env& env, Call& call,
                                                           const v1::ListClaimsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kClaims, request, call));
  plan.indexes = {{"claimant", &kClaimsByClaimant, rpc::TextKey},
                  {"state", &kClaimsByState, rpc::EnumKey<Claim::State>}};
  plan.scopes = {{rpc::v1::ENTITY, &kClaimsByClaimant}};
  plan.show = rpc::ShowTo<Claim>(call);
  return rpc::ListAs<v1::ListClaimsResponse>(*env.store, plan);
}

absl::StatusOr<v1::Claim> SignClaim(Env& env, Call& call, const v1::SignClaimRequest& request) {
  return GatherThenWrite<Claim>(
      env, call, request,
      [&]() -> absl::StatusOr<Gathered> {
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(const ClaimRead read, ReadClaim(view, call, request.name()));
        const Claim& claim = read.row.claim();
        RETURN_IF_ERROR(cases::MayBegin(call, ClaimMachine(), ClaimVerb::kSign, read.row,
                                        {.roles = call.caller->roles, .etag = request.etag()}));
        RETURN_IF_ERROR(CheckWhole(claim, read.expenses, call.today()));
        return GatherFacts(env, call, read.row, read.expenses, call.today());
      },
      [&](store::Tx& tx, const Gathered& facts) -> absl::StatusOr<Claim> {
        ASSIGN_OR_RETURN(ClaimStep step,
                         BeginClaim(tx, call, ClaimVerb::kSign, request.name(), facts.etag));
        Claim& claim = *step.row.mutable_claim();
        *claim.add_signatures() = request.signature();
        *claim.mutable_sign_date() = facts.sign_date.ToProto();
        step.row.set_sizes_of_period(true);
        RETURN_IF_ERROR(ExamineAll(env, tx, facts, &step.row));
        OpenParts(step.row.has_delivery(), &claim);
        step.row.set_mended(false);
        ASSIGN_OR_RETURN(const int64_t number, tx.Next("claims"));
        claim.set_number(number);
        RETURN_IF_ERROR(FinishClaim(env, tx, &step));
        return claim;
      });
}

absl::StatusOr<Encoded<v1::Calculation>> CalculateClaim(Env& env, Call& call,
                                                        const v1::CalculateClaimRequest& request) {
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(view, call, kClaims,
                                                  store::Key::Of(request.name()), request.name()));
  const Claim& claim = found.row.claim();
  if (claim.state() == Claim::DRAFT || claim.state() == Claim::FIXING || found.row.to_examine()) {
    ASSIGN_OR_RETURN(const v1::Calculation now, CalculateNow(env, call, view, request.name()));
    return Encoded<v1::Calculation>{now.SerializeAsString()};
  }
  ASSIGN_OR_RETURN(std::string before, CalculatedBefore(view, claim));
  return Encoded<v1::Calculation>{std::move(before)};
}

absl::StatusOr<v1::Replays> ReplayDecision(Env& env, Call& call,
                                           const v1::ReplayDecisionRequest& request) {
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(view, call, kClaims,
                                                  store::Key::Of(request.name()), request.name()));
  const Claim& claim = found.row.claim();
  v1::Replays replays;
  replays.set_name(claim.name());
  replays.set_claimant(claim.claimant());
  const auto add = [&](const char* field, bool has, const Decision& stored,
                       absl::StatusOr<Decision> (*replay)(const Decision&)) {
    return AddReplay(field, has, stored, replay, &replays);
  };
  RETURN_IF_ERROR(add("admission", claim.has_admission(), claim.admission(), ReplayAdmission));
  RETURN_IF_ERROR(
      add("calculation", claim.has_calculation(), claim.calculation(), ReplayCalculation));
  RETURN_IF_ERROR(add("decision", claim.has_decision(), claim.decision(), ReplayJudgement));
  RETURN_IF_ERROR(add("gate", claim.has_gate(), claim.gate(), ReplayGate));
  RETURN_IF_ERROR(add("payment_decision", claim.has_payment_decision(), claim.payment_decision(),
                      ReplayPayment));
  RETURN_IF_ERROR(add("assessment", claim.has_assessment(), claim.assessment(), ReplayAssessment));
  RETURN_IF_ERROR(add("demand_decision", claim.has_demand_decision(), claim.demand_decision(),
                      ReplayAssessment));
  RETURN_IF_ERROR(add("excuse", claim.has_excuse(), claim.excuse(), ReplayExcuse));
  if (replays.replays().empty()) return cases::DecisionMissing(errors::Rules());
  return replays;
}

absl::StatusOr<Encoded<v1::ListDeadlinesResponse>> ListDeadlines(
    Env& env, Call& call, const v1::ListDeadlinesRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(cases::kDeadlines, request, call));
  plan.indexes = {{"record", &cases::kDeadlinesByRecord, rpc::TextKey}};
  if (!IsOfficial(*call.caller)) {
    plan.show = [&call](google::protobuf::Message* resource) {
      const auto& deadline = static_cast<const cases::Deadline&>(*resource);
      const auto& roles = deadline.roles();
      const bool own = !call.caller->bin.empty() && deadline.bin() == call.caller->bin &&
                       std::find(roles.begin(), roles.end(), rpc::v1::ENTITY) != roles.end();
      return own ? rpc::Shown::kAsStored : rpc::Shown::kNo;
    };
  }
  return rpc::ListAs<v1::ListDeadlinesResponse>(*env.store, plan);
}

}  // namespace nisi::export_refunds
