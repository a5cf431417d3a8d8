"""A store that fails as it does in life: its service runs for a while on a disk that refuses (tests/faults), until a commit
fails and the process ends."""
import contextlib

from suite import Client, Refused

OWNER = "priority-goods"  # faulty-priority-goods is the service with a disk of its own
FAILS = "fail kind=eio at=10 ops=sync files=.log times=0"


def fail_a_commit(suite, faulty):
    """Leaves the service away, over the store that failed. `faulty`: the program faulty-priority-goods."""
    suite.kill(only=OWNER)
    folder = suite.work / "failing"
    folder.mkdir()
    program = folder / f"nisi-{OWNER}"
    program.write_text(f"#!/bin/sh\nexec '{faulty}' '--fault-plan={FAILS}' \"$@\"\n")
    program.chmod(0o755)
    suite.bin, shipped = folder, suite.bin
    try:
        suite.start_backend(OWNER)
    finally:
        suite.bin = shipped
    client, process = Client(suite), suite.processes.pop(OWNER)
    while process.poll() is None:
        with contextlib.suppress(Refused):
            client.goods("CreateEdition", "institute.industry", edition={"title_ru": "Перечень"})
    client.connection.close()
    assert process.returncode == 70, process.returncode
