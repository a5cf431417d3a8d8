#pragma once

#include <istream>
#include <optional>
#include <string>

#include "nisi/journal/v1/journal.pb.h"
#include "tools/nisi/args.h"
#include "tools/nisi/client.h"
#include "tools/nisi/io.h"
#include "tools/nisi/steps.h"

// A service's whole journal in a file, and its check without any server. A line of such a file is
// one JSON object: the first {treeHead, signingKey}, each other an EntryRecord, in order of
// position. Journals are long, so neither command holds more of one than a page.
namespace nisi::cli {

struct JournalHead {
  nisi::journal::v1::TreeHead head;
  nisi::journal::v1::SigningKey key;
};

// Nothing when the line does not begin a kept journal.
std::optional<JournalHead> JournalHeadFrom(const std::string& line);

// Writes all entries of the tree as it is now to --output, else to `io.out`. Returns the exit code.
int KeepJournal(const Client& client, const Args& args, Format format, const Io& io);

// Computes the tree again from the entries on `lines` and holds its root against the signed one:
// whoever alters, drops, adds or moves a single entry gets another. Tells every step; returns the
// exit code as Steps::Tell. With `since`, an older signed head: that its tree is the beginning of
// this one, so nothing was rewritten since.
int VerifyJournal(const JournalHead& journal, std::istream* lines, const PinnedKeys& pinned,
                  const JournalHead* since, Format format, const Io& io);

}  // namespace nisi::cli
