"""Methods as operations of OpenAPI, as the Connect protocol carries them over HTTP."""
import re

from protos import first_sentence
from schemas import ANSWER, INPUT

JSON, STREAM = "application/json", "application/connect+json"
STANDARD_HEADER = "nisi-service"
DISCLOSURE = "nisi.disclosure.v1.DisclosureService"
DEADLINE_MS, REQUEST_BYTES = 5000, 4 << 20  # where the policy names none: common/rpc/policy.h


def parameter(name):
    return {"$ref": f"#/components/parameters/{name}"}


def kebab(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def kind_of(method):
    if method.client_streaming:
        return "stream" if method.server_streaming else "client stream"
    return "server stream" if method.server_streaming else "unary"


class Operations:
    def __init__(self, protos, schemas, samples, reasons):
        self.protos, self.options = protos, protos.options
        self.schemas, self.samples, self.reasons = schemas, samples, reasons
        self.owners = list(dict.fromkeys(owner for service in self.services().values()
                                         if (owner := self.options.service(service).owner)))
        # Whose records have confidential fields: those serve their disclosure.
        self.disclosing = list(dict.fromkeys(
            self.options.service(service).owner for service in self.services().values()
            if any(self.options.policy(method).discloses for method in service.method)))

    def services(self):
        """By full name, in the order of their owners' names, the standard ones last."""
        def order(item):
            return (self.options.service(item[1]).owner or "~", item[0])
        return dict(sorted(((name, service) for name, service in self.protos.services.items()
                            if name.startswith("nisi.")), key=order))

    def paths(self):
        found = {}
        for name, service in self.services().items():
            for method in service.method:
                found[f"/{name}/{method.name}"] = self._path(name, service, method)
        return found

    def tags(self):
        found = []
        for name, service in self.services().items():
            owner, said = self.options.service(service).owner, [self.protos.abouts[name], self.protos.comment(name)]
            tag = {"name": service.name, "description": "\n\n".join(filter(None, dict.fromkeys(said))),
                   "x-nisi-service": name}
            if owner:
                tag["x-nisi-owner"] = owner
            else:
                tag["x-nisi-processes"] = self._processes(name)
            found.append(tag)
        return found

    def _processes(self, service_name):
        """Which processes have a standard service."""
        return self.disclosing if service_name == DISCLOSURE else self.owners

    def _path(self, service_name, service, method):
        path = {"post": self._post(service_name, service, method)}
        if not self.options.policy(method).mutation and kind_of(method) == "unary":
            path["get"] = self._get(path["post"], service, method)
        return path

    def _post(self, service_name, service, method):
        policy, owner = self.options.policy(method), self.options.service(service).owner
        comment = self.protos.comment(f"{service_name}.{method.name}")
        roles = [self.options.role(role) for role in policy.roles]
        public, kind = "public" in roles, kind_of(method)
        media = JSON if kind == "unary" else STREAM
        request = {"schema": {"$ref": self.schemas.ref(method.input_type[1:], INPUT)},
                   "examples": {name: {"value": value} for name, value in self.samples.of(method.input_type[1:]).items()}}
        answer = {"schema": {"$ref": self.schemas.ref(method.output_type[1:], ANSWER)}}
        operation = {
            "tags": [service.name], "operationId": f"{service.name}_{method.name}",
            "summary": first_sentence(comment), "description": comment,
            "parameters": [parameter("ConnectProtocolVersion"), parameter("ConnectTimeoutMs"), parameter("Traceparent")],
            "requestBody": {"required": True, "content": {media: request},
                            **self._streamed(method.client_streaming, "Several messages")},
            "responses": {
                "200": {"description": "The answer.", "content": {media: answer},
                        **self._streamed(method.server_streaming, "Messages, one after another")},
                **({} if public else {"403": {
                    "description": f"ACCESS_DENIED: only {', '.join(roles)} may call this, within what is theirs.",
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/connect.Error"}}}}}),
                "default": {"$ref": "#/components/responses/Error"}},
            "security": [*([{}] if public else []), {"bearer": []}, {"mutualTls": []}],
            "x-nisi-roles": roles, "x-nisi-kind": kind, "x-nisi-mutation": policy.mutation,
            "x-nisi-article": policy.article,
            "x-nisi-deadline-ms": policy.deadline_ms or DEADLINE_MS,
            "x-nisi-max-request-bytes": policy.max_request_bytes or REQUEST_BYTES,
            "x-nisi-command": f"{owner or kebab(service.name.removesuffix('Service'))} {kebab(method.name)}",
            "x-nisi-reasons": self.reasons.named(self.protos.comments, f"{service_name}.{method.name}", owner)}
        if not owner:
            operation["parameters"].insert(0, {
                "name": STANDARD_HEADER, "in": "header", "required": True,
                "description": "Every process has this service: the one that is meant.",
                "schema": {"type": "string", "enum": self._processes(service_name)}})
        if policy.discloses:
            operation["x-nisi-discloses"] = True
        return {key: value for key, value in operation.items() if value not in ("", [])}

    def _streamed(self, is_stream, what):
        return {"description": f"{what}, each in an envelope of the Connect protocol; the schema is that of one."} \
            if is_stream else {}

    def _get(self, post, service, method):
        """The same as a link, for caches and browsers: what changes nothing may be asked so."""
        kept = ("tags", "summary", "responses", "security")
        header = [each for each in post["parameters"] if each.get("name") == STANDARD_HEADER]
        return {**{key: post[key] for key in kept if key in post},
                "operationId": f"{service.name}_{method.name}_get",
                "description": "The same call as a link: the request stands in the query.",
                "parameters": [*header, parameter("Connect"), parameter("Encoding"),
                               {"name": "message", "in": "query", "required": True,
                                "description": "The request as JSON, or that in base64url where `base64=1`.",
                                "content": {JSON: {"schema": post["requestBody"]["content"][JSON]["schema"]}}},
                               parameter("Base64"), parameter("ConnectTimeoutMs")]}
