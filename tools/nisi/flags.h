#pragma once

#include <fstream>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "nisi/rpc/v1/options.pb.h"

// The fields of a request as flags, read from its descriptor.
namespace nisi::cli {

struct FieldFlag {
  // Kebab-case path, as "edition.title-ru".
  std::string name;
  // From the request down to the field it sets.
  std::vector<const google::protobuf::FieldDescriptor*> path;

  const google::protobuf::FieldDescriptor& field() const { return *path.back(); }
  const nisi::rpc::v1::Field& rules() const;
  // Set by the system, in whole or through a message above it.
  bool output_only() const;
};

// Messages written as one value: google.type.Date and Money, Timestamp, Duration, FieldMask.
bool IsValueMessage(const google::protobuf::Descriptor& type);

// One flag a field, in the order of the proto; a nested message gives one flag for itself (as JSON)
// and then its own, down to four levels.
std::vector<FieldFlag> FlagsOf(const google::protobuf::Descriptor& type);

// What the flag takes, in words: "a date, as 2026-01-31". Empty for a bool, which needs no value.
std::string FormOf(const google::protobuf::FieldDescriptor& field);
// The values an enum flag takes; empty for any other.
std::vector<std::string> ChoicesOf(const google::protobuf::FieldDescriptor& field);

// Sets or, for a repeated field, adds. `@file` reads bytes from a file. INVALID_ARGUMENT names the
// flag and the form it takes.
absl::Status SetFlag(const FieldFlag& flag, absl::string_view value,
                     google::protobuf::Message* message);

// Sets one field of the message itself from its text; commas do not split. INVALID_ARGUMENT says
// what is wrong.
absl::Status SetField(const google::protobuf::FieldDescriptor& field, absl::string_view value,
                      google::protobuf::Message* message);

// Merges the JSON object into the message. INVALID_ARGUMENT when it does not fit the message.
absl::Status SetFromJson(absl::string_view json, google::protobuf::Message* message);

// A file to read. NOT_FOUND names it and says why; a folder is none, though the system opens it,
// and a stream of it ends the program by an exception.
absl::StatusOr<std::ifstream> OpenToRead(const std::string& path);
// The contents of a file, of standard input for "-". NOT_FOUND as above.
absl::StatusOr<std::string> ReadFile(const std::string& path, std::istream* in);

}  // namespace nisi::cli
