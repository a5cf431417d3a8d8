#pragma once

#include <optional>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "tools/nisi/rows.h"

namespace nisi::cli {

// Journal entries, or the changes of one, as people read them: which record, what was done to it
// and which of its fields differ, in place of the record before and after. Nothing for other types.
std::optional<Table> JournalTableOf(const google::protobuf::Descriptor& type,
                                    const std::vector<const google::protobuf::Message*>& items);

}  // namespace nisi::cli
