"""The house's rules for its manifests: what no schema says, and what only a real cluster would tell.

    for finding in check(objects, house): ...

`objects` is what kustomize renders, `house` (manifests.House) what the code says. Each rule is a function; that each
one bites is shown by rules_test.py.
"""
import json
import re

NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
LONG_RUNNING = ("Deployment", "StatefulSet")
OF_ALL = ("Namespace", "PriorityClass")  # these are in no namespace
LISTENING = ("address", "health-address", "metrics-address")
# What an operator makes by hand, k8s/README.md: keys that no controller makes, and what is public of keys, by its key.
HAND_MADE_MAPS = {"signers": "signers.json", "jwks": "jwks.json", "authorities": "ca.pem", "denied": "denied.txt"}
HAND_MADE_SECRETS = re.compile(r"keys-[\w-]+")
# The names that the gateway is dialled by from within, and by who has forwarded a port, as k8s/README.md does.
OF_GATEWAY = ["gateway.nisi.svc", "localhost"]
# MiB that a process has at rest with the store of a country: k8s/README.md, Sizes, and deploy/README.md, How much it takes.
AT_REST, AT_REST_OF = 89, {"suppliers": 193}
# Below which a store takes no changes, where its process is not told: common/rpc/host_flags.cc.
RESERVE_MIB = 512
# What runs when somebody makes a job of it.
BY_HAND = ("restore", "doctor")
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|Ti)?")
SIZES = {None: 1, "m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
SECRET_KEY = re.compile(r"(?i)password|passwd|secret|\.key$|^token$|credential")
SECRET_VALUE = re.compile(r'PRIVATE KEY|"d"\s*:|\beyJ[\w-]{10,}\.')


class Cluster:
    """The objects by what they are."""

    def __init__(self, objects):
        self.objects = objects
        self.pods = [Pod(item) for item in objects if item["kind"] in (*LONG_RUNNING, "CronJob", "Pod")]

    def of(self, kind):
        return [item for item in self.objects if item["kind"] == kind]

    def named(self, kind, name):
        return next((item for item in self.of(kind) if item["metadata"]["name"] == name), None)

    def selected(self, selector):
        return [pod for pod in self.pods if matches(selector, pod.labels)]


class Pod:
    """A workload as its pods are: one container each here."""

    def __init__(self, workload):
        self.workload, self.kind, self.name = workload, workload["kind"], workload["metadata"]["name"]
        spec = workload["spec"]
        # A helper, that is none of the installation, is a pod as it stands.
        template = {"CronJob": lambda: spec["jobTemplate"]["spec"]["template"], "Pod": lambda: workload}.get(
            self.kind, lambda: spec["template"])()
        self.labels, self.spec = template.get("metadata", {}).get("labels", {}), template["spec"]
        self.container = self.spec["containers"][0]
        self.words = [*self.container.get("command", []), *self.container.get("args", [])]
        self.volumes = {volume["name"]: volume for volume in self.spec.get("volumes", [])}
        self.claims = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}

    def __str__(self):
        return f"{self.kind} {self.name}"

    @property
    def long_running(self):
        return self.kind in LONG_RUNNING

    @property
    def process(self):
        """Whose keys and volumes it has: the doctor those of the service that it visits."""
        return self.words[2] if self.words[1:2] == ["doctor"] else self.name

    @property
    def program(self):
        return self.words[0].rsplit("/", 1)[-1]

    def flags(self):
        """(name, value) of each, in order."""
        return [tuple((word[2:].split("=", 1) + [""])[:2]) for word in self.words if word.startswith("--")]

    def values(self, flag):
        return [value for name, value in self.flags() if name == flag]

    def port(self, flag):
        """The port that a flag has it listen on; None without."""
        return next((int(value.rsplit(":", 1)[1]) for value in self.values(flag)), None)


def matches(selector, labels):
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    for one in selector.get("matchExpressions", []):
        wanted = wanted and one["operator"] == "In" and labels.get(one["key"]) in one["values"]
    return wanted


def amount(text):
    found = QUANTITY.fullmatch(str(text))
    return float(found[1]) * SIZES[found[2]] if found else None


def rule_programs(cluster, house):
    """Every program and every flag exists; nothing is said by name that nobody defines."""
    for pod in cluster.pods:
        command = next((word for word in pod.words[1:] if not word.startswith("-")), "")
        flags = house.flags(pod.program, command if pod.program == "nisi" else "")
        if flags is None:
            yield f"{pod}: there is no program {pod.program}"
            continue
        for name, _ in pod.flags():
            if name not in flags:
                yield f"{pod}: {pod.program} has no flag --{name}"
        defined = {one["name"] for one in pod.container.get("env", [])}
        for source in pod.container.get("envFrom", []):
            there = cluster.named("ConfigMap", source["configMapRef"]["name"])
            defined |= set(there["data"]) if there else set()
        for name in re.findall(r"\$\((\w+)\)", " ".join(pod.words)):
            if name not in defined:
                yield f"{pod}: nothing defines $({name})"


def rule_ports(cluster, house):
    """What is declared is listened on, and what is listened on is declared, once and off loopback."""
    for pod in cluster.pods:
        declared = {port["name"]: port["containerPort"] for port in pod.container.get("ports", [])}
        served = {name: pod.port(flag) for name, flag in zip(("grpc", "health", "metrics"), LISTENING)
                  if pod.long_running and pod.port(flag) is not None}
        if declared != served:
            yield f"{pod}: declares the ports {declared}, serves {served}"
        for flag in LISTENING if pod.long_running else ():
            if not all(value.startswith("0.0.0.0:") for value in pod.values(flag)):
                yield f"{pod}: --{flag} cannot be reached from other pods"


def rule_probes(cluster, house):
    """Three probes by gRPC's health protocol, on the port that serves it in plain text."""
    for pod in cluster.pods:
        if not pod.long_running:
            continue
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = pod.container.get(kind, {}).get("grpc")
            if probe is None:
                yield f"{pod}: no {kind} by gRPC"
            elif probe["port"] != pod.port("health-address"):
                yield f"{pod}: {kind} asks port {probe['port']}, which is not that of --health-address"
            elif probe.get("service", "") != ("liveness" if kind == "livenessProbe" else ""):
                yield f"{pod}: {kind} asks for {probe.get('service', '')!r}: an unready process would be killed, " \
                      "or a living one be ready"


def rule_drain(cluster, house):
    """What a process may take to end fits into what it is given, with 10 s to close a store."""
    for pod in cluster.pods:
        if not pod.long_running:
            continue
        sleep = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = max([house.service_drain, *(int(value.rstrip("s")) for value in pod.values("drain"))])
        given = pod.spec.get("terminationGracePeriodSeconds", 0)
        if sleep + drain + 10 > given:
            yield f"{pod}: {sleep} s of sleep, {drain} s of drain and 10 s do not fit into {given} s"
        if pod.kind == "Deployment" and sleep == 0:
            yield f"{pod}: goes before its clients are sent elsewhere: no preStop"


def rule_restricted(cluster, house):
    """Pod Security `restricted`, a read-only root, and no token of the cluster."""
    for pod in cluster.pods:
        spec, own = pod.spec, pod.container.get("securityContext", {})
        all_pod = spec.get("securityContext", {})
        wanted = {"runAsNonRoot": all_pod.get("runAsNonRoot") is True, "runAsUser": all_pod.get("runAsUser", 0) > 0,
                  "seccompProfile": all_pod.get("seccompProfile", {}).get("type") == "RuntimeDefault",
                  "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
                  "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
                  "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
                  "automountServiceAccountToken": spec.get("automountServiceAccountToken") is False,
                  "hostNetwork": not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
                  "hostPath": not any("hostPath" in volume for volume in pod.volumes.values()),
                  "one container": len(spec["containers"]) == 1 and "initContainers" not in spec}
        for what, good in wanted.items():
            if not good:
                yield f"{pod}: {what} is not as `restricted` and the house want it"
    for namespace in cluster.of("Namespace"):
        if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"Namespace {namespace['metadata']['name']}: does not enforce `restricted`"


def rule_resources(cluster, house):
    """Requests and a limit of memory; no limit of CPU; quantities that the API can read."""
    for pod in cluster.pods:
        resources = pod.container.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        for text in (*requests.values(), *limits.values()):
            if amount(text) is None:
                yield f"{pod}: {text!r} is no quantity"
        if set(requests) != {"cpu", "memory"} or set(limits) != {"memory"}:
            yield f"{pod}: wants requests of cpu and memory and a limit of memory"
        elif (amount(requests["memory"]) or 0) > (amount(limits["memory"]) or 0):
            yield f"{pod}: asks for more memory than its limit"
        elif pod.long_running and (amount(requests["memory"]) or 0) < AT_REST_OF.get(pod.name, AT_REST) * 2**20:
            yield f"{pod}: asks for less memory than it has at rest"


def rule_image(cluster, house):
    """One image, and not one that may be another tomorrow."""
    images = {pod.container["image"] for pod in cluster.pods}
    if len(images) != 1:
        yield f"several images: {sorted(images)}"
    for image in images:
        if "@sha256:" not in image and (":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest")):
            yield f"image {image}: neither a digest nor a tag"


def rule_volumes(cluster, house):
    """Every mount has its volume, every volume is mounted, every path in a flag lies in a mount."""
    claims = {item["metadata"]["name"] for item in cluster.of("PersistentVolumeClaim")}
    claims |= {f"{claim}-{pod.name}-0" for pod in cluster.pods for claim in pod.claims}
    for pod in cluster.pods:
        mounts = pod.container.get("volumeMounts", [])
        there = set(pod.volumes) | pod.claims
        for name in {mount["name"] for mount in mounts} ^ there:
            yield f"{pod}: volume {name} is not both there and mounted"
        for name, value in pod.flags():
            inside = any(f"{value}/".startswith(f"{mount['mountPath']}/") or
                         # A service makes a folder of its own in that of the backups, and is given that one.
                         mount["mountPath"] == f"{value}/{pod.process}" for mount in mounts)
            if value.startswith("/") and not inside:
                yield f"{pod}: --{name}={value} lies in no volume"
        for volume in pod.volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim is not None and claim not in claims:
                yield f"{pod}: there is no claim {claim}"
        if pod.kind == "StatefulSet":
            own = {mount["mountPath"] for mount in mounts if mount["name"] in pod.claims}
            wanted = {*pod.values("data"), *pod.values("witness-dir")}
            if pod.workload["spec"].get("replicas") != 1 or len(own) != 2 or own != wanted:
                yield f"{pod}: one process, with a volume of its own at --data and one at --witness-dir"
            folders = [mount for mount in mounts if mount["name"] == "backups"]
            if [(one["mountPath"], one.get("subPath")) for one in folders] != [(f"/backups/{pod.name}", pod.name)]:
                yield f"{pod}: sees more of the backups than its own"


def rule_room(cluster, house):
    """The drill's volume holds the largest store there can be, and comes and goes with it; the backups have room for what
    they keep: a store fills half of its volume at most, and its backups and log of a month are taken for nearly three times
    the store. What half of a volume has besides, the log that is kept while no backup is made, a quarter of it, and the
    reserve."""
    stores = [amount(claim["spec"]["resources"]["requests"]["storage"]) for pod in cluster.pods
              for claim in pod.workload["spec"].get("volumeClaimTemplates", []) if claim["metadata"]["name"] == "data"]
    for pod in cluster.pods:
        for volume in pod.volumes.values():
            if "emptyDir" in volume:
                yield f"{pod}: volume {volume['name']} takes the room of its node"
            claim = volume.get("ephemeral", {}).get("volumeClaimTemplate")
            if claim is not None and amount(claim["spec"]["resources"]["requests"]["storage"]) < max(stores, default=0):
                yield f"{pod}: volume {volume['name']} is smaller than that of a store"
    for pod in cluster.pods:
        for template in pod.workload["spec"].get("volumeClaimTemplates", []):
            reserve = int(next(iter(pod.values("disk-reserve-mib")), RESERVE_MIB)) * SIZES["Mi"]
            if template["metadata"]["name"] == "data" and amount(template["spec"]["resources"]["requests"]["storage"]) < 4 * reserve:
                yield f"{pod}: volume data is not four times the reserve of its store"
    backups = cluster.named("PersistentVolumeClaim", "backups")
    if backups is not None and amount(backups["spec"]["resources"]["requests"]["storage"]) < 1.4 * sum(stores):
        yield "PersistentVolumeClaim backups: less than 1.4 times the volumes of the stores"
    for pod in cluster.pods:
        if pod.long_running and pod.values("backup-folder") and not (pod.values("backups-kept") and pod.values("backup-days-kept")):
            yield f"{pod}: does not say how far back one can go"


def sources(pod):
    """(kind, name, items) of all Secrets and ConfigMaps that a pod mounts or reads."""
    for volume in pod.volumes.values():
        for source in [volume, *volume.get("projected", {}).get("sources", [])]:
            if "secret" in source:
                yield "Secret", source["secret"].get("secretName", source["secret"].get("name")), source["secret"]
            if "configMap" in source:
                yield "ConfigMap", source["configMap"]["name"], source["configMap"]
    for source in pod.container.get("envFrom", []):
        yield "ConfigMap", source["configMapRef"]["name"], {}


def rule_references(cluster, house):
    """Every Secret comes of a certificate or an operator's hand, every ConfigMap is here or comes of one."""
    made = {item["spec"]["secretName"] for item in cluster.of("Certificate")}
    for pod in cluster.pods:
        for kind, name, source in sources(pod):
            there = name in HAND_MADE_MAPS or cluster.named("ConfigMap", name) is not None
            if kind == "Secret":
                there = name in made or HAND_MADE_SECRETS.fullmatch(name)
            if not there:
                yield f"{pod}: nobody makes {kind} {name}"
            data = (cluster.named("ConfigMap", name) or {}).get("data") if kind == "ConfigMap" else None
            for item in source.get("items", []):
                if kind == "ConfigMap" and item["key"] not in (data if data is not None else
                                                                 [HAND_MADE_MAPS.get(name, item["key"])]):
                    yield f"{pod}: ConfigMap {name} has no {item['key']}"
        for volume in pod.volumes.values():
            secret = "secret" in volume or any("secret" in one for one in volume.get("projected", {}).get("sources", []))
            if secret and volume.get("projected", volume.get("secret", {})).get("defaultMode") != 0o440:
                yield f"{pod}: volume {volume['name']} holds keys and is not of mode 0440"


def rule_secrets(cluster, house):
    """Nothing secret in a ConfigMap or an argument, and no Secret in the tree at all."""
    for item in cluster.of("Secret"):
        yield f"Secret {item['metadata']['name']}: a secret that lies in the tree is none"
    for item in cluster.of("ConfigMap"):
        for key, value in {**item.get("data", {}), **item.get("binaryData", {})}.items():
            if SECRET_KEY.search(key) or SECRET_VALUE.search(value):
                yield f"ConfigMap {item['metadata']['name']}: {key} looks like a secret"
    for pod in cluster.pods:
        for word in [*pod.words, *(one.get("value", "") for one in pod.container.get("env", []))]:
            if SECRET_VALUE.search(word) or word.startswith("--token="):
                yield f"{pod}: a secret among its arguments"


def authorities(volume):
    return any(source.get("configMap", {}).get("name") == "authorities" and
               source["configMap"].get("items") == [{"key": "ca.pem", "path": "ca.pem"}]
               for source in volume.get("projected", {}).get("sources", []))


def rule_certificates(cluster, house):
    """Mutual TLS by the names that the code expects."""
    issuers = {item["metadata"]["name"] for item in cluster.of("Issuer")}
    by_secret = {item["spec"]["secretName"]: item["spec"] for item in cluster.of("Certificate")}
    for item in cluster.of("Certificate"):
        if item["spec"].get("issuerRef", {}).get("name") not in issuers:
            yield f"Certificate {item['metadata']['name']}: there is no such issuer"
    for pod in cluster.pods:
        for _, name, source in sources(pod):
            spec = by_secret.get(name)
            if spec is None:
                continue
            owner = pod.process
            client = not pod.long_running and owner == pod.name
            if spec.get("uris") != [f"spiffe://nisi/{'client' if client else 'svc'}/{owner}"]:
                yield f"{pod}: its certificate names {spec.get('uris')}"
            wanted = {"client auth"} if client else {"server auth", "client auth"}
            if not wanted <= set(spec.get("usages", [])):
                yield f"{pod}: its certificate is not for {sorted(wanted)}"
            if client:
                continue
            for one in (owner, *(OF_GATEWAY if owner == "gateway" else ())):
                if one not in spec.get("dnsNames", []):
                    yield f"{pod}: its certificate lacks the name {one}"
            files = {one["key"]: one["path"] for one in source.get("items", [])}
            if files != {"tls.crt": f"{owner}.pem", "tls.key": f"{owner}.key"}:
                yield f"{pod}: --tls-dir wants {owner}.pem and {owner}.key, and no authority of who made them"
    for pod in cluster.pods:
        paths = [f"{mount['mountPath']}/ca.pem" for mount in pod.container.get("volumeMounts", [])
                 if authorities(pod.volumes.get(mount["name"], {})) and "subPath" not in mount]
        wanted = [f"{folder}/ca.pem" for folder in pod.values("tls-dir")] + pod.values("tls-ca")
        # Several at once, while one is replaced: a Secret has that of its own certificate alone. A subPath is never renewed.
        if paths != wanted:
            yield f"{pod}: the authorities that it believes do not come of the ConfigMap of all"
    for item in cluster.of("ConfigMap"):
        for identity in json.loads(item["data"].get("principals.json", "{}")) if "data" in item else ():
            if not any(identity in spec.get("uris", []) for spec in by_secret.values()):
                yield f"principals.json: nobody has a certificate for {identity}"


def told_edges(cluster):
    """(caller, called, port) by the flags of each."""
    for pod in cluster.pods:
        for value in [*pod.values("peer"), *pod.values("backend")]:
            yield pod.name, *reversed_address(value.split("=", 1)[-1])
        if not pod.long_running:
            for value in pod.values("address"):
                yield pod.name, *reversed_address(value)


def reversed_address(value):
    host, port = value.rsplit(":", 1)
    return host, int(port)


def rule_edges(cluster, house):
    """The flags say who calls whom, exactly as the code does, on ports that are served; who is called admits its callers."""
    told = list(told_edges(cluster))
    for edge in sorted({(caller, called) for caller, called, _ in told} ^ house.edges()):
        yield f"{edge[0]} -> {edge[1]}: {'no flag says it' if edge in house.edges() else 'the code knows no such call'}"
    pods = {pod.name: pod for pod in cluster.pods}
    for caller, called, port in told:
        service = cluster.named("Service", called)
        ports = {one["port"]: one.get("targetPort") for one in service["spec"]["ports"]} if service else {}
        if ports.get(port) != "grpc":
            yield f"{caller} -> {called}: Service {called} has no port {port}"
    for pod in cluster.pods:
        if pod.kind == "StatefulSet":
            admitted = {value.rsplit("/", 1)[-1] for value in pod.values("context-peer")}
            callers = {caller for caller, called in house.edges() if called == pod.name}
            if admitted != callers or not all(v.startswith("spiffe://nisi/svc/") for v in pod.values("context-peer")):
                yield f"{pod}: admits {sorted(admitted)}, is called by {sorted(callers)}"
        for value in [*pod.values("peer"), *pod.values("backend")]:
            name, address = value.split("=", 1)
            if address.rsplit(":", 1)[0] != name or name not in pods:
                yield f"{pod}: {value} is another service than its name"


def allowed(cluster, policies, direction, pod, other, port):
    """Whether the policies of `pod` let it send to (egress) or take from (ingress) `other` on a port."""
    end = "from" if direction == "ingress" else "to"
    for policy in policies:
        if direction.capitalize() not in policy["spec"].get("policyTypes", []):
            continue
        if not matches(policy["spec"]["podSelector"], pod.labels):
            continue
        for rule in policy["spec"].get(direction, []):
            if port not in [one["port"] for one in rule.get("ports", [])]:
                continue
            if end not in rule or any("namespaceSelector" not in one and "podSelector" in one and
                                      matches(one["podSelector"], other.labels) for one in rule[end]):
                return True
    return False


def rule_network(cluster, house):
    """Default deny; what the policies let through is exactly what the house does."""
    policies = cluster.of("NetworkPolicy")
    closed = any(policy["spec"]["podSelector"] == {} and set(policy["spec"].get("policyTypes", [])) ==
                 {"Ingress", "Egress"} and not policy["spec"].get("ingress") and not policy["spec"].get("egress")
                 for policy in policies)
    if not closed:
        yield "no NetworkPolicy denies all by default"
    through = set()
    for pod in cluster.pods:
        for other in cluster.pods:
            for port in range(7400, 7403):
                if pod is not other and other.long_running and allowed(cluster, policies, "egress", pod, other, port) \
                        and allowed(cluster, policies, "ingress", other, pod, port):
                    through.add((pod.name, other.name, port))
    pods = {pod.name: pod for pod in cluster.pods}
    wanted = {(caller, called, pods[called].port("address") if called in pods else None)
              for caller, called in house.edges()}
    for caller, called, port in sorted(through ^ wanted, key=str):
        yield f"{caller} -> {called}:{port}: {'let through' if (caller, called, port) in through else 'not let through'}"
    for policy in policies:
        name, spec = policy["metadata"]["name"], policy["spec"]
        if spec["podSelector"] != {} and not cluster.selected(spec["podSelector"]):
            yield f"NetworkPolicy {name}: is of no pod"
        for direction, end in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                if not rule.get("ports"):
                    yield f"NetworkPolicy {name}: {direction} on every port"
                everybody = end not in rule or any(one == {} or "ipBlock" in one or one == {"podSelector": {}} or
                                                   one.get("namespaceSelector") == {} for one in rule[end])
                if everybody and (direction, name) != ("ingress", "gateway"):
                    yield f"NetworkPolicy {name}: {direction} of everybody"
                for one in rule.get(end, []):
                    if "namespaceSelector" not in one and not cluster.selected(one.get("podSelector", {})):
                        yield f"NetworkPolicy {name}: {direction} of pods that are not there"
    if not all(any(matches(p["spec"]["podSelector"], pod.labels) and [one["port"] for one in rule["ports"]] == [53, 53]
                   for p in policies for rule in p["spec"].get("egress", [])) for pod in cluster.pods):
        yield "a pod cannot look up names"


def rule_selectors(cluster, house):
    """Whatever selects, selects what it means."""
    for pod in cluster.pods:
        if pod.long_running and not matches(pod.workload["spec"]["selector"], pod.labels):
            yield f"{pod}: its selector does not match its pods"
        if pod.long_running and [one.name for one in cluster.selected(pod.workload["spec"]["selector"])] != [pod.name]:
            yield f"{pod}: its selector matches the pods of others"
        if pod.kind == "StatefulSet" and cluster.named("Service", pod.workload["spec"]["serviceName"]) is None:
            yield f"{pod}: there is no Service {pod.workload['spec']['serviceName']}"
        for spread in pod.spec.get("topologySpreadConstraints", []):
            if not matches(spread["labelSelector"], pod.labels):
                yield f"{pod}: is spread by the labels of others"
            if pod.kind == "Deployment" and spread.get("matchLabelKeys") != ["pod-template-hash"]:
                yield f"{pod}: is spread with those that it replaces, and so unevenly when they are gone"
        if pod.long_running and not pod.spec.get("topologySpreadConstraints"):
            yield f"{pod}: is not spread"
    for item in cluster.of("Service"):
        name, found = item["metadata"]["name"], cluster.selected({"matchLabels": item["spec"]["selector"]})
        if len(found) != 1:
            yield f"Service {name}: is of {[str(pod) for pod in found]}"
            continue
        ports = {port["name"]: port["containerPort"] for port in found[0].container.get("ports", [])}
        for port in item["spec"]["ports"]:
            if ports.get(port["targetPort"]) != port["port"]:
                yield f"Service {name}: port {port['port']} is not served"
    for item in cluster.of("ServiceMonitor"):
        name, spec = item["metadata"]["name"], item["spec"]
        found = [one for one in cluster.of("Service") if matches(spec["selector"], one["metadata"].get("labels", {}))]
        ports = {port["name"] for one in found for port in one["spec"]["ports"]}
        jobs = {one["metadata"]["labels"].get(spec.get("jobLabel"), one["metadata"]["name"]) for one in found}
        if not all(job.startswith("nisi") for job in jobs):
            yield f"ServiceMonitor {name}: the alerts do not know the jobs {sorted(jobs)}"
        for endpoint in spec["endpoints"]:
            if endpoint["port"] not in ports:
                yield f"ServiceMonitor {name}: no Service has the port {endpoint['port']}"
    if cluster.of("ServiceMonitor"):
        scraped = {pod.name for monitor in cluster.of("ServiceMonitor") for one in cluster.of("Service")
                   if matches(monitor["spec"]["selector"], one["metadata"].get("labels", {})) and
                   any(port["name"] == "metrics" for port in one["spec"]["ports"])
                   for pod in cluster.selected({"matchLabels": one["spec"]["selector"]})}
        for pod in cluster.pods:
            if pod.long_running and pod.name not in scraped:
                yield f"{pod}: nobody scrapes it"


def rule_tokens(cluster, house):
    """Only tokens of the development issuer, for trying out, live longer than ten minutes."""
    for item in cluster.of("ConfigMap"):
        told = item.get("data", {})
        if "ISSUER" not in told or told["ISSUER"] == "nisi-development":
            continue
        life = re.fullmatch(r"(\d+)([sm])", told.get("TOKEN_LIFE", ""))
        if life is None or int(life[1]) * {"s": 1, "m": 60}[life[2]] > 600:
            yield f"ConfigMap {item['metadata']['name']}: tokens of {told['ISSUER']} may live {told.get('TOKEN_LIFE')}"


def rule_doctor(cluster, house):
    """The doctor sees what the process has that it visits: the same paths, in the same volumes."""
    doctor = cluster.named("CronJob", "doctor")
    if doctor is None:
        return
    pods = {pod.name: pod for pod in cluster.pods}
    visits, visited = Pod(doctor), pods.get(Pod(doctor).process)
    if visited is None or visited.kind != "StatefulSet":
        yield f"{visits}: visits {visits.process}, which is no service"
        return

    def seen(pod):
        volumes = {**pod.volumes, **{name: {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{pod.name}-0"}}
                                     for name in pod.claims}}
        return ({flag for flag in pod.flags() if flag[1].startswith("/")},
                {(mount["mountPath"], mount.get("subPath"), json.dumps(volumes.get(mount["name"]), sort_keys=True))
                 for mount in pod.container.get("volumeMounts", [])})
    for here, there in zip(seen(visits), seen(visited)):
        if here != there:
            yield f"{visits}: differs from {visited.name} in {sorted(map(str, here ^ there))}"


def rule_disruptions(cluster, house):
    """Each workload has one budget, by which nodes can still be drained; what is scaled is scaled by one hand; what is
    applied takes no register away before somebody says so, one by one."""
    for item in cluster.of("StatefulSet"):
        if item["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
            yield f"StatefulSet {item['metadata']['name']}: one `apply` would take all registers away at once"
    budgets = cluster.of("PodDisruptionBudget")
    for pod in cluster.pods:
        own = [one for one in budgets if matches(one["spec"]["selector"], pod.labels)]
        if pod.long_running and len(own) != 1:
            yield f"{pod}: has {len(own)} disruption budgets"
    for one in budgets:
        if one["spec"].get("maxUnavailable") != 1 or "minAvailable" in one["spec"]:
            yield f"PodDisruptionBudget {one['metadata']['name']}: with one pod no node could be drained"
    scaled = set()
    for one in cluster.of("HorizontalPodAutoscaler"):
        target = cluster.named(one["spec"]["scaleTargetRef"]["kind"], one["spec"]["scaleTargetRef"]["name"])
        if target is None or target["kind"] != "Deployment":
            yield f"HorizontalPodAutoscaler {one['metadata']['name']}: scales no Deployment"
            continue
        scaled.add(target["metadata"]["name"])
        if "replicas" in target["spec"]:
            yield f"Deployment {target['metadata']['name']}: its replicas would undo what scales it"
        if not 1 <= one["spec"]["minReplicas"] <= one["spec"]["maxReplicas"]:
            yield f"HorizontalPodAutoscaler {one['metadata']['name']}: min and max"
    for item in cluster.of("Deployment"):
        if item["metadata"]["name"] not in scaled:
            yield f"Deployment {item['metadata']['name']}: nothing scales it"


def rule_priorities(cluster, house):
    """Where the nodes are full, what is there once goes before what is there several times."""
    def priority(pod):
        name = pod.spec.get("priorityClassName")
        return 0 if name is None else (cluster.named("PriorityClass", name) or {}).get("value")
    gateway = next(pod for pod in cluster.pods if pod.name == "gateway")
    for pod in cluster.pods:
        if pod.kind == "StatefulSet" or pod.name == "restore":
            if priority(pod) is None:
                yield f"{pod}: there is no PriorityClass {pod.spec['priorityClassName']}"
            elif priority(pod) <= (priority(gateway) or 0):
                yield f"{pod}: would wait for the room that a gateway has"


def rule_history(cluster, house):
    """What has ended stays for who looks at it, and keeps no volume for it. Jobs made by hand count in the history of their
    CronJob: one that ends after another that began later goes at once where no more are kept than may run together."""
    for item in cluster.of("CronJob"):
        pod, spec = Pod(item), item["spec"]
        together = len(house.services) if pod.name in BY_HAND else 2
        if min(spec.get("successfulJobsHistoryLimit", 3), spec.get("failedJobsHistoryLimit", 1)) < together:
            yield f"{pod}: of {together} jobs that may run together one is gone before its end is seen"
        after = spec["jobTemplate"]["spec"].get("ttlSecondsAfterFinished")
        if any("ephemeral" in volume for volume in pod.volumes.values()) and not (after and after <= 86400):
            yield f"{pod}: a volume of its own lives as long as its job, which no time ends"


def rule_whole(cluster, house):
    """All services are here, once, in the namespace, and so are all norms."""
    seen = [(item["kind"], item["metadata"]["name"]) for item in cluster.objects]
    for kind, name in sorted({one for one in seen if seen.count(one) > 1}):
        yield f"{kind} {name}: is there twice{', and would go with `delete -k`' if kind == 'Namespace' else ''}"
    for item in cluster.objects:
        if item["kind"] not in OF_ALL and item["metadata"].get("namespace") != "nisi":
            yield f"{item['kind']} {item['metadata']['name']}: is not in the namespace"
    stateful = {pod.name for pod in cluster.pods if pod.kind == "StatefulSet"}
    for name in sorted(stateful ^ set(house.services)):
        yield f"{name}: {'is no service' if name in stateful else 'has no StatefulSet'}"
    for pod in cluster.pods:
        if pod.long_running and pod.program != f"nisi-{pod.name}":
            yield f"{pod}: runs {pod.program}"
    for name in ("backup", "restore-drill", *BY_HAND):
        if cluster.named("CronJob", name) is None:
            yield f"there is no CronJob {name}"
    for name in BY_HAND:
        job = cluster.named("CronJob", name)
        if job is not None and job["spec"].get("suspend") is not True:
            yield f"CronJob {name}: would run by itself"
    norms = [item for item in cluster.of("ConfigMap") if item["metadata"]["name"].startswith("norms-")]
    there = {key: value for item in norms for key, value in item["data"].items()}
    if there != house.norms():
        yield f"ConfigMap norms: not what lies in deploy/norms: {sorted(there.keys() ^ house.norms().keys())}"


RULES = [value for name, value in list(globals().items()) if name.startswith("rule_")]


def check(objects, house):
    cluster = Cluster(objects)
    return [f"{rule.__name__[5:]}: {finding}" for rule in RULES for finding in rule(cluster, house)]
