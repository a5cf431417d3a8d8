"""Checks of the tree that need no compiler, called by tools/check.

check_files.py [--fix]              checks; prints path:line: what is wrong; exit code 1 when something is
check_files.py --list SUFFIX...     prints our files that end so, separated by NUL
check_files.py --list --shell       the same for shell scripts
"""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_BYTES = 1 << 20
# Written so that this file does not contain them.
BANNED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
# The words of others, kept as they came.
VERBATIM = {"LICENSE"}
SKIPPED_DIRS = {".git", ".build", ".run", "node_modules", "__pycache__"}


def our_files():
    """Paths of the tree, relative to ROOT, without what .gitignore names."""
    if os.path.exists(os.path.join(ROOT, ".git")):
        git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"],
                             capture_output=True, check=False)
        if git.returncode == 0:
            names = sorted(set(git.stdout.decode().split("\0")) - {""})
            return [n for n in names if os.path.isfile(os.path.join(ROOT, n))]
    found = []
    for folder, dirs, names in os.walk(ROOT):
        dirs[:] = [d for d in dirs if d not in SKIPPED_DIRS]
        found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names]
    return sorted(found)


def is_shell(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        first = file.readline(100)
    return path.endswith(".sh") or (first.startswith(b"#!") and b"sh" in first.split(b"/")[-1])


def check_text(path, data, fix):
    """Findings of one text file; rewrites what is only white space when `fix`."""
    findings = []
    text = data.decode("utf-8")
    if fix and path not in VERBATIM:
        clean = "".join(line.rstrip() + "\n" for line in text.splitlines()).rstrip("\n") + "\n"
        if clean != text and text:
            with open(os.path.join(ROOT, path), "w", encoding="utf-8", newline="") as file:
                file.write(clean)
            text = clean
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}: "
        if line != line.rstrip() and path not in VERBATIM:
            findings.append(where + "white space at the end of the line")
        if BANNED.search(line):
            findings.append(where + "a note to self: do it or write an issue")
        if re.match(r"<{7} |>{7} |={7}$", line):
            findings.append(where + "a merge conflict")
    if text and not text.endswith("\n"):
        findings.append(f"{path}: no line feed at the end")
    return findings


def block_after(text, brace):
    """The text between the brace at `brace` and its match. Braces in strings do not occur in our protos."""
    depth = 0
    for i in range(brace, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[brace + 1:i]
    return text[brace + 1:]


def blank_comments(text):
    return re.sub(r"//[^\n]*", lambda m: " " * len(m.group()), text)


def check_proto(path, text):
    """Every service names its owner; every method has a policy and a comment that begins with a verb."""
    findings = []
    lines = text.split("\n")
    code = blank_comments(text)
    for service in re.finditer(r"\bservice\s+(\w+)\s*\{", code):
        line = code.count("\n", 0, service.start()) + 1
        body = block_after(code, service.end() - 1)
        if "(nisi.rpc.v1.service)" not in body:
            findings.append(f"{path}:{line}: service {service.group(1)} has no option (nisi.rpc.v1.service)")
        for rpc in re.finditer(r"\brpc\s+(\w+)\s*\([^)]*\)\s*returns\s*\([^)]*\)\s*([;{])", body):
            at = service.end() + rpc.start()
            line = code.count("\n", 0, at) + 1
            options = block_after(body, rpc.end() - 1) if rpc.group(2) == "{" else ""
            if "(nisi.rpc.v1.policy)" not in options:
                findings.append(f"{path}:{line}: rpc {rpc.group(1)} has no option (nisi.rpc.v1.policy)")
            if path.startswith("proto/nisi/testing/"):
                continue
            first = line - 1  # index of the line of the rpc; go up to the first line of its comment
            while first > 0 and lines[first - 1].strip().startswith("//"):
                first -= 1
            comment = lines[first].strip() if first < line - 1 else ""
            if not re.match(r"// [A-Z][a-z]+s\b", comment):
                findings.append(f"{path}:{line}: rpc {rpc.group(1)} needs a comment that begins with what it does, "
                                "as \"Returns ...\"")
    return findings


def check(fix):
    findings = []
    for path in our_files():
        full = os.path.join(ROOT, path)
        size = os.path.getsize(full)
        if size >= MAX_BYTES:
            findings.append(f"{path}: {size} bytes; no file reaches 1 MiB")
            continue
        with open(full, "rb") as file:
            data = file.read()
        if b"\0" in data:
            continue
        try:
            findings += check_text(path, data, fix)
        except UnicodeDecodeError:
            findings.append(f"{path}: not UTF-8")
            continue
        if path.startswith("proto/nisi/") and path.endswith(".proto"):
            findings += check_proto(path, data.decode("utf-8"))
    return findings


def main(arguments):
    if arguments[:1] == ["--list"]:
        suffixes = tuple(a for a in arguments[1:] if a != "--shell")
        shell = "--shell" in arguments
        for path in our_files():
            if (suffixes and path.endswith(suffixes)) or (shell and is_shell(path)):
                sys.stdout.write(path + "\0")
        return 0
    if arguments not in ([], ["--fix"]):
        sys.stderr.write(__doc__)
        return 2
    findings = check(fix=bool(arguments))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
