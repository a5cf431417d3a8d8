"""A territorial cluster (Art. 40): initiative, diagnostics, competitive selection by experts, register, support."""
import datetime

from cast import FACTORY, MEMBERS, NAMES, ORGANIZATION, REGION, WORKSHOP
from protos import Money, tiyn_of
from stage import tenge

CRITERIA = ("CRITICAL_MASS", "COOPERATION", "EXPORT_AND_MARKET", "SCIENCE_AND_EDUCATION", "STRATEGY")
POINTS = {"expert-1": (20, 15, 15, 10, 15), "expert-2": (18, 14, 16, 12, 14), "expert-3": (22, 16, 15, 11, 16)}
PROGRAMME = "programmes/clusters"


def points(given):
    return [dict(criterion=criterion, points=value) for criterion, value in zip(CRITERIA, given)]


def initiative(stage):
    stage.act("An initiative of a cluster, and what the institute finds of it", "Art. 23(3)(3), 23(4)")
    roles = ["MANUFACTURER"] * 6 + ["RESEARCH"] + ["SUPPLIER"] * 3
    participants = [dict(bin=bin_, title=NAMES.get(bin_, "Участник"), roles=[role], region=REGION)
                    for bin_, role in zip([FACTORY, WORKSHOP, *MEMBERS], roles)]
    made = stage.call("clusters.CreateInitiative", "organization", initiative=dict(
        title=dict(ru="Кластер энергетического машиностроения"), cluster_organization=ORGANIZATION, region=REGION,
        specialization=dict(okeds=["27.11"], goods_codes=[stage.code]), participants=participants,
        strategy="Общие испытания, общий вывоз", work_plan=[dict(title="Испытательный центр",
                                                                 due_date=datetime.date(2026, 12, 1))]))
    made = stage.until_told("the region of the initiative", made, lambda one: one.places,
                            lambda one, request_id: stage.call(
                                "clusters.UpdateInitiative", "organization", request_id=request_id,
                                initiative=dict(name=one.name, etag=one.etag, participants=participants),
                                update_mask=dict(paths=["participants"])))
    effect = {key: "Есть" for key in ("region_effect", "sector_effect", "country_effect", "prospects")}
    stage.call("clusters.DiagnoseInitiative", "industry-1", name=made.name, etag=made.etag, diagnostic=dict(
        indicators=[dict(indicator="export", value="18", unit="%", source="отчёт за 2025 год")], points=points((15,) * 5),
        **effect))
    stage.initiative = made.name
    draft = stage.call("clusters.CreateSelection", "industry-1", selection=dict(
        title=dict(ru="Отбор кластеров 2026"), applications_from=stage.today, applications_until=stage.day(10)))
    stage.call("clusters.AnnounceSelection", "ministry-1", name=draft.name, etag=draft.etag)
    stage.selection = draft.name
    for number, who in enumerate(POINTS, 1):
        expert = stage.call("clusters.CreateExpert", "ministry-1", parent=draft.name,
                            expert=dict(subject=f"dev:{who}", title=f"Эксперт {number}"))
        stage.call("clusters.DeclareTies", who, name=expert.name)
    seen = stage.call("clusters.GetInitiative", "organization", name=made.name)
    stage.application = stage.call("clusters.ApplyToSelection", "organization", name=made.name, etag=seen.etag,
                                   selection=draft.name).name
    stage.say(f"{made.name}: {len(participants)} participants; applies to {draft.name}.")


def selected(stage):
    stage.act("The selection: admission, scores of three experts, commission", "Art. 40(1)")
    stage.eventually("admission", lambda: stage.call("clusters.GetSelection", name=stage.selection),
                     lambda answer: stage.state(answer) == "ADMISSION")
    seen = stage.call("clusters.GetApplication", "industry-2", name=stage.application)
    admit = dict(name=seen.name, etag=seen.etag, documents_complete=True)
    stage.refused("SEPARATION_OF_DUTIES", "clusters.AdmitApplication", "industry-1", **admit)
    stage.call("clusters.AdmitApplication", "industry-2", **admit)
    for who, given in POINTS.items():
        stage.call("clusters.ScoreApplication", who, name=stage.application, points=points(given))
    ranked = stage.call("clusters.CloseScoring", "industry-2", name=stage.selection)
    members = [dict(subject=f"dev:member-{i}", vote="FOR", chair=i == 1) for i in range(1, 8)]
    stage.call("clusters.DecideSelection", "ministry-1", name=stage.selection, etag=ranked.etag, protocol_number="3",
               protocol_date=stage.today, members=members)
    stage.call("clusters.PublishResults", "ministry-1", name=stage.selection)
    scores = stage.call("clusters.ListScores", parent=stage.application).scores
    stage.same(sorted(score.total_points for score in scores), sorted(sum(given) for given in POINTS.values()),
               "the scores that are published")
    stage.table(("criterion", *POINTS), [(criterion, *(given[at] for given in POINTS.values()))
                                         for at, criterion in enumerate(CRITERIA)] +
                [("total", *(sum(given) for given in POINTS.values()))])
    stage.cluster = stage.call("clusters.GetApplication", "organization", name=stage.application).cluster
    seen = stage.call("clusters.GetCluster", name=stage.cluster)
    registered = stage.call("clusters.RegisterCluster", "ministry-1", name=seen.name, etag=seen.etag, order_number="5-п",
                            order_date=stage.today)
    stage.in_state(registered, "REGISTERED")
    stage.same(len(stage.pages("clusters.ListMembers", parent=stage.cluster)), 10, "the members of the cluster")
    for replayed in (stage.cluster, stage.application):
        answer = stage.call("clusters.ReplayDecision", "auditor", name=replayed)
        stage.check(answer.replays and all(replay.same for replay in answer.replays), f"decisions on {replayed} replay", answer)
    stage.say(f"{stage.cluster} is in the register of clusters (Art. 9(18)).")
    stage.hint(f"clusters get-cluster --name {stage.cluster}")


def supported(stage):
    stage.act("The cluster organization gets part of its upkeep back", "Art. 40(2)")
    account = f"{PROGRAMME}/accounts/2026"
    stage.call("clusters.AllocateBudget", "ministry-1", account=account, amount=Money(50_000_000), order_number="15-Б",
               order_date=stage.today)
    support = stage.call("clusters.RequestSupport", "organization", support=dict(
        cluster=stage.cluster, recipient=ORGANIZATION, form="COST_RECOVERY", year=2026,
        cost_items=[dict(title="Аренда", cost=Money(12_000_000)), dict(title="Оборудование офиса", cost=Money(3_000_001))],
        requested_sum=Money(15_000_001)))
    examine = dict(name=support.name, etag=support.etag, items=[{}, {}], documents_complete=True, opinion="Поддержать")
    stage.refused("GATE_NOT_CHECKED", "clusters.ExamineSupport", "industry-1", **examine)
    notice(stage, support.name, "BEFORE_CONSIDERATION")
    support = stage.call("clusters.ExamineSupport", "industry-1", **examine)
    seen = stage.call("clusters.GetSupport", "ministry-1", name=support.name)
    granted = 1_050_000_070  # tiyn: 70 % of what is accepted in the first year
    stage.same(tiyn_of(seen.ceiling), granted, "the ceiling of the support")
    support = stage.call("clusters.DecideSupport", "ministry-1", name=support.name, etag=seen.etag,
                         approved_sum=Money.of_tiyn(granted), programme=PROGRAMME, order_number="6-п", order_date=stage.today)
    notice(stage, support.name, "BEFORE_PAYMENT")
    support = stage.call("clusters.GetSupport", "industry-2", name=support.name)  # it has a day to be paid by now
    stage.call("clusters.PaySupport", "industry-2", name=support.name, etag=support.etag, amount=Money.of_tiyn(granted),
               order_number="101")
    stands = stage.call("clusters.GetAccount", "auditor", name=account)
    stage.same((tiyn_of(stands.available), tiyn_of(stands.committed), tiyn_of(stands.paid)),
               (5_000_000_000 - granted, 0, granted), "the account of clusters")
    stage.say(f"70 % of {tenge(1_500_000_100)} tenge: {tenge(granted)} tenge paid after the gate had let it pass twice.")


def notice(stage, support, checkpoint):
    stage.call("clusters.RecordNotice", "industry-3", notice=dict(
        number="Ш-1", checkpoint=checkpoint, recipient=ORGANIZATION, record=support, check_date=stage.today, verdict="PASSED"))
