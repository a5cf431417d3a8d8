// Balances equal the replay of what happened, in whatever order it came and on every day.
#include <algorithm>
#include <random>

#include "services/contracts/service_testing.h"

namespace nisi::contracts {
namespace {

class BalanceTest : public ContractsTest {
 protected:
  // An event, and which earlier one it corrects; -1: none.
  struct Event {
    Entry::Kind kind;
    base::Date day;
    int32_t year;
    int64_t quantity;  // whole units, or tenge
    v1::Fault fault = v1::FAULT_UNSPECIFIED;
    bool delivered = false;
    int corrects = -1;
  };

  absl::Status Send(const std::string& contract, const Event& event,
                    std::vector<std::string>* names, size_t index) {
    v1::Entry entry;
    entry.set_year(event.year);
    *entry.mutable_event_date() = event.day.ToProto();
    if (event.kind == Entry::PAYMENT) {
      *entry.mutable_amount() = Tenge(event.quantity);
    } else {
      entry.set_quantity(absl::StrCat(event.quantity));
    }
    if (event.kind == Entry::REFUSAL) {
      entry.set_fault(event.fault);
      entry.set_delivered(event.delivered);
      entry.set_reason("Не нужно");
      *entry.add_documents() = Paper();
    }
    absl::StatusOr<v1::Entry> recorded;
    const rpc::Caller by = event.kind == Entry::DELIVERY ? supplier_ : CustomerOf(1);
    if (event.corrects >= 0) {
      recorded = Correct((*names)[static_cast<size_t>(event.corrects)], by, entry);
    } else if (event.kind == Entry::DELIVERY) {
      recorded = Deliver(contract, entry);
    } else if (event.kind == Entry::ACCEPTANCE) {
      recorded = AcceptIt(contract, entry);
    } else if (event.kind == Entry::PAYMENT) {
      recorded = Enter<v1::RecordPaymentRequest>("RecordPayment", contract, CustomerOf(1), entry);
    } else {
      recorded = Enter<v1::RefuseToBuyRequest>("RefuseToBuy", contract, CustomerOf(1), entry);
    }
    if (!recorded.ok()) return recorded.status();
    (*names)[index] = recorded->name();
    return absl::OkStatus();
  }

  // What the journal says, without the totals: every entry that no later one replaced. How much it
  // was no leaf tells; the entry itself does, which never changes.
  std::map<int32_t, Tally> Replayed(const std::string& contract, base::Date as_of) {
    std::map<int32_t, v1::Entry> last;
    std::set<int32_t> corrected;
    const auto read = store().ReadJournal(1, 1'000'000, size_t{1} << 30);
    EXPECT_TRUE(read.ok()) << read.status();
    for (const auto& record : *read) {
      journal::v1::Entry entry;
      EXPECT_TRUE(entry.ParseFromString(record.leaf));
      for (const auto& change : entry.changes()) {
        if (change.table() != kEntries.name) continue;
        v1::Entry event;
        EXPECT_TRUE(event.ParseFromString(change.after().value()));
        if (ParentOf(event.name()) != contract) continue;
        const int32_t number = std::stoi(event.name().substr(event.name().rfind('/') + 1));
        last[number] = Stored(kEntries, store::Key::Of(contract, number)).entry();
        if (event.corrects() != 0) corrected.insert(event.corrects());
      }
    }
    std::map<int32_t, Tally> tallies;
    for (const auto& [number, event] : last) {
      if (corrected.contains(number) || *base::Date::FromProto(event.event_date()) > as_of) {
        continue;
      }
      Count(event, &tallies[event.year()]);
    }
    return tallies;
  }
  // What one event adds, told anew: the totals are held against this.
  static void Count(const v1::Entry& event, Tally* tally) {
    const auto thousandths = [&event] {
      return base::Quantity::Parse(event.quantity())->thousandths();
    };
    if (event.kind() == Entry::DELIVERY) {
      tally->delivered += thousandths();
    } else if (event.kind() == Entry::ACCEPTANCE) {
      tally->accepted += thousandths();
    } else if (event.kind() == Entry::PAYMENT) {
      tally->paid += event.amount().units() * 100 + event.amount().nanos() / 10'000'000;
    } else if (event.kind() == Entry::REFUSAL) {
      const bool suppliers = event.fault() == v1::SUPPLIERS_FAULT && event.fault_settled();
      int64_t& refused =
          suppliers
              ? (event.delivered() ? tally->suppliers_delivered : tally->suppliers_undelivered)
              : (event.delivered() ? tally->others_delivered : tally->others_undelivered);
      refused += thousandths();
    } else {
      ADD_FAILURE() << event.ShortDebugString();
    }
  }
  void ExpectReplay(const std::string& contract, base::Date as_of) {
    const auto tallies = TalliesOf(store().Read(), contract, as_of);
    ASSERT_TRUE(tallies.ok());
    for (const auto& [year, tally] : *tallies) {
      EXPECT_GE(tally.waiting(), 0) << year << " as of " << as_of.ToString();
    }
    const auto replayed = Replayed(contract, as_of);
    for (const int32_t year : {2026, 2027, 2028}) {
      const auto find = [year](const std::map<int32_t, Tally>& in) {
        const auto found = in.find(year);
        return found == in.end() ? Tally() : found->second;
      };
      EXPECT_EQ(find(*tallies), find(replayed)) << year << " as of " << as_of.ToString();
    }
  }
};

// Deliveries, acceptances, payments, refusals and corrections, shuffled: each order that is let in
// comes to the same.
TEST_F(BalanceTest, AnyOrderOfArrival) {
  Register(1);
  ToApproved({MakeNeed(1, 1)}, 1);
  const base::Date signed_on = today();
  constexpr int kRuns = 12;
  std::vector<std::string> contracts;
  for (int run = 0; run < kRuns; ++run) contracts.push_back(SignedContract(MakeContract()));
  GoTo(Day("2028-12-31"));
  std::mt19937 random(20260302);
  const auto pick = [&random](int64_t from, int64_t to) {
    return std::uniform_int_distribution<int64_t>(from, to)(random);
  };
  std::vector<Event> events;
  for (const int32_t year : {2026, 2027, 2028}) {
    const base::Date first = year == 2026 ? signed_on : *base::Date::Of(year, 1, 1);
    const auto came = [&] { return first.AddDays(pick(0, 150)); };
    // Of what came that late no more is taken than came by then.
    const auto day = [&] { return std::min(first.AddDays(pick(150, 500)), today()); };
    for (int i = 0; i < 8; ++i) events.push_back({Entry::DELIVERY, came(), year, 10});
    for (int i = 0; i < 6; ++i) events.push_back({Entry::ACCEPTANCE, day(), year, 9});
    for (int i = 0; i < 4; ++i) events.push_back({Entry::PAYMENT, day(), year, pick(1, 20'000)});
    events.push_back({Entry::REFUSAL, day(), year, 5, v1::NOBODYS_FAULT, true});
    events.push_back({Entry::REFUSAL, day(), year, 6, v1::SUPPLIERS_FAULT, true});
    events.push_back({Entry::REFUSAL, day(), year, 7, v1::CUSTOMERS_FAULT, false});
    const int base = static_cast<int>(events.size()) - 21;
    events.push_back({Entry::DELIVERY, came(), year, 11, v1::FAULT_UNSPECIFIED, false, base + 1});
    events.push_back({Entry::ACCEPTANCE, day(), year, 0, v1::FAULT_UNSPECIFIED, false, base + 9});
    events.push_back({Entry::PAYMENT, day(), year, 3, v1::FAULT_UNSPECIFIED, false, base + 15});
  }
  std::vector<std::string> balances;
  for (const std::string& contract : contracts) {
    std::vector<size_t> order(events.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    std::vector<std::string> names(events.size());
    // What cannot be yet, as goods accepted before they are delivered, comes again later.
    for (size_t round = 0; !order.empty(); ++round) {
      ASSERT_LT(round, events.size());
      std::vector<size_t> again;
      for (const size_t index : order) {
        const Event& event = events[index];
        const bool waits =
            event.corrects >= 0 && names[static_cast<size_t>(event.corrects)].empty();
        if (waits || !Send(contract, event, &names, index).ok()) again.push_back(index);
      }
      ASSERT_LT(again.size(), order.size());
      order = std::move(again);
    }
    v1::Balance balance = BalanceOf(contract);
    for (auto& year : *balance.mutable_years()) year.clear_decision();
    balance.clear_name();
    balance.clear_position();
    balances.push_back(balance.SerializeAsString());
    for (int i = 0; i < 25; ++i) ExpectReplay(contract, signed_on.AddDays(pick(0, 1'034)));
    ExpectReplay(contract, today());
  }
  for (const std::string& balance : balances) EXPECT_EQ(balance, balances.front());
  ExpectSound();
}

}  // namespace
}  // namespace nisi::contracts
