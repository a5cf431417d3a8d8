#include "tests/faults/restored.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/store/verify.h"
#include "nisi/priority_goods/v1/service.pb.h"

namespace nisi::faults {
namespace {

namespace goods = priority_goods::v1;
namespace log = journal::v1;

constexpr int kPage = 200;
constexpr size_t kAskedAtOnce = 64;
constexpr size_t kAskedAgain = 400;  // the last that it has

std::string Goods(const char* method) {
  return absl::StrCat("/nisi.priority_goods.v1.PriorityGoodsService/", method);
}
std::string Journal(const char* method) {
  return absl::StrCat("/nisi.journal.v1.JournalService/", method);
}

// The leaves of a journal up to a position.
absl::StatusOr<std::vector<std::string>> LeavesOf(Clients& clients, int64_t last) {
  std::vector<std::string> leaves;
  log::ListEntriesRequest request;
  request.set_page_size(kPage);
  request.set_start_position(1);
  while (request.start_position() != 0 && request.start_position() <= last) {
    log::ListEntriesResponse page;
    RETURN_IF_ERROR(clients.auditor.Call(Journal("ListEntries"), request, &page));
    for (const auto& record : page.entries()) leaves.push_back(record.leaf());
    request.set_start_position(page.next_position());
  }
  leaves.resize(std::min(leaves.size(), static_cast<size_t>(last)));
  return leaves;
}

// Entries by name, as they follow from the journal.
std::map<std::string, std::string> EntriesAfter(const std::vector<std::string>& leaves) {
  std::map<std::string, std::string> entries;
  for (const std::string& leaf : leaves) {
    log::Entry entry;
    entry.ParseFromString(leaf);
    for (const auto& change : entry.changes()) {
      if (change.table() != "entries") continue;
      goods::Entry goods_entry;
      goods_entry.ParseFromString(change.kind() == log::Change::END ? change.before().value()
                                                                    : change.after().value());
      if (change.kind() == log::Change::END) {
        entries.erase(goods_entry.name());
      } else {
        entries[goods_entry.name()] = change.after().value();
      }
    }
  }
  return entries;
}

absl::StatusOr<std::map<std::string, std::string>> EntriesOf(Clients& clients,
                                                             const std::string& edition) {
  std::map<std::string, std::string> entries;
  goods::ListEntriesRequest request;
  request.set_parent(edition);
  request.set_page_size(kPage);
  do {
    goods::ListEntriesResponse page;
    RETURN_IF_ERROR(clients.writer.Call(Goods("ListEntries"), request, &page));
    for (const goods::Entry& entry : page.entries()) {
      entries[entry.name()] = entry.SerializeAsString();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return entries;
}

void CompareEntries(const std::map<std::string, std::string>& expected,
                    const std::map<std::string, std::string>& found, Findings* findings) {
  for (const auto& [name, bytes] : expected) {
    const auto at = found.find(name);
    if (at == found.end()) {
      findings->Lost(absl::StrCat(name, " was not restored"));
    } else if (at->second != bytes) {
      findings->Torn(absl::StrCat(name, " was restored otherwise"));
    }
  }
  for (const auto& [name, bytes] : found) {
    if (!expected.contains(name)) findings->Future(absl::StrCat(name, " was restored from later"));
  }
}

absl::Status CompareHeads(Clients& of_later, const log::TreeHead& first,
                          const log::TreeHead& second, Findings* findings) {
  log::SigningKey key;
  RETURN_IF_ERROR(
      of_later.auditor.Call(Journal("GetSigningKey"), log::GetSigningKeyRequest(), &key));
  log::GetConsistencyProofRequest request;
  request.set_first_size(first.tree_size());
  request.set_second_size(second.tree_size());
  log::ConsistencyProof proof;
  RETURN_IF_ERROR(of_later.auditor.Call(Journal("GetConsistencyProof"), request, &proof));
  const absl::Status proved = store::VerifyHeads(first, second, proof, key.public_key());
  if (!proved.ok()) {
    findings->Torn(absl::StrCat("heads ", first.tree_size(), " and ", second.tree_size(), ": ",
                                proved.ToString()));
  }
  return absl::OkStatus();
}

absl::StatusOr<log::TreeHead> HeadOf(Clients& clients) {
  log::TreeHead head;
  RETURN_IF_ERROR(clients.auditor.Call(Journal("GetTreeHead"), log::GetTreeHeadRequest(), &head));
  return head;
}

absl::Status AskAgain(Clients& clients, const Ledger& ledger, int64_t last, int64_t* answers,
                      Findings* findings) {
  std::vector<size_t> numbers;
  for (size_t n = ledger.size(); n-- > 0 && numbers.size() < kAskedAgain;) {
    const Operation& operation = ledger.at(n);
    const bool there =
        operation.fate == Operation::Fate::kAcknowledged && operation.position <= last;
    if (there) numbers.push_back(n);
  }
  *answers += static_cast<int64_t>(numbers.size());
  while (!numbers.empty() || clients.writer.under_way() > 0) {
    for (; !numbers.empty() && clients.writer.under_way() < kAskedAtOnce; numbers.pop_back()) {
      const Operation& operation = ledger.at(numbers.back());
      clients.writer.Start(numbers.back(), operation.path, operation.request);
    }
    const auto answer = clients.writer.Next(absl::Seconds(30));
    if (!answer.has_value()) return absl::DeadlineExceededError("no answer to a retry");
    const Operation& operation = ledger.at(answer->tag);
    if (answer->status.ok() && Ledger::Same(operation, answer->bytes, answer->position)) continue;
    findings->Torn(absl::StrCat(operation.path, " ", operation.request_id,
                                " has another answer in the restored store: ",
                                answer->status.ToString(), " at ", answer->position));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CompareRestored(Clients& restored, Clients& live, const Ledger& ledger,
                             const log::TreeHead& before, int64_t* records, int64_t* answers,
                             Findings* findings) {
  ASSIGN_OR_RETURN(const log::TreeHead head, HeadOf(restored));
  ASSIGN_OR_RETURN(const auto expected, LeavesOf(live, head.tree_size()));
  ASSIGN_OR_RETURN(const auto leaves, LeavesOf(restored, head.tree_size()));
  if (expected.size() != static_cast<size_t>(head.tree_size())) {
    findings->Future(absl::StrCat("restored to ", head.tree_size(), " of ", expected.size()));
  }
  if (leaves != expected) findings->Torn("the restored journal is not that of the store");
  const auto entries = EntriesAfter(expected);
  ASSIGN_OR_RETURN(const auto found, EntriesOf(restored, ledger.edition()));
  CompareEntries(entries, found, findings);
  *records += static_cast<int64_t>(entries.size() + expected.size());
  // Before the calls below: what is asked again must write nothing.
  if (before.tree_size() > 0) {
    RETURN_IF_ERROR(CompareHeads(restored, before, head, findings));
  }
  ASSIGN_OR_RETURN(const log::TreeHead now, HeadOf(live));
  RETURN_IF_ERROR(CompareHeads(live, head, now, findings));
  RETURN_IF_ERROR(AskAgain(restored, ledger, head.tree_size(), answers, findings));
  ASSIGN_OR_RETURN(const log::TreeHead after, HeadOf(restored));
  if (after.tree_size() != head.tree_size()) findings->Torn("a retry was done again");
  return absl::OkStatus();
}

}  // namespace nisi::faults
