#include "common/store/schema_text.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/derived.h"
#include "common/store/layout.h"
#include "common/store/totals.h"
#include "nlohmann/json.hpp"

namespace nisi::store {
namespace {

using nlohmann::json;

absl::Status Newer(absl::string_view by_what) {
  return RefuseToOpen("STORE_NEWER",
                      absl::StrCat("A newer release wrote this store: it has ", by_what,
                                   ". Run that release, or restore a backup of before it."));
}

json SchemaJson(const Schema& schema) {
  json out = {{"layout", kLayoutFormat}, {"name", schema.name}, {"format", schema.format}};
  out["tables"] = json::object();
  for (const TableDef* table : schema.tables) {
    out["tables"][absl::StrCat(table->id)] = {
        table->name, std::string(table->prototype->GetDescriptor()->full_name())};
  }
  out["indexes"] = json::object();
  for (const IndexDef* index : schema.indexes) {
    out["indexes"][absl::StrCat(index->id)] = {index->name, index->on->name, index->unique};
  }
  // Among the indexes, so that a release that knows nothing of totals refuses the store instead of
  // letting them fall behind; and so with what follows from records.
  for (const TotalsDef* totals : schema.totals) {
    out["indexes"][absl::StrCat(totals->id)] = {totals->name, totals->on->name, "totals",
                                                totals->measures};
  }
  for (const Derived* derived : schema.derived) {
    out["indexes"][absl::StrCat(derived->id)] = {derived->name, derived->on->name, "derived",
                                                 derived->revision};
  }
  out["retired"] = schema.retired;
  return out;
}

// The number at `name`; nullopt where there is none.
std::optional<uint64_t> NumberAt(const json& stored, const char* name) {
  const auto found = stored.find(name);
  if (found == stored.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<uint64_t>();
}

// Whether the rest of a stored schema of our layout has the types that SchemaJson gives it.
bool IsWhole(const json& stored) {
  return NumberAt(stored, "format").has_value() && stored.contains("name") &&
         stored["name"].is_string() && stored.contains("tables") && stored["tables"].is_object() &&
         stored.contains("indexes") && stored["indexes"].is_object() &&
         stored.contains("retired") && stored["retired"].is_array();
}

// Numbers on disk keep their meaning for good. What is stored under a number that we do not know
// was written by a release after us: none of ours drops one without retiring it (the golden files
// of the schemas).
absl::Status CheckNumbers(const json& stored, const json& ours, const Schema& schema,
                          const char* kind) {
  const json entries = stored.value(kind, json::object());  // items() only refers to it
  for (const auto& [id, was] : entries.items()) {
    uint32_t number = 0;
    const std::string what = absl::StrCat(kind, " ", id);
    if (!absl::SimpleAtoi(id, &number)) {
      return RefuseToOpen("SCHEMA_MISMATCH", absl::StrCat("On disk, ", what, " is no number."));
    }
    if (std::find(schema.retired.begin(), schema.retired.end(), number) != schema.retired.end()) {
      continue;
    }
    if (!ours[kind].contains(id)) return Newer(absl::StrCat(what, " ", was.dump()));
    if (ours[kind][id] != was) {
      return RefuseToOpen(
          "SCHEMA_MISMATCH",
          absl::StrCat("On disk, ", what, " has another meaning: ", was.dump(), "."));
    }
  }
  // What was retired once stays so, or its number could be taken again by something else.
  for (const json& id : stored.value("retired", json::array())) {
    const auto same = [&id](uint16_t number) { return id == number; };
    if (std::none_of(schema.retired.begin(), schema.retired.end(), same)) {
      return Newer(absl::StrCat("retired ", id.dump()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RefuseToOpen(absl::string_view reason, absl::string_view message) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, reason, message);
}

std::string SchemaText(const Schema& schema) {
  return SchemaJson(schema).dump();
}

absl::Status CheckSchemaText(absl::string_view text, const Schema& schema) {
  const json stored = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  const std::optional<uint64_t> layout = NumberAt(stored, "layout");
  if (!layout.has_value()) return base::StoreCorrupt("schema row");
  if (layout == kLayoutFormat && !IsWhole(stored)) return base::StoreCorrupt("schema row");
  if (layout > kLayoutFormat) {
    return Newer(absl::StrCat("layout ", *layout, ", and this release knows ", kLayoutFormat));
  }
  if (const auto format = NumberAt(stored, "format"); format > schema.format) {
    return Newer(absl::StrCat("format ", *format, ", and this release knows ", schema.format));
  }
  if (layout < kOldestLayoutFormat) {
    return RefuseToOpen(
        "STORE_OLDER",
        "A release before the first wrote this store: begin with an empty data folder.");
  }
  if (stored.value("name", "") != schema.name) {
    return RefuseToOpen("SCHEMA_MISMATCH", "This store belongs to another service.");
  }
  const json ours = SchemaJson(schema);
  for (const char* kind : {"tables", "indexes"}) {
    RETURN_IF_ERROR(CheckNumbers(stored, ours, schema, kind));
  }
  return absl::OkStatus();
}

std::set<uint16_t> IndexesIn(absl::string_view text) {
  const json stored = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  std::set<uint16_t> ids;
  if (!stored.is_object() || !stored.contains("indexes")) return ids;
  const json entries = stored.value("indexes", json::object());
  for (const auto& [id, what] : entries.items()) {
    uint32_t number = 0;
    if (absl::SimpleAtoi(id, &number)) ids.insert(static_cast<uint16_t>(number));
  }
  return ids;
}

}  // namespace nisi::store
