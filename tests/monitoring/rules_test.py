"""The rules of deploy/prometheus by promtool: they and the configuration are well formed, their unit tests pass, and each
alert has one that sees it fire and one that sees it not. And the one number of the dashboards that must tell of what is
over before it is scraped.

usage: rules_test.py <folder of the unpacked package prometheus>
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy"
RULES = DEPLOY / "prometheus"
STOPPED = "Stores that failed within a day"


def stopped_panel_test():
    """Of the panel's own query: one store is seen to stop, the process of another ends unscraped and the next one tells, a
    third is stopped by the scrub, and of a fourth it is long ago."""
    query, = [target["expr"] for panel in json.loads((DEPLOY / "grafana" / "service.json").read_text())["panels"]
              if panel["title"] == STOPPED for target in panel["targets"]]
    series = {"nisi_store_failed": {"grants": "0 1 _ 0x300", "clusters": "0 _ _ 0x300", "contracts": "0 _ _ 0x300",
                                    "suppliers": "0x303"}}
    for kind, values in {"commit": {"grants": "-90000x1 _ 600x300", "clusters": "-90000 _ _ 1200x300", "contracts": "-90000x303",
                                    "suppliers": "-90000x303"},
                         "damage": {"grants": "-90000x303", "clusters": "-90000x303", "contracts": "-90000 _ _ 1800x300",
                                    "suppliers": "-90000x303"}}.items():
        series[f'nisi_store_last_failure_timestamp_seconds kind="{kind}"'] = values
    inputs = []
    for name, of in series.items():
        metric, _, kind = name.partition(" ")
        inputs += [{"series": f'{metric}{{namespace="n",process="{process}",{kind}}}', "values": values}
                   for process, values in of.items()]
    moments = {"0m": 0, "10m": 1, "30m": 3, "24h10m": 2, "24h20m": 1, "24h30m": 0}
    return {"evaluation_interval": "10m", "tests": [{"interval": "10m", "input_series": inputs, "promql_expr_test": [
        {"expr": re.sub(r"\$\w+", ".*", query), "eval_time": moment, "exp_samples": [{"labels": "{}", "value": stores}]}
        for moment, stores in moments.items()]}]}


def main():
    promtool = pathlib.Path(sys.argv[1]) / "usr" / "bin" / "promtool"
    tests = sorted((RULES / "tests").glob("*.test.yaml"))
    fires, does_not = set(), set()
    for test in tests:
        for case in yaml.safe_load(test.read_text())["tests"]:
            for check in case["alert_rule_test"]:
                (fires if check["exp_alerts"] else does_not).add(check["alertname"])
    alerts = {rule["alert"] for group in yaml.safe_load((RULES / "alerts.rules.yaml").read_text())["groups"]
              for rule in group["rules"]}
    assert fires == alerts, f"seen to fire or defined, not both: {fires ^ alerts}"
    assert does_not == alerts, f"seen not to fire or defined, not both: {does_not ^ alerts}"

    def run(arguments):
        return arguments, subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    commands = [["check", "config", "--syntax-only", RULES / "prometheus.yaml"],
                ["check", "rules", *sorted(RULES.glob("*.rules.yaml"))], *(["test", "rules", test] for test in tests)]
    with ThreadPoolExecutor(2) as pool, tempfile.NamedTemporaryFile("w", suffix=".test.yaml") as panel:
        yaml.safe_dump(stopped_panel_test(), panel)
        panel.flush()
        commands.append(["test", "rules", panel.name])
        for arguments, ran in pool.map(run, commands):
            assert ran.returncode == 0, f"promtool {arguments}:\n{ran.stdout}{ran.stderr}"
    print(f"monitoring rules: {len(alerts)} alerts, each seen to fire and not to, in {len(tests)} files")


if __name__ == "__main__":
    main()
