"""Neighbours that are late or wrong: cases of grants, export refunds, clusters and contract planning live through the gateway
over separate processes, with somebody between each service and each that it asks (`between.py`). At each step that asks,
every neighbour in turn answers late, in part, in another's place, of something else or not at all. The step is not done: its
caller is told who has not answered and when to come again, and nothing half-done remains. The same request is done when the
neighbour is well again. What a service tells another by its outbox is told again until it is answered as it should be, and is
applied once.

usage: neighbours_test.py <bin folder> <proto folder>
"""
import collections
import concurrent.futures
import contextlib
import datetime
import sys
import threading

sys.dont_write_bytecode = True
import grpc  # noqa: E402

import clusters_test  # noqa: E402
import contracts_test  # noqa: E402
import grants_test  # noqa: E402
import refunds_debt_test  # noqa: E402
from between import AT_ONCE, EMPTY, GARBAGE, LATE, NOTHING, OF_ANOTHER_TYPE, RESET_WITHIN, UNENDED, Overheard, swap  # noqa: E402
from export_refunds_test import CLAIMANT, ISSUER, STRANGER  # noqa: E402
from others import Others  # noqa: E402
from suite import Refused, uid  # noqa: E402

OUTBOX_FAULTS = (OF_ANOTHER_TYPE, EMPTY, NOTHING, GARBAGE, UNENDED, RESET_WITHIN)
NOT_ANSWERED, NOT_CHECKED = "DEPENDENCY_NOT_ANSWERED", "GATE_NOT_CHECKED"

# Whom a step asks: with what it is refused without an answer, what the other one is asked for in place of what, and, where
# there are several questions to it, which of them are answered wrongly alone.
Asks = collections.namedtuple("Asks", "asked reason swaps only", defaults=(NOT_ANSWERED, (), ()))


class Neighbours:
    """Of a story: before it takes a step, the step is tried with each fault of each neighbour that it asks."""

    asker, asks = "", {}  # (method, who, at which call of it): what it asks

    def __init__(self, suite):
        super().__init__(suite)
        self.calls, self.steps, self.tried = collections.Counter(), 0, 0
        self.of_journal = getattr(self, "others", None) or Others(suite, self.client, self.asker, STRANGER)

    def call(self, called, who, *args, **fields):
        self.calls[called, who] += 1
        asks = self.asks.get((called, who, self.calls[called, who]))
        if asks is not None:
            if not called.startswith(("Check", "Calculate")):
                fields.setdefault("request_id", uid())
            for one in asks(self):
                self.not_done_by(one, called, lambda: super(Neighbours, self).call(called, who, *args, **fields))
            self.steps += 1
        return super().call(called, who, *args, **fields)

    def not_done_by(self, asks, called, step):
        between, before = self.suite.between[self.asker, asks.asked], self.of_journal.head()
        tries = [(fault, None) for fault in (LATE, *AT_ONCE, *asks.swaps)]
        tries += [(fault, only) for only in asks.only for fault in (OF_ANOTHER_TYPE, EMPTY, GARBAGE, *asks.swaps)]
        for fault, only in tries:
            where = f"{called}, {self.asker} of {asks.asked}: {fault.name}" + (f", question {only}" if only else "")
            refusal = self.met(between, fault, only, step, where)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, asks.reason), (where, refusal)
            assert refusal.metadata["service"] == asks.asked and refusal.retry, (where, refusal)
            assert refusal.metadata["why"] in fault.why, (where, refusal)
            assert self.of_journal.head() == before, f"half-done: {where}"
            self.tried += 1
        between.well(anew=True)

    def met(self, between, fault, only, step, where):
        """The refusal. A neighbour that a busy machine made late is left alone for a moment: then it is asked once more."""
        def tried():
            with between.doing(fault, only):
                refusal = self.refusal(step, where)
                return None if refusal.metadata["why"] == "RESTING" else (refusal, between.done)
        refusal, done = self.client.eventually(where, tried, lambda one: one is not None)
        assert done, (f"not met: {where}", refusal)
        return refusal

    @staticmethod
    def refusal(step, where):
        try:
            answer = step()
        except Refused as refusal:
            return refusal
        raise AssertionError(f"passed: {where}: {answer}")

    def other_day(self):
        """A question of today, asked of yesterday."""
        today = self.suite.today()
        return swap("day", *(self.client.date(today - datetime.timedelta(days=ago)).SerializeToString() for ago in (0, 1)))


class Grants(Neighbours, grants_test.GrantStory):
    asker = "grants"

    def others_know(self):
        return [Asks("priority-goods", NOT_ANSWERED, (swap("code", b"8504", b"8503"), self.other_day())),
                Asks("suppliers", NOT_ANSWERED, (swap("BIN", self.owner.encode(), self.other.encode()), self.other_day()), (1, 2)),
                Asks("industry-map", NOT_ANSWERED, (swap("project", b"projects/1", b"projects/7"), self.other_day()))]

    asks = {("CheckEligibility", "owner", 1): others_know, ("RunGate", "ministry", 1): others_know}

    def lived(self):
        self.programme()
        assert self.call("CheckEligibility", "owner", application=self.application()).decision.outcome == "ELIGIBLE"
        name = self.call("CreateApplication", "owner", application=self.application()).name
        self.call("SubmitApplication", "owner", name=name)
        self.call("CheckCompleteness", "checker", name=name, etag=self.now(name).etag, documents_complete=True)
        self.call("RunGate", "ministry", name=name, etag=self.now(name).etag)
        assert self.state(name) == "EXAMINATION"

    def step(self, called, who, **fields):
        """The day has just passed, which its process reads within moments: until then an order of today is one to come."""
        def tried():
            try:
                return self.call(called, who, **fields)
            except Refused as refusal:
                if refusal.reason != "ORDER_DATE_INVALID":
                    raise
                return None
        return self.client.eventually(called, tried, lambda answer: answer is not None)


class Clusters(Neighbours, clusters_test.ClusterStory):
    asker = "clusters"

    def lists(self, recipient):
        return Asks("grants", NOT_CHECKED, (swap("BIN", recipient.encode(), ISSUER.encode()), self.other_day()))

    def of_support(self):
        return [self.lists(self.organization)]

    def of_project(self):
        return [self.lists(self.member),
                Asks("priority-goods", NOT_ANSWERED, (swap("code", b"85042290", b"85042210"), self.other_day()))]

    asks = {("ExamineSupport", "examiner", 2): of_support, ("PaySupport", "payer", 1): of_support,
            ("ExamineSupport", "examiner", 3): of_project}

    def places_unknown(self):
        """What the map says wrongly of a place is not kept, and nobody is told that a place has ended which has not."""
        between = self.suite.between["clusters", "industry-map"]
        for fault in (LATE, *AT_ONCE, swap("place", b"110000000", b"750000000"), self.other_day()):
            with between.doing(fault):
                made = self.call("CreateInitiative", "organization", initiative=self.described())
                assert between.done and not made.places, (fault.name, made.places)
            self.tried += 1
        between.well(anew=True)
        self.steps += 1

    def list_of_priority_goods(self):
        return self.edition

    def lived(self, cluster):
        self.support(cluster)
        self.project(cluster)

    # What clusters_test.py has.

    def not_past_the_list(self, pay):
        pass

    def not_done_while_the_list_is_away(self, ask):
        pass


class ExportRefunds(Neighbours, refunds_debt_test.Debts):
    asker = "export-refunds"

    def database(self):
        return [Asks("suppliers", NOT_ANSWERED, (swap("BIN", CLAIMANT.encode(), STRANGER.encode()), self.other_day()))]

    def lists(self):
        return [Asks("grants", NOT_CHECKED, (swap("BIN", CLAIMANT.encode(), STRANGER.encode()), self.other_day()))]

    asks = {("CalculateClaim", "claimant", 2): database, ("SignClaim", "claimant", 1): database,
            ("StartReview", "examiner", 2): lists, ("DecidePart", "examiner", 4): database, ("RunGate", "payer", 2): lists,
            ("PayClaim", "payer", 1): lists}

    def __init__(self, suite):
        super().__init__(suite)
        self.alone = threading.Event()  # nobody else minds the clock any more

    def go_to(self, day):
        assert self.alone.wait(300)
        self.suite.move_clock(24 * (day - self.first_day).days)
        self.client.eventually("the day", lambda: self.call("CheckCodes", None, goods_codes=["8504"]),
                               lambda answer: answer.on_date == self.client.date(day))

    def told(self, claim, listing, step):
        """A message of the outbox that is answered wrongly, over and over, is told until it is answered: once in effect."""
        between = self.suite.between["export-refunds", "grants"]
        between.doing_in_turn(OUTBOX_FAULTS)
        step()
        self.stand([claim], listing)
        assert between.done == len(OUTBOX_FAULTS), (between.done, listing)
        between.well(anew=True)

    def lived(self):
        self.list_in_force()
        claim, year = self.sign(), self.suite.today().year
        self.review(claim)
        self.pay(claim)
        due = self.demanded([claim], year)
        self.told(claim, "LISTED", lambda: self.go_to(due + datetime.timedelta(days=1)))
        debt, = self.grants("ListDebts").debts
        assert debt.owed and debt.record == claim and debt.recipient == CLAIMANT, debt
        entry, = self.grants("ListUnreliableRecipients").recipients
        assert self.demand(claim).listed_as == entry.name and entry.recipient == CLAIMANT, entry
        self.told(claim, "STRUCK", lambda: self.repay(claim, 0))
        debt, = self.grants("ListDebts").debts
        assert not debt.owed and not self.grants("ListUnreliableRecipients").recipients, debt

    def taken(self, called, who, **fields):
        return self.call(called, who, **fields)

    @contextlib.contextmanager
    def suppliers_away(self, claim):
        """It is there, and answers something else."""
        with self.suite.between["export-refunds", "suppliers"].doing(OF_ANOTHER_TYPE):
            yield True

    # What export_refunds_test.py and refunds_debt_test.py have.

    def not_done(self, called, who, **fields):
        pass

    def not_checked_while_grants_is_away(self, called, who, **fields):
        pass

    def not_past_the_list(self, pay):
        pass

    def kill_in_turn(self, pauses):
        pass


class Contracts(Neighbours, contracts_test.ContractStory):
    asker = "contracts"

    def database(self):
        return [Asks("suppliers", NOT_ANSWERED, (
            swap("code", contracts_test.code(1).encode(), contracts_test.code(9).encode()), self.other_day()))]

    asks = {("FormList", "ministry", 1): database}

    def lived(self):
        self.call("RegisterCustomer", "ministry", customer=dict(
            bin=self.customer, title=dict(ru="Заказчик"), category="NATIONAL_COMPANY", source="Реестр"))
        self.planned(self.year, contracts_test.code(1))
        between = self.suite.between["contracts", "suppliers"]
        between.doing_in_turn(OUTBOX_FAULTS)
        self.call("ApproveCycle", "minister", name=self.cycle, order_number="1", order_date=self.day())
        self.reaches("PUBLISHED")
        assert between.done == len(OUTBOX_FAULTS), between.done
        assert self.demands() == ([contracts_test.code(1)], 1), self.demands()
        # Taken back, likewise.
        between.doing_in_turn(OUTBOX_FAULTS)
        self.call("WithdrawList", "ministry", name=self.cycle, reason="Отменён")
        publication = self.client.eventually("out", lambda: self.call("GetPublication", None, name=f"{self.cycle}/publications/1"),
                                             lambda answer: answer.state == 5)
        assert between.done == len(OUTBOX_FAULTS) and not publication.parts[0].refusal, (between.done, publication)
        assert self.demands() == ([], 1), self.demands()
        between.well(anew=True)


def main():
    with Overheard(*sys.argv[1:3]) as suite:
        grants, clusters, refunds, contracts = stories = [kind(suite) for kind in (Grants, Clusters, ExportRefunds, Contracts)]
        refunds.first_day = suite.today()
        clusters.edition = grants.neighbours()
        clusters.places("750000000", "Алматы")
        clusters.places_unknown()
        cluster = clusters.selection(clusters.initiative())  # of which a day passes
        clusters.register(cluster)
        refunds.start = suite.today()
        refunds.client.eventually("the day", lambda: refunds.call("CheckCodes", None, goods_codes=["8504"]),
                                  lambda answer: answer.on_date == refunds.client.date(suite.today()))
        with concurrent.futures.ThreadPoolExecutor(len(stories)) as pool:
            last = pool.submit(refunds.lived)
            running = [pool.submit(grants.lived), pool.submit(contracts.lived), pool.submit(clusters.lived, cluster)]
            concurrent.futures.wait(running)
            refunds.alone.set()
        failed = [one.exception() for one in (*running, last) if one.exception() is not None]
        if failed:
            raise ExceptionGroup("stories", failed)
        print(f"neighbours: {sum(one.tried for one in stories)} late and wrong answers at {sum(one.steps for one in stories)} steps, "
              f"each not done, and done when all was well; {4 * len(OUTBOX_FAULTS)} to messages of the outbox, each applied once")


if __name__ == "__main__":
    main()
