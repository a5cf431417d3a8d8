"""A payment of a claim is made once: PayClaim with one request id sent 1 to 5 times at once, with replies lost and the
service killed (kill -9) while it pays. Whoever asks gets the one answer; the account and its postings say so.

No assertion rests on where a kill falls: what is asserted holds whichever side of the commit it came.

usage: refunds_paid_once_test.py <bin folder> <proto folder> embedded|processes
"""
import concurrent.futures
import sys
import time

import grpc

sys.dont_write_bytecode = True
from export_refunds_test import CLAIMANT, Story  # noqa: E402
from suite import Refused, Suite, uid  # noqa: E402

SHARES = (0.1, 0.5, 0.9, 1.3)  # of the time that a payment takes: when the service is killed
MOST = 5  # times that one payment is sent; also how many claims there are
PATIENCE = 20


class Payments(Story):
    """Claims that are agreed on, paid in the order of their numbers by a client that asks again."""

    def __init__(self, suite):
        super().__init__(suite)
        self.pool = concurrent.futures.ThreadPoolExecutor(MOST)
        self.lost = self.kills = 0
        self.sides = {"before": 0, "after": 0}  # the kill came before the payment was there, or after

    def agreed(self, number):
        """A claim of 600,000 tenge, ready to be paid."""
        year = self.suite.today().year
        claim = self.call("CreateClaim", "claimant", claim=dict(
            claimant=CLAIMANT, taxes_paid=dict(currency_code="KZT", units=9_000_000),
            export_volumes=[dict(year=year - 1 + i, volume=str(100 + i)) for i in range(4)])).name
        self.call("AddExpenses", "claimant", parent=claim, expenses=[self.expense("EXHIBITION", f"B-{number}")])
        # The service may be up before the database that it asks.
        self.client.eventually("signed", lambda: self.step("SignClaim", "claimant", claim, signature=self.paper()),
                               lambda _: True)
        self.notice(claim, "BEFORE_CONSIDERATION")
        self.client.eventually("the review", lambda: self.step("StartReview", "examiner", claim), lambda _: True)
        for part in ("FINANCE", "LEGAL"):
            self.step("DecidePart", "examiner", claim, part=part, verdict="ACCEPTED")
        self.step("AcceptClaim", "decider", claim)
        self.notice(claim, "BEFORE_PAYMENT")
        self.step("RunGate", "examiner", claim)
        for who in ("claimant", "decider"):
            self.step("SignAgreement", who, claim, agreement_number="1", agreement_date=self.day(),
                      signature=self.paper())
        return claim

    def send(self, payment, timeout):
        """The answer, or None where it was lost: the service was away, or the caller gave up first."""
        method = self.m.export_refunds.DESCRIPTOR.services_by_name["ExportRefundsService"].methods_by_name["PayClaim"]
        try:
            return self.client.call("/nisi.export_refunds.v1.ExportRefundsService/PayClaim",
                                    method.input_type._concrete_class(**payment), method.output_type._concrete_class,
                                    "payer", timeout=timeout)
        except Refused as refusal:
            assert refusal.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), refusal
            self.lost += 1
            return None

    def paid(self, claim, times, kill_after):
        """Sends the payment so many times at once, some of it not waited for, and kills the service meanwhile."""
        payment = dict(name=claim, etag=self.claim(claim).etag, order_number="3", request_id=uid())
        timeouts = [PATIENCE if n % 2 == 0 else 0.001 for n in range(times)]
        sending = [self.pool.submit(self.send, payment, timeout) for timeout in timeouts]
        if kill_after is not None:
            time.sleep(kill_after)
            process = "nisi" if self.suite.mode == "embedded" else "export-refunds"
            self.suite.kill(only=process)
            self.kills += 1
        answers = [one.result(PATIENCE + 5) for one in sending]
        if kill_after is not None:
            if self.suite.mode == "embedded":
                self.suite.start()
            else:
                self.suite.start_backend("export-refunds")
            stands = self.client.eventually("the claim", lambda: self.claim(claim), lambda _: True)
            there = stands.HasField("payment")
            assert there or not any(answers), "acknowledged and lost"
            self.sides["after" if there else "before"] += 1
        answers += [self.client.eventually("an answer", lambda: self.retried(payment), lambda answer: answer is not None)
                    for _ in range(2)]
        told = {answer.SerializeToString(deterministic=True) for answer in answers if answer is not None}
        assert len(told) == 1, f"{len(told)} answers to one payment"
        assert answers[-1].payment.amount.units == 600_000, answers[-1]

    def retried(self, payment):
        answer = self.send(payment, PATIENCE)
        self.lost -= answer is None
        return answer


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = Payments(suite)
        story.list_in_force()
        story.register_the_producer()
        account = f"programmes/export-refunds/accounts/{suite.today().year}"
        story.call("AllocateBudget", "drafter", account=account, order_number="1", order_date=story.day(),
                   amount=dict(currency_code="KZT", units=MOST * 600_000 + 1))
        claims = [story.agreed(number) for number in range(1, MOST + 1)]
        began = time.monotonic()
        story.paid(claims[0], 1, None)
        took = (time.monotonic() - began) / 3  # it was sent three times
        for times, share in enumerate(SHARES, 2):
            story.paid(claims[times - 1], times, took * share)
        stands = story.call("GetAccount", "auditor", name=account)
        assert (stands.available.units, stands.committed.units, stands.paid.units) == (1, 0, MOST * 600_000), stands
        postings = story.call("ListPostings", "auditor", parent="programmes/export-refunds").postings
        kind = type(postings[0])
        for claim in claims:
            of_claim = [posting for posting in postings if posting.record == claim and posting.kind == kind.PAY]
            assert len(of_claim) == 1, of_claim
        assert story.kills == MOST - 1
        print(f"refunds paid once, {sys.argv[3]}: {MOST} payments sent {MOST * (MOST + 1) // 2} times and more, "
              f"{story.lost} replies lost, killed {story.sides}; each paid once")


if __name__ == "__main__":
    main()
