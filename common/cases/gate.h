// The one gate of recipients as a port: a service asks, and does not know who answers.
//
// There are two answers and a silence. PASSED and FAILED are notices, to be kept with what they let
// happen or forbid. GATE_NOT_CHECKED (UNAVAILABLE) is no notice: nobody may take it for a pass.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/machine.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/cases/checked.h"
#include "common/norms/norms.h"
#include "common/rpc/call.h"
#include "common/store/store.h"
#include "nisi/gate/v1/gate.pb.h"

namespace nisi::cases {

using gate::v1::Notice;
using gate::v1::NoticeRow;

struct GateQuestion {
  gate::v1::Checkpoint checkpoint = gate::v1::CHECKPOINT_UNSPECIFIED;
  std::string recipient;  // BIN or IIN
  std::string record;     // the case, as "supports/{id}"; empty: none yet
  base::Date day;         // on which the step is to be taken
  std::string programme;  // where there is no case yet: what it would be paid from
  base::Money sum;        // before consideration: how much that could be at most
};

class Gate {
 public:
  virtual ~Gate() = default;
  // Asked outside any transaction: it may be another process. GATE_NOT_CHECKED.
  virtual absl::StatusOr<Notice> Check(const rpc::Call& call, const GateQuestion& question) = 0;
};

// Asks, and takes for an answer only what is one: a notice of another recipient, case or
// checkpoint, of a day to come, without a verdict, or passed with reasons against it is
// GATE_NOT_CHECKED as silence is. Damage of the own store stays what it is.
absl::StatusOr<Notice> AskGate(Gate& gate, const rpc::Call& call, const GateQuestion& question);

// On which lists a recipient stands on a day, asked of the register that keeps them (lists.h).
// Outside any transaction; DEPENDENCY_NOT_ANSWERED.
using AskLists = std::function<absl::StatusOr<Listed>(
    const rpc::Call& call, const std::string& recipient, base::Date day)>;
// Both: order 437/2026 knows one gate. GATE_NOT_CHECKED where either has not answered.
absl::StatusOr<Checked> AskGate(Gate& gate, const AskLists& lists, const rpc::Call& call,
                                const GateQuestion& question);

absl::Status GateNotChecked(gate::v1::Checkpoint checkpoint);
// The same for a gate that is a service: with the service that has not answered, why, and when to
// ask again (rpc::NotAnswered).
absl::Status GateNotChecked(gate::v1::Checkpoint checkpoint, const absl::Status& not_answered);

// Numbers on disk, the same in every service.
extern const store::Table<NoticeRow> kNotices;          // 0xf030: name
extern const store::Index<NoticeRow> kNoticesByRecord;  // 0xf031: record, checkpoint, sequence

// What was said last of a recipient's case at a checkpoint: the notice of the latest day of check,
// of several of that day the one recorded last. One that is older is not the last word because it
// was recorded late.
absl::StatusOr<std::optional<Notice>> LastNotice(const store::Reader& reader,
                                                 const std::string& record,
                                                 gate::v1::Checkpoint checkpoint,
                                                 const std::string& recipient);
// In the transaction that uses what the gate said outside it: GATE_NOT_CHECKED when another notice
// has become the last word since, so that the step is tried again by that one.
absl::Status ConfirmNotice(const store::Reader& reader, const Notice& used);

// The schema of a service with the notices that officials record in it.
store::Schema WithNotices(store::Schema schema);

// Until the gate answers by itself: notices that it gave on paper and officials recorded. The last
// one about the case at the checkpoint, not older than `days` working days; none is silence. A
// FAILED one holds until another of its day or a later one is recorded.
class RecordedGate final : public Gate {
 public:
  RecordedGate(const store::Store& store, const norms::Norms& norms, std::string days_norm)
      : store_(store), norms_(norms), days_norm_(std::move(days_norm)) {}
  absl::StatusOr<Notice> Check(const rpc::Call& call, const GateQuestion& question) override;

 private:
  const store::Store& store_;
  const norms::Norms& norms_;
  const std::string days_norm_;
};

// Records a notice, of which `recorded_by` is the caller. Whoever says that the gate let pass does
// not act on it: the step that does takes the act of the notice it goes by into its Standing.acts.
// INVALID_FIELD for a day to come; ALREADY_EXISTS for this request made again
// after its answer is kept no longer.
absl::StatusOr<Notice> RecordNotice(const rpc::Call& call, store::Tx& tx,
                                    const gate::v1::RecordNoticeRequest& request,
                                    const base::LegalBasis& basis);
// For the separation of duties; it lives as long as the notice.
base::Acted ActOf(const Notice& notice);

// What a service binds so that the parties of a case can read what the gate said of it; who may
// call them its proto says.
absl::StatusOr<rpc::Encoded<Notice>> GetNotice(const store::Store& store, const rpc::Call& call,
                                               const gate::v1::GetNoticeRequest& request);
absl::StatusOr<rpc::Encoded<gate::v1::ListNoticesResponse>> ListNotices(
    const store::Store& store, const rpc::Call& call, const gate::v1::ListNoticesRequest& request);

}  // namespace nisi::cases
