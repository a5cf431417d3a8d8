"""kill -9 of the process that owns the store, in the middle of imports, approvals, writes and watches: what was
acknowledged is there, what was not is whole or absent, a request asked again has its one answer, a watch resumes
without gap or repeat.

No assertion rests on where a kill falls: the delays are spread over the operation, and what is asserted holds
whichever side of the commit the kill came. Over all tries, only one side may have been met.

usage: crash_test.py <bin folder> <proto folder> embedded|processes
"""
import concurrent.futures
import contextlib
import datetime
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

import grpc

from journey_test import AUDITOR, AUTHORITY, INSTITUTE, PUBLIC, entry, is_prefix
from suite import GOODS, Client, Refused, Suite, uid

SHARES = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05)  # of the time that an operation takes when nothing is killed
IMPORTED = [f"{840000 + i}" for i in range(2000)]
WRITERS, KILLS = 3, 10
PATIENCE = 20  # seconds, until a suite that was started must have answered


class Crash:
    """The suite that is killed, and a client that behaves as clients should: it asks again with the same request."""

    def __init__(self, suite):
        self.suite, self.client, self.m = suite, Client(suite), suite.messages
        self.state = self.m.resources.Edition
        self.heads, self.kills = [], 0
        self.pool = concurrent.futures.ThreadPoolExecutor(8)
        for role in (INSTITUTE, AUTHORITY, AUDITOR):
            self.client.metadata(role)  # tokens are there before any clock runs

    def attempt(self, run):
        """The answer, or None when the process was away; how that is told is part of the contract."""
        try:
            return run()
        except Refused as refusal:
            assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
            if self.suite.mode == "processes":
                assert refusal.reason == "BACKEND_UNAVAILABLE" and refusal.retry, refusal
            return None

    def retried(self, run):
        """The answer in the end."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.attempt(run)
            if answer is not None:
                return answer
            time.sleep(0.02)
        raise AssertionError("no answer after the restart")

    def kill(self):
        self.suite.kill(only=self.suite.store_process())
        self.kills += 1

    def killed_after(self, delay, operation):
        """What the operation came to while the process was killed so many seconds after its start."""
        running = self.pool.submit(operation)
        time.sleep(delay)
        self.kill()
        return running.result(PATIENCE)

    def head(self):
        """Size of the journal's tree; the head is kept, to be found in the tree that is there at the end."""
        head = self.retried(lambda: self.client.journal("GetTreeHead"))
        self.heads.append((head.tree_size, head.root))
        return head.tree_size

    def journal_after(self, position):
        records, start = [], position + 1
        while start:
            page = self.retried(lambda at=start: self.client.journal("ListEntries", AUDITOR, start_position=at,
                                                                     page_size=200))
            records += [record.leaf for record in page.entries]
            start = page.next_position
        return records

    def draft(self, *entries):
        name = self.client.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Перечень"}).name
        if entries:
            self.client.goods("BatchCreateEntries", INSTITUTE, parent=name, entries=entries)
        return name

    def exported(self, edition):
        return self.retried(lambda: list(self.client.goods_stream("ExportEdition", AUDITOR, name=edition)))

    def edition(self, name):
        return self.retried(lambda: self.client.goods("GetEdition", AUDITOR, name=name))


def imports_are_whole_or_absent(c):
    """All rows of an import or none; asked again with the same request id, it gives its one answer."""
    kind = c.m.goods.ImportEntriesRequest

    def messages(edition, request_id):
        rows = [{"row_number": n, "goods_code": code, "sector": "machinery", "processing_level": "HIGH"}
                for n, code in enumerate(IMPORTED, 1)]
        return [kind(header={"parent": edition, "request_id": request_id, "row_count": len(rows)}),
                *(kind(rows={"rows": rows[at:at + 500]}) for at in range(0, len(rows), 500))]

    def send(requests):
        return c.client.send(GOODS + "ImportEntries", requests, c.m.imports.ImportReport, INSTITUTE)

    unkilled = messages(c.draft(), uid())
    began = time.monotonic()
    send(unkilled)
    took = time.monotonic() - began
    sides = {"before": 0, "after": 0}
    for share in SHARES:
        edition, request_id, start = c.draft(), uid(), c.head()
        requests = messages(edition, request_id)
        first = c.killed_after(took * share, lambda: c.attempt(lambda: send(requests)))
        c.suite.restart_store()
        there = [e.goods_code for e in c.exported(edition)]
        assert there in ([], IMPORTED), f"half an import: {len(there)}"
        assert there or first is None, "acknowledged and lost"
        sides["after" if there else "before"] += 1
        answers = [c.retried(lambda: send(requests)) for _ in range(2)]
        assert answers[0] == answers[1] == (first or answers[0])
        assert answers[0].committed and answers[0].entered_count == len(IMPORTED), answers[0].entered_count
        assert [e.goods_code for e in c.exported(edition)] == IMPORTED
        records = [c.m.journal.Entry.FromString(leaf) for leaf in c.journal_after(start)]
        assert sum(len(r.changes) for r in records if r.request_id == request_id) == len(IMPORTED)
    return f"imports killed {sides}"


def approvals_happen_once(c):
    """An edition is submitted and approved, each once, whether its day is the same or comes while nobody runs."""
    took, days, sides = [], 0, {"before": 0, "after": 0}
    approve_and_kill(c, None, "same day", took=took)
    for share in SHARES:
        for kind in ("same day", "next day"):
            days += 1
            if kind == "same day":  # a new one, as no two editions claim one day
                c.suite.move_clock(24 * days)
                c.client.eventually("the day", lambda: c.client.goods("CheckGoods", codes=["0101"]),
                                    lambda answer: answer.on_date == c.client.date(c.suite.today()))
            was_approved = approve_and_kill(c, took[0] * share, kind, lambda d=days: c.suite.move_clock(24 * d))
            sides["after" if was_approved else "before"] += 1
    return f"approvals killed {sides}"


def approve_and_kill(c, delay, kind, turn_the_day=None, took=None):
    """One edition from draft into force with a kill in between; without a delay nothing is killed, and the time that
    submission and approval took is added to `took`. Returns whether the kill found the edition approved."""
    start, edition = c.head(), c.draft(entry("0101"))
    before = c.client.goods("CheckGoods", codes=["0101"]).edition
    today = c.suite.today()
    effective = today + datetime.timedelta(days=kind == "next day")
    submit = c.client.request(GOODS + "SubmitEdition", name=edition)
    approval_id = uid()

    def submitting():
        return c.client.call(GOODS + "SubmitEdition", submit, c.state, INSTITUTE)

    def approving(etag):
        return c.client.goods("ApproveEdition", AUTHORITY, name=edition, etag=etag, request_id=approval_id,
                              order_number="217-НҚ", order_date=c.client.date(today),
                              effective_from=c.client.date(effective))

    def both():
        submitted = c.attempt(submitting)
        return submitted, submitted and c.attempt(lambda: approving(submitted.etag))

    if delay is None:
        began = time.monotonic()
        first_submitted, first_approved = both()
        took.append(time.monotonic() - began)
    else:
        first_submitted, first_approved = c.killed_after(delay, both)
        if kind == "next day":
            turn_the_day()
        c.suite.restart_store()
    state = c.edition(edition).state
    was_approved = state in (c.state.APPROVED, c.state.IN_FORCE)
    assert was_approved or state in (c.state.DRAFT, c.state.SUBMITTED), state
    assert first_submitted is None or state != c.state.DRAFT, "acknowledged submission lost"
    assert first_approved is None or was_approved, "acknowledged approval lost"

    submitted = [c.retried(submitting) for _ in range(2)]
    assert submitted[0] == submitted[1] == (first_submitted or submitted[0]), submitted
    assert submitted[0].state == c.state.SUBMITTED, submitted[0]
    approved = [c.retried(lambda: approving(submitted[0].etag)) for _ in range(2)]
    assert approved[0] == approved[1] == (first_approved or approved[0]), approved
    waited = kind == "next day" and was_approved  # else its day had begun when it was approved
    assert approved[0].state == (c.state.APPROVED if waited else c.state.IN_FORCE), approved[0]

    now = c.client.eventually("in force", lambda: c.edition(edition), lambda e: e.state == c.state.IN_FORCE)
    assert now.effective_from == c.client.date(effective) and now.decided_by == f"dev:{AUTHORITY}", now
    if before:
        ended = c.edition(before)
        assert (ended.state, ended.effective_until) == (c.state.SUPERSEDED, c.client.date(effective)), ended

    # Once each, in order; by the timer or with the approval, whichever it was.
    states, positions, methods = [], [], []
    for leaf in c.journal_after(start):
        record = c.m.journal.Entry.FromString(leaf)
        for change in record.changes:
            after = c.state()
            if change.table == "editions" and change.after.Unpack(after) and after.name == edition:
                states.append(c.state.State.Name(after.state))
                positions.append(record.position)
                methods.append(record.method.rpartition("/")[2])
    assert states == ["DRAFT", "SUBMITTED", "APPROVED", "IN_FORCE"], states
    assert methods[:3] == ["CreateEdition", "SubmitEdition", "ApproveEdition"], methods
    assert (positions[3] > positions[2]) == waited, positions
    answer = c.client.eventually("the answer", lambda: c.client.goods("CheckGoods", PUBLIC, codes=["010121"]),
                                 lambda found: found.edition_position == positions[3])
    assert answer.edition == edition and answer.results[0].entry == f"{edition}/entries/0101", answer
    return was_approved


def writes_and_watches_go_on(c):
    """Writers lose nothing that was acknowledged; watchers that resume after the last position miss and repeat none."""
    start = c.head()
    edition, path = c.draft(), GOODS + "CreateEntry"
    stop = threading.Event()
    acknowledged = [[] for _ in range(WRITERS)]
    entry_watch, journal_watch = Watch(c, start), Watch(c, start)

    def commit(request):
        return c.client.commit(path, request, INSTITUTE)

    def write(number):
        while not stop.is_set():
            code = f"{85 + number}{len(acknowledged[number]):06}"
            request = c.client.request(path, parent=edition, entry=entry(code))
            acknowledged[number].append((request, *c.retried(lambda: commit(request))))
            time.sleep(0.002)  # leaves some of the processor to the others

    def entries():
        stream = c.client.goods_stream("WatchEntries", AUDITOR, parent=edition, start_position=entry_watch.next())
        for message in stream:
            yield message.position, [(x.position, x.name, x.entry.etag) for x in message.changes]

    def journal():
        for event in c.client.journal_stream("WatchEntries", AUDITOR, start_position=journal_watch.next()):
            if event.WhichOneof("event") == "bookmark":
                yield event.bookmark, []
            else:
                yield c.m.journal.Entry.FromString(event.entry.leaf).position, [event.entry.leaf]

    running = [c.pool.submit(write, number) for number in range(WRITERS)]
    running += [c.pool.submit(entry_watch.run, entries), c.pool.submit(journal_watch.run, journal)]
    try:
        for number in range(KILLS):
            # Both watchers have seen something new, so that this kill breaks a stream that was alive.
            reached = c.head() + 1
            entry_watch.wait_until(reached, running)
            journal_watch.wait_until(reached, running)
            time.sleep(0.03 * number)
            c.kill()
            last = [list(done[-20:]) for done in acknowledged]
            c.suite.restart_store()
            for request, answer, position in (one for done in last for one in done):
                assert c.retried(lambda: c.client.goods("GetEntry", AUDITOR, name=answer.name)) == answer
                assert c.retried(lambda: commit(request)) == (answer, position)
        stop.set()
        for writer in running[:WRITERS]:
            writer.result(PATIENCE)
        entry_watch.goal = journal_watch.goal = c.head() + 1
        # The change that lies beyond the goal, so that no watcher waits for a bookmark.
        acknowledged[0].append((None, *commit(c.client.request(path, parent=edition, entry=entry("0101")))))
        for watcher in running[WRITERS:]:
            watcher.result(PATIENCE)
    finally:
        stop.set()
        entry_watch.given_up = journal_watch.given_up = True

    everything = [done for writer in acknowledged for done in writer]
    assert sorted((answer.name, answer.etag) for _, answer, _ in everything) == [
        (e.name, e.etag) for e in c.exported(edition)]
    leaves = c.journal_after(start)
    assert journal_watch.seen == leaves, (len(journal_watch.seen), len(leaves))
    records = [c.m.journal.Entry.FromString(leaf) for leaf in leaves]
    assert [r.position for r in records] == list(range(start + 1, start + 1 + len(records)))
    by_position = {r.position: r for r in records}
    assert len({position for _, _, position in everything}) == len(everything)
    for request, answer, position in everything:
        (change,) = by_position[position].changes
        stored = c.m.resources.Entry()
        assert change.after.Unpack(stored) and stored == answer, (change, answer)
        assert request is None or by_position[position].request_id == request.request_id
    assert entry_watch.seen == sorted((position, answer.name, answer.etag) for _, answer, position in everything)
    at_once = []
    with contextlib.closing(c.client.goods_stream("WatchEntries", AUDITOR, parent=edition,
                                                  start_position=start + 1)) as stream:
        for message in stream:
            at_once += [(x.position, x.name, x.entry.etag) for x in message.changes]
            if message.position >= entry_watch.goal:
                break
    assert entry_watch.seen == at_once
    for watch in (entry_watch, journal_watch):
        assert watch.streams > KILLS, watch.streams
    return f"{len(everything)} writes and two watches over {KILLS} kills"


class Watch:
    """A consumer that keeps the last position it has seen, and resumes after it."""

    def __init__(self, crash, last):
        self.crash, self.last, self.goal, self.given_up = crash, last, None, False
        self.seen, self.streams = [], 0

    def next(self):
        return self.last + 1

    def run(self, stream):
        """Takes in all that streams yield, (position, what is in the message), until the goal."""
        while not self.given_up and (self.goal is None or self.last < self.goal):
            self.crash.attempt(lambda: self.take(stream()))
            time.sleep(0.02)

    def take(self, stream):
        fresh = True
        with contextlib.closing(stream):
            for position, found in stream:
                assert position > self.last, f"{position} after {self.last}"
                self.seen += found
                self.last, self.streams, fresh = position, self.streams + fresh, False
                if self.goal is not None and position >= self.goal:
                    return

    def wait_until(self, position, running):
        deadline = time.monotonic() + PATIENCE
        while self.last < position:
            for one in running:
                if one.done():
                    raise AssertionError("a writer or watcher has ended") from one.exception()
            assert time.monotonic() < deadline, (self.last, position)
            time.sleep(0.01)


def a_public_watch_resumes_within_an_edition(c):
    """To the public an edition comes whole, in several messages where it is large. Cut off after each of them by a kill, a
    watch that resumes has each entry once."""
    codes = [f"{870000 + i}" for i in range(400)]
    name = c.client.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Перечень"}).name
    for at in range(0, len(codes), 200):
        c.client.goods("BatchCreateEntries", INSTITUTE, parent=name,
                       entries=[{**entry(code), "note": "n" * 9000} for code in codes[at:at + 200]])
    submitted = c.client.goods("SubmitEdition", INSTITUTE, name=name)
    day = c.client.date(c.suite.today() + datetime.timedelta(days=300))
    approve = c.client.request(GOODS + "ApproveEdition", name=name, etag=submitted.etag, order_number="300-НҚ",
                               order_date=c.client.date(c.suite.today()), effective_from=day)
    _, published = c.client.commit(GOODS + "ApproveEdition", approve, AUTHORITY)
    seen, start, delivered, cuts = [], published, 0, 0
    while start <= published:
        def next_message():
            stream = c.client.goods_stream("WatchEntries", PUBLIC, start_position=start, delivered_changes=delivered)
            with contextlib.closing(stream):
                return next(stream)
        message = c.retried(next_message)
        seen += [change.entry.goods_code for change in message.changes]
        assert all(change.position == published for change in message.changes)
        start, delivered, cuts = message.position + 1, message.delivered_changes, cuts + 1
        c.kill()
        c.suite.restart_store()
    assert seen == codes, (len(seen), len(set(seen)))
    assert cuts > 2, cuts
    return f"an edition of {len(codes)} entries to the public in {cuts} messages, a kill after each"


def a_store_put_back_is_known(c, witness):
    """The data folder of before, put back, is refused: its witness lies elsewhere. Without a witness it would open, and
    the log says that nobody can tell. Comes last: with the witness, what was answered since is gone."""
    suite, name, refused = c.suite, c.suite.store_process(), "STORE_ROLLED_BACK"
    store = suite.data / "priority-goods"
    assert witness.exists() and not list(suite.data.glob("*.witness")), "the witness lies with the data"

    def log():
        return (suite.work / f"{name}.log").read_text()

    def stop():
        suite.kill(signal.SIGTERM, only=name)
    stop()
    shutil.copytree(store, suite.work / "before")
    suite.restart_store()
    assert "witness_absent" not in log(), log()
    c.retried(c.draft)
    stop()
    shutil.move(store, suite.work / "newest")
    shutil.copytree(suite.work / "before", store)
    try:
        suite.restart_store()
    except AssertionError:
        assert suite.processes.pop(name).wait(PATIENCE) == 1 and refused in log(), log()
    else:
        raise AssertionError("a store that was rolled back serves")
    shutil.rmtree(store)
    shutil.copytree(suite.work / "newest", store)
    suite.restart_store()
    c.head()
    stop()
    witness.unlink()
    suite.restart_store()
    warnings = [line for line in map(json.loads, log().splitlines()) if line["event"] == "witness_absent"]
    assert [(line["severity"], line["service"]) for line in warnings] == [("WARNING", "priority-goods")], warnings
    assert c.retried(c.draft) and witness.exists(), "no new witness"
    return "a store of before the last change is refused"


def the_gateway_answers_while_the_backend_is_away(c):
    """Each kind of call is refused at once, with the advice to come again, and none waits for its deadline."""
    edition = c.retried(c.draft)
    refusals = []

    def refused(run):
        try:
            answer = run()
        except Refused as refusal:
            assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
            assert refusal.reason == "BACKEND_UNAVAILABLE" and refusal.retry, refusal
            refusals.append(refusal)
            return
        raise AssertionError(f"answered {answer}")

    def ask(path, role=PUBLIC, extra=(), **fields):
        return c.client.call(path, c.client.request(path, **fields), c.client.response(path), role, extra, timeout=10)

    watch = c.client.goods_stream("WatchEntries", AUDITOR, parent=edition, timeout=30)
    with contextlib.closing(watch):
        broken_off = c.pool.submit(lambda: refused(lambda: next(watch)))
        c.head()
        c.kill()
        broken_off.result(PATIENCE)
    header = c.m.goods.ImportEntriesRequest(header={"parent": edition, "request_id": uid()})
    until = time.monotonic() + 2.5  # over the time in which the gateway dials again
    while time.monotonic() < until:
        refused(lambda: ask(GOODS + "CheckGoods", codes=["0101"]))
        refused(lambda: ask(GOODS + "CreateEntry", INSTITUTE, parent=edition, entry=entry("0101")))
        refused(lambda: next(c.client.goods_stream("ExportEdition", AUDITOR, timeout=10, name=edition)))
        refused(lambda: c.client.send(GOODS + "ImportEntries", [header], c.m.imports.ImportReport, INSTITUTE,
                                      timeout=10))
        refused(lambda: c.client.journal("GetTreeHead"))
        refused(lambda: next(c.client.journal_stream("WatchEntries", AUDITOR, timeout=10)))
        time.sleep(0.1)
    c.suite.restart_store()
    assert c.retried(lambda: c.client.goods("CheckGoods", codes=["0101"])).results
    return f"{len(refusals)} calls refused while the backend was away"


def the_gateway_answers_while_the_backend_stands_still(c):
    """A process that is there and says nothing: a call is refused before the time is up that its method has, others then
    at once, though the kernel takes connections for it."""
    def refused(timeout):
        path = GOODS + "CheckGoods"
        try:
            answer = c.client.call(path, c.client.request(path, codes=["0101"]), c.client.response(path), PUBLIC,
                                   timeout=timeout)
        except Refused as refusal:
            assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
            assert refusal.reason == "BACKEND_UNAVAILABLE" and refusal.retry, refusal
            return
        raise AssertionError(f"answered {answer}")

    assert c.retried(lambda: c.client.goods("CheckGoods", codes=["0101"])).results
    with c.suite.paused(c.suite.store_process()):
        refused(timeout=5)
        for _ in range(4):
            refused(timeout=3)
    assert c.retried(lambda: c.client.goods("CheckGoods", codes=["0101"])).results
    return "calls refused while the backend stood still"


def nothing_of_the_past_has_changed(c):
    """Every head that was given out before a kill is a beginning of the tree that is there at the end."""
    head = c.client.journal("GetTreeHead")
    for size, root in c.heads:
        if size > 0:
            proof = c.client.journal("GetConsistencyProof", first_size=size, second_size=head.tree_size)
            assert is_prefix(size, head.tree_size, proof.hashes, root, head.root), size
    return f"{len(c.heads)} heads hold"


def main():
    bin_folder, proto_folder, mode = sys.argv[1:]
    scenes = [imports_are_whole_or_absent, approvals_happen_once, writes_and_watches_go_on,
              a_public_watch_resumes_within_an_edition]
    if mode == "processes":
        scenes += [the_gateway_answers_while_the_backend_is_away, the_gateway_answers_while_the_backend_stands_still]
    with tempfile.TemporaryDirectory() as elsewhere, Suite(bin_folder, proto_folder, mode, **{
            "gateway_flags" if mode == "embedded" else "backend_flags": ["--witness-dir", elsewhere]}) as suite:
        crash = Crash(suite)

        def put_back(c):
            return a_store_put_back_is_known(c, pathlib.Path(elsewhere) / "priority-goods.witness")
        for scene in [*scenes, nothing_of_the_past_has_changed, put_back]:
            start = time.monotonic()
            print(f"{scene(crash)}, {time.monotonic() - start:.1f} s", flush=True)
        assert crash.kills >= 6, crash.kills
        suite.kill(signal.SIGTERM)
    print(f"crash {mode}: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
