// The List of goods: formed from needs, changed, and proposed to customers.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/ahead.h"
#include "common/rpc/gather.h"
#include "services/contracts/errors.h"
#include "services/contracts/rpcs.h"

namespace nisi::contracts {
namespace {

using GoodKey = std::pair<std::string, std::string>;  // ENS TRU code, unit

absl::StatusOr<std::vector<Need>> NeedsOf(const store::Reader& reader, int32_t year) {
  ASSIGN_OR_RETURN(std::vector<NeedRow> rows, cases::AllOf(reader, kNeeds, store::Key::Of(year)));
  std::vector<Need> needs;
  needs.reserve(rows.size());
  for (NeedRow& row : rows) needs.push_back(std::move(*row.mutable_need()));
  return needs;
}

// Of those, the needs of who is a customer today: one that has ceased to be has none (Art. 46(2)).
absl::StatusOr<std::vector<Need>> NeedsOfCustomers(const store::Reader& reader, int32_t year) {
  ASSIGN_OR_RETURN(std::vector<Need> all, NeedsOf(reader, year));
  std::map<std::string, bool> eligible;
  std::vector<Need> needs;
  for (Need& need : all) {
    const auto [known, fresh] = eligible.try_emplace(need.customer());
    if (fresh) {
      ASSIGN_OR_RETURN(const auto found, reader.Find(kCustomers, store::Key::Of(need.customer())));
      known->second = found.has_value() && found->row.customer().eligible();
    }
    if (known->second) needs.push_back(std::move(need));
  }
  return needs;
}

// What the database said, for the version of the cycle that it was asked for.
struct Answers {
  std::string etag;
  base::Date day;
  std::map<std::string, Made> production;
};

absl::StatusOr<Decision> Judged(const Env& env, const store::Tx& tx, const Answers& answers,
                                const std::string& ens_tru) {
  const auto made = answers.production.find(ens_tru);
  if (made == answers.production.end()) return base::StoreCorrupt("answer on a code");
  ASSIGN_OR_RETURN(Decision decision,
                   JudgeProduction(ens_tru, made->second, answers.day, *env.norms));
  cases::SetDecideTime(tx, &decision);
  return decision;
}

absl::Status Reset(store::Tx& tx, Decision production, Line line, ItemRow* row) {
  ListItem& item = *row->mutable_item();
  row->set_formed_sha256(DigestOf(line));
  ListItem fresh = std::move(line.item);
  fresh.set_name(ItemName(row->year(), row->number()));
  fresh.set_edition(item.edition() + 1);
  fresh.set_minimum_in_country_value_bp(item.minimum_in_country_value_bp());
  fresh.set_state(ListItem::FORMED);
  // What the needs of one come to are its own prices.
  if (fresh.customers_size() == 1) fresh.set_sole_customer(fresh.customers(0));
  const bool made = production.outcome() != "NOT_MADE";
  *fresh.mutable_production() = std::move(production);
  fresh.set_contract_type(made ? v1::CONTRACT_PROCUREMENT : v1::OFF_TAKE);
  item = std::move(fresh);
  return tx.Put(kItems, row);
}

absl::Status FormIn(const Env& env, store::Tx& tx, const Answers& answers, CycleStep* step) {
  Cycle& cycle = *step->row.mutable_cycle();
  if (cycle.etag() != answers.etag) return base::EtagMismatch(cycle.etag());
  ASSIGN_OR_RETURN(const std::vector<Need> needs, NeedsOfCustomers(tx, cycle.year()));
  ASSIGN_OR_RETURN(std::vector<Line> lines, FormLines(needs));
  ASSIGN_OR_RETURN(std::vector<ItemRow> items, ItemsOf(tx, cycle.year()));
  std::map<GoodKey, ItemRow*> known;
  for (ItemRow& row : items) known[{row.item().ens_tru(), row.item().unit()}] = &row;
  cycle.set_item_count(static_cast<int32_t>(lines.size()));
  cycle.set_agreed_count(0);
  for (Line& line : lines) {
    ASSIGN_OR_RETURN(Decision production, Judged(env, tx, answers, line.ens_tru));
    const auto there = known.find({line.ens_tru, line.unit});
    if (there == known.end()) {
      ItemRow row;
      ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("items/", cycle.year())));
      row.set_year(cycle.year());
      row.set_number(static_cast<int32_t>(number));
      RETURN_IF_ERROR(Reset(tx, std::move(production), std::move(line), &row));
      continue;
    }
    ItemRow* row = there->second;
    known.erase(there);
    if (row->formed_sha256() == DigestOf(line) &&
        row->item().production().outcome() == production.outcome()) {
      // It stays as it is; what the database says of it is of today, and is not said twice a day.
      Decision& said = *row->mutable_item()->mutable_production();
      *said.mutable_decide_time() = production.decide_time();
      if (said.SerializeAsString() == production.SerializeAsString()) continue;
      said = std::move(production);
      RETURN_IF_ERROR(tx.Put(kItems, row));
      continue;
    }
    RETURN_IF_ERROR(LapseProposals(env, tx, row->item().name()));
    RETURN_IF_ERROR(Reset(tx, std::move(production), std::move(line), row));
  }
  for (const auto& [key, row] : known) {
    RETURN_IF_ERROR(LapseProposals(env, tx, row->item().name()));
    RETURN_IF_ERROR(tx.End(kItems, store::Key::Of(row->year(), row->number())));
  }
  step->row.set_formed(true);
  return absl::OkStatus();
}

// A good of a List that may be changed, with the step of its cycle that changing it is.
struct Editing {
  ItemRow row;
  CycleStep step;
};
absl::StatusOr<Editing> EditItem(const store::Tx& tx, const Call& call, const std::string& name,
                                 const std::string& etag) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(name, "cycles/*/items/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kItems, key, name, IsShownItem));
  RETURN_IF_ERROR(rpc::CheckEtag(etag, found.row.item().etag()));
  ASSIGN_OR_RETURN(CycleStep step,
                   BeginCycle(tx, call, CycleVerb::kEditList, CycleName(found.row.year()), ""));
  return Editing{std::move(found.row), std::move(step)};
}

}  // namespace

absl::StatusOr<v1::Cycle> FormList(Env& env, Call& call, const v1::FormListRequest& request) {
  Answers answers;
  return rpc::GatherThenWrite<Cycle>(
      *env.store, call, request,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const int32_t year, rpc::NumberIn(request.name(), "cycles/*", 0));
        std::set<std::string> codes;
        {
          const store::View view = env.store->Read();
          ASSIGN_OR_RETURN(const auto found,
                           rpc::FindFor(view, call, kCycles, store::Key::Of(year), request.name()));
          answers.etag = found.row.cycle().etag();
          RETURN_IF_ERROR(cases::MayBegin(call, CycleMachine(), CycleVerb::kForm, found.row,
                                          {.roles = found.roles, .etag = request.etag()}));
          ASSIGN_OR_RETURN(const std::vector<Need> needs, NeedsOf(view, year));
          for (const Need& need : needs) codes.insert(need.ens_tru());
        }
        answers.day = call.today();
        if (codes.empty()) return absl::OkStatus();
        ASSIGN_OR_RETURN(answers.production, env.sources->Production(call, codes, answers.day));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<Cycle> {
        ASSIGN_OR_RETURN(CycleStep step,
                         BeginCycle(tx, call, CycleVerb::kForm, request.name(), request.etag()));
        RETURN_IF_ERROR(FormIn(env, tx, answers, &step));
        RETURN_IF_ERROR(FinishCycle(env, tx, CycleVerb::kForm, &step));
        return step.row.cycle();
      });
}

absl::StatusOr<v1::ListItem> UpdateListItem(Env& env, const Call& call, store::Tx& tx,
                                            const v1::UpdateListItemRequest& request) {
  ASSIGN_OR_RETURN(Editing editing,
                   EditItem(tx, call, request.item().name(), request.item().etag()));
  ListItem& item = *editing.row.mutable_item();
  const std::string before = item.SerializeAsString();
  RETURN_IF_ERROR(rpc::ApplyUpdate(request.item(), request.update_mask(), &item, &call));
  if (item.SerializeAsString() == before) return item;  // nothing to agree on anew
  const auto quantity = base::Quantity::Parse(item.quantity());
  if (!quantity.ok() || quantity->thousandths() == 0) return errors::QuantityZero("item.quantity");
  if (item.contract_type() == v1::OFF_TAKE && item.production().outcome() != "NOT_MADE") {
    return errors::MadeBefore();
  }
  item.set_edition(item.edition() + 1);
  item.set_state(ListItem::FORMED);
  RETURN_IF_ERROR(TakeAgreed({}, "item", &item));
  RETURN_IF_ERROR(LapseProposals(env, tx, item.name()));
  RETURN_IF_ERROR(tx.Put(kItems, &editing.row));
  RETURN_IF_ERROR(FinishCycle(env, tx, CycleVerb::kEditList, &editing.step));
  return item;
}

absl::StatusOr<v1::RemoveListItemResponse> RemoveListItem(
    Env& env, const Call& call, store::Tx& tx, const v1::RemoveListItemRequest& request) {
  ASSIGN_OR_RETURN(Editing editing, EditItem(tx, call, request.name(), request.etag()));
  RETURN_IF_ERROR(LapseProposals(env, tx, editing.row.item().name()));
  RETURN_IF_ERROR(tx.End(kItems, store::Key::Of(editing.row.year(), editing.row.number())));
  Cycle& cycle = *editing.step.row.mutable_cycle();
  cycle.set_item_count(std::max(0, cycle.item_count() - 1));
  cycle.set_reason(request.reason());
  RETURN_IF_ERROR(FinishCycle(env, tx, CycleVerb::kEditList, &editing.step));
  return v1::RemoveListItemResponse();
}

absl::StatusOr<v1::Proposal> Propose(Env& /*env*/, const Call& call, store::Tx& tx,
                                     const v1::ProposeRequest& request) {
  ASSIGN_OR_RETURN(const CycleStep step,
                   BeginCycle(tx, call, CycleVerb::kPropose, request.parent(), ""));
  const int32_t year = step.row.cycle().year();
  ProposalRow row;
  Proposal& proposal = *row.mutable_proposal();
  proposal = request.proposal();
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(proposal.item(), "cycles/*/items/*"));
  ASSIGN_OR_RETURN(const auto item, tx.Find(kItems, key));
  if (!item.has_value() || item->row.year() != year) return errors::ItemUnknown();
  RETURN_IF_ERROR(EligibleCustomer(tx, proposal.customer(), "proposal.customer").status());
  const auto volume = base::Quantity::Parse(proposal.volume());
  if (!volume.ok() || volume->thousandths() == 0) return errors::QuantityZero("proposal.volume");
  const auto listed = base::Quantity::Parse(item->row.item().quantity());
  if (!listed.ok()) return base::StoreCorrupt("quantity of a good");
  if (*volume > *listed) return errors::VolumeOverList("proposal.volume");
  if (proposal.first_year() < year) return errors::YearsPast("proposal.first_year");
  ASSIGN_OR_RETURN(
      const auto open,
      tx.FindUnique(kOpenProposals, store::Key::Of(proposal.item(), proposal.customer())));
  if (open.has_value()) return errors::ProposalExists();
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("proposals/", year)));
  row.set_year(year);
  row.set_number(static_cast<int32_t>(number));
  proposal.set_name(ProposalName(year, row.number()));
  proposal.set_item_edition(item->row.item().edition());
  proposal.set_state(Proposal::PROPOSED);
  tx.Cite(errors::Agreeing());
  RETURN_IF_ERROR(tx.Put(kProposals, &row));
  return proposal;
}

namespace {

// A customer's answer: the good is agreed on when a proposal on it is, and says what was agreed to.
absl::StatusOr<v1::Proposal> Answer(Env& env, const Call& call, store::Tx& tx, ProposalVerb verb,
                                    const std::string& name, const std::string& etag,
                                    const std::string& reason) {
  ASSIGN_OR_RETURN(const store::Key key, KeyIn(name, "cycles/*/proposals/*"));
  ASSIGN_OR_RETURN(auto found, rpc::FindFor(tx, call, kProposals, key, name));
  RETURN_IF_ERROR(CheckCycle(tx, call, CycleVerb::kAnswer, found.row.year()));
  ASSIGN_OR_RETURN(auto step, cases::Begin(call, ProposalMachine(), verb, std::move(found.row),
                                           {.roles = found.roles, .etag = etag}));
  Proposal& proposal = *step.row.mutable_proposal();
  if (verb == ProposalVerb::kAgree) {
    RETURN_IF_ERROR(EligibleCustomer(tx, proposal.customer(), "name").status());
  }
  proposal.set_reason(reason);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kProposals, &step));
  ASSIGN_OR_RETURN(const store::Key item_key, KeyIn(proposal.item(), "cycles/*/items/*"));
  ASSIGN_OR_RETURN(ItemRow item, cases::Need(tx, kItems, item_key));
  ASSIGN_OR_RETURN(const std::vector<ProposalRow> open,
                   cases::AllOf(tx, kOpenProposals, store::Key::Of(proposal.item())));
  std::vector<Proposal> agreed;
  for (const ProposalRow& one : open) {
    if (one.proposal().state() == Proposal::AGREED) agreed.push_back(one.proposal());
  }
  const std::string before = item.SerializeAsString();
  RETURN_IF_ERROR(TakeAgreed(agreed, "name", item.mutable_item()));
  // What was approved in an earlier revision is, as long as somebody agrees to it.
  const bool approved = item.item().state() == ListItem::APPROVED;
  item.mutable_item()->set_state(agreed.empty() ? ListItem::FORMED
                                 : approved     ? ListItem::APPROVED
                                                : ListItem::AGREED);
  if (item.SerializeAsString() != before) RETURN_IF_ERROR(tx.Put(kItems, &item));
  return proposal;
}

}  // namespace

absl::StatusOr<v1::Proposal> Agree(Env& env, const Call& call, store::Tx& tx,
                                   const v1::AgreeRequest& request) {
  return Answer(env, call, tx, ProposalVerb::kAgree, request.name(), request.etag(), "");
}

absl::StatusOr<v1::Proposal> Decline(Env& env, const Call& call, store::Tx& tx,
                                     const v1::DeclineRequest& request) {
  return Answer(env, call, tx, ProposalVerb::kDecline, request.name(), request.etag(),
                request.reason());
}

}  // namespace nisi::contracts
