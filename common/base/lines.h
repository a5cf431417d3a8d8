// Records as lines of text, for files that leave the system: CSV after RFC 4180 or JSON lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/hash.h"

namespace nisi::base {

// Appends the text as a JSON string. What is no UTF-8 must not come here: the form check sees to
// that.
void AppendJsonString(std::string& out, absl::string_view text);

// Writes lines of one set of columns and knows how many there were and what all of it hashes to.
class LineWriter {
 public:
  enum class Format { kCsv, kJsonLines };
  // A CSV begins with the names of the columns.
  LineWriter(Format format, std::vector<std::string> columns);
  ~LineWriter();

  // One value a column, in order. JSON has all values as strings, without those that are empty.
  void Add(const std::vector<std::string>& values);
  // What was written since the last time.
  size_t pending() const { return out_.size(); }
  std::string Take();

  // Lines that were added; the names of the columns are none.
  int64_t count() const { return count_; }
  // SHA-256, 32 bytes, over all that was taken. Once, at the end.
  std::string Digest();

 private:
  struct Hasher;

  const Format format_;
  const std::vector<std::string> columns_;
  std::string out_;
  int64_t count_ = 0;
  std::unique_ptr<Hasher> hasher_;
};

}  // namespace nisi::base
