// The metadata of a call, and how gRPC writes what HTTP/2 has no form for: deadlines, error texts,
// binary values. Form: "PROTOCOL-HTTP2" of the gRPC documentation.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::http2 {

struct Field {
  std::string name;   // in lower case
  std::string value;  // of a name in "-bin": the bytes themselves

  // As it goes over the wire.
  std::string WireValue() const;
};

// In the order they came; a name may repeat.
class Fields {
 public:
  void Add(std::string name, std::string value) {
    fields_.push_back({std::move(name), std::move(value)});
  }
  // As it came over the wire: the bytes of a name in "-bin", where they are base64.
  void AddFromWire(absl::string_view name, absl::string_view value);
  // The first of that name; null for none.
  const std::string* Find(absl::string_view name) const;
  size_t Count(absl::string_view name) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

// Whether values of this name are bytes, written in base64.
bool IsBinary(absl::string_view name);
std::string EncodeBinary(absl::string_view bytes);
// With or without padding; nullopt for what is not base64.
std::optional<std::string> DecodeBinary(absl::string_view text);

// "250m": a number of at most 8 digits and a unit. nullopt for what is no such thing.
std::optional<absl::Duration> ParseTimeout(absl::string_view text);

// grpc-message: UTF-8 whose bytes outside of printable ASCII, and '%', are written %XX.
std::string EscapeMessage(absl::string_view text);
std::string UnescapeMessage(absl::string_view text);

}  // namespace nisi::http2
