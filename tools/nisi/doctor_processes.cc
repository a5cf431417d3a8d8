#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <chrono>
#include <future>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/http2/address.h"
#include "common/rpc/certificates.h"
#include "common/rpc/health.h"
#include "common/rpc/tls.h"
#include "common/rpc/version.h"
#include "grpc/health/v1/health.pb.h"
#include "tools/nisi/doctor.h"

namespace nisi::cli {
namespace {

using grpc::health::v1::HealthCheckResponse;

constexpr std::chrono::seconds kPatience{5};
// A call context may be so much of the future, and is refused past it.
constexpr absl::Duration kSkew = absl::Seconds(5);

struct Heard {
  grpc::Status status;
  HealthCheckResponse answer;
  std::string version;
  absl::Duration ahead;  // its clock, of ours
};

std::string Trailer(const grpc::ClientContext& context, const char* key) {
  const auto found = context.GetServerTrailingMetadata().find(key);
  return found == context.GetServerTrailingMetadata().end()
             ? ""
             : std::string(found->second.data(), found->second.size());
}

Heard Ask(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& with) {
  grpc::GenericStub stub(grpc::CreateChannel(address, with));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  context.set_wait_for_ready(false);
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  const absl::Time asked = base::SystemNow();
  stub.UnaryCall(&context, rpc::kHealthCheckPath, grpc::StubOptions(), &request, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  Heard heard;
  heard.status = done.get_future().get();
  const absl::Duration took = base::SystemNow() - asked;
  if (!heard.status.ok()) return heard;
  grpc::Slice bytes;
  if (response.DumpToSingleSlice(&bytes).ok()) {
    heard.answer.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()));
  }
  heard.version = Trailer(context, rpc::kVersionKey);
  int64_t millis = 0;
  if (absl::SimpleAtoi(Trailer(context, rpc::kTimeKey), &millis)) {
    heard.ahead = absl::FromUnixMillis(millis) - (asked + took / 2);
    // What may be the way there or back is no skew.
    heard.ahead = heard.ahead > absl::ZeroDuration()
                      ? std::max(absl::ZeroDuration(), heard.ahead - took / 2)
                      : std::min(absl::ZeroDuration(), heard.ahead + took / 2);
  }
  return heard;
}

// Where it listens on all addresses, this machine will do.
std::string Dialled(const std::string& address) {
  const auto parsed = http2::ParseAddress(address);
  if (!parsed.has_value()) return address;
  const bool all = parsed->host.empty() || parsed->host == "0.0.0.0" || parsed->host == "::";
  return all ? absl::StrCat("localhost:", parsed->port) : address;
}

bool DoesNotServe(const Heard& heard) {
  return heard.status.ok() && heard.answer.status() != HealthCheckResponse::SERVING;
}

const char* MendAway(const Installation& at) {
  return at.has_edges && at.health_address.empty()
             ? "Start it, or if one of its edges is on this machine, name its --health-address to "
               "the doctor: it hears nobody else from here."
             : "Start it; `cannot_start` in its log says why it does not.";
}

void ExamineProcess(const Installation& at, const Neighbour& who, Findings* findings) {
  const bool own = who.name == at.process;
  const auto credentials = at.tls_dir.empty()
                               ? grpc::InsecureChannelCredentials()
                               : rpc::ClientTls(rpc::TlsFiles::In(at.tls_dir, at.process),
                                                rpc::ServiceIdentity(who.name));
  Heard heard = Ask(Dialled(who.address), credentials);
  const std::string where = absl::StrCat(who.name, " at ", who.address);
  if (own && !heard.status.ok() && !at.health_address.empty()) {
    const Heard health = Ask(Dialled(at.health_address), grpc::InsecureChannelCredentials());
    // Where an edge is on this machine, none is heard from here but the edge: more than this cannot
    // be known. Who is being stopped takes no new connections but those of probes.
    if (health.status.ok() && at.has_edges && !DoesNotServe(health)) return;
    if (DoesNotServe(health)) heard = health;
  }
  if (DoesNotServe(heard)) {
    findings->push_back(
        {"NOT_SERVING", where, "It is there, and says that it does not serve.",
         "It is being stopped, or its store has failed (nisi_store_failed, its "
         "log): then it ends by itself and is to be started again. If it stays so, "
         "its store answers nobody (STORE_STALLED): see to its disk, which hangs."});
    return;
  }
  if (!heard.status.ok()) {
    findings->push_back(
        {own ? "PROCESS_AWAY" : "PEER_UNREACHABLE", where, heard.status.error_message(),
         own ? MendAway(at)
             : "See that it runs, that its name and port are right and no network policy is in "
               "between; `certificate_refused` in the log of either says whose certificate is "
               "not believed, and why."});
    return;
  }
  if (heard.version != rpc::Version()) {
    findings->push_back(
        {"VERSION_DIFFERS", where,
         absl::StrCat("It is of version ", heard.version.empty() ? "unknown" : heard.version,
                      ", this program of ", rpc::Version(), "."),
         "Finish the upgrade: all processes of one installation are of one version "
         "but while they are replaced."});
  }
  if (heard.ahead > kSkew || heard.ahead < -kSkew) {
    findings->push_back(
        {"CLOCK_SKEW", where,
         absl::StrCat("Its clock is ",
                      absl::FormatDuration(absl::Trunc(heard.ahead, absl::Milliseconds(1))),
                      " ahead of this one."),
         "Have both machines follow one time server (chrony): tokens and call "
         "contexts are refused, and legal days begin at different moments."});
  }
}

}  // namespace

void ExamineProcesses(const Installation& at, Findings* findings) {
  // Nobody can be asked with files that do not serve; ExamineKeys says what is wrong with them.
  if (!at.tls_dir.empty() && !rpc::CheckTlsFiles(rpc::TlsFiles::In(at.tls_dir, at.process)).ok()) {
    return;
  }
  ExamineProcess(at, {at.process, at.address}, findings);
  for (const Neighbour& who : at.neighbours) ExamineProcess(at, who, findings);
}

}  // namespace nisi::cli
