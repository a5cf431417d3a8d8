// Rows that come in a stream, are judged one by one, and enter together or not at all. A service
// says what a row becomes and when it may enter; its request has the shape that
// nisi/rpc/v1/import.proto tells.
//
//   class EntryImport final : public rpc::Import<v1::ImportEntriesRequest, v1::Entry> { ... };
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/rpc/call.h"
#include "common/rpc/form.h"
#include "common/store/store.h"
#include "google/protobuf/generated_enum_reflection.h"
#include "nisi/rpc/v1/import.pb.h"

namespace nisi::rpc {

// The value that a cell names, in letters of either case; none for an empty one. A word that is
// none becomes a value that no form allows, so that its row is INVALID at that field and is not
// told that it says nothing.
template <class Enum>
Enum ValueNamed(absl::string_view word) {
  constexpr int kNone = 99;
  if (word.empty()) return static_cast<Enum>(0);
  const auto* const value =
      google::protobuf::GetEnumDescriptor<Enum>()->FindValueByName(absl::AsciiStrToUpper(word));
  return static_cast<Enum>(value == nullptr ? kNone : value->number());
}

// Bounds the reply: one report a row must fit a message of 4 MiB.
inline constexpr size_t kMaxImportRows = 20'000;

// The rows of one import in wire form. Bounds the memory that its one command takes, up to 50 times
// as much: a process with little room would die of it, and again at each retry.
inline constexpr size_t kMaxImportBytes = size_t{8} << 20;

// What the report says of rows beside the first fault of each: it must fit the same message.
inline constexpr size_t kMaxFurtherFaultBytes = size_t{1} << 20;

// The part that knows no types: count, hash, reports, the one command.
//
// A row whose form is wrong, or that the service finds wrong when it is to enter, is INVALID and
// nothing enters: the report is the answer, and the request id stays free for the mended file. A
// row that the law does not let in is REFUSED and stops none of the others, but where the header
// says `all_or_none`: then it stops all as an invalid one does. Where no row enters nothing is
// recorded either. After an unknown outcome an upload that entered gets the same report again.
class ImportCore {
 public:
  ImportCore(store::Store& store, const google::protobuf::Descriptor& resource)
      : store_(store), form_(&resource) {}

  // What the header says: IMPORT_TOO_LARGE.
  struct Header {
    std::string request_id;
    bool dry_run = false;
    int32_t row_count = 0;
    bool all_or_none = false;
  };
  absl::Status Begin(const Header& header, const google::protobuf::Message& sent);
  bool begun() const { return begun_; }

  // Whether another row was announced, and how large all are: IMPORT_ROW_COUNT, IMPORT_TOO_LARGE.
  // It counts as come.
  absl::Status Count(const google::protobuf::Message& sent);
  // Judges the resource that the row has become, by its form and then by `judge`, the law for it
  // alone. Whether it may enter; what is not of the row (a norm that is missing) is the answer.
  // Brings its texts to NFC.
  absl::StatusOr<bool> Judge(int32_t row_number, std::string key,
                             google::protobuf::Message* resource,
                             const std::function<absl::Status()>& judge);

  // What a row comes to in the transaction.
  struct InStore {
    std::function<absl::Status(store::Tx& tx)> begin;
    std::function<absl::Status(const store::Tx& tx, size_t row)> judge;
    std::function<absl::Status(store::Tx& tx, size_t row)> enter;
    std::function<absl::Status(store::Tx& tx)> complete;
  };
  // IMPORT_ORDER, IMPORT_ROW_COUNT. `gather` runs before the transaction, and not at all for an
  // upload that entered before. The report in wire form.
  absl::StatusOr<std::string> Finish(Call& call, const std::function<absl::Status()>& gather,
                                     const InStore& rows);

 private:
  using Row = v1::ImportReport::Row;
  void Hash(const google::protobuf::Message& part);
  absl::StatusOr<v1::ImportReport> Enter(store::Tx& tx, const InStore& rows) const;
  // Whether its rows keep all of it out.
  bool Stops(const v1::ImportReport& report) const;

  store::Store& store_;
  const FormChecker form_;
  Header header_;
  bool begun_ = false;
  size_t came_ = 0;
  size_t bytes_ = 0;                     // of the rows so far
  std::string hash_;                     // of the header and the rows so far
  v1::ImportReport reports_;             // one a row, as far as the row alone tells
  size_t room_ = kMaxFurtherFaultBytes;  // left for further faults of rows
};

absl::Status ImportOrder(absl::string_view what);

// One import; what a method of the service returns. Nothing in it is kept between two runs of its
// command but what Begin makes new.
template <class Request, class Resource>
class Import : public MessageSink<Request> {
 public:
  using Header = std::decay_t<decltype(std::declval<const Request&>().header())>;
  using Row = std::decay_t<decltype(std::declval<const Request&>().rows().rows(0))>;

  absl::Status Push(const Request& message) final {
    if (!core_.begun()) {
      if (!message.has_header()) return ImportOrder("the first message is the header");
      header_ = message.header();
      RETURN_IF_ERROR(core_.Begin(
          {header_.request_id(), header_.dry_run(), header_.row_count(), header_.all_or_none()},
          header_));
      return CheckHeader(header_);
    }
    if (!message.has_rows()) return ImportOrder("rows follow the header");
    for (const Row& row : message.rows().rows()) {
      RETURN_IF_ERROR(core_.Count(row));
      Resource resource = FromRow(row);
      ASSIGN_OR_RETURN(const bool enters, core_.Judge(row.row_number(), KeyOf(row), &resource,
                                                      [&] { return Judge(resource); }));
      // What cannot enter is not kept: it may be as large as a message.
      resources_.push_back(enters ? std::move(resource) : Resource());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Finish(Call& call) final {
    return core_.Finish(
        call, [&] { return Gather(call, resources_); },
        {[&](store::Tx& tx) { return Begin(tx, call, header_); },
         [&](const store::Tx& tx, size_t row) { return JudgeIn(tx, resources_[row]); },
         [&](store::Tx& tx, size_t row) { return Enter(tx, resources_[row]); },
         [&](store::Tx& tx) { return Complete(tx); }});
  }

 protected:
  explicit Import(store::Store& store) : core_(store, *Resource::descriptor()) {}

  // What the header names, before any row is looked at.
  virtual absl::Status CheckHeader(const Header& /*header*/) { return absl::OkStatus(); }
  // A row as a file gives it. Its cells may hold anything: the form of the Resource judges them.
  virtual Resource FromRow(const Row& row) const = 0;
  // What names it in the report; empty where the cell has not the form of a name.
  virtual std::string KeyOf(const Row& row) const = 0;
  // The law for the row alone: what it refuses is REFUSED.
  virtual absl::Status Judge(const Resource& /*resource*/) const { return absl::OkStatus(); }
  // Asks other services what the rows need to know, outside any transaction. A row that cannot
  // enter is empty here. What it refuses is the answer.
  virtual absl::Status Gather(const Call& /*call*/, const std::vector<Resource>& /*resources*/) {
    return absl::OkStatus();
  }
  // Whether these rows may go there now: state, version. What it refuses is the answer.
  virtual absl::Status Begin(store::Tx& tx, const Call& call, const Header& header) = 0;
  // The law for the row among the records that are there: what it refuses is REFUSED.
  virtual absl::Status JudgeIn(const store::Tx& /*tx*/, const Resource& /*resource*/) {
    return absl::OkStatus();
  }
  // Puts the row's record: what it refuses is INVALID, and what was put is undone.
  virtual absl::Status Enter(store::Tx& tx, const Resource& resource) = 0;
  // When all rows are in, one at least: what the file as a whole means.
  virtual absl::Status Complete(store::Tx& /*tx*/) { return absl::OkStatus(); }

 private:
  ImportCore core_;
  Header header_;
  std::vector<Resource> resources_;  // one a row; empty where that cannot enter
};

}  // namespace nisi::rpc
