// When two expenses are by one invoice, however issuer and number are typed. Pure functions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/date.h"
#include "nisi/export_refunds/v1/resources.pb.h"

namespace nisi::export_refunds {

using v1::Expense;

// One spelling of all in which people type an issuer or the number of an invoice: its letters and
// digits alone, without case, width and leading zeros, look-alikes of two alphabets as one; of a
// number also without the sign before it.
std::string OneSpelling(const std::string& text);
std::string OneSpellingOfNumber(const std::string& text);

// The number as the eye takes it: digits of every script as one, and the letter O that follows a
// digit as a zero. Not sure to be the same number: what has it in common is to be compared. On disk
// as well.
std::string LookOfNumber(const std::string& text);

// Country and number of an issuer are given together; in Kazakhstan it is a BIN or IIN.
// INVALID_FIELD under `path`.
absl::Status CheckIssuer(const Expense& expense, const std::string& path);

// The issuer as a key: its number in its country where that is given, else its name in one
// spelling. On disk, so what it says of an expense never changes.
std::string IssuerKey(const Expense& expense);

// What an invoice is found by, where it is certainly that of another. On disk as well. To spell it
// all takes some microseconds, so it is made once of an expense.
struct InvoiceMarks {
  std::string number;  // in one spelling
  base::Date day;
  // "KZ#990140000012": its number in its country, as it is given or as its name holds a BIN or IIN;
  // empty where neither.
  std::string id;
  std::string name;  // in one spelling
  // issuer_number is given: then a name alone says nothing of another such.
  bool is_numbered = false;
};
InvoiceMarks MarksOf(const Expense& expense);

enum class Sameness {
  kOther,
  // Perhaps one, by numbers that at least look the same on one day: the issuer is the same, or the
  // name of one has the words of the other's, without marks of legal form and as the eye takes
  // them, or the sum is the same. Somebody must compare them.
  kAlike,
  // One: the same number and day of one issuer, by its number in its country, or by its name where
  // one of the two has no number.
  kSame,
};
Sameness CompareInvoices(const Expense& one, const Expense& other);

// The words of an issuer's name that tell it apart, in one spelling: without "LLP", "TOO", "GmbH".
std::vector<std::string> WordsOfIssuer(const std::string& name);

// Expenses, to be asked whether one is there by the same invoice, however many have its number.
class Invoices {
 public:
  bool Has(const InvoiceMarks& marks) const;
  void Add(const InvoiceMarks& marks);

 private:
  std::set<std::string> keys_;
};

}  // namespace nisi::export_refunds
