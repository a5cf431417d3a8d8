"""tools/run refuses a file that can be no list of goods before it installs, builds or starts anything, and says why.

run_goods_test.py

The script itself runs, beside a tools/build that only tells that it was reached.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "services/priority_goods/testdata/sample_goods.csv"
REACHED = 86
ROW = "850423,машины,HIGH\n"
GOOD = {
    "the sample": SAMPLE.read_bytes(),
    "the other name of the code": ("goods_code,sector,processing_level\n" + ROW).encode(),
    "as spreadsheets write it": ("\ufeff" + '"hs_code";"note";"sector";"processing_level"\r\n' + ROW).encode(),
    "more than a pipe holds": ("hs_code,sector,processing_level\n" + ROW * 20_000).encode(),
    "without a last line end": ("processing_level,sector,hs_code\n" + ROW.strip()).encode(),
}
BAD = {
    "empty": (b"", "is empty"),
    "text": ("Перечень товаров\n".encode(), "is no CSV of goods"),
    "another table": (b"bin,name\n940140000385,x\n", "and is: bin,name"),
    "no column of the sector": (b"hs_code,processing_level\n850423,HIGH\n", "is no CSV of goods"),
    "a name that only begins so": (b"hs_codes,sector,processing_level\n850423,x,HIGH\n", "is no CSV of goods"),
    "rows without a heading": (ROW.encode(), "is no CSV of goods"),
    "a workbook": (b"PK\x03\x04\x14\0\x06\0\x08\0" + os.urandom(20_000), "is no CSV of goods"),
    "UTF-16": (("hs_code,sector,processing_level\n" + ROW).encode("utf-16"), "is no CSV of goods"),
    "a heading alone": (b"hs_code,sector,processing_level\n", "has no rows"),
    "a heading and blank lines": (b"hs_code,sector,processing_level\r\n\r\n  \n", "has no rows"),
}


def main():
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        (tree / "tools").mkdir()
        shutil.copy(ROOT / "tools/run", tree / "tools/run")
        (tree / "tools/build").write_text(f"#!/bin/sh\nexit {REACHED}\n")
        (tree / "tools/build").chmod(0o755)

        def run(*arguments):
            return subprocess.run([tree / "tools/run", *arguments], cwd=tree, capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, errors="replace")

        def refused(what, said, *arguments):
            ran = run(*arguments)
            if ran.returncode != 2 or ran.stdout or said not in ran.stderr or len(ran.stderr.splitlines()) != 1:
                findings.append(f"{what}: {ran}")

        for what, content in GOOD.items():
            (tree / "goods.csv").write_bytes(content)
            for name in ("goods.csv", str(tree / "goods.csv")):
                ran = run(name)
                if ran.returncode != REACHED or ran.stderr:
                    findings.append(f"{what}: {ran}")
        for what, (content, said) in BAD.items():
            (tree / "goods.csv").write_bytes(content)
            refused(what, said, "goods.csv")
        refused("absent", "goods-2.csv is not there", "goods-2.csv")
        refused("a folder", "is no file", "tools")
        refused("an option that there is not", "does not know --fresch", "--fresch")
    for finding in findings:
        print(finding)
    print(f"run_goods_test: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
