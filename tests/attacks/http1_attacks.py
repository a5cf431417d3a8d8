"""What those who mean harm do in HTTP/1.1 and JSON, at the same port: see attacks.py, which has the table of all."""
import itertools
import json
import time

from wire import Gone, Wire

MIB = 1 << 20


class Lines(Wire):
    """A connection in HTTP/1.1: what comes is counted by its answers."""
    alpn = "http/1.1"

    def __init__(self, target, source, handshake=True, hello=None):
        super().__init__(target, source, hello=None, handshake=handshake)

    def _take(self, got):
        got = self._rest + got
        self.ended += got.count(b"HTTP/1.1 ")
        self._rest = got[-8:]  # less than a whole one

    def head(self, *fields, path=None, method="POST", body=None):
        """The beginning of a request, with the length of its body where that is known."""
        lines = [f"{method} {path or self.target.path} HTTP/1.1", "host: nisi", "content-type: application/json",
                 f"authorization: Bearer {self.target.token}", *fields]
        if body is not None:
            lines.append(f"content-length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n").encode()

    def request(self, body=b"{}", **how):
        return self.head(body=body, **how) + b"\r\n" + body


def by_lines(attack):
    """An attack whose connections speak HTTP/1.1."""
    def run(party):
        party.wire = Lines
        attack(party)
    run.__name__, run.__doc__ = attack.__name__, attack.__doc__
    return run


@by_lines
def http1_slow_heads(party):
    """A head of which a byte comes each second, or nothing but empty lines before it."""
    turn = itertools.count()

    def one(wire):
        part = b"x" if next(turn) % 2 else b"\r\n"
        if part == b"x":
            wire.send(wire.head() + b"x-slow: ")
        while True:
            for _ in range(40):
                yield
            wire.send(part)
    party.crowd(60, one)


@by_lines
def http1_slow_bodies(party):
    """A body of which a byte comes each second, by its length or in chunks."""
    turn = itertools.count()

    def one(wire):
        chunked = next(turn) % 2
        wire.send(wire.head("transfer-encoding: chunked" if chunked else "content-length: 1000") + b"\r\n")
        party.did["calls"] += 1
        while True:
            for _ in range(40):
                yield
            wire.send(b"1\r\n{\r\n" if chunked else b"{")
    party.crowd(60, one)


@by_lines
def http1_endless_heads(party):
    """A head without an end: in many fields, in one, in its target, beside a chunk, behind the last one."""
    kinds = itertools.cycle([
        (lambda wire: wire.head(), b"".join(b"x-%d: %s\r\n" % (i, b"v" * 100) for i in range(100))),
        (lambda wire: wire.head() + b"x: ", b"v" * 10000),
        (lambda wire: b"GET /", b"a" * 10000),
        (lambda wire: wire.head("transfer-encoding: chunked") + b"\r\n1;", b"x" * 10000),
        (lambda wire: wire.head("transfer-encoding: chunked") + b"\r\n0\r\n", b"x: y\r\n" * 2000)])

    def one(wire):
        begin, more = next(kinds)
        wire.send(begin(wire))
        while party.more():
            wire.send(more)
            party.did["KiB"] += len(more) >> 10
    party.again(one)


@by_lines
def http1_lying_bodies(party):
    """Bodies whose length is told twice, or not as it is: what two readers could read in two ways."""
    chunked = "transfer-encoding: chunked"
    lies = itertools.cycle([
        ([chunked], b"ffffffffffffffff\r\n{}"), ([chunked], b"-1\r\n{}\r\n"), ([chunked], b"0x2\r\n{}\r\n0\r\n\r\n"),
        ([chunked], b"2\r\n{}{}\r\n0\r\n\r\n"), ([chunked], b"1\r\n{}\r\n0\r\n\r\n"), ([chunked], b"\r\n\r\n"),
        ([chunked, "content-length: 2"], b"{}"), ([chunked, chunked], b"0\r\n\r\n"),
        (["transfer-encoding: gzip, chunked"], b"0\r\n\r\n"), (["transfer-encoding : chunked"], b"0\r\n\r\n"),
        (["content-length: 2", "content-length: 3"], b"{}x"), (["content-length: -1"], b"{}"),
        (["content-length: 99999999999999999999"], b"{}"), (["content-length: 2"], b"{}GET / HTTP/1.1\r\nbad\r\n\r\n"),
        (["content-length: 99999999"], b"{}")])

    def one(wire):
        fields, body = next(lies)
        wire.send(wire.head(*fields) + b"\r\n" + body)
        party.did["lies"] += 1
        if not wire.wait(0.05):
            raise Gone("closed")
    party.again(one)


@by_lines
def http1_unread_answers(party):
    """Requests in advance, for large answers of which none is read."""
    def ask(wire):
        large = wire.request(json.dumps(party.facts["large_json"]).encode(), path=party.facts["large_path"])
        page = wire.request(b"", method="GET", path="/openapi.json")
        for part in itertools.cycle([large * 20, page * 20]):
            if not party.more():
                return
            wire.send(part, reading=False, patience=0.2)
            party.did["calls"] += 20

    wires = []
    for _ in range(60):
        if (wire := party.connect()) is None:
            continue
        try:
            ask(wire)
        except Gone:
            party.did["takes no more"] += 1
        wires.append(wire)
    while party.more():  # and holds them
        time.sleep(0.1)
    for wire in wires:
        wire.close()


@by_lines
def http1_too_many_calls(party):
    """One caller with good calls from many connections, each with fifty of them in advance."""
    call = None

    def one(wire):
        nonlocal call
        call = call or wire.request(json.dumps(party.facts["json"]).encode())
        sent = 0
        while True:
            some = 50 - (sent - wire.ended)
            if some > 25:
                wire.send(call * some)
                sent += some
                party.did["calls"] += some
            yield
    party.crowd(230, one, pause=0)  # more than one caller may have under way


# What each is full of, between its beginning and its end.
BOMBS = [('{"name": "', "a", '"}'), ('{"name": "', "п", '"}'), ('{"name": "', "\\u043f", '"}'), ('{"name": ', "1", "}"),
         ('{"name": "a', " ", '"'), ('{"', "a", '": 1}'), ("", " ", "{}"), ("", "[", ""), ('{"name": ', "[", ""),
         ("", '{"asOf":', ""), ('{"asOf": {', '"year": 1,', ""), ('{"knownAt": "', "1", '"}'),
         ('{"asOf": {"year": "', "1", '"}}'), ('{"updateMask": "', "a,", '"}')]


def bombs(facts):
    """JSON of 4 MiB that is hard to read: long, deep, many, and in forms of their own. Each with its path. Made when it
    is wanted: all of them at once take a slow machine longer than the attack lasts."""
    for begin, part, end in BOMBS:
        path = facts["mask_path" if "updateMask" in begin else "path"]
        yield path, (begin + part * ((4 * MIB - 4096) // len(part.encode())) + end).encode()


@by_lines
def json_bombs(party):
    """Messages in JSON as large as they may be, and as hard to read."""
    all_of_them = itertools.cycle(bombs(party.facts))

    def one(wire):
        while party.more():
            path, body = next(all_of_them)
            before = wire.ended
            wire.send(wire.request(body, path=path))
            party.did["calls"] += 1
            if not wire.wait(10, lambda it: it.ended > before):
                raise Gone("closed")
    party.again(one)
