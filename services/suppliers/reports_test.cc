// Monitored organizations, their reports, and the in-country value of what they buy.
#include "services/suppliers/rules_value.h"

#include "common/cases/machine_testing.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using R = v1::ProcurementReport;

class ReportTest : public SuppliersTest {
 protected:
  void SetUp() override {
    SuppliersTest::SetUp();
    organization_ = Bin(500);
    customer_ = CallerOf("buyer", {rpc::v1::CUSTOMER}, organization_);
    akimat_.regions = {"75"};
    Monitor(organization_);
  }
  void Monitor(const std::string& bin, const std::string& from = "",
               const std::string& kato = "751110000") {
    v1::AddMonitoredOrganizationRequest request;
    if (!from.empty()) *request.mutable_effective_from() = Day(from).ToProto();
    v1::MonitoredOrganization& organization = *request.mutable_organization();
    organization.set_bin(bin);
    organization.set_name_ru("АО Заказчик");
    organization.set_kato(kato);
    organization.set_order_number("9-НҚ");
    *organization.mutable_order_date() = Day("2026-06-01").ToProto();
    Must<v1::MonitoredOrganization>("AddMonitoredOrganization", authority_, request);
  }
  absl::Status Remove(const std::string& bin, const std::string& from, const std::string& ordered) {
    v1::RemoveMonitoredOrganizationRequest request;
    request.set_name("monitored/" + bin);
    request.set_order_number("10-НҚ");
    *request.mutable_order_date() = Day(ordered).ToProto();
    *request.mutable_effective_from() = Day(from).ToProto();
    return Do<v1::RemoveMonitoredOrganizationResponse>("RemoveMonitoredOrganization", authority_,
                                                       request)
        .status();
  }
  absl::StatusOr<v1::MonitoredOrganization> Listed(const std::string& bin,
                                                   const std::string& as_of = "") {
    v1::GetMonitoredOrganizationRequest request;
    request.set_name("monitored/" + bin);
    if (!as_of.empty()) *request.mutable_as_of() = Day(as_of).ToProto();
    return Do<v1::MonitoredOrganization>("GetMonitoredOrganization", public_, request);
  }
  static R::Line MakeLine(int number, int64_t tenge, v1::Kind kind = v1::GOOD,
                          const std::string& date = "2026-07-10", int share = -1) {
    R::Line line;
    line.set_number(number);
    line.set_kind(kind);
    line.set_ens_tru(kCode);
    line.set_title("Клапан");
    line.mutable_amount()->set_currency_code("KZT");
    line.mutable_amount()->set_units(tenge);
    if (!date.empty()) *line.mutable_contract_date() = Day(date).ToProto();
    if (share >= 0) line.set_resident_share_bp(share);
    return line;
  }
  v1::SubmitProcurementReportRequest MakeReport(const std::vector<R::Line>& lines,
                                                R::Stage stage = R::ACTUAL,
                                                const std::string& from = "2026-07-01",
                                                const std::string& to = "2026-09-30",
                                                int part = 1) {
    v1::SubmitProcurementReportRequest request;
    request.set_parent("monitored/" + organization_);
    R& report = *request.mutable_report();
    report.set_stage(stage);
    *report.mutable_period_from() = Day(from).ToProto();
    *report.mutable_period_to() = Day(to).ToProto();
    report.set_part(part);
    for (const R::Line& line : lines) *report.add_lines() = line;
    return request;
  }
  absl::StatusOr<R> File(const v1::SubmitProcurementReportRequest& request,
                         const rpc::Caller& caller) {
    return Do<R>("SubmitProcurementReport", caller, request);
  }
  absl::StatusOr<v1::ComputeInCountryValueResponse> Compute(
      const rpc::Caller& caller, R::Stage stage = R::ACTUAL,
      const google::protobuf::Timestamp* known_at = nullptr, const std::string& to = "2026-12-31",
      const std::string& from = "2026-07-01") {
    v1::ComputeInCountryValueRequest request;
    request.set_parent("monitored/" + organization_);
    request.set_stage(stage);
    *request.mutable_period_from() = Day(from).ToProto();
    *request.mutable_period_to() = Day(to).ToProto();
    if (known_at != nullptr) *request.mutable_known_at() = *known_at;
    return Do<v1::ComputeInCountryValueResponse>("ComputeInCountryValue", caller, request);
  }

  absl::StatusOr<v1::ComputeInCountryValueResponse> ComputeYear(
      const rpc::Caller& caller, const google::protobuf::Timestamp* known_at = nullptr) {
    return Compute(caller, R::ACTUAL, known_at, "2026-12-31", "2026-01-01");
  }
  // In tenge, of all kinds; -1 where it is refused.
  static int64_t SumOf(const absl::StatusOr<v1::ComputeInCountryValueResponse>& computed) {
    return computed.ok() ? computed->sums().rbegin()->amount().units() : -1;
  }

  R GetReport(const std::string& name) {
    v1::GetProcurementReportRequest request;
    request.set_name(name);
    return Must<R>("GetProcurementReport", auditor_, request);
  }
  std::string EtagOf(const std::string& name) { return GetReport(name).etag(); }
  absl::StatusOr<R> Withdraw(const std::string& name, const rpc::Caller& caller,
                             const std::string& etag = "") {
    v1::WithdrawProcurementReportRequest request;
    request.set_name(name);
    request.set_etag(etag);
    request.set_reason("Сдан за чужой период.");
    return Do<R>("WithdrawProcurementReport", caller, request);
  }

  std::string organization_;
  rpc::Caller customer_;
  rpc::Caller akimat_ = CallerOf("akimat", {rpc::v1::AKIMAT});
};

TEST_F(ReportTest, GoodsTakeTheLowestRegisterEntryOfAllMakers) {
  const std::string a = Active(1), b = Active(2), c = Active(3);
  Confirmed(MakeEvidence(a, "A", 6'000));
  Confirmed(MakeEvidence(b, "B", 4'500));
  Confirmed(MakeEvidence(c, "C", 1'000));
  Confirmed(MakeEvidence(a, "D", 100, "2026-06-01", v1::Evidence::ST_KZ));  // is no entry
  v1::SuspendSupplierRequest suspend;
  suspend.set_name("suppliers/" + c);
  suspend.set_reason("Проверка.");
  ASSERT_TRUE(Do<v1::Supplier>("SuspendSupplier", authority_, suspend).ok());
  GoTo(Day("2026-10-05"));
  const auto filed =
      File(MakeReport({MakeLine(1, 1'000), MakeLine(2, 500, v1::WORK, "2026-07-11", 8'000),
                       MakeLine(3, 100, v1::SERVICE, "2026-07-12", 0)}),
           customer_);
  ASSERT_TRUE(filed.ok()) << filed.status();
  EXPECT_EQ(filed->bin(), organization_);
  EXPECT_EQ(filed->kato(), "751110000");
  const auto computed = Compute(customer_);
  ASSERT_TRUE(computed.ok()) << computed.status();
  ASSERT_EQ(computed->lines_size(), 3);
  EXPECT_EQ(computed->lines(0).in_country_value_bp(), 4'500);
  EXPECT_EQ(computed->lines(0).evidence(), "evidence/2");
  EXPECT_EQ(computed->lines(0).rule(), "REGISTER_ENTRY_LOWEST");
  EXPECT_EQ(computed->lines(1).rule(), "RESIDENT_SHARE");
  ASSERT_EQ(computed->sums_size(), 4);
  const auto& all = computed->sums(3);
  EXPECT_EQ(all.amount().units(), 1'600);
  EXPECT_EQ(all.in_country_amount().units(), 850);  // 450 + 400 + 0
  EXPECT_EQ(all.in_country_value_bp(), 5'313);      // 53.125 %, half up
  EXPECT_EQ(all.import_share_bp(), 4'687);

  // What is learnt later changes the answer, and not the one that was given.
  const auto known_at = computed->known_at();
  Advance(absl::Hours(1));
  v1::RevokeEvidenceRequest revoke;
  revoke.set_name("evidence/2");
  revoke.set_reason("Исключён из реестра.");
  *revoke.mutable_revoke_date() = Day("2026-07-01").ToProto();
  ASSERT_TRUE(Do<v1::Evidence>("RevokeEvidence", institute_, revoke).ok());
  EXPECT_EQ(Compute(customer_)->lines(0).in_country_value_bp(), 6'000);
  const auto then = Compute(customer_, R::ACTUAL, &known_at);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->SerializeAsString(), computed->SerializeAsString());
}

TEST_F(ReportTest, WhoFilesAndWhoReads) {
  GoTo(Day("2026-10-05"));
  const auto request = MakeReport({MakeLine(1, 1'000)});
  EXPECT_EQ(base::ReasonOf(File(request, CallerOf("x", {rpc::v1::CUSTOMER}, Bin(501))).status()),
            "ACCESS_DENIED");
  rpc::Caller elsewhere = akimat_;
  elsewhere.regions = {"71"};
  EXPECT_EQ(base::ReasonOf(File(request, elsewhere).status()), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(File(request, institute_).status()), "ACCESS_DENIED");
  ASSERT_TRUE(File(request, akimat_).ok());
  v1::GetProcurementReportRequest get;
  get.set_name("procurement_reports/1");
  EXPECT_TRUE(Do<R>("GetProcurementReport", customer_, get).ok());
  EXPECT_TRUE(Do<R>("GetProcurementReport", akimat_, get).ok());
  EXPECT_FALSE(Do<R>("GetProcurementReport", elsewhere, get).ok());
  EXPECT_FALSE(Do<R>("GetProcurementReport", public_, get).ok());
  EXPECT_TRUE(Compute(institute_).ok());
  EXPECT_EQ(base::ReasonOf(Compute(elsewhere).status()), "ACCESS_DENIED");
  v1::ListProcurementReportsRequest list;
  const auto count = [&](const rpc::Caller& caller) {
    return Must<v1::ListProcurementReportsResponse>("ListProcurementReports", caller, list)
        .reports_size();
  };
  EXPECT_EQ(count(customer_), 1);
  EXPECT_EQ(count(akimat_), 1);
  EXPECT_EQ(count(elsewhere), 0);
  EXPECT_EQ(count(CallerOf("x", {rpc::v1::CUSTOMER}, Bin(501))), 0);
}

TEST_F(ReportTest, WhatAReportMayHold) {
  GoTo(Day("2026-10-05"));
  struct {
    const char* what;
    std::function<void(R*)> change;
    const char* reason;
  } const cases[] = {
      {"sound", [](R*) {}, ""},
      {"two years", [](R* r) { *r->mutable_period_to() = Day("2027-01-31").ToProto(); },
       "PERIOD_INVALID"},
      {"ends before it begins", [](R* r) { *r->mutable_period_to() = Day("2026-06-30").ToProto(); },
       "PERIOD_INVALID"},
      {"of before it was on the list",
       [](R* r) {
         *r->mutable_period_from() = Day("2026-05-01").ToProto();
         *r->mutable_period_to() = Day("2026-05-31").ToProto();
       },
       "NOT_MONITORED"},
      {"a number twice", [](R* r) { *r->add_lines() = r->lines(0); }, "LINE_TWICE"},
      {"no money", [](R* r) { r->mutable_lines(0)->mutable_amount()->set_units(0); },
       "LINE_AMOUNT"},
      {"no date", [](R* r) { r->mutable_lines(0)->clear_contract_date(); }, "LINE_DATE"},
      {"a date outside",
       [](R* r) { *r->mutable_lines(0)->mutable_contract_date() = Day("2026-10-01").ToProto(); },
       "LINE_DATE"},
      {"a work without the share", [](R* r) { r->mutable_lines(0)->set_kind(v1::WORK); },
       "RESIDENT_SHARE_MISSING"},
      {"days that another report has",
       [](R* r) { *r->mutable_period_from() = Day("2026-07-02").ToProto(); }, "PERIODS_OVERLAP"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    auto request = MakeReport({MakeLine(1, 1'000)});
    c.change(request.mutable_report());
    const auto filed = File(request, customer_);
    EXPECT_EQ(base::ReasonOf(filed.status()), c.reason) << filed.status();
    if (std::string(c.reason) == "PERIOD_INVALID") {
      EXPECT_EQ(SubjectOf(filed.status()), "report.period_to");
    }
  }
  // The same period again is a correction, of what was seen; another part, and another stage, stand
  // beside it.
  auto request = MakeReport({MakeLine(1, 2'000)});
  EXPECT_EQ(base::ReasonOf(File(request, customer_).status()), "VERSION_MISMATCH");
  request.mutable_report()->set_etag("\"0-0\"");
  EXPECT_EQ(base::ReasonOf(File(request, customer_).status()), "VERSION_MISMATCH");
  request.mutable_report()->set_etag(EtagOf("procurement_reports/1"));
  EXPECT_EQ(File(request, customer_)->name(), "procurement_reports/1");
  EXPECT_EQ(base::ReasonOf(File(request, customer_).status()), "VERSION_MISMATCH");
  EXPECT_EQ(File(MakeReport({MakeLine(1, 10)}, R::ACTUAL, "2026-07-01", "2026-09-30", 2), customer_)
                ->name(),
            "procurement_reports/2");
  EXPECT_EQ(Compute(customer_)->sums(0).amount().units(), 2'010);
  EXPECT_EQ(base::ReasonOf(Compute(customer_, R::PLAN).status()), "NO_REPORTS");
  const auto plan = File(MakeReport({MakeLine(1, 1'000, v1::WORK, "")}, R::PLAN), customer_);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto planned = Compute(customer_, R::PLAN);
  EXPECT_EQ(planned->lines(0).rule(), "RESIDENT_SHARE_MISSING");
  EXPECT_EQ(planned->sums(0).in_country_value_bp(), 0);
  EXPECT_FALSE(planned->decision().findings(1).satisfied());
  // A question may be of several years, but not turn back.
  const absl::Status turned =
      Compute(customer_, R::ACTUAL, nullptr, "2026-06-30", "2026-07-01").status();
  EXPECT_EQ(base::ReasonOf(turned), "PERIOD_INVALID");
  EXPECT_EQ(turned.message(), "The period ends before it begins.");
  EXPECT_EQ(SubjectOf(turned), "period_to");
  // Reports that reach over the period are not of it.
  EXPECT_EQ(base::ReasonOf(Compute(customer_, R::ACTUAL, nullptr, "2026-09-29").status()),
            "NO_REPORTS");
}

TEST_F(ReportTest, PeriodsOfOneStageDoNotMeet) {
  GoTo(Day("2026-12-31"));
  const auto file = [&](const std::string& from, const std::string& to, R::Stage stage = R::PLAN,
                        int part = 1) {
    return base::ReasonOf(
        File(MakeReport({MakeLine(1, 10, v1::GOOD, "")}, stage, from, to, part), customer_)
            .status());
  };
  EXPECT_EQ(file("2026-07-01", "2026-07-31"), "");
  EXPECT_EQ(file("2026-07-01", "2026-07-31", R::PLAN, 2), "");
  EXPECT_EQ(file("2026-09-01", "2026-09-30"), "");
  EXPECT_EQ(file("2026-07-31", "2026-08-02"), "PERIODS_OVERLAP");
  EXPECT_EQ(file("2026-08-02", "2026-09-01"), "PERIODS_OVERLAP");
  EXPECT_EQ(file("2026-07-01", "2026-07-30"), "PERIODS_OVERLAP");
  EXPECT_EQ(file("2026-07-01", "2026-12-31"), "PERIODS_OVERLAP");
  EXPECT_EQ(file("2026-09-10", "2026-09-12", R::PLAN, 2), "PERIODS_OVERLAP");
  EXPECT_EQ(file("2026-08-01", "2026-08-31"), "");
  EXPECT_EQ(file("2026-10-01", "2026-12-31"), "");
  EXPECT_EQ(Compute(customer_, R::PLAN)->lines_size(), 5);
  EXPECT_EQ(Compute(customer_, R::PLAN, nullptr, "2026-09-29")->lines_size(), 3);
}

TEST_F(ReportTest, PagesShowAllLinesOnceAndTheSameSums) {
  GoTo(Day("2026-10-05"));
  std::vector<R::Line> lines;
  for (int i = 1; i <= 120; ++i) lines.push_back(MakeLine(i, i));
  ASSERT_TRUE(File(MakeReport(lines), customer_).ok());
  v1::ComputeInCountryValueRequest request;
  request.set_parent("monitored/" + organization_);
  request.set_stage(R::ACTUAL);
  *request.mutable_period_from() = Day("2026-07-01").ToProto();
  *request.mutable_period_to() = Day("2026-09-30").ToProto();
  std::vector<int> numbers;
  int pages = 0;
  do {
    const auto page =
        Must<v1::ComputeInCountryValueResponse>("ComputeInCountryValue", customer_, request);
    for (const auto& line : page.lines()) numbers.push_back(line.number());
    EXPECT_EQ(page.sums(0).amount().units(), 7'260);
    request.set_page_token(page.next_page_token());
    if (++pages == 1) {
      auto correction = MakeReport({MakeLine(1, 5)});  // meanwhile
      correction.mutable_report()->set_etag(EtagOf("procurement_reports/1"));
      ASSERT_TRUE(File(correction, customer_).ok());
    }
  } while (!request.page_token().empty() && pages < 9);
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(numbers.size(), 120u);
  for (int i = 0; i < 120; ++i) EXPECT_EQ(numbers[static_cast<size_t>(i)], i + 1);
}

TEST_F(ReportTest, TheListChangesFromTheDayOfAnOrderOn) {
  EXPECT_EQ(SubjectOf(Remove(organization_, "2026-06-14", "2026-06-15")), "order_date");
  v1::AddMonitoredOrganizationRequest ahead;
  ahead.mutable_organization()->set_bin(Bin(77));
  ahead.mutable_organization()->set_name_ru("АО Заказчик");
  ahead.mutable_organization()->set_kato("751110000");
  ahead.mutable_organization()->set_order_number("9-НҚ");
  *ahead.mutable_organization()->mutable_order_date() = today().AddDays(1).ToProto();
  const absl::Status early =
      Do<v1::MonitoredOrganization>("AddMonitoredOrganization", authority_, ahead).status();
  EXPECT_EQ(base::ReasonOf(early), "ORDER_DATE_INVALID");
  EXPECT_EQ(SubjectOf(early), "organization.order_date");
  EXPECT_EQ(base::ReasonOf(Remove(organization_, "2026-06-14", "2026-06-15")),
            "ORDER_DATE_INVALID");
  EXPECT_EQ(base::ReasonOf(Remove(organization_, "2026-07-14", "2026-06-16")),
            "ORDER_DATE_INVALID");  // of the future
  EXPECT_EQ(base::ReasonOf(Remove(organization_, "2026-06-14", "2026-06-14")),
            "NOT_MONITORED");  // it was not on the list that day
  EXPECT_EQ(base::ReasonOf(Remove(Bin(5'555), "2026-06-14", "2026-06-14")), "NOT_FOUND");
  EXPECT_TRUE(Remove(organization_, "2026-10-01", "2026-06-14").ok());
  EXPECT_TRUE(Listed(organization_).ok());
  GoTo(Day("2026-10-05"));
  EXPECT_FALSE(Listed(organization_).ok());
  // By which order it ends is told with what it was.
  const auto was = Listed(organization_, "2026-09-30");
  ASSERT_TRUE(was.ok()) << was.status();
  EXPECT_EQ(was->order_number(), "9-НҚ");
  EXPECT_EQ(was->removal_order_number(), "10-НҚ");
  EXPECT_EQ(base::Date::FromProto(was->removal_date())->ToString(), "2026-10-01");
  EXPECT_EQ(base::Date::FromProto(was->removal_order_date())->ToString(), "2026-06-14");
  // It still reports on what it bought while it was on the list.
  EXPECT_TRUE(File(MakeReport({MakeLine(1, 1'000)}), customer_).ok());
  EXPECT_FALSE(File(MakeReport({}, R::PLAN, "2026-10-01", "2026-12-31"), customer_).ok());
  Monitor(organization_);
  EXPECT_TRUE(Listed(organization_)->removal_order_number().empty());
  v1::ListMonitoredOrganizationsRequest list;
  list.set_kato_prefix("75");
  EXPECT_EQ(
      Must<v1::ListMonitoredOrganizationsResponse>("ListMonitoredOrganizations", public_, list)
          .organizations_size(),
      1);
}

TEST_F(ReportTest, AnOrderThatIsEnteredLateHoldsFromItsOwnDay) {
  GoTo(Day("2026-10-05"));
  const auto early =
      MakeReport({MakeLine(1, 100, v1::GOOD, "2026-06-10")}, R::ACTUAL, "2026-06-05", "2026-06-14");
  EXPECT_EQ(base::ReasonOf(File(early, customer_).status()), "NOT_MONITORED");
  Monitor(organization_, "2026-06-02");
  ASSERT_TRUE(File(early, customer_).ok());
  ASSERT_TRUE(File(MakeReport({MakeLine(1, 1'000)}), customer_).ok());
  const auto computed = ComputeYear(customer_);
  EXPECT_EQ(SumOf(computed), 1'100);
  const auto known_at = computed->known_at();
  Advance(absl::Hours(1));
  // It was taken off in June, as is learnt now: reports are judged by that.
  ASSERT_TRUE(Remove(organization_, "2026-06-10", "2026-06-09").ok());
  EXPECT_TRUE(Listed(organization_, "2026-06-09").ok());
  for (const char* day : {"2026-06-10", "2026-06-15", "2026-06-20", "2026-10-05"})
    EXPECT_FALSE(Listed(organization_, day).ok()) << day;
  EXPECT_EQ(SumOf(ComputeYear(customer_)), 100);
  EXPECT_EQ(SumOf(ComputeYear(customer_, &known_at)), 1'100);
  ExpectSound();
}

TEST_F(ReportTest, WhatIsToComeToTheListMayNotCome) {
  const std::string other = Bin(501);
  Monitor(other, "2026-08-01");
  EXPECT_TRUE(Listed(other, "2026-08-01").ok());
  ASSERT_TRUE(Remove(other, "2026-08-01", "2026-06-15").ok());
  EXPECT_FALSE(Listed(other, "2026-08-01").ok());
  // And what is to leave it may stay.
  ASSERT_TRUE(Remove(organization_, "2026-09-01", "2026-06-15").ok());
  EXPECT_FALSE(Listed(organization_, "2026-09-01").ok());
  Monitor(organization_, "2026-09-01");
  ExpectSound();
  GoTo(Day("2026-09-02"));
  EXPECT_FALSE(Listed(other).ok());
  EXPECT_TRUE(Listed(organization_).ok());
  ExpectSound();
}

// Of a year in which it came to the list in June and moved in October.
TEST_F(ReportTest, AYearIsOfTheReportsThatTheCallerMaySee) {
  GoTo(Day("2026-10-05"));
  rpc::Caller there = akimat_, nowhere = akimat_;
  there.regions = {"71"};
  nowhere.regions = {"10"};
  EXPECT_EQ(base::ReasonOf(ComputeYear(customer_).status()), "NO_REPORTS");
  EXPECT_EQ(base::ReasonOf(ComputeYear(there).status()), "ACCESS_DENIED");
  ASSERT_TRUE(File(MakeReport({MakeLine(1, 1'000)}), customer_).ok());
  ASSERT_TRUE(Remove(organization_, "2026-10-05", "2026-10-05").ok());
  Monitor(organization_, "2026-10-05", "710000000");
  GoTo(Day("2026-12-31"));
  ASSERT_TRUE(File(MakeReport({MakeLine(1, 500, v1::GOOD, "2026-10-10")}, R::ACTUAL, "2026-10-05",
                              "2026-12-31"),
                   there)
                  .ok());
  EXPECT_EQ(SumOf(ComputeYear(customer_)), 1'500);
  EXPECT_EQ(SumOf(ComputeYear(institute_)), 1'500);
  EXPECT_EQ(SumOf(ComputeYear(akimat_)), 1'000);
  EXPECT_EQ(ComputeYear(akimat_)->kato(), "751110000");
  EXPECT_EQ(SumOf(ComputeYear(there)), 500);
  EXPECT_EQ(ComputeYear(there)->kato(), "710000000");
  EXPECT_EQ(base::ReasonOf(ComputeYear(nowhere).status()), "ACCESS_DENIED");
  EXPECT_EQ(base::ReasonOf(Compute(there, R::ACTUAL, nullptr, "2026-09-30").status()),
            "ACCESS_DENIED");
  EXPECT_EQ(
      base::ReasonOf(Compute(customer_, R::ACTUAL, nullptr, "2026-03-31", "2026-01-01").status()),
      "NOT_MONITORED");
}

TEST_F(ReportTest, AMistakenReportIsTakenBackAndFreesItsPeriod) {
  GoTo(Day("2026-10-05"));
  ASSERT_TRUE(File(MakeReport({MakeLine(1, 1'000)}), customer_).ok());
  const std::string name = "procurement_reports/1";
  EXPECT_EQ(GetReport(name).state(), R::FILED);
  const auto computed = Compute(customer_);
  const auto known_at = computed->known_at();
  Advance(absl::Hours(1));
  EXPECT_EQ(base::ReasonOf(Withdraw(name, customer_, "\"0-0\"").status()), "VERSION_MISMATCH");
  EXPECT_EQ(base::ReasonOf(Withdraw(name, institute_).status()), "ACCESS_DENIED");
  const auto withdrawn = Withdraw(name, akimat_, EtagOf(name));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(withdrawn->state(), R::WITHDRAWN);
  EXPECT_FALSE(GetReport(name).reason().empty());
  EXPECT_EQ(base::ReasonOf(Withdraw(name, customer_).status()), "PROCUREMENT_REPORT_STATE");
  EXPECT_EQ(base::ReasonOf(Compute(customer_).status()), "NO_REPORTS");
  const auto then = Compute(customer_, R::ACTUAL, &known_at);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->SerializeAsString(), computed->SerializeAsString());
  // Others may meet its days now, and the same may be filed again: it is another report.
  EXPECT_EQ(File(MakeReport({MakeLine(1, 500)}, R::ACTUAL, "2026-07-01", "2026-08-31"), customer_)
                ->name(),
            "procurement_reports/2");
  ASSERT_TRUE(Withdraw("procurement_reports/2", customer_).ok());
  EXPECT_EQ(File(MakeReport({MakeLine(1, 700)}), customer_)->name(), "procurement_reports/3");
  EXPECT_EQ(SumOf(Compute(customer_)), 700);
  EXPECT_EQ(GetReport(name).state(), R::WITHDRAWN);
  // What was taken back is in every list, however it is come by, in its place.
  for (const auto& [caller, filter] : std::vector<std::pair<rpc::Caller, std::string>>{
           {institute_, ""},
           {institute_, "bin = \"" + organization_ + "\""},
           {customer_, ""},
           {akimat_, "bin = \"" + organization_ + "\""}}) {
    v1::ListProcurementReportsRequest list;
    list.set_filter(filter);
    const auto all =
        Must<v1::ListProcurementReportsResponse>("ListProcurementReports", caller, list);
    std::vector<std::string> names;
    for (const R& report : all.reports()) names.push_back(report.name());
    EXPECT_THAT(names, ::testing::ElementsAre("procurement_reports/1", "procurement_reports/2",
                                              "procurement_reports/3"))
        << caller.subject << " " << filter;
  }
  ExpectSound();
}

TEST_F(ReportTest, EveryRoleWithdrawsAsTheTableSays) {
  cases::ExpectSound(ReportMachine());
  GoTo(Day("2026-10-05"));
  int part = 0;
  cases::MachineFixture fixture;
  fixture.make = [&, this] {
    return File(MakeReport({MakeLine(1, 10)}, R::ACTUAL, "2026-07-01", "2026-09-30", ++part),
                customer_)
        ->name();
  };
  fixture.act = [this](const base::EdgeDef&, const std::string& name, rpc::Role as) {
    rpc::Caller caller = CallerOf("walker", {as}, organization_);
    caller.regions = {"75"};
    return Withdraw(name, caller).status();
  };
  fixture.state = [this](const std::string& name) { return GetReport(name).state(); };
  fixture.position = [this] { return position(); };
  // To file again after a withdrawal makes another report: has its own test.
  fixture.skips = [](int verb) { return verb == static_cast<int>(ReportVerb::kFile); };
  EXPECT_EQ(cases::WalkMachine(ReportMachine(), fixture).taken, 2);
}

// An entry is in a register of its own: it counts whether its maker is in this one or not.
TEST_F(ReportTest, AnEntryCountsWhateverTheRegistrationOfItsMaker) {
  const std::string a = Active(1), b = Active(2), c = Active(3);
  Confirmed(MakeEvidence(a, "A", 6'000));
  Confirmed(MakeEvidence(b, "B", 4'500));
  Confirmed(MakeEvidence(c, "C", 1'000));
  v1::RemoveSupplierRequest remove;
  remove.set_reason("Уходим.");
  remove.set_name("suppliers/" + b);
  ASSERT_TRUE(Do<v1::Supplier>("RemoveSupplier", Owner(b), remove).ok());
  remove.set_name("suppliers/" + c);  // for cause
  ASSERT_TRUE(Do<v1::Supplier>("RemoveSupplier", institute_, remove).ok());
  GoTo(Day("2026-10-05"));
  ASSERT_TRUE(File(MakeReport({MakeLine(1, 1'000)}), customer_).ok());
  EXPECT_EQ(Compute(customer_)->lines(0).evidence(), "evidence/2");
  // Learnt of later than the contract.
  Confirmed(MakeEvidence(Active(4), "D", 2'000, "2026-07-01"));
  EXPECT_EQ(Compute(customer_)->lines(0).in_country_value_bp(), 2'000);
}

}  // namespace
}  // namespace nisi::suppliers
