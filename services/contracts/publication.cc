// The approved List on its way into the database of suppliers (Art. 47(4)): messages of the outbox
// in the same commit as the approval, and what the database says of each.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/log.h"
#include "common/rpc/peer.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

using Part = Publication::Part;
using suppliers::v1::PublishDemandsRequest;
using suppliers::v1::WithdrawDemandsRequest;

constexpr char kTarget[] = "suppliers";
constexpr char kPublishMethod[] = "/nisi.suppliers.v1.SuppliersService/PublishDemands";
constexpr char kWithdrawMethod[] = "/nisi.suppliers.v1.SuppliersService/WithdrawDemands";
// A part stays well within a message of 4 MiB, and within what the database takes at once.
constexpr int kMaxPartItems = 1'000;
constexpr size_t kMaxPartBytes = 2'000'000;

// A store is restored to a moment of the last 30 days (deploy/README.md): what was taken out longer
// ago no restore of the database brings back.
constexpr absl::Duration kForgets = absl::Hours(24 * 31);

// `attempt`: a name under which the database had another List is given up for the next one.
std::string EditionOf(int32_t year, int32_t revision, int part, int32_t attempt = 1) {
  const std::string name = absl::StrCat("publications/", year, "-", revision, "-", part);
  return attempt == 1 ? name : absl::StrCat(name, "-", attempt);
}

struct PartName {
  int32_t year = 0, revision = 0, part = 0, attempt = 1;
};
absl::StatusOr<PartName> PartIn(const std::string& edition) {
  constexpr absl::string_view kPrefix = "publications/";
  const std::vector<std::string> numbers =
      absl::StrSplit(edition.substr(std::min(kPrefix.size(), edition.size())), '-');
  PartName name;
  if (!absl::StartsWith(edition, kPrefix) || numbers.size() < 3 || numbers.size() > 4 ||
      !absl::SimpleAtoi(numbers[0], &name.year) || !absl::SimpleAtoi(numbers[1], &name.revision) ||
      !absl::SimpleAtoi(numbers[2], &name.part) ||
      (numbers.size() == 4 && !absl::SimpleAtoi(numbers[3], &name.attempt))) {
    return base::StoreCorrupt("message of a publication");
  }
  return name;
}

suppliers::v1::Demand DemandOf(const ItemRow& row) {
  const ListItem& item = row.item();
  suppliers::v1::Demand demand;
  demand.set_item_id(absl::StrCat(row.year(), "-", row.number()));
  // What was agreed on, of the good as the List has it; with whom, the List tells nobody outside of
  // planning.
  demand.set_kind(suppliers::v1::GOOD);
  demand.set_ens_tru(item.ens_tru());
  demand.set_goods_code(item.goods_code());
  demand.set_name_kk(item.title().kk());
  demand.set_name_ru(item.title().ru());
  demand.set_name_en(item.title().en());
  demand.set_specification(item.agreed_specification());
  demand.set_unit(item.unit());
  demand.set_quantity(item.agreed_quantity());
  demand.set_first_year(item.agreed_first_year());
  demand.set_years(item.agreed_years());
  demand.set_kato(item.kato());
  demand.set_minimum_in_country_value_bp(item.minimum_in_country_value_bp());
  return demand;
}

// The least advanced part says how far all are.
Publication::State StateOf(const Publication& publication) {
  bool placed = false, pending = false, withdrawing = false, refused = false;
  for (const Part& part : publication.parts()) {
    placed |= part.state() == Publication::PLACED;
    pending |= part.state() == Publication::PENDING;
    withdrawing |= part.state() == Publication::WITHDRAWING;
    refused |= part.state() == Publication::REFUSED;
  }
  return refused       ? Publication::REFUSED
         : withdrawing ? Publication::WITHDRAWING
         : pending     ? Publication::PENDING
         : placed      ? Publication::PLACED
                       : Publication::WITHDRAWN;
}

// The message of one part, made from the goods that it has.
PublishDemandsRequest MessageOf(const PublicationRow& row, const Part& part) {
  PublishDemandsRequest message;
  message.set_name(part.edition());
  message.set_cycle(row.year());
  message.set_order_number(row.publication().order_number());
  *message.mutable_order_date() = row.publication().order_date();
  return message;
}

void EmitWithdrawal(store::Tx& tx, const std::string& edition, const std::string& reason) {
  WithdrawDemandsRequest message;
  message.set_name(edition);
  message.set_reason(reason);
  tx.Emit(kTarget, kWithdrawMethod, message);
}

// The cycle is PUBLISHED when all of its List is placed and no earlier one is there beside it.
absl::Status ConfirmCycle(const norms::Norms& norms, store::Tx& tx, int32_t year) {
  ASSIGN_OR_RETURN(CycleRow cycle, cases::Need(tx, kCycles, store::Key::Of(year)));
  if (cycle.cycle().state() != Cycle::APPROVED) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<PublicationRow> rows,
                   cases::AllOf(tx, kPublications, store::Key::Of(year)));
  for (const PublicationRow& row : rows) {
    const bool current = row.revision() == cycle.cycle().revision();
    if (row.publication().state() != (current ? Publication::PLACED : Publication::WITHDRAWN)) {
      return absl::OkStatus();
    }
  }
  ASSIGN_OR_RETURN(auto step,
                   cases::BeginByItself(CycleMachine(), CycleVerb::kPublished, std::move(cycle)));
  return cases::Finish(tx, norms, kCycles, &step);
}

// Whether the answer is one to the message: that edition, whole, in the state that was asked for.
template <class Request>
bool IsAnswerTo(const Request& request, suppliers::v1::Publication::State state, int demands,
                const std::string& answer) {
  suppliers::v1::Publication said;
  return said.ParseFromString(answer) && said.name() == request.name() && said.state() == state &&
         (demands == 0 || said.demand_count() == demands);
}

// What a message was of, and what became of the part by what was said.
struct Said {
  std::string edition;
  Publication::State state = Publication::STATE_UNSPECIFIED;
  std::string refusal;
};
absl::StatusOr<Said> SaidOf(const store::OutboxMessage& message,
                            const absl::StatusOr<std::string>& answer) {
  const absl::Status& said = answer.status();
  bool of_it = !said.ok();
  Said result;
  if (message.method == kPublishMethod) {
    PublishDemandsRequest request;
    if (!request.ParseFromString(message.payload)) return base::StoreCorrupt("outbox row");
    result.edition = request.name();
    result.state = Publication::PLACED;
    of_it = of_it || IsAnswerTo(request, suppliers::v1::Publication::PUBLISHED,
                                request.demands_size(), *answer);
  } else if (message.method == kWithdrawMethod) {
    WithdrawDemandsRequest request;
    if (!request.ParseFromString(message.payload)) return base::StoreCorrupt("outbox row");
    result.edition = request.name();
    result.state = Publication::WITHDRAWN;
    of_it = of_it || IsAnswerTo(request, suppliers::v1::Publication::WITHDRAWN, 0, *answer);
    // What was refused before is not there to be taken out.
    if (absl::IsNotFound(said)) return result;
  } else {
    return base::StoreCorrupt("method of an outbox row");
  }
  // Not noted, so the message goes again.
  if (!of_it) return rpc::NotAnswered(kTarget, message.method, "WRONG_ANSWER", absl::Minutes(1));
  if (!said.ok()) {
    result.state = Publication::REFUSED;
    result.refusal = base::ReasonOf(said);
    if (result.refusal.empty()) result.refusal = absl::StatusCodeToString(said.code());
  }
  return result;
}

// An order of today that the database says is of a day to come: its clock has not come to that day,
// as just after midnight.
absl::StatusOr<bool> IsTooEarly(const store::Tx& tx, const store::OutboxMessage& message,
                                const absl::Status& said) {
  if (message.method != kPublishMethod || base::ReasonOf(said) != "ORDER_DATE_INVALID") {
    return false;
  }
  PublishDemandsRequest request;
  if (!request.ParseFromString(message.payload)) return base::StoreCorrupt("outbox row");
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(request.order_date()));
  return ordered >= tx.today();
}

absl::StatusOr<PublicationRow> RowOf(const store::Reader& reader, const PartName& name) {
  ASSIGN_OR_RETURN(PublicationRow row,
                   cases::Need(reader, kPublications, store::Key::Of(name.year, name.revision)));
  if (name.part < 1 || name.part > row.publication().parts_size()) {
    return base::StoreCorrupt("part of a publication");
  }
  return row;
}

bool IsAsSaid(const Part& part, const Said& said) {
  return part.state() == said.state && part.refusal() == said.refusal;
}

// Whether the database has another List by that name, or had it and it is out: one that this
// register has forgotten, as it was restored to before it.
bool IsOfAnother(const std::string& refusal) {
  return refusal == "PUBLICATION_DIFFERS" || refusal == "PUBLICATION_WITHDRAWN";
}

// The message of one part with its goods, which are those of the approval as long as nobody has
// opened the List again.
absl::StatusOr<PublishDemandsRequest> WholeMessageOf(const store::Reader& reader,
                                                     const PublicationRow& row, int part) {
  ASSIGN_OR_RETURN(const std::vector<ItemRow> items, ItemsOf(reader, row.year()));
  std::vector<const ItemRow*> approved;
  for (const ItemRow& item : items) {
    if (item.item().state() == ListItem::APPROVED) approved.push_back(&item);
  }
  size_t first = 0;
  for (int i = 0; i < part; ++i)
    first += static_cast<size_t>(row.publication().parts(i).item_count());
  const size_t last = first + static_cast<size_t>(row.publication().parts(part).item_count());
  if (last > approved.size()) return base::StoreCorrupt("goods of a publication");
  PublishDemandsRequest message = MessageOf(row, row.publication().parts(part));
  for (size_t i = first; i < last; ++i) *message.add_demands() = DemandOf(*approved[i]);
  return message;
}

// What was confirmed is said again every day: the database may be restored to before it has heard
// it.
void SayDaily(store::Tx& tx, const Part& part) {
  tx.Schedule(tx.today().EndOfDay(), kSayDailyTimer,
              store::Key::Of(part.edition(), part.confirm_time().seconds()).bytes());
}

}  // namespace

absl::Status Publish(store::Tx& tx, const Cycle& cycle, const std::vector<ItemRow>& approved) {
  PublicationRow row;
  row.set_year(cycle.year());
  row.set_revision(cycle.revision());
  Publication& publication = *row.mutable_publication();
  publication.set_name(PublicationName(cycle.year(), cycle.revision()));
  publication.set_order_number(cycle.order_number());
  *publication.mutable_order_date() = cycle.order_date();
  PublishDemandsRequest message;
  size_t bytes = 0;
  const auto send = [&] {
    if (message.demands_size() == 0) return;
    publication.mutable_parts()->rbegin()->set_item_count(message.demands_size());
    tx.Emit(kTarget, kPublishMethod, message);
    message.clear_demands();
    bytes = 0;
  };
  for (const ItemRow& item : approved) {
    suppliers::v1::Demand demand = DemandOf(item);
    const size_t more = demand.ByteSizeLong();
    if (message.demands_size() == kMaxPartItems || bytes + more > kMaxPartBytes) send();
    if (message.demands_size() == 0) {
      Part& part = *publication.add_parts();
      part.set_edition(EditionOf(cycle.year(), cycle.revision(), publication.parts_size()));
      part.set_state(Publication::PENDING);
      message = MessageOf(row, part);
    }
    bytes += more;
    *message.add_demands() = std::move(demand);
  }
  send();
  publication.set_state(approved.empty() ? Publication::PLACED : Publication::PENDING);
  return tx.Put(kPublications, &row);
}

absl::StatusOr<bool> Unpublish(store::Tx& tx, int32_t year, const std::string& reason) {
  ASSIGN_OR_RETURN(std::vector<PublicationRow> rows,
                   cases::AllOf(tx, kPublications, store::Key::Of(year)));
  bool leaving = false;
  for (PublicationRow& row : rows) {
    Publication& publication = *row.mutable_publication();
    if (publication.state() != Publication::WITHDRAWING &&
        publication.state() != Publication::WITHDRAWN) {
      for (Part& part : *publication.mutable_parts()) {
        part.set_state(Publication::WITHDRAWING);
        part.clear_refusal();
        EmitWithdrawal(tx, part.edition(), reason);
      }
      publication.set_reason(reason);
      publication.set_state(StateOf(publication));
      RETURN_IF_ERROR(tx.Put(kPublications, &row));
    }
    // One without goods is out at once: nothing will be said of it.
    leaving |= publication.state() != Publication::WITHDRAWN;
  }
  return leaving;
}

absl::Status NoteDelivery(const norms::Norms& norms, store::Tx& tx,
                          const store::OutboxMessage& message,
                          const absl::StatusOr<std::string>& said) {
  ASSIGN_OR_RETURN(const bool too_early, IsTooEarly(tx, message, said.status()));
  if (too_early) {
    // Not noted, so the message goes again.
    return absl::UnavailableError("the database of suppliers has not come to the order's day");
  }
  ASSIGN_OR_RETURN(const Said what, SaidOf(message, said));
  ASSIGN_OR_RETURN(const PartName name, PartIn(what.edition));
  ASSIGN_OR_RETURN(PublicationRow row, RowOf(tx, name));
  Publication& publication = *row.mutable_publication();
  Part& part = *publication.mutable_parts(name.part - 1);
  if (IsAsSaid(part, what)) return absl::OkStatus();
  // What is placed is there as it was when that was confirmed, whatever this release makes of it.
  if (part.state() == Publication::PLACED && what.refusal == "PUBLICATION_DIFFERS") {
    return absl::OkStatus();
  }
  if (what.state == Publication::REFUSED) {
    base::Log(base::Severity::kError, "publication_refused",
              {{"edition", what.edition}, {"reason", what.refusal}});
  }
  if (part.edition() != what.edition) return absl::OkStatus();  // of a name that was given up
  // A List that was taken back meanwhile is on its way out, as its next message says.
  const bool leaving =
      part.state() == Publication::WITHDRAWING || part.state() == Publication::WITHDRAWN;
  if (leaving && message.method == kPublishMethod) return absl::OkStatus();
  part.set_state(what.state);
  part.set_refusal(what.refusal);
  part.mutable_confirm_time()->set_seconds(absl::ToUnixSeconds(tx.recorded()));
  publication.set_state(StateOf(publication));
  if (what.state != Publication::REFUSED) SayDaily(tx, part);
  tx.Cite(errors::Approving());
  RETURN_IF_ERROR(tx.Put(kPublications, &row));
  return ConfirmCycle(norms, tx, row.year());
}

absl::Status SayConfirmedAgain(store::Tx& tx, absl::string_view payload, absl::Time /*due*/) {
  store::KeyReader reader(payload);
  const auto edition = reader.Text();
  const auto confirmed = reader.Number();
  if (!edition.has_value() || !confirmed.has_value()) {
    return base::StoreCorrupt("timer of a publication");
  }
  ASSIGN_OR_RETURN(const PartName name, PartIn(*edition));
  ASSIGN_OR_RETURN(const PublicationRow row, RowOf(tx, name));
  const Part& part = row.publication().parts(name.part - 1);
  const bool stands = part.edition() == *edition && part.confirm_time().seconds() == *confirmed;
  // Of what is over. A List that is placed may be out over there for good, where this register was
  // restored to before it took it back.
  const bool forgotten = part.state() == Publication::WITHDRAWN &&
                         tx.recorded() > absl::FromUnixSeconds(*confirmed) + kForgets;
  if (!stands || forgotten) return absl::OkStatus();
  if (part.state() == Publication::PLACED) {
    ASSIGN_OR_RETURN(const CycleRow cycle, cases::Need(tx, kCycles, store::Key::Of(name.year)));
    // Of a List that was opened again nobody has the goods any more; it stays until the next comes.
    if (cycle.cycle().revision() == name.revision) {
      ASSIGN_OR_RETURN(const auto message, WholeMessageOf(tx, row, name.part - 1));
      tx.Emit(kTarget, kPublishMethod, message);
    }
  } else if (part.state() == Publication::WITHDRAWN) {
    EmitWithdrawal(tx, part.edition(), row.publication().reason());
  } else {
    return absl::OkStatus();
  }
  SayDaily(tx, part);
  return absl::OkStatus();
}

std::vector<store::Figure> PublicationFigures(const store::Store& store) {
  int64_t refused = 0;
  const store::View view = store.Read();
  const absl::Status counted =
      view.Scan(kRefusedPublications, {}, {},
                [&refused](const store::RowView&, absl::string_view) -> absl::StatusOr<bool> {
                  ++refused;
                  return true;
                });
  if (!counted.ok()) return {};
  return {{"nisi_contracts_publications_refused",
           "Lists of goods that the database of suppliers has refused.",
           static_cast<double>(refused)}};
}

absl::StatusOr<v1::Publication> RetryPublication(Env& /*env*/, const Call& call, store::Tx& tx,
                                                 const v1::RetryPublicationRequest& request) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(request.name(), "cycles/*/publications/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kPublications, key, request.name()));
  PublicationRow& row = found.row;
  Publication& publication = *row.mutable_publication();
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), publication.etag()));
  if (publication.state() != Publication::REFUSED) return errors::PublicationNotRefused();
  ASSIGN_OR_RETURN(const CycleRow cycle, cases::Need(tx, kCycles, store::Key::Of(row.year())));
  // A List that was taken back goes on leaving; another is placed, as it was approved.
  const bool leaving = !publication.reason().empty();
  if (!leaving && cycle.cycle().state() != Cycle::PUBLISHED) {
    RETURN_IF_ERROR(
        CycleMachine().AskByItself(cycle.cycle().state(), CycleVerb::kPublished).status());
  }
  for (int i = 0; i < publication.parts_size(); ++i) {
    Part& part = *publication.mutable_parts(i);
    if (part.state() != Publication::REFUSED) continue;
    const bool of_another = IsOfAnother(part.refusal());
    part.clear_refusal();
    if (leaving) {
      part.set_state(Publication::WITHDRAWING);
      EmitWithdrawal(tx, part.edition(), publication.reason());
      continue;
    }
    if (of_another) {
      // The List that nobody here knows any more leaves, and this one comes by another name.
      EmitWithdrawal(tx, part.edition(), "unknown to the register of contracts");
      ASSIGN_OR_RETURN(const PartName name, PartIn(part.edition()));
      part.set_edition(EditionOf(name.year, name.revision, name.part, name.attempt + 1));
    }
    ASSIGN_OR_RETURN(const PublishDemandsRequest message, WholeMessageOf(tx, row, i));
    part.set_state(Publication::PENDING);
    tx.Emit(kTarget, kPublishMethod, message);
  }
  publication.set_state(StateOf(publication));
  tx.Cite(errors::Approving());
  RETURN_IF_ERROR(tx.Put(kPublications, &row));
  return publication;
}

}  // namespace nisi::contracts
