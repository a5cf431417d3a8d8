"""The rules of deploy/prometheus by promtool: they and the configuration are well formed, their unit tests pass, and each
alert has one that sees it fire and one that sees it not.

usage: rules_test.py <folder of the unpacked package prometheus>
"""
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import yaml

RULES = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy" / "prometheus"


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
    with ThreadPoolExecutor(2) as pool:
        for arguments, ran in pool.map(run, commands):
            assert ran.returncode == 0, f"promtool {arguments}:\n{ran.stdout}{ran.stderr}"
    print(f"monitoring rules: {len(alerts)} alerts, each seen to fire and not to, in {len(tests)} files")


if __name__ == "__main__":
    main()
