"""Plays a year of the registers through the gateway, as the people of the law live it, and tells what happens. Ends with
an error at the first thing that is not as the law says.

usage: python3 tools/year --address HOST:PORT --data DIR --clock FILE --scratch DIR [--goods FILE] [--tls-ca FILE]
"""
import argparse
import pathlib
import sys
import time

sys.dont_write_bytecode = True
import year  # noqa: E402
from stage import Refused, Stage, Wrong  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release/bin")
    parser.add_argument("--address", default="127.0.0.1:7400")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the data folder of the suite, for its keys")
    parser.add_argument("--clock", type=pathlib.Path, required=True, help="the clock file of the suite")
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="where files of the play go")
    parser.add_argument("--goods", type=pathlib.Path, default=ROOT / "services/priority_goods/testdata/sample_goods.csv")
    parser.add_argument("--tls-ca", type=pathlib.Path)
    args = parser.parse_args()
    stage = Stage(ROOT, args.bin, args.data, args.clock, args.address, sys.stdout, args.tls_ca)
    began = time.monotonic()
    try:
        year.play(stage, args.goods, args.scratch)
    except (Wrong, Refused, AssertionError) as error:
        sys.stdout.flush()
        print(f"\nFAILED on {stage.today}: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    stage.say(f"{stage.calls} calls in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
