// The n-th widget, and the request that writes it, of the lanes that drive a store directly.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/store/store_testing.h"

namespace nisi::faults {

inline std::string WidgetCode(int n) {
  return absl::StrFormat("w%03d", n);
}

// `written` says how often it was before; what it looks like follows from that.
inline store::WidgetRow NumberedWidget(int n, int written) {
  store::WidgetRow row = store::MakeWidget(WidgetCode(n), absl::StrCat("color-", written % 7));
  row.mutable_widget()->add_tags(absl::StrCat("tag-", written % 5));
  row.mutable_widget()->add_tags(absl::StrCat("tag-", written % 11));
  row.mutable_widget()->set_bin(absl::StrFormat("%012d", n));
  return row;
}

inline store::CommandInfo NumberedInfo(int n) {
  return store::Info(absl::StrFormat("00000000-0000-4000-8000-%012d", n), absl::StrCat("body ", n));
}

// Ends the widget now and then, else writes it; every tenth time as of a later day, by a timer.
inline absl::Status WriteOrEnd(store::Tx& tx, int written, store::WidgetRow row) {
  const store::Key key = store::Key::Of(row.widget().code());
  ASSIGN_OR_RETURN(const auto there, tx.Find(store::kWidgets, key));
  if (there.has_value() && written % 9 == 8) return tx.End(store::kWidgets, key);
  std::optional<base::Date> from;
  if (written % 10 == 0) from = tx.today().AddDays(30);
  return tx.Put(store::kWidgets, &row, from);
}

}  // namespace nisi::faults
