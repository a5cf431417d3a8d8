"""Messages as JSON Schema, by the JSON mapping of proto3 and the rules of nisi.rpc.v1.field.

A message stands in four ways, and has a schema for each that occurs:
  answer    what the suite gives: nothing is required, as a field with its default is left out;
  input     what a caller gives whole: what is required is, what the system sets is not there;
  resource  the resource of an update: named by its name, and of the rest what is to be changed;
  patch     what lies inside of that.
The rules are those of common/rpc/form.cc.
"""
import copy

import forms
from protos import Field

ANSWER, INPUT, RESOURCE, PATCH = "answer", "input", "resource", "patch"
SUFFIX = {ANSWER: "", INPUT: ".Input", RESOURCE: ".Update", PATCH: ".Patch"}
REF = "#/components/schemas/"

INT32, INT64 = (Field.TYPE_INT32, Field.TYPE_UINT32), (Field.TYPE_INT64, Field.TYPE_UINT64)

# What the mapping, or NISI, writes in a form of its own.
WELL_KNOWN = {
    "google.protobuf.Timestamp": {
        "type": "string", "format": "date-time",
        "description": "A moment in UTC as RFC 3339, as 2026-01-31T09:30:00Z; years 1990 to 2199."},
    "google.protobuf.FieldMask": {
        "type": "string",
        "description": "Names of fields, separated by commas, as `titleRu,note`; with a point what lies inside."},
    "google.protobuf.Duration": {
        "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "description": "Seconds, as 1.5s."},
    "google.protobuf.Any": {
        "type": "object", "required": ["@type"],
        "properties": {"@type": {"type": "string", "description": "The type of what follows, as "
                                 "`type.googleapis.com/nisi.priority_goods.v1.Entry`."}},
        "description": "A message of any type, its fields beside its type."},
    "google.type.Date": {
        "type": "object", "required": ["year", "month", "day"], "additionalProperties": False,
        "properties": {"year": {"type": "integer", "minimum": 1990, "maximum": 2199},
                       "month": {"type": "integer", "minimum": 1, "maximum": 12},
                       "day": {"type": "integer", "minimum": 1, "maximum": 31}}},
    "google.type.Money": {
        "type": "object", "required": ["currencyCode"], "additionalProperties": False,
        "properties": {"currencyCode": {"const": "KZT"},
                       "units": {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,16}$"},
                       "nanos": {"type": "integer", "multipleOf": 10000000, "minimum": -990000000, "maximum": 990000000}}},
}
# Of these the protos themselves say what they are.
IN_FULL = ("google.type.Date", "google.type.Money")


def full_type(field):
    return field.type_name.lstrip(".")


def is_repeated(field):
    return field.label == Field.LABEL_REPEATED


class Schemas:
    """Collects the schemas of all that is asked for, and of what lies in it."""

    def __init__(self, protos):
        self.protos, self.options = protos, protos.options
        self.made, self.todo = {}, []

    def ref(self, name, mode):
        """A reference to the schema of a message as it stands so, for _resolved to write out."""
        if name in WELL_KNOWN:
            mode = ANSWER
        if (name, mode) not in self.made:
            self.made[name, mode] = None
            self.todo.append((name, mode))
        return (name, mode)

    def components(self):
        """All schemas by name. One that is not answered but only sent needs no suffix."""
        while self.todo:
            name, mode = self.todo.pop()
            self.made[name, mode] = self._enum(name) if name in self.protos.enums else self._message(name, mode)
        return {self.component(*key): self._resolved(schema) for key, schema in sorted(self.made.items())}

    def component(self, name, mode):
        first = next(each for each in (ANSWER, INPUT, RESOURCE, PATCH) if (name, each) in self.made)
        return name if mode == first else name + SUFFIX[mode]

    def resolved(self, schema):
        """With the references as a document has them; after components()."""
        return self._resolved(schema)

    def _resolved(self, schema):
        if isinstance(schema, dict):
            return {key: REF + self.component(*value) if isinstance(value, tuple) else self._resolved(value)
                    for key, value in schema.items()}
        return [self._resolved(each) for each in schema] if isinstance(schema, list) else schema

    def _enum(self, name):
        enum = self.protos.enums[name]
        # The default of an enum stands for an absent one and is never written.
        values = [value for value in enum.value if value.number != 0 or not value.name.endswith("UNSPECIFIED")]
        said = [self.protos.comment(f"{name}.{value.name}") for value in values]
        schema = {"type": "string", "enum": [value.name for value in values]}
        listed = "\n".join(f"- `{value.name}`: {text}" for value, text in zip(values, said) if text)
        description = "\n\n".join(filter(None, (self.protos.comment(name), listed)))
        if description:
            schema["description"] = description
        if any(said):
            schema["x-enum-descriptions"] = said
        return schema

    def _message(self, name, mode):
        if name in WELL_KNOWN:
            return self._well_known(name)
        comment, message = self.protos.comment(name), self.protos.messages[name]
        said = {"description": comment} if comment else {}
        schema = {"type": "object", **said, "properties": {}}
        required = []
        for field in message.field:
            rules = self.options.field(field)
            addressed = mode == RESOURCE and field.name == "name" and rules.output_only
            if mode != ANSWER and rules.output_only and not addressed:
                continue
            schema["properties"][field.json_name] = self._property(name, field, mode)
            in_oneof = field.HasField("oneof_index") and not field.proto3_optional
            needed = rules.required or rules.min_items > 0
            if addressed or (mode == INPUT and needed and not in_oneof):
                required.append(field.json_name)
        if required:
            schema["required"] = required
        if mode != ANSWER:
            schema["additionalProperties"] = False
        alternatives = self._oneofs(message, mode)
        any_of = self.options.form(message).any_of
        if mode == INPUT and any_of:
            names = {field.name: field.json_name for field in message.field}
            alternatives.append({"anyOf": [{"required": [names[each]]} for each in any_of]})
        if alternatives:
            schema["allOf"] = alternatives
        return schema

    def _well_known(self, name):
        schema = copy.deepcopy(WELL_KNOWN[name])
        if name in IN_FULL:
            schema["description"] = self.protos.comment(name)
            for field in self.protos.messages[name].field:
                schema["properties"][field.json_name]["description"] = self.protos.comment(f"{name}.{field.name}") or field.name
        return schema

    def _oneofs(self, message, mode):
        """That at most one member of each oneof is there; one of them, where one is required."""
        found = []
        for i, _ in enumerate(message.oneof_decl):
            members = [field for field in message.field
                       if field.HasField("oneof_index") and field.oneof_index == i and not field.proto3_optional]
            if not members:
                continue
            given = [{"required": [field.json_name]} for field in members]
            needed = mode == INPUT and any(self.options.field(field).required for field in members)
            found.append({"oneOf": given if needed else [*given, {"not": {"anyOf": given}}]})
        return found

    def _property(self, owner, field, mode):
        rules = self.options.field(field)
        item, words = self._value(field, rules, self._mode_of_part(owner, field, mode), mode != ANSWER)
        comment = self.protos.comment(f"{owner}.{field.name}") or self._common(owner, field)
        if is_repeated(field):
            schema = {"type": "array", "items": item}
            if mode != ANSWER:
                if rules.min_items and mode == INPUT:
                    schema["minItems"] = rules.min_items
                schema["maxItems"] = rules.max_items or forms.DEFAULT_ITEMS
                if rules.unique_items:
                    schema["uniqueItems"] = True
        else:
            schema = item
        if comment or words:
            schema["description"] = comment or words
        self._mark(schema, field, rules, mode)
        return schema

    def _common(self, owner, field):
        """What a field of a request or page means wherever it stands; a record has names of its own."""
        return forms.COMMON.get(field.name, "") if owner.endswith(("Request", "Response", "Header")) else ""

    def _mark(self, schema, field, rules, mode):
        """What a schema has no word for, or tells readers of the document only."""
        if rules.output_only and mode == ANSWER:
            schema["readOnly"] = True
        if rules.immutable:
            schema["x-nisi-immutable"] = True
        if rules.data_class:
            schema["x-nisi-confidential"] = [self.options.role(role) for role in rules.readers]
        if rules.resource:
            schema["x-nisi-resource"] = rules.resource
        if field.HasField("oneof_index") and not field.proto3_optional:
            schema["x-nisi-oneof"] = True
        # A number in quotes, and a sum, cannot bear bounds; those of an int32 stand as minimum and maximum.
        if field.type not in INT32:
            for name in ("min", "max"):
                if rules.HasField(name):
                    schema[f"x-nisi-{name}"] = str(getattr(rules, name))

    def _mode_of_part(self, owner, field, mode):
        if mode == ANSWER:
            return ANSWER
        if is_repeated(field):
            return INPUT
        if any(each.name == "update_mask" for each in self.protos.messages[owner].field):
            return RESOURCE
        return INPUT if mode == INPUT else PATCH

    def _value(self, field, rules, part_mode, is_sent):
        """The schema of one value, and what it is in words where the proto says nothing."""
        if field.type in (Field.TYPE_MESSAGE, Field.TYPE_ENUM):
            part_mode = ANSWER if field.type == Field.TYPE_ENUM else part_mode
            return {"$ref": self.ref(full_type(field), part_mode)}, ""
        if field.type == Field.TYPE_BOOL:
            return {"type": "boolean"}, ""
        if field.type in INT32:
            schema = {"type": "integer", "format": "int32"}
            # What is not given is 0, and 0 meets every rule.
            if rules.HasField("min"):
                schema["minimum"] = rules.min
            if rules.HasField("max"):
                schema["maximum"] = rules.max
            if field.type == Field.TYPE_UINT32:
                schema.setdefault("minimum", 0)
            return schema, ""
        if field.type in INT64:
            return {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}, ""
        if field.type == Field.TYPE_BYTES:
            schema = {"type": "string", "contentEncoding": "base64"}
            if is_sent and rules.max_chars:
                schema["maxLength"] = (rules.max_chars + 2) // 3 * 4
            return schema, "Bytes in base64."
        assert field.type == Field.TYPE_STRING, field
        return self._string(field, rules, is_sent)

    def _string(self, field, rules, is_sent):
        form, schema = self.options.format(field), {"type": "string"}
        if form == "RESOURCE_NAME":
            schema["pattern"] = forms.resource_pattern(rules.resource)
            return schema, forms.resource_words(rules.resource)
        if form == "UUID":
            schema["format"] = "uuid"
        if form in forms.PATTERNS:
            schema["pattern"] = forms.PATTERNS[form]
        if is_sent and form != "RAW":
            if rules.min_chars:
                schema["minLength"] = rules.min_chars
            limit = rules.max_chars or forms.DEFAULT_CHARS.get(form)
            if limit:
                schema["maxLength"] = limit
        return schema, forms.WORDS.get(form, "")
