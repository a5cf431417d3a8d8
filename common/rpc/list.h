// List methods: one page over a table or one of its indexes, with filter, two times and a token
// that keeps every page of one query on the state of the first. Stored bytes go into the answer
// unparsed where nothing must look inside.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/call.h"
#include "common/rpc/filter.h"
#include "common/rpc/page.h"
#include "common/rpc/store_call.h"
#include "common/store/store.h"

namespace nisi::rpc {

// An index that serves `field = value` of a filter: `prefix` is the index key for that value,
// nullopt when the value cannot be in it.
struct IndexChoice {
  const char* field;
  const store::IndexDef* index;
  std::function<std::optional<store::Key>(const std::string& value)> prefix;
};

struct ListPlan {
  const store::TableDef* table = nullptr;
  store::Key prefix;                 // of the table's keys: the parent
  std::vector<IndexChoice> indexes;  // tried in order
  // Rows the caller may not see; empty: all. Gets the resource.
  std::function<bool(const google::protobuf::Message& resource)> visible;
  store::At at;
  std::string filter;
  int32_t page_size = 0;
  std::string page_token;
  std::string query_hash;
  store::Reach reach = store::Reach::kDisk;
};

// The answer in wire form: field 1 repeats the resource, field 2 is next_page_token. Errors:
// FILTER_INVALID, PAGE_TOKEN_INVALID, INDEX_BUILDING.
absl::StatusOr<std::string> ListPage(const store::Store& store, const ListPlan& plan);

// Fills the plan's common fields from a List request with filter, page_size and page_token.
template <class Request>
void PlanPage(const Request& request, const Call& call, ListPlan* plan) {
  plan->filter = request.filter();
  plan->page_size = request.page_size();
  plan->page_token = request.page_token();
  plan->reach = call.reach;
  plan->query_hash = QueryHash(request, call.caller->subject);
}

}  // namespace nisi::rpc
