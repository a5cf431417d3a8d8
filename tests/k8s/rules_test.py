"""Each rule of the house finds the mistake that it is for: planted in what is rendered, one at a time.

rules_test.py BIN
"""
import copy
import re
import sys

import manifests
import rules


def find(objects, kind, name):
    """By its name; of a generated ConfigMap that ends in a hash."""
    hashed = re.compile(rf"{name}(-[a-z0-9]{{10}})?")
    return next(item for item in objects if item["kind"] == kind and hashed.fullmatch(item["metadata"]["name"]))


def pod(objects, kind="StatefulSet", name="grants"):
    spec = find(objects, kind, name)["spec"]
    return (spec["jobTemplate"]["spec"] if kind == "CronJob" else spec)["template"]["spec"]


def container(objects, kind="StatefulSet", name="grants"):
    return pod(objects, kind, name)["containers"][0]


def policy(objects, name):
    return find(objects, "NetworkPolicy", name)["spec"]


def drop(objects, kind, name):
    objects.remove(find(objects, kind, name))


def volume(objects, name, kind="StatefulSet", owner="grants"):
    return next(one for one in pod(objects, kind, owner)["volumes"] if one["name"] == name)


def claim(of, size):
    of["spec"]["resources"]["requests"]["storage"] = size


GATEWAY = ("Deployment", "gateway")
BACKUP = ("CronJob", "backup")
DOCTOR = ("CronJob", "doctor")

# (what is done to the objects, what must be found)
PLANTED = [
    (lambda o: container(o)["args"].append("--verbose=1"), "programs: StatefulSet grants: nisi-grants has no flag"),
    (lambda o: container(o, *BACKUP)["args"].append("--set-aside"), "programs: CronJob backup: nisi has no flag"),
    (lambda o: container(o, "CronJob", "restore-drill")["args"].append("--all"), "programs: CronJob restore-drill"),
    (lambda o: container(o)["command"].__setitem__(0, "/usr/local/bin/nisi-grant"), "programs: StatefulSet grants: there is"),
    (lambda o: container(o, *DOCTOR)["args"].append("--deep"), "programs: CronJob doctor: nisi has no flag"),
    (lambda o: container(o, *GATEWAY)["args"].append("--origin=$(ORIGIN)"), "programs: Deployment gateway: nothing defines"),
    (lambda o: find(o, "ConfigMap", "issuer")["data"].pop("ALGORITHM"), "nothing defines $(ALGORITHM)"),
    (lambda o: container(o)["ports"].append({"name": "debug", "containerPort": 6060}), "ports: StatefulSet grants"),
    (lambda o: container(o)["args"].remove("--metrics-address=0.0.0.0:9400"), "ports: StatefulSet grants"),
    (lambda o: container(o)["args"].__setitem__(0, "--address=127.0.0.1:7401"), "cannot be reached from other pods"),
    (lambda o: container(o).pop("startupProbe"), "probes: StatefulSet grants: no startupProbe"),
    (lambda o: container(o, *GATEWAY)["livenessProbe"]["grpc"].pop("service"), "an unready process would be killed"),
    (lambda o: container(o)["readinessProbe"]["grpc"].__setitem__("port", 7401), "not that of --health-address"),
    (lambda o: container(o)["readinessProbe"]["grpc"].__setitem__("service", "liveness"), "probes: StatefulSet grants"),
    (lambda o: pod(o, *GATEWAY).__setitem__("terminationGracePeriodSeconds", 20), "drain: Deployment gateway: 5 s"),
    (lambda o: pod(o).__setitem__("terminationGracePeriodSeconds", 10), "drain: StatefulSet grants"),
    (lambda o: container(o, *GATEWAY).pop("lifecycle"), "no preStop"),
    (lambda o: container(o)["securityContext"].__setitem__("readOnlyRootFilesystem", False), "restricted: StatefulSet"),
    (lambda o: container(o)["securityContext"].__setitem__("capabilities", {"drop": ["NET_RAW"]}), "capabilities"),
    (lambda o: pod(o, *BACKUP).pop("securityContext"), "restricted: CronJob backup: runAsNonRoot"),
    (lambda o: pod(o).pop("automountServiceAccountToken"), "automountServiceAccountToken"),
    (lambda o: volume(o, "norms").update(hostPath={"path": "/etc"}), "hostPath"),
    (lambda o: pod(o)["containers"].append({"name": "more"}), "one container"),
    (lambda o: find(o, "Namespace", "nisi")["metadata"].__setitem__("labels", {}), "does not enforce"),
    (lambda o: container(o)["resources"]["requests"].__setitem__("memory", "128MB"), "'128MB' is no quantity"),
    (lambda o: container(o)["resources"]["limits"].__setitem__("cpu", "1"), "resources: StatefulSet grants"),
    (lambda o: container(o)["resources"]["limits"].__setitem__("memory", "64Mi"), "asks for more memory"),
    (lambda o: container(o, name="suppliers")["resources"]["requests"].__setitem__("memory", "128Mi"),
     "StatefulSet suppliers: asks for less memory than it has at rest"),
    (lambda o: container(o).__setitem__("image", "other:1"), "image: several images"),
    (lambda o: [pod(o, i["kind"], i["metadata"]["name"])["containers"][0].__setitem__("image", "nisi:latest") for i in o
                if i["kind"] in ("StatefulSet", "Deployment", "CronJob")], "neither a digest nor a tag"),
    (lambda o: container(o)["volumeMounts"].pop(0), "volumes: StatefulSet grants: volume data"),
    (lambda o: container(o)["args"].append("--principals=/etc/principals.json"), "lies in no volume"),
    (lambda o: volume(o, "backups")["persistentVolumeClaim"].__setitem__("claimName", "backup"), "there is no claim backup"),
    (lambda o: volume(o, "data", "CronJob", "restore")["persistentVolumeClaim"].__setitem__("claimName", "data-grant-0"),
     "there is no claim data-grant-0"),
    (lambda o: find(o, "StatefulSet", "grants")["spec"].__setitem__("replicas", 2), "one process, with a volume"),
    (lambda o: container(o)["args"].remove("--witness-dir=/witness"), "and one at --witness-dir"),
    (lambda o: next(m for m in container(o)["volumeMounts"] if m["name"] == "backups").pop("subPath"), "more of the backups"),
    (lambda o: volume(o, "keys")["projected"]["sources"][0]["secret"].__setitem__("name", "tls"), "nobody makes Secret tls"),
    (lambda o: volume(o, "norms")["configMap"].__setitem__("name", "norm"), "nobody makes ConfigMap norm"),
    (lambda o: volume(o, "keys")["projected"].__setitem__("defaultMode", 0o444), "not of mode 0440"),
    (lambda o: find(o, "ConfigMap", "principals")["data"].pop("principals.json"), "has no principals.json"),
    (lambda o: o.append({"kind": "Secret", "metadata": {"name": "s", "namespace": "nisi"}}), "secrets: Secret s"),
    (lambda o: find(o, "ConfigMap", "issuer")["data"].__setitem__("PASSWORD", "x"), "secrets: ConfigMap issuer"),
    (lambda o: find(o, "ConfigMap", "issuer")["data"].__setitem__("KEY", "-----BEGIN PRIVATE KEY-----"), "looks like a secret"),
    (lambda o: container(o, *BACKUP)["args"].append("--token=x"), "secrets: CronJob backup"),
    (lambda o: find(o, "Certificate", "grants")["spec"].__setitem__("uris", ["spiffe://nisi/grants"]), "its certificate names"),
    (lambda o: find(o, "Certificate", "grants")["spec"]["uris"].append("spiffe://nisi/svc/x"), "its certificate names"),
    (lambda o: find(o, "Certificate", "grants")["spec"]["usages"].remove("client auth"), "its certificate is not for"),
    (lambda o: find(o, "Certificate", "gateway")["spec"]["dnsNames"].remove("gateway"), "lacks the name gateway"),
    (lambda o: find(o, "Certificate", "gateway")["spec"]["dnsNames"].remove("localhost"), "lacks the name localhost"),
    (lambda o: find(o, "ConfigMap", "issuer")["data"].__setitem__("TOKEN_LIFE", "1h"), "tokens of https://id.example may live 1h"),
    (lambda o: find(o, "ConfigMap", "issuer")["data"].__setitem__("TOKEN_LIFE", "11m"), "tokens: ConfigMap issuer"),
    (lambda o: container(o, *DOCTOR)["args"].remove("--backup-folder=/backups"), "doctor: CronJob doctor: differs from"),
    (lambda o: container(o, name="priority-goods")["args"].append("--clock-file=/keys/clock"), "doctor: CronJob doctor: differs from"),
    (lambda o: volume(o, "witness", *DOCTOR)["persistentVolumeClaim"].__setitem__("claimName", "witness-grants-0"),
     "doctor: CronJob doctor: differs from priority-goods"),
    (lambda o: container(o, *DOCTOR)["args"].__setitem__(1, "priority-good"), "which is no service"),
    (lambda o: find(o, "Certificate", "grants")["spec"]["issuerRef"].__setitem__("name", "other"), "no such issuer"),
    (lambda o: volume(o, "keys")["projected"]["sources"][0]["secret"]["items"].pop(0), "--tls-dir wants"),
    (lambda o: volume(o, "keys")["projected"]["sources"][0]["secret"]["items"].append({"key": "ca.crt", "path": "ca.pem"}),
     "no authority of who made them"),
    (lambda o: volume(o, "keys")["projected"]["sources"].pop(2), "StatefulSet grants: the authorities that it believes"),
    (lambda o: volume(o, "keys", *BACKUP)["projected"]["sources"].pop(), "CronJob backup: the authorities that it believes"),
    (lambda o: volume(o, "keys", *GATEWAY)["projected"]["sources"][2]["configMap"]["items"][0].__setitem__("key", "ca.crt"),
     "ConfigMap authorities has no ca.crt"),
    (lambda o: volume(o, "scratch", "CronJob", "restore-drill").update(emptyDir={}), "takes the room of its node"),
    (lambda o: claim(volume(o, "scratch", "CronJob", "restore-drill")["ephemeral"]["volumeClaimTemplate"], "20Gi"),
     "volume scratch is smaller than that of a store"),
    (lambda o: claim(find(o, "PersistentVolumeClaim", "backups"), "300Gi"), "less than 1.4 times"),
    (lambda o: claim(find(o, "StatefulSet", "grants")["spec"]["volumeClaimTemplates"][0], "1Gi"),
     "StatefulSet grants: volume data is not four times the reserve"),
    (lambda o: container(o)["args"].append("--disk-reserve-mib=20480"), "volume data is not four times the reserve"),
    (lambda o: container(o)["args"].remove("--backup-days-kept=30"), "does not say how far back"),
    (lambda o: find(o, "ConfigMap", "principals")["data"].__setitem__("principals.json", '{"spiffe://nisi/client/x": {}}'),
     "nobody has a certificate for spiffe://nisi/client/x"),
    (lambda o: container(o)["command"].remove("--peer=suppliers=suppliers:7401"), "edges: grants -> suppliers: no flag"),
    (lambda o: container(o)["command"].append("--peer=clusters=clusters:7401"), "edges: grants -> clusters: the code knows"),
    (lambda o: container(o, *GATEWAY)["args"].remove("--backend=clusters=clusters:7401"), "edges: gateway -> clusters"),
    (lambda o: container(o, *BACKUP)["args"].__setitem__(1, "--address=gateway:7401"), "has no port 7401"),
    (lambda o: container(o)["command"].remove("--context-peer=spiffe://nisi/svc/export-refunds"), "edges: StatefulSet grants: admits"),
    (lambda o: container(o)["command"].append("--context-peer=spiffe://nisi/svc/contracts"), "edges: StatefulSet grants: admits"),
    (lambda o: container(o)["command"].__setitem__(1, "--peer=priority-goods=contracts:7401"), "is another service than its name"),
    (lambda o: drop(o, "NetworkPolicy", "deny-all"), "network: no NetworkPolicy denies all"),
    (lambda o: policy(o, "grants")["ingress"][0]["from"].pop(), "clusters -> grants:7401: not let through"),
    (lambda o: policy(o, "grants")["egress"][0]["to"].pop(), "grants -> industry-map:7401: not let through"),
    (lambda o: policy(o, "clusters")["ingress"][0].pop("from"), "network: NetworkPolicy clusters: ingress of everybody"),
    (lambda o: (policy(o, "grants")["egress"][0]["to"].append(
        {"podSelector": {"matchLabels": {rules.NAME: "contracts"}}}),
                policy(o, "contracts")["ingress"][0]["from"].append(
                    {"podSelector": {"matchLabels": {rules.NAME: "grants"}}})), "grants -> contracts:7401: let through"),
    (lambda o: policy(o, "grants")["ingress"][0].pop("ports"), "ingress on every port"),
    (lambda o: policy(o, "grants")["egress"][0]["to"].append({"ipBlock": {"cidr": "0.0.0.0/0"}}), "egress of everybody"),
    (lambda o: (policy(o, "grants")["ingress"][0]["ports"].append({"port": 7402}),
                policy(o, "gateway")["egress"][0]["ports"].append({"port": 7402})), "gateway -> grants:7402: let through"),
    (lambda o: policy(o, "backup").__setitem__("podSelector", {"matchLabels": {rules.NAME: "backups"}}),
     "NetworkPolicy backup: is of no pod"),
    (lambda o: policy(o, "grants")["ingress"][0]["from"].append({"podSelector": {"matchLabels": {rules.NAME: "x"}}}),
     "of pods that are not there"),
    (lambda o: drop(o, "NetworkPolicy", "dns"), "a pod cannot look up names"),
    (lambda o: find(o, "Service", "grants")["spec"]["selector"].__setitem__(rules.NAME, "grant"), "selectors: Service grants"),
    (lambda o: find(o, "Service", "grants")["spec"]["ports"][0].__setitem__("targetPort", "health"), "port 7401 is not served"),
    (lambda o: find(o, "StatefulSet", "grants")["spec"]["template"]["metadata"]["labels"].__setitem__(rules.NAME, "x"),
     "its selector does not match its pods"),
    (lambda o: find(o, "StatefulSet", "grants")["spec"].__setitem__("selector", {"matchLabels": {rules.COMPONENT: "service"}}),
     "its selector matches the pods of others"),
    (lambda o: find(o, "StatefulSet", "grants")["spec"].__setitem__("serviceName", "grant"), "there is no Service grant"),
    (lambda o: pod(o).pop("topologySpreadConstraints"), "is not spread"),
    (lambda o: pod(o)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].__setitem__(rules.COMPONENT, "x"),
     "is spread by the labels of others"),
    (lambda o: pod(o, *GATEWAY)["topologySpreadConstraints"][1].pop("matchLabelKeys"), "is spread with those that it replaces"),
    (lambda o: find(o, "ServiceMonitor", "services")["spec"]["endpoints"][0].__setitem__("port", "http"), "has the port http"),
    (lambda o: find(o, "ServiceMonitor", "services")["spec"].pop("jobLabel"), "the alerts do not know the jobs"),
    (lambda o: drop(o, "ServiceMonitor", "gateway"), "Deployment gateway: nobody scrapes it"),
    (lambda o: find(o, "StatefulSet", "grants")["spec"].pop("updateStrategy"), "would take all registers away at once"),
    (lambda o: find(o, "StatefulSet", "grants")["spec"]["updateStrategy"].__setitem__("type", "RollingUpdate"),
     "disruptions: StatefulSet grants: one `apply`"),
    (lambda o: drop(o, "PriorityClass", "nisi-register"), "StatefulSet grants: there is no PriorityClass nisi-register"),
    (lambda o: pod(o).pop("priorityClassName"), "priorities: StatefulSet grants: would wait for the room that a gateway has"),
    (lambda o: pod(o, "CronJob", "restore").pop("priorityClassName"), "priorities: CronJob restore: would wait"),
    (lambda o: pod(o, *GATEWAY).__setitem__("priorityClassName", "nisi-register"), "StatefulSet grants: would wait"),
    (lambda o: drop(o, "PodDisruptionBudget", "services"), "StatefulSet grants: has 0 disruption budgets"),
    (lambda o: find(o, "PodDisruptionBudget", "services")["spec"].update(minAvailable=1), "no node could be drained"),
    (lambda o: find(o, "Deployment", "gateway")["spec"].__setitem__("replicas", 3), "would undo what scales it"),
    (lambda o: find(o, "HorizontalPodAutoscaler", "gateway")["spec"].__setitem__("minReplicas", 99), "min and max"),
    (lambda o: find(o, "HorizontalPodAutoscaler", "gateway")["spec"]["scaleTargetRef"].__setitem__("name", "x"),
     "Deployment gateway: nothing scales it"),
    (lambda o: find(o, "CronJob", "restore")["spec"].__setitem__("successfulJobsHistoryLimit", 3),
     "history: CronJob restore: of 7 jobs that may run together one is gone"),
    (lambda o: find(o, *BACKUP)["spec"].__setitem__("successfulJobsHistoryLimit", 1), "history: CronJob backup: of 2 jobs"),
    (lambda o: find(o, *DOCTOR)["spec"].pop("failedJobsHistoryLimit"), "history: CronJob doctor: of 7 jobs"),
    (lambda o: find(o, "CronJob", "restore-drill")["spec"]["jobTemplate"]["spec"].pop("ttlSecondsAfterFinished"),
     "history: CronJob restore-drill: a volume of its own"),
    (lambda o: drop(o, "StatefulSet", "contracts"), "whole: contracts: has no StatefulSet"),
    (lambda o: o.append(copy.deepcopy(find(o, "Namespace", "nisi"))), "would go with `delete -k`"),
    (lambda o: o.append(copy.deepcopy(find(o, "Service", "grants"))), "whole: Service grants: is there twice"),
    (lambda o: find(o, "Service", "grants")["metadata"].pop("namespace"), "is not in the namespace"),
    (lambda o: drop(o, "CronJob", "restore-drill"), "there is no CronJob restore-drill"),
    (lambda o: find(o, "CronJob", "restore")["spec"].pop("suspend"), "CronJob restore: would run by itself"),
    (lambda o: find(o, "CronJob", "doctor")["spec"].__setitem__("suspend", False), "CronJob doctor: would run by itself"),
    (lambda o: drop(o, *DOCTOR), "there is no CronJob doctor"),
    (lambda o: find(o, "ConfigMap", "norms")["data"].pop("mci.csv"), "not what lies in deploy/norms: ['mci.csv']"),
    (lambda o: container(o)["command"].__setitem__(0, "/usr/local/bin/nisi-contracts"), "whole: StatefulSet grants: runs"),
]


def main(bin_folder):
    if manifests.why_not():
        print(f"SKIPPED: {manifests.why_not()}")
        return manifests.SKIPPED
    house, sound = manifests.House(bin_folder), manifests.render("production")
    failures = [f"the sound manifests: {finding}" for finding in rules.check(sound, house)]
    bitten = set()
    for number, (plant, expected) in enumerate(PLANTED):
        objects = copy.deepcopy(sound)
        plant(objects)
        found = [finding for finding in rules.check(objects, house) if expected in finding]
        bitten |= {finding.split(":", 1)[0] for finding in found}
        if not found:
            failures.append(f"planted {number} was not found: {expected!r}, but {rules.check(objects, house)}")
    failures += [f"{rule.__name__}: nothing planted for it" for rule in rules.RULES if rule.__name__[5:] not in bitten]
    for failure in failures:
        print(failure)
    print(f"k8s rules: {len(PLANTED)} mistakes planted for {len(rules.RULES)} rules, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
