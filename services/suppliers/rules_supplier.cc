#include "services/suppliers/rules_supplier.h"

#include <array>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/money.h"
#include "common/base/roles.h"
#include "common/cases/findings.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/roles.h"

namespace nisi::suppliers {
namespace {

using cases::Facts;
using decision::v1::Decision;

constexpr char kManualReviewDays[] = "suppliers.manual_review_days";

// The facts of a verification and of a review. Those of a check are named as it, in lower case.
constexpr char kSubmitted[] = "submitted_us";
constexpr char kNow[] = "now_us";
constexpr char kMeasure[] = "measure";
constexpr char kToday[] = "today";
constexpr char kValidUntil[] = "valid_until";
constexpr char kVerdict[] = "verdict";
constexpr char kReason[] = "reason";
constexpr char kLeadsTo[] = "leads_to";
constexpr char kState[] = "state";
constexpr char kUntil[] = "until";
constexpr char kNoEnd[] = "none";
constexpr char kAccept[] = "ACCEPT";
constexpr char kSatisfied[] = "satisfied";
constexpr char kDenied[] = "not satisfied";
constexpr char kNotAnswered[] = "not answered";

constexpr std::array<const char*, 6> kChecks{"registered", "name",   "place",
                                             "activity",   "acting", "reliable"};
static_assert(static_cast<size_t>(Answer::Check_MAX) == kChecks.size());
constexpr std::array<const char*, 6> kAnswerTimes{"registered_us", "name_us",   "place_us",
                                                  "activity_us",   "acting_us", "reliable_us"};

constexpr std::array<const char*, 6> kReferences{"registered_reference", "name_reference",
                                                 "place_reference",      "activity_reference",
                                                 "acting_reference",     "reliable_reference"};

std::string CheckName(size_t check) {
  return absl::AsciiStrToUpper(kChecks[check]);
}

// A registration that is decided to be ACTIVE today ends so.
absl::Status SetTerm(Facts* facts) {
  ASSIGN_OR_RETURN(const base::Date today, facts->Date(kToday));
  ASSIGN_OR_RETURN(const int64_t months, facts->Number(kRegistrationMonths));
  facts->Set(kValidUntil, EndOfMonths(today, months).ToString(), "end of the term");
  return absl::OkStatus();
}

absl::StatusOr<Decision> DecideVerification(Facts facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const int64_t submitted, facts.Number(kSubmitted));
  ASSIGN_OR_RETURN(const int64_t now, facts.Number(kNow));
  bool fresh = true;
  for (size_t i = 0; i < kChecks.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string answer, facts.Text(kChecks[i]));
    ASSIGN_OR_RETURN(const int64_t answered, facts.Number(kAnswerTimes[i]));
    RETURN_IF_ERROR(facts.Text(kReferences[i]).status());
    cases::AddFinding(&decision, CheckName(i), answer == kSatisfied, errors::Maintaining(), facts,
                      {kChecks[i], kReferences[i]});
    if (answer != kNotAnswered && (answered < submitted || answered > now)) fresh = false;
  }
  cases::AddFinding(&decision, "ANSWERS_FRESH", fresh, errors::Maintaining(), facts,
                    {kSubmitted, kNow, kAnswerTimes[0], kAnswerTimes[1], kAnswerTimes[2],
                     kAnswerTimes[3], kAnswerTimes[4], kAnswerTimes[5]});
  ASSIGN_OR_RETURN(const std::string measure, facts.Text(kMeasure));
  cases::AddFinding(&decision, "NO_MEASURE", measure == "no", errors::Database(), facts,
                    {kMeasure});
  const bool all = cases::AllSatisfied(decision);
  RETURN_IF_ERROR(SetTerm(&facts));
  cases::AddFinding(&decision, "REGISTRATION_TERM", true, errors::TermOfRegistration(), facts,
                    {kToday, kRegistrationMonths, kValidUntil});
  decision.set_outcome(Supplier::State_Name(all ? Supplier::ACTIVE : Supplier::MANUAL_REVIEW));
  return decision;
}

absl::StatusOr<Decision> DecideReview(Facts facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string verdict, facts.Text(kVerdict));
  ASSIGN_OR_RETURN(const std::string reason, facts.Text(kReason));
  const bool accept = verdict == kAccept;
  cases::AddFinding(&decision, "REASON_GIVEN", !reason.empty(), errors::Maintaining(), facts,
                    {kVerdict, kReason});
  for (const char* check : {"registered", "acting"}) {
    ASSIGN_OR_RETURN(const std::string answer, facts.Text(check));
    cases::AddFinding(&decision, absl::StrCat(absl::AsciiStrToUpper(check), "_NOT_DENIED"),
                      answer != kDenied, errors::Maintaining(), facts, {check});
  }
  RETURN_IF_ERROR(SetTerm(&facts));
  cases::AddFinding(&decision, "REGISTRATION_TERM", true, errors::TermOfRegistration(), facts,
                    {kToday, kRegistrationMonths, kValidUntil});
  decision.set_outcome(Supplier::State_Name(accept ? Supplier::ACTIVE : Supplier::DRAFT));
  return decision;
}

absl::StatusOr<Decision> DecideOnMeasure(const Facts& facts) {
  Decision decision;
  ASSIGN_OR_RETURN(const std::string to, facts.Text(kLeadsTo));
  ASSIGN_OR_RETURN(const std::string until, facts.Text(kUntil));
  ASSIGN_OR_RETURN(const std::string reason, facts.Text(kReason));
  ASSIGN_OR_RETURN(const base::Date today, facts.Date(kToday));
  RETURN_IF_ERROR(facts.Text(kState).status());
  cases::AddFinding(&decision, "REASON_GIVEN", !reason.empty(), errors::Database(), facts,
                    {kState, kLeadsTo, kReason});
  if (until != kNoEnd) {
    ASSIGN_OR_RETURN(const base::Date ends, facts.Date(kUntil));
    cases::AddFinding(&decision, "ENDS_LATER", ends > today, errors::Database(), facts,
                      {kToday, kUntil});
  } else {
    cases::AddFinding(&decision, "UNTIL_DECIDED_OTHERWISE", true, errors::Database(), facts,
                      {kToday, kUntil});
  }
  decision.set_outcome(to);
  return decision;
}

absl::StatusOr<Decision> Seal(const Facts& facts, const norms::Norms& norms,
                              absl::StatusOr<Decision> decided) {
  ASSIGN_OR_RETURN(Decision decision, std::move(decided));
  decision.set_norms_edition(norms.edition());
  decision.set_rests_on_assumption(facts.rests_on_assumption());
  return decision;
}

// What a verification found of a check; "not answered" where there was none.
std::string AnswerOf(const Decision& decision, absl::string_view check) {
  for (const auto& finding : decision.findings()) {
    for (const auto& fact : finding.facts()) {
      if (fact.name() == check) return fact.value();
    }
  }
  return kNotAnswered;
}

}  // namespace

const base::Machine<Supplier::State, SupplierVerb>& SupplierMachine() {
  using base::Duty;
  using S = Supplier;
  using V = SupplierVerb;
  static const auto* const kMachine = new base::Machine<Supplier::State, SupplierVerb>(
      "SUPPLIER", Supplier::State_descriptor(),
      {{"register", errors::FreeRegistration},
       {"import", errors::Maintaining},
       {"edit", errors::FreeRegistration},
       {"edit contacts", errors::FreeRegistration},
       {"submit", errors::FreeRegistration},
       {"ask registers", errors::Maintaining},
       {"verify", errors::Maintaining},
       {"verify late", errors::Maintaining},
       {"accept", errors::Maintaining},
       {"send back", errors::Maintaining},
       {"suspend", errors::Database},
       {"reinstate", errors::Database},
       {"end suspension", errors::Database},
       {"expire", errors::TermOfRegistration},
       {"remove", errors::Database}},
      {{{S::STATE_UNSPECIFIED, S::REMOVED},
        V::kRegister,
        S::DRAFT,
        kEntity,
        errors::FreeRegistration,
        {.duty = Duty::kPrepares}},
       {{S::STATE_UNSPECIFIED},
        V::kImport,
        S::ACTIVE,
        kInstitute,
        errors::Maintaining,
        {.duty = Duty::kExamines}},
       {{S::DRAFT, S::SUBMITTED, S::ACTIVE, S::EXPIRED},
        V::kEdit,
        S::DRAFT,
        kEntity,
        errors::FreeRegistration,
        {.duty = Duty::kPrepares}},
       {{S::DRAFT, S::SUBMITTED, S::AUTO_VERIFICATION, S::MANUAL_REVIEW, S::ACTIVE, S::SUSPENDED,
         S::EXPIRED},
        V::kEditContacts,
        base::kSame,
        kEntity,
        errors::FreeRegistration},
       {{S::DRAFT, S::EXPIRED},
        V::kSubmit,
        S::SUBMITTED,
        kEntity,
        errors::FreeRegistration,
        {.duty = Duty::kPrepares}},
       {{S::SUBMITTED},
        V::kAskRegisters,
        S::AUTO_VERIFICATION,
        base::kByItself,
        errors::Maintaining},
       {{S::AUTO_VERIFICATION},
        V::kVerify,
        S::ACTIVE,
        kInstitute,
        errors::Maintaining,
        {.duty = Duty::kExamines, .due = kAutoVerificationDays, .when = "settled"}},
       {{S::AUTO_VERIFICATION},
        V::kVerify,
        S::MANUAL_REVIEW,
        kInstitute,
        errors::Maintaining,
        {.duty = Duty::kExamines, .due = kAutoVerificationDays, .when = "not settled"}},
       {{S::AUTO_VERIFICATION},
        V::kVerifyLate,
        S::MANUAL_REVIEW,
        base::kByItself,
        errors::Maintaining,
        {.due = kAutoVerificationDays}},
       {{S::MANUAL_REVIEW},
        V::kAccept,
        S::ACTIVE,
        kInstitute,
        errors::Maintaining,
        {.duty = Duty::kDecides, .due = kManualReviewDays}},
       {{S::MANUAL_REVIEW},
        V::kSendBack,
        S::DRAFT,
        kInstitute,
        errors::Maintaining,
        {.duty = Duty::kDecides, .due = kManualReviewDays}},
       {{S::ACTIVE}, V::kSuspend, S::SUSPENDED, kInstitute | kAuthority, errors::Database},
       {{S::SUSPENDED}, V::kReinstate, S::ACTIVE, kInstitute | kAuthority, errors::Database},
       {{S::SUSPENDED}, V::kEndSuspension, S::ACTIVE, base::kByItself, errors::Database},
       {{S::ACTIVE, S::SUSPENDED},
        V::kExpire,
        S::EXPIRED,
        base::kByItself,
        errors::TermOfRegistration},
       {{S::DRAFT, S::SUBMITTED, S::AUTO_VERIFICATION, S::MANUAL_REVIEW, S::ACTIVE, S::SUSPENDED,
         S::EXPIRED},
        V::kRemove,
        S::REMOVED,
        kEntity | kInstitute | kAuthority,
        errors::Database}});
  return *kMachine;
}

base::Date EndOfMonths(base::Date first, int64_t months) {
  const int64_t month = int64_t{first.year()} * 12 + first.month() - 1 + months;
  const auto same = base::Date::Of(month / 12, month % 12 + 1, first.day());
  if (same.ok()) return same->AddDays(-1);
  const auto next = base::Date::Of((month + 1) / 12, (month + 1) % 12 + 1, 1);
  return next.ok() ? next->AddDays(-1) : base::Date::Max();
}

absl::StatusOr<base::Date> EndOfRegistration(const norms::Norms& norms, base::Date day) {
  ASSIGN_OR_RETURN(const int64_t months, norms.Int(kRegistrationMonths, day));
  return EndOfMonths(day, months);
}

void ShowOn(base::Date day, Supplier* supplier) {
  const auto suspended_until = base::Date::FromProto(supplier->suspended_until());
  if (supplier->state() == Supplier::SUSPENDED && supplier->has_suspended_until() &&
      suspended_until.ok() && *suspended_until <= day) {
    supplier->set_state(Supplier::ACTIVE);
    supplier->clear_suspended_until();
  }
  const auto last = base::Date::FromProto(supplier->valid_until());
  if ((supplier->state() == Supplier::ACTIVE || supplier->state() == Supplier::SUSPENDED) &&
      supplier->has_valid_until() && last.ok() && *last < day) {
    supplier->set_state(Supplier::EXPIRED);
    supplier->clear_suspended_until();
  }
}

bool MeasureStands(const v1::SupplierRow& row, base::Date day) {
  if (!row.measure()) return false;
  // Of a suspension that was recorded before the row told it, the supplier tells it while it lasts.
  const auto until = base::Date::FromProto(
      row.has_measure_until() ? row.measure_until() : row.supplier().suspended_until());
  const bool ends = row.has_measure_until() || row.supplier().has_suspended_until();
  return !ends || !until.ok() || day < *until;
}

namespace {

struct Sized {
  v1::Size size = v1::SIZE_UNSPECIFIED;
  bool assumption = false;  // of the norms that were looked at
};

absl::StatusOr<Sized> FindSize(const Supplier& supplier, const norms::Norms& norms,
                               absl::string_view root) {
  const Supplier::Finance& finance = supplier.finance();
  if (!finance.has_staff() || !finance.has_annual_income()) return Sized();
  if (finance.year() == 0) {
    return base::InvalidField(absl::StrCat(root, "finance.year"),
                              "is required with staff and annual_income");
  }
  const auto day = base::Date::Of(finance.year() + 1, 1, 1);
  if (!day.ok()) return errors::SizeNormMissing(root, finance.year());
  const auto mci = norms.Tenge("mci", *day);
  if (!mci.ok()) return errors::SizeNormMissing(root, finance.year());
  const auto income = base::Money::FromProto(finance.annual_income());
  if (!income.ok())
    return base::InvalidField(absl::StrCat(root, "finance.annual_income"), "is no sum");
  const struct {
    v1::Size size;
    const char* staff;
    const char* income;
  } classes[] = {
      {v1::MICRO, "suppliers.size.micro_staff_max", "suppliers.size.micro_income_max"},
      {v1::SMALL, "suppliers.size.small_staff_max", "suppliers.size.small_income_max"},
      {v1::MEDIUM, "suppliers.size.medium_staff_max", "suppliers.size.medium_income_max"},
  };
  Sized sized;
  const auto look = [&](const char* key) {
    const auto norm = norms.Get(key, *day);
    if (norm.ok() && norm->certainty == norms::Certainty::kAssumption) sized.assumption = true;
  };
  look("mci");
  for (const auto& c : classes) {
    look(c.staff);
    look(c.income);
    const auto staff_max = norms.Int(c.staff, *day);
    const auto income_max = norms.Int(c.income, *day);
    if (!staff_max.ok() || !income_max.ok()) return errors::SizeNormMissing(root, finance.year());
    if (finance.staff() <= *staff_max &&
        absl::int128(income->tiyn()) <= absl::int128(*income_max) * mci->tiyn()) {
      sized.size = c.size;
      return sized;
    }
  }
  sized.size = v1::LARGE;
  return sized;
}

}  // namespace

absl::StatusOr<v1::Size> SizeOf(const Supplier& supplier, const norms::Norms& norms,
                                absl::string_view root) {
  ASSIGN_OR_RETURN(const Sized sized, FindSize(supplier, norms, root));
  return sized.size;
}

absl::Status SetSize(const norms::Norms& norms, absl::string_view root, Supplier* supplier) {
  ASSIGN_OR_RETURN(const Sized sized, FindSize(*supplier, norms, root));
  supplier->set_size(sized.size);
  supplier->clear_size_rests_on_assumption();
  if (sized.size != v1::SIZE_UNSPECIFIED) {
    supplier->set_size_rests_on_assumption(sized.assumption);
  }
  return absl::OkStatus();
}

absl::Status CheckProfile(const Supplier& supplier) {
  std::vector<const char*> missing;
  if (supplier.name_kk().empty() && supplier.name_ru().empty()) missing.push_back("name_ru");
  if (supplier.oked().empty()) missing.push_back("oked");
  if (supplier.kato().empty()) missing.push_back("kato");
  if (supplier.activities().empty()) missing.push_back("activities");
  if (supplier.contacts().phone().empty() && supplier.contacts().email().empty())
    missing.push_back("contacts");
  return missing.empty() ? absl::OkStatus() : errors::ProfileIncomplete(missing);
}

bool ChangesVerified(const Supplier& before, const Supplier& after) {
  Supplier a = before, b = after;
  for (Supplier* supplier : {&a, &b}) {
    supplier->clear_contacts();
    supplier->clear_website();
    supplier->clear_finance();
    supplier->clear_place();  // follows from kato
    supplier->clear_etag();
  }
  return !google::protobuf::util::MessageDifferencer::Equals(a, b);
}

absl::StatusOr<Decision> Verify(const Verification& verification,
                                absl::Span<const Answer* const> answers,
                                const norms::Norms& norms) {
  Facts facts;
  std::set<int> answered;
  for (size_t i = 0; i < kChecks.size(); ++i) {
    facts.Set(kChecks[i], kNotAnswered, "request");
    facts.Set(kAnswerTimes[i], "0", "request");
    facts.Set(kReferences[i], kNotAnswered, "request");
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    const Answer& answer = *answers[i];
    if (!answered.insert(answer.check()).second) return errors::AnswerTwice(static_cast<int>(i));
    const auto check = static_cast<size_t>(answer.check()) - 1;
    facts.Set(kChecks[check], answer.satisfied() ? kSatisfied : kDenied, verification.name,
              verification.recorded);
    facts.Set(kAnswerTimes[check],
              absl::StrCat(answer.answer_time().seconds() * 1'000'000 +
                           answer.answer_time().nanos() / 1'000),
              answer.register_());
    facts.Set(kReferences[check], answer.reference(), answer.register_());
  }
  facts.Set(kSubmitted, absl::StrCat(verification.submitted_us), verification.name,
            verification.etag);
  facts.Set(kMeasure, verification.measure ? "yes" : "no", verification.name, verification.etag);
  facts.Set(kNow, absl::StrCat(absl::ToUnixMicros(verification.now)), "clock");
  facts.Set(kToday, verification.today.ToString(), "clock");
  RETURN_IF_ERROR(facts.SetNorm(norms, kRegistrationMonths, verification.today));
  return Seal(facts, norms, DecideVerification(facts));
}

absl::StatusOr<Decision> Review(const Supplier& supplier, bool accept, const std::string& reason,
                                const std::string& recorded, base::Date today,
                                const norms::Norms& norms) {
  Facts facts;
  for (const char* check : {"registered", "acting"}) {
    const std::string answer = AnswerOf(supplier.decision(), check);
    if (accept && answer == kDenied)
      return errors::ReviewOverrulesRegister(absl::AsciiStrToUpper(check));
    facts.Set(check, answer, supplier.name(), supplier.etag());
  }
  facts.Set(kVerdict, accept ? kAccept : "SEND_BACK", supplier.name(), recorded);
  facts.Set(kReason, reason, supplier.name(), recorded);
  facts.Set(kToday, today.ToString(), "clock");
  RETURN_IF_ERROR(facts.SetNorm(norms, kRegistrationMonths, today));
  return Seal(facts, norms, DecideReview(facts));
}

absl::StatusOr<Decision> DecideMeasure(const Supplier& supplier, Supplier::State to,
                                       const std::string& reason, std::optional<base::Date> until,
                                       const std::string& recorded, base::Date today,
                                       const norms::Norms& norms) {
  if (until.has_value() && *until <= today) return errors::SuspensionEndPast();
  Facts facts;
  facts.Set(kState, Supplier::State_Name(supplier.state()), supplier.name(), supplier.etag());
  facts.Set(kLeadsTo, Supplier::State_Name(to), supplier.name(), recorded);
  facts.Set(kReason, reason, supplier.name(), recorded);
  facts.Set(kUntil, until.has_value() ? until->ToString() : kNoEnd, supplier.name(), recorded);
  facts.Set(kToday, today.ToString(), "clock");
  return Seal(facts, norms, DecideOnMeasure(facts));
}

absl::StatusOr<Decision> ReplaySupplier(const Decision& stored) {
  const Facts known = Facts::Of(stored);
  if (known.Text(kLeadsTo).ok()) return cases::Replay(stored, DecideOnMeasure);
  return cases::Replay(stored, known.Text(kVerdict).ok() ? DecideReview : DecideVerification);
}

absl::StatusOr<base::Date> ValidUntil(const Decision& decision) {
  return Facts::Of(decision).Date(kValidUntil);
}

}  // namespace nisi::suppliers
