"""A rolling restart under load: each process of the suite, with mutual TLS, is told to end by SIGTERM, as Kubernetes does
it, and started again, one after another, the two gateways too. Each register is read, changed and watched meanwhile by
clients of gRPC that try again as gRPC itself does (retryPolicy on UNAVAILABLE). No call fails; each change is in the
journal once; a watch that resumes after its last position misses and repeats nothing.

usage: rolling_test.py <bin folder> <proto folder>
"""
import contextlib
import itertools
import json
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
import grpc  # noqa: E402

from clusters_test import ClusterStory  # noqa: E402
from story import bins  # noqa: E402
from suite import JOURNAL, Refused, Suite, free_port, uid  # noqa: E402

# Five attempts are all that gRPC makes. The last two are for a machine that is busy with other things.
RETRIES = json.dumps({
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [{"name": [{}], "retryPolicy": {
        "maxAttempts": 5, "initialBackoff": "0.3s", "backoffMultiplier": 3, "maxBackoff": "20s",
        "retryableStatusCodes": ["UNAVAILABLE"]}}]})
PATIENCE = 60
PAUSE = 0.05  # of each caller after a call: leaves some of the processor to the others
REGION = "110000000"


class Rolled(Suite):
    """A suite with two gateways, of which one may be away."""

    def start(self):
        self.gateways = {"gateway": self.port, "gateway-2": free_port()}
        for owner in self.backend_ports:
            self.start_backend(owner)
        for name, port in self.gateways.items():
            self.start_gateway(name, port)

    def restart(self, name):
        """Told to end; a process that does not do so in peace fails the test."""
        self.kill(signal.SIGTERM, only=name)
        if name in self.backend_ports:
            self.start_backend(name)
        else:
            self.start_gateway(name, self.gateways[name])

    def dialled(self, *ports, config=RETRIES):
        """A client's channel to these ports of the gateways, each client's its own."""
        credentials = grpc.ssl_channel_credentials((self.data / "keys" / "tls" / "ca.pem").read_bytes())
        return grpc.secure_channel(
            "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports), credentials,
            [("grpc.service_config", config), ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 1),
             ("grpc.ssl_target_name_override", "localhost"), ("grpc.default_authority", "localhost"),
             ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000),
             ("grpc.min_reconnect_backoff_ms", 10_000)])


class Changes:
    """One change of each register that can be made over and over: (path, request without its id, token)."""

    def __init__(self, suite):
        self.suite, self.m, self.bins = suite, suite.messages, bins()
        self.numbers, self.lock = itertools.count(1), threading.Lock()
        self.offices = {role: suite.mint(role) for role in ("authority.industry", "authority.trade", "institute.industry")}
        self.owner = self.taken()
        self.entity = suite.mint("entity", bin=self.owner)

    def taken(self):
        with self.lock:
            return next(self.bins)

    def day(self, ahead):
        return {"year": 2026 + ahead, "month": 6, "day": 1}

    def of(self, owner):
        number, industry = next(self.numbers), self.offices["authority.industry"]
        if owner == "priority-goods":
            return self.m.goods, "PriorityGoodsService", "CreateEdition", self.offices["institute.industry"], dict(
                edition=dict(title_ru=f"Перечень {number}"))
        if owner == "export-refunds":
            return self.m.export_refunds, "ExportRefundsService", "CreateEdition", self.offices["authority.trade"], dict(
                edition=dict(title_ru=f"Перечень {number}"))
        if owner == "grants":
            return self.m.grants, "GrantsService", "CreateProgramme", industry, dict(
                programme_id=f"grants_{number}", programme=dict(
                    title=dict(ru="Гранты"), measure_number="1", operator_contract_number="1",
                    operator_contract_until=self.day(10)))
        if owner == "contracts":
            return self.m.planning, "PlanningService", "RegisterCustomer", industry, dict(customer=dict(
                bin=self.taken(), title=dict(ru="Заказчик"), category="NATIONAL_COMPANY", source="Реестр"))
        if owner == "suppliers":
            one = self.taken()
            return self.m.suppliers, "SuppliersService", "RegisterSupplier", self.suite.mint("entity", bin=one), dict(
                supplier=dict(bin=one, name_ru="Завод", kato=REGION, address="ул. Первая, 1", oked="27.11",
                              activities=["PRODUCER"], finance=dict(staff=1, year=2025),
                              contacts=dict(person="Сбыт", phone="+77162000000", email="sales@example.kz")))
        if owner == "clusters":  # asks the map for the place
            return self.m.clusters, "ClustersService", "CreateInitiative", self.entity, dict(initiative=dict(
                title=dict(ru=f"Кластер {number}"), cluster_organization=self.owner, region=REGION,
                specialization=dict(okeds=["28.30"], goods_codes=["8432"]), strategy="Рост",
                work_plan=[dict(title="Центр", due_date=self.day(2))]))
        assert owner == "industry-map", owner
        milestones = [dict(kind=kind, planned_date=self.day(ahead))
                      for ahead, kind in enumerate(("CONSTRUCTION", "COMMISSIONING", "DESIGN_CAPACITY"))]
        one = self.taken()  # whoever has many drafts gets no more of them
        entity = self.suite.mint("entity", bin=one)
        return self.m.map, "IndustryMapService", "CreateProject", entity, dict(project=dict(parameters=dict(
            title=dict(ru=f"Линия {number}"), kind="NEW", stage="IMPLEMENTED", kato=REGION, owner_bin=one,
            point=dict(latitude_millionths=53_000_000, longitude_millionths=69_000_000), owner_name="Завод", oked="27.11",
            goods_codes=["8504"], responsible_body=dict(kind="AKIMAT", bin=self.owner, name="Акимат"), jobs_building=1,
            jobs_operation=1, milestones=milestones)))

    def next(self, owner):
        module, service, name, token, fields = self.of(owner)
        method = module.DESCRIPTOR.services_by_name[service].methods_by_name[name]
        request = method.input_type._concrete_class(request_id=uid(), **fields)
        return f"/{method.containing_service.full_name}/{name}", request, method.output_type._concrete_class, token


class Load:
    """For each register a reader, a writer and a watcher without end. What was not answered OK."""

    def __init__(self, suite, changes):
        self.suite, self.m, self.changes, self.over = suite, suite.messages, changes, threading.Event()
        self.auditor = suite.mint("auditor")
        self.owners = list(suite.backend_ports)
        self.lock, self.failed, self.ended = threading.Lock(), [], []
        self.reads, self.resumed = dict.fromkeys(self.owners, 0), dict.fromkeys(self.owners, 0)
        self.written = {owner: [] for owner in self.owners}  # request ids, acknowledged
        self.seen = {owner: [] for owner in self.owners}     # (position, leaf)
        self.paths = set()                                   # of the changes
        self.goal = {}                                       # where watches end
        self.begin = {owner: self.head(owner) for owner in self.owners}
        self.threads = [threading.Thread(target=self.caller, args=(run, owner, at), daemon=True)
                        for at, owner in enumerate(self.owners) for run in (self.read, self.write, self.watch)]
        for thread in self.threads:
            thread.start()

    def caller(self, run, owner, number):
        """Some know one gateway alone, the others both."""
        ports = ((self.suite.port,), (self.suite.port, self.suite.gateways["gateway-2"]))[number % 2]
        try:
            with self.suite.dialled(*ports) as channel:
                run(owner, channel)
        except Exception as error:  # noqa: BLE001
            with self.lock:
                self.ended.append(f"{run.__name__} {owner}: {error!r}")

    def call(self, channel, path, request, response, token, owner):
        metadata = [("authorization", "Bearer " + token), ("nisi-service", owner)]
        try:
            return channel.unary_unary(path, type(request).SerializeToString, response.FromString)(
                request, metadata=metadata, timeout=PATIENCE)
        except grpc.RpcError as error:
            with self.lock:
                self.failed.append(f"{path} of {owner}: {Refused(error, self.m)}")
            return None

    def head(self, owner, channel=None):
        m = self.m.journal
        with contextlib.nullcontext(channel) if channel else self.suite.dialled(self.suite.port) as used:
            answer = self.call(used, JOURNAL + "GetTreeHead", m.GetTreeHeadRequest(), m.TreeHead, self.auditor, owner)
        return answer.tree_size if answer else 0

    def read(self, owner, channel):
        while not self.over.wait(PAUSE):
            self.head(owner, channel)
            self.reads[owner] += 1

    def write(self, owner, channel):
        while not self.over.wait(PAUSE):
            self.change(owner, channel)

    def change(self, owner, channel):
        path, request, response, token = self.changes.next(owner)
        self.paths.add(path)
        if self.call(channel, path, request, response, token, owner) is not None:
            self.written[owner].append(request.request_id)

    def watch(self, owner, channel):
        """Ends with the goal; a stream that breaks off is begun again after the last position seen."""
        m, last = self.m.journal, self.begin[owner]
        stub = channel.unary_stream(JOURNAL + "WatchEntries", m.WatchEntriesRequest.SerializeToString,
                                    m.WatchEntriesResponse.FromString)
        metadata = [("authorization", "Bearer " + self.auditor), ("nisi-service", owner)]
        while last < self.goal.get(owner, last + 1):
            call = stub(m.WatchEntriesRequest(start_position=last + 1), metadata=metadata)
            try:
                for event in call:
                    if event.WhichOneof("event") != "entry":
                        last = max(last, event.bookmark)
                    else:
                        last = m.Entry.FromString(event.entry.leaf).position
                        self.seen[owner].append((last, event.entry.leaf))
                    if last >= self.goal.get(owner, last + 1):
                        break
            except grpc.RpcError as error:
                refusal = Refused(error, self.m)
                assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
                self.resumed[owner] += 1
                time.sleep(PAUSE)
            finally:
                call.cancel()

    def more(self, count):
        """Everybody has gone on by so many calls, and every watch has come as far."""
        def done():
            return [(owner, what, number) for owner in self.owners for what, number in (
                ("reads", self.reads[owner]), ("changes", len(self.written[owner])), ("watch", len(self.seen[owner])))]
        before, deadline = done(), time.monotonic() + PATIENCE
        while behind := [now[:2] for was, now in zip(before, done()) if now[2] < was[2] + count]:
            assert not self.failed and not self.ended, (self.failed[:3], self.ended)
            assert time.monotonic() < deadline, f"{behind} stand still"
            time.sleep(0.02)

    def stop(self):
        """All calls are answered, and the watches have seen the last of them."""
        self.over.set()
        for thread in self.threads[0::3] + self.threads[1::3]:
            thread.join(PATIENCE)
        self.goal = {owner: self.head(owner) for owner in self.owners}
        # One change more each, so that no watch waits for a bookmark.
        with self.suite.dialled(self.suite.port) as channel:
            for owner in self.owners:
                self.change(owner, channel)
        for thread in self.threads[2::3]:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self.threads) and not self.ended, self.ended


class Impatient(threading.Thread):
    """Asks one process all the time and never again: what a client meets that does not try again."""

    def __init__(self, load, owner):
        super().__init__(daemon=True)
        self.load, self.owner, self.over, self.told, self.gap = load, owner, threading.Event(), [], 0.0
        self.start()

    def run(self):
        m = self.load.m.journal
        with self.load.suite.dialled(self.load.suite.port, config="{}") as channel:
            stub = channel.unary_unary(JOURNAL + "GetTreeHead", m.GetTreeHeadRequest.SerializeToString, m.TreeHead.FromString)
            first = None
            while not self.over.wait(0.01):
                try:
                    stub(m.GetTreeHeadRequest(), timeout=PATIENCE, metadata=[("nisi-service", self.owner)])
                    if first:
                        self.gap, first = max(self.gap, time.monotonic() - first), None
                except grpc.RpcError as error:
                    self.told.append(Refused(error, self.load.m))
                    first = first or time.monotonic()

    def end(self):
        self.over.set()
        self.join(PATIENCE)
        for refusal in self.told:
            assert refusal.code == grpc.StatusCode.UNAVAILABLE, refusal
            assert refusal.reason == "BACKEND_UNAVAILABLE" and refusal.retry, refusal
        return len(self.told), self.gap


def check_registers(load):
    """Each change once in the journal, and each watch the journal itself."""
    for owner in load.owners:
        m, leaves, position = load.m.journal, [], load.begin[owner] + 1
        with load.suite.dialled(load.suite.port) as channel:
            while position:
                page = load.call(channel, JOURNAL + "ListEntries", m.ListEntriesRequest(start_position=position, page_size=200),
                                 m.ListEntriesResponse, load.auditor, owner)
                leaves += [record.leaf for record in page.entries]
                position = page.next_position
        entries = [m.Entry.FromString(leaf) for leaf in leaves]
        assert [entry.position for entry in entries] == list(range(load.begin[owner] + 1, load.begin[owner] + 1 + len(leaves)))
        asked = [entry.request_id for entry in entries if entry.request_id]
        for request_id in load.written[owner]:
            assert asked.count(request_id) == 1, f"{owner}: {request_id} is there {asked.count(request_id)} times"
        by_callers = [entry for entry in entries if entry.method in load.paths]
        assert len(by_callers) == len(load.written[owner]), (owner, len(by_callers), len(load.written[owner]))
        seen = load.seen[owner]
        assert [leaf for _, leaf in seen] == leaves[:len(seen)] and seen[-1][0] >= load.goal[owner], owner


def main():
    began = time.monotonic()
    with Rolled(sys.argv[1], sys.argv[2], "processes") as suite:
        story = ClusterStory(suite)
        story.places()  # the map knows the region
        story.client.connection.close()
        load = Load(suite, Changes(suite))
        load.more(5)
        impatient = 0
        for name in (*suite.backend_ports, "gateway", "gateway-2"):
            one = Impatient(load, name) if name in suite.backend_ports else None
            load.more(3)
            suite.restart(name)
            load.more(3)
            told, gap = one.end() if one else (0, 0)
            impatient += told
            print(f"rolling: {name} restarted, {time.monotonic() - began:.1f} s; without trying again {told} calls "
                  f"were refused, for {gap:.2f} s", flush=True)
        load.stop()
        assert not load.failed, load.failed[:3]
        assert impatient and all(load.resumed.values()), f"nobody was ever away: {load.resumed}"
        check_registers(load)
        suite.kill(signal.SIGTERM)
    print(f"rolling: {len(suite.backend_ports) + 2} processes restarted, {sum(load.reads.values())} reads, "
          f"{sum(map(len, load.written.values()))} changes, {sum(map(len, load.seen.values()))} entries watched over "
          f"{sum(load.resumed.values())} resumptions: 0 failed")


if __name__ == "__main__":
    main()
