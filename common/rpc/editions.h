// Lists that are kept in editions: each approved by an order, with entries by code, of which one
// edition is in force on a day. What services with such a list have in common, over a description
// of it:
//
//   struct GoodsList {
//     using EditionRow = v1::EditionRow;  // with edition() and number()
//     using EntryRow = v1::EntryRow;      // with entry() and edition()
//     static const store::Table<EditionRow>& Editions();  // by number
//     static const store::Table<EntryRow>& Entries();     // by edition and code
//     static const std::string& Code(const v1::Entry& entry);
//     // The fields in which two entries of one code may differ: not those that say where and when.
//     static constexpr const char* kCompared[] = {"name_kk", "note"};
//     // Whether the public may see an edition in this state, and it can answer for a day.
//     static bool IsPublished(v1::Edition::State state);
//     static base::LegalBasis Basis();
//   };
//
// editions_watch.h follows their changes, catalog.h answers from memory what stands on a day.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/text.h"
#include "common/rpc/call.h"
#include "common/rpc/page.h"
#include "common/rpc/wire.h"
#include "common/store/store.h"

namespace nisi::rpc {

template <class List>
using EntryOf = std::decay_t<decltype(std::declval<typename List::EntryRow>().entry())>;
template <class List>
using EditionOf = std::decay_t<decltype(std::declval<typename List::EditionRow>().edition())>;

// Those of `fields` that are not the same in two messages of one type.
std::vector<std::string> DifferentFields(const google::protobuf::Message& before,
                                         const google::protobuf::Message& after,
                                         absl::Span<const char* const> fields);
// Whether every word begins some word of the text.
bool HoldsWords(const std::vector<std::string>& words, absl::string_view text);

// The entries of an edition, in wire form and in order of code, read some at a time.
template <class List>
class EntryFeed {
 public:
  // `after`: only codes past this one; empty: all.
  EntryFeed(const store::View& view, int32_t edition, store::At at = {},
            const std::string& after = "")
      : view_(view), at_(at), range_{store::Key::Of(edition), ""} {
    if (!after.empty()) range_.after = std::string(store::Key::Of(edition, after).bytes());
  }

  // False after the last.
  absl::StatusOr<bool> Next(std::string* entry) {
    if (ready_.empty() && !ended_) RETURN_IF_ERROR(Load());
    if (ready_.empty()) return false;
    *entry = std::move(ready_.front());
    ready_.pop_front();
    return true;
  }

 private:
  static constexpr size_t kPortion = 500;

  absl::Status Load() {
    RETURN_IF_ERROR(
        view_.Scan(List::Entries(), range_, at_,
                   [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
                     ASSIGN_OR_RETURN(const store::ResourceView split, store::SplitRow(row.row));
                     ready_.emplace_back(split.resource);
                     range_.after.assign(key.data(), key.size());
                     return ready_.size() < kPortion;
                   }));
    ended_ = ready_.size() < kPortion;
    return absl::OkStatus();
  }

  const store::View& view_;
  const store::At at_;
  store::Range range_;
  std::deque<std::string> ready_;
  bool ended_ = false;
};

// One side of a comparison: the entry it stands on.
template <class List>
class ComparedSide {
 public:
  explicit ComparedSide(EntryFeed<List> feed) : feed_(std::move(feed)) {}
  absl::Status Move() {
    std::string bytes;
    ASSIGN_OR_RETURN(more_, feed_.Next(&bytes));
    if (more_ && !entry_.ParseFromString(bytes)) return base::StoreCorrupt("row does not parse");
    return absl::OkStatus();
  }
  bool more() const { return more_; }
  const EntryOf<List>& entry() const { return entry_; }
  const std::string& code() const { return List::Code(entry_); }

 private:
  EntryFeed<List> feed_;
  EntryOf<List> entry_;
  bool more_ = false;
};

// A page of what `target` has changed of `base`, in order of code; both are there and the caller
// may read them. All pages show the state of the first, whatever was written since; each begins at
// the code after the last one and reads no more than it shows.
template <class List, class Response, class Request>
absl::StatusOr<Response> DiffEditions(const store::Store& store, const Call& call,
                                      const Request& request, int32_t base, int32_t target) {
  const store::View view = store.Read();
  const PageTokens tokens(store.token_key(), store.clock().Now());
  const std::string query_hash = QueryHash(request, call.caller->subject);
  PageState state;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(state, tokens.Decode(request.page_token(), query_hash));
  } else {
    ASSIGN_OR_RETURN(state.recorded_us, view.RecordedUs());
  }
  store::At at;
  at.known_at_us = state.recorded_us;
  ComparedSide<List> before(EntryFeed<List>(view, base, at, state.last_key));
  ComparedSide<List> after(EntryFeed<List>(view, target, at, state.last_key));
  RETURN_IF_ERROR(before.Move());
  RETURN_IF_ERROR(after.Move());
  using Difference = typename Response::Difference;
  Response response;
  while (before.more() || after.more()) {
    const int order = !before.more() ? 1 : !after.more() ? -1 : before.code().compare(after.code());
    std::vector<std::string> changed;
    if (order == 0) changed = DifferentFields(before.entry(), after.entry(), List::kCompared);
    if (order != 0 || !changed.empty()) {
      if (response.differences_size() == PageSize(request.page_size())) {
        response.set_next_page_token(tokens.Encode(state, query_hash));
        return response;
      }
      Difference* difference = response.add_differences();
      difference->set_kind(order < 0   ? Difference::REMOVED
                           : order > 0 ? Difference::ADDED
                                       : Difference::CHANGED);
      if (order <= 0) *difference->mutable_before() = before.entry();
      if (order >= 0) *difference->mutable_after() = after.entry();
      for (std::string& field : changed) *difference->add_changed_fields() = std::move(field);
      state.last_key = order <= 0 ? before.code() : after.code();
    }
    if (order <= 0) RETURN_IF_ERROR(before.Move());
    if (order >= 0) RETURN_IF_ERROR(after.Move());
  }
  return response;
}

// Streams an edition from one snapshot.
template <class List>
class EditionExport final : public MessageSource {
 public:
  EditionExport(const store::Store& store, int32_t edition)
      : view_(store.Read()), feed_(view_, edition) {}

  absl::StatusOr<State> Pull(std::string* out) override {
    ASSIGN_OR_RETURN(const bool more, feed_.Next(out));
    return more ? State::kMessage : State::kEnd;
  }

 private:
  const store::View view_;
  EntryFeed<List> feed_;
};

// A page of the entries of an edition that the request looks for: by the beginning of their code,
// words of their names, sector and processing level. It is there, and the caller may read it. Later
// pages stay on the edition and the state of the first.
template <class List, class Response, class Request>
absl::StatusOr<Response> SearchEntries(const store::Store& store, const Call& call,
                                       const Request& request, int32_t edition) {
  const PageTokens tokens(store.token_key(), store.clock().Now());
  const std::string query_hash = QueryHash(request, call.caller->subject);
  const store::View view = store.Read();
  PageState state;
  store::At at;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(state, tokens.Decode(request.page_token(), query_hash));
    at.known_at_us = state.recorded_us;
    // Also when another came into force between the pages.
    edition = static_cast<int32_t>(state.position);
  }
  store::Range range{store::Key::Of(edition), state.last_key};
  range.prefix.AddTextPrefix(request.code_prefix());
  const std::vector<std::string> words = base::Words(request.query());
  const int size = PageSize(request.page_size());
  bool more = false;
  Response response;
  RETURN_IF_ERROR(view.Scan(
      List::Entries(), range, at,
      [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<typename List::EntryRow>(row));
        const EntryOf<List>& entry = stored.row.entry();
        if (!request.sector().empty() && entry.sector() != request.sector()) return true;
        if (request.processing_level() != 0 &&
            entry.processing_level() != request.processing_level()) {
          return true;
        }
        if (!words.empty() && !HoldsWords(words, absl::StrCat(entry.name_kk(), " ", entry.name_ru(),
                                                              " ", entry.name_en()))) {
          return true;
        }
        more = response.entries_size() == size;
        if (more) return false;
        state.last_key = std::string(key);
        *response.add_entries() = std::move(*stored.row.mutable_entry());
        return true;
      }));
  if (!more) return response;
  if (request.page_token().empty()) {
    state.position = edition;
    ASSIGN_OR_RETURN(state.recorded_us, view.RecordedUs());
  }
  response.set_next_page_token(tokens.Encode(state, query_hash));
  return response;
}

}  // namespace nisi::rpc
