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

// The changes of one journal entry as messages. All but the last carry the position before, so that
// whoever is cut off between them resumes at this entry.
class Changes {
 public:
  Changes(const journal::v1::Entry& entry, std::deque<std::string>* out)
      : entry_(entry), out_(out) {}
  ~Changes() { Send(entry_.position()); }

  // `value`: the entry's bytes, empty when it was taken out.
  void Add(const std::string& name, absl::string_view value) {
    if (bytes_ > kMessageBytes) Send(entry_.position() - 1);
    auto* change = response_.add_changes();
    change->set_position(entry_.position());
    *change->mutable_record_time() = entry_.record_time();
    change->set_name(name);
    if (!value.empty())
      change->mutable_entry()->ParseFromArray(value.data(), static_cast<int>(value.size()));
    bytes_ += name.size() + value.size();
  }

 private:
  void Send(int64_t position) {
    if (response_.changes_size() == 0) return;
    response_.set_position(position);
    out_->push_back(response_.SerializeAsString());
    response_.Clear();
    bytes_ = 0;
  }

  const journal::v1::Entry& entry_;
  std::deque<std::string>* out_;
  v1::WatchEntriesResponse response_;
  size_t bytes_ = 0;
};

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
  absl::Status Show(const store::JournalRecord& record, std::deque<std::string>* out) override {
    ASSIGN_OR_RETURN(const journal::v1::Entry entry, ParseLeaf(record));
    Changes changes(entry, out);
    for (const Change& change : entry.changes()) {
      store::KeyReader key(change.key());
      if (insider_ && change.table() == kEntries.name) {
        RETURN_IF_ERROR(AddChange(change, key, changes));
      } else if (!insider_ && change.table() == kEditions.name) {
        RETURN_IF_ERROR(AddPublication(change, key, changes));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddChange(const Change& change, store::KeyReader& key, Changes& changes) const {
    const auto edition = key.Number();
    const auto code = key.Text();
    if (!edition.has_value() || !code.has_value()) return base::StoreCorrupt("journal key");
    const auto number = static_cast<int32_t>(*edition);
    if (edition_ == 0 || number == edition_)
      changes.Add(EntryName(number, *code), change.after().value());
    return absl::OkStatus();
  }

  absl::Status AddPublication(const Change& change, store::KeyReader& key, Changes& changes) const {
    const auto edition = key.Number();
    if (!edition.has_value()) return base::StoreCorrupt("journal key");
    const auto number = static_cast<int32_t>(*edition);
    const Publication publication = PublicationOf(change);
    if (publication == Publication::kNone || (edition_ != 0 && number != edition_))
      return absl::OkStatus();
    const store::View view = env_.store->Read();
    ASSIGN_OR_RETURN(const auto now, view.Find(kEditions, store::Key::Of(number)));
    const bool published = now.has_value() && IsPublished(now->row.edition().state());
    // Withdrawn since: not shown any more to whoever comes late.
    if (publication == Publication::kPublished && !published) return absl::OkStatus();
    return view.Scan(
        kEntries, {store::Key::Of(number), ""}, {},
        [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const store::ResourceView split, store::SplitRow(row.row));
          Entry entry;
          entry.ParseFromArray(split.resource.data(), static_cast<int>(split.resource.size()));
          changes.Add(entry.name(), publication == Publication::kPublished ? split.resource
                                                                           : absl::string_view());
          return true;
        });
  }

  void Bookmark(int64_t position, std::string* out) override {
    v1::WatchEntriesResponse response;
    response.set_position(position);
    *out = response.SerializeAsString();
  }

  Env& env_;
  const bool insider_;
  const int32_t edition_;
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
