#include "services/export_refunds/rules_invoice.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/codes.h"
#include "common/base/letters.h"
#include "common/base/money.h"
#include "common/base/status.h"
#include "common/base/text.h"
#include "services/export_refunds/rules_expense.h"

namespace nisi::export_refunds {
namespace {

constexpr char kKazakhstan[] = "KZ";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Cyrillic letters that look like Latin ones, folded. Each is of two bytes, and none of another
// letter begins like it.
std::string WithoutLookAlikes(absl::string_view text) {
  static const auto* const kLookAlikes = new absl::flat_hash_map<absl::string_view, char>{
      {"а", 'a'}, {"в", 'b'}, {"е", 'e'}, {"к", 'k'}, {"м", 'm'}, {"н", 'h'},
      {"о", 'o'}, {"р", 'p'}, {"с", 'c'}, {"т", 't'}, {"у", 'y'}, {"х", 'x'},
      {"і", 'i'}, {"ѕ", 's'}, {"ј", 'j'}, {"ү", 'y'}};
  if (absl::c_all_of(text, absl::ascii_isascii)) return std::string(text);
  std::string folded;
  folded.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const auto like = kLookAlikes->find(text.substr(at, 2));
    folded.push_back(like == kLookAlikes->end() ? text[at] : like->second);
    if (like != kLookAlikes->end()) ++at;
  }
  return folded;
}

// Marks of legal form in the languages that issuers write in, as they are typed.
const std::set<std::string>& LegalForms() {
  static const auto* const kForms = [] {
    auto* forms = new std::set<std::string>;
    for (const char* form : {"тоо",
                             "жшс",
                             "ооо",
                             "ао",
                             "ақ",
                             "зао",
                             "пао",
                             "ип",
                             "жк",
                             "кх",
                             "товарищество",
                             "с",
                             "ограниченной",
                             "ответственностью",
                             "акционерное",
                             "общество",
                             "акционерлік",
                             "қоғамы",
                             "жауапкершілігі",
                             "шектеулі",
                             "серіктестігі",
                             "компания",
                             "llp",
                             "llc",
                             "ltd",
                             "limited",
                             "liability",
                             "inc",
                             "corp",
                             "corporation",
                             "co",
                             "company",
                             "jsc",
                             "plc",
                             "gmbh",
                             "ag",
                             "kg",
                             "bv",
                             "nv",
                             "sa",
                             "sas",
                             "sarl",
                             "srl",
                             "spa",
                             "oy",
                             "ab",
                             "as",
                             "aps",
                             "too",
                             "ao",
                             "fze",
                             "fzco",
                             "dmcc",
                             "pte",
                             "pty",
                             "the"}) {
      forms->insert(WithoutLookAlikes(form));
    }
    return forms;
  }();
  return *kForms;
}

std::string WithoutLeadingZeros(const std::string& joined) {
  std::string spelling;
  for (size_t i = 0; i < joined.size(); ++i) {
    const bool after_digit = !spelling.empty() && IsDigit(spelling.back());
    const bool digit_follows = i + 1 < joined.size() && IsDigit(joined[i + 1]);
    if (joined[i] == '0' && !after_digit && digit_follows) continue;
    spelling.push_back(joined[i]);
  }
  return spelling;
}

// The sign of a number would be folded to the letters "no".
std::vector<std::string> WordsOf(const std::string& text) {
  if (!absl::StrContains(text, "№")) return base::Words(text);
  return base::Words(absl::StrReplaceAll(text, {{"№", " "}}));
}

// Words, in which look-alikes are one.
std::vector<std::string> FoldedWords(const std::string& text) {
  std::vector<std::string> words = WordsOf(text);
  for (std::string& word : words) word = WithoutLookAlikes(word);
  return words;
}

// See OneSpelling.
std::string Spelled(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) joined += WithoutLookAlikes(word);
  return WithoutLeadingZeros(joined);
}

// A number in its country: tax numbers are typed with the country's letters before them and
// without.
std::string SpelledIn(const std::string& country, const std::string& number) {
  std::string spelling = OneSpelling(number);
  const std::string letters = absl::AsciiStrToLower(country);
  if (absl::StartsWith(spelling, letters) && spelling.size() > letters.size()) {
    spelling.erase(0, letters.size());
  }
  return spelling;
}

// Country and number of an issuer, as they are given or as its name holds a BIN or IIN.
using IssuerId = std::pair<std::string, std::string>;
IssuerId IdOf(const Expense& expense, const std::vector<std::string>& words_of_name) {
  if (!expense.issuer_number().empty()) {
    return {expense.issuer_country(), SpelledIn(expense.issuer_country(), expense.issuer_number())};
  }
  for (const std::string& word : words_of_name) {
    if (base::BinIin::Parse(word).ok()) return {kKazakhstan, OneSpelling(word)};
  }
  return {};
}

// A word of a name as the eye takes it, and as it is typed where the keyboard has no umlauts:
// "Müller", "Mueller" and "Muller" are one.
std::string LookOfWord(const std::string& word) {
  std::string plain = base::PlainDigits(base::PlainLatin(word));
  for (const char* umlaut : {"ae", "oe", "ue"}) {
    plain = absl::StrReplaceAll(plain, {{umlaut, absl::string_view(umlaut, 1)}});
  }
  return plain;
}

std::vector<std::string> LooksOfIssuer(const std::string& name) {
  std::vector<std::string> words = WordsOfIssuer(name);
  for (std::string& word : words) word = LookOfWord(word);
  return words;
}

bool AreAlike(const std::string& one, const std::string& other) {
  const std::vector<std::string> first = LooksOfIssuer(one);
  const std::vector<std::string> second = LooksOfIssuer(other);
  if (first.empty() || second.empty()) return false;
  if (absl::StrJoin(first, "") == absl::StrJoin(second, "")) return true;
  const std::set<std::string> a(first.begin(), first.end());
  const std::set<std::string> b(second.begin(), second.end());
  const auto& [less, more] = a.size() < b.size() ? std::tie(a, b) : std::tie(b, a);
  return std::includes(more.begin(), more.end(), less.begin(), less.end());
}

base::Date DayOf(const Expense& expense) {
  return base::Date::FromProto(expense.invoice_date()).value_or(base::Date());
}

bool HaveOneSum(const Expense& one, const Expense& other) {
  if (one.currency() != other.currency()) return false;
  const auto a = base::Quantity::Parse(one.amount());
  const auto b = base::Quantity::Parse(other.amount());
  return a.ok() && b.ok() && a->thousandths() == b->thousandths();
}

bool HaveOneNumber(const Expense& one, const Expense& other) {
  return OneSpellingOfNumber(one.invoice_number()) == OneSpellingOfNumber(other.invoice_number());
}

bool HaveNumbersThatLookOne(const Expense& one, const Expense& other) {
  return LookOfNumber(one.invoice_number()) == LookOfNumber(other.invoice_number());
}

// One expense by its number and day and by what marks its issuer; no spelling holds a space.
std::string KeyIn(const InvoiceMarks& marks, absl::string_view sort, absl::string_view mark) {
  return absl::StrCat(marks.number, " ", marks.day.days(), " ", sort, " ", mark);
}

}  // namespace

std::string OneSpelling(const std::string& text) {
  return Spelled(WordsOf(text));
}

std::string OneSpellingOfNumber(const std::string& text) {
  std::string spelling = OneSpelling(text);
  // "No. 15" and "N 15".
  const size_t sign = absl::StartsWith(spelling, "no")  ? 2
                      : absl::StartsWith(spelling, "n") ? 1
                                                        : 0;
  if (sign < spelling.size() && IsDigit(spelling[sign])) spelling.erase(0, sign);
  return spelling;
}

std::string LookOfNumber(const std::string& text) {
  std::string look;
  for (const char c : OneSpellingOfNumber(base::PlainDigits(text))) {
    // Elsewhere it may begin a word, and a zero at the beginning of a number says nothing.
    const bool zero = c == 'o' && !look.empty() && IsDigit(look.back());
    look.push_back(zero ? '0' : c);
  }
  return look;
}

absl::Status CheckIssuer(const Expense& expense, const std::string& path) {
  const std::string& country = expense.issuer_country();
  const std::string& number = expense.issuer_number();
  const std::string field = absl::StrCat(path, ".issuer_number");
  if (country.empty() && number.empty()) return absl::OkStatus();
  if (country != kKazakhstan && (country.size() != 2 || !IsMarket(country))) {
    return base::InvalidField(absl::StrCat(path, ".issuer_country"),
                              "must be a country by ISO 3166, as DE, where issuer_number is given");
  }
  if (OneSpelling(number).empty()) {
    return base::InvalidField(field, "is required where issuer_country is given");
  }
  if (country == kKazakhstan && !base::BinIin::Parse(number).ok()) {
    return base::InvalidField(field, "must be a BIN or IIN in Kazakhstan");
  }
  return absl::OkStatus();
}

std::string IssuerKey(const Expense& expense) {
  if (expense.issuer_number().empty()) return OneSpelling(expense.invoice_issuer());
  // No spelling of a name has such a sign.
  return absl::StrCat("#", expense.issuer_country(), "#",
                      SpelledIn(expense.issuer_country(), expense.issuer_number()));
}

InvoiceMarks MarksOf(const Expense& expense) {
  InvoiceMarks marks;
  marks.number = OneSpellingOfNumber(expense.invoice_number());
  marks.day = DayOf(expense);
  const std::vector<std::string> words = WordsOf(expense.invoice_issuer());
  const IssuerId id = IdOf(expense, words);
  if (!id.second.empty()) marks.id = absl::StrCat(id.first, "#", id.second);
  marks.name = Spelled(words);
  marks.is_numbered = !expense.issuer_number().empty();
  return marks;
}

Sameness CompareInvoices(const Expense& one, const Expense& other) {
  if (DayOf(one) != DayOf(other)) return Sameness::kOther;
  const bool sure = HaveOneNumber(one, other);
  if (!sure && !HaveNumbersThatLookOne(one, other)) return Sameness::kOther;
  const IssuerId id = IdOf(one, WordsOf(one.invoice_issuer()));
  const bool both = !one.issuer_number().empty() && !other.issuer_number().empty();
  const bool known = !id.second.empty() && id == IdOf(other, WordsOf(other.invoice_issuer()));
  const bool named = OneSpelling(one.invoice_issuer()) == OneSpelling(other.invoice_issuer());
  if (sure && (known || (named && !both))) return Sameness::kSame;
  const bool alike = known || named || AreAlike(one.invoice_issuer(), other.invoice_issuer());
  return alike || HaveOneSum(one, other) ? Sameness::kAlike : Sameness::kOther;
}

std::vector<std::string> WordsOfIssuer(const std::string& name) {
  std::vector<std::string> words;
  for (const std::string& word : FoldedWords(name)) {
    if (!LegalForms().contains(word)) words.push_back(WithoutLeadingZeros(word));
  }
  return words;
}

// As CompareInvoices finds kSame, by keys.
bool Invoices::Has(const InvoiceMarks& marks) const {
  if (!marks.id.empty() && keys_.contains(KeyIn(marks, "id", marks.id))) return true;
  if (keys_.contains(KeyIn(marks, "name", marks.name))) return true;
  return !marks.is_numbered && keys_.contains(KeyIn(marks, "numbered", marks.name));
}

void Invoices::Add(const InvoiceMarks& marks) {
  if (!marks.id.empty()) keys_.insert(KeyIn(marks, "id", marks.id));
  keys_.insert(KeyIn(marks, marks.is_numbered ? "numbered" : "name", marks.name));
}

}  // namespace nisi::export_refunds
