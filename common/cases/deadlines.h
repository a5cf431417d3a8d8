// Things to be done by a day: a row each, with a timer that marks it late when the day is over, and
// does what the law then lets happen by itself.
//
// The mark is not on the case: midnight must not change an etag that an official holds. A day is
// found once, when the deadline is opened: a norm that changes later changes later terms.
//
//   // tables.cc: new store::Schema(cases::WithDeadlines({"industry-map", 1, ...}))
//   // service.cc: OpenStore(options, schema, {{cases::kDeadlineTimer, TimerOf(deadlines_)}, ...})
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/store/store.h"
#include "nisi/cases/v1/case.pb.h"

namespace nisi::cases {

using v1::Deadline;
using v1::DeadlineRow;

// Numbers on disk, the same in every service; those from 0xf000 on are kept for what services
// share.
extern const store::Table<DeadlineRow> kDeadlines;          // 0xf010: number
extern const store::Index<DeadlineRow> kDeadlinesByRecord;  // 0xf011: record, closed, due day
extern const store::Index<DeadlineRow>
    kDeadlinesByWho;  // 0xf012: open ones: overdue, role, BIN or region or body, due day

// The schema of a service with the tables of deadlines.
store::Schema WithDeadlines(store::Schema schema);

// Opens one: of `deadline`, record, kind and due_date must be there; name, state and overdue are
// filled. Returns its name. One whose day is over is marked at once. `day`: from which it holds,
// as with Tx::Put.
absl::StatusOr<std::string> OpenDeadline(store::Tx& tx, Deadline deadline,
                                         std::optional<base::Date> day = std::nullopt);
// Done (Deadline::DONE), or no longer owed (CANCELLED); late when its day is over, also where its
// timer has not said so yet. Nothing when it is closed already; NOT_FOUND.
absl::Status CloseDeadline(store::Tx& tx, const std::string& name, Deadline::State state,
                           std::optional<base::Date> day = std::nullopt);
// What was done is to be done again, by the same day: the last closed one of that kind is open, and
// late where its day is over. NOT_FOUND.
absl::Status ReopenDeadline(store::Tx& tx, const std::string& record, absl::string_view kind);
// Another has to do it now, by another article: of `to`, who and legal_basis. Its term runs on.
absl::Status HandOver(store::Tx& tx, const std::string& name, const Deadline& to);
// By due day; of one day as they were.
template <class List>
void SortByDueDay(List* deadlines) {
  const auto day = [](const Deadline& one) {
    return base::Date::FromProto(one.due_date()).value_or(base::Date::Max());
  };
  std::stable_sort(deadlines->begin(), deadlines->end(),
                   [day](const Deadline& a, const Deadline& b) { return day(a) < day(b); });
}
// The open ones of a record, by due day; as of a day and as was known at a time.
absl::StatusOr<std::vector<Deadline>> OpenDeadlines(const store::Reader& reader,
                                                    const std::string& record,
                                                    const store::At& at = {});

// What happens when one of a kind is past its last day and not done, after it was marked: annul the
// case, open the next, emit a message. Does not close the deadline by itself. `day`: the one after
// its last, from which all of that holds, also where the process was down then.
using OverdueFn =
    std::function<absl::Status(store::Tx& tx, const Deadline& deadline, base::Date day)>;
using OverdueFns = std::map<std::string, OverdueFn>;  // by kind; none: the mark is all

// The one kind of timer that all deadlines have.
inline constexpr char kDeadlineTimer[] = "cases/deadline";

// The timer of one service's deadlines, with what it counts.
//
// A timer that fails is tried again until it does not (store::FailingTimers). What the record does
// not let happen will not happen later either, so an act that is refused ends: nothing of it is
// kept, the deadline says why, the log and a counter tell. Only where the store cannot read or
// write is it tried again.
//
// All of one midnight go in portions, each a command, each deadline in it by itself.
class Deadlines {
 public:
  // While those of a midnight are not through, callers' commands wait; or they go between the
  // portions, where no command rests on what a mark or an act has changed (what is closed late is
  // late also before it is marked).
  enum class Callers { kWait, kGoBetween };

  explicit Deadlines(OverdueFns acts = {}, Callers callers = Callers::kWait)
      : acts_(std::move(acts)), callers_(callers) {}

  // Outlived by this.
  store::TimerDef Timer();
  // nisi_deadlines_overdue_total, nisi_deadlines_refused_total.
  std::vector<store::Figure> Figures() const;

 private:
  absl::Status Fire(store::Tx& tx, absl::string_view payload, absl::Time due);

  const OverdueFns acts_;
  const Callers callers_;
  std::atomic<int64_t> overdue_{0};
  std::atomic<int64_t> refused_{0};
};

// The timer, which keeps them.
store::TimerDef TimerOf(std::shared_ptr<Deadlines> deadlines);

// For rpc::Metrics::AddFigures: what `deadlines` counts, and nisi_deadlines_open by the role whose
// duty it is (one of several roles counts for each) and whether its day is over. Counted again when
// the store has changed, and no further than `most` of either sort.
std::function<std::vector<store::Figure>()> FiguresOf(std::shared_ptr<Deadlines> deadlines,
                                                      std::weak_ptr<store::Store> store,
                                                      int64_t most = 10'000);

}  // namespace nisi::cases
