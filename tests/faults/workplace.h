// A folder in memory where there is such, so that a test is bound by the processor and not by the
// disk; with the keys that services started in it take tokens by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/faults/audit.h"
#include "tests/faults/process.h"

namespace nisi::faults {

class Workplace {
 public:
  // `service` is the program that is started in it, if there is one. From the main thread: it is
  // loaded once.
  static absl::StatusOr<std::unique_ptr<Workplace>> Make(const std::string& service = "");
  // Goes, unless kept.
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const std::string& path() const { return path_; }
  // Leaves the folder for whoever wants to see what went wrong.
  void Keep() { keep_ = true; }
  // Starts the service with its store in `folder`, where its log is too, and the socket on which it
  // listens; `flags` come first.
  absl::StatusOr<std::unique_ptr<Process>> Start(const std::string& folder,
                                                 const std::vector<std::string>& flags) const;
  Clients ClientsOf(const std::string& folder) const;
  std::unique_ptr<Client> WriterOf(const std::string& folder) const;

 private:
  Workplace() = default;
  std::unique_ptr<Template> loaded_;
  std::string path_, service_, jwks_, writer_token_, auditor_token_, keeper_token_;
  bool keep_ = false;
};

}  // namespace nisi::faults
