"""deploy/edge as whoever installs it runs it: the real HAProxy of the distribution, before a gateway of this suite."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from authority import Authority  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".build" / "unpacked" / "haproxy" / "usr" / "sbin" / "haproxy"
SOURCE = "127.0.0.77"  # whence the edge comes to the gateway
PATIENCE = 60


def haproxy():
    """The program; what `tools/setup` has unpacked, or one that is installed."""
    return str(UNPACKED) if UNPACKED.exists() else shutil.which("haproxy") or str(UNPACKED)


class Edge:
    """The shipped configuration, with the names that it leaves to whoever installs it; another in its place, to see that a
    mistake in it is found. `ports`: where TLS ends, and where it goes through."""

    def __init__(self, work, ports, gateway_port, house_ca, configuration=ROOT / "deploy" / "edge" / "haproxy.cfg"):
        self.work, self.configuration = pathlib.Path(work), configuration
        self.port, self.through_port = ports
        # Not of the house: what the clients of an agency trust.
        self.authority = Authority(self.work / "public", "A public authority")
        certificate, key = self.authority.issue("edge.test", "spiffe://elsewhere/edge")
        self.ca, pair = self.authority.certificate, self.work / "edge.pem"
        pair.write_bytes(certificate.read_bytes() + key.read_bytes())
        self.log = self.work / "edge.log"
        self.environment = {**os.environ, "EDGE_LOG": "stdout", "EDGE_ADDRESS": f"127.0.0.1:{self.port}",
                            "EDGE_THROUGH": f"127.0.0.1:{self.through_port}", "EDGE_CERTIFICATE": str(pair),
                            "EDGE_HOUSE_CA": str(house_ca), "EDGE_GATEWAY": f"127.0.0.1:{gateway_port}",
                            "EDGE_SOURCE": SOURCE}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([haproxy(), "-W", "-f", str(configuration)], stdout=log, stderr=log,
                                            env=self.environment)
        self.wait_worker(set())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def workers(self):
        """The processes under the master."""
        found = set()
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
                if int(parent) == self.process.pid and state != "Z":
                    found.add(int(stat.parent.name))
        return found

    def wait_worker(self, but):
        deadline = time.monotonic() + PATIENCE
        while not self.workers() - but:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def reload(self):
        """As systemd does it: a new process beside the old one, which ends with its last stream."""
        before = self.workers()
        self.process.send_signal(signal.SIGUSR2)
        self.wait_worker(before)
        return before
