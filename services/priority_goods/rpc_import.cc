// ImportEntries: what a row becomes, and when it may enter. How rows come and are reported on is in
// common/rpc/import.h, what is common to lists in common/cases/edition_entries.h.
#include "common/cases/edition_entries.h"
#include "services/priority_goods/levels.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

class GoodsImport final : public cases::EntryImport<GoodsList, v1::ImportEntriesRequest> {
 public:
  explicit GoodsImport(Env& env) : EntryImport(*env.store, *env.norms) {}

 protected:
  Entry FromRow(const Row& row) const override {
    Entry entry;
    entry.set_goods_code(row.goods_code());
    entry.set_name_kk(row.name_kk());
    entry.set_name_ru(row.name_ru());
    entry.set_name_en(row.name_en());
    entry.set_sector(row.sector());
    entry.set_processing_level(rpc::ValueNamed<ProcessingLevel>(row.processing_level()));
    entry.set_oked(row.oked());
    entry.set_kpved(row.kpved());
    entry.set_note(row.note());
    return entry;
  }

  absl::Status Judge(const Entry& entry) const override {
    return CheckLevel(entry.processing_level());
  }

  absl::Status JudgeIn(const store::Tx& tx, const Entry& entry) override {
    return CheckAssessed(tx, entry);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEntriesRequest>>> ImportEntries(Env& env,
                                                                                          Call&) {
  return std::make_unique<GoodsImport>(env);
}

}  // namespace nisi::priority_goods
