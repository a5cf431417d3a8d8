// Keys: bytes that sort like the tuple they encode. Text is escaped and terminated, integers are
// big-endian with the sign bit flipped; parts are never joined raw, so no two tuples share bytes
// and a tuple's encoding is a prefix of exactly the tuples that begin with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/date.h"

namespace nisi::store {

class Key {
 public:
  Key() = default;

  template <class... Parts>
  static Key Of(const Parts&... parts) {
    Key key;
    (key.Add(parts), ...);
    return key;
  }
  static Key FromBytes(absl::string_view bytes) {
    Key key;
    key.bytes_ = std::string(bytes);
    return key;
  }

  Key& Add(absl::string_view text);
  Key& Add(const std::string& text) { return Add(absl::string_view(text)); }
  Key& Add(const char* text) { return Add(absl::string_view(text)); }
  Key& Add(int64_t number);
  Key& Add(int32_t number) { return Add(static_cast<int64_t>(number)); }
  Key& Add(const base::Date& date) { return Add(static_cast<int64_t>(date.days())); }
  // The beginning of a text part: a prefix of every key whose next part begins with `text`.
  Key& AddTextPrefix(absl::string_view text);

  absl::string_view bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  bool operator==(const Key&) const = default;

 private:
  std::string bytes_;
};

// Takes a key apart again, part by part; nullopt where the bytes are not that kind of part.
class KeyReader {
 public:
  explicit KeyReader(absl::string_view bytes) : rest_(bytes) {}
  std::optional<std::string> Text();
  std::optional<int64_t> Number();
  bool done() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
};

// The smallest string greater than all that begin with `prefix`; empty when there is none.
std::string PrefixEnd(absl::string_view prefix);

void AppendBigEndian16(std::string* out, uint16_t value);
void AppendBigEndian32(std::string* out, uint32_t value);
void AppendBigEndian64(std::string* out, uint64_t value);
uint32_t ReadBigEndian32(absl::string_view bytes);
uint64_t ReadBigEndian64(absl::string_view bytes);

}  // namespace nisi::store
