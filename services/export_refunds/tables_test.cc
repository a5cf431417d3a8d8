#include "services/export_refunds/tables.h"

#include <gtest/gtest.h>

#include "common/base/date.h"
#include "common/store/schema_testing.h"

namespace nisi::export_refunds {
namespace {

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(ExportRefundsSchema(), "export_refunds");
}

TEST(TablesTest, AnInvoiceIsOneHoweverItIsTyped) {
  const auto key = [](const std::string& issuer, const std::string& number, const char* day) {
    v1::Expense expense;
    expense.set_invoice_issuer(issuer);
    expense.set_invoice_number(number);
    *expense.mutable_invoice_date() = base::Date::Parse(day)->ToProto();
    return std::string(InvoiceKey(expense).bytes());
  };
  const std::string one = key("Messe GmbH", "INV-17", "2024-05-01");
  EXPECT_EQ(key("MESSE  gmbh", "inv-17", "2024-05-01"), one);
  EXPECT_EQ(key("Messe, GmbH", "INV/17", "2024-05-01"), one);
  EXPECT_EQ(key("МЕССЕ", "№ 1", "2024-05-01"), key("мессе", "1", "2024-05-01"));
  EXPECT_NE(key("Messe GmbH", "INV-18", "2024-05-01"), one);
  EXPECT_NE(key("Messe GmbH", "INV-17", "2024-05-02"), one);
  EXPECT_NE(key("Messe AG", "INV-17", "2024-05-01"), one);
  EXPECT_NE(key("MesseGmbHINV", "-17", "2024-05-01"), one);
}

// What is on disk by an issuer's number is found by no name, and stays where it was without one.
TEST(TablesTest, AnIssuersNumberTakesThePlaceOfItsName) {
  v1::Expense expense;
  expense.set_invoice_issuer("Messe GmbH");
  expense.set_invoice_number("INV-17");
  *expense.mutable_invoice_date() = base::Date::Parse("2024-05-01")->ToProto();
  const auto key = [&] { return std::string(InvoiceKey(expense).bytes()); };
  EXPECT_EQ(
      key(),
      std::string(store::Key::Of("messegmbh", "inv17", *base::Date::Parse("2024-05-01")).bytes()));
  expense.set_issuer_country("DE");
  expense.set_issuer_number("DE123");
  EXPECT_EQ(
      key(),
      std::string(store::Key::Of("#DE#123", "inv17", *base::Date::Parse("2024-05-01")).bytes()));
}

}  // namespace
}  // namespace nisi::export_refunds
