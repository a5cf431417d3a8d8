// ImportEntries: what a row becomes, and when it may enter. How rows come and are reported on is in
// common/rpc/import.h.
#include <set>

#include "common/base/codes.h"
#include "common/rpc/import.h"
#include "services/export_refunds/errors.h"
#include "services/export_refunds/rpcs.h"

namespace nisi::export_refunds {
namespace {

class EntryImport final : public rpc::Import<v1::ImportEntriesRequest, Entry> {
 public:
  explicit EntryImport(Env& env) : Import(*env.store), env_(env) {}

 protected:
  absl::Status CheckHeader(const Header& header) override {
    ASSIGN_OR_RETURN(edition_, rpc::NumberIn(header.parent(), "lists/*", 0));
    return absl::OkStatus();
  }

  Entry FromRow(const Row& row) const override {
    Entry entry;
    entry.set_goods_code(row.goods_code());
    entry.set_oked(row.oked());
    entry.set_name_kk(row.name_kk());
    entry.set_name_ru(row.name_ru());
    entry.set_name_en(row.name_en());
    entry.set_sector(row.sector());
    entry.set_processing_level(rpc::ValueNamed<ProcessingLevel>(row.processing_level()));
    entry.set_note(row.note());
    return entry;
  }

  std::string KeyOf(const Row& row) const override {
    return base::GoodsCode::Parse(row.goods_code()).ok() ? row.goods_code() : "";
  }

  absl::Status Begin(store::Tx& tx, const Call& call, const Header& /*header*/) override {
    RETURN_IF_ERROR(WriteIn(env_, tx, call, edition_));
    codes_.clear();
    RETURN_IF_ERROR(
        tx.Scan(kEntries, {store::Key::Of(edition_), ""}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
                  codes_.insert(CodeOf(stored.row.entry()));
                  return true;
                }));
    tx.Cite(errors::List());
    return absl::OkStatus();
  }

  absl::Status Enter(store::Tx& tx, const Entry& entry) override {
    RETURN_IF_ERROR(CheckEntry(entry, "entry"));
    if (const auto other = FindOverlap(codes_, CodeOf(entry)); other.has_value()) {
      return errors::EntryOverlap(EntryName(edition_, *other));
    }
    codes_.insert(CodeOf(entry));
    EntryRow row;
    row.set_edition(edition_);
    *row.mutable_entry() = entry;
    row.mutable_entry()->set_name(EntryName(edition_, CodeOf(entry)));
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

}  // namespace nisi::export_refunds
