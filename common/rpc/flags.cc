#include "common/rpc/flags.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/base/wrap.h"
#include "common/rpc/version.h"

namespace nisi::rpc {
namespace {

absl::Status BadFlag(absl::string_view flag, absl::string_view what) {
  return base::Refusal(absl::StatusCode::kInvalidArgument, "FLAG_INVALID",
                       absl::StrCat(flag, ": ", what, "; see --help"))
      .With("flag", flag);
}

}  // namespace

Flags& Flags::Add(Flag flag) {
  if (Find(flag.name) == nullptr) {
    flags_.push_back(std::move(flag));
  }
  return *this;
}

Flags::Flag* Flags::Find(absl::string_view name) {
  for (Flag& flag : flags_) {
    if (flag.name == name) {
      return &flag;
    }
  }
  return nullptr;
}

Flags& Flags::String(absl::string_view name, std::string* out, absl::string_view help,
                     absl::string_view default_value) {
  *out = std::string(default_value);
  Flag flag{std::string(name), std::string(help), *out};
  flag.set = [out](const std::string& text) {
    *out = text;
    return true;
  };
  return Add(std::move(flag));
}

Flags& Flags::Strings(absl::string_view name, std::vector<std::string>* out,
                      absl::string_view help) {
  Flag flag{std::string(name), std::string(help), ""};
  flag.repeated = true;
  flag.set = [out](const std::string& text) {
    out->push_back(text);
    return true;
  };
  return Add(std::move(flag));
}

Flags& Flags::Int(absl::string_view name, int64_t* out, absl::string_view help,
                  int64_t default_value) {
  *out = default_value;
  Flag flag{std::string(name), std::string(help), absl::StrCat(default_value)};
  flag.set = [out](const std::string& text) { return absl::SimpleAtoi(text, out); };
  return Add(std::move(flag));
}

Flags& Flags::Bool(absl::string_view name, bool* out, absl::string_view help, bool default_value) {
  *out = default_value;
  Flag flag{std::string(name), std::string(help), default_value ? "true" : ""};
  flag.is_switch = true;
  flag.set = [out](const std::string& text) {
    *out = text == "true";
    return *out || text == "false";
  };
  return Add(std::move(flag));
}

Flags& Flags::Duration(absl::string_view name, absl::Duration* out, absl::string_view help,
                       absl::Duration default_value) {
  *out = default_value;
  Flag flag{std::string(name), std::string(help), absl::FormatDuration(default_value)};
  flag.set = [out](const std::string& text) { return absl::ParseDuration(text, out); };
  return Add(std::move(flag));
}

absl::Status Flags::Parse(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == "--help" || (word == "--version" && Find("version") == nullptr)) {
      help_wanted_ = true;
      version_wanted_ = word == "--version";
      return absl::OkStatus();
    }
  }
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (!absl::ConsumePrefix(&word, "--")) {
      return BadFlag(word, "is not a flag");
    }
    const size_t equals = word.find('=');
    const absl::string_view name = word.substr(0, equals);
    Flag* flag = Find(name);
    if (flag == nullptr) {
      return BadFlag(absl::StrCat("--", name), "no such flag");
    }
    if (std::exchange(flag->given, true) && !flag->repeated) {
      return BadFlag(absl::StrCat("--", name), "given twice");
    }
    std::string value = "true";
    if (equals != absl::string_view::npos) {
      value = std::string(word.substr(equals + 1));
    } else if (!flag->is_switch) {
      if (++i == argc) {
        return BadFlag(absl::StrCat("--", name), "needs a value");
      }
      value = argv[i];
    }
    if (!flag->set(value)) {
      return BadFlag(absl::StrCat("--", name), "invalid value");
    }
  }
  return absl::OkStatus();
}

std::string Flags::Help() const {
  if (version_wanted_) return absl::StrCat(program_, " ", Version(), "\n");
  std::string text =
      absl::StrCat(base::Wrap(absl::StrCat(program_, ": ", purpose_), 0), "\nFlags:\n");
  for (const Flag& flag : flags_) {
    absl::StrAppend(&text, "  --", flag.name, flag.is_switch ? "" : " VALUE",
                    flag.repeated ? " ..." : "", "\n");
    std::string help = flag.help;
    if (!flag.default_text.empty()) absl::StrAppend(&help, " (default ", flag.default_text, ")");
    absl::StrAppend(&text, base::Wrap(help, 6));
  }
  return absl::StrCat(text, "  --version\n      print which release this is\n",
                      "  --help\n      print this text\n");
}

std::vector<Flags::Offer> Flags::Offers() const {
  std::vector<Offer> offers;
  for (const Flag& flag : flags_) {
    offers.push_back({absl::StrCat("--", flag.name), flag.help, !flag.is_switch});
  }
  offers.push_back({"--version", "print which release this is", false});
  offers.push_back({"--help", "print all flags", false});
  return offers;
}

}  // namespace nisi::rpc
