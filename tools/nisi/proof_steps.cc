// The offline check of a proof, told step by step.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/proof_error.h"
#include "common/store/verify.h"
#include "google/protobuf/util/time_util.h"
#include "tools/nisi/client.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/journal_table.h"
#include "tools/nisi/names.h"
#include "tools/nisi/proof.h"
#include "tools/nisi/steps.h"

namespace nisi::cli {
namespace {

// Leaf and path without the entry, for readers who may not see it.
absl::Status VerifyLeaf(const Proof& proof) {
  const auto root = store::ToHash(proof.head.root());
  const auto leaf = store::ToHash(proof.inclusion.leaf_hash());
  if (!root.ok() || !leaf.ok())
    return store::ProofInvalid("PROOF_HASH", "A hash has not 32 bytes.");
  std::vector<store::Hash> path;
  for (const std::string& bytes : proof.inclusion.hashes()) {
    const auto hash = store::ToHash(bytes);
    if (!hash.ok())
      return store::ProofInvalid("PROOF_HASH", "A hash of the path has not 32 bytes.");
    path.push_back(*hash);
  }
  if (proof.inclusion.tree_size() != proof.head.tree_size()) {
    return store::ProofInvalid("TREE_SIZE",
                               "The path is for a tree of another size than the head.");
  }
  const int64_t index = proof.inclusion.position() - 1;
  if (index < 0 || !store::VerifyInclusion(index, proof.head.tree_size(), *leaf, path, *root)) {
    return store::ProofInvalid("INCLUSION",
                               "The path does not lead from the leaf to the root of the head.");
  }
  return absl::OkStatus();
}

void AddEntry(const Proof& proof, const std::string& key, bool* holds, Steps* steps) {
  nisi::journal::v1::Entry entry;
  entry.ParseFromString(proof.entry.leaf());
  const auto leaf = store::ToBytes(store::LeafHash(proof.entry.leaf()));
  const auto same =
      leaf == proof.inclusion.leaf_hash()
          ? absl::OkStatus()
          : store::ProofInvalid("LEAF_HASH",
                                "The entry's bytes do not hash to the leaf of the proof.");
  *holds =
      steps->Add("leaf", same, absl::StrCat("SHA-256(0x00, entry) = ", Hex(leaf))) &&
      steps->Add(
          "entry", store::VerifyEntry(proof.entry, proof.inclusion, proof.head, key),
          OneLine(absl::StrCat("position ", entry.position(), ", ",
                               google::protobuf::util::TimeUtil::ToString(entry.record_time()),
                               ", ", entry.method(), " by ", entry.actor(), ", ",
                               entry.changes_size(), " change(s); ", proof.entry.openings_size(),
                               " disclosed value(s) match their commitments")));
  if (*holds && entry.changes_size() > 0)
    steps->Note(OneLine(absl::StrCat("It says: ", ToldOf(entry), ".")));
}

// The name of what the first line holds; else what is wrong with the file.
absl::StatusOr<std::string> NameIn(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) {
    return absl::InvalidArgumentError(
        "the file has no JSON object in each line, as export-edition --format json gives them");
  }
  const auto name = object.find("name");
  if (name == object.end() || !name->is_string()) {
    return absl::InvalidArgumentError("the first line of the file has no name of an entry");
  }
  return name->get<std::string>();
}

// "editions/2" of the line "editions/2/entries/850423".
std::string ParentOf(const std::string& name) {
  const size_t at = name.rfind("/entries/");
  return at == std::string::npos ? "" : name.substr(0, at);
}

std::string TextAt(const google::protobuf::Message& message, const char* name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  return field == nullptr || field->cpp_type() != field->CPPTYPE_STRING || field->is_repeated()
             ? ""
             : message.GetReflection()->GetString(message, field);
}

// The record of that name as the proved entry left it; null when it says nothing of it.
std::unique_ptr<google::protobuf::Message> RecordIn(const Proof& proof, const std::string& name) {
  nisi::journal::v1::Entry entry;
  entry.ParseFromString(proof.entry.leaf());
  for (auto change = entry.changes().rbegin(); change != entry.changes().rend(); ++change) {
    auto record = Unpacked(change->after());
    if (record != nullptr && !name.empty() && TextAt(*record, "name") == name) return record;
  }
  return nullptr;
}

// The lines of a list against the root that the proved entry has of them: whoever alters, drops or
// adds one gets another.
void AddList(const Proof& proof, std::istream* list, Steps* steps) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  std::unique_ptr<google::protobuf::Message> edition;
  store::Frontier tree;
  std::vector<store::Node> completed;  // not kept: the root needs the edge alone
  std::string line, parent;
  while (std::getline(*list, line)) {
    if (line.empty()) continue;
    // What kind of line it is, the edition says that the first one is of.
    if (edition == nullptr) {
      const auto name = NameIn(line);
      if (!name.ok()) return steps->Skip("list", std::string(name.status().message()));
      parent = ParentOf(*name);
      edition = RecordIn(proof, parent);
      if (edition == nullptr || TextAt(*edition, "entries_root").empty()) {
        return steps->Skip("list", "the proved entry has no root of the lines in this file");
      }
    }
    const auto* type = pool->FindMessageTypeByName(
        absl::StrCat(edition->GetDescriptor()->file()->package(), ".Entry"));
    const MessagePtr entry = type == nullptr ? nullptr : NewMessage(*type);
    if (entry == nullptr || !SetFromJson(line, entry.get()).ok() ||
        ParentOf(TextAt(*entry, "name")) != parent) {
      steps->Add("list",
                 store::ProofInvalid("LIST", absl::StrCat("Line ", tree.size() + 1, " is no entry ",
                                                          "of ", parent, ".")),
                 "");
      return;
    }
    completed.clear();
    tree.Append(store::LeafHash(entry->SerializeAsString()), &completed);
  }
  if (edition == nullptr) return steps->Skip("list", "the file has no lines");
  const std::string root = store::ToBytes(tree.root());
  steps->Add("list",
             root == TextAt(*edition, "entries_root")
                 ? absl::OkStatus()
                 : store::ProofInvalid("LIST", "The lines are not those of the edition."),
             absl::StrCat(tree.size(), " entries of ", parent, " have root ", Hex(root),
                          ", which the entry says"));
}

void AddSince(const Proof& proof, const Proof& since, const PinnedKeys& pinned,
              const std::string& key, Steps* steps) {
  const int64_t older = since.head.tree_size();
  const int64_t newer = proof.head.tree_size();
  nisi::journal::v1::ConsistencyProof path = proof.consistency;
  if (older == 0 || older == newer) {
    // Nothing lies between the two, so no path is needed.
    path.Clear();
    path.set_first_size(older);
    path.set_second_size(newer);
  } else if (older > newer) {
    steps->Skip("history", absl::StrCat("the tree of --since has ", older, " entries, this one ",
                                        newer, ": exchange the two files"));
    return;
  } else if (!proof.has_consistency || path.first_size() != older) {
    steps->Skip("history", absl::StrCat("this file has no path from a tree of ", older,
                                        " entries; keep one that has: nisi proof get --service ",
                                        proof.head.origin(), " --position ",
                                        proof.inclusion.position(), " --since OLDER -o FILE"));
    return;
  }
  const auto older_key = KeyOfOlder(since.head, since.key, pinned, key);
  steps->Add(
      "history",
      older_key.ok() ? store::VerifyHeads(since.head, proof.head, path, key, *older_key)
                     : older_key.status(),
      absl::StrCat("the tree of ", older, " entries is the beginning of this one: nothing was ",
                   "rewritten or taken out"));
}

}  // namespace

int VerifyProof(const Proof& proof, const PinnedKeys& pinned, const Proof* since,
                std::istream* list, Format format, const Io& io) {
  Steps steps("proof");
  const auto& head = proof.head;
  const std::string key = steps.AddHead(head, proof.key, pinned);
  bool holds = steps.hold();
  holds =
      holds && steps.Add("path", VerifyLeaf(proof),
                         absl::StrCat(proof.inclusion.hashes_size(), " hashes lead from leaf ",
                                      Hex(proof.inclusion.leaf_hash()), " at position ",
                                      proof.inclusion.position(), " to root ", Hex(head.root())));
  if (holds && proof.has_entry) AddEntry(proof, key, &holds, &steps);
  if (holds && !proof.has_entry) steps.Note("The entry itself is not in the file, only its hash.");
  if (holds && since != nullptr) AddSince(proof, *since, pinned, key, &steps);
  if (steps.hold() && list != nullptr) AddList(proof, list, &steps);
  return steps.Tell(format, io);
}

}  // namespace nisi::cli
