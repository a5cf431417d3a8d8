"""A small made country (tools/country) through the command line and the gateway: every file enters whole, the map adds up,
search finds, and who may not see administrative data does not (Art. 6(3)).

usage: country_test.py <bin folder> <proto folder>
"""
import collections
import csv
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from suite import MAP, SUPPLIERS, Client, Suite  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGIONS = "10,11,15,19,23,27,31,33,35,39,43,47,55,59,61,62,63,71,75,79"
PLACES = """kato,level,type_code,name_ru,name_kk
750000000,oblast,1,г.Алматы,Алматы қ.
751100000,district,1,Алатауский район,Алатау ауданы
"""


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def take(suite, role, service, method, path, *flags):
    """One file by one role: every row enters."""
    report = suite.work / "report.csv"
    ran = subprocess.run([suite.bin / "nisi", "--address", f"127.0.0.1:{suite.port}", "--data", suite.data, "--as", role,
                          service, method, "--csv", path, "--report", report, *flags], capture_output=True, text=True)
    assert ran.returncode == 0, (path, ran.stdout, ran.stderr)
    outcomes = collections.Counter(row["outcome"] for row in rows_of(report))
    assert outcomes == {"ENTERED": len(rows_of(path))}, (path, outcomes)


def pages(client, path, request, role=None):
    """All rows of a list of projects."""
    found = []
    while True:
        answer = client.call(path, request, client.response(path), role)
        found += answer.projects
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


def check_map(client, made):
    m = client.m.map
    projects = pages(client, MAP + "ListProjects", m.ListProjectsRequest(page_size=200))
    assert len(projects) == len(rows_of(made / "projects-01.csv"))
    listed = collections.Counter(project.region for project in projects)
    summary = client.call(MAP + "Summarize", m.SummarizeRequest(group_by=["REGION"]), m.SummarizeResponse)
    assert {row.region: row.project_count for row in summary.rows} == listed
    jobs = sum(project.parameters.jobs_operation for project in projects)
    assert sum(row.jobs_plan for row in summary.rows) == jobs
    assert not any(row.HasField("administrative_data") for row in summary.rows), "sums to nobody"
    full = client.call(MAP + "Summarize", m.SummarizeRequest(reveal=True), m.SummarizeResponse,
                       "authority.industry").rows[0]
    cost = sum(int(row["cost"]) for row in rows_of(made / "projects-01.csv"))
    assert full.administrative_data.cost.units == cost, full
    assert all(project.last_report_quarter == "2026Q3" for project in projects)
    return projects


def check_confidential(client, projects):
    """The same project to its owner, a body whose duty needs it, an auditor, another entity and the public."""
    m, suite, project = client.m.map, client.suite, projects[0]
    owner = project.parameters.owner_bin
    other = next(p.parameters.owner_bin for p in projects if p.parameters.owner_bin != owner)
    client.tokens["owner"] = suite.mint("entity", subject="dev:owner", bin=owner)
    client.tokens["stranger"] = suite.mint("entity", subject="dev:stranger", bin=other)

    def seen(role, **times):
        return client.call(MAP + "GetProject", m.GetProjectRequest(name=project.name, **times),
                           client.response(MAP + "GetProject"), role)

    for role in ("owner", "authority.industry", "auditor"):
        got = seen(role)
        assert got.administrative_data.terms.cost.units > 0 and not got.HasField("withheld"), (role, got)
    for role in ("stranger", None, "customer"):
        got = seen(role)
        assert not got.HasField("administrative_data"), (role, got)
        assert list(got.withheld.fields) == ["administrative_data"] and got.withheld.legal_basis.article, got

    disclosure, to = client.m.disclosure, [("nisi-service", "industry-map")]
    service = "/nisi.disclosure.v1.DisclosureService/"
    accesses = client.call(service + "ListAccesses", disclosure.ListAccessesRequest(filter=f'owner_bin = "{owner}"'),
                           disclosure.ListAccessesResponse, "owner", extra=to).accesses
    assert len(accesses) == 2, accesses  # the authority's look and the auditor's; nobody else saw anything


def check_search(client, suppliers):
    m = client.m.suppliers
    answer = client.call(SUPPLIERS + "SearchOffers", m.SearchOffersRequest(query="насосы", domestic_only=True, page_size=200),
                         m.SearchOffersResponse)
    assert answer.results and answer.total_count >= len(answer.results), answer
    assert all("насос" in result.offer.name_ru and result.in_country_value_bp > 0 for result in answer.results)
    bins = {row["bin"] for row in suppliers}
    assert {result.offer.bin for result in answer.results} <= bins


def main():
    bin_folder, proto_folder = sys.argv[1:3]
    with Suite(bin_folder, proto_folder, "embedded") as suite:
        client, made = Client(suite), suite.work / "country"
        twice = []
        for folder in (made, suite.work / "again"):
            subprocess.run([ROOT / "tools" / "country", folder, "--scale", "0.01"], check=True, stdout=subprocess.DEVNULL)
            twice.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert twice[0] == twice[1], "another country from the same seed"

        for part in sorted(made.glob("suppliers-*.csv")):
            take(suite, "institute.local_content", "suppliers", "import-suppliers", part)
        for part in sorted(made.glob("evidence-*.csv")):
            take(suite, "institute.local_content", "suppliers", "import-evidence", part, "--all-or-none")
        for part in sorted(made.glob("offers-*.csv")):
            take(suite, "institute.local_content", "suppliers", "import-offers", part)
        take(suite, "authority.industry", "industry-map", "import-projects", made / "projects-01.csv", "--act-number", "1",
             "--act-date", "2024-10-01")
        for reports in sorted(made.glob("reports-*.csv")):
            body = reports.stem.removeprefix("reports-")
            who = ("akimat", ["--region", REGIONS]) if body == "akimats" else ("holding", ["--bin", body])
            take(suite, who[0], "industry-map", "import-reports", reports, *who[1])
        for part in sorted(made.glob("clusters-*.csv")):
            take(suite, "institute.industry", "clusters", "import-clusters", part)
        places = suite.work / "places.csv"
        places.write_text(PLACES, encoding="utf-8")
        take(suite, "institute.industry", "industry-map", "import-places", places, "--classifier", "KATO", "--effective-date",
             "2025-01-01")

        projects = check_map(client, made)
        check_confidential(client, projects)
        check_search(client, rows_of(made / "suppliers-01.csv"))
        print(f"country: {len(projects)} projects; every row entered, the map adds up, search finds, nothing leaks")


if __name__ == "__main__":
    main()
