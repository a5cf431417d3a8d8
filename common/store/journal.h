// Journal entries as they are stored, and how a command's changes become entries.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/store/command.h"
#include "common/store/engine.h"
#include "common/store/layout.h"
#include "common/store/table.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::store {

struct JournalRecord {
  int64_t position = 0;
  std::string leaf;      // a serialized nisi.journal.v1.Entry
  std::string openings;  // a serialized nisi.journal.v1.Openings; empty when nothing was withheld
};

std::string EncodeJournal(absl::string_view leaf, absl::string_view openings);
absl::StatusOr<JournalRecord> DecodeJournal(int64_t position, absl::string_view value);

// Splits what a table keeps into what everybody may prove and what is only committed to.
class Sealer {
 public:
  // `secret` is the store's own: salts are derived from it, so a command that runs again seals the
  // same.
  Sealer(std::string secret, const Schema& schema);

  // Fills `after` and the commitments of `change` (the change_index-th of entry `position`) from a
  // row's bytes. Of salts none comes twice: a store that was restored gives the positions of what
  // it lost again, and whoever was shown a salt of that could try out a short value against the
  // next.
  absl::Status SealAfter(const TableDef& table, absl::string_view row, int64_t position,
                         int64_t recorded_us, int change_index, journal::v1::Change* change,
                         journal::v1::Openings* openings) const;
  // Fills `before`.
  absl::Status SealBefore(const TableDef& table, absl::string_view row,
                          journal::v1::Change* change) const;

 private:
  // `place`: of the change, as no other change has it.
  void Commit(absl::string_view place, int change_index, absl::string_view path,
              absl::string_view value, journal::v1::Change* change,
              journal::v1::Openings* openings) const;

  void SetAny(const TableDef& table, absl::string_view bytes, google::protobuf::Any* any) const;

  std::string secret_;
  std::set<uint16_t> confidential_;            // tables with something to withhold
  std::map<uint16_t, std::string> type_urls_;  // of their resources
};

// Whether a message or anything in it has a field of data class CONFIDENTIAL.
bool HasConfidential(const google::protobuf::Descriptor& descriptor);

}  // namespace nisi::store
