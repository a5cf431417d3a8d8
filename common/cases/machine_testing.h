// Walks a machine over the real service: the table against what its methods do.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/machine.h"
#include "common/base/roles.h"
#include "common/base/status.h"
#include "common/norms/norm_keys.h"
#include "common/rpc/caller.h"

namespace nisi::cases {

// The table is sound, and each term in it is a declared norm in days.
inline void ExpectSound(const base::MachineDef& machine) {
  EXPECT_EQ(machine.Problem(), "");
  for (const base::EdgeDef& edge : machine.edges()) {
    if (*edge.due == '\0') continue;
    const norms::KeySpec* norm = norms::FindKey(edge.due);
    EXPECT_TRUE(norm != nullptr &&
                (norm->unit == norms::Unit::kWorkingDays || norm->unit == norms::Unit::kDays))
        << edge.due;
  }
}

// What the test of a service says of itself.
struct MachineFixture {
  // A fresh record in the first state; its name.
  std::function<std::string()> make;
  // Calls the method of the edge's verb so that it leads where the edge does, as somebody who has
  // that one role over the record and has done nothing with it before.
  std::function<absl::Status(const base::EdgeDef& edge, const std::string& name, rpc::Role as)> act;
  // Lets happen what the edge says happens by itself.
  std::function<absl::Status(const base::EdgeDef& edge, const std::string& name)> happen;
  std::function<int(const std::string& name)> state;
  std::function<int64_t()> position;  // of the journal

  // Of a machine with paths: the one that the records of this walk are on.
  uint32_t path = base::kAnyPath;
  // Verbs that records of this walk never have, where a machine serves several kinds of them.
  std::function<bool(int verb)> skips = [](int) { return false; };
  // The roles that the method of a verb admits, where it serves several verbs; 0: those of the
  // verb's edges.
  std::function<uint32_t(int verb)> admits = [](int) { return 0U; };
  // Called before a record is made on which the edge is to be taken by that role.
  std::function<void(const base::EdgeDef& edge, rpc::Role as)> prepare = [](const base::EdgeDef&,
                                                                            rpc::Role) {};
};

// The shortest way through the table to each state.
inline std::map<int, std::vector<const base::EdgeDef*>> RoutesOf(const base::MachineDef& machine,
                                                                 const MachineFixture& fixture) {
  std::map<int, std::vector<const base::EdgeDef*>> routes{{machine.FirstStates().front(), {}}};
  std::vector<int> reached{machine.FirstStates().front()};
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const base::EdgeDef* edge : machine.From(reached[i], fixture.path)) {
      if (routes.contains(edge->to) || fixture.skips(edge->verb)) continue;
      std::vector<const base::EdgeDef*> route = routes.at(reached[i]);
      route.push_back(edge);
      routes[edge->to] = std::move(route);
      reached.push_back(edge->to);
    }
  }
  return routes;
}

inline rpc::Role FirstRole(uint32_t roles) {
  for (const rpc::Role role : rpc::AllRoles()) {
    if ((roles & base::RoleBit(role)) != 0) return role;
  }
  return rpc::v1::ROLE_UNSPECIFIED;
}

// A fresh record that took the route.
inline std::string RecordAfter(const std::vector<const base::EdgeDef*>& route,
                               const MachineFixture& fixture) {
  const std::string name = fixture.make();
  for (const base::EdgeDef* edge : route) {
    const absl::Status taken = edge->roles == base::kByItself
                                   ? fixture.happen(*edge, name)
                                   : fixture.act(*edge, name, FirstRole(edge->roles));
    EXPECT_TRUE(taken.ok()) << taken;
    EXPECT_EQ(fixture.state(name), edge->to) << name;
  }
  return name;
}

struct Walked {
  int taken = 0;
  int refused = 0;
};

// For each state, reached by the shortest way through the table: each verb by each role. What the
// table allows leads where it says; all else is refused as the table refuses it and adds nothing to
// the journal. Roles that no edge of a verb has are refused by the policy of its method.
inline Walked WalkMachine(const base::MachineDef& machine, const MachineFixture& fixture) {
  Walked walked;
  for (const auto& [state, route] : RoutesOf(machine, fixture)) {
    const std::string standing = RecordAfter(route, fixture);  // for all that changes nothing
    for (int verb = 0; verb < static_cast<int>(machine.verbs().size()); ++verb) {
      if (fixture.skips(verb)) continue;
      uint32_t callers = fixture.admits(verb);
      const base::EdgeDef* any = nullptr;
      for (const base::EdgeDef& edge : machine.edges()) {
        if (edge.verb != verb || edge.roles == base::kByItself) continue;
        if ((edge.paths & fixture.path) == 0) continue;
        callers |= edge.roles;
        any = &edge;
      }
      if (any == nullptr) continue;  // happens by itself
      for (const rpc::Role role : rpc::AllRoles()) {
        SCOPED_TRACE(absl::StrCat(machine.StateName(state), " ", machine.VerbName(verb), " ",
                                  rpc::RoleName(role)));
        const uint32_t bit = base::RoleBit(role);
        const auto asked = machine.Ask(state, verb, {bit, "walker", {}}, fixture.path);
        if (asked.ok()) {
          for (const base::EdgeDef* edge : asked->edges()) {
            fixture.prepare(*edge, role);
            const std::string name = RecordAfter(route, fixture);
            const absl::Status taken = fixture.act(*edge, name, role);
            EXPECT_TRUE(taken.ok()) << taken;
            EXPECT_EQ(fixture.state(name), edge->to);
            ++walked.taken;
          }
          continue;
        }
        const absl::Status expected = (callers & bit) == 0 ? base::AccessDenied() : asked.status();
        const int64_t before = fixture.position();
        const absl::Status refused = fixture.act(*any, standing, role);
        EXPECT_EQ(refused.code(), expected.code()) << refused;
        EXPECT_EQ(base::ReasonOf(refused), base::ReasonOf(expected));
        EXPECT_EQ(base::LegalBasisOf(refused).article(), base::LegalBasisOf(expected).article());
        EXPECT_EQ(fixture.position(), before);
        EXPECT_EQ(fixture.state(standing), state);
        ++walked.refused;
      }
    }
  }
  return walked;
}

}  // namespace nisi::cases
