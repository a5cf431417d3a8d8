"""Bits that flip under the shipped service while it serves: a caller gets what was written, or DATA_LOSS with its one
ErrorInfo; no record is missing and no list ends early. The slow check of files finds the damage and its metric says
so; what is not damaged goes on being read.

usage: served_rot.py <bin folder> <proto folder> [entries] [seed]
"""
import pathlib
import random
import sys
import time
import urllib.request

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import Client, Refused, Suite, free_port  # noqa: E402

WRITER = "institute.industry"
EVERY = 1500  # a flip in so many bytes: no block of rows is left whole
CHECK_SECONDS = 150  # the check takes one file each ten


def metric(port, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    values = [float(line.split()[-1]) for line in lines if line.startswith((name + "{", name + " "))]
    assert len(values) == 1, (name, values)
    return values[0]


def write_entries(client, count):
    """An edition, and its entries by name as they were answered."""
    edition, entries = client.goods("CreateEdition", WRITER, edition={"title_ru": "Перечень"}).name, {}
    for number in range(1, count + 1):
        entry = {"goods_code": f"84{number:08}", "name_ru": "товар", "sector": "machinery", "processing_level": 3}
        made = client.goods("CreateEntry", WRITER, parent=edition, entry=entry)
        entries[made.name] = made
    return edition, entries


def damage(suite):
    """Flips a bit in each stretch of every table file but its end, which the service has read; returns how many."""
    flips = 0
    for path in sorted((suite.data / "priority-goods").glob("*.sst")):
        size = path.stat().st_size
        with open(path, "r+b") as file:
            for start in range(0, size * 8 // 10, EVERY):
                at = start + random.randrange(min(EVERY, size - start))
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 1 << random.randrange(8)]))
                flips += 1
    return flips


def read_all(client, edition, entries):
    """(right answers, DATA_LOSS); anything else is asserted."""
    right, damaged = 0, 0

    def ask(method, **fields):
        nonlocal right, damaged
        try:
            answer = client.goods(method, WRITER, **fields)
            right += 1
            return answer
        except Refused as refusal:
            assert refusal.code == grpc.StatusCode.DATA_LOSS and refusal.reason == "STORE_CORRUPT", refusal
            damaged += 1
            return None

    for name, made in entries.items():
        answer = ask("GetEntry", name=name)
        assert answer is None or answer == made, f"a wrong answer: {answer} for {made}"
    names, token = sorted(entries), ""
    while names:
        page = ask("ListEntries", parent=edition, page_size=100, page_token=token)
        if page is None:
            break
        listed, token = [entry.name for entry in page.entries], page.next_page_token
        assert listed and listed == names[:len(listed)], f"a wrong list: {listed[:3]} for {names[:3]}"
        assert all(entry == entries[entry.name] for entry in page.entries), "a wrong entry in a list"
        names = names[len(listed):]
        assert bool(token) == bool(names), "a list ends early"
    return right, damaged


def main(arguments):
    count = int(arguments[2]) if len(arguments) > 2 else 400
    seed = int(arguments[3]) if len(arguments) > 3 else random.randrange(1, 1_000_000)
    random.seed(seed)
    port, began = free_port(), time.monotonic()
    with Suite(arguments[0], arguments[1], "processes", ["--metrics-address", f"127.0.0.1:{port}"]) as suite:
        client = Client(suite)
        edition, entries = write_entries(client, count)
        suite.kill(only="priority-goods")
        suite.restart_store()  # which has its log in table files now
        client.eventually("serving", lambda: client.goods("GetEdition", WRITER, name=edition), bool)
        assert metric(port, "nisi_store_file_damage") == 0
        flips = damage(suite)
        right, damaged = read_all(client, edition, entries)
        assert flips > 0 and damaged > 0, "no damage was read: this test is blind"
        deadline = time.monotonic() + CHECK_SECONDS
        while metric(port, "nisi_store_file_damage") != 1:
            assert time.monotonic() < deadline, "the check of files does not find it"
            time.sleep(0.5)
        assert suite.processes["priority-goods"].poll() is None, "the service ended"
        print(f"served_rot: seed={seed} flips={flips} entries={count} right={right} data_loss={damaged} "
              f"seconds={time.monotonic() - began:.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
