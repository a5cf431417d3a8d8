// What comes and goes in streams: imports, the public register as a file, changes as they happen.
#include "common/base/lines.h"
#include "nisi/rpc/v1/import.pb.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Report = rpc::v1::ImportReport::Row;

class BulkTest : public SuppliersTest {
 protected:
  using SupplierRow = v1::ImportSuppliersRequest::Row;
  using OfferRow = v1::ImportOffersRequest::Row;

  static SupplierRow MakeRow(const std::string& bin) {
    SupplierRow row;
    row.set_row_number(2);
    row.set_bin(bin);
    row.set_name_ru("ТОО Завод");
    row.set_kato("751110000");
    row.set_oked("28.14");
    row.set_activities("producer; works");
    row.set_phone("+77172000000");
    row.set_address("ул. Тайная, 7");
    return row;
  }
  static OfferRow MakeOfferRow(const std::string& bin, const std::string& evidence = "") {
    OfferRow row;
    row.set_bin(bin);
    row.set_kind("GOOD");
    row.set_ens_tru(kCode);
    row.set_name_ru("Клапан обратный, DN 50");
    row.set_unit("pcs");
    row.set_annual_capacity("1000");
    row.set_price_from("1250.5");
    row.set_evidence(evidence);
    return row;
  }
  template <class Request, class Row>
  static std::vector<Request> Messages(const std::vector<Row>& rows, const std::string& id,
                                       bool dry_run = false, const std::string& parent = "") {
    std::vector<Request> messages(1);
    messages[0].mutable_header()->set_request_id(id);
    messages[0].mutable_header()->set_dry_run(dry_run);
    messages[0].mutable_header()->set_row_count(static_cast<int32_t>(rows.size()));
    if constexpr (requires { messages[0].mutable_header()->set_parent(""); })
      messages[0].mutable_header()->set_parent(parent);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i % 500 == 0) messages.emplace_back();
      *messages.back().mutable_rows()->add_rows() = rows[i];
    }
    return messages;
  }
  rpc::v1::ImportReport Parsed(const absl::StatusOr<std::string>& bytes) {
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    rpc::v1::ImportReport report;
    if (bytes.ok()) {
      EXPECT_TRUE(report.ParseFromString(*bytes));
    }
    return report;
  }
  rpc::v1::ImportReport ImportSuppliers(const std::vector<SupplierRow>& rows,
                                        bool dry_run = false) {
    return Parsed(Upload("ImportSuppliers", institute_,
                         Messages<v1::ImportSuppliersRequest>(rows, NextUuid(), dry_run)));
  }
  absl::StatusOr<std::string> SendOffers(const std::vector<OfferRow>& rows,
                                         const rpc::Caller& caller, const std::string& parent = "",
                                         bool dry_run = false, const std::string& id = "") {
    return Upload(
        "ImportOffers", caller,
        Messages<v1::ImportOffersRequest>(rows, id.empty() ? NextUuid() : id, dry_run, parent));
  }
  int CountOffers() {
    v1::ListOffersRequest list;
    list.set_page_size(200);
    return Must<v1::ListOffersResponse>("ListOffers", auditor_, list).offers_size();
  }

  struct File {
    std::string data, sha256;
    int64_t lines = 0, position = 0;
    int messages = 0;
  };
  File Exported(v1::ExportPublicRegisterRequest::Content content,
                v1::ExportPublicRegisterRequest::Format format, const std::string& as_of = "",
                const std::string& kato = "", absl::Time known_at = absl::InfiniteFuture()) {
    v1::ExportPublicRegisterRequest request;
    if (known_at != absl::InfiniteFuture())
      request.mutable_known_at()->set_seconds(absl::ToUnixSeconds(known_at));
    request.set_content(content);
    request.set_format(format);
    request.set_kato_prefix(kato);
    if (!as_of.empty()) *request.mutable_as_of() = Day(as_of).ToProto();
    auto source = Stream("ExportPublicRegister", public_, request);
    EXPECT_TRUE(source.ok()) << source.status();
    File file;
    std::string bytes;
    while (*(*source)->Pull(&bytes) == rpc::MessageSource::State::kMessage) {
      v1::ExportPublicRegisterResponse message;
      EXPECT_TRUE(message.ParseFromString(bytes));
      file.data += message.data();
      if (++file.messages == 1) file.position = message.position();
      if (!message.sha256().empty()) {
        file.sha256 = message.sha256();
        file.lines = message.line_count();
      }
    }
    EXPECT_EQ(file.sha256, base::Sha256Bytes(file.data));
    return file;
  }
};

TEST_F(BulkTest, SuppliersEnterAsActiveAllOrNone) {
  const std::vector<SupplierRow> rows{MakeRow(Bin(1)), MakeRow(Bin(2))};
  const int64_t before = position();
  const auto dry = ImportSuppliers(rows, /*dry_run=*/true);
  EXPECT_EQ(dry.entered_count(), 2);
  EXPECT_FALSE(dry.committed());
  EXPECT_EQ(position(), before);
  EXPECT_TRUE(ImportSuppliers(rows).committed());
  EXPECT_EQ(StateOf(Bin(1)), v1::Supplier::ACTIVE);
  const auto supplier = Get(Bin(1), institute_);
  EXPECT_EQ(supplier->activities_size(), 2);
  EXPECT_EQ(base::Date::FromProto(supplier->valid_until())->ToString(), "2029-06-14");
  // They are there: refused on legal ground, which stops no others.
  const auto again = ImportSuppliers({MakeRow(Bin(1)), MakeRow(Bin(3)), MakeRow(Bin(3))});
  EXPECT_TRUE(again.committed());
  EXPECT_EQ(again.entered_count(), 1);
  EXPECT_EQ(again.refused_count(), 2);
  EXPECT_EQ(again.rows(0).reason(), "SUPPLIER_STATE");
  EXPECT_EQ(again.rows(0).article(), "Art. 13(3)(1)");
  EXPECT_EQ(again.rows(2).reason(), "SUPPLIER_STATE");
  EXPECT_EQ(again.rows(0).key(), Bin(1));
  GoTo(Day("2029-06-15"));
  EXPECT_EQ(StateOf(Bin(1)), v1::Supplier::EXPIRED);
}

TEST_F(BulkTest, WhatTheLawRefusesStopsAllWhereTheHeaderSaysSo) {
  ASSERT_TRUE(ImportSuppliers({MakeRow(Bin(1))}).committed());
  auto messages = Messages<v1::ImportSuppliersRequest>(
      std::vector<SupplierRow>{MakeRow(Bin(2)), MakeRow(Bin(1))}, NextUuid());
  messages[0].mutable_header()->set_all_or_none(true);
  const auto report = Parsed(Upload("ImportSuppliers", institute_, messages));
  EXPECT_FALSE(report.committed());
  EXPECT_EQ(report.refused_count(), 1);
  EXPECT_EQ(StateOf(Bin(2)), v1::Supplier::STATE_UNSPECIFIED);
}

// What is learnt late of a supplier and its evidence holds of the days it is of, in each answer
// alike; what was known before is answered as it was.
TEST_F(BulkTest, AllAnswersOfADayAgreeOnEvidence) {
  const std::string bin = Bin(1);
  SupplierRow row = MakeRow(bin);
  row.set_registered_since("2026-01-10");
  ASSERT_TRUE(ImportSuppliers({row}).committed());
  EXPECT_FALSE(Get(bin, public_, "2026-01-09").ok());
  const auto then = Get(bin, public_, "2026-01-10");
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->state(), v1::Supplier::ACTIVE);
  EXPECT_EQ(base::Date::FromProto(then->valid_until())->ToString(), "2029-06-14");
  v1::AddEvidenceRequest claim;
  *claim.mutable_evidence() = MakeEvidence(bin, "1", 5'000, "2026-03-01");
  v1::ConfirmEvidenceRequest confirm;
  const auto claimed = Must<v1::Evidence>("AddEvidence", Owner(bin), claim);
  confirm.set_name(claimed.name());
  confirm.set_etag(claimed.etag());
  Advance(absl::Hours(1));
  const absl::Time of_the_claim = clock_.Now();
  GoTo(Day("2026-06-20"));
  ASSERT_TRUE(Do<v1::Evidence>("ConfirmEvidence", institute_, confirm).ok());
  Confirmed(MakeEvidence(bin, "2", 4'000, "2026-05-01", v1::Evidence::REGISTER_ENTRY, kOtherCode));
  Advance(absl::Hours(1));
  const absl::Time of_both = clock_.Now();
  Advance(absl::Hours(1));
  v1::RevokeEvidenceRequest revoke;
  revoke.set_name(claimed.name());
  revoke.set_reason("Ошибка издателя.");
  *revoke.mutable_revoke_date() = Day("2026-06-10").ToProto();
  ASSERT_TRUE(Do<v1::Evidence>("RevokeEvidence", institute_, revoke).ok());

  using E = v1::ExportPublicRegisterRequest;
  const auto now = absl::InfiniteFuture();
  const struct {
    const char* day;
    absl::Time known_at;
    bool first, second;  // count
  } cases[] = {
      {"2026-02-28", now, false, false},
      {"2026-03-01", now, true, false},
      {"2026-04-30", now, true, false},
      {"2026-05-01", now, true, true},
      {"2026-06-09", now, true, true},
      {"2026-06-10", now, false, true},
      {"2026-06-15", now, false, true},
      {"2026-06-20", now, false, true},
      {"2026-06-10", of_both, true, true},
      {"2026-06-15", of_both, true, true},
      {"2026-06-20", of_both, true, true},
      {"2026-03-01", of_the_claim, false, false},
      {"2026-06-15", of_the_claim, false, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(absl::StrCat(c.day, " ", absl::FormatTime(c.known_at)));
    const int count = static_cast<int>(c.first) + static_cast<int>(c.second);
    EXPECT_EQ(DomesticOn(bin, c.day, kCode, c.known_at).domestic(), c.first);
    EXPECT_EQ(DomesticOn(bin, c.day, kOtherCode, c.known_at).domestic(), c.second);
    EXPECT_EQ(Exported(E::EVIDENCE, E::CSV, c.day, "", c.known_at).lines, count);
    EXPECT_EQ(Exported(E::DOMESTIC, E::CSV, c.day, "", c.known_at).lines, count);
    v1::ListEvidenceRequest list;
    v1::GetEvidenceRequest get;
    get.set_name(claimed.name());
    *list.mutable_as_of() = Day(c.day).ToProto();
    if (c.known_at != now) list.mutable_known_at()->set_seconds(absl::ToUnixSeconds(c.known_at));
    *get.mutable_as_of() = list.as_of();
    if (list.has_known_at()) *get.mutable_known_at() = list.known_at();
    EXPECT_EQ(Do<v1::Evidence>("GetEvidence", public_, get).ok(), c.first);
    for (const bool of_the_day : {false, true}) {
      if (of_the_day) *list.mutable_valid_on() = list.as_of();
      EXPECT_EQ(Must<v1::ListEvidenceResponse>("ListEvidence", public_, list).evidence_size(),
                count);
    }
  }
  EXPECT_EQ(Exported(E::SUPPLIERS, E::CSV, "2026-02-01").lines, 1);
  EXPECT_EQ(Exported(E::SUPPLIERS, E::CSV, "2026-02-01", "", of_the_claim).lines, 1);
  EXPECT_EQ(Exported(E::SUPPLIERS, E::CSV, "", "", of_the_claim - absl::Hours(24)).lines, 0);
  ExpectSound();
}

TEST_F(BulkTest, ABadCellIsReportedWithItsFieldAndStopsAll) {
  struct {
    const char* what;
    std::function<void(SupplierRow*)> change;
    const char* reason;
    const char* field;
    Report::Outcome outcome;
  } const cases[] = {
      {"bin", [](auto* r) { r->set_bin("123"); }, "INVALID_FIELD", "bin", Report::INVALID},
      {"no name", [](auto* r) { r->clear_name_ru(); }, "INVALID_FIELD", "", Report::INVALID},
      {"activity", [](auto* r) { r->set_activities("PRODUCER;MAGIC"); }, "INVALID_FIELD",
       "activities[1]", Report::INVALID},
      {"staff", [](auto* r) { r->set_staff("many"); }, "INVALID_FIELD", "finance.staff",
       Report::INVALID},
      {"income", [](auto* r) { r->set_annual_income("1.234"); }, "INVALID_FIELD",
       "finance.annual_income", Report::INVALID},
      {"year", [](auto* r) { r->set_finance_year("20"); }, "INVALID_FIELD", "finance.year",
       Report::INVALID},
      {"kato", [](auto* r) { r->set_kato("999999999"); }, "INVALID_FIELD", "kato", Report::INVALID},
      {"no day", [](auto* r) { r->set_registered_since("spring"); }, "INVALID_FIELD",
       "registered_since", Report::INVALID},
      {"tomorrow", [](auto* r) { r->set_registered_since("2026-06-16"); }, "INVALID_FIELD",
       "registered_since", Report::INVALID},
      {"no contact", [](auto* r) { r->clear_phone(); }, "PROFILE_INCOMPLETE", "", Report::REFUSED},
      {"no norms of that year",
       [](auto* r) {
         r->set_staff("10");
         r->set_annual_income("1000");
         r->set_finance_year("1995");
       },
       "SIZE_NORM_MISSING", "finance.year", Report::REFUSED},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    SupplierRow bad = MakeRow(Bin(2));
    c.change(&bad);
    const auto report = ImportSuppliers({MakeRow(Bin(1)), bad}, /*dry_run=*/true);
    ASSERT_EQ(report.rows_size(), 2);
    EXPECT_EQ(report.rows(1).outcome(), c.outcome) << report.rows(1).ShortDebugString();
    EXPECT_EQ(report.rows(1).reason(), c.reason);
    if (*c.field != '\0') {
      EXPECT_EQ(report.rows(1).field(), c.field);
    }
    if (report.rows(1).reason() == "PROFILE_INCOMPLETE") {
      EXPECT_EQ(report.rows(1).description(),
                "The profile does not hold what a registration needs: contacts.");
    }
    EXPECT_EQ(report.ShortDebugString().find("MAGIC"), std::string::npos);
  }
  SupplierRow bad = MakeRow("x");
  EXPECT_FALSE(ImportSuppliers({MakeRow(Bin(1)), bad}).committed());
  EXPECT_EQ(StateOf(Bin(1)), v1::Supplier::STATE_UNSPECIFIED);
}

TEST_F(BulkTest, OffersEnterWithWhatTheirEvidenceSays) {
  const std::string bin = Active(1), other = Active(2);
  const std::string paper = Confirmed(MakeEvidence(bin, "1", 4'000));
  // A supplier its own only, and by name.
  EXPECT_EQ(base::ReasonOf(SendOffers({MakeOfferRow(bin)}, Owner(bin)).status()), "ACCESS_DENIED");
  EXPECT_EQ(
      base::ReasonOf(SendOffers({MakeOfferRow(bin)}, Owner(other), "suppliers/" + bin).status()),
      "ACCESS_DENIED");
  const std::vector<OfferRow> mine{MakeOfferRow("", paper), MakeOfferRow(other),
                                   MakeOfferRow(bin, "evidence/99"), MakeOfferRow(bin)};
  const auto report = Parsed(SendOffers(mine, Owner(bin), "suppliers/" + bin));
  EXPECT_TRUE(report.committed());
  EXPECT_EQ(report.entered_count(), 2);
  EXPECT_EQ(report.rows(1).outcome(), Report::REFUSED);
  EXPECT_EQ(report.rows(1).field(), "bin");
  EXPECT_EQ(report.rows(2).reason(), "EVIDENCE_FOREIGN");
  v1::GetOfferRequest get;
  get.set_name("offers/1");
  const auto offer = Must<v1::Offer>("GetOffer", public_, get);
  EXPECT_EQ(offer.bin(), bin);
  ASSERT_EQ(offer.in_country_value_size(), 1);
  EXPECT_EQ(offer.in_country_value(0).in_country_value_bp(), 4'000);
  EXPECT_EQ(offer.price_from().nanos(), 500'000'000);
  // The institute those of anybody, each by its own bin.
  EXPECT_EQ(Parsed(SendOffers({MakeOfferRow(bin), MakeOfferRow(other), MakeOfferRow(Bin(77))},
                              institute_))
                .entered_count(),
            2);
  EXPECT_EQ(CountOffers(), 4);
  OfferRow bad = MakeOfferRow(bin);
  bad.set_kind("MAGIC");
  bad.set_price_from("x");
  const auto invalid = Parsed(SendOffers({MakeOfferRow(bin), bad}, institute_));
  EXPECT_FALSE(invalid.committed());
  EXPECT_EQ(invalid.invalid_count(), 1);
  EXPECT_EQ(CountOffers(), 4);
  bad.set_kind("GOOD");
  const auto unread = Parsed(SendOffers({bad}, institute_));
  ASSERT_EQ(unread.rows_size(), 1);
  EXPECT_EQ(unread.rows(0).field(), "price_from");
  EXPECT_EQ(unread.rows(0).description(), "is no sum in tenge (KZT)");
}

TEST_F(BulkTest, APartThatWasAnsweredIsNotTakenInTwice) {
  const std::string bin = Active(1);
  const std::vector<OfferRow> rows(3, MakeOfferRow(bin));
  EXPECT_FALSE(Parsed(SendOffers(rows, institute_, "", true, Uuid(9'001))).committed());
  const auto first = SendOffers(rows, institute_, "", false, Uuid(9'001));
  ASSERT_TRUE(first.ok()) << first.status();
  Reopen();
  const auto again = SendOffers(rows, institute_, "", false, Uuid(9'001));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *first);
  EXPECT_EQ(CountOffers(), 3);
  EXPECT_EQ(
      base::ReasonOf(SendOffers({MakeOfferRow(bin)}, institute_, "", false, Uuid(9'001)).status()),
      "IDEMPOTENCY_KEY_REUSED");
}

TEST_F(BulkTest, ASupplierHasSoManyOffersAndNoMore) {
  const std::string bin = Active(1);
  std::vector<OfferRow> rows(20'000, MakeOfferRow(bin));
  EXPECT_EQ(Parsed(SendOffers(rows, institute_)).entered_count(), 20'000);
  rows.assign(1, MakeOfferRow(bin));
  EXPECT_EQ(Parsed(SendOffers(rows, institute_)).rows(0).reason(), "OFFERS_TOO_MANY");
  v1::CreateOfferRequest one;
  *one.mutable_offer() = MakeOffer(bin);
  EXPECT_EQ(base::ReasonOf(Do<v1::Offer>("CreateOffer", Owner(bin), one).status()),
            "OFFERS_TOO_MANY");
  v1::DeleteOfferRequest remove;
  remove.set_name("offers/7");
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
  EXPECT_TRUE(Do<v1::Offer>("CreateOffer", Owner(bin), one).ok());
}

TEST_F(BulkTest, EvidenceEntersAndWhatMayNotStopsNoOther) {
  using Row = v1::ImportEvidenceRequest::Row;
  const std::string bin = Active(1), other = Active(2);
  const auto row = [&](const std::string& owner, const std::string& number) {
    Row made;
    made.set_bin(owner);
    made.set_type("REGISTER_ENTRY");
    made.set_number(number);
    made.set_issuer_bin(Bin(9'000));
    made.set_issuer("Палата");
    made.set_valid_from("2026-06-01");
    made.set_covers(absl::StrCat(kCode, "=45.5"));
    made.set_document_name("paper.pdf");
    made.set_document_media_type("application/pdf");
    made.set_document_size("1");
    made.set_document_sha256(std::string(64, 'a'));
    return made;
  };
  const auto enter = [&](const std::vector<Row>& rows) {
    return Parsed(Upload("ImportEvidence", institute_,
                         Messages<v1::ImportEvidenceRequest>(rows, NextUuid())));
  };
  v1::AddEvidenceRequest claim;
  *claim.mutable_evidence() = MakeEvidence(bin, "claimed", 9'000);
  ASSERT_TRUE(Do<v1::Evidence>("AddEvidence", Owner(bin), claim).ok());
  *claim.mutable_evidence() = MakeEvidence(bin, "mine", 9'000);
  ASSERT_TRUE(Do<v1::Evidence>("AddEvidence", Owner(bin, "aigul@institute"), claim).ok());
  Confirmed(MakeEvidence(other, "theirs", 1'000));
  const auto report = enter({row(bin, "fresh"), row(bin, "claimed"), row(bin, "mine"),
                             row(bin, "theirs"), row(bin, "fresh"), row(Bin(77), "nobody's")});
  ASSERT_EQ(report.rows_size(), 6);
  EXPECT_TRUE(report.committed());
  EXPECT_EQ(report.entered_count(), 2) << report.ShortDebugString();
  EXPECT_EQ(report.refused_count(), 4);
  EXPECT_EQ(report.rows(2).reason(), "SEPARATION_OF_DUTIES");
  EXPECT_EQ(report.rows(3).reason(), "ALREADY_EXISTS");
  EXPECT_EQ(report.rows(4).reason(), "EVIDENCE_STATE");
  EXPECT_EQ(report.rows(5).reason(), "NOT_FOUND");
  EXPECT_EQ(DomesticOn(bin, "2026-06-15").in_country_value_bp(), 4'550);
  // A field of a row is named as the form of rows names it.
  Row twice = row(bin, "twice");
  twice.set_covers(absl::StrCat(twice.covers(), ";", twice.covers()));
  EXPECT_EQ(enter({twice}).rows(0).reason(), "COVER_TWICE");
  EXPECT_EQ(enter({twice}).rows(0).field(), "covers[1].ens_tru");
  // 3 are there.
  std::vector<Row> many;
  for (int i = 0; i < 1'998; ++i) many.push_back(row(bin, absl::StrCat("N-", i)));
  const auto full = enter(many);
  EXPECT_EQ(full.entered_count(), 1'997);
  EXPECT_EQ(full.rows(1'997).reason(), "EVIDENCE_TOO_MANY");
  *claim.mutable_evidence() = MakeEvidence(bin, "one more", 9'000);
  const absl::Status over = Do<v1::Evidence>("AddEvidence", Owner(bin), claim).status();
  EXPECT_EQ(base::ReasonOf(over), "EVIDENCE_TOO_MANY");
  EXPECT_EQ(SubjectOf(over), "evidence.bin");
  EXPECT_EQ(enter({row(other, "N-1998")}).entered_count(), 1);
}

TEST_F(BulkTest, TheRegisterIsOpenDataAndNoMore) {
  const std::string bin = Active(1), hidden = Bin(2);
  ASSERT_TRUE(Register(hidden).ok());
  ASSERT_TRUE(ImportSuppliers({MakeRow(Bin(3))}).committed());
  v1::Offer offer = MakeOffer(bin);
  offer.add_evidence(Confirmed(MakeEvidence(bin, "1", 4'550, "2026-06-01", v1::Evidence::ST_KZ)));
  offer.set_name_en("Valve, \"check\"");
  Offered(offer);
  Offered(MakeOffer(hidden));
  using E = v1::ExportPublicRegisterRequest;
  const File suppliers = Exported(E::SUPPLIERS, E::CSV);
  EXPECT_EQ(suppliers.lines, 2);
  EXPECT_EQ(suppliers.position, position());
  EXPECT_THAT(suppliers.data, HasSubstr("bin,name_kk,name_ru"));
  EXPECT_THAT(suppliers.data, HasSubstr(bin));
  EXPECT_THAT(suppliers.data, Not(HasSubstr(hidden)));
  EXPECT_THAT(suppliers.data, Not(HasSubstr("+7717")));
  EXPECT_THAT(suppliers.data, Not(HasSubstr("Тайная")));
  EXPECT_EQ(Exported(E::SUPPLIERS, E::CSV, "", "71").lines, 0);
  EXPECT_EQ(Exported(E::SUPPLIERS, E::CSV, "2026-06-14").lines, 0);
  EXPECT_EQ(Exported(E::SUPPLIERS, E::CSV, "2029-06-15").lines, 0);

  const File offers = Exported(E::OFFERS, E::JSON_LINES);
  EXPECT_EQ(offers.lines, 1);
  EXPECT_THAT(offers.data, HasSubstr("\"in_country_value_bp\":\"4550\""));
  EXPECT_THAT(offers.data, HasSubstr("Valve, \\\"check\\\""));
  EXPECT_THAT(Exported(E::OFFERS, E::JSON_LINES, "2027-06-01").data,
              HasSubstr("\"in_country_value_bp\":\"0\""));
  EXPECT_EQ(Exported(E::EVIDENCE, E::CSV).lines, 1);
  EXPECT_EQ(Exported(E::EVIDENCE, E::CSV, "2027-06-01").lines, 0);
  const File domestic = Exported(E::DOMESTIC, E::JSON_LINES);
  EXPECT_EQ(domestic.lines, 1);
  EXPECT_THAT(domestic.data, HasSubstr(kCode));
  EXPECT_EQ(Exported(E::DOMESTIC, E::JSON_LINES, "2027-06-01").lines, 0);
}

TEST_F(BulkTest, ALargeRegisterComesInManyMessagesWholeAndOnce) {
  const std::string bin = Active(1);
  ASSERT_TRUE(
      Parsed(SendOffers(std::vector<OfferRow>(5'000, MakeOfferRow(bin)), institute_)).committed());
  using E = v1::ExportPublicRegisterRequest;
  const File file = Exported(E::OFFERS, E::CSV);
  EXPECT_EQ(file.lines, 5'000);
  EXPECT_GE(file.messages, 2);
  EXPECT_EQ(std::count(file.data.begin(), file.data.end(), '\n'), 5'001);
  EXPECT_THAT(file.data, HasSubstr("\r\noffers/5000,"));
}

class RegisterWatchTest : public BulkTest {
 protected:
  // Everything that is ready: names, "-" before what went.
  static std::vector<std::string> Drain(rpc::MessageSource& source, int64_t* position = nullptr) {
    std::vector<std::string> seen;
    std::string bytes;
    for (auto state = source.Pull(&bytes);
         state.ok() && *state == rpc::MessageSource::State::kMessage; state = source.Pull(&bytes)) {
      v1::WatchRegisterResponse message;
      EXPECT_TRUE(message.ParseFromString(bytes));
      EXPECT_EQ(bytes.find("+7717"), std::string::npos);
      EXPECT_EQ(bytes.find("Тайная"), std::string::npos);
      EXPECT_EQ(bytes.find("@institute"), std::string::npos);
      for (const auto& change : message.changes()) {
        const bool there =
            change.record_case() != v1::WatchRegisterResponse::Change::RECORD_NOT_SET;
        seen.push_back((there ? "" : "-") + change.name());
      }
      if (position != nullptr) *position = message.position();
    }
    return seen;
  }
  std::unique_ptr<rpc::MessageSource> Watch(
      const rpc::Caller& caller, int64_t start, const std::string& bin = "",
      std::initializer_list<v1::WatchRegisterRequest::Content> contents = {}) {
    v1::WatchRegisterRequest request;
    for (const auto content : contents) request.add_contents(content);
    request.set_start_position(start);
    request.set_bin(bin);
    auto source = Stream("WatchRegister", caller, request);
    EXPECT_TRUE(source.ok()) << source.status();
    return *std::move(source);
  }
};

TEST_F(RegisterWatchTest, ASupplierComesWithWhatItHasAndGoesWithIt) {
  const std::string bin = Bin(1);
  auto everybody = Watch(public_, 0);
  auto owner = Watch(Owner(bin), 0);
  auto other = Watch(Owner(Bin(2)), 0);
  ASSERT_TRUE(Register(bin).ok());
  const std::string paper = Confirmed(MakeEvidence(bin, "1", 4'000));
  const std::string offer = Offered(MakeOffer(bin)).name();
  const std::string name = "suppliers/" + bin;
  EXPECT_THAT(Drain(*everybody), ElementsAre());
  EXPECT_THAT(Drain(*other), ElementsAre());
  EXPECT_THAT(Drain(*owner), ElementsAre(name, paper, offer));
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  ASSERT_TRUE(Verify(bin).ok());
  int64_t at = 0;
  EXPECT_THAT(Drain(*everybody, &at), ElementsAre(name, offer, paper));
  EXPECT_EQ(at, position());
  EXPECT_THAT(Drain(*other), ElementsAre(name, offer, paper));
  EXPECT_THAT(Drain(*owner), ElementsAre(name, name, name));
  v1::SuspendSupplierRequest suspend;
  suspend.set_name(name);
  suspend.set_reason("Проверка.");
  ASSERT_TRUE(Do<v1::Supplier>("SuspendSupplier", institute_, suspend).ok());
  Offered(MakeOffer(bin));
  EXPECT_THAT(Drain(*everybody), ElementsAre("-" + name));
  EXPECT_THAT(Drain(*owner), ElementsAre(name, "offers/2"));
  // Whoever comes late learns that it came and went, and nothing of what it has.
  EXPECT_THAT(Drain(*Watch(public_, 1)), ElementsAre(name, "-" + name));
  EXPECT_THAT(Drain(*Watch(public_, 1, Bin(2))), ElementsAre());
}

// Whoever follows from the beginning learns nothing that was not public when it changed, though its
// supplier is in the register now.
TEST_F(RegisterWatchTest, WhatChangedOutOfTheRegisterIsNotTold) {
  const std::string bin = Bin(1), name = "suppliers/" + bin;
  ASSERT_TRUE(Register(bin).ok());
  const std::string paper = Confirmed(MakeEvidence(bin, "1", 4'000));
  const std::string offer = Offered(MakeOffer(bin)).name();
  ASSERT_TRUE(Submit(bin).ok());
  LetAsk();
  ASSERT_TRUE(Verify(bin).ok());
  v1::UpdateOfferRequest update;
  update.mutable_offer()->set_name(offer);
  update.mutable_offer()->set_annual_capacity("200");
  ASSERT_TRUE(Do<v1::Offer>("UpdateOffer", Owner(bin), update).ok());
  v1::SuspendSupplierRequest suspend;
  suspend.set_name(name);
  suspend.set_reason("Проверка.");
  ASSERT_TRUE(Do<v1::Supplier>("SuspendSupplier", institute_, suspend).ok());
  const std::string second = Offered(MakeOffer(bin)).name();
  v1::ReinstateSupplierRequest back;
  back.set_name(name);
  back.set_reason("Проверено.");
  ASSERT_TRUE(Do<v1::Supplier>("ReinstateSupplier", institute_, back).ok());
  // With the supplier comes what it has by now; of the changes only that of the active time.
  EXPECT_THAT(Drain(*Watch(public_, 1)), ElementsAre(name, offer, second, paper, offer, "-" + name,
                                                     name, offer, second, paper));
}

TEST_F(RegisterWatchTest, WhoFollowsOffersHearsThatTheirSupplierWent) {
  const std::string bin = Active(1);
  auto watch = Watch(public_, 0, "", {v1::WatchRegisterRequest::OFFERS});
  const std::string paper = Confirmed(MakeEvidence(bin, "1", 4'000));
  v1::Offer told = MakeOffer(bin);
  told.add_evidence(paper);
  const std::string offer = Offered(told).name(), ended = Offered(told).name();
  v1::SuspendSupplierRequest suspend;
  suspend.set_name("suppliers/" + bin);
  suspend.set_reason("Проверка.");
  ASSERT_TRUE(Do<v1::Supplier>("SuspendSupplier", institute_, suspend).ok());
  v1::ReinstateSupplierRequest back;
  back.set_name("suppliers/" + bin);
  back.set_reason("Проверено.");
  ASSERT_TRUE(Do<v1::Supplier>("ReinstateSupplier", institute_, back).ok());
  EXPECT_THAT(Drain(*watch), ElementsAre(offer, ended, "-suppliers/" + bin, offer, ended));
  // What is put right of the days before it ended does not bring an offer back.
  GoTo(Day("2026-07-01"));
  v1::DeleteOfferRequest remove;
  remove.set_name(ended);
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
  GoTo(Day("2026-07-02"));
  v1::RevokeEvidenceRequest revoke;
  revoke.set_name(paper);
  revoke.set_reason("Ошибка.");
  *revoke.mutable_revoke_date() = Day("2026-06-20").ToProto();
  ASSERT_TRUE(Do<v1::Evidence>("RevokeEvidence", institute_, revoke).ok());
  EXPECT_THAT(Drain(*watch), ElementsAre("-" + ended, offer));
}

TEST_F(RegisterWatchTest, ChangesOfAnActiveSupplierComeOneByOne) {
  const std::string bin = Active(1);
  auto watch = Watch(public_, 0, bin);
  const std::string paper = Confirmed(MakeEvidence(bin, "1", 4'000));
  v1::Offer told = MakeOffer(bin);
  told.add_evidence(paper);
  const std::string offer = Offered(told).name();
  v1::RevokeEvidenceRequest revoke;
  revoke.set_name(paper);
  revoke.set_reason("Ошибка.");
  ASSERT_TRUE(Do<v1::Evidence>("RevokeEvidence", institute_, revoke).ok());
  v1::DeleteOfferRequest remove;
  remove.set_name(offer);
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
  EXPECT_THAT(Drain(*watch), ElementsAre(paper, offer, "-" + paper, offer, "-" + offer));
}

}  // namespace
}  // namespace nisi::suppliers
