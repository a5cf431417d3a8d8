"""The sample of goods codes that tools and tests import is what they count on.

sample_goods_test.py [FILE]   by default services/priority_goods/testdata/sample_goods.csv
"""

import collections
import csv
import os
import re
import sys

COLUMNS = ["hs_code", "name_kk", "name_ru", "name_en", "sector", "processing_level"]
LEVELS = {"LOW", "MEDIUM", "HIGH"}
KAZAKH_ONLY = set("әғқңөұүһіӘҒҚҢӨҰҮҺІ")


def check(path):
    """What is wrong with the file, a line each."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        if reader.fieldnames != COLUMNS:
            return [f"columns are {reader.fieldnames}"]
    findings = []
    for number, row in enumerate(rows, 2):
        code = row["hs_code"]
        if not re.fullmatch(r"\d{4}|\d{6}|\d{8}|\d{10}", code) or code[:2] in ("00", "77"):
            findings.append(f"line {number}: {code} is no goods code")
        if row["processing_level"] not in LEVELS:
            findings.append(f"line {number}: level {row['processing_level']}")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", row["sector"]):
            findings.append(f"line {number}: sector {row['sector']}")
        if not re.search("[А-яЁё]", row["name_ru"]) or not row["name_en"].isascii() or not row["name_en"]:
            findings.append(f"line {number}: names in Russian and English are required")
        if any(row[c] != row[c].strip() or len(row[c]) > 300 for c in COLUMNS):
            findings.append(f"line {number}: white space around a value, or over 300 characters")
        if KAZAKH_ONLY & set(row["name_ru"]):
            findings.append(f"line {number}: the Russian name has Kazakh letters")
    codes = [row["hs_code"] for row in rows]
    # Sorted, a code stands right before those it covers.
    for a, b in zip(sorted(codes), sorted(codes)[1:]):
        if b.startswith(a):
            findings.append(f"{a} covers {b}")
    if codes != sorted(codes):
        findings.append("rows are not in order of code")
    levels = collections.Counter(row["processing_level"] for row in rows)
    lengths = collections.Counter(len(code) for code in codes)
    kazakh = sum(1 for row in rows if KAZAKH_ONLY & set(row["name_kk"]))
    for what, have, least in [("rows", len(rows), 220), ("with a Kazakh name", kazakh, 60),
                              *((level, levels[level], 50) for level in sorted(LEVELS)),
                              *((f"of {n} digits", lengths[n], 15) for n in (4, 6, 8, 10))]:
        if have < least:
            findings.append(f"{what}: {have}, at least {least} wanted")
    if "850423" not in codes:
        findings.append("850423, the code of the examples, is missing")
    return findings


def main(arguments):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = arguments[0] if arguments else os.path.join(root, "services/priority_goods/testdata/sample_goods.csv")
    findings = check(path)
    for finding in findings:
        print(finding)
    print(f"sample_goods_test: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
