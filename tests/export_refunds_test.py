"""The life of a claim for reimbursement as the roles of the law live it, through the gateway: from the list to payment and,
over years, to what is demanded back, with the producer's status and size asked of the database of suppliers and the lists of
unreliable recipients of the register of grants, over the suite in one process and over separate processes with mutual TLS.
Each step is refused to every other role and leaves nothing behind; while the database is away, what asks it is not done, but
an answer to remarks that came in time is taken.

usage: export_refunds_test.py <bin folder> <proto folder> embedded|processes
"""
import contextlib
import datetime
import sys

sys.dont_write_bytecode = True
import grpc  # noqa: E402

from others import Others  # noqa: E402
from story import Story  # noqa: E402
from suite import SUPPLIERS, Refused, Suite, uid  # noqa: E402

AGREEMENTS = "/nisi.grants.v1.GrantAgreementsService/"
CLAIMANT, STRANGER, ISSUER = "210440000017", "990140000007", "990340000014"
MILLION = dict(currency_code="KZT", units=1_000_000)


class RefundStory(Story):
    MODULES = ("export_refunds", "agreements")

    def __init__(self, suite):
        super().__init__(suite, (
            ("drafter", "authority.trade", {}), ("approver", "authority.trade", {}), ("clerk", "institute.export", {}),
            ("examiner", "institute.export", {}), ("decider", "institute.export", {}), ("payer", "institute.export", {}),
            ("ministry", "authority.industry", {}), ("claimant", "entity", {"bin": CLAIMANT}),
            ("stranger", "entity", {"bin": STRANGER}), ("auditor", "auditor", {})))
        self.others = Others(suite, self.client, "export-refunds", STRANGER)

    def claim(self, name):
        return self.call("GetClaim", "claimant", name=name)

    def taken(self, called, who, **fields):
        """By who may; before that by everybody else, who are refused."""
        self.others.refused(self.method(called), lambda walker: self.call(called, walker, **fields))
        return self.call(called, who, **fields)

    def step(self, called, who, name, **fields):
        return self.taken(called, who, name=name, etag=self.claim(name).etag, **fields)

    @contextlib.contextmanager
    def suppliers_away(self, claim):
        """The database of suppliers is killed, where it is a process of its own: whether it is. There again afterwards."""
        away = self.suite.mode == "processes"
        if away:
            self.suite.kill(only="suppliers")
        yield away
        if away:
            self.suite.start_backend("suppliers")
            self.client.eventually("the database", lambda: self.call("CalculateClaim", "claimant", name=claim), lambda _: True)

    def not_done(self, called, who, **fields):
        """Refused as the database does not answer, and nothing half-done remains."""
        before = self.others.head()
        silent = self.refused("DEPENDENCY_NOT_ANSWERED", called, who, **fields)
        assert silent.retry and silent.code == grpc.StatusCode.UNAVAILABLE, silent
        assert silent.metadata["service"] == "suppliers", silent.metadata
        assert silent.metadata["why"] in ("UNREACHABLE", "RESTING"), silent.metadata
        assert self.others.head() == before, called

    def not_checked_while_grants_is_away(self, called, who, **fields):
        """A step that asks who stands on a list: with the register of grants killed it is not done."""
        if self.suite.mode != "processes":
            return
        before = self.others.head()
        self.suite.kill(only="grants")
        silent = self.refused("GATE_NOT_CHECKED", called, who, **fields)
        assert silent.retry and silent.code == grpc.StatusCode.UNAVAILABLE, silent
        assert silent.metadata["service"] == "grants", silent.metadata
        assert self.others.head() == before, called
        self.suite.start_backend("grants")

    def paper(self):
        return dict(name="signature.cms", media_type="application/pkcs7-signature", size_bytes=1, sha256=b"s" * 32)

    def list_in_force(self):
        edition = self.taken("CreateEdition", "drafter", edition=dict(title_ru="Перечень"))
        self.taken("CreateEntry", "drafter", parent=edition.name,
                  entry=dict(goods_code="8504", name_ru="Трансформаторы", processing_level="HIGH"))
        submitted = self.taken("SubmitEdition", "drafter", name=edition.name)
        order = dict(name=edition.name, etag=submitted.etag, order_number="1", order_date=self.day(),
                     effective_from=self.day())
        self.refused("SEPARATION_OF_DUTIES", "ApproveEdition", "drafter", **order)
        self.taken("ApproveEdition", "approver", **order)
        assert self.call("CheckCodes", None, goods_codes=["850423"]).results[0].entry.endswith("/entries/8504")

    def register_the_producer(self):
        """In the database of suppliers: a small enterprise with evidence that holds today."""
        def take(what, row):
            kind = getattr(self.m.suppliers, f"Import{what}Request")
            report = self.client.send(SUPPLIERS + f"Import{what}",
                                      [kind(header=dict(request_id=uid(), row_count=1)), kind(rows=dict(rows=[row]))],
                                      self.m.imports.ImportReport, "institute.local_content")
            assert report.committed, report
        take("Suppliers", dict(bin=CLAIMANT, name_ru="Завод", kato="751110000", oked="28.14", activities="PRODUCER",
                               phone="+77172000000", staff="40", annual_income="1000000", finance_year=str(self.suite.today().year - 1)))
        take("Evidence", dict(bin=CLAIMANT, type="REGISTER_ENTRY", number="1", issuer_bin=ISSUER, issuer="Палата",
                              valid_from=self.suite.today().isoformat(), covers="281413.900.000001=55",
                              document_name="paper.pdf", document_media_type="application/pdf", document_size="1",
                              document_sha256="aa" * 32))

    def expense(self, kind, invoice):
        return dict(kind=kind, claimant_kind="PRODUCER", goods_code="850423", country="DE", contract_number="1",
                    contract_date=self.day(-9), invoice_issuer="Messe GmbH", invoice_number=invoice,
                    invoice_date=self.client.date(self.start - datetime.timedelta(days=5)), payment_number="7",
                    payment_date=self.day(), currency="KZT",
                    amount="1000000")

    def sign(self):
        year = self.suite.today().year
        volumes = [dict(year=year - 1 + i, volume=str(100 + i)) for i in range(4)]
        self.refused("ACCESS_DENIED", "CreateClaim", "stranger", claim=dict(claimant=CLAIMANT))
        claim = self.taken("CreateClaim", "claimant", claim=dict(
            claimant=CLAIMANT, taxes_paid=dict(currency_code="KZT", units=9_000_000), export_volumes=volumes))
        self.taken("AddExpenses", "claimant", parent=claim.name,
                   expenses=[self.expense("DELIVERY", "A-1"), self.expense("EXHIBITION", "A-2")])
        # Before the producer is in the database nothing counts; then by HIGH 80 % and SMALL 60 %.
        # The service may be up before the database that it asks.
        dry = self.client.eventually("an answer of the database",
                                     lambda: self.call("CalculateClaim", "claimant", name=claim.name), lambda _: True)
        assert dry.amount.units == 0 and "PRODUCER_IS_DOMESTIC" in dry.lines[0].line.unsatisfied, dry
        self.register_the_producer()
        dry = self.call("CalculateClaim", "claimant", name=claim.name)
        assert [line.line.amount.units for line in dry.lines] == [800_000, 600_000], dry
        self.refused("ACCESS_DENIED", "GetClaim", "stranger", name=claim.name)
        with self.suppliers_away(claim.name) as away:
            if away:
                self.not_done("CalculateClaim", "claimant", name=claim.name)
                self.not_done("SignClaim", "claimant", name=claim.name, etag=self.claim(claim.name).etag,
                              signature=self.paper())
        signed = self.step("SignClaim", "claimant", claim.name, signature=self.paper())
        assert (signed.number, signed.calculated.units) == (1, 1_400_000), signed
        facts = [fact for finding in self.call("GetExpense", "claimant", name=f"{claim.name}/expenses/1").examination.findings
                 for fact in finding.facts]
        told = {fact.name: fact.version for fact in facts}
        assert told["producer_is_domestic_as"].startswith("position ") and told["invoice_taken"].startswith("position "), told
        return claim.name

    def notice(self, claim, checkpoint):
        self.taken("RecordNotice", "clerk", notice=dict(number="G-1", checkpoint=checkpoint, recipient=CLAIMANT,
                                                    record=claim, check_date=self.day(), verdict="PASSED"))

    def review(self, claim):
        self.refused("GATE_NOT_CHECKED", "StartReview", "examiner", name=claim)
        self.notice(claim, "BEFORE_CONSIDERATION")
        self.not_checked_while_grants_is_away("StartReview", "examiner", name=claim)
        # The service may be up before the register of grants that it asks.
        self.client.eventually("the review", lambda: self.step("StartReview", "examiner", claim), lambda _: True)
        self.step("DecidePart", "examiner", claim, part="FINANCE", verdict="ACCEPTED")
        self.step("DecidePart", "examiner", claim, part="DIGITAL", verdict="ACCEPTED")
        self.step("DecidePart", "examiner", claim, part="LEGAL", verdict="REMARKS",
                  remarks=[dict(field="expenses/2.invoice_number", text="Не читается")])
        self.step("SendRemarks", "examiner", claim)
        expense = self.call("GetExpense", "claimant", name=f"{claim}/expenses/2")
        # What the remark is not about stays as it was signed.
        self.refused("NOT_REMARKED", "UpdateExpense", "claimant", update_mask=dict(paths=["amount"]),
                     expense=dict(name=expense.name, etag=expense.etag, amount="9000000"))
        self.refused("NOT_REMARKED", "DeleteExpense", "claimant", name=expense.name, etag=expense.etag)
        self.taken("UpdateExpense", "claimant", update_mask=dict(paths=["invoice_number"]),
                   expense=dict(name=expense.name, etag=expense.etag, invoice_number="A-02"))
        with self.suppliers_away(claim) as away:
            back = self.step("AnswerRemarks", "claimant", claim, signature=self.paper(),
                             answers=[dict(remark=1, text="Исправлено")])
            assert back.calculated.units == (0 if away else 1_400_000), back
            if away:
                self.not_done("DecidePart", "examiner", name=claim, etag=back.etag, part="LEGAL", verdict="ACCEPTED")
        for part in ("FINANCE", "LEGAL", "DIGITAL"):
            self.step("DecidePart", "examiner", claim, part=part, verdict="ACCEPTED")
            reviewed = self.claim(claim)
            assert reviewed.calculated.units == 1_400_000, reviewed
        self.refused("SEPARATION_OF_DUTIES", "AcceptClaim", "examiner", name=claim, etag=self.claim(claim).etag)
        self.step("AcceptClaim", "decider", claim)

    def pay(self, claim):
        account = f"programmes/export-refunds/accounts/{self.suite.today().year}"
        assert not self.claim(claim).funded
        self.refused("QUEUE_WAITS", "RunGate", "payer", name=claim)
        for order in ("1", "2"):
            self.taken("AllocateBudget", "approver", account=account, amount=MILLION, order_number=order,
                      order_date=self.day())
        self.refused("ORDER_POSTED", "AllocateBudget", "drafter", account=account, amount=MILLION, order_number="2",
                     order_date=self.day())
        assert [place.claim for place in self.call("GetQueue", "claimant").places] == [claim]
        assert not self.call("GetQueue", "stranger").places
        self.notice(claim, "BEFORE_PAYMENT")
        for barred in ("clerk", "examiner"):  # who recorded the notice, and who examined
            self.refused("SEPARATION_OF_DUTIES", "RunGate", barred, name=claim)
        self.not_checked_while_grants_is_away("RunGate", "payer", name=claim)
        self.client.eventually("the second check", lambda: self.step("RunGate", "payer", claim), lambda _: True)
        self.refused("SEPARATION_OF_DUTIES", "SignAgreement", "examiner", name=claim, etag=self.claim(claim).etag,
                     agreement_number="1", agreement_date=self.day(), signature=self.paper())
        for who in ("claimant", "payer"):
            self.step("SignAgreement", who, claim, agreement_number="1", agreement_date=self.day(),
                      signature=self.paper())
        pay = dict(name=claim, etag=self.claim(claim).etag, order_number="3", request_id=uid())
        self.others.refused(self.method("PayClaim"), lambda walker: self.call("PayClaim", walker, **dict(pay, request_id=uid())))
        self.not_past_the_list(pay)
        first = self.call("PayClaim", "payer", **pay)
        assert self.call("PayClaim", "payer", **pay) == first
        stands = self.call("GetAccount", "auditor", name=account)
        assert (stands.available.units, stands.committed.units, stands.paid.units) == (600_000, 0, 1_400_000), stands
        replays = self.call("ReplayDecision", "auditor", name=claim).replays
        assert len(replays) == 5 and all(replay.same for replay in replays), replays
        self.go_to(self.start + datetime.timedelta(days=1))
        self.reaches(claim, "MONITORING")

    def not_past_the_list(self, pay):
        """Whatever notice was recorded: who stands on a list of the register of grants is not paid, nor is anybody while
        that register does not say."""
        before = self.call("ListPostings", "auditor", parent="programmes/export-refunds").postings
        self.not_checked_while_grants_is_away("PayClaim", "payer", **pay)
        entry = self.client.eventually("the list", lambda: self.call("EnterUnreliableRecipients", "ministry", recipients=[dict(
            recipient=CLAIMANT, list="BANKRUPT", basis="Решение суда 5", listed_from=self.day())]), lambda _: True)

        def reason():
            try:
                self.call("PayClaim", "payer", **pay)
            except Refused as refusal:
                return refusal.reason
            raise AssertionError("a bankrupt was paid")
        # Who was away is left alone for a while.
        self.client.eventually("the word of the list", reason, lambda said: said == "GATE_FAILED")
        assert self.call("ListPostings", "auditor", parent="programmes/export-refunds").postings == before
        # What one official may not look up, a step learns.
        check = self.m.agreements.CheckRecipientRequest(recipient=CLAIMANT, on_date=self.day())
        try:
            self.client.call(AGREEMENTS + "CheckRecipient", check, self.m.agreements.CheckRecipientResponse, "payer")
            raise AssertionError("an official was told who is listed")
        except Refused as refusal:
            assert refusal.reason == "ACCESS_DENIED", refusal
        self.call("EndUnreliableRecipient", "ministry", name=entry.recipients[0].name, reason="Отменено")

    def go_to(self, day):
        self.suite.move_clock((day - self.start).days * 24)
        self.client.eventually("the day", lambda: self.call("CheckCodes", None, goods_codes=["8504"]),
                               lambda answer: answer.on_date == self.client.date(day))

    def reaches(self, claim, state):
        number = type(self.claim(claim)).State.Value(state)
        return self.client.eventually(state, lambda: self.claim(claim), lambda answer: answer.state == number)

    def annul(self):
        """A second claim: an invoice that the first has, typed otherwise, and remarks that nobody answers."""
        year = self.suite.today().year
        claim = self.call("CreateClaim", "claimant", claim=dict(
            claimant=CLAIMANT, taxes_paid=MILLION,
            export_volumes=[dict(year=year - 1 + i, volume=str(100 + i)) for i in range(4)])).name
        self.call("AddExpenses", "claimant", parent=claim,
                  expenses=[self.expense("EXHIBITION", "№ a/2"), self.expense("DELIVERY", "C-1")])
        signed = self.step("SignClaim", "claimant", claim, signature=self.paper())
        assert (signed.number, signed.calculated.units) == (2, 800_000), signed
        twin = self.call("GetExpense", "claimant", name=f"{claim}/expenses/1")
        assert list(twin.line.unsatisfied) == ["INVOICE_NOT_PAID_BEFORE"], twin.line
        self.notice(claim, "BEFORE_CONSIDERATION")
        self.refused("SEPARATION_OF_DUTIES", "StartReview", "clerk", name=claim)
        self.step("StartReview", "examiner", claim)
        for part in ("FINANCE", "LEGAL", "DIGITAL"):
            self.step("DecidePart", "examiner", claim, part=part, verdict="REMARKS",
                      remarks=[dict(field="expenses/1", text="Оплачен")])
        fixing = self.step("SendRemarks", "examiner", claim)
        due = datetime.date(fixing.due_date.year, fixing.due_date.month, fixing.due_date.day)
        self.go_to(due + datetime.timedelta(days=1))
        self.reaches(claim, "ANNULLED")

    def years_after(self, claim, year):
        """One plan of three is reached: two thirds come back, with interest."""
        self.refused("OBLIGATIONS_NOT_DUE", "AssessObligations", "examiner", name=claim)
        account = f"programmes/export-refunds/accounts/{year}"
        self.go_to(datetime.date(year + 1, 2, 1))
        closed = self.client.eventually("the year is over", lambda: self.call("CloseYear", "payer", account=account),
                                        lambda _: True)
        assert closed.next.available.units == 600_000, closed
        self.call("SubmitExportReport", "claimant", parent=claim, report=dict(year=year, volume="101"))
        self.go_to(datetime.date(year + 2, 2, 1))
        self.client.eventually("the second report", lambda: self.call(
            "SubmitExportReport", "claimant", parent=claim, report=dict(year=year + 1, volume="100")), lambda _: True)
        self.go_to(datetime.date(year + 3, 3, 2))
        # By itself, as its day is over: the clock is there, and nothing else is due.
        self.client.eventually("the third report is late", lambda: self.call("ListDeadlines", "auditor").deadlines, lambda all_: any(
            one.kind == f"export_report_{year + 2}" and one.overdue for one in all_))
        self.step("AssessObligations", "examiner", claim)
        self.refused("SEPARATION_OF_DUTIES", "DemandReturn", "examiner", name=claim, etag=self.claim(claim).etag)
        self.step("DemandReturn", "decider", claim)
        demand = self.claim(claim).demand
        assert demand.computation.principal.units == 933_333 and demand.amount.units > 1_000_000, demand
        pay = dict(order_number="8", pay_date=self.day())
        self.step("RecordRepayment", "payer", claim, amount=MILLION, **pay)
        self.refused("REPAYMENT_RECORDED", "RecordRepayment", "payer", name=claim, amount=MILLION, **pay,
                     etag=self.claim(claim).etag)
        undo = dict(name=claim, reason="Чужой платёж", **pay)
        self.refused("SEPARATION_OF_DUTIES", "ReverseRepayment", "payer", etag=self.claim(claim).etag, **undo)
        self.taken("ReverseRepayment", "decider", etag=self.claim(claim).etag, **undo)
        undone = self.claim(claim)
        assert undone.demand.repaid.units == 0 and undone.demand.repayments[0].reversed_by, undone
        self.step("RecordRepayment", "payer", claim, amount=MILLION, **pay)
        pay["order_number"] = "9"
        self.refused("REPAYMENT_OVER_DUE", "RecordRepayment", "payer", name=claim, amount=MILLION, **pay,
                     etag=self.claim(claim).etag)
        left = dict(currency_code="KZT", units=demand.amount.units - 1_000_000)
        self.step("RecordRepayment", "payer", claim, amount=left, **pay)
        self.reaches(claim, "RECOVERED")
        replays = self.call("ReplayDecision", "auditor", name=claim).replays
        assert len(replays) == 7 and all(replay.same for replay in replays), replays


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = RefundStory(suite)
        story.list_in_force()
        claim = story.sign()
        story.review(claim)
        year = suite.today().year
        story.pay(claim)
        story.annul()
        story.years_after(claim, year)
        print(f"export refunds: {len(story.client.called)} methods answered through the gateway, {story.others.refusals} "
              f"steps refused to other roles, {sys.argv[3]}")


if __name__ == "__main__":
    main()
