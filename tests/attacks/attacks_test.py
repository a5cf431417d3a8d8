"""Attacks on the gateway as it is shipped, with a good client beside them: nobody dies or grows past its ceiling, the
attack is counted, no good call is lost, and afterwards all is as before. With --measure each attack lasts for ten
seconds, and what the good client sees is held to the figures too: 99 % of its calls within 250 ms, and normal 5 s after.

usage: attacks_test.py <bin folder> <proto folder> embedded|processes [--measure] [--only NAME,NAME] [-- FLAG...]
FLAG: of the gateway, as --reset-burst=0, to see what an attack does without its budget; nothing is asserted then
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from attacks import ATTACKS, MIB  # noqa: E402
from bad_input_test import bad_tokens  # noqa: E402
from suite import GOODS, Client, Suite, free_port  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
WRITER = "institute.industry"
CEILING = 256 * MIB  # of the gateway; where it is one process with its services, above what that had before
SHARE, WITHIN = 0.99, 0.25
FORGED = ("nisi-call-context-bin", "nisi-position", "nisi-caller", "nisi-peer", "nisi-role")
IGNORED = ("x-forwarded-for", "x-forwarded-client-cert", "x-forwarded-proto", "forwarded", "x-real-ip", "x-client-cert",
           "ssl-client-cert", "x-spiffe-id", "x-remote-user", "x-envoy-peer-metadata", "via", "remote-user")


class Door(Suite):
    """The gateway with one service behind it."""

    def owners(self):
        return ["priority-goods"] if self.mode == "processes" else super().owners()


class Watch:
    """What a process takes, sampled."""

    def __init__(self, pid):
        self.pid, self.descriptors, self.over = pid, 0, threading.Event()
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while not self.over.wait(0.05):
            with contextlib.suppress(OSError):
                self.descriptors = max(self.descriptors, descriptors(self.pid))

    def stop(self):
        self.over.set()
        self.thread.join()
        return memory(self.pid, "VmHWM"), self.descriptors


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid, what="VmRSS"):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what + ":"))


class GoodClient:
    """good_client.py, and what it has told."""

    def __init__(self, door, facts, patience):
        ca = door.data / "keys" / "tls" / "ca.pem" if door.mode == "processes" else "-"
        self.calls, self.lock = [], threading.Lock()
        self.process = subprocess.Popen([sys.executable, HERE / "good_client.py", str(door.port), str(ca), facts,
                                         str(patience)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            with self.lock:
                self.calls.append(json.loads(line))

    def of(self, begin, end, kind=None):
        """Those that were sent then: (seconds, code)."""
        with self.lock:
            return [(took, code) for sent, took, code, how in self.calls if begin <= sent < end and kind in (None, how)]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.thread.join()


def page(door):
    """The largest that anybody may have."""
    secure = door.mode == "processes"
    context = ssl.create_default_context(cafile=door.data / "keys" / "tls" / "ca.pem") if secure else None
    with urllib.request.urlopen(f"http{'s' * secure}://localhost:{door.port}/openapi.json", context=context) as answer:
        return answer.read()


def facts_of(door, client):
    """What the attackers and the good client call, and with which names."""
    edition = client.goods("CreateEdition", WRITER, edition={"title_ru": "Перечень"}).name
    for start in range(0, 1000, 100):
        entries = [{"goods_code": f"84{number:08}", "name_ru": "товар " * 40, "sector": "machinery", "processing_level": 3}
                   for number in range(start, start + 100)]
        client.goods("BatchCreateEntries", WRITER, parent=edition, entries=entries)
    entry = client.goods("ListEntries", WRITER, parent=edition, page_size=1).entries[0].name
    hexed = lambda method, **fields: client.request(GOODS + method, **fields).SerializeToString().hex()  # noqa: E731
    return {"path": GOODS + "GetEntry", "body": hexed("GetEntry", name=entry),
            "good_token": door.mint(WRITER, subject="dev:good"), "token": door.mint(WRITER, subject="dev:bad"),
            "tokens": [door.mint(WRITER, subject=f"dev:one-of-many-{n}") for n in range(10)],
            "large_path": GOODS + "ListEntries", "large_body": hexed("ListEntries", parent=edition, page_size=200),
            "page_bytes": len(page(door)), "watch_path": GOODS + "WatchEntries", "watch_body": hexed("WatchEntries", parent=edition),
            "stream_path": GOODS + "ExportEdition", "stream_body": hexed("ExportEdition", name=edition), "json": {"name": entry}, "large_json": {"parent": edition, "pageSize": 200}, "mask_path": GOODS + "UpdateEdition",
            "closed_path": GOODS + "ListAssessments", "forged": FORGED + IGNORED,
            "bad_tokens": [value for value, _ in bad_tokens(door).values()]}


def nobody_is_believed(client, facts):
    """Headers that say who calls: those of ours are refused, others are nothing."""
    path = json.loads(pathlib.Path(facts).read_text())["closed_path"]
    for name in FORGED + IGNORED:
        value = b"spiffe://nisi/svc/gateway" if name.endswith("-bin") else "spiffe://nisi/svc/gateway"
        code, reason = ((grpc.StatusCode.INVALID_ARGUMENT, "RESERVED_METADATA") if name in FORGED else
                        (grpc.StatusCode.UNAUTHENTICATED, "IDENTITY_REQUIRED"))
        client.refused(code, reason, path, client.request(path), client.response(path), None, ((name, value),))


class Round:
    """One attack under way, or some at once, and what they did."""

    def __init__(self, test, attacks):
        self.test, self.attacks = test, attacks
        self.name = attacks[0].name if len(attacks) == 1 else f"{len(attacks)} slow ones at once"

    def run(self, seconds, times=1):
        test, door = self.test, self.test.door
        pid = door.processes[test.name].pid
        self.counted = test.refused()
        self.resting, watch = memory(pid), Watch(pid)
        ca = door.data / "keys" / "tls" / "ca.pem" if door.mode == "processes" else "-"
        self.begin = time.monotonic()
        lasts = {attack.name: times * max(seconds, attack.seconds) for attack in self.attacks}
        parties = [subprocess.Popen([sys.executable, HERE / "attacks.py", attack.name, str(door.port), str(ca),
                                     str(lasts[attack.name]), test.facts], stdout=subprocess.PIPE, text=True)
                   for attack in self.attacks for _ in range(attack.processes)]
        self.did = {}
        for party in parties:
            out, _ = party.communicate(timeout=max(lasts.values()) + 120)
            assert party.returncode == 0, f"{self.name}: the attacker failed"
            for key, value in json.loads(out).items():
                self.did[key] = self.did.get(key, 0) + value
        self.end = time.monotonic()
        self.peak, self.descriptors = watch.stop()
        for name, process in door.processes.items():
            assert process.poll() is None, f"{self.name}: {name} has died with {process.returncode}"
        after = test.refused()
        self.counted = {what: after[what] - before for what, before in self.counted.items() if after[what] > before}

    def uncounted(self):
        """Attacks of which the gateway has counted nothing."""
        return [attack for attack in self.attacks if attack.counts and not any(self.counted.get(what) for what in attack.counts)]

    def row(self):
        calls = self.test.good.of(self.begin, self.end)
        times = sorted(took for took, code in calls if code == "OK")
        within = sum(took <= WITHIN for took in times) / max(1, len(calls))
        return {"calls": len(calls), "within": within, "failed": [code for _, code in calls if code != "OK"],
                "p99": times[int(len(times) * 0.99)] if times else float("inf"),
                "new": self.test.good.of(self.begin, self.end, "new")}


class Test:
    def __init__(self, arguments):
        self.measure, self.asserting = arguments.measure, not arguments.flags
        self.metrics = free_port()
        flags = ["--metrics-address", f"127.0.0.1:{self.metrics}", *arguments.flags]
        self.door = Door(arguments.bin, arguments.proto, arguments.mode, gateway_flags=flags)
        self.name = "nisi" if arguments.mode == "embedded" else "gateway"
        self.rows, self.wrong = [], []

    def metric_values(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
        values = collections.Counter()  # over all labels
        for line in lines:
            if line.startswith("nisi_gateway"):
                values[line.split("{")[0].split()[0]] += float(line.split()[-1])
        # Calls that the gateway did not answer with OK.
        values["nisi_gateway_refused_calls_total"] = sum(
            float(line.split()[-1]) for line in lines if line.startswith("grpc_server_handled_total{") and
            'process="gateway"' in line and 'grpc_code="OK"' not in line)
        return values

    def refused(self):
        before, after, values = "nisi_gateway_refused_", "_total", self.metric_values()
        found = {name[len(before):-len(after)]: value for name, value in values.items() if name.startswith(before)}
        return {**found, "overloaded": values["nisi_gateway_overloaded_total"], "rests": values["nisi_gateway_rests_total"]}

    def expect(self, round_, good, what):
        if not good:
            self.wrong.append(f"{round_.name}: {what}")

    def judge(self, round_):
        row, base = round_.row(), round_.resting if self.door.mode == "embedded" else 0
        self.expect(round_, round_.peak - base <= CEILING, f"{round_.peak / MIB:.0f} MiB")
        self.expect(round_, row["calls"] > 0, "no good call was made")
        self.expect(round_, not row["failed"], f"good calls failed: {row['failed'][:5]}")
        for attack in round_.uncounted():
            self.expect(round_, False, f"{attack.name} is not counted: {attack.counts}")
        if self.measure:
            self.expect(round_, row["within"] >= SHARE, f"{row['within']:.2%} of good calls within {WITHIN} s")

    def rest(self, round_, pid, before):
        """Until all is as it was; how long that took."""
        begin, limit = time.monotonic(), 5 if self.measure and self.asserting else 60
        while time.monotonic() < begin + limit:
            live = self.metric_values().get("nisi_gateway_live_calls", 0)
            if descriptors(pid) <= before + 8 and live <= 8:
                break
            time.sleep(0.05)
        else:
            self.expect(round_, False, f"not normal after {limit} s: {descriptors(pid)} descriptors for {before}, {live} calls")
        took = time.monotonic() - begin
        if self.measure:
            time.sleep(max(0.0, 5 - took))
            since = time.monotonic()
            time.sleep(2)
            calls = self.good.of(since, since + 1.5)
            self.expect(round_, calls and all(code == "OK" and s <= WITHIN for s, code in calls), "not normal after 5 s")
        return took

    def rounds(self, attacks):
        """Those that only wait, for what has its time in the gateway, do so together where nothing is measured."""
        together = [attack for attack in attacks if attack.waits and not self.measure]
        return [Round(self, [attack]) for attack in attacks if attack not in together] + ([Round(self, together)] if together else [])

    def run(self, attacks):
        with self.door as door:
            client = Client(door)
            self.facts = str(door.work / "facts.json")
            pathlib.Path(self.facts).write_text(json.dumps(facts_of(door, client)))
            self.good = GoodClient(door, self.facts, 2 if self.measure else 60)
            pid, seconds = door.processes[self.name].pid, 10 if self.measure else 1
            time.sleep(1)
            nobody_is_believed(client, self.facts)
            for round_ in self.rounds(attacks):
                before = descriptors(pid)
                for times in (1,) if self.measure else (1, 5, 25):  # on a slow machine it takes longer to be too much
                    round_.run(seconds, times)
                    took = self.rest(round_, pid, before)
                    self.print(round_, took)
                    if not round_.uncounted():
                        break
                self.judge(round_)
            self.good.stop()
        for line in self.wrong:
            print("WRONG", line)
        return not self.wrong or not self.asserting

    def print(self, round_, took):
        if not self.rows:
            print(f"{'attack':26}{'good':>6}{'<250ms':>8}{'p99 ms':>8}{'new ms':>8}{'failed':>7}{'MiB':>6}{'files':>7}{'back s':>7}"
                  "  refused; what the attacker saw", flush=True)
        row = round_.row()
        self.rows.append(row)
        new = max((took for took, _ in row["new"]), default=0)
        print(f"{round_.name:26}{row['calls']:6}{row['within']:8.1%}{row['p99'] * 1000:8.0f}{new * 1000:8.0f}{len(row['failed']):7}"
              f"{round_.peak / MIB:6.0f}{round_.descriptors:7}{took:7.1f}  {round_.counted}; {round_.did}", flush=True)


def main():
    argv, flags = sys.argv[1:], []
    if "--" in argv:
        argv, flags = argv[:argv.index("--")], argv[argv.index("--") + 1:]
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("proto")
    parser.add_argument("mode", choices=["embedded", "processes"])
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args(argv)
    arguments.flags = flags
    only = [name for name in arguments.only.split(",") if name]
    sys.exit(0 if Test(arguments).run([a for a in ATTACKS if not only or a.name in only]) else 1)


if __name__ == "__main__":
    main()
