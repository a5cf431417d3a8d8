// Which edition of the list stands on a day, and what it says of a code.
#include "absl/strings/str_cat.h"
#include "services/export_refunds/env.h"

namespace nisi::export_refunds {

absl::StatusOr<ListOfDay> ListOfDay::On(const store::Reader& reader, base::Date day) {
  ListOfDay list(reader);
  RETURN_IF_ERROR(
      reader.Scan(kListsByEffectiveDay, {}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EditionRow>(view));
                    ASSIGN_OR_RETURN(const base::Date first,
                                     base::Date::FromProto(stored.row.edition().effective_from()));
                    if (first > day) return false;
                    list.number_ = stored.row.number();
                    list.edition_ = stored.row.edition().name();
                    return true;
                  }));
  return list;
}

absl::StatusOr<std::optional<Told>> ListOfDay::Find(const std::string& code) {
  if (number_ == 0) return std::nullopt;
  if (const auto known = known_.find(code); known != known_.end()) return known->second;
  std::optional<Told> told;
  for (const std::string& covering : cases::Covering(code)) {
    ASSIGN_OR_RETURN(const auto found, reader_->Find(kEntries, store::Key::Of(number_, covering)));
    if (!found.has_value()) continue;
    const Entry& entry = found->row.entry();
    told = Told{v1::ProcessingLevel_Name(entry.processing_level()), entry.name(), entry.etag()};
    break;
  }
  known_[code] = told;
  return told;
}

}  // namespace nisi::export_refunds
