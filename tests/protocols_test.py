"""One answer by every protocol: every method of every service, called by gRPC, by the Connect protocol with JSON, with
bytes and by GET, and by gRPC-Web in both its forms.

usage: protocols_test.py <bin folder> <proto folder>

Each method is called with an empty request by nobody signed in and by the first role that its policy admits. What gRPC
says is the measure: code, message and every detail of a refusal (reason, article, violations), and the message of an
answer, must be the same by each other protocol; but for the trace, which each refusal has and which is another for each
call. gRPC by python3-grpcio over HTTP/2, the rest by Python's own HTTP/1.1:
clients nobody here wrote. Then curl, as the gateway's README shows it, in both versions of HTTP, plain and under TLS; and
h2load, ten calls at once on each of four connections, which must all be answered.
"""
import base64
import concurrent.futures
import contextlib
import dataclasses
import http.client
import itertools
import json
import re
import struct
import subprocess
import sys
import urllib.parse

import grpc
from google.protobuf import json_format

sys.dont_write_bytecode = True
from roles_test import (admitted, enter_a_cluster, import_a_project, publish_a_supplier, publish_an_edition,  # noqa: E402
                        request_of)
from suite import Client, Refused, Suite, path_of  # noqa: E402

SECONDS = 20
UNBOUND = ("--arrivals", "0,0")  # each call of these clients comes by a connection of its own
HTTP_OF = {"CANCELLED": 499, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404, "ALREADY_EXISTS": 409,
           "PERMISSION_DENIED": 403, "RESOURCE_EXHAUSTED": 429, "FAILED_PRECONDITION": 400, "ABORTED": 409,
           "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503, "UNAUTHENTICATED": 401}
CODE_OF = {code.name.lower().replace("cancelled", "canceled"): code for code in grpc.StatusCode}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a caller got: a status with its details but for the trace, or the first message."""
    code: str
    told: str = ""
    message: str = ""


class Protocols:
    """Calls one method by each protocol; `messages` are the modules of the suite."""

    def __init__(self, suite):
        self.suite, self.m = suite, suite.messages

    def told(self, status):
        kept, traces = self.m.status.Status(code=status.code, message=status.message), []
        for detail in status.details:
            request = self.m.details.RequestInfo()
            if detail.Unpack(request):
                traces.append(request.request_id)
            else:
                kept.details.append(detail)
        self.check_traces(traces, kept)
        return str(kept)

    @staticmethod
    def check_traces(traces, told):
        assert len(traces) == 1 and re.fullmatch("[0-9a-f]{32}", traces[0]), f"traces {traces} of {told}"

    def ok(self, message):
        return Answer("OK", message=str(message))

    # gRPC.

    def grpc(self, connection, method, request, metadata):
        path, decode = path_of(method), method.output_type._concrete_class.FromString
        encode, how = type(request).SerializeToString, {"metadata": metadata, "timeout": SECONDS}
        try:
            if method.client_streaming:
                return self.ok(connection.stream_unary(path, encode, decode)(iter([request]), **how))
            if method.server_streaming:
                call = connection.unary_stream(path, encode, decode)(request, **how)
                message = next(call)
                call.cancel()
                return self.ok(message)
            return self.ok(connection.unary_unary(path, encode, decode)(request, **how))
        except grpc.RpcError as error:
            refusal = Refused(error, self.m)
            self.check_traces(refusal.traces, refusal)
            return Answer(refusal.code.name, told=str(refusal.told))

    # HTTP.

    def send(self, verb, path, body, metadata, content_type):
        connection = http.client.HTTPConnection("127.0.0.1", self.suite.port, timeout=SECONDS)
        headers = dict(metadata) | ({"content-type": content_type} if content_type else {})
        connection.request(verb, path, body, headers)
        return connection, connection.getresponse()

    def connect_error(self, error):
        status = self.m.status.Status(code=CODE_OF[error["code"]].value[0], message=error.get("message", ""))
        for detail in error.get("details", ()):
            value = base64.b64decode(detail["value"] + "=" * (-len(detail["value"]) % 4))
            status.details.add(type_url="type.googleapis.com/" + detail["type"], value=value)
            # The JSON beside the bytes says the same.
            shown = json_format.ParseDict({"@type": "type.googleapis.com/" + detail["type"], **detail["debug"]},
                                          type(status.details[0])())
            assert shown.value == value or str(shown) == str(status.details[-1]), detail
        return Answer(CODE_OF[error["code"]].name, told=self.told(status))

    def unary(self, response, method, is_json):
        body = response.read()
        if response.status != 200:
            answer = self.connect_error(json.loads(body))
            assert response.status == HTTP_OF.get(answer.code, 500), (response.status, answer)
            return answer
        message = method.output_type._concrete_class()
        return self.ok(json_format.Parse(body, message) if is_json else message.FromString(body))

    def connect_unary(self, method, request, metadata, is_json):
        body = json_format.MessageToJson(request) if is_json else request.SerializeToString()
        connection, response = self.send("POST", path_of(method), body, metadata,
                                         "application/json" if is_json else "application/proto")
        with contextlib.closing(connection):
            return self.unary(response, method, is_json)

    def connect_get(self, method, request, metadata, is_json):
        query = {"connect": "v1", "encoding": "json" if is_json else "proto"}
        if is_json:
            query["message"] = json_format.MessageToJson(request)
        else:
            query |= {"base64": "1", "message": base64.urlsafe_b64encode(request.SerializeToString()).rstrip(b"=")}
        connection, response = self.send("GET", f"{path_of(method)}?{urllib.parse.urlencode(query)}", None, metadata, "")
        with contextlib.closing(connection):
            return self.unary(response, method, is_json)

    @staticmethod
    def frame(response):
        head = response.read(5)
        flags, size = struct.unpack(">BI", head)
        return flags, response.read(size)

    def connect_stream(self, method, request, metadata, is_json):
        kind = "json" if is_json else "proto"
        body = json_format.MessageToJson(request).encode() if is_json else request.SerializeToString()
        connection, response = self.send("POST", path_of(method), struct.pack(">BI", 0, len(body)) + body, metadata,
                                         f"application/connect+{kind}")
        with contextlib.closing(connection):
            assert response.status == 200, response.status
            flags, first = self.frame(response)
            if flags == 2:
                end = json.loads(first)
                return self.connect_error(end["error"]) if "error" in end else Answer("OK")
            message = method.output_type._concrete_class()
            return self.ok(json_format.Parse(first, message) if is_json else message.FromString(first))

    def grpc_web(self, method, request, metadata, as_text):
        body = request.SerializeToString()
        body = struct.pack(">BI", 0, len(body)) + body
        if as_text:
            body = base64.b64encode(body)
        connection, response = self.send("POST", path_of(method), body, metadata,
                                         "application/grpc-web-text" if as_text else "application/grpc-web+proto")
        with contextlib.closing(connection):
            assert response.status == 200, response.status
            flags, first = self.frame(TextFrames(response) if as_text else response)
        if flags == 0:
            return self.ok(method.output_type._concrete_class.FromString(first))
        trailers = dict(line.split(": ", 1) for line in first.decode().split("\r\n") if line)
        code = next(code for code in grpc.StatusCode if code.value[0] == int(trailers["grpc-status"]))
        wire = trailers.get("grpc-status-details-bin", "")
        status = self.m.status.Status.FromString(base64.b64decode(wire + "=" * (-len(wire) % 4)))
        assert urllib.parse.unquote(trailers.get("grpc-message", "")) == status.message, trailers
        return Answer(code.name, told=self.told(status))

    def reads(self, method):
        """Whether a method changes nothing, so that each call of it says the same."""
        return not self.suite.policy(method).mutation and not method.GetOptions().HasField("idempotency_level")

    def others(self, method):
        """The protocols that take a method, by name: all but gRPC."""
        ways = {"gRPC-Web": lambda *call: self.grpc_web(*call, False),
                "gRPC-Web as text": lambda *call: self.grpc_web(*call, True)}
        if method.client_streaming or method.server_streaming:
            return ways | {"Connect stream, JSON": lambda *call: self.connect_stream(*call, True),
                           "Connect stream, bytes": lambda *call: self.connect_stream(*call, False)}
        ways |= {"Connect, JSON": lambda *call: self.connect_unary(*call, True),
                 "Connect, bytes": lambda *call: self.connect_unary(*call, False)}
        if self.reads(method):
            ways |= {"GET, JSON": lambda *call: self.connect_get(*call, True),
                     "GET, bytes": lambda *call: self.connect_get(*call, False)}
        return ways


class TextFrames:
    """Reads what is base64 as it comes: each frame is padded by itself."""

    def __init__(self, response):
        self.response, self.rest = response, b""

    def read(self, size):
        while len(self.rest) < size:
            self.rest += base64.b64decode(self.response.read(4))
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


def check(client, counts):
    suite, protocols, wrong = client.suite, Protocols(client.suite), []

    def cell(method, role):
        metadata = client.metadata(role, suite.process_of(method))
        request, found = request_of(method), []
        expected = protocols.grpc(client.connection, method, request, metadata)
        for name, way in protocols.others(method).items():
            try:
                got = way(method, request, metadata)
            except Exception as error:  # pylint: disable=broad-except: told with the method it is of
                got = repr(error)
            if expected.code == "OK" and not protocols.reads(method):
                same = isinstance(got, Answer) and got.code == "OK"  # it made one more of what it makes
            else:
                # What is asked may become another meanwhile, as a head that is signed anew: then gRPC says so after it.
                same = got == expected or got == (expected := protocols.grpc(client.connection, method, request, metadata))
            if not same:
                found.append(f"{method.full_name} by {role or 'nobody'}, {name}: {got}\n  gRPC: {expected}")
            counts[name] = counts.get(name, 0) + 1
        counts[expected.code] = counts.get(expected.code, 0) + 1
        return found

    # A watch that has nothing to show says so after a while: those wait side by side. What changes something (a backup
    # made) changes the answers of what reads: it is asked when all that reads has answered.
    cells = 0
    for methods in (filter(protocols.reads, suite.methods()), itertools.filterfalse(protocols.reads, suite.methods())):
        with concurrent.futures.ThreadPoolExecutor(max_workers=16) as beside:
            asked = [beside.submit(cell, method, role) for method in methods
                     for role in (None, sorted(admitted(suite, method))[0])]
        wrong += itertools.chain.from_iterable(each.result() for each in asked)
        cells += len(asked)
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:30])
    return cells


# How curl is told to speak, and the version of HTTP that it then speaks.
CURL = {"embedded": {"--http1.1": "1.1", "--http2-prior-knowledge": "2", "--http2": "1.1", "--http1.0": "1.1"},
        "processes": {"--http1.1": "1.1", "--http2": "2", "--no-alpn": "1.1"}}


def curl(suite, *arguments):
    """The version of HTTP, the status, and the answer."""
    base = f"{'http' if suite.mode == 'embedded' else 'https'}://localhost:{suite.port}"
    trust = () if suite.mode == "embedded" else ("--cacert", suite.data / "keys/tls/ca.pem")
    ran = subprocess.run(["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(SECONDS), *trust,
                          "--write-out", "\n%{http_version} %{http_code}",
                          *(str(each).replace("BASE", base) for each in arguments)], check=True, capture_output=True)
    body, _, last = ran.stdout.decode().rpartition("\n")
    version, status = last.split()
    return version, int(status), json.loads(body)


def details_of(error):
    return {detail["type"]: detail["debug"] for detail in error["details"]}


def check_curl(suite):
    check_goods, calls = "BASE/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods", 0
    for flag, version in CURL[suite.mode].items():
        ask = (flag, "--header", "content-type: application/json", "--data")
        good = curl(suite, *ask, '{"codes": ["850423"]}', check_goods)
        assert good[:2] == (version, 200) and good[2]["results"][0]["code"] == "850423", (flag, good)
        read = curl(suite, flag, "--get", "--data-urlencode", 'message={"codes": ["850423"]}', "--data", "encoding=json",
                    check_goods)
        assert read == good, (flag, read)
        bad = curl(suite, *ask, '{"codes": ["x"]}', check_goods)
        details = details_of(bad[2])
        assert bad[:2] == (version, 400) and bad[2]["code"] == "invalid_argument", (flag, bad)
        assert details["google.rpc.ErrorInfo"]["reason"] == "INVALID_FIELD", (flag, bad)
        assert details["google.rpc.BadRequest"]["fieldViolations"][0]["field"] == "codes[0]", (flag, bad)
        calls += 3
        # What becomes no call can be quoted too.
        for asked, told in ((("--header", "content-type: text/plain", "--data", "x"), 415), (("--request", "PUT"), 405),
                            (("--get", "--data", "unheard=of"), 400)):
            refused = curl(suite, flag, *asked, check_goods)
            assert refused[:2] == (version, told), (flag, refused)
            trace = details_of(refused[2]).get("google.rpc.RequestInfo", {}).get("requestId", "")
            assert re.fullmatch("[0-9a-f]{32}", trace), (flag, refused)
            calls += 1
    return calls


def check_h2load(suite):
    """A client that was made to load servers of HTTP/2 finds nothing amiss: a Connect GET and a POST of JSON over TLS."""
    path = f"https://localhost:{suite.port}/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods"
    body = suite.data / "check-goods.json"
    body.write_text('{"codes": ["850423"]}')
    query = urllib.parse.urlencode({"encoding": "json", "message": body.read_text()})
    calls = 1000
    for asked in ((f"{path}?{query}",), ("--header=content-type: application/json", f"--data={body}", path)):
        ran = subprocess.run(["h2load", "-n", str(calls), "-c", "4", "-m", "10", *asked], check=True, capture_output=True,
                             text=True).stdout
        assert (f"{calls} done, {calls} succeeded, 0 failed, 0 errored, 0 timeout" in ran
                and f"status codes: {calls} 2xx, 0 3xx, 0 4xx, 0 5xx" in ran and "Application protocol: h2\n" in ran), ran
    return 2 * calls


def main():
    with Suite(*sys.argv[1:3], "embedded", gateway_flags=UNBOUND) as suite:
        client, counts = Client(suite), {}
        publish_an_edition(client)
        publish_a_supplier(client)
        import_a_project(client)
        enter_a_cluster(client)
        for role in {role for method in suite.methods() for role in admitted(suite, method)}:
            client.metadata(role)  # tokens are made one after the other
        cells = check(client, counts)
        calls = check_curl(suite)
        assert cells > 300 and counts.get("OK", 0) > 20 and counts.get("INVALID_ARGUMENT", 0) > 50, counts
    with Suite(*sys.argv[1:3], "processes", gateway_flags=UNBOUND) as suite:
        calls += check_curl(suite)
        load = check_h2load(suite)
    print(f"protocols: {calls} calls by curl, {load} by h2load; {cells} calls of gRPC, the same by every other protocol: "
          + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
