"""All that the registers hold, in one form that is the same for the same state: what lists tell an auditor, by method and
parent, without positions and times, which differ from one play to another."""
import json
import re

from google.protobuf import json_format

from stage import Refused

TIME = "google.protobuf.Timestamp"
# Versions and positions; the version of the record that a fact was read from, or that was judged; hashes over them.
LEFT_OUT = {"etag", "parameters_etag", "initiative_etag", "version", "rate_by_version", "position", "tree_root", "entries_root"}
MOMENT = re.compile(r"\b1\d{15}\b")  # microseconds since 1970, as facts tell them
ACCESS = "nisi.disclosure.v1.Access"  # its name holds a position; whoever asks again has looked again


def strip(message):
    """Takes positions and times out of a message, at any depth."""
    for field, value in message.ListFields():
        if field.name in LEFT_OUT or (field.message_type is not None and field.message_type.full_name == TIME):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in value if field.label == field.LABEL_REPEATED else [value]:
                strip(part)
    if message.DESCRIPTOR.full_name == "nisi.decision.v1.Fact":
        message.value = "position" if message.name.endswith("position") else MOMENT.sub("moment", message.value)
    if message.DESCRIPTOR.full_name == ACCESS:
        message.ClearField("name")
    return message


def text_of(message):
    return json.dumps(json_format.MessageToDict(message, preserving_proto_field_name=True), ensure_ascii=False, sort_keys=True)


class Listing:
    """A method that lists records, and what a request of it must name."""

    def __init__(self, stage, method):
        rules = stage.protos.pool.FindExtensionByName("nisi.rpc.v1.field")
        options = stage.protos.message("google.protobuf.FieldOptions")
        fields = method.descriptor.input_type.fields_by_name
        of = {name: options.FromString(field.GetOptions().SerializeToString()).Extensions[rules]
              for name, field in fields.items()}
        self.method, self.paged, self.by_parent = method, "page_token" in fields, "parent" in fields
        self.parents = of["parent"].resource if self.by_parent else ""
        self.fields = {"reveal": True} if "reveal" in fields else {}
        # A list by something else than a parent, as a rectangle, shows what another shows.
        self.whole = not any(rule.required for name, rule in of.items() if name != "parent")
        self.held = [field.name for field in method.descriptor.output_type.fields if field.label == field.LABEL_REPEATED]

    def pages(self, stage, service, parent):
        fields, token = dict(self.fields, **({"parent": parent} if parent else {})), ""
        name = f"{self.method.path.split('.')[1]}.{self.method.name}"
        while True:
            paging = {"page_size": 200, "page_token": token} if self.paged else {}
            answer = stage.call(name, "auditor", service, **fields, **paging)
            yield answer
            token = answer.next_page_token if self.paged else ""
            if not token:
                return


def matches(name, pattern):
    parts, wanted = name.split("/"), pattern.split("/")
    return not pattern or len(parts) == len(wanted) and all(want in ("*", part) for part, want in zip(parts, wanted))


def state(stage):
    """Lines of text, a record a line, in order."""
    lines = []
    lists = [Listing(stage, method) for method in stage.protos.methods.values() if method.name.startswith("List")]
    lists = [one for one in lists if one.whole]
    marked = {method.owner for method in stage.protos.methods.values() if method.policy.discloses}
    for owner in stage.protos.owners():
        # Accounts are of programmes, which not every register has as records.
        names, seen, before = {f"programmes/{owner}"}, set(), -1
        if owner in marked:  # first, since this reading is itself one that is recorded
            for one in (one for one in lists if one.method.path.startswith("/nisi.disclosure.")):
                lines += set(records(stage, one, owner, None, names))
        while len(seen) != before:  # until no list shows a parent that was not there before
            before = len(seen)
            for one in (one for one in lists if one.method.owner == owner):
                for parent in [name for name in sorted(names) if matches(name, one.parents)] if one.by_parent else [None]:
                    if (one.method.path, parent) not in seen:
                        seen.add((one.method.path, parent))
                        lines += records(stage, one, None, parent, names)
    return sorted(lines)


def records(stage, one, service, parent, names):
    lines = []
    try:
        for answer in one.pages(stage, service, parent):
            for held in one.held:
                for record in getattr(answer, held):
                    names.add(getattr(record, "name", ""))
                    lines.append(f"{service or ''}{one.method.path} {parent or ''} {text_of(strip(record))}")
    except Refused as refusal:  # a name that is no parent here
        if refusal.code.name not in ("NOT_FOUND", "PERMISSION_DENIED", "INVALID_ARGUMENT"):
            raise
    return lines
