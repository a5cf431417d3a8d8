#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "tools/nisi/args.h"
#include "tools/nisi/client.h"
#include "tools/nisi/io.h"

// Client streams that take a table in: the request is a oneof {header; rows}, `rows` holds a
// repeated message.
namespace nisi::cli {

struct ImportShape {
  const google::protobuf::FieldDescriptor* header;
  const google::protobuf::FieldDescriptor* rows;
  // The repeated message inside `rows`.
  const google::protobuf::FieldDescriptor* items;
  // The header's field row_count, which is filled with how many rows the table has; null when the
  // header has none.
  const google::protobuf::FieldDescriptor* row_count;
};

// Nothing for a method of another shape.
std::optional<ImportShape> ImportShapeOf(const google::protobuf::MethodDescriptor& method);

struct ColumnMap {
  // From a column's name to a field's.
  std::map<std::string, std::string> renames;
  bool ignore_unknown = false;
};
// "hs_code=goods_code,..." INVALID_ARGUMENT for anything else.
absl::StatusOr<ColumnMap> ParseColumnMap(const std::string& text, bool ignore_unknown);

// The rows of the CSV text as requests of at most 500 rows; a field row_number gets the line.
// INVALID_ARGUMENT names the column or line that is wrong.
absl::StatusOr<std::vector<MessagePtr>> ReadBatches(std::istream* in, const std::string& name,
                                                    const google::protobuf::Descriptor& request,
                                                    const ImportShape& shape, const ColumnMap& map);

// Sends header and rows and reports on each row. Returns the exit code: kRefused too when nothing
// was entered though it was no dry run.
int RunImport(const google::protobuf::MethodDescriptor& method, const ImportShape& shape,
              const Client& client, const CallOptions& options, const Args& args, Format format,
              int width, const Io& io);

}  // namespace nisi::cli
