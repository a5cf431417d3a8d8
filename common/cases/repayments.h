// Money that comes back on a demand (Art. 27(4)): what of it counts, what is late, and what is
// still owed. Found anew from the days of payment each time, so that it is the same in whatever
// order they were learnt, and with a mistake that is undone as if it had never been.
//
// A repayment is the message of a service that has the fields amount, pay_date, late, reversed_by
// and surplus; where no interest runs, neither late nor surplus, and KnownPayment alone is for it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/cases/obligations.h"
#include "google/protobuf/repeated_field.h"

namespace nisi::cases {

// The sum, the base rate of the day of demand, and the last day that is in time.
struct Demanded {
  base::Money total;
  base::Percent rate;
  base::Date due;
};

struct Balance {
  base::Money late;  // interest charged by the last repayment
  base::Money repaid;
  base::Money owed;  // below zero where more came
};

// One that was undone does not.
template <class Repayment>
bool Counts(const Repayment& repayment) {
  return repayment.reversed_by().empty();
}

// Late interest of all repayments in the order of their days, in which they are put: on what was
// demanded and is not paid, and not on interest. What is charged is told line by line.
template <class Repayment>
absl::StatusOr<Balance> ChargeLate(const Demanded& demanded,
                                   google::protobuf::RepeatedPtrField<Repayment>* repayments) {
  std::stable_sort(repayments->pointer_begin(), repayments->pointer_end(),
                   [](const Repayment* one, const Repayment* other) {
                     const auto day = [](const Repayment* of) {
                       return base::Date::FromProto(of->pay_date()).value_or(base::Date::Max());
                     };
                     return day(one) < day(other);
                   });
  Balance balance;
  base::Money unpaid = demanded.total;
  base::Date until = demanded.due;
  for (Repayment& repayment : *repayments) {
    repayment.clear_late();
    if (!Counts(repayment)) continue;
    ASSIGN_OR_RETURN(const base::Date paid_on, base::Date::FromProto(repayment.pay_date()));
    const base::Date from = until.AddDays(1);
    ASSIGN_OR_RETURN(const base::Money more, LateInterest(unpaid, demanded.rate, from, paid_on));
    if (!more.is_zero()) {
      auto& line = *repayment.mutable_late();
      *line.mutable_from() = from.ToProto();
      *line.mutable_to() = paid_on.ToProto();
      line.set_days(paid_on - from + 1);
      line.set_rate(demanded.rate.ToString());
      *line.mutable_unpaid() = unpaid.ToProto();
      *line.mutable_amount() = more.ToProto();
    }
    ASSIGN_OR_RETURN(balance.late, balance.late.Add(more));
    ASSIGN_OR_RETURN(const base::Money amount, base::Money::FromProto(repayment.amount()));
    ASSIGN_OR_RETURN(balance.repaid, balance.repaid.Add(amount));
    ASSIGN_OR_RETURN(unpaid, unpaid.Sub(amount));
    if (repayment.has_surplus()) {
      ASSIGN_OR_RETURN(const base::Money surplus, base::Money::FromProto(repayment.surplus()));
      ASSIGN_OR_RETURN(unpaid, unpaid.Sub(surplus));
    }
    unpaid = std::max(unpaid, base::Money());
    until = std::max(until, paid_on);
  }
  ASSIGN_OR_RETURN(balance.owed, demanded.total.Add(balance.late));
  ASSIGN_OR_RETURN(balance.owed, balance.owed.Sub(balance.repaid));
  return balance;
}

// Whether a payment is recorded already. Its payer's document tells it: number and day, as numbers
// begin anew each year and in each bank. One of the same number and sum but of another day is most
// likely that one with its day typed wrongly, and taken for another only where whoever enters it
// says so.
enum class Known { kNo, kAlike, kSame };

// The repayment by this number of that day that counts; null where there is none.
template <class Repayment, class NumberOf>
Repayment* RepaymentBy(const std::string& number, base::Date day, const NumberOf& number_of,
                       google::protobuf::RepeatedPtrField<Repayment>* repayments) {
  for (Repayment& known : *repayments) {
    if (Counts(known) && number_of(known) == number &&
        base::Date::FromProto(known.pay_date()).value_or(base::Date::Max()) == day) {
      return &known;
    }
  }
  return nullptr;
}

template <class Repayment, class NumberOf>
absl::StatusOr<Known> KnownPayment(const std::string& number, base::Date day, base::Money amount,
                                   const NumberOf& number_of,
                                   google::protobuf::RepeatedPtrField<Repayment>* repayments) {
  if (RepaymentBy(number, day, number_of, repayments) != nullptr) return Known::kSame;
  for (const Repayment& known : *repayments) {
    if (!Counts(known) || number_of(known) != number) continue;
    ASSIGN_OR_RETURN(base::Money came, base::Money::FromProto(known.amount()));
    if constexpr (requires { known.has_surplus(); }) {
      if (known.has_surplus()) {
        ASSIGN_OR_RETURN(const base::Money surplus, base::Money::FromProto(known.surplus()));
        ASSIGN_OR_RETURN(came, came.Add(surplus));
      }
    }
    if (came == amount) return Known::kAlike;
  }
  return Known::kNo;
}

// Takes one more, and says what is owed then; nothing where it is more than was owed: *most is what
// it may be. Money of an earlier day that is found late takes back interest that was charged for
// want of it: whoever pays no more than the register asked for is no debtor for having paid a
// little too much by that. What is too much is the surplus of `fresh`, and does not count.
template <class Repayment>
absl::StatusOr<std::optional<Balance>> TakeRepayment(
    const Demanded& demanded, google::protobuf::RepeatedPtrField<Repayment>* repayments,
    Repayment* fresh, base::Money* most) {
  ASSIGN_OR_RETURN(const base::Money amount, base::Money::FromProto(fresh->amount()));
  ASSIGN_OR_RETURN(const Balance before, ChargeLate(demanded, repayments));
  Repayment* added = repayments->Add();
  *added = *fresh;
  ASSIGN_OR_RETURN(Balance after, ChargeLate(demanded, repayments));
  if (after.owed.is_negative()) {
    ASSIGN_OR_RETURN(const base::Money counts, amount.Add(after.owed));
    if (amount > before.owed || counts <= base::Money()) {
      *most = counts <= base::Money() ? base::Money() : std::max(counts, before.owed);
      return std::nullopt;
    }
    ASSIGN_OR_RETURN(const base::Money surplus, amount.Sub(counts));
    *added->mutable_surplus() = surplus.ToProto();
    *added->mutable_amount() = counts.ToProto();
    ASSIGN_OR_RETURN(after, ChargeLate(demanded, repayments));
  }
  *fresh = *added;
  return after;
}

}  // namespace nisi::cases
