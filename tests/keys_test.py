"""Every key and certificate of a running suite replaced under load, as separate processes with mutual TLS: no call
fails, and afterwards the new one is really in use and the old one refused. Then certificates that are expired, of
another name or of nobody's authority, at the gateway's door and between processes, from both sides: refused, and the
log says whose it was and why.

usage: keys_test.py <bin folder> <proto folder>
"""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import types

sys.dont_write_bytecode = True
import grpc  # noqa: E402
from google.protobuf import json_format  # noqa: E402

from authority import Authority, openssl, place, raw_public_key  # noqa: E402
from grants_test import PROGRAMME, GrantStory  # noqa: E402
from suite import ASKS, GOODS, JOURNAL, Client, Refused, Suite, sign_ed25519, uid, wait_for  # noqa: E402

KEPT, FRESH = 3, 2
PATIENCE = 60
INSTITUTE = "institute.industry"
AGENCY = "spiffe://nisi/client/agency-1"


def service(name):
    return f"spiffe://nisi/svc/{name}"


class Load:
    """Callers without a pause, on connections that they keep and on new ones: reads of one service, a question that
    asks three others, and changes. What was not answered OK."""

    def __init__(self, suite, authority, token, question):
        self.suite, self.authority, self.token, self.question = suite, authority, token, question
        self.over, self.failed, self.done, self.lock = threading.Event(), [], 0, threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(KEPT + FRESH)]
        for thread in self.threads:
            thread.start()

    def channel(self):
        credentials = grpc.ssl_channel_credentials(self.authority.read_bytes())
        return grpc.secure_channel(f"127.0.0.1:{self.suite.port}", credentials,
                                   [("grpc.use_local_subchannel_pool", 1)])

    def _run(self, number):
        m, kept = self.suite.messages.goods, None
        check = (GOODS + "CheckGoods", m.CheckGoodsRequest(codes=["850423"]))
        while not self.over.is_set():
            channel = kept or self.channel()
            kept = channel if number < KEPT else None
            change = (GOODS + "CreateEdition", m.CreateEditionRequest(edition={"title_ru": "Перечень"}, request_id=uid()))
            for (path, request), role in ((check, INSTITUTE), (self.question, "entity"), (change, INSTITUTE)):
                try:
                    channel.unary_unary(path, type(request).SerializeToString)(
                        request, metadata=[("authorization", "Bearer " + self.token(role))], timeout=PATIENCE)
                except grpc.RpcError as error:
                    with self.lock:
                        self.failed.append(f"{path}: {error.code()} {error.details()}")
                with self.lock:
                    self.done += 1
            if not kept:
                channel.close()
        if kept:
            kept.close()

    def more(self, calls):
        goal = self.done + calls
        wait_for(f"{calls} more calls", lambda: self.done >= goal)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Rotation:
    def __init__(self, suite):
        self.suite, self.m = suite, suite.messages
        self.keys, self.tls = suite.data / "keys", suite.data / "keys" / "tls"
        self.names = ["gateway", *suite.backend_ports]
        self.ports = {"gateway": suite.port, **suite.backend_ports}
        self.own = suite.work / "own"
        self.old_ca = (self.tls / "ca.pem").read_bytes()
        # Of the same name, as on Kubernetes, where both are of one Certificate: their keys tell them apart.
        self.second = Authority(self.own / "second", "NISI development authority")
        # What clients trust: an authority is trusted before anybody has a certificate of it.
        self.trusted = self.own / "trusted.pem"
        self.trusted.write_bytes(self.old_ca + self.second.certificate.read_bytes())
        self.first = Authority.of(self.own, self.tls / "ca.key", self.tls / "ca.pem")  # of the suite
        self.old_agency = self.first.issue("agency-1", AGENCY, folder=self.own / "agency-first")
        self.kid, self.issuer_key = "development", "issuer"
        story = GrantStory(suite)
        story.call("CreateProgramme", "ministry", programme_id=PROGRAMME.split("/")[1], programme=dict(
            title=dict(ru="Промышленные гранты"), measure_number="M-1", operator_contract_number="D-1",
            operator_contract_until=story.day(4000)))
        self.bin = story.owner
        method = story.method("CheckEligibility")
        self.question = (f"/{method.containing_service.full_name}/{method.name}", method.input_type._concrete_class(application=story.application()))
        story.client.connection.close()
        self.tokens = {}
        self.change_issuer()

    # ---- What is seen

    def log(self, name):
        lines = (self.suite.work / f"{name}.log").read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, name, event, since=0, **fields):
        """How many lines of a process's log say so, after so many."""
        return sum(line.get("event") == event and all(value in line.get(key, "") for key, value in fields.items())
                   for line in self.log(name)[since:])

    def wait_read(self, name, since):
        """All that a process speaks TLS with has read its certificate: its own port, and each process it calls."""
        asked = len(self.suite.backend_ports) if name == "gateway" else len(ASKS.get(name, ()))
        wait_for(f"{name} has its new files", lambda: self.logged(name, "certificate_read", since) >= 1 + asked)

    def wait_logged(self, name, event, since=0, **fields):
        wait_for(f"{name} logs {event} {fields}", lambda: self.logged(name, event, since, **fields))

    @contextlib.contextmanager
    def reloaded(self, path, *names):
        """What is done within has each of the processes read the file again."""
        since = {name: len(self.log(name)) for name in names}
        yield
        for name in names:
            self.wait_logged(name, "file_reloaded", since[name], path=str(path))

    def files(self, name):
        """A certificate and its key as they are now, in files of their own."""
        kept = self.own / f"kept-{uid()}"
        kept.mkdir(parents=True)
        for kind in ("pem", "key"):
            source = self.tls / f"{name}.{kind}"
            if source.exists():
                (kept / f"{name}.{kind}").write_bytes(source.read_bytes())
        return kept / f"{name}.pem", kept / f"{name}.key"

    def shown(self, name, client, trusted=None):
        """The certificate that a process shows to a new connection with that client certificate; an error where it, or
        the client, refuses."""
        context = ssl.create_default_context(cafile=trusted or self.trusted)
        context.set_alpn_protocols(["h2"])
        if client:
            context.load_cert_chain(*client)
        with socket.create_connection(("127.0.0.1", self.ports[name]), timeout=PATIENCE) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secure:
            # A client of TLS 1.3 is done before its server has looked at its certificate: only what the server then
            # says, its settings or an alert, tells.
            secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            if not secure.recv(1):
                raise ssl.SSLError("closed")
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))

    def shows(self, name, certificate):
        expected = ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text())
        return ssl.PEM_cert_to_DER_cert(self.shown(name, self.files("gateway"))) == expected

    def connections(self, name):
        """The client ends of the connections to a process, and of those that it has to others."""
        process, own, found = self.suite.processes[name].pid, set(), set()
        for file in pathlib.Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                own.add(os.readlink(file))
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, state, _, _, _, _, _, inode = line.split()[:10]
            port = int(remote.split(":")[1], 16)
            if state == "01" and (port == self.ports[name] or
                                  port in self.ports.values() and f"socket:[{inode}]" in own):
                found.add(int(local.split(":")[1], 16))
        return found

    @contextlib.contextmanager
    def renewed(self, *names):
        """What is done within has each connection to these processes replaced, kept ones too."""
        before = {name: self.connections(name) for name in names}
        assert all(before.values()), before
        yield
        for name in names:
            wait_for(f"the connections to {name} are others", lambda: not before[name] & self.connections(name))  # noqa: B023

    # ---- Rotations

    def put(self, name, certificate, key):
        """As deploy/keys.md says: the key first, then its certificate."""
        place(key, self.tls / f"{name}.key")
        place(certificate, self.tls / f"{name}.pem", 0o644)

    def certificates(self, authority, *names):
        """New certificates for these, which serve them to callers and to the processes that they call."""
        since = {name: len(self.log(name)) for name in names}
        for name in names:
            self.put(name, *authority.issue(name, service(name), folder=self.own / f"issued-{uid()}"))
        for name in names:
            self.wait_read(name, since[name])
            assert self.shows(name, self.tls / f"{name}.pem"), name

    def authorities(self, *certificates):
        since = {name: len(self.log(name)) for name in self.names}
        place(b"".join(certificates), self.tls / "ca.pem", 0o644)
        for name in self.names:
            self.wait_read(name, since[name])

    def change_certificates(self):
        """The gateway's first, then the services', in the end on all connections. A key without its certificate leaves the
        last pair in use, and the log says why."""
        key, since = self.tls / "gateway.key", len(self.log("gateway"))
        good = key.read_bytes()
        place(self.tls / "grants.key", key)
        self.wait_logged("gateway", "file_not_reloaded", since, problem=f"{key}: key values mismatch")
        place(good, key)
        self.wait_read("gateway", since)
        with self.renewed(*self.names):
            self.certificates(self.first, "gateway")
            self.certificates(self.first, *self.suite.backend_ports)

    def renew_authority(self):
        """Its certificate with other dates, by the same key, as cert-manager renews its own: what it signed stays good."""
        renewed = self.own / "renewed.pem"
        openssl("x509", "-in", self.first.certificate, "-key", self.first.key, "-days", 4000, "-out", renewed)
        assert renewed.read_bytes() != self.old_ca
        self.old_ca = renewed.read_bytes()
        with self.renewed(*self.names):
            self.authorities(self.old_ca)
        for name in self.names:
            self.shown(name, self.old_agency, renewed)

    def change_authority(self):
        second = self.second.certificate.read_bytes()
        stranger = self.second.issue("agency-1", AGENCY, folder=self.own / "agency-second")
        self.refuses("gateway", stranger)  # not trusted yet
        self.authorities(self.old_ca, second)
        for name in self.names:
            self.shown(name, stranger)
        self.certificates(self.second, *self.names)
        with self.renewed(*self.names):
            self.authorities(second)
        for name in self.names:
            assert self.shows(name, self.tls / f"{name}.pem"), name
            self.refuses(name, self.old_agency)
            self.shown(name, stranger, self.second.certificate)  # whoever trusts the new one alone is served

    def change_issuer(self):
        """Tokens of one issuer's key from here on."""
        bins = {"entity": self.bin}
        self.tokens = {role: self.suite.mint(role, header={"kid": self.kid}, key=self.issuer_key,
                                             **({"bin": bins[role]} if role in bins else {}))
                       for role in ("entity", INSTITUTE, "auditor")}

    def verified(self, token):
        """Why a call with that token is refused."""
        with self.client() as client:
            try:
                client.call(GOODS + "CheckGoods", self.m.goods.CheckGoodsRequest(codes=["850423"]),
                            self.m.goods.CheckGoodsResponse, extra=(("authorization", "Bearer " + token),))
                return ""
            except Refused as refusal:
                return refusal.reason

    @contextlib.contextmanager
    def watching(self, token):
        """A stream that begins with this token, and goes on; what ends it once the block is over."""
        journal, told = self.m.journal, []
        with grpc.secure_channel(f"127.0.0.1:{self.suite.port}", grpc.ssl_channel_credentials(self.trusted.read_bytes()),
                                 [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stream = channel.unary_stream(JOURNAL + "WatchEntries", journal.WatchEntriesRequest.SerializeToString)(
                journal.WatchEntriesRequest(start_position=1), timeout=PATIENCE,
                metadata=[("nisi-service", "priority-goods"), ("authorization", "Bearer " + token)])
            next(stream)
            yield told
            try:
                for _ in stream:
                    pass
            except grpc.RpcError as error:
                told.append(Refused(error, self.m).reason)

    def change_tokens(self, load):
        jwks = self.keys / "jwks.json"
        old = json.loads(jwks.read_text())["keys"]
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.keys / "issuer-2.key")
        new = [jwk("second", self.keys / "issuer-2.key")]
        early, was = self.suite.mint(INSTITUTE, header={"kid": "second"}, key="issuer-2"), self.tokens[INSTITUTE]
        watcher = self.tokens["auditor"]
        assert self.verified(early) == "TOKEN_INVALID", "a key that nobody published"
        with self.reloaded(jwks, "gateway"):
            place(json.dumps({"keys": old + new}).encode(), jwks)
        assert not self.verified(early)
        self.kid, self.issuer_key = "second", "issuer-2"
        self.change_issuer()
        load.more(10 * (KEPT + FRESH))
        assert not self.verified(was), "the old key holds until it is taken away"
        with self.watching(watcher) as told, self.reloaded(jwks, "gateway"):
            place(json.dumps({"keys": new}).encode(), jwks)
        assert told == ["TOKEN_INVALID"], f"a stream that the old key opened: {told}"
        since = len(self.log("gateway"))
        assert self.verified(was) == "TOKEN_INVALID", "it was verified a moment ago, and is not any more"
        self.wait_logged("gateway", "identity_refused", since, why="kid")

    def context(self, key, audience, actors=("gateway",), **more):
        """What the gateway, or the last of the actors, would sign with that key for somebody who may nothing."""
        m = self.suite.messages
        now = int(time.time())
        body = m.context.CallContext(audience=audience, issued_at=now, expires_at=now + 30, actors=actors,
                                     **more).SerializeToString()
        return m.context.SignedCallContext(context=body, signature=sign_ed25519(key, body),
                                           key_id=hashlib.sha256(raw_public_key(key)).digest()[:8]).SerializeToString()

    def asked_directly(self, owner, key, files, **more):
        """What a service says to whoever comes with these files and a context signed by that key."""
        root, (certificate, private) = self.trusted.read_bytes(), files
        credentials = grpc.ssl_channel_credentials(root, private.read_bytes(), certificate.read_bytes())
        with grpc.secure_channel(f"localhost:{self.ports[owner]}", credentials,
                                 [("grpc.use_local_subchannel_pool", 1)]) as channel:
            try:
                channel.unary_unary(GOODS + "CheckGoods")(
                    self.m.goods.CheckGoodsRequest(codes=["850423"]).SerializeToString(), timeout=PATIENCE,
                    metadata=[("nisi-call-context-bin", self.context(key, owner, **more))])
                return ""
            except grpc.RpcError as error:
                return Refused(error, self.m).reason

    def change_context_keys(self, load):
        # Whoever is not called reads the file at its next call.
        signers, services = self.keys / "signers.json", ("priority-goods", "suppliers", "industry-map", "grants")
        old = json.loads(signers.read_text())["keys"]
        new = {}
        for name in self.names:
            new[name] = self.own / f"context-{name}.key"
            openssl("genpkey", "-algorithm", "ed25519", "-out", new[name])
        before = self.own / "context-gateway-before.key"
        before.write_bytes((self.keys / "context-gateway.key").read_bytes())
        next_ones = [jwk(f"{name}.2", key) for name, key in new.items()]
        ask = lambda key: self.asked_directly("priority-goods", key, self.files("gateway"))  # noqa: E731
        assert ask(new["gateway"]) == "CONTEXT_INVALID"
        with self.reloaded(signers, *services):
            place(json.dumps({"keys": old + next_ones}).encode(), signers)
        assert not ask(new["gateway"]) and not ask(before)
        for name in self.names:
            asks = (name,) if name in ("gateway", "grants") else ()
            with self.reloaded(self.keys / f"context-{name}.key", *asks):
                place(new[name], self.keys / f"context-{name}.key")
        load.more(10 * (KEPT + FRESH))
        with self.reloaded(signers, *services):
            place(json.dumps({"keys": next_ones}).encode(), signers)
        assert not ask(new["gateway"]) and ask(before) == "CONTEXT_INVALID"
        for owner in self.suite.backend_ports:  # one that nobody called meanwhile, too
            self.journal("GetTreeHead", self.m.journal.GetTreeHeadRequest(), self.m.journal.TreeHead, owner)

    def client(self, files=None):
        """One that trusts both authorities; with a certificate of its own, if there is one."""
        client = Client(self.suite)
        client.connection.close()
        pair = (files[1].read_bytes(), files[0].read_bytes()) if files else ()
        client.connection = grpc.secure_channel(f"127.0.0.1:{self.suite.port}",
                                                grpc.ssl_channel_credentials(self.trusted.read_bytes(), *pair),
                                                [("grpc.use_local_subchannel_pool", 1)])
        return contextlib.closing(types.SimpleNamespace(call=client.call, goods=client.goods,
                                                        close=client.connection.close))

    def journal(self, name, request, response, owner):
        with self.client() as client:
            return client.call(JOURNAL + name, request, response,
                               extra=(("nisi-service", owner), ("authorization", "Bearer " + self.tokens["auditor"])))

    def change_head_key(self):
        journal = self.m.journal
        ask = lambda name, request, response: self.journal(name, request, response, "priority-goods")  # noqa: E731
        path, fresh = self.suite.data / "priority-goods.head.pem", self.own / "head.pem"
        old = self.own / "head-before.pem"
        old.write_bytes(path.read_bytes())
        before = ask("GetTreeHead", journal.GetTreeHeadRequest(), journal.TreeHead)
        self.back_up("priority-goods")
        openssl("genpkey", "-algorithm", "ed25519", "-out", fresh)
        with self.reloaded(path, "priority-goods"):
            place(fresh, path)
            wait_for("the new key", lambda: ask("GetSigningKey", journal.GetSigningKeyRequest(),
                                                journal.SigningKey).public_key == raw_public_key(fresh))
        after = ask("GetTreeHead", journal.GetTreeHeadRequest(), journal.TreeHead)
        assert after.key_id == hashlib.sha256(raw_public_key(fresh)).digest()[:8] != before.key_id, after
        # The signature of the new key, and the tree goes on from the head that the old one signed.
        signed = self.m.journal.TreeHead.FromString(after.SerializeToString())
        signed.ClearField("signature")
        assert sign_ed25519(fresh, signed.SerializeToString(deterministic=True)) == after.signature
        proof = ask("GetConsistencyProof", journal.GetConsistencyProofRequest(
            first_size=before.tree_size, second_size=after.tree_size), journal.ConsistencyProof)
        assert proof.hashes or before.tree_size == after.tree_size
        self.back_up("priority-goods")
        self.check_restored("priority-goods", {old: before, fresh: after})

    def nisi(self, *args):
        return subprocess.run([self.suite.bin / "nisi", *map(str, args)], capture_output=True, text=True, check=False)

    def back_up(self, owner):
        token = self.suite.mint("operator", header={"kid": self.kid}, key=self.issuer_key)
        ran = self.nisi("backup", "--service", owner, "--address", f"127.0.0.1:{self.suite.port}", "--tls-ca", self.trusted,
                        "--token", token)
        assert ran.returncode == 0, ran

    def check_restored(self, owner, heads):
        """Backups and heads of before and after are proved by the keys of both times, and not by those of one; without
        any, by those that the backups bring."""
        given, keys = [], [raw_public_key(key).hex() for key in heads]
        for number, head in enumerate(heads.values()):
            (self.own / f"head-{number}.json").write_text(json_format.MessageToJson(head))
            given += ["--head", self.own / f"head-{number}.json"]
        for believed in (",".join(keys), *keys, ""):
            ran = self.nisi("restore", "--from", self.suite.backups, "--to", self.own / f"restored-{uid()}", "--service", owner,
                            *given, *(("--public-key", believed) if believed else ()))
            if believed in keys:
                assert ran.returncode == 1 and "PROOF_INVALID" in ran.stderr, ran
            else:
                ids = sorted(hashlib.sha256(raw_public_key(key)).digest()[:8].hex() for key in heads)
                assert ran.returncode == 0 and f"4 signed heads are of this history (keys {', '.join(ids)})" in ran.stdout, ran

    # ---- Refusals

    def refuses(self, name, client):
        """A process lets nobody in who shows this, and says why."""
        since = len(self.log(name))
        try:
            self.shown(name, client)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return since
        raise AssertionError(f"{name} let {client[0]} in")

    def bad_certificates(self, uri):
        """{kind: (files, what OpenSSL says of it)}"""
        third = Authority(self.own / f"third-{uid()}", "The third authority")
        name = uri.rsplit("/", 1)[1]
        return {"expired": (self.second.issue(name, uri, days=(-2, -1), folder=self.own / uid()), "expired"),
                "unknown": (third.issue(name, uri), "unable to get local issuer")}

    def check_refusals_of_clients(self):
        """At the gateway's door, and at a service's."""
        for name, uri in (("gateway", AGENCY), ("priority-goods", service("gateway"))):
            for files, why in self.bad_certificates(uri).values():
                since = self.refuses(name, files)
                self.wait_logged(name, "certificate_refused", since, why=why, certificate=uri, peer="127.0.0.1")
            since = len(self.log(name))
            if name == "gateway":
                self.shown(name, None)  # may come without one; who shows one must hold
            else:
                self.refuses(name, None)
                self.wait_logged(name, "connection_closed", since, why="peer did not return a certificate")
        # One whose name may nothing: a certificate of the house, but of nobody.
        wrong = self.second.issue("other", service("other"), folder=self.own / uid())
        since = len(self.log("priority-goods"))
        assert self.asked_directly("priority-goods", self.keys / "context-gateway.key", wrong) == "CONTEXT_INVALID"
        self.wait_logged("priority-goods", "identity_refused", since, peer=service("other"), why="may not bring one")
        # The key and the certificate of a service make nobody a caller of another one.
        for more, why in ((dict(actors=["grants"], subject="anybody"), "signer"),
                          (dict(actors=["gateway", "grants"], subject="anybody"), "received: none")):
            since = len(self.log("priority-goods"))
            assert self.asked_directly("priority-goods", self.keys / "context-grants.key", self.files("grants"),
                                       **more) == "CONTEXT_INVALID"
            self.wait_logged("priority-goods", "identity_refused", since, peer=service("grants"), why=why)
        for name, reason in (("agency-2", "IDENTITY_REQUIRED"), ("agency-1", "")):
            files = self.second.issue(name, f"spiffe://nisi/client/{name}", folder=self.own / uid())
            since = len(self.log("gateway"))
            with self.client(files) as client:
                try:
                    client.goods("CreateEdition", edition={"title_ru": "Перечень"})
                    told = ""
                except Refused as refusal:
                    told = refusal.reason
            assert told == reason, (name, told)
            if reason:
                self.wait_logged("gateway", "identity_refused", since, peer=f"spiffe://nisi/client/{name}",
                                 why="stands for nobody")
        # One whose key was stolen, by a line in a file.
        denied, since = self.tls / "denied.txt", len(self.log("gateway"))
        place(openssl("x509", "-in", files[0], "-noout", "-fingerprint", "-sha256"), denied)
        self.wait_read("gateway", since)
        since = self.refuses("gateway", files)
        self.wait_logged("gateway", "certificate_refused", since, why="revoked", certificate=AGENCY)
        since = len(self.log("gateway"))
        denied.unlink()
        self.wait_read("gateway", since)
        self.shown("gateway", files)

    def check_refusals_of_servers(self):
        """The gateway, of a service whose certificate does not hold; and again well when it does."""
        name = "priority-goods"
        good = self.files(name)
        bad = {kind: (files, why) for kind, (files, why) in self.bad_certificates(service(name)).items()}
        bad["wrong name"] = (self.second.issue(name, service("other"), folder=self.own / uid()), f"not {service(name)}")
        for files, why in bad.values():
            since = {who: len(self.log(who)) for who in ("gateway", name)}
            self.put(name, *files)
            self.wait_logged("gateway", "certificate_refused", since["gateway"], why=why, certificate="CN=" + name)
            if not why.startswith("not "):  # who turns away for the name says nothing to the other side
                self.wait_logged(name, "connection_closed", since[name], why="alert")
            wait_for(f"nobody is served over {files[0]}", lambda: self.verified(self.tokens[INSTITUTE]))
            self.put(name, *good)
            wait_for("served again", lambda: not self.verified(self.tokens[INSTITUTE]))

    def check_life_of_tokens(self):
        """Of an issuer that is not the development's: ten minutes, unless the gateway is told otherwise."""
        issuer, flags = "https://id.example", self.suite.gateway_flags

        def mint(seconds):
            now = int(time.time())
            return self.suite.mint(INSTITUTE, header={"kid": self.kid}, key=self.issuer_key, iss=issuer, iat=now,
                                   exp=now + seconds)
        for more, holds, does_not in (((), 600, 601), (("--token-life", "1h"), 3600, 3601)):
            self.suite.kill(only="gateway")
            self.suite.gateway_flags = [*flags, "--issuer", issuer, *more]
            self.suite.start_gateway()
            wait_for("served again", lambda: not self.verified(mint(holds)))
            assert self.verified(mint(does_not)) == "TOKEN_INVALID", more
            assert self.verified(self.tokens[INSTITUTE]) == "TOKEN_INVALID", "of the development issuer"
        self.suite.gateway_flags = flags


def jwk(kid, key):
    x = base64.urlsafe_b64encode(raw_public_key(key)).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}


def main():
    began = time.monotonic()
    with Suite(sys.argv[1], sys.argv[2], "processes") as suite:
        (suite.data / "keys" / "principals.json").write_text(json.dumps(
            {AGENCY: {"subject": "agency-1", "roles": [INSTITUTE]}}))
        suite.kill(only="gateway")
        suite.gateway_flags = ["--principals", "{keys}/principals.json"]
        suite.start_gateway()
        rotation = Rotation(suite)
        load = Load(suite, rotation.trusted, lambda role: rotation.tokens[role], rotation.question)
        try:
            load.more(50)
            for what, rotate in (("certificates", rotation.change_certificates),
                                 ("the authority's certificate", rotation.renew_authority),
                                 ("the authority", rotation.change_authority),
                                 ("keys of tokens", lambda: rotation.change_tokens(load)),
                                 ("keys of call contexts", lambda: rotation.change_context_keys(load)),
                                 ("a key of tree heads", rotation.change_head_key)):
                before = load.done
                rotate()
                load.more(10 * (KEPT + FRESH))
                print(f"keys: {what}: {load.done - before} calls, {len(load.failed)} failed, "
                      f"{time.monotonic() - began:.1f} s")
                assert not load.failed, load.failed[:3]
        finally:
            load.stop()
        rotation.check_refusals_of_clients()
        rotation.check_refusals_of_servers()
        rotation.check_life_of_tokens()
        suite.kill()
    print(f"keys: {load.done} calls, 0 failed")


if __name__ == "__main__":
    main()
