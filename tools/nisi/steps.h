#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nisi/journal/v1/journal.pb.h"
#include "tools/nisi/io.h"

namespace nisi::cli {

// What the reader expects of the keys, in hex: of one, or of several where it was replaced between
// an older tree and this one. Each may be empty.
struct PinnedKeys {
  std::vector<std::string> public_keys;
  std::vector<std::string> key_ids;
};

std::string Hex(absl::string_view bytes);

// The raw key of an older head, which came with `given`: of those pinned, else `key`, this head's.
// That another one is good too nobody says but who pins it.
absl::StatusOr<std::string> KeyOfOlder(const nisi::journal::v1::TreeHead& older,
                                       const nisi::journal::v1::SigningKey& given,
                                       const PinnedKeys& pinned, const std::string& key);

// The steps of an offline check, told in words up to the first that fails.
class Steps {
 public:
  // `what` is checked: "proof", "journal".
  explicit Steps(std::string what) : what_(std::move(what)) {}

  // True when the step holds.
  bool Add(const char* name, const absl::Status& status, const std::string& words);
  // The first two steps of each check: the key is one of those pinned, else the one that came
  // along, if its id is as expected; and it signed the head. Returns the raw key; hold() says
  // whether it may be used.
  std::string AddHead(const nisi::journal::v1::TreeHead& head,
                      const nisi::journal::v1::SigningKey& given, const PinnedKeys& pinned);
  // A step that was asked for and cannot be taken: it neither holds nor fails. The first is told.
  void Skip(const char* name, const std::string& why);
  void Note(const std::string& text) { notes_.push_back(text); }
  bool hold() const { return failed_.empty(); }

  // kDone when all hold, kRefused when one does not, kUsage when one could not be taken.
  int Tell(Format format, const Io& io) const;

 private:
  const std::string what_;
  std::vector<std::pair<std::string, std::string>> done_;
  std::vector<std::string> notes_;
  std::string failed_, why_;
  std::string skipped_, skipped_why_;
};

}  // namespace nisi::cli
