// What tests of services that take money back have in common: how a repayment and its late interest
// are told in a line of text, and the same money entered in every order.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/cases/obligations.h"
#include "nisi/obligations/v1/obligation.pb.h"

namespace nisi::cases {

// " from..to days of unpaid = interest".
inline std::string LateText(const obligations::v1::LateInterest& late) {
  return absl::StrCat(" ", base::Date::FromProto(late.from())->ToString(), "..",
                      base::Date::FromProto(late.to())->ToString(), " ", late.days(), " of ",
                      base::Money::FromProto(late.unpaid())->ToString(), " = ",
                      base::Money::FromProto(late.amount())->ToString());
}

// "number amount" of a repayment, with its late interest.
template <class Repayment>
std::string RepaymentText(const std::string& number, const Repayment& repayment) {
  return absl::StrCat(number, " ", repayment.amount().units(),
                      repayment.reversed_by().empty() ? "" : " undone",
                      repayment.has_late() ? LateText(repayment.late()) : "", ";");
}

// Three payments on one demand: in time, late, and later.
struct Paid {
  const char* number;
  int64_t tenge;
  int days;  // after the day it was due
};
inline constexpr Paid kPaid[] = {{"a", 50'000, -5}, {"b", 60'000, 10}, {"c", 70'000, 40}};
inline constexpr int kOrders = 6;

// Calls `take` with each of them, in every order in which they may be entered: a demand an order.
template <class Take>
void InEveryOrder(const Take& take) {
  std::vector<size_t> order{0, 1, 2};
  size_t demand = 0;
  do {
    for (const size_t i : order) take(demand, kPaid[i]);
    ++demand;
  } while (std::next_permutation(order.begin(), order.end()));
}

// What is to stand of the three, RepaymentText of each and then the sum of interest.
inline std::string PaidText(base::Money total, base::Percent rate, base::Date due) {
  const auto late = [&](int64_t paid, int from, int to) {
    obligations::v1::LateInterest line;
    const base::Money unpaid = *total.Sub(*base::Money::FromTenge(paid));
    *line.mutable_from() = due.AddDays(from).ToProto();
    *line.mutable_to() = due.AddDays(to).ToProto();
    line.set_days(to - from + 1);
    *line.mutable_unpaid() = unpaid.ToProto();
    *line.mutable_amount() =
        LateInterest(unpaid, rate, due.AddDays(from), due.AddDays(to))->ToProto();
    return line;
  };
  const obligations::v1::LateInterest second = late(50'000, 1, 10);
  const obligations::v1::LateInterest third = late(110'000, 11, 40);
  const base::Money all =
      *base::Money::FromProto(second.amount())->Add(*base::Money::FromProto(third.amount()));
  return absl::StrCat("a 50000;b 60000", LateText(second), ";c 70000", LateText(third), ";",
                      all.ToString());
}

}  // namespace nisi::cases
