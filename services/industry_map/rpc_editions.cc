// Editions of the map (Art. 9(7)). Nothing is copied: the register keeps every version, so an
// edition is two times.
#include <algorithm>

#include "common/cases/rows.h"
#include "nisi/journal/v1/journal.pb.h"
#include "services/industry_map/errors.h"
#include "services/industry_map/rpcs.h"
#include "services/industry_map/rules.h"
#include "services/industry_map/summary.h"

namespace nisi::industry_map {
namespace {

using v1::MapEdition;

// What is known of a position that the journal has: when it was recorded, and the tree up to it.
absl::Status Examine(const store::Store& store, MapEdition* edition) {
  const int64_t position = edition->position();
  ASSIGN_OR_RETURN(const auto records, store.ReadJournal(position, 1, 1));
  journal::v1::Entry entry;
  if (records.empty() || !entry.ParseFromString(records.front().leaf))
    return base::StoreCorrupt("journal entry");
  *edition->mutable_known_at() = entry.record_time();
  const absl::Time recorded = absl::FromUnixSeconds(entry.record_time().seconds());
  *edition->mutable_as_of() = base::Date::LegalDay(recorded).ToProto();
  ASSIGN_OR_RETURN(const store::Hash root, store.RootAt(position));
  edition->set_tree_root(root.data(), root.size());
  return absl::OkStatus();
}

absl::Status Count(const store::Reader& reader, MapEdition* edition) {
  ASSIGN_OR_RETURN(const store::At at, rpc::AtOf(*edition));
  return reader.ScanTotals(
      kMapTotals, GroupKey(0, {}), at,
      [&](absl::string_view, absl::Span<const store::Int> sums) -> absl::StatusOr<bool> {
        edition->set_project_count(static_cast<int64_t>(sums[0]));
        edition->set_jobs_plan(static_cast<int64_t>(sums[1]));
        edition->set_jobs_fact(static_cast<int64_t>(sums[2]));
        return true;
      });
}

absl::StatusOr<int64_t> LastPosition(const store::Tx& tx) {
  int64_t last = 0;
  RETURN_IF_ERROR(tx.Scan(
      kEditions, {}, {}, [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<MapEditionRow>(row));
        last = std::max(last, stored.row.edition().position());
        return true;
      }));
  return last;
}

// `examined`: the edition as far as the journal and the map of its position tell.
absl::StatusOr<std::string> Enter(const Env& env, const Call& call, store::Tx& tx,
                                  MapEdition examined, int64_t reached) {
  EditionOrder order;
  ASSIGN_OR_RETURN(order.last_position, LastPosition(tx));
  ASSIGN_OR_RETURN(order.order_date, base::Date::FromProto(examined.order_date()));
  ASSIGN_OR_RETURN(const int64_t number, tx.Next("editions"));
  order.name = EditionName(static_cast<int32_t>(number));
  order.etag = tx.etag();
  order.today = tx.today();
  const auto examined_on = base::Date::FromProto(examined.as_of());
  if (examined_on.ok()) order.examined = *examined_on;
  order.position = examined.position();
  order.store_position = reached;
  order.project_count = examined.project_count();
  ASSIGN_OR_RETURN(Decision decision, ApproveEdition(order, *env.norms));
  cases::SetDecideTime(tx, &decision);
  MapEditionRow row;
  row.set_number(static_cast<int32_t>(number));
  MapEdition& edition = *row.mutable_edition();
  edition = std::move(examined);
  edition.set_name(order.name);
  edition.set_approved_by(call.caller->subject);
  *edition.mutable_decision() = std::move(decision);
  tx.Cite(errors::ApprovalOfTheMap());
  RETURN_IF_ERROR(tx.Put(kEditions, &row, order.order_date));
  return row.edition().SerializeAsString();
}

}  // namespace

absl::StatusOr<store::At> AtOfEdition(const store::Reader& reader, const std::string& name) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(name));
  ASSIGN_OR_RETURN(const auto found, reader.Find(kEditions, store::Key::Of(number)));
  if (!found.has_value()) return base::NotFound("editions", name);
  return rpc::AtOf(found->row.edition());
}

// What the journal and the map of the position tell does not change any more, so it is gathered
// before the command.
absl::StatusOr<Encoded<MapEdition>> ApproveMapEdition(Env& env, Call& call,
                                                      const v1::ApproveMapEditionRequest& request) {
  MapEdition edition = request.edition();
  const store::View view = env.store->Read();
  ASSIGN_OR_RETURN(const int64_t reached, view.Position());
  if (edition.position() <= reached) {
    RETURN_IF_ERROR(Examine(*env.store, &edition));
    RETURN_IF_ERROR(Count(view, &edition));
  }
  ASSIGN_OR_RETURN(auto outcome,
                   env.store->Write(rpc::CommandOf(call, request), [&](store::Tx& tx) {
                     return Enter(env, call, tx, edition, reached);
                   }));
  call.position = outcome.position;
  return Encoded<MapEdition>{std::move(outcome.reply)};
}

absl::StatusOr<Encoded<MapEdition>> GetMapEdition(Env& env, Call& call,
                                                  const v1::GetMapEditionRequest& request) {
  ASSIGN_OR_RETURN(const int32_t number, EditionNumber(request.name()));
  return rpc::GetRecord<MapEdition>(*env.store, call, kEditions, store::Key::Of(number), request);
}

absl::StatusOr<Encoded<v1::ListMapEditionsResponse>> ListMapEditions(
    Env& env, Call& call, const v1::ListMapEditionsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kEditions, request, call));
  return rpc::ListAs<v1::ListMapEditionsResponse>(*env.store, plan);
}

}  // namespace nisi::industry_map
