"""Demands past due reach the one list of unreliable recipients, which the register of grants keeps: once in effect, though
that register is away for a week and either service is killed (kill -9) before, while and after it is told. With the last
money they leave it, likewise. A register of grants that was restored to before it was told is told again.

No assertion rests on where a kill falls: what is asserted holds whichever side of a commit or an answer it came.

usage: refunds_debt_test.py <bin folder> <proto folder> embedded|processes
"""
import datetime
import decimal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from export_refunds_test import CLAIMANT, STRANGER  # noqa: E402
from refunds_paid_once_test import Payments  # noqa: E402
from suite import Suite, uid  # noqa: E402

PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)  # seconds from a start or a step until a kill
CLAIMS = 3
WEEK = 7


class Debts(Payments):
    """Claims of one claimant, whose return is demanded on one day."""

    def grants(self, called):
        return self.client.eventually(called, lambda: self.call(called, "auditor"), lambda _: True)

    def process(self, service):
        return "nisi" if self.suite.mode == "embedded" else service

    def kill(self, service):
        if self.process(service) in self.suite.processes:
            self.suite.kill(only=self.process(service))
            self.kills += 1

    def run(self, service):
        if self.process(service) in self.suite.processes:
            return
        if self.suite.mode == "embedded":
            self.suite.start()
        else:
            self.suite.start_backend(service)

    def kill_in_turn(self, pauses):
        """Each service is killed and comes back, at any moment of what goes on."""
        for n, pause in enumerate(pauses):
            service = ("grants", "export-refunds")[n % 2]
            time.sleep(pause)
            self.kill(service)
            self.run(service)

    def demand(self, claim):
        return self.client.eventually("the claim", lambda: self.claim(claim), lambda _: True).demand

    def listing(self, claim):
        demand = self.demand(claim)
        return type(demand).Listing.Name(demand.listing)

    def stand(self, claims, listing):
        for claim in claims:
            self.client.eventually(f"{claim} is {listing}", lambda one=claim: self.listing(one),
                                   lambda stands: stands == listing)

    def demanded(self, claims, year):
        self.go_to(datetime.date(year + 3, 3, 2))
        for claim in claims:
            self.client.eventually("assessed", lambda one=claim: self.step("AssessObligations", "examiner", one),
                                   lambda _: True)
            self.step("DemandReturn", "decider", claim)
        due = {(d.year, d.month, d.day) for d in (self.demand(claim).due_date for claim in claims)}
        assert len(due) == 1, due
        return datetime.date(*due.pop())

    def fall_due(self, claims, due):
        """The register of grants is away at that midnight and for a week; this one is killed right after it."""
        apart = self.suite.mode == "processes"
        if apart:
            self.kill("grants")
        self.go_to(due + datetime.timedelta(days=1))
        self.client.eventually("past due", lambda: self.demand(claims[-1]), lambda demand: demand.past_due)
        self.kill("export-refunds")
        self.run("export-refunds")
        for day in range(WEEK if apart else 0):
            assert {self.listing(claim) for claim in claims} == {"TO_BE_LISTED"}, "it must say that it waits"
            self.go_to(due + datetime.timedelta(days=2 + day))
            if day == WEEK // 2:
                self.kill("export-refunds")
                self.run("export-refunds")
        self.run("grants")
        self.kill_in_turn(PAUSES)
        self.stand(claims, "LISTED")
        debts = self.grants("ListDebts").debts
        assert sorted(debt.record for debt in debts) == sorted(claims), debts
        first = self.client.date(due + datetime.timedelta(days=1))
        assert all(debt.owed and debt.recipient == CLAIMANT and debt.past_due_from == first for debt in debts), debts
        listed = self.grants("ListUnreliableRecipients").recipients
        assert [(one.recipient, one.listed_from) for one in listed] == [(CLAIMANT, first)], listed
        assert {self.demand(claim).listed_as for claim in claims} == {listed[0].name}

    def nisi(self, *words):
        done = subprocess.run([self.suite.bin / "nisi", *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done
        return done.stdout

    def backup(self):
        """A backup of all registers. That of grants has something to come back to."""
        entry = self.call("EnterUnreliableRecipients", "ministry", recipients=[dict(
            recipient=STRANGER, list="BANKRUPT", basis="1", listed_from=self.day())]).recipients[0]
        self.call("EndUnreliableRecipient", "ministry", name=entry.name, reason="2", end_date=self.day())
        self.nisi("backup", "--address", f"127.0.0.1:{self.suite.port}", *self.suite.connection_flags(), "--token",
                  self.suite.mint("operator", subject="dev:operator"))

    def forgotten(self, claims, day):
        """The register of grants as it was at the backup: it has heard of no demand, and hears of all again at midnight."""
        self.kill("grants")
        self.nisi("restore", "--from", self.suite.backups, "--to", self.suite.data, "--service", "grants", "--set-aside")
        self.run("grants")
        assert not self.grants("ListDebts").debts
        self.go_to(day)
        self.client.eventually("told again", lambda: self.grants("ListDebts").debts, lambda debts: len(debts) == len(claims))
        assert sorted(debt.record for debt in self.grants("ListDebts").debts if debt.owed) == sorted(claims)
        assert [one.recipient for one in self.grants("ListUnreliableRecipients").recipients] == [CLAIMANT]
        assert {self.listing(claim) for claim in claims} == {"LISTED"}

    def repay(self, claim, pause):
        """The rest of a demand, with a kill so soon after."""
        ask = dict(name=claim, pay_date=self.day(), order_number="9")
        most = self.refused("REPAYMENT_OVER_DUE", "RecordRepayment", "payer", **ask, etag=self.claim(claim).etag,
                            amount=dict(currency_code="KZT", units=100_000_000))
        owed = decimal.Decimal(most.metadata["due"])
        self.step("RecordRepayment", "payer", claim, request_id=uid(), pay_date=self.day(), order_number="9",
                  amount=dict(currency_code="KZT", units=int(owed), nanos=int(owed % 1 * 10**9)))
        self.kill_in_turn((pause, pause))

    def settle(self, claims):
        for n, claim in enumerate(claims):
            listed = self.grants("ListUnreliableRecipients").recipients
            assert len(listed) == 1, "one demand that is owed is enough"
            self.repay(claim, PAUSES[n])
            self.stand([claim], "STRUCK")
        debts = self.grants("ListDebts").debts
        assert sorted(debt.record for debt in debts) == sorted(claims), debts
        assert not any(debt.owed for debt in debts), debts
        assert not self.grants("ListUnreliableRecipients").recipients


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = Debts(suite)
        story.list_in_force()
        story.register_the_producer()
        year = suite.today().year
        story.call("AllocateBudget", "drafter", account=f"programmes/export-refunds/accounts/{year}", order_number="1",
                   order_date=story.day(), amount=dict(currency_code="KZT", units=CLAIMS * 600_000))
        claims = [story.agreed(number) for number in range(1, CLAIMS + 1)]
        for claim in claims:
            story.step("PayClaim", "payer", claim, order_number="3")
        story.go_to(story.start + datetime.timedelta(days=1))
        for claim in claims:
            story.reaches(claim, "MONITORING")
        due = story.demanded(claims, year)
        story.backup()
        story.fall_due(claims, due)
        story.forgotten(claims, due + datetime.timedelta(days=WEEK + 3))
        story.settle(claims)
        print(f"debts of refunds, {sys.argv[3]}: {CLAIMS} demands listed and struck, killed {story.kills} times")


if __name__ == "__main__":
    main()
