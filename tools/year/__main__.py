"""Plays a year of the registers through the gateway, as the people of the law live it, and tells what happens. Ends with
an error at the first thing that is not as the law says. In registers that have lived already it plays what can be played
again: another edition of the list of priority goods.

usage: python3 tools/year --address HOST:PORT --data DIR --clock FILE --scratch DIR [--goods FILE] [--tls-ca FILE]
"""
import argparse
import datetime
import json
import os
import pathlib
import sys
import time

sys.dont_write_bytecode = True
import registers  # noqa: E402
import summary  # noqa: E402
import year  # noqa: E402
from stage import LEGAL_ZONE, Refused, Stage, Wrong  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def played(stage, args):
    """The year, or what can be played again; then what is there."""
    marker, began = args.scratch / "year.json", time.monotonic()
    head = stage.head("priority-goods")
    if head.tree_size == 0 and not marker.exists():
        year.play(stage, args.goods, args.scratch)
        marker.write_text(json.dumps(summary.kept(stage), indent=2))
        spent = sum(os.times()[:4])
        stage.out.write(f"\n\033[1mThe year is over\033[0m: {stage.calls} calls in {time.monotonic() - began:.0f} s, "
                        f"{spent:.1f} s of the processor on this side.\n")
    else:
        stage.salt = f"again after {head.tree_size}"
        stage.today = datetime.datetime.fromtimestamp(head.sign_time.seconds, LEGAL_ZONE).date()
        year.again(stage, args.goods, args.scratch)
        if not marker.exists():
            stage.out.write("\nThese registers have lived, but not through the year: tools/run --fresh plays it.\n")
            return
    stage.out.write("\n\033[1mWhat exists now\033[0m\n")
    summary.told(stage, json.loads(marker.read_text()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release/bin")
    parser.add_argument("--address", default="127.0.0.1:7400")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the data folder of the suite, for its keys")
    parser.add_argument("--clock", type=pathlib.Path, required=True, help="the clock file of the suite")
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="where files of the play go")
    parser.add_argument("--goods", type=pathlib.Path, default=ROOT / "services/priority_goods/testdata/sample_goods.csv")
    parser.add_argument("--tls-ca", type=pathlib.Path)
    parser.add_argument("--state", type=pathlib.Path, help="a file for all that the registers then hold")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    stage = Stage(ROOT, args.bin, args.data, args.clock, args.address, sys.stdout, args.tls_ca)
    try:
        played(stage, args)
    except (Wrong, Refused, AssertionError) as error:
        sys.stdout.flush()
        print(f"\nFAILED on {stage.today}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    if args.state:
        args.state.write_text("".join(line + "\n" for line in registers.state(stage)), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
