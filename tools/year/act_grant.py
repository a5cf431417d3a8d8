"""An industrial grant (Art. 42): applied for, examined, decided, paid in three tranches, monitored; the obligations are
missed, and the money returns line by line (Art. 27(4))."""
import datetime
from fractions import Fraction

from cast import FACTORY, SELLER
from protos import Money, date_of, tiyn_of
from stage import tenge

PROGRAMME = "programmes/grants"
BUDGET = 1_000_000_000
ASKED, OWN = 240_000_000, 240_000_000
RAISED = 243_750_000  # as what may be granted is less than what was asked for (Art. 42(2))
COSTS = (("Линия намотки", 420_000_000, 420_000_000), ("Испытательный стенд", 60_000_000, 40_000_000))
# The least of 50 % of what is accepted (a small enterprise), 50,000 MCI of 4,325 tenge, and what was asked for.
GRANT = 216_250_000
TRANCHES = (64_875_000, 86_500_000, 64_875_000)  # 30, 40 and 30 %
CRITERIA = ("INNOVATIVENESS", "COMPETITIVENESS", "SCALE", "EXPORT_ORIENTATION", "LABOUR_PRODUCTIVITY")
SCORES = {"expert-1": (8, 7, 9, 8, 7), "expert-2": (7, 7, 8, 9, 8), "expert-3": (9, 8, 8, 7, 8)}
DOCUMENTS = ("BUSINESS_PLAN", "COST_ESTIMATE", "TAX_CERTIFICATE", "FINANCIAL_STATEMENTS", "OWN_CONTRIBUTION")
TEXT = b"g" * 32
COMMISSIONING = datetime.date(2027, 6, 30)
OBLIGATIONS_UNTIL = datetime.date(2030, 6, 30)
# Area, indicator, unit, baseline, target, weight in hundredths of a percent, and what was reached.
OBLIGATIONS = (("EXPORT", "вывоз", "млн тенге", "", "900", 5000, "540"),
               ("LABOUR_PRODUCTIVITY", "выработка на работника", "млн тенге", "10", "20", 3000, "16"),
               ("DOMESTIC_MARKET", "поставки на внутренний рынок", "млн тенге", "", "500", 2000, "500"))
FULFILLED = Fraction(68, 100)  # 0.5 x 540/900 + 0.3 x (16 - 10)/(20 - 10) + 0.2 x 1
# The base rate of the National Bank by its first day, as far as it matters here.
RATES = ((datetime.date(2025, 10, 13), Fraction(1800)), (datetime.date(2026, 6, 8), Fraction(1700)),
         (datetime.date(2026, 7, 27), Fraction(1675)), (datetime.date(2026, 9, 7), Fraction(1625)))
DAY = datetime.timedelta(days=1)


def paper(name="paper"):
    return dict(name=f"{name}.pdf", media_type="application/pdf", size_bytes=100, sha256=b"h" * 32)


def now(stage):
    return stage.call("grants.GetApplication", "ministry-1", name=stage.grant)


def agreement(stage):
    return stage.call("grants.GetAgreement", "ministry-1", name=stage.agreement)


def demand(stage):
    return stage.call("grants.GetDemand", "ministry-1", name=stage.demand)


def stands(stage, year=2026):
    account = stage.call("grants.GetAccount", "auditor", name=f"{PROGRAMME}/accounts/{year}")
    return tuple(tiyn_of(getattr(account, bucket)) // 100 for bucket in ("available", "reserved", "committed", "paid"))


def programme(stage):
    stage.act("A programme of industrial grants and its money", "Art. 42(5)")
    stage.call("grants.CreateProgramme", "ministry-1", programme_id="grants", programme=dict(
        title=dict(ru="Промышленные гранты", kk="Өнеркәсіптік гранттар"), measure_number="М-13",
        operator_contract_number="Д-1", operator_contract_until=datetime.date(2035, 12, 31)))
    stage.call("grants.AllocateBudget", "ministry-1", account=f"{PROGRAMME}/accounts/2026", amount=Money(BUDGET),
               order_number="2-Б", order_date=stage.today)
    stage.say(f"{PROGRAMME}: {tenge(BUDGET * 100)} tenge for 2026.")


def application(stage):
    return dict(
        programme=PROGRAMME, applicant=FACTORY, title=dict(ru="Линия силовых трансформаторов"), project=stage.project,
        goods_codes=[stage.code], cost_items=[dict(title=title, cost=Money(cost), seller=SELLER) for title, cost, _ in COSTS],
        requested_sum=Money(ASKED), own_contribution=Money(OWN), tax_debt=Money(0),
        documents=[dict(kind=kind, document=paper(kind.lower())) for kind in DOCUMENTS],
        obligations=[dict(area=area, indicator=indicator, unit=unit, baseline=baseline, target=target, weight_bp=weight,
                          due_date=OBLIGATIONS_UNTIL)
                     for area, indicator, unit, baseline, target, weight, _ in OBLIGATIONS],
        obligations_accepted=True, commissioning_date=COMMISSIONING, business_plan="Серийный выпуск с 2028 года")


def filed(stage):
    stage.act("The factory applies for a grant", "Art. 42(1)")
    dry = stage.call("grants.CheckEligibility", "factory", application=application(stage))
    stage.same(dry.decision.outcome, "ELIGIBLE", "the conditions of Art. 25(5)")
    stage.table(("condition of Art. 25(5)", "holds", "by"), [
        (finding.rule, "yes" if finding.satisfied else "NO",
         ", ".join(sorted({fact.source for fact in finding.facts if "/" in fact.source}))[:60])
        for finding in dry.decision.findings])
    stage.grant = stage.call("grants.CreateApplication", "factory", application=application(stage)).name
    stage.call("grants.SubmitApplication", "factory", name=stage.grant)
    stage.refused("ACCESS_DENIED", "grants.GetApplication", "stranger", name=stage.grant)
    seen = now(stage)
    checked = stage.call("grants.CheckCompleteness", "industry-1", name=stage.grant, etag=seen.etag, documents_complete=False)
    stage.call("grants.ReturnForFix", "industry-1", name=stage.grant, etag=checked.etag, remarks="Исправить смету")
    stage.in_state(now(stage), "RETURNED_FOR_FIX")
    stage.say(f"{stage.grant}; the institute sends it back: seven working days to mend it.")


def examined(stage):
    stage.act("Mended, let through the gate, scored by three experts", "Art. 25(4), 42(3)")
    stage.call("grants.UpdateApplication", "factory",
               application=dict(name=stage.grant, title=dict(ru="Линия сухих силовых трансформаторов")),
               update_mask=dict(paths=["title"]))
    stage.call("grants.ResubmitApplication", "factory", name=stage.grant)
    stage.call("grants.CheckCompleteness", "industry-1", name=stage.grant, etag=now(stage).etag, documents_complete=True)
    stage.call("grants.RunGate", "ministry-1", name=stage.grant, etag=now(stage).etag)
    stage.in_state(now(stage), "EXAMINATION")
    stage.call("grants.AssignExperts", "industry-1", name=stage.grant,
               experts=[dict(expert_subject=f"dev:{who}") for who in SCORES])
    for who, given in SCORES.items():
        stage.call("grants.Score", who, name=stage.grant, conclusion="Поддержать",
                   scores=[dict(criterion=criterion, score=score) for criterion, score in zip(CRITERIA, given)])
    stage.call("grants.CloseExamination", "industry-1", name=stage.grant, items=[
        {} if accepted == cost else dict(accepted=Money(accepted), remark="Часть стенда уже есть")
        for _, cost, accepted in COSTS])
    seen = now(stage)
    stage.same((tiyn_of(seen.accepted_cost), tiyn_of(seen.ceiling)), (46_000_000_000, GRANT * 100), "accepted cost and ceiling")
    stage.table(("criterion", *SCORES), [(criterion, *(given[at] for given in SCORES.values()))
                                         for at, criterion in enumerate(CRITERIA)])
    stage.call("grants.RaiseContribution", "factory", name=stage.grant, own_contribution=Money(RAISED),
               documents=[paper("own-money")])
    stage.say(f"Accepted: {tenge(46_000_000_000)} of {tenge(48_000_000_000)} tenge. The most that may be granted: 50,000 MCI, "
              f"{tenge(GRANT * 100)} tenge.")


def decided(stage):
    stage.act("The commission decides", "Art. 42(1)")
    stage.call("grants.OpenMeeting", "ministry-1", name=stage.grant, members=[
        dict(subject=f"dev:member-{i}", title=f"Член {i}", chair=i == 1) for i in range(1, 8)])
    meeting = now(stage).commission
    for i in range(1, 6):
        stage.call("grants.Vote", f"member-{i}", name=meeting, in_favour=True)
    stage.call("grants.Vote", "member-6", name=meeting, in_favour=False, grounds=["ENTITY_NOT_COMPLIANT"], comment="Сомневаюсь")
    stage.call("grants.Recuse", "member-7", name=meeting, comment="Родственник заявителя")
    stage.refused("MEMBER_RECUSED", "grants.Vote", "member-7", name=meeting, in_favour=True)
    etag = stage.call("grants.GetCommission", "ministry-1", name=meeting).etag
    stage.call("grants.CloseMeeting", "ministry-1", name=meeting, protocol_number="7", protocol_date=stage.today, etag=etag)
    seen = stage.in_state(now(stage), "APPROVED")
    stage.same(tiyn_of(seen.approved_sum), GRANT * 100, "the grant")
    stage.same(stands(stage), (BUDGET - GRANT, GRANT, 0, 0), "the account: available, reserved, committed, paid")
    stage.say(f"Five for, one against, one recused: {tenge(GRANT * 100)} tenge are granted and reserved.")


def agreed(stage):
    stage.act("The agreement is written and signed by both", "Art. 27(1)")
    stage.call("grants.CreateAgreement", "industry-2", name=stage.grant, text_sha256=TEXT,
               conditions=["Взнос внесён", "Линия поставлена", "Стенд пущен"])
    stage.agreement = stage.grant.replace("applications", "agreements")
    stage.refused("TEXT_DIFFERS", "grants.SignAgreement", "factory", name=stage.agreement, text_sha256=b"x" * 32)
    stage.call("grants.SignAgreement", "factory", name=stage.agreement, text_sha256=TEXT)
    signed = stage.call("grants.SignAgreement", "ministry-2", name=stage.agreement, text_sha256=TEXT)
    stage.same([tiyn_of(tranche.amount) // 100 for tranche in signed.tranches], list(TRANCHES), "the tranches")
    stage.same(date_of(signed.obligations_until), OBLIGATIONS_UNTIL, "the last day of the obligations")
    stage.same(stands(stage), (BUDGET - GRANT, 0, GRANT, 0), "the account when it is signed")
    stage.say(f"Obligations until {OBLIGATIONS_UNTIL}; the money is committed.")


def paid(stage, tranche):
    stage.act(f"Tranche {tranche} is proven and paid", "Art. 42(5)")
    stage.call("grants.FileTrancheProof", "factory", name=stage.agreement, tranche=tranche,
               documents=[paper(f"proof-{tranche}")])
    stage.call("grants.ProveTranche", "industry-1", name=stage.agreement, tranche=tranche, proven=True,
               etag=agreement(stage).etag)
    pay = dict(name=stage.agreement, tranche=tranche, order_number=str(400 + tranche), etag=agreement(stage).etag)
    stage.refused("SEPARATION_OF_DUTIES", "grants.PayTranche", "industry-1", **pay)
    pay["request_id"] = stage.request_id(f"the payment of tranche {tranche}")
    payment = stage.call("grants.PayTranche", "industry-3", **pay)
    stage.check(stage.call("grants.PayTranche", "industry-3", **pay) == payment, "asked again, it pays no second time")
    done = sum(TRANCHES[:tranche])
    stage.same(stands(stage), (BUDGET - GRANT, 0, GRANT - done, done), f"the account after tranche {tranche}")
    stage.say(f"{tenge(TRANCHES[tranche - 1] * 100)} tenge by order {400 + tranche}; {tenge(done * 100)} of "
              f"{tenge(GRANT * 100)} are paid.")


def monitored(stage, year, half, progress, reached=()):
    stage.act(f"The factory reports on half-year {half} of {year}", "Art. 42(4)")
    report = stage.call("grants.SubmitMonitoringReport", "factory", parent=stage.agreement, report=dict(
        year=year, half=half, progress=progress,
        reached=[dict(indicator=indicator, value=value) for indicator, value in reached]))
    stage.check(not report.late, "the report is in time", report)
    stage.say(f"{report.name}: {progress}")


def year_closed(stage):
    stage.act("The financial year is closed: the balance goes into the next, not back to the budget", "Art. 42(5)")
    closed = stage.call("grants.CloseYear", "ministry-1", account=f"{PROGRAMME}/accounts/2026")
    again = stage.call("grants.CloseYear", "ministry-2", account=f"{PROGRAMME}/accounts/2026")
    stage.check(again == closed, "once, exactly, however often it is asked for", again)
    stage.same((stands(stage), stands(stage, 2027)), ((0, 0, 0, GRANT), (BUDGET - GRANT, 0, 0, 0)), "the accounts of both years")
    stage.say(f"{tenge((BUDGET - GRANT) * 100)} tenge are carried into 2027, in one posting.")


def missed(stage):
    stage.act("The obligations are over, and missed", "Art. 27(3), 42(4)")
    facts = [reached for *_, reached in OBLIGATIONS]
    overdue = stage.eventually("missed reports are overdue", lambda: [one for one in stage.call(
        "grants.ListDeadlines", "industry-1", parent=stage.grant).deadlines if one.overdue], lambda all_: len(all_) == 5)
    stage.say(f"{len(overdue)} terms of it are overdue: no half-year after the first of 2027 was reported on.")
    stage.call("grants.AssessObligations", "industry-1", name=stage.agreement, facts=facts, documents=[paper("inspection")],
               etag=agreement(stage).etag)
    seen = agreement(stage)
    stage.same(Fraction(seen.achievement.level), FULFILLED, "the level of fulfilment")
    stage.table(("obligation", "baseline", "target", "reached", "level", "weight, %"), [
        (indicator, baseline, target, reached, part.level, weight // 100)
        for (_, indicator, _, baseline, target, weight, reached), part in zip(OBLIGATIONS, seen.achievement.parts)])
    stage.in_state(now(stage), "RECOVERY")
    stage.say(f"A = {seen.achievement.level} of all: {float(100 * (1 - FULFILLED)):.0f} % of each payment return.")


def rate_lines(paid_on, demanded):
    """Stretches of days of one rate, from the day after the payment to the day of demand, both included."""
    starts = [first for first, _ in RATES] + [datetime.date.max]
    for (first, rate), until in zip(RATES, starts[1:]):
        from_, to = max(first, paid_on + DAY), min(until - DAY, demanded) if until != datetime.date.max else demanded
        if from_ <= to:
            yield from_, to, (to - from_).days + 1, rate


def demanded(stage):
    """The demand is computed here once more, in fractions, and must be the same to the tenge."""
    stage.act("The money is demanded back, line by line", "Art. 27(4)")
    stage.call("grants.DemandReturn", "ministry-1", name=stage.agreement, etag=agreement(stage).etag)
    stage.demand = stage.grant.replace("applications", "demands")
    seen = demand(stage)
    total, rows = Fraction(0), []
    for line, amount in zip(seen.computation.lines, TRANCHES):
        principal = amount * (1 - FULFILLED)
        total += principal
        stage.same((tiyn_of(line.paid), tiyn_of(line.principal)), (amount * 100, principal * 100), "a payment and what returns")
        wanted = list(rate_lines(date_of(line.paid_on), stage.today))
        stage.same([(date_of(getattr(one, "from")), date_of(one.to), one.days) for one in line.interest],
                   [stretch[:3] for stretch in wanted], "the stretches of interest")
        for one, (from_, to, days, rate) in zip(line.interest, wanted):
            interest = principal * rate / 10_000 * days / 365
            total += interest
            stage.check(abs(tiyn_of(one.amount) - interest * 100) <= 1, "a line is shown to the tiyn", (one, float(interest)))
            rows.append((line.payment.rpartition("/")[2], tenge(tiyn_of(line.principal)), from_, to, days, one.rate,
                         tenge(tiyn_of(one.amount))))
    stage.table(("payment", "returns, tenge", "from", "to", "days", "base rate, %", "interest, tenge"), rows)
    whole = int(total + Fraction(1, 2))  # once, half up
    stage.same(tiyn_of(seen.total), whole * 100, "the demand")
    stage.say(f"Principal {tenge(tiyn_of(seen.computation.principal))}, with interest {tenge(whole * 100)} tenge, until "
              f"{date_of(seen.due_date)}.")
    stage.hint(f"--as auditor grants get-demand --name {stage.demand}")
    stage.total = whole


def late(stage):
    stage.act("It is not paid in time: late interest runs, the gate lets nothing pass", "Art. 27(4), No. 437")
    listed = stage.eventually("the list of unreliable recipients", lambda: demand(stage), lambda answer: answer.listing)
    entries = stage.call("grants.ListUnreliableRecipients", "factory").recipients
    stage.same([entry.name for entry in entries], [listed.listing], "the factory's entry on the list")
    stage.check(not stage.call("grants.ListUnreliableRecipients", "stranger").recipients, "strangers see no entry of it")
    half = stage.total // 2
    stage.call("grants.RecordRepayment", "industry-3", name=stage.demand, etag=listed.etag, amount=Money(half),
               pay_date=stage.today, payment_number="5001")
    part = demand(stage)
    days = (stage.today - date_of(part.due_date)).days
    wanted = Fraction(stage.total) * Fraction(1625, 10_000) * days / 365
    stage.check(abs(tiyn_of(part.late_interest) - wanted * 100) <= 1, "late interest", (part.late_interest, float(wanted)))
    stage.say(f"{tenge(half * 100)} tenge come {days} days late: {tenge(tiyn_of(part.late_interest))} tenge of late interest.")


def recovered(stage):
    stage.act("The last tenge comes back", "Art. 27(4)")
    part = demand(stage)
    unpaid = stage.total - stage.total // 2
    days = (stage.today - date_of(part.repayments[-1].pay_date)).days
    wanted = Fraction(tiyn_of(part.total) + tiyn_of(part.late_interest) - (stage.total // 2) * 100)
    running = round_half_up(Fraction(unpaid * 100) * Fraction(1625, 10_000) * days / 365)
    over = Money.of_tiyn(int(wanted) + running + 100)
    stage.refused("SUM_OVER_DEMAND", "grants.RecordRepayment", "industry-3", name=stage.demand, etag=part.etag, amount=over,
                  pay_date=stage.today, payment_number="5002")
    rest = Money.of_tiyn(int(wanted) + running)
    stage.call("grants.RecordRepayment", "industry-3", name=stage.demand, etag=part.etag, amount=rest, pay_date=stage.today,
               payment_number="5002")
    done = stage.in_state(demand(stage), "REPAID")
    stage.in_state(now(stage), "RECOVERED")
    stage.check(not stage.call("grants.ListUnreliableRecipients", "factory").recipients, "the factory is off the list")
    stage.table(("repayment", "day", "tenge", "late interest, tenge"), [
        (one.payment_number, date_of(one.pay_date), tenge(tiyn_of(one.amount)), tenge(tiyn_of(one.late.amount)))
        for one in done.repayments])
    for record, decisions in ((stage.grant, 4), (stage.agreement, 1), (stage.demand, 1), (f"{stage.agreement}/payments/2", 1)):
        replayed = stage.call("grants.ReplayDecision", "auditor", name=record)
        stage.check(replayed.same and len(replayed.replays) == decisions, f"decisions on {record} replay", replayed)
    stage.say("RECOVERED; the factory is off the list. All seven decisions, computed again from their stored facts, are the same.")


def round_half_up(tiyn):
    return int(tiyn + Fraction(1, 2))
