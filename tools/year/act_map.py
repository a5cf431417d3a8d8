"""A project of the industry map (Art. 6(2)): proposed, sent back, examined, included; then a year of quarterly reports that
turn its light yellow, red and green again; commissioned."""
import datetime

from cast import AKIMAT, FACTORY, NAMES, TOWN
from protos import Money, date_of, tiyn_of
from stage import tenge

COST = 2_400_000_000
CONSTRUCTION, COMMISSIONING = datetime.date(2025, 7, 1), datetime.date(2027, 6, 30)
CAPACITY = datetime.date(2028, 6, 30)
# Quarter, readiness in hundredths of a percent, investment used so far, and the light by the lag behind the plan: over 10
# points yellow, over 20 red (norms industry_map.light.*).
REPORTS = (("2026Q1", 2700, 500_000_000, "YELLOW"), ("2026Q2", 2900, 640_000_000, "RED"),
           ("2026Q3", 6000, 1_500_000_000, "GREEN"), ("2026Q4", 7300, 1_900_000_000, "GREEN"))


def paper(name):
    return dict(name=f"{name}.pdf", media_type="application/pdf", size_bytes=1000, sha256=b"p" * 32)


def project(stage):
    parameters = dict(
        title=dict(ru="Линия силовых трансформаторов", kk="Күштік трансформаторлар желісі"), kind="NEW", stage="IMPLEMENTED",
        kato=TOWN, point=dict(latitude_millionths=53_283_300, longitude_millionths=69_377_900), owner_bin=FACTORY,
        owner_name=NAMES[FACTORY], oked="27.11", goods_codes=[stage.code],
        responsible_body=dict(kind="AKIMAT", bin=AKIMAT, name="Акимат Акмолинской области"), jobs_building=120,
        jobs_operation=210, milestones=[dict(kind="CONSTRUCTION", planned_date=CONSTRUCTION),
                                        dict(kind="COMMISSIONING", planned_date=COMMISSIONING),
                                        dict(kind="DESIGN_CAPACITY", planned_date=CAPACITY)])
    terms = dict(
        cost=Money(COST), financing=[dict(source="OWN", year=2025, amount=Money(600_000_000)),
                                     dict(source="OWN", year=2026, amount=Money(800_000_000)),
                                     dict(source="BORROWED", year=2027, amount=Money(1_000_000_000))],
        capacities=[dict(product="Трансформатор", goods_code=stage.code, unit="pcs", quantity="400",
                         amount=Money(9_000_000_000))],
        export_share_bp=3000, in_country_value_bp=6250,
        criteria=[dict(criterion="EXPORT_ORIENTATION", justification="Треть выпуска идёт на вывоз")],
        dossier=[dict(chapter=chapter, document=paper(f"chapter-{chapter}")) for chapter in range(1, 10)])
    return dict(parameters=parameters, administrative_data=dict(terms=terms))


def proposed(stage):
    stage.act("The factory proposes a project for the industry map", "Art. 9(11)")
    made = stage.call("industry_map.CreateProject", "factory", project=project(stage))
    stage.project = made.name
    review = stage.call("industry_map.ProposeProject", "factory", name=made.name, etag=made.etag)
    stage.review = review.name
    stage.refused("ACCESS_DENIED", "industry_map.GetProject", "stranger", name=made.name)
    stage.say(f"{made.name}, {tenge(COST * 100)} tenge: the regional path, akimat and authority. Before inclusion it does not "
              "exist for strangers.")
    review = stage.call("industry_map.StartReview", "akimat", name=review.name)
    back = stage.call("industry_map.ConcludeReview", "akimat", name=review.name, etag=review.etag,
                      conclusion=dict(verdict="RETURN", text="Уточнить число рабочих мест"),
                      remarks=[dict(field="parameters.jobs_operation", text="Не сходится с бизнес-планом")])
    stage.in_state(back, "RETURNED")
    stage.say("The akimat sends it back with a remark on one field (Art. 11(8)).")


def included(stage):
    stage.act("It is mended, recommended by the akimat and included by the authority", "Art. 9(7)")
    seen = stage.call("industry_map.GetProject", "factory", name=stage.project)
    mended = stage.call("industry_map.UpdateProject", "factory",
                        project=dict(name=stage.project, etag=seen.etag, parameters=dict(jobs_operation=240)),
                        update_mask=dict(paths=["parameters.jobs_operation"]))
    stage.call("industry_map.ProposeProject", "factory", name=stage.project, etag=mended.etag,
               answers=[dict(number=1, answer="Исправлено: 240")])
    review = stage.call("industry_map.StartReview", "akimat", name=stage.review)
    review = stage.call("industry_map.ConcludeReview", "akimat", name=stage.review, etag=review.etag,
                        conclusion=dict(verdict="RECOMMEND", text="Поддержать"))
    stage.call("industry_map.InformApplicant", "akimat", name=stage.review, conclusion=2, inform_date=stage.today,
               notice="письмо 12-3/45")
    on_map = stage.call("industry_map.IncludeProject", "ministry-1", name=stage.review, etag=review.etag, act_number="7-п",
                        act_date=stage.today, text="Соответствует критериям")
    stage.in_state(on_map, "INCLUDED")
    stage.call("industry_map.InformApplicant", "ministry-1", name=stage.review, conclusion=3, inform_date=stage.today,
               notice="письмо 1-1/7")
    public = stage.call("industry_map.GetProject", name=stage.project)
    stage.check(not public.HasField("administrative_data") and list(public.withheld.fields) == ["administrative_data"],
                "the public sees no administrative data (Art. 6(3))", public)
    bounds = (public.cost_range_from.units, public.cost_range_below.units)
    stage.same(bounds, (900_000_000, 4_500_000_000), "the range of cost that everybody sees")
    stage.say(f"{stage.project} is on the map. The public sees that it costs {tenge(bounds[0] * 100)} to "
              f"{tenge(bounds[1] * 100)} tenge, not how much: Art. 6(3).")


def reported(stage, at):
    """The report of a quarter, and what it does to the light."""
    quarter, readiness, used, light = REPORTS[at]
    stage.act(f"The akimat reports on {quarter}", "Art. 6(2), 11(8)")
    report = dict(quarter=quarter, jobs_plan=120, jobs_fact=40 + 30 * at, forecast_commissioning_date=COMMISSIONING,
                  administrative_data=dict(
                      construction_used=Money(used * 2 // 5), equipment_used=Money(used * 3 // 5), readiness_bp=readiness,
                      sources=[dict(source="OWN", amount=Money(used))]))
    if light == "RED":
        report["administrative_data"]["problems"] = [dict(category="EQUIPMENT", text="Поставка линии задержана")]
    if at == 0:
        early = dict(report, quarter="2026Q2")
        stage.refused("QUARTER_NOT_ENDED", "industry_map.SubmitReport", "akimat", parent=stage.project, report=early)
    filed = stage.call("industry_map.SubmitReport", "akimat", parent=stage.project, report=report)
    stage.check(not filed.late, "the report is in time", filed)
    seen = stage.call("industry_map.GetProject", "ministry-1", name=stage.project)
    progress = seen.administrative_data.progress
    lights = progress.DESCRIPTOR.fields_by_name["traffic_light"].enum_type.values_by_number
    found = lights[progress.traffic_light].name
    facts = {fact.name: fact.value for finding in progress.traffic_light_decision.findings for fact in finding.facts}
    stage.same((found, tiyn_of(progress.investment_used)), (light, used * 100), f"the light and the money of {quarter}")
    stage.say(f"readiness {readiness / 100:.2f} %, {tenge(used * 100)} tenge used: {light}")
    replay = stage.call("industry_map.ReplayDecision", "auditor", name=stage.project)
    stage.check(replay.same, "the light is found again from its stored facts", replay)
    return facts


def year_of_reports(stage):
    """What people would look at: the reports in a row."""
    lights = stage.protos.message("nisi.industry_map.v1.Progress").DESCRIPTOR.enum_types_by_name["TrafficLight"]
    rows = []
    for report in stage.pages("industry_map.ListReports", "akimat", parent=stage.project, reveal=True):
        data = report.administrative_data
        rows.append((report.quarter, date_of(report.due_date), f"{data.readiness_bp / 100:.2f}",
                     tenge(sum(tiyn_of(source.amount) for source in data.sources)), report.jobs_fact,
                     lights.values_by_number[data.traffic_light].name))
    stage.same([row[5] for row in rows], [report[3] for report in REPORTS[:len(rows)]], "the lights of the year")
    stage.table(("quarter", "due", "readiness, %", "used, tenge", "jobs", "light"), rows)
    stage.hint(f"--as authority.industry industry-map list-reports --parent {stage.project} --reveal")


def approved_edition(stage):
    stage.act("The authority approves an edition of the whole map", "Art. 9(7)")
    seen = stage.call("industry_map.Summarize")
    edition = stage.call("industry_map.ApproveMapEdition", "ministry-1", edition=dict(
        order_number="12-п", order_date=stage.today, position=seen.position))
    stage.same(edition.project_count, seen.rows[0].project_count, "the projects of the edition")
    stage.say(f"{edition.name}: {edition.project_count} project(s), {edition.jobs_plan} jobs planned. Nothing is copied: "
              "the map of that position is readable for ever.")


def commissioned(stage):
    stage.act("The project is commissioned", "Art. 11(8)")
    done = stage.call("industry_map.CommissionProject", "akimat", name=stage.project, actual_date=stage.today,
                      documents=[paper("acceptance")])
    stage.in_state(done, "COMMISSIONED")
    overdue = stage.pages("industry_map.ListOverdueReports", "akimat", body_bin=AKIMAT)
    stage.say(f"{len(overdue)} quarterly report(s) of {stage.project} are overdue and say so: nobody has filed those of 2027.")
