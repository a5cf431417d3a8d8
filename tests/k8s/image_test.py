"""The image, and the suite of k8s/overlays/small in containers of it: each with the arguments, user, rights, mounts and
memory that its pod has, at addresses of its own, on a root that cannot be written. Skipped, and says why, where the image
cannot be built or run.

image_test.py BIN
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import installation
import manifests
import rules

TAG = "localhost/nisi:test"
SUBNET = "10.89.87"


def why_not():
    if os.geteuid() != 0:
        return "containers are started by root here"
    lacking = [name for name in ("buildah", "podman", "runc", "conmon") if shutil.which(name) is None]
    if lacking:
        return f"there is no {', '.join(lacking)} here; `tools/setup image` installs them"
    return manifests.why_not()


class Podman:
    """podman with images, containers and settings of its own, which go with their folder."""

    def __init__(self, folder):
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n')
        # What the defaults want needs more rights than root has in some machines; crun does not know every cgroup layout.
        (folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
            f'[network]\nnetwork_config_dir = "{folder}/net"\n')
        self.environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
                            "CONTAINERS_CONF": str(folder / "containers.conf")}

    def __call__(self, *words, check=True):
        done = subprocess.run([str(word) for word in words], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=installation.SECONDS, check=False)
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}"
        return done.stdout.strip()


class Containers(installation.Installation):
    """Each pod a container."""

    def __init__(self, bin_folder, folder, podman):
        super().__init__(bin_folder, folder)
        self.podman = podman
        self.addresses = {pod.name: f"{SUBNET}.{10 + i}" for i, pod in enumerate(self.cluster.pods)}
        podman("podman", "network", "create", "--subnet", f"{SUBNET}.0/24", "nisi-test")

    def address(self, name, port):
        return f"{self.addresses[name]}:{port}"

    def _words(self, pod):
        root, own = self.mount(pod), pod.spec["securityContext"]
        # fsGroup, as a kubelet does it: what a pod mounts stays root's and is its group's, who may write to what is claimed.
        for place in (root, *(path.resolve() for path in root.rglob("*") if path.is_symlink())):
            subprocess.run(["chgrp", "-R", str(own["fsGroup"]), place], check=True)
            if place != root:
                subprocess.run(["chmod", "-R", "g+rwX", place], check=True)
                subprocess.run(["find", place, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"], check=True)
        # A container that begins anew has its address on the same card, as in a pod: others would look for the old one for
        # most of a minute.
        card = f"02:00:00:00:00:{int(self.addresses[pod.name].rsplit('.', 1)[1]):02x}"
        words = ["--name", pod.name, "--network", "nisi-test", "--ip", self.addresses[pod.name], "--mac-address", card, "--read-only",
                 "--read-only-tmpfs=false", "--security-opt", "no-new-privileges", "--user",
                 f"{own['runAsUser']}:{own['runAsGroup']}", "--memory",
                 str(int(rules.amount(pod.container["resources"]["limits"]["memory"]))), "--entrypoint", pod.words[0]]
        words += [f"--cap-drop={name.lower()}" for name in pod.container["securityContext"]["capabilities"]["drop"]]
        words += [f"--add-host={name}:{at}" for name, at in self.addresses.items() if name != pod.name]
        for mount in pod.container["volumeMounts"]:
            source = (root / mount["mountPath"].lstrip("/")).resolve()
            words += ["--volume", f"{source}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}"]
        return [*words, TAG, *self.told(pod)[1:]]

    def log(self, name):
        return self.podman("podman", "logs", name)

    def start(self, name):
        self.podman("podman", "run", "--detach", *self._words(self.pods[name]))
        self.running.append(name)

    def serving(self, name):
        return self.podman("podman", "inspect", "--format", "{{.State.Running}}", name) == "true"

    def stop(self, name, expected=0):
        self.running.remove(name)
        grace = self.pods[name].spec["terminationGracePeriodSeconds"]
        self.podman("podman", "stop", "--time", grace, name)
        code = self.podman("podman", "inspect", "--format", "{{.State.ExitCode}}", name)
        assert code == str(expected), f"{name}: exit code {code}\n{self.log(name)}"
        self.podman("podman", "rm", name)

    def job(self, name, code=0):
        said = self.podman("podman", "run", "--rm", *self._words(self.pods[name]), check=code == 0)
        assert code == 0 or installation.findings(said), said
        return said

    def doctor(self, name):
        return self.podman("podman", "exec", name, "/usr/local/bin/nisi", "doctor", name, *self.told(self.pods[name])[1:],
                           check=False)

    def close(self):
        self.podman("podman", "rm", "--force", "--all", "--time", "0", check=False)
        self.podman("podman", "network", "rm", "--force", "nisi-test", check=False)


def check_image(podman):
    """Nobody's rights, and nothing to start but our programs; its size in MB."""
    told = podman("podman", "run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", TAG, "-c", "true", check=False)
    assert "no such file" in told, told
    user = podman("podman", "inspect", "--format", "{{.Config.User}}", TAG)
    assert user == "65532:65532", user
    return int(podman("podman", "inspect", "--format", "{{.Size}}", TAG)) // 10**6


def check_dockerfile():
    """What only a whole build would tell, after a quarter of an hour: it builds all programs, with what builds are known to
    need."""
    text = (manifests.ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    installed = re.search(r"--no-install-recommends (.*)", text)[1].split()
    known = {line.split()[0] for line in (manifests.ROOT / "tools/packages.txt").read_text().splitlines() if line.strip()}
    assert set(installed) <= known, f"deploy/Dockerfile installs {sorted(set(installed) - known)}, tools/packages.txt does not"
    built = set(re.search(r"--target (.*)", text)[1].split())
    wanted = {"nisi", "nisi-gateway", *(f"nisi-{name}" for name in manifests.services())}
    assert built == wanted, f"deploy/Dockerfile does not build {sorted(built ^ wanted)}"


def main(bin_folder):
    check_dockerfile()
    if why_not():
        print(f"SKIPPED: {why_not()}")
        return manifests.SKIPPED
    with tempfile.TemporaryDirectory(prefix="nisi-image-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        podman = Podman(folder)
        try:
            podman(manifests.ROOT / "tools/image", "--built", bin_folder, TAG)
            megabytes = check_image(podman)
            with installation.closed(Containers(bin_folder, folder, podman)) as suite:
                installation.live(suite)
        finally:
            podman("podman", "system", "reset", "--force", check=False)
    print(f"image: {megabytes} MB; a suite of containers of it: probes, calls, a backup, the doctor of each, a drill and a restore")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
