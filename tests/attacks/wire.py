"""HTTP/2 by hand, for those who mean harm: frames of any form, over plain sockets or TLS, from an address of choice."""
import collections
import contextlib
import select
import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = 1, 2, 3, 4, 5


def frame(kind, payload=b"", flags=0, stream=0):
    return struct.pack(">HBBBI", len(payload) >> 8, len(payload) & 0xff, kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def number(value, bits, first=0):
    """An integer of HPACK (RFC 7541, 5.1) behind the bits of `first`."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytes([first | most]), value - most
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return number(len(value), 7) + value


def field(name, value, kind=b"\0"):
    """A literal that no table remembers; with kind b"@" one that the other side's table does."""
    return kind + text(name) + text(value)


WIDE = settings((INITIAL_WINDOW, (1 << 31) - 1)) + frame(WINDOW, b"\x7f\x00\x00\x00")  # windows that never close


def message(body=b"", compressed=0, length=None):
    """In gRPC's framing, which may lie."""
    return struct.pack(">BI", compressed, len(body) if length is None else length) + body


Target = collections.namedtuple("Target", "port ca path body token")


class Gone(Exception):
    """The other side has closed, or takes nothing any more."""


class Wire:
    """One connection. `hello` sends the preface and settings; what comes is thrown away but for its frames' kinds."""

    alpn = "h2"

    def __init__(self, target, source, hello=settings(), handshake=True):
        self.target, self.seen, self._rest = target, collections.Counter(), b""
        self.errors = []  # of GOAWAY and RST_STREAM
        self.ended = 0  # streams, by the other side
        self.socket = socket.socket()
        self.socket.settimeout(5)
        try:
            self.socket.bind((source, 0))
            self.socket.connect(("127.0.0.1", target.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.ca and handshake:
                self.socket = tls_context(target.ca, self.alpn).wrap_socket(self.socket)
            self.socket.setblocking(False)
            if hello is not None and handshake:
                self.send(PREFACE + hello)
        except OSError as error:
            self.close()
            raise Gone(str(error)) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data, patience=5.0, reading=True):
        """All of it, reading what comes meanwhile so that nobody can say we do not."""
        view = memoryview(data)
        while view:
            try:
                view = view[self.socket.send(view[:65536]):]
                continue
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            except OSError as error:
                raise Gone(str(error)) from None
            ready, can, _ = select.select([self.socket] if reading else [], [self.socket], [], patience)
            if ready and not self.read():
                raise Gone("closed")
            if not ready and not can:
                raise Gone("takes nothing")
        if reading and not self.read():
            raise Gone("closed")

    def read(self):
        """What is there; False at the end."""
        while True:
            try:
                got = self.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            except OSError:
                return False
            if not got:
                return False
            self._take(got)

    def wait(self, seconds, until=lambda wire: False):
        """Reads for a while. False when the other side has closed."""
        import time
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not until(self):
            pending = getattr(self.socket, "pending", lambda: 0)()
            with contextlib.suppress(OSError, ValueError):
                if not pending and not select.select([self.socket], [], [], left)[0]:
                    continue
            if not self.read():
                return False
        return True

    def _take(self, got):
        got = self._rest + got
        at = 0
        while at + 9 <= len(got):
            size, kind = int.from_bytes(got[at:at + 3], "big"), got[at + 3]
            if at + 9 + size > len(got):
                break
            self.seen[kind] += 1
            self.ended += kind == RESET or (kind in (DATA, HEADERS) and got[at + 4] & END_STREAM)
            if kind == RESET:
                self.errors.append(int.from_bytes(got[at + 9:at + 13], "big"))
            elif kind == GOAWAY:
                self.errors.append(int.from_bytes(got[at + 13:at + 17], "big"))
            at += 9 + size
        self._rest = got[at:]

    # Calls.

    def head(self, *fields, path=None, flags=END_HEADERS, stream=1):
        return frame(HEADERS, self.block(*fields, path=path), flags, stream)

    def block(self, *fields, path=None):
        given = [(":method", "POST"), (":scheme", "https" if self.target.ca else "http"),
                 (":path", path or self.target.path), (":authority", "nisi"), ("te", "trailers"),
                 ("content-type", "application/grpc"), *fields]
        return b"".join(field(name, value) for name, value in given)

    def call(self, *fields, stream=1, body=None, path=None):
        """A whole and good call."""
        return (self.head(*fields, stream=stream, path=path) +
                frame(DATA, message(self.target.body if body is None else body), END_STREAM, stream))

    def signed(self):
        return ("authorization", "Bearer " + self.target.token)


_contexts = {}


def tls_context(ca, alpn):
    if (ca, alpn) not in _contexts:
        context = ssl.create_default_context(cafile=ca)
        context.check_hostname = False
        context.set_alpn_protocols([alpn])
        _contexts[ca, alpn] = context
    return _contexts[ca, alpn]
