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


# A cluster that knows what was rendered, and keeps what it is given. `ended` is how its jobs end, `bad` the service whose
# next pod ends.
CLUSTER = """
set -euo pipefail
sleep() { :; }
kubectl() {
  echo "$*" >> calls
  case "$*" in
    *"get statefulset grants -o jsonpath={.spec.volumeClaimTemplates[0].spec}") cat spec ;;
    *"get statefulset -o jsonpath={.items[*].metadata.name}") echo clusters contracts grants ;;
    *"create job "*" --from=cronjob/"*" --dry-run=client -o yaml") sed "s/NAME_OF_JOB/$5/" "${6#*cronjob/}.yaml" ;;
    *"create -f -") cat > "$(mktemp made.XXXXXX)" ;;
    *"get job "*)  # not before the third look
      case $(tail -3 calls | grep -c "get job ")$(cat ended) in
        1*) echo is ;;
        2Complete) echo is SuccessCriteriaMet ;;
        2*) echo is FailureTarget ;;
        *Complete) echo is SuccessCriteriaMet Complete ;;
        *Failed) echo is FailureTarget Failed ;;
        *Deleted) ;;
      esac ;;
    *"get pod "*)
      if [[ $(tail -2 calls | head -1) == *delete* ]]; then return 1; fi  # not there yet
      case "$*" in *" $(cat bad)-0 "*) echo "false 1" ;; *) echo "true 0" ;; esac ;;
  esac
}
"""
PAGE = (manifests.ROOT / "k8s/README.md").read_text()


def commands(begin):
    """The lines of the first block after `begin` in k8s/README.md."""
    found = re.search(rf"^[ -]*{re.escape(begin)}.*?\n\n((?:        [^\n]*\n)+)", PAGE, re.MULTILINE | re.DOTALL)
    return [line[8:] for line in found[1].splitlines()]


def function(name):
    return re.search(rf"^        {name}\(\) {{.*?^        }}\n", PAGE, re.MULTILINE | re.DOTALL)[0]


def done(objects, lines, ended="Complete", bad="none"):
    """What those lines make in a cluster, by kind, and every call of kubectl in its order."""
    script = "\n".join([CLUSTER, function("run"), function("turn"), *lines])
    by_name = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "k8s").symlink_to(manifests.ROOT / "k8s")
        (folder / "spec").write_text(json.dumps(by_name["StatefulSet", "grants"]["spec"]["volumeClaimTemplates"][0]["spec"]))
        (folder / "ended").write_text(f"{ended}\n")
        (folder / "bad").write_text(bad)
        for (kind, cron), item in by_name.items():
            if kind == "CronJob":
                job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "NAME_OF_JOB"},
                       "spec": item["spec"]["jobTemplate"]["spec"]}
                (folder / f"{cron}.yaml").write_text(yaml.safe_dump(job, default_flow_style=False))
        ran = subprocess.run(["bash", "-c", script], cwd=folder, check=False, capture_output=True, text=True)
        assert (ran.returncode == 0) == (ended == "Complete"), f"{lines}: {ran}"
        made = {item["kind"]: item for path in folder.glob("made.*") for item in [yaml.safe_load(path.read_text())]}
        return made, (folder / "calls").read_text().splitlines()


def claims(spec):
    return {volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"] if "persistentVolumeClaim" in volume}


def scales(calls):
    return [call.rsplit("=", 1)[1] for call in calls if " scale " in call]


def check_restore(objects, packages_folder):
    """The restores that k8s/README.md tells of find their volume, and start nothing before it holds the store; a second one
    is not taken for the first, and one that fails starts nothing."""
    for after_loss, at_time, ended in ((False, False, "Complete"), (True, False, "Complete"), (True, True, "Complete"),
                                       (False, False, "Failed"), (False, False, "Deleted")):
        lines = commands("**A restore.**")
        if after_loss:
            at = next(i for i, line in enumerate(lines) if line.startswith("run "))
            lines[at:at] = commands("**After the disk is lost**")
        if at_time:
            more = re.search(r"after the `g`, `(; s/.*?/)`", PAGE)[1]
            lines = [line.replace('/g"', f'/g{more}"') for line in lines]
        made, calls = done(objects, lines, ended)
        if after_loss != ("PersistentVolumeClaim" in made) or "Job" not in made:
            yield f"the restore makes {sorted(made)}"
            continue
        if ended == "Complete":  # what is made does not depend on it, and to look at it takes seconds
            yield from refused(list(made.values()), packages_folder).splitlines()
        spec = made["Job"]["spec"]["template"]["spec"]
        if "--service=grants" not in spec["containers"][0]["args"] or "priority-goods" in json.dumps(made):
            yield f"the restore is of another service: {spec['containers'][0]['args']}"
        if at_time != any(arg.startswith("--time=") for arg in spec["containers"][0]["args"]):
            yield f"the restore is of another time: {spec['containers'][0]['args']}"
        if claims(spec) != {"backups", "data-grants-0", "witness-grants-0"}:
            yield f"the restore mounts {claims(spec)}"
        if after_loss and made["PersistentVolumeClaim"]["metadata"]["name"] not in claims(spec):
            yield f"the new volume is {made['PersistentVolumeClaim']['metadata']}"
        if scales(calls) != (["0", "1"] if ended == "Complete" else ["0"]) or (ended == "Complete" and
                                                                             " scale " not in calls[-1]):
            yield f"the service is started before its store is there: {calls}"
        if after_loss:
            yield from claim_in_use(objects, calls)
        gone, asked = (next((i for i, call in enumerate(calls) if words in call), len(calls))
                       for words in ("delete job restore-grants --ignore-not-found", "create job restore-grants"))
        if gone >= asked:
            yield f"an earlier job of that name is taken for this one: {calls}"


def claim_in_use(objects, calls):
    """A claim is deleted when no pod has it, and the pod of a job that has ended still does, as long as the job is there."""
    deleted = next(i for i, call in enumerate(calls) if "delete persistentvolumeclaim data-grants-0" in call)
    for item in objects:
        if item["kind"] != "CronJob" or "data-priority-goods-0" not in claims(item["spec"]["jobTemplate"]["spec"]["template"]["spec"]):
            continue
        job = f"{item['metadata']['name']}-grants"
        if not any("delete job " in call and job in call.split() for call in calls[:deleted]):
            yield f"the claim is deleted while the job {job} may have it: {calls}"


def check_larger_volume(objects):
    """No StatefulSet is taken away before its claim is enlarged, none with its pod, and all come back."""
    calls = done(objects, commands("**A larger volume.**"))[1]
    steps = [(call.split()[2], call.split()[4]) for call in calls if " patch " in call or " delete " in call]
    wanted = [step for name in ("clusters", "contracts", "grants") for step in (("patch", f"data-{name}-0"), ("delete", name))]
    if steps != wanted or not calls[-1].startswith("apply -k "):
        yield f"the larger volume: {calls}"
    if any(" delete " in call and "--cascade=orphan" not in call for call in calls):
        yield f"the larger volume: takes the pods away: {calls}"


def check_sizes(rendered):
    """What k8s/README.md says that pods ask of the nodes is what they do."""
    for overlay, objects in rendered.items():
        cluster = rules.Cluster(objects)
        scaled, said = cluster.of("HorizontalPodAutoscaler")[0]["spec"], []
        for gateways, jobs in ((scaled["minReplicas"], ()), (scaled["maxReplicas"] + 1, ("backup", "restore-drill"))):
            pods = [pod for pod in cluster.pods for _ in range(gateways if pod.kind == "Deployment" else 1)
                    if pod.long_running or pod.name in jobs]
            cores, memory = (sum(rules.amount(pod.container["resources"]["requests"][what]) for pod in pods)
                             for what in ("cpu", "memory"))
            said.append(f"{round(cores, 3):g} cores, {memory / 2**20:g} MiB")
        if f"\n| `{overlay}` | {' | '.join(said)} |\n" not in PAGE:
            yield f"k8s/README.md, Sizes: {overlay} asks for {said}"


def check_upgrade(objects, house):
    """Services are turned one after another, who asks before whom it asks, after a drill, until one does not start."""
    services = {item["metadata"]["name"] for item in objects if item["kind"] == "StatefulSet"}
    for ended, bad, turned in (("Complete", "none", services), ("Complete", "contracts", {"clusters", "contracts"}),
                               ("Failed", "none", set())):
        calls = done(objects, commands("**An upgrade**")[commands("**An upgrade**").index("}") + 1:], ended, bad)[1]
        deleted = [call.split()[-1].removesuffix("-0") for call in calls if "delete pod" in call]
        if sorted(deleted) != sorted(turned):
            yield f"the upgrade: turned {deleted}, and not {turned}"
        early = [(asker, asked) for asker, asked in house.edges()
                 if {asker, asked} <= set(deleted) and deleted.index(asker) > deleted.index(asked)]
        if early:
            yield f"the upgrade: of {early} who is asked is turned before who asks: {deleted}"
        drills = [i for i, call in enumerate(calls) if "cronjob/restore-drill" in call]
        if turned and not (drills and drills[0] < next(i for i, call in enumerate(calls) if "delete pod" in call)):
            yield f"the upgrade: no drill before it: {calls}"
        if bad != "none" and not any(f"logs --previous {bad}-0" in call for call in calls):
            yield f"the upgrade: does not say why: {calls}"


def check_visits(objects, packages_folder):
    """The doctor and a shell beside a service that is stopped have its volumes and its keys, and no more rights than it."""
    made, calls = done(objects, commands("In a pod that does not start"))
    looked, calls_of_look = done(objects, commands("**A look at a volume**"))
    yield from refused([*made.values(), *looked.values()], packages_folder).splitlines()
    job, pod = made["Job"]["spec"]["template"]["spec"], looked["Pod"]
    if claims(job) != {"backups", "data-grants-0", "witness-grants-0"} or "priority-goods" in json.dumps(made):
        yield f"the doctor is of another service: {json.dumps(job)}"
    if claims(pod["spec"]) != {"backups", "data-grants-0", "witness-grants-0"} or "priority-goods" in json.dumps(pod):
        yield f"the shell is of another service: {json.dumps(pod)}"
    yield from rules.rule_restricted(rules.Cluster([pod]), None)
    for all_calls in (calls, calls_of_look):
        if scales(all_calls) != ["0", "1"] or not any("wait --for=delete pod/grants-0" in call for call in all_calls):
            yield f"the service is not stopped and started around it: {all_calls}"


def check_certificate(objects, packages_folder):
    """That of an agency in k8s/README.md is what those of the house are, and of another name."""
    printed = yaml.safe_load("\n".join(commands("**An agency with a client certificate**")))
    yield from refused([printed], packages_folder).splitlines()
    own = next(item["spec"] for item in objects if (item["kind"], item["metadata"]["name"]) == ("Certificate", "backup"))
    named = ("secretName", "uris")
    if {**printed["spec"], **{key: own[key] for key in named}} != own or any(printed["spec"][key] == own[key] for key in named):
        yield f"an agency's certificate is {printed['spec']}, that of `backup` {own}"


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
        failures += check_upgrade(rendered["production"], house)
        failures += check_visits(rendered["production"], packages_folder)
        failures += check_larger_volume(rendered["production"])
        failures += check_sizes(rendered)
        failures += check_certificate(rendered["production"], packages_folder)
    for overlay, objects in rendered.items():
        failures += [f"{overlay}: {finding}" for finding in rules.check(objects, house)]
    for failure in failures:
        print(failure)
    print(f"k8s manifests: {len(everything)} objects, {len(WRONG_VALUES + WRONG_FIELDS)} mistakes planted, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
