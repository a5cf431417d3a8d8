#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/gather.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/places.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using SupplierStep = cases::Step<SupplierRow>;

// What was decided on the profile before is for the journal to tell.
void ForgetDecision(Supplier* supplier) {
  supplier->clear_decision();
  supplier->clear_verified_by();
  supplier->clear_decided_by();
  supplier->clear_valid_until();
}

}  // namespace

absl::StatusOr<v1::Supplier> RegisterSupplier(Env& env, Call& call,
                                              const v1::RegisterSupplierRequest& request) {
  std::optional<PlaceFact> place;
  return rpc::GatherThenWrite<Supplier>(
      *env.store, call, request,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(place, EnterPlace(env, call, "supplier.kato", request.supplier().kato()));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Supplier> {
        const std::string& bin = request.supplier().bin();
        ASSIGN_OR_RETURN(auto found, tx.Find(kSuppliers, store::Key::Of(bin)));
        SupplierRow row;
        if (found.has_value()) row = std::move(found->row);
        // Its own BIN, as the policy says.
        ASSIGN_OR_RETURN(SupplierStep step,
                         cases::Begin(call, SupplierMachine(), SupplierVerb::kRegister,
                                      std::move(row), {.roles = call.caller->roles}));
        Supplier& supplier = *step.row.mutable_supplier();
        supplier = request.supplier();
        supplier.set_name(SupplierName(bin));
        supplier.set_registered_by(call.caller->subject);
        KeepPlace(place, &supplier);
        RETURN_IF_ERROR(SetSize(*env.norms, "supplier.", &supplier));
        step.row.clear_life();
        RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
        return supplier;
      });
}

absl::StatusOr<v1::Supplier> UpdateSupplier(Env& env, Call& call,
                                            const v1::UpdateSupplierRequest& request) {
  std::optional<PlaceFact> place;
  return rpc::GatherThenWrite<Supplier>(
      *env.store, call, request,
      [&]() -> absl::Status {
        const auto& paths = request.update_mask().paths();  // none: all that is given
        if (!paths.empty() && absl::c_find(paths, "kato") == paths.end()) return absl::OkStatus();
        // What the map says of the place would tell a stranger whose it is.
        const std::string& name = request.supplier().name();
        const store::View view = env.store->Read();
        ASSIGN_OR_RETURN(const auto stands,
                         rpc::FindFor(view, call, kSuppliers, store::Key::Of(BinIn(name)), name));
        ASSIGN_OR_RETURN(place, EnterPlace(env, call, "supplier.kato", request.supplier().kato(),
                                           stands.row.supplier().kato()));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Supplier> {
        const std::string& name = request.supplier().name();
        ASSIGN_OR_RETURN(auto found,
                         rpc::FindFor(tx, call, kSuppliers, store::Key::Of(BinIn(name)), name));
        Supplier changed = found.row.supplier();
        RETURN_IF_ERROR(
            rpc::ApplyUpdate(request.supplier(), request.update_mask(), &changed, &call));
        KeepPlace(place, &changed);
        const bool verified = ChangesVerified(found.row.supplier(), changed);
        ASSIGN_OR_RETURN(SupplierStep step,
                         cases::Begin(call, SupplierMachine(),
                                      verified ? SupplierVerb::kEdit : SupplierVerb::kEditContacts,
                                      std::move(found.row),
                                      {.roles = found.roles, .etag = request.supplier().etag()}));
        RETURN_IF_ERROR(SetSize(*env.norms, "supplier.", &changed));
        if (verified && step.row.supplier().state() != Supplier::DRAFT) ForgetDecision(&changed);
        *step.row.mutable_supplier() = std::move(changed);
        RETURN_IF_ERROR(FinishSupplier(env, tx, &step, {.bin = step.row.supplier().bin()}));
        return step.row.supplier();
      });
}

absl::StatusOr<v1::Supplier> SubmitSupplier(Env& env, const Call& call, store::Tx& tx,
                                            const v1::SubmitSupplierRequest& request) {
  ASSIGN_OR_RETURN(SupplierStep step,
                   BeginSupplier(tx, call, request.name(), request.etag(), SupplierVerb::kSubmit));
  Supplier& supplier = *step.row.mutable_supplier();
  RETURN_IF_ERROR(CheckProfile(supplier));
  ForgetDecision(&supplier);
  supplier.clear_reason();
  step.row.set_submitted_us(absl::ToUnixMicros(call.now));
  // Whoever examined it the last time may decide on it this time; what stands in it is still whose
  // it was to write.
  auto& acts = *step.row.mutable_life()->mutable_acts();
  acts.erase(std::remove_if(
                 acts.begin(), acts.end(),
                 [](const cases::v1::Act& act) { return act.duty() != cases::v1::Act::PREPARES; }),
             acts.end());
  RETURN_IF_ERROR(FinishSupplier(env, tx, &step));
  tx.Schedule(tx.recorded() + absl::Seconds(1), kAskRegistersTimer, supplier.bin());
  return supplier;
}

absl::StatusOr<Encoded<v1::Supplier>> GetSupplier(Env& env, Call& call,
                                                  const v1::GetSupplierRequest& request) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(request));
  const store::View view = env.store->Read(call.reach);
  ASSIGN_OR_RETURN(auto found, view.Find(kSuppliers, store::Key::Of(BinIn(request.name())), at));
  const rpc::Ties& ties = rpc::TiesOf<Supplier>();
  if (!found.has_value())
    return rpc::Absent(call, ties, SupplierIsVisible, kSuppliers.name, request.name());
  Supplier& supplier = *found->row.mutable_supplier();
  ShowOn(DayOf(at, view), &supplier);
  uint32_t roles = 0;
  if (!rpc::MaySee(call, ties, supplier, SupplierIsVisible, &roles))
    return rpc::Missing(call, kSuppliers.name, request.name());
  return Encoded<Supplier>{supplier.SerializeAsString()};
}

absl::StatusOr<Encoded<v1::ListSuppliersResponse>> ListSuppliers(
    Env& env, Call& call, const v1::ListSuppliersRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kSuppliers, request, call));
  if (!request.kato_prefix().empty()) {
    store::Key place;
    place.AddTextPrefix(request.kato_prefix());
    plan.orders = {{"kato", &kSuppliersByKato, place}};
    plan.order_by = "kato";
  }
  // States of a day, and of today as it was known, are those that are shown, not those that are
  // stored.
  if (!plan.at.as_of.has_value() && !plan.at.known_at_us.has_value())
    plan.indexes.push_back({"state", &kSuppliersByState, rpc::EnumKey<Supplier::State>});
  plan.indexes.push_back({"oked", &kSuppliersByOked, rpc::TextKey});
  plan.indexes.push_back({"size", &kSuppliersBySize, rpc::EnumKey<v1::Size>});
  const rpc::Ties& ties = rpc::TiesOf<Supplier>();
  const auto day = std::make_shared<base::Date>();
  plan.prepare = [day](const store::Reader& reader, const store::At& at) {
    *day = DayOf(at, reader);
    return absl::OkStatus();
  };
  plan.show = [&call, &ties, day](google::protobuf::Message* message) {
    Supplier& supplier = static_cast<Supplier&>(*message);
    const Supplier::State stored = supplier.state();
    ShowOn(*day, &supplier);
    uint32_t roles = 0;
    if (!rpc::MaySee(call, ties, supplier, SupplierIsVisible, &roles)) return rpc::Shown::kNo;
    return supplier.state() == stored ? rpc::Shown::kAsStored : rpc::Shown::kChanged;
  };
  return rpc::ListAs<v1::ListSuppliersResponse>(*env.store, plan);
}

}  // namespace nisi::suppliers
