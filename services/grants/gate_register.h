// The gate of recipients (order 437/2026) over what this register knows itself: imported lists of
// bankrupts and unreliable recipients, demands past due, the programme and its account.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/date.h"
#include "common/base/money.h"
#include "common/cases/gate.h"
#include "common/store/store.h"
#include "services/grants/env.h"

namespace nisi::grants {

// What is asked: may this programme give that sum to that recipient on a day.
struct GateCase {
  gate::v1::Checkpoint checkpoint = gate::v1::CHECKPOINT_UNSPECIFIED;
  std::string recipient;  // BIN or IIN
  std::string programme;  // "programmes/{word}"
  base::Money sum;
  base::Date day;
};
// What does not hold, as "BANKRUPT"; none: passed. Reasons of the recipient come first.
absl::StatusOr<std::vector<std::string>> JudgeGate(const store::Reader& reader,
                                                   const GateCase& asked);
// The entries of a recipient that stand on a day, by list; nullopt: now.
absl::StatusOr<std::vector<v1::UnreliableRecipient>> EntriesOf(
    const store::Reader& reader, const std::string& recipient,
    std::optional<base::Date> day = std::nullopt);
// The lists that a recipient stands on, as the gate names them.
absl::StatusOr<std::vector<std::string>> ListsOf(const store::Reader& reader,
                                                 const std::string& recipient);

// The case of an application before its consideration, or of the next tranche of an agreement.
absl::StatusOr<GateCase> GateCaseOf(const store::Reader& reader,
                                    const cases::GateQuestion& question);

class RegisterGate final : public cases::Gate {
 public:
  explicit RegisterGate(const store::Store& store) : store_(store) {}
  // The notice is not recorded yet: KeepNotice does, in the command that uses it.
  absl::StatusOr<cases::Notice> Check(const rpc::Call& call,
                                      const cases::GateQuestion& question) override;

 private:
  const store::Store& store_;
};

// In the transaction that uses a notice: looks again, and records it. Of this register's own gate
// GATE_NOT_CHECKED where anything is otherwise by now, for or against the recipient. To what
// another gate let pass the lists of this register are added as its own word.
// `most`: as it was asked, before consideration.
absl::Status KeepNotice(const Env& env, store::Tx& tx, cases::Notice* notice,
                        base::Money most = base::Money());
// A check that let nothing happen is on record as well, in a command of its own.
absl::Status RecordFailed(Env& env, const rpc::Call& call, const cases::Notice& notice);

}  // namespace nisi::grants
