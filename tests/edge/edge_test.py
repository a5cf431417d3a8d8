"""The edge of deploy/edge, the real HAProxy with the configuration that is shipped, before a suite of processes with
mutual TLS: what clients have through it is what they have without it, and nobody gains by it.

usage: edge_test.py <bin folder> <proto folder> [--configuration FILE] [--only STEP...]
FILE: another in place of deploy/edge/haproxy.cfg, to see that a mistake in it is found
"""
import argparse
import collections
import contextlib
import http.client
import json
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import types
import urllib.request

sys.dont_write_bytecode = True
import grpc  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "attacks")]
import attacks_test  # noqa: E402
from attacks_test import CEILING, Door, GoodClient, facts_of, memory, nobody_is_believed  # noqa: E402
from authority import Authority  # noqa: E402
from bad_input_test import bad_tokens  # noqa: E402
from edge import PATIENCE, ROOT, SOURCE, Edge  # noqa: E402
from protocols_test import Protocols, check_curl  # noqa: E402
from suite import GOODS, Client, Refused, free_port, uid, wait_for  # noqa: E402
from wire import MAX_STREAMS, Gone, Target, Wire, settings  # noqa: E402

WRITER, AGENCY = "institute.industry", "spiffe://nisi/client/agency-1"
CHECK = GOODS + "CheckGoods"
ROWS = 3000  # of an import: half a megabyte
TOKENS = ("altered claims", "another's key", "no exp", "a word", "alg none")  # bad ones, of which the gateway knows many more
ATTACKS = ("rapid_reset", "slow_headers", "slow_handshake", "slow_preface", "streams_that_stay", "settings_flood")
BAD_TOKENS = 40  # of an address at once, and hardly one afterwards: what it has used up stays so
# A version 2 head of PROXY: "this is 198.51.100.9".
PROXY_HEAD = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([198, 51, 100, 9, 127, 0, 0, 1, 0x80, 0, 0x1c, 0xe8])


class EdgedDoor(Door):
    """The gateway, which knows the edge and one agency by its certificate, with one service behind it."""

    def start_gateway(self):
        (self.data / "keys" / "principals.json").write_text(json.dumps({AGENCY: {"subject": "agency-1", "roles": [WRITER]}}))
        super().start_gateway()


class ByEdge(Client):
    """Calls through the edge, as Client calls the gateway. With a certificate, at the port where TLS goes through."""

    def __init__(self, suite, edge, files=None):
        super().__init__(suite)
        self.connection.close()
        self.edge, self.files = edge, files
        self.connect()

    def connect(self):
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200),
                   ("grpc.min_reconnect_backoff_ms", 10_000), ("grpc.use_local_subchannel_pool", 1)]
        if self.files:
            certificate, key = (file.read_bytes() for file in self.files)
            house = (self.suite.data / "keys" / "tls" / "ca.pem").read_bytes()
            port, trusted = self.edge.through_port, grpc.ssl_channel_credentials(house, key, certificate)
        else:
            port, trusted = self.edge.port, grpc.ssl_channel_credentials(self.edge.ca.read_bytes())
        self.connection = grpc.secure_channel(f"127.0.0.1:{port}", trusted, options)


class ByHttp(Protocols):
    """The other protocols, by Python's own HTTP/1.1 over TLS to the edge."""

    def __init__(self, suite, edge):
        super().__init__(suite)
        self.edge = edge

    def send(self, verb, path, body, metadata, content_type):
        connection = http.client.HTTPSConnection("localhost", self.edge.port, timeout=PATIENCE,
                                                 context=ssl.create_default_context(cafile=self.edge.ca))
        headers = dict(metadata) | ({"content-type": content_type} if content_type else {})
        connection.request(verb, path, body, headers)
        return connection, connection.getresponse()


class Test:
    def __init__(self, door, edge, metrics):
        self.door, self.edge, self.metrics, self.m = door, edge, metrics, door.messages
        self.direct, self.client = Client(door), ByEdge(door, edge)
        # What tools of other tests take for a suite: it is where the edge is, under the edge's certificate.
        ca = edge.work / "keys" / "tls" / "ca.pem"
        ca.parent.mkdir(parents=True)
        ca.write_bytes(edge.ca.read_bytes())
        self.outside = types.SimpleNamespace(port=edge.port, data=edge.work, mode="processes")

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=PATIENCE) as page:
            return next(float(line.split()[-1]) for line in page.read().decode().splitlines()
                        if line.startswith((name + "{", name + " ")))

    def wait_for_no_call(self, what):
        wait_for(what, lambda: self.metric("nisi_gateway_live_calls") == 0)

    # Of what the gateway has refused, by its metrics.
    metric_values, refused = attacks_test.Test.metric_values, attacks_test.Test.refused

    def logged(self, **fields):
        """Whether the gateway has said so."""
        lines = (self.door.work / "gateway.log").read_text(errors="replace").splitlines()
        return any(fields.items() <= json.loads(line).items() for line in lines if line.startswith("{"))

    # ---- What clients have

    def every_kind_of_call(self):
        """Each way of a message, and what comes behind the last one."""
        client, entry = self.client, {"name_ru": "товар", "sector": "machinery", "processing_level": 3}
        path = GOODS + "CreateEdition"
        created, position = client.commit(path, client.request(path, edition={"title_ru": "Перечень"}), WRITER)
        assert position > 0, "the trailers of an answer are lost"
        edition = created.name
        client.goods("CreateEntry", WRITER, parent=edition, entry={"goods_code": "8401000001", **entry})
        # A watch has each message when it is made, while other calls share its connection.
        with contextlib.closing(client.goods_stream("WatchEntries", WRITER, parent=edition, start_position=1)) as watch:
            assert next(watch).changes
            client.goods("CreateEntry", WRITER, parent=edition, entry={"goods_code": "8401000002", **entry})
            assert next(watch).changes
            assert self.metric("nisi_gateway_live_calls") == 1
        self.wait_for_no_call("a call that is cancelled before the edge is behind it, too")
        # A deadline goes with its call.
        path = GOODS + "WatchEntries"
        watch = client.connection.unary_stream(path)(client.request(path, parent=edition).SerializeToString(), timeout=1,
                                                     metadata=client.metadata(WRITER))
        try:
            watch.next()
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
        self.wait_for_no_call("a call whose time is up")
        # More than the edge keeps of a call, in both directions.
        kind, path = self.m.goods.ImportEntriesRequest, GOODS + "ImportEntries"
        rows = [{"row_number": number, "goods_code": f"85{number:08}", "name_ru": "товар " * 30, "sector": "machinery",
                 "processing_level": "HIGH"} for number in range(1, ROWS + 1)]
        messages = [kind(header={"parent": edition, "request_id": uid(), "row_count": ROWS})]
        messages += [kind(rows={"rows": rows[at:at + 100]}) for at in range(0, ROWS, 100)]
        report = client.send(path, messages, self.m.imports.ImportReport, WRITER)
        assert report.entered_count == ROWS, report
        self.half_an_import(path, messages[:2])
        exported = list(client.goods_stream("ExportEdition", WRITER, name=edition))
        assert len(exported) == ROWS + 2, len(exported)

    def half_an_import(self, path, messages):
        """A stream that stays half open, and is then broken off."""
        client, over = self.client, threading.Event()

        def half():
            yield from messages
            over.wait(PATIENCE)
        call = client.connection.stream_unary(path, lambda one: one.SerializeToString()).future(
            half(), metadata=client.metadata(WRITER), timeout=PATIENCE)
        wait_for("an import is under way", lambda: self.metric("nisi_gateway_live_calls") == 1)
        call.cancel()
        over.set()
        self.wait_for_no_call("an import that is broken off")

    def every_protocol(self):
        """Answers and refusals are to the letter those that gRPC has without the edge."""
        protocols, goods = ByHttp(self.door, self.edge), self.m.goods
        method = self.direct.method
        for name, request in (("CheckGoods", goods.CheckGoodsRequest(codes=["850423"])),
                              ("CheckGoods", goods.CheckGoodsRequest(codes=["x"])),
                              ("GetEdition", goods.GetEditionRequest(name="editions/404")),
                              ("ExportEdition", goods.ExportEditionRequest(name="editions/404")),
                              ("CreateEdition", goods.CreateEditionRequest(edition={"title_ru": "Перечень"}))):
            expected = protocols.grpc(self.direct.connection, method(GOODS + name), request, ())
            assert expected.message or expected.told, (name, expected)
            got = protocols.grpc(self.client.connection, method(GOODS + name), request, ())
            assert got == expected, (name, got, expected)
            for protocol, way in protocols.others(method(GOODS + name)).items():
                got = way(method(GOODS + name), request, ())
                assert got == expected, (name, protocol, got, expected)
        check_curl(self.outside)

    # ---- Who calls

    def tokens_go_through(self):
        for what, (token, reason) in bad_tokens(self.door).items():
            if what not in TOKENS:
                continue
            try:
                self.client.call(CHECK, self.client.request(CHECK, codes=["850423"]), self.client.response(CHECK),
                                 extra=(("authorization", token),))
                raise AssertionError(f"{what}: let in")
            except Refused as refusal:
                assert refusal.reason == reason, (what, refusal)
        nobody_is_believed(self.client, self.facts)

    def certificates_end_where_tls_does(self):
        """An agency's is known where TLS goes through, and nowhere else."""
        tls = self.door.data / "keys" / "tls"
        house = Authority.of(self.edge.work / "house", tls / "ca.key", tls / "ca.pem")
        files = house.issue("agency-1", AGENCY)
        through = ByEdge(self.door, self.edge, files)
        through.goods("CreateEdition", edition={"title_ru": "Перечень"})
        stranger = ByEdge(self.door, self.edge, house.issue("agency-2", AGENCY.replace("1", "2")))
        for client in (stranger, self.client):
            client.goods_refused("UNAUTHENTICATED", "IDENTITY_REQUIRED", "CreateEdition", edition={"title_ru": "Перечень"})
        # Whose it is, is told for these, too.
        target = Target(self.edge.through_port, str(tls / "ca.pem"), CHECK, b"", "")
        with contextlib.suppress(Gone), Wire(target, "127.0.200.9") as wire:
            wire.send(200 * settings((MAX_STREAMS, 1)))
            wire.wait(PATIENCE)
        wait_for("the log has it", lambda: self.logged(event="client_cut_off", why="settings", peer="127.0.200.9"))

    def asked(self, source, port, ca, **headers):
        """The reason that a call with a bad token is refused for, from an address of choice."""
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(source, 0),
                                                 context=ssl.create_default_context(cafile=ca))
        with contextlib.closing(connection):
            connection.request("POST", CHECK, b"{}", {"content-type": "application/json", "authorization": "Bearer no",
                                                      **{name.replace("_", "-"): value for name, value in headers.items()}})
            return json.loads(connection.getresponse().read())["details"][0]["debug"]["reason"]

    def addresses_are_known(self):
        """A budget is of a client's own address, through the edge as without it, whatever the client says of itself."""
        house = self.door.data / "keys" / "tls" / "ca.pem"
        by_edge = lambda source, **said: self.asked(source, self.edge.port, self.edge.ca, **said)  # noqa: E731
        bad, good = "127.0.200.5", "127.0.200.6"
        told = [by_edge(bad, x_forwarded_for=f"10.0.0.{number}", forwarded=f"for=10.0.0.{number}")
                for number in range(BAD_TOKENS + 5)]
        assert told[0] == "TOKEN_INVALID" and told[-1] == "RATE_LIMITED", told
        assert by_edge(good) == "TOKEN_INVALID", "another pays for it"
        assert by_edge(good, x_forwarded_for=bad) == "TOKEN_INVALID"
        assert self.asked(bad, self.door.port, house) == "RATE_LIMITED", "the edge has told another address"

    def nobody_else_is_the_edge(self):
        """Only its address may say for whom it comes, and must."""
        gateway = Target(self.door.port, None, CHECK, b"", "")
        edge = gateway._replace(port=self.edge.port)
        for target, source, begin in ((gateway, "127.0.0.1", PROXY_HEAD), (edge, "127.0.0.1", PROXY_HEAD),
                                      (gateway, SOURCE, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\0\0\0\0\0")):
            with Wire(target, source, handshake=False) as wire:
                wire.send(begin, reading=False)
                assert not wire.wait(PATIENCE), (target, source)
        wait_for("the log has it", lambda: self.logged(event="client_cut_off", peer=SOURCE))
        assert not self.logged(peer="198.51.100.9"), "the gateway took a stranger's word"
        for name in ("edge.example", "10.0.0.0/8", ""):
            told = subprocess.run([self.door.bin / "nisi-gateway", "--edge", name], capture_output=True, text=True, timeout=PATIENCE)
            assert told.returncode == 1 and "not an address" in told.stdout + told.stderr, (name, told)

    def no_other_gateway(self):
        """A certificate of the house that is not the gateway's is none for the edge."""
        tls = self.door.data / "keys" / "tls"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "priority-goods.pem", tls / "priority-goods.key")
        context.set_alpn_protocols(["h2"])
        with socket.create_server(("127.0.0.1", 0)) as impostor, \
                Edge(self.edge.work / "other", (free_port(), free_port()), impostor.getsockname()[1], tls / "ca.pem", self.edge.configuration):
            impostor.settimeout(PATIENCE)
            connection, _ = impostor.accept()
            connection.settimeout(PATIENCE)
            head = connection.recv(16, socket.MSG_WAITALL)
            assert head[:12] == PROXY_HEAD[:12], head
            connection.recv(int.from_bytes(head[14:], "big"), socket.MSG_WAITALL)
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    taken = secure.recv(1)
            except (ssl.SSLError, ConnectionError):
                taken = b""
            assert not taken, "the edge spoke to another than the gateway"

    # ---- Who means harm, and what breaks

    def attackers(self):
        """A good client, through the edge, beside those who mean harm to it; all at once."""
        silent = Wire(Target(self.edge.port, None, CHECK, b"", ""), "127.0.200.10", handshake=False)
        good = GoodClient(self.outside, self.facts, PATIENCE)
        wait_for("the good client calls", lambda: good.calls)
        begin, before = time.monotonic(), self.refused()
        ca = self.outside.data / "keys" / "tls" / "ca.pem"
        parties = [subprocess.Popen([sys.executable, HERE.parent / "attacks" / "attacks.py", name, str(self.edge.port), str(ca),
                                     "8", self.facts], stdout=subprocess.PIPE, text=True) for name in ATTACKS]
        did = {}
        for name, party in zip(ATTACKS, parties):
            out, _ = party.communicate(timeout=120)
            assert party.returncode == 0, f"{name} failed"
            did[name] = json.loads(out)
        calls = good.of(begin, time.monotonic())
        good.stop()
        assert calls and all(code == "OK" for _, code in calls), [code for _, code in calls if code != "OK"][:5]
        # What is wrong with each of them the gateway itself has seen, but for what never came through the handshake.
        after = self.refused()
        for attack in attacks_test.ATTACKS:
            assert attack.name not in ATTACKS or attack.name == "slow_handshake" or \
                any(after[what] > before[what] for what in attack.counts), (attack.name, did[attack.name])
        assert not silent.wait(PATIENCE), "who never says a word stays"
        worker, = self.edge.workers()
        assert memory(worker, "VmHWM") < CEILING, memory(worker, "VmHWM")
        self.wait_for_no_call("what they left")
        print(f"edge: {len(calls)} good calls beside {did}; {memory(worker, 'VmHWM') >> 20} MiB")

    def restarts(self):
        """Of the edge and of the gateway behind it, under load: no call is lost that is sent again when it is told to."""
        over, lost, done = threading.Event(), [], collections.Counter()

        def caller(fresh):
            client = ByEdge(self.door, self.edge)
            client.tokens = self.client.tokens
            while not over.is_set():
                same = uid()
                try:
                    client.eventually("a read", lambda: client.goods("CheckGoods", codes=["850423"]), bool, PATIENCE)
                    client.eventually("a change", lambda: client.goods("CreateEdition", WRITER, request_id=same,  # noqa: B023
                                                                       edition={"title_ru": "Перечень"}), bool, PATIENCE)
                except Exception as error:  # pylint: disable=broad-except: whatever it is, a call is lost
                    lost.append(repr(error))
                done[fresh] += 1
                if fresh:
                    client.connection.close()
                    client.connect()

        def more():
            goal = {fresh: done[fresh] + 30 for fresh in (False, True)}
            wait_for("more calls", lambda: lost or all(done[fresh] >= goal[fresh] for fresh in goal))
        threads = [threading.Thread(target=caller, args=(fresh,)) for fresh in (False, False, True)]
        for thread in threads:
            thread.start()
        try:
            more()
            old = self.edge.reload()
            more()
            assert self.edge.workers() - old, "the new process has gone"
            for sent in (signal.SIGTERM, signal.SIGKILL):
                self.door.kill(sent, only="gateway")
                self.door.start_gateway()
                more()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert not lost, lost[:3]
        print(f"edge: {sum(done.values())} calls over a reload and two restarts, none lost")

    def run(self, only):
        self.facts = str(self.door.work / "facts.json")
        pathlib.Path(self.facts).write_text(json.dumps(facts_of(self.door, self.direct)))
        for step in (self.every_kind_of_call, self.every_protocol, self.tokens_go_through, self.certificates_end_where_tls_does,
                     self.addresses_are_known, self.nobody_else_is_the_edge, self.no_other_gateway, self.attackers,
                     self.restarts):
            if only and step.__name__ not in only:
                continue
            began = time.monotonic()
            step()
            print(f"edge: {step.__name__}: {time.monotonic() - began:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("proto")
    parser.add_argument("--configuration", type=pathlib.Path, default=ROOT / "deploy" / "edge" / "haproxy.cfg")
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    metrics = free_port()
    flags = ["--edge", SOURCE, "--metrics-address", f"127.0.0.1:{metrics}", "--principals", "{keys}/principals.json",
             "--bad-tokens", f"{BAD_TOKENS},0.001"]
    with EdgedDoor(arguments.bin, arguments.proto, "processes", gateway_flags=flags) as door, \
            Edge(door.work / "edge", (free_port(), free_port()), door.port, door.data / "keys" / "tls" / "ca.pem", arguments.configuration) as edge:
        try:
            Test(door, edge, metrics).run(arguments.only)
        except BaseException:
            print(f"--- edge\n{edge.log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
            raise


if __name__ == "__main__":
    main()
