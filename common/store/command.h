// What is known of a command before it runs: who, what, under which id. Facts, decided outside the
// transaction.
#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"

namespace nisi::store {

struct CommandInfo {
  std::string actor;           // subject, or "system/..." for what acts by itself
  std::string on_behalf_of;    // BIN or IIN; empty for state bodies
  std::string method;          // full method, as "/package.Service/Method"
  std::string request_id;      // empty: the command is not guarded against repetition
  std::string body_hash;       // SHA-256 of the request's bytes; with request_id
  bool validate_only = false;  // run and answer, change nothing
  // Of an Update: a record that is put as it stands stays as it is, with its etag. A command that
  // changes nothing is answered, once, and not recorded.
  bool keeps_same = false;
};

// What a command came to. `reply` is what the command returned, or what it returned the first time.
struct Outcome {
  std::string reply;
  int64_t position = 0;   // of the command's last journal entry; 0: none was made
  bool replayed = false;  // the request id was answered before
};

}  // namespace nisi::store
