#include "services/suppliers/tables.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/base/hash.h"
#include "common/store/schema_testing.h"

namespace nisi::suppliers {
namespace {

std::string KeysOf(const google::protobuf::Message& row) {
  std::string lines;
  const store::Schema& schema = SuppliersSchema();
  for (const store::TableDef* table : schema.tables) {
    if (table->prototype->GetDescriptor() != row.GetDescriptor()) continue;
    absl::StrAppend(&lines, "key ", table->name, " ", base::HexEncode(table->key(row).bytes()),
                    "\n");
    for (const store::IndexDef* index : schema.IndexesOf(*table)) {
      index->keys(row, [&](const store::Key& key) {
        absl::StrAppend(&lines, "key ", index->name, " ", base::HexEncode(key.bytes()), "\n");
      });
    }
  }
  return lines;
}

const google::type::Date kDay = base::Date::Of(2026, 7, 1)->ToProto();

// Sample keys as they lie on disk.
std::string SampleKeys() {
  SupplierRow supplier;
  supplier.mutable_supplier()->set_bin("210440000015");
  supplier.mutable_supplier()->set_kato("751110000");
  supplier.mutable_supplier()->set_oked("28.14");
  supplier.mutable_supplier()->set_state(v1::Supplier::ACTIVE);
  supplier.mutable_supplier()->set_size(v1::SMALL);
  OfferRow offer;
  offer.set_number(7);
  offer.mutable_offer()->set_bin("210440000015");
  offer.mutable_offer()->set_ens_tru("281413.900.000001");
  offer.mutable_offer()->set_goods_code("848130");
  offer.mutable_offer()->add_evidence("evidence/7");
  EvidenceRow evidence;
  evidence.set_number(7);
  evidence.set_confirmed(true);
  evidence.mutable_evidence()->set_bin("210440000015");
  evidence.mutable_evidence()->set_type(v1::Evidence::REGISTER_ENTRY);
  evidence.mutable_evidence()->set_issuer_bin("210440000015");
  evidence.mutable_evidence()->set_number("KZ-1");
  *evidence.mutable_evidence()->mutable_valid_until() = kDay;
  evidence.mutable_evidence()->add_covers()->set_ens_tru("281413.900.000001");
  DemandRow demand;
  demand.set_number(7);
  demand.set_edition("2026-1");
  demand.mutable_demand()->set_item_id("item-1");
  demand.mutable_demand()->set_ens_tru("281413.900.000001");
  demand.mutable_demand()->set_state(v1::Demand::OPEN);
  PublicationRow publication;
  publication.set_edition("2026-1");
  ResponseRow response;
  response.set_demand(7);
  response.mutable_response()->set_bin("210440000015");
  SubscriptionRow subscription;
  subscription.set_number(7);
  subscription.mutable_subscription()->set_bin("210440000015");
  NoticeRow notice;
  notice.set_number(7);
  notice.mutable_notice()->set_bin("210440000015");
  MonitoredOrganizationRow monitored;
  monitored.mutable_organization()->set_bin("210440000015");
  monitored.mutable_organization()->set_kato("751110000");
  ProcurementReportRow report;
  report.set_number(7);
  report.mutable_report()->set_bin("210440000015");
  report.mutable_report()->set_stage(v1::ProcurementReport::ACTUAL);
  *report.mutable_report()->mutable_period_from() = kDay;
  *report.mutable_report()->mutable_period_to() = kDay;
  report.mutable_report()->set_part(1);
  std::string text;
  for (const google::protobuf::Message* row :
       std::initializer_list<const google::protobuf::Message*>{
           &supplier, &offer, &evidence, &demand, &publication, &response, &subscription, &notice,
           &monitored, &report}) {
    text += KeysOf(*row);
  }
  return text;
}

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(SuppliersSchema(), "suppliers", SampleKeys());
}

TEST(SchemaTest, WhatIsNotThereHasNoKey) {
  OfferRow offer;
  DemandRow demand;
  EvidenceRow paper;
  paper.mutable_evidence()->set_type(v1::Evidence::ST_KZ);
  paper.mutable_evidence()->add_covers()->set_ens_tru("281413.900.000001");
  const auto count = [](const store::IndexDef& index, const google::protobuf::Message& row) {
    int keys = 0;
    index.keys(row, [&](const store::Key&) { ++keys; });
    return keys;
  };
  EXPECT_EQ(count(kOffersByGoodsCode, offer), 0);
  EXPECT_EQ(count(kDemandsByEdition, demand), 0);  // a request for a subcontractor
  EXPECT_EQ(count(kEvidenceByEnsTru, paper), 0);   // only register entries judge a line
  EXPECT_EQ(count(kEvidenceByPaper, paper), 0);    // a claim keeps no paper from its owner
  EXPECT_EQ(count(kEvidenceByLastDay, paper), 0);
  EXPECT_EQ(count(kCertificatesByEnsTru, paper), 0);  // nobody has confirmed it
  paper.set_confirmed(true);
  EXPECT_EQ(count(kCertificatesByEnsTru, paper), 1);
}

}  // namespace
}  // namespace nisi::suppliers
