#include "common/store/key.h"

#include <array>

namespace nisi::store {
namespace {

constexpr char kEscape = '\x00';
constexpr char kEscapedZero = '\xff';  // 00 ff: a zero byte of the text
constexpr char kEnd = '\x01';  // 00 01: the end of the text; sorts before every continuation
constexpr uint64_t kSignBit = uint64_t{1} << 63;

template <class Number>
void AppendNumber(std::string* out, Number value) {
  std::array<char, sizeof(Number)> bytes;
  for (size_t i = bytes.size(); i-- > 0; value = static_cast<Number>(value >> 8))
    bytes[i] = static_cast<char>(value & 0xff);
  out->append(bytes.data(), bytes.size());
}

}  // namespace

Key& Key::AddTextPrefix(absl::string_view text) {
  for (const char c : text) {
    bytes_.push_back(c);
    if (c == kEscape) bytes_.push_back(kEscapedZero);
  }
  return *this;
}

Key& Key::Add(absl::string_view text) {
  AddTextPrefix(text);
  bytes_.push_back(kEscape);
  bytes_.push_back(kEnd);
  return *this;
}

Key& Key::Add(int64_t number) {
  AppendBigEndian64(&bytes_, static_cast<uint64_t>(number) ^ kSignBit);
  return *this;
}

std::optional<std::string> KeyReader::Text() {
  std::string text;
  for (size_t i = 0; i < rest_.size(); ++i) {
    if (rest_[i] != kEscape) {
      text.push_back(rest_[i]);
      continue;
    }
    if (i + 1 >= rest_.size()) return std::nullopt;
    if (rest_[i + 1] == kEnd) {
      rest_.remove_prefix(i + 2);
      return text;
    }
    if (rest_[i + 1] != kEscapedZero) return std::nullopt;
    text.push_back(kEscape);
    ++i;
  }
  return std::nullopt;
}

std::optional<int64_t> KeyReader::Number() {
  if (rest_.size() < 8) return std::nullopt;
  const uint64_t value = ReadBigEndian64(rest_) ^ kSignBit;
  rest_.remove_prefix(8);
  return static_cast<int64_t>(value);
}

std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last != 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

void AppendBigEndian16(std::string* out, uint16_t value) {
  AppendNumber(out, value);
}

void AppendBigEndian32(std::string* out, uint32_t value) {
  AppendNumber(out, value);
}

void AppendBigEndian64(std::string* out, uint64_t value) {
  AppendNumber(out, value);
}

uint32_t ReadBigEndian32(absl::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

uint64_t ReadBigEndian64(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace nisi::store
