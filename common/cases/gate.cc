#include "common/cases/gate.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/norms/term.h"
#include "common/rpc/peer.h"
#include "common/rpc/resource.h"

namespace nisi::cases {

using store::EmitKey;
using store::Key;

const store::Table<NoticeRow> kNotices{
    0xf030, "notices", [](const NoticeRow& row) { return Key::Of(row.notice().name()); }};
const store::Index<NoticeRow> kNoticesByRecord{
    0xf031, "notices_by_record", kNotices, false, [](const NoticeRow& row, const EmitKey& emit) {
      emit(Key::Of(row.notice().record(), static_cast<int64_t>(row.notice().checkpoint()),
                   row.sequence()));
    }};

store::Schema WithNotices(store::Schema schema) {
  schema.tables.push_back(&kNotices);
  schema.indexes.push_back(&kNoticesByRecord);
  return schema;
}

absl::Status GateNotChecked(gate::v1::Checkpoint checkpoint) {
  return base::Refusal(absl::StatusCode::kUnavailable, "GATE_NOT_CHECKED",
                       "The gate of recipients has not answered: not checked is not passed.")
      .With("checkpoint", gate::v1::Checkpoint_Name(checkpoint))
      .RetryAfter(absl::Minutes(1));
}

absl::Status GateNotChecked(gate::v1::Checkpoint checkpoint, const absl::Status& not_answered) {
  if (!rpc::IsNotAnswered(not_answered)) return GateNotChecked(checkpoint);
  const auto told = base::InfoOf(not_answered).metadata();
  return base::Refusal(absl::StatusCode::kUnavailable, "GATE_NOT_CHECKED",
                       "The gate of recipients has not answered: not checked is not passed.")
      .With("checkpoint", gate::v1::Checkpoint_Name(checkpoint))
      .With("service", told.at("service"))
      .With("why", told.at("why"))
      .RetryAfter(rpc::RetryOf(not_answered));
}

absl::StatusOr<Notice> AskGate(Gate& gate, const rpc::Call& call, const GateQuestion& question) {
  absl::StatusOr<Notice> said = gate.Check(call, question);
  if (!said.ok()) {
    const absl::Status& status = said.status();
    const bool own = absl::IsDataLoss(status) || absl::IsCancelled(status) ||
                     store::IsNotInMemory(status) || base::ReasonOf(status) == "GATE_NOT_CHECKED";
    return own ? status : GateNotChecked(question.checkpoint, status);
  }
  const auto checked = base::Date::FromProto(said->check_date());
  const bool of_it = said->recipient() == question.recipient && said->record() == question.record &&
                     said->checkpoint() == question.checkpoint && checked.ok() &&
                     *checked <= question.day;
  const bool verdict = said->verdict() == Notice::FAILED ||
                       (said->verdict() == Notice::PASSED && said->reasons().empty());
  if (!of_it || !verdict) {
    return GateNotChecked(question.checkpoint,
                          rpc::NotAnswered("gate", "Check", "WRONG_ANSWER", absl::Minutes(1)));
  }
  return said;
}

absl::StatusOr<Checked> AskGate(Gate& gate, const AskLists& lists, const rpc::Call& call,
                                const GateQuestion& question) {
  Checked checked;
  ASSIGN_OR_RETURN(checked.notice, AskGate(gate, call, question));
  auto listed = lists(call, question.recipient, question.day);
  if (!listed.ok()) {
    const bool own = absl::IsCancelled(listed.status()) || store::IsNotInMemory(listed.status());
    return own ? listed.status() : GateNotChecked(question.checkpoint, listed.status());
  }
  checked.listed = *std::move(listed);
  return checked;
}

absl::StatusOr<std::optional<Notice>> LastNotice(const store::Reader& reader,
                                                 const std::string& record,
                                                 gate::v1::Checkpoint checkpoint,
                                                 const std::string& recipient) {
  std::optional<Notice> last;
  base::Date last_day;
  RETURN_IF_ERROR(reader.Scan(
      kNoticesByRecord, {Key::Of(record, static_cast<int64_t>(checkpoint)), ""}, {},
      [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<NoticeRow>(row));
        Notice& notice = *stored.row.mutable_notice();
        if (notice.recipient() != recipient) return true;
        ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(notice.check_date()));
        // They come in the order in which they were recorded.
        if (last.has_value() && day < last_day) return true;
        last_day = day;
        last = std::move(notice);
        return true;
      }));
  return last;
}

absl::Status ConfirmNotice(const store::Reader& reader, const Notice& used) {
  ASSIGN_OR_RETURN(const std::optional<Notice> last,
                   LastNotice(reader, used.record(), used.checkpoint(), used.recipient()));
  // A gate that answers by itself records nothing here.
  return last.has_value() && last->name() != used.name() ? GateNotChecked(used.checkpoint())
                                                         : absl::OkStatus();
}

absl::StatusOr<Notice> RecordedGate::Check(const rpc::Call& /*call*/,
                                           const GateQuestion& question) {
  const store::View view = store_.Read();
  ASSIGN_OR_RETURN(std::optional<Notice> last,
                   LastNotice(view, question.record, question.checkpoint, question.recipient));
  if (!last.has_value()) return GateNotChecked(question.checkpoint);
  if (last->verdict() == Notice::FAILED) return *std::move(last);
  ASSIGN_OR_RETURN(const base::Date checked, base::Date::FromProto(last->check_date()));
  ASSIGN_OR_RETURN(const norms::Term term, norms::TermOf(norms_, days_norm_, checked));
  if (question.day > term.last_day) return GateNotChecked(question.checkpoint);
  return *std::move(last);
}

absl::StatusOr<Notice> RecordNotice(const rpc::Call& call, store::Tx& tx,
                                    const gate::v1::RecordNoticeRequest& request,
                                    const base::LegalBasis& basis) {
  NoticeRow row;
  Notice& notice = *row.mutable_notice();
  notice = request.notice();
  ASSIGN_OR_RETURN(const base::Date checked, base::Date::FromProto(notice.check_date()));
  if (checked > tx.today()) return base::InvalidField("notice.check_date", "lies in the future");
  notice.set_name(absl::StrCat("notices/", rpc::IdFor(call)));
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kNotices, Key::Of(notice.name())));
  if (known.has_value()) {
    return base::Refusal(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                         "This request recorded a notice before.")
        .Resource(kNotices.name, notice.name());
  }
  ASSIGN_OR_RETURN(const int64_t sequence, tx.Next("notices"));
  row.set_sequence(sequence);
  notice.set_recorded_by(call.caller->subject);
  tx.Cite(basis);
  RETURN_IF_ERROR(tx.Put(kNotices, &row));
  return notice;
}

base::Acted ActOf(const Notice& notice) {
  return {base::Duty::kPrepares, notice.recorded_by()};
}

absl::StatusOr<rpc::Encoded<Notice>> GetNotice(const store::Store& store, const rpc::Call& call,
                                               const gate::v1::GetNoticeRequest& request) {
  return rpc::GetRecord<Notice>(store, call, kNotices, Key::Of(request.name()), request);
}

absl::StatusOr<rpc::Encoded<gate::v1::ListNoticesResponse>> ListNotices(
    const store::Store& store, const rpc::Call& call, const gate::v1::ListNoticesRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kNotices, request, call));
  plan.over = &kNoticesByRecord;
  plan.under = {Key::Of(request.parent())};
  plan.show = rpc::ShowTo<Notice>(call);
  return rpc::ListAs<gate::v1::ListNoticesResponse>(store, plan);
}

}  // namespace nisi::cases
