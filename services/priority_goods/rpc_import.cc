// ImportEntries: what a row becomes, and when it may enter. How rows come and are reported on is in
// common/rpc/import.h.
#include <set>

#include "common/base/codes.h"
#include "common/rpc/import.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/levels.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

class EntryImport final : public rpc::Import<v1::ImportEntriesRequest, Entry> {
 public:
  explicit EntryImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  absl::Status CheckHeader(const Header& header) override {
    ASSIGN_OR_RETURN(edition_, EditionNumber(header.parent()));
    return absl::OkStatus();
  }

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

  std::string KeyOf(const Row& row) const override {
    return base::GoodsCode::Parse(row.goods_code()).ok() ? row.goods_code() : "";
  }

  absl::Status Judge(const Entry& entry) const override {
    return CheckLevel(entry.processing_level());
  }

  absl::Status Begin(store::Tx& tx, const Call& call, const Header& /*header*/) override {
    RETURN_IF_ERROR(WriteIn(env_, tx, call, edition_));
    codes_.clear();
    RETURN_IF_ERROR(
        tx.Scan(kEntries, {store::Key::Of(edition_), ""}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
                  codes_.insert(stored.row.entry().goods_code());
                  return true;
                }));
    tx.Cite(errors::ListOfPriorityGoods());
    return absl::OkStatus();
  }

  absl::Status JudgeIn(const store::Tx& tx, const Entry& entry) override {
    return CheckAssessed(tx, entry);
  }

  absl::Status Enter(store::Tx& tx, const Entry& entry) override {
    if (const auto other = FindOverlap(codes_, entry.goods_code()); other.has_value()) {
      return errors::EntryOverlap(EntryName(edition_, *other));
    }
    codes_.insert(entry.goods_code());
    EntryRow row;
    row.set_edition(edition_);
    *row.mutable_entry() = entry;
    row.mutable_entry()->set_name(EntryName(edition_, entry.goods_code()));
    return tx.Put(kEntries, &row);
  }

 private:
  const Env& env_;
  int32_t edition_ = 0;
  std::set<std::string> codes_;  // that the edition has, with the rows so far
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEntriesRequest>>> ImportEntries(Env& env,
                                                                                          Call&) {
  return std::make_unique<EntryImport>(env);
}

}  // namespace nisi::priority_goods
