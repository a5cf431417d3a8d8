#include "common/rpc/list.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/rpc/order_by.h"
#include "common/rpc/wire.h"
#include "google/protobuf/arena.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Message;

// Rows looked at for one page before the page is given out short: a filter that matches little must
// not hold a thread for long.
constexpr int kMaxLookedAt = 20'000;
// What a parsed row takes, as a rule.
constexpr size_t kRowBlock = 16 << 10;
// So many on the carrier's own thread; who needs more is run again on the executor.
constexpr int kMaxLookedAtInline = 256;

const google::protobuf::FieldDescriptor* ResourceField(const store::TableDef& table) {
  return table.prototype->GetDescriptor()->FindFieldByNumber(1);
}

// The day a query was first asked on travels in the token before the last key.
std::string WithDay(base::Date day, absl::string_view last_key) {
  std::string bytes;
  store::AppendBigEndian32(&bytes, static_cast<uint32_t>(day.days()));
  return absl::StrCat(bytes, last_key);
}

// How the rows are come by: over the table or an index, under these prefixes one after another, in
// order.
struct Way {
  const store::IndexDef* index = nullptr;
  std::vector<store::Key> prefixes;
  const char* field = nullptr;  // whose equality the index answers
  bool by_tie = false;          // over the caller's ties: a record may have several of them

  // Whether a record is met at this place for the first time. One with several ties, as a cluster
  // of two regions, is met at each of them that is the caller's.
  bool IsFirst(const Message& row, absl::string_view at_key) const {
    if (!by_tie || index == nullptr) return true;  // of a table each record has one key
    std::string first;
    index->keys(row, [&](const store::Key& key) {
      const bool walked = std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) {
        return absl::StartsWith(key.bytes(), prefix.bytes());
      });
      if (walked && (first.empty() || key.bytes() < first)) first = std::string(key.bytes());
    });
    return absl::StartsWith(at_key, first);
  }
};

class Page {
 public:
  Page(const ListPlan& plan, const Way& way, const Filter& filter, bool parse)
      : plan_(plan),
        way_(way),
        filter_(filter),
        parse_(parse),
        size_(PageSize(plan.page_size)),
        arena_(block_.data(), block_.size()) {}

  absl::StatusOr<bool> Visit(const store::RowView& row, absl::string_view at_key) {
    // A full page goes on to the next row that its reader may know of: that others are behind it
    // is nobody's to learn by a token.
    const bool full = count_ == size_;
    if (++looked_at_ > kMaxLookedAt || (full && !plan_.show && !plan_.sift)) return Stop();
    if (plan_.reach == store::Reach::kMemory && looked_at_ > kMaxLookedAtInline)
      return store::NotInMemory();
    if (!full) last_key_.assign(at_key.data(), at_key.size());
    ASSIGN_OR_RETURN(const store::ResourceView view, store::SplitRow(row.row));
    if (plan_.sift) {
      ASSIGN_OR_RETURN(const bool wanted, plan_.sift(view.resource));
      if (!wanted) return true;
    }
    if (parse_) {
      arena_.Reset();
      Message& parsed = *plan_.table->prototype->New(&arena_);
      if (!parsed.ParseFromArray(row.row.data(), static_cast<int>(row.row.size()))) {
        return base::StoreCorrupt("row does not parse");
      }
      if (!way_.IsFirst(parsed, at_key)) return true;
      Message& resource =
          *parsed.GetReflection()->MutableMessage(&parsed, ResourceField(*plan_.table));
      Shown shown = Shown::kAsStored;
      if (plan_.show) {
        ASSIGN_OR_RETURN(shown, plan_.show(&resource));
      }
      if (shown == Shown::kNo) return true;
      if (full) return Stop();  // wanted or not
      if (!filter_.Matches(resource)) return true;
      if (shown == Shown::kChanged) {
        reply_.AddBytesField(1, resource.SerializeAsString());
        ++count_;
        return true;
      }
    }
    if (full) return Stop();
    reply_.AddRaw(view.field);
    ++count_;
    return true;
  }

  bool more() const { return more_; }
  const std::string& last_key() const { return last_key_; }
  ReplyBuilder& reply() { return reply_; }

 private:
  bool Stop() {
    more_ = true;
    return false;
  }

  const ListPlan& plan_;
  const Way& way_;
  const Filter& filter_;
  const bool parse_;
  const int size_;
  std::vector<char> block_ = std::vector<char>(kRowBlock);
  google::protobuf::Arena arena_;  // of the row that is looked at; the block serves all of them
  ReplyBuilder reply_;
  int count_ = 0;
  int looked_at_ = 0;
  bool more_ = false;
  std::string last_key_;
};

// nullopt: no order is asked for.
absl::StatusOr<std::optional<Way>> OrderedWay(const ListPlan& plan) {
  std::vector<absl::string_view> fields;
  std::vector<absl::string_view> spellings;
  for (const OrderChoice& choice : plan.orders) {
    const absl::string_view order = choice.order;
    spellings.push_back(order);
    for (const absl::string_view part : absl::StrSplit(order, ", ")) {
      fields.push_back(part.substr(0, part.find(' ')));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<OrderKey> keys, ParseOrderBy(plan.order_by, fields));
  if (keys.empty()) return std::nullopt;
  const std::string asked = CanonicalOrder(keys);
  for (const OrderChoice& choice : plan.orders) {
    if (asked != choice.order) continue;
    return Way{choice.index, {choice.index == nullptr ? plan.prefix : choice.prefix}};
  }
  return base::Refusal(absl::StatusCode::kInvalidArgument, "ORDER_INVALID",
                       "The list is not kept in that order.")
      .Field("order_by", absl::StrCat("must be one of: ", absl::StrJoin(spellings, "; ")));
}

// The keys that begin with the caller's ties of one role, none within another.
std::vector<store::Key> ScopePrefixes(const Caller& caller, Role role) {
  std::vector<store::Key> prefixes;
  if (role == v1::AKIMAT) {
    std::vector<std::string> regions = caller.regions;
    std::sort(regions.begin(), regions.end());
    std::string last;
    for (const std::string& region : regions) {
      if (region.empty() || (!last.empty() && absl::StartsWith(region, last))) continue;
      prefixes.emplace_back().AddTextPrefix(region);
      last = region;
    }
    return prefixes;
  }
  const std::string& tie = role == v1::EXPERT ? caller.subject : caller.bin;
  if (!tie.empty()) prefixes.push_back(store::Key::Of(tie));
  return prefixes;
}

// The one scoped role in which the method admits the caller, if it admits it in no other.
std::optional<Role> OnlyScope(const Call& call) {
  const MethodPolicy& method = *call.method;
  if (method.unscoped) return std::nullopt;
  const uint32_t all = call.caller->roles & (kScopedRoles | kCountryRoles);
  const uint32_t admitted = method.is_public ? all : all & method.roles;
  for (const Role role : AllRoles()) {
    if (admitted == base::RoleBit(role) && (kScopedRoles & admitted) != 0) return role;
  }
  return std::nullopt;
}

// nullopt: no row can match.
absl::StatusOr<std::optional<Way>> WayOf(const ListPlan& plan, const Filter& filter) {
  if (!plan.order_by.empty()) {
    ASSIGN_OR_RETURN(std::optional<Way> ordered, OrderedWay(plan));
    if (ordered.has_value()) return ordered;
  }
  if (plan.over != nullptr) return Way{plan.over, plan.under};
  for (const IndexChoice& choice : plan.indexes) {
    const auto value = filter.EqualityOn(choice.field);
    if (!value.has_value()) continue;
    auto prefix = choice.prefix(*value);
    if (!prefix.has_value()) return std::nullopt;
    return Way{choice.index, {*std::move(prefix)}, choice.field};
  }
  const std::optional<Role> scope = plan.scopes.empty() ? std::nullopt : OnlyScope(*plan.call);
  for (const ScopeChoice& choice : plan.scopes) {
    if (scope != choice.role) continue;
    std::vector<store::Key> prefixes = ScopePrefixes(*plan.call->caller, choice.role);
    if (prefixes.empty()) return std::nullopt;
    return Way{choice.index, std::move(prefixes), nullptr, /*by_tie=*/true};
  }
  return Way{nullptr, {plan.prefix}};
}

// One range after another, from behind `after`.
absl::Status Walk(const store::View& view, const ListPlan& plan, const Way& way, store::Range range,
                  const store::At& at, const Page& page, const store::RowVisitor& visit) {
  const std::string after = range.after;
  for (const store::Key& prefix : way.prefixes) {
    const bool within = absl::StartsWith(after, prefix.bytes());
    if (!after.empty() && !within && prefix.bytes() < after) continue;  // on earlier pages
    range.prefix = prefix;
    range.after = within ? after : "";
    RETURN_IF_ERROR(way.index != nullptr ? view.Scan(*way.index, range, at, visit)
                                         : view.Scan(*plan.table, range, at, visit));
    if (page.more()) break;
  }
  return absl::OkStatus();
}

}  // namespace

std::string Standing(const Caller& caller) {
  return absl::StrCat(caller.subject, "\n", caller.bin, "\n", absl::StrJoin(caller.regions, ","),
                      "\n", caller.roles);
}

absl::StatusOr<std::string> ListPage(const store::Store& store, const ListPlan& plan) {
  Filter filter;
  if (!plan.filter.empty()) {
    ASSIGN_OR_RETURN(filter,
                     Filter::Parse(plan.filter, ResourceField(*plan.table)->message_type()));
  }
  const PageTokens tokens(store.token_key(), store.clock().Now());
  const store::View view = store.Read(plan.reach);
  store::At at = plan.at;
  store::Range range;
  base::Date day = view.today();
  PageState state;
  if (!plan.page_token.empty()) {
    ASSIGN_OR_RETURN(state, tokens.Decode(plan.page_token, plan.query_hash));
    if (state.last_key.size() < 4) return base::StoreCorrupt("page token");
    ASSIGN_OR_RETURN(
        day, base::Date::FromDays(static_cast<int32_t>(store::ReadBigEndian32(state.last_key))));
    range.after = state.last_key.substr(4);
    // The state of the first page, whatever was written since.
    ASSIGN_OR_RETURN(const int64_t position, view.Position());
    if (state.position != position || day != view.today()) {
      // Of a moment to come it showed what was known then.
      at.known_at_us = std::min(at.known_at_us.value_or(state.recorded_us), state.recorded_us);
      if (!at.as_of.has_value()) at.as_of = day;
    }
  }

  // The past takes a look at every version of every record: not on the carrier's own thread.
  const bool past = at.as_of.has_value() || at.known_at_us.has_value();
  if (past && plan.reach == store::Reach::kMemory) return store::NotInMemory();

  ASSIGN_OR_RETURN(const std::optional<Way> way, WayOf(plan, filter));
  if (!way.has_value()) return std::string();
  if (way->index != nullptr && way->index->secret) {
    return absl::InternalError("a list over a secret index: its page tokens would tell the keys");
  }
  const bool covered = filter.empty() || (way->field != nullptr &&
                                          filter.IsFullyCoveredBy({absl::string_view(way->field)}));
  if (plan.prepare) RETURN_IF_ERROR(plan.prepare(view, at));
  const bool parse = !covered || plan.show || way->by_tie;
  Page page(plan, *way, filter, parse);
  if (!parse) range.expected = static_cast<size_t>(PageSize(plan.page_size)) + 1;
  RETURN_IF_ERROR(Walk(view, plan, *way, range, at, page,
                       [&page](const store::RowView& row, absl::string_view at_key) {
                         return page.Visit(row, at_key);
                       }));
  if (page.more()) {
    if (plan.page_token.empty()) {
      ASSIGN_OR_RETURN(state.position, view.Position());
      ASSIGN_OR_RETURN(state.recorded_us, view.RecordedUs());
    }
    state.last_key = WithDay(day, page.last_key());
    page.reply().AddString(2, tokens.Encode(state, plan.query_hash));
  }
  return std::move(page.reply()).Take();
}

}  // namespace nisi::rpc
