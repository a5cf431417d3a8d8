// Who has an invoice, found by keys however many have its number, and who has one that is like it.
#include "services/export_refunds/env.h"
#include "services/export_refunds/rules_invoice.h"
#include "services/export_refunds/service_testing.h"

namespace nisi::export_refunds {
namespace {

using base::ReasonOf;

class InvoicesTest : public RefundsTest {
 protected:
  // Beside what callers do: expenses as they stand once their claims are signed.
  void Write(const std::function<absl::Status(store::Tx&)>& run) {
    store::CommandInfo info;
    info.actor = "test";
    info.method = "/nisi.testing/Write";
    const auto done = store().Write(info, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
      tx.Cite(base::LegalBasis());
      RETURN_IF_ERROR(run(tx));
      return std::string();
    });
    ASSERT_TRUE(done.ok()) << done.status();
  }
  ExpenseRow RowOf(const std::string& claim, int32_t number, v1::Expense expense) {
    ExpenseRow row;
    row.set_claim(claim);
    row.set_number(number);
    expense.set_name(ExpenseName(claim, number));
    if (expense.claimant().empty()) expense.set_claimant(Bin(1));
    *row.mutable_expense() = std::move(expense);
    return row;
  }
  static bool Taken(const store::Reader& reader, const ExpenseRow& row,
                    Among among = Among::kRegister) {
    return *InvoiceTaken(reader, row, MarksOf(row.expense()), among);
  }
  // One invoice by everything that its issuer may be told by.
  std::vector<v1::Expense> ManyIssuers() {
    const v1::Expense usual = MakeExpense();
    std::vector<v1::Expense> all;
    for (const std::string& name : {std::string("Messe GmbH"), std::string("MESSE, gmbh"),
                                    std::string("Messe"), "ТОО Весы, БИН " + Bin(9)}) {
      for (const auto& [country, number] : std::vector<std::pair<std::string, std::string>>{
               {"", ""}, {"DE", "123"}, {"DE", "DE 0123"}, {"FR", "123"}, {"KZ", Bin(9)}}) {
        for (const char* invoice : {"INV-1", "№ inv 01", "INV-2"}) {
          v1::Expense expense = usual;
          expense.set_invoice_issuer(name);
          expense.set_issuer_country(country);
          expense.set_issuer_number(number);
          expense.set_invoice_number(invoice);
          all.push_back(expense);
        }
      }
    }
    return all;
  }
};

TEST_F(InvoicesTest, WhoHasItIsFoundByKeysAsByComparing) {
  const std::vector<v1::Expense> all = ManyIssuers();
  int same = 0;
  for (const v1::Expense& one : all) {
    ExpenseRow holder = RowOf("claims/a", 1, one);
    holder.set_holds_invoice(true);
    Write([&](store::Tx& tx) { return tx.Put(kExpenses, &holder); });
    Invoices invoices;
    invoices.Add(MarksOf(one));
    // All of them at once, the holder among them.
    std::vector<ExpenseRow> rows = {holder};
    for (const v1::Expense& other : all) rows.push_back(RowOf("claims/b", 1, other));
    std::vector<Marked> marked;
    for (const ExpenseRow& row : rows) marked.push_back({&row, MarksOf(row.expense())});
    for (const Among among : {Among::kRegister, Among::kOwn}) {
      const store::View view = store().Read();
      const auto taken = InvoicesTaken(view, marked, among);
      ASSERT_TRUE(taken.ok()) << taken.status();
      ASSERT_EQ(taken->size(), rows.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        const bool is_same = i > 0 && CompareInvoices(one, rows[i].expense()) == Sameness::kSame;
        EXPECT_EQ((*taken)[i], is_same) << rows[i].ShortDebugString();
      }
    }
    for (const v1::Expense& other : all) {
      SCOPED_TRACE(absl::StrCat(one.ShortDebugString(), " and ", other.ShortDebugString()));
      const bool is_same = CompareInvoices(one, other) == Sameness::kSame;
      same += is_same ? 1 : 0;
      EXPECT_EQ(invoices.Has(MarksOf(other)), is_same);
      const store::View view = store().Read();
      ExpenseRow row = RowOf("claims/b", 1, other);
      EXPECT_EQ(Taken(view, row), is_same);
      EXPECT_EQ(Taken(view, row, Among::kOwn), is_same);
      row.mutable_expense()->set_claimant(Bin(2));
      EXPECT_EQ(Taken(view, row), is_same);
      EXPECT_FALSE(Taken(view, row, Among::kOwn)) << "it is somebody else's";
    }
    EXPECT_FALSE(Taken(store().Read(), holder)) << "by itself";
    // What holds it no more is not found.
    holder.set_holds_invoice(false);
    Write([&](store::Tx& tx) { return tx.Put(kExpenses, &holder); });
    EXPECT_FALSE(Taken(store().Read(), RowOf("claims/b", 1, one)));
  }
  EXPECT_GT(same, static_cast<int>(all.size()));
  ExpectSound();
}

// A number that is one to the eye alone counts, and an official is told of both.
TEST_F(InvoicesTest, NumbersThatLookOneAreCompared) {
  ListInForce();
  v1::Expense paid = MakeExpense();
  paid.set_invoice_number("INV-150");
  const std::string first = InReview(1, {paid});
  v1::ListAlikeInvoicesRequest list;
  for (const char* typed : {"INV-15O", "INV-\u0661\u0665\u0660"}) {
    v1::Expense again = paid;
    again.set_invoice_number(typed);
    const std::string second = InReview(2, {again});
    EXPECT_EQ(Now(second).calculated().units(), 600'000) << "it may be honest";
    list.set_parent(second);
    const auto listed = Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", institute_, list);
    ASSERT_EQ(listed.invoices_size(), 1) << typed;
    EXPECT_THAT(listed.invoices(0).alike(), ::testing::Contains(ExpenseName(first, 1)));
    EXPECT_EQ(ReasonOf(DecideOn(second, v1::FINANCE, v1::PartReview::ACCEPTED, examiner_).status()),
              "INVOICES_ALIKE");
  }
  list.set_parent(first);
  const auto listed = Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", institute_, list);
  ASSERT_EQ(listed.invoices_size(), 1);
  EXPECT_EQ(listed.invoices(0).alike_size(), 2);
  ExpectSound();
}

// However many invoices have one number and day: who has it is found, and of what is only like it
// so many are compared as one command may; the rest is for an official, who is told so.
TEST_F(InvoicesTest, ManyOfOneNumberAndDay) {
  ListInForce();
  v1::Expense expense = MakeExpense();
  expense.set_invoice_number("1");
  const auto by = [&](int n) {
    v1::Expense other = expense;
    other.set_invoice_issuer(absl::StrCat("Issuer", n));
    other.set_amount(absl::StrCat(2'000'000 + n));
    return other;
  };
  const auto put = [&](int from, int until) {
    Write([&](store::Tx& tx) -> absl::Status {
      for (int n = from; n < until; ++n) {
        ExpenseRow row = RowOf("claims/full", n + 1, by(n));
        row.set_holds_invoice(true);
        RETURN_IF_ERROR(tx.Put(kExpenses, &row));
      }
      return absl::OkStatus();
    });
  };
  put(0, kMostCompared - 1);
  const std::string claim = InReview(1, {expense, MakeExpense()});
  ASSERT_EQ(Now(claim).calculated().units(), 1'200'000);
  v1::ListAlikeInvoicesRequest list;
  list.set_parent(claim);
  const auto listed = [&] {
    return Must<v1::ListAlikeInvoicesResponse>("ListAlikeInvoices", institute_, list);
  };
  EXPECT_EQ(listed().invoices_size(), 0) << "with itself they are as many as are compared";
  put(kMostCompared - 1, kMostCompared + 50);
  ASSERT_EQ(listed().invoices_size(), 1);
  EXPECT_EQ(listed().invoices(0).expense(), ExpenseName(claim, 1));
  EXPECT_TRUE(listed().invoices(0).more());
  EXPECT_EQ(listed().invoices(0).alike_size(), 0);
  EXPECT_EQ(ReasonOf(DecideOn(claim, v1::FINANCE, v1::PartReview::ACCEPTED, examiner_).status()),
            "INVOICES_ALIKE");
  auto accept = Of<v1::DecidePartRequest>(claim);
  accept.set_part(v1::FINANCE);
  accept.set_verdict(v1::PartReview::ACCEPTED);
  accept.clear_reason();
  accept.set_invoices_compared(true);
  EXPECT_TRUE(Do<v1::Claim>("DecidePart", examiner_, accept).ok());
  // Any of them, the last as the first, is known again.
  for (const int n : {0, kMostCompared + 49}) {
    const std::string twin = Signed(2, {by(n)});
    EXPECT_EQ(Now(twin).calculated().units(), 0) << n;
    EXPECT_THAT(ExpenseNow(twin, 1).line().unsatisfied(),
                ::testing::ElementsAre("INVOICE_NOT_PAID_BEFORE"));
  }
}

}  // namespace
}  // namespace nisi::export_refunds
