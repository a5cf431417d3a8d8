"""What stands between a service and one that it asks, for tests: a peer that has the key of the one to the other, forwards
frames of HTTP/2 over mutual TLS without knowing what is in them, and on command lets the answers come late, wrong, in part or
never, or the question ask for something else.

    with Overheard(BIN, PROTO) as suite:
        with suite.between["grants", "suppliers"].doing(CUT): ...

Both sides are told to remember nothing of earlier heads (SETTINGS_HEADER_TABLE_SIZE 0), so that each head means the same
wherever it is put, and can be left out.
"""
import collections
import contextlib
import pathlib
import select
import socket
import ssl
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "attacks"))
from suite import Suite, free_port  # noqa: E402
from wire import (ACK, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RESET, SETTINGS, TABLE_SIZE,  # noqa: E402
                  field, frame, message, settings)

INTERNAL_ERROR = 2
HEAD = field(":status", "200") + field("content-type", "application/grpc")
FINE = field("grpc-status", "0")
HUGE = 64 << 20  # more than anybody takes
SOME = 16 << 10  # bytes of a frame
MOST_FAILED = 12  # with those of one more step fewer than those after which a service rests (common/rpc/README.md)


class Answer:
    """What was answered on a stream: the blocks of its head and of its end, and the bytes between."""

    def __init__(self, stream):
        self.stream, self.blocks, self.data = stream, [], b""

    def head(self, block=None, flags=0):
        return frame(HEADERS, self.blocks[0] if block is None else block, END_HEADERS | flags, self.stream)

    def end(self, block=None):
        return frame(HEADERS, self.blocks[-1] if block is None else block, END_HEADERS | END_STREAM, self.stream)

    def body(self, data, flags=0):
        parts = [data[at:at + SOME] for at in range(0, len(data), SOME)] or [b""]
        return b"".join(frame(DATA, part, flags if at == len(parts) - 1 else 0, self.stream) for at, part in enumerate(parts))

    def of(self, data):
        """The same with another body, if it had one."""
        return self.head(HEAD) + self.body(data) + self.end(self.blocks[-1] if self.data else FINE)

    def half(self):
        return self.data[:max(6, len(self.data) // 2)] if len(self.data) > 6 else message(b"h", length=100)

    def said(self, *fields):
        """Nothing but a status."""
        return self.head(HEAD + b"".join(field(*one) for one in fields), END_STREAM)


# What becomes of an answer, and as what its asker may be told of it. UNREACHABLE: it says nothing of the outcome.
Fault = collections.namedtuple("Fault", "name why change")
WRONG, LOST = ("WRONG_ANSWER",), ("UNREACHABLE",)
LATE = Fault("comes when nobody waits", ("TOO_SLOW",), None)
CUT = Fault("message cut short", WRONG, lambda a: a.of(a.half()))
OF_ANOTHER_TYPE = Fault("message of another type", WRONG, lambda a: a.of(message(b"\x08\xea\x0f\x10\x0b\x18\x1e")))
NO_MESSAGE_AT_ALL = Fault("bytes that are no message", WRONG, lambda a: a.of(message(b"\xff\xff\xff")))
EMPTY = Fault("empty message", WRONG, lambda a: a.of(message()))
NOTHING = Fault("OK without a message", WRONG, lambda a: a.head(HEAD) + a.end(FINE))
BARE = Fault("nothing but OK", WRONG, lambda a: a.said(("grpc-status", "0")))
TWICE = Fault("two messages", WRONG, lambda a: a.of((a.data or message()) * 2))
GARBAGE = Fault("refusal with details that are none", WRONG, lambda a: a.said(
    ("grpc-status", "5"), ("grpc-message", "%zz%"), ("grpc-status-details-bin", "////")))
UNTOLD = Fault("refusal without a reason", WRONG, lambda a: a.said(("grpc-status", "7")))
NO_STATUS_KNOWN = Fault("a status that nobody knows", WRONG, lambda a: a.said(("grpc-status", "x"), ("grpc-message", "x")))
UNENDED = Fault("message without a status", LOST, lambda a: a.head(HEAD) + a.body(a.data or message(), END_STREAM))
RESET_WITHIN = Fault("reset in the middle", LOST, lambda a: (
    a.head(HEAD) + a.body(a.half()) + frame(RESET, struct.pack(">I", INTERNAL_ERROR), 0, a.stream)))
TOO_LARGE = Fault("larger than anybody takes", WRONG, lambda a: (
    a.head(HEAD) + a.body(message(b"\0" * (100 << 10), length=HUGE))))
PAGE = Fault("a page of somebody else", WRONG + LOST, lambda a: (
    a.head(field(":status", "502") + field("content-type", "text/html")) + a.body(b"<html>Bad Gateway", END_STREAM)))
AT_ONCE = (CUT, OF_ANOTHER_TYPE, NO_MESSAGE_AT_ALL, EMPTY, NOTHING, BARE, TWICE, GARBAGE, UNTOLD, NO_STATUS_KNOWN, UNENDED,
           RESET_WITHIN, TOO_LARGE, PAGE)


def swap(name, asked, instead):
    """The other one is asked for something else, and answers that, truly."""
    assert len(asked) == len(instead) and asked != instead, (asked, instead)
    return Fault(f"about another {name}", WRONG, (asked, instead))


class Frames:
    """The frames in what one side sends."""

    def __init__(self, rest=b""):
        self.rest = rest

    def of(self, data):
        self.rest += data
        while len(self.rest) >= 9:
            size = int.from_bytes(self.rest[:3], "big")
            if len(self.rest) < 9 + size:
                return
            kind, flags, stream = struct.unpack(">BBI", self.rest[3:9])
            payload, self.rest = self.rest[9:9 + size], self.rest[9 + size:]
            yield kind, payload, flags, stream & 0x7fffffff


class Line:
    """One connection of the asker, and its own to the one asked."""

    def __init__(self, between, asker, asked):
        self.between, self.asker, self.asked = between, asker, asked
        self.answers = {}  # by stream, those that do not come as they are, with the fault
        self.lock = threading.Lock()  # of what goes to the asker
        threading.Thread(target=self.run, args=(self.asker, self.from_asker), daemon=True).start()
        threading.Thread(target=self.run, args=(self.asked, self.from_asked), daemon=True).start()

    def run(self, side, take):
        frames, greeted = Frames(), side is self.asked
        try:
            while data := side.recv(1 << 16):
                if not greeted:
                    frames.rest += data
                    if len(frames.rest) < len(PREFACE):
                        continue
                    assert frames.rest.startswith(PREFACE), frames.rest
                    self.asked.sendall(PREFACE)
                    frames.rest, data, greeted = frames.rest[len(PREFACE):], b"", True
                for one in frames.of(data):
                    take(*one)
        except (OSError, ValueError):
            pass
        self.close()

    def close(self):
        for side in (self.asker, self.asked):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
        self.between.lines.discard(self)

    def to_asker(self, data):
        with self.lock, contextlib.suppress(OSError, ValueError):
            self.asker.sendall(data)

    @staticmethod
    def forgetful(kind, payload, flags):
        return settings((TABLE_SIZE, 0))[9:] + payload if kind == SETTINGS and not flags & ACK else payload

    def from_asker(self, kind, payload, flags, stream):
        if kind == HEADERS:
            fault = self.between.next_fault()
            if fault is not None:
                self.answers[stream] = (Answer(stream), fault)
        if kind == RESET and stream in self.answers:
            return  # that nobody waits is not told
        if kind == DATA and stream in self.answers:
            change = self.answers[stream][1].change
            if isinstance(change, tuple):
                if change[0] in payload:
                    self.between.count()
                payload = payload.replace(*change)
        self.asked.sendall(frame(kind, self.forgetful(kind, payload, flags), flags, stream))

    def from_asked(self, kind, payload, flags, stream):
        whole = frame(kind, self.forgetful(kind, payload, flags), flags, stream)
        answer, fault = self.answers.get(stream, (None, None))
        if fault is None or isinstance(fault.change, tuple) or kind not in (DATA, HEADERS):
            return self.to_asker(whole)
        if fault is LATE:
            self.between.hold(self, whole)
        elif kind == HEADERS:
            assert not flags & ~(END_STREAM | END_HEADERS) and flags & END_HEADERS, flags
            answer.blocks.append(payload)
        else:
            assert not flags & ~END_STREAM, flags
            answer.data += payload
        if flags & END_STREAM:
            self.between.count()
            if fault is not LATE:
                self.to_asker(fault.change(answer))


class Between:
    """Between `asker` and the service `asked`, whose port it stands for."""

    def __init__(self, asker, asked, tls, port):
        self.asked_port, self.lines, self.port = port, set(), free_port()
        self.lock, self.faults, self.left, self.only, self.skipped = threading.Lock(), [], 0, None, 0
        self.done, self.failed, self.held = 0, 0, []
        self.to = self.context(ssl.PROTOCOL_TLS_CLIENT, tls, asker)
        self.as_asked = self.context(ssl.PROTOCOL_TLS_SERVER, tls, asked)
        self.listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.listen, daemon=True).start()

    @staticmethod
    def context(side, tls, name):
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tls / "ca.pem")
        context.load_cert_chain(tls / f"{name}.pem", tls / f"{name}.key")
        context.set_alpn_protocols(["h2"])
        return context

    def listen(self):
        while True:
            try:
                asker, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.meet, args=(asker,), daemon=True).start()

    def meet(self, asker):
        asked = socket.socket()
        try:
            for side in (asker, asked):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked.connect(("127.0.0.1", self.asked_port))
            asked = Spoken(self.to.wrap_socket(asked))
            asker = Spoken(self.as_asked.wrap_socket(asker, server_side=True))
        except OSError:
            asked.close()
            asker.close()
            return
        self.lines.add(Line(self, asker, asked))

    # ---- What is done to answers

    def next_fault(self):
        """Of the next question: a fault, or None."""
        with self.lock:
            if self.only is not None:  # the question of that number alone
                self.skipped += 1
                if self.skipped != self.only:
                    return None
            if not self.faults:
                return None
            self.failed += 1
            return self.faults[0] if self.left is None else self.faults.pop(0)

    def count(self):
        with self.lock:
            self.done += 1

    def hold(self, line, whole):
        with self.lock:
            self.held.append((line, whole))

    @contextlib.contextmanager
    def doing(self, fault, only=None):
        """Every answer gets this fault, or that to the question of this number alone; afterwards all is well."""
        self.arm([fault], None, only)
        try:
            yield self
        finally:
            self.well()

    def doing_in_turn(self, faults):
        """Each of the next answers gets one of them; then all is well."""
        self.arm(list(faults), len(faults), None)

    def arm(self, faults, left, only):
        with self.lock:
            self.faults, self.left, self.only, self.skipped, self.done = faults, left, only, 0, 0

    def well(self, anew=False):
        """What was held comes now, after its time. Before the other one has failed so often that it is left alone for a
        while, it is found anew, on another connection; so it is where no more faults follow."""
        with self.lock:
            self.faults, self.only = [], None
            held, self.held = self.held, []
            anew = anew or self.failed > MOST_FAILED
            self.failed = 0 if anew else self.failed
        for line, whole in held:
            line.to_asker(whole)
        for line in list(self.lines) if anew else ():
            line.to_asker(frame(GOAWAY, struct.pack(">II", 0x7fffffff, 0)))

    def close(self):
        self.listening.close()
        for line in list(self.lines):
            line.close()


class Spoken:
    """A TLS connection that one thread reads while another writes, as OpenSSL allows it: one at a time."""

    def __init__(self, side):
        self.side, self.lock = side, threading.Lock()
        side.setblocking(False)

    def recv(self, size):
        while True:
            with self.lock:
                try:
                    return self.side.recv(size)
                except ssl.SSLWantReadError:
                    pass
            select.select([self.side], [], [])

    def sendall(self, data):
        data = memoryview(data)
        while data:
            with self.lock:
                try:
                    data = data[self.side.send(data):]
                    continue
                except ssl.SSLWantWriteError:
                    pass
            select.select([], [self.side], [])

    def shutdown(self, how):
        self.side.shutdown(how)

    def close(self):
        self.side.close()


class Overheard(Suite):
    """Separate processes, with somebody between each service and each that it asks."""

    def __init__(self, bin_folder, proto_folder, **options):
        self.between = {}
        super().__init__(bin_folder, proto_folder, "processes", **options)

    def peer_address(self, owner, peer):
        if (owner, peer) not in self.between:
            self.between[owner, peer] = Between(owner, peer, self.data / "keys" / "tls", self.backend_ports[peer])
        return f"127.0.0.1:{self.between[owner, peer].port}"

    def __exit__(self, *failure):
        super().__exit__(*failure)
        for between in self.between.values():
            between.close()
