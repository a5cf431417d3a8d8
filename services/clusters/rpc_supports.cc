// Supports: from request to payment. Examining and paying ask the gate of recipients first, and of
// a project the registry of priority goods, outside the transaction; a retry finds its stored
// answer before anybody is asked again.
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/roles.h"
#include "common/cases/ahead.h"
#include "common/cases/budget.h"
#include "common/cases/refusals.h"
#include "common/cases/repayments.h"
#include "common/norms/term.h"
#include "common/rpc/gather.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/clusters/errors.h"
#include "services/clusters/rpcs_supports.h"

namespace nisi::clusters {
namespace {

using base::Money;
using cases::Checked;
using cases::Posting;
using SupportStep = cases::Step<SupportRow>;

// The legal day on which a record was made.
template <class Resource>
base::Date CreatedOn(const Resource& resource) {
  return base::Date::LegalDay(absl::FromUnixSeconds(resource.create_time().seconds()));
}

// `acts`: what was done with it beside its own steps.
absl::StatusOr<SupportStep> BeginSupport(const store::Tx& tx, const Call& call, SupportVerb verb,
                                         const std::string& name, const std::string& etag,
                                         std::vector<base::Acted> acts = {}) {
  return BeginStep(tx, call, SupportMachine(), verb, kSupports, store::Key::Of(name), name, etag,
                   std::move(acts));
}

absl::StatusOr<ClusterRow> ClusterOf(const store::Reader& reader, const Support& support) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(support.cluster(), "clusters/*", 0));
  return Need(reader, kClusters, store::Key::Of(number));
}

// The version of the cluster that a step of its support looks at.
Source SourceOf(const ClusterRow& cluster) {
  return {cluster.cluster().name(), cluster.cluster().etag()};
}

// How the recipient of a project belongs to its cluster on the day of the command; upkeep is the
// cluster organization's alone.
absl::StatusOr<Belonging> BelongingOf(const store::Tx& tx, const Support& support,
                                      const ClusterRow& cluster) {
  Belonging belonging;
  belonging.source = SourceOf(cluster);
  if (!IsProject(support)) return belonging;
  if (support.recipient() == cluster.cluster().cluster_organization()) {
    belonging.kind = Belonging::kOrganization;
    return belonging;
  }
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(support.cluster(), "clusters/*", 0));
  ASSIGN_OR_RETURN(const auto member,
                   tx.Find(kMembers, store::Key::Of(number, support.recipient())));
  if (!member.has_value()) return belonging;
  return Belonging{Belonging::kMember, {member->row.member().name(), member->row.member().etag()}};
}

// What a support is decided by beside its sum: as the cluster stands now, which other grants and
// another organization may have changed since the examination.
absl::StatusOr<Granting> GrantingOf(const store::Tx& tx, const Support& support,
                                    const ClusterRow& cluster) {
  const auto year = SupportYear(cluster.first_upkeep_year(), support.year());
  ASSIGN_OR_RETURN(const Belonging belonging, BelongingOf(tx, support, cluster));
  return Granting{.support = &support,
                  .cluster_state = cluster.cluster().state(),
                  .organization = cluster.cluster().cluster_organization(),
                  .support_year = year.value_or(0),
                  .source = {support.name(), tx.etag()},
                  .belonging = belonging,
                  .cluster = SourceOf(cluster)};
}

// The recipient has to act, or waits for who has.
cases::Who WhoIs(const Support& support) {
  return {.bin = support.recipient()};
}

// The order goes out within the days after the passed second check (order 437/2026), and a pass is
// good for one payment: the term to pay is opened by a passed notice of an approved support, where
// it is the last word, runs from the day of its check, and is owed no longer when the last word is
// a failure. Neither a grant nor a part that is paid opens one. What an earlier release opened with
// these is of the same kind, so that a notice, a payment and an end close it as well.
absl::Status MovePaymentTerm(const Env& env, store::Tx& tx, const Support& support,
                             const gate::v1::Notice& notice) {
  ASSIGN_OR_RETURN(const auto last, cases::LastNotice(tx, support.name(), gate::v1::BEFORE_PAYMENT,
                                                      support.recipient()));
  if (!last.has_value() || last->name() != notice.name()) return absl::OkStatus();
  if (notice.verdict() != gate::v1::Notice::PASSED) {
    return CloseDeadlines(tx, support.name(), kPaymentTerm, cases::Deadline::CANCELLED);
  }
  ASSIGN_OR_RETURN(const base::Date checked, base::Date::FromProto(notice.check_date()));
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open,
                   cases::OpenDeadlines(tx, support.name()));
  for (const cases::Deadline& deadline : open) {
    if (deadline.kind() != kPaymentTerm) continue;
    ASSIGN_OR_RETURN(const base::Date since, base::Date::FromProto(deadline.since()));
    if (since == checked) return absl::OkStatus();
  }
  RETURN_IF_ERROR(CloseDeadlines(tx, support.name(), kPaymentTerm, cases::Deadline::CANCELLED));
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(*env.norms, kPaymentTerm, checked));
  cases::Deadline deadline;
  deadline.set_record(support.name());
  deadline.set_kind(kPaymentTerm);
  deadline.add_roles(rpc::v1::INSTITUTE_INDUSTRY);
  deadline.set_bin(support.recipient());
  *deadline.mutable_since() = term.since.ToProto();
  *deadline.mutable_due_date() = term.last_day.ToProto();
  deadline.set_norm(term.norm);
  deadline.set_rests_on_assumption(term.assumption);
  *deadline.mutable_legal_basis() = errors::PaymentTerm();
  return cases::OpenDeadline(tx, std::move(deadline)).status();
}

// Runs a command once, with what the gate and the lists of recipients said, and the registry of
// priority goods where `goods` is wanted. The stored answer of the same request comes first; then
// whether the step may be taken at all; then the gate.
template <class Response, class Request, class Run>
absl::StatusOr<Response> AskGateThenWrite(Env& env, Call& call, const Request& request,
                                          SupportVerb verb, gate::v1::Checkpoint checkpoint,
                                          std::optional<GoodsOnList>* goods, const Run& run) {
  Checked checked;
  return rpc::GatherThenWrite<Response>(
      *env.store, call, request,
      [&]() -> absl::Status {
        Support support;
        {
          const store::View view = env.store->Read();
          ASSIGN_OR_RETURN(
              const auto found,
              rpc::FindFor(view, call, kSupports, store::Key::Of(request.name()), request.name()));
          support = found.row.support();
          RETURN_IF_ERROR(cases::MayBegin(call, SupportMachine(), verb, found.row,
                                          {.roles = found.roles, .etag = request.etag()}));
        }
        ASSIGN_OR_RETURN(checked, cases::AskGate(*env.gate, env.ask_lists, call,
                                                 {checkpoint, support.recipient(), request.name(),
                                                  call.today()}));
        if (goods == nullptr || !IsProject(support)) return absl::OkStatus();
        // By the list of the day of the request, whatever the list has become since.
        ASSIGN_OR_RETURN(*goods, env.check_goods(call, support, CreatedOn(support)));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Response> {
        RETURN_IF_ERROR(cases::ConfirmNotice(tx, checked.notice));
        return run(tx, checked);
      });
}

absl::Status PostFor(store::Tx& tx, const Support& support, Posting::Kind kind, Money amount,
                     const std::string& record, const std::string& subject, Posting* posted) {
  const std::string programme(absl::StripPrefix(support.programme(), "programmes/"));
  const cases::Movement movement{kind, amount, programme, tx.today().year(), record, subject};
  const bool committed = kind == Posting::PAY || kind == Posting::UNCOMMIT;
  ASSIGN_OR_RETURN(const Posting posting,
                   committed ? cases::PostHeld(tx, movement, support.name(), errors::Account())
                             : cases::Post(tx, movement, errors::Account()));
  if (posted != nullptr) *posted = posting;
  return absl::OkStatus();
}

const std::string& PaymentNumberOf(const Support::Return& back) {
  return back.payment_number();
}

absl::StatusOr<Money> ReturnedSum(const Support& support) {
  Money sum;
  for (const Support::Return& back : support.returns()) {
    if (!cases::Counts(back)) continue;
    ASSIGN_OR_RETURN(const Money amount, Money::FromProto(back.amount()));
    ASSIGN_OR_RETURN(sum, sum.Add(amount));
  }
  return sum;
}

absl::Status SetReturnedSum(Support* support) {
  ASSIGN_OR_RETURN(const Money sum, ReturnedSum(*support));
  *support->mutable_returned_sum() = sum.ToProto();
  return absl::OkStatus();
}

// The other grants of the upkeep of the same cluster and year.
absl::Status AddBefore(const store::Reader& reader, const SupportRow& row, Granting* granting) {
  ASSIGN_OR_RETURN(const std::vector<SupportRow> all,
                   AllOf<SupportRow>(reader, kSupportsByCluster,
                                     store::Key::Of(row.cluster(), row.support().year())));
  for (const SupportRow& other : all) {
    if (!other.support().has_approved_sum() || IsProject(other.support())) continue;
    ASSIGN_OR_RETURN(const Money accepted, Money::FromProto(other.support().accepted_cost()));
    ASSIGN_OR_RETURN(const Money granted, Money::FromProto(other.support().approved_sum()));
    granting->others.push_back(
        {accepted, granted, {other.support().name(), other.support().etag()}});
  }
  return absl::OkStatus();
}

absl::Status TakeOrder(const store::Tx& tx, const v1::DecideSupportRequest& request,
                       Support* support) {
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.order_date()));
  if (day > tx.today()) return errors::OrderDateInvalid();
  support->set_order_number(request.order_number());
  *support->mutable_order_date() = request.order_date();
  return absl::OkStatus();
}

absl::StatusOr<Support> GrantIt(Env& env, store::Tx& tx, const v1::DecideSupportRequest& request,
                                SupportStep step) {
  Support& support = *step.row.mutable_support();
  if (request.programme().empty()) {
    return base::InvalidField("programme", "is required for a grant");
  }
  ASSIGN_OR_RETURN(const Money sum, Money::FromProto(request.approved_sum()));
  if (sum.is_zero()) return base::InvalidField("approved_sum", "must be more than 0");
  ASSIGN_OR_RETURN(ClusterRow cluster, ClusterOf(tx, support));
  ASSIGN_OR_RETURN(Granting granting, GrantingOf(tx, support, cluster));
  granting.sum = sum;
  if (!IsProject(support)) RETURN_IF_ERROR(AddBefore(tx, step.row, &granting));
  ASSIGN_OR_RETURN(Decision decision, Grant(granting, *env.norms));
  const std::string failed = FirstUnsatisfied(decision);
  if (failed == "EXAMINATION_SATISFIED") {
    return errors::FindingUnsatisfied(FirstUnsatisfied(support.examination()));
  }
  if (failed == "CLUSTER_ELIGIBLE") return errors::ClusterNotEligible();
  if (failed == "RECIPIENT_IN_CLUSTER") {
    return errors::RecipientNotInCluster(IsProject(support));
  }
  if (failed == "SUPPORT_YEAR_HOLDS") return errors::SupportYearChanged(granting.support_year);
  if (!failed.empty()) return errors::SumOverCeiling();
  RETURN_IF_ERROR(TakeOrder(tx, request, &support));
  SetDecideTime(tx, &decision);
  *support.mutable_decision() = std::move(decision);
  *support.mutable_approved_sum() = sum.ToProto();
  *support.mutable_paid_sum() = Money().ToProto();
  support.set_programme(request.programme());
  support.set_decided_by(step.subject);
  for (const Posting::Kind kind : {Posting::RESERVE, Posting::COMMIT}) {
    RETURN_IF_ERROR(PostFor(tx, support, kind, sum, support.name(), step.subject, nullptr));
  }
  if (!IsProject(support) && cluster.first_upkeep_year() == 0) {
    cluster.set_first_upkeep_year(support.year());
    RETURN_IF_ERROR(tx.Put(kClusters, &cluster));
  }
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
  return support;
}

absl::StatusOr<Support> RefuseIt(Env& env, store::Tx& tx, const v1::DecideSupportRequest& request,
                                 SupportStep step) {
  Support& support = *step.row.mutable_support();
  ASSIGN_OR_RETURN(const ClusterRow cluster, ClusterOf(tx, support));
  // A sum of nothing is within every ceiling: what is left are the grounds of Art. 25(6).
  ASSIGN_OR_RETURN(const Granting granting, GrantingOf(tx, support, cluster));
  ASSIGN_OR_RETURN(Decision decision, Grant(granting, *env.norms));
  if (FirstUnsatisfied(decision).empty()) return errors::GroundMissing();
  RETURN_IF_ERROR(TakeOrder(tx, request, &support));
  SetDecideTime(tx, &decision);
  *support.mutable_decision() = std::move(decision);
  support.set_reason(request.refusal_reason());
  support.set_decided_by(step.subject);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
  return support;
}

}  // namespace

absl::StatusOr<v1::Support> RequestSupport(Env& env, const Call& call, store::Tx& tx,
                                           const v1::RequestSupportRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number,
                   rpc::NumberIn(request.support().cluster(), "clusters/*", 0));
  ASSIGN_OR_RETURN(const auto found, tx.Find(kClusters, store::Key::Of(number)));
  if (!found.has_value() ||
      !ClusterVisible(found->row.cluster(),
                      rpc::TiesOf<Cluster>().RolesOver(*call.caller, found->row.cluster()))) {
    return base::AccessDenied();
  }
  const Cluster& cluster = found->row.cluster();
  if (!IsEligible(cluster.state())) return errors::ClusterNotEligible();
  RETURN_IF_ERROR(CheckPurpose(request.support()));
  ASSIGN_OR_RETURN(const base::Date selected, base::Date::FromProto(found->row.selected_on()));
  RETURN_IF_ERROR(CheckSupportYear(request.support().year(), selected, tx.today()));
  if (IsProject(request.support())) {
    ASSIGN_OR_RETURN(const Belonging belonging, BelongingOf(tx, request.support(), found->row));
    if (belonging.kind == Belonging::kNot) return errors::RecipientNotInCluster(/*project=*/true);
  } else {
    if (cluster.cluster_organization() != request.support().recipient()) {
      return errors::RecipientNotInCluster(/*project=*/false);
    }
    RETURN_IF_ERROR(SupportYear(found->row.first_upkeep_year(), request.support().year()).status());
  }
  SupportRow row;
  row.set_cluster(number);
  Support& support = *row.mutable_support();
  support = request.support();
  if (!IsProject(support)) support.set_purpose(Support::UPKEEP);
  support.set_name(absl::StrCat("supports/", rpc::IdFor(call)));
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kSupports, store::Key::Of(support.name())));
  if (known.has_value()) return cases::RecordExists(kSupports.name, support.name());
  support.set_requested_by(call.caller->subject);
  // The step that makes it: whoever asks prepares the case, and its examination has a term.
  static const base::EdgeDef kRequest{base::Clauses{.duty = base::Duty::kPrepares},
                                      base::kNotThere,
                                      0,
                                      Support::REQUESTED,
                                      base::RoleBit(rpc::v1::ENTITY),
                                      errors::Organization};
  cases::Progress made{.machine = &SupportMachine(),
                       .allowed = base::Allowed(std::vector<const base::EdgeDef*>{&kRequest})};
  made.edge = &kRequest;
  made.subject = call.caller->subject;
  SupportStep step{std::move(made), std::move(row)};
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(step.row.support())));
  return step.row.support();
}

absl::StatusOr<v1::Support> WithdrawSupport(Env& env, const Call& call, store::Tx& tx,
                                            const v1::WithdrawSupportRequest& request) {
  ASSIGN_OR_RETURN(SupportStep step,
                   BeginSupport(tx, call, SupportVerb::kWithdraw, request.name(), request.etag()));
  step.row.mutable_support()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(step.row.support())));
  return step.row.support();
}

absl::StatusOr<gate::v1::Notice> RecordNotice(Env& env, const Call& call, store::Tx& tx,
                                              const gate::v1::RecordNoticeRequest& request) {
  const std::string& record = request.notice().record();
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kSupports, store::Key::Of(record), record));
  Support& support = *found.row.mutable_support();
  if (support.recipient() != request.notice().recipient()) {
    return base::InvalidField("notice.recipient", "is not the recipient of that support");
  }
  ASSIGN_OR_RETURN(gate::v1::Notice notice, cases::RecordNotice(call, tx, request, errors::Gate()));
  if (support.state() != Support::APPROVED || notice.checkpoint() != gate::v1::BEFORE_PAYMENT) {
    return notice;
  }
  RETURN_IF_ERROR(MovePaymentTerm(env, tx, support, notice));
  ASSIGN_OR_RETURN(const std::vector<cases::Deadline> open, cases::OpenDeadlines(tx, record));
  google::type::Date due;
  if (!open.empty()) due = open.front().due_date();
  // A version that somebody holds stays good where the day does.
  if (google::protobuf::util::MessageDifferencer::Equals(due, support.due_date())) return notice;
  support.clear_due_date();
  if (!open.empty()) *support.mutable_due_date() = due;
  RETURN_IF_ERROR(tx.Put(kSupports, &found.row));
  return notice;
}

absl::StatusOr<Encoded<gate::v1::Notice>> GetNotice(Env& env, Call& call,
                                                    const gate::v1::GetNoticeRequest& request) {
  return cases::GetNotice(*env.store, call, request);
}

absl::StatusOr<Encoded<gate::v1::ListNoticesResponse>> ListNotices(
    Env& env, Call& call, const gate::v1::ListNoticesRequest& request) {
  return cases::ListNotices(*env.store, call, request);
}

absl::StatusOr<v1::Support> ExamineSupport(Env& env, Call& call,
                                           const v1::ExamineSupportRequest& request) {
  std::optional<GoodsOnList> goods;
  return AskGateThenWrite<Support>(
      env, call, request, SupportVerb::kExamine, gate::v1::BEFORE_CONSIDERATION, &goods,
      [&](store::Tx& tx, const Checked& checked) -> absl::StatusOr<Support> {
        ASSIGN_OR_RETURN(SupportStep step,
                         BeginSupport(tx, call, SupportVerb::kExamine, request.name(),
                                      request.etag(), {cases::ActOf(checked.notice)}));
        Support& support = *step.row.mutable_support();
        ASSIGN_OR_RETURN(const Money accepted, Accept(request.items(), &support));
        *support.mutable_accepted_cost() = accepted.ToProto();
        ASSIGN_OR_RETURN(const ClusterRow cluster, ClusterOf(tx, support));
        // A grant of another year since the request may have left this one outside the three: that
        // is found as all else is, so that it can be refused.
        const int32_t year =
            IsProject(support)
                ? 0
                : SupportYear(cluster.first_upkeep_year(), support.year()).value_or(0);
        support.set_support_year(year);
        ASSIGN_OR_RETURN(const Belonging belonging, BelongingOf(tx, support, cluster));
        ASSIGN_OR_RETURN(*support.mutable_examination(),
                         Examine({&support,
                                  cluster.cluster().state(),
                                  cluster.cluster().cluster_organization(),
                                  year,
                                  &checked,
                                  request.documents_complete(),
                                  {support.name(), tx.etag()},
                                  belonging,
                                  goods.has_value() ? &*goods : nullptr,
                                  SourceOf(cluster),
                                  cluster.first_upkeep_year()},
                                 *env.norms, tx.today()));
        SetDecideTime(tx, support.mutable_examination());
        ASSIGN_OR_RETURN(const Money ceiling, Money::Parse(support.examination().outcome()));
        *support.mutable_ceiling() = ceiling.ToProto();
        if (IsProject(support) || year != 0) {
          ASSIGN_OR_RETURN(const base::Percent share,
                           env.norms->Percent(ShareNorm(support, year), tx.today()));
          support.set_share_bp(share.hundredths());
        }
        support.set_opinion(request.opinion());
        support.set_examined_by(step.subject);
        RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
        return support;
      });
}

absl::StatusOr<v1::Support> DecideSupport(Env& env, const Call& call, store::Tx& tx,
                                          const v1::DecideSupportRequest& request) {
  if (request.has_approved_sum() != request.refusal_reason().empty()) {
    return base::InvalidField("approved_sum", "is given, or refusal_reason, and not both");
  }
  const SupportVerb verb = request.has_approved_sum() ? SupportVerb::kGrant : SupportVerb::kRefuse;
  ASSIGN_OR_RETURN(SupportStep step, BeginSupport(tx, call, verb, request.name(), request.etag()));
  return verb == SupportVerb::kGrant ? GrantIt(env, tx, request, std::move(step))
                                     : RefuseIt(env, tx, request, std::move(step));
}

absl::StatusOr<v1::Payment> PaySupport(Env& env, Call& call, const v1::PaySupportRequest& request) {
  return AskGateThenWrite<v1::Payment>(
      env, call, request, SupportVerb::kPay, gate::v1::BEFORE_PAYMENT, nullptr,
      [&](store::Tx& tx, const Checked& checked) -> absl::StatusOr<v1::Payment> {
        ASSIGN_OR_RETURN(SupportStep step,
                         BeginSupport(tx, call, SupportVerb::kPay, request.name(), request.etag(),
                                      {cases::ActOf(checked.notice)}));
        Support& support = *step.row.mutable_support();
        ASSIGN_OR_RETURN(const Money amount, Money::FromProto(request.amount()));
        if (amount.is_zero()) return base::InvalidField("amount", "must be more than 0");
        ASSIGN_OR_RETURN(const auto used, tx.FindUniqueRaw(kPaymentsByNotice,
                                                           store::Key::Of(checked.notice.name())));
        if (used.has_value()) return errors::NoticeUsed();
        ASSIGN_OR_RETURN(const ClusterRow cluster, ClusterOf(tx, support));
        ASSIGN_OR_RETURN(const Belonging belonging, BelongingOf(tx, support, cluster));
        ASSIGN_OR_RETURN(Decision decision, Pay({&support,
                                                 cluster.cluster().state(),
                                                 cluster.cluster().cluster_organization(),
                                                 &checked,
                                                 amount,
                                                 {support.name(), tx.etag()},
                                                 belonging,
                                                 SourceOf(cluster)},
                                                *env.norms));
        const std::string failed = FirstUnsatisfied(decision);
        if (failed == "CLUSTER_ELIGIBLE") return errors::ClusterNotEligible();
        if (failed == "RECIPIENT_IN_CLUSTER") {
          return errors::RecipientNotInCluster(IsProject(support));
        }
        if (cases::IsOfGate(failed)) return errors::GateFailed();
        if (!failed.empty()) return errors::SumOverApproved();
        SetDecideTime(tx, &decision);

        PaymentRow row;
        row.set_support(support.name());
        row.set_number(step.row.payment_count() + 1);
        row.set_notice(checked.notice.name());
        v1::Payment& payment = *row.mutable_payment();
        payment.set_name(absl::StrCat(support.name(), "/payments/", row.number()));
        payment.set_recipient(support.recipient());
        *payment.mutable_amount() = amount.ToProto();
        payment.set_order_number(request.order_number());
        *payment.mutable_decision() = std::move(decision);
        payment.set_paid_by(step.subject);
        Posting posting;
        RETURN_IF_ERROR(
            PostFor(tx, support, Posting::PAY, amount, payment.name(), step.subject, &posting));
        payment.set_posting(posting.name());
        RETURN_IF_ERROR(tx.Put(kPayments, &row));

        ASSIGN_OR_RETURN(const Money before, Money::FromProto(support.paid_sum()));
        ASSIGN_OR_RETURN(const Money approved, Money::FromProto(support.approved_sum()));
        ASSIGN_OR_RETURN(const Money paid, before.Add(amount));
        *support.mutable_paid_sum() = paid.ToProto();
        step.row.set_payment_count(row.number());
        RETURN_IF_ERROR(CloseDeadlines(tx, support.name(), kPaymentTerm, cases::Deadline::DONE));
        RETURN_IF_ERROR(step.Lead(paid == approved ? Support::COMPLETED : Support::APPROVED));
        RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
        return payment;
      });
}

absl::StatusOr<v1::Support> RecordReturn(Env& env, const Call& call, store::Tx& tx,
                                         const v1::RecordReturnRequest& request) {
  ASSIGN_OR_RETURN(SupportStep step,
                   BeginSupport(tx, call, SupportVerb::kReturn, request.name(), request.etag()));
  Support& support = *step.row.mutable_support();
  GivenBack given;
  ASSIGN_OR_RETURN(given.amount, Money::FromProto(request.amount()));
  if (given.amount.is_zero()) return base::InvalidField("amount", "must be more than 0");
  ASSIGN_OR_RETURN(given.day, base::Date::FromProto(request.pay_date()));
  ASSIGN_OR_RETURN(const cases::Known known,
                   cases::KnownPayment(request.payment_number(), given.day, given.amount,
                                       PaymentNumberOf, support.mutable_returns()));
  if (known == cases::Known::kSame) return errors::ReturnRecorded();
  if (known == cases::Known::kAlike && !request.another_payment()) return errors::ReturnAlike();
  ASSIGN_OR_RETURN(given.paid, Money::FromProto(support.paid_sum()));
  ASSIGN_OR_RETURN(given.returned, ReturnedSum(support));
  ASSIGN_OR_RETURN(const auto first, tx.Find(kPayments, store::Key::Of(support.name(), 1)));
  if (first.has_value()) given.first_paid = CreatedOn(first->row.payment());
  RETURN_IF_ERROR(CheckReturn(given, tx.today()));
  Support::Return& back = *support.add_returns();
  *back.mutable_amount() = request.amount();
  *back.mutable_pay_date() = request.pay_date();
  back.set_payment_number(request.payment_number());
  back.set_reason(request.reason());
  back.set_recorded_by(step.subject);
  Posting posting;
  RETURN_IF_ERROR(
      PostFor(tx, support, Posting::RECOVER, given.amount, support.name(), step.subject, &posting));
  back.set_posting(posting.name());
  RETURN_IF_ERROR(SetReturnedSum(&support));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
  return support;
}

absl::StatusOr<v1::Support> ReverseReturn(Env& env, const Call& call, store::Tx& tx,
                                          const v1::ReverseReturnRequest& request) {
  ASSIGN_OR_RETURN(SupportStep step, BeginSupport(tx, call, SupportVerb::kReverseReturn,
                                                  request.name(), request.etag()));
  Support& support = *step.row.mutable_support();
  ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(request.pay_date()));
  Support::Return* const back =
      cases::RepaymentBy(request.payment_number(), day, PaymentNumberOf, support.mutable_returns());
  if (back == nullptr) return errors::ReturnUnknown();
  ASSIGN_OR_RETURN(const Posting posting, cases::Reverse(tx, back->posting(), request.reason(),
                                                         step.subject, errors::Account()));
  back->set_reversed_by(step.subject);
  back->set_reversal_posting(posting.name());
  back->set_reversal_reason(request.reason());
  RETURN_IF_ERROR(SetReturnedSum(&support));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
  return support;
}

absl::StatusOr<v1::Support> CompleteSupport(Env& env, const Call& call, store::Tx& tx,
                                            const v1::CompleteSupportRequest& request) {
  ASSIGN_OR_RETURN(SupportStep step,
                   BeginSupport(tx, call, SupportVerb::kComplete, request.name(), request.etag()));
  Support& support = *step.row.mutable_support();
  ASSIGN_OR_RETURN(const Money approved, Money::FromProto(support.approved_sum()));
  ASSIGN_OR_RETURN(const Money paid, Money::FromProto(support.paid_sum()));
  ASSIGN_OR_RETURN(const Money rest, approved.Sub(paid));
  RETURN_IF_ERROR(
      PostFor(tx, support, Posting::UNCOMMIT, rest, support.name(), step.subject, nullptr));
  support.set_reason(request.reason());
  RETURN_IF_ERROR(CloseDeadlines(tx, support.name(), kPaymentTerm, cases::Deadline::CANCELLED));
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kSupports, &step, WhoIs(support)));
  return support;
}

absl::StatusOr<Encoded<v1::Support>> GetSupport(Env& env, Call& call,
                                                const v1::GetSupportRequest& request) {
  return GetShown<Support>(env, call, kSupports, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<v1::ListSupportsResponse>> ListSupports(
    Env& env, Call& call, const v1::ListSupportsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kSupports, request, call));
  plan.indexes = {{"recipient", &kSupportsByRecipient, rpc::TextKey}};
  plan.scopes = {{rpc::v1::ENTITY, &kSupportsByRecipient}};
  plan.show = ShowConcealed<Support>(call, nullptr);
  return rpc::ListAs<v1::ListSupportsResponse>(*env.store, plan);
}

absl::StatusOr<Encoded<v1::ListPaymentsResponse>> ListPayments(
    Env& env, Call& call, const v1::ListPaymentsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kPayments, request, call));
  plan.prefix = store::Key::Of(request.parent());
  RETURN_IF_ERROR(rpc::CheckParent(*env.store, call, kSupports, request.parent(), plan.at));
  plan.show = ShowConcealed<v1::Payment>(call, nullptr);
  return rpc::ListAs<v1::ListPaymentsResponse>(*env.store, plan);
}

}  // namespace nisi::clusters
