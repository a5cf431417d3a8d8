"""A payment of a claim is made once: PayClaim with one request id sent 1 to 5 times at once, with replies lost and the
service killed (kill -9) while it pays (`paid_once.py`). The account and its postings say so.

usage: refunds_paid_once_test.py <bin folder> <proto folder> embedded|processes
"""
import sys

sys.dont_write_bytecode = True
from export_refunds_test import CLAIMANT, RefundStory  # noqa: E402
from paid_once import MOST, PaidOnce  # noqa: E402
from suite import Suite, uid  # noqa: E402


class Payments(RefundStory):
    """Claims that are agreed on, paid in the order of their numbers by a client that asks again."""

    def __init__(self, suite):
        super().__init__(suite)
        self.kills = 0

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
        self.step("RunGate", "decider", claim)
        for who in ("claimant", "decider"):
            self.step("SignAgreement", who, claim, agreement_number="1", agreement_date=self.day(),
                      signature=self.paper())
        return claim

    def send(self, payment, timeout):
        return self.call("PayClaim", "payer", timeout=timeout, **payment)

    def there(self, payment):
        return self.claim(payment["name"]).HasField("payment")

    def payment(self, claim):
        return dict(name=claim, etag=self.claim(claim).etag, order_number="3", request_id=uid())


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = Payments(suite)
        story.list_in_force()
        story.register_the_producer()
        account = f"programmes/export-refunds/accounts/{suite.today().year}"
        story.call("AllocateBudget", "drafter", account=account, order_number="1", order_date=story.day(),
                   amount=dict(currency_code="KZT", units=MOST * 600_000 + 1))
        claims = [story.agreed(number) for number in range(1, MOST + 1)]
        once = PaidOnce(suite, story.client, "export-refunds", story.send, story.there)
        for answer in once.all(story.payment(claim) for claim in claims):
            assert answer.payment.amount.units == 600_000, answer
        stands = story.call("GetAccount", "auditor", name=account)
        assert (stands.available.units, stands.committed.units, stands.paid.units) == (1, 0, MOST * 600_000), stands
        postings = story.call("ListPostings", "auditor", parent="programmes/export-refunds").postings
        kind = type(postings[0])
        for claim in claims:
            of_claim = [posting for posting in postings if posting.record == claim and posting.kind == kind.PAY]
            assert len(of_claim) == 1, of_claim
        print(f"refunds paid once, {sys.argv[3]}: {once.summary()}")


if __name__ == "__main__":
    main()
