"""A planning year and a contract as the roles of the law live them, through the gateway: from needs to the List in the
database of suppliers, with its statutory days, and from the signatures to the penalty; in one process and over separate
processes with mutual TLS. The approved List arrives once, though either service is killed on its way and the database is
away for a week.

usage: contracts_test.py <bin folder> <proto folder> embedded|processes
"""
import concurrent.futures
import datetime
import json
import sys
import time

sys.dont_write_bytecode = True
import grpc  # noqa: E402

from ocds_rules import check_record_package, check_release_package  # noqa: E402
from story import Story, bins, money  # noqa: E402
from suite import SUPPLIERS, Refused, Suite, uid  # noqa: E402

PLANNING, CONTRACTS = "/nisi.contracts.v1.PlanningService/", "/nisi.contracts.v1.ContractsService/"
TEXT = b"t" * 32


def code(number):
    return f"271141.300.{number:06d}"


def paper():
    return dict(name="act.pdf", media_type="application/pdf", size_bytes=1, sha256=b"s" * 32)


class ContractStory(Story):
    MODULES = ("planning", "contracts")

    def __init__(self, suite):
        numbers = bins()
        self.customer, self.supplier, self.bank, self.stranger, self.issuer = (next(numbers) for _ in range(5))
        super().__init__(suite, (
            ("ministry", "authority.industry", {}), ("minister", "authority.industry", {}),
            ("subsoil", "authority.subsoil", {}), ("institute", "institute.industry", {}), ("auditor", "auditor", {}),
            ("institute.local_content", "institute.local_content", {}), ("customer", "customer", {"bin": self.customer}),
            ("supplier", "entity", {"bin": self.supplier}), ("bank", "entity", {"bin": self.bank}),
            ("stranger", "entity", {"bin": self.stranger})))
        self.year = self.start.year + 1
        self.cycle = f"cycles/{self.year}"

    def date(self, year, month, day):
        return datetime.date(year, month, day)

    def state(self):
        return self.m.plans.Cycle.State.Name(self.call("GetCycle", None, name=self.cycle).state)

    def reaches(self, state):
        self.client.eventually(state, self.state, lambda there: there == state)

    # ---- The year

    def late(self):
        return [one.kind for one in self.call("ListLate", "auditor").deadlines if one.record == self.cycle]

    def shows(self, kind, due, late_before):
        """On its day it is not late; the day after it is."""
        deadlines = {one.kind: one for one in self.call("ListDeadlines", "ministry", parent=self.cycle).deadlines}
        assert deadlines[kind].due_date == self.client.date(due), deadlines[kind]
        self.go_to(due)
        self.client.eventually("the day", lambda: self.client.call(
            SUPPLIERS + "CheckProduction", self.m.suppliers.CheckProductionRequest(ens_tru=[code(1)]),
            self.m.suppliers.CheckProductionResponse), lambda answer: answer.on_date == self.client.date(due))
        assert self.late() == late_before, self.late()
        self.go_to(due + datetime.timedelta(days=1))
        self.client.eventually(f"{kind} late", self.late, lambda late: late == [*late_before, kind])

    def made_before(self):
        """In the database of suppliers: somebody makes the second good."""
        def take(what, row):
            kind = getattr(self.m.suppliers, f"Import{what}Request")
            report = self.client.send(SUPPLIERS + f"Import{what}",
                                      [kind(header=dict(request_id=uid(), row_count=1)), kind(rows=dict(rows=[row]))],
                                      self.m.imports.ImportReport, "institute.local_content")
            assert report.committed, report
        take("Suppliers", dict(bin=self.issuer, name_ru="Завод", kato="751110000", oked="28.14", activities="PRODUCER",
                               phone="+77172000000", staff="40", annual_income="1000000",
                               finance_year=str(self.start.year - 1)))
        take("Evidence", dict(bin=self.issuer, type="REGISTER_ENTRY", number="1", issuer_bin=self.bank, issuer="Палата",
                              valid_from=self.suite.today().isoformat(), covers=f"{code(2)}=55",
                              document_name="paper.pdf", document_media_type="application/pdf", document_size="1",
                              document_sha256="ab" * 32))

    def need(self, number, quantity="100"):
        return dict(customer=self.customer, ens_tru=code(number), title=dict(ru=f"Трансформатор {number}"), unit="pcs",
                    quantity=quantity, price=money(1_000), first_year=self.year, years=3, kato="751110000")

    def needs(self):
        fund = dict(bin=self.stranger, title=dict(ru="Фонд"), category="NATIONAL_COMPANY", welfare_fund_share_bp=5000,
                    source="Реестр")
        refusal = self.refused("CUSTOMER_NOT_ELIGIBLE", "RegisterCustomer", "ministry", customer=fund)
        assert refusal.articles == ["Art. 46(2)"], refusal.articles
        self.call("RegisterCustomer", "ministry", customer=dict(
            bin=self.customer, title=dict(ru="Заказчик"), category="NATIONAL_COMPANY", source="Реестр"))
        self.made_before()
        self.call("OpenCycle", "ministry", year=self.year)
        self.shows("needs", self.date(self.year, 5, 20), [])
        self.refused("ACCESS_DENIED", "SubmitNeeds", "customer", parent=self.cycle, needs=[self.need(1)])
        self.call("SubmitNeeds", "institute", parent=self.cycle, needs=[self.need(1, "60"), self.need(1, "40"), self.need(2)])
        kind = self.m.planning.ImportNeedsRequest
        row = dict(customer=self.customer, ens_tru=code(3), title_ru="Реактор", unit="pcs", quantity="5", price="10.50",
                   first_year=str(self.year), years="1", kato="751110000")
        report = self.client.send(PLANNING + "ImportNeeds",
                                  [kind(header=dict(parent=self.cycle, request_id=uid(), row_count=1)),
                                   kind(rows=dict(rows=[row]))], self.m.imports.ImportReport, "institute")
        assert report.entered_count == 1, report
        self.call("CloseNeeds", "institute", name=self.cycle)

    def listed(self):
        self.shows("list", self.date(self.year, 5, 30), ["needs"])
        if self.suite.mode == "processes":
            # What the database does not say is not decided.
            self.suite.kill(only="suppliers")
            away = self.refused("DEPENDENCY_NOT_ANSWERED", "FormList", "ministry", name=self.cycle)
            assert away.code == grpc.StatusCode.UNAVAILABLE and away.retry, away
            assert self.call("GetCycle", None, name=self.cycle).item_count == 0
            self.suite.start_backend("suppliers")
        self.client.eventually("formed", lambda: self.call("FormList", "ministry", name=self.cycle),
                               lambda cycle: cycle.item_count == 3)
        self.refused("ACCESS_DENIED", "GetListItem", None, name=f"{self.cycle}/items/1")
        items = self.call("ListListItems", "ministry", parent=self.cycle).items
        assert [item.contract_type for item in items] == [1, 2, 1], items
        assert items[0].quantity == "100.000" and items[1].production.outcome == "MADE", items
        self.refused("MADE_BEFORE", "UpdateListItem", "ministry", update_mask=dict(paths=["contract_type"]),
                     item=dict(name=items[1].name, contract_type="OFF_TAKE"))
        self.call("SendList", "ministry", name=self.cycle)

    def agreed(self):
        self.shows("proposals", self.date(self.year, 7, 1), ["needs", "list"])
        for item in (1, 2):
            proposal = self.call("Propose", "subsoil", parent=self.cycle, proposal=dict(
                item=f"{self.cycle}/items/{item}", customer=self.customer, volume="100", first_year=self.year, years=3,
                specification="Сухой, 1000 кВА"))
            self.refused("ACCESS_DENIED", "Agree", "stranger", name=proposal.name)
            self.call("Agree", "customer", name=proposal.name)
        self.call("SubmitForApproval", "subsoil", name=self.cycle)
        self.shows("approval", self.date(self.year, 7, 31), ["needs", "list", "proposals"])

    def demands(self):
        m = self.m.suppliers
        demands = self.client.call(SUPPLIERS + "ListDemands", m.ListDemandsRequest(), m.ListDemandsResponse).demands
        open_ones = [demand for demand in demands if demand.state == 1]
        return sorted(demand.ens_tru for demand in open_ones), len(demands)

    def restart(self, owner):
        self.suite.kill(only="nisi" if self.suite.mode == "embedded" else owner)
        self.suite.start() if self.suite.mode == "embedded" else self.suite.start_backend(owner)

    def published(self):
        order = dict(name=self.cycle, order_number="217-НҚ", order_date=self.day())
        self.refused("SEPARATION_OF_DUTIES", "ApproveCycle", "ministry", **order)
        if self.suite.mode == "processes":
            self.suite.kill(only="suppliers")
        approve = dict(order, request_id=uid())
        approved = self.call("ApproveCycle", "minister", **approve)
        assert approved.item_count == 3 and approved.agreed_count == 2, approved
        publication = f"{self.cycle}/publications/1"
        if self.suite.mode == "processes":
            # After the commit, before it is sent: killed; then the database is away for a week.
            self.restart("contracts")
            for days in range(7):
                self.go_to(self.date(self.year, 8, 2 + days))
                self.client.eventually("waits", self.state, lambda state: state == "APPROVED")
            waiting = self.call("GetPublication", None, name=publication)
            assert waiting.parts[0].edition == f"publications/{self.year}-1-1" and waiting.state == 1, waiting
            self.suite.start_backend("suppliers")
        else:
            self.restart("contracts")
        self.reaches("PUBLISHED")
        # Said again after a lost answer, and started again: it is there once.
        again = self.client.eventually("again", lambda: self.call("ApproveCycle", "minister", **approve), lambda _: True)
        assert again == approved, again
        self.restart("contracts")
        self.client.eventually("demands", self.demands, lambda there: there == ([code(1), code(2)], 2))
        assert self.client.eventually("placed", lambda: self.call("GetPublication", None, name=publication),
                                      lambda _: True).state == 2

    def corrected(self):
        self.call("ReviseList", "ministry", name=self.cycle, reason="Ошибка")
        self.call("RemoveListItem", "ministry", name=f"{self.cycle}/items/2", reason="Ошибка")
        self.call("SendList", "ministry", name=self.cycle)
        self.call("SubmitForApproval", "subsoil", name=self.cycle)
        self.call("ApproveCycle", "minister", name=self.cycle, order_number="218-НҚ", order_date=self.day())
        self.restart("contracts" if self.suite.mode == "embedded" else "suppliers")
        self.reaches("PUBLISHED")
        self.client.eventually("corrected", self.demands, lambda there: there == ([code(1)], 3))

    def planned(self, year, ens_tru):
        """A year whose List, of one good, is ready to be approved."""
        self.cycle = f"cycles/{year}"
        self.call("OpenCycle", "ministry", year=year)
        self.call("SubmitNeeds", "institute", parent=self.cycle,
                  needs=[dict(self.need(1), ens_tru=ens_tru, first_year=year)])
        self.call("CloseNeeds", "institute", name=self.cycle)
        self.client.eventually("formed", lambda: self.call("FormList", "ministry", name=self.cycle), lambda _: True)
        self.call("SendList", "ministry", name=self.cycle)
        proposal = self.call("Propose", "subsoil", parent=self.cycle, proposal=dict(
            item=f"{self.cycle}/items/1", customer=self.customer, volume="1", first_year=year, years=1,
            specification="Сухой"))
        self.call("Agree", "customer", name=proposal.name)
        self.call("SubmitForApproval", "subsoil", name=self.cycle)

    def killed(self):
        """Years whose List is approved while a service is killed, at moments spread over the way of a message: whichever
        side of a step the kill falls on, each List is there once and its cycle ends PUBLISHED."""
        took = 0.05
        for n, (process, share) in enumerate((("contracts", 0.0), ("contracts", 0.5), ("suppliers", 0.3),
                                              ("contracts", 1.0), ("suppliers", 1.0))):
            ens_tru = code(100 + n)
            self.planned(self.year + 1 + n, ens_tru)
            approve = dict(name=self.cycle, order_number="1", order_date=self.day(), request_id=uid())
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                sent = pool.submit(self.attempted, approve)
                time.sleep(took * share)
                self.restart(process)
                sent.result(30)
            self.client.eventually("approved", lambda: self.call("ApproveCycle", "minister", **approve), lambda _: True)
            self.reaches("PUBLISHED")
            m = self.m.suppliers
            listed = self.client.eventually("demands", lambda: self.client.call(
                SUPPLIERS + "ListDemands", m.ListDemandsRequest(filter=f'ens_tru = "{ens_tru}"'), m.ListDemandsResponse),
                lambda answer: answer.demands)
            assert len(listed.demands) == 1, listed
        self.cycle = f"cycles/{self.year}"

    def attempted(self, approve):
        """The answer, or None where it was lost with the service."""
        try:
            return self.call("ApproveCycle", "minister", **approve)
        except Refused as refusal:
            assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
            return None

    # ---- The contract

    def signed(self):
        years = [dict(year=self.year + i, volume="100", price=money(1_000)) for i in range(2)]
        planned = self.call("PlanContract", "customer", contract=dict(
            item=f"{self.cycle}/items/1", customer=self.customer, supplier=self.supplier, years=years, text_sha256=TEXT,
            good=dict(title=dict(ru="Трансформатор ТС-1000"), characteristics="1000 кВА", properties="Класс F"),
            minimum_in_country_value_bp=3000, programme_duty=True))
        self.refused("ACCESS_DENIED", "GetContract", "stranger", name=planned.name)
        self.refused("ACCESS_DENIED", "GetContract", "stranger", name="contracts/00000000000000000000")
        for who in ("supplier", "customer"):
            etag = self.call("GetContract", who, name=planned.name).etag
            contract = self.call("SignContract", who, name=planned.name, text_sha256=TEXT, etag=etag)
        assert contract.conformity.outcome == "CONFORMS", contract.conformity
        return planned.name

    def entry(self, called, who, contract, quantity="", amount=None, year=None, **fields):
        told = dict(year=year or self.year, event_date=self.day(), quantity=quantity, **fields)
        if amount is not None:
            told["amount"] = money(amount)
        return self.call(called, who, parent=contract, entry=told)

    def executed(self, contract):
        self.call("BeginProduction", "supplier", name=contract)
        delivery = self.entry("RecordDelivery", "supplier", contract, "90")
        self.call("CorrectEntry", "supplier", name=delivery.name,
                  entry=dict(year=self.year, event_date=self.day(), quantity="80"))
        self.entry("AcceptGoods", "customer", contract, "50")
        self.entry("RecordPayment", "customer", contract, amount=50_000)
        self.entry("RefuseToBuy", "customer", contract, "30", fault="NOBODYS_FAULT", delivered=True, reason="Не нужно")
        lower = self.call("AmendContract", "customer", parent=contract, amendment=dict(
            years=[dict(year=self.year + 1, volume="60", price=money(1_000))], reason="Спрос", text_sha256=TEXT))
        pledge = self.call("PledgeContract", "supplier", parent=contract,
                           pledge=dict(pledgee=self.bank, agreement_number="З-1", agreement_date=self.day()))
        self.refused("PLEDGEE_CONSENT_MISSING", "CoSignAmendment", "supplier", name=lower.name, text_sha256=TEXT)
        self.call("Consent", "bank", name=pledge.name, amendment=lower.name)
        self.call("CoSignAmendment", "supplier", name=lower.name, text_sha256=TEXT)
        balance = self.call("GetBalance", "supplier", name=contract).years[0]
        assert (balance.delivered, balance.accepted, balance.shortfall) == ("80.000", "50.000", "30.000"), balance
        self.refused("YEAR_NOT_OVER", "AssessYear", "ministry", parent=contract, year=self.year)

    def assessed(self, contract):
        self.go_to(self.date(self.year + 1, 1, 11))
        self.client.eventually("the year is over", lambda: self.call("GetBalance", "auditor", name=contract),
                               lambda balance: balance.as_of.year > self.year)
        told = self.call("AssessYear", "ministry", parent=contract, year=self.year)
        assert not told.HasField("balance") and "balance" in told.withheld.fields, told
        assessed = self.call("GetAssessment", "ministry", name=told.name)
        assert assessed.balance.penalty.units == 3_000 and assessed.balance.decision.rests_on_assumption, assessed
        self.refused("YEAR_ASSESSED", "AssessYear", "minister", parent=contract, year=self.year)
        for name in (contract, assessed.name, f"{contract}/amendments/1"):
            assert self.call("ReplayDecision", "auditor", name=name).same, name
        self.refused("NOT_CREDITOR", "SettlePenalty", "customer", name=assessed.penalty, note="1")
        self.call("SettlePenalty", "supplier", name=assessed.penalty, note="П-1")

    def read(self, contract):
        """Each kind of record, alone and in its list; what is not theirs is to strangers as what is not there."""
        self.call("SubmitMonitoringReport", "supplier", parent=contract,
                  report=dict(year=self.year, in_country_value_bp=300, progress="Цех построен"))
        corrected = self.call("SubmitMonitoringReport", "supplier", parent=contract, report=dict(
            year=self.year, in_country_value_bp=3000, progress="Цех построен", correction_reason="Опечатка"))
        assert corrected.minimum_reached, corrected
        pledge = self.call("ListPledges", "bank", parent=contract).pledges[0]
        assert self.call("ReleasePledge", "bank", name=pledge.name, etag=pledge.etag).state == 2
        for one, many, who in (("Customer", "Customers", "customer"), ("Cycle", "Cycles", None), ("Need", "Needs", "customer"),
                               ("ListItem", "ListItems", None), ("Proposal", "Proposals", "customer"),
                               ("Publication", "Publications", None), ("Contract", "Contracts", "supplier"),
                               ("Amendment", "Amendments", "supplier"), ("Entry", "Entries", "customer"),
                               ("Pledge", "Pledges", "customer"), ("Assessment", "Assessments", "supplier"),
                               ("Penalty", "Penalties", "customer"), ("MonitoringReport", "MonitoringReports", "supplier")):
            fields = self.method(f"List{many}").input_type.fields_by_name
            of = "cycles" if one in ("Need", "ListItem", "Proposal", "Publication") else "contracts"
            parent = dict(parent=self.cycle if of == "cycles" else contract) if "parent" in fields else {}
            listed = self.call(f"List{many}", who, **parent)
            records = getattr(listed, listed.DESCRIPTOR.fields[0].name)
            assert records, many
            for record in records:
                assert self.call(f"Get{one}", who, name=record.name) == record, record
            if who is None:
                continue
            absent = records[0].name[:-1] + ("8" if records[0].name[-1] != "8" else "7")
            told = [self.refused("ACCESS_DENIED", f"Get{one}", "stranger", name=name).told.SerializeToString()
                    for name in (records[0].name, absent)]
            assert told[0] == told[1], one
        watched = self.client.stream(CONTRACTS + "WatchContracts", self.m.contracts.WatchContractsRequest(start_position=1),
                                     self.m.contracts.WatchContractsResponse, "supplier")
        first = next(message for message in watched if message.changes)
        assert first.changes[0].contract.name == contract, first
        watched.close()

    def fulfilled(self, contract):
        """The term is over, the second year as well: nothing is owed under it."""
        self.go_to(self.date(self.year + 2, 1, 10))
        self.client.eventually("the term is over", lambda: self.call("GetBalance", "auditor", name=contract),
                               lambda balance: balance.as_of.year > self.year + 1)
        self.refused("YEAR_NOT_ASSESSED", "FulfilContract", "ministry", name=contract)
        self.call("AssessYear", "ministry", parent=contract, year=self.year + 1)
        assert self.call("FulfilContract", "ministry", name=contract).state == 5
        late = [one.kind for one in self.call("ListLate", "auditor").deadlines if one.record.startswith(contract)]
        assert not late, late
        self.call("WithdrawList", "ministry", name=self.cycle, reason="Отменён")
        self.client.eventually("out", lambda: self.call("GetPublication", None, name=f"{self.cycle}/publications/2"),
                               lambda publication: publication.state == 5)
        assert code(1) not in self.demands()[0]

    def exported(self, contract):
        for form, check in (("RELEASES", check_release_package), ("RECORDS", check_record_package)):
            request = self.m.contracts.ExportContractsRequest(form=form, figures=True)
            kind = self.m.contracts.ExportContractsResponse
            for who, expected in (("supplier", [contract]), ("bank", []), ("stranger", []), ("auditor", [contract])):
                told = list(self.client.stream(CONTRACTS + "ExportContracts", request, kind, who))
                assert [one.contract for one in told] == expected, (who, told)
                for one in told:
                    package = json.loads(one.json)
                    assert not check(package), check(package)
                    releases = package["releases"] if form == "RELEASES" else package["records"][0]["releases"]
                    tags = {release["tag"][0]: release for release in releases}
                    assert sorted(tags) == ["award", "contract", "contractAmendment", "implementation"], releases
                    values = [tags[tag]["contracts"][0]["value"]["amount"] for tag in ("contract", "contractAmendment")]
                    assert values == [200_000, 160_000], values
        self.checked(package)

    def checked(self, package):
        """The rules find what breaks them, each by its name."""
        def undated(record):
            del record["compiledRelease"]["date"]

        def mistagged(record):
            record["releases"][0]["tag"] = ["sale"]

        def turned(record):
            record["releases"].reverse()

        def doubled(record):
            record["compiledRelease"]["id"] = record["releases"][0]["id"]

        for breaks, said in ((undated, "date is required"), (undated, "not of the last one's date"),
                             (mistagged, "not in its codelist"), (turned, "not in order of date"), (doubled, "ids repeat")):
            broken = json.loads(json.dumps(package))
            breaks(broken["records"][0])
            assert any(said in problem for problem in check_record_package(broken)), (said, check_record_package(broken))


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = ContractStory(suite)
        story.needs()
        story.listed()
        story.agreed()
        story.published()
        story.corrected()
        story.killed()
        contract = story.signed()
        story.executed(contract)
        story.assessed(contract)
        story.exported(contract)
        story.read(contract)
        story.fulfilled(contract)
        print(f"contracts: {len(story.client.called)} methods answered through the gateway, {sys.argv[3]}")


if __name__ == "__main__":
    main()
