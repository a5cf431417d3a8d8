#include <algorithm>
#include <deque>

#include "absl/strings/match.h"
#include "common/rpc/page.h"
#include "common/rpc/wire.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

using Difference = v1::DiffEditionsResponse::Difference;

// Of the entries below a code that an answer names: of one code, and of all codes together, so that
// a short request has no huge answer.
constexpr size_t kMaxPartial = 100;
constexpr size_t kMaxPartialInAll = 10'000;
constexpr int kResultsField = v1::CheckGoodsResponse::kResultsFieldNumber;
constexpr int kCodeField = v1::CheckGoodsResponse::Result::kCodeFieldNumber;

// The fields of a Result but its code, for a code that no entry covers.
std::string NotListed(const char* reason) {
  v1::CheckGoodsResponse::Result result;
  result.set_verdict(v1::CheckGoodsResponse::NOT_LISTED);
  result.set_reason(reason);
  return result.SerializeAsString();
}

std::string PartialVerdict() {
  v1::CheckGoodsResponse::Result result;
  result.set_verdict(v1::CheckGoodsResponse::PARTIAL);
  return result.SerializeAsString();
}

// Appends the fields of a Result but its code, and takes from `names_left` the entries it names.
void AppendAnswer(const EntrySet& entries, const std::string& code, size_t* names_left,
                  std::string* result) {
  static const std::string kNotOnList = NotListed("NOT_ON_LIST");
  static const std::string kPartial = PartialVerdict();
  if (const EntrySet::Item* item = entries.Covering(code); item != nullptr) {
    *result += item->listed;
    return;
  }
  const size_t most = std::min(kMaxPartial, *names_left);
  const absl::Span<const EntrySet::Item> below = entries.Below(code, std::max<size_t>(most, 1));
  if (below.empty()) {
    *result += kNotOnList;
    return;
  }
  *result += kPartial;
  for (const EntrySet::Item& item : below.first(std::min(below.size(), most))) {
    *result += item.partial;
    --*names_left;
  }
}

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
  const auto add = [&](const char* field, bool differs) {
    if (differs) changed.emplace_back(field);
  };
  add("name_kk", before.name_kk() != after.name_kk());
  add("name_ru", before.name_ru() != after.name_ru());
  add("name_en", before.name_en() != after.name_en());
  add("sector", before.sector() != after.sector());
  add("processing_level", before.processing_level() != after.processing_level());
  add("oked", before.oked() != after.oked());
  add("kpved", before.kpved() != after.kpved());
  add("note", before.note() != after.note());
  return changed;
}

// Both lists are in order of code.
std::vector<Difference> Compare(const std::vector<Entry>& base, const std::vector<Entry>& target) {
  std::vector<Difference> differences;
  size_t b = 0, t = 0;
  while (b < base.size() || t < target.size()) {
    const int order = b == base.size()     ? 1
                      : t == target.size() ? -1
                                           : base[b].goods_code().compare(target[t].goods_code());
    Difference difference;
    if (order <= 0) *difference.mutable_before() = base[b];
    if (order >= 0) *difference.mutable_after() = target[t];
    difference.set_kind(order < 0   ? Difference::REMOVED
                        : order > 0 ? Difference::ADDED
                                    : Difference::CHANGED);
    if (order == 0) {
      for (std::string& field : ChangedFields(base[b], target[t]))
        *difference.add_changed_fields() = std::move(field);
    }
    if (order != 0 || difference.changed_fields_size() > 0)
      differences.push_back(std::move(difference));
    b += order <= 0;
    t += order >= 0;
  }
  return differences;
}

const std::string& CodeOf(const Difference& difference) {
  return difference.has_after() ? difference.after().goods_code()
                                : difference.before().goods_code();
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

// The hottest call: one look in memory a code, and stored bytes into the answer.
absl::StatusOr<Encoded<v1::CheckGoodsResponse>> CheckGoods(Env& env, Call& call,
                                                           const v1::CheckGoodsRequest& request) {
  static const std::string kNoEdition = NotListed("NO_EDITION_IN_FORCE");
  base::Date day = call.today();
  if (request.has_on_date()) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(request.on_date()));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const Calendar> calendar, env.catalog->Current());
  const CatalogEdition* edition = calendar->InForceOn(day);

  rpc::ReplyBuilder reply(static_cast<size_t>(request.codes_size()) * 80 + 400);
  size_t names_left = kMaxPartialInAll;
  std::string result;
  for (const std::string& code : request.codes()) {
    result.clear();
    result.push_back(static_cast<char>(kCodeField << 3 | 2));
    result.push_back(static_cast<char>(code.size()));  // at most 10
    result += code;
    if (edition == nullptr) {
      result += kNoEdition;
    } else {
      AppendAnswer(*edition->entries, code, &names_left, &result);
    }
    reply.AddBytesField(kResultsField, result);
  }
  v1::CheckGoodsResponse tail;
  *tail.mutable_on_date() = day.ToProto();
  if (edition != nullptr) {
    reply.AddRaw(edition->header);
  } else {
    *tail.mutable_legal_basis() = errors::ListOfPriorityGoods();
  }
  reply.AddRaw(tail.SerializeAsString());
  return Encoded<v1::CheckGoodsResponse>{std::move(reply).Take()};
}

absl::StatusOr<v1::DiffEditionsResponse> DiffEditions(Env& env, Call& call,
                                                      const v1::DiffEditionsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t base_number, EditionNumber(request.base()));
  ASSIGN_OR_RETURN(const int32_t target_number, EditionNumber(request.target()));
  RETURN_IF_ERROR(CheckReadable(env, call, base_number));
  RETURN_IF_ERROR(CheckReadable(env, call, target_number));
  for (const int32_t number : {base_number, target_number})
    RETURN_IF_ERROR(CheckExists(env, call, number));
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
  ASSIGN_OR_RETURN(const auto base_entries, EntriesOf(view, base_number, at));
  ASSIGN_OR_RETURN(const auto target_entries, EntriesOf(view, target_number, at));
  v1::DiffEditionsResponse response;
  for (Difference& difference : Compare(base_entries, target_entries)) {
    if (!state.last_key.empty() && CodeOf(difference) <= state.last_key) continue;
    if (response.differences_size() == rpc::PageSize(request.page_size())) {
      state.last_key = CodeOf(response.differences(response.differences_size() - 1));
      response.set_next_page_token(tokens.Encode(state, query_hash));
      break;
    }
    *response.add_differences() = std::move(difference);
  }
  return response;
}

absl::StatusOr<std::unique_ptr<rpc::MessageSource>> ExportEdition(
    Env& env, Call& call, const v1::ExportEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t edition, EditionNumber(request.name()));
  RETURN_IF_ERROR(CheckReadable(env, call, edition));
  RETURN_IF_ERROR(CheckExists(env, call, edition));
  return std::make_unique<Export>(*env.store, edition);
}

}  // namespace nisi::priority_goods
