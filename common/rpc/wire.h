// Building replies from stored bytes: a record that lies serialized in the store goes into a List
// answer as it is, without being parsed and serialized again. And looking into such bytes where one
// field is all that is asked.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace nisi::rpc {

// Appends protobuf fields to a byte string. The caller answers for field numbers and types; fields
// appear in the order they were added, which protobuf allows.
class ReplyBuilder {
 public:
  ReplyBuilder() = default;
  explicit ReplyBuilder(size_t expected_bytes) { bytes_.reserve(expected_bytes); }

  // A bytes field or a sub-message given as its serialized bytes. Adds the field even when `bytes`
  // is empty, as a repeated message with only defaults must appear.
  void AddBytesField(int field_number, absl::string_view bytes);
  // A string field; nothing when it is empty, as proto3 has it.
  void AddString(int field_number, absl::string_view text);
  // Whole fields, tags included: as an already built part of the answer.
  void AddRaw(absl::string_view fields) { bytes_.append(fields.data(), fields.size()); }

  size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  std::string Take() && { return std::move(bytes_); }

 private:
  void Append(uint64_t varint);

  std::string bytes_;
};

// A field as it stands in a message.
struct WireField {
  uint32_t number = 0;
  uint32_t type = 0;        // wire type: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes
  absl::string_view tag;    // its bytes
  absl::string_view whole;  // tag and value
  absl::string_view value;  // of type 2: the bytes
};

// Takes the first field off `bytes`. False: they begin with none, or with a group, which nothing of
// ours writes.
bool TakeField(absl::string_view* bytes, WireField* field);

// The message at the end of a path of singular message fields. Fields are in order of number, as
// serializers write them: what comes after is not looked at. Empty where it is not set, nullopt
// where the bytes before it are none.
std::optional<absl::string_view> FindMessage(absl::string_view message,
                                             std::initializer_list<uint32_t> path);

// As many bytes as a varint needs, at `at`.
void InsertVarint(size_t at, uint64_t value, std::string* bytes);

}  // namespace nisi::rpc
