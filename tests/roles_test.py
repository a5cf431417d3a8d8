"""Who may call what: the table of every method by every role, and every cell of it tested both ways.

usage: roles_test.py <bin folder> <proto folder> [--update]

The table is what `nisi roles` prints; it must equal golden/roles.md and what the protos say when read here, by other
code. Then every method is called by every role, by nobody signed in and by a caller of two roles: through the gateway
to the service; straight at the service, which shows its check without the gateway's; and at a gateway whose service is
away, which shows the gateway's without the service's.
"""
import concurrent.futures
import difflib
import os
import pathlib
import re
import subprocess
import sys

import grpc

sys.dont_write_bytecode = True
from suite import MAP, SUPPLIERS, Client, Refused, Suite, path_of, uid  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "golden" / "roles.md"
NOBODY, TWO = "nobody", "institute.industry+auditor"
DENIED = {True: ("PERMISSION_DENIED", "ACCESS_DENIED"), False: ("UNAUTHENTICATED", "IDENTITY_REQUIRED")}


def kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def role_names(suite):
    """All roles as they are written, in the order of the proto."""
    roles = suite.messages.options.Role.DESCRIPTOR.values
    return {role.number: role.name.lower().replace("_", ".", 1) for role in roles if role.number > 0}


def admitted(suite, method):
    """The roles that a method's policy admits; PUBLIC admits everybody."""
    names = role_names(suite)
    roles = {names[number] for number in suite.policy(method).roles}
    assert roles, f"{method.full_name} admits nobody"
    return set(names.values()) if "public" in roles else roles


# The table.

def table_of_protos(suite):
    """{method as `nisi` names it: roles that may call}."""
    table = {}
    for method in suite.methods():
        service = method.containing_service
        owner = service.GetOptions().Extensions[suite.messages.options.service].owner
        name = owner or kebab(service.name[:-len("Service")])
        table[f"{name} {kebab(method.name)}"] = admitted(suite, method)
    return table


def read_markdown(text):
    """The columns, and {row: columns that say yes}."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines()]
    columns, rows = lines[0], lines[2:]
    for row in rows:
        assert len(row) == len(columns) and set(row[1:]) <= {"yes", ""}, row
    assert len({row[0] for row in rows}) == len(rows), "a method stands in the table twice"
    return columns, {row[0]: {c for c, cell in zip(columns[1:], row[1:]) if cell == "yes"} for row in rows}


def changes(before, after):
    """What differs between two tables, in words: a diff of wide rows does not say which column it is."""
    for method in sorted(before.keys() | after.keys()):
        if method not in after or method not in before:
            yield f"{method}: {'is gone' if method in before else 'is new'}"
            continue
        for role in sorted(before[method] ^ after[method]):
            yield f"{method}: {role} {'may no longer' if role in before[method] else 'may now'} call it"


def check_table(suite, update):
    printed = subprocess.run([suite.bin / "nisi", "roles", "--format", "markdown"], check=True, capture_output=True,
                             text=True).stdout
    columns, table = read_markdown(printed)
    assert columns == ["method", *role_names(suite).values()], columns
    of_protos = table_of_protos(suite)
    assert table == of_protos, "\n".join(["`nisi roles` is not what the protos say:", *changes(of_protos, table)])
    if update:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(printed)
    golden = GOLDEN.read_text() if GOLDEN.exists() else ""
    if golden != printed:
        sys.stdout.writelines(difflib.unified_diff(golden.splitlines(True), printed.splitlines(True), "golden/roles.md",
                                                   "nisi roles"))
        if golden:
            print("\n".join(changes(read_markdown(golden)[1], table)))
        print(f"If the change is meant: {os.path.relpath(__file__)} {sys.argv[1]} {sys.argv[2]} --update")
        raise AssertionError("the table of roles has changed")
    return len(table) * (len(columns) - 1)


# Every cell of it, over a running system.

def publish_an_edition(client):
    """So that every watch has something to show at once to everybody who may watch."""
    institute, authority, today = "institute.industry", "authority.industry", client.date(client.suite.today())
    edition = client.goods("CreateEdition", institute, edition={"title_ru": "Перечень"})
    entry = {"goods_code": "850423", "name_ru": "Трансформаторы", "sector": "machinery", "processing_level": "HIGH"}
    client.goods("CreateEntry", institute, parent=edition.name, entry=entry)
    submitted = client.goods("SubmitEdition", institute, name=edition.name)
    client.goods("ApproveEdition", authority, name=edition.name, etag=submitted.etag, order_number="1",
                 order_date=today, effective_from=today)


def publish_a_supplier(client):
    """The same for the watches of suppliers and demands."""
    kind, today = client.m.suppliers.ImportSuppliersRequest, client.date(client.suite.today())
    row = {"bin": "210440000017", "name_ru": "Завод", "kato": "751110000", "oked": "28.14", "activities": "PRODUCER",
           "phone": "+77172000000"}
    header = kind(header={"request_id": uid(), "row_count": 1})
    report = client.send(SUPPLIERS + "ImportSuppliers", [header, kind(rows={"rows": [row]})],
                         client.m.imports.ImportReport, "institute.local_content")
    assert report.committed, report
    demand = {"item_id": "1", "kind": "GOOD", "ens_tru": "281413.900.000001", "name_ru": "Клапаны", "unit": "pcs",
              "quantity": "1", "first_year": today.year, "years": 1}
    client.suppliers("PublishDemands", "authority.industry", name="publications/1", cycle=today.year, order_number="1",
                     order_date=today, demands=[demand])


def import_a_project(client):
    """The same for the watch of the map."""
    rows, today = client.m.map.ImportProjectsRequest, client.date(client.suite.today())
    header = rows(header=rows.Header(request_id=uid(), row_count=1, act_number="1", act_date=today))
    row = rows.Row(title_ru="Завод", kato="391010000", owner_bin="990340000014", responsible_body_kind="AKIMAT",
                   responsible_body_bin="050640000056")
    report = client.send(MAP + "ImportProjects", [header, rows(rows=rows.Rows(rows=[row]))],
                         client.m.imports.ImportReport, "authority.industry")
    assert report.committed, report


def enter_a_cluster(client):
    """A registered cluster, for the same."""
    row = dict(row_number=1, register_number="1", order_number="1", order_date="2026-01-15", title_ru="Кластер",
               cluster_organization="990140000007", region="110000000", oked="28.30", level="MATURE",
               member_bin="990140000007", member_title="Завод", member_roles="MANUFACTURER",
               member_region="110000000", member_from="2026-01-15")
    request = client.m.clusters.ImportClustersRequest
    client.send("/nisi.clusters.v1.ClustersService/ImportClusters",
                [request(header=dict(request_id=uid(), row_count=1)), request(rows=dict(rows=[row]))],
                client.m.imports.ImportReport, "institute.industry")


def request_of(method):
    """An empty request, so that nothing but the role can be right about it; a watch from the first position on."""
    request = method.input_type._concrete_class()
    if method.server_streaming and "start_position" in method.input_type.fields_by_name:
        request.start_position = 1
    return request


def answer_when_allowed(suite, method):
    """What the function behind the check says to that request. One answer a method, so that no accident (a backend
    away, a method that nobody bound) passes for being let in."""
    if method.client_streaming:
        return ("INVALID_ARGUMENT", "IMPORT_ORDER")
    if method.input_type.GetOptions().Extensions[suite.messages.options.form].any_of:
        return ("INVALID_ARGUMENT", "INVALID_FIELD")
    for field in method.input_type.fields:
        rule = field.GetOptions().Extensions[suite.messages.options.field]
        if rule.required or rule.min_items > 0:
            return ("INVALID_ARGUMENT", "INVALID_FIELD")
    return ("OK", "")


def answer(client, method, metadata):
    """Code and reason of one call; a stream is asked for its first message."""
    path, request = path_of(method), request_of(method)
    encode, decode = type(request).SerializeToString, method.output_type._concrete_class.FromString
    connection, how = client.connection, {"metadata": metadata, "timeout": 20}
    try:
        if method.client_streaming:
            connection.stream_unary(path, encode, decode)(iter([request]), **how)
        elif method.server_streaming:
            call = connection.unary_stream(path, encode, decode)(request, **how)
            next(call)
            call.cancel()
        else:
            connection.unary_unary(path, encode, decode)(request, **how)
    except grpc.RpcError as error:
        refusal = Refused(error, client.m)
        return (refusal.code.name, refusal.reason)
    return ("OK", "")


def callers(suite):
    """{caller: roles}, with a token for each that has one."""
    found = {role: {role} for role in role_names(suite).values()}
    found[TWO] = set(TWO.split("+"))
    found[NOBODY] = set()
    tokens = {caller: suite.token(caller) for caller in role_names(suite).values()}
    # A token of two roles is worth what each of them is; `nisi token` makes tokens of one.
    tokens[TWO] = suite.mint(*sorted(found[TWO]))
    return found, tokens


def check_cells(client, way, table, when_allowed=answer_when_allowed, of=None):
    """Calls every method as every caller; returns how many cells. `of`: those that this service has."""
    suite, wrong, cells = client.suite, [], 0
    who, tokens = callers(suite)
    methods = [method for method in suite.methods() if of is None or suite.serves(of, method)]

    def ask(method, caller):
        bearer = [("authorization", "Bearer " + tokens[caller])] if caller in tokens else []
        return answer(client, method, bearer + list(suite.process_of(method)))
    # A watch that has nothing to show to a caller says so after a while: those wait side by side.
    with concurrent.futures.ThreadPoolExecutor(max_workers=64) as beside:
        streams = {(method, caller): beside.submit(ask, method, caller)
                   for method in methods if method.server_streaming for caller in who}
        for method in methods:
            roles = admitted(suite, method)
            for caller, has in who.items():
                # Everybody may do what the public may, signed in or not.
                allowed = bool(roles & (has | {"public"}))
                expected = when_allowed(suite, method) if allowed else DENIED[caller in tokens]
                stream = streams.get((method, caller))
                got = stream.result() if stream else ask(method, caller)
                table[allowed] = table.get(allowed, 0) + 1
                cells += 1
                if got != expected:
                    wrong.append(f"{way}: {method.full_name} by {caller}: {got}, expected {expected}")
    assert not wrong, "\n".join(wrong)
    assert cells == len(methods) * len(who), cells
    return cells


def check_callers_differ(suite):
    """A caller of two roles shows something only if neither role alone gives the same."""
    first, second = TWO.split("+")
    sets = [admitted(suite, method) for method in suite.methods()]
    assert any(first in roles and second not in roles for roles in sets), TWO
    assert any(second in roles and first not in roles for roles in sets), TWO
    assert any(first not in roles and second not in roles for roles in sets), TWO


def direct_client(suite, owner):
    """A client of a service itself, with the gateway's certificate and nothing of the gateway's checks."""
    client, tls = Client(suite), suite.data / "keys" / "tls"
    client.connection.close()
    authority, key, certificate = ((tls / name).read_bytes() for name in ("ca.pem", "gateway.key", "gateway.pem"))
    client.connection = grpc.secure_channel(f"127.0.0.1:{suite.backend_ports[owner]}",
                                            grpc.ssl_channel_credentials(authority, key, certificate))
    return client


def main():
    bin_folder, proto_folder, update = sys.argv[1], sys.argv[2], "--update" in sys.argv[3:]
    cells, both_ways = {}, {}
    with Suite(bin_folder, proto_folder, "embedded") as suite:
        declared = check_table(suite, update)
        check_callers_differ(suite)
        client = Client(suite)
        publish_an_edition(client)
        publish_a_supplier(client)
        import_a_project(client)
        enter_a_cluster(client)
        cells["gateway, one process"] = check_cells(client, "gateway", both_ways)
    # The service takes tokens itself only when told to: that is how its own check is seen without the gateway's.
    with Suite(bin_folder, proto_folder, "processes", backend_flags=["--jwks", "{keys}/jwks.json"]) as suite:
        client = Client(suite)
        publish_an_edition(client)
        publish_a_supplier(client)
        import_a_project(client)
        enter_a_cluster(client)
        cells["gateway, processes"] = check_cells(client, "gateway, processes", both_ways)
        cells["services alone"] = sum(
            check_cells(direct_client(suite, owner), f"{owner} alone", both_ways, of=owner)
            for owner in suite.owners())
        for owner in suite.owners():
            suite.kill(only=owner)
        cells["gateway alone"] = check_cells(client, "gateway alone", both_ways,
                                             lambda *_: ("UNAVAILABLE", "BACKEND_UNAVAILABLE"))
    print(f"roles: {declared} cells as declared; tested over {', '.join(f'{w}: {n}' for w, n in cells.items())}; "
          f"{both_ways[True]} allowed, {both_ways[False]} denied, 0 wrong")


if __name__ == "__main__":
    main()
