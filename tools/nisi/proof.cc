#include "tools/nisi/proof.h"

#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "google/protobuf/util/json_util.h"
#include "tools/nisi/args.h"
#include "tools/nisi/client.h"
#include "tools/nisi/errors.h"
#include "tools/nisi/flags.h"
#include "tools/nisi/journal_proof.h"
#include "tools/nisi/names.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {
namespace {

using google::protobuf::Message;

constexpr char kProofHelp[] = "nisi help proof";
constexpr double kTimeout = 30;

// A call of the journal that has to be answered.
grpc::Status Ask(const Client& client, const std::string& service, const char* method,
                 const Message& request, Message* response) {
  CallOptions options;
  options.service = service;
  options.timeout_seconds = kTimeout;
  return client.Unary(*FindMethod(*FindService("journal"), method), options, request, response);
}

// A service may show the entries that are public anyway to those who may not read its journal.
void AskPublished(const Client& client, const std::string& service, int64_t position,
                  grpc::Status* status, nisi::journal::v1::EntryRecord* entry) {
  const Service* owner = FindService(service);
  const auto* method = owner == nullptr ? nullptr : FindMethod(*owner, "get-published-leaf");
  if (method == nullptr || method->output_type() != entry->GetDescriptor()) return;
  const MessagePtr request = NewMessage(*method->input_type());
  const auto* field = method->input_type()->FindFieldByName("position");
  request->GetReflection()->SetInt64(request.get(), field, position);
  CallOptions options;
  options.timeout_seconds = kTimeout;
  *status = client.Unary(*method, options, *request, entry);
}

// Head first: the path is then asked for the tree of just that size.
grpc::Status Collect(const Client& client, const std::string& service, int64_t position,
                     const Proof* since, const Io& io, Proof* proof) {
  namespace journal = nisi::journal::v1;
  grpc::Status status =
      Ask(client, service, "get-tree-head", journal::GetTreeHeadRequest(), &proof->head);
  if (!status.ok()) return status;
  journal::GetInclusionProofRequest inclusion;
  inclusion.set_position(position);
  inclusion.set_tree_size(proof->head.tree_size());
  status = Ask(client, service, "get-inclusion-proof", inclusion, &proof->inclusion);
  if (!status.ok()) return status;
  status = Ask(client, service, "get-signing-key", journal::GetSigningKeyRequest(), &proof->key);
  if (!status.ok()) return status;
  if (since != nullptr) {
    journal::GetConsistencyProofRequest consistency;
    consistency.set_first_size(since->head.tree_size());
    consistency.set_second_size(proof->head.tree_size());
    status = Ask(client, service, "get-consistency-proof", consistency, &proof->consistency);
    if (!status.ok()) return status;
    proof->has_consistency = true;
  }
  journal::GetEntryRequest entry;
  entry.set_position(position);
  const auto is_denied = [&status] {
    return status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
           status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
  };
  status = Ask(client, service, "get-entry", entry, &proof->entry);
  if (is_denied()) AskPublished(client, service, position, &status, &proof->entry);
  const bool denied = is_denied();
  if (denied)
    *io.err
        << "The entry itself is not shown to this caller; its leaf hash is proved all the same.\n";
  // Only what is whole is what the tree holds.
  const bool partial = status.ok() && proof->entry.has_partial();
  if (partial)
    *io.err
        << "The entry is shown to this caller without the record before; its leaf hash is proved "
           "all the same.\n";
  proof->has_entry = status.ok() && !partial;
  return denied ? grpc::Status::OK : status;
}

// A file that was kept: of `nisi proof journal`, whose entries then follow in `lines`, else a
// proof.
struct Kept {
  std::ifstream file;
  std::istream* lines = nullptr;
  std::optional<JournalHead> journal;
  Proof proof;

  const nisi::journal::v1::TreeHead& head() const { return journal ? journal->head : proof.head; }
  const nisi::journal::v1::SigningKey& key() const { return journal ? journal->key : proof.key; }
};

absl::Status Read(const std::string& path, const Io& io, Kept* kept) {
  kept->lines = io.in;
  if (path != "-") {
    ASSIGN_OR_RETURN(kept->file, OpenToRead(path));
    kept->lines = &kept->file;
  }
  std::string text;
  std::getline(*kept->lines, text);
  kept->journal = JournalHeadFrom(text);
  if (kept->journal) return absl::OkStatus();
  text += '\n';
  text.append(std::istreambuf_iterator<char>(*kept->lines), {});
  auto proof = ProofFromJson(text);
  if (!proof.ok())
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", proof.status().message()));
  kept->proof = *std::move(proof);
  return absl::OkStatus();
}

struct Since {
  bool given = false;
  Proof proof;
  const Proof* get() const { return given ? &proof : nullptr; }
};

absl::StatusOr<Since> SinceOf(const Args& args, const Io& io) {
  Since since;
  since.given = args.Has("since");
  if (since.given) {
    Kept kept;
    RETURN_IF_ERROR(Read(args.Get("since"), io, &kept));
    since.proof.head = kept.head();
    since.proof.key = kept.key();
  }
  return since;
}

// The file of --list, open; null where none is given.
absl::StatusOr<std::unique_ptr<std::ifstream>> ListOf(const Args& args) {
  if (!args.Has("list")) return std::unique_ptr<std::ifstream>();
  ASSIGN_OR_RETURN(std::ifstream file, OpenToRead(args.Get("list")));
  return std::make_unique<std::ifstream>(std::move(file));
}

// Calls the server for all parts. Returns the exit code.
int Fetch(const Args& args, const Proof* since, Format format, const Io& io, Proof* proof) {
  int64_t position = 0;
  const std::string service = args.Get("service");
  if (service.empty() || !args.Has("position")) {
    return ReportUsage(absl::InvalidArgumentError("--service NAME and --position N are needed."),
                       kProofHelp, format, io);
  }
  if (!absl::SimpleAtoi(args.Get("position"), &position) || position < 1) {
    return ReportUsage(
        absl::InvalidArgumentError("--position takes the number of an entry, from 1 on."),
        kProofHelp, format, io);
  }
  const auto client = Client::Connect(args, io);
  if (!client.ok()) return ReportUsage(client.status(), kProofHelp, format, io);
  const grpc::Status status = Collect(*client, service, position, since, io, proof);
  return status.ok() ? kDone : ReportRefusal(status, format, io);
}

int Write(const Proof& proof, const Args& args, Format format, const Io& io) {
  if (!args.Has("output")) {
    *io.out << ToJson(proof);
    return kDone;
  }
  std::ofstream file(args.Get("output"), std::ios::binary);
  file << ToJson(proof);
  file.close();
  if (!file) {
    return ReportUsage(absl::NotFoundError(absl::StrCat("cannot write ", args.Get("output"))), "",
                       format, io);
  }
  *io.err << "Kept the proof of position " << proof.inclusion.position() << " in a tree of "
          << proof.head.tree_size() << ". Check it anywhere: nisi proof verify "
          << args.Get("output") << "\n";
  return kDone;
}

template <class M>
absl::Status Part(const nlohmann::json& object, const char* name, bool needed, M* message) {
  if (!object.contains(name)) {
    return needed ? absl::InvalidArgumentError(absl::StrCat("has no ", name)) : absl::OkStatus();
  }
  const std::string text =
      object[name].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (SetFromJson(text, message).ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("its ", name, " has not the form of one"));
}

PinnedKeys PinnedBy(const Args& args) {
  return {absl::StrSplit(args.Get("public-key"), ',', absl::SkipEmpty()),
          absl::StrSplit(args.Get("key-id"), ',', absl::SkipEmpty())};
}

// nisi proof journal
int KeepWhole(const Args& args, Format format, const Io& io) {
  if (args.Get("service").empty()) {
    return ReportUsage(absl::InvalidArgumentError("--service NAME is needed."), kProofHelp, format,
                       io);
  }
  const auto client = Client::Connect(args, io);
  if (!client.ok()) return ReportUsage(client.status(), kProofHelp, format, io);
  return KeepJournal(*client, args, format, io);
}

}  // namespace

std::string ToJson(const Proof& proof) {
  std::string out;
  auto add = [&](const char* name, const Message& message) {
    std::string json;
    if (!google::protobuf::util::MessageToJsonString(message, &json).ok()) json = "{}";
    absl::StrAppend(&out, out.empty() ? "{\n" : ",\n", "  \"", name, "\": ", json);
  };
  if (proof.has_entry) add("entry", proof.entry);
  add("inclusionProof", proof.inclusion);
  add("treeHead", proof.head);
  add("signingKey", proof.key);
  if (proof.has_consistency) add("consistencyProof", proof.consistency);
  return out + "\n}\n";
}

absl::StatusOr<Proof> ProofFromJson(const std::string& text) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return absl::InvalidArgumentError("is no JSON object");
  Proof proof;
  RETURN_IF_ERROR(Part(object, "entry", false, &proof.entry));
  RETURN_IF_ERROR(Part(object, "inclusionProof", true, &proof.inclusion));
  RETURN_IF_ERROR(Part(object, "treeHead", true, &proof.head));
  RETURN_IF_ERROR(Part(object, "signingKey", true, &proof.key));
  RETURN_IF_ERROR(Part(object, "consistencyProof", false, &proof.consistency));
  proof.has_entry = object.contains("entry");
  proof.has_consistency = object.contains("consistencyProof");
  return proof;
}

int RunProof(const std::vector<std::string>& argv, const Io& io) {
  std::vector<std::string> rest = argv;
  const std::vector<std::string> what = TakeWords(&rest, 1);
  const std::string word = what.empty() ? "" : what[0];
  if (word != "get" && word != "journal" && word != "verify") {
    return ReportUsage(absl::InvalidArgumentError("proof takes get, journal or verify."),
                       kProofHelp, Format::kTable, io);
  }
  if (word == "verify") return RunVerify(rest, io);
  const auto args = ParseArgs(rest, {}, kCommon | kConnect | kStandard | kProofGet);
  if (!args.ok()) return ReportUsage(args.status(), kProofHelp, Format::kTable, io);
  const Format format = args->Get("format") == "json" ? Format::kJson : Format::kTable;
  if (word == "journal") return KeepWhole(*args, format, io);
  const auto since = SinceOf(*args, io);
  if (!since.ok()) return ReportUsage(since.status(), kProofHelp, format, io);
  Proof proof;
  const int code = Fetch(*args, since->get(), format, io, &proof);
  return code == kDone ? Write(proof, *args, format, io) : code;
}

int RunVerify(const std::vector<std::string>& argv, const Io& io) {
  const auto args = ParseArgs(argv, {}, kCommon | kConnect | kStandard | kProofGet | kProofVerify);
  if (!args.ok()) return ReportUsage(args.status(), kProofHelp, Format::kTable, io);
  const Format format = args->Get("format") == "json" ? Format::kJson : Format::kTable;
  const auto since = SinceOf(*args, io);
  if (!since.ok()) return ReportUsage(since.status(), kProofHelp, format, io);
  const auto list = ListOf(*args);
  if (!list.ok()) return ReportUsage(list.status(), kProofHelp, format, io);
  if (args->Has("position")) {
    Proof proof;
    const int code = Fetch(*args, since->get(), format, io, &proof);
    return code == kDone
               ? VerifyProof(proof, PinnedBy(*args), since->get(), list->get(), format, io)
               : code;
  }
  if (args->words.size() != 1) {
    return ReportUsage(
        absl::InvalidArgumentError("verify takes one file, or --service and --position."),
        kProofHelp, format, io);
  }
  Kept kept;
  if (const absl::Status status = Read(args->words[0], io, &kept); !status.ok())
    return ReportUsage(status, kProofHelp, format, io);
  if (!kept.journal)
    return VerifyProof(kept.proof, PinnedBy(*args), since->get(), list->get(), format, io);
  if (*list != nullptr) {
    return ReportUsage(absl::InvalidArgumentError("--list goes with the proof of an entry."),
                       kProofHelp, format, io);
  }
  const JournalHead older{since->proof.head, since->proof.key};
  return VerifyJournal(*kept.journal, kept.lines, PinnedBy(*args), since->given ? &older : nullptr,
                       format, io);
}

}  // namespace nisi::cli
