#include "tools/nisi/describe.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/rpc/caller.h"
#include "tools/nisi/args.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/names.h"
#include "tools/nisi/output.h"

namespace nisi::cli {
namespace {

using google::protobuf::MethodDescriptor;

bool Admits(const MethodDescriptor& method, rpc::Role role) {
  const auto& roles = PolicyOf(method).roles();
  return std::any_of(roles.begin(), roles.end(), [&](int admitted) {
    return admitted == role || admitted == nisi::rpc::v1::PUBLIC;
  });
}

Table Policies(const std::string& service_name, const std::string& method_name) {
  Table table;
  table.columns = {"service", "method", "kind", "changes", "article", "roles"};
  for (const Service& service : Services()) {
    if (!service_name.empty() && service.name != service_name) continue;
    for (const auto* method : MethodsOf(service)) {
      const std::string name = Kebab(method->name());
      if (!method_name.empty() && name != method_name) continue;
      const auto& policy = PolicyOf(*method);
      table.rows.push_back({service.name, name, KindOf(*method), policy.mutation() ? "yes" : "",
                            policy.article(), absl::StrJoin(RolesOf(*method), " ")});
    }
  }
  return table;
}

Table Matrix() {
  Table table;
  table.columns = {"method"};
  for (const rpc::Role role : rpc::AllRoles()) table.columns.push_back(rpc::RoleName(role));
  for (const Service& service : Services()) {
    for (const auto* method : MethodsOf(service)) {
      std::vector<std::string>& row = table.rows.emplace_back();
      row.push_back(absl::StrCat(service.name, " ", Kebab(method->name())));
      for (const rpc::Role role : rpc::AllRoles())
        row.emplace_back(Admits(*method, role) ? "yes" : "");
    }
  }
  return table;
}

std::string Markdown(const Table& table) {
  std::string out = absl::StrCat("| ", absl::StrJoin(table.columns, " | "), " |\n|");
  for (size_t i = 0; i < table.columns.size(); ++i) out += " --- |";
  out += "\n";
  for (const auto& row : table.rows) absl::StrAppend(&out, "| ", absl::StrJoin(row, " | "), " |\n");
  return out;
}

std::string Csv(const Table& table) {
  std::string out = RenderCsvRow(table.columns);
  for (const auto& row : table.rows) out += RenderCsvRow(row);
  return out;
}

}  // namespace

std::string KindOf(const MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "stream" : "client stream";
  return method.server_streaming() ? "server stream" : "unary";
}

std::vector<std::string> RolesOf(const MethodDescriptor& method) {
  std::vector<std::string> roles;
  for (const int role : PolicyOf(method).roles()) {
    if (role == nisi::rpc::v1::PUBLIC) return {rpc::RoleName(nisi::rpc::v1::PUBLIC)};
    roles.push_back(rpc::RoleName(static_cast<rpc::Role>(role)));
  }
  return roles;
}

namespace {

// INVALID_ARGUMENT where --format is none of them.
absl::Status CheckFormat(const Args& args, const std::vector<std::string>& known) {
  const std::string format = args.Get("format", known.front());
  if (std::find(known.begin(), known.end(), format) != known.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--format takes one of ", absl::StrJoin(known, ", "), " here."));
}

}  // namespace

int RunDescribe(const std::vector<std::string>& argv, const Io& io) {
  const auto args = ParseArgs(argv, {}, kCommon);
  if (!args.ok()) return ReportUsage(args.status(), "nisi help describe", Format::kTable, io);
  if (const auto fits = CheckFormat(*args, {"table", "csv", "markdown"}); !fits.ok())
    return ReportUsage(fits, "nisi help describe", Format::kTable, io);
  // "service.method" or "service method".
  std::vector<std::string> words =
      absl::StrSplit(absl::StrJoin(args->words, "."), '.', absl::SkipEmpty());
  words.resize(2);
  const Table table = Policies(words[0], words[1]);
  if (table.rows.empty()) {
    return ReportUsage(
        absl::NotFoundError(absl::StrCat("There is no ", absl::StrJoin(args->words, " "), ".")),
        "nisi describe", Format::kTable, io);
  }
  if (args->Get("format") == "csv") {
    *io.out << Csv(table);
  } else if (args->Get("format") == "markdown") {
    *io.out << Markdown(table);
  } else {
    std::vector<int> widths;
    bool cut = false;
    *io.out << Render(table, args->Has("wide") ? 0 : io.width, &widths, true, &cut);
    if (cut) *io.out << CutNote("--wide");
  }
  return kDone;
}

int RunRoles(const std::vector<std::string>& argv, const Io& io) {
  const auto args = ParseArgs(argv, {}, kCommon);
  if (!args.ok()) return ReportUsage(args.status(), "nisi help roles", Format::kTable, io);
  if (const auto fits = CheckFormat(*args, {"markdown", "csv"}); !fits.ok())
    return ReportUsage(fits, "nisi help roles", Format::kTable, io);
  *io.out << (args->Get("format") == "csv" ? Csv(Matrix()) : Markdown(Matrix()));
  return kDone;
}

}  // namespace nisi::cli
