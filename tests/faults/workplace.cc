#include "tests/faults/workplace.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/rpc/dev_keys.h"

namespace nisi::faults {
namespace {

std::string AddressOf(const std::string& folder) {
  return absl::StrCat("unix:", folder, "/socket");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Workplace>> Workplace::Make(const std::string& service) {
  // As the service does: the search for lock cycles costs a twentieth of a call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const char* memory = "/dev/shm";
  const bool there = access(memory, W_OK) == 0;
  std::string pattern = absl::StrCat(
      there ? memory : std::filesystem::temp_directory_path().string(), "/nisi-faults-XXXXXX");
  std::unique_ptr<Workplace> place(new Workplace());
  if (mkdtemp(pattern.data()) == nullptr) return absl::UnavailableError(pattern);
  place->path_ = pattern;
  ASSIGN_OR_RETURN(const rpc::DevKeys keys, rpc::LoadOrCreateDevKeys(pattern));
  place->jwks_ = keys.jwks_path;
  ASSIGN_OR_RETURN(place->writer_token_,
                   rpc::MintDevToken(pattern, rpc::v1::INSTITUTE_INDUSTRY, "", {}, absl::Now()));
  ASSIGN_OR_RETURN(place->auditor_token_,
                   rpc::MintDevToken(pattern, rpc::v1::AUDITOR, "", {}, absl::Now()));
  ASSIGN_OR_RETURN(place->keeper_token_,
                   rpc::MintDevToken(pattern, rpc::v1::OPERATOR, "", {}, absl::Now()));
  place->service_ = service;
#ifndef NISI_TSAN  // It wants to see each fork.
  if (!service.empty()) {
    ASSIGN_OR_RETURN(place->loaded_, Template::Load(service));
  }
#endif
  return place;
}

Workplace::~Workplace() {
  std::error_code ignored;
  if (!keep_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
}

absl::StatusOr<std::unique_ptr<Process>> Workplace::Start(
    const std::string& folder, const std::vector<std::string>& flags) const {
  std::vector<std::string> command{service_};
  command.insert(command.end(), flags.begin(), flags.end());
  for (const std::string& word : {std::string("--data"), folder + "/data", std::string("--address"),
                                  AddressOf(folder), std::string("--jwks"), jwks_}) {
    command.push_back(word);
  }
  const std::string log = folder + "/log";
  return loaded_ ? Process::Start(*loaded_, command, log) : Process::Start(command, log);
}

Clients Workplace::ClientsOf(const std::string& folder) const {
  return {Client(AddressOf(folder), writer_token_), Client(AddressOf(folder), auditor_token_),
          Client(AddressOf(folder), keeper_token_)};
}

std::unique_ptr<Client> Workplace::WriterOf(const std::string& folder) const {
  return std::make_unique<Client>(AddressOf(folder), writer_token_);
}

}  // namespace nisi::faults
