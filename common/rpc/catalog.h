// The approved editions of a list (editions.h) in memory, ready for the hottest question of the
// suite: was this code on the list that day? Refreshed by the commit that changes an edition,
// before that commit is acknowledged.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/base/date.h"
#include "common/base/log.h"
#include "common/rpc/editions.h"
#include "common/rpc/wire.h"
#include "common/store/store.h"

namespace nisi::rpc {

// An approved edition's entries: frozen, so made once. An entry covers every code that begins with
// its own. Codes grow by two characters: those of goods by digits, of kinds of activity (NN.NN,
// NN.NN.N) by a dot and a digit.
class EntrySet {
 public:
  struct Item {
    std::string code;
    // The fields of a Result but its code, in wire form, for a code that this entry covers.
    std::string listed;
    // One partial_entries of a Result in wire form, for a code that this entry lies below.
    std::string partial;
  };
  // By code.
  explicit EntrySet(std::vector<Item> items);

  // The longest entry that covers the code; null when none does.
  const Item* Covering(const std::string& code) const;
  // Entries below the code, in order, at most `limit`. For a code that nothing covers.
  absl::Span<const Item> Below(const std::string& code, size_t limit) const;
  size_t size() const { return items_.size(); }

 private:
  std::vector<Item> items_;
  absl::flat_hash_map<absl::string_view, const Item*> by_code_;
};

struct CatalogEdition {
  int32_t number = 0;
  base::Date effective_from;
  std::shared_ptr<const EntrySet> entries;
  // The fields of an answer but its results and the day, in wire form.
  std::string header;
};

// All approved editions by the day they came, or will come, into force.
class Calendar {
 public:
  explicit Calendar(std::vector<CatalogEdition> editions);
  // Null before the first.
  const CatalogEdition* InForceOn(base::Date day) const;
  const CatalogEdition* Find(int32_t number) const;
  const std::vector<CatalogEdition>& editions() const { return editions_; }

 private:
  std::vector<CatalogEdition> editions_;
};

// Builds the results of an answer, one a code. Of the entries below codes an answer names at most
// 100 a code and 10,000 in all, so that a short request has no huge answer.
class ResultWriter {
 public:
  // Of a Result: the number of its code, and its fields for a code that no entry covers, that lies
  // above entries, and where no edition is in force. `results_field`: of the answer.
  struct Form {
    int results_field, code_field;
    std::string not_listed, partial, no_edition;
  };
  // `entries`: null where no edition is in force.
  ResultWriter(const Form& form, const EntrySet* entries) : form_(form), entries_(entries) {}
  void Add(const std::string& code, ReplyBuilder* reply);

 private:
  const Form& form_;
  const EntrySet* entries_;
  size_t names_left_ = 10'000;
  std::string result_;
};

// `Response`: of results with code, verdict, entry, processing_level, sector, partial_entries,
// reason and entry_position; and of what edition answers for which day. Thread-safe.
template <class List, class Response>
class Catalog {
 public:
  // Loads what is approved and follows the store from then on.
  static absl::StatusOr<std::unique_ptr<Catalog>> Open(store::Store& store) {
    std::unique_ptr<Catalog> catalog(new Catalog(store));
    catalog->subscription_ =
        store.Subscribe([raw = catalog.get()](const store::CommitNotice& notice) {
          if (!notice.tables.contains(List::Editions().name)) return;
          if (const absl::Status refreshed = raw->Refresh(); !refreshed.ok()) {
            base::Log(base::Severity::kError, "catalog_refresh_failed",
                      {{"status", refreshed.ToString()}});
          }
        });
    // After subscribing: what a timer commits meanwhile is not missed.
    RETURN_IF_ERROR(catalog->Refresh());
    return catalog;
  }
  ~Catalog() {
    if (subscription_ != 0) store_.Unsubscribe(subscription_);
  }
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  // Loads it again where the last refresh failed: an old list is never served. The error is the
  // store's.
  absl::StatusOr<std::shared_ptr<const Calendar>> Current() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (current_.ok()) return current_;
    }
    RETURN_IF_ERROR(Refresh());
    const std::lock_guard<std::mutex> lock(mutex_);
    return current_;
  }

  // What the list says of codes on a day, in the order of `codes`: a look in memory a code, and
  // stored bytes into the answer. Never waits for the disk.
  using Codes = google::protobuf::RepeatedPtrField<std::string>;
  absl::StatusOr<Encoded<Response>> Check(base::Date day,
                                          std::initializer_list<const Codes*> codes) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const Calendar> calendar, Current());
    const CatalogEdition* edition = calendar->InForceOn(day);
    size_t count = 0;
    for (const Codes* some : codes) count += static_cast<size_t>(some->size());
    constexpr size_t kUsualBytes = 80, kHeaderBytes = 400;
    ReplyBuilder reply(count * kUsualBytes + kHeaderBytes);
    ResultWriter writer(Form(), edition == nullptr ? nullptr : edition->entries.get());
    for (const Codes* some : codes) {
      for (const std::string& code : *some) writer.Add(code, &reply);
    }
    // In the order of their numbers, as whoever reads the wire without parsing it counts on.
    Response day_of_answer;
    *day_of_answer.mutable_on_date() = day.ToProto();
    reply.AddRaw(day_of_answer.SerializeAsString());
    if (edition != nullptr) {
      reply.AddRaw(edition->header);
    } else {
      Response no_edition;
      *no_edition.mutable_legal_basis() = List::Basis();
      reply.AddRaw(no_edition.SerializeAsString());
    }
    return Encoded<Response>{std::move(reply).Take()};
  }

 private:
  using Result = typename Response::Result;

  explicit Catalog(store::Store& store) : store_(store) {}

  static const ResultWriter::Form& Form() {
    static const auto* const kForm = [] {
      auto* form = new ResultWriter::Form;
      form->results_field = Response::kResultsFieldNumber;
      form->code_field = Result::kCodeFieldNumber;
      Result result;
      result.set_verdict(Response::PARTIAL);
      form->partial = result.SerializeAsString();
      result.set_verdict(Response::NOT_LISTED);
      result.set_reason("NOT_ON_LIST");
      form->not_listed = result.SerializeAsString();
      result.set_reason("NO_EDITION_IN_FORCE");
      form->no_edition = result.SerializeAsString();
      return form;
    }();
    return *kForm;
  }

  static EntrySet::Item ItemOf(const EntryOf<List>& entry, int64_t position) {
    Result listed;
    listed.set_verdict(Response::LISTED);
    listed.set_entry(entry.name());
    listed.set_processing_level(entry.processing_level());
    listed.set_sector(entry.sector());
    listed.set_entry_position(position);
    ReplyBuilder partial;
    partial.AddString(Result::kPartialEntriesFieldNumber, entry.name());
    return {List::Code(entry), listed.SerializeAsString(), std::move(partial).Take()};
  }

  static std::string HeaderOf(const EditionOf<List>& edition, int64_t position) {
    Response header;
    header.set_edition(edition.name());
    header.set_order_number(edition.order_number());
    *header.mutable_order_date() = edition.order_date();
    *header.mutable_effective_from() = edition.effective_from();
    header.set_edition_position(position);
    *header.mutable_legal_basis() = List::Basis();
    return header.SerializeAsString();
  }

  static absl::StatusOr<std::shared_ptr<const EntrySet>> LoadEntries(const store::View& view,
                                                                     int32_t edition) {
    std::vector<EntrySet::Item> items;
    RETURN_IF_ERROR(view.Scan(
        List::Entries(), {store::Key::Of(edition), ""}, {},
        [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<typename List::EntryRow>(row));
          items.push_back(ItemOf(stored.row.entry(), stored.version.position));
          return true;
        }));
    return std::make_shared<const EntrySet>(std::move(items));
  }

  absl::Status Refresh() {
    const std::lock_guard<std::mutex> refreshing(refresh_mutex_);
    std::shared_ptr<const Calendar> known;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (current_.ok()) known = *current_;
    }
    auto loaded = Load(known.get());
    const std::lock_guard<std::mutex> lock(mutex_);
    current_ = std::move(loaded);
    return current_.status();
  }

  // Entries of an approved edition are frozen: they are taken over from what is known.
  absl::StatusOr<std::shared_ptr<const Calendar>> Load(const Calendar* known) const {
    const store::View view = store_.Read();
    std::vector<CatalogEdition> editions;
    RETURN_IF_ERROR(view.Scan(
        List::Editions(), {}, {},
        [&](const store::RowView& row, absl::string_view) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<typename List::EditionRow>(row));
          const EditionOf<List>& edition = stored.row.edition();
          if (!List::IsPublished(edition.state())) return true;
          CatalogEdition entry;
          entry.number = stored.row.number();
          ASSIGN_OR_RETURN(entry.effective_from, base::Date::FromProto(edition.effective_from()));
          entry.header = HeaderOf(edition, stored.version.position);
          const CatalogEdition* same = known == nullptr ? nullptr : known->Find(entry.number);
          if (same != nullptr) {
            entry.entries = same->entries;
          } else {
            ASSIGN_OR_RETURN(entry.entries, LoadEntries(view, entry.number));
          }
          editions.push_back(std::move(entry));
          return true;
        }));
    return std::make_shared<const Calendar>(std::move(editions));
  }

  store::Store& store_;
  int subscription_ = 0;
  std::mutex refresh_mutex_;  // held from reading to publishing: a later reader publishes later
  std::mutex mutex_;
  absl::StatusOr<std::shared_ptr<const Calendar>> current_;
};

}  // namespace nisi::rpc
