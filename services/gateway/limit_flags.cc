#include "services/gateway/limit_flags.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "services/gateway/errors.h"

namespace nisi::gateway {
namespace {

std::string TextOf(const http2::Rate& rate) {
  return absl::StrCat(rate.burst, ",", rate.per_second);
}

// "50,10": so many at once, so many a second.
absl::StatusOr<http2::Rate> RateOf(absl::string_view flag, absl::string_view text) {
  http2::Rate rate;
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(',', 1));
  if (!absl::SimpleAtod(parts.first, &rate.burst) ||
      !absl::SimpleAtod(parts.second, &rate.per_second) || !(rate.burst >= 0) ||
      !(rate.per_second >= 0) || (rate.bounded() && rate.burst < 1)) {
    return BadSetup(
        absl::StrCat("--", flag, ": at once, and a second, as 50,10; 0,0 for no bound"));
  }
  return rate;
}

// None is no time at all, but no bound.
absl::Duration OrNone(absl::Duration time) {
  return time == absl::ZeroDuration() ? absl::InfiniteDuration() : time;
}

}  // namespace

void LimitFlags::AddTo(rpc::Flags* flags, int64_t memory_mib) {
  const Limits limits;
  const http2::Limits& clients = limits.clients;
  const auto number = [](auto value) { return static_cast<int64_t>(value); };
  flags
      ->Int("calls-per-second", &calls_per_second_,
            "calls that one caller may make a second; 0: no limit", number(limits.calls_per_second))
      .Int("burst", &burst_,
           "calls that one caller may make at once before --calls-per-second counts",
           number(limits.burst))
      .Int("max-calls", &max_calls_, "calls to one service, under way and waiting in line",
           number(limits.max_calls))
      .Int("max-streams", &max_streams_, "streams under way at once, of all callers",
           number(limits.max_streams))
      .Int("calls-of-caller", &calls_of_caller_, "of --max-calls, the most of one caller",
           number(limits.calls_of_caller))
      .Int("streams-of-caller", &streams_of_caller_, "of --max-streams, the most of one caller",
           number(limits.streams_of_caller))
      .Int("max-connections", &connections_, "connections of all clients; 0: no limit",
           number(clients.max_connections))
      .Int("connections-of-source", &connections_of_source_,
           "connections from one address (of IPv6, from its /64); 0: no limit",
           number(clients.max_connections_of_source))
      .Int("calls-of-connection", &calls_of_connection_,
           "calls under way at once on one connection", number(clients.max_calls_of_connection))
      .Int("held-mib", &held_mib_,
           "memory for messages that have not come in full or that clients have not taken; 0: no "
           "limit",
           number(clients.max_held_bytes >> 20))
      .Int("memory-mib", &memory_mib_,
           "memory of this process, near which it admits fewer calls; 0: no limit", memory_mib)
      .String("arrivals", &arrivals_,
              "new connections from one address: as 50,10 for 50 at once and 10 a second",
              TextOf(clients.arrivals_of_source))
      .String("resets", &resets_,
              "calls that the client of a connection may cancel or break, written as --arrivals",
              TextOf(clients.resets))
      .String("chatter", &chatter_,
              "frames of a connection that carry no call forward, as pings; written as --arrivals",
              TextOf(clients.chatter))
      .String("settings", &settings_,
              "changes of HTTP/2 settings on a connection, written as --arrivals",
              TextOf(clients.settings))
      .String("bad-tokens", &bad_tokens_, "invalid tokens from one address, written as --arrivals",
              TextOf(limits.bad_tokens))
      .Int("calls-at-once", &calls_at_once_,
           "of --max-calls, the most that are at the service; the others wait in line",
           number(limits.calls_at_once))
      .Duration("wait", &wait_, "how long a call may wait in line", limits.wait)
      .Duration("delay", &delay_,
                "how much longer than needed all calls to a service may take before fewer are sent "
                "to it at once; 0s: no limit",
                limits.delay)
      .Duration("line", &line_,
                "how long a line may be that does not go away, in the time that its calls take; "
                "0s: no limit",
                limits.line)
      .Duration("handshake", &handshake_,
                "time for a client to complete a handshake, or the headers of a call",
                clients.handshake)
      .Duration("turn", &turn_, "time for one connection before others are read; 0s: no limit",
                clients.turn)
      .Duration(
          "answer-time", &answer_,
          "time for a client to take an answer, besides a second for each 8 KiB; 0s: no limit",
          clients.answer)
      .Duration("progress", &progress_,
                "time after which a stream ends from which its client takes nothing; 0s: no limit",
                clients.progress)
      .Duration("idle", &idle_,
                "time after which a connection without calls is closed; 0s: no limit", clients.idle)
      .Duration("age", &age_, "age at which a client is asked to connect anew; 0s: no limit",
                clients.age)
      .Duration("grace", &grace_,
                "time in which calls may still begin on a connection that is to close",
                clients.grace);
}

// Positive ones only: a bound of none would be a gateway that does nothing, or everything.
absl::Status LimitFlags::Fill(Limits* limits) const {
  if (calls_per_second_ < 0 || burst_ < 1 || max_calls_ < 1 || max_streams_ < 1 ||
      calls_of_caller_ < 1 || streams_of_caller_ < 1 || calls_of_connection_ < 1 ||
      calls_at_once_ < 1) {
    return BadSetup(
        "--calls-per-second, --burst, --max-calls, --max-streams, --calls-of-caller, "
        "--streams-of-caller, --calls-of-connection, --calls-at-once: above zero");
  }
  if (connections_ < 0 || connections_of_source_ < 0 || held_mib_ < 0 || memory_mib_ < 0) {
    return BadSetup(
        "--max-connections, --connections-of-source, --held-mib, --memory-mib: zero or more");
  }
  limits->calls_per_second = static_cast<double>(calls_per_second_);
  limits->burst = static_cast<double>(burst_);
  limits->max_calls = static_cast<size_t>(max_calls_);
  limits->max_streams = static_cast<size_t>(max_streams_);
  limits->calls_of_caller = static_cast<size_t>(calls_of_caller_);
  limits->streams_of_caller = static_cast<size_t>(streams_of_caller_);
  limits->calls_at_once = static_cast<size_t>(calls_at_once_);
  limits->max_memory_bytes = static_cast<size_t>(memory_mib_) << 20;
  limits->wait = wait_;
  limits->delay = OrNone(delay_);
  limits->line = OrNone(line_);
  ASSIGN_OR_RETURN(limits->bad_tokens, RateOf("bad-tokens", bad_tokens_));
  http2::Limits& clients = limits->clients;
  clients.max_connections = static_cast<size_t>(connections_);
  clients.max_connections_of_source = static_cast<size_t>(connections_of_source_);
  clients.max_calls_of_connection = static_cast<uint32_t>(calls_of_connection_);
  clients.max_held_bytes = static_cast<size_t>(held_mib_) << 20;
  ASSIGN_OR_RETURN(clients.arrivals_of_source, RateOf("arrivals", arrivals_));
  ASSIGN_OR_RETURN(clients.resets, RateOf("resets", resets_));
  ASSIGN_OR_RETURN(clients.chatter, RateOf("chatter", chatter_));
  ASSIGN_OR_RETURN(clients.settings, RateOf("settings", settings_));
  clients.handshake = handshake_;
  clients.turn = OrNone(turn_);
  clients.answer = OrNone(answer_);
  clients.progress = OrNone(progress_);
  clients.idle = OrNone(idle_);
  clients.age = OrNone(age_);
  clients.grace = grace_;
  return absl::OkStatus();
}

}  // namespace nisi::gateway
