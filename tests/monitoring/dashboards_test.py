"""The dashboards of deploy/grafana as far as it can be said without Grafana, which no package of Debian has: they are those
that make.py makes; by the types that Grafana publishes they have no field and no value that it does not know; panels do not
lie on each other; units, variables and data sources exist. First mistakes are planted that must be found. That each query
returns data is monitoring_test.py's.

dashboards_test.py PACKAGES     the folder that the packages of tests/k8s are installed into
"""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DASHBOARDS = HERE.parent.parent / "deploy" / "grafana"
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent / "clients"), str(DASHBOARDS)]

import make  # noqa: E402
import packages  # noqa: E402

# Of those that Grafana 13.2 has (valueFormats of @grafana/data): it takes any other word for one that stands behind the
# number. What begins with "currency:" has its sign after it.
UNITS = {"none", "short", "percentunit", "s", "bytes", "Bps", "reqps", "currency:₸"}
BUILT_IN = {"__rate_interval"}


def findings(board):
    """One line for each thing that Grafana would show wrongly, of a board that has the right fields."""
    variables, numbers, taken = {variable["name"]: variable for variable in board["templating"]["list"]}, set(), set()
    if not board["uid"].startswith("nisi-"):
        yield "a uid that is not ours"
    sources = [name for name, variable in variables.items() if variable["type"] == "datasource"]
    if len(variables) != len(board["templating"]["list"]):
        yield "a variable twice"
    for variable in variables.values():
        if variable["type"] == "query" and variable["datasource"]["uid"] not in {f"${{{name}}}" for name in sources}:
            yield f"{variable['name']}: a data source that cannot be chosen"
    used = set()
    for panel in board["panels"]:
        title, place = panel["title"], panel["gridPos"]
        if not title:
            yield "a panel without a title"
        if panel["id"] in numbers:
            yield f"{title}: an id twice"
        numbers.add(panel["id"])
        if place["x"] < 0 or place["w"] < 1 or place["h"] < 1 or place["x"] + place["w"] > 24:
            yield f"{title}: outside of the board"
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        if cells & taken:
            yield f"{title}: lies on another"
        taken |= cells
        if panel["fieldConfig"]["defaults"]["unit"] not in UNITS:
            yield f"{title}: a unit that is none"
        if not panel["targets"] or len({target["refId"] for target in panel["targets"]}) != len(panel["targets"]):
            yield f"{title}: no query, or two of one name"
        for where in (panel, *panel["targets"]):
            if where["datasource"]["uid"] not in {f"${{{name}}}" for name in sources}:
                yield f"{title}: a data source that cannot be chosen"
        for target in panel["targets"]:
            used |= set(re.findall(r"\$\{?(\w+)", target["expr"])) - BUILT_IN
    if used - variables.keys():
        yield f"no such variables: {used - variables.keys()}"
    if variables.keys() - used - set(sources):
        yield f"variables that no query asks for: {variables.keys() - used - set(sources)}"


def wrong_types(boards, folder):
    """What Grafana's own types say, a line a finding."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(boards, file)
        file.flush()
        done = subprocess.run(["node", HERE / "dashboard_types.mjs", file.name], check=False, capture_output=True, text=True,
                              env={**os.environ, "NISI_PACKAGES": str(folder)})
    assert done.returncode == (1 if done.stdout else 0), done.stderr
    return done.stdout.splitlines()


# (where, value, what is found); None takes it out.
WRONG_TYPES = [
    (("panels", 0, "type"), "singlestat", "singlestat"),
    (("panels", 0, "gridPos", "width"), 6, "width"),
    (("panels", 0, "fieldConfig", "defaults", "thresholds", "mode"), "relative", "relative"),
    (("panels", 5, "fieldConfig", "defaults", "custom", "showPoints"), "sometimes", "sometimes"),
    (("panels", 5, "fieldConfig", "defaults", "custom", "stacked"), True, "stacked"),
    (("panels", 5, "targets", 0, "expression"), "up", "expression"),
    (("templating", "list", 1, "type"), "label", "label"),
    (("templating", "list", 1, "refresh"), 7, "7"),
    (("links", 0, "tooltip"), None, "tooltip"),
    (("schemaVersion",), "39", "string"),
]
WRONG = [
    (("panels", 1, "gridPos", "x"), 0, "lies on another"),
    (("panels", 1, "gridPos", "x"), 20, "outside of the board"),
    (("panels", 1, "id"), 1, "an id twice"),
    (("panels", 1, "fieldConfig", "defaults", "unit"), "currencyKZT", "a unit that is none"),
    (("panels", 1, "datasource", "uid"), "prometheus", "a data source that cannot be chosen"),
    (("panels", 5, "targets", 0, "expr"), "up{job=~\"$job\"}", "no such variables"),
    (("templating", "list", 1, "name"), "process", "no such variables"),
    (("templating", "list", 1, "datasource", "uid"), "${source}", "a data source that cannot be chosen"),
]


def mistaken(board, where, value):
    board = copy.deepcopy(board)
    at = board
    for step in where[:-1]:
        at = at[step]
    if value is None:
        del at[where[-1]]
    else:
        at[where[-1]] = value
    return board


def main(folder):
    boards = []
    for name in make.DASHBOARDS:
        assert (DASHBOARDS / f"{name}.json").read_text() == make.text(name), f"{name}.json: run deploy/grafana/make.py"
        boards.append(json.loads(make.text(name)))
    assert {path.stem for path in DASHBOARDS.glob("*.json")} == set(make.DASHBOARDS), "a dashboard that nobody makes"
    assert len({board["uid"] for board in boards}) == len(boards), "a uid twice"
    failures = [f"{board['uid']}: {finding}" for board in boards for finding in findings(board)]
    for where, value, found in WRONG:
        said = list(findings(mistaken(boards[0], where, value)))
        failures += [] if any(found in line for line in said) else [f"planted {where} = {value!r}, and not found: {said}"]
    folder = pathlib.Path(folder).resolve()
    with packages.ready(folder, HERE.parent / "k8s"):
        planted = [{**mistaken(boards[0], where, value), "uid": f"planted-{i}"} for i, (where, value, _) in enumerate(WRONG_TYPES)]
        said = wrong_types([*boards, *planted], folder)
    failures += [line for line in said if not line.startswith("planted-")]
    for i, (where, value, found) in enumerate(WRONG_TYPES):
        of = [line for line in said if line.startswith(f"planted-{i}: ")]
        failures += [] if any(found in line for line in of) else [f"planted {where} = {value!r}, and not found: {of}"]
    for failure in failures:
        print(failure)
    panels = sum(len(board["panels"]) for board in boards)
    print(f"dashboards: {len(boards)} with {panels} panels, {len(WRONG + WRONG_TYPES)} mistakes planted, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
