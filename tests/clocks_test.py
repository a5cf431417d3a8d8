"""The clock of all machines moves a day ahead, back, a day behind, stands still and goes on, under load: no call fails, no watch
breaks off, no change is lost or made twice, and what the journal says of its times rises with its positions.

usage: clocks_test.py <bin folder> <proto folder> <moved_clock.so>
"""
import sys
import time

sys.dont_write_bytecode = True
import rolling_test  # noqa: E402
from clusters_test import ClusterStory  # noqa: E402
from moved_clock import DAY, MovedClock  # noqa: E402

LONG = 3 * DAY  # tokens hold on each of the days


class Moved(rolling_test.Rolled):
    """A suite on machines whose clocks a test moves."""

    def __init__(self, bin_folder, proto_folder, library):
        self.library = library
        super().__init__(bin_folder, proto_folder, "processes", gateway_flags=["--token-life", f"{2 * LONG}s"])

    def start(self):
        self.moved = MovedClock(self.library, self.work / "moved")
        self.environment = self.moved.environment
        super().start()

    def mint(self, *roles, **claims):
        now = int(time.time())
        return super().mint(*roles, **{"iat": now - LONG, "exp": now + LONG, **claims})


class Load(rolling_test.Load):
    """Whose calls were signed on one day and looked at on another is told to call again; no other call fails."""

    between = 0

    def call(self, *args):
        answer = super().call(*args)
        with self.lock:
            between = [failed for failed in self.failed if "CONTEXT_" in failed]
            self.failed = [failed for failed in self.failed if failed not in between]
            self.between += len(between)
        return answer


def main():
    began = time.monotonic()
    with Moved(*sys.argv[1:]) as suite:
        story = ClusterStory(suite)
        story.places()
        story.client.connection.close()
        load = Load(suite, rolling_test.Changes(suite))
        load.more(5)
        clock = suite.moved
        for what, move in (("a day ahead", lambda: clock.move(DAY)), ("back", lambda: clock.move(0)),
                           ("a day behind", lambda: clock.move(-DAY)), ("forward again", lambda: clock.move(0)),
                           ("standing still", clock.stand_still), ("running", lambda: clock.move(0))):
            move()
            load.more(10)
            print(f"clocks: {what}, {time.monotonic() - began:.1f} s, "
                  f"{load.between} calls between two days", flush=True)
        load.stop()
        assert not load.failed and load.between <= 2 * len(load.threads), (load.failed[:3], load.between)
        assert not any(load.resumed.values()), load.resumed
        rolling_test.check_registers(load)
        for owner, seen in load.seen.items():
            times = [load.m.journal.Entry.FromString(leaf).record_time.ToNanoseconds() for _, leaf in seen]
            assert times == sorted(times), owner
        suite.kill()
    print(f"clocks: {sum(load.reads.values())} reads, {sum(map(len, load.written.values()))} changes, "
          f"{sum(map(len, load.seen.values()))} entries watched: 0 failed")


if __name__ == "__main__":
    main()
