"""The suite as separate processes whose metrics a real Prometheus scrapes, by the configuration and the rules of
deploy/prometheus.

    with Watched(BIN, PROTO) as suite, Prometheus(FOLDER, suite) as prometheus:
        prometheus.query("up")
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import free_port  # noqa: E402
from year_test import January  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "deploy" / "prometheus"
DASHBOARDS = ROOT / "deploy" / "grafana"
PATIENCE = 120  # seconds; a busy machine is slow


def eventually(what, ask):
    """What `ask` answers that is true, asking for a while."""
    deadline, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < deadline:
        last = ask()
        if last:
            return last
        time.sleep(0.2)
    raise AssertionError(f"{what}: never, last {last!r}")


def fetched(url, data=None):
    with urllib.request.urlopen(url, data=data, timeout=30) as answer:
        return answer.read().decode()


class Watched(January):
    """Every process has a port for its metrics."""

    def __init__(self, bin_folder, proto_folder, mode="processes"):
        self.metrics_ports = {}
        super().__init__(bin_folder, proto_folder, mode, backend_flags=("--scrub-interval", "5s"))

    def _spawn(self, name, *args):
        port = self.metrics_ports.setdefault(name, free_port())
        super()._spawn(name, *args, "--metrics-address", f"127.0.0.1:{port}")

    def _gateway_flags(self):
        return tuple(self._with_keys(self.gateway_flags))

    def metrics_url(self, name):
        return f"http://127.0.0.1:{self.metrics_ports[name]}/metrics"

    def scrape(self, name):
        return fetched(self.metrics_url(name))


class Prometheus:
    """Of Debian's package, over the configuration that is shipped, but for who is scraped and how often."""

    def __init__(self, folder, suite):
        self.bin, self.suite, self.process = pathlib.Path(folder) / "usr" / "bin", suite, None
        self.work, self.url = pathlib.Path(tempfile.mkdtemp(prefix="nisi-prometheus-")), ""

    def __enter__(self):
        shutil.copytree(RULES, self.work / "etc")
        config = yaml.safe_load((RULES / "prometheus.yaml").read_text())
        # To evaluate all rules takes longer than to scrape all processes.
        config["global"].update(scrape_interval="3s", scrape_timeout="3s", evaluation_interval="5s")
        (self.work / "etc" / "prometheus.yaml").write_text(yaml.safe_dump(config))
        self.watch(*self.suite.metrics_ports)
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        with open(self.work / "log", "wb") as log:
            self.process = subprocess.Popen(
                [self.bin / "prometheus", f"--config.file={self.work}/etc/prometheus.yaml",
                 f"--storage.tsdb.path={self.work}/data", f"--web.listen-address={address}", "--log.level=warn"],
                stdout=log, stderr=log)

        def is_ready():
            assert self.process.poll() is None, (self.work / "log").read_text()
            try:
                return fetched(self.url + "/-/ready")
            except OSError:
                return False
        eventually("Prometheus serves", is_ready)
        return self

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        self.process.wait(30)
        if kind is not None:
            print((self.work / "log").read_text()[-3000:], file=sys.stderr)
        shutil.rmtree(self.work, ignore_errors=True)

    def watch(self, *names):
        """Scrapes these processes, and no longer others."""
        targets = self.work / "etc" / "targets.yaml"
        new = targets.with_suffix(".new")
        new.write_text(yaml.safe_dump([{"targets": [f"127.0.0.1:{self.suite.metrics_ports[name]}" for name in names]}]))
        new.rename(targets)  # half a file would be no targets

    def promtool(self, *args, text=None):
        """Exit code and all that it says."""
        run = subprocess.run([self.bin / "promtool", *args], input=text, capture_output=True, text=True, check=False)
        return run.returncode, run.stdout + run.stderr

    def ask(self, path, **parameters):
        data = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            return json.loads(fetched(f"{self.url}/api/v1/{path}", data))["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None

    def query(self, expression):
        """Series of now: labels and value."""
        return [(one["metric"], float(one["value"][1])) for one in self.ask("query", query=expression)["result"]]

    def query_range(self, expression, seconds):
        now = time.time()
        return self.ask("query_range", query=expression, start=now - seconds, end=now, step=3)["result"]

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def alerts(self, state):
        """Names and processes of the alerts in a state."""
        return {(alert["labels"]["alertname"], alert["labels"].get("process", alert["labels"].get("instance", "")))
                for alert in self.ask("alerts")["alerts"] if alert["state"] == state}
