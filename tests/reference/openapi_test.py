"""openapi.json against the protos it is made from, against the standard, and against what the suite really says.

openapi_test.py BIN PROTO OPENAPI [PACKAGES]

Every comment of the protos is there; the document is OpenAPI 3.1, and its schemas are JSON Schema, as validators that nobody
here wrote find; and all requests and answers of the year that tools/year plays fit their schemas. PACKAGES is the folder with
the npm packages, by default `clients` beside BIN.
"""
import io
import json
import pathlib
import subprocess
import sys

from google.protobuf import descriptor_pb2, json_format

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "clients"), str(ROOT / "tools" / "year")]

import packages  # noqa: E402
import registers  # noqa: E402
import year  # noqa: E402
from stage import Stage  # noqa: E402
from year_test import GOODS, January  # noqa: E402

SUFFIXES = (".Input", ".Update", ".Patch")
REQUEST_ID = "1f0c2a3e-5b7d-4c9a-8e21-6d4f0b9a7c15"
MESSAGE, ENUM, SERVICE, FIELD, NESTED, NESTED_ENUM, VALUE, METHOD = 4, 5, 6, 2, 3, 4, 2, 2
SECONDS = 200


def words(text):
    return " ".join(text.split())


class Said:
    """What protoc says of the protos: fields by JSON name, values, methods, and the comment above each."""

    def __init__(self, proto):
        files = sorted(str(path.relative_to(proto)) for path in proto.rglob("*.proto") if "testing" not in path.parts)
        made = subprocess.run(["protoc", "-I", proto, "--include_source_info", "--include_imports",
                               "--descriptor_set_out=/dev/stdout", *files], check=True, capture_output=True).stdout
        self.fields, self.values, self.methods = {}, {}, {}
        for file in descriptor_pb2.FileDescriptorSet.FromString(made).file:
            above = {tuple(each.path): words(each.leading_comments) for each in file.source_code_info.location}
            for i, message in enumerate(file.message_type):
                self.read(f"{file.package}.{message.name}", message, (MESSAGE, i), above)
            for i, enum in enumerate(file.enum_type):
                self.read_enum(f"{file.package}.{enum.name}", enum, (ENUM, i), above)
            for i, service in enumerate(file.service):
                for j, method in enumerate(service.method):
                    path = f"/{file.package}.{service.name}/{method.name}"
                    self.methods[path] = above.get((SERVICE, i, METHOD, j), "")

    def read(self, name, message, path, above):
        self.fields[name] = {field.json_name: above.get((*path, FIELD, i), "") for i, field in enumerate(message.field)}
        for i, nested in enumerate(message.nested_type):
            self.read(f"{name}.{nested.name}", nested, (*path, NESTED, i), above)
        for i, enum in enumerate(message.enum_type):
            self.read_enum(f"{name}.{enum.name}", enum, (*path, NESTED_ENUM, i), above)

    def read_enum(self, name, enum, path, above):
        self.values[name] = {value.name: above.get((*path, VALUE, i), "") for i, value in enumerate(enum.value)}


def message_of(component):
    """The message that a component is a schema of."""
    return next((component[:-len(suffix)] for suffix in SUFFIXES if component.endswith(suffix)), component)


def check_comments(document, said):
    """Every field, value and method is there, with its comment; gives how many comments were found."""
    found = 0
    for component, schema in document["components"]["schemas"].items():
        fields = said.fields.get(message_of(component), {})
        if component.startswith("nisi.") and schema.get("type") == "object":
            missing = set(fields) - set(schema["properties"])
            assert not missing or message_of(component) != component or "additionalProperties" in schema, (component, missing)
        for name, part in schema.get("properties", {}).items():
            comment = fields.get(name, "")
            assert not comment or words(part.get("description", "")).startswith(comment), (component, name, comment)
            found += bool(comment)
        values = said.values.get(component)
        if values:
            assert set(schema["enum"]) | {next(iter(values))} == set(values), component
            for name, text in zip(schema["enum"], schema.get("x-enum-descriptions", [])):
                assert text == values[name], (component, name)
                found += bool(text)
    for path, comment in said.methods.items():
        if path.startswith("/nisi."):
            operation = document["paths"][path]["post"]
            assert words(operation["description"]) == comment and comment, path
            assert operation["summary"] and comment.startswith(operation["summary"]), path
            found += 1
    return found


class Witness(Stage):
    """Keeps what was asked and answered, as the JSON that the gateway takes and gives."""

    def __init__(self, *args):
        super().__init__(*args)
        self.kept = []

    def call(self, called, who=None, service=None, /, **fields):
        answer = super().call(called, who, service, **fields)
        method = self.protos.find(called)
        request = method.request(**self.plain(fields))
        if method.takes_request_id and not request.request_id:
            request.request_id = REQUEST_ID
        self.keep(method, request, answer)
        return answer

    def send(self, name, who, header, rows):
        report = super().send(name, who, header, rows)
        self.keep(self.protos.find(name), None, report)
        return report

    def plain(self, fields):
        return sys.modules["stage"].plain(fields)

    def keep(self, method, request, answer):
        of = {"descriptor_pool": self.protos.pool}
        self.kept.append({"path": method.path, "request": request and json_format.MessageToDict(request, **of),
                          "answer": json_format.MessageToDict(answer, **of)})


def played(bin_folder, proto, kept):
    """Plays the year and writes what was said, a call a line; gives the methods called."""
    with January(bin_folder, proto, "embedded") as suite:
        told = io.StringIO()
        stage = Witness(ROOT, suite.bin, suite.data, suite.clock, f"127.0.0.1:{suite.port}", told)
        scratch = suite.work / "scratch"
        scratch.mkdir()
        try:
            year.play(stage, GOODS, scratch)
        except BaseException:
            print(told.getvalue()[-4000:], file=sys.stderr)
            raise
        registers.state(stage)  # and all lists of what came of it
        kept.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in stage.kept), encoding="utf-8")
        return {each["path"] for each in stage.kept}


def main(bin_folder, proto, openapi, folder):
    document = json.loads(openapi.read_text(encoding="utf-8"))
    comments = check_comments(document, Said(proto))
    kept = openapi.parent / "year.jsonl"
    called = played(bin_folder, proto, kept)
    services = {path.split("/")[1] for path in called}
    assert services == {path.split("/")[1] for path in document["paths"]} - {"nisi.store.v1.StoreService"}, services
    with packages.ready(folder):
        checked = subprocess.run(["node", HERE / "openapi_check.mjs", folder, openapi, kept], text=True, timeout=SECONDS,
                                 capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    print(f"{comments} comments; {len(called)} methods of {len(services)} services called; {checked.stdout.strip()}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    paths = [pathlib.Path(each).resolve() for each in sys.argv[1:]]
    main(*paths[:3], paths[3] if len(paths) > 3 else paths[0].parent / "clients")
