#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_evidence.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

// A notice is a record of its own: the record that runs out does not change by it.
absl::Status Notify(store::Tx& tx, const std::string& bin, v1::Notice::Type type,
                    const std::string& subject, const google::type::Date& last_day,
                    base::Date day) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("notices/", bin)));
  NoticeRow row;
  row.set_number(number);
  v1::Notice& notice = *row.mutable_notice();
  notice.set_name(absl::StrCat(SupplierName(bin), "/notices/", number));
  notice.set_bin(bin);
  notice.set_type(type);
  notice.set_subject(subject);
  *notice.mutable_due_date() = last_day;
  tx.Cite(errors::TermOfRegistration());
  return tx.Put(kNotices, &row, day);
}

// Whether a last day is near: not before the day of the warning, and not over.
absl::StatusOr<bool> IsNear(const Env& env, const google::type::Date& last_day, base::Date day) {
  ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(last_day));
  ASSIGN_OR_RETURN(const int64_t days, env.norms->Int("suppliers.evidence.warn_days", day));
  return last.AddDays(-days) <= day && day <= last;
}

// Whether the supplier was told of this last day of its registration. One that was verified twice
// has a timer of each, and both may find the same day.
absl::StatusOr<bool> WasTold(const store::Tx& tx, const Supplier& supplier) {
  const std::string last_day = supplier.valid_until().SerializeAsString();
  bool told = false;
  RETURN_IF_ERROR(
      tx.Scan(kNotices, {store::Key::Of(supplier.bin()), ""}, {},
              [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<NoticeRow>(row));
                const v1::Notice& notice = stored.row.notice();
                told = notice.type() == v1::Notice::REGISTRATION_EXPIRES &&
                       notice.due_date().SerializeAsString() == last_day;
                return !told;
              }));
  return told;
}

}  // namespace

absl::Status WarnOfRegistration(Env& env, store::Tx& tx, absl::string_view payload,
                                absl::Time /*due*/) {
  ASSIGN_OR_RETURN(const auto found, tx.Find(kSuppliers, store::Key::Of(payload)));
  if (!found.has_value()) return absl::OkStatus();
  const Supplier& supplier = found->row.supplier();
  if (supplier.state() != Supplier::ACTIVE && supplier.state() != Supplier::SUSPENDED)
    return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool near, IsNear(env, supplier.valid_until(), tx.today()));
  if (!near) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool told, WasTold(tx, supplier));
  if (told) return absl::OkStatus();
  return Notify(tx, supplier.bin(), v1::Notice::REGISTRATION_EXPIRES, supplier.name(),
                supplier.valid_until(), tx.today());
}

absl::Status WarnOfEvidence(Env& env, store::Tx& tx, absl::string_view payload,
                            absl::Time /*due*/) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(payload, &number)) return base::StoreCorrupt("timer payload");
  ASSIGN_OR_RETURN(const auto found, tx.Find(kEvidence, store::Key::Of(number)));
  if (!found.has_value() || found->row.evidence().state() != Evidence::CONFIRMED)
    return absl::OkStatus();
  const Evidence& evidence = found->row.evidence();
  ASSIGN_OR_RETURN(const bool near, IsNear(env, evidence.valid_until(), tx.today()));
  if (!near) return absl::OkStatus();
  return Notify(tx, evidence.bin(), v1::Notice::EVIDENCE_EXPIRES, evidence.name(),
                evidence.valid_until(), tx.today());
}

absl::StatusOr<Encoded<v1::ListNoticesResponse>> ListNotices(
    Env& env, Call& call, const v1::ListNoticesRequest& request) {
  const std::string bin = BinIn(request.parent());
  {
    const store::View view = env.store->Read(call.reach);
    RETURN_IF_ERROR(
        rpc::FindFor(view, call, kSuppliers, store::Key::Of(bin), request.parent()).status());
  }
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kNotices, request, call));
  plan.prefix = store::Key::Of(bin);
  plan.show = rpc::ShowTo<v1::Notice>(call);
  return rpc::ListAs<v1::ListNoticesResponse>(*env.store, plan);
}

}  // namespace nisi::suppliers
