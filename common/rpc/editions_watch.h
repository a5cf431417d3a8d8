// The changes of a list that is kept in editions, as they are committed.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "common/rpc/changes_watch.h"
#include "common/rpc/editions.h"

namespace nisi::rpc {

// Those who see drafts follow every change of an entry. To the others an edition comes whole when
// it is approved, and goes whole when it is withdrawn after that; how it was drafted is not
// published.
template <class List, class Response>
class EditionWatch final : public ChangesWatch<Response> {
 public:
  // `edition`: 0 for all that the caller may see. `start`, `delivered`: the request's
  // start_position and delivered_changes.
  EditionWatch(store::Store& store, bool sees_drafts, int32_t edition, int64_t start,
               int64_t delivered)
      : ChangesWatch<Response>(store, start),
        store_(store),
        sees_drafts_(sees_drafts),
        edition_(edition),
        resumed_{start, start > 0 ? delivered : 0} {}

 private:
  using Change = journal::v1::Change;

  // Messages are kept well under the 4 MiB that clients take by default.
  static constexpr size_t kMessageBytes = 1 << 20;

  // What a change of an edition means to those who see published ones only.
  enum class Publication { kNone, kPublished, kTakenBack };

  // An edition that is being shown, or taken back, piece by piece.
  struct Pending {
    int32_t edition = 0;
    bool published = false;
    int64_t position = 0;
    google::protobuf::Timestamp record_time;
    std::string after;  // the last key shown
  };

  // A journal entry, and how many of its changes were shown. An edition that was published does not
  // change, so the number says which.
  struct Progress {
    int64_t position = 0;
    int64_t changes = 0;
  };

  static absl::StatusOr<Publication> PublicationOf(const Change& change) {
    EditionOf<List> before, after;
    if (!before.ParseFromString(change.before().value()) ||
        !after.ParseFromString(change.after().value())) {
      return base::StoreCorrupt("journal value");
    }
    const bool was = List::IsPublished(before.state()), is = List::IsPublished(after.state());
    if (was == is) return Publication::kNone;
    return is ? Publication::kPublished : Publication::kTakenBack;
  }

  absl::Status ShowEntry(const journal::v1::Entry& entry, Response* response) override {
    for (const Change& change : entry.changes()) {
      store::KeyReader key(change.key());
      if (sees_drafts_ && change.table() == List::Entries().name) {
        RETURN_IF_ERROR(AddChange(entry, change, key, response));
      } else if (!sees_drafts_ && change.table() == List::Editions().name) {
        RETURN_IF_ERROR(NotePublication(entry, change, key));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddChange(const journal::v1::Entry& entry, const Change& change,
                         store::KeyReader& key, Response* response) const {
    const auto edition = key.Number();
    if (!edition.has_value()) return base::StoreCorrupt("journal key");
    if (edition_ != 0 && *edition != edition_) return absl::OkStatus();
    EntryOf<List> shown;
    const bool ended = change.after().value().empty();
    if (!shown.ParseFromString(ended ? change.before().value() : change.after().value())) {
      return base::StoreCorrupt("journal value");
    }
    AddTo(response, entry.position(), entry.record_time(), std::move(shown), ended);
    return absl::OkStatus();
  }

  absl::Status NotePublication(const journal::v1::Entry& entry, const Change& change,
                               store::KeyReader& key) {
    const auto edition = key.Number();
    if (!edition.has_value()) return base::StoreCorrupt("journal key");
    const auto number = static_cast<int32_t>(*edition);
    ASSIGN_OR_RETURN(const Publication publication, PublicationOf(change));
    if (publication == Publication::kNone || (edition_ != 0 && number != edition_)) {
      return absl::OkStatus();
    }
    if (publication == Publication::kPublished) {
      const store::View view = store_.Read();
      ASSIGN_OR_RETURN(const auto now, view.Find(List::Editions(), store::Key::Of(number)));
      // Withdrawn since: whoever comes late sees neither its coming nor its going. Whoever saw a
      // part of it sees both.
      const bool seen = resumed_.position == entry.position() && resumed_.changes > 0;
      if (!seen && (!now.has_value() || !List::IsPublished(now->row.edition().state()))) {
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

  absl::Status ShowMore(std::deque<std::string>* out) override {
    while (!pending_.empty() && out->empty()) RETURN_IF_ERROR(ShowPending(out));
    return absl::OkStatus();
  }

  // All messages of a journal entry but the last carry the position before, and how many of its
  // changes are out: whoever is cut off between them resumes there.
  absl::Status ShowPending(std::deque<std::string>* out) {
    Pending& pending = pending_.front();
    if (shown_.position != pending.position) shown_ = {pending.position, 0};
    const int64_t pass_over = resumed_.position == pending.position ? resumed_.changes : 0;
    Response response;
    size_t bytes = 0;
    bool more = false;
    const store::View view = store_.Read();
    RETURN_IF_ERROR(view.Scan(
        List::Entries(), {store::Key::Of(pending.edition), pending.after}, {},
        [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
          more = bytes > kMessageBytes;
          if (more) return false;
          pending.after.assign(key.data(), key.size());
          if (++shown_.changes <= pass_over) return true;
          ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<typename List::EntryRow>(row));
          bytes += pending.published ? row.row.size() : stored.row.entry().name().size();
          AddTo(&response, pending.position, pending.record_time,
                std::move(*stored.row.mutable_entry()), !pending.published);
          return true;
        }));
    const bool last = !more && (pending_.size() == 1 || pending_[1].position != pending.position);
    response.set_position(last ? pending.position : pending.position - 1);
    if (!last) response.set_delivered_changes(shown_.changes);
    if (response.changes_size() > 0) out->push_back(response.SerializeAsString());
    if (!more) pending_.pop_front();
    return absl::OkStatus();
  }

  // `ended`: it was taken out, and this is what it was.
  static void AddTo(Response* response, int64_t position,
                    const google::protobuf::Timestamp& record_time, EntryOf<List> entry,
                    bool ended) {
    auto* change = response->add_changes();
    change->set_position(position);
    *change->mutable_record_time() = record_time;
    change->set_name(entry.name());
    if (!ended) *change->mutable_entry() = std::move(entry);
  }

  store::Store& store_;
  const bool sees_drafts_;
  const int32_t edition_;
  const Progress resumed_;  // where the stream before was cut off
  Progress shown_;          // of the pending one
  std::deque<Pending> pending_;
  std::set<int32_t> passed_over_;  // editions whose publication this stream did not show
};

}  // namespace nisi::rpc
