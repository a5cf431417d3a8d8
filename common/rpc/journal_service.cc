#include "common/rpc/journal_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/planted.h"
#include "common/base/status.h"
#include "common/base/steady.h"
#include "common/rpc/page.h"
#include "common/store/merkle.h"
#include "common/store/store_backup.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::rpc {
namespace {

using namespace journal::v1;  // NOLINT(google-build-using-namespace): the messages of this one
                              // service

constexpr size_t kLoadEntries = 64;
constexpr size_t kLoadBytes = 1 << 20;
constexpr absl::Duration kBookmarkEvery = absl::Seconds(5);
constexpr int kMostPassedOver = 1000;

bool Touches(const store::JournalRecord& record, const std::string& table) {
  if (table.empty()) return true;
  Entry entry;
  entry.ParseFromString(record.leaf);
  return std::any_of(entry.changes().begin(), entry.changes().end(),
                     [&](const Change& change) { return change.table() == table; });
}

// What a caller may read of the journal.
class Reading {
 public:
  Reading(const JournalEnv& env, const Call& call)
      : env_(env),
        all_(call.caller->Has(v1::AUDITOR)),
        roles_(call.caller->roles & call.method->roles) {}

  // nullopt: it is not there for the caller. Openings stay in the store: whoever may read the
  // journal as a whole may not thereby read what was withheld.
  absl::StatusOr<std::optional<EntryRecord>> Of(const store::JournalRecord& record) const {
    EntryRecord out;
    if (!all_) {
      Entry entry;
      if (!entry.ParseFromString(record.leaf)) return base::StoreCorrupt("journal entry");
      const store::View now = env_.store->Read();
      for (int i = 0; i < entry.changes_size(); ++i) {
        Change& change = *entry.mutable_changes(i);
        // Of what ends, as it was.
        ASSIGN_OR_RETURN(const bool shown,
                         Shows(now, change.has_after() ? change.after() : change.before()));
        if (!shown) return std::nullopt;
        if (!change.has_after() || !change.has_before()) continue;
        // What comes into sight by it was closed before.
        ASSIGN_OR_RETURN(const bool shown_before, Shows(now, change.before()));
        if (shown_before) continue;
        change.clear_before();
        out.add_without_before(i);
      }
      if (out.without_before_size() > 0) {
        *out.mutable_partial() = std::move(entry);
        return out;
      }
    }
    out.set_leaf(record.leaf);
    return out;
  }

 private:
  absl::StatusOr<bool> Shows(const store::View& now, const google::protobuf::Any& version) const {
    const std::string& url = version.type_url();
    return env_.registry->IsShown(now, url.substr(url.rfind('/') + 1), version.value(), roles_);
  }

  const JournalEnv& env_;
  const bool all_;
  const uint32_t roles_;
};

absl::StatusOr<EntryRecord> GetEntry(JournalEnv& env, Call& call, const GetEntryRequest& request) {
  ASSIGN_OR_RETURN(const auto records, env.store->ReadJournal(request.position(), 1, kLoadBytes));
  if (records.empty()) return base::NotFound("entries", "");
  ASSIGN_OR_RETURN(auto shown, Reading(env, call).Of(records.front()));
  if (!shown.has_value()) return base::AccessDenied();
  return *std::move(shown);
}

absl::StatusOr<ListEntriesResponse> ListEntries(JournalEnv& env, Call& call,
                                                const ListEntriesRequest& request) {
  const int64_t start = std::max<int64_t>(request.start_position(), 1);
  const auto size = static_cast<size_t>(PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const auto records, env.store->ReadJournal(start, size, kLoadBytes));
  const Reading reading(env, call);
  ListEntriesResponse response;
  for (const auto& record : records) {
    if (!Touches(record, request.table())) continue;
    ASSIGN_OR_RETURN(auto shown, reading.Of(record));
    if (shown.has_value()) *response.add_entries() = *std::move(shown);
  }
  if (!records.empty() && records.back().position < env.store->position()) {
    response.set_next_position(records.back().position + 1);
  }
  return response;
}

// A client has seen more than there is: the store was restored to an earlier point since, and what
// it does from there on is not what the client knows.
absl::Status Beyond(int64_t last) {
  return base::Refusal(
             absl::StatusCode::kOutOfRange, "BEYOND_JOURNAL",
             "The journal ends before this position: the store was restored to an earlier "
             "point. Read what it holds anew, and follow it from there.")
      .With("lastPosition", absl::StrCat(last));
}

class EntrySource final : public JournalSource {
 public:
  EntrySource(const JournalEnv& env, const Call& call, const WatchEntriesRequest& request)
      : JournalSource(*env.store, request.start_position()),
        reading_(env, call),
        table_(request.table()) {}

 private:
  absl::Status Show(const store::JournalRecord& record, std::deque<std::string>* out) override {
    if (!Touches(record, table_)) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto shown, reading_.Of(record));
    if (!shown.has_value()) return absl::OkStatus();
    WatchEntriesResponse response;
    *response.mutable_entry() = *std::move(shown);
    out->push_back(response.SerializeAsString());
    return absl::OkStatus();
  }
  void Bookmark(int64_t position, std::string* out) override {
    WatchEntriesResponse response;
    response.set_bookmark(position);
    *out = response.SerializeAsString();
  }
  const Reading reading_;
  const std::string table_;
};

absl::StatusOr<std::unique_ptr<MessageSource>> WatchEntries(JournalEnv& env, Call& call,
                                                            const WatchEntriesRequest& request) {
  return std::make_unique<EntrySource>(env, call, request);
}

absl::StatusOr<TreeHead> GetTreeHead(JournalEnv& env, Call& call, const GetTreeHeadRequest&) {
  return store::SignedHead(*env.store, *env.head_key(), call.now);
}

absl::StatusOr<InclusionProof> GetInclusionProof(JournalEnv& env, Call&,
                                                 const GetInclusionProofRequest& request) {
  InclusionProof proof;
  proof.set_position(request.position());
  proof.set_tree_size(request.tree_size() == 0 ? env.store->position() : request.tree_size());
  ASSIGN_OR_RETURN(const store::Hash leaf, env.store->LeafAt(request.position()));
  proof.set_leaf_hash(store::ToBytes(leaf));
  ASSIGN_OR_RETURN(const auto path,
                   env.store->InclusionPath(request.position(), proof.tree_size()));
  for (const store::Hash& hash : path) proof.add_hashes(store::ToBytes(hash));
  return proof;
}

absl::StatusOr<ConsistencyProof> GetConsistencyProof(JournalEnv& env, Call&,
                                                     const GetConsistencyProofRequest& request) {
  ConsistencyProof proof;
  proof.set_first_size(request.first_size());
  proof.set_second_size(request.second_size() == 0 ? env.store->position() : request.second_size());
  ASSIGN_OR_RETURN(const auto path,
                   env.store->ConsistencyPath(proof.first_size(), proof.second_size()));
  for (const store::Hash& hash : path) proof.add_hashes(store::ToBytes(hash));
  return proof;
}

absl::StatusOr<SigningKey> GetSigningKey(JournalEnv& env, Call&, const GetSigningKeyRequest&) {
  SigningKey key;
  const auto signer = env.head_key();
  key.set_key_id(signer->key_id());
  key.set_public_key(signer->public_key());
  return key;
}

}  // namespace

JournalSource::JournalSource(store::Store& store, int64_t start)
    : store_(store),
      next_(start > 0 ? start : store.position() + 1),
      bookmarked_(next_ - 1),
      last_message_(base::SteadyNow()) {}

JournalSource::~JournalSource() {
  if (subscription_ != 0) store_.Unsubscribe(subscription_);
}

void JournalSource::OnStart(std::function<void()> wake) {
  subscription_ =
      store_.Subscribe([wake = std::move(wake)](const store::CommitNotice&) { wake(); });
}

absl::StatusOr<bool> JournalSource::Load() {
  if (at_ < loaded_.size()) return true;
  at_ = 0;
  if (base::Planted("watch-skips-at-page-border") && loaded_.size() == kLoadEntries) ++next_;
  ASSIGN_OR_RETURN(loaded_, store_.ReadJournal(next_, kLoadEntries, kLoadBytes));
  return !loaded_.empty();
}

absl::Status JournalSource::CheckStart() {
  if (std::exchange(begun_, true)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t last, store_.Read().Position());
  return next_ > last + 1 ? Beyond(last) : absl::OkStatus();
}

absl::StatusOr<MessageSource::State> JournalSource::Pull(std::string* out) {
  RETURN_IF_ERROR(CheckStart());
  int passed_over = 0;
  while (ready_.empty()) {
    // Also of the last one that is passed over: a bookmark says that nothing is left.
    RETURN_IF_ERROR(ShowMore(&ready_));
    if (!ready_.empty() || passed_over == kMostPassedOver) break;
    ASSIGN_OR_RETURN(const bool more, Load());
    if (!more) break;
    const store::JournalRecord& record = loaded_[at_++];
    next_ = record.position + 1;
    RETURN_IF_ERROR(Show(record, &ready_));
    ++passed_over;
  }
  if (!ready_.empty()) {
    *out = std::move(ready_.front());
    ready_.pop_front();
    bookmarked_ = next_ - 1;
    last_message_ = base::SteadyNow();
    return State::kMessage;
  }
  // Nothing to show in a long stretch: say how far it was, and let others have the thread.
  if (passed_over < kMostPassedOver) {
    const absl::Duration quiet = base::SteadyNow() - last_message_;
    const bool behind = next_ - 1 > bookmarked_;
    if (quiet < kBookmarkEvery && !behind) return State::kWait;
    if (quiet < absl::Seconds(1)) return State::kWait;
  }
  bookmarked_ = next_ - 1;
  last_message_ = base::SteadyNow();
  Bookmark(bookmarked_, out);
  return State::kMessage;
}

absl::Status AddJournalService(JournalEnv& env, Registry* registry) {
  RETURN_IF_ERROR(registry->Add(*JournalService::descriptor()));
  NISI_UNARY(*registry, JournalService, GetEntry, env, GetEntry);
  NISI_UNARY(*registry, JournalService, ListEntries, env, ListEntries);
  NISI_SERVER_STREAM(*registry, JournalService, WatchEntries, env, WatchEntries);
  NISI_UNARY(*registry, JournalService, GetTreeHead, env, GetTreeHead);
  NISI_UNARY(*registry, JournalService, GetInclusionProof, env, GetInclusionProof);
  NISI_UNARY(*registry, JournalService, GetConsistencyProof, env, GetConsistencyProof);
  NISI_UNARY(*registry, JournalService, GetSigningKey, env, GetSigningKey);
  return absl::OkStatus();
}

}  // namespace nisi::rpc
