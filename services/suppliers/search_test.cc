// SearchOffers over the real store: what is in the public register on a day, in order, page by
// page.
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SearchOffersTest : public SuppliersTest {
 protected:
  v1::Offer Named(const std::string& bin, const std::string& ru, const std::string& kk = "",
                  const std::string& en = "") {
    v1::Offer offer = MakeOffer(bin);
    offer.set_name_ru(ru);
    offer.set_name_kk(kk);
    offer.set_name_en(en);
    return Offered(offer);
  }
  v1::SearchOffersResponse Search(const v1::SearchOffersRequest& request) {
    return Must<v1::SearchOffersResponse>("SearchOffers", public_, request);
  }
  static std::vector<std::string> NamesIn(const v1::SearchOffersResponse& response) {
    std::vector<std::string> names;
    for (const auto& result : response.results()) names.push_back(result.offer().name());
    return names;
  }
  std::vector<std::string> Found(const std::string& query, const std::string& day = "") {
    v1::SearchOffersRequest request;
    request.set_query(query);
    if (!day.empty()) *request.mutable_as_of() = Day(day).ToProto();
    return NamesIn(Search(request));
  }
};

TEST_F(SearchOffersTest, FindsFormsOfWordsInThreeLanguages) {
  const std::string bin = Active(1);
  const std::string pump =
      Named(bin, "Насосы центробежные", "Центрден тепкіш сорғылар", "Centrifugal pumps").name();
  const std::string valve = Named(bin, "Клапан обратный").name();
  EXPECT_THAT(Found("насос"), ElementsAre(pump));
  EXPECT_THAT(Found("центробежного насоса"), ElementsAre(pump));
  EXPECT_THAT(Found("pump"), ElementsAre(pump));
  EXPECT_THAT(Found("сорғы"), ElementsAre(pump));
  EXPECT_THAT(Found("соргы"), ElementsAre(pump));  // a keyboard without Kazakh letters
  EXPECT_THAT(Found("клап*"), ElementsAre(valve));
  EXPECT_THAT(Found("насос клапан"), IsEmpty());
  EXPECT_THAT(Found(""), ElementsAre(pump, valve));
}

TEST_F(SearchOffersTest, OnlyWhatIsInThePublicRegisterOnTheDay) {
  const std::string bin = Active(1);
  const std::string offer = Named(bin, "Клапан").name();
  const std::string draft = Bin(2);
  ASSERT_TRUE(Register(draft).ok());
  Named(draft, "Клапан");
  EXPECT_THAT(Found("клапан"), ElementsAre(offer));
  EXPECT_THAT(Found("клапан", "2026-06-14"), IsEmpty());

  GoTo(Day("2026-07-01"));
  v1::SuspendSupplierRequest suspend;
  suspend.set_name("suppliers/" + bin);
  suspend.set_reason("Проверка.");
  *suspend.mutable_until() = Day("2026-07-10").ToProto();
  ASSERT_TRUE(Do<v1::Supplier>("SuspendSupplier", authority_, suspend).ok());
  EXPECT_THAT(Found("клапан"), IsEmpty());
  EXPECT_THAT(Found("клапан", "2026-06-30"), ElementsAre(offer));
  EXPECT_THAT(Found("клапан", "2026-07-09"), IsEmpty());
  EXPECT_THAT(Found("клапан", "2026-07-10"), ElementsAre(offer));
  GoTo(Day("2026-07-10"));
  EXPECT_THAT(Found("клапан"), ElementsAre(offer));
  // The registration ends by itself.
  const auto last = base::Date::FromProto(Get(bin, auditor_)->valid_until());
  ASSERT_TRUE(last.ok());
  EXPECT_THAT(Found("клапан", last->ToString()), ElementsAre(offer));
  EXPECT_THAT(Found("клапан", last->AddDays(1).ToString()), IsEmpty());

  v1::DeleteOfferRequest remove;
  remove.set_name(offer);
  ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
  EXPECT_THAT(Found("клапан"), IsEmpty());
  EXPECT_THAT(Found("клапан", "2026-06-30"), ElementsAre(offer));
}

TEST_F(SearchOffersTest, DomesticOnesComeFirstWhileTheirEvidenceCounts) {
  const std::string plain = Active(1);
  const std::string domestic = Active(2);
  const std::string first = Named(plain, "Клапан").name();
  v1::Offer made = MakeOffer(domestic);
  made.set_name_ru("Клапан");
  made.add_evidence(Confirmed(MakeEvidence(domestic, "1", 4500)));
  const std::string second = Offered(made).name();

  v1::SearchOffersRequest request;
  request.set_query("клапан");
  auto found = Search(request);
  EXPECT_THAT(NamesIn(found), ElementsAre(second, first));
  EXPECT_EQ(found.results(0).in_country_value_bp(), 4500);
  EXPECT_EQ(found.results(1).in_country_value_bp(), 0);
  EXPECT_EQ(found.total_count(), 2);
  request.set_minimum_in_country_value_bp(4501);
  EXPECT_THAT(NamesIn(Search(request)), IsEmpty());
  request.set_minimum_in_country_value_bp(4500);
  EXPECT_THAT(NamesIn(Search(request)), ElementsAre(second));
  request.clear_minimum_in_country_value_bp();
  request.set_domestic_only(true);
  EXPECT_THAT(NamesIn(Search(request)), ElementsAre(second));
  // A register entry counts for 36 months, to the end of its last day.
  *request.mutable_as_of() = Day("2029-05-31").ToProto();
  EXPECT_LE(NamesIn(Search(request)).size(), 1u);
  *request.mutable_as_of() = Day("2029-06-01").ToProto();
  EXPECT_THAT(NamesIn(Search(request)), IsEmpty());
  *request.mutable_as_of() = Day("2026-05-31").ToProto();
  EXPECT_THAT(NamesIn(Search(request)), IsEmpty());
}

TEST_F(SearchOffersTest, FiltersByCodePlaceSizeAndKind) {
  const std::string bin = Active(1);
  v1::Offer offer = MakeOffer(bin);
  offer.set_goods_code("848130");
  const std::string name = Offered(offer).name();
  const auto by = [&](const std::function<void(v1::SearchOffersRequest*)>& set) {
    v1::SearchOffersRequest request;
    set(&request);
    return NamesIn(Search(request));
  };
  using Request = v1::SearchOffersRequest;
  EXPECT_THAT(by([](Request* r) { r->set_goods_code_prefix("8481"); }), ElementsAre(name));
  EXPECT_THAT(by([](Request* r) { r->set_goods_code_prefix("848130"); }), ElementsAre(name));
  EXPECT_THAT(by([](Request* r) { r->set_goods_code_prefix("8482"); }), IsEmpty());
  EXPECT_THAT(by([](Request* r) { r->set_ens_tru_prefix("281413"); }), ElementsAre(name));
  EXPECT_THAT(by([](Request* r) { r->set_ens_tru_prefix("281413.900"); }), ElementsAre(name));
  EXPECT_THAT(by([](Request* r) { r->set_ens_tru_prefix("281413.901"); }), IsEmpty());
  EXPECT_THAT(by([](Request* r) { r->set_kato_prefix("75"); }), ElementsAre(name));
  EXPECT_THAT(by([](Request* r) { r->set_kato_prefix("71"); }), IsEmpty());
  EXPECT_THAT(by([](Request* r) { r->set_kind(v1::GOOD); }), ElementsAre(name));
  EXPECT_THAT(by([](Request* r) { r->set_kind(v1::SERVICE); }), IsEmpty());
  EXPECT_THAT(by([](Request* r) { r->add_sizes(v1::LARGE); }), IsEmpty());
}

// A document holds so many terms and no more: a long text does not push out what is found by code.
TEST_F(SearchOffersTest, CodesAreFoundWhateverTheTextsSay) {
  const std::string bin = Active(1);
  v1::Offer offer = MakeOffer(bin);
  offer.set_goods_code("848130");
  offer.set_kpved("28.14.11");
  std::string text;
  for (int i = 0; i < 700; ++i) absl::StrAppend(&text, i == 0 ? "" : " ", 1'000 + i);
  offer.set_specification(text);
  const std::string name = Offered(offer).name();
  v1::SearchOffersRequest request;
  request.set_goods_code_prefix("848130");
  EXPECT_THAT(NamesIn(Search(request)), ElementsAre(name));
  request.clear_goods_code_prefix();
  request.set_ens_tru_prefix("281413.900");
  EXPECT_THAT(NamesIn(Search(request)), ElementsAre(name));
  request.clear_ens_tru_prefix();
  request.set_kpved("28.14.11");
  EXPECT_THAT(NamesIn(Search(request)), ElementsAre(name));
  EXPECT_THAT(Found("клапан"), ElementsAre(name));
}

TEST_F(SearchOffersTest, PagesShowTheRegisterOfTheFirst) {
  const std::string bin = Active(1);
  std::vector<std::string> all;
  for (int i = 0; i < 5; ++i) all.push_back(Named(bin, "Клапан").name());
  v1::SearchOffersRequest request;
  request.set_query("клапан");
  request.set_page_size(2);
  std::vector<std::string> seen;
  for (int page = 0; page < 4; ++page) {
    const auto response = Search(request);
    for (const std::string& name : NamesIn(response)) seen.push_back(name);
    EXPECT_EQ(response.total_count(), 5);
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
    Named(bin, "Клапан");  // a writer between the pages
    if (page == 0) {
      v1::DeleteOfferRequest remove;
      remove.set_name(all[3]);
      ASSERT_TRUE(Do<v1::DeleteOfferResponse>("DeleteOffer", Owner(bin), remove).ok());
      Reopen();
    }
  }
  EXPECT_EQ(seen, all);
  // A token is of its query.
  request.set_query("насос");
  const auto other = Do<v1::SearchOffersResponse>("SearchOffers", public_, request);
  EXPECT_EQ(base::ReasonOf(other.status()), "PAGE_TOKEN_INVALID");
  request.clear_page_token();
  request.set_query("а б в г д е ж з и");
  const auto words = Do<v1::SearchOffersResponse>("SearchOffers", public_, request);
  EXPECT_EQ(base::ReasonOf(words.status()), "QUERY_TOO_LONG");
}

TEST_F(SearchOffersTest, AnEditThatNoSearchSeesLeavesOffersAsTheyAre) {
  const std::string bin = Active(1);
  const std::string offer = Named(bin, "Клапан").name();
  GoTo(Day("2026-07-01"));
  const auto edit = [&](const std::function<void(v1::Supplier*)>& change, const char* field) {
    v1::UpdateSupplierRequest request;
    request.mutable_supplier()->set_name("suppliers/" + bin);
    change(request.mutable_supplier());
    request.mutable_update_mask()->add_paths(field);
    const auto done = Do<v1::Supplier>("UpdateSupplier", Owner(bin), request);
    EXPECT_TRUE(done.ok()) << done.status();
  };
  edit([](v1::Supplier* s) { s->mutable_contacts()->set_phone("+77172000001"); }, "contacts");
  EXPECT_THAT(Found("клапан"), ElementsAre(offer));
  EXPECT_THAT(Found("клапан", "2026-06-20"), ElementsAre(offer));
  ExpectSound();
  GoTo(Day("2026-07-02"));  // its size is seen
  edit(
      [](v1::Supplier* s) {
        s->mutable_finance()->set_staff(10);
        s->mutable_finance()->mutable_annual_income()->set_currency_code("KZT");
        s->mutable_finance()->mutable_annual_income()->set_units(1'000'000);
        s->mutable_finance()->set_year(2025);
      },
      "finance");
  v1::SearchOffersRequest request;
  request.add_sizes(Get(bin, auditor_)->size());
  EXPECT_THAT(NamesIn(Search(request)), ElementsAre(offer));
  *request.mutable_as_of() = Day("2026-07-01").ToProto();
  EXPECT_THAT(NamesIn(Search(request)), IsEmpty());
}

TEST_F(SearchOffersTest, ScrubFindsNothingWrong) {
  const std::string bin = Active(1);
  for (int i = 0; i < 3; ++i) Named(bin, "Клапан");
  ExpectSound();
}

}  // namespace
}  // namespace nisi::suppliers
