#include "common/cases/step.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/base/roles.h"
#include "common/base/status.h"
#include "common/cases/beside.h"
#include "common/norms/term.h"
#include "common/rpc/store_call.h"
#include "google/type/date.pb.h"

namespace nisi::cases {
namespace {

using base::EdgeDef;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kSystem[] = "system";  // who does what happens by itself

static_assert(static_cast<int>(base::Duty::kPrepares) == v1::Act::PREPARES);
static_assert(static_cast<int>(base::Duty::kExamines) == v1::Act::EXAMINES);
static_assert(static_cast<int>(base::Duty::kDecides) == v1::Act::DECIDES);

absl::Status NoCase(const Message& row) {
  return absl::InternalError(
      absl::StrCat(row.GetDescriptor()->full_name(), " is no row of a case"));
}

// The fields that a resource has by convention; null where it has none of the kind.
struct Fields {
  const FieldDescriptor* resource = nullptr;
  const FieldDescriptor* name = nullptr;
  const FieldDescriptor* state = nullptr;
  const FieldDescriptor* etag = nullptr;
  const FieldDescriptor* due_date = nullptr;
  const FieldDescriptor* life = nullptr;  // of the row
};

Fields FindFields(const Descriptor& type) {
  Fields fields;
  fields.resource = type.FindFieldByNumber(1);
  if (fields.resource == nullptr || fields.resource->message_type() == nullptr) return {};
  const auto* resource = fields.resource->message_type();
  fields.name = resource->FindFieldByName("name");
  fields.state = resource->FindFieldByName("state");
  fields.etag = resource->FindFieldByName("etag");
  const auto* due = resource->FindFieldByName("due_date");
  if (due != nullptr && due->message_type() == google::type::Date::descriptor())
    fields.due_date = due;
  const auto* life = type.FindFieldByName("life");
  if (life != nullptr && life->message_type() == v1::Life::descriptor()) fields.life = life;
  return fields;
}

absl::StatusOr<Fields> FieldsOf(const Message& row, const base::MachineDef& machine) {
  // Looked for once: a step asks twice, and each look by name is a search among all that is linked.
  thread_local absl::flat_hash_map<const Descriptor*, Fields> known;
  const Descriptor* const type = row.GetDescriptor();
  const auto [found, added] = known.try_emplace(type);
  if (added) found->second = FindFields(*type);
  const Fields& fields = found->second;
  if (fields.name == nullptr || fields.etag == nullptr || fields.state == nullptr ||
      fields.state->enum_type() != &machine.states()) {
    return NoCase(row);
  }
  return fields;
}

const Message& ResourceOf(const Message& row, const Fields& fields) {
  return row.GetReflection()->GetMessage(row, fields.resource);
}

int StateOf(const Message& row, const Fields& fields) {
  const Message& resource = ResourceOf(row, fields);
  return resource.GetReflection()->GetEnumValue(resource, fields.state);
}

std::string TextOf(const Message& row, const Fields& fields, const FieldDescriptor* field) {
  const Message& resource = ResourceOf(row, fields);
  return resource.GetReflection()->GetString(resource, field);
}

absl::StatusOr<Progress> Started(const base::MachineDef& machine, base::Allowed allowed) {
  Progress progress{&machine, std::move(allowed)};
  if (progress.allowed.single()) progress.edge = progress.allowed.edges().front();
  return progress;
}

// Whether an act is kept already: a case that is edited often keeps who edits it once.
bool Holds(const v1::Life& life, base::Duty duty, absl::string_view subject) {
  return std::any_of(life.acts().begin(), life.acts().end(), [&](const v1::Act& act) {
    return act.duty() == static_cast<v1::Act::Duty>(duty) && act.subject() == subject;
  });
}

bool HasTerm(const base::MachineDef& machine, absl::string_view norm) {
  return std::any_of(machine.edges().begin(), machine.edges().end(),
                     [norm](const EdgeDef& edge) { return edge.due == norm; });
}

// What is due in the state that the step leads to, by norm.
std::map<std::string, Deadline> DueAfter(const Progress& step) {
  std::map<std::string, Deadline> due;
  for (const EdgeDef* edge : step.machine->From(step.edge->to, step.path)) {
    if (*edge->due == '\0') continue;
    Deadline& deadline = due[edge->due];
    if (!deadline.has_legal_basis()) *deadline.mutable_legal_basis() = edge->basis();
    for (int number = 1; number <= rpc::v1::Role_MAX; ++number) {
      const auto role = static_cast<rpc::v1::Role>(number);
      const auto& roles = deadline.roles();
      if ((edge->roles & base::RoleBit(role)) != 0 &&
          std::find(roles.begin(), roles.end(), number) == roles.end()) {
        deadline.add_roles(role);
      }
    }
  }
  return due;
}

// Whether the step is what a term of the state it leaves asked for. The term of an edge by itself
// is what it happens after: nobody meets it by letting it pass.
bool Meets(const Progress& step, absl::string_view norm) {
  const std::vector<const EdgeDef*> edges = step.machine->From(step.edge->from, step.path);
  return std::any_of(edges.begin(), edges.end(), [&](const EdgeDef* edge) {
    return edge->roles != base::kByItself && edge->verb == step.edge->verb && edge->due == norm;
  });
}

void SetWho(const Who& who, Deadline* deadline) {
  if (deadline->roles_size() == 0) return;  // by itself
  deadline->set_bin(who.bin);
  deadline->set_region(who.region);
  deadline->set_body(who.body);
}

// Whether a step that leaves the state as it is begins a term: not one that such a step may have
// met already. It begins when the state is entered, or where an edge renews it.
bool MayBegin(const Progress& step, absl::string_view norm) {
  if (step.edge->from != step.edge->to || step.edge->renews) return true;
  const std::vector<const EdgeDef*> edges = step.machine->From(step.edge->from, step.path);
  return std::none_of(edges.begin(), edges.end(),
                      [&](const EdgeDef* edge) { return edge->meets && edge->due == norm; });
}

absl::Status MoveTerms(store::Tx& tx, const norms::Norms& norms, const Progress& step,
                       const std::string& record, const Who& who) {
  std::map<std::string, Deadline> due = DueAfter(step);
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, OpenDeadlines(tx, record));
  for (const Deadline& deadline : open) {
    if (!HasTerm(*step.machine, deadline.kind())) continue;  // opened by hand
    const bool ends = step.edge->meets && deadline.kind() == step.edge->due;
    if (const auto on = due.find(deadline.kind()); !step.edge->renews && !ends && on != due.end()) {
      SetWho(who, &on->second);
      RETURN_IF_ERROR(HandOver(tx, deadline.name(), on->second));
      due.erase(on);
      continue;
    }
    const bool met = Meets(step, deadline.kind());
    RETURN_IF_ERROR(
        CloseDeadline(tx, deadline.name(), met ? Deadline::DONE : Deadline::CANCELLED, step.day));
  }
  for (auto& [norm, deadline] : due) {
    if (!MayBegin(step, norm)) continue;
    ASSIGN_OR_RETURN(
        const norms::Term term,
        norms::TermOf(norms, norm, step.since.value_or(step.day.value_or(tx.today()))));
    deadline.set_record(record);
    deadline.set_kind(norm);
    deadline.set_norm(norm);
    deadline.set_rests_on_assumption(term.assumption);
    *deadline.mutable_since() = term.since.ToProto();
    *deadline.mutable_due_date() = step.until.value_or(term.last_day).ToProto();
    SetWho(who, &deadline);
    RETURN_IF_ERROR(OpenDeadline(tx, std::move(deadline), step.day).status());
  }
  return absl::OkStatus();
}

absl::Status ShowDueDate(const store::Tx& tx, const std::string& record,
                         const FieldDescriptor* field, Message* resource) {
  ASSIGN_OR_RETURN(const std::vector<Deadline> open, OpenDeadlines(tx, record));
  if (open.empty()) {
    resource->GetReflection()->ClearField(resource, field);
  } else {
    resource->GetReflection()->MutableMessage(resource, field)->CopyFrom(open.front().due_date());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Progress::Lead(int state) {
  ASSIGN_OR_RETURN(edge, allowed.To(state));
  return absl::OkStatus();
}

absl::StatusOr<Progress> BeginStep(const rpc::Call& call, const base::MachineDef& machine, int verb,
                                   const Message& row, const Standing& standing) {
  ASSIGN_OR_RETURN(const Fields fields, FieldsOf(row, machine));
  std::vector<base::Acted> acts = standing.acts;
  if (fields.life != nullptr) {
    const Message& life = row.GetReflection()->GetMessage(row, fields.life);
    for (const v1::Act& act : static_cast<const v1::Life&>(life).acts()) {
      acts.push_back({static_cast<base::Duty>(act.duty()), act.subject()});
    }
  }
  // A stranger learns nothing of the version either.
  if (standing.roles != 0) {
    RETURN_IF_ERROR(rpc::CheckEtag(standing.etag, TextOf(row, fields, fields.etag)));
  }
  ASSIGN_OR_RETURN(base::Allowed allowed,
                   machine.Ask(StateOf(row, fields), verb,
                               {standing.roles, call.caller->subject, acts}, standing.path));
  ASSIGN_OR_RETURN(Progress progress, Started(machine, std::move(allowed)));
  progress.path = standing.path;
  progress.roles = standing.roles;
  progress.subject = call.caller->subject;
  return progress;
}

absl::StatusOr<Progress> BeginStepByItself(const base::MachineDef& machine, int verb,
                                           const Message& row, uint32_t path,
                                           std::optional<base::Date> day) {
  ASSIGN_OR_RETURN(const Fields fields, FieldsOf(row, machine));
  ASSIGN_OR_RETURN(base::Allowed allowed, machine.AskByItself(StateOf(row, fields), verb, path));
  ASSIGN_OR_RETURN(Progress progress, Started(machine, std::move(allowed)));
  progress.path = path;
  progress.subject = kSystem;
  progress.day = day;
  return progress;
}

absl::Status FinishStep(store::Tx& tx, const norms::Norms& norms, const store::TableDef& table,
                        const Progress& step, const Who& who, Message* row) {
  if (step.edge == nullptr) return step.allowed.Only().status();
  ASSIGN_OR_RETURN(const Fields fields, FieldsOf(*row, *step.machine));
  Message* resource = row->GetReflection()->MutableMessage(row, fields.resource);
  resource->GetReflection()->SetEnumValue(resource, fields.state, step.edge->to);
  if (fields.life != nullptr && step.edge->duty != base::Duty::kNone) {
    auto* life = static_cast<v1::Life*>(row->GetReflection()->MutableMessage(row, fields.life));
    if (!Holds(*life, step.edge->duty, step.subject)) {
      v1::Act* act = life->add_acts();
      act->set_duty(static_cast<v1::Act::Duty>(step.edge->duty));
      act->set_subject(step.subject);
    }
  }
  const std::string record = TextOf(*row, fields, fields.name);
  const bool has_terms = std::any_of(step.machine->edges().begin(), step.machine->edges().end(),
                                     [](const EdgeDef& edge) { return *edge.due != '\0'; });
  if (has_terms) RETURN_IF_ERROR(MoveTerms(tx, norms, step, record, who));
  if (fields.due_date != nullptr)
    RETURN_IF_ERROR(ShowDueDate(tx, record, fields.due_date, resource));
  tx.Cite(step.edge->basis());
  return tx.Put(table, row, step.day);
}

absl::StatusOr<bool> HasDone(const Progress& step, const Message& row) {
  if (step.edge == nullptr) return step.allowed.Only().status();
  ASSIGN_OR_RETURN(const Fields fields, FieldsOf(row, *step.machine));
  if (fields.life == nullptr || step.edge->duty == base::Duty::kNone) return true;
  const Message& life = row.GetReflection()->GetMessage(row, fields.life);
  return Holds(static_cast<const v1::Life&>(life), step.edge->duty, step.subject);
}

}  // namespace nisi::cases
