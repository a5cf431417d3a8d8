#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "nisi/journal/v1/journal.pb.h"
#include "tools/nisi/rows.h"

namespace nisi::cli {

// Journal entries, or the changes of one, as people read them: which record, what was done to it
// and which of its fields differ, in place of the record before and after. Nothing for other types.
std::optional<Table> JournalTableOf(const google::protobuf::Descriptor& type,
                                    const std::vector<const google::protobuf::Message*>& items);

// A record of the journal. Null for a type that this program does not know.
std::unique_ptr<google::protobuf::Message> Unpacked(const google::protobuf::Any& any);

// What an entry did, as "Edition editions/2 changed: state, order_number; now IN_FORCE".
std::string ToldOf(const nisi::journal::v1::Entry& entry);

}  // namespace nisi::cli
