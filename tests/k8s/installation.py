"""What a cluster makes of the manifests, on this machine: the Secrets, ConfigMaps and volumes of k8s/overlays/small, what
an operator makes by hand, and the pods, each a process (Processes) or a container (image_test.py).
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import manifests  # noqa: E402
import rules  # noqa: E402
from suite import free_port  # noqa: E402

SERVING = b"\x08\x01"  # a HealthCheckResponse
SECONDS = 120


class Installation:
    """A cluster that has only what the manifests and an operator's hand put there. How its pods run, a subclass says:
    start, serving, stop, job, log, doctor, and address, where a port of a pod is for those outside."""

    def __init__(self, bin_folder, folder):
        self.bin, self.folder = pathlib.Path(bin_folder).resolve(), pathlib.Path(folder)
        self.cluster = rules.Cluster(manifests.render("small"))
        self.pods = {pod.name: pod for pod in self.cluster.pods}
        self.running = []
        self._make_by_hand()
        self._make_certificates()

    def _make_by_hand(self):
        """As k8s/README.md says it: the keys of each process, their public halves, the keys of the issuer of tokens."""
        subprocess.run([self.bin / "nisi", "serve", "--make-keys", "--data", self.folder / "admin"], check=True)
        keys = self.folder / "admin/keys"
        self.secrets = {}
        for path in keys.glob("context-*.key"):
            head = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True).stdout
            self.secrets[path.stem.replace("context-", "keys-")] = {"context.key": path.read_bytes(), "head.pem": head}
        self.maps = {name: {f"{name}.json": (keys / f"{name}.json").read_bytes()} for name in ("signers", "jwks")}
        for item in self.cluster.of("ConfigMap"):
            self.maps[item["metadata"]["name"]] = {key: value.encode() for key, value in item["data"].items()}

    def _make_certificates(self):
        """What cert-manager would make of the Certificates, by another program."""
        place = self.folder / "certificates"
        place.mkdir()
        by_name = {item["metadata"]["name"]: item["spec"] for item in self.cluster.of("Certificate")}
        # The authority first.
        for name, spec in sorted(by_name.items(), key=lambda one: not one[1].get("isCA", False)):
            names = [f"URI:{uri}" for uri in spec.get("uris", [])] + [f"DNS:{dns}" for dns in spec.get("dnsNames", [])]
            usages = [{"server auth": "serverAuth", "client auth": "clientAuth"}.get(one) for one in spec.get("usages", [])]
            words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                     "7", "-subj", f"/CN={spec.get('commonName', '')}" if spec.get("isCA") else "/", "-keyout",
                     place / f"{name}.key", "-out", place / f"{name}.crt"]
            if not spec.get("isCA"):
                words += ["-CA", place / "authority.crt", "-CAkey", place / "authority.key",
                          "-addext", f"subjectAltName=critical,{','.join(names)}",
                          "-addext", "basicConstraints=critical,CA:FALSE",
                          "-addext", f"extendedKeyUsage={','.join(filter(None, usages))}"]
            subprocess.run(words, check=True, capture_output=True)
            self.secrets[spec["secretName"]] = {"tls.crt": (place / f"{name}.crt").read_bytes(),
                                                "tls.key": (place / f"{name}.key").read_bytes(),
                                                "ca.crt": (place / "authority.crt").read_bytes()}
        self.authority = place / "authority.crt"
        self.maps["authorities"] = {"ca.pem": self.authority.read_bytes()}

    def _claim(self, pod, name):
        """The folder of a claim: those of templates are named by their pod."""
        own = name in pod.claims or "ephemeral" in pod.volumes[name]
        claim = f"{name}-{pod.name}-0" if own else pod.volumes[name]["persistentVolumeClaim"]["claimName"]
        return self.folder / "claims" / claim

    def mount(self, pod):
        """The root of a pod, with its volumes where it has them."""
        root = self.folder / "pods" / pod.name
        shutil.rmtree(root, ignore_errors=True)
        for mount in pod.container["volumeMounts"]:
            at = root / mount["mountPath"].lstrip("/")
            at.parent.mkdir(parents=True, exist_ok=True)
            volume = pod.volumes.get(mount["name"], {})
            if mount["name"] in pod.claims or "persistentVolumeClaim" in volume or "ephemeral" in volume:
                source = self._claim(pod, mount["name"]) / mount.get("subPath", "")
                if "ephemeral" in volume:  # a claim that is as old as its pod
                    shutil.rmtree(source, ignore_errors=True)
                source.mkdir(parents=True, exist_ok=True)
                at.symlink_to(source)
                continue
            if "subPath" in mount:  # one file of a Secret
                at.unlink(missing_ok=True)
                at.write_bytes(self.secrets[volume["secret"]["secretName"]][mount["subPath"]])
                at.chmod(volume["secret"]["defaultMode"])
                continue
            at.mkdir()
            mode = volume.get("projected", volume.get("secret", {})).get("defaultMode", 0o644)
            for one in [volume, *volume.get("projected", {}).get("sources", [])]:
                source = one.get("secret", one.get("configMap"))
                if source is None:
                    continue
                kept, name = (self.secrets if "secret" in one else self.maps), source.get("secretName", source.get("name"))
                if source.get("optional") and name not in kept:
                    continue
                data = kept[name]
                for item in source.get("items", [{"key": key, "path": key} for key in data]):
                    (at / item["path"]).write_bytes(data[item["key"]])
                    (at / item["path"]).chmod(mode)
        return root

    def told(self, pod):
        """The arguments of a pod, with what it is told by its environment."""
        words = pod.words
        for source in pod.container.get("envFrom", []):
            for key, value in self.maps[source["configMapRef"]["name"]].items():
                words = [word.replace(f"$({key})", value.decode()) for word in words]
        return words

    def healthy(self, name, port, service):
        """Asks as a kubelet does, until the answer is SERVING."""
        request = b"\x0a" + bytes([len(service)]) + service.encode() if service else b""
        deadline = time.monotonic() + SECONDS
        with grpc.insecure_channel(self.address(name, port), [("grpc.enable_http_proxy", 0)]) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            while check(request, wait_for_ready=True, timeout=SECONDS) != SERVING:
                assert time.monotonic() < deadline, f"{name}: {service!r} is not serving"
                time.sleep(0.05)

    def ready(self, name):
        deadline = time.monotonic() + SECONDS
        while '"serving"' not in self.log(name):
            assert self.serving(name), self.log(name)
            assert time.monotonic() < deadline, f"{name} did not start"
            time.sleep(0.05)
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = self.pods[name].container[kind]["grpc"]
            self.healthy(name, probe["port"], probe.get("service", ""))

    def refused(self, name, reason):
        """It does not start, and says why."""
        deadline = time.monotonic() + SECONDS
        while self.serving(name):
            assert time.monotonic() < deadline, f"{name} runs"
            time.sleep(0.05)
        assert reason in self.log(name), self.log(name)
        self.stop(name, expected=1)

    def call(self, *words):
        """`nisi` as somebody who has port-forwarded the gateway; the answer."""
        # A proxy of the machine is not for calls to this machine.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run([self.bin / "nisi", *words, "--format", "json", "--data", self.folder / "admin", "--address",
                               self.address("gateway", 7400), "--tls-ca", self.authority, "--tls-name", "localhost"],
                              env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def check_serving(self):
        for name in self.running:
            self.ready(name)
            metrics = f"http://{self.address(name, 9400)}/metrics"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(metrics, timeout=SECONDS) as answer:
                assert b"grpc_server_handled_total" in answer.read(), metrics
        assert "service_without_backend" not in self.log("gateway")
        for name in self.running:
            if name != "gateway":  # which has found it again
                self.healthy("gateway", self.pods["gateway"].port("health-address"), name)

    def check_sound(self):
        """Nothing is wrong that `nisi doctor` can see in each pod."""
        for name in self.running:
            said = self.doctor(name)
            assert not findings(said) and re.search(rf"^{name}: ", said, re.MULTILINE), f"the doctor of {name}: {said}"

    def check_found(self, *wanted):
        """The doctor finds this of the list of goods, which is stopped, by the job that goes to its volumes."""
        said = self.job("doctor", code=1)
        assert findings(said) == {"PROCESS_AWAY", *wanted}, f"the doctor's job: {said}"

    def edition(self, title):
        return self.call("priority-goods", "create-edition", "--as", "institute.industry", "--edition.title-ru", title)

    def titles(self):
        return sorted(one["titleRu"] for one in
                      self.call("priority-goods", "list-editions", "--as", "institute.industry").get("editions", []))


def findings(said):
    """Those of the doctor. A norm ends some day: that is no fault of the manifests."""
    return {one for one in re.findall(r"^([A-Z_]+)  ", said, re.MULTILINE) if not one.startswith("NORM_END")}


class Processes(Installation):
    """Each pod a process of this machine, its volumes and addresses elsewhere than in a pod."""

    def __init__(self, bin_folder, folder):
        super().__init__(bin_folder, folder)
        self.processes, self.words = {}, {}
        # By the name and port that others use.
        self.ports = {(pod.name, pod.port(flag)): free_port() for pod in self.cluster.pods if pod.long_running
                      for flag in rules.LISTENING}

    def address(self, name, port):
        return f"127.0.0.1:{self.ports[name, port]}"

    def _words(self, pod):
        """The arguments of a pod, for this machine."""
        root, words = self.mount(pod), [str(self.bin / pod.program)]
        for word in self.told(pod)[1:]:
            flag, is_flag, value = word.partition("=")
            if is_flag and value.startswith("/"):
                word = f"{flag}={root}{value}"
            elif is_flag:
                for (name, port), here in self.ports.items():
                    mine = name == pod.name and flag[2:] in rules.LISTENING and value == f"0.0.0.0:{port}"
                    if mine or value == f"{name}:{port}" or value.endswith(f"={name}:{port}"):
                        # A name that is in the certificate of the gateway, for the one client that looks at names.
                        host = "127.0.0.1" if pod.long_running else "localhost"
                        word = f"{flag}={value.rpartition('=')[0]}{'=' if '=' in value else ''}{host}:{here}"
            words.append(word)
        return words

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def start(self, name):
        self.words[name] = self._words(self.pods[name])
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(self.words[name], stdout=log, stderr=log)
        self.running.append(name)

    def serving(self, name):
        return self.processes[name].poll() is None

    def stop(self, name, expected=0):
        self.running.remove(name)
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(SECONDS)
        assert code == expected, f"{name}: exit code {code}\n{self.log(name)}"

    def job(self, name, code=0):
        """Runs a job as its CronJob has it; what it printed."""
        done = subprocess.run(self._words(self.pods[name]), capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == code, f"{name}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def doctor(self, name):
        return subprocess.run([self.bin / "nisi", "doctor", name, *self.words[name][1:]], capture_output=True, text=True,
                              timeout=SECONDS, check=False).stdout

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


@contextlib.contextmanager
def closed(suite):
    """The suite, ended in any case; where something fails its logs are shown."""
    try:
        yield suite
    except BaseException:
        for name in suite.running:
            print(f"--- {name}\n{suite.log(name)[-1500:]}", file=sys.stderr)
        raise
    finally:
        suite.close()


def live(installation):
    """An afternoon: all start and pass their probes, a backup, a visit of the doctor, a drill, a restore, the end."""
    services = [pod.name for pod in installation.cluster.pods if pod.kind == "StatefulSet"]
    for name in (*services, "gateway"):
        installation.start(name)
    installation.check_serving()

    installation.edition("before")
    told = installation.job("backup")
    assert sorted(line.split(":")[0] for line in told.splitlines()) == sorted(services), told
    installation.check_sound()
    drill = installation.job("restore-drill")
    for name in services:
        assert f"{name}: restored to position" in drill, drill
        seen = {path.name for path in (installation.folder / "pods" / name / "backups").iterdir()}
        assert seen == {name}, f"{name} sees the backups of {seen}"

    # The list of goods is given its store of before back, where it was.
    installation.edition("after")
    assert installation.titles() == ["after", "before"]
    volume = installation.folder / "claims/data-priority-goods-0"
    signer = installation.call("journal", "get-signing-key", "--service", "priority-goods")
    installation.stop("priority-goods")
    installation.check_found()
    installation.job("restore")
    installation.start("priority-goods")
    installation.check_serving()
    assert installation.titles() == ["before"]
    assert installation.call("journal", "get-signing-key", "--service", "priority-goods") == signer
    assert list(volume.glob("priority-goods.before-*")), "what was there is not set aside"
    witnesses = sorted(path.name for path in (installation.folder / "claims/witness-priority-goods-0").iterdir())
    assert len(witnesses) == 2 and "priority-goods.witness" in witnesses, witnesses  # and the one that was set aside
    assert not list(volume.glob("*.witness")), "the witness lies with the store"
    installation.edition("again")

    # Its disk is lost. A start on the new volume makes no empty store there; the job does not find it in its way.
    installation.job("backup")
    installation.stop("priority-goods")
    shutil.rmtree(volume)
    installation.start("priority-goods")
    installation.refused("priority-goods", "STORE_LOST")
    installation.check_found("STORE_LOST")
    installation.job("restore")
    installation.start("priority-goods")
    installation.check_serving()
    assert installation.titles() == ["again", "before"]

    for name in ("gateway", *services):
        installation.stop(name)
