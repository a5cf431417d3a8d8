"""Planning of contracts by the calendar of Art. 47: what customers need, the List of goods, its way into the database of
suppliers; then an off-take contract (Art. 48): deliveries, a year that falls short, and the penalty for it."""
from cast import BANK, FACTORY, FUND, MINE, NAMES, STRANGER, TOWN
from protos import Money, date_of, tiyn_of
from stage import tenge

# Not made in the country before; and made by the workshop.
DRY, CABLE = "271142.300.000077", "273213.700.000001"
PRICE = 95_000_000
# Year, volume, delivered, accepted, refused by the customer's own fault.
TERMS = {2026: (10, 10, 8, 2), 2027: (40, 30, 25, 0)}
# 10 % of the price of the two that were not bought (norm contracts.penalty_share), under 15 % of the year's value.
PENALTY = 19_000_000
TEXT = b"o" * 32


def cycle(stage):
    return stage.call("contracts.GetCycle", name=stage.cycle)


def contract(stage):
    return stage.call("contracts.GetContract", "auditor", name=stage.contract)


def needs(stage):
    stage.act("A mining company says what it will need", "Art. 46(2), 47(1)")
    customer = dict(bin=MINE, title=dict(ru=NAMES[MINE]), category="SUBSOIL_USER", source="Лицензия № 7")
    stage.call("contracts.RegisterCustomer", "ministry-1", customer=customer)
    fund = dict(bin=FUND, title=dict(ru=NAMES[FUND]), category="NATIONAL_COMPANY", welfare_fund_share_bp=5000,
                source="Выписка реестра")
    stage.refusal(stage.refused("CUSTOMER_NOT_ELIGIBLE", "contracts.RegisterCustomer", "ministry-1", customer=fund))
    stage.cycle = stage.call("contracts.OpenCycle", "ministry-1", year=2026).name
    need = dict(customer=MINE, goods_code="850433", title=dict(ru="Трансформатор сухой"), ens_tru=DRY, unit="pcs",
                quantity="40", price=Money(PRICE), first_year=2026, years=2, kato=TOWN)
    cable = dict(customer=MINE, goods_code="854449", title=dict(ru="Кабель силовой"), ens_tru=CABLE, unit="km",
                 quantity="300", price=Money(5_000_000), first_year=2026, years=2, kato=TOWN)
    stage.call("contracts.SubmitNeeds", "industry-1", parent=stage.cycle, needs=[need, cable])
    deadlines = stage.call("contracts.ListDeadlines", "industry-1", parent=stage.cycle).deadlines
    stage.table(("to be done", "by"), [(deadline.kind, date_of(deadline.due_date)) for deadline in deadlines])
    stage.say(f"{stage.cycle} is open with the days of Art. 47; {NAMES[MINE]} has two needs.")


def sent(stage):
    stage.act("The needs are sent, before 20 May", "Art. 47(1)")
    closed = stage.call("contracts.CloseNeeds", "subsoil-1", name=stage.cycle)
    stage.same((stage.state(closed), closed.need_count), ("LISTING", 2), "the cycle")
    stage.say("Two needs go to whoever forms the List.")


def listed(stage):
    stage.act("The List of goods is formed, before 30 May", "Art. 47(2)")
    formed = stage.call("contracts.FormList", "ministry-1", name=stage.cycle)
    stage.same(formed.item_count, 2, "the goods of the List")
    items = {item.ens_tru: item for item in stage.pages("contracts.ListListItems", "ministry-1", parent=stage.cycle)}
    kinds = {code: enum_of(item, "contract_type") for code, item in items.items()}
    stage.same(kinds, {DRY: "OFF_TAKE", CABLE: "CONTRACT_PROCUREMENT"}, "what the database of suppliers makes of them")
    stage.item = items[DRY].name
    stage.table(("good", "a year", "contract", "made before"), [
        (item.title.ru, f"{item.quantity} {item.unit}", kinds[code], item.production.outcome)
        for code, item in sorted(items.items())])
    stage.call("contracts.SendList", "ministry-1", name=stage.cycle)


def agreed(stage):
    stage.act("The customer agrees, before 1 July; what nobody wants is left out", "Art. 47(3)")
    proposal = stage.call("contracts.Propose", "subsoil-1", parent=stage.cycle, proposal=dict(
        item=stage.item, customer=MINE, volume="40", first_year=2026, years=2, specification="Сухой, 2500 кВА, 10 кВ"))
    stage.in_state(stage.call("contracts.Agree", "mine", name=proposal.name), "AGREED")
    submitted = stage.call("contracts.SubmitForApproval", "subsoil-1", name=stage.cycle)
    stage.same((stage.state(submitted), submitted.agreed_count), ("APPROVAL", 1), "the cycle")
    left = {item.ens_tru: stage.state(item) for item in stage.pages("contracts.ListListItems", "ministry-1", parent=stage.cycle)}
    stage.same(left, {DRY: "AGREED", CABLE: "LEFT_OUT"}, "the goods of the List")
    stage.say("The dry transformer is agreed on; the cable, to which nobody has agreed, is left out.")


def approved(stage):
    stage.act("The List is approved, before 1 August, and placed in the database of suppliers", "Art. 47(4)")
    order = dict(name=stage.cycle, order_number="21-п", order_date=stage.today)
    stage.refused("SEPARATION_OF_DUTIES", "contracts.ApproveCycle", "ministry-1", **order)
    stage.call("contracts.ApproveCycle", "ministry-2", **order)
    stage.eventually("publication", lambda: cycle(stage), lambda answer: stage.state(answer) == "PUBLISHED")
    demands = [one for one in stage.pages("suppliers.ListDemands", filter=f'ens_tru = "{DRY}"') if one.publication]
    stage.same(len(demands), 1, "how often the good stands in the database")
    stage.say(f"{demands[0].name} of {demands[0].publication}: {demands[0].quantity} {demands[0].unit} a year. Approval and its way "
              "there were one commit: it came once.")
    late = [one for one in stage.call("contracts.ListDeadlines", "industry-1", parent=stage.cycle).deadlines if one.overdue]
    stage.same(late, [], "what was not done by its statutory day")


def planned(stage):
    years = [dict(year=year, volume=str(terms[0]), price=Money(PRICE)) for year, terms in TERMS.items()]
    return dict(item=stage.item, customer=MINE, supplier=FACTORY, years=years, minimum_in_country_value_bp=5000,
                programme_duty=True, text_sha256=TEXT, price_formula="цена меди", good=dict(
                    title=dict(ru="Трансформатор сухой ТСЗ-2500"), characteristics="2500 кВА, 10/0,4 кВ, IP21",
                    configuration="Обмотки в литой изоляции"))


def concluded(stage):
    stage.act("An off-take contract: what does not exist yet is bought for years ahead", "Art. 48(1), 48(5)")
    draft = stage.call("contracts.PlanContract", "mine", contract=planned(stage))
    stage.contract = draft.name
    stage.refused("TEXT_DIFFERS", "contracts.SignContract", "mine", name=stage.contract, text_sha256=b"x" * 32,
                  etag=draft.etag)
    half = stage.call("contracts.SignContract", "mine", name=stage.contract, text_sha256=TEXT, etag=draft.etag)
    signed = stage.in_state(stage.call("contracts.SignContract", "factory", name=stage.contract, text_sha256=TEXT,
                                       etag=half.etag), "SIGNED")
    stage.same(tiyn_of(signed.sum), sum(terms[0] for terms in TERMS.values()) * PRICE * 100, "the sum of the contract")
    stage.in_state(stage.call("contracts.BeginProduction", "factory", name=stage.contract), "PRODUCTION_SETUP")
    less = dict(years=[dict(year=2027, volume="20", price=Money(PRICE))], reason="Меньше нужно", text_sha256=b"a" * 32)
    stage.refusal(stage.refused("UNILATERAL_REDUCTION", "contracts.AmendContract", "mine", parent=stage.contract,
                                amendment=less, unilateral=True))
    stage.call("contracts.PledgeContract", "factory", parent=stage.contract, pledge=dict(
        pledgee=BANK, agreement_number="З-1", agreement_date=stage.today))
    stage.refused("ACCESS_DENIED", "contracts.GetContract", "stranger", name=stage.contract)
    stage.say(f"{stage.contract}: {tenge(tiyn_of(signed.sum))} tenge in two years, pledged to the bank. {STRANGER} does not "
              "see it.")


def event(stage, year, quantity, **other):
    return dict(year=year, event_date=stage.today, quantity=str(quantity), **other)


def delivered(stage, year):
    volume, came, taken, refused = TERMS[year]
    stage.act(f"Deliveries of {year}", "Art. 48(2)")
    for part in (1, 2):  # in two halves; more than has come is not accepted
        stage.call("contracts.RecordDelivery", "factory", parent=stage.contract,
                   entry=event(stage, year, came // 2, document_number=f"Н-{year}-{part}"))
        if part == 1:
            stage.refused("OVER_DELIVERED", "contracts.AcceptGoods", "mine", parent=stage.contract,
                          entry=event(stage, year, came // 2 + 1))
    stage.call("contracts.AcceptGoods", "mine", parent=stage.contract,
               entry=event(stage, year, taken, document_number=f"А-{year}"))
    stage.call("contracts.RecordPayment", "mine", parent=stage.contract, entry=dict(
        year=year, event_date=stage.today, amount=Money(taken * PRICE), document_number=f"П-{year}"))
    if refused:
        stage.call("contracts.RefuseToBuy", "mine", parent=stage.contract, entry=event(
            stage, year, refused, fault="CUSTOMERS_FAULT", delivered=True, reason="Рудник приостановлен"))
    stage.say(f"{came} of {volume} come, {taken} are accepted and paid, {refused} are refused by the customer's own fault.")


def assessed(stage, year, penalty):
    stage.act(f"The year {year} of the contract is assessed, once", "Art. 9(40), 48(4)")
    name = stage.call("contracts.AssessYear", "ministry-1", parent=stage.contract, year=year).name
    # What companies owe each other is confidential: who assesses looks at it, and the look is recorded.
    found = stage.call("contracts.GetAssessment", "ministry-1", name=name)
    stage.refused("YEAR_ASSESSED", "contracts.AssessYear", "ministry-2", parent=stage.contract, year=year)
    stands = found.balance
    stage.same((tiyn_of(stands.penalty), bool(found.penalty)), (penalty * 100, penalty > 0), "the penalty of the year")
    stage.same(stands.decision.outcome, "SHORTFALL" if penalty else "OBLIGATION_MET", "the year")
    stage.table(("contracted", "delivered", "accepted", "obligation", "shortfall", "penalty, tenge"), [
        (stands.contracted, stands.delivered, stands.accepted, stands.obligation, stands.shortfall,
         tenge(tiyn_of(stands.penalty)))])
    stage.say(f"{stands.decision.outcome}: " + ("all of the first year's volume was to be bought."
                                                if penalty else "half of the volume is enough from the second year on."))
    if penalty:
        stage.penalty = found.penalty


def settled(stage):
    stage.act("The penalty is paid", "Art. 48(4)")
    stage.refused("NOT_CREDITOR", "contracts.SettlePenalty", "mine", name=stage.penalty, note="1")
    paid = stage.call("contracts.SettlePenalty", "factory", name=stage.penalty, note="платёжное поручение 77")
    stage.same((stage.state(paid), tiyn_of(paid.amount)), ("PAID", PENALTY * 100), "the penalty")
    stage.say(f"{tenge(PENALTY * 100)} tenge of {NAMES[MINE]} to {NAMES[FACTORY]}.")
    stage.hint(f"--as auditor contracts get-balance --name {stage.contract}")


def fulfilled(stage):
    stage.act("The term is over, nothing is owed: the contract is fulfilled", "Art. 9(40)")
    stage.in_state(stage.call("contracts.FulfilContract", "ministry-1", name=stage.contract), "FULFILLED")
    for record in (stage.contract, f"{stage.contract}/assessments/2026", stage.item):
        stage.check(stage.call("contracts.ReplayDecision", "auditor", name=record).same, f"decisions on {record} replay")
    stage.say("Its conformity, its years and the good of the List are computed again from their stored facts: the same.")


def enum_of(record, field):
    return record.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(record, field)].name
