// List methods: one page over a table or one of its indexes, with filter, two times and a token
// that keeps every page of one query on the state of the first. Stored bytes go into the answer
// unparsed where nothing must look inside.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/generated_enum_reflection.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/call.h"
#include "common/rpc/filter.h"
#include "common/rpc/page.h"
#include "common/rpc/scope.h"
#include "common/rpc/store_call.h"
#include "common/store/store.h"

namespace nisi::rpc {

// An index that serves `field = value` of a filter: `prefix` is the index key for that value,
// nullopt when the value cannot be in it. Null: the table itself, whose keys begin with it.
struct IndexChoice {
  const char* field;
  const store::IndexDef* index;
  std::function<std::optional<store::Key>(const std::string& value)> prefix;
};

// For IndexChoice: keys that begin with a text as it is written, or with the number of an enum's
// value.
inline std::optional<store::Key> TextKey(const std::string& value) {
  return store::Key::Of(value);
}
template <class Enum>
std::optional<store::Key> EnumKey(const std::string& value) {
  const auto* found = google::protobuf::GetEnumDescriptor<Enum>()->FindValueByName(value);
  if (found == nullptr) return std::nullopt;
  return store::Key::Of(static_cast<int64_t>(found->number()));
}

// For a caller who may see only what one role ties to it: an index whose keys begin with the tie of
// that role (scope.h): BIN, KATO, body, subject. Null: the table itself.
struct ScopeChoice {
  Role role;
  const store::IndexDef* index;
};

// An order that may be asked for, in its one spelling, as "create_time desc": an index that is in
// that order and has every row, of which those under `prefix`. Null: the table's own order.
struct OrderChoice {
  const char* order;
  const store::IndexDef* index = nullptr;
  store::Key prefix;
};

// What becomes of a row in an answer.
enum class Shown {
  kNo,        // not for this caller
  kAsStored,  // its stored bytes
  kChanged,   // the resource, which is not what is stored
};

struct ListPlan {
  const store::TableDef* table = nullptr;
  store::Key prefix;                 // of the table's keys: the parent
  std::vector<IndexChoice> indexes;  // tried in order
  std::vector<ScopeChoice> scopes;   // after them; of a method that shows nothing out of scope
  std::vector<OrderChoice> orders;   // before both, where one is asked for
  // Where there is one: all rows are come by over this index, under these prefixes, which are in
  // order and none within another. Before `indexes`.
  const store::IndexDef* over = nullptr;
  std::vector<store::Key> under;
  // Says by a look at the resource's bytes (wire.h) whether it is wanted at all: first, before
  // anything is parsed. Empty: all are.
  std::function<absl::StatusOr<bool>(absl::string_view resource)> sift;
  // Gets the resource and may bring it to what is shown, at which the filter then looks. Empty: all
  // as stored. An error is the answer.
  std::function<absl::StatusOr<Shown>(google::protobuf::Message* resource)> show;
  // For a `show` that needs more of the state that the page is of; called before it.
  std::function<absl::Status(const store::Reader& reader, const store::At& at)> prepare;
  store::At at;
  std::string filter;
  std::string order_by;
  int32_t page_size = 0;
  std::string page_token;
  std::string query_hash;
  store::Reach reach = store::Reach::kDisk;
  const Call* call = nullptr;
};

// The answer in wire form: field 1 repeats the resource, field 2 is next_page_token. Errors:
// FILTER_INVALID, ORDER_INVALID, PAGE_TOKEN_INVALID, INDEX_BUILDING.
absl::StatusOr<std::string> ListPage(const store::Store& store, const ListPlan& plan);

// What of a caller decides which records a list shows: a page goes on for the same alone.
std::string Standing(const Caller& caller);

// Fills the plan's common fields from a List request with filter, page_size, page_token and, where
// it has one, order_by.
template <class Request>
void PlanPage(const Request& request, const Call& call, ListPlan* plan) {
  plan->filter = request.filter();
  if constexpr (requires { request.order_by(); }) plan->order_by = request.order_by();
  plan->call = &call;
  plan->page_size = request.page_size();
  plan->page_token = request.page_token();
  plan->reach = call.reach;
  plan->query_hash = QueryHash(request, Standing(*call.caller));
}

// What such a request asks of a table, on the day and as known at the moment that it names (AtOf).
template <class Request>
absl::StatusOr<ListPlan> PlanList(const store::TableDef& table, const Request& request,
                                  const Call& call) {
  ListPlan plan;
  plan.table = &table;
  ASSIGN_OR_RETURN(plan.at, AtOf(request));
  PlanPage(request, call, &plan);
  return plan;
}

// The page as the answer of its method.
template <class Response>
absl::StatusOr<Encoded<Response>> ListAs(const store::Store& store, const ListPlan& plan) {
  ASSIGN_OR_RETURN(std::string page, ListPage(store, plan));
  return Encoded<Response>{std::move(page)};
}

}  // namespace nisi::rpc
