// The codes that records are keyed by, as types made only by checked constructors. Every Parse
// fails with INVALID_ARGUMENT whose message is a short reason ("has 11 digits, needs 12") and never
// holds the value: the call layer turns it into a field violation.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nisi::base {

// A goods code of FEA CN / HS: 4, 6, 8 or 10 digits, chapter not 00 or 77. Ordered as text; needs
// no memory.
class GoodsCode {
 public:
  static absl::StatusOr<GoodsCode> Parse(absl::string_view text);
  // The beginning of codes: 2 digits, a whole chapter, too.
  static absl::StatusOr<GoodsCode> ParsePrefix(absl::string_view text);

  int digits() const { return static_cast<int>(packed_ & 0xf); }
  std::string ToString() const;

  friend auto operator<=>(const GoodsCode&, const GoodsCode&) = default;
  template <class H>
  friend H AbslHashValue(H h, const GoodsCode& c) {
    return H::combine(std::move(h), c.packed_);
  }

 private:
  explicit constexpr GoodsCode(uint64_t packed) : packed_(packed) {}
  // Ten digits, filled up with zeros, then the length in the lowest 4 bits. Orders as the text
  // does, a code before the codes that it covers.
  uint64_t packed_;
};

// A business (BIN) or individual (IIN) identification number, 12 digits with the check digit.
class BinIin {
 public:
  enum class Kind { kBin, kIin };

  // Either. The fifth digit tells: 4 to 6 in a BIN, 0 to 3 (a day of the month) in an IIN.
  static absl::StatusOr<BinIin> Parse(absl::string_view text);
  static absl::StatusOr<BinIin> ParseBin(absl::string_view text);
  static absl::StatusOr<BinIin> ParseIin(absl::string_view text);

  Kind kind() const { return kind_; }
  std::string ToString() const;

  friend auto operator<=>(const BinIin&, const BinIin&) = default;
  template <class H>
  friend H AbslHashValue(H h, const BinIin& b) {
    return H::combine(std::move(h), b.number_);
  }

 private:
  BinIin(uint64_t number, Kind kind) : number_(number), kind_(kind) {}
  uint64_t number_;
  Kind kind_;
};

// A region or city of republican significance of KATO.
struct KatoRegion {
  int prefix;       // the first two digits
  const char* iso;  // ISO 3166-2
  const char* name_en;
};
// All 20, by prefix.
absl::Span<const KatoRegion> KatoRegions();

// A place of the classifier KATO: 9 digits with a known two-digit prefix.
class Kato {
 public:
  static absl::StatusOr<Kato> Parse(absl::string_view text);

  // The region in which the place lies.
  const KatoRegion& region() const;
  int prefix() const { return static_cast<int>(number_ / 10'000'000); }
  std::string ToString() const;

  friend auto operator<=>(const Kato&, const Kato&) = default;
  template <class H>
  friend H AbslHashValue(H h, const Kato& k) {
    return H::combine(std::move(h), k.number_);
  }

 private:
  explicit Kato(uint32_t number) : number_(number) {}
  uint32_t number_;
};

// Codes that are texts of a certain shape: what is wrong with one that has another.

// NN.NN or NN.NN.N
struct OkedForm {
  static absl::Status Check(absl::string_view text);
};
// NN.NN, NN.NN.N, NN.NN.NN or NN.NN.NN.NNN
struct KpvedForm {
  static absl::Status Check(absl::string_view text);
};
// NNNNNN.NNN.NNNNNN
struct EnsTruForm {
  static absl::Status Check(absl::string_view text);
};
// The beginning of such codes, whole groups: NNNNNN, NNNNNN.NNN or all of it.
struct EnsTruPrefixForm {
  static absl::Status Check(absl::string_view text);
};
// The beginning of places of KATO: 2 to 9 digits with a known two-digit prefix.
struct KatoPrefixForm {
  static absl::Status Check(absl::string_view text);
};
// The text form of RFC 9562, in lower case.
struct UuidForm {
  static absl::Status Check(absl::string_view text);
};
// 1 to 63 lower-case letters, digits and underscores.
struct WordForm {
  static absl::Status Check(absl::string_view text);
};

// Matches "editions/7/entries/e1" with the pattern "editions/*/entries/*" and returns what stands
// at the stars:
// {"7", "e1"}. A segment at a star has 1 to 63 of a-z, 0-9 and "-". INVALID_ARGUMENT with the
// reason.
absl::StatusOr<std::vector<std::string>> MatchResourceName(absl::string_view pattern,
                                                           absl::string_view name);

}  // namespace nisi::base
