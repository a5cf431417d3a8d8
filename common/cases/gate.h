// The one gate of recipients as a port: a service asks, and does not know who answers.
//
// There are two answers and a silence. PASSED and FAILED are notices, to be kept with what they let
// happen or forbid. GATE_NOT_CHECKED (UNAVAILABLE) is no notice: nobody may take it for a pass.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/status.h"
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
  std::string record;     // the case, as "supports/{id}"
  base::Date day;         // on which the step is to be taken
};

class Gate {
 public:
  virtual ~Gate() = default;
  // Asked outside any transaction: it may be another process. GATE_NOT_CHECKED.
  virtual absl::StatusOr<Notice> Check(const rpc::Call& call, const GateQuestion& question) = 0;
};

absl::Status GateNotChecked(gate::v1::Checkpoint checkpoint);

// Numbers on disk, the same in every service.
extern const store::Table<NoticeRow> kNotices;          // 0xf030: name
extern const store::Index<NoticeRow> kNoticesByRecord;  // 0xf031: record, checkpoint, sequence

// The schema of a service with the notices that officials record in it.
store::Schema WithNotices(store::Schema schema);

// Until the gate answers by itself: notices that it gave on paper and officials recorded. The last
// one about the case at the checkpoint, not older than `days` working days; none is silence. A
// FAILED one holds until another is recorded.
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

// Records a notice. INVALID_FIELD for a day to come; ALREADY_EXISTS for this request made again
// after its answer is kept no longer.
absl::StatusOr<Notice> RecordNotice(const rpc::Call& call, store::Tx& tx,
                                    const gate::v1::RecordNoticeRequest& request,
                                    const base::LegalBasis& basis);

}  // namespace nisi::cases
