"""`nisi doctor` finds what is wrong with an installation: nothing in a sound one, in one process and as separate
processes, and each fault that its sources name when that one alone is there.

usage: doctor_test.py <bin folder> <proto folder> <moved_clock.so> <faulty-priority-goods>
"""
import contextlib
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
from authority import Authority, openssl, place  # noqa: E402
from failing_disk import fail_a_commit  # noqa: E402
from moved_clock import MovedClock  # noqa: E402
from suite import ASKS, GOODS, Client, Suite, free_port, wait_for  # noqa: E402

FINDING = re.compile(r"^([A-Z_]+)  (.+)$", re.M)
GOODS_PROCESS = "priority-goods"
SOURCES = pathlib.Path(__file__).resolve().parent.parent / "tools" / "nisi"
# As an operator who is no root: the rights of a file hold for this one too.
POWERLESS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()


def findings_of_sources():
    """Every finding that there is: the words in capitals in the sources of the doctor."""
    texts = [path.read_text() for path in [*SOURCES.glob("doctor*.cc"), SOURCES / "serve_doctor.cc"]]
    return {word for text in texts for word in re.findall(r'"([A-Z]{3,}(?:_[A-Z]+)*)"', text)}


def findings_of_readme():
    rows = re.findall(r"^\| ([A-Z_, ]+) \|", (SOURCES / "README.md").read_text(), re.M)
    return {word for row in rows for word in row.split(", ")}


class Doctor:
    def __init__(self, suite):
        self.suite, self.data, self.seeded = suite, suite.data, set()
        self.keys, self.tls = suite.data / "keys", suite.data / "keys" / "tls"
        self.backups = ("--backup-folder", suite.backups)
        # A day on which all norms hold for long, whenever this runs.
        self.day = suite.work / "day"
        self.day.write_text("2026-06-01T12:00:00+05:00")

    def flags(self, process):
        """What the process is started with, as far as it matters here."""
        suite, keys = self.suite, self.keys
        kept = ["--data", self.data, *self.backups, "--clock-file", self.day, *suite.norms]
        if process == "nisi":
            return [*kept, "--address", f"127.0.0.1:{suite.port}"]
        flags = ["--tls-dir", keys / "tls", "--signers", keys / "signers.json", "--context-key",
                 keys / f"context-{process}.key"]
        if process == "gateway":
            backends = [flag for owner, port in suite.backend_ports.items()
                        for flag in ("--backend", f"{owner}=127.0.0.1:{port}")]
            return [*flags, "--address", f"127.0.0.1:{suite.port}", "--jwks", keys / "jwks.json", *backends]
        peers = [flag for peer in ASKS.get(process, ()) for flag in ("--peer", f"{peer}=127.0.0.1:{suite.backend_ports[peer]}")]
        askers = [asker for asker, asked in ASKS.items() if process in asked]
        return [*kept, *flags, "--address", f"127.0.0.1:{suite.backend_ports[process]}", *peers,
                *(flag for asker in ("gateway", *askers) for flag in ("--context-peer", f"spiffe://nisi/svc/{asker}"))]

    def finds(self, process, *more, first=(), limit=None):
        """What it finds, as {name: [where]}."""
        command = [self.suite.bin / "nisi", "doctor", *([] if process == "nisi" else [process]),
                   *self.flags(process), *more]
        out = subprocess.run([*first, *map(str, command)], capture_output=True, text=True, timeout=120,
                             preexec_fn=limit)  # noqa: PLW1509
        found, self.said = {}, out.stdout
        for name, where in FINDING.findall(out.stdout):
            found.setdefault(name, []).append(where)
        assert out.returncode == (1 if found else 0), (out.returncode, out.stdout, out.stderr)
        assert out.stdout.count("    To mend: ") == len(FINDING.findall(out.stdout)), out.stdout
        return found

    def settle(self, process):
        """Waits until it has the right files again."""
        deadline = time.monotonic() + 60
        while found := self.finds(process):
            assert time.monotonic() < deadline, found

    def sound(self, process):
        found = self.finds(process)
        assert not found, f"{process}: {found}"

    @contextlib.contextmanager
    def kept(self, *paths):
        """These files and folders as they are, again afterwards."""
        aside = [(path, path.with_name(path.name + ".aside")) for path in map(pathlib.Path, paths)]
        for path, other in aside:
            if path.is_dir():
                shutil.copytree(path, other)
            else:
                shutil.copy2(path, other)
        try:
            yield
        finally:
            for path, other in aside:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                other.rename(path)

    @contextlib.contextmanager
    def closed(self, path, mode):
        """Rights are taken away."""
        before = path.stat().st_mode
        path.chmod(mode)
        try:
            yield
        finally:
            path.chmod(before)

    @contextlib.contextmanager
    def seed(self, what, process, *paths, more=(), also=(), at=None, **how):
        """Within, a fault is there that the doctor must name, `at` these places, and nothing else."""
        with contextlib.ExitStack() as seeded:
            seeded.enter_context(self.kept(*paths))
            yield seeded
            found = self.finds(process, *more, **how)
            assert what in found, f"{what} is not among {found}"
            assert set(found) <= {what, *also}, f"beside {what}: {found}"
            assert at is None or set(found[what]) == set(at), f"{what}: {found}"
            self.seeded.add(what)


def certificates(doctor, work):
    tls, name = doctor.tls, "gateway"
    own = Authority.of(work, tls / "ca.key", tls / "ca.pem")
    files = [tls / f"{name}.pem", tls / f"{name}.key"]

    def put(authority, uri, days):
        for made, at in zip(authority.issue(name, uri, days=days, folder=work / "issued"), files):
            place(made, at)

    uri = "spiffe://nisi/svc/gateway"
    # The running gateway shows the new one too: whoever is not believed cannot be asked.
    unasked = {"PROCESS_AWAY", "PEER_UNREACHABLE"}
    with doctor.seed("CERTIFICATE_EXPIRED", "gateway", *files, also=unasked):
        put(own, uri, (-2, -1))
    with doctor.seed("CERTIFICATE_ENDS", "gateway", *files, also=unasked):
        put(own, uri, (-90, 2))
    with doctor.seed("CERTIFICATE_EARLY", "gateway", *files, also=unasked):
        put(own, uri, (2, 90))
    with doctor.seed("CERTIFICATE_NAME", "gateway", *files, also=unasked):
        put(own, "spiffe://nisi/svc/gatewey", (-1, 100))
    with doctor.seed("CERTIFICATE_CHAIN", "gateway", *files, also=unasked):
        put(Authority(work / "other", "Another authority"), uri, (-1, 100))
    with doctor.seed("CERTIFICATE_KEY", "gateway", *files, also=unasked):
        place(tls / "grants.key", files[1])
    with doctor.seed("TLS_FILE", "gateway", *files, also=unasked):
        files[0].write_text("-----BEGIN CERTIFICATE-----\n")
    doctor.settle("gateway")
    with doctor.seed("KEY_EXPOSED", "gateway", *files):
        files[1].chmod(0o644)
    # Beside the one that all believe.
    other = Authority(work / "next", "The next authority")
    for what, days in (("AUTHORITY_EXPIRED", (-2, -1)), ("AUTHORITY_ENDS", (-90, 2)), ("AUTHORITY_EARLY", (2, 90))):
        with doctor.seed(what, "gateway", tls / "ca.pem"):
            place((tls / "ca.pem").read_bytes() + other.renewed(days).read_bytes(), tls / "ca.pem", 0o644)


def keys(doctor, work):
    all_keys = doctor.keys
    with doctor.seed("JWKS", "gateway", all_keys / "jwks.json"):
        (all_keys / "jwks.json").write_text('{"keys": [')
    with doctor.seed("JWKS_ALGORITHM", "gateway", more=("--algorithm", "ES256")):
        pass
    principals = work / "principals.json"
    good = json.dumps({"spiffe://nisi/client/agency-1": {"subject": "agency-1", "roles": ["customer"]}})
    principals.write_text(good)
    assert not doctor.finds("gateway", "--principals", principals)
    for bad in (good.replace("customer", "custommer"), good[:-1]):
        with doctor.seed("PRINCIPALS", "gateway", principals, more=("--principals", principals)):
            principals.write_text(bad)
    with doctor.seed("PRINCIPALS", "gateway", more=("--principals", work / "nowhere")):
        pass
    signers = all_keys / "signers.json"
    entries = json.loads(signers.read_text())["keys"]
    with doctor.seed("SIGNERS", GOODS_PROCESS, signers):
        signers.write_text("{}")
    with doctor.seed("SIGNERS_LACK", GOODS_PROCESS, signers):
        place(json.dumps({"keys": [entry for entry in entries if entry["kid"] != "gateway"]}).encode(), signers, 0o644)
    with doctor.seed("CONTEXTS_ON_WORD", GOODS_PROCESS, more=("--contexts-on-word",)):
        pass
    denied, own = doctor.tls / "denied.txt", doctor.tls / f"{GOODS_PROCESS}.pem"
    with doctor.seed("DENIED_LIST", GOODS_PROCESS):
        denied.write_text("# of a stolen key\nagency-1\n")
    denied.unlink()
    # Others may have cut it off by then, and it itself whoever asks with its certificate.
    with doctor.seed("CERTIFICATE_DENIED", GOODS_PROCESS, also=("PROCESS_AWAY", "PEER_UNREACHABLE")):
        denied.write_bytes(openssl("x509", "-in", own, "-noout", "-fingerprint", "-sha256"))
    denied.unlink()
    doctor.settle(GOODS_PROCESS)
    context = all_keys / "context-gateway.key"
    with doctor.seed("CONTEXT_KEY_UNKNOWN", "gateway", context):
        openssl("genpkey", "-algorithm", "ed25519", "-out", context)
    with doctor.seed("CONTEXT_KEY", "gateway", context):
        place(doctor.tls / "grants.key", context)
    head = doctor.suite.data / f"{GOODS_PROCESS}.head.pem"
    with doctor.seed("HEAD_KEY", GOODS_PROCESS, head):
        place(doctor.tls / "grants.key", head)
    with doctor.seed("HEAD_KEY_MISSING", GOODS_PROCESS, head):
        head.unlink()


def owners(doctor):
    """As in a pod (fsGroup): the volume is somebody else's, its group the process's own, the key of tree heads mounted to be
    read. A file of the store that the process cannot write is found, and is no more when the advice was followed."""
    data, name = doctor.suite.data, GOODS_PROCESS
    head, lost, store = data / f"{name}.head.pem", data / "lost+found", data / name
    before = {path: path.stat() for path in (data, head)}
    lost.mkdir(0o700)
    for path, mode in ((data, 0o2775), (head, 0o440), (lost, 0o700)):
        os.chown(path, 65534, 0)
        path.chmod(mode)
    assert subprocess.run([*POWERLESS, "ls", lost], capture_output=True).returncode != 0, "the rights do not hold here"
    found = doctor.finds(name, first=POWERLESS)
    assert not found, f"in a pod: {found}"
    for path in (store / "CURRENT", store, data / f"{name}.witness"):
        path.chmod(path.stat().st_mode & ~0o022)
        with doctor.seed("DATA_OWNER", name, first=POWERLESS, at=[str(path)]) as seeded:
            os.chown(path, 65534, 65534)
            seeded.callback(lambda: subprocess.run(re.search(r"`(chown -R \d+ \S+)`", doctor.said)[1].split(),
                                                   check=True))
        found = doctor.finds(name, first=POWERLESS)
        assert not found, f"in spite of its advice: {found}"
    for path, was in before.items():
        os.chown(path, was.st_uid, was.st_gid)
        path.chmod(was.st_mode)
    lost.rmdir()


def folders(doctor, work):
    suite, name = doctor.suite, GOODS_PROCESS
    with doctor.seed("DATA_MISSING", name) as seeded:
        doctor.data = work / "nowhere"
        seeded.callback(lambda: setattr(doctor, "data", suite.data))
    if os.geteuid() == 0:
        owners(doctor)
    with doctor.seed("DATA_NOT_WRITABLE", name, first=POWERLESS) as seeded:
        seeded.enter_context(doctor.closed(suite.data, 0o500))
    disk = os.statvfs(suite.data)
    free = disk.f_bavail * disk.f_frsize >> 20
    with doctor.seed("DISK_FULL", name, more=("--disk-reserve-mib", 10 * free)):
        pass
    with doctor.seed("DISK_LOW", name, more=("--disk-reserve-mib", free * 3 // 4)):
        pass
    with doctor.seed("FILES_LIMIT", name, limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))):
        pass
    with doctor.seed("BACKUP_OLD", name, more=("--backup-age", "1ms")):
        pass
    backups = suite.backups / name
    with doctor.seed("BACKUP_MISSING", name, backups):
        shutil.rmtree(backups)
        backups.mkdir()
    for closed in (suite.backups, backups / "meta"):
        with doctor.seed("BACKUP_UNREADABLE", name, first=POWERLESS) as seeded:
            seeded.enter_context(doctor.closed(closed, 0))
    for closed in (backups, backups / "meta"):
        with doctor.seed("BACKUP_NOT_WRITABLE", name, first=POWERLESS, at=[str(closed)]) as seeded:
            seeded.enter_context(doctor.closed(closed, 0o500))
    with doctor.seed("BACKUP_NOT_WRITABLE", name, first=POWERLESS, also={"BACKUP_MISSING"}, at=[str(work / "no")]) as seeded:
        (work / "no").mkdir(0o500)
        doctor.backups = ("--backup-folder", work / "no" / "backups")
        seeded.callback(lambda: setattr(doctor, "backups", ("--backup-folder", suite.backups)))
    # A store that is larger than the room for its backups; of nothing, which takes none.
    with doctor.seed("BACKUP_DISK_FULL", name, at=[str(backups)]) as seeded:
        nothing = suite.data / name / "nothing"
        nothing.touch()
        os.truncate(nothing, 2 * free << 20)
        seeded.callback(nothing.unlink)
    with doctor.seed("BACKUP_NOT_SET", name) as seeded:
        doctor.backups = ()
        seeded.callback(lambda: setattr(doctor, "backups", ("--backup-folder", suite.backups)))
    zones = work / "zones"  # of before 2024, when Almaty had the time that Omsk has still
    (zones / "Asia").mkdir(parents=True)
    shutil.copy("/usr/share/zoneinfo/Asia/Omsk", zones / "Asia" / "Almaty")
    with doctor.seed("ZONE_DATA", name, first=("env", f"TZDIR={zones}")):
        pass
    with doctor.seed("NORM_ENDED", name, doctor.day):
        doctor.day.write_text("2027-02-01T12:00:00+05:00")
    with doctor.seed("NORM_ENDS", name, doctor.day):
        doctor.day.write_text("2026-12-20T12:00:00+05:00")
    norms = work / "norms"
    shutil.copytree(pathlib.Path(__file__).parent.parent / "deploy" / "norms", norms)
    with doctor.seed("NORMS_BROKEN", name, more=("--norms", norms)):
        (norms / "mci.csv").write_text((norms / "mci.csv").read_text().replace("2026-01-01", "2026-02-01"))
    refused_by_a_service(doctor, work)


def refused_by_a_service(doctor, work):
    """Norms that can be read, and that a service refuses when it starts. Of another service's norms a process says
    nothing."""
    for service, file, old, new in (
            ("grants", "grants.csv", "grants.tranche.1,30", "grants.tranche.1,31"),
            ("grants", "grants.csv", "grants.commission.quorum.of,3", "grants.commission.quorum.of,1"),
            ("clusters", "clusters.csv", "clusters.commission.members_min,7", "clusters.commission.members_min,0")):
        norms = work / f"norms-{file}-{old}"
        shutil.copytree(pathlib.Path(__file__).parent.parent / "deploy" / "norms", norms)
        assert old in (norms / file).read_text(), f"{file} has no {old}"
        with doctor.seed("NORMS_REFUSED", service, more=("--norms", norms)):
            (norms / file).write_text((norms / file).read_text().replace(old, new))
        assert f"{service}: " in doctor.said, doctor.said
        others = doctor.finds(GOODS_PROCESS, "--norms", norms)
        assert not others, others


def change(suite):
    client = Client(suite)
    client.eventually("a change", lambda: client.goods("CreateEdition", "institute.industry",
                                                       edition={"title_ru": "Перечень"}), bool)
    client.connection.close()


def processes(doctor, work):
    """Stops and starts processes, so it comes last."""
    suite, name = doctor.suite, GOODS_PROCESS
    fail_a_commit(suite, doctor.faulty)
    failed = suite.data / name / "FAILED"
    with doctor.seed("STORE_FAILED", name, also={"PROCESS_AWAY"}):
        pass
    with doctor.seed("STORE_UNSOUND", name, failed, also={"PROCESS_AWAY"}):
        failed.write_text(re.sub(r"commit (\S+) \S+", r"damage \1 STORE_UNSOUND", failed.read_text()))
    with doctor.seed("STORE_DAMAGED", name, failed, also={"PROCESS_AWAY"}):
        failed.write_text(re.sub(r"commit (\S+) \S+", r"damage \1 STORE_CORRUPT", failed.read_text()))
    failed.unlink()
    with doctor.seed("PEER_UNREACHABLE", "gateway"):
        pass
    with doctor.seed("PROCESS_AWAY", name):
        pass
    store, witness = suite.data / name, suite.data / f"{name}.witness"
    with doctor.seed("STORE_UNREADABLE", name, first=POWERLESS, also={"PROCESS_AWAY", "DATA_OWNER"}) as seeded:
        seeded.enter_context(doctor.closed(store / "CURRENT", 0))
    with doctor.seed("STORE_LOST", name, store, also={"PROCESS_AWAY"}):
        shutil.rmtree(store)
    # With its whole disk, on which the witness lies as well: the backups alone know of it, as its process does.
    for mounted_anew in (False, True):
        with doctor.seed("STORE_LOST", name, store, witness, also={"PROCESS_AWAY"}, at=[str(store)]):
            shutil.rmtree(store)
            witness.unlink()
            if mounted_anew:
                store.mkdir()
            begun = doctor.finds(name, "--new-store")
            assert set(begun) == {"PROCESS_AWAY"}, f"who begins anew: {begun}"
    with doctor.seed("STORE_BROKEN", name, store, witness, also={"PROCESS_AWAY"}):
        # Put back as it was: the store of before the last change, beside a witness that knows of it.
        before = work / "before"
        shutil.copytree(store, before)
        suite.start_backend(name)
        change(suite)
        suite.kill(only=name)
        shutil.rmtree(store)
        shutil.copytree(before, store)
    # Another version: the same program with another word in it.
    other = work / f"nisi-{name}"
    version = subprocess.run([suite.bin / "nisi", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    program = (suite.bin / f"nisi-{name}").read_bytes()
    assert program.count(version.encode() + b"\0") == 1, version
    other.write_bytes(program.replace(version.encode() + b"\0", version[:-1].encode() + b"x\0"))
    other.chmod(0o755)
    suite.bin, bin_folder = work, suite.bin
    suite.start_backend(name)
    suite.bin = bin_folder
    with doctor.seed("VERSION_DIFFERS", "gateway"):
        pass
    clocks(doctor)
    edge(doctor)
    drain(doctor)


def clocks(doctor):
    """Processes on machines whose clocks are off."""
    suite, moved = doctor.suite, {GOODS_PROCESS: 1800, "clusters": -1800}
    for name, seconds in moved.items():
        suite.kill(only=name)
        suite.environment = MovedClock(doctor.moved_clock, suite.work / f"{name}.moved", seconds).environment
        suite.start_backend(name)
    suite.environment = {}
    with doctor.seed("CLOCK_SKEW", "gateway", at=[f"{name} at 127.0.0.1:{suite.backend_ports[name]}" for name in moved]):
        pass
    for name in moved:
        suite.kill(only=name)
        suite.start_backend(name)


def edge(doctor):
    """A gateway with a terminator of TLS on its own machine, from where it hears nobody else but at its port for probes."""
    suite, health = doctor.suite, f"127.0.0.1:{free_port()}"
    suite.kill(only="gateway")
    suite.gateway_flags = ["--edge", "127.0.0.1", "--health-address", health]
    suite.start_gateway()
    found = doctor.finds("gateway", *suite.gateway_flags)
    assert not found, f"behind an edge: {found}"
    with doctor.seed("PROCESS_AWAY", "gateway", more=("--edge", "127.0.0.1")):
        pass
    suite.kill(only="gateway")
    suite.gateway_flags = []
    suite.start_gateway()


def drain(doctor):
    """A gateway that is being stopped, and waits for a call under way."""
    suite, over = doctor.suite, threading.Event()
    health, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    suite.kill(only="gateway")
    suite.gateway_flags = ["--health-address", health, "--metrics-address", metrics, "--drain", "5m"]
    suite.start_gateway()
    client = Client(suite)

    def rows():
        over.wait()
        yield client.m.goods.ImportEntriesRequest()
    call = client.connection.stream_unary(GOODS + "ImportEntries", client.m.goods.ImportEntriesRequest.SerializeToString)
    under_way = call.future(rows(), metadata=client.metadata("institute.industry"))

    def live():
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=30) as answer:
            return re.search(rb"^nisi_gateway_live_calls\S* 1$", answer.read(), re.M)
    wait_for("a call is under way", live)
    gateway, log = suite.processes["gateway"], suite.work / "gateway.log"
    gateway.send_signal(signal.SIGTERM)
    wait_for("the gateway is being stopped", lambda: b'"draining"' in log.read_bytes())
    with doctor.seed("NOT_SERVING", "gateway", more=("--health-address", health)):
        pass
    over.set()
    assert under_way.exception() is not None, "the import of no edition"
    client.connection.close()
    assert suite.processes.pop("gateway").wait(60) == 0
    suite.gateway_flags = []
    suite.start_gateway()


def every_flag(bin_folder, work):
    """Whatever a process can be started with, the doctor takes: how many flags. Each says which release it is."""
    values = {"algorithm": "EdDSA", "backend": "grants=127.0.0.1:1", "peer": "grants=127.0.0.1:1", "edge": "10.0.0.7",
              "data": work / "data", "address": "127.0.0.1:1", "origin": "https://portal.example"}
    programs = {path.name.removeprefix("nisi-"): [path] for path in bin_folder.glob("nisi-*") if not path.name.endswith("-bench")}
    programs["nisi"] = [bin_folder / "nisi", "serve"]
    assert {"nisi", "gateway", GOODS_PROCESS, *ASKS} <= set(programs), programs
    count = 0
    for process, program in programs.items():
        helped = subprocess.run([*program, "--help"], check=True, capture_output=True, text=True).stdout
        version = subprocess.run([*program, "--version"], check=True, capture_output=True, text=True).stdout
        assert re.fullmatch(r"nisi\S*( serve)? \d+\.\d+\.\d+\n", version), version
        # What is wrong with a flag is not lost above a page of flags.
        wrong = subprocess.run([*program, "--nonsense"], capture_output=True, text=True)
        assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, "", "--nonsense: no such flag; see --help\n"), wrong
        given = []
        for name, kind, text in re.findall(r"^  --([\w-]+)(.*)\n((?: {6}.*\n)+)", helped, re.M):
            if name in ("help", "version", "make-keys"):  # which start nothing
                continue
            default = re.search(r"\(default (.*)\)$", " ".join(text.split()))
            switch = not kind.strip()
            value = values.get(name, default[1] if default else "true" if switch else work / "none")
            given += [f"--{name}={value}"] * (2 if kind.endswith("...") else 1)
        assert len(given) > 10, helped
        out = subprocess.run([bin_folder / "nisi", "doctor", process, *given], capture_output=True, text=True, timeout=120)
        assert out.returncode == 1, f"nisi doctor {process} {given}: {out.stderr}"
        count += len(given)
    return count


def at_a_terminal(nisi, work):
    """Whoever starts the suite by hand is told what to type; a log is told nothing but its lines."""
    serve = [nisi, "serve", "--address=127.0.0.1:0", "--metrics-address="]
    named = {**os.environ, "NISI_DATA": str(work)}
    looked = subprocess.run([nisi, "doctor"], env=named, capture_output=True, text=True, timeout=120)
    assert f"DATA_MISSING  {work}\n" in looked.stdout, looked
    ours, its = pty.openpty()
    process = subprocess.Popen(serve, env=named, stdout=its, stderr=subprocess.DEVNULL)
    os.close(its)
    told = b""
    try:
        while b"Ctrl-C ends it." not in told:
            told += os.read(ours, 4096)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    os.close(ours)
    address, data = re.search(r"NISI_ADDRESS=(\S+) NISI_DATA=(\S+)", told.decode()).groups()
    assert f"http://{address}/" in told.decode() and pathlib.Path(data) == work.absolute(), told
    process = subprocess.Popen([*serve, f"--data={work}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert '"serving"' in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[0] == "" and process.returncode == 0


def main():
    told, found = findings_of_readme(), findings_of_sources()
    assert told == found, f"in {SOURCES}/README.md or in the sources, not both: {told ^ found}"
    with tempfile.TemporaryDirectory(prefix="nisi-doctor-") as name:
        flags = every_flag(pathlib.Path(sys.argv[1]), pathlib.Path(name))
        at_a_terminal(pathlib.Path(sys.argv[1]) / "nisi", pathlib.Path(name) / "by-hand")
    with Suite(sys.argv[1], sys.argv[2], "embedded") as suite:
        doctor, work = Doctor(suite), suite.work / "seeds"
        found = doctor.finds("nisi")
        assert set(found) == {"BACKUP_MISSING"}, found
        subprocess.run([suite.bin / "nisi", "backup", "--address", f"127.0.0.1:{suite.port}", "--data", suite.data, "--as",
                        "operator"], check=True, capture_output=True)
        doctor.sound("nisi")
        suite.kill()
        assert set(doctor.finds("nisi")) == {"PROCESS_AWAY"}
    with Suite(sys.argv[1], sys.argv[2], "processes") as suite:
        doctor, work = Doctor(suite), suite.work / "seeds"
        doctor.moved_clock, doctor.faulty = sys.argv[3:]
        work.mkdir()
        change(suite)
        subprocess.run([suite.bin / "nisi", "backup", "--address", f"127.0.0.1:{suite.port}", "--tls-ca",
                        suite.data / "keys" / "tls" / "ca.pem", "--data", suite.data, "--as", "operator"], check=True,
                       capture_output=True)
        for process in ("gateway", *suite.backend_ports):
            doctor.sound(process)
        for seeds in (keys, folders, certificates, processes):
            seeds(doctor, work)
        for process in ("gateway", *suite.backend_ports):
            doctor.sound(process)
        suite.kill()
    all_findings = findings_of_sources() - (set() if os.geteuid() == 0 else {"DATA_OWNER"})
    assert doctor.seeded == all_findings, f"seeded or in the sources, not both: {doctor.seeded ^ all_findings}"
    print(f"doctor: takes {flags} flags of the processes; 2 sound installations, {len(doctor.seeded)} faults, each found: {', '.join(sorted(doctor.seeded))}")


if __name__ == "__main__":
    main()
