#include "common/store/fault_fs_plan.h"

#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace nisi::store {
namespace {

constexpr std::array<const char*, kFaultOps> kNames = {
    "append", "sync", "close", "create", "rename", "delete", "dirsync", "read", "look"};

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("fault plan: ", what));
}

absl::StatusOr<uint32_t> ParseOps(absl::string_view text) {
  uint32_t ops = 0;
  for (const absl::string_view name : absl::StrSplit(text, '+')) {
    size_t op = 0;
    while (op < kNames.size() && name != kNames[op]) ++op;
    if (op == kNames.size()) return Bad(absl::StrCat("no such call: ", name));
    ops |= 1U << op;
  }
  return ops;
}

absl::StatusOr<FaultKind> ParseKind(absl::string_view text) {
  if (text == "eio") return FaultKind::kEio;
  if (text == "passing") return FaultKind::kPassing;
  if (text == "enospc") return FaultKind::kEnospc;
  if (text == "short") return FaultKind::kShort;
  if (text == "kill") return FaultKind::kKill;
  return Bad(absl::StrCat("no such kind: ", text));
}

absl::Status SetCut(absl::string_view name, absl::string_view value, FaultPlan* plan) {
  bool good = true;
  if (name == "notes") {
    plan->notes = std::string(value);
  } else if (name == "sync_us") {
    good = absl::SimpleAtoi(value, &plan->sync_us);
  } else if (name == "seed") {
    good = absl::SimpleAtoi(value, &plan->seed);
  } else {
    return Bad(absl::StrCat("cut has no ", name));
  }
  return good ? absl::OkStatus() : Bad(absl::StrCat("not a number: ", value));
}

absl::Status SetFail(absl::string_view name, absl::string_view value, FaultPlan* plan) {
  bool good = true;
  if (name == "kind") {
    ASSIGN_OR_RETURN(plan->kind, ParseKind(value));
  } else if (name == "at") {
    good = absl::SimpleAtoi(value, &plan->at);
  } else if (name == "times") {
    good = absl::SimpleAtoi(value, &plan->times);
  } else if (name == "ops") {
    ASSIGN_OR_RETURN(plan->ops, ParseOps(value));
  } else if (name == "files") {
    plan->files = std::string(value);
  } else {
    return Bad(absl::StrCat("fail has no ", name));
  }
  return good ? absl::OkStatus() : Bad(absl::StrCat("not a number: ", value));
}

}  // namespace

const char* NameOf(FaultOp op) {
  return kNames[static_cast<size_t>(op)];
}

absl::StatusOr<FaultPlan> ParseFaultPlan(absl::string_view text) {
  FaultPlan plan;
  for (const absl::string_view clause : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(clause, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
    const bool cut = words.front() == "cut";
    if (!cut && words.front() != "fail") return Bad(absl::StrCat("no such clause: ", words[0]));
    if (cut) plan.cut = true;
    for (size_t i = 1; i < words.size(); ++i) {
      const std::pair<absl::string_view, absl::string_view> setting =
          absl::StrSplit(words[i], absl::MaxSplits('=', 1));
      RETURN_IF_ERROR(cut ? SetCut(setting.first, setting.second, &plan)
                          : SetFail(setting.first, setting.second, &plan));
    }
    if (!cut && plan.kind == FaultKind::kNone) return Bad("fail without a kind");
  }
  if (plan.cut && plan.notes.empty()) return Bad("cut without notes");
  return plan;
}

}  // namespace nisi::store
