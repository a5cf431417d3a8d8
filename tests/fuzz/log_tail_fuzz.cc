// The end of a log: a record that a crash tore is no damage, one whose length was damaged is, and
// zeros in place of what was not written are known for that. And any bytes are judged in bounds.
#include "common/store/log_tail.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::log_tail_target {
namespace {

// As RocksDB writes it.
std::string Record(char type, absl::string_view payload) {
  uint32_t crc = 0xffffffffU;
  const std::string covered = type + std::string(payload);
  for (const char c : covered) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  crc = ~crc;
  crc = ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
  std::string record;
  for (int i = 0; i < 4; ++i) record += static_cast<char>(crc >> (8 * i));
  record += static_cast<char>(payload.size());
  record += static_cast<char>(payload.size() >> 8);
  return record + covered;
}

size_t Written(absl::string_view block) {
  size_t written = block.size();
  while (written > 0 && block[written - 1] == 0) --written;
  return written;
}

void CheckRaw(absl::string_view bytes) {
  const absl::string_view block = bytes.substr(0, store::kLogBlockSize);
  store::LogTailIsDamaged(block);
  store::LogEndsUnwritten(block, Written(block));
}

void CheckRecords(Input& in) {
  const size_t place = in.Number(2);
  const uint8_t longer = in.Byte();
  std::string block;
  std::vector<size_t> begins;
  while (!in.empty() && begins.size() < 8) {
    begins.push_back(block.size());
    // Letters: no record lies within another.
    block += Record(1, "x" + Letters(in.Part()));
  }
  if (begins.empty()) return;
  const size_t cut = place % (block.size() + 1);
  const absl::string_view torn = absl::string_view(block).substr(0, cut);
  Expect(!store::LogTailIsDamaged(torn), "a torn end is no damage");

  // The record in which it is cut.
  const size_t at = *std::prev(std::upper_bound(begins.begin(), begins.end(), cut));
  std::string zeros(torn);
  zeros.resize(block.size() + store::kUnwrittenZeros);
  const size_t written = Written(zeros);
  if (written > at && cut < block.size()) {
    Expect(store::LogEndsUnwritten(zeros, written), "what was not written is known for that");
  }
  Expect(!store::LogEndsUnwritten(block, block.size()), "what was written is no hole");

  // One that claims more than there is.
  if (cut == block.size()) return;
  std::string damaged = block;
  damaged[at + 5] = static_cast<char>(damaged[at + 5] ^ static_cast<char>(longer | 0x80));
  Expect(store::LogTailIsDamaged(damaged), "a length that was damaged is damage");
}

}  // namespace

NISI_FUZZ_TARGET(log_tail) {
  Input in(data, size);
  if (in.Byte() % 2 == 0) {
    CheckRaw(in.Rest());
  } else {
    CheckRecords(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::log_tail_target
