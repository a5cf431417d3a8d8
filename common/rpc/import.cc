#include "common/rpc/import.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/rpc/store_call.h"

namespace nisi::rpc {
namespace {

using google::protobuf::Message;
using v1::ImportReport;

// Of a fault in the report, beside its texts.
constexpr size_t kFaultBytes = 8;

absl::Status TooManyRows() {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "IMPORT_TOO_LARGE",
                       "Too many rows for one import.")
      .With("maxRows", absl::StrCat(kMaxImportRows))
      .Field("header.row_count", absl::StrCat("must be at most ", kMaxImportRows));
}

absl::Status TooManyBytes() {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "IMPORT_TOO_LARGE",
                       "The rows are too large for one import.")
      .With("maxBytes", absl::StrCat(kMaxImportBytes))
      .Field("rows", absl::StrCat("must have at most ", kMaxImportBytes, " bytes in all"));
}

// How many rows the header announced, and how many came as far as is known.
absl::Status RowCount(int32_t announced, size_t came) {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "IMPORT_ROW_COUNT",
                       "The stream does not hold as many rows as its header says.")
      .With("announced", absl::StrCat(announced))
      .With("came", absl::StrCat(came))
      .Field("header.row_count",
             absl::StrCat("says ", announced, " rows, but the stream holds ",
                          came > static_cast<size_t>(announced) ? "more" : absl::StrCat(came)));
}

// Whether a failure says something of the row, and not of the store.
bool IsOfTheRow(const absl::Status& status) {
  if (base::ReasonOf(status) == "NORM_NOT_IN_FORCE") return false;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return true;
    default:
      return false;
  }
}

// What is wrong is told without the cell's value: all of it, while `room` is left for what is not
// the first fault of its row.
void Explain(const absl::Status& status, ImportReport::Row::Outcome outcome, size_t* room,
             ImportReport::Row* row) {
  row->set_outcome(outcome);
  row->set_reason(base::ReasonOf(status));
  row->set_article(base::LegalBasisOf(status).article());
  row->set_description(std::string(status.message()));
  const auto bad = base::BadRequestOf(status);
  if (bad.field_violations_size() == 0) return;
  row->set_field(bad.field_violations(0).field());
  row->set_description(bad.field_violations(0).description());
  for (int i = 1; i < bad.field_violations_size(); ++i) {
    const auto& violation = bad.field_violations(i);
    const size_t bytes = violation.field().size() + violation.description().size() + kFaultBytes;
    if (bytes > *room) return;
    *room -= bytes;
    ImportReport::Row::Fault& fault = *row->add_further_faults();
    fault.set_field(violation.field());
    fault.set_description(violation.description());
  }
}

// The law behind a refusal, once.
void Cite(const absl::Status& refusal, ImportReport* report) {
  const base::LegalBasis basis = base::LegalBasisOf(refusal);
  if (basis.article().empty()) return;
  for (const base::LegalBasis& known : report->legal_basis()) {
    if (known.SerializeAsString() == basis.SerializeAsString()) return;
  }
  *report->add_legal_basis() = basis;
}

void Tally(ImportReport::Row::Outcome outcome, ImportReport* report) {
  switch (outcome) {
    case ImportReport::Row::ENTERED:
      return report->set_entered_count(report->entered_count() + 1);
    case ImportReport::Row::REFUSED:
      return report->set_refused_count(report->refused_count() + 1);
    default:
      return report->set_invalid_count(report->invalid_count() + 1);
  }
}

}  // namespace

absl::Status ImportOrder(absl::string_view what) {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "IMPORT_ORDER",
                       "The stream begins with one header, then rows.")
      .Field("content", what);
}

absl::Status ImportCore::Begin(const Header& header, const Message& sent) {
  header_ = header;
  begun_ = true;
  if (static_cast<size_t>(header_.row_count) > kMaxImportRows) return TooManyRows();
  Hash(sent);
  return absl::OkStatus();
}

// The request id stands for the header and the rows, each by itself: not for the messages that
// happened to carry them.
void ImportCore::Hash(const Message& part) {
  hash_ = std::string(base::AsBytes(base::Sha256({hash_, part.SerializeAsString()})));
}

absl::Status ImportCore::Count(const Message& sent) {
  if (came_ == static_cast<size_t>(header_.row_count)) {
    return RowCount(header_.row_count, came_ + 1);
  }
  ++came_;
  bytes_ += sent.ByteSizeLong();
  if (bytes_ > kMaxImportBytes) return TooManyBytes();
  Hash(sent);
  return absl::OkStatus();
}

absl::StatusOr<bool> ImportCore::Judge(int32_t row_number, std::string key, Message* resource,
                                       const std::function<absl::Status()>& judge) {
  Row& row = *reports_.add_rows();
  row.set_row_number(row_number);
  row.set_key(std::move(key));
  row.set_outcome(Row::ENTERED);
  if (const absl::Status form = form_.Check(resource); !form.ok()) {
    Explain(form, Row::INVALID, &room_, &row);
  } else if (const absl::Status law = judge(); !law.ok()) {
    if (!IsOfTheRow(law)) return law;
    Explain(law, Row::REFUSED, &room_, &row);
    Cite(law, &reports_);
  }
  return row.outcome() == Row::ENTERED;
}

absl::StatusOr<std::string> ImportCore::Finish(Call& call,
                                               const std::function<absl::Status()>& gather,
                                               const InStore& rows) {
  if (!begun_) return ImportOrder("the first message is the header");
  // A client that breaks an upload off may close its side first, so that what came looks whole.
  if (came_ != static_cast<size_t>(header_.row_count)) return RowCount(header_.row_count, came_);
  call.request_id = header_.request_id;
  call.body_hash = hash_;
  store::CommandInfo info = CommandOf(call);
  info.validate_only = header_.dry_run;
  ASSIGN_OR_RETURN(const auto known, store_.FindReply(info));
  if (known.has_value()) {
    call.position = known->position;
    return known->reply;
  }
  RETURN_IF_ERROR(gather());
  // An import that its rows stop, or of which the law lets nothing in, changes nothing: its report
  // is the answer, and the id stays free.
  bool nothing_entered = false;
  ImportReport report;
  auto outcome = store_.Write(info, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(report, Enter(tx, rows));
    nothing_entered = Stops(report) || report.entered_count() == 0;
    if (nothing_entered) return absl::CancelledError("no row enters");
    report.set_committed(!header_.dry_run);
    return report.SerializeAsString();
  });
  if (nothing_entered) return report.SerializeAsString();
  if (!outcome.ok()) return outcome.status();
  call.position = outcome->position;
  return std::move(outcome->reply);
}

absl::StatusOr<ImportReport> ImportCore::Enter(store::Tx& tx, const InStore& rows) const {
  RETURN_IF_ERROR(rows.begin(tx));
  ImportReport report = reports_;
  size_t room = room_;
  for (int i = 0; i < report.rows_size(); ++i) {
    Row& row = *report.mutable_rows(i);
    const auto number = static_cast<size_t>(i);
    if (row.outcome() == Row::ENTERED) {
      if (const absl::Status law = rows.judge(tx, number); !law.ok()) {
        if (!IsOfTheRow(law)) return law;
        Explain(law, Row::REFUSED, &room, &row);
        Cite(law, &report);
      } else if (const absl::Status entered = rows.enter(tx, number); !entered.ok()) {
        if (!IsOfTheRow(entered)) return entered;
        Explain(entered, Row::INVALID, &room, &row);
      }
    }
    Tally(row.outcome(), &report);
  }
  const bool enters = !Stops(report) && report.entered_count() > 0;
  if (enters) RETURN_IF_ERROR(rows.complete(tx));
  return report;
}

bool ImportCore::Stops(const ImportReport& report) const {
  return report.invalid_count() > 0 || (header_.all_or_none && report.refused_count() > 0);
}

}  // namespace nisi::rpc
