// The tables that the targets of the store work on.
#pragma once

#include "common/store/table.h"
#include "nisi/testing/v1/testing.pb.h"

namespace nisi::fuzz {

using WidgetTable = store::Table<testing::v1::WidgetRow>;
using WidgetIndex = store::Index<testing::v1::WidgetRow>;

inline const WidgetTable kWidgets(1, "widgets", [](const testing::v1::WidgetRow& row) {
  return store::Key::Of(row.widget().code());
});
inline const WidgetIndex kByColor(10, "widgets_by_color", kWidgets, /*is_unique=*/false,
                                  [](const testing::v1::WidgetRow& row,
                                     const store::EmitKey& emit) {
                                    emit(store::Key::Of(row.widget().color()));
                                  });
inline const WidgetIndex kByBin(11, "widgets_by_bin", kWidgets, /*is_unique=*/true,
                                [](const testing::v1::WidgetRow& row, const store::EmitKey& emit) {
                                  if (!row.widget().bin().empty())
                                    emit(store::Key::Of(row.widget().bin()));
                                });

inline store::Schema WidgetSchema() {
  store::Schema schema;
  schema.name = "testing";
  schema.tables = {&kWidgets};
  schema.indexes = {&kByColor, &kByBin};
  return schema;
}

}  // namespace nisi::fuzz
