"""The suite by the very arguments of k8s/overlays/small: each process with the flags that its pod has, on the keys, norms
and volumes that are mounted there, its certificates made as the manifests ask cert-manager for them. Probes, a backup, a
drill and a restore are those of the manifests too; the doctor visits each process. What a cluster adds is replaced: addresses
and the places of volumes.

served_test.py BIN
"""
import sys
import tempfile

import installation
import manifests


def main(bin_folder):
    if manifests.why_not():
        print(f"SKIPPED: {manifests.why_not()}")
        return manifests.SKIPPED
    with tempfile.TemporaryDirectory(prefix="nisi-k8s-") as folder:
        with installation.closed(installation.Processes(bin_folder, folder)) as suite:
            installation.live(suite)
    print("k8s served: probes, calls, a backup, the doctor of each pod, a drill and a restore by the manifests' own arguments")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
