#include "tools/nisi/journal_proof.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/head_signer.h"
#include "common/store/merkle.h"
#include "common/store/proof_error.h"
#include "common/store/verify.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/names.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {
namespace {

namespace journal = nisi::journal::v1;
using google::protobuf::util::TimeUtil;

constexpr double kPageTimeout = 60;
constexpr int kPage = 200;

std::string JsonLine(const google::protobuf::Message& message) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) json = "{}";
  return json;
}

// A call of the journal that has to be answered.
grpc::Status AskJournal(const Client& client, const std::string& service, const char* method,
                        const google::protobuf::Message& request,
                        google::protobuf::Message* response) {
  CallOptions options;
  options.service = service;
  options.timeout_seconds = kPageTimeout;
  return client.Unary(*FindMethod(*FindService("journal"), method), options, request, response);
}

// The head first: what is committed meanwhile is not of its tree and is left out. `whole`: the
// entries that the caller is shown as they are in the tree.
grpc::Status WriteJournal(const Client& client, const std::string& service, std::ostream* out,
                          int64_t* size, int64_t* whole) {
  JournalHead kept;
  grpc::Status status =
      AskJournal(client, service, "get-tree-head", journal::GetTreeHeadRequest(), &kept.head);
  if (!status.ok()) return status;
  status =
      AskJournal(client, service, "get-signing-key", journal::GetSigningKeyRequest(), &kept.key);
  if (!status.ok()) return status;
  *out << "{\"treeHead\":" << JsonLine(kept.head) << ",\"signingKey\":" << JsonLine(kept.key)
       << "}\n";
  *size = kept.head.tree_size();
  for (int64_t next = 1; next > 0 && next <= *size;) {
    journal::ListEntriesRequest request;
    request.set_start_position(next);
    request.set_page_size(kPage);
    journal::ListEntriesResponse page;
    status = AskJournal(client, service, "list-entries", request, &page);
    if (!status.ok()) return status;
    for (const journal::EntryRecord& record : page.entries()) {
      if (next++ > *size) break;
      if (!record.leaf().empty()) ++*whole;
      *out << JsonLine(record) << "\n";
    }
    // 0 after the last page; one that does not go on must not be asked for without end.
    next = page.next_position() > request.start_position() ? page.next_position() : 0;
  }
  return grpc::Status::OK;
}

// What the entries of a journal say together, one after another.
class Replay {
 public:
  // FAILED_PRECONDITION PROOF_INVALID at the first entry that cannot stand where it does.
  absl::Status Take(const std::string& line);

  int64_t entries() const { return frontier_.size(); }
  store::Hash root() const { return frontier_.root(); }
  // Call before Take: root_at() is the root when there were just so many entries.
  void RememberRootAt(int64_t size) {
    wanted_ = size;
    if (size == 0) root_at_ = store::EmptyRoot();
  }
  const std::optional<store::Hash>& root_at() const { return root_at_; }
  std::string Words() const;
  // Whether the last command is there whole.
  bool whole() const { return part_ == parts_; }

 private:
  store::Frontier frontier_;
  std::vector<store::Node> completed_;  // not kept: the root needs the edge alone
  google::protobuf::Timestamp first_, last_;
  int64_t changes_ = 0;
  std::set<std::string> actors_;
  int part_ = 0;
  int parts_ = 0;
  int64_t wanted_ = -1;
  std::optional<store::Hash> root_at_;
};

absl::Status Replay::Take(const std::string& line) {
  const int64_t position = entries() + 1;
  const auto wrong = [position](const char* step, const char* what) {
    return store::ProofInvalid(step, absl::StrCat("The entry at position ", position, " ", what));
  };
  journal::EntryRecord record;
  journal::Entry entry;
  if (!SetFromJson(line, &record).ok() || !entry.ParseFromString(record.leaf()))
    return wrong("LEAF_FORM", "is not a journal entry.");
  if (entry.position() != position)
    return wrong("POSITION", "says another position: one is missing, twice there or moved.");
  const bool next_part = part_ < parts_ && entry.part() == part_ + 1 && entry.parts() == parts_;
  if (!next_part && !(whole() && entry.part() == 1))
    return wrong("PARTS", "does not go on with the command of the one before it.");
  // Pieces of one command were recorded at one time.
  if (next_part ? entry.record_time() != last_ : position > 1 && entry.record_time() <= last_)
    return wrong("RECORD_TIME", "was not recorded after the one before it.");
  RETURN_IF_ERROR(store::VerifyOpenings(entry, record.openings()));

  frontier_.Append(store::LeafHash(record.leaf()), &completed_);
  completed_.clear();
  if (entries() == wanted_) root_at_ = frontier_.root();
  if (position == 1) first_ = entry.record_time();
  last_ = entry.record_time();
  part_ = entry.part();
  parts_ = entry.parts();
  changes_ += entry.changes_size();
  actors_.insert(entry.actor());
  return absl::OkStatus();
}

std::string Replay::Words() const {
  if (entries() == 0) return "none";
  return absl::StrCat(entries(), ", positions 1 to ", entries(), " without a gap, ", changes_,
                      " change(s) by ", actors_.size(), " actor(s), ", TimeUtil::ToString(first_),
                      " to ", TimeUtil::ToString(last_));
}

absl::Status TakeAll(std::istream* lines, Replay* replay) {
  for (std::string line; std::getline(*lines, line);) {
    if (!line.empty()) RETURN_IF_ERROR(replay->Take(line));
  }
  return replay->whole()
             ? absl::OkStatus()
             : store::ProofInvalid("PARTS", "The last command is not there as a whole.");
}

absl::Status SameRoot(const journal::TreeHead& head, const std::optional<store::Hash>& root,
                      const char* what) {
  if (root.has_value() && head.root() == store::ToBytes(*root)) return absl::OkStatus();
  return store::ProofInvalid("ROOT", what);
}

}  // namespace

std::optional<JournalHead> JournalHeadFrom(const std::string& line) {
  const auto object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object() || object.size() != 2 || !object.contains("treeHead") ||
      !object.contains("signingKey")) {
    return std::nullopt;
  }
  JournalHead found;
  if (!SetFromJson(object["treeHead"].dump(), &found.head).ok() ||
      !SetFromJson(object["signingKey"].dump(), &found.key).ok()) {
    return std::nullopt;
  }
  return found;
}

int KeepJournal(const Client& client, const Args& args, Format format, const Io& io) {
  const std::string path = args.Get("output");
  std::ofstream file;
  if (!path.empty()) file.open(path, std::ios::binary);
  std::ostream* out = path.empty() ? io.out : &file;
  int64_t size = 0, whole = 0;
  const grpc::Status status = WriteJournal(client, args.Get("service"), out, &size, &whole);
  if (!status.ok()) return ReportRefusal(status, format, io);
  file.close();
  if (!path.empty() && !file)
    return ReportUsage(absl::NotFoundError(absl::StrCat("cannot write ", path)), "", format, io);
  if (whole < size) {
    *io.err << "This caller is shown " << whole << " of " << size
            << " entries whole, which prove no journal: an auditor is shown all of them.\n";
    return kRefused;
  }
  if (path.empty()) return kDone;
  *io.err << "Kept the journal of " << args.Get("service") << ", " << size
          << " entries. Check it anywhere: nisi verify " << path << "\n";
  return kDone;
}

int VerifyJournal(const JournalHead& given, std::istream* lines, const PinnedKeys& pinned,
                  const JournalHead* since, Format format, const Io& io) {
  Steps steps("journal");
  const std::string key = steps.AddHead(given.head, given.key, pinned);
  if (!steps.hold()) return steps.Tell(format, io);

  Replay replay;
  if (since != nullptr) replay.RememberRootAt(since->head.tree_size());
  absl::Status status = TakeAll(lines, &replay);
  if (status.ok() && replay.entries() != given.head.tree_size()) {
    status = store::ProofInvalid(
        "TREE_SIZE", absl::StrCat("The file has ", replay.entries(),
                                  " entries, the signed tree has ", given.head.tree_size(), "."));
  }
  bool holds = steps.Add("entries", status, OneLine(replay.Words()));
  holds = holds && steps.Add("tree",
                             SameRoot(given.head, replay.root(),
                                      "The entries do not give the root that was signed."),
                             absl::StrCat("computed again from the entries, its root is ",
                                          Hex(given.head.root()), ", the one that was signed"));
  if (holds && since != nullptr && since->head.tree_size() > given.head.tree_size()) {
    steps.Skip("history", absl::StrCat("the tree of --since has ", since->head.tree_size(),
                                       " entries, this one ", given.head.tree_size(),
                                       ": exchange the two files"));
  } else if (holds && since != nullptr) {
    const auto older_key = KeyOfOlder(since->head, since->key, pinned, key);
    status = older_key.ok() ? store::VerifyHead(since->head, *older_key) : older_key.status();
    if (status.ok() && since->head.origin() != given.head.origin())
      status = store::ProofInvalid("ORIGIN", "The two heads are of different services.");
    if (status.ok()) {
      status = SameRoot(since->head, replay.root_at(),
                        "The older tree is not the beginning of this one: history was rewritten.");
    }
    steps.Add("history", status,
              absl::StrCat("the tree of ", since->head.tree_size(),
                           " entries is the beginning of this one: nothing was rewritten or taken "
                           "out"));
  }
  return steps.Tell(format, io);
}

}  // namespace nisi::cli
