"""A real Prometheus over a suite of separate processes that lives the year of tools/run: what is scraped keeps the
conventions, the rules evaluate, every query of the dashboards returns data, every metric that is spoken of exists, every
command of the runbook works, and a fault is seen.

usage: monitoring_test.py <bin folder> <proto folder> <folder of the unpacked package prometheus>
                          <faulty-priority-goods> [--stay]

--stay keeps all of it running afterwards, to look at.
"""
import json
import os
import re
import subprocess
import sys
import time

from watched import DASHBOARDS, RULES, ROOT, Prometheus, Watched, eventually
from failing_disk import OWNER, fail_a_commit  # beside the suite, which `watched` has found
from year_test import played

sys.path.insert(0, str(DASHBOARDS))
import lint  # noqa: E402
import make  # noqa: E402

METRIC = re.compile(r"\b(?:nisi|grpc|process)_[a-z0-9_]+\b")
RECORD = re.compile(r"\bnisi:[a-z0-9_]+:[a-z0-9_]+\b")
# In braces: the labels of metrics.
LABELS = {"grpc_type", "grpc_service", "grpc_method", "grpc_code"}
GAUGES_OF_FAULTS = {"NisiStoreFailed", "NisiStoreDamaged", "NisiStoreErrors", "NisiDeadlineActRefused"}


def spoken_of():
    """Every metric and recorded series that rules, dashboards and texts for operators name; the place for each."""
    places = [*RULES.glob("*.yaml"), *RULES.glob("*.md"), *DASHBOARDS.glob("*.json"), *DASHBOARDS.glob("*.md")]
    found = {}
    for place in places:
        text = place.read_text()
        for name in {*METRIC.findall(text), *RECORD.findall(text)} - LABELS:
            if not name.endswith("_"):  # nisi_store_*
                found.setdefault(name, place.name)
    return found


def check_scrapes(suite, prometheus):
    """Each process' own text, by promtool and by our rules."""
    for name in suite.metrics_ports:
        text = suite.scrape(name)
        code, said = prometheus.promtool("check", "metrics", text=text)
        assert code == 0, f"{name}: {said}"
        findings = lint.findings(text)
        assert not findings, f"{name}:\n" + "\n".join(findings)


def drill(suite, prometheus):
    """A backup, its restore, and another backup, with which each service tells of the restore."""
    backup = [suite.bin / "nisi", "backup", "--as", "operator", "--data", suite.data, "--address",
              f"127.0.0.1:{suite.port}", *suite.connection_flags()]
    restore = [suite.bin / "nisi", "restore", "--from", suite.backups, "--to", suite.work / "drill"]
    began = int(time.time())
    for command in (backup, restore, backup):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    eventually("each restore is told", lambda: len(prometheus.query(
        f"nisi_store_backup_last_restored_timestamp_seconds >= {began}")) == len(suite.backend_ports))


def check_rules(prometheus):
    """All are evaluated, none with an error, and each recording has something to show."""
    def all_evaluated():
        rules = prometheus.rules()
        return all(rule["lastEvaluation"] > "0002" for rule in rules) and rules
    rules = eventually("the rules are evaluated", all_evaluated)
    bad = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]
    assert not bad, bad
    for rule in rules:
        if rule["type"] == "recording":
            eventually(rule["name"], lambda name=rule["name"]: prometheus.query(name))
    return rules


def check_dashboards(prometheus, began):
    """Every query has data of this year."""
    queries = 0
    for name in make.DASHBOARDS:
        for panel in json.loads(make.text(name))["panels"]:
            for target in panel["targets"]:
                expression = (target["expr"].replace("$__rate_interval", "10s").replace("$namespace", ".*")
                              .replace("$process", ".*"))

                def has_data(expression=expression):
                    series = prometheus.query_range(expression, time.monotonic() - began)
                    return any(value != "NaN" for one in series for _, value in one["values"])
                eventually(f"{name}: {panel['title']}: {expression}", has_data)
                queries += 1
    return queries


def check_runbook(suite, prometheus, rules):
    """An entry of four parts for each alert and no other; each command runs, and says something unless it reads a log."""
    text = (RULES / "runbook.md").read_text()
    entries = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    alerts = {rule["name"]: rule for rule in rules if rule["type"] == "alerting"}
    assert entries.keys() == alerts.keys(), entries.keys() ^ alerts.keys()
    sources = "".join(path.read_text() for room in ("common", "services") for path in (ROOT / room).rglob("*.cc"))
    tls = f"--tls-ca {suite.data}/keys/tls/ca.pem --data {suite.data}"
    environment = {
        **os.environ, "PATH": f"{suite.bin}:{prometheus.bin}:{os.environ['PATH']}", "PROMETHEUS": prometheus.url,
        "SERVICE": "grants", "METRICS": suite.metrics_url("grants"), "LOG": str(suite.work / "grants.log"),
        "GATEWAY_METRICS": suite.metrics_url("gateway"), "GATEWAY_LOG": str(suite.work / "gateway.log"),
        "DATA": str(suite.data), "CERTIFICATES": str(suite.data / "keys" / "tls"),
        "NISI_ADDRESS": f"127.0.0.1:{suite.port}", "AS_OPERATOR": f"{tls} --as operator", "AS_AUDITOR": f"{tls} --as auditor"}
    done = {}
    for alert, entry in entries.items():
        assert alerts[alert]["annotations"]["runbook_url"].endswith(f"runbook.md#{alert.lower()}"), alert
        parts = re.findall(r"^\*\*(\w+)\.\*\* \S", entry, re.MULTILINE)
        assert parts == ["Meaning", "Impact", "Diagnosis", "Mitigation"], f"{alert}: {parts}"
        commands = [line for block in re.findall(r"```sh\n(.*?)```", entry, re.DOTALL) for line in block.splitlines()]
        assert commands, alert
        for command in commands:
            if command not in done:
                run = subprocess.run(["bash", "-euo", "pipefail", "-c", command], env=environment, capture_output=True,
                                     text=True, check=False)
                assert run.returncode == 0, f"{alert}: {command}: {run.returncode}\n{run.stdout}{run.stderr}"
                done[command] = run.stdout
            event = re.match(r"sed -n '/\"(\w+)\"/p'", command)
            if event:
                assert f'"{event[1]}"' in sources, f"{alert}: nothing logs {event[1]}"
            else:
                assert done[command].strip(), f"{alert}: {command}: says nothing"
    return len(done)


def check_faults_are_seen(suite, prometheus):
    """A process that is away, then without so much as a target, and a witness that was taken away, until they are back."""
    suite.kill(only="suppliers")
    down = ("NisiProcessDown", f"127.0.0.1:{suite.metrics_ports['suppliers']}")
    eventually("a process that is away is seen", lambda: down in prometheus.alerts("pending"))
    missing = ("NisiProcessMissing", "suppliers")
    # Until both scrapes are in, the gateway may be first to miss it.
    eventually("one fault is one alert", lambda: {down, missing} & prometheus.alerts("pending") == {down})
    prometheus.watch(*(name for name in suite.metrics_ports if name != "suppliers"))
    eventually("a process that nobody scrapes is seen", lambda: missing in prometheus.alerts("pending"))
    gone = prometheus.query("nisi_gateway_backend_up == 0")
    assert [labels["peer"] for labels, _ in gone] == ["suppliers"], gone
    witness = suite.data / "clusters.witness"
    witness.rename(suite.work / "witness")
    lags = ("NisiWitnessLags", "clusters")
    eventually("a witness that is gone is seen", lambda: lags in prometheus.alerts("pending"))
    (suite.work / "witness").rename(witness)
    suite.start_backend("suppliers")
    prometheus.watch(*suite.metrics_ports)
    eventually("all are back", lambda: not {down, missing, lags} & prometheus.alerts("pending"))


def check_failed_commit_is_seen(suite, prometheus, faulty):
    """By the process that comes after the one whose store failed, until somebody has seen to it."""
    fail_a_commit(suite, faulty)
    suite.start_backend(OWNER)
    failed = ("NisiStoreFailed", OWNER)
    eventually("a commit that failed is seen", lambda: failed in prometheus.alerts("firing"))
    (suite.data / OWNER / "FAILED").unlink()
    eventually("it was seen to", lambda: failed not in prometheus.alerts("firing"))


def check_embedded(bin_folder, proto_folder, prometheus, names):
    """One process with all services shows what they show by themselves, but for certificates and money it does not have."""
    with Watched(bin_folder, proto_folder, "embedded") as suite:
        check_scrapes(suite, prometheus)
        alone = lint.names(suite.scrape("nisi"))
    only = names - alone - {"nisi_tls_certificate_expiry_timestamp_seconds", "nisi_budget_least_available_ratio"}
    assert not only and not alone - names, (only, alone - names)


def main():
    stay = "--stay" in sys.argv
    bin_folder, proto_folder, folder, faulty = [argument for argument in sys.argv[1:] if argument != "--stay"]
    with Watched(bin_folder, proto_folder) as suite, Prometheus(folder, suite) as prometheus:
        began = time.monotonic()
        eventually("all are scraped", lambda: len(prometheus.query("up == 1")) == len(suite.metrics_ports))
        stage, took = played(suite)
        drill(suite, prometheus)
        rules = check_rules(prometheus)
        check_scrapes(suite, prometheus)
        queries = check_dashboards(prometheus, began)
        there = set(prometheus.ask("label/__name__/values"))
        there |= {name.removesuffix("_count") for name in there}  # a histogram by its name
        missing = {name: place for name, place in spoken_of().items() if name not in there}
        assert not missing, f"spoken of, and not in any scrape: {missing}"
        commands = check_runbook(suite, prometheus, rules)
        faults = {(name, process) for name, process in prometheus.alerts("firing") if name in GAUGES_OF_FAULTS}
        assert not faults, faults
        check_faults_are_seen(suite, prometheus)
        check_failed_commit_is_seen(suite, prometheus, faulty)
        names = set().union(*(lint.names(suite.scrape(name)) for name in suite.metrics_ports))
        check_embedded(bin_folder, proto_folder, prometheus, names)
        series = sum(prometheus.query("sum(scrape_samples_scraped)")[0][1:])
        print(f"monitoring: {len(rules)} rules, {queries} queries of dashboards and {commands} commands of the runbook, over "
              f"{series:.0f} series of {len(suite.metrics_ports)} processes in a year of {stage.calls} calls ({took:.0f} s)")
        if stay:
            print(f"Prometheus: {prometheus.url}, gateway 127.0.0.1:{suite.port}, data {suite.data}. Enter ends it.")
            sys.stdin.readline()


if __name__ == "__main__":
    main()
