// What every engine does alike with a batch and with positions. Private to the engines.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/store/engine.h"

namespace nisi::store {

// 8 bytes, big-endian.
inline std::string EncodePosition(int64_t position) {
  std::string bytes(8, '\0');
  auto rest = static_cast<uint64_t>(position);
  for (size_t i = 8; i-- > 0; rest >>= 8) bytes[i] = static_cast<char>(rest & 0xff);
  return bytes;
}

// DATA_LOSS when the bytes are no position.
inline absl::StatusOr<int64_t> DecodePosition(absl::string_view bytes) {
  if (bytes.size() != 8) return base::StoreCorrupt("the engine's last position");
  uint64_t position = 0;
  for (const char byte : bytes) position = position << 8 | static_cast<uint8_t>(byte);
  if (position > INT64_MAX) return base::StoreCorrupt("the engine's last position");
  return static_cast<int64_t>(position);
}

// ABORTED when another writer was here; INTERNAL when the batch is malformed.
inline absl::Status CheckBatch(const Batch& batch, int64_t last_position) {
  const auto malformed = [](absl::string_view why) -> absl::Status {
    return base::Refusal(absl::StatusCode::kInternal, "BATCH_MALFORMED", why);
  };
  if (batch.position < batch.base_position) return malformed("The batch's position goes back.");
  for (const Batch::Op& op : batch.ops) {
    if (op.space == Space::kData && op.key == kPositionKey) {
      return malformed("The batch writes the engine's own key.");
    }
  }
  if (batch.base_position != last_position) {
    return base::Refusal(absl::StatusCode::kAborted, "STORE_MOVED",
                         "Another writer has changed the store: read it again.");
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
