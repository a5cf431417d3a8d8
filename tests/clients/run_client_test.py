"""The suite called by a JavaScript client, @grpc/grpc-js: in one process over plain text, then as processes over TLS.

run_client_test.py BIN PROTO [PACKAGES [MODE...]]

PACKAGES is the folder the client's packages are installed into, by default `clients` beside BIN.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

import packages  # noqa: E402
import suite as suites  # noqa: E402

ROLES = ("institute.industry", "authority.industry", "auditor")
SECONDS = 120  # one mode; about 20 are needed
SUMMARY = re.compile(r"grpc-js, \w+: (\d+) passed, (\d+) failed")


def environment(suite, folder):
    """What the client is told: where the suite is, whom to trust, and its tokens."""
    told = {"NISI_PACKAGES": str(folder), "NISI_PROTO": str(suite.proto.resolve()), "NISI_MODE": suite.mode,
            "NISI_ADDRESS": f"127.0.0.1:{suite.port}", "NISI_TODAY": suite.today().isoformat(),
            "NISI_TOKENS": json.dumps({role: suite.token(role) for role in ROLES}),
            "NISI_CA": str(suite.data / "keys/tls/ca.pem") if suite.mode == "processes" else ""}
    # A proxy of the machine is not for calls to this machine, and grpc-js would take it.
    proxies = ("grpc_proxy", "http_proxy", "https_proxy")
    return {name: value for name, value in os.environ.items() if name.lower() not in proxies} | told


def obey(suite, command):
    """What the client asks for in a line `driver: COMMAND`."""
    if command == "kill-store":
        suite.kill(only=suite.store_process())
    elif command == "restart-store":
        suite.restart_store()
    elif command == "kill-all":
        suite.kill()
    elif command == "start-all":
        suite.start()
    else:
        raise ValueError(command)


def converse(suite, client):
    """Prints what the client says and does what it asks for; gives the counts of its last line."""
    counts = None
    for line in client.stdout:
        if line.startswith("driver: "):
            obey(suite, line.split()[1])
            client.stdin.write("done\n")
            client.stdin.flush()
            continue
        print(line, end="", flush=True)
        found = SUMMARY.match(line)
        counts = (int(found[1]), int(found[2])) if found else counts
    return counts


def run_mode(bin_folder, proto, folder, mode):
    with suites.Suite(bin_folder, proto, mode) as suite:
        # Node deprecates the name that grpc-js gives to TLS when it is called by an address.
        client = subprocess.Popen(["node", "--no-deprecation", HERE / "client_test.mjs"], text=True,
                                  env=environment(suite, folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        late = threading.Timer(SECONDS, client.kill)
        late.start()
        try:
            counts = converse(suite, client)
            code = client.wait()
        finally:
            late.cancel()
            client.kill()
        assert counts is not None, f"{mode}: node ended ({code}) before its last line; it is killed after {SECONDS} s"
        assert (code == 0) == (counts[1] == 0), f"{mode}: exit code {code}"
        suite.kill(suites.signal.SIGTERM)
        return counts


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    bin_folder, proto = (pathlib.Path(each).resolve() for each in arguments[:2])
    folder = pathlib.Path(arguments[2] if len(arguments) > 2 else bin_folder.parent / "clients").resolve()
    passed = failed = 0
    with packages.ready(folder):
        for mode in arguments[3:] or suites.MODES:
            print(f"{mode}:", flush=True)
            good, bad = run_mode(bin_folder, proto, folder, mode)
            passed, failed = passed + good, failed + bad
    print(f"client_grpc_js: {passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
