// nisi.disclosure.v1.DisclosureService: permits and accesses, on every process whose records have
// confidential fields.
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"
#include "common/rpc/list.h"
#include "common/rpc/resource.h"

namespace nisi::rpc {
namespace {

using namespace disclosure::v1;  // NOLINT(google-build-using-namespace): the messages of this one
                                 // service

constexpr char kOwnerBin[] = "owner_bin";

absl::Status PermitWithdrawn(const std::string& name) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "PERMIT_WITHDRAWN",
                       "The permit was withdrawn before.")
      .With("name", name)
      .Precondition("PERMIT_WITHDRAWN", name, "a permit is withdrawn once and for good")
      .Cite(ConfidentialityBasis());
}

absl::Status PermitExists(const std::string& name) {
  return base::Refusal(absl::StatusCode::kAlreadyExists, "PERMIT_EXISTS",
                       "The permit of this request is there already.")
      .With("name", name)
      .Resource("permits", name);
}

// What the form of the fields does not say. `refusal` has fields where something is wrong.
void CheckScopeOf(const DisclosureEnv& env, const Permit& permit, base::Refusal* refusal) {
  if (!permit.reader_bin().empty() && !permit.reader_subject().empty()) {
    refusal->Field("permit.reader_subject", "must be absent where reader_bin is given");
  }
  if (permit.reader_bin() == permit.owner_bin()) {
    refusal->Field("permit.reader_bin", "must not be the owner, who needs no permit");
  }
  if (!permit.record().empty() && !env.registry->KnowsRecord(permit.record())) {
    refusal->Field("permit.record", "must be the name of a record with confidential fields");
  }
  for (int i = 0; i < permit.fields_size(); ++i) {
    if (!env.registry->KnowsMark(permit.fields(i))) {
      refusal->Field(absl::StrCat("permit.fields[", i, "]"),
                     "must be a confidential field of this register");
    }
  }
  const auto first = base::Date::FromProto(permit.first_day());
  const auto last = base::Date::FromProto(permit.last_day());
  if (permit.has_last_day() && first.ok() && last.ok() && *last < *first) {
    refusal->Field("permit.last_day", "must not lie before first_day");
  }
}

void CheckConsent(const Permit& permit, base::Date today, base::Refusal* refusal) {
  if (permit.reader_bin().empty() && permit.reader_subject().empty()) {
    refusal->Field("permit.reader_bin", "is required unless reader_subject is given");
  }
  const auto last = base::Date::FromProto(permit.last_day());
  if (!permit.has_last_day()) {
    refusal->Field("permit.last_day", "is required: a consent has a term");
  } else if (last.ok() && *last < today) {
    refusal->Field("permit.last_day", "must not be over");
  }
  if (!permit.court().empty() || !permit.number().empty() || permit.has_decision_date()) {
    refusal->Field("permit.court", "is of a court order: RecordCourtOrder");
  }
}

void CheckOrder(const Permit& permit, base::Date today, base::Refusal* refusal) {
  if (permit.court().empty()) refusal->Field("permit.court", "is required");
  if (permit.number().empty()) refusal->Field("permit.number", "is required");
  const auto decided = base::Date::FromProto(permit.decision_date());
  const auto first = base::Date::FromProto(permit.first_day());
  if (!permit.has_decision_date()) {
    refusal->Field("permit.decision_date", "is required");
  } else if (decided.ok() && *decided > today) {
    refusal->Field("permit.decision_date", "must not lie ahead");
  } else if (decided.ok() && first.ok() && *first < *decided) {
    refusal->Field("permit.first_day", "must not lie before decision_date");
  }
}

absl::StatusOr<Permit> PutPermit(const DisclosureEnv& env, const Call& call, store::Tx& tx,
                                 Permit permit, Permit::Kind kind) {
  base::Refusal refusal(absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                        "The permit is not well formed.");
  refusal.Cite(ConfidentialityBasis());
  CheckScopeOf(env, permit, &refusal);
  if (kind == Permit::CONSENT) {
    CheckConsent(permit, tx.today(), &refusal);
  } else {
    CheckOrder(permit, tx.today(), &refusal);
  }
  if (refusal.has_fields()) return refusal;
  PermitRow row;
  *row.mutable_permit() = std::move(permit);
  const std::string name = absl::StrCat("permits/", IdFor(call));
  // The same request again, after its answer is kept no longer, must not revive what was withdrawn.
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kPermits, store::Key::Of(name)));
  if (known.has_value()) return PermitExists(name);
  row.mutable_permit()->set_name(name);
  row.mutable_permit()->set_kind(kind);
  RETURN_IF_ERROR(tx.Put(kPermits, &row));
  tx.Cite(ConfidentialityBasis());
  return row.permit();
}

absl::StatusOr<Permit> GiveConsent(DisclosureEnv& env, const Call& call, store::Tx& tx,
                                   const GiveConsentRequest& request) {
  return PutPermit(env, call, tx, request.permit(), Permit::CONSENT);
}

absl::StatusOr<Permit> RecordCourtOrder(DisclosureEnv& env, const Call& call, store::Tx& tx,
                                        const RecordCourtOrderRequest& request) {
  return PutPermit(env, call, tx, request.permit(), Permit::COURT_ORDER);
}

// A consent is its owner's, not its reader's; a court order is the authorized body's.
bool MayWithdraw(const Permit& permit, const Caller& caller, uint32_t roles) {
  if (permit.kind() == Permit::COURT_ORDER)
    return (roles & base::RoleBit(v1::AUTHORITY_INDUSTRY)) != 0;
  const uint32_t owners = base::RoleBit(v1::ENTITY) | base::RoleBit(v1::CUSTOMER);
  return (roles & owners) != 0 && caller.bin == permit.owner_bin();
}

absl::StatusOr<Permit> WithdrawPermit(DisclosureEnv&, const Call& call, store::Tx& tx,
                                      const WithdrawPermitRequest& request) {
  ASSIGN_OR_RETURN(auto found,
                   FindFor(tx, call, kPermits, store::Key::Of(request.name()), request.name()));
  Permit& permit = *found.row.mutable_permit();
  if (!MayWithdraw(permit, *call.caller, found.roles)) return base::AccessDenied();
  RETURN_IF_ERROR(CheckEtag(request.etag(), permit.etag()));
  if (permit.has_withdraw_time()) return PermitWithdrawn(request.name());
  permit.mutable_withdraw_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  permit.set_withdraw_reason(request.reason());
  RETURN_IF_ERROR(tx.Put(kPermits, &found.row));
  tx.Cite(ConfidentialityBasis());
  return permit;
}

absl::StatusOr<Encoded<Permit>> GetPermit(DisclosureEnv& env, Call& call,
                                          const GetPermitRequest& request) {
  return GetRecord<Permit>(*env.store, call, kPermits, store::Key::Of(request.name()), request);
}

absl::StatusOr<Encoded<ListPermitsResponse>> ListPermits(DisclosureEnv& env, Call& call,
                                                         const ListPermitsRequest& request) {
  ASSIGN_OR_RETURN(ListPlan plan, PlanList(kPermits, request, call));
  plan.indexes = {{kOwnerBin, &kPermitsByParty, TextKey},
                  {"reader_bin", &kPermitsByParty, TextKey}};
  plan.scopes = {{v1::ENTITY, &kPermitsByParty}, {v1::CUSTOMER, &kPermitsByParty}};
  plan.show = ShowTo<Permit>(call);
  // The index holds owners and readers: the filter looks at each permit which it is.
  if (!plan.show) plan.show = [](google::protobuf::Message*) { return Shown::kAsStored; };
  return ListAs<ListPermitsResponse>(*env.store, plan);
}

// The table's own keys begin with the owner.
absl::StatusOr<Encoded<ListAccessesResponse>> ListAccesses(DisclosureEnv& env, Call& call,
                                                           const ListAccessesRequest& request) {
  ListPlan plan;
  plan.table = &kAccesses;
  PlanPage(request, call, &plan);
  plan.indexes = {{kOwnerBin, nullptr, TextKey}};
  plan.scopes = {{v1::ENTITY, nullptr}, {v1::CUSTOMER, nullptr}};
  plan.show = ShowTo<Access>(call);
  return ListAs<ListAccessesResponse>(*env.store, plan);
}

}  // namespace

absl::Status AddDisclosureService(DisclosureEnv& env, Registry* registry) {
  RETURN_IF_ERROR(registry->Add(*DisclosureService::descriptor()));
  NISI_COMMAND(*registry, DisclosureService, GiveConsent, env, *env.store, GiveConsent);
  NISI_COMMAND(*registry, DisclosureService, RecordCourtOrder, env, *env.store, RecordCourtOrder);
  NISI_COMMAND(*registry, DisclosureService, WithdrawPermit, env, *env.store, WithdrawPermit);
  NISI_UNARY(*registry, DisclosureService, GetPermit, env, GetPermit);
  NISI_UNARY(*registry, DisclosureService, ListPermits, env, ListPermits);
  NISI_UNARY(*registry, DisclosureService, ListAccesses, env, ListAccesses);
  return absl::OkStatus();
}

}  // namespace nisi::rpc
