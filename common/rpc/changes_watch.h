// A watch of a service's records: its messages are the changes of one journal entry each, of which
// the service says which are shown.
#pragma once

#include <deque>
#include <string>

#include "common/base/status.h"
#include "common/rpc/journal_service.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::rpc {

// `Response`: of changes and a position. A message without changes is a bookmark.
template <class Response>
class ChangesWatch : public JournalSource {
 public:
  using JournalSource::JournalSource;

 protected:
  // Adds what of an entry is shown; where it adds nothing, the entry is passed over. The response
  // has the entry's position already.
  virtual absl::Status ShowEntry(const journal::v1::Entry& entry, Response* response) = 0;

 private:
  absl::Status Show(const store::JournalRecord& record, std::deque<std::string>* out) final {
    journal::v1::Entry entry;
    if (!entry.ParseFromString(record.leaf)) return base::StoreCorrupt("journal entry");
    Response response;
    response.set_position(entry.position());
    RETURN_IF_ERROR(ShowEntry(entry, &response));
    // A journal entry is small: bulk commands are cut.
    if (response.changes_size() > 0) out->push_back(response.SerializeAsString());
    return absl::OkStatus();
  }

  void Bookmark(int64_t position, std::string* out) final {
    Response response;
    response.set_position(position);
    *out = response.SerializeAsString();
  }
};

}  // namespace nisi::rpc
