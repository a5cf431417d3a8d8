"""What tests of payments share: one payment with one request id sent 1 to 5 times at once, with replies lost and the
service killed (kill -9) while it pays. Whoever asks gets the one answer.

No assertion rests on where a kill falls: what is asserted holds whichever side of the commit it came.
"""
import concurrent.futures
import time

import grpc
from suite import Refused

SHARES = (0.1, 0.5, 0.9, 1.3)  # of the time that a payment takes: when the service is killed
MOST = 5  # times that one payment is sent; also how many payments there are
PATIENCE = 20
LOST = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class PaidOnce:
    """`send` makes a call of a payment, with a time to wait for it, and `there` says whether the service has made it."""

    def __init__(self, suite, client, service, send, there):
        self.suite, self.client, self.service, self.send, self.there = suite, client, service, send, there
        self.pool = concurrent.futures.ThreadPoolExecutor(MOST)
        self.lost = self.kills = 0
        self.sides = {"before": 0, "after": 0}  # the kill came before the payment was there, or after

    def all(self, payments):
        """The answers to `payments`, each of which is made when those before it are paid."""
        answers, took = [], None
        for times, payment in enumerate(payments, 1):
            began = time.monotonic()
            answers.append(self.paid(payment, times, None if took is None else took * SHARES[times - 2]))
            took = took or (time.monotonic() - began) / 3  # it was sent three times
        assert (len(answers), self.kills) == (MOST, MOST - 1), (len(answers), self.kills)
        return answers

    def answer(self, payment, timeout):
        """None where it was lost: the service was away, or the caller gave up first."""
        try:
            return self.send(payment, timeout)
        except Refused as refusal:
            assert refusal.code in LOST, refusal
            return None

    def paid(self, payment, times, kill_after):
        """Sends the payment so many times at once, some of it not waited for, and kills the service meanwhile."""
        timeouts = [PATIENCE if n % 2 == 0 else 0.001 for n in range(times)]
        sending = [self.pool.submit(self.answer, payment, timeout) for timeout in timeouts]
        if kill_after is not None:
            time.sleep(kill_after)
            self.suite.kill(only="nisi" if self.suite.mode == "embedded" else self.service)
            self.kills += 1
        answers = [one.result(PATIENCE + 5) for one in sending]
        self.lost += answers.count(None)
        if kill_after is not None:
            if self.suite.mode == "embedded":
                self.suite.start()
            else:
                self.suite.start_backend(self.service)
            there = self.client.eventually("the service", lambda: (self.there(payment),), lambda _: True)[0]
            assert there or not any(answers), "acknowledged and lost"
            self.sides["after" if there else "before"] += 1
        answers += [self.client.eventually("an answer", lambda: self.answer(payment, PATIENCE),
                                           lambda answer: answer is not None) for _ in range(2)]
        told = {answer.SerializeToString(deterministic=True) for answer in answers if answer is not None}
        assert len(told) == 1, f"{len(told)} answers to one payment"
        return answers[-1]

    def summary(self):
        return (f"{MOST} payments sent {MOST * (MOST + 1) // 2} times and more, {self.lost} replies lost, killed "
                f"{self.sides}; each paid once")
