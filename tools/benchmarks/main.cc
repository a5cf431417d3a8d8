// nisi-bench: the parts that tools/bench measures with. Each prints one line of JSON.
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "common/rpc/flags.h"
#include "tools/benchmarks/contracts.h"
#include "tools/benchmarks/echo_server.h"
#include "tools/benchmarks/fill.h"
#include "tools/benchmarks/load.h"
#include "tools/benchmarks/money.h"
#include "tools/benchmarks/overload.h"
#include "tools/benchmarks/raw.h"
#include "tools/benchmarks/refunds.h"

namespace nisi::bench {
namespace {

struct Part {
  const char* name;
  const char* what;
  void (*declare)(rpc::Flags&);
  absl::Status (*run)();
};

// Flags of one part; a process runs one part, once.
LoadSettings load;
OverloadSettings overload;
RawSettings raw;
MoneySettings money;
EchoSettings echo;
FillSettings fill;
RefundsSettings refunds;
ContractsSettings contracts;

const Part kParts[] = {
    {"load", "Closed-loop load on one method: rate, latency, server CPU.",
     [](rpc::Flags& flags) {
       flags.String("address", &load.address, "host:port", "127.0.0.1:7401")
           .String("workload", &load.workload, WorkloadNames(), "echo")
           .String("client", &load.client, "grpc: gRPC's own; http2: a lean one", "grpc")
           .String("protocol", &load.protocol,
                   "what http2 speaks: grpc, connect-proto, connect-json", "grpc")
           .String("token", &load.token, "bearer token; empty: nobody signed in")
           .String("ca", &load.authority, "PEM of the authority for TLS; empty: plain text")
           .String("parent", &load.parent, "edition to work in, or BIN that asks", "editions/1")
           .String("codes", &load.codes_file, "file of goods codes, one a line")
           .Int("outstanding", &load.outstanding, "calls under way at once", 64)
           .Int("connections", &load.connections, "connections to spread them over", 4)
           .Int("calls", &load.calls, "calls to measure; 0: by time", 0)
           .Int("salt", &load.salt, "makes the records of this run its own", 0)
           .Duration("warm-up", &load.warm_up, "before the clock runs", absl::Milliseconds(500))
           .Duration("time", &load.time, "to measure", absl::Seconds(3))
           .Strings("pid", &load.pids, "server processes whose CPU time counts; once a process");
     },
     [] { return RunLoad(load, std::cout); }},
    {"overload", "Open load of several callers, in phases: what is answered and what is refused.",
     [](rpc::Flags& flags) {
       flags.String("address", &overload.load.address, "host:port", "127.0.0.1:7400")
           .Strings("workload", &overload.workloads, "name=weight; once for each")
           .Strings("token", &overload.tokens, "of a caller; once for each")
           .Strings("phase", &overload.phases, "calls a second and a time, 5000,3s; in this order")
           .String("network", &overload.network, "of the callers' addresses", "127.0.200")
           .Int("connections", &overload.connections, "of a caller", 2)
           .Int("greedy", &overload.greedy, "as many calls as another brings the first caller", 1)
           .Duration("deadline", &overload.deadline, "of a call", absl::Seconds(1))
           .Duration("wait", &overload.wait, "of a call for room on its caller's connections",
                     absl::ZeroDuration())
           .Duration("settle", &overload.settle, "of each phase, not counted",
                     absl::Milliseconds(500))
           .String("ca", &overload.load.authority,
                   "PEM of the authority for TLS; empty: plain text")
           .String("parent", &overload.load.parent, "edition to work in", "editions/1")
           .String("codes", &overload.load.codes_file, "file of goods codes, one a line")
           .Int("salt", &overload.load.salt, "makes the records of this run its own", 0)
           .Strings("pid", &overload.load.pids, "server processes; once a process");
     },
     [] { return RunOverload(overload, std::cout); }},
    {"echo", "An empty echo on a bare gRPC server of the same set-up, until SIGTERM.",
     [](rpc::Flags& flags) {
       flags.String("address", &echo.address, "host:port", "127.0.0.1:7499")
           .String("tls-dir", &echo.tls_dir, "ca.pem, gateway.pem, gateway.key; empty: plain text")
           .String("as", &echo.as, "whose certificate in --tls-dir it shows", "gateway");
     },
     [] { return RunEchoServer(echo, std::cout); }},
    {"rocks", "Bare RocksDB: threads that each write and sync a batch of these bytes.",
     [](rpc::Flags& flags) {
       flags.String("dir", &raw.dir, "an empty folder")
           .Int("threads", &raw.threads, "writers", 64)
           .Int("keys", &raw.keys, "keys in a batch", 9)
           .Int("bytes", &raw.bytes, "bytes of keys and values in a batch", 2000)
           .Duration("time", &raw.time, "to measure", absl::Seconds(3));
     },
     [] { return RunRocks(raw, std::cout); }},
    {"money", "Callers who post money into one store that syncs, or put plain records into it.",
     [](rpc::Flags& flags) {
       flags.String("dir", &money.dir, "an empty folder")
           .String("what", &money.what, "post or put", "post")
           .Int("threads", &money.threads, "callers", 64)
           .Duration("time", &money.time, "to measure", absl::Seconds(3));
     },
     [] { return RunMoney(money, std::cout); }},
    {"fdatasync", "Appends and fdatasyncs, one after another.",
     [](rpc::Flags& flags) {
       flags.String("dir", &raw.dir, "a folder")
           .Int("bytes", &raw.bytes, "bytes of an append", 2000)
           .Duration("time", &raw.time, "to measure", absl::Seconds(2));
     },
     [] { return RunFdatasync(raw, std::cout); }},
    {"fill", "Writes journal entries into the store of priority goods, unsynced.",
     [](rpc::Flags& flags) {
       flags.String("data", &fill.data, "data folder")
           .Int("entries", &fill.entries, "journal entries wanted", 1'000'000);
     },
     [] { return RunFill(fill, std::cout); }},
    {"refunds", "Claims of 1,000 expenses and duplicate invoices, the service within this process.",
     [](rpc::Flags& flags) {
       flags.String("data", &refunds.data, "an empty folder")
           .Int("expenses", &refunds.expenses, "expenses loaded, by thousands", 100'000)
           .Int("rounds", &refunds.rounds, "calculations measured", 100);
     },
     [] { return RunRefunds(refunds, std::cout); }},
    {"contracts",
     "A List formed from needs and the balance of a contract, the service within this process.",
     [](rpc::Flags& flags) {
       flags.String("data", &contracts.data, "an empty folder")
           .Int("needs", &contracts.needs, "needs of the List", 5'000)
           .Int("deliveries", &contracts.deliveries, "deliveries under the contract", 10'000)
           .Int("rounds", &contracts.rounds, "balances measured", 100);
     },
     [] { return RunContracts(contracts, std::cout); }},
};

int Main(int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "";
  for (const Part& part : kParts) {
    if (wanted != part.name) continue;
    rpc::Flags flags("nisi-bench " + wanted, part.what);
    part.declare(flags);
    if (const absl::Status parsed = flags.Parse(argc - 1, argv + 1); !parsed.ok()) {
      std::cerr << parsed.message() << "\n" << flags.Help();
      return 2;
    }
    if (flags.help_wanted()) {
      std::cout << flags.Help();
      return 0;
    }
    if (const absl::Status status = part.run(); !status.ok()) {
      std::cerr << "nisi-bench " << wanted << ": " << status.ToString() << "\n";
      return 1;
    }
    return 0;
  }
  std::cerr << "nisi-bench PART --flag ...; PART is one of:\n";
  for (const Part& part : kParts) std::cerr << "  " << part.name << "  " << part.what << "\n";
  return 2;
}

}  // namespace
}  // namespace nisi::bench

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);  // a server may close first
  return nisi::bench::Main(argc, argv);
}
