"""The reference page in a real browser, served by the suite itself: in one process, and as separate processes over TLS.

page_test.py BIN PROTO [PACKAGES [MODE...]]

The steps are in page_test.mjs. PACKAGES is the folder with the npm packages, by default `clients` beside BIN.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "clients")]

import packages  # noqa: E402
import suite as suites  # noqa: E402

ROLES = ("institute.industry", "auditor")
SECONDS = 240  # one mode; about 30 are needed


def run_mode(bin_folder, proto, folder, mode):
    with suites.Suite(bin_folder, proto, mode) as suite:
        secure = mode == "processes"
        told = {"NISI_URL": f"{'https' if secure else 'http'}://127.0.0.1:{suite.port}", "NISI_PACKAGES": str(folder),
                "NISI_BROWSER": shutil.which("chromium-headless-shell"), "NISI_BIN": str(suite.bin), "NISI_WORK": str(suite.work),
                "NISI_CA": str(suite.data / "keys/tls/ca.pem") if secure else "",
                "NISI_TOKENS": json.dumps({role: suite.token(role) for role in ROLES})}
        # A proxy of the machine is not for calls to this machine.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | told
        subprocess.run(["node", HERE / "page_test.mjs"], env=environment, timeout=SECONDS, check=True)
        suite.kill(suites.signal.SIGTERM)


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    if not shutil.which("chromium-headless-shell"):
        sys.exit("FAILED: there is no chromium-headless-shell; tools/setup installs it")
    bin_folder, proto = (pathlib.Path(each).resolve() for each in arguments[:2])
    folder = pathlib.Path(arguments[2] if len(arguments) > 2 else bin_folder.parent / "clients").resolve()
    with packages.ready(folder):
        for mode in arguments[3:] or suites.MODES:
            print(f"{mode}:", flush=True)
            run_mode(bin_folder, proto, folder, mode)


if __name__ == "__main__":
    main(sys.argv[1:])
