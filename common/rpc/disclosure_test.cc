// What is shown to whom (Art. 6(3)), by calls to a server over a register of works.
#include "common/rpc/disclosure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/caller_testing.h"
#include "common/rpc/disclosure_testing.h"
#include "common/rpc/masked_testing.h"
#include "common/rpc/scope_testing.h"
#include "common/rpc/wire.h"
#include "common/rpc/works_testing.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"

namespace nisi::rpc {
namespace {

using base::ReasonOf;
using disclosure::v1::Access;
using disclosure::v1::GiveConsentRequest;
using disclosure::v1::ListAccessesRequest;
using disclosure::v1::ListAccessesResponse;
using disclosure::v1::ListPermitsRequest;
using disclosure::v1::ListPermitsResponse;
using disclosure::v1::Permit;
using disclosure::v1::RecordCourtOrderRequest;
using disclosure::v1::WithdrawPermitRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using testing::v1::GetWorksRequest;
using testing::v1::ListWorksRequest;
using testing::v1::ListWorksResponse;
using testing::v1::SearchWorksResponse;

constexpr char kOwnerBin[] = "940140000385";
constexpr char kOtherBin[] = "070340007218";
constexpr char kReader[] = "950240000122";
constexpr char kService[] = "/nisi.testing.v1.WorksService/";
constexpr char kDisclosure[] = "/nisi.disclosure.v1.DisclosureService/";
constexpr char kAll[] = "examiners contact.phone staff turnover machines tax_number";
constexpr char kTax[] = "canary-tax";

Works WorksOf(const std::string& name, const std::string& owner) {
  Works works;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(
          "name: '", name, "' owner_bin: '", owner,
          "' region: '751110000' title: 'Works' contact { person: 'P' phone: "
          "'canary-phone' } staff: 4711 turnover { currency_code: 'KZT' units: 815 } "
          "machines { model: 'canary-machine' } examiners: 'canary-examiner' tax_number: '",
          kTax, "' partner_bin: '", owner == kOwnerBin ? kOtherBin : kOwnerBin, "'"),
      &works));
  return works;
}

// Who read what on which ground, as "DUTY:AUTHORITY_INDUSTRY contact.phone staff of works/1".
std::string Told(const Access& access) {
  return absl::StrCat(Access::Ground_Name(access.ground()), ":",
                      access.permit().empty() ? v1::Role_Name(access.role()) : access.permit(), " ",
                      absl::StrJoin(access.fields(), " "), " of ",
                      absl::StrJoin(access.records(), " "));
}

class DisclosureTest : public ::testing::Test {
 protected:
  DisclosureTest() : clock_(base::Date::Parse("2026-06-15")->StartOfDay() + absl::Hours(12)) {}

  void SetUp() override {
    store::Store::Options options;
    options.clock = &clock_;
    options.background = false;
    options.queue_limit = 8;
    store_ = *store::Store::Open(store::OpenMem(), schema_, std::move(options));
    env_.store = store_.get();
    registry_.DiscloseFrom(store_.get());
    ASSERT_TRUE(BindWorks(env_, &registry_).ok());
    disclosure_ = DisclosureEnv{store_.get(), &registry_};
    ASSERT_TRUE(AddDisclosureService(disclosure_, &registry_).ok());
    server_ = std::make_unique<LocalServer>(registry_, &clock_);
    ASSERT_TRUE(server_->started().ok()) << server_->started();
    Put(WorksOf("works/1", kOwnerBin));
    Put(WorksOf("works/2", kOwnerBin));
    Put(WorksOf("works/3", kOtherBin));
    written_ = store_->position();
  }

  void Put(const Works& works) {
    const auto put =
        store_->Write({.actor = "tester"}, [&](store::Tx& tx) -> absl::StatusOr<std::string> {
          WorksRow row;
          *row.mutable_works() = works;
          RETURN_IF_ERROR(tx.Put(kWorks, &row));
          return std::string();
        });
    ASSERT_TRUE(put.ok()) << put.status();
  }
  std::string NextId() { return absl::StrFormat("00000000-0000-4000-8000-%012d", ++ids_); }

  // A permit of text format; owner, first and last day are filled where absent.
  absl::StatusOr<Permit> Give(const std::string& text) {
    GiveConsentRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.mutable_permit()));
    Fill(request.mutable_permit());
    if (!request.permit().has_last_day()) *request.mutable_permit()->mutable_last_day() = Day(30);
    request.set_request_id(NextId());
    return server_->Do<Permit>(CallerOf({v1::ENTITY}, request.permit().owner_bin()),
                               absl::StrCat(kDisclosure, "GiveConsent"), request);
  }
  absl::StatusOr<Permit> Order(const std::string& text) {
    RecordCourtOrderRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.mutable_permit()));
    Fill(request.mutable_permit());
    request.mutable_permit()->set_court("Court");
    request.mutable_permit()->set_number("7");
    *request.mutable_permit()->mutable_decision_date() = Day(-1);
    request.set_request_id(NextId());
    return server_->Do<Permit>(CallerOf({v1::AUTHORITY_INDUSTRY}),
                               absl::StrCat(kDisclosure, "RecordCourtOrder"), request);
  }
  void Fill(Permit* permit) const {
    if (permit->owner_bin().empty()) permit->set_owner_bin(kOwnerBin);
    if (!permit->has_first_day()) *permit->mutable_first_day() = Day(0);
  }
  google::type::Date Day(int n) const {
    return base::Date::LegalDay(clock_.Now()).AddDays(n).ToProto();
  }
  absl::StatusOr<Permit> Withdraw(const Caller& caller, const std::string& name,
                                  const std::string& etag = "") {
    WithdrawPermitRequest request;
    request.set_name(name);
    request.set_etag(etag);
    request.set_reason("changed my mind");
    request.set_request_id(NextId());
    return server_->Do<Permit>(caller, absl::StrCat(kDisclosure, "WithdrawPermit"), request);
  }

  absl::StatusOr<Works> Look(const Caller& caller, const std::string& name = "works/1",
                             const std::string& method = "GetWorks") {
    GetWorksRequest request;
    request.set_name(name);
    return server_->Do<Works>(caller, kService + method, request);
  }
  // The confidential fields that are there; each other one is named as withheld and is not.
  static std::string Shown(const Works& works, bool all_set = true) {
    std::vector<std::string> shown;
    const auto& withheld = works.withheld().fields();
    const auto look = [&](const char* field, bool there) {
      const bool kept = std::find(withheld.begin(), withheld.end(), field) != withheld.end();
      if (!kept) shown.emplace_back(field);
      EXPECT_TRUE(there ? !kept : kept || !all_set) << field;
    };
    look("examiners", works.examiners_size() > 0);
    look("contact.phone", !works.contact().phone().empty());
    look("staff", works.staff() != 0);
    look("turnover", works.has_turnover());
    look("machines", works.machines_size() > 0);
    look("tax_number", !works.tax_number().empty());
    EXPECT_EQ(works.has_withheld(), shown.size() != 6);
    if (works.has_withheld()) {
      EXPECT_EQ(works.withheld().legal_basis().article(), "Art. 6(3)");
    }
    return absl::StrJoin(shown, " ");
  }
  std::string ShownTo(const Caller& caller, const std::string& name = "works/1",
                      const std::string& method = "GetWorks") {
    const auto works = Look(caller, name, method);
    return works.ok() ? Shown(*works) : ReasonOf(works.status());
  }
  static std::string WhyNot(const Works& works) {
    return v1::Withheld::Reason_Name(works.withheld().reason());
  }
  // What is in the safe.
  std::string Open(const Caller& caller) {
    testing::v1::GetSafeRequest request;
    request.set_name("safes/1");
    const auto safe =
        server_->Do<testing::v1::Safe>(caller, absl::StrCat(kService, "OpenSafe"), request);
    return safe.ok() ? safe->content() : ReasonOf(safe.status());
  }
  std::vector<Access> Accesses(const Caller& caller, const std::string& filter = "") {
    ListAccessesRequest request;
    request.set_filter(filter);
    const auto got = server_->Do<ListAccessesResponse>(
        caller, absl::StrCat(kDisclosure, "ListAccesses"), request);
    EXPECT_TRUE(got.ok()) << got.status();
    if (!got.ok()) return {};
    return {got->accesses().begin(), got->accesses().end()};
  }
  // Those of all owners since the last asking.
  std::vector<std::string> NewAccesses() {
    std::vector<std::string> told;
    std::vector<Access> accesses = Accesses(CallerOf({v1::AUDITOR}));
    for (const Access& access : accesses) {
      if (seen_.insert(access.name()).second) told.push_back(Told(access));
    }
    return told;
  }

  base::FakeClock clock_;
  const store::Schema schema_ = WithDisclosure(WorksSchema());
  std::unique_ptr<store::Store> store_;
  WorksEnv env_;
  Registry registry_;
  DisclosureEnv disclosure_{};
  std::unique_ptr<LocalServer> server_;
  int64_t written_ = 0;
  int ids_ = 0;
  std::set<std::string> seen_;
};

TEST_F(DisclosureTest, ByRoleAndTie) {
  Caller examiner = CallerOf({v1::EXPERT});
  examiner.subject = "canary-examiner";
  const struct {
    const char* who;
    Caller caller;
    std::string shown;
    std::vector<std::string> accesses;
  } kCases[] = {
      {"nobody", Caller(), "", {}},
      {"its owner", CallerOf({v1::ENTITY}, kOwnerBin), kAll, {}},
      {"its owner as a customer", CallerOf({v1::CUSTOMER}, kOwnerBin), kAll, {}},
      {"its partner is not its owner", CallerOf({v1::ENTITY}, kOtherBin), "", {}},
      {"the owner's BIN in another role", CallerOf({v1::HOLDING}, kOwnerBin), "", {}},
      {"a stranger", CallerOf({v1::ENTITY}, kReader), "", {}},
      {"the authority",
       CallerOf({v1::AUTHORITY_INDUSTRY}),
       "contact.phone staff",
       {"DUTY:AUTHORITY_INDUSTRY contact.phone staff of works/1"}},
      {"its akimat",
       CallerOf({v1::AKIMAT}, "", {"75"}),
       "contact.phone",
       {"DUTY:AKIMAT contact.phone of works/1"}},
      {"another akimat", CallerOf({v1::AKIMAT}, "", {"71"}), "", {}},
      {"an auditor",
       CallerOf({v1::AUDITOR}),
       kAll,
       {absl::StrCat("AUDIT:AUDITOR ", kAll, " of works/1")}},
      {"a body without duty", CallerOf({v1::INSTITUTE_INDUSTRY}), "", {}},
      {"an operator", CallerOf({v1::OPERATOR}), "", {}},
      {"its examiner", examiner, "", {}},
      {"by duty first, then as an auditor",
       CallerOf({v1::AUTHORITY_INDUSTRY, v1::AUDITOR}),
       kAll,
       {"DUTY:AUTHORITY_INDUSTRY contact.phone staff of works/1",
        "AUDIT:AUDITOR examiners turnover machines tax_number of works/1"}},
      {"the owner, whatever else it is", CallerOf({v1::ENTITY, v1::AUDITOR}, kOwnerBin), kAll, {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.who);
    const int64_t before = store_->position();
    const auto works = Look(c.caller);
    ASSERT_TRUE(works.ok()) << works.status();
    EXPECT_EQ(Shown(*works), c.shown);
    if (c.shown != kAll) {
      EXPECT_EQ(WhyNot(*works), "NO_RIGHT");
    }
    EXPECT_EQ(works->title(), "Works");
    EXPECT_EQ(works->contact().person(), "P");
    // Who is shown nothing by right costs no write; an answer is one entry.
    EXPECT_EQ(store_->position() - before, c.accesses.empty() ? 0 : 1);
    EXPECT_THAT(NewAccesses(), ::testing::UnorderedElementsAreArray(c.accesses));
  }
}

// A role counts where the method admits its caller in it.
TEST_F(DisclosureTest, ByARoleThatTheMethodAdmits) {
  EXPECT_EQ(ShownTo(CallerOf({v1::AUTHORITY_INDUSTRY}), "works/1", "ReviewWorks"),
            "contact.phone staff");
  EXPECT_EQ(ShownTo(CallerOf({v1::AUTHORITY_TRADE}), "works/1", "ReviewWorks"), "ACCESS_DENIED");
  EXPECT_EQ(ShownTo(CallerOf({v1::INSTITUTE_INDUSTRY}), "works/1", "ReviewWorks"), "");
}

TEST_F(DisclosureTest, ByPermit) {
  Caller reader = CallerOf({v1::ENTITY}, kReader);
  reader.subject = "reader@else";
  const std::string by_bin = absl::StrCat("reader_bin: '", kReader, "' ");
  const struct {
    const char* what;
    std::vector<std::string> consents;
    std::vector<std::string> orders;
    std::string shown;    // of works/1, to the reader
    std::string grounds;  // of the accesses
    int days = 0;         // later
    bool withdrawn = false;
  } kCases[] = {
      {"all of the owner's", {by_bin}, {}, kAll, "CONSENT"},
      {"to a person", {"reader_subject: 'reader@else'"}, {}, kAll, "CONSENT"},
      {"to another person", {"reader_subject: 'somebody'"}, {}, "", ""},
      {"to another BIN", {absl::StrCat("reader_bin: '", kOtherBin, "'")}, {}, "", ""},
      {"by another owner", {absl::StrCat(by_bin, "owner_bin: '", kOtherBin, "'")}, {}, "", ""},
      {"of this record", {by_bin + "record: 'works/1'"}, {}, kAll, "CONSENT"},
      {"of another record", {by_bin + "record: 'works/2'"}, {}, "", ""},
      {"of one field", {by_bin + "fields: 'turnover'"}, {}, "turnover", "CONSENT"},
      {"of a field in a part",
       {by_bin + "fields: 'contact.phone'"},
       {},
       "contact.phone",
       "CONSENT"},
      {"two that add up",
       {by_bin + "fields: 'turnover'", by_bin + "fields: 'staff' record: 'works/1'"},
       {},
       "staff turnover",
       "CONSENT CONSENT"},
      {"not yet", {by_bin + "first_day { year: 2026 month: 6 day: 16 }"}, {}, "", ""},
      {"from its first day",
       {by_bin + "first_day { year: 2026 month: 6 day: 16 }"},
       {},
       kAll,
       "CONSENT",
       1},
      {"on its last day", {by_bin}, {}, kAll, "CONSENT", 30},
      {"after it", {by_bin}, {}, "", "", 31},
      {"withdrawn", {by_bin}, {}, "", "", 0, true},
      {"a court order", {}, {by_bin}, kAll, "COURT_ORDER"},
      {"a court order of a field", {}, {by_bin + "fields: 'machines'"}, "machines", "COURT_ORDER"},
      {"a court order to whoever signs in", {}, {""}, kAll, "COURT_ORDER"},
      {"a court order without a last day", {}, {by_bin}, kAll, "COURT_ORDER", 1000},
      {"a court order that is not in force",
       {},
       {by_bin + "first_day { year: 2026 month: 6 day: 16 }"},
       "",
       ""},
      {"a court order that was set aside", {}, {by_bin}, "", "", 0, true},
      {"both",
       {by_bin + "fields: 'staff'"},
       {by_bin + "fields: 'turnover'"},
       "staff turnover",
       "CONSENT COURT_ORDER"},
  };
  const absl::Time start = clock_.Now();
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    clock_.Set(start);
    std::vector<Permit> permits;
    for (const std::string& text : c.consents) {
      const auto given = Give(text);
      ASSERT_TRUE(given.ok()) << given.status();
      permits.push_back(*given);
    }
    for (const std::string& text : c.orders) {
      const auto recorded = Order(text);
      ASSERT_TRUE(recorded.ok()) << recorded.status();
      permits.push_back(*recorded);
    }
    const auto withdraw = [&] {
      for (const Permit& permit : permits) {
        const Caller who = permit.kind() == Permit::CONSENT
                               ? CallerOf({v1::ENTITY}, permit.owner_bin())
                               : CallerOf({v1::AUTHORITY_INDUSTRY});
        const auto withdrawn = Withdraw(who, permit.name());
        EXPECT_TRUE(withdrawn.ok()) << withdrawn.status();
      }
    };
    if (c.withdrawn) withdraw();
    clock_.Set(start + c.days * absl::Hours(24));
    const int64_t before = store_->position();
    EXPECT_EQ(ShownTo(reader), c.shown);
    EXPECT_EQ(store_->position() - before, c.shown.empty() ? 0 : 1);
    std::vector<std::string> grounds;
    for (const Access& access : Accesses(CallerOf({v1::AUDITOR}))) {
      if (!seen_.insert(access.name()).second) continue;
      grounds.push_back(Access::Ground_Name(access.ground()));
      EXPECT_EQ(access.owner_bin(), kOwnerBin);
      EXPECT_EQ(access.reader_subject(), "reader@else");
      EXPECT_EQ(access.reader_bin(), kReader);
      EXPECT_EQ(access.method(), "/nisi.testing.v1.WorksService/GetWorks");
      EXPECT_THAT(access.records(), ElementsAre("works/1"));
    }
    std::sort(grounds.begin(), grounds.end());
    EXPECT_EQ(absl::StrJoin(grounds, " "), c.grounds);
    // To nobody who has not signed in, and of no other owner's.
    EXPECT_EQ(ShownTo(Caller()), "");
    const bool others = !c.consents.empty() && c.consents[0].find(kOtherBin) != std::string::npos &&
                        c.consents[0].find("owner_bin") != std::string::npos;
    EXPECT_EQ(ShownTo(reader, "works/3"), others ? kAll : "");
    (void)NewAccesses();
    clock_.Set(start);
    if (!c.withdrawn) withdraw();
  }
}

TEST_F(DisclosureTest, ADutyAndAPermitAddUp) {
  const auto given = Give("reader_subject: 'somebody' fields: 'turnover'");
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(ShownTo(CallerOf({v1::AUTHORITY_INDUSTRY})), "contact.phone staff turnover");
  EXPECT_THAT(NewAccesses(), UnorderedElementsAre(
                                 "DUTY:AUTHORITY_INDUSTRY contact.phone staff of works/1",
                                 absl::StrCat("CONSENT:", given->name(), " turnover of works/1")));
}

// Rights are of today, whatever day is asked for.
TEST_F(DisclosureTest, APastDateRevivesNoPermit) {
  const auto given = Give(absl::StrCat("reader_bin: '", kReader, "'"));
  ASSERT_TRUE(given.ok()) << given.status();
  const Caller reader = CallerOf({v1::ENTITY}, kReader);
  GetWorksRequest request;
  request.set_name("works/1");
  *request.mutable_as_of() = Day(0);
  auto works = server_->Do<Works>(reader, absl::StrCat(kService, "GetWorks"), request);
  ASSERT_TRUE(works.ok()) << works.status();
  EXPECT_EQ(Shown(*works), kAll);
  const std::vector<Access> accesses = Accesses(CallerOf({v1::ENTITY}, kOwnerBin));
  ASSERT_EQ(accesses.size(), 1U);
  EXPECT_EQ(accesses.front().as_of().day(), 15);
  clock_.Set(clock_.Now() + absl::Hours(24) * 40);
  works = server_->Do<Works>(reader, absl::StrCat(kService, "GetWorks"), request);
  ASSERT_TRUE(works.ok()) << works.status();
  EXPECT_EQ(Shown(*works), "");
}

TEST_F(DisclosureTest, AListDisclosesWhereItIsAskedTo) {
  const std::string list = absl::StrCat(kService, "ListWorks");
  ListWorksRequest request;
  const auto shown = [&](const Caller& caller) {
    const auto page = server_->Do<ListWorksResponse>(caller, list, request);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> each;
    for (const Works& works : page->works()) {
      each.push_back(Shown(works) == kAll ? "all" : absl::StrCat(Shown(works), WhyNot(works)));
    }
    return absl::StrJoin(each, "; ");
  };
  EXPECT_EQ(shown(CallerOf({v1::AUDITOR})), "NOT_ASKED; NOT_ASKED; NOT_ASKED");
  EXPECT_EQ(shown(CallerOf({v1::ENTITY}, kOwnerBin)), "all; all; NOT_ASKED");
  EXPECT_EQ(shown(Caller()), "NO_RIGHT; NO_RIGHT; NO_RIGHT");
  EXPECT_EQ(store_->position(), written_);
  request.set_reveal(true);
  EXPECT_EQ(shown(CallerOf({v1::AUDITOR})), "all; all; all");
  EXPECT_THAT(NewAccesses(),
              UnorderedElementsAre(absl::StrCat("AUDIT:AUDITOR ", kAll, " of works/1 works/2"),
                                   absl::StrCat("AUDIT:AUDITOR ", kAll, " of works/3")));
  EXPECT_EQ(shown(CallerOf({v1::ENTITY}, kOwnerBin)), "all; all; NO_RIGHT");
  EXPECT_THAT(NewAccesses(), ElementsAre());
  // Within a repeated part of an answer as well.
  const auto found = server_->Do<SearchWorksResponse>(
      CallerOf({v1::AUTHORITY_INDUSTRY}), absl::StrCat(kService, "SearchWorks"), request);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(Shown(found->hits(2).works()), "contact.phone staff");
  // Nobody filters or orders by them, their owner neither.
  for (const char* filter : {"tax_number = \"x\"", "contact.phone:*", "-staff > 1", "turnover > 5",
                             "machines:*", "examiners:x"}) {
    request.set_filter(filter);
    for (const Caller& caller : {CallerOf({v1::ENTITY}, kOwnerBin), CallerOf({v1::AUDITOR})}) {
      EXPECT_EQ(ReasonOf(server_->Call(caller, list, request.SerializeAsString()).status),
                "FILTER_CONFIDENTIAL")
          << filter;
    }
  }
  request.clear_filter();
  request.set_order_by("staff");
  EXPECT_EQ(
      ReasonOf(server_->Call(CallerOf({v1::AUDITOR}), list, request.SerializeAsString()).status),
      "ORDER_INVALID");
}

TEST_F(DisclosureTest, OtherAnswersShowThemToTheOwnerAlone) {
  for (const Caller& caller : {CallerOf({v1::AUDITOR}), CallerOf({v1::AUTHORITY_INDUSTRY})}) {
    const auto works = Look(caller, "works/1", "FindWorks");
    ASSERT_TRUE(works.ok()) << works.status();
    EXPECT_EQ(Shown(*works), "");
    EXPECT_EQ(WhyNot(*works), "NOT_SHOWN_HERE");
  }
  EXPECT_EQ(ShownTo(CallerOf({v1::ENTITY}, kOwnerBin), "works/1", "FindWorks"), kAll);
  // Streams to nobody.
  for (const Caller& caller :
       {CallerOf({v1::ENTITY}, kOwnerBin), CallerOf({v1::AUDITOR}), Caller()}) {
    const Got got = server_->Call(caller, absl::StrCat(kService, "ExportWorks"), "");
    EXPECT_TRUE(got.status.ok()) << got.status;
    ASSERT_EQ(got.messages.size(), 3U);
    for (const std::string& bytes : got.messages) {
      Works works;
      ASSERT_TRUE(works.ParseFromString(bytes));
      EXPECT_EQ(Shown(works), "");
    }
  }
  EXPECT_EQ(store_->position(), written_);
}

// The answer to a change, and the same again from the store, by the rights of today.
TEST_F(DisclosureTest, AnAnswerThatIsReplayedObeysTheRightsOfToday) {
  testing::v1::CreateWorksRequest request;
  *request.mutable_works() = WorksOf("", kOwnerBin);
  request.set_request_id(NextId());
  const std::string create = absl::StrCat(kService, "CreateWorks");
  const auto made = server_->Do<Works>(CallerOf({v1::ENTITY}, kOwnerBin), create, request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(Shown(*made), kAll);
  const int64_t position = store_->position();
  const auto again = server_->Do<Works>(CallerOf({v1::ENTITY}, kOwnerBin), create, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), made->SerializeAsString());
  // The same person, no longer acting for the owner.
  const auto later =
      server_->Do<Works>(CallerOf({v1::AUTHORITY_INDUSTRY}, kOwnerBin), create, request);
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(later->name(), made->name());
  EXPECT_EQ(Shown(*later), "");
  EXPECT_EQ(WhyNot(*later), "NOT_SHOWN_HERE");
  request.set_validate_only(true);
  request.set_request_id(NextId());
  const auto tried =
      server_->Do<Works>(CallerOf({v1::AUTHORITY_INDUSTRY}, kOwnerBin), create, request);
  EXPECT_EQ(ReasonOf(tried.status()), "");
  EXPECT_EQ(Shown(*tried), "");
  EXPECT_EQ(store_->position(), position);
}

TEST_F(DisclosureTest, AnUpdateNamesOnlyWhatItsCallerSees) {
  const Caller owner = CallerOf({v1::ENTITY}, kOwnerBin),
               institute = CallerOf({v1::INSTITUTE_INDUSTRY}),
               authority = CallerOf({v1::AUTHORITY_INDUSTRY}),
               akimat = CallerOf({v1::AKIMAT}, "", {"75"});
  const struct {
    const char* what;
    const Caller& caller;
    std::vector<std::string> mask;
    std::string given;
    std::string reason;
  } kCases[] = {
      {"an open field", institute, {"title"}, "title: 'T'", ""},
      {"a guess that is right",
       institute,
       {"tax_number"},
       "tax_number: 'canary-tax'",
       "FIELD_CONFIDENTIAL"},
      {"a guess that is wrong",
       institute,
       {"tax_number"},
       "tax_number: 'no'",
       "FIELD_CONFIDENTIAL"},
      {"with others", institute, {"title", "turnover"}, "title: 'T'", "FIELD_CONFIDENTIAL"},
      {"a part with one in it",
       institute,
       {"contact"},
       "contact { person: 'Q' }",
       "FIELD_CONFIDENTIAL"},
      {"beside it in the part", institute, {"contact.person"}, "contact { person: 'Q' }", ""},
      {"without a mask", institute, {}, "staff: 5", "FIELD_CONFIDENTIAL"},
      {"the part without a mask", institute, {}, "contact { person: 'Q' }", "FIELD_CONFIDENTIAL"},
      {"an open one without a mask", institute, {}, "title: 'T'", ""},
      {"by duty", authority, {"staff", "contact.phone"}, "staff: 5 contact { phone: '5' }", ""},
      {"by another's duty", authority, {"turnover"}, "", "FIELD_CONFIDENTIAL"},
      {"by duty in its region", akimat, {"contact.phone"}, "contact { phone: '5' }", ""},
      {"not by duty", akimat, {"staff"}, "staff: 5", "FIELD_CONFIDENTIAL"},
      {"the owner's", owner, {"turnover", "machines", "examiners"}, "examiners: 'x'", ""},
      {"the owner is told what cannot change",
       owner,
       {"tax_number"},
       "tax_number: 'no'",
       "INVALID_FIELD"},
      {"and what is as it was", owner, {"tax_number"}, "tax_number: 'canary-tax'", ""},
  };
  std::string refusal;
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    Put(WorksOf("works/1", kOwnerBin));
    testing::v1::UpdateWorksRequest request;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(c.given, request.mutable_works()));
    request.mutable_works()->set_name("works/1");
    for (const std::string& path : c.mask) request.mutable_update_mask()->add_paths(path);
    request.set_request_id(NextId());
    const Got got =
        server_->Call(c.caller, absl::StrCat(kService, "UpdateWorks"), request.SerializeAsString());
    EXPECT_EQ(ReasonOf(got.status), c.reason) << got.status;
    if (c.reason != "FIELD_CONFIDENTIAL") continue;
    EXPECT_EQ(got.status.code(), absl::StatusCode::kPermissionDenied);
    if (c.mask == std::vector<std::string>{"tax_number"}) {
      EXPECT_EQ(refusal.empty() ? got.error : refusal, got.error);
      refusal = got.error;
    }
  }
  // Without knowing who calls nobody sees any.
  Works stored = WorksOf("works/1", kOwnerBin);
  google::protobuf::FieldMask mask;
  mask.add_paths("staff");
  EXPECT_EQ(ReasonOf(ApplyUpdate(WorksOf("works/1", kOwnerBin), mask, &stored)),
            "FIELD_CONFIDENTIAL");
}

// What is wrong with an update whatever is stored is told, though another version is stored by now.
TEST_F(DisclosureTest, AnOldEtagDoesNotHideAWrongMask) {
  Put(WorksOf("works/1", kOwnerBin));
  testing::v1::UpdateWorksRequest request;
  request.mutable_works()->set_name("works/1");
  request.mutable_works()->set_title("T");
  request.mutable_works()->set_etag("0000000000000001-00");
  const auto refusal = [&](const char* path) {
    request.mutable_update_mask()->clear_paths();
    request.mutable_update_mask()->add_paths(path);
    request.set_request_id(NextId());
    return server_
        ->Call(CallerOf({v1::INSTITUTE_INDUSTRY}), absl::StrCat(kService, "UpdateWorks"),
               request.SerializeAsString())
        .status;
  };
  EXPECT_EQ(ReasonOf(refusal("title")), "VERSION_MISMATCH");
  EXPECT_EQ(ReasonOf(refusal("qzx")), "INVALID_FIELD");
}

// What fixtures get that call functions themselves.
TEST_F(DisclosureTest, AnAnswerAsItIsSent) {
  const Method& method = *registry_.Find(absl::StrCat(kService, "GetWorks"));
  GetWorksRequest request;
  request.set_name("works/1");
  for (const Caller& caller : {CallerOf({v1::AUDITOR}), CallerOf({v1::AUTHORITY_INDUSTRY}),
                               CallerOf({v1::ENTITY}, kOwnerBin), Caller()}) {
    Call call;
    call.method = &method.policy;
    call.caller = std::make_shared<Caller>(caller);
    call.now = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    const auto sent = AsSent(method, call, request, method.unary(call, request));
    ASSERT_TRUE(sent.ok()) << sent.status();
    Works works;
    ASSERT_TRUE(works.ParseFromString(*sent));
    const auto recorded = NewAccesses().size();
    EXPECT_EQ(Shown(works), ShownTo(caller));
    EXPECT_EQ(recorded, NewAccesses().size());
  }
}

TEST_F(DisclosureTest, AClosedRecordLeavesToNobodyWithoutARole) {
  testing::v1::GetVaultRequest request;
  request.set_name("vaults/1");
  const auto open = [&](const Caller& caller) {
    return ReasonOf(
        server_->Do<testing::v1::Vault>(caller, absl::StrCat(kService, "OpenVault"), request)
            .status());
  };
  EXPECT_EQ(open(CallerOf({v1::ENTITY}, kOtherBin)), "ACCESS_DENIED");
  EXPECT_EQ(open(CallerOf({v1::ENTITY}, kOwnerBin)), "");
  EXPECT_EQ(open(CallerOf({v1::AUDITOR})), "");
}

// What a function let through by a permit leaves by that permit alone.
TEST_F(DisclosureTest, AClosedRecordLeavesByAPermitWhileItIsInForce) {
  const Caller reader = CallerOf({v1::ENTITY}, kReader);
  EXPECT_EQ(Open(reader), "ACCESS_DENIED");
  const auto elsewhere =
      Give(absl::StrCat("reader_bin: '", kReader, "' record: 'safes/2' fields: 'content'"));
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_EQ(Open(reader), "ACCESS_DENIED");
  const auto given = Give(absl::StrCat("reader_bin: '", kReader, "' record: 'safes/1'"));
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_EQ(Open(reader), "gold");
  EXPECT_EQ(Open(CallerOf({v1::ENTITY}, kOtherBin)), "ACCESS_DENIED");
  ASSERT_TRUE(Withdraw(CallerOf({v1::ENTITY}, kOwnerBin), given->name()).ok());
  EXPECT_EQ(Open(reader), "ACCESS_DENIED");
  EXPECT_EQ(Open(CallerOf({v1::ENTITY}, kOwnerBin)), "gold");
  EXPECT_EQ(Open(CallerOf({v1::AUDITOR})), "gold");
}

// Holds the store's writer in a command until it is let go.
class Held {
 public:
  explicit Held(store::Store& store) {
    store.WriteAsync(
        {.actor = "tester"},
        [state = state_](store::Tx&) -> absl::StatusOr<std::string> {
          std::unique_lock<std::mutex> lock(state->mutex);
          state->running = true;
          state->changed.notify_all();
          state->changed.wait(lock, [&] { return state->released; });
          return absl::CancelledError();
        },
        [](const absl::StatusOr<store::Outcome>&) {});
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->running; });
  }
  ~Held() { Release(); }
  void Release() {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->released = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool running = false;
    bool released = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

void WaitForQueue(const store::Store& store, size_t depth) {
  while (store.queue_depth() < depth) std::this_thread::yield();
}

// A read that began before the withdrawal, and whose answer leaves after it.
TEST_F(DisclosureTest, AWithdrawalHoldsForEveryAnswerThatLeavesAfterIt) {
  const auto given = Give(absl::StrCat("reader_bin: '", kReader, "'"));
  ASSERT_TRUE(given.ok()) << given.status();
  (void)NewAccesses();
  Held held(*store_);
  std::thread withdraws([&] {
    const auto withdrawn = Withdraw(CallerOf({v1::ENTITY}, kOwnerBin), given->name());
    EXPECT_TRUE(withdrawn.ok()) << withdrawn.status();
  });
  WaitForQueue(*store_, 1);
  std::string shown, opened;
  std::thread reads([&] { shown = ShownTo(CallerOf({v1::ENTITY}, kReader)); });
  WaitForQueue(*store_, 2);
  std::thread opens([&] { opened = Open(CallerOf({v1::ENTITY}, kReader)); });
  WaitForQueue(*store_, 3);
  held.Release();
  withdraws.join();
  reads.join();
  opens.join();
  EXPECT_EQ(shown, "");
  EXPECT_EQ(opened, "ACCESS_DENIED");
  EXPECT_THAT(NewAccesses(), ElementsAre());
}

TEST_F(DisclosureTest, TwoThreadsThatReadAndWithdraw) {
  const Caller reader = CallerOf({v1::ENTITY}, kReader);
  int seen = 0;
  for (int round = 0; round < 20; ++round) {
    const auto given = Give(absl::StrCat("reader_bin: '", kReader, "'"));
    ASSERT_TRUE(given.ok()) << given.status();
    std::atomic<bool> withdrawn{false}, read{false};
    std::thread withdraws([&] {
      while (!read) std::this_thread::yield();
      EXPECT_TRUE(Withdraw(CallerOf({v1::ENTITY}, kOwnerBin), given->name()).ok());
      withdrawn = true;
    });
    for (bool last = false; !last;) {
      last = withdrawn;
      const std::string shown = ShownTo(reader);
      read = true;
      if (last) {
        EXPECT_EQ(shown, "");
      }
      seen += shown == kAll ? 1 : 0;
    }
    withdraws.join();
  }
  // As many were recorded as were shown.
  int recorded = 0;
  ListAccessesRequest request;
  request.set_page_size(200);
  do {
    const auto page = server_->Do<ListAccessesResponse>(
        CallerOf({v1::AUDITOR}), absl::StrCat(kDisclosure, "ListAccesses"), request);
    ASSERT_TRUE(page.ok()) << page.status();
    recorded += page->accesses_size();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(recorded, seen);
  EXPECT_GE(seen, 20);
}

// Nothing is shown that could not be recorded; who needs no record is served.
TEST_F(DisclosureTest, WhatCannotBeRecordedIsNotShown) {
  Held held(*store_);
  for (size_t i = 0; i < 8; ++i) {
    store_->WriteAsync(
        {.actor = "tester"},
        [](store::Tx&) -> absl::StatusOr<std::string> { return absl::CancelledError(); },
        [](const absl::StatusOr<store::Outcome>&) {});
  }
  GetWorksRequest request;
  request.set_name("works/1");
  const Got got = server_->Call(CallerOf({v1::AUDITOR}), absl::StrCat(kService, "GetWorks"),
                                request.SerializeAsString());
  EXPECT_EQ(got.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(got.messages.empty());
  EXPECT_EQ(ShownTo(CallerOf({v1::ENTITY}, kOwnerBin)), kAll);
  EXPECT_EQ(ShownTo(CallerOf({v1::ENTITY}, kReader)), "");
  EXPECT_EQ(ShownTo(Caller()), "");
  held.Release();
}

TEST_F(DisclosureTest, PermitsAreWellFormed) {
  const std::string by_bin = absl::StrCat("reader_bin: '", kReader, "' ");
  const struct {
    const char* permit;
    const char* field;  // that is refused
  } kConsents[] = {
      {"", "permit.reader_bin"},
      {"reader_subject: 'a' reader_bin: '950240000122'", "permit.reader_subject"},
      {"reader_bin: '940140000385'", "permit.reader_bin"},
      {"reader_subject: 'a' record: 'widgets/1'", "permit.record"},
      {"reader_subject: 'a' fields: 'staff' fields: 'title'", "permit.fields[1]"},
      {"reader_subject: 'a' last_day { year: 2026 month: 6 day: 14 }", "permit.last_day"},
      {"reader_subject: 'a' court: 'Court'", "permit.court"},
      {"reader_subject: 'a' kind: CONSENT", "permit.kind"},
      {"reader_subject: 'a' withdraw_time { seconds: 1781000000 }", "permit.withdraw_time"},
  };
  for (const auto& c : kConsents) {
    const auto given = Give(c.permit);
    EXPECT_EQ(ReasonOf(given.status()), "INVALID_FIELD") << c.permit;
    const auto bad = base::BadRequestOf(given.status());
    ASSERT_GE(bad.field_violations_size(), 1) << c.permit;
    EXPECT_EQ(bad.field_violations(0).field(), c.field) << c.permit;
  }
  RecordCourtOrderRequest order;
  order.mutable_permit()->set_owner_bin(kOwnerBin);
  *order.mutable_permit()->mutable_first_day() = Day(-2);
  order.set_request_id(NextId());
  const auto bare = server_->Do<Permit>(CallerOf({v1::AUTHORITY_INDUSTRY}),
                                        absl::StrCat(kDisclosure, "RecordCourtOrder"), order);
  EXPECT_EQ(base::BadRequestOf(bare.status()).field_violations_size(), 3);
  order.mutable_permit()->set_court("Court");
  order.mutable_permit()->set_number("7");
  for (const int day : {-1, 1}) {  // decided after it came into force, or tomorrow
    *order.mutable_permit()->mutable_decision_date() = Day(day);
    order.set_request_id(NextId());
    EXPECT_EQ(ReasonOf(server_
                           ->Do<Permit>(CallerOf({v1::AUTHORITY_INDUSTRY}),
                                        absl::StrCat(kDisclosure, "RecordCourtOrder"), order)
                           .status()),
              "INVALID_FIELD");
  }
  // An owner consents for itself alone.
  GiveConsentRequest foreign;
  foreign.mutable_permit()->set_owner_bin(kOtherBin);
  foreign.mutable_permit()->set_reader_bin(kReader);
  Fill(foreign.mutable_permit());
  *foreign.mutable_permit()->mutable_last_day() = Day(1);
  foreign.set_request_id(NextId());
  EXPECT_EQ(ReasonOf(server_
                         ->Do<Permit>(CallerOf({v1::ENTITY}, kOwnerBin),
                                      absl::StrCat(kDisclosure, "GiveConsent"), foreign)
                         .status()),
            "ACCESS_DENIED");
}

TEST_F(DisclosureTest, PermitsAreSeenAndWithdrawnByTheirParties) {
  const auto consent = Give(absl::StrCat("reader_bin: '", kReader, "'"));
  const auto order = Order(absl::StrCat("reader_bin: '", kReader, "'"));
  ASSERT_TRUE(consent.ok() && order.ok());
  const Caller owner = CallerOf({v1::ENTITY}, kOwnerBin), reader = CallerOf({v1::ENTITY}, kReader),
               stranger = CallerOf({v1::ENTITY}, kOtherBin),
               authority = CallerOf({v1::AUTHORITY_INDUSTRY}), auditor = CallerOf({v1::AUDITOR});
  const struct {
    const char* who;
    const Caller& caller;
    int sees;
  } kCases[] = {{"owner", owner, 2},
                {"reader", reader, 2},
                {"stranger", stranger, 0},
                {"authority", authority, 2},
                {"auditor", auditor, 2}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.who);
    const auto list = server_->Do<ListPermitsResponse>(
        c.caller, absl::StrCat(kDisclosure, "ListPermits"), ListPermitsRequest());
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->permits_size(), c.sees);
    disclosure::v1::GetPermitRequest get;
    get.set_name(consent->name());
    const auto got =
        server_->Do<Permit>(c.caller, absl::StrCat(kDisclosure, "GetPermit"), get).status();
    EXPECT_EQ(ReasonOf(got), c.sees == 0 ? "ACCESS_DENIED" : "");
    get.set_name("permits/none");
    const auto none =
        server_->Do<Permit>(c.caller, absl::StrCat(kDisclosure, "GetPermit"), get).status();
    const bool country = c.caller.bin.empty();
    EXPECT_EQ(none.code(),
              country ? absl::StatusCode::kNotFound : absl::StatusCode::kPermissionDenied);
    // As a reader the owner has none; the index holds both.
    ListPermitsRequest as_reader;
    as_reader.set_filter(absl::StrCat("reader_bin = \"", kOwnerBin, "\""));
    const auto none_read = server_->Do<ListPermitsResponse>(
        c.caller, absl::StrCat(kDisclosure, "ListPermits"), as_reader);
    ASSERT_TRUE(none_read.ok()) << none_read.status();
    EXPECT_EQ(none_read->permits_size(), 0);
  }
  EXPECT_EQ(ReasonOf(Withdraw(reader, consent->name()).status()), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(Withdraw(stranger, consent->name()).status()), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(Withdraw(authority, consent->name()).status()), "ACCESS_DENIED");
  EXPECT_EQ(ReasonOf(Withdraw(owner, order->name()).status()), "ACCESS_DENIED");
  EXPECT_EQ(ShownTo(reader), kAll);
  const auto withdrawn = Withdraw(owner, consent->name());
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_TRUE(withdrawn->has_withdraw_time());
  EXPECT_EQ(withdrawn->withdraw_reason(), "changed my mind");
  EXPECT_EQ(ShownTo(reader), kAll);  // by the order
  EXPECT_TRUE(Withdraw(authority, order->name()).ok());
  EXPECT_EQ(ShownTo(reader), "");
  EXPECT_EQ(ReasonOf(Withdraw(owner, consent->name()).status()), "PERMIT_WITHDRAWN");
  // Whoever saw it as it was before is told that first; a stranger is told nothing of its version.
  EXPECT_EQ(ReasonOf(Withdraw(owner, consent->name(), consent->etag()).status()),
            "VERSION_MISMATCH");
  EXPECT_EQ(ReasonOf(Withdraw(stranger, consent->name(), consent->etag()).status()),
            "ACCESS_DENIED");
}

TEST_F(DisclosureTest, AccessesAreTheOwnersAndTheAuditorsToSee) {
  for (const char* name : {"works/1", "works/2", "works/3"}) {
    EXPECT_EQ(ShownTo(CallerOf({v1::AUDITOR}), name), kAll);
  }
  EXPECT_EQ(Accesses(CallerOf({v1::ENTITY}, kOwnerBin)).size(), 2U);
  EXPECT_EQ(Accesses(CallerOf({v1::CUSTOMER}, kOtherBin)).size(), 1U);
  EXPECT_EQ(Accesses(CallerOf({v1::ENTITY}, kReader)).size(), 0U);
  EXPECT_EQ(Accesses(CallerOf({v1::AUDITOR})).size(), 3U);
  EXPECT_EQ(
      Accesses(CallerOf({v1::AUDITOR}), absl::StrCat("owner_bin = \"", kOtherBin, "\"")).size(),
      1U);
  EXPECT_EQ(
      Accesses(CallerOf({v1::ENTITY}, kOwnerBin), absl::StrCat("owner_bin = \"", kOtherBin, "\""))
          .size(),
      0U);
  EXPECT_EQ(ReasonOf(server_
                         ->Call(CallerOf({v1::AUTHORITY_INDUSTRY}),
                                absl::StrCat(kDisclosure, "ListAccesses"), "")
                         .status),
            "ACCESS_DENIED");
}

// The walks that services have, over this one.

TEST_F(DisclosureTest, NoCanaryLeaves) {
  Works works;
  works.set_name("works/77");
  works.set_owner_bin(kOwnerBin);
  works.set_region("751110000");
  works.set_body(kOtherBin);
  works.set_title("Works");
  PlantCanaries(&works, /*with_output_only=*/true);
  Put(works);
  CanaryFixture fixture;
  fixture.registry = &registry_;
  fixture.store = store_.get();
  fixture.clock = &clock_;
  fixture.records = {works.name()};
  fixture.owner_bin = kOwnerBin;
  fixture.regions = {"75"};
  fixture.body = kOtherBin;
  fixture.planted = {&works};
  const PermitWalk permits = WalkPermits(fixture);
  EXPECT_GE(permits.opened, 8);
  EXPECT_GE(permits.refused, 20);
  const CanaryWalk walk = WalkCanaries(fixture);
  EXPECT_GT(walk.answered, 100);
  EXPECT_GT(walk.to_owner, 10);
  EXPECT_GT(walk.by_right, 10);
  EXPECT_GT(walk.withheld, 100);
  EXPECT_GE(walk.accesses, 10);
}

TEST_F(DisclosureTest, ScopesHoldBothWays) {
  Works works = WorksOf("works/1", kOwnerBin);
  works.set_body(kReader);
  Put(works);
  const auto consent = Give(absl::StrCat("reader_bin: '", kReader, "'"));
  ASSERT_TRUE(consent.ok()) << consent.status();
  ScopeFixture fixture;
  fixture.registry = &registry_;
  fixture.clock = &clock_;
  fixture.records = {{"works/1", "works/none", &works},
                     {consent->name(), "permits/none", &*consent}};
  // A consent is withdrawn by its owner alone.
  fixture.may_deny = [](const Method& method, Role) {
    return absl::EndsWith(method.policy.path, "/WithdrawPermit");
  };
  const ScopeWalk walk = WalkScopes(fixture);
  EXPECT_GT(walk.inside, 40);
  EXPECT_GT(walk.answered, 20);
  EXPECT_GT(walk.outside, 20);
  EXPECT_GE(walk.by_field, 4);
  EXPECT_GE(walk.lists, 8);
}

// What a server does not start with.

absl::Status TypeStatus(const google::protobuf::Descriptor& type) {
  const absl::Status as_record = MarkedTypeOf(type).status();
  EXPECT_EQ(Mask::Of(type).status(), as_record);
  return as_record;
}

// The two ways of a mask: over messages, and over the bytes of an answer.
class WireMaskTest : public ::testing::Test {
 protected:
  using Hits = SearchWorksResponse;

  // What becomes of an answer message by message; nullopt where it does not parse.
  std::optional<Hits> ByMessage(const std::string& bytes) const {
    Hits hits;
    if (!hits.ParseFromString(bytes)) return std::nullopt;
    hits.DiscardUnknownFields();
    for (const Mask::Place& place : mask_.Find(&hits)) {
      Withhold(*place.type, ShownMarks(place.type->marks.size(), false), v1::Withheld::NOT_ASKED,
               place.resource);
    }
    return hits;
  }
  // And by its bytes; nullopt where these are left to the other way.
  std::optional<Hits> ByBytes(const std::string& bytes) const {
    const auto masked = mask_.wire().WithholdAll(bytes, v1::Withheld::NOT_ASKED);
    if (!masked.has_value()) return std::nullopt;
    Hits hits;
    EXPECT_TRUE(hits.ParseFromString(*masked) || !hits.ParseFromString(bytes));
    return hits;
  }
  static Hits Sample() {
    Hits hits;
    for (const char* name : {"works/1", "works/2"}) {
      Hits::Hit& hit = *hits.add_hits();
      hit.set_why("near");
      *hit.mutable_works() = WorksOf(name, kOwnerBin);
      hit.mutable_works()->set_etag("000000000000000a");
    }
    hits.add_hits()->mutable_works();
    hits.add_hits();
    // One that says of itself what it has no say in.
    hits.mutable_hits(1)->mutable_works()->mutable_withheld()->add_fields("title");
    return hits;
  }

  const Mask mask_ = *Mask::Of(*SearchWorksResponse::descriptor());
};

TEST_F(WireMaskTest, TakesOutTheSame) {
  const std::string bytes = Sample().SerializeAsString();
  const auto expected = ByMessage(bytes), got = ByBytes(bytes);
  ASSERT_TRUE(expected.has_value() && got.has_value());
  EXPECT_EQ(got->SerializeAsString(), expected->SerializeAsString());
  EXPECT_THAT(got->hits(0).works().withheld().fields(), ::testing::SizeIs(6));
  EXPECT_THAT(got->SerializeAsString(), ::testing::Not(HasSubstr("canary")));
  EXPECT_EQ(got->hits(0).works().contact().person(), "P");
  EXPECT_TRUE(mask_.wire().IsKnown(bytes));
}

TEST_F(WireMaskTest, DropsWhatItsTypesDoNotKnowAtAnyDepth) {
  Hits hits = Sample();
  const auto add = [](google::protobuf::Message* message) {
    message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(77, "canary-new");
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(1, 5);  // another wire type
  };
  add(&hits);
  EXPECT_FALSE(mask_.wire().IsKnown(hits.SerializeAsString()));
  add(hits.mutable_hits(0));
  add(hits.mutable_hits(0)->mutable_works());
  add(hits.mutable_hits(0)->mutable_works()->mutable_contact());
  const auto got = ByBytes(hits.SerializeAsString());
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->SerializeAsString(), ByMessage(Sample().SerializeAsString())->SerializeAsString());
}

// Whoever is shown a confidential field is shown no more of it than its type says.
TEST_F(WireMaskTest, KnowsWhatLiesWithinConfidentialFields) {
  Hits hits = Sample();
  auto* const machine = hits.mutable_hits(0)->mutable_works()->add_machines();
  machine->set_model("M");
  EXPECT_TRUE(mask_.wire().IsKnown(hits.SerializeAsString()));
  machine->GetReflection()->MutableUnknownFields(machine)->AddLengthDelimited(77, "canary-new");
  EXPECT_FALSE(mask_.wire().IsKnown(hits.SerializeAsString()));
}

// Which protobuf puts together, so that what is withheld is to be said of both at once.
TEST_F(WireMaskTest, LeavesARecordInTwoPartsToTheParser) {
  const Hits hits = Sample();
  ReplyBuilder twice;
  twice.AddBytesField(1, hits.hits(0).SerializeAsString() + hits.hits(1).SerializeAsString());
  EXPECT_FALSE(ByBytes(twice.bytes()).has_value());
  EXPECT_TRUE(ByMessage(twice.bytes()).has_value());
}

// Whatever bytes come: the same as message by message, or none of its business.
TEST_F(WireMaskTest, DiffersForNoBytes) {
  const std::string whole = Sample().SerializeAsString();
  std::mt19937 random(7);
  const google::protobuf::LogSilencer no_word_of_what_does_not_parse;
  int compared = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (auto n = 1 + random() % 3; n > 0; --n)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 8 == 0) bytes.resize(random() % bytes.size());
    if (round % 8 == 1) bytes += whole.substr(random() % whole.size());
    const auto expected = ByMessage(bytes), got = ByBytes(bytes);
    if (!expected.has_value() || !got.has_value()) continue;
    ++compared;
    ASSERT_EQ(got->SerializeAsString(), expected->SerializeAsString()) << absl::CHexEscape(bytes);
  }
  EXPECT_GT(compared, 2'000);
}

TEST(MarksAtStart, AreRefusedWhereTheyCouldNotBeKept) {
  using namespace testing::v1;  // NOLINT(google-build-using-namespace): a list of its messages
  const struct {
    const google::protobuf::Descriptor* type;
    const char* problem;  // empty: good
  } kCases[] = {
      {Works::descriptor(), ""},
      {Vault::descriptor(), ""},
      {MarkedWithoutWithheld::descriptor(), "no `nisi.rpc.v1.Withheld withheld`"},
      {MarkedWithoutOwner::descriptor(), "no owner"},
      {MarkedWithManyOwners::descriptor(), "no owner"},
      {MarkedInMap::descriptor(), "in a map"},
      {MarkedInAny::descriptor(), "what an Any holds"},
      {MarkedInItself::descriptor(), "holds itself"},
      {ReadersOfOpen::descriptor(), "readers of an open field"},
      {ReadByPublic::descriptor(), "a reader is a role over records"},
      {SetWithheld::descriptor(), "is output_only"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.type->full_name());
    const absl::Status status = TypeStatus(*c.type);
    EXPECT_EQ(ReasonOf(status), *c.problem == '\0' ? "" : "CONFIDENTIAL_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.problem));
  }
  const absl::Status items = Mask::Of(*MarkedInItems::descriptor()).status();
  EXPECT_THAT(std::string(items.message()), HasSubstr("a repeated message is marked as a whole"));
}

TEST(MarksAtStart, AKeyDependsOnNone) {
  static const store::Index<WorksRow> kByTax(5, "by_tax", kWorks, false,
                                             [](const WorksRow& row, const store::EmitKey& emit) {
                                               emit(store::Key::Of(row.works().tax_number()));
                                             });
  static const store::Index<WorksRow> kSparse(6, "sparse", kWorks, false,
                                              [](const WorksRow& row, const store::EmitKey& emit) {
                                                if (row.works().has_turnover())
                                                  emit(store::Key::Of(row.works().name()));
                                              });
  static const store::Table<WorksRow> kByPhone(7, "by_phone", [](const WorksRow& row) {
    return store::Key::Of(row.works().contact().phone());
  });
  store::Schema schema = WorksSchema();
  EXPECT_TRUE(CheckMarks(schema).ok()) << CheckMarks(schema);
  EXPECT_TRUE(HasMarks(schema));
  schema.indexes.push_back(&kByTax);
  EXPECT_THAT(std::string(CheckMarks(schema).message()), HasSubstr("the index by_tax"));
  schema.indexes.back() = &kSparse;
  EXPECT_THAT(std::string(CheckMarks(schema).message()), HasSubstr("the index sparse"));
  schema = WorksSchema();
  schema.tables.push_back(&kByPhone);
  EXPECT_THAT(std::string(CheckMarks(schema).message()), HasSubstr("the table by_phone"));
  static const store::Int kOne[] = {1};
  static const store::Totals<WorksRow> kWhoPays(
      8, "who_pays", kWorks, 1, [](const WorksRow& row, const store::EmitTotals& emit) {
        if (row.works().has_turnover()) emit(store::Key::Of("all"), kOne);
      });
  static const store::Totals<WorksRow> kByName(
      9, "all", kWorks, 1, [](const WorksRow& row, const store::EmitTotals& emit) {
        emit(store::Key::Of(row.works().name()), kOne);
      });
  schema = WorksSchema();
  schema.totals.push_back(&kByName);
  EXPECT_TRUE(CheckMarks(schema).ok()) << CheckMarks(schema);
  schema.totals.push_back(&kWhoPays);
  EXPECT_THAT(std::string(CheckMarks(schema).message()), HasSubstr("the totals who_pays"));
  EXPECT_EQ(WithDisclosure(WorksSchema()).Problem(), "");
  EXPECT_EQ(WithDisclosure(WithDisclosure(WorksSchema())).Problem(), "");
  EXPECT_FALSE(HasMarks(store::Schema{"empty", 1, {&kPermits, &kAccesses}, {}, {}}));
}

// Numbers on disk are for good.
TEST(MarksAtStart, TheTablesOfDisclosureLieWhereTheyLay) {
  store::Schema schema;
  schema.name = "testing";
  EXPECT_EQ(WithDisclosure(schema).Describe(),
            "schema testing format 1\n"
            "table 61440 permits nisi.disclosure.v1.PermitRow\n"
            "table 61441 accesses nisi.disclosure.v1.AccessRow\n"
            "index 61442 permits_by_reader on permits\n"
            "index 61443 permits_by_party on permits\n");
}

absl::Status Adding(const std::string& request, const std::string& response,
                    const std::string& policy, const std::string& more = "") {
  google::protobuf::FileDescriptorProto file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat("name: 'adding.proto' package: 'adding' syntax: 'proto3' "
                   "dependency: 'nisi/testing/v1/disclosure.proto' "
                   "dependency: 'nisi/testing/v1/testing.proto' "
                   "dependency: 'nisi/rpc/v1/options.proto' service { name: 'S' options { "
                   "[nisi.rpc.v1.service] { owner: 'testing' } } method { name: 'M' ",
                   more, " input_type: '.nisi.testing.v1.", request,
                   "' output_type: '.nisi.testing.v1.", response,
                   "' options { [nisi.rpc.v1.policy] { ", policy, " } } } }"),
      &file));
  google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
  const auto* built = pool.BuildFile(file);
  EXPECT_NE(built, nullptr);
  Registry registry;
  return registry.Add(*built->service(0));
}

TEST(MarksAtStart, AMethodDisclosesWhereThatCanBe) {
  const std::string discloses = "roles: PUBLIC discloses: true";
  EXPECT_TRUE(Adding("GetWorksRequest", "Works", discloses).ok());
  EXPECT_TRUE(Adding("ListWorksRequest", "ListWorksResponse", discloses).ok());
  const struct {
    absl::Status status;
    const char* problem;
  } kCases[] = {
      {Adding("GetVaultRequest", "Vault", discloses), "nothing confidential"},
      {Adding("GetWorksRequest", "ListWorksResponse", discloses), "bool reveal"},
      {Adding("ListWorksRequest", "ListWorksResponse", "roles: PUBLIC"), "discloses nothing"},
      {Adding("GetWorksRequest", "Works", discloses, "server_streaming: true"), "not streams"},
      {Adding("CreateWorksRequest", "Works",
              "roles: AUTHORITY_INDUSTRY mutation: true discloses: true"),
       "not streams or changes"},
      {Adding("EchoRequest", "MarkedWithoutWithheld", "roles: PUBLIC"), "no `nisi.rpc.v1.Withheld"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(c.status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(c.status.message()),
                HasSubstr(std::string(c.problem) == "not streams" ? "only the answers" : c.problem))
        << c.problem;
  }
  // With nowhere to record what is read no server starts.
  store::Store::Options options;
  base::FakeClock clock(absl::FromUnixSeconds(1'781'000'000));
  options.clock = &clock;
  options.background = false;
  const store::Schema schema = WorksSchema();
  const auto store = *store::Store::Open(store::OpenMem(), schema, std::move(options));
  WorksEnv env{store.get()};
  Registry registry;
  ASSERT_TRUE(BindWorks(env, &registry).ok());
  const absl::Status started = LocalServer(registry, &clock).started();
  EXPECT_EQ(ReasonOf(started), "BINDING_INVALID");
  EXPECT_THAT(std::string(started.message()), HasSubstr("keeps no permits and accesses"));
}

}  // namespace
}  // namespace nisi::rpc
