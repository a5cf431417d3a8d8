"""The year of tools/year twice: over the suite in one process, undisturbed; and over separate processes with mutual TLS, of
which one after another is killed by SIGKILL and started again all the time. Both come to the same registers, byte for byte
but for positions and times.

usage: year_test.py <bin folder> <proto folder>
"""
import datetime
import io
import itertools
import pathlib
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools" / "year"))
import registers  # noqa: E402
import year  # noqa: E402
from stage import Stage  # noqa: E402
from suite import Suite  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOODS = ROOT / "services/priority_goods/testdata/sample_goods.csv"
EVERY = 0.6  # seconds from the start of one process to the kill of the next


class January(Suite):
    """Begins on the first day of the year that is played, whatever day it is."""

    def move_clock(self, hours):
        first = datetime.datetime.combine(year.FIRST, datetime.time(9), datetime.timezone(datetime.timedelta(hours=5)))
        ahead = (first - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        self.clock.write_text(f"+{ahead + hours * 3600:.0f}s")


class Killer:
    """Kills the processes in turn and starts each again, until it is stopped."""

    def __init__(self, suite):
        self.suite, self.kills, self.failure, self.over = suite, 0, None, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.over.set()
        self.thread.join()
        if self.failure and kind is None:
            raise self.failure

    def _run(self):
        try:
            for name in itertools.cycle([*self.suite.owners(), "gateway"]):
                if self.over.wait(EVERY):
                    return
                self.suite.kill(only=name)
                self.kills += 1
                if name == "gateway":
                    self.suite.start_gateway()
                else:
                    self.suite.start_backend(name)
        except BaseException as failure:  # told by whoever waits for the play
            self.failure = failure


def played(suite, killer=None):
    """What the registers hold after the year, and how it was told."""
    told = io.StringIO()
    tls_ca = None if suite.mode == "embedded" else suite.data / "keys" / "tls" / "ca.pem"
    stage = Stage(ROOT, suite.bin, suite.data, suite.clock, f"127.0.0.1:{suite.port}", told, tls_ca)
    scratch = suite.work / "scratch"
    scratch.mkdir()
    began = time.monotonic()
    try:
        year.play(stage, GOODS, scratch)
    except BaseException:
        print(told.getvalue()[-4000:], file=sys.stderr)
        raise
    took = time.monotonic() - began
    return stage, took


def difference(undisturbed, disturbed):
    """Where the two part, in the first records that differ."""
    told = []
    for one, other in itertools.zip_longest(undisturbed, disturbed, fillvalue=""):
        if one != other and len(told) < 8:
            at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
            told += [one[:120], f"  undisturbed: {one[max(0, at - 200):at + 200]}", f"  killed:      {other[max(0, at - 200):at + 200]}"]
    return "\n".join(told)


def main():
    bin_folder, proto_folder = sys.argv[1:3]
    with January(bin_folder, proto_folder, "embedded") as suite:
        stage, calm = played(suite)
        undisturbed = registers.state(stage)
    with January(bin_folder, proto_folder, "processes") as suite:
        with Killer(suite) as killer:
            stage, took = played(suite)
        disturbed = registers.state(stage)
    assert undisturbed == disturbed, difference(undisturbed, disturbed)
    assert killer.kills >= 14, f"{killer.kills} kills are too few to tell"
    print(f"year: {len(disturbed)} records after {stage.calls} calls: the same undisturbed ({calm:.0f} s) and with "
          f"{killer.kills} kills of separate processes ({took:.0f} s)")


if __name__ == "__main__":
    main()
