#include "common/cases/deadlines.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/store/key.h"
#include "nisi/rpc/v1/options.pb.h"

namespace nisi::cases {
namespace {

using store::EmitKey;
using store::Key;

constexpr char kCollection[] = "deadlines/";
// One midnight of many is a few commands, none of which anybody waits long for.
constexpr size_t kPortion = 256;

base::Date DueDay(const Deadline& deadline) {
  return base::Date::FromProto(deadline.due_date()).value_or(base::Date::Max());
}

bool IsOpen(const Deadline& deadline) {
  return deadline.state() == Deadline::OPEN;
}

// At most one of them is set.
const std::string& WhoOf(const Deadline& deadline) {
  if (!deadline.bin().empty()) return deadline.bin();
  return deadline.region().empty() ? deadline.body() : deadline.region();
}

absl::StatusOr<int64_t> NumberOf(const std::string& name) {
  absl::string_view digits = name;
  int64_t number = 0;
  if (!absl::ConsumePrefix(&digits, kCollection) || !absl::SimpleAtoi(digits, &number)) {
    return base::NotFound("deadlines", name);
  }
  return number;
}

// All that can have something to do, so that each has its series from the start.
std::vector<rpc::v1::Role> DutyRoles() {
  std::vector<rpc::v1::Role> roles;
  for (int role = rpc::v1::AUTHORITY_INDUSTRY; role <= rpc::v1::EXPERT; ++role) {
    if (rpc::v1::Role_IsValid(role)) roles.push_back(static_cast<rpc::v1::Role>(role));
  }
  return roles;
}

// Of the role whose duty it is and whether the day is over: how many.
using Counts = std::map<std::pair<int64_t, bool>, int64_t>;

absl::StatusOr<Counts> CountOpen(const store::Reader& reader, int64_t most) {
  Counts counts;
  for (const bool overdue : {false, true}) {
    int64_t seen = 0;
    const auto visit = [&](const store::RowView&, absl::string_view place) -> absl::StatusOr<bool> {
      store::KeyReader key(place);
      key.Number();
      const std::optional<int64_t> role = key.Number();
      if (!role.has_value()) return base::StoreCorrupt("index of deadlines");
      ++counts[{*role, overdue}];
      return ++seen < most;
    };
    RETURN_IF_ERROR(
        reader.Scan(kDeadlinesByWho, {Key::Of(int64_t{overdue ? 1 : 0}), ""}, {}, visit));
  }
  return counts;
}

// Whether trying again later can help: the store could not read or write. All else is said of the
// record, damage of it as well, and says the same the next time.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status);
}

}  // namespace

const store::Table<DeadlineRow> kDeadlines{
    0xf010, "deadlines", [](const DeadlineRow& row) { return Key::Of(row.number()); }};
const store::Index<DeadlineRow> kDeadlinesByRecord{
    0xf011, "deadlines_by_record", kDeadlines, false,
    [](const DeadlineRow& row, const EmitKey& emit) {
      const Deadline& deadline = row.deadline();
      emit(Key::Of(deadline.record(), int64_t{IsOpen(deadline) ? 0 : 1}, DueDay(deadline)));
    }};
const store::Index<DeadlineRow> kDeadlinesByWho{
    0xf012, "deadlines_by_who", kDeadlines, false, [](const DeadlineRow& row, const EmitKey& emit) {
      const Deadline& deadline = row.deadline();
      if (!IsOpen(deadline)) return;
      for (const int role : deadline.roles()) {
        emit(Key::Of(int64_t{deadline.overdue() ? 1 : 0}, int64_t{role}, WhoOf(deadline),
                     DueDay(deadline)));
      }
    }};

store::Schema WithDeadlines(store::Schema schema) {
  schema.tables.push_back(&kDeadlines);
  schema.indexes.push_back(&kDeadlinesByRecord);
  schema.indexes.push_back(&kDeadlinesByWho);
  return schema;
}

absl::StatusOr<std::string> OpenDeadline(store::Tx& tx, Deadline deadline,
                                         std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const base::Date due, base::Date::FromProto(deadline.due_date()));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("deadlines"));
  DeadlineRow row;
  row.set_number(number);
  *row.mutable_deadline() = std::move(deadline);
  row.mutable_deadline()->set_name(absl::StrCat(kCollection, number));
  row.mutable_deadline()->set_state(Deadline::OPEN);
  row.mutable_deadline()->set_overdue(false);
  RETURN_IF_ERROR(tx.Put(kDeadlines, &row, day));
  tx.Schedule(due.EndOfDay(), kDeadlineTimer, absl::StrCat(number));
  return row.deadline().name();
}

absl::Status CloseDeadline(store::Tx& tx, const std::string& name, Deadline::State state,
                           std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(name));
  ASSIGN_OR_RETURN(auto found, tx.Find(kDeadlines, Key::Of(number)));
  if (!found.has_value()) return base::NotFound("deadlines", name);
  Deadline& deadline = *found->row.mutable_deadline();
  if (!IsOpen(deadline)) return absl::OkStatus();
  deadline.set_state(state);
  if (DueDay(deadline) < day.value_or(tx.today())) deadline.set_overdue(true);
  deadline.mutable_done_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  return tx.Put(kDeadlines, &found->row, day);
}

absl::Status ReopenDeadline(store::Tx& tx, const std::string& record, absl::string_view kind) {
  std::optional<DeadlineRow> last;
  RETURN_IF_ERROR(
      tx.Scan(kDeadlinesByRecord, {Key::Of(record, int64_t{1}), ""}, {},
              [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<DeadlineRow>(view));
                const bool later = !last.has_value() || stored.row.number() > last->number();
                if (stored.row.deadline().kind() == kind && later) last = std::move(stored.row);
                return true;
              }));
  if (!last.has_value()) return base::NotFound("deadlines", record);
  Deadline& deadline = *last->mutable_deadline();
  deadline.set_state(Deadline::OPEN);
  deadline.clear_done_time();
  // Before that the timer that it was opened with is still to come.
  if (DueDay(deadline) < tx.today()) deadline.set_overdue(true);
  return tx.Put(kDeadlines, &*last);
}

absl::Status HandOver(store::Tx& tx, const std::string& name, const Deadline& to) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(name));
  ASSIGN_OR_RETURN(auto found, tx.Find(kDeadlines, Key::Of(number)));
  if (!found.has_value()) return base::NotFound("deadlines", name);
  Deadline& deadline = *found->row.mutable_deadline();
  *deadline.mutable_roles() = to.roles();
  deadline.set_bin(to.bin());
  deadline.set_region(to.region());
  deadline.set_body(to.body());
  *deadline.mutable_legal_basis() = to.legal_basis();
  return tx.Put(kDeadlines, &found->row);
}

absl::StatusOr<std::vector<Deadline>> OpenDeadlines(const store::Reader& reader,
                                                    const std::string& record,
                                                    const store::At& at) {
  std::vector<Deadline> open;
  RETURN_IF_ERROR(
      reader.Scan(kDeadlinesByRecord, {Key::Of(record, int64_t{0}), ""}, at,
                  [&open](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<DeadlineRow>(view));
                    open.push_back(std::move(*stored.row.mutable_deadline()));
                    return true;
                  }));
  return open;
}

store::TimerDef Deadlines::Timer() {
  return store::TimerDef([this](store::Tx& tx, absl::string_view payload,
                                absl::Time due) { return Fire(tx, payload, due); },
                         kPortion, callers_ == Callers::kGoBetween);
}

store::TimerDef TimerOf(std::shared_ptr<Deadlines> deadlines) {
  store::TimerDef timer = deadlines->Timer();
  timer.fire = [deadlines = std::move(deadlines), fire = std::move(timer.fire)](
                   store::Tx& tx, absl::string_view payload, absl::Time due) {
    return fire(tx, payload, due);
  };
  return timer;
}

absl::Status Deadlines::Fire(store::Tx& tx, absl::string_view payload, absl::Time due) {
  int64_t number = 0;
  if (!absl::SimpleAtoi(payload, &number)) return base::StoreCorrupt("timer of a deadline");
  ASSIGN_OR_RETURN(auto found, tx.Find(kDeadlines, Key::Of(number)));
  if (!found.has_value() || !IsOpen(found->row.deadline())) return absl::OkStatus();
  Deadline& deadline = *found->row.mutable_deadline();
  deadline.set_overdue(true);
  // Late since midnight, also where the process was down then; not before it was opened.
  const base::Date late = std::max(base::Date::LegalDay(due), found->version.effective_from);
  if (!deadline.legal_basis().article().empty()) tx.Cite(deadline.legal_basis());
  RETURN_IF_ERROR(tx.Put(kDeadlines, &found->row, late));

  const auto act = acts_.find(deadline.kind());
  const absl::Status acted = act == acts_.end()
                                 ? absl::OkStatus()
                                 : tx.Attempt([&] { return act->second(tx, deadline, late); });
  if (MayPass(acted)) return acted;
  overdue_.fetch_add(1, std::memory_order_relaxed);
  if (acted.ok()) return acted;
  refused_.fetch_add(1, std::memory_order_relaxed);
  base::Log(base::Severity::kError, "deadline_refused",
            {{"deadline", deadline.name()},
             {"record", deadline.record()},
             {"kind", deadline.kind()},
             {"status", acted.ToString()}});
  const std::string reason = base::ReasonOf(acted);
  deadline.set_refusal(reason.empty() ? absl::StatusCodeToString(acted.code()) : reason);
  return tx.Put(kDeadlines, &found->row, late);
}

std::vector<store::Figure> Deadlines::Figures() const {
  return {{"nisi_deadlines_overdue_total", "Deadlines that passed without being met.",
           static_cast<double>(overdue_.load(std::memory_order_relaxed))},
          {"nisi_deadlines_refused_total",
           "Deadlines at whose end the record did not let happen what should have happened.",
           static_cast<double>(refused_.load(std::memory_order_relaxed))}};
}

std::function<std::vector<store::Figure>()> FiguresOf(std::shared_ptr<Deadlines> deadlines,
                                                      std::weak_ptr<store::Store> store,
                                                      int64_t most) {
  struct Counted {
    int64_t position = -1;
    Counts counts;
  };
  return [deadlines = std::move(deadlines), store = std::move(store), most,
          last = std::make_shared<Counted>()] {
    std::vector<store::Figure> figures = deadlines->Figures();
    const std::shared_ptr<store::Store> open = store.lock();
    if (open == nullptr) return figures;
    if (const int64_t position = open->position(); position != last->position) {
      auto counts = CountOpen(open->Read(), most);
      if (!counts.ok()) return figures;  // as while the index is being built
      *last = {position, *std::move(counts)};
    }
    for (const auto role : DutyRoles()) {
      for (const bool overdue : {false, true}) {
        figures.push_back(
            {"nisi_deadlines_open",
             "Deadlines that are not met yet, by the role whose duty it is and "
             "whether their day is over.",
             static_cast<double>(last->counts[{role, overdue}]),
             {{"role", rpc::v1::Role_Name(role)}, {"overdue", overdue ? "true" : "false"}}});
      }
    }
    return figures;
  };
}

}  // namespace nisi::cases
