"""The manifests of k8s/ as a cluster would get them, and what the programs say of themselves."""
import functools
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OVERLAYS = ("small", "production")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE of these tests


def why_not():
    """Why the manifests cannot be rendered here; empty when they can. Debian 12's own kubectl has no kustomize that
    knows `labels`, and the tool itself is in no registry that this project uses."""
    if shutil.which("kubectl") is None:
        return "there is no kubectl here"
    version = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Kustomize Version: v(\d+)", version)
    return "" if found and int(found[1]) >= 5 else "this kubectl is too old: kustomize 5 is wanted, kubectl from 1.28 on"


def render(overlay):
    """The objects of k8s/overlays/<overlay>, and the namespace, which is applied before them."""
    done = subprocess.run(["kubectl", "kustomize", ROOT / "k8s/overlays" / overlay], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0 or done.stderr:  # what is only warned of today is an error in a later version
        raise SystemExit(f"kubectl kustomize k8s/overlays/{overlay}: {done.stderr}")
    return [yaml.safe_load((ROOT / "k8s/base/namespace.yaml").read_text()),
            *(item for item in yaml.safe_load_all(done.stdout) if item)]


def services():
    """By the mains of the tree."""
    mains = "".join(path.read_text() for path in sorted((ROOT / "services").glob("*/main.cc")))
    return re.findall(r'ServiceMain\(argc, argv, "([\w-]+)"', mains)


class House:
    """What the code says: its services, who asks whom, which flags there are, how long a drain takes."""

    def __init__(self, bin_folder):
        self.bin = pathlib.Path(bin_folder)
        self.services = services()
        # No flag says how long a service drains.
        limit = re.search(r"kDrainLimit = absl::Seconds\((\d+)\)", (ROOT / "common/rpc/service_main.cc").read_text())
        self.service_drain = int(limit[1])
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([self.bin / "nisi", "serve", "--make-keys", "--data", folder], check=True)
            self.asks = {name: self._asked_by(name, folder) for name in self.services}

    def _asked_by(self, name, folder):
        """The service is started with no peer at all, on an address that it refuses when it misses none."""
        done = subprocess.run([self.bin / f"nisi-{name}", "--data", folder, "--address", "0.0.0.0:1",
                               "--context-key", f"{folder}/keys/context-{name}.key"],
                              capture_output=True, text=True, timeout=60, check=False)
        peers = set(re.findall(r"needs --peer ([\w-]+)=", done.stderr))
        assert done.returncode == 1 and (peers or "give --tls-dir" in done.stderr), done.stderr
        return peers

    def edges(self):
        """Who calls whom: (caller, called)."""
        return ({(asker, asked) for asker, all_asked in self.asks.items() for asked in all_asked} |
                {("gateway", service) for service in self.services} | {("backup", "gateway")})

    @functools.lru_cache(maxsize=None)
    def flags(self, program, command=""):
        """The flags in the help of a program, or of a command of it. None: there is no such program."""
        path = self.bin / program
        if not path.is_file():
            return None
        # Of the command line: some commands tell of themselves, the others by `help`.
        texts = [subprocess.run([path, *words], capture_output=True, text=True, check=False).stdout
                 for words in ([[command, "--help"], ["help", command]] if command else [["--help"]])]
        return frozenset(re.findall(r"^ +--([\w-]+)", "\n".join(texts), re.MULTILINE))

    @staticmethod
    def norms():
        """The norms as they lie in the tree, by file."""
        return {path.name: path.read_text() for path in (ROOT / "deploy/norms").iterdir()}
