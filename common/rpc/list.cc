#include "common/rpc/list.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/rpc/wire.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Message;

// Rows looked at for one page before the page is given out short: a filter that matches little must
// not hold a thread for long.
constexpr int kMaxLookedAt = 20'000;
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

class Page {
 public:
  Page(const ListPlan& plan, const Filter& filter, bool parse)
      : plan_(plan), filter_(filter), parse_(parse), size_(PageSize(plan.page_size)) {
    if (parse_) row_.reset(plan.table->prototype->New());
  }

  absl::StatusOr<bool> Visit(const store::RowView& row, absl::string_view at_key) {
    if (count_ == size_ || ++looked_at_ > kMaxLookedAt) {
      more_ = true;
      return false;
    }
    if (plan_.reach == store::Reach::kMemory && looked_at_ > kMaxLookedAtInline)
      return store::NotInMemory();
    last_key_.assign(at_key.data(), at_key.size());
    if (parse_) {
      if (!row_->ParseFromArray(row.row.data(), static_cast<int>(row.row.size()))) {
        return base::StoreCorrupt("row does not parse");
      }
      const Message& resource =
          row_->GetReflection()->GetMessage(*row_, ResourceField(*plan_.table));
      if (!filter_.Matches(resource) || (plan_.visible && !plan_.visible(resource))) return true;
    }
    ASSIGN_OR_RETURN(const store::ResourceView view, store::SplitRow(row.row));
    reply_.AddRaw(view.field);
    ++count_;
    return true;
  }

  bool more() const { return more_; }
  const std::string& last_key() const { return last_key_; }
  ReplyBuilder& reply() { return reply_; }

 private:
  const ListPlan& plan_;
  const Filter& filter_;
  const bool parse_;
  const int size_;
  std::unique_ptr<Message> row_;
  ReplyBuilder reply_;
  int count_ = 0;
  int looked_at_ = 0;
  bool more_ = false;
  std::string last_key_;
};

}  // namespace

absl::StatusOr<std::string> ListPage(const store::Store& store, const ListPlan& plan) {
  Filter filter;
  if (!plan.filter.empty()) {
    ASSIGN_OR_RETURN(filter,
                     Filter::Parse(plan.filter, ResourceField(*plan.table)->message_type()));
  }
  const PageTokens tokens(store.secret());
  const store::View view = store.Read(plan.reach);
  store::At at = plan.at;
  store::Range range{plan.prefix, ""};
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
    if (!at.known_at_us.has_value() && (state.position != position || day != view.today())) {
      at.known_at_us = state.recorded_us;
      if (!at.as_of.has_value()) at.as_of = day;
    }
  }

  // The past takes a look at every version of every record: not on the carrier's own thread.
  const bool past = at.as_of.has_value() || at.known_at_us.has_value();
  if (past && plan.reach == store::Reach::kMemory) return store::NotInMemory();

  const IndexChoice* chosen = nullptr;
  for (const IndexChoice& choice : plan.indexes) {
    const auto value = filter.EqualityOn(choice.field);
    if (!value.has_value()) continue;
    auto prefix = choice.prefix(*value);
    if (!prefix.has_value()) return std::string();  // no record can match
    chosen = &choice;
    range.prefix = *std::move(prefix);
    break;
  }
  const bool covered =
      filter.empty() ||
      (chosen != nullptr && filter.IsFullyCoveredBy({absl::string_view(chosen->field)}));
  Page page(plan, filter, /*parse=*/!covered || plan.visible);
  if (covered && !plan.visible) range.expected = static_cast<size_t>(PageSize(plan.page_size)) + 1;
  const store::RowVisitor visit = [&page](const store::RowView& row, absl::string_view at_key) {
    return page.Visit(row, at_key);
  };
  RETURN_IF_ERROR(chosen != nullptr ? view.Scan(*chosen->index, range, at, visit)
                                    : view.Scan(*plan.table, range, at, visit));
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
