// A folder in memory where there is such, so that a test is bound by the processor and not by the
// disk; with the keys that services started in it take tokens by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/faults/audit.h"

namespace nisi::faults {

class Workplace {
 public:
  static absl::StatusOr<std::unique_ptr<Workplace>> Make();
  // Goes, unless kept.
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const std::string& path() const { return path_; }
  // Leaves the folder for whoever wants to see what went wrong.
  void Keep() { keep_ = true; }
  // The command that starts a service with its store in `folder`, which listens on the socket in
  // it; `flags` come first.
  std::vector<std::string> Command(const std::string& program, const std::string& folder,
                                   const std::vector<std::string>& flags) const;
  Clients ClientsOf(const std::string& folder) const;
  std::unique_ptr<Client> WriterOf(const std::string& folder) const;

 private:
  Workplace() = default;
  std::string path_, jwks_, writer_token_, auditor_token_, keeper_token_;
  bool keep_ = false;
};

}  // namespace nisi::faults
