// State machines as data: one table a resource, in the rules.cc of its service. Code asks the
// table; refusals, due dates, the separation of duties, diagrams and tests come from it.
//
//   const base::Machine<Project::State, Verb>& ProjectMachine() {
//     using S = Project;
//     static const auto* const kMachine = new base::Machine<Project::State, Verb>(
//         "PROJECT", Project::State_descriptor(),
//         {{"propose", errors::Proposal}, {"recommend", errors::Examination}, ...},
//         {{{S::DRAFT, S::RETURNED}, Verb::kPropose, S::PROPOSED, kEntity, errors::Proposal,
//           {.duty = Duty::kPrepares}},
//          {{S::REGIONAL_REVIEW}, Verb::kRecommend, S::SECTOR_REVIEW, kAkimat, errors::Examination,
//           {.duty = Duty::kExamines, .due = "industry_map.days.regional", .paths = kRepublican}},
//          {{S::RETURNED}, Verb::kAnnul, S::WITHDRAWN, base::kByItself, errors::FixWindow,
//           {.due = "industry_map.days.fix"}},
//          {{S::DRAFT, S::RETURNED}, Verb::kEdit, base::kSame, kEntity, errors::Proposal}},
//         {"regional", "republican"});
//     return *kMachine;
//   }
//
// What a guard would say (a sum is in the budget, a report is due) stands in rules, not here: where
// it decides what a step leads to, the table has an edge for each outcome and the rule chooses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/base/status.h"
#include "google/protobuf/descriptor.h"

namespace nisi::base {

inline constexpr uint32_t kByItself = 0;   // nobody calls it: time, or another record, does
inline constexpr int kNotThere = 0;        // the state of a record before it is made
inline constexpr uint32_t kAnyPath = ~0U;  // all paths that the machine has
inline constexpr std::nullopt_t kSame = std::nullopt;  // the step leaves the state as it is

// What a step is in the case that it moves. Whoever prepared a case does not examine it; whoever
// prepared or examined it does not decide on it.
enum class Duty { kNone, kPrepares, kExamines, kDecides };

// Who has done what with a record so far.
struct Acted {
  Duty duty = Duty::kNone;
  absl::string_view subject;
};

// What an edge may say besides.
struct Clauses {
  Duty duty = Duty::kNone;
  // For an examination that also nobody may make who examined before, as the second of two bodies.
  bool apart_from_examiners = false;
  // The norm with the days within which the step is to be made, from the day the state was entered;
  // of an edge by itself: after which it happens. Empty: none. A step to a state that has the same
  // norm lets its term run on.
  const char* due = "";
  // The step begins the terms of the state it leads to anew, though they run.
  bool renews = false;
  // Of a step that leaves the state as it is: it is all that its term asked for, which ends by it
  // and is not opened again before the state is entered again. Without it such a step, as a part of
  // what was asked for, lets the term run on.
  bool meets = false;
  // Where several edges of one state, verb and role are told apart by their outcome: which this is.
  const char* when = "";
  // Bit n: records on the n-th path of the machine have the edge.
  uint32_t paths = kAnyPath;
};

// Without types: what asking, printing, terms and tests need.
struct EdgeDef : Clauses {
  int from = kNotThere;
  int verb = 0;
  int to = kNotThere;
  uint32_t roles = kByItself;  // bit n: Role number n
  LegalBasis (*basis)() = nullptr;
};

struct VerbDef {
  const char* name;
  // What a refusal in a state that does not allow it cites; edges cite their own.
  LegalBasis (*basis)();
  // Of that refusal; empty: "<RESOURCE>_STATE".
  const char* reason = "";
};

// Who asks.
struct Asker {
  uint32_t roles = 0;  // that the caller has over the record; 0: a stranger to it
  absl::string_view subject;
  absl::Span<const Acted> acted;  // with the record so far
};

// The edges that a caller may take: one, or several that lead to different states.
class Allowed {
 public:
  explicit Allowed(std::vector<const EdgeDef*> edges) : edges_(std::move(edges)) {}
  const std::vector<const EdgeDef*>& edges() const { return edges_; }
  bool single() const { return edges_.size() == 1; }
  // The one that leads to `state`. INTERNAL: the table has no such outcome.
  absl::StatusOr<const EdgeDef*> To(int state) const;
  // The only one. INTERNAL: the outcome must be named.
  absl::StatusOr<const EdgeDef*> Only() const;

 private:
  std::vector<const EdgeDef*> edges_;  // never empty
};

// Immutable.
class MachineDef {
 public:
  // `resource`: as in reasons, "PROJECT". `verbs`: in the order of their enum. `paths`: what the
  // bits of Clauses::paths stand for.
  MachineDef(const char* resource, const google::protobuf::EnumDescriptor* states,
             std::vector<VerbDef> verbs, std::vector<EdgeDef> edges,
             std::vector<const char*> paths = {});

  // What `verb` may lead to from a state, for a record on one path. In this order, and each for
  // everybody alike: ACCESS_DENIED for a stranger, which says nothing of the state;
  // FAILED_PRECONDITION <RESOURCE>_STATE with the state, the verb and the states that allow it;
  // ACCESS_DENIED for roles that the state does not allow it to; SEPARATION_OF_DUTIES.
  absl::StatusOr<Allowed> Ask(int from, int verb, const Asker& asker,
                              uint32_t path = kAnyPath) const;
  // The same of what happens by itself; <RESOURCE>_STATE is its only refusal.
  absl::StatusOr<Allowed> AskByItself(int from, int verb, uint32_t path = kAnyPath) const;
  // SEPARATION_OF_DUTIES when `subject` may not take the edge for what it did before.
  absl::Status CheckDuty(const EdgeDef& edge, absl::string_view subject,
                         absl::Span<const Acted> acted) const;

  std::vector<const EdgeDef*> From(int state, uint32_t path = kAnyPath) const;
  absl::Span<const EdgeDef> edges() const { return edges_; }
  absl::Span<const VerbDef> verbs() const { return verbs_; }
  const char* resource() const { return resource_; }
  const google::protobuf::EnumDescriptor& states() const { return *states_; }
  std::string StateName(int state) const;
  const char* VerbName(int verb) const { return verbs_[static_cast<size_t>(verb)].name; }
  // Where records begin: what edges from kNotThere lead to; without any, the state of number 1.
  std::vector<int> FirstStates() const;

  // Empty when sound, else what is wrong first: a state, verb or path that is none; an edge without
  // a citation; two edges that nothing tells apart; a verb without an edge; a state that no record
  // can reach.
  std::string Problem() const;
  // As stateDiagram-v2 of Mermaid: "SUBMITTED --> APPROVED: approve / authority.industry, apart
  // from who prepared or examined / Art. 9(28)".
  std::string Mermaid() const;

 private:
  std::vector<const EdgeDef*> Find(int from, int verb, uint32_t path) const;
  absl::Status StateRefusal(int from, int verb, uint32_t path) const;
  std::string EdgeProblem(const EdgeDef& edge) const;
  std::string PairProblem(const EdgeDef& a, const EdgeDef& b) const;
  std::string ReachProblem() const;
  std::string Label(const EdgeDef& edge) const;

  const char* resource_;
  const google::protobuf::EnumDescriptor* states_;
  std::vector<VerbDef> verbs_;
  std::vector<EdgeDef> edges_;
  std::vector<const char*> paths_;
};

// A row of a table: an edge from each of the states.
template <class State, class Verb>
struct Edge {
  std::vector<State> from;
  Verb verb;
  std::optional<State> to;  // kSame
  uint32_t roles;
  LegalBasis (*basis)();
  Clauses clauses = {};
};

template <class State, class Verb>
class Machine : public MachineDef {
 public:
  Machine(const char* resource, const google::protobuf::EnumDescriptor* states,
          std::vector<VerbDef> verbs, const std::vector<Edge<State, Verb>>& edges,
          std::vector<const char*> paths = {})
      : MachineDef(resource, states, std::move(verbs), Untyped(edges), std::move(paths)) {}

  absl::StatusOr<Allowed> Ask(State from, Verb verb, const Asker& asker,
                              uint32_t path = kAnyPath) const {
    return MachineDef::Ask(from, static_cast<int>(verb), asker, path);
  }
  absl::StatusOr<Allowed> AskByItself(State from, Verb verb, uint32_t path = kAnyPath) const {
    return MachineDef::AskByItself(from, static_cast<int>(verb), path);
  }
  // The state after what happens by itself and has one outcome.
  absl::StatusOr<State> NextByItself(State from, Verb verb, uint32_t path = kAnyPath) const {
    ASSIGN_OR_RETURN(const Allowed allowed, AskByItself(from, verb, path));
    ASSIGN_OR_RETURN(const EdgeDef* edge, allowed.Only());
    return static_cast<State>(edge->to);
  }

 private:
  static std::vector<EdgeDef> Untyped(const std::vector<Edge<State, Verb>>& rows) {
    std::vector<EdgeDef> edges;
    for (const auto& row : rows) {
      for (const State from : row.from) {
        edges.push_back({row.clauses, static_cast<int>(from), static_cast<int>(row.verb),
                         static_cast<int>(row.to.value_or(from)), row.roles, row.basis});
      }
    }
    return edges;
  }
};

}  // namespace nisi::base
