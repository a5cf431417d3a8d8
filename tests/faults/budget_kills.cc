// The money of programmes under power cuts: a process that keeps budget accounts in a real store is
// killed at any moment and the store opened again, over and over. While it runs, snapshots are
// taken of it: in each the accounts of a programme add up to zero, none is below zero, and what was
// acknowledged before is there. After each kill all of that is held against every posting: what was
// acknowledged is there, once, as it was answered; what was refused or never sent is not. The same
// without syncing must lose something, or the test is blind.
//
//   budget_kills [--postings N] [--snapshots N] [--kills N] [--seed N]
//
// NISI_SCALE multiplies them. The same seed draws the same movements; where a kill falls is chance.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/cases/budget.h"
#include "common/rpc/flags.h"
#include "common/store/fault_fs.h"
#include "common/store/rocks_engine.h"
#include "common/store/store.h"
#include "common/store/witness.h"
#include "tests/faults/lane.h"
#include "tests/faults/process.h"
#include "tests/faults/workplace.h"

namespace nisi::faults {
namespace {

namespace fs = std::filesystem;
using cases::Posting;
using store::Key;

constexpr std::array<const char*, 2> kProgrammes = {"grants", "refunds"};
constexpr int64_t kOrders = 1 << 16;    // most that one store gets
constexpr int64_t kOrdersAYear = 1500;  // then the year is closed and the next one begins
constexpr int64_t kFirstYear = 2020;
constexpr int64_t kOutstanding = 128;
constexpr int64_t kKillsAStore = 12;
constexpr int64_t kAgain = 16;          // acknowledged ones that are asked again after a start
constexpr int64_t kPostingsALook = 12;  // between two snapshots
constexpr int kLookedFor = 4;           // acknowledged ones that each snapshot is asked for
constexpr int kWrong = 3;               // exit code of a process that found something

struct Settings {
  int64_t postings = 50'000, snapshots = 2'000, kills = 40, seed = 0;
  bool sync = true;
};

// What the clients of one store know; outlives its processes. Of each order the number of its
// posting.
struct Book {
  static constexpr int32_t kNoAnswer = 0, kRefused = -1;
  std::atomic<int64_t> sent{0};  // orders below it were sent
  std::atomic<int64_t> posted{0}, refused{0}, snapshots{0}, asked_again{0}, years_closed{0};
  std::array<std::atomic<int32_t>, kOrders> answers{};
  std::array<char, 1000> wrong{};  // what one of the processes found
};

// ---- Orders: each is one movement of money, which follows from its number alone.

const char* ProgrammeOf(int64_t order) {
  return kProgrammes[static_cast<size_t>(order) % kProgrammes.size()];
}

// Both programmes close a year with the first order of the next one.
bool ClosesYear(int64_t order) {
  return order >= kOrdersAYear && order % kOrdersAYear < static_cast<int64_t>(kProgrammes.size());
}

std::string RecordOf(int64_t order) {
  return absl::StrCat("orders/", order);
}

std::string AccountOf(int64_t order, int64_t year) {
  return absl::StrCat("programmes/", ProgrammeOf(order), "/accounts/", year);
}

cases::Movement MovementOf(uint64_t seed, int64_t order) {
  // Money comes in faster than it goes on, so that few are refused.
  static constexpr Posting::Kind kKinds[] = {
      Posting::ALLOCATE, Posting::ALLOCATE, Posting::RESERVE, Posting::RESERVE,
      Posting::COMMIT,   Posting::COMMIT,   Posting::PAY,     Posting::PAY,
      Posting::RELEASE,  Posting::UNCOMMIT, Posting::RETURN,  Posting::GIVE_BACK};
  std::mt19937_64 random(seed * 1'000'003 + static_cast<uint64_t>(order));
  cases::Movement movement;
  movement.kind = kKinds[random() % std::size(kKinds)];
  const bool more = movement.kind == Posting::ALLOCATE;
  movement.amount =
      base::Money::FromTiyn(1 + static_cast<int64_t>(random() % (more ? 900'000 : 90'000)))
          .value_or(base::Money());
  movement.programme = ProgrammeOf(order);
  movement.year = static_cast<int>(kFirstYear + order / kOrdersAYear);
  movement.record = RecordOf(order);
  movement.subject = "somebody";
  return movement;
}

const base::LegalBasis& Basis() {
  static const auto* const kBasis = new base::LegalBasis(base::Law("Art. 42(5)", "Money."));
  return *kBasis;
}

// Replies with the number of the posting.
store::CommandFn CommandOf(uint64_t seed, int64_t order) {
  return [seed, order](store::Tx& tx) -> absl::StatusOr<std::string> {
    Posting posting;
    if (ClosesYear(order)) {
      const int year = static_cast<int>(kFirstYear + order / kOrdersAYear - 1);
      ASSIGN_OR_RETURN(const auto closed,
                       cases::CloseYear(tx, ProgrammeOf(order), year, true, "somebody", Basis()));
      posting = closed.posting();
    } else {
      ASSIGN_OR_RETURN(posting, cases::Post(tx, MovementOf(seed, order), Basis()));
    }
    return posting.name().substr(posting.name().rfind('/') + 1);
  };
}

store::CommandInfo InfoOf(int64_t order) {
  store::CommandInfo info;
  info.actor = "somebody";
  info.method = "/nisi.testing/Order";
  info.request_id = absl::StrFormat("00000000-0000-4000-8000-%012d", order);
  info.body_hash = base::Sha256Bytes(RecordOf(order));
  return info;
}

// ---- The store

const store::Schema& Accounts() {
  static const auto* const kSchema =
      new store::Schema(cases::WithBudget({"accounts", 1, {}, {}, {}}));
  return *kSchema;
}

base::Clock& LongAfter() {
  static auto* const kClock =
      new base::FakeClock(base::Date::Of(2190, 6, 15).value_or(base::Date()).StartOfDay());
  return *kClock;
}

absl::StatusOr<std::unique_ptr<store::Store>> OpenStore(
    const std::string& folder, bool sync, std::shared_ptr<rocksdb::FileSystem> file_system) {
  store::RocksOptions rocks;
  rocks.dir = folder + "/store";
  rocks.sync = sync;
  rocks.file_system = std::move(file_system);
  rocks.write_buffer_bytes = size_t{1} << 20;  // so that there are flushes
  rocks.now = [] { return LongAfter().Now(); };
  ASSIGN_OR_RETURN(std::unique_ptr<store::Engine> engine, store::OpenRocks(rocks));
  store::Store::Options options;
  options.clock = &LongAfter();
  options.background = false;
  // Without syncing it would refuse the store before the loss could be seen.
  if (sync) options.witness = store::FileWitness(folder + "/witness");
  return store::Store::Open(std::move(engine), Accounts(), std::move(options));
}

// One acknowledged order must be there as it was answered.
absl::Status CheckOrder(const store::Reader& reader, int64_t order, int32_t number) {
  ASSIGN_OR_RETURN(const auto found,
                   reader.Find(cases::kPostings, Key::Of(ProgrammeOf(order), int64_t{number})));
  if (!found.has_value()) {
    return absl::DataLossError(absl::StrCat(RecordOf(order), " is lost: posting ", number));
  }
  const Posting& posting = found->row.posting();
  const std::string record =
      ClosesYear(order) ? AccountOf(order, kFirstYear + order / kOrdersAYear - 1) : RecordOf(order);
  if (posting.record() == record) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("posting ", number, " is of ", posting.record(), ", not of ", record));
}

// The accounts alone, added up here and not by what is tested.
absl::Status CheckAccounts(const store::Reader& reader) {
  std::map<std::string, int64_t> sums;
  RETURN_IF_ERROR(reader.Scan(
      cases::kAccounts, {}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<cases::AccountRow>(view));
        for (int bucket = 0; bucket < stored.row.balances_size(); ++bucket) {
          const int64_t balance = stored.row.balances(bucket);
          sums[stored.row.programme()] += balance;
          if (bucket > 0 && balance < 0) {
            return absl::DataLossError(absl::StrCat(stored.row.account().name(), " is below zero"));
          }
        }
        return true;
      }));
  for (const auto& [programme, sum] : sums) {
    if (sum != 0) return absl::DataLossError(absl::StrCat(programme, " adds up to ", sum));
  }
  return absl::OkStatus();
}

// ---- The process that is killed

class Life {
 public:
  Life(const Settings& settings, Book& book, std::unique_ptr<store::Store> store)
      : seed_(static_cast<uint64_t>(settings.seed)), book_(book), store_(std::move(store)) {}

  // Until it is killed, or something is wrong.
  absl::Status Run() {
    std::thread looker([this] { LookOnAndOn(); });
    looker.detach();
    // What had no answer is asked again first, and some of what had one.
    const int64_t sent = book_.sent;
    for (int64_t order = 0, again = 0; order < sent; ++order) {
      const int32_t answer = book_.answers[static_cast<size_t>(order)];
      if (answer == Book::kRefused) continue;
      const bool recent = sent - order <= kOutstanding + 2 * kAgain;
      if (answer != Book::kNoAnswer && (!recent || again++ >= kAgain)) continue;
      RETURN_IF_ERROR(Send(order));
    }
    for (int64_t order = sent; order < kOrders; ++order) {
      book_.sent = order + 1;
      RETURN_IF_ERROR(Send(order));
    }
    return absl::ResourceExhaustedError("more orders than a store is to get");
  }

 private:
  absl::Status Send(int64_t order) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return under_way_ < kOutstanding || !wrong_.ok(); });
      RETURN_IF_ERROR(wrong_);
      ++under_way_;
    }
    store_->WriteAsync(
        InfoOf(order), CommandOf(seed_, order),
        [this, order](absl::StatusOr<store::Outcome> outcome) { Answered(order, outcome); });
    return absl::OkStatus();
  }

  void Answered(int64_t order, const absl::StatusOr<store::Outcome>& outcome) {
    absl::Status wrong = absl::OkStatus();
    std::atomic<int32_t>& answer = book_.answers[static_cast<size_t>(order)];
    const int32_t before = answer;
    int32_t now = Book::kRefused;
    const std::string reason = base::ReasonOf(outcome.status());
    if (outcome.ok()) {
      if (!absl::SimpleAtoi(outcome->reply, &now) || now <= 0) {
        wrong = absl::DataLossError(absl::StrCat("the answer is ", outcome->reply));
      }
    } else if (reason != "BUDGET_EXCEEDED" && reason != "YEAR_CLOSED" &&
               reason != "YEAR_NOT_CLOSED") {
      wrong = outcome.status();
    }
    if (before == Book::kNoAnswer) {
      answer = now;
      ++(now > 0 ? book_.posted : book_.refused);
      if (now > 0 && ClosesYear(order)) ++book_.years_closed;
    } else if (before > 0) {
      ++book_.asked_again;
      if (now != before) {
        wrong = absl::DataLossError(
            absl::StrCat(RecordOf(order), " asked again is posting ", now, ", was ", before));
      }
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    wrong_.Update(wrong);
    if (--under_way_ < kOutstanding / 2 || !wrong.ok()) changed_.notify_one();
  }

  void LookOnAndOn() {
    std::mt19937_64 random(std::random_device{}());
    int64_t next = book_.posted;
    while (true) {
      if (book_.posted < next) {
        absl::SleepFor(absl::Microseconds(200));
        continue;
      }
      next = book_.posted + kPostingsALook;
      if (const absl::Status status = Look(random); !status.ok()) {
        const std::lock_guard<std::mutex> lock(mutex_);
        wrong_.Update(status);
        changed_.notify_one();
        return;
      }
      ++book_.snapshots;
    }
  }

  absl::Status Look(std::mt19937_64& random) {
    // Acknowledged before the snapshot: the last ones and any.
    std::map<int64_t, int32_t> acknowledged;
    const int64_t sent = book_.sent;
    for (int64_t order = sent - 1, latest = 0; order >= 0 && latest < kLookedFor / 2; --order) {
      const int32_t answer = book_.answers[static_cast<size_t>(order)];
      if (answer > 0 && ++latest > 0) acknowledged[order] = answer;
    }
    for (int any = 0; any < kLookedFor / 2 && sent > 0; ++any) {
      const auto order = static_cast<int64_t>(random() % static_cast<uint64_t>(sent));
      const int32_t answer = book_.answers[static_cast<size_t>(order)];
      if (answer > 0) acknowledged[order] = answer;
    }
    const store::View view = store_->Read();
    RETURN_IF_ERROR(CheckAccounts(view));
    for (const auto& [order, number] : acknowledged) {
      RETURN_IF_ERROR(CheckOrder(view, order, number));
    }
    return absl::OkStatus();
  }

  const uint64_t seed_;
  Book& book_;
  const std::unique_ptr<store::Store> store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t under_way_ = 0;
  absl::Status wrong_;
};

// ---- The process that looks at what is left

absl::Status Verify(const std::string& folder, bool sync, const Book& book, bool scrub) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenStore(folder, sync, nullptr));
  const store::View view = store->Read();
  RETURN_IF_ERROR(CheckAccounts(view));
  ASSIGN_OR_RETURN(const std::vector<std::string> findings, cases::AuditBudget(view));
  if (!findings.empty()) return absl::DataLossError(absl::StrJoin(findings, "; "));
  std::map<std::string, int> postings;  // by record
  RETURN_IF_ERROR(
      view.Scan(cases::kPostings, {}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<cases::PostingRow>(row));
                  ++postings[stored.row.posting().record()];
                  return true;
                }));
  for (const auto& [record, count] : postings) {
    absl::string_view digits = record;
    int64_t order = 0;
    if (absl::StartsWith(record, "programmes/")) {  // closes a year
      if (count != 1)
        return absl::DataLossError(absl::StrCat(record, " is closed ", count, " times"));
    } else if (!absl::ConsumePrefix(&digits, "orders/") || !absl::SimpleAtoi(digits, &order) ||
               order >= book.sent) {
      return absl::DataLossError(absl::StrCat(record, " was never sent"));
    } else if (count != 1 || book.answers[static_cast<size_t>(order)] == Book::kRefused) {
      return absl::DataLossError(absl::StrCat(record, " is posted ", count, " times, answered ",
                                              book.answers[static_cast<size_t>(order)].load()));
    }
  }
  for (int64_t order = 0; order < book.sent; ++order) {
    const int32_t answer = book.answers[static_cast<size_t>(order)];
    if (answer > 0) RETURN_IF_ERROR(CheckOrder(view, order, answer));
  }
  if (!scrub) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> damage, store->Scrub());
  return damage.empty() ? absl::OkStatus() : absl::DataLossError(absl::StrJoin(damage, "; "));
}

// ---- The test

[[noreturn]] void EndWrong(Book& book, const absl::Status& status) {
  const std::string text = status.ToString();
  text.copy(book.wrong.data(), book.wrong.size() - 1);
  _exit(kWrong);
}

struct Totals {
  int64_t stores = 0, kills = 0, postings = 0, refused = 0, snapshots = 0, asked_again = 0,
          years_closed = 0;
};

class Kills {
 public:
  Kills(const Settings& settings, std::string path)
      : settings_(settings),
        path_(std::move(path)),
        random_(static_cast<uint64_t>(settings.seed)) {}

  absl::Status Run() {
    while (!Enough()) RETURN_IF_ERROR(RunStore());
    return absl::OkStatus();
  }
  const Totals& totals() const { return totals_; }

 private:
  bool Enough() const {
    return totals_.kills >= settings_.kills && totals_.postings >= settings_.postings &&
           totals_.snapshots >= settings_.snapshots;
  }

  absl::Status RunStore() {
    const std::string folder = absl::StrCat(path_, "/", ++totals_.stores);
    fs::create_directories(folder);
    Book* const book = NewShared<Book>();
    if (book == nullptr) return absl::ResourceExhaustedError("no memory to share");
    const Totals before = totals_;
    for (int64_t kill = 1; kill <= kKillsAStore && (kill == 1 || !Enough()); ++kill) {
      RETURN_IF_ERROR(LiveAndKill(folder, *book));
      ++totals_.kills;
      totals_.postings = before.postings + book->posted;
      totals_.snapshots = before.snapshots + book->snapshots;
      RETURN_IF_ERROR(LookAtWhatIsLeft(folder, *book, kill == kKillsAStore || Enough()));
    }
    totals_.refused += book->refused;
    totals_.asked_again += book->asked_again;
    totals_.years_closed += book->years_closed;
    DropShared(book);
    fs::remove_all(folder);
    return absl::OkStatus();
  }

  absl::Status LiveAndKill(const std::string& folder, Book& book) {
    const int64_t share = std::min(settings_.postings / std::max<int64_t>(settings_.kills, 1),
                                   kOrders / (4 * kKillsAStore));
    const int64_t enough =
        book.posted + 1 + static_cast<int64_t>(random_() % static_cast<uint64_t>(2 * share + 1));
    const uint64_t seed = random_();
    const pid_t pid = Fork(folder + "/log");
    if (pid == 0) {
      const store::FaultDisk* const disk = new store::FaultDisk(
          {.cut = true, .notes = folder + "/notes", .sync_us = 300, .seed = seed});
      auto store = OpenStore(folder, settings_.sync, disk->file_system());
      if (!store.ok()) EndWrong(book, store.status());
      auto* const life = new Life(settings_, book, *std::move(store));
      EndWrong(book, life->Run());
    }
    int status = 0;
    while (book.posted < enough && waitpid(pid, &status, WNOHANG) == 0) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    absl::SleepFor(absl::Microseconds(random_() % 3000));
    if (status == 0) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
    }
    store::UndoUnsyncedEntries(folder + "/notes", random_()).IgnoreError();
    return Ended(status, SIGKILL, folder, book);
  }

  absl::Status LookAtWhatIsLeft(const std::string& folder, Book& book, bool scrub) {
    const pid_t pid = Fork(folder + "/log");
    if (pid == 0) {
      if (const absl::Status status = Verify(folder, settings_.sync, book, scrub); !status.ok()) {
        EndWrong(book, status);
      }
      _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return Ended(status, 0, folder, book);
  }

  static absl::Status Ended(int status, int signal, const std::string& folder, const Book& book) {
    if (WIFSIGNALED(status) ? WTERMSIG(status) == signal
                            : WEXITSTATUS(status) == 0 && signal == 0) {
      return absl::OkStatus();
    }
    std::ifstream log(folder + "/log");
    return absl::InternalError(absl::StrCat(
        EndOf(status), ": ", book.wrong.data(), "\n",
        std::string(std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>())));
  }

  const Settings& settings_;
  const std::string path_;
  std::mt19937_64 random_;
  Totals totals_;
};

absl::Status RunKills(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Workplace> place, Workplace::Make());
  Kills kills(settings, place->path());
  const absl::Time begin = absl::Now();
  const absl::Status status = kills.Run();
  const Totals& totals = kills.totals();
  std::cout << "budget_kills: kills=" << totals.kills << " stores=" << totals.stores
            << " postings=" << totals.postings << " refused=" << totals.refused
            << " snapshots=" << totals.snapshots << " asked_again=" << totals.asked_again
            << " years_closed=" << totals.years_closed
            << " seconds=" << absl::ToInt64Seconds(absl::Now() - begin) << std::endl;
  if (!status.ok()) {
    place->Keep();
    std::cout << "the folders are in " << place->path() << "\n";
    return status;
  }
  Settings unsynced = settings;
  unsynced.sync = false;
  unsynced.kills = 10;
  unsynced.postings = 2000;
  Kills blind(unsynced, place->path() + "/unsynced");
  const absl::Status lost = blind.Run();
  const bool seen = absl::StrContains(lost.message(), " is lost: ");
  std::cout << "budget_kills: without syncing kills=" << blind.totals().kills
            << " lost=" << (seen ? "yes" : "no") << std::endl;
  return seen ? absl::OkStatus()
              : absl::InternalError(
                    absl::StrCat("nothing is lost without syncing: ", lost.ToString()));
}

int Main(int argc, char** argv) {
  Settings settings;
  rpc::Flags flags("budget_kills", "Kills the process that keeps accounts.");
  flags.Int("postings", &settings.postings, "acknowledged, at least", 50'000)
      .Int("snapshots", &settings.snapshots, "looked at, at least", 2'000)
      .Int("kills", &settings.kills, "at least", 40)
      .Int("seed", &settings.seed, "of movements and disks; 0: any", 0);
  return RunLane("budget_kills", flags, argc, argv, &settings.seed,
                 {&settings.postings, &settings.snapshots, &settings.kills},
                 [&] { return RunKills(settings); });
}

}  // namespace
}  // namespace nisi::faults

int main(int argc, char** argv) {
  return nisi::faults::Main(argc, argv);
}
