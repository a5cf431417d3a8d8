"""The table of planted mistakes and the code agree, and no program that is shipped has any of them.

table_test.py BIN   the folder of the shipped programs
"""

import csv
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACE = re.compile(r'\bPlanted\("([^"]*)"\)')


def places():
    """Names of mistakes in the code, each with the files it is in."""
    found = {}
    for top in ("common", "services", "tools"):
        for folder, _, files in os.walk(os.path.join(ROOT, top)):
            for file in files:
                if not file.endswith((".h", ".cc")):
                    continue
                path = os.path.join(folder, file)
                with open(path, encoding="utf-8") as text:
                    for name in PLACE.findall(text.read()):
                        found.setdefault(name, set()).add(os.path.relpath(path, ROOT))
    return found


def check(folder):
    with open(os.path.join(ROOT, "tests", "planted", "mistakes.csv"), encoding="utf-8", newline="") as file:
        named = {row["name"] for row in csv.DictReader(file)}
    planted = places()
    findings = [f"{name}: in mistakes.csv, but nowhere in the code" for name in sorted(named - set(planted))]
    findings += [f"{name}: in {', '.join(planted[name])}, but not in mistakes.csv"
                 for name in sorted(set(planted) - named)]
    findings += [f"{name}: planted in {', '.join(sorted(files))}: a mistake is in one file"
                 for name, files in planted.items() if len(files) != 1]
    programs = sorted(os.listdir(folder))
    if not programs:
        findings.append(f"no program in {folder}")
    for program in programs:
        with open(os.path.join(folder, program), "rb") as file:
            content = file.read()
        findings += [f"{program} holds {text}" for text in ("NISI_PLANT", *sorted(named)) if text.encode() in content]
    return len(named), len(programs), findings


def main(arguments):
    if len(arguments) != 1:
        print(__doc__)
        return 2
    names, programs, findings = check(arguments[0])
    for finding in findings:
        print(finding)
    print(f"planted_table: {names} mistakes, {programs} programs, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
