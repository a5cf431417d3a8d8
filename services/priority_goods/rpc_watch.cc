#include <deque>
#include <set>

#include "common/rpc/journal_service.h"
#include "nisi/journal/v1/journal.pb.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

using journal::v1::Change;

// Messages are kept well under the 4 MiB that clients take by default.
constexpr size_t kMessageBytes = 1 << 20;

absl::StatusOr<journal::v1::Entry> ParseLeaf(const store::JournalRecord& record) {
  journal::v1::Entry entry;
  if (!entry.ParseFromString(record.leaf)) return base::StoreCorrupt("journal entry");
  return entry;
}

// What a change of an edition means to those who see published editions only.
enum class Publication { kNone, kPublished, kTakenBack };

Publication PublicationOf(const Change& change) {
  Edition before, after;
  before.ParseFromString(change.before().value());
  after.ParseFromString(change.after().value());
  const bool was = IsPublished(before.state()), is = IsPublished(after.state());
  if (was == is) return Publication::kNone;
  return is ? Publication::kPublished : Publication::kTakenBack;
}

// Insiders follow every change of an entry. To the others an edition comes whole when it is
// approved, and goes whole when it is withdrawn after that; how it was drafted is not published.
class EntryWatch final : public rpc::JournalSource {
 public:
  EntryWatch(Env& env, const Call& call, int32_t edition, int64_t start)
      : JournalSource(*env.store, start),
        env_(env),
        insider_(IsInsider(*call.caller)),
        edition_(edition) {}

 private:
  // An edition that is being shown, or taken back, piece by piece.
  struct Pending {
    int32_t edition = 0;
    bool published = false;
    int64_t position = 0;
    google::protobuf::Timestamp record_time;
    std::string after;  // the last key shown
  };

  absl::Status Show(const store::JournalRecord& record, std::deque<std::string>* out) override {
    ASSIGN_OR_RETURN(const journal::v1::Entry entry, ParseLeaf(record));
    v1::WatchEntriesResponse response;
    for (const Change& change : entry.changes()) {
      store::KeyReader key(change.key());
      if (insider_ && change.table() == kEntries.name) {
        RETURN_IF_ERROR(AddChange(entry, change, key, &response));
      } else if (!insider_ && change.table() == kEditions.name) {
        RETURN_IF_ERROR(NotePublication(entry, change, key));
      }
    }
    if (response.changes_size() > 0) {  // a journal entry is small: bulk commands are cut
      response.set_position(entry.position());
      out->push_back(response.SerializeAsString());
    }
    return absl::OkStatus();
  }

  absl::Status AddChange(const journal::v1::Entry& entry, const Change& change,
                         store::KeyReader& key, v1::WatchEntriesResponse* response) const {
    const auto edition = key.Number();
    const auto code = key.Text();
    if (!edition.has_value() || !code.has_value()) return base::StoreCorrupt("journal key");
    const auto number = static_cast<int32_t>(*edition);
    if (edition_ != 0 && number != edition_) return absl::OkStatus();
    AddTo(response, entry.position(), entry.record_time(), EntryName(number, *code),
          change.after().value());
    return absl::OkStatus();
  }

  absl::Status NotePublication(const journal::v1::Entry& entry, const Change& change,
                               store::KeyReader& key) {
    const auto edition = key.Number();
    if (!edition.has_value()) return base::StoreCorrupt("journal key");
    const auto number = static_cast<int32_t>(*edition);
    const Publication publication = PublicationOf(change);
    if (publication == Publication::kNone || (edition_ != 0 && number != edition_))
      return absl::OkStatus();
    if (publication == Publication::kPublished) {
      const store::View view = env_.store->Read();
      ASSIGN_OR_RETURN(const auto now, view.Find(kEditions, store::Key::Of(number)));
      // Withdrawn since: whoever comes late sees neither its coming nor its going.
      if (!now.has_value() || !IsPublished(now->row.edition().state())) {
        passed_over_.insert(number);
        return absl::OkStatus();
      }
    } else if (passed_over_.contains(number)) {
      return absl::OkStatus();
    }
    pending_.push_back({number, publication == Publication::kPublished, entry.position(),
                        entry.record_time(), ""});
    return absl::OkStatus();
  }

  // All messages but the last carry the position before, so that whoever is cut off between them
  // resumes at this entry.
  absl::Status ShowMore(std::deque<std::string>* out) override {
    if (pending_.empty()) return absl::OkStatus();
    Pending& pending = pending_.front();
    v1::WatchEntriesResponse response;
    size_t bytes = 0;
    bool more = false;
    const store::View view = env_.store->Read();
    RETURN_IF_ERROR(view.Scan(
        kEntries, {store::Key::Of(pending.edition), pending.after}, {},
        [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
          more = bytes > kMessageBytes;
          if (more) return false;
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
          const std::string value =
              pending.published ? stored.row.entry().SerializeAsString() : std::string();
          AddTo(&response, pending.position, pending.record_time, stored.row.entry().name(), value);
          bytes += value.size() + stored.row.entry().name().size();
          pending.after.assign(key.data(), key.size());
          return true;
        }));
    response.set_position(more ? pending.position - 1 : pending.position);
    if (response.changes_size() > 0) out->push_back(response.SerializeAsString());
    if (!more) pending_.pop_front();
    return absl::OkStatus();
  }

  // `value`: the entry's bytes, empty when it was taken out.
  static void AddTo(v1::WatchEntriesResponse* response, int64_t position,
                    const google::protobuf::Timestamp& record_time, const std::string& name,
                    const std::string& value) {
    auto* change = response->add_changes();
    change->set_position(position);
    *change->mutable_record_time() = record_time;
    change->set_name(name);
    if (!value.empty()) change->mutable_entry()->ParseFromString(value);
  }

  void Bookmark(int64_t position, std::string* out) override {
    v1::WatchEntriesResponse response;
    response.set_position(position);
    *out = response.SerializeAsString();
  }

  Env& env_;
  const bool insider_;
  const int32_t edition_;
  std::deque<Pending> pending_;
  std::set<int32_t> passed_over_;  // editions whose publication this stream did not show
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> WatchEntries(
    Env& env, Call& call, const v1::WatchEntriesRequest& request) {
  int32_t edition = 0;
  if (!request.parent().empty()) {
    ASSIGN_OR_RETURN(edition, EditionNumber(request.parent()));
    RETURN_IF_ERROR(CheckReadable(env, call, edition));
    RETURN_IF_ERROR(CheckExists(env, call, edition));
  }
  return std::make_unique<EntryWatch>(env, call, edition, request.start_position());
}

}  // namespace nisi::priority_goods
