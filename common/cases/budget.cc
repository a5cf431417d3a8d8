#include "common/cases/budget.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/base/log.h"
#include "common/cases/refusals.h"
#include "common/cases/rows.h"
#include "common/rpc/resource.h"
#include "common/store/derived.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace nisi::cases {
namespace {

using absl::StatusCode;
using base::Money;
using base::Refusal;
using budget::v1::Bucket;
using google::protobuf::internal::WireFormatLite;
using store::EmitKey;
using store::Key;

constexpr int kBuckets = 5;  // SOURCE to PAID
constexpr std::array kAll = {budget::v1::SOURCE, budget::v1::AVAILABLE, budget::v1::RESERVED,
                             budget::v1::COMMITTED, budget::v1::PAID};
constexpr std::array kHeld = {budget::v1::AVAILABLE, budget::v1::RESERVED, budget::v1::COMMITTED,
                              budget::v1::PAID};
constexpr char kAccountPattern[] = "programmes/*/accounts/*";

struct Flow {
  Bucket from, to;
};

// Whence and whither a movement goes.
std::optional<Flow> FlowOf(Posting::Kind kind) {
  switch (kind) {
    case Posting::ALLOCATE:
    case Posting::RECOVER:
      return Flow{budget::v1::SOURCE, budget::v1::AVAILABLE};
    case Posting::RESERVE:
      return Flow{budget::v1::AVAILABLE, budget::v1::RESERVED};
    case Posting::COMMIT:
      return Flow{budget::v1::RESERVED, budget::v1::COMMITTED};
    case Posting::PAY:
      return Flow{budget::v1::COMMITTED, budget::v1::PAID};
    case Posting::RELEASE:
      return Flow{budget::v1::RESERVED, budget::v1::AVAILABLE};
    case Posting::UNCOMMIT:
      return Flow{budget::v1::COMMITTED, budget::v1::AVAILABLE};
    case Posting::RETURN:
      return Flow{budget::v1::PAID, budget::v1::AVAILABLE};
    case Posting::GIVE_BACK:
      return Flow{budget::v1::AVAILABLE, budget::v1::SOURCE};
    default:
      return std::nullopt;
  }
}

std::string AccountName(const std::string& programme, int year) {
  return absl::StrCat("programmes/", programme, "/accounts/", year);
}

std::string PostingName(const std::string& programme, int64_t number) {
  return absl::StrCat("programmes/", programme, "/postings/", number);
}

Key AccountKey(const std::string& programme, int year) {
  return Key::Of(programme, static_cast<int32_t>(year));
}

int64_t Balance(const AccountRow& row, Bucket bucket) {
  return row.balances(bucket - 1);
}

absl::Status YearClosed(const std::string& account, const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_CLOSED",
                 "The financial year is closed: nothing more is posted to it.")
      .With("account", account)
      .Precondition("YEAR", account, "an open year is needed")
      .Cite(basis);
}

// `message`: of a year that holds money that is needed, or of any that is to be closed first.
Refusal YearNotClosed(const std::string& account, absl::string_view message,
                      const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_NOT_CLOSED", message)
      .Cite(basis)
      .With("account", account)
      .Precondition("YEAR", account, "CloseYear is needed");
}

absl::Status YearNotOver(int year, const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "YEAR_NOT_OVER",
                 "A financial year is closed when it is over.")
      .With("year", absl::StrCat(year))
      .Precondition("YEAR", "account", "a year that is over is needed")
      .Cite(basis);
}

// `open`: an earlier account that still holds some of it; empty: none.
absl::Status Exceeded(const std::string& account, Bucket bucket, int64_t has, Money needs,
                      const std::string& open, const base::LegalBasis& basis) {
  const std::string held = Money::FromTiyn(has).value_or(Money()).ToString();
  const std::string what = absl::StrCat(budget::v1::Bucket_Name(bucket), " holds ", held,
                                        " tenge and ", needs.ToString(), " are needed");
  if (!open.empty()) {
    return YearNotClosed(open, "An earlier financial year is still open and holds money.", basis)
        .Quota(account, what);
  }
  return Refusal(StatusCode::kFailedPrecondition, "BUDGET_EXCEEDED",
                 "The account of the programme does not hold that much.")
      .With("account", account)
      .With("bucket", budget::v1::Bucket_Name(bucket))
      .Quota(account, what)
      .Cite(basis);
}

absl::Status ReadAccount(const store::Reader& reader, const std::string& programme, int year,
                         AccountRow* row) {
  ASSIGN_OR_RETURN(const auto found, reader.FindRaw(kAccounts, AccountKey(programme, year)));
  if (found.has_value()) {
    const absl::string_view bytes = found->row();
    if (!row->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
        row->balances_size() != kBuckets) {
      return base::StoreCorrupt("account");
    }
    return absl::OkStatus();
  }
  row->set_programme(programme);
  row->set_year(year);
  row->mutable_account()->set_name(AccountName(programme, year));
  for (int i = 0; i < kBuckets; ++i) row->add_balances(0);
  return absl::OkStatus();
}

absl::StatusOr<AccountRow> AccountOf(const store::Reader& reader, const std::string& programme,
                                     int year) {
  AccountRow row;
  RETURN_IF_ERROR(ReadAccount(reader, programme, year, &row));
  return row;
}

double Tenge(int64_t tiyn) {
  return static_cast<double>(tiyn) / 100;
}

std::vector<store::Figure> FiguresIn(const store::Reader& reader) {
  std::map<Bucket, double> sums;
  std::optional<double> least;
  double late = 0;
  const absl::Status scanned =
      reader.Scan(kAccounts, {}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<AccountRow>(view));
                    const AccountRow& row = stored.row;
                    if (row.balances_size() != kBuckets) return base::StoreCorrupt("account");
                    if (row.closed_by() != 0) return true;
                    double given = 0;
                    for (const Bucket bucket : kHeld) {
                      sums[bucket] += Tenge(Balance(row, bucket));
                      given += Tenge(Balance(row, bucket));
                    }
                    const double paid = Tenge(Balance(row, budget::v1::PAID));
                    if (row.year() < reader.today().year() && given > paid) ++late;
                    if (row.year() != reader.today().year() || given <= 0) return true;
                    const double left = Tenge(Balance(row, budget::v1::AVAILABLE)) / given;
                    least = std::min(least.value_or(left), left);
                    return true;
                  });
  if (!scanned.ok()) return {};
  std::vector<store::Figure> figures;
  for (const Bucket bucket : kHeld) {
    figures.push_back({"nisi_budget_tenge",
                       "Money of all programmes in the financial years that are not closed.",
                       sums[bucket],
                       {{"bucket", absl::AsciiStrToLower(budget::v1::Bucket_Name(bucket))}}});
  }
  figures.push_back({"nisi_budget_years_not_closed",
                     "Accounts of financial years that are over and hold money that is not carried "
                     "over yet.",
                     late});
  if (least.has_value()) {
    figures.push_back({"nisi_budget_least_available_ratio",
                       "Of the programme of this year that has least left to decide on: how much "
                       "of its money that is.",
                       *least});
  }
  return figures;
}

// A closed account of this year or a later one; empty when there is none. Nothing carries money out
// of a year behind a closed one, so none goes in.
absl::StatusOr<std::string> ClosedFrom(const store::Reader& reader, const std::string& programme,
                                       int year) {
  std::string closed;
  RETURN_IF_ERROR(
      reader.Scan(kAccounts, {Key::Of(programme), ""}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<AccountRow>(view));
                    if (stored.row.year() >= year && stored.row.closed_by() != 0) {
                      closed = stored.row.account().name();
                    }
                    return closed.empty();
                  }));
  return closed;
}

// The earliest open account before a year whose bucket holds money; empty when there is none.
absl::StatusOr<std::string> OpenBefore(const store::Reader& reader, const std::string& programme,
                                       int year, Bucket bucket) {
  std::string open;
  RETURN_IF_ERROR(
      reader.Scan(kAccounts, {Key::Of(programme), ""}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<AccountRow>(view));
                    const AccountRow& row = stored.row;
                    if (row.year() >= year) return false;
                    if (row.balances_size() != kBuckets) return base::StoreCorrupt("account");
                    if (row.closed_by() == 0 && Balance(row, bucket) > 0) {
                      open = row.account().name();
                    }
                    return open.empty();
                  }));
  return open;
}

google::type::Money* ShownOf(Bucket bucket, Account* account) {
  switch (bucket) {
    case budget::v1::SOURCE:
      return account->mutable_allocated();
    case budget::v1::AVAILABLE:
      return account->mutable_available();
    case budget::v1::RESERVED:
      return account->mutable_reserved();
    case budget::v1::COMMITTED:
      return account->mutable_committed();
    default:
      return account->mutable_paid();
  }
}

// Shows what a bucket holds.
void Show(Bucket bucket, AccountRow* row) {
  const int64_t tiyn = Balance(*row, bucket);
  *ShownOf(bucket, row->mutable_account()) =
      Money::FromTiyn(bucket == budget::v1::SOURCE ? -tiyn : tiyn).value_or(Money()).ToProto();
}

// Moves a bucket of an account by so many tiyn, and tells it in the posting.
absl::Status Move(AccountRow* row, Bucket bucket, int64_t tiyn, Posting* posting) {
  if (tiyn == 0) return absl::OkStatus();
  const int64_t after = Balance(*row, bucket) + tiyn;
  if (bucket != budget::v1::SOURCE && after < 0) return base::StoreCorrupt("account below zero");
  if (!Money::FromTiyn(after).ok()) {
    return base::InvalidField("amount", "brings what the account holds over 10^15 tenge");
  }
  row->set_balances(bucket - 1, after);
  Show(bucket, row);
  auto* leg = posting->add_legs();
  leg->set_account(row->account().name());
  leg->set_bucket(bucket);
  ASSIGN_OR_RETURN(const Money amount, Money::FromTiyn(tiyn));
  *leg->mutable_amount() = amount.ToProto();
  return absl::OkStatus();
}

absl::Status PutAccount(store::Tx& tx, AccountRow* row) {
  Account& account = *row->mutable_account();
  if (account.posting_count() == 0) {  // later ones show what they move
    for (const Bucket bucket : kAll) Show(bucket, row);
  }
  account.set_closed(row->closed_by() != 0);
  account.set_posting_count(account.posting_count() + 1);
  return tx.Put(kAccounts, row);
}

absl::Status PutPosting(store::Tx& tx, const std::string& programme, PostingRow* row) {
  ASSIGN_OR_RETURN(const int64_t number, tx.Next(absl::StrCat("postings/", programme)));
  row->set_programme(programme);
  row->set_number(number);
  row->mutable_posting()->set_name(PostingName(programme, number));
  return tx.Put(kPostings, row);
}

// What an account holds.
struct Held {
  std::string programme;
  uint32_t year = 0;
  std::array<int64_t, kBuckets> balances{};

  std::string name() const { return AccountName(programme, static_cast<int>(year)); }
};

// Takes it out of a row of kAccounts: every posting asks it of every account, and passes over what
// is shown of one.
absl::Status ReadHeld(absl::string_view row, Held* held) {
  constexpr uint32_t kProgramme = WireFormatLite::MakeTag(
      AccountRow::kProgrammeFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  constexpr uint32_t kYear =
      WireFormatLite::MakeTag(AccountRow::kYearFieldNumber, WireFormatLite::WIRETYPE_VARINT);
  constexpr uint32_t kBalances = WireFormatLite::MakeTag(AccountRow::kBalancesFieldNumber,
                                                         WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  held->programme.clear();
  held->year = 0;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(row.data()),
                                            static_cast<int>(row.size()));
  size_t balances = 0;
  while (const uint32_t at = in.ReadTag()) {
    if (at == kYear) {
      if (!in.ReadVarint32(&held->year)) return base::StoreCorrupt("account");
      continue;
    }
    if (at != kProgramme && at != kBalances) {
      if (!WireFormatLite::SkipField(&in, at)) return base::StoreCorrupt("account");
      continue;
    }
    uint32_t bytes = 0;
    if (!in.ReadVarint32(&bytes) || int64_t{bytes} > in.BytesUntilLimit())
      return base::StoreCorrupt("account");
    if (at == kProgramme) {
      if (!in.ReadString(&held->programme, static_cast<int>(bytes)))
        return base::StoreCorrupt("account");
      continue;
    }
    const auto limit = in.PushLimit(static_cast<int>(bytes));
    for (uint64_t balance = 0; in.BytesUntilLimit() > 0;) {
      if (balances == kBuckets || !in.ReadVarint64(&balance)) return base::StoreCorrupt("account");
      held->balances[balances++] = static_cast<int64_t>(balance);
    }
    in.PopLimit(limit);
  }
  const bool whole = in.ConsumedEntireMessage() && balances == kBuckets;
  return whole ? absl::OkStatus() : base::StoreCorrupt("account");
}

// What the accounts alone say; `see` gets each.
using SeeAccount = std::function<absl::Status(const store::RowView& view, const Held& held)>;
absl::Status AuditAccounts(const store::Reader& reader, const SeeAccount& see,
                           std::vector<std::string>* findings) {
  std::map<std::string, int64_t> sums;  // by programme
  Held held;
  const auto visit = [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
    RETURN_IF_ERROR(ReadHeld(view.row, &held));
    int64_t& sum = sums[held.programme];
    for (size_t i = 0; i < kBuckets; ++i) {
      sum += held.balances[i];
      if (i > 0 && held.balances[i] < 0) {
        findings->push_back(absl::StrCat(held.name(), ": below zero"));
      }
    }
    RETURN_IF_ERROR(see(view, held));
    return true;
  };
  RETURN_IF_ERROR(reader.Scan(kAccounts, {}, {}, visit));
  for (const auto& [programme, sum] : sums) {
    if (sum != 0) findings->push_back(absl::StrCat(programme, ": does not add up to zero"));
  }
  return absl::OkStatus();
}

// Holds the accounts against each other at the end of each command that moved money, before it is
// committed, and in the scrub against every posting. Keeps no rows.
class BudgetAudit final : public store::Derived {
 public:
  BudgetAudit() : Derived(0xf023, "budget_audit", &kAccounts, 1) {}
  absl::Status Update(const store::Reader& reader, absl::Span<const std::string> keys,
                      int64_t recorded_us, store::Overlay* /*rows*/) const override {
    // Those that a store had before are for the scrub: starting must not depend on them.
    if (keys.empty() || recorded_us == 0) return absl::OkStatus();
    std::vector<std::string> findings;
    RETURN_IF_ERROR(AuditAccounts(
        reader, [](const store::RowView&, const Held&) { return absl::OkStatus(); }, &findings));
    if (findings.empty()) return absl::OkStatus();
    base::Log(base::Severity::kError, "budget_unsound", {{"finding", findings.front()}});
    return base::StoreCorrupt(absl::StrCat("accounts: ", findings.front()));
  }
  absl::Status FinishBuilding(int64_t /*recorded_us*/, store::Overlay* /*rows*/) const override {
    return absl::OkStatus();
  }
  absl::Status Scrub(const store::Reader& reader,
                     std::vector<std::string>* findings) const override {
    ASSIGN_OR_RETURN(const std::vector<std::string> found, AuditBudget(reader));
    findings->insert(findings->end(), found.begin(), found.end());
    return absl::OkStatus();
  }
};

// The posting that undid another one, if any.
absl::StatusOr<std::optional<PostingRow>> ReversalOf(const store::Reader& reader,
                                                     const std::string& programme,
                                                     const std::string& posting) {
  ASSIGN_OR_RETURN(auto found, reader.FindUnique(kPostingsByReversed, Key::Of(programme, posting)));
  if (!found.has_value()) return std::nullopt;
  return std::move(found->row);
}

// An order gives an account money once, also when it is typed in again.
absl::Status CheckOrderIsNew(const store::Reader& reader, const std::string& account,
                             const std::string& programme, const std::string& order_number,
                             base::Date order_date, const base::LegalBasis& basis) {
  std::vector<std::string> by_order;
  RETURN_IF_ERROR(reader.Scan(
      kPostingsByRecord, {Key::Of(programme, order_number), ""}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<PostingRow>(view));
        const Posting& posting = stored.row.posting();
        if (posting.kind() != Posting::ALLOCATE || !posting.has_order_date()) return true;
        ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(posting.order_date()));
        if (day == order_date && posting.legs(0).account() == account) {
          by_order.push_back(posting.name());
        }
        return true;
      }));
  bool posted = false;
  for (const std::string& name : by_order) {
    ASSIGN_OR_RETURN(const auto reversal, ReversalOf(reader, programme, name));
    posted = posted || !reversal.has_value();
  }
  if (!posted) return absl::OkStatus();
  return Refusal(StatusCode::kAlreadyExists, "ORDER_POSTED",
                 "The account has the money of this order.")
      .With("orderNumber", order_number)
      .With("orderDate", order_date.ToString())
      .Resource(kAccounts.name, account)
      .Cite(basis);
}

absl::Status NotTyped(const std::string& name, const base::LegalBasis& basis) {
  return Refusal(StatusCode::kFailedPrecondition, "POSTING_NOT_TYPED",
                 "A posting that carries out a decision is undone by another decision.")
      .Precondition("POSTING", name, "money that an order gave is needed")
      .Cite(basis);
}

struct Named {
  std::string programme;
  int year = 0;
};

absl::StatusOr<Named> AccountIn(const std::string& name, const char* field) {
  ASSIGN_OR_RETURN(const auto parts, base::MatchResourceName(kAccountPattern, name));
  Named named{parts[0], 0};
  if (!absl::SimpleAtoi(parts[1], &named.year) || parts[1].size() != 4 || named.year < 2000) {
    return base::InvalidField(field, "must end with a year of four digits");
  }
  return named;
}

}  // namespace

const store::Table<AccountRow> kAccounts{0xf020, "accounts", [](const AccountRow& row) {
                                           return AccountKey(row.programme(), row.year());
                                         }};
const store::Table<PostingRow> kPostings{0xf021, "postings", [](const PostingRow& row) {
                                           return Key::Of(row.programme(), row.number());
                                         }};
const store::Index<PostingRow> kPostingsByRecord{
    0xf022, "postings_by_record", kPostings, false, [](const PostingRow& row, const EmitKey& emit) {
      emit(Key::Of(row.programme(), row.posting().record()));
    }};

const store::Index<PostingRow> kPostingsByReversed{
    0xf024, "postings_by_reversed", kPostings, true,
    [](const PostingRow& row, const EmitKey& emit) {
      if (row.posting().reverses().empty()) return;
      emit(Key::Of(row.programme(), row.posting().reverses()));
    }};

store::Schema WithBudget(store::Schema schema) {
  schema.tables.push_back(&kAccounts);
  schema.tables.push_back(&kPostings);
  schema.indexes.push_back(&kPostingsByRecord);
  schema.indexes.push_back(&kPostingsByReversed);
  static const auto* const kAudit = new BudgetAudit;
  schema.derived.push_back(kAudit);
  return schema;
}

namespace {

// A movement within one account, or out of that of an earlier year; `posting`: what it says
// besides.
absl::StatusOr<Posting> PostAs(store::Tx& tx, const Movement& movement, std::optional<Flow> flow,
                               const base::LegalBasis& basis, Posting posting,
                               std::optional<int> out_of = std::nullopt) {
  if (!flow.has_value()) return absl::InternalError("no movement within an account");
  if (movement.amount.is_zero() || movement.amount.is_negative()) {
    return base::InvalidField("amount", "must be more than 0");
  }
  // An account has many small parts: they lie beside each other and go at once.
  std::array<char, 4096> room;
  google::protobuf::ArenaOptions options;
  options.initial_block = room.data();
  options.initial_block_size = room.size();
  google::protobuf::Arena arena(options);
  AccountRow& row = *google::protobuf::Arena::CreateMessage<AccountRow>(&arena);
  const int year = out_of.value_or(movement.year);
  RETURN_IF_ERROR(ReadAccount(tx, movement.programme, year, &row));
  const std::string& name = row.account().name();
  if (row.closed_by() != 0) return YearClosed(name, basis);
  AccountRow* into = &row;
  if (year != movement.year) {
    into = google::protobuf::Arena::CreateMessage<AccountRow>(&arena);
    RETURN_IF_ERROR(ReadAccount(tx, movement.programme, movement.year, into));
    if (into->closed_by() != 0) return YearClosed(into->account().name(), basis);
  }
  if (movement.kind == Posting::ALLOCATE) {
    ASSIGN_OR_RETURN(const std::string closed, ClosedFrom(tx, movement.programme, movement.year));
    if (!closed.empty()) return YearClosed(closed, basis);
  }
  const int64_t tiyn = movement.amount.tiyn();
  if (flow->from != budget::v1::SOURCE && Balance(row, flow->from) < tiyn) {
    ASSIGN_OR_RETURN(const std::string open,
                     OpenBefore(tx, movement.programme, movement.year, flow->from));
    return Exceeded(name, flow->from, Balance(row, flow->from), movement.amount, open, basis);
  }
  posting.set_kind(movement.kind);
  posting.set_record(movement.record);
  posting.set_posted_by(movement.subject);
  if (movement.order_date.has_value()) {
    *posting.mutable_order_date() = movement.order_date->ToProto();
  }
  RETURN_IF_ERROR(Move(&row, flow->from, -tiyn, &posting));
  RETURN_IF_ERROR(Move(into, flow->to, tiyn, &posting));
  RETURN_IF_ERROR(PutAccount(tx, &row));
  if (into != &row) RETURN_IF_ERROR(PutAccount(tx, into));
  PostingRow posted;
  *posted.mutable_posting() = std::move(posting);
  RETURN_IF_ERROR(PutPosting(tx, movement.programme, &posted));
  tx.Cite(basis);
  return std::move(*posted.mutable_posting());
}

absl::StatusOr<PostingRow> PostingNamed(const store::Reader& reader, const std::string& name) {
  constexpr char kPattern[] = "programmes/*/postings/*";
  ASSIGN_OR_RETURN(const auto parts, base::MatchResourceName(kPattern, name));
  ASSIGN_OR_RETURN(const int64_t number, rpc::NumberIn(name, kPattern, 1));
  ASSIGN_OR_RETURN(auto found, reader.Find(kPostings, Key::Of(parts[0], number)));
  if (!found.has_value()) return base::NotFound(kPostings.name, name);
  return std::move(found->row);
}

// YEAR_CLOSED where what was free in a closed year went back to the budget and not into the next.
absl::Status CheckCarried(const store::Reader& reader, const AccountRow& closed,
                          const base::LegalBasis& basis) {
  ASSIGN_OR_RETURN(const PostingRow closing,
                   Need(reader, kPostings, Key::Of(closed.programme(), closed.closed_by())));
  for (const Posting::Leg& leg : closing.posting().legs()) {
    if (leg.bucket() == budget::v1::SOURCE) return YearClosed(closed.account().name(), basis);
  }
  return absl::OkStatus();
}

// The year whose account holds what was reserved or committed for a record, by the posting that
// brought it there: what it holds of a closed year was carried into the next.
absl::StatusOr<int> YearThatHoldsFor(const store::Reader& reader, const Movement& movement,
                                     Flow flow, const std::string& held_for) {
  const Posting::Kind brings =
      flow.from == budget::v1::RESERVED ? Posting::RESERVE : Posting::COMMIT;
  std::optional<PostingRow> brought;  // the last one: it may have gone and come again
  RETURN_IF_ERROR(
      reader.Scan(kPostingsByRecord, {Key::Of(movement.programme, held_for), ""}, {},
                  [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                    ASSIGN_OR_RETURN(auto stored, store::Reader::Parse<PostingRow>(view));
                    if (stored.row.posting().kind() == brings) brought = std::move(stored.row);
                    return true;
                  }));
  if (!brought.has_value()) return movement.year;
  ASSIGN_OR_RETURN(const Named named, AccountIn(brought->posting().legs(0).account(), "name"));
  for (int year = named.year; year < movement.year; ++year) {
    ASSIGN_OR_RETURN(const AccountRow account, AccountOf(reader, movement.programme, year));
    if (account.closed_by() != 0) continue;
    // Before this rule it may have been taken from here for another record.
    return Balance(account, flow.from) >= movement.amount.tiyn() ? year : movement.year;
  }
  return movement.year;
}

// The money of a closed year was carried into the next, and from there on where that is closed.
absl::StatusOr<int> YearThatHolds(const store::Reader& reader, const PostingRow& row, int this_year,
                                  const base::LegalBasis& basis) {
  ASSIGN_OR_RETURN(const Named named, AccountIn(row.posting().legs(0).account(), "name"));
  for (int year = named.year; year < this_year; ++year) {
    ASSIGN_OR_RETURN(const AccountRow account, AccountOf(reader, row.programme(), year));
    if (account.closed_by() == 0) return year;
    RETURN_IF_ERROR(CheckCarried(reader, account, basis));
  }
  return std::max(named.year, this_year);
}

}  // namespace

absl::StatusOr<Posting> Post(store::Tx& tx, const Movement& movement,
                             const base::LegalBasis& basis) {
  if (movement.kind == Posting::REVERSE) return absl::InternalError("nothing is reversed");
  return PostAs(tx, movement, FlowOf(movement.kind), basis, Posting());
}

absl::StatusOr<Posting> PostHeld(store::Tx& tx, Movement movement, const std::string& held_for,
                                 const base::LegalBasis& basis) {
  const std::optional<Flow> flow = FlowOf(movement.kind);
  if (!flow.has_value() ||
      (flow->from != budget::v1::RESERVED && flow->from != budget::v1::COMMITTED)) {
    return absl::InternalError("nothing is held for it");
  }
  ASSIGN_OR_RETURN(const int holds, YearThatHoldsFor(tx, movement, *flow, held_for));
  // What is free again is free where it was, and what is promised is promised there.
  if (movement.kind != Posting::PAY) movement.year = holds;
  return PostAs(tx, movement, flow, basis, Posting(), holds);
}

absl::StatusOr<Posting> Reverse(store::Tx& tx, const std::string& posting,
                                const std::string& reason, const std::string& subject,
                                const base::LegalBasis& basis) {
  ASSIGN_OR_RETURN(const PostingRow mistaken, PostingNamed(tx, posting));
  const Posting& wrong = mistaken.posting();
  if (wrong.kind() != Posting::ALLOCATE && wrong.kind() != Posting::RECOVER &&
      wrong.kind() != Posting::RETURN) {
    return NotTyped(wrong.name(), basis);
  }
  if (wrong.posted_by() == subject) {
    return Refusal(StatusCode::kPermissionDenied, "SEPARATION_OF_DUTIES",
                   "Another person undoes a posting than made it.")
        .Cite(basis);
  }
  ASSIGN_OR_RETURN(const auto before, ReversalOf(tx, mistaken.programme(), wrong.name()));
  if (before.has_value()) {
    return Refusal(StatusCode::kFailedPrecondition, "POSTING_REVERSED",
                   "The posting is undone already.")
        .With("posting", before->posting().name())
        .Precondition("POSTING", wrong.name(), "one that stands is needed")
        .Cite(basis);
  }
  ASSIGN_OR_RETURN(const int year, YearThatHolds(tx, mistaken, tx.today().year(), basis));
  Money amount;
  for (const Posting::Leg& leg : wrong.legs()) {
    if (leg.bucket() != budget::v1::AVAILABLE) continue;
    ASSIGN_OR_RETURN(amount, Money::FromProto(leg.amount()));
  }
  Posting undoing;
  undoing.set_reverses(wrong.name());
  undoing.set_reason(reason);
  // What has not come back is paid out as it was.
  const Flow back{budget::v1::AVAILABLE, FlowOf(wrong.kind())->from};
  return PostAs(tx, {Posting::REVERSE, amount, mistaken.programme(), year, wrong.record(), subject},
                back, basis, std::move(undoing));
}

absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(store::Tx& tx, const std::string& programme,
                                                        int year, bool carry_over,
                                                        const std::string& subject,
                                                        const base::LegalBasis& basis) {
  const std::string name = AccountName(programme, year);
  ASSIGN_OR_RETURN(const auto known, tx.FindRaw(kAccounts, AccountKey(programme, year)));
  if (!known.has_value()) return base::NotFound(kAccounts.name, name);
  ASSIGN_OR_RETURN(AccountRow row, AccountOf(tx, programme, year));
  ASSIGN_OR_RETURN(AccountRow next, AccountOf(tx, programme, year + 1));
  budget::v1::CloseYearResponse response;
  if (row.closed_by() != 0) {
    ASSIGN_OR_RETURN(const auto posted, tx.Find(kPostings, Key::Of(programme, row.closed_by())));
    if (!posted.has_value()) return base::StoreCorrupt("posting of a closed year");
    *response.mutable_posting() = posted->row.posting();
    *response.mutable_closed() = row.account();
    *response.mutable_next() = next.account();
    return response;
  }
  if (year >= tx.today().year()) return YearNotOver(year, basis);
  std::string open;  // an earlier year
  RETURN_IF_ERROR(
      tx.Scan(kAccounts, {Key::Of(programme), ""}, {},
              [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
                ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<AccountRow>(view));
                if (stored.row.year() >= year) return false;
                if (stored.row.closed_by() == 0) open = stored.row.account().name();
                return open.empty();
              }));
  if (!open.empty()) {
    return YearNotClosed(open, "An earlier financial year is to be closed first.", basis);
  }
  if (next.closed_by() != 0) return YearClosed(next.account().name(), basis);

  PostingRow posted;
  Posting& posting = *posted.mutable_posting();
  posting.set_kind(Posting::CLOSE_YEAR);
  posting.set_record(name);
  posting.set_posted_by(subject);
  for (const Bucket bucket : {budget::v1::AVAILABLE, budget::v1::RESERVED, budget::v1::COMMITTED}) {
    const int64_t tiyn = Balance(row, bucket);
    RETURN_IF_ERROR(Move(&row, bucket, -tiyn, &posting));
    if (bucket == budget::v1::AVAILABLE && !carry_over) {
      RETURN_IF_ERROR(Move(&row, budget::v1::SOURCE, tiyn, &posting));
    } else {
      RETURN_IF_ERROR(Move(&next, bucket, tiyn, &posting));
    }
  }
  RETURN_IF_ERROR(PutPosting(tx, programme, &posted));
  row.set_closed_by(posted.number());
  RETURN_IF_ERROR(PutAccount(tx, &row));
  RETURN_IF_ERROR(PutAccount(tx, &next));
  tx.Cite(basis);
  *response.mutable_closed() = row.account();
  *response.mutable_next() = next.account();
  *response.mutable_posting() = posting;
  return response;
}

std::function<std::vector<store::Figure>()> BudgetFigures(std::weak_ptr<store::Store> store) {
  return [store = std::move(store)] {
    const std::shared_ptr<store::Store> open = store.lock();
    return open == nullptr ? std::vector<store::Figure>() : FiguresIn(open->Read());
  };
}

absl::StatusOr<std::vector<std::string>> AuditBudget(const store::Reader& reader) {
  std::vector<std::string> findings;
  std::map<std::string, std::array<int64_t, kBuckets>> posted;  // by account
  std::map<std::string, int64_t> numbers;                       // of the last posting, by programme
  RETURN_IF_ERROR(reader.Scan(
      kPostings, {}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<PostingRow>(view));
        const Posting& posting = stored.row.posting();
        if (stored.row.number() != ++numbers[stored.row.programme()]) {
          findings.push_back(absl::StrCat(posting.name(), ": a posting before it is missing"));
          numbers[stored.row.programme()] = stored.row.number();
        }
        int64_t sum = 0;
        for (const Posting::Leg& leg : posting.legs()) {
          ASSIGN_OR_RETURN(const Money amount, Money::FromProto(leg.amount()));
          sum += amount.tiyn();
          posted[leg.account()][static_cast<size_t>(leg.bucket() - 1)] += amount.tiyn();
        }
        if (sum != 0) findings.push_back(absl::StrCat(posting.name(), ": legs do not add up"));
        return true;
      }));
  RETURN_IF_ERROR(AuditAccounts(
      reader,
      [&](const store::RowView& view, const Held& held) -> absl::Status {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<AccountRow>(view));
        const std::string& name = stored.row.account().name();
        const auto& says = posted[name];
        for (size_t i = 0; i < kBuckets; ++i) {
          if (held.balances[i] != says[i]) {
            findings.push_back(absl::StrCat(name, ": is not what its postings say"));
          }
        }
        posted.erase(name);
        return absl::OkStatus();
      },
      &findings));
  for (const auto& [account, balances] : posted) {
    findings.push_back(absl::StrCat(account, ": has postings and is not there"));
  }
  return findings;
}

absl::StatusOr<Account> AllocateBudget(const rpc::Call& call, store::Tx& tx,
                                       const budget::v1::AllocateBudgetRequest& request,
                                       const base::LegalBasis& basis) {
  ASSIGN_OR_RETURN(const Named named, AccountIn(request.account(), "account"));
  ASSIGN_OR_RETURN(const Money amount, Money::FromProto(request.amount()));
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(request.order_date()));
  if (ordered > tx.today()) return OrderDateInvalid(basis);
  RETURN_IF_ERROR(CheckOrderIsNew(tx, request.account(), named.programme, request.order_number(),
                                  ordered, basis));
  RETURN_IF_ERROR(Post(tx,
                       {Posting::ALLOCATE, amount, named.programme, named.year,
                        request.order_number(), call.caller->subject, ordered},
                       basis)
                      .status());
  ASSIGN_OR_RETURN(const AccountRow row, AccountOf(tx, named.programme, named.year));
  return row.account();
}

absl::StatusOr<budget::v1::CloseYearResponse> CloseYear(const rpc::Call& call, store::Tx& tx,
                                                        const budget::v1::CloseYearRequest& request,
                                                        bool carry_over,
                                                        const base::LegalBasis& basis) {
  ASSIGN_OR_RETURN(const Named named, AccountIn(request.account(), "account"));
  return CloseYear(tx, named.programme, named.year, carry_over, call.caller->subject, basis);
}

absl::StatusOr<Posting> ReversePosting(const rpc::Call& call, store::Tx& tx,
                                       const budget::v1::ReversePostingRequest& request,
                                       const base::LegalBasis& basis) {
  ASSIGN_OR_RETURN(const PostingRow row, PostingNamed(tx, request.name()));
  if (row.posting().kind() != Posting::ALLOCATE || !row.posting().has_order_date()) {
    return NotTyped(request.name(), basis);
  }
  return Reverse(tx, request.name(), request.reason(), call.caller->subject, basis);
}

absl::StatusOr<rpc::Encoded<Account>> GetAccount(const store::Store& store, const rpc::Call& call,
                                                 const budget::v1::GetAccountRequest& request) {
  // Read, an account of no year is one that is not there; an order makes one, and says its year.
  const auto named = AccountIn(request.name(), "name");
  if (!named.ok()) return base::NotFound(kAccounts.name, request.name());
  return rpc::GetRecord<Account>(store, call, kAccounts, AccountKey(named->programme, named->year),
                                 request);
}

absl::StatusOr<rpc::Encoded<budget::v1::ListPostingsResponse>> ListPostings(
    const store::Store& store, const rpc::Call& call,
    const budget::v1::ListPostingsRequest& request) {
  ASSIGN_OR_RETURN(const auto parts, base::MatchResourceName("programmes/*", request.parent()));
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kPostings, request, call));
  plan.prefix = Key::Of(parts[0]);
  plan.indexes = {{"record", &kPostingsByRecord, [programme = parts[0]](const std::string& record) {
                     return std::optional(Key::Of(programme, record));
                   }}};
  return rpc::ListAs<budget::v1::ListPostingsResponse>(store, plan);
}

}  // namespace nisi::cases
