// What of an answer its reader may see (Art. 6(3)). The call layer applies it to every answer whose
// type has confidential fields, after the function and after a replayed answer, so that a stored
// reply obeys the rights of today. No function does it, or can leave it out.
//
// | answer of                                 | owner | by duty, audit, permit | others   |
// | a method that discloses, asked to reveal  | shown | shown, recorded first  | withheld |
// | any other unary call, answers to changes  | shown | withheld               | withheld |
// | streams                                   | withheld, whoever reads                    |
//
// A record may have several owners (nisi.rpc.v1.owners), as the parties of a contract: each is
// shown it, each is told who else was.
//
// Permits and accesses lie in the register's own store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/rpc/mask.h"
#include "common/rpc/registry.h"
#include "common/store/store.h"
#include "google/protobuf/arena.h"
#include "nisi/disclosure/v1/disclosure.pb.h"

namespace nisi::rpc {

// Numbers on disk, the same in every store; those from 0xf000 on are kept for what services share.
extern const store::Table<disclosure::v1::PermitRow> kPermits;   // 0xf000: name
extern const store::Table<disclosure::v1::AccessRow> kAccesses;  // 0xf001: owner, position, n
extern const store::Index<disclosure::v1::PermitRow>
    kPermitsByReader;  // 0xf002: not withdrawn ones
extern const store::Index<disclosure::v1::PermitRow>
    kPermitsByParty;  // 0xf003: owner; reader's BIN

// The schema with these tables; as it is where it has them.
store::Schema WithDisclosure(store::Schema schema);
// Whether a record of the schema has confidential fields.
bool HasMarks(const store::Schema& schema);
// At start. FAILED_PRECONDITION (CONFIDENTIAL_INVALID): as MarkedTypeOf of each record; a key of a
// table, an index that is not `secret`, or totals' group that depends on a confidential field (but
// the tie to experts), seen on sample records.
absl::Status CheckMarks(const store::Schema& schema);

// Whether a permit in force lets the caller read the record though nothing ties it to it: by a
// method that discloses one record. What leaves is settled with its confidential fields, so that of
// a closed record nothing leaves where the permit is withdrawn meanwhile.
absl::StatusOr<bool> HasPermit(const store::Reader& reader, const Call& call,
                               const google::protobuf::Message& resource);

enum class Showing { kByRight, kNotAsked, kOwner, kNobody };

// A record of which its reader may see more than nothing, if that can be recorded.
struct Claim {
  Mask::Place place;                // still whole
  std::vector<std::string> owners;  // one that is empty where none is known
  uint32_t roles = 0;               // the caller's over it
};

// An answer that waits for its claims to be settled; all else is taken out of it.
struct Claims {
  google::protobuf::Arena arena;  // of the answer: a page of records is many small messages
  google::protobuf::Message* answer = nullptr;
  std::vector<Claim> claims;
  std::vector<ShownMarks> shown;  // of each claim, when settled
  std::optional<base::Date> as_of;
  bool nothing = false;    // when settled: nothing is shown, so nothing was recorded
  bool by_permit = false;  // closed, and over which the caller has no role
};

struct Masked {
  std::string bytes;
  std::shared_ptr<Claims> claims;  // null: `bytes` is the answer
};

// Of the answer to a unary call, or to an upload (`request` null). NotInMemory() by the call's
// reach. ACCESS_DENIED when the answer to a reading holds a closed record over which the caller has
// no role, nor a permit of its owner.
absl::StatusOr<Masked> MaskAnswer(const Method& method, const Call& call,
                                  const google::protobuf::Message* request, std::string bytes);
// Of a message of a stream.
absl::StatusOr<std::string> MaskStreamed(const Method& method, const Call& call, std::string bytes);

// Settling is one command of the register's store: it finds the permits in force now, records the
// accesses and decides what stays. Serial with WithdrawPermit, so what is withdrawn is shown by no
// answer that leaves later. `call` outlives it.
store::CommandFn SettlingOf(const Method& method, const Call& call, std::shared_ptr<Claims> claims);
// What its outcome makes of the answer. An error is the answer: nothing is shown that could not be
// recorded.
absl::StatusOr<std::string> Settled(const Call& call, Claims* claims,
                                    const absl::StatusOr<store::Outcome>& outcome);

// For a stream that tells of confidential fields in a form of its own, which no mask reaches, as a
// foreign standard: of each record whether the caller may be told all of them, as an owner or by a
// role that has a right to each. Looks of others than owners are recorded before this returns.
// Waits for a commit.
absl::StatusOr<std::vector<bool>> MayBeTold(
    store::Store& store, const Call& call,
    const std::vector<const google::protobuf::Message*>& records);

struct DisclosureEnv {
  store::Store* store = nullptr;
  const Registry* registry = nullptr;  // that knows which fields and records are confidential
};
// Adds nisi.disclosure.v1.DisclosureService and binds it; `env` must outlive the registry.
absl::Status AddDisclosureService(DisclosureEnv& env, Registry* registry);

}  // namespace nisi::rpc
