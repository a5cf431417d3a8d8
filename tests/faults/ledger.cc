#include "tests/faults/ledger.h"

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nisi::faults {
namespace {

namespace goods = priority_goods::v1;
using Fate = Operation::Fate;

constexpr size_t kTexts = 20;
constexpr int kBatch = 10;
constexpr std::array<const char*, 5> kSectors = {"machinery", "metallurgy", "chemistry", "textile",
                                                 "energy"};

std::string Path(const char* method) {
  return absl::StrCat("/nisi.priority_goods.v1.PriorityGoodsService/", method);
}
bool IsMethod(const Operation& operation, const char* method) {
  return operation.path == Path(method);
}

template <class T>
T Parsed(const std::string& bytes) {
  T message;
  message.ParseFromString(bytes);
  return message;
}

}  // namespace

void Findings::Add(int64_t* count, std::string text) {
  ++*count;
  if (texts.size() < kTexts) texts.push_back(std::move(text));
}

void Findings::Add(const Findings& other) {
  lost += other.lost;
  torn += other.torn;
  future += other.future;
  for (const std::string& text : other.texts) {
    if (texts.size() < kTexts) texts.push_back(text);
  }
}

std::string Ledger::NextId() {
  return absl::StrFormat("%08x-0000-4000-8000-%012x", salt_ & 0xffffffff, operations_.size());
}

size_t Ledger::Add(std::string path, std::string request, std::string request_id) {
  const size_t number = operations_.size();
  by_id_[request_id] = number;
  operations_.push_back({std::move(path), std::move(request), std::move(request_id)});
  recent_.push_back(number);
  return number;
}

goods::Entry Ledger::NewEntry() {
  const int64_t n = next_code_++;
  goods::Entry entry;
  entry.set_goods_code(absl::StrFormat("84%08d", n));  // ten digits: no code covers another
  entry.set_name_ru(absl::StrCat("Трансформаторы с жидким диэлектриком, ", n));
  entry.set_name_en(absl::StrCat("Liquid dielectric transformers, ", n));
  entry.set_sector(kSectors[static_cast<size_t>(n) % 3]);
  entry.set_processing_level(n % 2 == 0 ? goods::HIGH : goods::MEDIUM);
  return entry;
}

Ledger::Target Ledger::TakeTarget() {
  std::swap(idle_[random_() % idle_.size()], idle_.back());
  Target target = std::move(idle_.back());
  idle_.pop_back();
  return target;
}

size_t Ledger::Next() {
  const std::string id = NextId();
  if (edition_.empty()) {
    goods::CreateEditionRequest request;
    request.set_request_id(id);
    request.mutable_edition()->set_title_ru("Перечень");
    return Add(Path("CreateEdition"), request.SerializeAsString(), id);
  }
  const uint64_t draw = random_() % 100;
  if (draw < 8 && !idle_.empty()) {
    const Target target = TakeTarget();
    goods::UpdateEntryRequest request;
    request.set_request_id(id);
    request.mutable_entry()->set_name(target.name);
    request.mutable_entry()->set_etag(target.etag);
    request.mutable_entry()->set_sector(kSectors[random_() % kSectors.size()]);
    request.mutable_entry()->set_note(id);  // so that something changes, whatever sector it is
    request.mutable_update_mask()->add_paths("sector");
    request.mutable_update_mask()->add_paths("note");
    return Add(Path("UpdateEntry"), request.SerializeAsString(), id);
  }
  if (draw < 15 && !idle_.empty()) {
    const Target target = TakeTarget();
    goods::DeleteEntryRequest request;
    request.set_request_id(id);
    request.set_name(target.name);
    request.set_etag(target.etag);
    return Add(Path("DeleteEntry"), request.SerializeAsString(), id);
  }
  if (draw < 18) {
    goods::BatchCreateEntriesRequest request;
    request.set_request_id(id);
    request.set_parent(edition_);
    for (int i = 0; i < kBatch; ++i) *request.add_entries() = NewEntry();
    return Add(Path("BatchCreateEntries"), request.SerializeAsString(), id);
  }
  goods::CreateEntryRequest request;
  request.set_request_id(id);
  request.set_parent(edition_);
  *request.mutable_entry() = NewEntry();
  return Add(Path("CreateEntry"), request.SerializeAsString(), id);
}

bool Ledger::Same(const Operation& operation, const std::string& bytes, int64_t position) {
  return operation.answer == bytes && operation.position == position;
}

void Ledger::Answered(size_t number, bool ok, std::string bytes, int64_t position) {
  Operation& operation = operations_[number];
  if (!ok) {
    operation.fate = Fate::kRefused;
    return;
  }
  operation.fate = Fate::kAcknowledged;
  operation.answer = std::move(bytes);
  operation.position = position;
  ++acknowledged_;
  Learn(operation);
}

void Ledger::Learn(const Operation& operation) {
  if (IsMethod(operation, "CreateEdition")) {
    edition_ = Parsed<goods::Edition>(operation.answer).name();
  } else if (IsMethod(operation, "BatchCreateEntries")) {
    const auto response = Parsed<goods::BatchCreateEntriesResponse>(operation.answer);
    for (const auto& entry : response.entries()) idle_.push_back({entry.name(), entry.etag()});
  } else if (!IsMethod(operation, "DeleteEntry")) {
    const auto entry = Parsed<goods::Entry>(operation.answer);
    idle_.push_back({entry.name(), entry.etag()});
  }
}

void Ledger::Take(const journal::v1::Entry& entry, Findings* findings) {
  if (entry.position() != position_ + 1) {
    findings->Torn(absl::StrCat("the journal goes from ", position_, " to ", entry.position()));
  }
  position_ = entry.position();
  const auto found = by_id_.find(entry.request_id());
  if (found == by_id_.end()) {
    findings->Future(absl::StrCat("position ", position_, " is of ", entry.method(), " ",
                                  entry.request_id(), ", which nobody asked for"));
    return;
  }
  Operation& operation = operations_[found->second];
  const bool last = entry.part() == entry.parts();
  if (operation.fate == Fate::kRefused) {
    findings->Future(absl::StrCat("position ", position_, " is of a refused ", entry.method()));
  }
  if (last && operation.seen != 0) {
    findings->Torn(absl::StrCat("positions ", operation.seen, " and ", position_,
                                " are of one request, ", operation.request_id));
  }
  if (last) operation.seen = position_;
  Apply(entry, operation, findings);
}

void Ledger::Apply(const journal::v1::Entry& entry, const Operation& operation,
                   Findings* findings) {
  for (const auto& change : entry.changes()) {
    if (change.table() != "entries") continue;
    const auto after = Parsed<goods::Entry>(change.after().value());
    if (change.kind() == journal::v1::Change::END) {
      entries_.erase(Parsed<goods::Entry>(change.before().value()).name());
    } else {
      entries_[after.name()] = change.after().value();
    }
  }
  const bool one = IsMethod(operation, "CreateEntry") || IsMethod(operation, "UpdateEntry");
  if (operation.fate != Fate::kAcknowledged || !one) return;
  if (entry.changes_size() != 1 || entry.changes(0).after().value() != operation.answer) {
    findings->Torn(
        absl::StrCat("position ", entry.position(), " is not what ", entry.method(), " answered"));
  }
}

void Ledger::CheckAllSeen(Findings* findings) const {
  for (const size_t number : recent_) {
    const Operation& operation = operations_[number];
    if (operation.fate != Fate::kAcknowledged || operation.seen == operation.position) continue;
    const std::string text = absl::StrCat(operation.path, " ", operation.request_id,
                                          " was answered at ", operation.position);
    if (operation.seen == 0) {
      findings->Lost(text);
    } else {
      findings->Torn(absl::StrCat(text, " and lies at ", operation.seen));
    }
  }
}

}  // namespace nisi::faults
