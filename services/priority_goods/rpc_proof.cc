#include <set>
#include <string>

#include "nisi/journal/v1/journal.pb.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

using journal::v1::Change;

constexpr size_t kLoadBytes = 1 << 20;
constexpr char kByItself[] = "system/timer";

// Whether it is the publication of an edition that the public may read still. Adds whom that one
// names.
absl::StatusOr<bool> Publishes(const Change& change, const Calendar& calendar,
                               std::set<std::string>* named) {
  if (change.table() != kEditions.name || change.kind() != Change::PUT) return false;
  Edition before, after;
  if (!before.ParseFromString(change.before().value()) ||
      !after.ParseFromString(change.after().value())) {
    return base::StoreCorrupt("journal value");
  }
  const auto number = EditionNumber(after.name());
  if (!number.ok() || calendar.Find(*number) == nullptr) return false;
  named->insert({after.drafted_by(), after.submitted_by(), after.decided_by()});
  return IsPublication(before.state(), after.state());
}

// Whether nothing in the entry is kept from the public elsewhere: it is shown whole or not at all,
// its hash being one. Who acted is in the leaf: the
// published editions name who drafted, submitted and decided on them, so nobody else may stand
// there.
absl::StatusOr<bool> IsPublic(const journal::v1::Entry& entry, const Calendar& calendar) {
  std::set<std::string> named = {kByItself};
  for (const Change& change : entry.changes()) {
    ASSIGN_OR_RETURN(const bool publishes, Publishes(change, calendar, &named));
    if (!publishes) return false;
  }
  return entry.changes_size() > 0 && entry.on_behalf_of().empty() && named.contains(entry.actor());
}

}  // namespace

absl::StatusOr<journal::v1::EntryRecord> GetPublishedLeaf(
    Env& env, Call& /*call*/, const v1::GetPublishedLeafRequest& request) {
  ASSIGN_OR_RETURN(const auto records, env.store->ReadJournal(request.position(), 1, kLoadBytes));
  if (records.empty()) return base::NotFound("entries", "");
  journal::v1::Entry entry;
  if (!entry.ParseFromString(records.front().leaf)) return base::StoreCorrupt("journal entry");
  ASSIGN_OR_RETURN(const auto calendar, env.catalog->Current());
  ASSIGN_OR_RETURN(const bool is_public, IsPublic(entry, *calendar));
  if (!is_public) return base::AccessDenied();
  journal::v1::EntryRecord record;
  record.set_leaf(records.front().leaf);  // no openings: what is withheld stays so
  return record;
}

}  // namespace nisi::priority_goods
