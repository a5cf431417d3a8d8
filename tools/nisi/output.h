#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "tools/nisi/io.h"
#include "tools/nisi/rows.h"

namespace nisi::cli {

// "" is kTable. INVALID_ARGUMENT for anything but table, json, csv.
absl::StatusOr<Format> ParseFormat(absl::string_view name);

// Prints the answer of a unary call: for people its rows, then what else it holds; as JSON its
// standard protobuf form; as CSV its rows, or itself as one.
void PrintMessage(const google::protobuf::Message& message, Format format, int width,
                  std::ostream* out);

// Prints the messages of a stream as they come: one JSON object or CSV record a line, or a table.
class StreamPrinter {
 public:
  // With `live` each message is printed at once; else a table waits for the last to be aligned.
  StreamPrinter(Format format, bool live, int width, std::ostream* out)
      : format_(format), live_(live), width_(width), out_(out) {}

  void Print(const google::protobuf::Message& message);
  // `whole`: it ended well, so that none means that there is none.
  void Finish(bool whole = true);

 private:
  void AddRows(const Table& table);
  void PrintTable(const Table& table);

  Format format_;
  bool live_;
  int width_;
  std::ostream* out_;
  Table kept_;
  bool csv_heading_done_ = false;
  std::vector<std::string> shown_columns_;
  std::vector<int> widths_;
  bool cut_told_ = false;
};

}  // namespace nisi::cli
