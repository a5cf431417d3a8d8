"""The life of a territorial cluster as the roles of the law live it, through the gateway: from initiative to the last
payment of a support, over the suite in one process and over separate processes with mutual TLS. A project of the
cluster is examined by the list of priority goods, which is another service: it is asked on the examiner's behalf, and
while it is away nothing is decided.

usage: clusters_test.py <bin folder> <proto folder> embedded|processes
"""
import subprocess
import sys

sys.dont_write_bytecode = True
from journey_test import entry  # noqa: E402
from story import Story, bins  # noqa: E402
from suite import Refused, Suite, uid  # noqa: E402

CRITERIA = ("CRITICAL_MASS", "COOPERATION", "EXPORT_AND_MARKET", "SCIENCE_AND_EDUCATION", "STRATEGY")
PROGRAMME = "programmes/clusters"


class ClusterStory(Story):
    MODULES = ("clusters", "supports", "agreements")

    def __init__(self, suite):
        self.bins = bins()
        self.organization, self.member = next(self.bins), next(self.bins)
        super().__init__(suite, (
            ("drafter", "institute.industry", {}), ("examiner", "institute.industry", {}),
            ("payer", "institute.industry", {}), ("authority", "authority.industry", {}),
            ("organization", "entity", {"bin": self.organization}), ("stranger", "entity", {"bin": next(self.bins)}),
            *((f"expert-{i}", "expert", {}) for i in (1, 2, 3))))

    def points(self, value):
        return [dict(criterion=criterion, points=value) for criterion in CRITERIA]

    def places(self, kato="110000000", name="Акмолинская область"):
        """The map takes in a region."""
        kind = self.m.places.ImportPlacesRequest
        self.client.send("/nisi.industry_map.v1.PlacesService/ImportPlaces", [
            kind(header=dict(request_id=uid(), row_count=1, classifier="NK RK 11-2025", effective_date=self.day(-30))),
            kind(rows=dict(rows=[dict(row_number=1, kato=kato, level="REGION", name_ru=name)]))],
            self.m.imports.ImportReport, "authority")

    def described(self):
        roles = ["MANUFACTURER"] * 5 + ["RESEARCH"] + ["SUPPLIER"] * 4
        participants = [dict(bin=self.member if i == 0 else next(self.bins), title="Завод", roles=[role], region="110000000")
                        for i, role in enumerate(roles)]
        return dict(title=dict(ru="Кластер"), cluster_organization=self.organization, region="110000000",
                    specialization=dict(okeds=["28.30"], goods_codes=["8432"]), participants=participants,
                    strategy="Для немногих", work_plan=[dict(title="Центр", due_date=self.day(300))])

    def initiative(self):
        self.client.tokens["member"] = self.suite.mint("entity", subject="dev:member", bin=self.member)
        made = self.call("CreateInitiative", "organization", initiative=self.described())
        # What the map said of its region, asked by this service of another.
        fact = made.places[0]
        assert (fact.region, fact.source) == ("110000000", "industry-map/places/110000000") and fact.version, made.places
        self.refused("ACCESS_DENIED", "GetInitiative", "stranger", name=made.name)
        effect = {key: "да" for key in ("region_effect", "sector_effect", "country_effect", "prospects")}
        self.call("DiagnoseInitiative", "drafter", name=made.name, etag=made.etag, diagnostic=dict(
            indicators=[dict(indicator="export", value="1", unit="%", source="отчёт")], points=self.points(15), **effect))
        return self.call("GetInitiative", "organization", name=made.name)

    def selection(self, initiative):
        """Up to the cluster that was selected."""
        draft = self.call("CreateSelection", "drafter", selection=dict(
            title=dict(ru="Отбор"), applications_from=self.day(), applications_until=self.day()))
        self.call("AnnounceSelection", "authority", name=draft.name, etag=draft.etag)
        for i in (1, 2, 3):
            expert = self.call("CreateExpert", "authority", parent=draft.name,
                               expert=dict(subject=f"dev:expert-{i}", title=f"Эксперт {i}"))
            self.call("DeclareTies", f"expert-{i}", name=expert.name)
        application = self.call("ApplyToSelection", "organization", name=initiative.name, etag=initiative.etag,
                                selection=draft.name)
        self.suite.move_clock(24)
        state = self.m.clusters_resources.Selection
        self.client.eventually("admission", lambda: self.call("GetSelection", None, name=draft.name),
                               lambda answer: answer.state == state.ADMISSION)
        application = self.call("GetApplication", "examiner", name=application.name)
        self.refused("SEPARATION_OF_DUTIES", "AdmitApplication", "drafter", name=application.name,
                     etag=application.etag, documents_complete=True)
        application = self.call("AdmitApplication", "examiner", name=application.name, etag=application.etag,
                                documents_complete=True)
        for i in (1, 2, 3):
            self.call("ScoreApplication", f"expert-{i}", name=application.name, points=self.points(15))
        assert all(not score.points for score in self.call("ListScores", "authority", parent=application.name).scores)
        ranked = self.call("CloseScoring", "examiner", name=draft.name)
        members = [dict(subject=f"member-{i}", vote="FOR", chair=i == 1) for i in range(1, 8)]
        self.call("DecideSelection", "authority", name=draft.name, etag=ranked.etag, protocol_number="1",
                  protocol_date=self.day(), members=members)
        self.call("PublishResults", "authority", name=draft.name)
        assert [score.total_points for score in
                self.call("ListScores", None, parent=application.name).scores] == [75, 75, 75]
        return application.cluster

    def register(self, name):
        cluster = self.call("GetCluster", None, name=name)
        self.call("RegisterCluster", "authority", name=name, etag=cluster.etag, order_number="1", order_date=self.day())
        assert len(self.call("ListMembers", None, parent=name).members) == 10
        summary = self.call("SummarizeClusters", None)
        assert (summary.cluster_count, summary.organization_count, summary.manufacturer_count) == (1, 10, 5), summary
        for replayed in (name, cluster.application):
            assert all(replay.same for replay in self.call("ReplayDecision", "examiner", name=replayed).replays)

    def notice(self, support, checkpoint, recipient=None):
        self.call("RecordNotice", "drafter", notice=dict(
            number="G-1", checkpoint=checkpoint, recipient=recipient or self.organization, record=support, check_date=self.day(),
            verdict="PASSED"))

    def support(self, cluster):
        money = dict(currency_code="KZT", units=1000)
        account = f"{PROGRAMME}/accounts/{self.suite.today().year}"
        self.call("AllocateBudget", "authority", account=account, amount=money, order_number="1", order_date=self.day())
        support = self.call("RequestSupport", "organization", support=dict(
            cluster=cluster, recipient=self.organization, form="COST_RECOVERY", year=self.suite.today().year,
            cost_items=[dict(title="Аренда", cost=money)], requested_sum=money))
        ask = dict(name=support.name, etag=support.etag, items=[{}], documents_complete=True, opinion="Да")
        self.refused("GATE_NOT_CHECKED", "ExamineSupport", "examiner", **ask)
        self.notice(support.name, "BEFORE_CONSIDERATION")
        support = self.call("ExamineSupport", "examiner", **ask)
        assert "ceiling" in support.withheld.fields and not support.HasField("ceiling"), support  # ask Get (Art. 6(3))
        assert self.call("GetSupport", "examiner", name=support.name).ceiling.units == 700, support
        support = self.call("DecideSupport", "authority", name=support.name, etag=support.etag,
                            approved_sum=dict(currency_code="KZT", units=700), programme=PROGRAMME, order_number="2",
                            order_date=self.day())
        assert not support.HasField("due_date"), support
        self.notice(support.name, "BEFORE_PAYMENT")
        # Now there is a day by which to pay, and a version that has it.
        support = self.call("GetSupport", "payer", name=support.name)
        assert support.HasField("due_date"), support
        for who in ("organization", "payer"):
            owed = self.call("ListDeadlines", who, parent=support.name).deadlines
            assert [one.kind for one in owed] == ["clusters.support.payment_days"], owed
            assert not self.call("ListOverdue", who).deadlines
        pay = dict(name=support.name, etag=support.etag, amount=dict(currency_code="KZT", units=700),
                   order_number="3")
        self.refused("SEPARATION_OF_DUTIES", "PaySupport", "drafter", **pay)
        self.not_past_the_list(pay)
        self.call("PaySupport", "payer", **pay)
        stands = self.call("GetAccount", "payer", name=account)
        assert (stands.available.units, stands.committed.units, stands.paid.units) == (300, 0, 700), stands
        self.given_back(support.name, account)

    def given_back(self, support, account):
        """Money of a support comes back, and is undone by another person where it was typed in wrongly."""
        one = dict(name=support, payment_number="8", pay_date=self.day())

        def etag():
            return self.call("GetSupport", "payer", name=support).etag
        self.call("RecordReturn", "payer", etag=etag(), amount=dict(currency_code="KZT", units=100), reason="Письмо", **one)
        assert self.call("GetAccount", "payer", name=account).available.units == 400
        self.refused("SEPARATION_OF_DUTIES", "ReverseReturn", "payer", etag=etag(), reason="Не то", **one)
        undone = self.call("ReverseReturn", "drafter", etag=etag(), reason="Не то", **one)
        assert undone.returned_sum.units == 0 and self.call("GetAccount", "payer", name=account).available.units == 300

    def not_past_the_list(self, pay):
        """Whatever notice was recorded: who stands on a list of the register of grants is not paid, nor is anybody while
        that register does not say."""
        if self.suite.mode == "processes":
            self.suite.kill(only="grants")
            refusal = self.refused("GATE_NOT_CHECKED", "PaySupport", "payer", **pay)
            assert refusal.metadata["service"] == "grants" and refusal.retry, refusal
            self.suite.start_backend("grants")
        entry = self.client.eventually("the list", lambda: self.call("EnterUnreliableRecipients", "authority", recipients=[dict(
            recipient=self.organization, list="BANKRUPT", basis="Решение суда 5", listed_from=self.day())]), lambda _: True)

        def reason():
            try:
                self.call("PaySupport", "payer", **pay)
            except Refused as refusal:
                return refusal.reason
            raise AssertionError("a bankrupt was paid")
        # Who was away is left alone for a while.
        self.client.eventually("the word of the list", reason, lambda said: said == "GATE_FAILED")
        self.call("EndUnreliableRecipient", "authority", name=entry.recipients[0].name, reason="Отменено")

    def list_of_priority_goods(self):
        """One heading, in force from today."""
        goods = self.client.goods
        edition = goods("CreateEdition", "drafter", edition={"title_ru": "Перечень"}).name
        goods("BatchCreateEntries", "drafter", parent=edition, entries=[entry("8504")])
        submitted = goods("SubmitEdition", "drafter", name=edition)
        goods("ApproveEdition", "authority", name=edition, etag=submitted.etag, order_number="217-НҚ",
              order_date=self.day(), effective_from=self.day())
        return edition

    def not_done_while_the_list_is_away(self, ask):
        """Without the registry of priority goods, which is killed, no project is examined."""
        if self.suite.mode != "processes":
            return
        self.suite.kill(only="priority-goods")
        silent = self.refused("DEPENDENCY_NOT_ANSWERED", "ExamineSupport", "examiner", **ask)
        assert silent.retry and silent.metadata["service"] == "priority-goods", silent.metadata
        assert silent.metadata["why"] == "UNREACHABLE", silent.metadata
        self.suite.start_backend("priority-goods")

    def project(self, cluster):
        """Asked for by a member; what its goods are, the registry of priority goods says."""
        edition, money = self.list_of_priority_goods(), dict(currency_code="KZT", units=400)
        support = self.call("RequestSupport", "member", support=dict(
            cluster=cluster, recipient=self.member, form="CO_FINANCING", year=self.suite.today().year, purpose="PROJECT",
            project=dict(title="Линия", goods=[dict(goods_code="85042290", share_bp=6000),
                                               dict(goods_code="8432", share_bp=4000)]),
            cost_items=[dict(title="Станки", cost=money)], requested_sum=money))
        self.notice(support.name, "BEFORE_CONSIDERATION", self.member)
        ask = dict(name=support.name, etag=support.etag, items=[{}], documents_complete=True, opinion="Да")
        self.not_done_while_the_list_is_away(ask)
        support = self.client.eventually("the registry", lambda: self.call("ExamineSupport", "examiner", **ask),
                                         lambda answer: answer.examined_by)
        shown = self.call("GetSupport", "examiner", name=support.name)
        assert shown.ceiling.units == 200, shown
        facts = {fact.name: fact for finding in shown.examination.findings for fact in finding.facts}
        listed = facts["goods.85042290.level"]
        assert (listed.value, listed.source) == ("HIGH", f"priority-goods/{edition}/entries/8504"), listed
        assert listed.version.startswith("position ") and facts["goods.8432.level"].value == "NOT_LISTED", facts
        support = self.call("DecideSupport", "authority", name=support.name, etag=support.etag,
                            approved_sum=dict(currency_code="KZT", units=200), programme=PROGRAMME, order_number="4",
                            order_date=self.day())
        self.notice(support.name, "BEFORE_PAYMENT", self.member)
        support = self.call("GetSupport", "payer", name=support.name)
        self.call("PaySupport", "payer", name=support.name, etag=support.etag,
                  amount=dict(currency_code="KZT", units=200), order_number="5")
        replays = self.call("ReplayDecision", "examiner", name=support.name).replays
        assert len(replays) == 2 and all(replay.same for replay in replays), replays


def without_its_peers(suite):
    """A service that is not told where those are whom it asks does not start, and says what is missing."""
    alone = subprocess.run([suite.bin / "nisi-clusters", "--data", suite.work / "alone", "--address", "127.0.0.1:0"],
                           capture_output=True, text=True, timeout=60)
    assert alone.returncode == 1 and "--peer priority-goods=host:port" in alone.stderr + alone.stdout, alone


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = ClusterStory(suite)
        if suite.mode == "processes":
            without_its_peers(suite)
        story.places()
        cluster = story.selection(story.initiative())
        story.register(cluster)
        story.support(cluster)
        story.project(cluster)
        print(f"clusters: {len(story.client.called)} methods answered through the gateway, {sys.argv[3]}")


if __name__ == "__main__":
    main()
