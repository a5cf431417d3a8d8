// Monitored organizations, what they report, and the in-country value of it.
#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/cases/findings.h"
#include "common/cases/rows.h"
#include "common/rpc/gather.h"
#include "common/rpc/page.h"
#include "common/rpc/resource.h"
#include "services/suppliers/errors.h"
#include "services/suppliers/places.h"
#include "services/suppliers/rpcs.h"
#include "services/suppliers/rules_supplier.h"
#include "services/suppliers/rules_value.h"
#include "services/suppliers/steps.h"

namespace nisi::suppliers {
namespace {

using v1::MonitoredOrganization;
using ValueResponse = v1::ComputeInCountryValueResponse;

// The day from which a change of the list holds: past, of an order that is entered late, today or
// to come. The order is not dated in the future, nor after that day.
absl::StatusOr<base::Date> DayOfChange(bool given, const google::type::Date& from,
                                       const google::type::Date& order_date, const char* field,
                                       base::Date today) {
  base::Date day = today;
  if (given) {
    ASSIGN_OR_RETURN(day, base::Date::FromProto(from));
  }
  ASSIGN_OR_RETURN(const base::Date ordered, base::Date::FromProto(order_date));
  if (ordered > today || ordered > day) return errors::BeforeOrder(field);
  return day;
}

template <class Resource>
bool Admits(const Call& call, const Resource& resource) {
  uint32_t roles = 0;
  return rpc::MaySee(call, rpc::TiesOf<Resource>(), resource, nullptr, &roles);
}

// As it was on the list on a day; nullopt: it was not on it.
absl::StatusOr<std::optional<MonitoredOrganization>> ListedOn(
    const store::Reader& reader, const std::string& bin, base::Date day,
    std::optional<int64_t> known_at = std::nullopt) {
  store::At at;
  at.as_of = day;
  at.known_at_us = known_at;
  ASSIGN_OR_RETURN(auto then, reader.Find(kMonitored, store::Key::Of(bin), at));
  if (!then.has_value()) return std::nullopt;
  return std::move(*then->row.mutable_organization());
}

// The days of a period on which it may stand on the list in another way than the day before.
absl::StatusOr<std::set<base::Date>> TurningDays(const store::Reader& reader,
                                                 const std::string& bin, base::Date from,
                                                 base::Date to) {
  const store::Key key = store::Key::Of(bin);
  ASSIGN_OR_RETURN(const auto versions, reader.Versions(kMonitored, key.bytes(), from));
  std::set<base::Date> days{from};
  for (const store::RawRow& version : versions) {
    const base::Date day = version.version.effective_from;
    if (from < day && day <= to) days.insert(day);
  }
  return days;
}

// An organization that was on the list on a day of a period, for whoever the method admits to it as
// it was on such a day. NOT_MONITORED where it was on it on none and now is.
absl::StatusOr<MonitoredOrganization> OrganizationIn(
    const store::Reader& reader, const Call& call, const std::string& name, base::Date from,
    base::Date to, std::optional<int64_t> known_at = std::nullopt) {
  const std::string bin = BinIn(name);
  ASSIGN_OR_RETURN(const std::set<base::Date> days, TurningDays(reader, bin, from, to));
  bool listed = false;
  for (const base::Date day : days) {
    ASSIGN_OR_RETURN(auto then, ListedOn(reader, bin, day, known_at));
    if (then.has_value() && Admits(call, *then)) return *std::move(then);
    listed = listed || then.has_value();
  }
  if (listed) return rpc::Missing(call, kMonitored.name, name);
  // By today's list, whether it may be told why.
  RETURN_IF_ERROR(rpc::FindFor(reader, call, kMonitored, store::Key::Of(bin), name).status());
  return errors::NotMonitored(from);
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

// Register entries by code, of makers against whom no measure stands on the day asked for.
class Entries {
 public:
  Entries(const store::Reader& reader, std::optional<int64_t> known_at)
      : reader_(reader), known_at_(known_at) {}

  absl::StatusOr<std::vector<Entry>> Of(const std::string& ens_tru, base::Date day) {
    const auto [it, fresh] = rows_.try_emplace(ens_tru);
    if (fresh) {
      store::At at;
      at.known_at_us = known_at_;
      ASSIGN_OR_RETURN(it->second,
                       cases::AllOf(reader_, kEvidenceByEnsTru, store::Key::Of(ens_tru), at));
    }
    std::vector<Entry> entries;
    for (const EvidenceRow& row : it->second) {
      ASSIGN_OR_RETURN(const bool measure, UnderMeasure(row.evidence().bin(), day));
      if (!measure) entries.push_back({row.number(), &row});
    }
    return entries;
  }

 private:
  // Whether the maker was suspended or removed for cause on the day: what it has must not lower
  // others. Its registration as such says nothing of the entry, which is in another register; and
  // were it needed, a maker could raise what others' purchases count by leaving this one.
  absl::StatusOr<bool> UnderMeasure(const std::string& bin, base::Date day) {
    const auto [it, fresh] = measures_.try_emplace({bin, day}, false);
    if (!fresh) return it->second;
    store::At at;
    at.known_at_us = known_at_;
    if (day != reader_.today()) at.as_of = day;
    ASSIGN_OR_RETURN(const auto found, reader_.Find(kSuppliers, store::Key::Of(bin), at));
    it->second = found.has_value() && MeasureStands(found->row, day);
    return it->second;
  }

  const store::Reader& reader_;
  const std::optional<int64_t> known_at_;
  std::map<std::pair<std::string, base::Date>, bool> measures_;
  std::map<std::string, std::vector<EvidenceRow>> rows_;
};

// The state that all pages of an answer are of: what the first one knew.
template <class Request>
absl::StatusOr<rpc::PageState> StateOf(const store::View& view, const rpc::PageTokens& tokens,
                                       const std::string& query_hash, const Request& request) {
  if (!request.page_token().empty()) return tokens.Decode(request.page_token(), query_hash);
  rpc::PageState page;
  ASSIGN_OR_RETURN(page.recorded_us, view.RecordedUs());
  if (request.has_known_at()) {  // of a moment to come it is what is known by now
    page.recorded_us = std::min(page.recorded_us, request.known_at().seconds() * 1'000'000 +
                                                      request.known_at().nanos() / 1'000);
  }
  return page;
}

// The value of an organization's reports, as they come one after another: the sums of all lines,
// and those of one page.
class ReportsValue {
 public:
  // `page`: its position is the lines on the pages before.
  ReportsValue(const store::View& view, const Call& call, std::string bin,
               const rpc::PageState& page, int size)
      : view_(view),
        call_(call),
        bin_(std::move(bin)),
        known_at_(page.recorded_us),
        first_(page.position),
        size_(size),
        entries_(view, page.recorded_us) {}

  absl::Status Add(const ProcurementReport& report) {
    if (!Admits(call_, report)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const base::Date begins, base::Date::FromProto(report.period_from()));
    const auto [is_listed, fresh] = listed_.try_emplace(begins, false);
    if (fresh) {
      ASSIGN_OR_RETURN(const auto then, ListedOn(view_, bin_, begins, known_at_));
      is_listed->second = then.has_value();
    }
    if (!is_listed->second) return absl::OkStatus();  // taken off the list late, or never on it
    if (page_.kato().empty()) page_.set_kato(report.kato());
    for (const ProcurementReport::Line& line : report.lines()) {
      RETURN_IF_ERROR(AddLine(report, line));
    }
    return absl::OkStatus();
  }

  int64_t lines() const { return lines_; }
  int64_t missing() const { return missing_; }  // resident shares that are not told
  const PlanValue& plan() const { return plan_; }
  // With its lines and the place.
  ValueResponse& page() { return page_; }

 private:
  absl::Status AddLine(const ProcurementReport& report, const ProcurementReport::Line& line) {
    ASSIGN_OR_RETURN(const base::Date day, DayOfLine(report, line));
    ASSIGN_OR_RETURN(const base::Money amount, base::Money::FromProto(line.amount()));
    std::vector<Entry> of_code;
    if (line.kind() == v1::GOOD) {
      ASSIGN_OR_RETURN(of_code, entries_.Of(line.ens_tru(), day));
    }
    ValueLine judged;
    JudgeLine(line, of_code, day, &judged);
    if (judged.rule() == "RESIDENT_SHARE_MISSING") ++missing_;
    plan_.Add(line.kind(), amount, judged.in_country_value_bp());
    if (lines_ >= first_ && page_.lines_size() < size_) {
      judged.set_report(report.name());
      judged.set_number(line.number());
      judged.set_kind(line.kind());
      judged.set_ens_tru(line.ens_tru());
      *judged.mutable_amount() = line.amount();
      *page_.add_lines() = std::move(judged);
    }
    ++lines_;
    return absl::OkStatus();
  }

  const store::View& view_;
  const Call& call_;
  const std::string bin_;
  const int64_t known_at_, first_;
  const int size_;
  Entries entries_;
  std::map<base::Date, bool> listed_;  // by first days of reports
  PlanValue plan_;
  int64_t lines_ = 0, missing_ = 0;
  ValueResponse page_;
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
                                     request.organization().order_date(), "organization.order_date",
                                     tx.today()));
        ASSIGN_OR_RETURN(const auto known, ListedOn(tx, bin, day));
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
  const std::string bin = BinIn(request.name());
  const store::Key key = store::Key::Of(bin);
  ASSIGN_OR_RETURN(const base::Date day,
                   DayOfChange(request.has_effective_from(), request.effective_from(),
                               request.order_date(), "order_date", tx.today()));
  store::At at;
  at.as_of = day;
  ASSIGN_OR_RETURN(const auto listed, ListedOn(tx, bin, day));
  if (!listed.has_value()) {
    // By today's list, whether it may be told why.
    RETURN_IF_ERROR(rpc::FindFor(tx, call, kMonitored, key, request.name()).status());
    return errors::NotListedOn(day);
  }
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kMonitored, key, request.name(), nullptr, at));
  RETURN_IF_ERROR(rpc::CheckEtag(request.etag(), found.row.organization().etag()));
  tx.Cite(errors::MonitoredList());
  // What is known of its days on the list says until when they last, and by which order they end.
  MonitoredOrganization& organization = *found.row.mutable_organization();
  *organization.mutable_removal_date() = day.ToProto();
  organization.set_removal_order_number(request.order_number());
  *organization.mutable_removal_order_date() = request.order_date();
  RETURN_IF_ERROR(tx.Put(kMonitored, &found.row, found.version.effective_from));
  // It may have come to the list in several steps, as by an order that was entered late.
  ASSIGN_OR_RETURN(const std::set<base::Date> days, TurningDays(tx, bin, day, base::Date::Max()));
  for (const base::Date step : days) {
    ASSIGN_OR_RETURN(const auto then, ListedOn(tx, bin, step));
    if (!then.has_value()) break;
    RETURN_IF_ERROR(tx.End(kMonitored, key, step));
  }
  return v1::RemoveMonitoredOrganizationResponse();
}

absl::StatusOr<Encoded<v1::MonitoredOrganization>> GetMonitoredOrganization(
    Env& env, Call& call, const v1::GetMonitoredOrganizationRequest& request) {
  return rpc::GetRecord<MonitoredOrganization>(*env.store, call, kMonitored,
                                               store::Key::Of(BinIn(request.name())), request);
}

absl::StatusOr<Encoded<v1::ListMonitoredOrganizationsResponse>> ListMonitoredOrganizations(
    Env& env, Call& call, const v1::ListMonitoredOrganizationsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kMonitored, request, call));
  if (!request.kato_prefix().empty()) {
    store::Key place;
    place.AddTextPrefix(request.kato_prefix());
    plan.orders = {{"kato", &kMonitoredByKato, place}};
    plan.order_by = "kato";
  }
  return rpc::ListAs<v1::ListMonitoredOrganizationsResponse>(*env.store, plan);
}

absl::StatusOr<v1::ProcurementReport> SubmitProcurementReport(
    Env& env, const Call& call, store::Tx& tx, const v1::SubmitProcurementReportRequest& request) {
  const ProcurementReport& told = request.report();
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(told.period_from()));
  ASSIGN_OR_RETURN(const base::Date to, base::Date::FromProto(told.period_to()));
  ASSIGN_OR_RETURN(const MonitoredOrganization organization,
                   OrganizationIn(tx, call, request.parent(), from, from));
  RETURN_IF_ERROR(CheckReport(told, tx.today()));
  RETURN_IF_ERROR(CheckPeriod(tx, organization.bin(), told.stage(), from, to));
  ASSIGN_OR_RETURN(auto before, tx.FindUnique(kReportsByPeriod,
                                              store::Key::Of(organization.bin(),
                                                             static_cast<int64_t>(told.stage()),
                                                             from, to, told.part())));
  ProcurementReportRow row;
  if (before.has_value()) {
    row = std::move(before->row);
    // Nobody replaces a report without having seen it.
    if (told.etag().empty()) return base::EtagMismatch(row.report().etag());
  }
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ReportMachine(), ReportVerb::kFile, std::move(row),
                                {.roles = call.caller->roles,
                                 .etag = before.has_value() ? told.etag() : std::string()}));
  if (!before.has_value()) {
    ASSIGN_OR_RETURN(const int64_t number, tx.Next("procurement_reports"));
    step.row.set_number(number);
  }
  ProcurementReport& report = *step.row.mutable_report();
  report = told;
  report.set_name(absl::StrCat("procurement_reports/", step.row.number()));
  report.set_bin(organization.bin());
  report.set_kato(organization.kato());
  report.set_submitted_by(call.caller->subject);
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReports, &step));
  return report;
}

absl::StatusOr<v1::ProcurementReport> WithdrawProcurementReport(
    Env& env, const Call& call, store::Tx& tx,
    const v1::WithdrawProcurementReportRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "procurement_reports/*"));
  ASSIGN_OR_RETURN(auto found,
                   rpc::FindFor(tx, call, kReports, store::Key::Of(number), request.name()));
  ASSIGN_OR_RETURN(auto step,
                   cases::Begin(call, ReportMachine(), ReportVerb::kWithdraw, std::move(found.row),
                                {.roles = found.roles, .etag = request.etag()}));
  step.row.mutable_report()->set_reason(request.reason());
  RETURN_IF_ERROR(cases::Finish(tx, *env.norms, kReports, &step));
  return step.row.report();
}

absl::StatusOr<Encoded<v1::ProcurementReport>> GetProcurementReport(
    Env& env, Call& call, const v1::GetProcurementReportRequest& request) {
  ASSIGN_OR_RETURN(const int64_t number, NumberOf(request.name(), "procurement_reports/*"));
  return rpc::GetRecord<ProcurementReport>(*env.store, call, kReports, store::Key::Of(number),
                                           request);
}

absl::StatusOr<Encoded<v1::ListProcurementReportsResponse>> ListProcurementReports(
    Env& env, Call& call, const v1::ListProcurementReportsRequest& request) {
  ASSIGN_OR_RETURN(rpc::ListPlan plan, rpc::PlanList(kReports, request, call));
  plan.indexes = {{"bin", &kReportsByOrganization, rpc::TextKey}};
  plan.scopes = {{rpc::v1::CUSTOMER, &kReportsByOrganization}};
  plan.show = rpc::ShowTo<ProcurementReport>(call);
  return rpc::ListAs<v1::ListProcurementReportsResponse>(*env.store, plan);
}

absl::StatusOr<v1::ComputeInCountryValueResponse> ComputeInCountryValue(
    Env& env, Call& call, const v1::ComputeInCountryValueRequest& request) {
  ASSIGN_OR_RETURN(const base::Date from, base::Date::FromProto(request.period_from()));
  ASSIGN_OR_RETURN(const base::Date to, base::Date::FromProto(request.period_to()));
  if (to < from) return errors::PeriodReversed();
  const store::View view = env.store->Read();
  const rpc::PageTokens tokens(env.store->token_key(), env.store->clock().Now());
  const std::string query_hash = rpc::QueryHash(request, rpc::Standing(*call.caller));
  ASSIGN_OR_RETURN(rpc::PageState page, StateOf(view, tokens, query_hash, request));
  const int64_t known_at = page.recorded_us;
  const std::string bin = BinIn(request.parent());
  ReportsValue value(view, call, bin, page, rpc::PageSize(request.page_size()));
  // Whole reports only.
  RETURN_IF_ERROR(VisitReports(view, bin, request.stage(), from, to, known_at,
                               [&](const ProcurementReport& report) { return value.Add(report); }));
  if (value.lines() == 0) {
    RETURN_IF_ERROR(OrganizationIn(view, call, request.parent(), from, to, known_at).status());
    return errors::NoReports();
  }
  ValueResponse response = std::move(value.page());
  if (const int64_t shown = page.position + response.lines_size(); shown < value.lines()) {
    page.position = shown;
    response.set_next_page_token(tokens.Encode(page, query_hash));
  }
  ASSIGN_OR_RETURN(auto sums, value.plan().Sums());
  *response.mutable_decision() = DecidePlan(sums.back(), value.lines(), value.missing(),
                                            absl::StrCat(from.ToString(), "/", to.ToString()));
  response.mutable_decision()->set_norms_edition(env.norms->edition());
  for (ValueResponse::Sum& sum : sums) *response.add_sums() = std::move(sum);
  response.mutable_known_at()->set_seconds(known_at / 1'000'000);
  response.mutable_known_at()->set_nanos(static_cast<int32_t>(known_at % 1'000'000) * 1'000);
  response.set_bin(bin);
  *response.mutable_legal_basis() = errors::DomesticValue();
  return response;
}

}  // namespace nisi::suppliers
