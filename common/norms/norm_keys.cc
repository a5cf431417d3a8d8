#include "common/norms/norm_keys.h"

#include <algorithm>
#include <iterator>

namespace nisi::norms {
namespace {

constexpr KeySpec kKeys[] = {
    // Monthly calculation index.
    {"mci", Unit::kTenge},
    // Base rate of the National Bank, a year.
    {"base_rate", Unit::kPercent},
    // Art. 27(4): from which level of fulfilment on nothing is returned, days to pay a demand.
    {"obligations.tolerance", Unit::kPercent},
    {"obligations.return_days", Unit::kDays},
    // Art. 26(2): most points of each criterion, and from how many points a level of processing
    // begins.
    {"priority_goods.points.technological_complexity_max", Unit::kPoints},
    {"priority_goods.points.export_potential_max", Unit::kPoints},
    {"priority_goods.points.domestic_potential_max", Unit::kPoints},
    {"priority_goods.level.high_from", Unit::kPoints},
    {"priority_goods.level.medium_from", Unit::kPoints},
    // Art. 9(11): costs that decide the path of review and the dossier, what a proposal needs,
    // ranges
    // of cost that are public, terms of the review.
    {"industry_map.cost.republican_from", Unit::kTenge},
    {"industry_map.cost.dossier_from", Unit::kTenge},
    {"industry_map.cost.max", Unit::kTenge},
    {"industry_map.cost_range.bound_1", Unit::kTenge},
    {"industry_map.cost_range.bound_2", Unit::kTenge},
    {"industry_map.cost_range.bound_3", Unit::kTenge},
    {"industry_map.cost_range.bound_4", Unit::kTenge},
    {"industry_map.cost_range.bound_5", Unit::kTenge},
    {"industry_map.dossier.chapters", Unit::kCount},
    {"industry_map.criteria.min", Unit::kCount},
    {"industry_map.days.regional", Unit::kWorkingDays},
    {"industry_map.days.regional_conclusion", Unit::kWorkingDays},
    {"industry_map.days.sector", Unit::kWorkingDays},
    {"industry_map.days.authority", Unit::kWorkingDays},
    {"industry_map.days.informing", Unit::kWorkingDays},
    // Art. 6(2): when a quarterly report is due, and when it goes to the authority.
    {"industry_map.report.due_days", Unit::kDays},
    {"industry_map.report.escalation_days", Unit::kWorkingDays},
    // Art. 9(12): what load for how long is success, and the bounds of the traffic light.
    {"industry_map.exclusion.load_min", Unit::kPercent},
    {"industry_map.exclusion.quarters", Unit::kCount},
    {"industry_map.light.red_slip_months", Unit::kCount},
    {"industry_map.light.yellow_slip_months", Unit::kCount},
    {"industry_map.light.red_lag_points", Unit::kPoints},
    {"industry_map.light.yellow_lag_points", Unit::kPoints},
    // Art. 51(3), Art. 9(6), Art. 9(13): sizes of enterprises by staff and by income in MCI, terms
    // of
    // evidence and of a registration, days of its verification.
    {"suppliers.size.micro_staff_max", Unit::kCount},
    {"suppliers.size.micro_income_max", Unit::kCount},
    {"suppliers.size.small_staff_max", Unit::kCount},
    {"suppliers.size.small_income_max", Unit::kCount},
    {"suppliers.size.medium_staff_max", Unit::kCount},
    {"suppliers.size.medium_income_max", Unit::kCount},
    {"suppliers.evidence.st_kz_months", Unit::kCount},
    {"suppliers.evidence.industrial_certificate_months", Unit::kCount},
    {"suppliers.evidence.register_entry_months", Unit::kCount},
    {"suppliers.evidence.conformity_months", Unit::kCount},
    {"suppliers.evidence.warn_days", Unit::kDays},
    {"suppliers.registration_months", Unit::kCount},
    {"suppliers.auto_verification_days", Unit::kWorkingDays},
    {"suppliers.manual_review_days", Unit::kWorkingDays},
    // Art. 47(4): by which day the List of goods is placed.
    {"suppliers.list_of_goods.before", Unit::kMonthDay},
    // Art. 9(16), 9(17), 9(20), 23(4), 40: what a cluster must be, how it is selected and
    // supported.
    {"clusters.composition.participants_min", Unit::kCount},
    {"clusters.composition.producers_min", Unit::kCount},
    {"clusters.composition.science_min", Unit::kCount},
    {"clusters.composition.cure_days", Unit::kDays},
    {"clusters.points.critical_mass_max", Unit::kPoints},
    {"clusters.points.cooperation_max", Unit::kPoints},
    {"clusters.points.export_and_market_max", Unit::kPoints},
    {"clusters.points.science_and_education_max", Unit::kPoints},
    {"clusters.points.strategy_max", Unit::kPoints},
    {"clusters.level.developing_from", Unit::kPoints},
    {"clusters.level.mature_from", Unit::kPoints},
    {"clusters.selection.pass_points", Unit::kPoints},
    {"clusters.selection.min_experts", Unit::kCount},
    {"clusters.selection.admission_days", Unit::kWorkingDays},
    {"clusters.selection.scoring_days", Unit::kWorkingDays},
    {"clusters.selection.decision_days", Unit::kWorkingDays},
    {"clusters.selection.publication_days", Unit::kWorkingDays},
    {"clusters.commission.members_min", Unit::kCount},
    {"clusters.commission.quorum.parts", Unit::kCount},
    {"clusters.commission.quorum.of", Unit::kCount},
    {"clusters.commission.chair_casts", Unit::kCount},
    {"clusters.registration_days", Unit::kWorkingDays},
    {"clusters.report_due", Unit::kMonthDay},
    {"clusters.support.project_goods_share_min", Unit::kPercent},
    {"clusters.support.project_share", Unit::kPercent},
    {"clusters.support.upkeep_share.year_1", Unit::kPercent},
    {"clusters.support.upkeep_share.year_2", Unit::kPercent},
    {"clusters.support.upkeep_share.year_3", Unit::kPercent},
    {"clusters.support.examination_days", Unit::kWorkingDays},
    {"clusters.support.decision_days", Unit::kWorkingDays},
    {"clusters.support.payment_days", Unit::kWorkingDays},
    {"clusters.budget.carry_over", Unit::kCount},
    // Art. 42, order 403/2022: who gets an industrial grant, how much, in which terms.
    {"grants.activity_years_min", Unit::kCount},
    {"grants.tax_debt_from", Unit::kTenge},
    {"grants.share.small", Unit::kPercent},
    {"grants.share.medium", Unit::kPercent},
    {"grants.ceiling_mci", Unit::kCount},
    {"grants.completeness_days", Unit::kWorkingDays},
    {"grants.fix_days", Unit::kWorkingDays},
    {"grants.examination_days", Unit::kWorkingDays},
    {"grants.experts_min", Unit::kCount},
    {"grants.pass_share", Unit::kPercent},
    {"grants.commission_days", Unit::kWorkingDays},
    {"grants.commission.members_min", Unit::kCount},
    {"grants.commission.quorum.parts", Unit::kCount},
    {"grants.commission.quorum.of", Unit::kCount},
    {"grants.commission.chair_casts", Unit::kCount},
    {"grants.agreement_days", Unit::kWorkingDays},
    {"grants.proof_days", Unit::kDays},
    {"grants.proving_days", Unit::kWorkingDays},
    {"grants.payment_days", Unit::kWorkingDays},
    {"grants.demand_days", Unit::kWorkingDays},
    {"grants.tranche.1", Unit::kPercent},
    {"grants.tranche.2", Unit::kPercent},
    {"grants.tranche.3", Unit::kPercent},
    {"grants.report_days", Unit::kDays},
    {"grants.obligations_years", Unit::kCount},
    {"grants.assessment_days", Unit::kWorkingDays},
    // Art. 10(2), 38(1)(1): rates of reimbursement by size of enterprise and level of processing,
    // the factor of logistics, the cap in MCI, the months whose costs count, terms of a claim.
    {"export_refunds.rate.size.large", Unit::kPercent},
    {"export_refunds.rate.size.medium", Unit::kPercent},
    {"export_refunds.rate.size.small", Unit::kPercent},
    {"export_refunds.rate.level.low", Unit::kPercent},
    {"export_refunds.rate.level.medium", Unit::kPercent},
    {"export_refunds.rate.level.high", Unit::kPercent},
    {"export_refunds.logistics_factor.yes", Unit::kRate},
    {"export_refunds.logistics_factor.no", Unit::kRate},
    {"export_refunds.cap_mci", Unit::kCount},
    {"export_refunds.cost_months", Unit::kCount},
    {"export_refunds.days.start", Unit::kWorkingDays},
    {"export_refunds.days.review", Unit::kWorkingDays},
    {"export_refunds.days.fixing", Unit::kWorkingDays},
    {"export_refunds.days.agreement", Unit::kWorkingDays},
    {"export_refunds.days.payment", Unit::kWorkingDays},
    {"export_refunds.days.assessment", Unit::kWorkingDays},
    {"export_refunds.days.demand", Unit::kWorkingDays},
    {"export_refunds.report_due", Unit::kMonthDay},
    // Art. 46-49: statutory days of planning, who is a customer, what of a year is to be bought,
    // penalties,
    // what makes contract procurement and how much of it goes into additional conditions.
    {"contracts.first_year_share", Unit::kPercent},
    {"contracts.later_years_share", Unit::kPercent},
    {"contracts.penalty_share", Unit::kPercent},
    {"contracts.penalty_cap", Unit::kPercent},
    {"contracts.procurement_mci", Unit::kCount},
    {"contracts.offset_share", Unit::kPercent},
    {"contracts.offset_penalty_share", Unit::kPercent},
    {"contracts.offset_cure_days", Unit::kDays},
    {"contracts.assessment_days", Unit::kWorkingDays},
    {"contracts.termination_days", Unit::kDays},
    {"contracts.day.needs", Unit::kMonthDay},
    {"contracts.day.list", Unit::kMonthDay},
    {"contracts.day.proposals", Unit::kMonthDay},
    {"contracts.day.approval", Unit::kMonthDay},
    {"contracts.eligible_share", Unit::kPercent},
    // Holidays that move to the next working day when they fall on a weekend.
    {"holidays.moving.new_year_1", Unit::kMonthDay},
    {"holidays.moving.new_year_2", Unit::kMonthDay},
    {"holidays.moving.womens_day", Unit::kMonthDay},
    {"holidays.moving.nauryz_1", Unit::kMonthDay},
    {"holidays.moving.nauryz_2", Unit::kMonthDay},
    {"holidays.moving.nauryz_3", Unit::kMonthDay},
    {"holidays.moving.unity_day", Unit::kMonthDay},
    {"holidays.moving.defender_day", Unit::kMonthDay},
    {"holidays.moving.victory_day", Unit::kMonthDay},
    {"holidays.moving.capital_day", Unit::kMonthDay},
    {"holidays.moving.constitution_day", Unit::kMonthDay},
    {"holidays.moving.republic_day", Unit::kMonthDay},
    {"holidays.moving.independence_day", Unit::kMonthDay},
    // A day off that does not move.
    {"holidays.still.christmas", Unit::kMonthDay},
    // Single days off that do not move (Kurban Ait, days added by decision), and weekend days that
    // are worked. The
    // value is the number of days of the row.
    {kDayOff, Unit::kDays, true},
    {kWorkingWeekend, Unit::kDays, true},
    // A year whose days off are listed whole: the holidays above do not apply to it.
    {kPublishedYear, Unit::kCount, true},
};

}  // namespace

absl::Span<const KeySpec> Keys() {
  return kKeys;
}

const KeySpec* FindKey(absl::string_view key) {
  const auto* found = std::find_if(std::begin(kKeys), std::end(kKeys),
                                   [key](const KeySpec& spec) { return spec.key == key; });
  return found == std::end(kKeys) ? nullptr : found;
}

}  // namespace nisi::norms
