// ImportEntries: rows come in a stream, are checked one by one, and enter together or not at all.
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/base/hash.h"
#include "common/rpc/form.h"
#include "common/rpc/store_call.h"
#include "services/priority_goods/errors.h"
#include "services/priority_goods/rpcs.h"
#include "services/priority_goods/rules.h"

namespace nisi::priority_goods {
namespace {

using Report = v1::ImportEntriesResponse::RowReport;
using Row = v1::ImportEntriesRequest::Row;

// Bounds the reply: one report a row must fit a message of 4 MiB.
constexpr size_t kMaxRows = 20'000;

Entry ToEntry(const Row& row) {
  Entry entry;
  entry.set_goods_code(row.goods_code());
  entry.set_name_kk(row.name_kk());
  entry.set_name_ru(row.name_ru());
  entry.set_name_en(row.name_en());
  entry.set_sector(row.sector());
  ProcessingLevel level = v1::PROCESSING_LEVEL_UNSPECIFIED;
  v1::ProcessingLevel_Parse(absl::AsciiStrToUpper(row.processing_level()), &level);
  entry.set_processing_level(level);
  entry.set_oked(row.oked());
  entry.set_kpved(row.kpved());
  entry.set_note(row.note());
  return entry;
}

void Explain(const absl::Status& status, Report::Outcome outcome, Report* report) {
  report->set_outcome(outcome);
  report->set_reason(base::ReasonOf(status));
  report->set_article(base::LegalBasisOf(status).article());
  report->set_description(std::string(status.message()));
  const auto bad = base::BadRequestOf(status);
  if (bad.field_violations_size() > 0) {
    report->set_field(bad.field_violations(0).field());
    report->set_description(bad.field_violations(0).description());
  }
}

class Import final : public rpc::MessageSink<v1::ImportEntriesRequest> {
 public:
  explicit Import(Env& env) : env_(env), form_(Entry::descriptor()) {}

  absl::Status Push(const v1::ImportEntriesRequest& message) override {
    if (!has_header_) {
      if (!message.has_header()) return errors::ImportOrder("the first message is the header");
      header_ = message.header();
      has_header_ = true;
      if (AnnouncedRows() > kMaxRows) return errors::ImportTooLarge(kMaxRows);
      Hash(header_);
      ASSIGN_OR_RETURN(edition_, EditionNumber(header_.parent()));
      return absl::OkStatus();
    }
    if (!message.has_rows()) return errors::ImportOrder("rows follow the header");
    for (const Row& row : message.rows().rows()) {
      if (entries_.size() == AnnouncedRows())
        return errors::ImportRowCount(header_.row_count(), entries_.size() + 1);
      Hash(row);
      CheckForm(row);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Finish(Call& call) override {
    if (!has_header_) return errors::ImportOrder("the first message is the header");
    // A client that breaks an upload off may close its side first, so that what came looks whole.
    if (entries_.size() != AnnouncedRows())
      return errors::ImportRowCount(header_.row_count(), entries_.size());
    call.request_id = header_.request_id();
    call.body_hash = hash_;
    store::CommandInfo info = rpc::CommandOf(call);
    info.validate_only = header_.dry_run();
    // An import with an invalid row changes nothing: its report is the answer, and the id stays
    // free for the mended file.
    bool nothing_entered = false;
    v1::ImportEntriesResponse report;
    auto outcome = env_.store->Write(info, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(report, Enter(tx, call));
      nothing_entered = report.invalid_count() > 0;
      if (nothing_entered) return absl::CancelledError("invalid rows");
      report.set_committed(!header_.dry_run() && report.entered_count() > 0);
      return report.SerializeAsString();
    });
    if (nothing_entered) return report.SerializeAsString();
    if (!outcome.ok()) return outcome.status();
    call.position = outcome->position;
    return std::move(outcome->reply);
  }

 private:
  size_t AnnouncedRows() const { return static_cast<size_t>(header_.row_count()); }

  // The request id stands for the header and the rows, each by itself: not for the messages that
  // happened to carry them.
  void Hash(const google::protobuf::Message& part) {
    hash_ = std::string(base::AsBytes(base::Sha256({hash_, part.SerializeAsString()})));
  }

  // A cell may hold anything: the form is that of the entry which the row is to become. What is
  // wrong is told without the cell's value.
  void CheckForm(const Row& row) {
    Report& report = *reports_.add_rows();
    report.set_row_number(row.row_number());
    if (base::GoodsCode::Parse(row.goods_code()).ok()) report.set_goods_code(row.goods_code());
    Entry entry = ToEntry(row);
    const absl::Status form = form_.Check(&entry);
    if (!form.ok()) {
      Explain(form, Report::INVALID, &report);
    } else if (const absl::Status level = CheckLevel(entry.processing_level()); !level.ok()) {
      Explain(level, Report::REFUSED, &report);
    } else {
      report.set_outcome(Report::ENTERED);
    }
    // What cannot enter is not kept: it may be as large as a message.
    entries_.push_back(report.outcome() == Report::ENTERED ? std::move(entry) : Entry());
  }

  absl::StatusOr<v1::ImportEntriesResponse> Enter(store::Tx& tx, const Call& call) {
    RETURN_IF_ERROR(BeginStep(tx, call, header_.parent(), "", Verb::kEdit).status());
    std::set<std::string> codes;
    RETURN_IF_ERROR(
        tx.Scan(kEntries, {store::Key::Of(edition_), ""}, {},
                [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<EntryRow>(row));
                  codes.insert(stored.row.entry().goods_code());
                  return true;
                }));
    v1::ImportEntriesResponse response = reports_;
    bool refused = false;
    for (int i = 0; i < response.rows_size(); ++i) {
      Report& report = *response.mutable_rows(i);
      if (report.outcome() == Report::ENTERED) {
        const Entry& entry = entries_[static_cast<size_t>(i)];
        if (const auto other = FindOverlap(codes, entry.goods_code()); other.has_value()) {
          Explain(errors::EntryOverlap(EntryName(edition_, *other)), Report::INVALID, &report);
        } else {
          codes.insert(entry.goods_code());
        }
      }
      refused = refused || report.outcome() == Report::REFUSED;
      Count(report, &response);
    }
    if (refused) *response.add_legal_basis() = errors::ListOfPriorityGoods();
    if (response.invalid_count() > 0) return response;
    tx.Cite(errors::ListOfPriorityGoods());
    for (int i = 0; i < response.rows_size(); ++i) {
      if (response.rows(i).outcome() != Report::ENTERED) continue;
      EntryRow row;
      row.set_edition(edition_);
      *row.mutable_entry() = entries_[static_cast<size_t>(i)];
      row.mutable_entry()->set_name(EntryName(edition_, row.entry().goods_code()));
      RETURN_IF_ERROR(tx.Put(kEntries, &row));
    }
    return response;
  }

  static void Count(const Report& report, v1::ImportEntriesResponse* response) {
    switch (report.outcome()) {
      case Report::ENTERED:
        response->set_entered_count(response->entered_count() + 1);
        break;
      case Report::REFUSED:
        response->set_refused_count(response->refused_count() + 1);
        break;
      default:
        response->set_invalid_count(response->invalid_count() + 1);
    }
  }

  Env& env_;
  const rpc::FormChecker form_;
  v1::ImportEntriesRequest::Header header_;
  bool has_header_ = false;
  int32_t edition_ = 0;
  std::string hash_;                   // of the header and the rows so far
  std::vector<Entry> entries_;         // one a row; empty where that cannot enter
  v1::ImportEntriesResponse reports_;  // one a row, as far as its form tells
};

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::MessageSink<v1::ImportEntriesRequest>>> ImportEntries(Env& env,
                                                                                          Call&) {
  return std::make_unique<Import>(env);
}

}  // namespace nisi::priority_goods
