// The review of a claim: its parts, remarks and answers, and the decision on it.
#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/cases/ahead.h"
#include "common/rpc/field_rules.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

using v1::PartReview;
using v1::Remark;

PartReview* FindPart(v1::Part part, Claim* claim) {
  for (PartReview& review : *claim->mutable_parts()) {
    if (review.part() == part) return &review;
  }
  return nullptr;
}

bool HasPart(const Claim& claim, PartReview::Verdict verdict) {
  return std::any_of(claim.parts().begin(), claim.parts().end(),
                     [verdict](const PartReview& part) { return part.verdict() == verdict; });
}

bool IsOpen(const ClaimRow& row, const Remark& remark) {
  return remark.round() == row.rounds() && remark.answer().empty();
}

// The remarks of a part that were not sent yet give way to these.
void TakeRemarks(const v1::DecidePartRequest& request, ClaimRow* row) {
  Claim& claim = *row->mutable_claim();
  const int32_t round = row->rounds() + 1;
  auto* remarks = claim.mutable_remarks();
  remarks->erase(std::remove_if(remarks->begin(), remarks->end(),
                                [&](const Remark& remark) {
                                  return remark.round() == round && remark.part() == request.part();
                                }),
                 remarks->end());
  for (const Remark& given : request.remarks()) {
    Remark* remark = claim.add_remarks();
    *remark = given;
    row->set_last_remark(row->last_remark() + 1);
    remark->set_number(row->last_remark());
    remark->set_part(request.part());
    remark->set_round(round);
  }
}

// Whether the claimant was to sign the agreement by a day that is over; it does not answer for the
// institute's signature.
absl::StatusOr<bool> IsAgreementLate(const store::Tx& tx, const Claim& claim) {
  if (!claim.signed_for_claimant().empty()) return false;
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, claim.name()));
  return std::any_of(open.begin(), open.end(), [](const cases::Deadline& deadline) {
    return deadline.kind() == "export_refunds.days.agreement" && deadline.overdue();
  });
}

// Whether the last notice before payment lets pass, and is not the one that the check went by.
absl::StatusOr<bool> HasPassedSince(const store::Tx& tx, const ClaimRow& row) {
  ASSIGN_OR_RETURN(
      const auto last,
      cases::LastNotice(tx, row.claim().name(), gate::v1::BEFORE_PAYMENT, row.claim().claimant()));
  return last.has_value() && last->verdict() == gate::v1::Notice::PASSED &&
         last->name() != row.gate_notice();
}

absl::StatusOr<Decision> JudgeNow(const Env& env, const store::Tx& tx, const ClaimRow& row) {
  const Claim& claim = row.claim();
  Verdicts verdicts;
  verdicts.claim = &claim;
  ASSIGN_OR_RETURN(verdicts.owing, OwesPastDue(tx, claim.claimant()));
  ASSIGN_OR_RETURN(verdicts.agreement_late, IsAgreementLate(tx, claim));
  ASSIGN_OR_RETURN(verdicts.passed_since, HasPassedSince(tx, row));
  verdicts.origin = {claim.name(), claim.etag()};
  verdicts.register_version = VersionOf(tx);
  ASSIGN_OR_RETURN(Decision decision, Judge(verdicts, *env.norms));
  SetDecideTime(tx, &decision);
  return decision;
}

// Whether a field of an expense is the claimant's to change.
bool IsGivenByClaimant(const std::string& name) {
  const auto* field = Expense::descriptor()->FindFieldByName(name);
  return field != nullptr && name != "etag" && !rpc::RuleOf(*field).output_only();
}

// A remark names what the claimant may change for it.
absl::Status CheckFields(const v1::DecidePartRequest& request) {
  for (int i = 0; i < request.remarks_size(); ++i) {
    const std::vector<std::string> parts =
        absl::StrSplit(request.remarks(i).field(), absl::MaxSplits('/', 1));
    bool named = false;
    if (parts.size() == 1) {
      named = parts[0] == "expenses" || parts[0] == "taxes_paid" || parts[0] == "export_volumes" ||
              parts[0] == "documents";
    } else {
      const std::vector<std::string> path = absl::StrSplit(parts[1], absl::MaxSplits('.', 1));
      int32_t number = 0;
      named = parts[0] == "expenses" && absl::SimpleAtoi(path[0], &number) && number > 0 &&
              absl::StrCat(number) == path[0] && (path.size() == 1 || IsGivenByClaimant(path[1]));
    }
    if (!named) {
      return base::InvalidField(absl::StrCat("remarks[", i, "].field"),
                                "must be a field of the claim, as taxes_paid, or of an expense, as "
                                "expenses/3.amount, that the claimant gives");
    }
  }
  return absl::OkStatus();
}

// An answer comes while its term runs, also where what happens at its end has not happened yet.
absl::Status CheckInTime(const store::Tx& tx, const std::string& claim) {
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, claim));
  for (const cases::Deadline& deadline : open) {
    ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(deadline.due_date()));
    if (deadline.kind() == "export_refunds.days.fixing" && last < tx.today()) {
      return errors::TermOver(last);
    }
  }
  return absl::OkStatus();
}

// Answers remarks in the claim; the numbers of all that are open when none is left.
absl::Status TakeAnswers(const v1::AnswerRemarksRequest& request, ClaimRow* row) {
  for (int i = 0; i < request.answers_size(); ++i) {
    const auto& answer = request.answers(i);
    auto* remarks = row->mutable_claim()->mutable_remarks();
    const auto remark = std::find_if(remarks->begin(), remarks->end(), [&](const Remark& one) {
      return one.number() == answer.remark() && IsOpen(*row, one);
    });
    if (remark == remarks->end()) {
      return errors::RemarkUnknown(absl::StrCat("answers[", i, "].remark"));
    }
    remark->set_answer(answer.text());
  }
  return absl::OkStatus();
}

bool AllAnswered(const ClaimRow& row) {
  const auto& remarks = row.claim().remarks();
  return std::none_of(remarks.begin(), remarks.end(),
                      [&row](const Remark& remark) { return IsOpen(row, remark); });
}

// Nobody told what the examination needs: it waits for the review, and the claim has no sum.
absl::Status LeaveToExamine(const store::Tx& tx, ClaimRow* row) {
  ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(tx, row->claim().name()));
  row->set_has_delivery(std::any_of(expenses.begin(), expenses.end(), [](const auto& one) {
    return one.expense().kind() == v1::DELIVERY;
  }));
  row->set_to_examine(true);
  row->mutable_claim()->clear_calculation();
  row->mutable_claim()->clear_calculated();
  return absl::OkStatus();
}

// What looks again after a claim was mended: parts with remarks; all where its content changed.
void Reopen(ClaimRow* row) {
  for (PartReview& part : *row->mutable_claim()->mutable_parts()) {
    if (part.verdict() != PartReview::REMARKS && !row->mended()) continue;
    part.set_verdict(PartReview::PENDING);
    part.clear_decided_by();
  }
  // A claim that has delivery now has another part, and one that has none any more has one less.
  const auto digital = std::find_if(row->claim().parts().begin(), row->claim().parts().end(),
                                    [](const auto& part) { return part.part() == v1::DIGITAL; });
  if ((digital != row->claim().parts().end()) != row->has_delivery()) {
    OpenParts(row->has_delivery(), row->mutable_claim());
  }
}

}  // namespace

absl::StatusOr<v1::Claim> StartReview(Env& env, Call& call, const v1::StartReviewRequest& request) {
  return GatherThenWrite<Claim>(
      env, call, request,
      [&]() -> absl::StatusOr<Checked> {
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(
            const auto found,
            rpc::FindFor(view, call, kClaims, store::Key::Of(request.name()), request.name()));
        RETURN_IF_ERROR(cases::MayBegin(call, ClaimMachine(), ClaimVerb::kStartReview, found.row,
                                        {.roles = found.roles, .etag = request.etag()}));
        return AskGate(env, call,
                       {gate::v1::BEFORE_CONSIDERATION, found.row.claim().claimant(),
                        request.name(), call.today()});
      },
      [&](store::Tx& tx, const Checked& checked) -> absl::StatusOr<Claim> {
        RETURN_IF_ERROR(cases::ConfirmNotice(tx, checked.notice));
        // Whoever says that the recipient has passed does not go by it.
        ASSIGN_OR_RETURN(ClaimStep step,
                         BeginClaim(tx, call, ClaimVerb::kStartReview, request.name(),
                                    request.etag(), {cases::ActOf(checked.notice)}));
        Claim& claim = *step.row.mutable_claim();
        ASSIGN_OR_RETURN(const auto owing, OwesPastDue(tx, claim.claimant()));
        ASSIGN_OR_RETURN(Decision admission, Admit(checked, owing, VersionOf(tx), *env.norms));
        SetDecideTime(tx, &admission);
        const bool admitted = admission.outcome() == "ADMITTED";
        *claim.mutable_admission() = std::move(admission);
        RETURN_IF_ERROR(step.Lead(admitted ? Claim::REVIEW : Claim::REJECTED));
        if (!admitted) RETURN_IF_ERROR(FreeInvoices(tx, claim.name()));
        RETURN_IF_ERROR(FinishClaim(env, tx, &step));
        return claim;
      });
}

absl::StatusOr<v1::Claim> DecidePart(Env& env, Call& call, const v1::DecidePartRequest& request) {
  if (request.verdict() == PartReview::PENDING) {
    return base::InvalidField("verdict", "must be ACCEPTED, REMARKS or REJECTED");
  }
  if (request.verdict() == PartReview::REJECTED && request.reason().empty()) {
    return base::InvalidField("reason", "is required with REJECTED");
  }
  if (request.verdict() != PartReview::REMARKS && !request.remarks().empty()) {
    return base::InvalidField("remarks", "belong to REMARKS only");
  }
  if (request.part() != v1::FINANCE && !request.found_reimbursed().empty()) {
    return base::InvalidField("found_reimbursed", "belongs to the finance part only");
  }
  RETURN_IF_ERROR(CheckFields(request));
  return GatherThenWrite<Claim>(
      env, call, request,
      [&]() -> absl::StatusOr<Gathered> {
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(
            const auto found,
            rpc::FindFor(view, call, kClaims, store::Key::Of(request.name()), request.name()));
        if (!found.row.to_examine()) return Gathered();
        ASSIGN_OR_RETURN(const base::Date sign_date,
                         base::Date::FromProto(found.row.claim().sign_date()));
        ASSIGN_OR_RETURN(const auto expenses, ExpensesOf(view, request.name()));
        return GatherFacts(env, call, found.row, expenses, sign_date);
      },
      [&](store::Tx& tx, const Gathered& facts) -> absl::StatusOr<Claim> {
        ASSIGN_OR_RETURN(ClaimStep step, BeginClaim(tx, call, ClaimVerb::kDecidePart,
                                                    request.name(), request.etag()));
        if (step.row.to_examine()) {
          RETURN_IF_ERROR(rpc::CheckEtag(facts.etag, step.row.claim().etag()));
          RETURN_IF_ERROR(ExamineAll(env, tx, facts, &step.row));
        }
        PartReview* part = FindPart(request.part(), step.row.mutable_claim());
        if (part == nullptr) return errors::PartNotOfClaim();
        if (part->verdict() == PartReview::REJECTED) return errors::PartRejected();
        if (request.verdict() == PartReview::REMARKS && request.remarks().empty()) {
          return errors::RemarksMissing();
        }
        RETURN_IF_ERROR(TakeFound(env, tx, request.found_reimbursed(), step.subject, &step.row));
        if (request.part() == v1::FINANCE && request.verdict() == PartReview::ACCEPTED) {
          // What has become free counts, and is compared as the others are.
          RETURN_IF_ERROR(LookAgain(env, tx, &step.row).status());
          ASSIGN_OR_RETURN(const int alike, CountAlike(tx, request.name()));
          if (alike > 0 && !request.invoices_compared()) return errors::InvoicesAlike(alike);
        }
        part->set_verdict(request.verdict());
        part->set_reason(request.reason());
        part->set_decided_by(step.subject);
        TakeRemarks(request, &step.row);
        RETURN_IF_ERROR(FinishClaim(env, tx, &step));
        return step.row.claim();
      });
}

absl::StatusOr<v1::Claim> SendRemarks(Env& env, const Call& call, store::Tx& tx,
                                      const v1::SendRemarksRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kSendRemarks, request.name(), request.etag()));
  const Claim& claim = step.row.claim();
  if (HasPart(claim, PartReview::REJECTED)) return errors::PartRejected();
  if (HasPart(claim, PartReview::PENDING)) return errors::PartsPending();
  if (!HasPart(claim, PartReview::REMARKS)) return errors::RemarksMissing();
  step.row.set_rounds(step.row.rounds() + 1);
  step.row.set_mended(false);
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  return claim;
}

absl::StatusOr<v1::Claim> AnswerRemarks(Env& env, Call& call,
                                        const v1::AnswerRemarksRequest& request) {
  return GatherThenWrite<Claim>(
      env, call, request,
      [&]() -> absl::StatusOr<Gathered> {
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(auto found, rpc::FindFor(view, call, kClaims,
                                                  store::Key::Of(request.name()), request.name()));
        const Claim& claim = found.row.claim();
        RETURN_IF_ERROR(cases::MayBegin(call, ClaimMachine(), ClaimVerb::kAnswerRemarks, found.row,
                                        {.roles = found.roles, .etag = request.etag()}));
        ASSIGN_OR_RETURN(const base::Date sign_date, base::Date::FromProto(claim.sign_date()));
        ASSIGN_OR_RETURN(const std::vector<ExpenseRow> expenses, ExpensesOf(view, claim.name()));
        Gathered none;
        none.etag = claim.etag();
        none.sign_date = sign_date;
        RETURN_IF_ERROR(TakeAnswers(request, &found.row));
        if (!AllAnswered(found.row)) return none;
        RETURN_IF_ERROR(CheckWhole(claim, expenses, sign_date));
        auto facts = GatherFacts(env, call, found.row, expenses, sign_date);
        // The term runs on while others are away: the answer is taken, the examination waits.
        if (rpc::IsNotAnswered(facts.status())) {
          none.answered = false;
          return none;
        }
        return facts;
      },
      [&](store::Tx& tx, const Gathered& facts) -> absl::StatusOr<Claim> {
        ASSIGN_OR_RETURN(ClaimStep step, BeginClaim(tx, call, ClaimVerb::kAnswerRemarks,
                                                    request.name(), facts.etag));
        Claim& claim = *step.row.mutable_claim();
        RETURN_IF_ERROR(TakeAnswers(request, &step.row));
        *claim.add_signatures() = request.signature();
        const bool done = AllAnswered(step.row);
        RETURN_IF_ERROR(step.Lead(done ? Claim::REVIEW : Claim::FIXING));
        RETURN_IF_ERROR(CheckInTime(tx, claim.name()));
        if (done && facts.answered) {
          RETURN_IF_ERROR(ExamineAll(env, tx, facts, &step.row));
        } else if (done) {
          RETURN_IF_ERROR(LeaveToExamine(tx, &step.row));
        }
        if (done) Reopen(&step.row);
        RETURN_IF_ERROR(FinishClaim(env, tx, &step));
        return claim;
      });
}

absl::StatusOr<v1::Claim> AcceptClaim(Env& env, const Call& call, store::Tx& tx,
                                      const v1::AcceptClaimRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kAccept, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  if (step.row.to_examine()) return errors::PartsPending();
  ASSIGN_OR_RETURN(const int alike, LookAgain(env, tx, &step.row));
  ASSIGN_OR_RETURN(Decision decision, JudgeNow(env, tx, step.row));
  RETURN_IF_ERROR(CheckAcceptable(claim, decision));
  if (alike > 0) return errors::FreedInvoicesAlike(alike);
  *claim.mutable_decision() = std::move(decision);
  *claim.mutable_amount() = claim.calculated();
  claim.set_funded(false);
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  return ClaimNow(tx, claim.name());
}

absl::StatusOr<v1::Claim> RejectClaim(Env& env, const Call& call, store::Tx& tx,
                                      const v1::RejectClaimRequest& request) {
  ASSIGN_OR_RETURN(ClaimStep step,
                   BeginClaim(tx, call, ClaimVerb::kReject, request.name(), request.etag()));
  Claim& claim = *step.row.mutable_claim();
  if (step.row.to_examine()) return errors::PartsPending();
  if (claim.state() == Claim::REVIEW) RETURN_IF_ERROR(LookAgain(env, tx, &step.row).status());
  ASSIGN_OR_RETURN(Decision decision, JudgeNow(env, tx, step.row));
  RETURN_IF_ERROR(CheckRejectable(claim, decision));
  *claim.mutable_decision() = std::move(decision);
  claim.set_reason(request.reason());
  RETURN_IF_ERROR(ReleaseMoney(tx, step.subject, &claim));
  RETURN_IF_ERROR(FreeInvoices(tx, claim.name()));
  RETURN_IF_ERROR(FinishClaim(env, tx, &step));
  RETURN_IF_ERROR(ServeQueue(env, tx));
  return claim;
}

}  // namespace nisi::export_refunds
