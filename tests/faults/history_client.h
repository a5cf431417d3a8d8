// The clients of a history: each calls, waits for its answer, and writes down what it was.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/faults/client.h"
#include "tests/faults/history_checker.h"

namespace nisi::faults {

// The service for those who call it: whether it is there, and which of its lives that is.
class Lives {
 public:
  void Begin();
  void End();
  // It will not come back: those who wait are told 0.
  void GiveUp();
  // Waits until it is there; from 1.
  int64_t Now();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t life_ = 0;
  bool there_ = false, given_up_ = false;
};

// The last etag of each record that any client was given.
class Etags {
 public:
  explicit Etags(int64_t records) : etags_(static_cast<size_t>(records)) {}
  std::string Get(int64_t record);
  void Set(int64_t record, const std::string& etag);

 private:
  std::mutex mutex_;
  std::vector<std::string> etags_;
};

// What all clients share: the entries 0 to `records` of one edition.
struct HistoryRound {
  HistoryRound(int64_t number_of_records, int64_t calls)
      : records(number_of_records), calls_left(calls), etags(number_of_records) {}
  const int64_t records;
  std::string edition;
  std::function<std::unique_ptr<Client>()> connect;  // to the service that is there now
  std::atomic<int64_t> calls_left, clients_done{0};
  Lives lives;
  Etags etags;
};

// The code of entry n, which is its record in the history.
std::string CodeOf(int64_t n);

// Those of an odd number leave a change open when no answer to it comes; the others ask again with
// the same request id until one does.
class HistoryClient {
 public:
  HistoryClient(HistoryRound& round, int number, uint64_t seed)
      : round_(round), number_(number), random_(seed) {}

  // Makes calls while there are any left.
  void Run();
  // Gets every record once.
  void ReadAll();

  const std::vector<HistoryCall>& calls() const { return calls_; }
  // An answer that no client should get.
  const absl::Status& error() const { return error_; }
  // Requests that were asked again after their answer, after none, and that then had another.
  int64_t asked_again() const { return asked_again_; }
  int64_t settled() const { return settled_; }
  const std::vector<std::string>& changed() const { return changed_; }

 private:
  struct Request {
    std::string path, bytes;
    bool list = false;
  };

  // False when there is nobody to call any more.
  bool Read(int64_t record);
  bool Change(int64_t record);
  bool Make(int64_t record, HistoryCall call, const Request& request);
  bool AskAgain(const Request& request, const Answer& first);
  bool Connect();

  Request RequestOf(const HistoryCall& call, int64_t record);
  HistoryCall::Result ResultOf(const Answer& answer, const std::string& path);
  void Learn(const Answer& answer, bool list, int64_t record, HistoryCall* call);
  std::string NameOf(int64_t record) const;
  std::string NextId();
  uint64_t Draw(uint64_t below) { return random_() % below; }

  HistoryRound& round_;
  const int number_;
  std::mt19937_64 random_;
  std::unique_ptr<Client> client_;
  int64_t life_ = 0, ids_ = 0, asked_again_ = 0, settled_ = 0;
  std::vector<HistoryCall> calls_;
  std::vector<std::string> changed_;
  absl::Status error_;
};

}  // namespace nisi::faults
