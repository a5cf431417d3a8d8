"""The operators' page, deploy/README.md, is true: its commands run from top to bottom as they stand, in an empty folder; what
it names (flags, reasons, alerts, tests) exists; who asks whom is as the programs want it, and who asks is replaced first.

usage: operate_test.py <bin folder> <folder of the unpacked package prometheus>
"""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import yaml

sys.dont_write_bytecode = True
from suite import ASKS, free_port  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "deploy" / "README.md"
SECONDS = 240


def commands(text):
    """The blocks of shell as one script, on ports of this test."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10, len(blocks)
    ports = {}
    return "set -euo pipefail\n" + re.sub(r"\b74\d\d\b", lambda found: ports.setdefault(found[0], str(free_port())),
                                          "\n".join(f"echo '--- {number}'\n{block}" for number, block in enumerate(blocks)))


def ended(folder):
    """No process that the page started is left."""
    for path in (folder / "run").glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)


def check_commands(bin_folder, prometheus, text):
    with tempfile.TemporaryDirectory(prefix="nisi-operate-") as name:
        folder = pathlib.Path(name)
        environment = {**os.environ, "PATH": f"{bin_folder}:{prometheus}/usr/bin:{os.environ['PATH']}", "TREE": str(ROOT)}
        (folder / "page.sh").write_text(commands(text))
        began = time.monotonic()
        try:
            with open(folder / "out", "w+", encoding="utf-8") as out:
                ran = subprocess.run(["bash", "page.sh"], cwd=folder, env=environment, stdout=out, stderr=out, timeout=SECONDS,
                                     check=False)
            said = (folder / "out").read_text()
            assert ran.returncode == 0, f"exit code {ran.returncode}:\n{said[-4000:]}"
        finally:
            ended(folder)
        # Norms end some day, and the doctor says so: it is not the page that is wrong.
        findings = [finding for finding in re.findall(r"^([A-Z_]+)  .+\n    .+\n    To mend: ", said, re.MULTILINE)
                    if not finding.startswith("NORM_END")]
        assert not findings, said
        for serving in ("gateway", *ASKS):
            assert f"{serving}: nothing is wrong" in said or "NORM_END" in said, f"the doctor does not know {serving}"
        return time.monotonic() - began


def check_names(bin_folder, text):
    """What the page names is there."""
    programs = [[path] for path in sorted(pathlib.Path(bin_folder).glob("nisi-*")) if not path.name.endswith("bench")]
    programs += [[pathlib.Path(bin_folder) / "nisi", *words.split()] for words in ("serve", "backup", "restore", "doctor")]
    flags = set()
    for program in programs:
        helped = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True).stdout
        flags |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", helped))
    named, of_others = set(re.findall(r"`(--[a-z][a-z-]+)", text)), {"--only", "--timestamp"}  # tools/bench, buildah
    assert len(named) > 10 and named <= flags | of_others, named - flags - of_others
    alerts = {rule["alert"] for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.rules.yaml").read_text())["groups"]
              for rule in group["rules"]}
    told = set(re.findall(r"\bNisi[A-Z]\w+", text))
    assert told and told <= alerts, told - alerts
    assert f"the {len(alerts)} alerts" in text, len(alerts)
    sources = "".join(path.read_text() for room in ("common", "services", "tools") for path in (ROOT / room).rglob("*.cc"))
    codes = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "DATA_LOSS", "UNAUTHENTICATED", "FAILED_PRECONDITION"}
    reasons = set(re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", text)) - codes
    missing = {reason for reason in reasons if f'"{reason}"' not in sources}
    assert len(reasons) > 10 and not missing, missing
    known = "".join(path.read_text() for path in (ROOT / "tests").rglob("CMakeLists.txt"))
    known += "".join(path.name + "\n" for path in ROOT.rglob("*_test.cc") if ".build" not in path.parts)
    for line in text.splitlines():
        if line.startswith("|") and line.count("|") == 7:  # what fails: the tests stand last
            for test in re.findall(r"`(\w+)`", line.rsplit("|", 2)[1]):
                assert re.search(rf"\b{test.split('_embedded')[0].split('_processes')[0]}\b", known), f"no test {test}"
    return len(named) + len(told) + len(reasons)


def check_asks(text):
    told = {}
    for names, asks in re.findall(r"^\| (`nisi-.*?) \| (.*?) \| the register \|$", text, re.MULTILINE):
        for name in re.findall(r"`nisi-([a-z-]+)`", names):
            told[name] = () if asks == "nobody" else tuple(asks.split(", "))
    assert {name: asks for name, asks in told.items() if asks} == ASKS, told
    rows = re.search(r"^cat > etc/services <<'END'\n(.*?)^END", text, re.MULTILINE | re.DOTALL)[1].splitlines()
    order = [row.split()[0] for row in rows]
    early = [(asker, one) for asker, asks in ASKS.items() for one in asks if order.index(asker) > order.index(one)]
    assert not early, f"an upgrade replaces who is asked before who asks: {early}"


def main():
    bin_folder, prometheus = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    text = PAGE.read_text()
    check_asks(text)
    names = check_names(bin_folder, text)
    took = check_commands(bin_folder, prometheus, text)
    print(f"operate: all commands of deploy/README.md ran in {took:.1f} s, and {names} names in it exist")


if __name__ == "__main__":
    main()
