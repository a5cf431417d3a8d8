// Many calls at once on one connection, from one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace nisi::faults {

struct Answer {
  size_t tag = 0;
  absl::Status status;
  std::string bytes;     // of the response
  int64_t position = 0;  // of the journal, that came with it
};

class Client {
 public:
  // How long an answer may take before it is an error: also on a machine that stops for a while.
  static constexpr absl::Duration kPatience = absl::Seconds(60);

  // `token` goes along with each call.
  Client(const std::string& address, std::string token);
  ~Client();

  void Start(size_t tag, const std::string& path, const std::string& request);
  // The next answer to any call under way; nullopt when none came in so long.
  std::optional<Answer> Next(absl::Duration limit);
  size_t under_way() const { return under_way_; }

  // One call, with none under way.
  Answer Call(const std::string& path, const std::string& request);
  absl::Status Call(const std::string& path, const google::protobuf::Message& request,
                    google::protobuf::Message* response);

 private:
  struct InFlight;
  struct Channel;
  const std::string authorization_;
  std::unique_ptr<Channel> channel_;
  size_t under_way_ = 0;
};

}  // namespace nisi::faults
