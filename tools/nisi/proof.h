#pragma once

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nisi/journal/v1/journal.pb.h"
#include "tools/nisi/io.h"
#include "tools/nisi/steps.h"

namespace nisi::cli {

// All that is needed to check one journal entry without any server.
struct Proof {
  // Absent where the reader may not see entries: then only its leaf hash is proved.
  bool has_entry = false;
  nisi::journal::v1::EntryRecord entry;
  nisi::journal::v1::InclusionProof inclusion;
  nisi::journal::v1::TreeHead head;
  nisi::journal::v1::SigningKey key;
  // That an older tree is the beginning of this one.
  bool has_consistency = false;
  nisi::journal::v1::ConsistencyProof consistency;
};

// One JSON object {entry, inclusionProof, treeHead, signingKey, consistencyProof}, each in its
// protobuf form.
std::string ToJson(const Proof& proof);
// INVALID_ARGUMENT for anything else.
absl::StatusOr<Proof> ProofFromJson(const std::string& text);

// Tells every step in words. Returns kDone when all hold, kRefused at the first that does not,
// kUsage when all hold but the file has no path from the tree of `since`, so that nothing is known
// of it. With `list`, the entries of an edition, a JSON object a line as its export gives them:
// that they are those which the proved entry stands for; kUsage where it stands for none.
int VerifyProof(const Proof& proof, const PinnedKeys& pinned, const Proof* since,
                std::istream* list, Format format, const Io& io);

// nisi proof get|journal|verify
int RunProof(const std::vector<std::string>& argv, const Io& io);
// nisi verify
int RunVerify(const std::vector<std::string>& argv, const Io& io);

}  // namespace nisi::cli
