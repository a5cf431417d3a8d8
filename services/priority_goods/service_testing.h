// What the tests of this service share: the service (common/rpc/service_testing.h), and the way of
// an edition, step by step.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/base/values_testing.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/service_testing.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "services/priority_goods/service.h"

namespace nisi::priority_goods {

using base::Day;
using rpc::CallerOf;

// Everything a failed status carries, for looking for what must not be in it.
inline std::string BytesOf(const absl::Status& status) {
  std::string bytes(status.message());
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    absl::StrAppend(&bytes, "\n", std::string(url), "\n", std::string(payload));
  });
  return bytes;
}

inline v1::Entry MakeEntry(const std::string& code, const std::string& sector = "machinery",
                           v1::ProcessingLevel level = v1::HIGH) {
  v1::Entry entry;
  entry.set_goods_code(code);
  entry.set_name_ru(absl::StrCat("товар ", code));
  entry.set_sector(sector);
  entry.set_processing_level(level);
  return entry;
}

class PriorityGoodsTest : public rpc::ServiceTest {
 protected:
  PriorityGoodsTest()
      : ServiceTest("priority-goods", Day("2026-06-15"),
                    {"nisi.priority_goods.v1.PriorityGoodsService"}) {}
  absl::StatusOr<std::unique_ptr<rpc::HostedService>> OpenService(
      rpc::HostOptions options) override {
    return Open(options);
  }

  // Short forms for what most tests begin with.
  std::string CreateDraft(const std::vector<v1::Entry>& entries = {}) {
    v1::CreateEditionRequest create;
    create.mutable_edition()->set_title_ru("Перечень приоритетных товаров");
    const auto edition = Do<v1::Edition>("CreateEdition", institute_, create);
    EXPECT_TRUE(edition.ok()) << edition.status();
    if (!edition.ok()) return "";
    if (!entries.empty()) {
      const auto added = AddEntries(edition->name(), entries);
      EXPECT_TRUE(added.ok()) << added;
    }
    return edition->name();
  }
  absl::Status AddEntries(const std::string& edition, const std::vector<v1::Entry>& entries) {
    v1::BatchCreateEntriesRequest batch;
    batch.set_parent(edition);
    for (const v1::Entry& entry : entries) *batch.add_entries() = entry;
    return Do<v1::BatchCreateEntriesResponse>("BatchCreateEntries", institute_, batch).status();
  }
  absl::StatusOr<v1::Edition> Submit(const std::string& edition) {
    v1::SubmitEditionRequest submit;
    submit.set_name(edition);
    return Do<v1::Edition>("SubmitEdition", submitter_, submit);
  }
  absl::StatusOr<v1::Edition> Get(const std::string& edition, const rpc::Caller& caller) {
    v1::GetEditionRequest get;
    get.set_name(edition);
    return Do<v1::Edition>("GetEdition", caller, get);
  }
  absl::StatusOr<v1::Edition> Approve(const std::string& edition, base::Date from,
                                      const rpc::Caller& caller) {
    v1::ApproveEditionRequest approve;
    approve.set_name(edition);
    ASSIGN_OR_RETURN(const v1::Edition current, Get(edition, auditor_));
    approve.set_etag(current.etag());
    approve.set_order_number("217-НҚ");
    *approve.mutable_order_date() = base::Date::LegalDay(clock_.Now()).ToProto();
    *approve.mutable_effective_from() = from.ToProto();
    return Do<v1::Edition>("ApproveEdition", caller, approve);
  }
  // A draft with these entries, submitted and approved from that day.
  std::string Publish(base::Date from, const std::vector<v1::Entry>& entries) {
    const std::string edition = CreateDraft(entries);
    const auto submitted = Submit(edition);
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    const auto approved = Approve(edition, from, authority_);
    EXPECT_TRUE(approved.ok()) << approved.status();
    return edition;
  }
  v1::Edition::State StateOf(const std::string& edition) {
    const auto found = Get(edition, auditor_);
    return found.ok() ? found->state() : v1::Edition::STATE_UNSPECIFIED;
  }

  const rpc::Caller institute_ = CallerOf("aigul@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller submitter_ = CallerOf("daniyar@institute", {rpc::v1::INSTITUTE_INDUSTRY});
  const rpc::Caller authority_ = CallerOf("saule@ministry", {rpc::v1::AUTHORITY_INDUSTRY});
  const rpc::Caller auditor_ = CallerOf("auditor", {rpc::v1::AUDITOR});
  const rpc::Caller entity_ = CallerOf("factory", {rpc::v1::ENTITY});
  const rpc::Caller public_;
};

}  // namespace nisi::priority_goods
