"""The manifests of k8s/, rendered by kustomize, against the schemas of the Kubernetes API and the rules of the house.

manifests_test.py BIN PACKAGES

PACKAGES is the folder that the packages of package.json are installed into. First mistakes are planted that the schemas
must find; those of the rules are in rules_test.py.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

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
    for overlay, objects in rendered.items():
        failures += [f"{overlay}: {finding}" for finding in rules.check(objects, house)]
    for failure in failures:
        print(failure)
    print(f"k8s manifests: {len(everything)} objects, {len(WRONG_VALUES + WRONG_FIELDS)} mistakes planted, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
