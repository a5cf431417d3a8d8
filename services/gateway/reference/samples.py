"""An example of a request: all that must be given, and of a resource one thing besides. Like that of `nisi METHOD --help`."""
import forms
from protos import Field
from schemas import INT32, INT64, full_type, is_repeated

DAY = {"year": 2026, "month": 7, "day": 1}
TEXTS = {"country": "DE", "currency": "KZT", "media_type": "application/pdf"}
DEEPEST = 6


class Samples:
    def __init__(self, protos):
        self.protos, self.options = protos, protos.options

    def of(self, name):
        """By name: the request; of an import its two kinds of messages, the header and the rows, in order."""
        parts = {field.name: full_type(field) for field in self.protos.messages[name].field}
        if set(parts) != {"header", "rows"}:
            return {"request": self._message(name, whole=True, depth=0)}
        return {"header": {"header": self._message(parts["header"], whole=True, depth=1)},
                "rows": {"rows": self._rows(parts["rows"])}}

    def _rows(self, name):
        (field,) = self.protos.messages[name].field
        row, package = full_type(field), name.rsplit(".", 3)[0]
        out = {}
        for cell in self.protos.messages[row].field:
            if cell.name == "row_number":
                out[cell.json_name] = 1
                continue
            meant = self._meant(cell.name, package)
            if meant is not None:
                out[cell.json_name] = str(self._value(meant, True, 1, False))  # the cells of a row are texts
        return {field.json_name: [out]}

    def _meant(self, name, package):
        """The field that a record of the package must have and a cell is meant for; one that none needs may be empty."""
        return next((field for message, body in self.protos.messages.items() if message.startswith(package + ".")
                     for field in body.field if field.name == name and self.options.field(field).required and
                     field.type != Field.TYPE_MESSAGE and not is_repeated(field)), None)

    def _message(self, name, whole, depth, own_name=False):
        message, out = self.protos.messages[name], {}
        is_update = any(field.name == "update_mask" for field in message.field)
        wanted = self._needed(message) if whole else []
        if own_name:
            wanted.append("name")
        # Of a resource the first thing that may be given, as it may have none that must.
        if depth == 1 and not (set(wanted) - {"name"}):
            wanted += [field.name for field in message.field if self._is_free(field)][:1]
        for field in message.field:
            if field.name not in wanted:
                continue
            resource_of_update = is_update and not is_repeated(field) and self._is_resource(field)
            # What an update names goes in as a whole.
            value = self._value(field, (whole or own_name) and not resource_of_update, depth, resource_of_update)
            out[field.json_name] = [value] if is_repeated(field) else value
            if resource_of_update:
                out["updateMask"] = ",".join(key for key in value if key != "name")
        return out

    def _needed(self, message):
        """The fields that must be given; of a oneof that must be set, its first member."""
        needed, chosen = [], set()
        any_of = list(self.options.form(message).any_of)
        for field in message.field:
            rules = self.options.field(field)
            if field.HasField("oneof_index") and not field.proto3_optional:
                members = [each for each in message.field if each.HasField("oneof_index") and
                           each.oneof_index == field.oneof_index]
                must = any(self.options.field(each).required for each in members)
                if must and field.oneof_index not in chosen:
                    chosen.add(field.oneof_index)
                    needed.append(field.name)
            elif rules.required or rules.min_items or field.name in any_of[:1]:
                needed.append(field.name)
        return needed

    def _is_free(self, field):
        rules = self.options.field(field)
        return not (rules.output_only or rules.immutable or field.name == "etag" or is_repeated(field) or
                    rules.data_class or field.HasField("oneof_index") or
                    (field.type == Field.TYPE_MESSAGE and full_type(field).startswith("nisi.decision.")))

    def _is_resource(self, field):
        return field.type == Field.TYPE_MESSAGE and full_type(field).startswith("nisi.")

    def _value(self, field, whole, depth, own_name):
        rules = self.options.field(field)
        if field.type == Field.TYPE_MESSAGE:
            return self._part(full_type(field), rules, whole, depth, own_name)
        if field.type == Field.TYPE_ENUM:
            return self.protos.enums[full_type(field)].value[-1].name
        if field.type == Field.TYPE_BOOL:
            return True
        if field.type in INT32 + INT64:
            number = max(1, rules.min) if rules.HasField("min") else 1
            number = min(number, rules.max) if rules.HasField("max") else number
            return str(number) if field.type in INT64 else number
        if field.type == Field.TYPE_BYTES:
            size = max(rules.min_chars, 1)
            return "A" * (size // 3 * 4) + {0: "", 1: "AA==", 2: "AAA="}[size % 3]
        return self._text(field, rules)

    def _part(self, name, rules, whole, depth, own_name):
        if name == "google.type.Date":
            return DAY
        if name == "google.type.Money":
            tenge = min(1000000, rules.max) if rules.HasField("max") else 1000000
            return {"currencyCode": "KZT", "units": str(max(tenge, rules.min))}
        if name == "google.protobuf.Timestamp":
            return "2026-07-01T09:00:00Z"
        if name == "google.protobuf.FieldMask":
            return "note"
        return self._message(name, whole, depth + 1, own_name) if depth < DEEPEST else {}

    def _text(self, field, rules):
        form = self.options.format(field)
        if form == "RESOURCE_NAME":
            return forms.resource_example(rules.resource)
        if form in forms.EXAMPLES:
            return forms.EXAMPLES[form]
        text = TEXTS.get(field.name) or ("12" if field.name.endswith("_number") else "Example")
        return text[:rules.max_chars] if rules.max_chars else text
