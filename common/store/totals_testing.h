// For the tests of totals: what is read against a plain sum over a scan.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "common/store/store_testing.h"

namespace nisi::store {

using SumsByGroup = std::map<std::string, Sums>;

inline absl::StatusOr<SumsByGroup> ReadTotals(const Reader& reader, const TotalsDef& totals,
                                              const Key& prefix, const At& at) {
  SumsByGroup read;
  RETURN_IF_ERROR(reader.ScanTotals(
      totals, prefix, at,
      [&read](absl::string_view group, absl::Span<const Int> sums) -> absl::StatusOr<bool> {
        const bool later = read.empty() || read.rbegin()->first < group;
        EXPECT_TRUE(later) << "groups come in order of key";
        read.emplace(std::string(group), Sums(sums.begin(), sums.end()));
        return true;
      }));
  return read;
}

inline absl::StatusOr<SumsByGroup> AddUp(const Reader& reader, const TotalsDef& totals,
                                         const Key& prefix, const At& at) {
  SumsByGroup sums;
  const auto add = [&](const Key& group, absl::Span<const Int> measures) {
    if (!std::string(group.bytes()).starts_with(std::string(prefix.bytes()))) return;
    Sums& of_group = sums[std::string(group.bytes())];
    of_group.resize(measures.size());
    for (size_t i = 0; i < measures.size(); ++i) of_group[i] += measures[i];
  };
  RETURN_IF_ERROR(reader.Scan(*totals.on, {}, at,
                              [&](const RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                                ASSIGN_OR_RETURN(const auto row, ParseRow(*totals.on, view.row));
                                totals.shares(*row, add);
                                return true;
                              }));
  return sums;
}

inline void ExpectTotalsAddUp(const Reader& reader, const TotalsDef& totals,
                              const Key& prefix = Key(), const At& at = {}) {
  const auto read = ReadTotals(reader, totals, prefix, at);
  const auto sums = AddUp(reader, totals, prefix, at);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_TRUE(sums.ok()) << sums.status();
  ASSERT_EQ(*read, *sums) << "as_of " << at.as_of.value_or(reader.today()).ToString()
                          << ", known_at " << at.known_at_us.value_or(-1);
}

}  // namespace nisi::store
