#include "services/grants/gate_register.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/cases/budget.h"
#include "common/cases/rows.h"
#include "common/rpc/resource.h"
#include "services/grants/errors.h"
#include "services/grants/tables.h"

namespace nisi::grants {
namespace {

using base::Money;
using cases::Need;
using cases::Notice;
using v1::UnreliableRecipient;

// In the day's year, with what earlier years still hold until they are closed and carried over.
absl::StatusOr<Money> MoneyFor(const store::Reader& reader, const GateCase& asked) {
  const std::string programme(absl::StripPrefix(asked.programme, "programmes/"));
  ASSIGN_OR_RETURN(const std::vector<cases::AccountRow> accounts,
                   cases::AllOf(reader, cases::kAccounts, store::Key::Of(programme)));
  Money held;
  for (const cases::AccountRow& row : accounts) {
    if (row.year() > asked.day.year()) continue;
    const bool payment = asked.checkpoint == gate::v1::BEFORE_PAYMENT;
    ASSIGN_OR_RETURN(const Money of_year, Money::FromProto(payment ? row.account().committed()
                                                                   : row.account().available()));
    ASSIGN_OR_RETURN(held, held.Add(of_year));
  }
  return held;
}

bool ContractHolds(const v1::Programme& programme, base::Date day) {
  if (programme.operator_contract_number().empty() || !programme.has_operator_contract_until()) {
    return false;
  }
  const auto until = base::Date::FromProto(programme.operator_contract_until());
  return until.ok() && day <= *until;
}

absl::StatusOr<Money> SumOfNextTranche(const Agreement& agreement) {
  for (const v1::Tranche& tranche : agreement.tranches()) {
    if (tranche.state() != v1::Tranche::PAID) return Money::FromProto(tranche.amount());
  }
  return Money();
}

}  // namespace

absl::StatusOr<std::vector<UnreliableRecipient>> EntriesOf(const store::Reader& reader,
                                                           const std::string& recipient,
                                                           std::optional<base::Date> day) {
  std::vector<UnreliableRecipient> entries;
  RETURN_IF_ERROR(reader.Scan(
      kUnreliableByRecipient, {store::Key::Of(recipient), ""}, {.as_of = day},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<UnreliableRecipientRow>(view));
        entries.push_back(std::move(*stored.row.mutable_recipient()));
        return true;
      }));
  return entries;
}

absl::StatusOr<std::vector<std::string>> ListsOf(const store::Reader& reader,
                                                 const std::string& recipient) {
  ASSIGN_OR_RETURN(const auto entries, EntriesOf(reader, recipient));
  std::vector<std::string> lists;
  for (const UnreliableRecipient& entry : entries) {
    lists.push_back(UnreliableRecipient::List_Name(entry.list()));
  }
  return lists;
}

absl::StatusOr<std::vector<std::string>> JudgeGate(const store::Reader& reader,
                                                   const GateCase& asked) {
  ASSIGN_OR_RETURN(std::vector<std::string> reasons, ListsOf(reader, asked.recipient));
  ASSIGN_OR_RETURN(const auto programme, reader.Find(kProgrammes, store::Key::Of(asked.programme)));
  if (!programme.has_value() || programme->row.programme().measure_number().empty()) {
    reasons.emplace_back("MEASURE_NOT_REGISTERED");
  }
  if (!programme.has_value() || !ContractHolds(programme->row.programme(), asked.day)) {
    reasons.emplace_back("OPERATOR_CONTRACT_NOT_VALID");
  }
  ASSIGN_OR_RETURN(const Money held, MoneyFor(reader, asked));
  if (held < asked.sum) reasons.emplace_back("NOT_ENOUGH_MONEY");
  return reasons;
}

absl::StatusOr<GateCase> GateCaseOf(const store::Reader& reader,
                                    const cases::GateQuestion& question) {
  GateCase asked{question.checkpoint, question.recipient, question.programme, question.sum,
                 question.day};
  if (question.record.empty()) return asked;
  if (question.checkpoint == gate::v1::BEFORE_PAYMENT) {
    ASSIGN_OR_RETURN(const AgreementRow row,
                     Need(reader, kAgreements, store::Key::Of(question.record)));
    asked.programme = row.agreement().programme();
    ASSIGN_OR_RETURN(asked.sum, SumOfNextTranche(row.agreement()));
    return asked;
  }
  ASSIGN_OR_RETURN(const ApplicationRow row,
                   Need(reader, kApplications, store::Key::Of(question.record)));
  asked.programme = row.application().programme();
  return asked;
}

absl::StatusOr<Notice> RegisterGate::Check(const rpc::Call& call,
                                           const cases::GateQuestion& question) {
  const store::View view = store_.Read(call.reach);
  ASSIGN_OR_RETURN(const GateCase asked, GateCaseOf(view, question));
  ASSIGN_OR_RETURN(const std::vector<std::string> reasons, JudgeGate(view, asked));
  Notice notice;
  notice.set_number(rpc::IdFor(call));
  notice.set_name(absl::StrCat("notices/", notice.number()));
  notice.set_checkpoint(question.checkpoint);
  notice.set_recipient(question.recipient);
  notice.set_record(question.record);
  *notice.mutable_check_date() = question.day.ToProto();
  notice.set_verdict(reasons.empty() ? Notice::PASSED : Notice::FAILED);
  *notice.mutable_reasons() = {reasons.begin(), reasons.end()};
  notice.set_recorded_by(call.caller->subject);
  return notice;
}

absl::Status KeepNotice(const Env& env, store::Tx& tx, Notice* notice, Money most) {
  if (env.own_gate) {
    ASSIGN_OR_RETURN(const GateCase asked,
                     GateCaseOf(tx, {notice->checkpoint(), notice->recipient(), notice->record(),
                                     tx.today(), "", most}));
    ASSIGN_OR_RETURN(const std::vector<std::string> now, JudgeGate(tx, asked));
    if (!std::equal(now.begin(), now.end(), notice->reasons().begin(), notice->reasons().end())) {
      return cases::GateNotChecked(notice->checkpoint());
    }
  } else if (notice->verdict() == Notice::PASSED) {
    ASSIGN_OR_RETURN(const std::vector<std::string> lists, ListsOf(tx, notice->recipient()));
    *notice->mutable_reasons() = {lists.begin(), lists.end()};
    if (!lists.empty()) notice->set_verdict(Notice::FAILED);
  }
  cases::NoticeRow row;
  *row.mutable_notice() = *notice;
  ASSIGN_OR_RETURN(const int64_t sequence, tx.Next("notices"));
  row.set_sequence(sequence);
  RETURN_IF_ERROR(tx.Put(cases::kNotices, &row));
  *notice = row.notice();
  return absl::OkStatus();
}

absl::Status RecordFailed(Env& env, const rpc::Call& call, const Notice& notice) {
  store::CommandInfo info;
  info.actor = call.caller->subject;
  info.method = call.method->path;
  return env.store
      ->Write(info,
              [&](store::Tx& tx) -> absl::StatusOr<std::string> {
                tx.Cite(errors::Gate());
                cases::NoticeRow row;
                *row.mutable_notice() = notice;
                ASSIGN_OR_RETURN(const int64_t sequence, tx.Next("notices"));
                row.set_sequence(sequence);
                RETURN_IF_ERROR(tx.Put(cases::kNotices, &row));
                return std::string();
              })
      .status();
}

}  // namespace nisi::grants
