// Who is a customer, from which day on.
#include "absl/strings/str_cat.h"
#include "common/cases/refusals.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

template <class Request>
absl::StatusOr<std::optional<base::Date>> EffectiveDay(const Request& request) {
  std::optional<base::Date> day;
  if (request.has_effective_from()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.effective_from()));
  }
  return day;
}

// By the norms of the day from which it holds.
absl::Status JudgeIt(const Env& env, const store::Tx& tx, base::Date day, Customer* customer) {
  ASSIGN_OR_RETURN(*customer->mutable_eligibility(),
                   JudgeCustomer(*customer, *env.norms, day, {customer->name(), tx.etag()}));
  cases::SetDecideTime(tx, customer->mutable_eligibility());
  customer->set_eligible(customer->eligibility().outcome() == "ELIGIBLE");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Customer> RegisterCustomer(Env& env, const Call& /*call*/, store::Tx& tx,
                                              const v1::RegisterCustomerRequest& request) {
  ASSIGN_OR_RETURN(const auto day, EffectiveDay(request));
  CustomerRow row;
  Customer& customer = *row.mutable_customer();
  customer = request.customer();
  customer.set_name(absl::StrCat("customers/", customer.bin()));
  ASSIGN_OR_RETURN(const auto versions,
                   tx.Versions(kCustomers, store::Key::Of(customer.bin()).bytes()));
  if (!versions.empty()) return cases::RecordExists(kCustomers.name, customer.name());
  RETURN_IF_ERROR(JudgeIt(env, tx, day.value_or(tx.today()), &customer));
  if (!customer.eligible()) {
    const auto* finding = FirstUnsatisfied(customer.eligibility());
    return errors::CustomerNotEligible("customer", finding == nullptr ? "" : finding->rule());
  }
  tx.Cite(errors::Customers());
  RETURN_IF_ERROR(tx.Put(kCustomers, &row, day));
  return customer;
}

absl::StatusOr<v1::Customer> UpdateCustomer(Env& env, const Call& call, store::Tx& tx,
                                            const v1::UpdateCustomerRequest& request) {
  ASSIGN_OR_RETURN(const auto day, EffectiveDay(request));
  const std::string& name = request.customer().name();
  const store::Key key = store::Key::Of(name.substr(name.find('/') + 1));
  // What is changed is what holds on that day: an update of today's would take back what is to hold
  // by then, or put into the past what came after it. Before its first day there is but today's.
  store::At at;
  if (day.has_value() && *day != tx.today()) {
    at.as_of = day;
    ASSIGN_OR_RETURN(const auto then, tx.Find(kCustomers, key, at));
    if (!then.has_value()) at.as_of.reset();
  }
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kCustomers, key, name, nullptr, at));
  Customer& customer = *found.row.mutable_customer();
  RETURN_IF_ERROR(rpc::UpdateResource(request.customer(), request.update_mask(), &customer, &call));
  RETURN_IF_ERROR(JudgeIt(env, tx, day.value_or(tx.today()), &customer));
  tx.Cite(errors::Customers());
  RETURN_IF_ERROR(tx.Put(kCustomers, &found.row, day));
  return customer;
}

}  // namespace nisi::contracts
