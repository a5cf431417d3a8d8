"""What promtool does not look at: whether metrics keep to our conventions.

lint.py < SCRAPE    prints what does not; exit code 1 when something does not
"""
import re
import sys

# Base units, and what counts things. A gauge whose name ends otherwise counts what its name says.
UNITS = ("seconds", "bytes", "ratio", "tenge")
NOT_BASE = ("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "mib",
            "percent", "tiyn", "ms", "us", "kb", "mb")
PREFIXES = ("nisi_", "grpc_server_", "grpc_client_", "process_")
# Each has few values, known before anybody calls. No label names a record, a caller or an address.
LABELS = {"process": 16, "peer": 16, "grpc_service": 40, "grpc_method": 400, "grpc_type": 4, "grpc_code": 17, "le": 32,
          "role": 16, "overdue": 2, "bucket": 4, "certificate": 2,
          "kind": 2, "rank": 3}
# The library's own: not to be switched off, dropped by deploy/prometheus/prometheus.yaml.
FOREIGN = "exposer_"
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')


def family_of(name, types):
    """The family that a sample is of."""
    for suffix in ("_bucket", "_sum", "_count"):
        base = name.removesuffix(suffix)
        if base != name and types.get(base) in ("histogram", "summary"):
            return base
    return name


def names(text):
    """Of all families but the library's."""
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")} - {
        line.split()[2] for line in text.splitlines() if line.startswith(f"# TYPE {FOREIGN}")}


def wrong_with_name(name, kind, text_of_help):
    words = name.split("_")
    if not name.startswith(PREFIXES):
        yield "no prefix of ours"
    if not text_of_help or not text_of_help.endswith("."):
        yield "no help, or not a sentence"
    if (kind == "counter") != name.endswith("_total"):
        yield "counters, and they alone, end in _total"
    if any(word in NOT_BASE for word in words):
        yield "not a base unit"
    # The unit stands at the end, before _total; process_max_fds and process_open_fds are named so everywhere.
    for unit in UNITS:
        if unit in words and words[-2 if kind == "counter" else -1] != unit:
            yield f"{unit} does not stand at the end"
    if "timestamp" in words and words[-2:] != ["timestamp", "seconds"]:
        yield "a time ends in _timestamp_seconds"
    if kind not in ("counter", "gauge", "histogram"):
        yield f"a {kind}"


def findings(text):
    """One line for each thing that is wrong in a scrape."""
    helps, types, seen, values, found = {}, {}, set(), {}, []
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            _, what, name, rest = line.split(" ", 3) if line.count(" ") > 2 else [*line.split(" "), ""]
            where = helps if what == "HELP" else types
            if name in where:
                found.append(f"{name}: {what} twice")
            where[name] = rest
            continue
        sample = SAMPLE.match(line)
        if not sample:
            if line:
                found.append(f"not a sample: {line}")
            continue
        name, labels, _ = sample.groups()
        if name.startswith(FOREIGN):
            continue
        if (name, labels) in seen:
            found.append(f"{name}{{{labels}}}: twice")
        seen.add((name, labels))
        family = family_of(name, types)
        if family not in types:
            found.append(f"{name}: no TYPE")
        pairs = LABEL.findall(labels or "")
        if "process" not in dict(pairs):
            found.append(f"{name}: no label process")
        for label, value in pairs:
            values.setdefault((family, label), set()).add(value)
    for (family, label), of in values.items():
        if label not in LABELS:
            found.append(f"{family}: the label {label} is not one of ours")
        elif len(of) > LABELS[label]:
            found.append(f"{family}: {len(of)} values of {label}")
    for name, kind in types.items():
        if not name.startswith(FOREIGN):
            found += [f"{name}: {what}" for what in wrong_with_name(name, kind, helps.get(name, ""))]
    return found


if __name__ == "__main__":
    wrong = findings(sys.stdin.read())
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)
