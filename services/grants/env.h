// What the functions of this service work with, who may see what, and what their commands share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/cases/budget.h"
#include "common/cases/gate.h"
#include "common/cases/rows.h"
#include "common/cases/step.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/rpc/resource.h"
#include "common/store/store.h"
#include "services/grants/rules.h"
#include "services/grants/tables.h"

namespace nisi::grants {

using cases::AllOf;
using cases::Need;
using cases::SetDecideTime;

// What other services know of an applicant. Asked outside any transaction.
class Sources {
 public:
  virtual ~Sources() = default;
  // As of a day. UNAVAILABLE when one of them has not answered, with which and when to ask again:
  // then nothing is found, neither for the applicant nor against it.
  virtual absl::StatusOr<Outside> Ask(const rpc::Call& call, const Application& application,
                                      base::Date day) = 0;
};

struct Env {
  store::Store* store = nullptr;
  const norms::Norms* norms = nullptr;
  cases::Gate* gate = nullptr;
  bool own_gate = true;  // the gate reads this register
  Sources* sources = nullptr;
};

// ---- Who sees what (env.cc)

// Takes the subjects of experts and commission members out of a record for all but the institute,
// the authority and auditors; an expert finds itself. Whether anything was taken out.
bool Conceal(const rpc::Call& call, uint32_t roles, google::protobuf::Message* resource);

template <class Resource, class Row, class Request>
absl::StatusOr<rpc::Encoded<Resource>> GetShown(const Env& env, const rpc::Call& call,
                                                const store::Table<Row>& table,
                                                const store::Key& key, const Request& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(view, call, table, key, request.name(), nullptr, at));
  auto* resource = found.row.GetReflection()->MutableMessage(
      &found.row, Row::descriptor()->FindFieldByNumber(1));
  Conceal(call, found.roles, resource);
  return rpc::Encoded<Resource>{resource->SerializeAsString()};
}

// `call` outlives the list.
template <class Resource>
std::function<rpc::Shown(google::protobuf::Message*)> ShowConcealed(const rpc::Call& call) {
  return [&call](google::protobuf::Message* resource) {
    uint32_t roles = 0;
    if (!rpc::MaySee(call, rpc::TiesOf<Resource>(), *resource, nullptr, &roles)) {
      return rpc::Shown::kNo;
    }
    return Conceal(call, roles, resource) ? rpc::Shown::kChanged : rpc::Shown::kAsStored;
  };
}

// ---- Steps (env.cc)

using ApplicationStep = cases::Step<ApplicationRow>;

// A step of an application by whoever has a role over it.
absl::StatusOr<ApplicationStep> BeginApplication(const store::Tx& tx, const rpc::Call& call,
                                                 ApplicationVerb verb, const std::string& name,
                                                 const std::string& etag);
// The applicant has to act, or waits for who has.
absl::Status FinishApplication(const Env& env, store::Tx& tx, ApplicationStep* step);
// The application as an answer to the caller of its step.
Application Shown(const rpc::Call& call, const ApplicationStep& step);

// An agreement and the step of its application.
struct AgreementStep {
  AgreementRow row;
  ApplicationStep of;

  Agreement& agreement() { return *row.mutable_agreement(); }
};
absl::StatusOr<AgreementStep> BeginAgreement(const store::Tx& tx, const rpc::Call& call,
                                             ApplicationVerb verb, const std::string& name,
                                             const std::string& etag);
absl::Status FinishAgreement(const Env& env, store::Tx& tx, AgreementStep* step);

// The signature of the party that takes the step, under a text that both sign: TEXT_DIFFERS,
// SIGNED_ALREADY (rpc_agreements.cc).
absl::Status AddSignature(const store::Tx& tx, const ApplicationStep& step,
                          const std::string& signed_text, const std::string& text,
                          google::protobuf::RepeatedPtrField<Agreement::Signature>* signatures);

// The step that makes a record: its first state, its act and its terms.
cases::Progress Made(const base::MachineDef& machine, const base::EdgeDef& edge,
                     const std::string& subject);

// ---- What commands share (env.cc)

absl::Status CheckProgramme(const store::Reader& reader, const std::string& name,
                            const std::string& field);
// Whoever was refused applies again, naming the refused application of its own: one of somebody
// else and none are the same.
absl::Status CheckEarlier(const store::Reader& reader, const Application& application);
// How a decision names the state of this register, on which rests what none of its records says.
inline std::string VersionAt(int64_t position) {
  return absl::StrCat("position ", position);
}
// How many grants of an applicant run: one, or another beside it that runs again as what was repaid
// of it was a mistake.
absl::StatusOr<int64_t> RunningGrants(const store::Reader& reader, const std::string& applicant);
// Posts money of a programme in the account of the day's year.
absl::StatusOr<cases::Posting> PostFor(store::Tx& tx, const std::string& programme,
                                       cases::Posting::Kind kind, base::Money amount,
                                       const std::string& record, const std::string& subject);
// The same of what was reserved for an application, in the account that holds it: a COMMIT or
// RELEASE.
absl::StatusOr<cases::Posting> PostReserved(store::Tx& tx, const Application& application,
                                            cases::Posting::Kind kind, const std::string& record,
                                            const std::string& subject);
// And of what was committed for an agreement, out of the account that holds it: a PAY or UNCOMMIT.
absl::StatusOr<cases::Posting> PostCommitted(store::Tx& tx, const Agreement& agreement,
                                             cases::Posting::Kind kind, base::Money amount,
                                             const std::string& record, const std::string& subject);
// An open meeting on an application has lost its matter.
absl::Status SupersedeMeetings(const Env& env, store::Tx& tx, const std::string& application,
                               const std::string& reason);
// The payments of an agreement, by tranche.
absl::StatusOr<std::vector<v1::Payment>> PaymentsOf(const store::Reader& reader,
                                                    const std::string& agreement);
// A term that a step opens rather than a state (terms.cc).
struct Owed {
  std::string record;
  const char* kind = "";
  const char* norm = "";  // with the days
  base::Date since;
  rpc::Role role = rpc::v1::ROLE_UNSPECIFIED;  // who has to act
  std::string bin;                             // of an ENTITY
  base::LegalBasis basis;
};
// `day`: as with Tx::Put.
absl::Status OpenTerm(const Env& env, store::Tx& tx, const Owed& owed,
                      std::optional<base::Date> day = std::nullopt);
// Closes the open ones of a record that are of one of these kinds.
absl::Status CloseTerms(store::Tx& tx, const std::string& record,
                        std::initializer_list<const char*> kinds, cases::Deadline::State state);
// The recipient's term to prove the conditions of its tranches: some days after the agreed
// commissioning, or after today where that is later.
absl::Status OpenProofTerm(const Env& env, store::Tx& tx, const Agreement& agreement);
// The institute's term to judge the obligations, after their last day.
absl::Status OpenAssessmentTerm(const Env& env, store::Tx& tx, const Agreement& agreement);
// Opens what the recipient and the institute owe from the first payment on (rpc_monitoring.cc).
absl::Status OpenMonitoring(const Env& env, store::Tx& tx, const Agreement& agreement);
// Closes the open deadlines of a record that were opened by hand.
absl::Status CloseMonitoring(store::Tx& tx, const std::string& agreement);
// Somebody who owes something past due, and what: one entry of a list, however much is owed.
struct Debtor {
  std::string recipient;
  v1::UnreliableRecipient::List list = v1::UnreliableRecipient::LIST_UNSPECIFIED;
  std::string basis;
  std::string entered_by;
  base::Date from;  // since which day
};
// Enters it, unless it is there already; the name of its entry (rpc_recipients.cc). Of a debt that
// is told late the entry stands there since it was past due.
absl::StatusOr<std::string> ListDebtor(store::Tx& tx, const Debtor& debtor);
// Takes it off, or where it owes something else, lets the entry rest on the oldest of that.
// `in_time`: all of it came by its last day, and was recorded late: the days on which the entry
// rested on it, and nothing else was past due, are taken back.
absl::Status UnlistDebtor(store::Tx& tx, const Debtor& debtor, const std::vector<OtherDebt>& others,
                          bool in_time);

// What happens by itself when a term is over; timers run until the store ends, after the service.
cases::OverdueFns OverdueActs(std::shared_ptr<const Env> env);
absl::Status AnnulOverdue(const Env& env, store::Tx& tx, const cases::Deadline& deadline,
                          base::Date day);  // rpc_applications.cc
absl::Status ReportOverdue(const Env& env, store::Tx& tx, const cases::Deadline& deadline,
                           base::Date day);  // rpc_monitoring.cc
absl::Status DemandOverdue(const Env& env, store::Tx& tx, const cases::Deadline& deadline,
                           base::Date day);  // rpc_demands.cc

}  // namespace nisi::grants
