// The flags of a program: declared, typed, printed by --help. Only a main uses them.
//
//   Flags flags("nisi-gateway", "The one door of the suite.");
//   flags.String("address", &address, "where to listen, host:port", "127.0.0.1:7400");
//   flags.Strings("backend", &backends, "owner=host:port; once a service");
//   if (absl::Status status = flags.Parse(argc, argv); !status.ok()) { ... }
//   if (flags.help_wanted()) { std::cout << flags.Help(); return 0; }
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nisi::rpc {

class Flags {
 public:
  Flags(std::string program, std::string purpose)
      : program_(std::move(program)), purpose_(std::move(purpose)) {}

  // Each sets *out to its default at once. Names are without dashes; declaring one twice is a
  // mistake of the program and the first counts.
  Flags& String(absl::string_view name, std::string* out, absl::string_view help,
                absl::string_view default_value = "");
  // May be given several times.
  Flags& Strings(absl::string_view name, std::vector<std::string>* out, absl::string_view help);
  Flags& Int(absl::string_view name, int64_t* out, absl::string_view help,
             int64_t default_value = 0);
  // "--name", "--name=true" or "--name=false".
  Flags& Bool(absl::string_view name, bool* out, absl::string_view help,
              bool default_value = false);
  // As "10s", "500ms".
  Flags& Duration(absl::string_view name, absl::Duration* out, absl::string_view help,
                  absl::Duration default_value);

  // Takes "--name value" and "--name=value". INVALID_ARGUMENT (FLAG_INVALID) naming the flag: an
  // unknown one, one given twice, a missing or bad value, anything that is not a flag.
  absl::Status Parse(int argc, const char* const* argv);

  // Whether --help, or --version, was given; then Parse looks at nothing else.
  bool help_wanted() const { return help_wanted_; }
  // What to print then: all flags, or the program's version.
  std::string Help() const;

  // What may be given, for whoever helps to type it.
  struct Offer {
    std::string name;  // "--data"
    std::string help;
    bool takes_value;
  };
  std::vector<Offer> Offers() const;

 private:
  struct Flag {
    std::string name;
    std::string help;
    std::string default_text;
    bool is_switch = false;
    bool repeated = false;
    std::function<bool(const std::string&)> set;  // false: not such a value
    bool given = false;
  };

  Flags& Add(Flag flag);
  Flag* Find(absl::string_view name);

  std::string program_;
  std::string purpose_;
  std::vector<Flag> flags_;
  bool help_wanted_ = false;
  bool version_wanted_ = false;
};

}  // namespace nisi::rpc
