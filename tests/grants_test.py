"""The life of an industrial grant as the roles of the law live it, through the gateway: from the programme's money to
the last tenge that comes back, over several years, in one process and over separate processes with mutual TLS. Each
step is refused to every other role and leaves nothing behind. The list of priority goods, the suppliers and the map are
other services: while one of them is away or does not answer, its check is not done.

usage: grants_test.py <bin folder> <proto folder> embedded|processes
"""
import concurrent.futures
import datetime
import pathlib
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
import grpc  # noqa: E402

from journey_test import entry  # noqa: E402
from others import Others  # noqa: E402
from story import Story, bins, money  # noqa: E402
from suite import Suite, uid  # noqa: E402

PROGRAMME = "programmes/grants"
CRITERIA = ("INNOVATIVENESS", "COMPETITIVENESS", "SCALE", "EXPORT_ORIENTATION", "LABOUR_PRODUCTIVITY")
DOCUMENTS = ("BUSINESS_PLAN", "COST_ESTIMATE", "TAX_CERTIFICATE", "FINANCIAL_STATEMENTS", "OWN_CONTRIBUTION")
TEXT = b"t" * 32
ASKED = ("priority-goods", "suppliers", "industry-map")


def paper():
    return dict(name="paper.pdf", media_type="application/pdf", size_bytes=100, sha256=b"h" * 32)


class GrantStory(Story):
    MODULES = ("grants", "agreements")

    def __init__(self, suite):
        numbers = bins()
        self.owner, self.stranger, self.seller, self.other = (next(numbers) for _ in range(4))
        super().__init__(suite, (
            ("checker", "institute.industry", {}), ("writer", "institute.industry", {}), ("payer", "institute.industry", {}),
            ("ministry", "authority.industry", {}), ("minister", "authority.industry", {}), ("auditor", "auditor", {}),
            ("institute.local_content", "institute.local_content", {}),
            *((f"expert-{i}", "expert", {}) for i in range(1, 4)), *((f"member-{i}", "expert", {}) for i in range(1, 8)),
            ("owner", "entity", {"bin": self.owner}), ("stranger", "entity", {"bin": self.stranger}),
            ("other", "entity", {"bin": self.other})))
        self.moved = 0
        self.others = Others(suite, self.client, "grants", self.stranger)

    def step(self, called, who, **fields):
        """A step by who may take it; before that by everybody else, who are refused."""
        self.others.refused(self.method(called), lambda walker: self.call(called, walker, **fields))
        return self.call(called, who, **fields)

    def go_to(self, day):
        self.moved = (day - self.start).days
        super().go_to(day)

    def now(self, name):
        return self.call("GetApplication", "ministry", name=name)

    def agreement(self, name):
        return self.call("GetAgreement", "ministry", name=name.replace("applications", "agreements"))

    def demand(self, name):
        return self.call("GetDemand", "ministry", name=name.replace("applications", "demands"))

    def state(self, name):
        return self.m.grants_resources.Application.State.Name(self.now(name).state)

    def stands(self, year):
        account = self.call("GetAccount", "auditor", name=f"{PROGRAMME}/accounts/{year}")
        return tuple(getattr(account, bucket).units for bucket in ("available", "reserved", "committed", "paid"))

    # ---- What others know

    def neighbours(self):
        """Priority goods with one heading, and a place on the map. Returns the edition."""
        goods = self.client.goods
        edition = goods("CreateEdition", "writer", edition={"title_ru": "Перечень"}).name
        goods("BatchCreateEntries", "writer", parent=edition, entries=[entry("8504")])
        submitted = goods("SubmitEdition", "writer", name=edition)
        goods("ApproveEdition", "ministry", name=edition, etag=submitted.etag, order_number="217-НҚ",
              order_date=self.day(), effective_from=self.day())
        since = self.suite.today() - datetime.timedelta(days=30)
        self.imported("/nisi.industry_map.v1.PlacesService/ImportPlaces", self.m.places.ImportPlacesRequest, "ministry",
                      dict(classifier="NK RK 11-2025", effective_date=self.client.date(since)),
                      dict(kato="110000000", level="REGION", name_ru="Акмолинская область"))
        self.registered(self.owner, 1)
        return edition

    def registered(self, applicant, number):
        """The map with that project of the applicant; the applicant a domestic producer."""
        since = self.suite.today() - datetime.timedelta(days=30)
        self.imported("/nisi.industry_map.v1.IndustryMapService/ImportProjects", self.m.map.ImportProjectsRequest,
                      "ministry", dict(act_number=str(number), act_date=self.client.date(since)), dict(
                          earlier_number=f"M-{number}", title_ru="Завод", kind="NEW", stage="IMPLEMENTED", kato="110000000",
                          latitude="51.100000", longitude="71.400000", owner_bin=applicant, owner_name="Завод",
                          oked="27.11", goods_codes="8504", responsible_body_kind="AKIMAT",
                          responsible_body_bin=self.stranger, responsible_body_name="Акимат", jobs_building="10",
                          jobs_operation="20", cost="1000000", export_share="10.00", in_country_value="50.00",
                          construction_planned=since.isoformat(),
                          commissioning_planned=(since + datetime.timedelta(days=400)).isoformat(),
                          design_capacity_planned=(since + datetime.timedelta(days=500)).isoformat()))
        self.imported("/nisi.suppliers.v1.SuppliersService/ImportSuppliers", self.m.suppliers.ImportSuppliersRequest,
                      "institute.local_content", {}, dict(
                          bin=applicant, name_ru="Завод", kato="110000000", oked="27.11", activities="PRODUCER",
                          address="ул. Первая, 1", contact_person="Отдел сбыта", phone="+7 700 0000000",
                          email="sales@example.kz", staff="40", annual_income="200000000",
                          finance_year=str(since.year - 1), registered_since=since.isoformat()))
        self.imported("/nisi.suppliers.v1.SuppliersService/ImportEvidence", self.m.suppliers.ImportEvidenceRequest,
                      "institute.local_content", {}, dict(
                          bin=applicant, type="REGISTER_ENTRY", number=f"РП-{number}", issuer_bin=self.stranger,
                          issuer="Реестр", valid_from=since.isoformat(), covers="271141.300.000001=45.50",
                          document_name="entry.pdf", document_media_type="application/pdf", document_size="1000",
                          document_sha256="ab" * 32))

    def imported(self, path, kind, who, header, row):
        report = self.client.send(path, [kind(header=dict(request_id=uid(), row_count=1, **header)),
                                         kind(rows=dict(rows=[dict(row_number=1, **row)]))],
                                  self.m.imports.ImportReport, who)
        assert report.entered_count == 1, (path, report)

    # ---- Steps

    def application(self, applicant=None):
        ahead = self.suite.today() + datetime.timedelta(days=365)
        return dict(
            programme=PROGRAMME, applicant=applicant or self.owner, title=dict(ru="Линия трансформаторов"),
            project="projects/1", goods_codes=["8504"],
            cost_items=[dict(title="Станок", cost=money(1_000_000), seller=self.seller)],
            requested_sum=money(400_000), own_contribution=money(600_000), tax_debt=money(0),
            documents=[dict(kind=kind, document=paper()) for kind in DOCUMENTS],
            obligations=[dict(area="EXPORT", indicator="вывоз", unit="млн тенге", target="100",
                              due_date=self.client.date(ahead + datetime.timedelta(days=365)))],
            obligations_accepted=True, commissioning_date=self.client.date(ahead), business_plan="Для немногих")

    def programme(self):
        self.step("CreateProgramme", "ministry", programme_id="grants", programme=dict(
            title=dict(ru="Промышленные гранты"), measure_number="M-1", operator_contract_number="D-1",
            operator_contract_until=self.day(4000)))
        self.step("AllocateBudget", "ministry", account=f"{PROGRAMME}/accounts/{self.suite.today().year}",
                  amount=money(1_000_000), order_number="1", order_date=self.day())
        self.refused("ORDER_POSTED", "AllocateBudget", "ministry", amount=money(1_000_000), order_number="1",
                     account=f"{PROGRAMME}/accounts/{self.suite.today().year}", order_date=self.day())

    def not_done_while_away(self, called, who, fields):
        """A step that asks others: with each of them killed, and with one that does not answer, it is not done."""
        if self.suite.mode != "processes":
            return
        for peer in ASKED:
            before = self.others.head()
            self.suite.kill(only=peer)
            silent = self.refused("DEPENDENCY_NOT_ANSWERED", called, who, **fields)
            assert silent.retry and silent.code == grpc.StatusCode.UNAVAILABLE, silent
            # Left alone for a while where a slow machine had let several calls fail before.
            assert silent.metadata["service"] == peer, silent.metadata
            assert silent.metadata["why"] in ("UNREACHABLE", "RESTING"), silent.metadata
            assert self.others.head() == before, "nothing half-done remains"
            self.suite.start_backend(peer)
            self.there_again()
        with self.suite.paused("suppliers"):
            slow = self.refused("DEPENDENCY_NOT_ANSWERED", called, who, **fields)
            assert (slow.metadata["service"], slow.metadata["why"]) == ("suppliers", "TOO_SLOW"), slow.metadata
        self.there_again()

    def there_again(self):
        self.client.eventually("all neighbours", lambda: self.call("CheckEligibility", "owner",
                                                                   application=self.application()),
                               lambda answer: answer.applicant)

    def filed(self):
        """Up to the gate; another application whose window for fixing is missed."""
        self.there_again()  # processes that were just started find each other
        dry = self.step("CheckEligibility", "owner", application=self.application())
        assert dry.decision.outcome == "ELIGIBLE", dry
        self.not_done_while_away("CheckEligibility", "owner", dict(application=self.application()))
        made = self.step("CreateApplication", "owner", application=self.application())
        name = made.name
        self.refused("ACCESS_DENIED", "GetApplication", "stranger", name=name)
        self.step("SubmitApplication", "owner", name=name)
        seen = self.now(name)
        checked = self.step("CheckCompleteness", "checker", name=name, etag=seen.etag, documents_complete=False)
        self.step("ReturnForFix", "checker", name=name, etag=checked.etag, remarks="Исправить смету")
        self.step("UpdateApplication", "owner", application=dict(name=name, title=dict(ru="Линия сухих трансформаторов")),
                  update_mask=dict(paths=["title"]))
        self.step("ResubmitApplication", "owner", name=name)
        self.step("CheckCompleteness", "checker", name=name, etag=self.now(name).etag, documents_complete=True)
        forgotten = self.call("CreateApplication", "other", application=self.application(self.other)).name
        self.call("SubmitApplication", "other", name=forgotten)
        self.call("CheckCompleteness", "checker", name=forgotten, etag=self.now(forgotten).etag, documents_complete=False)
        self.call("ReturnForFix", "checker", name=forgotten, etag=self.now(forgotten).etag, remarks="Исправить")
        withdrawn = self.call("CreateApplication", "owner", application=self.application()).name
        self.step("WithdrawApplication", "owner", name=withdrawn, reason="Передумали")
        return name, forgotten

    def decided(self, name):
        run = dict(name=name, etag=self.now(name).etag)
        self.not_done_while_away("RunGate", "ministry", run)
        self.step("RunGate", "ministry", **run)
        assert self.state(name) == "EXAMINATION"
        facts = {fact.name: fact for finding in self.now(name).eligibility.findings for fact in finding.facts}
        assert facts["goods"].value == "8504:LISTED" and facts["goods"].version.startswith("position "), facts["goods"]
        assert facts["size"].source == f"suppliers/{self.owner}" and facts["size"].version, facts["size"]
        assert facts["project_owner"].value == self.owner and facts["project_owner"].version, facts["project_owner"]
        self.step("AssignExperts", "checker", name=name, experts=[dict(expert_subject=f"dev:expert-{i}") for i in (1, 2, 3)])
        for i in (1, 2, 3):
            self.step("Score", f"expert-{i}", name=name, conclusion="Поддержать",
                      scores=[dict(criterion=criterion, score=8) for criterion in CRITERIA])
        self.step("CloseExamination", "checker", name=name, items=[{}])
        self.step("OpenMeeting", "ministry", name=name, members=[
            dict(subject=f"dev:member-{i}", title=f"Член {i}", chair=i == 1) for i in range(1, 8)])
        meeting = self.now(name).commission
        for i in range(1, 7):
            self.step("Vote", f"member-{i}", name=meeting, in_favour=True)
        self.step("Recuse", "member-7", name=meeting, comment="Родственник")
        self.step("CloseMeeting", "ministry", name=meeting, protocol_number="7", protocol_date=self.day(),
                  etag=self.call("GetCommission", "ministry", name=meeting).etag)
        assert self.state(name) == "APPROVED"
        assert self.stands(self.suite.today().year) == (600_000, 400_000, 0, 0)

    def signed(self, name):
        self.step("CreateAgreement", "writer", name=name, text_sha256=TEXT,
                  conditions=["Взнос внесён", "Станок поставлен", "Линия пущена"])
        agreement = self.agreement(name).name
        self.step("SignAgreement", "owner", name=agreement, text_sha256=TEXT)
        self.call("SignAgreement", "minister", name=agreement, text_sha256=TEXT)
        assert self.state(name) == "AGREEMENT_SIGNED"
        assert self.stands(self.suite.today().year) == (600_000, 0, 400_000, 0)
        return agreement

    def proven(self, agreement, tranche, who="owner"):
        self.step("FileTrancheProof", who, name=agreement, tranche=tranche, documents=[paper()])
        self.step("ProveTranche", "checker", name=agreement, tranche=tranche, proven=True,
                  etag=self.call("GetAgreement", "ministry", name=agreement).etag)
        return dict(name=agreement, tranche=tranche, order_number=str(40 + tranche),
                    etag=self.call("GetAgreement", "ministry", name=agreement).etag)

    def executed(self, agreement, name, forgotten):
        year = self.suite.today().year
        pay = self.proven(agreement, 1)
        self.refused("SEPARATION_OF_DUTIES", "PayTranche", "checker", **pay)
        self.step("PayTranche", "payer", **pay)
        assert self.stands(year) == (600_000, 0, 280_000, 120_000)
        self.call("PayTranche", "payer", **self.proven(agreement, 2))
        assert self.stands(year) == (600_000, 0, 120_000, 280_000)
        self.go_to(datetime.date(year + 1, 1, 12))
        report = dict(parent=agreement, report=dict(year=year, half=2, progress="Строим"))
        # By itself, as its window for fixing is over: the clock is there.
        self.client.eventually("the new year", lambda: self.state(forgotten), lambda state: state == "ANNULLED")
        filed = self.step("SubmitMonitoringReport", "owner", **report)
        assert self.call("GetMonitoringReport", "checker", name=filed.name).half == 2, filed.name
        pay = self.proven(agreement, 3)
        closed = self.step("CloseYear", "ministry", account=f"{PROGRAMME}/accounts/{year}")
        assert self.call("CloseYear", "minister", account=f"{PROGRAMME}/accounts/{year}") == closed, "once, exactly"
        for times in (1, 3):  # what is answered already is answered again
            request_id = uid() if times == 1 else request_id
            with concurrent.futures.ThreadPoolExecutor(times) as pool:
                answers = list(pool.map(lambda _: self.call("PayTranche", "payer", **dict(pay, request_id=request_id)),
                                        range(times)))
            first = answers[0] if times == 1 else first
            assert all(answer == first for answer in answers), answers
        assert self.stands(year) == (0, 0, 0, 280_000)
        assert self.stands(year + 1) == (600_000, 0, 0, 120_000)
        assert self.state(name) == "MONITORING"

    def returned(self, name, agreement):
        until = self.agreement(name).obligations_until
        self.refused("OBLIGATIONS_RUNNING", "AssessObligations", "checker", name=agreement, facts=["50"],
                     documents=[paper()], etag=self.agreement(name).etag)
        self.go_to(datetime.date(until.year, until.month, until.day) + datetime.timedelta(days=10))
        self.client.eventually("the end of the obligations", lambda: self.call(
            "ListDeadlines", "checker", parent=name).deadlines, lambda all_: sum(one.overdue for one in all_) > 3)
        overdue = [(one.record, one.kind) for one in self.call("ListOverdue", "auditor").deadlines]
        assert (agreement, "monitoring_report") in overdue, overdue
        own = self.call("ListOverdue", "owner").deadlines
        assert own and all(one.bin == self.owner for one in own), own
        assert not self.call("ListOverdue", "stranger").deadlines
        self.refused("EVIDENCE_MISSING", "AssessObligations", "checker", name=agreement, facts=["50"],
                     etag=self.agreement(name).etag)
        self.step("AssessObligations", "checker", name=agreement, facts=["50"], documents=[paper()],
                  etag=self.agreement(name).etag)
        assert self.state(name) == "RECOVERY" and self.now(name).HasField("due_date"), "a demand is to be made"
        self.step("DemandReturn", "ministry", name=agreement, etag=self.agreement(name).etag)
        demand = self.demand(name)
        assert demand.computation.principal.units == 200_000 and len(demand.computation.lines) == 3, demand
        assert demand.total.units > 200_000, demand
        self.go_to(self.suite.today() + datetime.timedelta(days=40))
        listed = self.client.eventually("the list", lambda: self.demand(name), lambda answer: answer.listing)
        entries = self.call("ListUnreliableRecipients", "owner").recipients
        assert [one.name for one in entries] == [listed.listing], entries
        assert not self.call("ListUnreliableRecipients", "stranger").recipients
        refused = self.call("CheckEligibility", "owner", application=self.application())
        unsatisfied = {finding.rule for finding in refused.decision.findings if not finding.satisfied}
        assert {"NO_RUNNING_GRANT", "GATE_PASSED"} <= unsatisfied, unsatisfied
        self.step("RecordRepayment", "payer", name=demand.name, etag=listed.etag, amount=money(100_000),
                  pay_date=self.day(), payment_number="5")
        self.refused("SEPARATION_OF_DUTIES", "ReverseRepayment", "payer", name=demand.name, etag=self.demand(name).etag,
                     payment_number="5", reason="Чужой платёж")
        self.step("ReverseRepayment", "writer", name=demand.name, etag=self.demand(name).etag, payment_number="5",
                  reason="Чужой платёж")
        assert not self.demand(name).late_interest.units and self.demand(name).repayments[0].reversed_by
        self.call("RecordRepayment", "payer", name=demand.name, etag=self.demand(name).etag, amount=money(100_000),
                  pay_date=self.day(), payment_number="5")
        part = self.demand(name)
        late = part.late_interest
        assert part.repayments[1].late.amount == late and (late.units or late.nanos), part
        nanos = part.total.nanos + late.nanos
        rest = dict(currency_code="KZT", units=part.total.units + late.units - 100_000 + nanos // 10**9,
                    nanos=nanos % 10**9)
        self.call("RecordRepayment", "payer", name=demand.name, etag=part.etag, amount=rest, pay_date=self.day(),
                  payment_number="6")
        assert self.state(name) == "RECOVERED"
        assert not self.call("ListUnreliableRecipients", "owner").recipients
        for record, decisions in ((name, 4), (agreement, 1), (demand.name, 1), (f"{agreement}/payments/2", 1)):
            replayed = self.call("ReplayDecision", "auditor", name=record)
            assert replayed.same and len(replayed.replays) == decisions, (record, replayed)
        notices = self.call("ListNotices", "owner", parent=name).notices
        assert [notice.verdict for notice in notices] == [1] * 4, notices


def norms_to_come(folder):
    """The norms of the house, with the last index known for the years to come as well."""
    source = pathlib.Path(__file__).resolve().parent.parent / "deploy/norms"
    shutil.copytree(source, folder)
    file = folder / "mci.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    cells = lines[-1].split(",", 5)
    file.write_text("\n".join([*lines[:-1], ",".join([*cells[:4], "", *cells[5:]])]) + "\n", encoding="utf-8")
    return folder


def main():
    with tempfile.TemporaryDirectory(prefix="nisi-norms-") as folder, \
            Suite(*sys.argv[1:4], norms=norms_to_come(pathlib.Path(folder) / "norms")) as suite:
        story = GrantStory(suite)
        story.neighbours()
        story.programme()
        name, forgotten = story.filed()
        story.decided(name)
        agreement = story.signed(name)
        story.executed(agreement, name, forgotten)
        story.returned(name, agreement)
        print(f"grants: {len(story.client.called)} methods answered through the gateway, {story.others.refusals} steps refused "
              f"to other roles, {sys.argv[3]}")


if __name__ == "__main__":
    main()
