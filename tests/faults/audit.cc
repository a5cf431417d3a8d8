#include "tests/faults/audit.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/verify.h"

namespace nisi::faults {
namespace {

namespace goods = priority_goods::v1;
namespace log = journal::v1;
using Fate = Operation::Fate;

constexpr int kPage = 200;
constexpr size_t kOutstanding = 64;
constexpr size_t kLastAsked = kOutstanding;  // of the recent requests
constexpr size_t kAskedOf = 5;               // one of so many before these

std::string Goods(const char* method) {
  return absl::StrCat("/nisi.priority_goods.v1.PriorityGoodsService/", method);
}
std::string Journal(const char* method) {
  return absl::StrCat("/nisi.journal.v1.JournalService/", method);
}

absl::Status CheckHead(Clients& clients, Ledger& ledger, Findings* findings) {
  const log::TreeHead before = ledger.head;
  RETURN_IF_ERROR(ReadHead(clients, ledger));
  const log::TreeHead& now = ledger.head;
  if (now.tree_size() < before.tree_size()) {
    findings->Lost(
        absl::StrCat("the tree had ", before.tree_size(), " entries and has ", now.tree_size()));
    return absl::OkStatus();
  }
  log::SigningKey key;
  RETURN_IF_ERROR(
      clients.auditor.Call(Journal("GetSigningKey"), log::GetSigningKeyRequest(), &key));
  log::ConsistencyProof proof;
  if (before.tree_size() > 0) {
    log::GetConsistencyProofRequest request;
    request.set_first_size(before.tree_size());
    request.set_second_size(now.tree_size());
    RETURN_IF_ERROR(clients.auditor.Call(Journal("GetConsistencyProof"), request, &proof));
  }
  const absl::Status proved = before.tree_size() == 0
                                  ? absl::OkStatus()
                                  : store::VerifyHeads(before, now, proof, key.public_key());
  if (!proved.ok()) findings->Torn(absl::StrCat("tree heads: ", proved.ToString()));
  return absl::OkStatus();
}

absl::Status ReadJournal(Clients& clients, Ledger& ledger, Findings* findings) {
  log::ListEntriesRequest request;
  request.set_page_size(kPage);
  request.set_start_position(ledger.position() + 1);
  while (request.start_position() != 0) {
    log::ListEntriesResponse page;
    RETURN_IF_ERROR(clients.auditor.Call(Journal("ListEntries"), request, &page));
    for (const auto& record : page.entries()) {
      log::Entry entry;
      if (!entry.ParseFromString(record.leaf())) findings->Torn("a journal entry does not parse");
      ledger.Take(entry, findings);
    }
    request.set_start_position(page.next_position());
  }
  if (ledger.position() != ledger.head.tree_size()) {
    findings->Torn(absl::StrCat("the journal ends at ", ledger.position(), ", the tree at ",
                                ledger.head.tree_size()));
  }
  ledger.CheckAllSeen(findings);
  return absl::OkStatus();
}

absl::Status CompareEntries(Clients& clients, const Ledger& ledger, Findings* findings) {
  if (ledger.edition().empty()) return absl::OkStatus();
  goods::ListEntriesRequest request;
  request.set_parent(ledger.edition());
  request.set_page_size(kPage);
  auto expected = ledger.entries().begin();
  const auto end = ledger.entries().end();
  do {
    goods::ListEntriesResponse page;
    RETURN_IF_ERROR(clients.writer.Call(Goods("ListEntries"), request, &page));
    for (const goods::Entry& entry : page.entries()) {
      while (expected != end && expected->first < entry.name()) {
        findings->Torn(absl::StrCat(expected->first, " is in the journal alone"));
        ++expected;
      }
      if (expected == end || expected->first != entry.name()) {
        findings->Torn(absl::StrCat(entry.name(), " is not in the journal"));
      } else if (expected++->second != entry.SerializeAsString()) {
        findings->Torn(absl::StrCat(entry.name(), " is not as in the journal"));
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  for (; expected != end; ++expected) {
    findings->Torn(absl::StrCat(expected->first, " is in the journal alone"));
  }
  return absl::OkStatus();
}

absl::Status AskedAgain(Ledger& ledger, Answer answer, Findings* findings) {
  const Operation& operation = ledger.at(answer.tag);
  const std::string what = absl::StrCat(operation.path, " ", operation.request_id);
  if (answer.status.code() == absl::StatusCode::kUnavailable) return answer.status;
  if (operation.fate == Fate::kAcknowledged) {
    if (!answer.status.ok() || !Ledger::Same(operation, answer.bytes, answer.position)) {
      findings->Torn(absl::StrCat(what, " has another answer than at first: ",
                                  answer.status.ToString(), " at ", answer.position));
    }
    return absl::OkStatus();
  }
  // Where the journal does not have it, it is done now and not before.
  const bool right = operation.seen != 0 ? answer.position == operation.seen
                                         : answer.position > ledger.head.tree_size();
  if (!answer.status.ok() || !right) {
    findings->Torn(absl::StrCat(what, ", which lay at ", operation.seen, ", now gives ",
                                answer.status.ToString(), " at ", answer.position));
  }
  ledger.Answered(answer.tag, answer.status.ok(), std::move(answer.bytes), answer.position);
  return absl::OkStatus();
}

// Which requests are asked again: all that have no answer, the last ones, and some of the others.
// What was acknowledged is in the journal, that has been seen; this is for the answers.
std::vector<size_t> ToAskAgain(const Ledger& ledger) {
  const std::vector<size_t>& recent = ledger.recent();
  std::vector<size_t> numbers;
  for (size_t i = 0; i < recent.size(); ++i) {
    const Fate fate = ledger.at(recent[i]).fate;
    if (fate == Fate::kRefused) continue;
    const bool last = i + kLastAsked >= recent.size();
    if (fate == Fate::kUnknown || last || i % kAskedOf == 0) numbers.push_back(recent[i]);
  }
  return numbers;
}

// Requests without an answer get theirs now.
absl::Status AskAgain(Clients& clients, Ledger& ledger, Findings* findings) {
  const std::vector<size_t> numbers = ToAskAgain(ledger);
  size_t next = 0;
  while (next < numbers.size() || clients.writer.under_way() > 0) {
    while (next < numbers.size() && clients.writer.under_way() < kOutstanding) {
      const Operation& operation = ledger.at(numbers[next]);
      clients.writer.Start(numbers[next++], operation.path, operation.request);
    }
    auto answer = clients.writer.Next(2 * Client::kPatience);
    if (!answer.has_value()) return absl::DeadlineExceededError("no answer to a retry");
    RETURN_IF_ERROR(AskedAgain(ledger, *std::move(answer), findings));
  }
  return absl::OkStatus();
}

}  // namespace

void SendNext(Clients& clients, Ledger& ledger) {
  const size_t number = ledger.Next();
  clients.writer.Start(number, ledger.at(number).path, ledger.at(number).request);
}

absl::Status ReadHead(Clients& clients, Ledger& ledger) {
  return clients.auditor.Call(Journal("GetTreeHead"), log::GetTreeHeadRequest(), &ledger.head);
}

absl::Status Audit(Clients& clients, Ledger& ledger, Findings* findings) {
  RETURN_IF_ERROR(CheckHead(clients, ledger, findings));
  RETURN_IF_ERROR(ReadJournal(clients, ledger, findings));
  if (!findings->none()) return absl::OkStatus();  // What follows would say the same again.
  RETURN_IF_ERROR(CompareEntries(clients, ledger, findings));
  std::vector<size_t> unknown;
  for (const size_t number : ledger.recent()) {
    if (ledger.at(number).fate == Fate::kUnknown) unknown.push_back(number);
  }
  RETURN_IF_ERROR(AskAgain(clients, ledger, findings));
  ledger.Checked(std::move(unknown));
  return absl::OkStatus();
}

}  // namespace nisi::faults
