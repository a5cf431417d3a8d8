"""More calls than gateway and service can answer, by many callers who do not wait for answers, beside a few who ask little:
who is refused is told why and when to come again, the few lose nothing, no process grows past its ceiling, and afterwards
everything is answered. How much is still answered, and how soon, is measured by tools/bench --only overload.

usage: overload_test.py <bin folder> <proto folder> [-- FLAG...]
FLAG: of the gateway, as --max-calls=100000 --calls-of-caller=100000 --line=0s --wait=60s, to see what it is for
"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import Client, Suite  # noqa: E402

WRITER = "institute.industry"
MIB = 1 << 20
CEILINGS = {"gateway": 256 * MIB, "priority-goods": 384 * MIB}
CROWD, FEW = 16, 12  # callers
RATE, SECONDS = 20_000, 4  # of the crowd: lists and creates, of which no two cores answer half as many
LOST = 0.01  # of the calls of the few, at most


class Door(Suite):
    """The gateway with one service behind it."""

    def owners(self):
        return ["priority-goods"]


class Load:
    """nisi-bench overload: calls that begin when their time has come. What came of each phase."""

    def __init__(self, door, edition, name, callers, workloads, phases):
        tokens = [door.mint(WRITER, subject=f"dev:{name}-{number}") for number in range(callers)]
        flags = [*(("--token", token) for token in tokens), *(("--workload", workload) for workload in workloads),
                 *(("--phase", f"{rate},{seconds}s") for rate, seconds in phases)]
        self.process = subprocess.Popen(
            [door.bin / "nisi-bench", "overload", "--address", f"127.0.0.1:{door.port}", "--ca", door.data / "keys" / "tls" / "ca.pem",
             "--parent", edition, "--salt", "7", "--network", {"crowd": "127.0.201", "few": "127.0.202"}[name],
             "--deadline", "30s", "--settle", "0s", *(word for pair in flags for word in pair)],
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


def run(flags):
    with Door(sys.argv[1], sys.argv[2], "processes", gateway_flags=flags) as door:
        edition, wrong = fill(Client(door)), []

        def expect(good, what):
            if not good:
                wrong.append(what)

        crowd = Load(door, edition, "crowd", CROWD, ["list-entries=3", "create-entry=1"], [(RATE, SECONDS)])
        few = Load(door, edition, "few", FEW, ["get-entry"], [(60, SECONDS)])
        (many,), (little,) = crowd.phases(), few.phases()
        calm, = Load(door, edition, "crowd", CROWD, ["get-entry"], [(100, 2)]).phases()
        print(json.dumps({"many": many, "few": little, "calm": calm}))
        expect(many["ok"] > 0, "none of many was answered")
        expect(many["read"] > 0, "nobody was refused: this was no overload")
        expect(set(many["codes"]) <= {"RESOURCE_EXHAUSTED"}, f"refused with {many['codes']}")
        expect(set(many["reasons"]) <= {"OVERLOADED"}, f"refused for {many['reasons']}")
        expect(many["without_retry"] == 0, f"{many['without_retry']} of {many['read']} refusals do not say when to come again")
        expect(answered(little) >= 1 - LOST, f"of the few {answered(little):.1%} were answered, the others {little['codes']}")
        expect(answered(calm) == 1, f"afterwards {answered(calm):.1%} are answered, the others {calm['codes']}")
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
