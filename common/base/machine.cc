#include "common/base/machine.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/roles.h"

namespace nisi::base {
namespace {

absl::Status TableRefusal(absl::string_view what) {
  return Refusal(absl::StatusCode::kInternal, "MACHINE_OUTCOME", what);
}

// Whether a step with this duty bars who has done the other before.
bool Bars(const EdgeDef& edge, Duty done) {
  switch (edge.duty) {
    case Duty::kNone:
    case Duty::kPrepares:
      return false;
    case Duty::kExamines:
      return done == Duty::kPrepares || (edge.apart_from_examiners && done == Duty::kExamines);
    case Duty::kDecides:
      return done == Duty::kPrepares || done == Duty::kExamines;
  }
  return false;
}

bool SameCallers(const EdgeDef& a, const EdgeDef& b) {
  return (a.roles == kByItself && b.roles == kByItself) || (a.roles & b.roles) != 0;
}

}  // namespace

absl::StatusOr<const EdgeDef*> Allowed::To(int state) const {
  for (const EdgeDef* edge : edges_) {
    if (edge->to == state) return edge;
  }
  return TableRefusal("The table of states does not have this outcome of the step.");
}

absl::StatusOr<const EdgeDef*> Allowed::Only() const {
  if (single()) return edges_.front();
  return TableRefusal("The step has several outcomes: the rules must choose one.");
}

MachineDef::MachineDef(const char* resource, const google::protobuf::EnumDescriptor* states,
                       std::vector<VerbDef> verbs, std::vector<EdgeDef> edges,
                       std::vector<const char*> paths)
    : resource_(resource),
      states_(states),
      verbs_(std::move(verbs)),
      edges_(std::move(edges)),
      paths_(std::move(paths)) {}

std::string MachineDef::StateName(int state) const {
  const auto* value = states_->FindValueByNumber(state);
  return value == nullptr ? absl::StrCat(state) : value->name();
}

std::vector<const EdgeDef*> MachineDef::Find(int from, int verb, uint32_t path) const {
  std::vector<const EdgeDef*> found = From(from, path);
  std::erase_if(found, [verb](const EdgeDef* edge) { return edge->verb != verb; });
  return found;
}

std::vector<const EdgeDef*> MachineDef::From(int state, uint32_t path) const {
  std::vector<const EdgeDef*> found;
  for (const EdgeDef& edge : edges_) {
    if (edge.from == state && (edge.paths & path) != 0) found.push_back(&edge);
  }
  return found;
}

absl::Status MachineDef::StateRefusal(int from, int verb, uint32_t path) const {
  std::vector<std::string> states;
  for (const EdgeDef& edge : edges_) {
    const std::string name = StateName(edge.from);
    if (edge.verb != verb || (edge.paths & path) == 0) continue;
    if (std::find(states.begin(), states.end(), name) == states.end()) states.push_back(name);
  }
  const VerbDef& def = verbs_[static_cast<size_t>(verb)];
  const std::string state = StateName(from);
  const std::string type = absl::StrCat(resource_, "_STATE");
  const std::string noun = absl::StrReplaceAll(absl::AsciiStrToLower(resource_), {{"_", " "}});
  const bool own = *def.reason != '\0';
  return Refusal(
             absl::StatusCode::kFailedPrecondition, own ? def.reason : type,
             absl::StrCat("State ", state, " of the ", noun, " does not allow: ", def.name, "."))
      .With("state", state)
      .With("verb", def.name)
      .With("allowed", absl::StrJoin(states, ", "))
      .Precondition(type, "state",
                    states.empty() ? "no state allows it"
                                   : absl::StrCat(absl::StrJoin(states, " or "), " is needed"))
      .Cite(def.basis());
}

absl::Status MachineDef::CheckDuty(const EdgeDef& edge, absl::string_view subject,
                                   absl::Span<const Acted> acted) const {
  const bool barred = std::any_of(acted.begin(), acted.end(), [&](const Acted& act) {
    return act.subject == subject && Bars(edge, act.duty);
  });
  if (!barred) return absl::OkStatus();
  return Refusal(absl::StatusCode::kPermissionDenied, "SEPARATION_OF_DUTIES",
                 "Whoever prepared or examined a case does not decide on it.")
      .With("verb", VerbName(edge.verb))
      .Cite(edge.basis());
}

absl::StatusOr<Allowed> MachineDef::Ask(int from, int verb, const Asker& asker,
                                        uint32_t path) const {
  if (asker.roles == 0) return AccessDenied();
  std::vector<const EdgeDef*> edges = Find(from, verb, path);
  if (edges.empty()) return StateRefusal(from, verb, path);
  std::erase_if(edges, [&](const EdgeDef* edge) { return (edge->roles & asker.roles) == 0; });
  if (edges.empty()) return AccessDenied();
  // Where several roles of the asker lead to the same state, the strictest edge counts: a second
  // role is no way round a duty.
  absl::Status barred;
  std::vector<const EdgeDef*> allowed;
  for (const EdgeDef* edge : edges) {
    const auto strictest = [&](const EdgeDef* other) {
      return other->to != edge->to || other->duty < edge->duty ||
             (other->duty == edge->duty && other >= edge);
    };
    if (!std::all_of(edges.begin(), edges.end(), strictest)) continue;
    const absl::Status duty = CheckDuty(*edge, asker.subject, asker.acted);
    barred.Update(duty);
    if (duty.ok()) allowed.push_back(edge);
  }
  if (allowed.empty()) return barred;
  return Allowed(std::move(allowed));
}

absl::StatusOr<Allowed> MachineDef::AskByItself(int from, int verb, uint32_t path) const {
  std::vector<const EdgeDef*> edges = Find(from, verb, path);
  std::erase_if(edges, [](const EdgeDef* edge) { return edge->roles != kByItself; });
  if (edges.empty()) return StateRefusal(from, verb, path);
  return Allowed(std::move(edges));
}

std::vector<int> MachineDef::FirstStates() const {
  std::vector<int> first;
  for (const EdgeDef& edge : edges_) {
    if (edge.from == kNotThere && std::find(first.begin(), first.end(), edge.to) == first.end()) {
      first.push_back(edge.to);
    }
  }
  return first.empty() ? std::vector<int>{1} : first;
}

std::string MachineDef::Problem() const {
  if (*resource_ == '\0' || absl::AsciiStrToUpper(resource_) != resource_) {
    return "the resource is not written as in reasons";
  }
  for (size_t verb = 0; verb < verbs_.size(); ++verb) {
    const VerbDef& def = verbs_[verb];
    const bool used = std::any_of(edges_.begin(), edges_.end(), [verb](const EdgeDef& edge) {
      return edge.verb == static_cast<int>(verb);
    });
    if (*def.name == '\0') return absl::StrCat("verb ", verb, " has no name");
    if (!used) return absl::StrCat("verb ", def.name, " has no edge");
    if (def.basis == nullptr || def.basis().article().empty()) {
      return absl::StrCat("verb ", def.name, " cites nothing");
    }
  }
  for (const EdgeDef& edge : edges_) {
    if (std::string problem = EdgeProblem(edge); !problem.empty()) return problem;
  }
  for (size_t a = 0; a < edges_.size(); ++a) {
    for (size_t b = a + 1; b < edges_.size(); ++b) {
      if (std::string problem = PairProblem(edges_[a], edges_[b]); !problem.empty()) return problem;
    }
  }
  return ReachProblem();
}

std::string MachineDef::EdgeProblem(const EdgeDef& edge) const {
  if (edge.verb < 0 || static_cast<size_t>(edge.verb) >= verbs_.size()) {
    return absl::StrCat("an edge of ", StateName(edge.from), " has no verb");
  }
  const std::string at = absl::StrCat(StateName(edge.from), " ", VerbName(edge.verb), ": ");
  if (states_->FindValueByNumber(edge.from) == nullptr) return at + "from no state";
  if (edge.to == kNotThere || states_->FindValueByNumber(edge.to) == nullptr) {
    return at + "leads to no state";
  }
  if (edge.basis == nullptr || edge.basis().article().empty()) return at + "cites nothing";
  if (edge.roles == kByItself && edge.duty != Duty::kNone) return at + "nobody has this duty";
  if (edge.apart_from_examiners && edge.duty != Duty::kExamines) return at + "is no examination";
  if (edge.from == kNotThere && *edge.due != '\0') return at + "nothing is there to be due";
  if (edge.meets && (edge.from != edge.to || *edge.due == '\0')) return at + "has no term to meet";
  const uint32_t known = paths_.empty() ? 0 : (1U << paths_.size()) - 1;
  if (edge.paths != kAnyPath && (edge.paths == 0 || (edge.paths & ~known) != 0)) {
    return at + "is on no path";
  }
  return "";
}

std::string MachineDef::PairProblem(const EdgeDef& a, const EdgeDef& b) const {
  if (a.from != b.from || a.verb != b.verb) return "";
  if (!SameCallers(a, b) || (a.paths & b.paths) == 0) return "";
  const std::string at = absl::StrCat(StateName(a.from), " ", VerbName(a.verb), ": ");
  if (a.to == b.to) return absl::StrCat(at, "two edges lead to ", StateName(a.to));
  if (*a.when == '\0' || *b.when == '\0') return at + "nothing says which of two outcomes it has";
  return "";
}

std::string MachineDef::ReachProblem() const {
  const std::vector<int> first = FirstStates();
  std::set<int> reached(first.begin(), first.end());
  for (bool grown = true; grown;) {
    grown = false;
    for (const EdgeDef& edge : edges_) {
      if (reached.contains(edge.from) && reached.insert(edge.to).second) grown = true;
    }
  }
  for (int i = 0; i < states_->value_count(); ++i) {
    const auto* state = states_->value(i);
    if (state->number() != kNotThere && !reached.contains(state->number())) {
      return absl::StrCat("no record reaches ", state->name());
    }
  }
  return "";
}

std::string MachineDef::Label(const EdgeDef& edge) const {
  std::string label = VerbName(edge.verb);
  if (*edge.when != '\0') absl::StrAppend(&label, " (", edge.when, ")");
  std::vector<const char*> paths;
  for (size_t i = 0; edge.paths != kAnyPath && i < paths_.size(); ++i) {
    if ((edge.paths >> i & 1) != 0) paths.push_back(paths_[i]);
  }
  if (!paths.empty()) absl::StrAppend(&label, " / ", absl::StrJoin(paths, ", "));
  const bool by_itself = edge.roles == kByItself;
  absl::StrAppend(&label, " / ", by_itself ? "by itself" : RoleNames(edge.roles));
  if (edge.duty == Duty::kExamines) {
    absl::StrAppend(&label, ", apart from who prepared",
                    edge.apart_from_examiners ? " or examined" : "");
  }
  if (edge.duty == Duty::kDecides) label += ", apart from who prepared or examined";
  if (*edge.due != '\0') absl::StrAppend(&label, " / ", by_itself ? "after " : "within ", edge.due);
  return absl::StrCat(label, " / ", edge.basis().article());
}

std::string MachineDef::Mermaid() const {
  std::string text = "stateDiagram-v2\n";
  const auto line = [&text](absl::string_view from, absl::string_view to, absl::string_view label) {
    absl::StrAppend(&text, "    ", from, " --> ", to, label.empty() ? "" : ": ", label, "\n");
  };
  if (From(kNotThere).empty()) line("[*]", StateName(FirstStates().front()), "");
  for (const EdgeDef& edge : edges_) {
    line(edge.from == kNotThere ? "[*]" : StateName(edge.from), StateName(edge.to), Label(edge));
  }
  for (int i = 0; i < states_->value_count(); ++i) {
    const auto* state = states_->value(i);
    if (state->number() != kNotThere && From(state->number()).empty()) {
      line(state->name(), "[*]", "");
    }
  }
  return text;
}

}  // namespace nisi::base
