"""More calls than gateway and service can answer, by many callers who do not wait for answers, beside a few who ask little:
who is refused is told why and when to come again, the few lose nothing, no process grows past its ceiling, and afterwards
everything is answered. Then figures, all of them shares of what this machine can do: how much is still answered of three times
that, what the few have beside a crowd and beside one who asks for everything, and that soon afterwards all is as before. They are
coarse, to hold on a busy machine; tools/bench --only overload has the fine ones.

usage: overload_test.py <bin folder> <proto folder> [-- FLAG...]
FLAG: of the gateway, as --max-calls=100000 --calls-of-caller=100000 --calls-at-once=100000 --delay=0s --line=0s --wait=60s, to
see what it is for
"""
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import Client, Suite  # noqa: E402

WRITER = "institute.industry"
MIB = 1 << 20
CEILINGS = {"gateway": 256 * MIB, "priority-goods": 384 * MIB}
CROWD, FEW = 16, 12  # callers
RATE, SECONDS = 20_000, 4  # of the crowd: lists and creates, of which no two cores answer half as many
LOST = 0.01  # of the calls of the few, at most
TIMES, LITTLE = 3, 0.05  # of the capacity: what the crowd brings, and what the few bring
ANSWERED, OF_THE_FEW = 0.4, 0.9  # of the capacity, and of the calls of the few: at least
SLOWER, NORMAL_IN = 3, 10  # times, seconds: when it is normal again
ROUNDS = 4  # at most: what else this machine does may spoil one, and a gateway that does not do its part fails in each


class Door(Suite):
    """The gateway with one service behind it."""

    load_core = ()  # before the command of a load

    def owners(self):
        return ["priority-goods"]

    def part(self):
        """From now on the suite has one core and the load another, where there are two: what is offered takes nothing from
        those who are to answer it."""
        suite, *_, load = sorted(os.sched_getaffinity(0)) * 2
        for process in self.processes.values():
            subprocess.run(["taskset", "-a", "-c", "-p", str(suite), str(process.pid)], check=True, stdout=subprocess.DEVNULL)
        self.load_core = ("taskset", "-c", str(load))

    def capacity(self, edition):
        """Calls that are answered in a second when each caller waits for its answer."""
        out = subprocess.run(
            [*self.load_core, self.bin / "nisi-bench", "load", "--client", "http2", "--workload", "list-entries", "--address",
             f"127.0.0.1:{self.port}", "--ca", self.data / "keys" / "tls" / "ca.pem", "--parent", edition, "--token",
             self.mint(WRITER), "--outstanding", "24", "--connections", "2", "--warm-up", "300ms", "--time", "1500ms"],
            check=True, stdout=subprocess.PIPE, text=True, timeout=240).stdout
        return json.loads(out)["per_second"]


class Load:
    """nisi-bench overload: calls that begin when their time has come. What came of each phase."""

    def __init__(self, door, edition, name, callers, workloads, phases, deadline="30s", connections=2):
        tokens = [door.mint(WRITER, subject=f"dev:{name}-{number}") for number in range(callers)]
        flags = [*(("--token", token) for token in tokens), *(("--workload", workload) for workload in workloads),
                 *(("--phase", f"{rate},{seconds}s") for rate, seconds in phases)]
        self.process = subprocess.Popen(
            [*door.load_core, door.bin / "nisi-bench", "overload", "--address", f"127.0.0.1:{door.port}", "--ca", door.data / "keys" / "tls" / "ca.pem",
             "--parent", edition, "--salt", "7", "--network", {"crowd": "127.0.201", "few": "127.0.202"}[name],
             "--deadline", deadline, "--connections", str(connections), "--settle", "0s", *(word for pair in flags for word in pair)],
            stdout=subprocess.PIPE, text=True)

    def phases(self):
        out, _ = self.process.communicate(timeout=240)
        assert self.process.returncode == 0, "the load failed"
        told = json.loads(out)
        assert told["lost_connections"] == 0, told
        return told["phases"]


def fill(client):
    """An edition of the entries that get-entry asks for."""
    edition = client.goods("CreateEdition", WRITER, edition={"title_ru": "Перечень"}).name
    for start in range(0, 1000, 100):
        client.goods("BatchCreateEntries", WRITER, parent=edition, entries=[
            {"goods_code": f"84{number:08}", "name_ru": "товар " * 10, "sector": "machinery", "processing_level": 3}
            for number in range(start, start + 100)])
    return edition


def peak(process):
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def answered(phase):
    return sum(phase["callers_ok"]) / sum(phase["callers"])


def figures(door, edition):
    """One round of them: what is wrong."""
    capacity = door.capacity(edition)
    # Of the calls that two connections of each of the crowd can have under way, half are done in that time.
    deadline = f"{CROWD * 100 / capacity:.3f}s"

    def load(name, callers, share, seconds, connections=2):
        return Load(door, edition, name, callers, ["list-entries"], [(share * capacity, seconds)], deadline, connections)

    def few(seconds):
        return load("few", FEW, LITTLE, seconds)

    def beside(crowd, seconds):
        little = few(seconds)
        return *crowd.phases(), *little.phases()

    before, = few(1).phases()
    many, little = beside(load("crowd", CROWD, TIMES, 3), 3)
    over, normal = time.monotonic() + NORMAL_IN, False
    while not normal and time.monotonic() < over:
        after, = few(1).phases()
        normal = answered(after) == 1 and after["p50_us"] <= SLOWER * before["p50_us"]
    greedy, modest = beside(load("crowd", 1, 2, 2, connections=96), 2)
    good, offered = many["ok"] / capacity, many["offered"] / capacity
    print(f"capacity {capacity:.0f} a second; of {offered:.1f} times that {good:.2f} are answered, of the few {answered(little):.0%} "
          f"(p50 {before['p50_us'] / 1000:.1f} ms before, {little['p50_us'] / 1000:.1f} ms beside); beside one greedy caller "
          f"{answered(modest):.0%}, of his {answered(greedy):.0%}", flush=True)
    return [what for wrong, what in (
        (offered < 0.8 * TIMES, f"only {offered:.1f} times the capacity was brought"),
        (good < ANSWERED, f"of {TIMES} times the capacity {good:.2f} are answered"),
        (answered(little) < OF_THE_FEW, f"of the few {answered(little):.0%} are answered beside {TIMES} times the capacity"),
        (not normal, f"not as before within {NORMAL_IN} s"),
        (answered(modest) < OF_THE_FEW, f"of the few {answered(modest):.0%} are answered beside one greedy caller")) if wrong]


def run(flags):
    with Door(sys.argv[1], sys.argv[2], "processes", gateway_flags=flags) as door:
        edition, wrong = fill(Client(door)), []

        def expect(good, what):
            if not good:
                wrong.append(what)

        # Over so many connections that two calls of each are too many: none can be told to have fewer, so some are refused.
        crowd = Load(door, edition, "crowd", CROWD, ["list-entries=3", "create-entry=1"], [(RATE, SECONDS)], connections=24)
        few = Load(door, edition, "few", FEW, ["get-entry"], [(60, SECONDS)])
        (many,), (little,) = crowd.phases(), few.phases()
        calm, = Load(door, edition, "crowd", CROWD, ["get-entry"], [(100, 2)]).phases()
        print(json.dumps({"many": many, "few": little, "calm": calm}))
        expect(many["read"] > 0, "nobody was refused: this was no overload")
        expect(set(many["codes"]) <= {"RESOURCE_EXHAUSTED"}, f"refused with {many['codes']}")
        expect(set(many["reasons"]) <= {"OVERLOADED"}, f"refused for {many['reasons']}")
        expect(many["without_retry"] == 0, f"{many['without_retry']} of {many['read']} refusals do not say when to come again")
        expect(answered(little) >= 1 - LOST, f"of the few {answered(little):.1%} were answered, the others {little['codes']}")
        expect(answered(calm) == 1, f"afterwards {answered(calm):.1%} are answered, the others {calm['codes']}")
        door.part()
        rounds = []
        while len(rounds) < ROUNDS and (not rounds or rounds[-1]):
            rounds.append(figures(door, edition))
        expect(not rounds[-1], f"in each of {ROUNDS} rounds: {rounds}")
        for name, process in door.processes.items():
            expect(process.poll() is None, f"{name} has died with {process.returncode}")
            expect(peak(process) <= CEILINGS[name], f"{name}: {peak(process) / MIB:.0f} MiB")
        for line in wrong:
            print("WRONG", line)
        return not wrong


def main():
    argv, flags = sys.argv[3:], []
    if "--" in argv:
        flags = argv[argv.index("--") + 1:]
    sys.exit(0 if run(flags) else 1)


if __name__ == "__main__":
    main()
