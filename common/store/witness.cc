#include "common/store/witness.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/file_io.h"
#include "common/store/position.h"

namespace nisi::store {
namespace {

// A slot: magic, number of the save, position, root, first 16 bytes of SHA-256 of all before.
constexpr absl::string_view kMagic = "NISIWIT1";
constexpr size_t kBodySize = 8 + 8 + 8 + 32;
constexpr size_t kSlotSize = kBodySize + 16;
constexpr off_t kSlotOffset[] = {0, 4096};  // Apart, so that no sector or page holds both.

struct Slot {
  int64_t number = 0;
  Head head;
};

std::string Checksum(absl::string_view body) {
  return ToBytes(base::Sha256(body)).substr(0, 16);
}

std::string Encode(const Slot& slot) {
  const std::string body =
      absl::StrCat(kMagic, EncodePosition(slot.number), EncodePosition(slot.head.position),
                   ToBytes(slot.head.root));
  return absl::StrCat(body, Checksum(body));
}

std::optional<Slot> Decode(absl::string_view bytes) {
  if (bytes.size() != kSlotSize || bytes.substr(0, 8) != kMagic) return std::nullopt;
  if (Checksum(bytes.substr(0, kBodySize)) != bytes.substr(kBodySize)) return std::nullopt;
  const auto number = DecodePosition(bytes.substr(8, 8));
  const auto position = DecodePosition(bytes.substr(16, 8));
  const auto root = ToHash(bytes.substr(24, 32));
  if (!number.ok() || !position.ok() || !root.ok()) return std::nullopt;
  return Slot{*number, Head{*position, *root}};
}

absl::Status WitnessFailed(absl::string_view path, absl::string_view what) {
  return base::Unavailable(
      "WITNESS_FAILED",
      absl::StrCat("The witness file ", path, " cannot be ", what, ": ", std::strerror(errno)),
      absl::Seconds(5));
}

class WitnessFile : public Witness {
 public:
  explicit WitnessFile(std::string path) : path_(std::move(path)) {}
  ~WitnessFile() override {
    if (file_ >= 0) close(file_);
  }
  WitnessFile(const WitnessFile&) = delete;
  WitnessFile& operator=(const WitnessFile&) = delete;

  absl::StatusOr<std::optional<Head>> Load() override {
    RETURN_IF_ERROR(Open());
    if (!last_.has_value()) return std::optional<Head>();
    return std::optional<Head>(last_->head);
  }

  absl::Status Save(const Head& head) override {
    RETURN_IF_ERROR(Open());
    if (last_.has_value() && head.position < last_->head.position) {
      return base::Refusal(absl::StatusCode::kFailedPrecondition, "WITNESS_AHEAD",
                           "The witness has seen a later position than this.");
    }
    const Slot slot{last_.has_value() ? last_->number + 1 : 0, head};
    if (file_ < 0) {
      RETURN_IF_ERROR(Create(slot));
    } else {
      const std::string bytes = Encode(slot);
      const off_t offset = kSlotOffset[slot.number % 2];
      if (pwrite(file_, bytes.data(), bytes.size(), offset) != static_cast<ssize_t>(bytes.size())) {
        return WitnessFailed(path_, "written");
      }
    }
    last_ = slot;
    return absl::OkStatus();
  }

 private:
  // Opens and reads the file once; an absent one stays unopened.
  absl::Status Open() {
    if (file_ >= 0) return absl::OkStatus();
    file_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (file_ < 0) return errno == ENOENT ? absl::OkStatus() : WitnessFailed(path_, "opened");
    for (const off_t offset : kSlotOffset) {
      std::array<char, kSlotSize> bytes;
      const ssize_t size = pread(file_, bytes.data(), bytes.size(), offset);
      if (size < 0) {
        const absl::Status failed = WitnessFailed(path_, "read");
        Close();
        return failed;
      }
      const auto slot = Decode({bytes.data(), static_cast<size_t>(size)});
      if (slot.has_value() && (!last_.has_value() || slot->number > last_->number)) last_ = slot;
    }
    if (last_.has_value()) return absl::OkStatus();
    Close();
    return base::Refusal(
        absl::StatusCode::kDataLoss, "WITNESS_CORRUPT",
        absl::StrCat("The witness file ", path_,
                     " is damaged. If you are certain that the store is complete and is the "
                     "newest copy, remove the file and start again."));
  }

  // The first head is put in place whole and for good: a file that exists always has a good slot.
  absl::Status Create(const Slot& slot) {
    RETURN_IF_ERROR(WriteNewFile(path_, Encode(slot), 0600));
    file_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    return file_ < 0 ? WitnessFailed(path_, "opened") : absl::OkStatus();
  }

  void Close() {
    close(file_);
    file_ = -1;
  }

  const std::string path_;
  int file_ = -1;
  std::optional<Slot> last_;
};

class Nobody : public Witness {
 public:
  absl::StatusOr<std::optional<Head>> Load() override { return std::optional<Head>(); }
  absl::Status Save(const Head& /*head*/) override { return absl::OkStatus(); }
};

}  // namespace

std::unique_ptr<Witness> FileWitness(const std::string& path) {
  return std::make_unique<WitnessFile>(path);
}
std::unique_ptr<Witness> NoWitness() {
  return std::make_unique<Nobody>();
}

}  // namespace nisi::store
