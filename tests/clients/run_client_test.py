"""The suite called by a JavaScript client: in one process over plain text, then as processes over TLS.

run_client_test.py CLIENT BIN PROTO [PACKAGES [MODE...]]

CLIENT is a script beside this file: grpc_js_test.mjs (@grpc/grpc-js), connect_test.mjs (@connectrpc/connect-node),
browser_test.mjs (@connectrpc/connect-web and grpc-web in Chromium).
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
SUMMARY = re.compile(r"[\w-]+, \w+: (\d+) passed, (\d+) failed")


def descriptors(suite):
    """The file with the descriptors of all protos."""
    out = suite.work / "descriptors.binpb"
    protos = [str(path) for path in suite.proto.rglob("*.proto")]
    subprocess.run(["protoc", f"-I{suite.proto}", "--include_imports", f"--descriptor_set_out={out}", *protos], check=True)
    return out


def environment(suite, folder, page_port):
    """What the client is told: where the suite is, whom to trust, and its tokens."""
    told = {"NISI_PACKAGES": str(folder), "NISI_PROTO": str(suite.proto.resolve()), "NISI_MODE": suite.mode,
            "NISI_PAGE_PORT": str(page_port), "NISI_DESCRIPTORS": str(descriptors(suite)),
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


def run_mode(script, bin_folder, proto, folder, mode):
    page_port = suites.free_port()
    origin = f"http://127.0.0.1:{page_port}"
    with suites.Suite(bin_folder, proto, mode, gateway_flags=["--origin", origin]) as suite:
        # Node deprecates the name that grpc-js gives to TLS when it is called by an address.
        client = subprocess.Popen(["node", "--no-deprecation", HERE / script], text=True,
                                  env=environment(suite, folder, page_port), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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
    if len(arguments) < 3:
        sys.exit(__doc__)
    script, *arguments = arguments
    bin_folder, proto = (pathlib.Path(each).resolve() for each in arguments[:2])
    folder = pathlib.Path(arguments[2] if len(arguments) > 2 else bin_folder.parent / "clients").resolve()
    passed = failed = 0
    with packages.ready(folder):
        for mode in arguments[3:] or suites.MODES:
            print(f"{mode}:", flush=True)
            good, bad = run_mode(script, bin_folder, proto, folder, mode)
            passed, failed = passed + good, failed + bad
    print(f"{script}: {passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
