"""A disk that fills up under the shipped service, and has room again: a file system in memory that is filled by
others, emptied and made larger. While no more than the reserve is left, writes are refused with RESOURCE_EXHAUSTED
before anything is written; reads, health and the answers to requests that were done before go on. When there is room
so do writes. Nothing is started again for it, and nothing acknowledged is lost.

Needs leave to mount; exit code 77 and a line that says so where there is none.

usage: disk_full.py <bin folder> <proto folder> [fills]
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from served_rot import WRITER, metric, write_entries  # noqa: E402
from suite import Client, Refused, Suite, free_port, uid  # noqa: E402

SKIPPED = 77
MIB = 1 << 20
SIZE, RESERVE = 256, 24  # MiB: the stores of all services lie on it
AGAIN = 20  # refused writes at each fill


class Disk:
    """A tmpfs, on which all of the suite lies."""

    def __init__(self, path):
        self.path, self.ballast, self.size = path, path / "ballast", SIZE
        self._mount("-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs")

    def _mount(self, *how):
        done = subprocess.run(["mount", *how, str(self.path)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PermissionError(done.stderr.strip())

    def free(self):
        room = os.statvfs(self.path)
        return room.f_bavail * room.f_frsize

    def leave(self, left):
        """Fills it until no more than so many bytes are left."""
        with open(self.ballast, "ab", buffering=0) as file:
            while self.free() > left:
                try:
                    file.write(bytes(min(MIB, self.free() - left)))
                except OSError:
                    assert left == 0
                    break

    def make_room(self, larger):
        if larger:
            self.size += SIZE
            self._mount("-o", f"remount,size={self.size}m")
        else:
            self.ballast.unlink()

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.path)], check=False)


def health(client):
    channel = client.suite.channel()
    check = channel.unary_unary("/grpc.health.v1.Health/Check", lambda none: none, lambda answer: answer)
    answer = check(b"", metadata=[("nisi-service", "priority-goods")], timeout=10)
    channel.close()
    return answer


def fill_once(client, disk, entries, edition, port, fill):
    """One disk that fills up and gets room; how many writes were refused."""
    code = iter(range(fill * 1000, fill * 1000 + 1000))

    def write(request_id):
        entry = {"goods_code": f"85{next(code):08}", "name_ru": "товар", "sector": "machinery", "processing_level": 3}
        made = client.goods("CreateEntry", WRITER, parent=edition, entry=entry, request_id=request_id)
        entries[made.name] = made

    serving = health(client)
    write(uid())
    disk.leave(0 if fill % 3 == 2 else RESERVE * MIB // 2)
    refused = uid()
    for attempt in range(AGAIN):
        try:
            write(refused if attempt == 0 else uid())
            raise AssertionError(f"a write was taken with {disk.free()} bytes left")
        except Refused as refusal:
            assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED and refusal.reason == "DISK_FULL", refusal
            assert refusal.retry, "no RetryInfo"
        name = list(entries)[attempt * 7 % len(entries)]
        assert client.goods("GetEntry", WRITER, name=name) == entries[name]
    assert len(client.goods("ListEntries", WRITER, parent=edition, page_size=10).entries) == 10
    assert health(client) == serving, "health has changed"
    assert metric(port, "nisi_store_disk_free_bytes") < RESERVE * MIB
    assert metric(port, "nisi_store_disk_reserve_bytes") == RESERVE * MIB
    disk.make_room(larger=fill % 2 == 1)
    write(refused)  # what was refused was not done, and is done now
    return AGAIN


def test(bin_folder, proto_folder, fills):
    began, place = time.monotonic(), pathlib.Path(tempfile.mkdtemp(prefix="nisi-full-"))
    disk, port, refusals = None, free_port(), 0
    try:
        disk = Disk(place)
        tempfile.tempdir = str(place)
        flags = ["--disk-reserve-mib", RESERVE, "--metrics-address", f"127.0.0.1:{port}"]
        with Suite(bin_folder, proto_folder, "processes", flags) as suite:
            client = Client(suite)
            edition, entries = write_entries(client, 100)
            process = suite.processes["priority-goods"]
            for fill in range(fills):
                refusals += fill_once(client, disk, entries, edition, port, fill)
            assert process.poll() is None and process is suite.processes["priority-goods"]
            suite.kill(only="priority-goods")
            suite.restart_store()
            client.eventually("serving", lambda: client.goods("GetEdition", WRITER, name=edition), bool)
            for name, made in entries.items():
                assert client.goods("GetEntry", WRITER, name=name) == made, f"lost: {name}"
        print(f"disk_full: fills={fills} refused={refusals} acks={len(entries)} lost=0 "
              f"seconds={time.monotonic() - began:.0f}", flush=True)
    finally:
        tempfile.tempdir = None
        if disk is not None:
            disk.unmount()
        shutil.rmtree(place, ignore_errors=True)


def main(arguments):
    try:
        test(arguments[0], arguments[1], int(arguments[2]) if len(arguments) > 2 else 6)
    except PermissionError as missing:
        print(f"disk_full: SKIPPED: {missing}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
