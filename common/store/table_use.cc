#include "common/store/table_use.h"

namespace nisi::store {

const TableUse& TableUses::Of(const TableDef& table) {
  std::unique_ptr<const TableUse>& known = uses_[&table];
  if (known == nullptr) {
    auto use = std::make_unique<TableUse>();
    use->resource = table.prototype->GetDescriptor()->FindFieldByNumber(1);
    const auto* type = use->resource->message_type();
    use->etag = type->FindFieldByName("etag");
    use->update_time = type->FindFieldByName("update_time");
    use->create_time = type->FindFieldByName("create_time");
    use->indexes = schema_->IndexesOf(table);
    use->totals = schema_->TotalsOf(table);
    use->derived = schema_->DerivedOf(table);
    known = std::move(use);
  }
  return *known;
}

}  // namespace nisi::store
