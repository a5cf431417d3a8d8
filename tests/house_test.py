"""The house: reads the includes of the tree, the names at its top and the reasons of refusals, and fails on what does
not belong.

house_test.py [ROOT]        checks the tree at ROOT, by default the one this file lies in
house_test.py --self-test   plants each violation in a small tree and expects it to be found
"""

import os
import re
import subprocess
import sys
import tempfile

TOP_FILES = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE"}
TOP_DIRS = {"proto", "common", "services", "tools", "deploy", "k8s", "tests"}
# Not ours, or made by a build.
SKIPPED_DIRS = {".git", ".build", ".run", "node_modules", "__pycache__"}

# What each room of common/ may include of the others, besides itself. norms, store and http2 do not know each other.
COMMON_ROOMS = {
    "base": set(),
    "norms": {"base"},
    "store": {"base"},
    "search": {"base", "store"},
    "http2": {"base"},
    "http1": {"base", "http2"},
    "rpc": {"base", "norms", "store", "http2"},
    "cases": {"base", "norms", "store", "rpc"},
}

OUR_INCLUDES = ("common/", "services/", "tools/", "tests/")
GRPC = re.compile(r"^(grpc|grpcpp|grpc\+\+)/|\.grpc\.pb\.h$")
ROCKSDB = re.compile(r"^rocksdb/")
CLOCK = re.compile(r"^(chrono|ctime|time\.h|sys/time\.h|absl/time/clock\.h|common/base/(clock|steady)\.h)$")
FOLLOWED_CLOCK = re.compile(r"\babsl::Now\s*\(")
CLOCK_CALL = re.compile(r"\b(absl::|System|Steady)Now\s*\(|\bstd::time\s*\(|\bgettimeofday\s*\(|\bclock_gettime\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;', re.MULTILINE)
# A refusal as it is written: its status and its reason.
REFUSAL = re.compile(r'StatusCode::k(\w+),\s*"([A-Z][A-Z0-9_]{3,})"|\b(Unavailable|Forbidden)\(\s*"([A-Z][A-Z0-9_]{3,})"')
SHORT = {"Forbidden": "FailedPrecondition"}  # of a service that says most of its refusals so
# And what else it tells: the type of its precondition, keys of its metadata.
TYPED = re.compile(r'StatusCode::k\w+,\s*"([A-Z][A-Z0-9_]{3,})"[^;]*?\.Precondition\(\s*"([A-Z_]+)"')
KEY = re.compile(r'\.With\(\s*"([^"]*)"')
# What a refusal's function gives first.
REASON = re.compile(r'"([A-Z][A-Z0-9_]{4,})"')
RULES = re.compile(r"^rules[^/]*\.(h|cc)$")


def without_comments(text):
    """The code of a C++ file; strings keep their place, so an include stays what it is."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
    return token.sub(lambda m: m.group() if m.group().startswith('"') else "\n" * m.group().count("\n"), text)


def our_files(root):
    """Paths under `root` without what .gitignore names; outside a repository, all but SKIPPED_DIRS."""
    if os.path.exists(os.path.join(root, ".git")):
        git = subprocess.run(["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
                             capture_output=True, check=False)
        if git.returncode == 0:
            names = sorted(set(git.stdout.decode().split("\0")) - {""})
            return [n for n in names if os.path.isfile(os.path.join(root, n))]
    found = []
    for folder, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def may_use_grpc(parts):
    """Clients: the command line, benchmarks, tests, and what common/rpc has for them. No server stands on gRPC's own."""
    if parts[0] in ("tools", "tests") or parts[:2] == ["common", "rpc"]:
        return True
    return parts[-1].startswith("test_") or parts[-1].endswith("_test.cc")


def may_use_rocksdb(parts):
    """The store; and the benchmarks, which measure what RocksDB does bare."""
    return parts[:2] == ["common", "store"] or (parts[0] == "tools" and parts[1].startswith("bench"))


def wrong_arrow(parts, target):
    """What is wrong with a file at `parts` including `target`, one of our own headers; None when nothing is."""
    to = target.split("/")
    here, there = parts[0], to[0]
    if there == "tests" and here != "tests":
        return "nothing but tests/ includes tests/"
    if there == "tools" and here not in ("tools", "tests"):
        return "only tools/ and tests/ include tools/"
    if there == "services":
        if here == "common":
            return "common/ knows no service"
        if here == "services" and parts[1] != to[1]:
            return "no service includes another's files; they meet in proto"
    if here == "common" and there == "common" and parts[1] != to[1] and to[1] not in COMMON_ROOMS.get(parts[1], set()):
        return f"common/{parts[1]} may not include common/{to[1]}"
    if here == "proto":
        return "proto/ includes nothing"
    return None


def check_include(path, target, quoted, service_packages):
    """Findings of one include, apart from what rules may see."""
    parts = path.split("/")
    if GRPC.search(target) and not may_use_grpc(parts):
        yield f"gRPC header {target}: only in common/rpc, tools and tests"
    if ROCKSDB.search(target) and not may_use_rocksdb(parts):
        yield f"RocksDB header {target}: only in common/store (and tools/bench)"
    if quoted and ("/" not in target or ".." in target.split("/")):
        yield f"{target}: includes are written from the root of the tree"
    if target.endswith((".cc", ".cpp")):
        yield f"{target}: a source file is not included"
    if target.startswith(OUR_INCLUDES):
        wrong = wrong_arrow(parts, target)
        if wrong:
            yield f"includes {target}: {wrong}"
    if parts[0] == "common" and target.startswith("nisi/") and target.split("/")[1] in service_packages:
        yield f"includes {target}: common/ knows no service"


def check_rules(path, includes, code, graph):
    """Findings of a rules file: pure functions see no call, no store, no clock, not even through a header of ours."""
    for target in includes:
        if CLOCK.search(target):
            yield f"{target}: rules have no clock; time is a parameter"
        # Their test may name callers: it walks who may do what.
        if target.startswith(("common/rpc/", "common/store/")) and not path.endswith("_test.cc"):
            yield f"{target}: rules know neither calls nor the store"
    if CLOCK_CALL.search(code):
        yield "reads the clock: time is a parameter of rules"
    seen, todo = set(), [path]
    while todo:
        file = todo.pop()
        for target in graph.get(file, ()):
            if GRPC.search(target) or ROCKSDB.search(target):
                yield f"{target} reaches the rules" + ("" if file == path else f" through {file}")
            if target not in seen:
                seen.add(target)
                todo.append(target)


def check_clocks(path, code):
    """absl::Now follows the cycles of the processor, and believes a clock that was set only seconds later."""
    name = os.path.basename(path)
    told_by_tests = name.startswith("test_") or name.endswith(("_test.cc", "_testing.h", "_conformance.h"))
    if path.startswith(("common/", "services/", "tools/nisi/")) and not told_by_tests and FOLLOWED_CLOCK.search(code):
        yield "absl::Now: the time is base::SystemNow(), how long something takes base::SteadyNow()"


def check_proto(path, text, service_packages):
    """Findings of a .proto: it imports protos only; a package that no service owns is shared by all and imports none
    that a service owns."""
    own = path.split("/")[2] if path.startswith("proto/nisi/") else None
    for target in IMPORT.findall(text):
        if not target.startswith(("google/", "nisi/")):
            yield f"imports {target}: protos import google/ and nisi/"
        elif target.startswith("nisi/"):
            package = target.split("/")[1]
            if own not in service_packages and package in service_packages:
                yield f"imports {target}: what all share knows no service"


def check_top(files):
    """Findings about the names at the top of the tree and the folders of services."""
    top_files = {f for f in files if "/" not in f}
    top_dirs = {f.split("/")[0] for f in files if "/" in f}
    for name in sorted(top_files - TOP_FILES) + sorted(top_dirs - TOP_DIRS):
        if not name.startswith("."):
            yield f"{name}: does not belong at the top level"
    for name in sorted(TOP_FILES - top_files) + sorted(TOP_DIRS - top_dirs):
        yield f"{name}: is missing at the top level"
    services = {f.split("/")[1] for f in files if f.startswith("services/") and f.count("/") >= 2}
    for name in sorted(services):
        if f"services/{name}/README.md" not in files:
            yield f"services/{name}: has no README.md"
    for name in sorted({f.split("/")[1] for f in files if f.startswith("common/") and f.count("/") >= 2}):
        if name not in COMMON_ROOMS:
            yield f"common/{name}: is no room of the house; it needs its place in COMMON_ROOMS"


def check_reasons(errors, readme):
    """Findings of the README of a service, given its errors.cc: each reason stands in it."""
    reasons = (REASON.search(function) for function in errors.split("\nabsl::Status ")[1:])
    for reason in sorted({match.group(1) for match in reasons if match}):
        if not re.search(rf"\b{reason}\b", readme):
            yield f"does not name the reason {reason} of errors.cc"


def check_refusals(codes):
    """A client acts by the reason: it comes with one status and one type of precondition, whichever service says it.
    Keys of metadata are in lower camel case (AIP-193)."""
    said, typed = {}, {}
    for path, code in sorted(codes.items()):
        if not path.startswith(("common/", "services/")) or path.endswith(("_test.cc", "_testing.h", "_conformance.h")):
            continue
        for match in REFUSAL.finditer(code):
            status, reason = match.group(1) or match.group(3), match.group(2) or match.group(4)
            status = SHORT.get(status, status)
            first = said.setdefault(reason, (status, path))
            if status != first[0]:
                yield f"{path}: {reason} is {status} here and {first[0]} in {first[1]}"
        for reason, kind in TYPED.findall(code):
            first = typed.setdefault(reason, (kind, path))
            if kind != first[0]:
                yield f"{path}: the precondition of {reason} is {kind} here and {first[0]} in {first[1]}"
        for key in KEY.findall(code):
            if not re.fullmatch("[a-z][a-zA-Z0-9]*", key):
                yield f"{path}: {key} is no key of metadata in lower camel case"


def check_house(root):
    """All findings of the tree, as "path: what is wrong"."""
    files = our_files(root)
    services = {f.split("/")[1] for f in files if f.startswith("services/") and f.count("/") >= 2}
    findings = list(check_top(set(files)))
    codes, graph = {}, {}
    for path in files:
        if not path.startswith(tuple(d + "/" for d in TOP_DIRS)) or not path.endswith((".h", ".cc", ".proto")):
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            codes[path] = without_comments(file.read())
        if not path.endswith(".proto"):
            graph[path] = [target for _, target in INCLUDE.findall(codes[path])]
    findings += check_refusals(codes)
    for path, code in codes.items():
        if path.endswith(".proto"):
            findings += [f"{path}: {f}" for f in check_proto(path, code, services)]
            continue
        findings += [f"{path}: {f}" for f in check_clocks(path, code)]
        for mark, target in INCLUDE.findall(code):
            findings += [f"{path}: {f}" for f in check_include(path, target, mark == '"', services)]
        if RULES.match(os.path.basename(path)):
            findings += [f"{path}: {f}" for f in check_rules(path, graph[path], code, graph)]
        readme = path.replace("errors.cc", "README.md")
        if path.startswith("services/") and readme != path and readme in files:
            with open(os.path.join(root, readme), encoding="utf-8") as file:
                findings += [f"{readme}: {f}" for f in check_reasons(code, file.read())]
    return findings


# --- the test of this test -------------------------------------------------------------------------------------

SOUND = {
    "CMakeLists.txt": "", "CMakePresets.json": "", "README.md": "", "LICENSE": "", ".gitignore": "",
    "deploy/README.md": "", "k8s/README.md": "", "tests/CMakeLists.txt": "", "tools/CMakeLists.txt": "",
    "proto/nisi/rpc/v1/options.proto": 'import "google/protobuf/descriptor.proto";\n',
    "proto/nisi/cats/v1/cats.proto": 'import "nisi/rpc/v1/options.proto";\nimport "nisi/dogs/v1/dogs.proto";\n',
    "proto/nisi/dogs/v1/dogs.proto": "",
    "common/base/status.h": '#include "absl/status/status.h"\n// #include <grpcpp/grpcpp.h>\n',
    "common/norms/norms.h": '#include "common/base/status.h"\n',
    "common/store/store.cc": '#include <rocksdb/db.h>\n#include "common/base/status.h"\n',
    "common/rpc/server.h": '#include <grpcpp/grpcpp.h>\n#include "common/store/store.h"\n#include "nisi/rpc/v1/options.pb.h"\n',
    "common/cases/gate.h": '#include "common/rpc/server.h"\n',
    "services/cats/README.md": "Reasons: CAT_ASLEEP.\n", "services/dogs/README.md": "",
    "services/cats/errors.cc": '\nabsl::Status Asleep() {\n  return Refusal(kAborted, "CAT_ASLEEP", "It sleeps.");\n}\n', "services/gateway/README.md": "",
    "services/cats/rules.h": '#include "common/norms/norms.h"\n#include "services/cats/facts.h"\n/* absl::Now() */\n',
    "services/cats/facts.h": '#include "nisi/cats/v1/cats.pb.h"\n',
    "services/cats/service.cc": '#include "common/rpc/server.h"\n#include "nisi/dogs/v1/dogs.pb.h"\n',
    "services/dogs/service.h": '#include "common/cases/gate.h"\n',
    "services/gateway/test_backend.h": '#include <grpcpp/generic/generic_stub.h>\n',
    "services/gateway/gateway_test.cc": '#include <grpcpp/generic/generic_stub.h>\n',
    "tools/nisi/main.cc": '#include "services/cats/service.h"\n#include <grpcpp/grpcpp.h>\n',
    "tools/bench/raw.cc": "#include <rocksdb/db.h>\n",
    "tests/journey_test.cc": '#include "tools/nisi/flags.h"\n#include "services/dogs/service.h"\n#include <grpcpp/grpcpp.h>\n',
}

# (file, what is appended to it (None takes the file away), a part of the finding expected)
PLANTED = [
    ("common/base/status.h", '#include "common/norms/norms.h"', "common/base may not include common/norms"),
    ("common/norms/norms.h", '#include "common/store/store.h"', "common/norms may not include common/store"),
    ("common/store/store.cc", '#include "common/norms/norms.h"', "common/store may not include common/norms"),
    ("common/store/store.cc", '#include "common/rpc/server.h"', "common/store may not include common/rpc"),
    ("common/rpc/server.h", '#include "common/cases/gate.h"', "common/rpc may not include common/cases"),
    ("common/cases/gate.h", '#include "services/cats/rules.h"', "common/ knows no service"),
    ("common/rpc/server.h", '#include "nisi/cats/v1/cats.pb.h"', "common/ knows no service"),
    ("common/attic/a.h", "", "common/attic: is no room"),
    ("services/dogs/service.h", '#include "services/cats/facts.h"', "no service includes another's files"),
    ("services/gateway/forward.cc", '#include "services/cats/facts.h"', "no service includes another's files"),
    ("services/cats/facts.h", '#include "tests/helpers.h"', "nothing but tests/"),
    ("services/cats/errors.cc", 'absl::Status Away() {\n  return Refusal(kAborted, "CAT_AWAY", "It is out.");\n}',
     "does not name the reason CAT_AWAY"),
    ("services/dogs/errors.cc", 'return Refusal(StatusCode::kAborted, "CAT_AWAY", "It is out.");\n'
     'return Forbidden("CAT_AWAY", "It is out.");', "CAT_AWAY is FailedPrecondition here and Aborted in services/dogs/errors.cc"),
    ("services/dogs/errors.cc", 'return Refusal(StatusCode::kAborted, "DOG_AWAY", "").Precondition("DOG", "d", "");\n'
     'return Refusal(StatusCode::kAborted, "DOG_AWAY", "").Precondition("DAY", "d", "");',
     "the precondition of DOG_AWAY is DAY here and DOG in services/dogs/errors.cc"),
    ("services/dogs/errors.cc", 'refusal.With("dog_name", name);', "dog_name is no key"),
    ("tools/nisi/main.cc", '#include "tests/helpers.h"', "nothing but tests/"),
    ("services/cats/facts.h", '#include "tools/nisi/flags.h"', "only tools/ and tests/"),
    ("services/cats/facts.h", "#include <grpcpp/grpcpp.h>", "gRPC header"),
    ("services/cats/service.cc", "#include <grpcpp/grpcpp.h>", "gRPC header"),
    ("services/gateway/forward.cc", "#include <grpcpp/grpcpp.h>", "gRPC header"),
    ("common/http2/server.cc", "#include <grpcpp/grpcpp.h>", "gRPC header"),
    ("services/cats/rpc_cat.cc", "#  include <grpc/grpc.h>", "gRPC header"),
    ("services/cats/sub/main.cc", "#include <grpcpp/grpcpp.h>", "gRPC header"),
    ("services/dogs/service.h", '#include "nisi/dogs/v1/dogs.grpc.pb.h"', "gRPC header"),
    ("common/store/store.cc", '#include "grpcpp/grpcpp.h"', "gRPC header"),
    ("common/rpc/server.h", "#include <rocksdb/db.h>", "RocksDB header"),
    ("services/cats/service.cc", "#include <rocksdb/db.h>", "RocksDB header"),
    ("tools/nisi/main.cc", "#include <rocksdb/db.h>", "RocksDB header"),
    ("services/cats/rules.h", "#include <chrono>", "rules have no clock"),
    ("services/cats/rules_money.cc", '#include "absl/time/clock.h"', "rules have no clock"),
    ("services/cats/rules_money.cc", "const auto now = absl::Now();", "reads the clock"),
    ("services/cats/rules_money.cc", "const auto now = base::SteadyNow();", "reads the clock"),
    ("common/store/store.cc", "const auto now = absl::Now();", "the time is base::SystemNow()"),
    ("services/cats/rules.cc", '#include "common/store/store.h"', "rules know neither calls nor the store"),
    ("services/cats/rules.cc", "#include <grpcpp/grpcpp.h>", "reaches the rules"),
    ("services/cats/rules.cc", "#include <rocksdb/db.h>", "reaches the rules"),
    ("services/cats/facts.h", '#include "common/rpc/server.h"', "reaches the rules through common/rpc/server.h"),
    ("services/cats/facts.h", '#include "../dogs/service.h"', "from the root of the tree"),
    ("services/cats/facts.h", '#include "rules.h"', "from the root of the tree"),
    ("services/cats/service.cc", '#include "services/cats/rules.cc"', "a source file is not included"),
    ("proto/nisi/rpc/v1/options.proto", 'import "nisi/cats/v1/cats.proto";', "what all share knows no service"),
    ("proto/nisi/cats/v1/cats.proto", 'import "common/x.proto";', "protos import google/ and nisi/"),
    ("docs/adr.md", "", "docs: does not belong at the top level"),
    ("Makefile", "", "Makefile: does not belong at the top level"),
    ("LICENSE", None, "LICENSE: is missing"),
    ("k8s/README.md", None, "k8s: is missing"),
    ("services/dogs/README.md", None, "services/dogs: has no README.md"),
]


def write(root, name, text):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        sound = os.path.join(folder, "sound")
        for name, text in SOUND.items():
            write(sound, name, text)
        failures += [f"the sound tree: {f}" for f in check_house(sound)]
        for number, (planted, text, expected) in enumerate(PLANTED):
            root = os.path.join(folder, str(number))
            for name, sound_text in SOUND.items():
                if name == planted and text is None:
                    continue
                write(root, name, sound_text + (text + "\n" if name == planted else ""))
            if planted not in SOUND:
                write(root, planted, text + "\n")
            findings = check_house(root)
            if not any(expected in f for f in findings):
                failures.append(f"{planted} with {text!r}: expected \"{expected}\", found {findings}")
    for failure in failures:
        print(failure)
    print(f"house_test --self-test: {len(PLANTED)} violations planted, {len(failures)} failures")
    return 1 if failures else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = arguments[0] if arguments else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    findings = check_house(root)
    for finding in findings:
        print(finding)
    print(f"house_test: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
