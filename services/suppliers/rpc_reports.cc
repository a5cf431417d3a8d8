// Monitored organizations, what they report, and the in-country value of it.
#include <functional>

#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "common/rpc/gather.h"
#include "common/rpc/page.h"
#include "common/rpc/resource.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/places.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_value.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using v1::MonitoredOrganization;
using ValueResponse = v1::ComputeInCountryValueResponse;

// The day from which a change of the list holds: today, or one to come. An order that is not dated
// in the future and not after that day.
absl::StatusOr<base::Date> DayOfChange(bool given, const google::type::Date& from,
                                       const google::type::Date& order_date, base::Date today) {
  base::Date day = today;
  if (given) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(from));
  }
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(order_date));
  if (ordered > today || ordered > day) return errors::BeforeOrder();
  if (day < today) return errors::EffectiveDayPast();
  return day;
}

// The organization as it was on the list on a day, for whoever the method admits to it.
// NOT_MONITORED where it was not on it and now is.
absl::StatusOr<MonitoredOrganization> OrganizationOn(const store::Reader& reader, const Call& call,
                                                     const std::string& name, base::Date day,
                                                     std::optional<int64_t> known_at) {
  store::At at;
  at.as_of = day;
  at.known_at_us = known_at;
  const store::Key key = store::Key::Of(BinIn(name));
  ASSIGN_OR_RETURN(auto then, reader.Find(kMonitored, key, at));
  if (then.has_value()) {
    uint32_t roles = 0;
    if (!rpc::MaySee(call, rpc::TiesOf<MonitoredOrganization>(), then->row.organization(), nullptr,
                     &roles)) {
      return rpc::Missing(call, kMonitored.name, name);
    }
    return std::move(*then->row.mutable_organization());
  }
  // By today's list, whether it may be told why.
  RETURN_IF_ERROR(rpc::FindFor(reader, call, kMonitored, key, name).status());
  return errors::NotMonitored(day);
}

// Whether the organization has reports of the stage on other periods that meet this one. Reads the
// totals of periods: reports may be long.
absl::Status CheckPeriod(const store::Tx& tx, const std::string& bin,
                         ProcurementReport::Stage stage, base::Date from, base::Date to) {
  const store::Key all = store::Key::Of(bin, static_cast<int64_t>(stage));
  std::optional<store::Key> met;
  RETURN_IF_ERROR(tx.ScanTotals(
      kReportPeriods, all, {},
      [&](absl::string_view group, absl::Span<const store::Int>) -> absl::StatusOr<bool> {
        store::KeyReader key(group.substr(all.bytes().size()));
        const auto first = key.Number(), last = key.Number();
        if (!first.has_value() || !last.has_value()) return base::StoreCorrupt("key of a period");
        const bool same = *first == from.days() && *last == to.days();
        if (same || *first > to.days() || *last < from.days()) return *first <= to.days();
        met = store::Key::FromBytes(group);
        return false;
      }));
  if (!met.has_value()) return absl::OkStatus();
  std::string name;
  RETURN_IF_ERROR(tx.Scan(
      kReportsByPeriod, {*met, "", 1}, {},
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ProcurementReportRow>(view));
        name = stored.row.report().name();
        return false;
      }));
  return errors::PeriodsOverlap(name);
}

// The reports of one organization and stage that lie within [from, to], one after another, by
// period and part.
absl::Status VisitReports(const store::Reader& reader, const std::string& bin,
                          ProcurementReport::Stage stage, base::Date from, base::Date to,
                          int64_t known_at,
                          const std::function<absl::Status(const ProcurementReport&)>& visit) {
  store::At at;
  at.known_at_us = known_at;
  const auto number = static_cast<int64_t>(stage);
  const store::Range range{store::Key::Of(bin, number),
                           std::string(store::Key::Of(bin, number, from).bytes()), 1};
  return reader.Scan(
      kReportsByPeriod, range, at,
      [&](const store::RowView& view, absl::string_view) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const auto stored, store::Reader::Parse<ProcurementReportRow>(view));
        const ProcurementReport& report = stored.row.report();
        ASSIGN_OR_RETURN(const base::Date first, base::Date::FromProto(report.period_from()));
        ASSIGN_OR_RETURN(const base::Date last, base::Date::FromProto(report.period_to()));
        if (first > to) return false;
        if (last <= to) RETURN_IF_ERROR(visit(report));
        return true;
      });
}

// Register entries by code, each with its supplier's state on the day asked for.
class Entries {
 public:
  Entries(const store::Reader& reader, std::optional<int64_t> known_at)
      : reader_(reader), known_at_(known_at), books_(reader, known_at) {}

  absl::StatusOr<std::vector<Entry>> Of(const std::string& ens_tru, base::Date day) {
    const auto [it, fresh] = rows_.try_emplace(ens_tru);
    if (fresh) {
      store::At at;
      at.known_at_us = known_at_;
      RETURN_IF_ERROR(reader_.Scan(kEvidenceByEnsTru, {store::Key::Of(ens_tru), ""}, at,
                                   [&rows = it->second](const store::RowView& view,
                                                        absl::string_view) -> absl::StatusOr<bool> {
                                     ASSIGN_OR_RETURN(auto stored,
                                                      store::Reader::Parse<EvidenceRow>(view));
                                     rows.push_back(std::move(stored.row));
                                     return true;
                                   }));
    }
    std::vector<Entry> entries;
    for (const EvidenceRow& row : it->second) {
      // One that is suspended must not lower others.
      ASSIGN_OR_RETURN(const bool active, books_.IsActiveOn(row.evidence().bin(), day));
      if (active) entries.push_back({row.number(), &row});
    }
    return entries;
  }

 private:
  const store::Reader& reader_;
  const std::optional<int64_t> known_at_;
  Books books_;
  std::map<std::string, std::vector<EvidenceRow>> rows_;
};

// What was found of the whole plan; the lines stand for their own facts.
decision::v1::Decision DecidePlan(const ValueResponse::Sum& all, int64_t lines, int64_t missing,
                                  const std::string& period) {
  cases::Facts facts;
  facts.Set("period", period, "request");
  facts.Set("lines", absl::StrCat(lines), "procurement_reports");
  facts.Set("resident_share_missing", absl::StrCat(missing), "procurement_reports");
  facts.Set("amount", base::Money::FromProto(all.amount())->ToString(), "sum of the lines");
  facts.Set("in_country_amount", base::Money::FromProto(all.in_country_amount())->ToString(),
            "sum of line x share");
  facts.Set("in_country_value_bp", absl::StrCat(all.in_country_value_bp()), "rounded half up once");
  decision::v1::Decision decision;
  cases::AddFinding(&decision, "REPORTS_IN_PERIOD", true, errors::MonitoredList(), facts,
                    {"period", "lines"});
  cases::AddFinding(&decision, "RESIDENT_SHARES_TOLD", missing == 0, errors::DomesticValue(), facts,
                    {"resident_share_missing"});
  cases::AddFinding(&decision, "IN_COUNTRY_VALUE", true, errors::DomesticValue(), facts,
                    {"amount", "in_country_amount", "in_country_value_bp"});
  decision.set_outcome(absl::StrCat(all.in_country_value_bp()));
  return decision;
}

}  // namespace

absl::StatusOr<v1::MonitoredOrganization> AddMonitoredOrganization(
    Env& env, Call& call, const v1::AddMonitoredOrganizationRequest& request) {
  std::optional<PlaceFact> place;
  return rpc::GatherThenWrite<MonitoredOrganization>(
      *env.store, call, request,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(place,
                         EnterPlace(env, call, "organization.kato", request.organization().kato()));
        return absl::OkStatus();
      },
      [&](store::Tx& tx) -> absl::StatusOr<MonitoredOrganization> {
        const std::string& bin = request.organization().bin();
        const std::string name = absl::StrCat("monitored/", bin);
        ASSIGN_OR_RETURN(const base::Date day,
                         DayOfChange(request.has_effective_from(), request.effective_from(),
                                     request.organization().order_date(), tx.today()));
        store::At at;
        if (day != tx.today()) at.as_of = day;
        ASSIGN_OR_RETURN(const auto known, tx.Find(kMonitored, store::Key::Of(bin), at));
        if (known.has_value()) return errors::MonitoredExists(name);
        MonitoredOrganizationRow row;
        *row.mutable_organization() = request.organization();
        row.mutable_organization()->set_name(name);
        KeepPlace(place, row.mutable_organization());
        tx.Cite(errors::MonitoredList());
        RETURN_IF_ERROR(tx.Put(kMonitored, &row, day));
        return row.organization();
      });
}

absl::StatusOr<v1::RemoveMonitoredOrganizationResponse> RemoveMonitoredOrganization(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const v1::RemoveMonitoredOrganizationRequest& request) {
  const store::Key key = store::Key::Of(BinIn(request.name()));
  ASSIGN_OR_RETURN(const auto found, rpc::FindFor(tx, call, kMonitored, key, request.name()));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.organization().etag()));
  ASSIGN_OR_RETURN(const base::Date day,
                   DayOfChange(request.has_effective_from(), request.effective_from(),
                               request.order_date(), tx.today()));
  tx.Cite(errors::MonitoredList());
  RETURN_IF_ERROR(tx.End(kMonitored, key, day));
  return v1::RemoveMonitoredOrganizationResponse();
}

absl::StatusOr<Encoded<v1::MonitoredOrganization>> GetMonitoredOrganization(
    Env& env, Call& call, const v1::GetMonitoredOrganizationRequest& request) {
  return rpc::GetRecord<MonitoredOrganization>(*env.store, call, kMonitored,
                                               store::Key::Of(BinIn(request.name())), request);
}

absl::StatusOr<Encoded<v1::ListMonitoredOrganizationsResponse>> ListMonitoredOrganizations(
    Env& env, Call& call, const v1::ListMonitoredOrganizationsRequest& request) {
  rpc::ListPlan plan;
  plan.table = &kMonitored;
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  rpc::PlanPage(request, call, &plan);
  if (!request.kato_prefix().empty()) {
    store::Key place;
    place.AddTextPrefix(request.kato_prefix());
    plan.orders = {{"kato", &kMonitoredByKato, place}};
    plan.order_by = "kato";
  }
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListMonitoredOrganizationsResponse>{std::move(page)};
}

absl::StatusOr<v1::ProcurementReport> SubmitProcurementReport(
    Env& /*env*/, const Call& call, store::Tx& tx,
    const v1::SubmitProcurementReportRequest& request) {
  const ProcurementReport& told = request.report();
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(told.period_from()));
  ASSIGN_OR_RETURN(const base::Date to, base::Date::FromProto(told.period_to()));
  ASSIGN_OR_RETURN(const MonitoredOrganization organization,
                   OrganizationOn(tx, call, request.parent(), from, std::nullopt));
  RETURN_IF_ERROR(CheckReport(told, tx.today()));
  RETURN_IF_ERROR(CheckPeriod(tx, organization.bin(), told.stage(), from, to));
  ASSIGN_OR_RETURN(
      const auto before,
      tx.FindUnique(kReportsByPeriod,
                    store::Key::Of(organization.bin(), static_cast<int64_t>(told.stage()), from, to,
                                   told.part())));
  ProcurementReportRow row;
  *row.mutable_report() = told;
  ProcurementReport& report = *row.mutable_report();
  if (before.has_value()) {
    // Nobody replaces a report without having seen it.
    const std::string& etag = before->row.report().etag();
    if (told.etag().empty()) return base::EtagMismatch(etag);
    RETURN_IF_ERROR(rpc::CheckEtag(told.etag(), etag));
    row.set_number(before->row.number());
  } else {
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("procurement_reports"));
    row.set_number(number);
  }
  report.set_name(absl::StrCat("procurement_reports/", row.number()));
  report.set_bin(organization.bin());
  report.set_kato(organization.kato());
  report.set_submitted_by(call.caller->subject);
  tx.Cite(errors::Collecting());
  RETURN_IF_ERROR(tx.Put(kReports, &row));
  return report;
}

absl::StatusOr<Encoded<v1::ProcurementReport>> GetProcurementReport(
    Env& env, Call& call, const v1::GetProcurementReportRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "procurement_reports/*"));
  return rpc::GetRecord<ProcurementReport>(*env.store, call, kReports, store::Key::Of(number),
                                           request);
}

absl::StatusOr<Encoded<v1::ListProcurementReportsResponse>> ListProcurementReports(
    Env& env, Call& call, const v1::ListProcurementReportsRequest& request) {
  rpc::ListPlan plan;
  plan.table = &kReports;
  ASSIGN_OR_RETURN(plan.at, rpc::AtOf(request));
  rpc::PlanPage(request, call, &plan);
  plan.indexes = {{"bin", &kReportsByPeriod,
                   [](const std::string& bin) { return std::optional(store::Key::Of(bin)); }}};
  plan.scopes = {{rpc::v1::CUSTOMER, &kReportsByPeriod}};
  plan.show = rpc::ShowTo<ProcurementReport>(call);
  ASSIGN_OR_RETURN(std::string page, rpc::ListPage(*env.store, plan));
  return Encoded<v1::ListProcurementReportsResponse>{std::move(page)};
}

absl::StatusOr<v1::ComputeInCountryValueResponse> ComputeInCountryValue(
    Env& env, Call& call, const v1::ComputeInCountryValueRequest& request) {
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(request.period_from()));
  ASSIGN_OR_RETURN(const base::Date to, base::Date::FromProto(request.period_to()));
  if (to < from) return errors::PeriodInvalid();
  const store::View view = env.store->Read();
  const rpc::PageTokens tokens(env.store->secret());
  const std::string query_hash = rpc::QueryHash(request, rpc::Standing(*call.caller));
  // All pages are of what the first one knew, and the answer says it.
  rpc::PageState page;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(page, tokens.Decode(request.page_token(), query_hash));
  } else if (request.has_known_at()) {
    page.recorded_us =
        request.known_at().seconds() * 1'000'000 + request.known_at().nanos() / 1'000;
  } else {
    ASSIGN_OR_RETURN(page.recorded_us, view.RecordedUs());
  }
  const int64_t known_at = page.recorded_us;
  ASSIGN_OR_RETURN(const MonitoredOrganization organization,
                   OrganizationOn(view, call, request.parent(), from, known_at));

  ValueResponse response;
  PlanValue plan;
  Entries entries(view, known_at);
  const int64_t first = page.position;  // lines on the pages before
  const int size = rpc::PageSize(request.page_size());
  int64_t lines = 0, missing = 0;
  const auto add = [&](const ProcurementReport& report) -> absl::Status {
    for (const ProcurementReport::Line& line : report.lines()) {
      ASSIGN_OR_RETURN(const base::Date day, DayOfLine(report, line));
      ASSIGN_OR_RETURN(const base::Money amount, base::Money::FromProto(line.amount()));
      std::vector<Entry> of_code;
      if (line.kind() == v1::GOOD) {
        ASSIGN_OR_RETURN(of_code, entries.Of(line.ens_tru(), day));
      }
      ValueLine judged;
      JudgeLine(line, of_code, day, &judged);
      if (judged.rule() == "RESIDENT_SHARE_MISSING") ++missing;
      plan.Add(line.kind(), amount, judged.in_country_value_bp());
      if (lines >= first && response.lines_size() < size) {
        judged.set_report(report.name());
        judged.set_number(line.number());
        judged.set_kind(line.kind());
        judged.set_ens_tru(line.ens_tru());
        *judged.mutable_amount() = line.amount();
        *response.add_lines() = std::move(judged);
      }
      ++lines;
    }
    return absl::OkStatus();
  };
  // Whole reports only.
  RETURN_IF_ERROR(VisitReports(view, organization.bin(), request.stage(), from, to, known_at, add));
  if (lines == 0) return errors::NoReports();
  if (first + response.lines_size() < lines) {
    page.position = first + response.lines_size();
    response.set_next_page_token(tokens.Encode(page, query_hash));
  }
  ASSIGN_OR_RETURN(auto sums, plan.Sums());
  *response.mutable_decision() =
      DecidePlan(sums.back(), lines, missing, absl::StrCat(from.ToString(), "/", to.ToString()));
  response.mutable_decision()->set_norms_edition(env.norms->edition());
  for (ValueResponse::Sum& sum : sums) *response.add_sums() = std::move(sum);
  response.mutable_known_at()->set_seconds(known_at / 1'000'000);
  response.mutable_known_at()->set_nanos(static_cast<int32_t>(known_at % 1'000'000) * 1'000);
  response.set_bin(organization.bin());
  response.set_kato(organization.kato());
  *response.mutable_legal_basis() = errors::DomesticValue();
  return response;
}

}  // namespace nisi::suppliers
