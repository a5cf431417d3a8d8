"""The suite as its users have it, for the tests of this folder: started as an operator starts it, in one process or
as separate processes with mutual TLS, and called by python3-grpcio, a client nobody here wrote.

    with Suite(BIN, PROTO, "embedded") as suite:
        client = Client(suite)
        client.call(GOODS + "CheckGoods", m.goods.CheckGoodsRequest(codes=["850423"]), m.goods.CheckGoodsResponse)
"""
import base64
import compileall
import contextlib
import ctypes
import datetime
import hashlib
import importlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
import uuid

import grpc

MAP = "/nisi.industry_map.v1.IndustryMapService/"
GOODS = "/nisi.priority_goods.v1.PriorityGoodsService/"
SUPPLIERS = "/nisi.suppliers.v1.SuppliersService/"
JOURNAL = "/nisi.journal.v1.JournalService/"
STORE = "/nisi.store.v1.StoreService/"
DISCLOSURE = "/nisi.disclosure.v1.DisclosureService/"  # on those whose records have confidential fields
STANDARD = (JOURNAL, STORE)  # on every process with a store
TO_GOODS = (("nisi-service", "priority-goods"),)  # names the process meant by a standard service
MODES = ("embedded", "processes")
# Which service asks which: as separate processes it is told where they are, and they admit it as a peer.
ASKS = {"clusters": ("priority-goods", "industry-map", "grants"), "suppliers": ("industry-map",),
        "grants": ("priority-goods", "suppliers", "industry-map"), "export-refunds": ("suppliers", "grants"),
        "contracts": ("suppliers",)}
# A blocking client looks after its connections while a call waits, and otherwise every 5 s only, for which each
# restart and end of the suite would wait. Read when the first channel is made; not passed on to the suite.
BACKUP_POLL = "GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS"
os.environ[BACKUP_POLL] = "50"


PATIENCE = 60  # seconds, for what takes a moment on a machine that has time
_held_ports = []  # for as long as this program runs


def free_port():
    """A port that is this test's until it ends, also while nothing listens there: below those that the system gives to
    clients, which would take it while a killed process is away, and held against other tests by a name."""
    first_of_clients = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(min(10_240, first_of_clients // 2), first_of_clients)
        held = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError), socket.socket() as tried:
            held.bind(f"\0nisi-test-port-{port}")
            tried.bind(("127.0.0.1", port))
            _held_ports.append(held)
            return port


def wait_for(what, good):
    deadline = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def uid():
    return str(uuid.uuid4())


def path_of(method):
    """The path of a method's descriptor."""
    return f"/{method.containing_service.full_name}/{method.name}"


def sign_ed25519(key_path, text):
    """The signature of `text`, by the libcrypto that the suite itself uses: Python has no Ed25519 of its own."""
    crypto, pem = ctypes.CDLL("libcrypto.so.3"), pathlib.Path(key_path).read_bytes()
    for name in ("BIO_new_mem_buf", "PEM_read_bio_PrivateKey", "EVP_MD_CTX_new"):
        getattr(crypto, name).restype = ctypes.c_void_p
    bio = ctypes.c_void_p(crypto.BIO_new_mem_buf(pem, len(pem)))
    key = ctypes.c_void_p(crypto.PEM_read_bio_PrivateKey(bio, None, None, None))
    context = ctypes.c_void_p(crypto.EVP_MD_CTX_new())
    out, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    signed = (crypto.EVP_DigestSignInit(context, None, None, None, key) == 1 and
              crypto.EVP_DigestSign(context, out, ctypes.byref(size), text, ctypes.c_size_t(len(text))) == 1)
    crypto.EVP_MD_CTX_free(context)
    crypto.EVP_PKEY_free(key)
    crypto.BIO_free(bio)
    assert signed, key_path
    return out.raw[:size.value]


def made_messages(folder, proto_folder):
    """A folder with the Python modules of all protos, compiled: made once for these protos, whoever of the tests is first."""
    protos = sorted(proto_folder.rglob("*.proto"))
    digest = hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in protos)).hexdigest()
    made = folder / digest[:16]
    if not made.exists():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as new:
            subprocess.run(["protoc", f"-I{proto_folder}", f"--python_out={new}", *map(str, protos)], check=True)
            compileall.compile_dir(new, quiet=1)
            with contextlib.suppress(OSError):  # another test was quicker
                os.rename(new, made)
                os.mkdir(new)
    return made


class Suite:
    """A running suite over a data folder of its own; the folder goes with it. Flags may say {keys} for the folder of
    its keys."""

    def __init__(self, bin_folder, proto_folder, mode, backend_flags=(), gateway_flags=(), norms=None):
        assert mode in MODES, mode
        self.bin, self.proto, self.mode, self.processes = pathlib.Path(bin_folder), pathlib.Path(proto_folder), mode, {}
        self.backend_flags, self.gateway_flags = list(backend_flags), list(gateway_flags)
        self.norms = ("--norms", norms) if norms else ()  # a folder of them instead of those compiled in
        self.environment = {}  # what processes that are started get besides
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="nisi-suite-"))
        self.data, self.clock, self.backups = self.work / "data", self.work / "clock", self.work / "backups"
        # The suite begins in the morning, so that midnight never falls into a test.
        self.morning = (8 - (datetime.datetime.utcnow() + datetime.timedelta(hours=5)).hour) % 24
        self.move_clock(0)
        self.messages = self._load_messages()
        self.port, self.backend_ports = free_port(), {owner: free_port() for owner in self.owners()}
        subprocess.run([self.bin / "nisi", "serve", "--make-keys", "--data", self.data], check=True)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for log in sorted(self.work.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
        self.kill()
        shutil.rmtree(self.work, ignore_errors=True)

    def _load_messages(self):
        """Python modules of all protos: .goods (service), .resources, .journal, and what errors carry."""
        self.modules = made_messages(self.bin.parent / "messages", self.proto)
        sys.path.insert(0, str(self.modules))
        names = {"goods": "nisi.priority_goods.v1.service_pb2", "resources": "nisi.priority_goods.v1.resources_pb2",
                 "suppliers": "nisi.suppliers.v1.service_pb2", "map": "nisi.industry_map.v1.service_pb2",
                 "places": "nisi.industry_map.v1.places_pb2",
                 "clusters": "nisi.clusters.v1.service_pb2", "supports": "nisi.clusters.v1.supports_pb2",
                 "clusters_resources": "nisi.clusters.v1.resources_pb2", "disclosure": "nisi.disclosure.v1.disclosure_pb2",
                 "grants": "nisi.grants.v1.service_pb2", "agreements": "nisi.grants.v1.agreement_service_pb2",
                 "grants_resources": "nisi.grants.v1.resources_pb2", "money_returned": "nisi.grants.v1.agreements_pb2",
                 "export_refunds": "nisi.export_refunds.v1.service_pb2",
                 "planning": "nisi.contracts.v1.planning_service_pb2",
                 "contracts": "nisi.contracts.v1.contracts_service_pb2",
                 "plans": "nisi.contracts.v1.planning_pb2", "contracted": "nisi.contracts.v1.contracts_pb2",
                 "journal": "nisi.journal.v1.journal_pb2", "store": "nisi.store.v1.store_pb2",
                 "options": "nisi.rpc.v1.options_pb2", "imports": "nisi.rpc.v1.import_pb2",
                 "status": "google.rpc.status_pb2", "details": "google.rpc.error_details_pb2",
                 "legal_basis": "nisi.rpc.v1.legal_basis_pb2", "context": "nisi.rpc.v1.call_context_pb2",
                 "date": "google.type.date_pb2"}
        return types.SimpleNamespace(**{short: importlib.import_module(name) for short, name in names.items()})

    def methods(self):
        """Descriptors of all methods that the suite serves, in the order of the protos."""
        found = []
        for file in sorted(self.modules.rglob("*_pb2.py")):
            module = ".".join(file.relative_to(self.modules).with_suffix("").parts)
            if not module.startswith(("nisi.testing.", "grpc.")):  # gRPC answers its own health service
                for service in importlib.import_module(module).DESCRIPTOR.services_by_name.values():
                    found += service.methods
        return found

    def owner(self, method):
        """The service that owns a method; empty for a standard service."""
        return method.containing_service.GetOptions().Extensions[self.messages.options.service].owner

    def owners(self):
        """All services, in the order of the protos."""
        return list(dict.fromkeys(owner for owner in map(self.owner, self.methods()) if owner))

    def marked(self):
        """The services whose records have confidential fields, and that therefore serve their disclosure."""
        return list(dict.fromkeys(self.owner(method) for method in self.methods() if self.policy(method).discloses))

    def serves(self, owner, method):
        """Whether a service by itself has a method."""
        if path_of(method).startswith(DISCLOSURE):
            return owner in self.marked()
        return self.owner(method) in ("", owner)

    def process_of(self, method):
        """What a call through the gateway says besides: which process it means of those that serve the method."""
        path = path_of(method)
        return (TO_GOODS if path.startswith(STANDARD) else
                (("nisi-service", self.marked()[0]),) if path.startswith(DISCLOSURE) else ())

    def policy(self, method):
        """The policy that the proto of a method declares."""
        return method.GetOptions().Extensions[self.messages.options.policy]

    def _with_keys(self, flags):
        return [str(flag).replace("{keys}", str(self.data / "keys")) for flag in flags]

    def _spawn(self, name, *args):
        log_path = self.work / f"{name}.log"
        log_path.unlink(missing_ok=True)
        with open(log_path, "ab") as log:
            environment = {name: value for name, value in os.environ.items() if name != BACKUP_POLL} | self.environment
            process = subprocess.Popen([str(a) for a in args], stdout=log, stderr=log, env=environment)
        self.processes[name] = process
        deadline = time.monotonic() + 60
        while b'"serving"' not in log_path.read_bytes():
            assert process.poll() is None, log_path.read_text()
            assert time.monotonic() < deadline, f"{name} did not start"
            time.sleep(0.02)

    def start(self):
        data = ("--data", self.data, "--backup-folder", self.backups, *self.norms)
        if self.mode == "embedded":
            self._spawn("nisi", self.bin / "nisi", "serve", *data, "--address", f"127.0.0.1:{self.port}",
                        "--clock-file", self.clock, *self._gateway_flags())
            return
        for owner in self.backend_ports:
            self.start_backend(owner)
        self.start_gateway()

    def addresses(self, owner):
        """Where the gateway finds a service."""
        return f"127.0.0.1:{self.backend_ports[owner]}"

    def start_gateway(self, name="gateway", port=None):
        keys = self.data / "keys"
        backends = [flag for owner in self.backend_ports for flag in ("--backend", f"{owner}={self.addresses(owner)}")]
        self._spawn(name, self.bin / "nisi-gateway", "--address", f"127.0.0.1:{port or self.port}",
                    *backends, "--tls-dir", keys / "tls",
                    "--jwks", keys / "jwks.json", "--context-key", keys / "context-gateway.key",
                    *self._gateway_flags())

    def _gateway_flags(self):
        """Those of the test, and no metrics unless it wants them."""
        none = () if "--metrics-address" in self.gateway_flags else ("--metrics-address", "")
        return (*none, *self._with_keys(self.gateway_flags))

    def peer_address(self, owner, peer):
        """Where a service finds one that it asks."""
        return f"127.0.0.1:{self.backend_ports[peer]}"

    def start_backend(self, owner="priority-goods"):
        """A service alone; the gateway of a suite of processes finds it again."""
        keys, flags = self.data / "keys", self._with_keys(self.backend_flags)
        if owner != "priority-goods" and "--metrics-address" in flags:  # one process has the port
            at = flags.index("--metrics-address")
            del flags[at:at + 2]
        for peer in ASKS.get(owner, ()):
            flags += ["--peer", f"{peer}={self.peer_address(owner, peer)}"]
        for asker in ("gateway", *(asker for asker, asked in ASKS.items() if owner in asked)):
            flags += ["--context-peer", f"spiffe://nisi/svc/{asker}"]
        self._spawn(owner, self.bin / f"nisi-{owner}", "--address", f"127.0.0.1:{self.backend_ports[owner]}",
                    "--data", self.data, "--backup-folder", self.backups, "--clock-file", self.clock,
                    "--tls-dir", keys / "tls", *self.norms,
                    "--signers", keys / "signers.json", "--context-key", keys / f"context-{owner}.key", *flags)

    def connection_flags(self):
        """By which `nisi` finds and believes the gateway."""
        return () if self.mode == "embedded" else ("--tls-ca", self.data / "keys" / "tls" / "ca.pem")

    @contextlib.contextmanager
    def served_again(self, data):
        """A client of a suite in one process over another data folder, with the keys of this one, for a while."""
        shutil.copytree(self.data / "keys", data / "keys")
        for key in self.data.glob("*.head.pem"):
            shutil.copy(key, data)
        port = free_port()
        self._spawn("nisi-again", self.bin / "nisi", "serve", "--data", data, "--address", f"127.0.0.1:{port}",
                    "--clock-file", self.clock, "--metrics-address", "")
        client = Client(self)
        client.connection.close()
        client.connection = grpc.insecure_channel(f"127.0.0.1:{port}")
        try:
            yield client
        finally:
            client.connection.close()
            self.kill(only="nisi-again")

    def store_process(self):
        """The process that owns the store."""
        return "nisi" if self.mode == "embedded" else "priority-goods"

    def kill(self, sig=signal.SIGKILL, only=None):
        """All processes, or one. After SIGTERM each must end by itself with exit code 0."""
        for name in [only] if only else list(reversed(self.processes)):
            process = self.processes.pop(name)
            process.send_signal(sig)
            code = process.wait(30)
            assert sig == signal.SIGKILL or code == 0, f"{name}: exit code {code} after signal {sig}"

    @contextlib.contextmanager
    def paused(self, name):
        """A process that is there and does nothing. The signal stops one thread after another: begins when all stand still."""
        process = self.processes[name]
        process.send_signal(signal.SIGSTOP)
        try:
            tasks, deadline = pathlib.Path(f"/proc/{process.pid}/task"), time.monotonic() + 30
            while any((task / "stat").read_text().rsplit(")", 1)[1].split()[0] != "T" for task in tasks.iterdir()):
                assert time.monotonic() < deadline, f"{name} does not stop"
                time.sleep(0.001)
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def restart_store(self):
        """After kill -9 of the process that owns the store: starts that one again."""
        if self.mode == "embedded":
            self.start()
        else:
            self.start_backend()

    def channel(self):
        address = f"127.0.0.1:{self.port}"
        # Soon there again after a restart, and no connection shared with an older channel. The "min" is the time
        # that one connect has: on a busy machine a handshake may take some.
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200),
                   ("grpc.min_reconnect_backoff_ms", 10_000), ("grpc.use_local_subchannel_pool", 1)]
        if self.mode == "embedded":
            return grpc.insecure_channel(address, options)
        tls = self.data / "keys" / "tls"
        credentials = grpc.ssl_channel_credentials((tls / "ca.pem").read_bytes())
        return grpc.secure_channel(address, credentials, options)

    def token(self, role, *flags):
        """A token for one role; `flags` as of `nisi token`, as "--subject", "dev:somebody"."""
        out = subprocess.run([self.bin / "nisi", "token", "--role", role, "--data", self.data, *flags], check=True,
                             capture_output=True, text=True)
        return out.stdout.strip().splitlines()[-1]

    def mint(self, *roles, subject="dev:test", header=(), key="issuer", **claims):
        """A token of the development issuer, with header and claims of the test's choice; None leaves one out."""
        now = int(time.time())
        head = {"alg": "EdDSA", "kid": "development", "typ": "at+jwt", **dict(header)}
        body = {"iss": "nisi-development", "aud": "nisi", "sub": subject, "jti": uid(), "iat": now - 5,
                "exp": now + 3600, "roles": list(roles), **claims}
        parts = [base64.urlsafe_b64encode(json.dumps({k: v for k, v in part.items() if v is not None}).encode())
                 .rstrip(b"=") for part in (head, body)]
        signature = sign_ed25519(self.data / "keys" / f"{key}.key", b".".join(parts))
        return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()

    def today(self):
        """Legal today by the development clock."""
        ahead = datetime.timedelta(hours=int(self.clock.read_text().strip("+h")))
        return (datetime.datetime.utcnow() + datetime.timedelta(hours=5) + ahead).date()

    def move_clock(self, hours):
        """The clock runs this far ahead of the morning in which the suite began; whole days are 24, 48, ..."""
        # Replaced in one step: the suite must not read half a file.
        new = self.work / "clock.new"
        new.write_text(f"+{self.morning + hours}h")
        new.rename(self.clock)


class Refused(Exception):
    """An error as its caller sees it: code, the one ErrorInfo's reason and metadata, violations, articles, traces.
    `told` is all that it carries but for the trace, which is another for each call."""

    def __init__(self, error, messages):
        self.code, self.wire, self.message = error.code(), b"", error.details() or ""
        self.infos, self.violations, self.articles, self.retry = [], [], [], False
        self.metadata, self.traces = {}, []
        self.wire = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        status = messages.status.Status.FromString(self.wire)
        self.told = messages.status.Status(code=status.code, message=status.message)
        for detail in status.details:
            info, basis = messages.details.ErrorInfo(), messages.legal_basis.LegalBasis()
            bad, retry = messages.details.BadRequest(), messages.details.RetryInfo()
            request = messages.details.RequestInfo()
            if detail.Unpack(request):
                self.traces.append(request.request_id)
                continue
            self.told.details.append(detail)
            if detail.Unpack(info):
                self.infos.append(info.reason)
                self.metadata.update(info.metadata)
            elif detail.Unpack(basis):
                self.articles.append(basis.article)
            elif detail.Unpack(bad):
                self.violations += [v.field for v in bad.field_violations]
            elif detail.Unpack(retry):
                self.retry = True
        super().__init__(f"{self.code.name} {self.infos} {self.violations} {self.message} {self.metadata}")

    @property
    def reason(self):
        assert len(self.infos) == 1, f"not exactly one ErrorInfo: {self}"
        return self.infos[0]


class Client:
    """Calls through the gateway as one of the roles; `role` None is nobody signed in."""

    def __init__(self, suite):
        self.suite, self.m, self.tokens = suite, suite.messages, {}
        self.connection = suite.channel()
        self.called = set()  # paths that were answered OK at least once

    def reconnect(self):
        self.connection.close()
        self.connection = self.suite.channel()

    def metadata(self, role, extra=()):
        if role and role not in self.tokens:
            self.tokens[role] = self.suite.token(role)
        return ([("authorization", "Bearer " + self.tokens[role])] if role else []) + list(extra)

    def call(self, path, request, response, role=None, extra=(), timeout=20):
        """The answer; Refused when there is none."""
        stub = self.connection.unary_unary(path, type(request).SerializeToString, response.FromString)
        return self._answer(path, lambda: stub(request, metadata=self.metadata(role, extra), timeout=timeout))

    def commit(self, path, request, role, timeout=20):
        """The answer of a change, and the journal position that came with it."""
        response = self.response(path)
        stub = self.connection.unary_unary(path, type(request).SerializeToString, response.FromString)
        metadata = self.metadata(role)
        answer, call = self._answer(path, lambda: stub.with_call(request, metadata=metadata, timeout=timeout))
        return answer, int(dict(call.trailing_metadata()).get("nisi-position", 0))

    def send(self, path, requests, response, role=None, extra=(), timeout=60):
        """The answer to a stream of requests."""
        first = type(requests[0]) if isinstance(requests, list) and requests else None
        serialize = first.SerializeToString if first else (lambda message: message.SerializeToString())
        stub = self.connection.stream_unary(path, serialize, response.FromString)
        return self._answer(path, lambda: stub(iter(requests), metadata=self.metadata(role, extra), timeout=timeout))

    def stream(self, path, request, response, role=None, extra=(), timeout=60):
        """Messages one by one; closing the generator cancels the call."""
        stub = self.connection.unary_stream(path, type(request).SerializeToString, response.FromString)
        call = stub(request, metadata=self.metadata(role, extra), timeout=timeout)
        try:
            for message in call:
                self.called.add(path)
                yield message
        except grpc.RpcError as error:
            raise Refused(error, self.m) from None
        finally:
            call.cancel()

    def _answer(self, path, run):
        try:
            answer = run()
        except grpc.RpcError as error:
            raise Refused(error, self.m) from None
        self.called.add(path)
        return answer

    def refused(self, code, reason, *args, **kwargs):
        """The refusal of a call that must be refused with this code and reason."""
        try:
            answer = self.call(*args, **kwargs)
        except Refused as refusal:
            assert refusal.code == code and refusal.reason == reason, refusal
            return refusal
        raise AssertionError(f"{args[0]} was not refused but answered {answer}")

    def eventually(self, what, ask, good, seconds=20):
        """The first answer that is `good`, asking again for a while, also while the suite is away."""
        deadline, last = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            try:
                last = ask()
                if good(last):
                    return last
            except Refused as refusal:
                last = refusal
                if refusal.code != grpc.StatusCode.UNAVAILABLE:
                    raise
            time.sleep(0.05)
        raise AssertionError(f"{what}: {last}")

    def date(self, day):
        return self.m.date.Date(year=day.year, month=day.month, day=day.day)

    # Short forms that take a method's name and the request's fields. A request id is made where one belongs.

    def request(self, path, **fields):
        kind = self.method(path).input_type
        if "request_id" in kind.fields_by_name:
            fields.setdefault("request_id", uid())
        return kind._concrete_class(**fields)

    def method(self, path):
        """The descriptor of a method of one of the services."""
        modules = {GOODS: self.m.goods, MAP: self.m.map, SUPPLIERS: self.m.suppliers, JOURNAL: self.m.journal,
                   STORE: self.m.store}
        service, name = path[:path.rindex("/") + 1], path[path.rindex("/") + 1:]
        short = service.strip("/").rsplit(".", 1)[1]
        return modules[service].DESCRIPTOR.services_by_name[short].methods_by_name[name]

    def response(self, path):
        return self.method(path).output_type._concrete_class

    def goods(self, name, /, role=None, **fields):
        return self.call(GOODS + name, self.request(GOODS + name, **fields), self.response(GOODS + name), role)

    def suppliers(self, name, /, role=None, **fields):
        path = SUPPLIERS + name
        return self.call(path, self.request(path, **fields), self.response(path), role)

    def journal(self, name, /, role=None, **fields):
        return self.call(JOURNAL + name, self.request(JOURNAL + name, **fields), self.response(JOURNAL + name), role,
                         TO_GOODS)

    def store(self, name, /, role=None, **fields):
        return self.call(STORE + name, self.request(STORE + name, **fields), self.response(STORE + name), role,
                         TO_GOODS)

    def goods_stream(self, name, /, role=None, timeout=60, **fields):
        return self.stream(GOODS + name, self.request(GOODS + name, **fields), self.response(GOODS + name), role,
                           timeout=timeout)

    def journal_stream(self, name, /, role=None, timeout=60, **fields):
        return self.stream(JOURNAL + name, self.request(JOURNAL + name, **fields), self.response(JOURNAL + name),
                           role, TO_GOODS, timeout)

    def goods_refused(self, code, reason, name, /, role=None, **fields):
        """`code` by its name, as "ABORTED"."""
        return self.refused(grpc.StatusCode[code], reason, GOODS + name, self.request(GOODS + name, **fields),
                            self.response(GOODS + name), role)
