"""Reimbursement of costs of promotion abroad (Art. 38(1)(1)): a claim that is sent back, mended and paid, the same invoice
again, which is refused, and the export that was promised."""
import datetime

from cast import FACTORY
from protos import Money, tiyn_of
from stage import tenge

ACCOUNT = "programmes/export-refunds/accounts/2026"
VOLUMES = {2025: "900", 2026: "1000", 2027: "1100", 2028: "1200"}  # thousands of US dollars
# Kind, what was paid, and what it comes to in tiyn: delivery by HIGH processing 80 % and logistics 1.05, of
# 12,345.67 euro at 561.25; the others by SMALL enterprise 60 %. Each half up to the tiyn.
EXPENSES = ((dict(kind="DELIVERY", currency="EUR", amount="12345.67", exchange_rate="561.25", logistics=True), 582_036_612),
            (dict(kind="EXHIBITION", currency="KZT", amount="2000000.55"), 120_000_033),
            (dict(kind="TRADEMARK_REGISTRATION", currency="KZT", amount="999999.99"), 59_999_999))
PAID = 7_620_366  # their sum, whole tenge, down


def paper(name="signature.cms"):
    return dict(name=name, media_type="application/pkcs7-signature", size_bytes=64, sha256=b"s" * 32)


def seen(stage):
    return stage.call("export_refunds.GetClaim", "export-2", name=stage.claim)


def step(stage, name, who, **fields):
    """A step of the claim as it stands."""
    return stage.call(f"export_refunds.{name}", who, name=stage.claim, etag=seen(stage).etag, **fields)


def list_in_force(stage):
    stage.act("The authority for trade approves what export is reimbursed for", "Art. 10(3)")
    edition = stage.call("export_refunds.CreateEdition", "trade-1", edition=dict(title_ru="Перечень товаров и услуг"))
    for code, name, level in (("8504", "Трансформаторы", "HIGH"), ("8544", "Кабель", "MEDIUM")):
        stage.call("export_refunds.CreateEntry", "trade-1", parent=edition.name,
                   entry=dict(goods_code=code, name_ru=name, processing_level=level))
    submitted = stage.call("export_refunds.SubmitEdition", "trade-1", name=edition.name)
    order = dict(name=edition.name, etag=submitted.etag, order_number="4", order_date=stage.today, effective_from=stage.today)
    stage.refused("SEPARATION_OF_DUTIES", "export_refunds.ApproveEdition", "trade-1", **order)
    stage.call("export_refunds.ApproveEdition", "trade-2", **order)
    stage.call("export_refunds.AllocateBudget", "trade-2", account=ACCOUNT, amount=Money(20_000_000), order_number="9-Б",
               order_date=stage.today)
    stage.refused("ORDER_POSTED", "export_refunds.AllocateBudget", "trade-1", account=ACCOUNT, amount=Money(20_000_000),
                  order_number="9-Б", order_date=stage.today)
    stage.check(stage.call("export_refunds.CheckCodes", goods_codes=["850423"]).results[0].entry, "850423 is on the list")
    stage.say(f"{edition.name} is in force; 20 000 000 tenge for the year. The same order twice is refused: ORDER_POSTED.")


def expense(stage, number, fields, **other):
    return dict(dict(claimant_kind="PRODUCER", goods_code="850423", country="DE", contract_number="К-1",
                     contract_date=datetime.date(2026, 3, 2), invoice_issuer="Messe GmbH", invoice_number=f"A-{number}",
                     invoice_date=datetime.date(2026, 4, number), payment_number=str(number),
                     payment_date=datetime.date(2026, 4, 20)), **fields, **other)


def draft(stage):
    volumes = [dict(year=year, volume=volume) for year, volume in VOLUMES.items()]
    return stage.call("export_refunds.CreateClaim", "factory", claim=dict(
        claimant=FACTORY, taxes_paid=Money(90_000_000), export_volumes=volumes)).name


def signed(stage):
    stage.act("The factory claims part of what promotion abroad has cost", "Art. 38(1)(1)")
    stage.claim = draft(stage)
    stage.call("export_refunds.AddExpenses", "factory", parent=stage.claim,
               expenses=[expense(stage, at, fields) for at, (fields, _) in enumerate(EXPENSES, 1)])
    dry = stage.call("export_refunds.CalculateClaim", "factory", name=stage.claim)
    stage.same([tiyn_of(line.line.amount) for line in dry.lines], [comes_to for _, comes_to in EXPENSES], "the lines")
    claim = step(stage, "SignClaim", "factory", signature=paper())
    stage.same(tiyn_of(claim.calculated), PAID * 100, "the claim")
    kinds = dry.lines[0].DESCRIPTOR.fields_by_name["kind"].enum_type.values_by_number
    stage.table(("cost", "net, tenge", "rate, %", "by", "comes to, tenge"), [
        (kinds[line.kind].name, tenge(tiyn_of(line.line.net)), f"{line.line.rate_bp / 100:.2f}", line.line.rate_by,
         tenge(tiyn_of(line.line.amount))) for line in dry.lines])
    stage.say(f"In whole tenge: {tenge(PAID * 100)}. Number {claim.number} in the queue.")
    stage.refused("ACCESS_DENIED", "export_refunds.GetClaim", "stranger", name=stage.claim)


def notice(stage, claim, checkpoint):
    stage.call("export_refunds.RecordNotice", "export-2", notice=dict(
        number="Ш-2", checkpoint=checkpoint, recipient=FACTORY, record=claim, check_date=stage.today, verdict="PASSED"))


def sent_back(stage):
    stage.act("It is examined and sent back with a remark", "Art. 13(5)(10-1)")
    stage.refused("GATE_NOT_CHECKED", "export_refunds.StartReview", "export-1", name=stage.claim)
    notice(stage, stage.claim, "BEFORE_CONSIDERATION")
    stage.refused("SEPARATION_OF_DUTIES", "export_refunds.StartReview", "export-2", name=stage.claim)
    step(stage, "StartReview", "export-1")
    step(stage, "DecidePart", "export-1", part="FINANCE", verdict="ACCEPTED")
    step(stage, "DecidePart", "export-1", part="DIGITAL", verdict="ACCEPTED")
    step(stage, "DecidePart", "export-1", part="LEGAL", verdict="REMARKS",
         remarks=[dict(field="expenses/2.invoice_number", text="Номер счёта не читается")])
    fixing = stage.in_state(step(stage, "SendRemarks", "export-1"), "FIXING")
    stage.say(f"Seven working days to answer, until {fixing.due_date.year}-{fixing.due_date.month:02}-{fixing.due_date.day:02}; "
              "then it would be annulled by itself.")


def fixed(stage):
    stage.act("It is mended, accepted, agreed on and paid", "Art. 13(5)(10)")
    mended = stage.call("export_refunds.GetExpense", "factory", name=f"{stage.claim}/expenses/2")
    stage.call("export_refunds.UpdateExpense", "factory", update_mask=dict(paths=["invoice_number"]),
               expense=dict(name=mended.name, etag=mended.etag, invoice_number="A-02"))
    other = dict(name=f"{stage.claim}/expenses/1", invoice_number="A-9")
    stage.refused("NOT_REMARKED", "export_refunds.UpdateExpense", "factory", expense=other,
                  update_mask=dict(paths=["invoice_number"]))
    step(stage, "AnswerRemarks", "factory", signature=paper(), answers=[dict(remark=1, text="Исправлено")])
    for part in ("FINANCE", "LEGAL", "DIGITAL"):
        step(stage, "DecidePart", "export-1", part=part, verdict="ACCEPTED")
    stage.same(tiyn_of(seen(stage).calculated), PAID * 100, "the claim as it was mended")
    stage.refused("SEPARATION_OF_DUTIES", "export_refunds.AcceptClaim", "export-1", name=stage.claim, etag=seen(stage).etag)
    step(stage, "AcceptClaim", "export-2")
    stage.check(seen(stage).funded, "the money is held for it", seen(stage))
    notice(stage, stage.claim, "BEFORE_PAYMENT")
    step(stage, "RunGate", "export-3")
    for who in ("factory", "export-3"):
        step(stage, "SignAgreement", who, agreement_number="Э-1", agreement_date=stage.today, signature=paper())
    pay = dict(name=stage.claim, etag=seen(stage).etag, order_number="301",
               request_id=stage.request_id("the payment of the claim"))
    stage.refused("SEPARATION_OF_DUTIES", "export_refunds.PayClaim", "export-1", name=stage.claim, etag=pay["etag"],
                  order_number="301")
    first = stage.call("export_refunds.PayClaim", "export-3", **pay)
    stage.check(stage.call("export_refunds.PayClaim", "export-3", **pay) == first, "asked again, it pays no second time")
    stands = stage.call("export_refunds.GetAccount", "auditor", name=ACCOUNT)
    stage.same((tiyn_of(stands.available), tiyn_of(stands.reserved), tiyn_of(stands.committed), tiyn_of(stands.paid)),
               ((20_000_000 - PAID) * 100, 0, 0, PAID * 100), "the account of export refunds")
    stage.say(f"{tenge(PAID * 100)} tenge paid by order 301. Sent again, the request has the same answer and pays nothing more.")
    stage.hint(f"--as auditor export-refunds get-claim --name {stage.claim}")


def duplicate(stage):
    stage.act("An invoice that was paid is claimed again, typed otherwise", "Art. 10(2)")
    first = stage.claim
    stage.claim = draft(stage)
    stage.call("export_refunds.AddExpenses", "factory", parent=stage.claim,
               expenses=[expense(stage, 2, EXPENSES[1][0], invoice_number="№ a/02")])
    claim = step(stage, "SignClaim", "factory", signature=paper())
    twin = stage.call("export_refunds.GetExpense", "factory", name=f"{stage.claim}/expenses/1")
    stage.same((list(twin.line.unsatisfied), tiyn_of(claim.calculated)), (["INVOICE_NOT_PAID_BEFORE"], 0), "the duplicate")
    notice(stage, stage.claim, "BEFORE_CONSIDERATION")
    step(stage, "StartReview", "export-1")
    for part in ("FINANCE", "LEGAL"):
        step(stage, "DecidePart", "export-1", part=part, verdict="ACCEPTED")
    stage.refusal(stage.refused("NOTHING_TO_PAY", "export_refunds.AcceptClaim", "export-2", name=stage.claim,
                                etag=seen(stage).etag))
    stage.in_state(step(stage, "RejectClaim", "export-2", reason="Счёт уже возмещён"), "REJECTED")
    stage.say("\"№ a/02\" of the same issuer and day is the invoice A-02: one invoice is paid once, and the claim is rejected.")
    stage.duplicate, stage.claim = stage.claim, first


def report(stage, year):
    """Of a year that is over: what was promised is reached."""
    stage.call("export_refunds.SubmitExportReport", "factory", parent=stage.claim,
               report=dict(year=year, volume=VOLUMES[year]))


def closed(stage):
    stage.act("The export that was promised is reached", "Art. 13(5)(10-2)")
    assessed = step(stage, "AssessObligations", "export-1")
    stage.in_state(assessed, "CLOSED")
    replays = stage.call("export_refunds.ReplayDecision", "auditor", name=stage.claim).replays
    stage.check(len(replays) >= 5 and all(replay.same for replay in replays), "every decision on the claim replays", replays)
    stage.say("Three years of export as planned: the claim is closed, nothing returns. "
              f"{len(replays)} decisions replay the same.")
