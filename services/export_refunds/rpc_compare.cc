// What stands in an edition of the list, whole, and what another one has changed.
#include <deque>

#include "common/rpc/page.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

using Difference = v1::DiffEditionsResponse::Difference;

absl::StatusOr<std::vector<Entry>> EntriesOf(const store::View& view, int32_t edition,
                                             const store::At& at) {
  std::vector<Entry> entries;
  RETURN_IF_ERROR(
      view.Scan(kEntries, {store::Key::Of(edition), ""}, at,
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<EntryRow>(row));
                  entries.push_back(std::move(*stored.row.mutable_entry()));
                  return true;
                }));
  return entries;
}

// The fields in which two entries of one code differ, but those that say where and when.
std::vector<std::string> ChangedFields(const Entry& before, const Entry& after) {
  std::vector<std::string> changed;
  for (const char* name : {"name_kk", "name_ru", "name_en", "sector", "processing_level", "note"}) {
    const auto* field = Entry::descriptor()->FindFieldByName(name);
    google::protobuf::util::MessageDifferencer differ;
    if (!differ.CompareWithFields(before, after, {field}, {field})) changed.emplace_back(name);
  }
  return changed;
}

// Both are in order of code.
std::vector<Difference> Compare(const std::vector<Entry>& base, const std::vector<Entry>& target) {
  std::vector<Difference> differences;
  for (size_t b = 0, t = 0; b < base.size() || t < target.size();) {
    const int order = b == base.size()     ? 1
                      : t == target.size() ? -1
                                           : CodeOf(base[b]).compare(CodeOf(target[t]));
    Difference difference;
    if (order <= 0) *difference.mutable_before() = base[b];
    if (order >= 0) *difference.mutable_after() = target[t];
    difference.set_kind(order < 0   ? Difference::REMOVED
                        : order > 0 ? Difference::ADDED
                                    : Difference::CHANGED);
    if (order == 0) {
      for (std::string& field : ChangedFields(base[b], target[t])) {
        *difference.add_changed_fields() = std::move(field);
      }
    }
    if (order != 0 || difference.changed_fields_size() > 0) {
      differences.push_back(std::move(difference));
    }
    b += order <= 0 ? 1 : 0;
    t += order >= 0 ? 1 : 0;
  }
  return differences;
}

const std::string& CodeIn(const Difference& difference) {
  return CodeOf(difference.has_after() ? difference.after() : difference.before());
}

// Streams an edition from one snapshot, some rows at a time.
class Export final : public rpc::MessageSource {
 public:
  Export(const store::Store& store, int32_t edition) : view_(store.Read()), edition_(edition) {}

  absl::StatusOr<State> Pull(std::string* out) override {
    if (ready_.empty()) RETURN_IF_ERROR(Load());
    if (ready_.empty()) return State::kEnd;
    *out = std::move(ready_.front());
    ready_.pop_front();
    return State::kMessage;
  }

 private:
  absl::Status Load() {
    constexpr size_t kRows = 500;
    return view_.Scan(
        kEntries, {store::Key::Of(edition_), after_}, {},
        [&](const store::RowView& row, absl::string_view key) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const store::ResourceView split, store::SplitRow(row.row));
          ready_.emplace_back(split.resource);
          after_ = std::string(key);
          return ready_.size() < kRows;
        });
  }

  const store::View view_;
  const int32_t edition_;
  std::string after_;
  std::deque<std::string> ready_;
};

}  // namespace

absl::StatusOr<v1::DiffEditionsResponse> DiffEditions(Env& env, Call& call,
                                                      const v1::DiffEditionsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t base, rpc::NumberIn(request.base(), "lists/*", 0));
  ASSIGN_OR_RETURN(const int32_t target, rpc::NumberIn(request.target(), "lists/*", 0));
  for (const std::string& name : {request.base(), request.target()}) {
    RETURN_IF_ERROR(CheckListReadable(env, call, name));
  }
  const store::View view = env.store->Read();
  const rpc::PageTokens tokens(env.store->secret());
  const std::string query_hash = rpc::QueryHash(request, call.caller->subject);
  rpc::PageState state;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(state, tokens.Decode(request.page_token(), query_hash));
  } else {
    ASSIGN_OR_RETURN(state.recorded_us, view.RecordedUs());
  }
  // All pages show the state of the first, whatever was written since.
  store::At at;
  at.known_at_us = state.recorded_us;
  ASSIGN_OR_RETURN(const auto base_entries, EntriesOf(view, base, at));
  ASSIGN_OR_RETURN(const auto target_entries, EntriesOf(view, target, at));
  v1::DiffEditionsResponse response;
  for (Difference& difference : Compare(base_entries, target_entries)) {
    if (!state.last_key.empty() && CodeIn(difference) <= state.last_key) continue;
    if (response.differences_size() == rpc::PageSize(request.page_size())) {
      state.last_key = CodeIn(response.differences(response.differences_size() - 1));
      response.set_next_page_token(tokens.Encode(state, query_hash));
      break;
    }
    *response.add_differences() = std::move(difference);
  }
  return response;
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportEdition(
    Env& env, Call& call, const v1::ExportEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, rpc::NumberIn(request.name(), "lists/*", 0));
  RETURN_IF_ERROR(CheckListReadable(env, call, request.name()));
  return std::make_unique<Export>(*env.store, edition);
}

}  // namespace nisi::export_refunds
