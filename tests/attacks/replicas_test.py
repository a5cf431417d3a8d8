"""Two processes of one service behind the gateway: calls go to both; one is killed, told to end or stands still under
load, and comes back. A call that may be sent again does not fail, and a change is told that its outcome is unknown.

The two have stores of their own, and what is asked has the same answer in both: nothing is on the List yet.

usage: replicas_test.py <bin folder> <proto folder>
"""
import json
import pathlib
import signal
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import GOODS, Client, Refused, Suite, free_port, uid  # noqa: E402

OWNER, OTHER = "priority-goods", "priority-goods-2"
CALLERS, ROUNDS = 4, 3
PATIENCE = 60


class Twice(Suite):
    """The gateway with two processes of one service behind it."""

    def owners(self):
        return [OWNER]

    def start(self):
        self.other_port, self.metrics = free_port(), {OWNER: free_port(), OTHER: free_port()}
        self.start_one(OWNER)
        self.start_one(OTHER)
        self.start_gateway()

    def addresses(self, owner):
        return f"{super().addresses(owner)},127.0.0.1:{self.other_port}"

    def start_one(self, name):
        keys, data = self.data / "keys", self.data if name == OWNER else self.data / "second"
        port = self.backend_ports[OWNER] if name == OWNER else self.other_port
        self._spawn(name, self.bin / f"nisi-{OWNER}", "--address", f"127.0.0.1:{port}", "--data", data, "--backup-folder",
                    self.backups, "--clock-file", self.clock, "--tls-dir", keys / "tls", "--signers", keys / "signers.json",
                    "--context-key", keys / f"context-{OWNER}.key", "--context-peer", "spiffe://nisi/svc/gateway",
                    "--metrics-address", f"127.0.0.1:{self.metrics[name]}")

    def answered(self, name):
        """Calls that the process has answered since it began."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics[name]}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines
                   if line.startswith("grpc_server_handled_total") and 'grpc_method="CheckGoods"' in line)


class Load:
    """Callers without a pause; what was not answered OK."""

    def __init__(self, suite):
        self.over, self.failed, self.done, self.lock = threading.Event(), [], 0, threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(suite,)) for _ in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def _run(self, suite):
        client = Client(suite)
        while not self.over.is_set():
            try:
                client.goods("CheckGoods", codes=["850423"])
            except Refused as refusal:
                with self.lock:
                    self.failed.append(str(refusal))
            with self.lock:
                self.done += 1

    def more(self, calls):
        goal = self.done + calls
        self.until("calls get on", lambda: self.done >= goal)

    @staticmethod
    def until(what, good):
        deadline = time.monotonic() + PATIENCE
        while not good():
            assert time.monotonic() < deadline, f"not seen: {what}"
            time.sleep(0.01)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def backend_events(suite):
    log = (suite.work / "gateway.log").read_text().splitlines()
    return [line for line in map(json.loads, log) if line["event"] in ("backend_lost", "backend_back")]


def found_again(suite):
    """Whether each thread of the gateway has found what it lost: until then it has one replica."""
    events = [(line["event"], line["address"]) for line in backend_events(suite)]
    return all(events.count(("backend_lost", at)) == events.count(("backend_back", at)) for _, at in events)


def both_answer(suite, load):
    before, deadline = {name: suite.answered(name) for name in suite.metrics}, time.monotonic() + PATIENCE
    while any(suite.answered(name) < before[name] + 20 for name in suite.metrics) or not found_again(suite):
        assert time.monotonic() < deadline, "one of them gets no calls"
        load.more(10)


def main():
    with Twice(sys.argv[1], sys.argv[2], "processes") as suite:
        load = Load(suite)
        try:
            both_answer(suite, load)
            shares = [suite.answered(name) for name in suite.metrics]
            assert min(shares) > sum(shares) / 4, f"not balanced: {shares}"
            for round_ in range(ROUNDS):
                for name in (OTHER, OWNER):
                    load.more(100)
                    suite.kill(signal.SIGKILL if round_ % 2 else signal.SIGTERM, only=name)
                    load.more(200)
                    suite.start_one(name)
                    both_answer(suite, load)
            # As a machine that is gone: nothing says so. Calls that it has go to the other one before their time is up.
            with suite.paused(OTHER):
                load.until("a process that stands still is lost",
                           lambda: any(line.get("why") == "silent" for line in backend_events(suite)))
            both_answer(suite, load)
        finally:
            load.stop()
        assert not load.failed, f"{len(load.failed)} of {load.done} calls failed: {load.failed[:3]}"
        suite.kill(only=OTHER)
        client = Client(suite)
        for _ in range(20):  # a change goes to the one that is left
            same = uid()
            client.eventually("a change", lambda: client.goods("CreateEdition", "institute.industry", request_id=same,  # noqa: B023
                                                               edition={"title_ru": "Перечень"}), bool)
        suite.kill(only=OWNER)
        client.goods_refused("UNAVAILABLE", "BACKEND_UNAVAILABLE", "CheckGoods", codes=["850423"])
        print(f"{load.done} calls, none failed")


if __name__ == "__main__":
    main()
