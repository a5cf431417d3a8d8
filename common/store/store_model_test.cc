// The store against a model of it: random commands, days, reads and reopenings, compared with a
// plain map of versions that is resolved by brute force.
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "common/store/store_testing.h"
#include "common/store/verify.h"

namespace nisi::store {
namespace {

// Of a seed; there are four. Under the thread sanitizer, which takes far longer, a tenth: this test
// has one thread of its own.
#ifdef NISI_TSAN
constexpr int kOperations = 5'200;
#else
constexpr int kOperations = 52'000;
#endif
constexpr int kReopenEvery = 3'600;
constexpr int kCodes = 400;
constexpr int kFamily = 10;  // codes that share colors, tags and BINs

struct Facts {
  std::string color, bin;
  std::vector<std::string> tags;
  bool operator==(const Facts&) const = default;
};

struct ModelVersion {
  base::Date from;
  int64_t position = 0, recorded_us = 0;
  bool ended = false;
  Facts facts;
};

struct ModelChange {
  std::string code;
  bool end = false;
  std::optional<base::Date> from;
  Facts facts;
};

struct Spec {
  CommandInfo info;
  std::string read;  // looked up first: its color is the reply
  std::vector<ModelChange> changes;
  bool fail = false;
};

struct Expected {
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string reply;
  int64_t position = 0;
  bool replayed = false;
};

class Model {
 public:
  using Records = std::map<std::string, std::vector<ModelVersion>>;

  const ModelVersion* Resolve(const std::string& code, base::Date as_of, int64_t known_us) const {
    const auto it = records.find(code);
    if (it == records.end()) return nullptr;
    const ModelVersion* best = nullptr;
    for (const ModelVersion& version : it->second) {
      if (version.from > as_of || version.recorded_us > known_us) continue;
      if (best == nullptr ||
          std::tie(version.from, version.position) > std::tie(best->from, best->position)) {
        best = &version;
      }
    }
    return best == nullptr || best->ended ? nullptr : best;
  }

  Expected Run(const Spec& spec, absl::Time now) {
    if (!spec.info.request_id.empty()) {
      if (const auto it = replies.find(spec.info.request_id); it != replies.end()) {
        const Reply& reply = it->second;
        if (reply.body_hash != spec.info.body_hash)
          return {absl::StatusCode::kFailedPrecondition, "", 0, false};
        return {absl::StatusCode::kOk, reply.reply, reply.position, true};
      }
    }
    const base::Date today = base::Date::LegalDay(now);
    const int64_t recorded_us = std::max(Micros(now), last_us + 1);
    const ModelVersion* read = Resolve(spec.read, today, INT64_MAX);
    Expected expected{absl::StatusCode::kOk, read == nullptr ? "-" : read->facts.color,
                      position + 1, false};
    std::map<std::string, std::vector<ModelVersion>> before;
    for (const ModelChange& change : spec.changes) {
      const auto it = records.find(change.code);
      before.try_emplace(change.code,
                         it == records.end() ? std::vector<ModelVersion>() : it->second);
      expected.code = Apply(change, today, recorded_us);
      if (expected.code != absl::StatusCode::kOk) break;
    }
    if (expected.code == absl::StatusCode::kOk && spec.fail)
      expected.code = absl::StatusCode::kCancelled;
    if (expected.code != absl::StatusCode::kOk || spec.info.validate_only) {
      for (auto& [code, versions] : before) {
        if (versions.empty()) {
          records.erase(code);
        } else {
          records[code] = std::move(versions);
        }
      }
      expected.position = 0;
      return expected;
    }
    ++position;
    last_us = recorded_us;
    if (!spec.info.request_id.empty()) {
      replies[spec.info.request_id] = {spec.info.body_hash, expected.reply, position, recorded_us};
    }
    return expected;
  }

  struct Reply {
    std::string body_hash, reply;
    int64_t position = 0, recorded_us = 0;
  };
  Records records;
  std::map<std::string, Reply> replies;
  int64_t position = 0, last_us = 0;

 private:
  absl::StatusCode Apply(const ModelChange& change, base::Date today, int64_t recorded_us) {
    if (change.end && !records.contains(change.code)) return absl::StatusCode::kNotFound;
    const ModelVersion version{change.from.value_or(today), position + 1, recorded_us, change.end,
                               change.facts};
    std::vector<ModelVersion>& versions = records[change.code];
    std::erase_if(versions, [&](const ModelVersion& v) {
      return v.from == version.from && v.position == version.position;
    });
    versions.push_back(version);
    if (!change.end && !change.facts.bin.empty() && Clashes(change, version, today))
      return absl::StatusCode::kAlreadyExists;
    return absl::StatusCode::kOk;
  }

  // Day by day, from today until past every announced version.
  bool Clashes(const ModelChange& change, const ModelVersion& version, base::Date today) const {
    const std::string family = change.code.substr(0, change.code.size() - 1);
    for (base::Date day = today; day <= today.AddDays(12); day = day.AddDays(1)) {
      const ModelVersion* mine = Resolve(change.code, day, INT64_MAX);
      if (mine == nullptr || mine->from != version.from || mine->position != version.position)
        continue;
      for (auto it = records.lower_bound(family);
           it != records.end() && it->first.starts_with(family); ++it) {
        if (it->first == change.code) continue;
        const ModelVersion* other = Resolve(it->first, day, INT64_MAX);
        if (other != nullptr && other->facts.bin == change.facts.bin) return true;
      }
    }
    return false;
  }
};

class StoreModelTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  StoreModelTest() : random_(GetParam()), clock_(Day("2026-01-01").StartOfDay()) {}

  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  bool Chance(int percent) { return Pick(1, 100) <= percent; }
  std::string Code() { return absl::StrCat("w", absl::Dec(Pick(0, kCodes - 1), absl::kZeroPad4)); }
  static std::string Family(const std::string& code) { return code.substr(1, code.size() - 2); }
  base::Date Today() const { return base::Date::LegalDay(clock_.Now()); }

  void Open() {
    store_.reset();
    RocksOptions rocks;
    rocks.dir = dir_ / "store";
    rocks.sync = false;
    rocks.write_buffer_bytes = size_t{1} << 20;  // so that much lies in files
    rocks.now = [this] { return clock_.Now(); };
    auto engine = OpenRocks(rocks);
    ASSERT_TRUE(engine.ok()) << engine.status();
    Store::Options options;
    options.clock = &clock_;
    options.background = false;
    options.witness = FileWitness(dir_ / "witness");
    auto store = Store::Open(*std::move(engine), schema_, std::move(options));
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    ASSERT_EQ(store_->position(), model_.position);
    ++openings_;
  }

  ModelChange RandomChange(const std::string& code) {
    ModelChange change;
    change.code = code;
    change.end = Chance(12);
    if (Chance(30)) change.from = Today().AddDays(Chance(50) ? Pick(-20, 0) : Pick(0, 10));
    const std::string family = Family(change.code);
    change.facts.color = absl::StrCat("c", family, "-", Pick(0, 3));
    if (Chance(35)) change.facts.bin = absl::StrCat("b", family, "-", Pick(0, 6));
    for (int64_t i = Pick(0, 3); i > 0; --i)
      change.facts.tags.push_back(absl::StrCat("t", family, "-", Pick(0, 4)));
    return change;
  }

  Spec RandomSpec() {
    Spec spec;
    spec.info = Info();
    if (Chance(20) && !model_.replies.empty()) {
      // An id of before, within the time that it is kept.
      auto it = model_.replies.lower_bound(
          absl::StrCat("id-", absl::Dec(Pick(0, next_id_), absl::kZeroPad8)));
      if (it != model_.replies.end() &&
          it->second.recorded_us > Micros(clock_.Now() - absl::Hours(29 * 24))) {
        spec.info = Info(it->first, Chance(20) ? "another" : it->first);
      }
    } else if (Chance(30)) {
      const std::string id = absl::StrCat("id-", absl::Dec(++next_id_, absl::kZeroPad8));
      spec.info = Info(id, id);
    }
    spec.info.validate_only = Chance(3);
    spec.read = Code();
    spec.fail = Chance(5);
    for (int64_t i = Pick(1, 3); i > 0; --i) spec.changes.push_back(RandomChange(Code()));
    // Now and then the same record again in the same command.
    if (Chance(10)) spec.changes.push_back(RandomChange(spec.changes.front().code));
    return spec;
  }

  static CommandFn Running(const Spec& spec) {
    return [spec](Tx& tx) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(const auto read, tx.Find(kWidgets, Key::Of(spec.read)));
      for (const ModelChange& change : spec.changes) {
        if (change.end) {
          RETURN_IF_ERROR(tx.End(kWidgets, Key::Of(change.code), change.from));
          continue;
        }
        WidgetRow row = MakeOwned(change.code, change.facts.color, change.facts.bin);
        for (const std::string& tag : change.facts.tags) row.mutable_widget()->add_tags(tag);
        row.mutable_widget()->set_secret(change.facts.color);
        RETURN_IF_ERROR(tx.Put(kWidgets, &row, change.from));
      }
      if (spec.fail) return absl::CancelledError("as wished");
      return read.has_value() ? read->row.widget().color() : "-";
    };
  }

  // Several commands at once, which the writer groups as it likes; answers in order.
  void WriteSome() {
    std::vector<Spec> specs(static_cast<size_t>(Pick(1, 6)));
    for (Spec& spec : specs) spec = RandomSpec();
    std::vector<std::promise<absl::StatusOr<Outcome>>> answers(specs.size());
    for (size_t i = 0; i < specs.size(); ++i) {
      operations_ += static_cast<int>(specs[i].changes.size());
      store_->WriteAsync(specs[i].info, Running(specs[i]),
                         [&answers, i](absl::StatusOr<Outcome> outcome) {
                           answers[i].set_value(std::move(outcome));
                         });
    }
    std::vector<absl::StatusOr<Outcome>> outcomes;
    for (auto& answer : answers) outcomes.push_back(answer.get_future().get());
    for (size_t i = 0; i < specs.size(); ++i) {
      const absl::StatusOr<Outcome>& got = outcomes[i];
      const Expected want = model_.Run(specs[i], clock_.Now());
      ASSERT_EQ(got.status().code(), want.code) << got.status();
      if (!got.ok()) continue;
      ASSERT_EQ(got->reply, want.reply);
      ASSERT_EQ(got->position, want.position);
      ASSERT_EQ(got->replayed, want.replayed);
    }
  }

  At RandomAt() {
    At at;
    if (Chance(40)) at.as_of = Today().AddDays(Pick(-30, 15));
    if (Chance(40))
      at.known_at_us = model_.last_us - Pick(0, 20) * Pick(0, int64_t{86'400'000'000});
    return at;
  }
  const ModelVersion* Want(const std::string& code, const At& at) const {
    return model_.Resolve(code, at.as_of.value_or(Today()), at.known_at_us.value_or(INT64_MAX));
  }
  static Facts FactsOf(const WidgetRow& row) {
    const Widget& widget = row.widget();
    return {widget.color(), widget.bin(), {widget.tags().begin(), widget.tags().end()}};
  }

  void FindSome() {
    const View view = store_->Read();
    for (int i = 0; i < 5; ++i, ++operations_) {
      const At at = RandomAt();
      const std::string code = Code();
      const auto got = view.Find(kWidgets, Key::Of(code), at);
      ASSERT_TRUE(got.ok()) << got.status();
      const ModelVersion* want = Want(code, at);
      ASSERT_EQ(got->has_value(), want != nullptr) << code;
      if (want == nullptr) continue;
      ASSERT_EQ(FactsOf((*got)->row), want->facts) << code;
      ASSERT_EQ((*got)->version.position, want->position);
      ASSERT_EQ((*got)->version.recorded_us, want->recorded_us);
      ASSERT_EQ((*got)->version.effective_from, want->from);
      if (!want->facts.bin.empty() && !at.as_of.has_value() && !at.known_at_us.has_value()) {
        const auto holder = view.FindUnique(kByBin, Key::Of(want->facts.bin));
        ASSERT_TRUE(holder.ok() && holder->has_value());
        ASSERT_EQ((*holder)->row.widget().code(), code);
      }
    }
  }

  // What a scan of `def` below `prefix` shows: codes in order. `keys` are the places of a row.
  template <class Def, class Keys>
  void CheckScan(const Def& def, const std::string& prefix, const Keys& keys) {
    const At at = RandomAt();
    std::set<std::pair<std::string, std::string>> places;
    for (const auto& [code, versions] : model_.records) {
      if (code.find(prefix.substr(1, 3)) != 1) continue;  // another family
      const ModelVersion* version = Want(code, at);
      if (version == nullptr) continue;
      for (const std::string& key : keys(code, version->facts)) {
        if (key.starts_with(prefix)) places.emplace(key, code);
      }
    }
    std::vector<std::string> want, got;
    for (const auto& [key, code] : places) want.push_back(code);
    const View view = store_->Read();
    Range range;
    range.prefix.AddTextPrefix(prefix);
    const auto page = static_cast<size_t>(Pick(1, 12));
    for (size_t before = 0;; before = got.size()) {
      ++operations_;
      const absl::Status status = view.Scan(
          def, range, at, [&](const RowView& row, absl::string_view place) -> absl::StatusOr<bool> {
            ASSIGN_OR_RETURN(const auto stored, Reader::Parse<WidgetRow>(row));
            got.push_back(stored.row.widget().code());
            range.after = std::string(place);
            return got.size() < before + page;
          });
      ASSERT_TRUE(status.ok()) << status;
      if (got.size() < before + page) break;
    }
    ASSERT_EQ(got, want) << def.name << " " << prefix;
  }

  void ScanSome() {
    const std::string code = Code(), family = Family(code);
    const std::string one = absl::StrCat("-", Pick(0, 3)), tail = Chance(50) ? one : "-";
    switch (Pick(0, 3)) {
      case 0:
        return CheckScan(kWidgets, "w" + family,
                         [](const std::string& c, const Facts&) { return std::set{c}; });
      case 1:
        return CheckScan(kByColor, absl::StrCat("c", family, tail),
                         [](const std::string&, const Facts& f) { return std::set{f.color}; });
      case 2:
        return CheckScan(kByBin, absl::StrCat("b", family, tail),
                         [](const std::string&, const Facts& f) {
                           return f.bin.empty() ? std::set<std::string>() : std::set{f.bin};
                         });
      default:
        return CheckScan(kByTag, absl::StrCat("t", family, tail),
                         [](const std::string&, const Facts& f) {
                           return std::set<std::string>(f.tags.begin(), f.tags.end());
                         });
    }
  }

  void MoveClock() {
    ++operations_;
    clock_.Advance(absl::Minutes(Pick(1, 60 * (Chance(10) ? 80 : 16))));
    if (Chance(60)) {
      ASSERT_TRUE(store_->RunDueTimers().ok());
    }
  }

  void VerifyJournal() {
    const int64_t size = store_->position();
    const Hash root = *store_->RootAt(size);
    Frontier tree;
    std::vector<Node> nodes;
    for (int64_t from = 1; from <= size;) {
      const auto records = store_->ReadJournal(from, 500, size_t{4} << 20);
      ASSERT_TRUE(records.ok()) << records.status();
      for (const JournalRecord& record : *records) {
        ASSERT_EQ(record.position, from++);
        const Hash leaf = LeafHash(record.leaf);
        const auto path = store_->InclusionPath(record.position, size);
        ASSERT_TRUE(path.ok()) << path.status();
        ASSERT_TRUE(VerifyInclusion(record.position - 1, size, leaf, *path, root))
            << record.position;
        journal::v1::Entry entry;
        journal::v1::Openings openings;
        ASSERT_TRUE(entry.ParseFromString(record.leaf) &&
                    openings.ParseFromString(record.openings));
        ASSERT_EQ(entry.position(), record.position);
        ASSERT_TRUE(VerifyOpenings(entry, openings.openings()).ok());
        nodes.clear();
        tree.Append(leaf, &nodes);
      }
    }
    ASSERT_EQ(tree.root(), root);
  }

  std::mt19937_64 random_;
  base::FakeClock clock_;
  TempDir dir_;
  const Schema schema_ = WidgetSchema();
  Model model_;
  std::unique_ptr<Store> store_;
  int operations_ = 0, openings_ = 0;
  int64_t next_id_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModelTest, ::testing::Values(1, 20260615, 77, 424242));

TEST_P(StoreModelTest, AgreesWithTheModel) {
  std::cout << "seed " << GetParam() << std::endl;
  ASSERT_NO_FATAL_FAILURE(Open());
  for (int next_opening = kReopenEvery; operations_ < kOperations;) {
    SCOPED_TRACE(
        absl::StrCat("seed ", GetParam(), " operation ", operations_, " opening ", openings_));
    const int64_t kind = Pick(1, 100);
    if (kind <= 45) {
      WriteSome();
    } else if (kind <= 88) {
      FindSome();
    } else if (kind <= 94) {
      ScanSome();
    } else {
      MoveClock();
    }
    if (operations_ >= next_opening) {
      next_opening += kReopenEvery;
      Open();
    }
    if (HasFatalFailure()) return;
  }
  ASSERT_GE(openings_, kOperations / kReopenEvery);
  const auto unfired = store_->Scrub();
  ASSERT_TRUE(unfired.ok()) << unfired.status();
  EXPECT_THAT(*unfired, ::testing::IsEmpty());
  clock_.Advance(absl::Hours(24 * 20));
  ASSERT_TRUE(store_->RunDueTimers().ok());
  const auto findings = store_->Scrub();
  ASSERT_TRUE(findings.ok()) << findings.status();
  EXPECT_THAT(*findings, ::testing::IsEmpty());
  for (const auto& [code, versions] : model_.records) {
    const auto got = store_->Read().Find(kWidgets, Key::Of(code));
    ASSERT_TRUE(got.ok());
    ASSERT_EQ(got->has_value(), Want(code, {}) != nullptr) << code;
  }
  VerifyJournal();
}

}  // namespace
}  // namespace nisi::store
