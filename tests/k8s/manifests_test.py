"""The manifests of k8s/, rendered by kustomize, against the schemas of the Kubernetes API and the rules of the house.

manifests_test.py BIN PACKAGES

PACKAGES is the folder that the packages of package.json are installed into. First mistakes are planted that the schemas
must find; those of the rules are in rules_test.py.
"""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import yaml  # noqa: E402

import manifests  # noqa: E402
import packages  # noqa: E402
import rules  # noqa: E402

# (kind, name, where, value, what must be found); None takes a field out. Values and fields that do not exist are found
# by different means, the second only where there is none of the first.
WRONG_VALUES = [
    ("StatefulSet", "grants", ("spec", "replicas"), "one", "replicas"),
    ("Deployment", "gateway", ("spec", "strategy", "rollingUpdate", "maxSurge"), [], "maxSurge"),
    ("CronJob", "backup", ("spec", "schedule"), None, "schedule"),
    ("NetworkPolicy", "grants", ("spec", "ingress", 0, "ports", 0, "endPort"), "x", "endPort"),
    ("Certificate", "grants", ("spec", "privateKey", "algorithm"), "DSA", "algorithm"),
    ("ServiceMonitor", "services", ("spec", "endpoints", 0, "interval"), "often", "interval"),
    ("PodDisruptionBudget", "services", ("apiVersion",), "policy/v9", "policy/v9 is unknown"),
]
WRONG_FIELDS = [
    ("StatefulSet", "grants", ("spec", "template", "spec", "containers", 0, "readinesProbe"), {}, "readinesProbe"),
    ("NetworkPolicy", "grants", ("spec", "ingress", 0, "form"), [], "form"),
    ("Certificate", "grants", ("spec", "uri"), [], "uri"),
    ("ServiceMonitor", "services", ("spec", "endpoint"), [], "endpoint"),
    ("CronJob", "backup", ("spec", "jobTemplate", "spec", "retries"), 0, "retries"),
]


def refused(objects, folder):
    """What the schemas say of the objects; empty when they are sound."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(objects, file)
        file.flush()
        done = subprocess.run(["node", HERE / "schemas.mjs", file.name], env={**os.environ, "NISI_PACKAGES": str(folder)},
                              capture_output=True, text=True, check=False)
    assert done.returncode == (1 if done.stdout else 0), done.stderr
    return done.stdout


def mistaken(objects, kind, name, where, value):
    """A copy of that one object with a mistake."""
    found = copy.deepcopy(next(item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)))
    at = found
    for step in where[:-1]:
        at = at[step]
    if value is None:
        del at[where[-1]]
    else:
        at[where[-1]] = value
    return found


# A cluster that knows what was rendered, and keeps what it is given.
CLUSTER = """
set -euo pipefail
kubectl() {
  echo "$*" >> calls
  case "$*" in
    *"get statefulset grants -o jsonpath={.spec.volumeClaimTemplates[0].spec}") cat spec ;;
    *"create job restore-grants --from=cronjob/restore --dry-run=client -o yaml") cat job ;;
    *"create -f -") cat > "$(mktemp made.XXXXXX)" ;;
  esac
}
"""


def restored(objects, after_loss, at_time):
    """What the commands of k8s/README.md make for a restore of grants, and every call of kubectl in its order."""
    page = (manifests.ROOT / "k8s/README.md").read_text()
    blocks = [re.search(rf"^{re.escape(begin)}.*?\n\n((?:        [^\n]*\n)+)", page, re.MULTILINE | re.DOTALL)[1]
              for begin in ("**A restore.**", "**After the disk is lost**")]
    lines = blocks[0].splitlines()
    if after_loss:
        at = next(i for i, line in enumerate(lines) if "create job" in line)
        lines[at:at] = blocks[1].splitlines()
    if at_time:
        second = re.search(r"a second sed, `(sed '.*?')`", page)[1]
        lines = [line.replace(" | kubectl create", f" | {second} | kubectl create") for line in lines]
    script = CLUSTER + "\n".join(lines)
    by_name = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "restore-grants"},
           "spec": by_name["CronJob", "restore"]["spec"]["jobTemplate"]["spec"]}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "spec").write_text(json.dumps(by_name["StatefulSet", "grants"]["spec"]["volumeClaimTemplates"][0]["spec"]))
        (folder / "job").write_text(yaml.safe_dump(job, default_flow_style=False))
        subprocess.run(["bash", "-c", script], cwd=folder, check=True)
        made = {item["kind"]: item for path in folder.glob("made.*") for item in [yaml.safe_load(path.read_text())]}
        return made, (folder / "calls").read_text().splitlines()


def check_restore(objects, packages_folder):
    """The restores that k8s/README.md tells of find their volume, and start nothing before it holds the store."""
    for after_loss, at_time in ((False, False), (True, False), (True, True)):
        made, calls = restored(objects, after_loss, at_time)
        if after_loss != ("PersistentVolumeClaim" in made) or "Job" not in made:
            yield f"the restore makes {sorted(made)}"
            continue
        yield from refused(list(made.values()), packages_folder).splitlines()
        spec = made["Job"]["spec"]["template"]["spec"]
        if "--service=grants" not in spec["containers"][0]["args"] or "priority-goods" in json.dumps(made):
            yield f"the restore is of another service: {spec['containers'][0]['args']}"
        if at_time != any(arg.startswith("--time=") for arg in spec["containers"][0]["args"]):
            yield f"the restore is of another time: {spec['containers'][0]['args']}"
        claims = {volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"]}
        if claims != {"backups", "data-grants-0", "witness-grants-0"}:
            yield f"the restore mounts {claims}"
        if after_loss and made["PersistentVolumeClaim"]["metadata"]["name"] not in claims:
            yield f"the new volume is {made['PersistentVolumeClaim']['metadata']}"
        scaled = [i for i, call in enumerate(calls) if "scale" in call]
        ended = next(i for i, call in enumerate(calls) if "condition=complete" in call)
        if [calls[i].rsplit("=", 1)[1] for i in scaled] != ["0", "1"] or scaled[1] < ended:
            yield f"the service is started before its store is there: {calls}"


def main(bin_folder, packages_folder):
    if manifests.why_not():
        print(f"SKIPPED: {manifests.why_not()}")
        return manifests.SKIPPED
    house = manifests.House(bin_folder)
    rendered = {overlay: manifests.render(overlay) for overlay in manifests.OVERLAYS}
    failures = []
    packages_folder = pathlib.Path(packages_folder).resolve()
    with packages.ready(packages_folder, HERE):
        for planted in (WRONG_VALUES, WRONG_FIELDS):
            found = refused([mistaken(rendered["production"], *one[:4]) for one in planted], packages_folder).splitlines()
            failures += [f"planted {one[:4]} was not found: {found}" for one in planted
                         if not any(line.startswith(f"{one[0]} {one[1]}: ") and one[4] in line for line in found)]
        everything = [item for objects in rendered.values() for item in objects]
        failures += refused(everything, packages_folder).splitlines()
        failures += check_restore(rendered["production"], packages_folder)
    for overlay, objects in rendered.items():
        failures += [f"{overlay}: {finding}" for finding in rules.check(objects, house)]
    for failure in failures:
        print(failure)
    print(f"k8s manifests: {len(everything)} objects, {len(WRONG_VALUES + WRONG_FIELDS)} mistakes planted, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
