"""Power cuts of a real file system: the shipped service on an ext4 of its own, on a loop device, that is shut down
under it. What was not synced is gone, as the kernel and not as our own fault disk sees it. After each cut the file
system is mounted again and the service must have all that it acknowledged, to the byte, once and without a gap. The
same without syncing must lose something, or the test is blind.

Needs root, loop devices and ext4's shutdown; exit code 77 and a line that says so where they are missing.

usage: loop_device_power_cut.py <bin folder> <proto folder> [cuts] [acknowledgements a cut]
"""
import collections
import fcntl
import os
import pathlib
import queue
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import types

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import GOODS, JOURNAL, Suite, free_port, uid  # noqa: E402

SKIPPED = 77
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2  # the journal is not written out first: a cut, not a clean end
WRITERS = 32
OLDER = 100  # requests asked again after each cut, besides the recent ones


class Missing(Exception):
    """Something this machine does not have."""


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, work):
        self.image, self.path, self.mounted = work / "disk.img", work / "disk", False
        self.path.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(256 << 20)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", "loop", self.image, self.path)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", self.path)
            self.mounted = False

    def cut(self):
        """From now on nothing gets to the disk any more."""
        folder = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            raise Missing(f"ext4 does not shut down: {error}") from None
        finally:
            os.close(folder)


class Service:
    """The shipped service with its store on the disk; its keys are elsewhere."""

    def __init__(self, bin_folder, proto, work, disk, sync):
        self.bin, self.work, self.disk, self.sync = pathlib.Path(bin_folder), work, disk, sync
        self.keys, self.process, self.port = work / "keys-of-tests", None, 0
        subprocess.run([self.bin / "nisi", "serve", "--make-keys", "--data", self.keys], check=True)
        self.messages = proto
        self.tokens = {role: self._token(role) for role in ("institute.industry", "auditor")}

    def _token(self, role):
        out = subprocess.run([self.bin / "nisi", "token", "--role", role, "--data", self.keys], check=True,
                             capture_output=True, text=True)
        return out.stdout.strip().splitlines()[-1]

    def start(self):
        self.port, log = free_port(), self.work / "log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [self.bin / "nisi-priority-goods", "--address", f"127.0.0.1:{self.port}", "--data",
                 self.disk.path / "data", "--jwks", self.keys / "keys" / "jwks.json",
                 f"--sync={str(self.sync).lower()}", "--disk-reserve-mib=0"],
                stdout=out, stderr=out)
        deadline = time.monotonic() + 60
        while b'"serving"' not in log.read_bytes():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.01)
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options)

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def metadata(self, role):
        return (("authorization", "Bearer " + self.tokens[role]),)


class Client:
    """What was asked for, and the first answer to it."""

    def __init__(self, service):
        self.service, self.m = service, service.messages
        self.requests, self.answers = {}, {}  # by request id: the request; answer and position
        self.edition, self.codes = None, 0
        self.recent, self.records = [], {}  # requests since the last look; the journal up to it, by position

    def stub(self, channel, path, response):
        return channel.unary_unary(path, lambda message: message.SerializeToString(), response.FromString)

    def journal(self, channel, name, request, response):
        return self.stub(channel, JOURNAL + name, response)(request, metadata=self.service.metadata("auditor"),
                                                            timeout=20)

    def open_edition(self, channel):
        request = self.m.goods.CreateEditionRequest(edition={"title_ru": "Перечень"}, request_id=uid())
        create = self.stub(channel, GOODS + "CreateEdition", self.m.resources.Edition)
        self.edition = create(request, metadata=self.service.metadata("institute.industry"), timeout=20).name

    def next(self):
        self.codes += 1
        entry = {"goods_code": f"84{self.codes:08}", "name_ru": "товар", "sector": "machinery", "processing_level": 3}
        request = self.m.goods.CreateEntryRequest(parent=self.edition, entry=entry, request_id=uid())
        self.requests[request.request_id] = request
        self.recent.append(request)
        return request

    def send(self, channel, requests):
        """Many at once, until there are no more; yields each request with its answer and position. A writer whose
        connection is gone stops: nobody knows what came of its request."""
        create = self.stub(channel, GOODS + "CreateEntry", self.m.resources.Entry)
        lock, answers = threading.Lock(), queue.SimpleQueue()

        def write():
            while True:
                with lock:
                    request = next(requests, None)
                if request is None:
                    break
                try:
                    answer, call = create.with_call(request, timeout=60,
                                                    metadata=self.service.metadata("institute.industry"))
                except grpc.RpcError as error:
                    if error.code() != grpc.StatusCode.UNAVAILABLE:
                        answers.put((request, error))
                    break
                position = int(dict(call.trailing_metadata())["nisi-position"])
                answers.put((request, (answer.SerializeToString(), position)))
            answers.put(None)

        writers = [threading.Thread(target=write, daemon=True) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        ended = 0
        while ended < WRITERS:
            answer = answers.get(timeout=60)
            if answer is None:
                ended += 1
            else:
                assert isinstance(answer[1], tuple), answer
                yield answer

    def load(self, channel, enough, cut):
        """Writes until so many are acknowledged, then has the power cut while others are under way."""
        count = 0
        for request, answer in self.send(channel, iter(self.next, None)):
            self.answers[request.request_id] = answer
            count += 1
            if count == enough:
                cut()
        return count

    def lost(self, channel):
        """How many acknowledged requests the journal does not have; all else is asserted."""
        head = self.journal(channel, "GetTreeHead", self.m.journal.GetTreeHeadRequest(), self.m.journal.TreeHead)
        records, start = self.records, len(self.records) + 1
        while start:
            page = self.journal(channel, "ListEntries",
                                self.m.journal.ListEntriesRequest(start_position=start, page_size=200),
                                self.m.journal.ListEntriesResponse)
            for record in page.entries:
                entry = self.m.journal.Entry.FromString(record.leaf)
                assert entry.position == len(records) + 1, f"a gap before {entry.position}"
                records[entry.position] = entry
            start = page.next_position
        assert len(records) == head.tree_size, (len(records), head.tree_size)
        by_id = collections.Counter(entry.request_id for entry in records.values())
        assert all(count == 1 for count in by_id.values()), "a request was done twice"
        strangers = [entry for entry in records.values()
                     if entry.method.endswith("/CreateEntry") and entry.request_id not in self.requests]
        assert not strangers, f"from the future: {strangers[:1]}"
        missing = [i for i, (_, position) in self.answers.items()
                   if position not in records or records[position].request_id != i]
        if not missing:
            self.ask_again(channel)
        return len(missing)

    def ask_again(self, channel):
        """Every recent request, with or without an answer, and some older ones, have their one answer."""
        older = random.sample(list(self.requests.values()), min(OLDER, len(self.requests)))
        asked = {request.request_id: request for request in self.recent + older}
        again = {request.request_id: answer for request, answer in self.send(channel, iter(list(asked.values())))}
        self.recent = []
        for request_id in asked:
            first = self.answers.setdefault(request_id, again[request_id])
            assert first == again[request_id], f"torn: {first} and then {again[request_id]}"


def cut_again_and_again(service, disk, cuts, acks):
    """Returns (cuts, acknowledgements, lost)."""
    client, total = Client(service), 0

    def cut():
        disk.cut()
        service.kill()

    client.open_edition(service.start())
    for number in range(1, cuts + 1):
        service.kill()
        total += client.load(service.start(), random.randint(1, 2 * acks), cut)
        disk.unmount()
        disk.mount()
        if not service.sync:  # The witness refuses what is left, and rightly so.
            (disk.path / "data" / "priority-goods.witness").unlink(missing_ok=True)
        lost = client.lost(service.start())
        if lost:
            break
    service.kill()
    return number, total, lost


def test(bin_folder, proto_folder, cuts, acks):
    work = pathlib.Path(tempfile.mkdtemp(prefix="nisi-loop-"))
    disk = service = None
    try:
        place = types.SimpleNamespace(bin=pathlib.Path(bin_folder), proto=pathlib.Path(proto_folder))
        messages = Suite._load_messages(place)  # pylint: disable=protected-access
        for sync in (True, False):
            folder = work / ("synced" if sync else "unsynced")
            folder.mkdir()
            disk = Disk(folder)
            service = Service(bin_folder, messages, folder, disk, sync)
            began = time.monotonic()
            made, total, lost = cut_again_and_again(service, disk, cuts, acks)
            print(f"loop_device_power_cut: sync={int(sync)} cuts={made} acks={total} lost={lost} "
                  f"seconds={time.monotonic() - began:.0f}", flush=True)
            assert (lost == 0) == sync, "lost" if sync else "nothing was lost without syncing: this test is blind"
            disk.unmount()
    finally:
        if service is not None:
            service.kill()
        if disk is not None:
            disk.unmount()
        shutil.rmtree(work, ignore_errors=True)


def main(arguments):
    cuts, acks = [int(a) for a in arguments[2:4]] + [20, 500][len(arguments[2:4]):]
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        print("loop_device_power_cut: SKIPPED: needs root and mkfs.ext4")
        return SKIPPED
    try:
        test(arguments[0], arguments[1], cuts, acks)
    except Missing as missing:
        print(f"loop_device_power_cut: SKIPPED: {missing}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
