"""Makes openapi.json of the protos and their comments: OpenAPI 3.1.

openapi.py DESCRIPTOR_SET ROOT VERSION OUT

DESCRIPTOR_SET is what protoc writes with --include_imports --include_source_info; ROOT is the tree, whose sources say
what each reason means.
"""
import json
import pathlib
import sys

from operations import JSON, Operations
from protos import Protos
from reasons import Reasons
from samples import Samples
from schemas import ANSWER, Schemas

# The Connect protocol names codes in small letters, and has a status of HTTP for each.
CODES = {"canceled": 499, "unknown": 500, "invalid_argument": 400, "deadline_exceeded": 504, "not_found": 404,
         "already_exists": 409, "permission_denied": 403, "resource_exhausted": 429, "failed_precondition": 400,
         "aborted": 409, "out_of_range": 400, "unimplemented": 501, "internal": 500, "unavailable": 503,
         "data_loss": 500, "unauthenticated": 401}
# What an error may carry, each at most once.
DETAILS = ("google.rpc.ErrorInfo", "nisi.rpc.v1.LegalBasis", "google.rpc.BadRequest", "google.rpc.PreconditionFailure",
           "google.rpc.ResourceInfo", "google.rpc.QuotaFailure", "google.rpc.RetryInfo", "google.rpc.RequestInfo")

ABOUT = """The registers, money and contracts of industrial policy of the Republic of Kazakhstan, as the Law "On industrial \
policy" of 27 December 2021, No. 86-VII, has them. This document is made from the same protos as the programs.

**Calls.** Every method is `POST /package.Service/Method` with JSON, over HTTP/2 or HTTP/1.1, in the form of the Connect \
protocol; the same paths take gRPC. What changes nothing may also be asked by GET. Who calls is said by a bearer token or a \
client certificate; what everybody may call needs neither.

**JSON** is that of proto3: names in lowerCamelCase, 64-bit integers in quotes, bytes in base64, moments as RFC 3339. A \
field with its default (an empty text, 0, false, an empty list) is left out, and one that is left out has its default. \
Comments name fields as the protos do: `as_of` is `asOf` here, and both are read.

**Changes** carry `requestId`, a UUID that the caller makes. A call repeated with the same one is done once and gets the \
same answer, so whatever was not answered may be tried again.

**Times.** Most reads take `asOf`, a day: the state in force then; and `knownAt`, a moment: what the register knew then.

**Refusals** have a code, a message, a stable reason in `google.rpc.ErrorInfo`, and the article in \
`nisi.rpc.v1.LegalBasis` where the law refuses. Requests wrong in form name all their wrong fields at once, in \
`google.rpc.BadRequest`.

**Streams** (`application/connect+json`) are envelopes: one byte of flags, four of length, big-endian, and as many of JSON. \
The last envelope of an answer has the flag 2 and holds `{}` or `{"error": ...}`.

**Confidential fields** (Art. 6(3)) are shown to their owner, to bodies whose duty needs them, to auditors and by consent or \
court order; `withheld` in a record names those that are not."""

PARAMETERS = {
    "ConnectProtocolVersion": {"name": "Connect-Protocol-Version", "in": "header", "schema": {"const": "1"},
                               "description": "The version of the Connect protocol; may be left out."},
    "ConnectTimeoutMs": {"name": "Connect-Timeout-Ms", "in": "header",
                         "schema": {"type": "string", "pattern": "^[0-9]{1,10}$"},
                         "description": "How long the caller waits, in milliseconds: at most 30 s, or the method's own time "
                                        "where that is longer, which also stands where none is given."},
    "Traceparent": {"name": "traceparent", "in": "header",
                    "schema": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
                    "description": "W3C Trace Context; made where there is none. Errors name its trace as RequestInfo."},
    "Connect": {"name": "connect", "in": "query", "schema": {"const": "v1"},
                "description": "The version of the Connect protocol."},
    "Encoding": {"name": "encoding", "in": "query", "required": True, "schema": {"const": "json"},
                 "description": "How `message` is written."},
    "Base64": {"name": "base64", "in": "query", "schema": {"const": "1"},
               "description": "That `message` is in base64url."},
}


def error_schema(schemas):
    detail = {
        "type": "object", "required": ["type", "value"],
        "description": "A message of the type that is named.",
        "properties": {
            "type": {"type": "string", "description": "One of " + ", ".join(f"`{name}`" for name in DETAILS) + "."},
            "value": {"type": "string", "contentEncoding": "base64",
                      "description": "The message in its binary form, in base64 without padding."},
            "debug": {"description": "The same as JSON.",
                      "anyOf": [{"$ref": schemas.ref(name, ANSWER)} for name in DETAILS]}}}
    listed = ", ".join(f"`{code}` {status}" for code, status in CODES.items())
    return {"type": "object", "required": ["code"],
            "description": "Why a call was not done. The statuses of HTTP: " + listed + ".",
            "properties": {"code": {"type": "string", "enum": list(CODES)},
                           "message": {"type": "string", "description": "For developers, in English."},
                           "details": {"type": "array", "items": detail}}}


def document(protos, root, version):
    schemas = Schemas(protos)
    reasons = Reasons(root)
    operations = Operations(protos, schemas, Samples(protos), reasons)
    paths, error = operations.paths(), error_schema(schemas)
    components = schemas.components()
    components["connect.Error"] = schemas.resolved(error)
    return {
        "openapi": "3.1.0",
        "info": {"title": "National Information System of Industry", "version": version,
                 "summary": "The registers of industrial policy of the Republic of Kazakhstan (Art. 16).",
                 "description": ABOUT, "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"}},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "The gateway that serves this document."}],
        "tags": operations.tags(),
        "paths": schemas.resolved(paths),
        "components": {
            "schemas": components, "parameters": PARAMETERS,
            "responses": {"Error": {
                "description": "The call was refused or failed; the body says why.",
                "content": {JSON: {"schema": {"$ref": "#/components/schemas/connect.Error"}}}}},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                           "description": "A token of the issuer that the operator of the system trusts."},
                "mutualTls": {"type": "mutualTLS", "description": "A client certificate that stands for a caller."}}},
        "x-nisi-codes": CODES,
        "x-nisi-reasons": reasons.every(),
        "x-nisi-roles": {protos.options.role(value.number): protos.comment(f"nisi.rpc.v1.{value.name}") or
                         protos.comment(f"nisi.rpc.v1.Role.{value.name}")
                         for value in protos.enums["nisi.rpc.v1.Role"].value if value.number},
    }


def main(descriptor_set, root, version, out):
    protos = Protos(pathlib.Path(descriptor_set).read_bytes())
    text = json.dumps(document(protos, pathlib.Path(root), version), ensure_ascii=False, separators=(",", ":")) + "\n"
    target = pathlib.Path(out)
    # Sources change often and what they say of reasons seldom: then nothing is built after this.
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
