"""The journey of a list of priority goods, by a client nobody here wrote (python3-grpcio), over the suite in one
process and over separate processes with mutual TLS: the same answers from both. Also kill -9 in the middle.

usage: journey_test.py <bin folder> <proto folder> embedded|processes|kill
"""
import datetime
import importlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import grpc

BIN, PROTO, MODE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="nisi-journey-"))
SERVICE = "/nisi.priority_goods.v1.PriorityGoodsService/"
JOURNAL = "/nisi.journal.v1.JournalService/"


def load_messages():
    out = WORK / "py"
    out.mkdir()
    protos = [str(p) for p in PROTO.rglob("*.proto")]
    subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={out}", *protos], check=True)
    sys.path.insert(0, str(out))
    return (importlib.import_module("nisi.priority_goods.v1.service_pb2"),
            importlib.import_module("nisi.priority_goods.v1.resources_pb2"),
            importlib.import_module("nisi.journal.v1.journal_pb2"),
            importlib.import_module("google.rpc.status_pb2"),
            importlib.import_module("google.rpc.error_details_pb2"),
            importlib.import_module("nisi.rpc.v1.legal_basis_pb2"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Suite:
    """The suite as an operator starts it."""

    def __init__(self, mode):
        self.mode, self.processes = mode, {}
        self.data = WORK / "data"
        self.clock = WORK / "clock"
        self.clock.write_text("+0h")
        self.port = free_port()
        if mode == "processes":
            self.backend = free_port()
            subprocess.run([BIN / "nisi", "serve", "--make-keys", "--data", self.data], check=True)
        self.start()

    def spawn(self, name, *args):
        log = open(WORK / f"{name}.log", "ab")
        process = subprocess.Popen([str(a) for a in args], stdout=log, stderr=log)
        self.processes[name] = process
        deadline = time.monotonic() + 60
        while b'"serving"' not in (WORK / f"{name}.log").read_bytes():
            assert process.poll() is None, (WORK / f"{name}.log").read_text()
            assert time.monotonic() < deadline, "did not start"
            time.sleep(0.02)

    def start(self):
        for name in ("nisi", "priority-goods", "gateway"):
            (WORK / f"{name}.log").unlink(missing_ok=True)
        keys = self.data / "keys"
        if self.mode == "processes":
            self.spawn("priority-goods", BIN / "nisi-priority-goods", "--address", f"127.0.0.1:{self.backend}",
                       "--data", self.data, "--clock-file", self.clock, "--tls-dir", keys / "tls",
                       "--signers", keys / "signers.json", "--context-peer", "spiffe://nisi/svc/gateway")
            self.spawn("gateway", BIN / "nisi-gateway", "--address", f"127.0.0.1:{self.port}",
                       "--backend", f"priority-goods=127.0.0.1:{self.backend}", "--tls-dir", keys / "tls",
                       "--jwks", keys / "jwks.json", "--context-key", keys / "context-gateway.key",
                       "--metrics-address", "")
        else:
            self.spawn("nisi", BIN / "nisi", "serve", "--data", self.data, "--address", f"127.0.0.1:{self.port}",
                       "--clock-file", self.clock, "--metrics-address", "")

    def kill(self, sig=signal.SIGKILL):
        for process in reversed(list(self.processes.values())):
            process.send_signal(sig)
            code = process.wait(30)
            assert sig == signal.SIGKILL or code == 0, f"exit code {code} after SIGTERM"
        self.processes.clear()

    def channel(self):
        address = f"127.0.0.1:{self.port}"
        if self.mode != "processes":
            return grpc.insecure_channel(address)
        tls = self.data / "keys" / "tls"
        return grpc.secure_channel(address, grpc.ssl_channel_credentials((tls / "ca.pem").read_bytes()))

    def token(self, role):
        out = subprocess.run([BIN / "nisi", "token", "--role", role, "--data", self.data], check=True,
                             capture_output=True, text=True)
        return out.stdout.strip().splitlines()[-1]


def main():
    service, resources, journal, status_pb, details_pb, basis_pb = load_messages()
    suite = Suite(MODE)
    channel = suite.channel()
    tokens = {role: suite.token(role) for role in ("institute.industry", "authority.industry", "auditor", "entity")}

    def metadata(role, extra=()):
        return ([("authorization", "Bearer " + tokens[role])] if role else []) + list(extra)

    def call(method, request, response, role=None, extra=(), path=SERVICE, timeout=20):
        stub = channel.unary_unary(path + method, type(request).SerializeToString, response.FromString)
        return stub(request, metadata=metadata(role, extra), timeout=timeout)

    def refused(code, reason, *args, **kwargs):
        try:
            call(*args, **kwargs)
        except grpc.RpcError as error:
            assert error.code() == code, error
            wire = status_pb.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
            infos, articles = [], []
            for detail in wire.details:
                info, basis = details_pb.ErrorInfo(), basis_pb.LegalBasis()
                if detail.Unpack(info):
                    infos.append(info.reason)
                if detail.Unpack(basis):
                    articles.append(basis.article)
            assert infos == [reason], infos
            return articles
        raise AssertionError(f"{args[0]} was not refused")

    def uid():
        return str(uuid.uuid4())

    def date(day):
        from google.type import date_pb2  # made by load_messages
        return date_pb2.Date(year=day.year, month=day.month, day=day.day)

    def check(code, day):
        answer = call("CheckGoods", service.CheckGoodsRequest(codes=[code], on_date=date(day)),
                      service.CheckGoodsResponse)
        return service.CheckGoodsResponse.Verdict.Name(answer.results[0].verdict), answer

    def import_rows(parent, rows, request_id, role="institute.industry"):
        stub = channel.stream_unary(SERVICE + "ImportEntries", service.ImportEntriesRequest.SerializeToString,
                                    service.ImportEntriesResponse.FromString)
        header = service.ImportEntriesRequest.Header(parent=parent, request_id=request_id)

        def messages():
            yield service.ImportEntriesRequest(header=header)
            for at in range(0, len(rows), 200):
                yield service.ImportEntriesRequest(rows=service.ImportEntriesRequest.Rows(rows=rows[at:at + 200]))
        return stub(messages(), metadata=metadata(role), timeout=60)

    def rows(count, level=lambda i: "HIGH"):
        return [service.ImportEntriesRequest.Row(row_number=i, goods_code=str(840000 + i), sector="machinery",
                                                 processing_level=level(i), name_en=f"good {i}")
                for i in range(1, count + 1)]

    def draft():
        request = service.CreateEditionRequest(request_id=uid())
        request.edition.title_ru = "Перечень"
        return call("CreateEdition", request, resources.Edition, "institute.industry")

    today = (datetime.datetime.utcnow() + datetime.timedelta(hours=5)).date()
    tomorrow = today + datetime.timedelta(days=1)

    edition = draft()
    assert edition.state == resources.Edition.DRAFT and edition.name == "editions/1", edition

    # Who may not: nobody, another role; and the public does not learn that the draft is there.
    create = service.CreateEditionRequest(request_id=uid())
    create.edition.title_ru = "x"
    refused(grpc.StatusCode.UNAUTHENTICATED, "IDENTITY_REQUIRED", "CreateEdition", create, resources.Edition)
    refused(grpc.StatusCode.PERMISSION_DENIED, "ACCESS_DENIED", "CreateEdition", create, resources.Edition, "entity")
    for name in ("editions/1", "editions/99"):
        refused(grpc.StatusCode.PERMISSION_DENIED, "ACCESS_DENIED", "GetEdition",
                service.GetEditionRequest(name=name), resources.Edition)
    refused(grpc.StatusCode.INVALID_ARGUMENT, "RESERVED_METADATA", "GetEdition",
            service.GetEditionRequest(name="editions/1"), resources.Edition, None,
            [("nisi-call-context-bin", b"forged")])

    # A refusal with its article, and a repeated request with its first answer.
    low = service.CreateEntryRequest(parent=edition.name, request_id=uid())
    low.entry.goods_code, low.entry.name_ru, low.entry.sector = "0101", "лошади", "food"
    low.entry.processing_level = resources.LOW
    assert refused(grpc.StatusCode.FAILED_PRECONDITION, "LEVEL_TOO_LOW", "CreateEntry", low, resources.Entry,
                   "institute.industry") == ["Art. 26(1)"]

    request_id = uid()
    wanted = rows(600, lambda i: "LOW" if i % 3 == 0 else "HIGH")
    first = import_rows(edition.name, wanted, request_id)
    assert (first.committed, first.entered_count, first.refused_count) == (True, 400, 200), first.entered_count
    again = import_rows(edition.name, wanted, request_id)
    assert again == first, "another answer to the same request id"

    submit = service.SubmitEditionRequest(name=edition.name, request_id=uid())
    submitted = call("SubmitEdition", submit, resources.Edition, "institute.industry")
    assert submitted.entry_count == 400
    approve = service.ApproveEditionRequest(name=edition.name, etag=submitted.etag, order_number="1",
                                            order_date=date(today), effective_from=date(tomorrow), request_id=uid())
    refused(grpc.StatusCode.PERMISSION_DENIED, "ACCESS_DENIED", "ApproveEdition", approve, resources.Edition,
            "institute.industry")
    approved = call("ApproveEdition", approve, resources.Edition, "authority.industry")
    assert approved.state == resources.Edition.APPROVED
    assert check("840001", today)[0] == "NOT_LISTED"
    verdict, answer = check("8400010000", tomorrow)
    assert verdict == "LISTED" and answer.legal_basis.article == "Art. 26(1)", answer
    position = answer.results[0].entry_position
    assert position > 0

    # It comes into force by itself, also when the suite is killed and started on that day.
    if MODE == "kill":
        suite.kill()
    suite.clock.write_text("+24h")
    if MODE == "kill":
        suite.start()
        channel.close()
        channel = suite.channel()
    deadline = time.monotonic() + 20
    while True:
        state = call("GetEdition", service.GetEditionRequest(name=edition.name), resources.Edition).state
        if state == resources.Edition.IN_FORCE:
            break
        assert time.monotonic() < deadline, state
        time.sleep(0.05)

    # The proof of the entry's journal entry, by the names of the metadata key for standard services.
    to = [("nisi-service", "priority-goods")]
    head = call("GetTreeHead", journal.GetTreeHeadRequest(), journal.TreeHead, None, to, JOURNAL)
    proof = call("GetInclusionProof", journal.GetInclusionProofRequest(position=position, tree_size=head.tree_size),
                 journal.InclusionProof, None, to, JOURNAL)
    assert len(head.root) == 32 and len(head.signature) == 64 and len(proof.leaf_hash) == 32
    refused(grpc.StatusCode.INVALID_ARGUMENT, "SERVICE_NOT_NAMED", "GetTreeHead", journal.GetTreeHeadRequest(),
            journal.TreeHead, None, (), JOURNAL)

    # The watch: everything from the beginning, once, in order.
    watch = channel.unary_stream(SERVICE + "WatchEntries", service.WatchEntriesRequest.SerializeToString,
                                 service.WatchEntriesResponse.FromString)
    seen, last = [], 0
    stream = watch(service.WatchEntriesRequest(parent=edition.name, start_position=1), timeout=60)
    for message in stream:
        assert message.position > last
        last = message.position
        seen += [change.name for change in message.changes]
        if len(seen) >= 400:
            stream.cancel()
            break
    assert len(seen) == len(set(seen)) == 400, len(seen)

    # All pages of a list while others write are those of its first moment.
    listed, token = [], ""
    while True:
        page = call("ListEntries", service.ListEntriesRequest(parent=edition.name, page_size=150, page_token=token,
                                                              filter='sector = "machinery"'),
                    service.ListEntriesResponse)
        listed += [entry.goods_code for entry in page.entries]
        draft()
        token = page.next_page_token
        if not token:
            break
    assert listed == sorted(set(listed)) and len(listed) == 400, len(listed)

    if MODE == "kill":
        kill_during_imports(suite, draft, import_rows, rows, uid, call, service, resources)
        channel.close()
        channel = suite.channel()
    suite.kill(signal.SIGTERM)
    print(f"journey {MODE}: 1 passed, 0 failed")


def kill_during_imports(suite, draft, import_rows, rows, uid, call, service, resources):
    """kill -9 while an import runs: it is whole or absent, and the retried request id gives its one answer."""
    edition, request_id, wanted = draft(), uid(), rows(3000)
    for delay in (0.02, 0.1, 0.2, 0.3):
        killer = threading.Timer(delay, suite.kill)
        killer.start()
        try:
            import_rows(edition.name, wanted, request_id)
        except grpc.RpcError:
            pass
        killer.join()
        suite.start()
        deadline = time.monotonic() + 20
        while True:
            try:
                count = len(call("ListEntries", service.ListEntriesRequest(parent=edition.name, page_size=200),
                                 service.ListEntriesResponse, "institute.industry").entries)
                break
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE and time.monotonic() < deadline, error
                time.sleep(0.1)
        assert count in (0, 200), f"half an import: {count}"
    answer = import_rows(edition.name, wanted, request_id)
    assert answer.committed and answer.entered_count == 3000, answer.entered_count


try:
    main()
finally:
    for left in subprocess.run(["pgrep", "-f", str(WORK)], capture_output=True, text=True).stdout.split():
        if int(left) != os.getpid():
            os.kill(int(left), signal.SIGKILL)
    shutil.rmtree(WORK, ignore_errors=True)
