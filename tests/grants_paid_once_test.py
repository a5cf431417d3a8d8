"""A tranche of a grant is paid once: PayTranche with one request id sent 1 to 5 times at once, with replies lost and the
service killed (kill -9) while it pays (`paid_once.py`). The account, its postings and the payments say so.

usage: grants_paid_once_test.py <bin folder> <proto folder> embedded|processes
"""
import sys

sys.dont_write_bytecode = True
from grants_test import CRITERIA, PROGRAMME, TEXT, GrantStory  # noqa: E402
from paid_once import MOST, PaidOnce  # noqa: E402
from story import money  # noqa: E402
from suite import Suite, uid  # noqa: E402

SUMS = {1: 120_000, 2: 160_000, 3: 120_000}  # of 400,000 by tranche


class Payments(GrantStory):
    """Agreements of two recipients, whose tranches are paid one after another."""

    def step(self, called, who, **fields):
        """By who may take it alone: that nobody else may, grants_test shows."""
        return self.call(called, who, **fields)

    def programme_with_money(self):
        self.call("CreateProgramme", "ministry", programme_id="grants", programme=dict(
            title=dict(ru="Промышленные гранты"), measure_number="M-1", operator_contract_number="D-1",
            operator_contract_until=self.day(4000)))
        self.call("AllocateBudget", "ministry", account=f"{PROGRAMME}/accounts/{self.suite.today().year}",
                  amount=money(800_001), order_number="1", order_date=self.day())

    def agreed(self, who, applicant, number):
        """An agreement on 400,000 tenge, signed by both."""
        application = dict(self.application(applicant), project=f"projects/{number}")
        # The service may be up before those that it asks.
        self.client.eventually("all neighbours", lambda: self.call("CheckEligibility", who, application=application),
                               lambda answer: answer.decision.outcome == "ELIGIBLE")
        name = self.call("CreateApplication", who, application=application).name

        def step(called, official, **fields):
            self.call(called, official, name=name, etag=self.now(name).etag, **fields)
        self.call("SubmitApplication", who, name=name)
        step("CheckCompleteness", "checker", documents_complete=True)
        step("RunGate", "ministry")
        self.call("AssignExperts", "checker", name=name,
                  experts=[dict(expert_subject=f"dev:expert-{i}") for i in (1, 2, 3)])
        for i in (1, 2, 3):
            self.call("Score", f"expert-{i}", name=name, conclusion="Поддержать",
                      scores=[dict(criterion=criterion, score=8) for criterion in CRITERIA])
        self.call("CloseExamination", "checker", name=name, items=[{}])
        self.call("OpenMeeting", "ministry", name=name, members=[
            dict(subject=f"dev:member-{i}", title=f"Член {i}", chair=i == 1) for i in range(1, 8)])
        meeting = self.now(name).commission
        for i in range(1, 8):
            self.call("Vote", f"member-{i}", name=meeting, in_favour=True)
        self.call("CloseMeeting", "ministry", name=meeting, protocol_number=str(number), protocol_date=self.day(),
                  etag=self.call("GetCommission", "ministry", name=meeting).etag)
        self.call("CreateAgreement", "writer", name=name, text_sha256=TEXT,
                  conditions=["Взнос внесён", "Станок поставлен", "Линия пущена"])
        agreement = self.agreement(name).name
        for signer in (who, "minister"):
            self.call("SignAgreement", signer, name=agreement, text_sha256=TEXT)
        return agreement

    def payments(self, agreements):
        """Each is made when its turn comes: a tranche is proven when the one before it is paid."""
        turns = [(who, agreement, tranche) for who, agreement in agreements for tranche in SUMS]
        for who, agreement, tranche in turns[:MOST]:
            yield dict(self.proven(agreement, tranche, who), request_id=uid())

    def send(self, payment, timeout):
        return self.call("PayTranche", "payer", timeout=timeout, **payment)

    def there(self, payment):
        name = f"{payment['name']}/payments/{payment['tranche']}"
        return name in [one.name for one in self.call("ListPayments", "auditor", parent=payment["name"]).payments]


def main():
    with Suite(*sys.argv[1:4]) as suite:
        story = Payments(suite)
        story.neighbours()
        story.registered(story.other, 2)
        story.programme_with_money()
        agreements = [("owner", story.agreed("owner", story.owner, 1)), ("other", story.agreed("other", story.other, 2))]
        once = PaidOnce(suite, story.client, "grants", story.send, story.there)
        answers = once.all(story.payments(agreements))
        names = [f"{agreement}/payments/{tranche}" for _, agreement in agreements for tranche in SUMS][:MOST]
        assert [answer.name for answer in answers] == names, answers
        assert [answer.amount.units for answer in answers] == [SUMS[int(name[-1])] for name in names], answers
        paid = sum(answer.amount.units for answer in answers)
        assert story.stands(suite.today().year) == (1, 0, 800_000 - paid, paid)
        postings = story.call("ListPostings", "auditor", parent=PROGRAMME).postings
        kind = type(postings[0])
        assert [posting.record for posting in postings if posting.kind == kind.PAY] == names, postings
        for _, agreement in agreements:
            kept = story.call("ListPayments", "auditor", parent=agreement).payments
            assert [one.name for one in kept] == [name for name in names if name.startswith(agreement)], kept
        print(f"grants paid once, {sys.argv[3]}: {once.summary()}")


if __name__ == "__main__":
    main()
