"""What a reason means: its code, what is said with it, and the article, as the sources of a service have them.

Refusals are written in few forms: `Refusal(StatusCode::kX, "REASON", "What is wrong.")` with `.Cite(Law())`, helpers of a
service in front of it, and rows of state machines. What is written in another way is named without a meaning; a word
that stands nowhere in the sources is no reason.
"""
import re

TEXT = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
REASON = r'"([A-Z][A-Z0-9_]{2,62})"'
REFUSAL = re.compile(rf"StatusCode::k(\w+),\s*{REASON},\s*{TEXT}([^;]*);")
BARE = re.compile(rf"StatusCode::k(\w+),\s*{REASON}()()")
HELPER = re.compile(rf'\b(Forbidden|Invalid|Unavailable)\(\s*{REASON},\s*(?:"[a-z_]+",\s*)?{TEXT}([^;]*);')
HELPER_CODES = {"Forbidden": "FailedPrecondition", "Invalid": "InvalidArgument", "Unavailable": "Unavailable"}
# A step that its machine does not allow: common/base/machine.h.
STEP = re.compile(rf'\{{"[a-z-]+",\s*(?:\w+::)*(\w+),\s*{REASON}\}}')
STATE = {"code": "failed_precondition", "message": "The record is in a state that does not allow this step."}
CITED = re.compile(r"\.Cite\((?:\w+::)*(\w+)\(")
LAW = re.compile(r'LegalBasis (\w+)\([^)]*\)\s*\{\s*return (?:base::)?Law\("([^"]+)"')
LITERAL = re.compile(REASON)
PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"')
NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
AS_OTHER = re.compile(r"\bas ([A-Z][A-Za-z]+)\b")

# Reasons that any call may meet, before a service sees it or as every service answers.
OF_EVERY_CALL = ("INVALID_FIELD", "MALFORMED_MESSAGE", "METHOD_UNKNOWN", "IDENTITY_REQUIRED", "TOKEN_INVALID",
                 "TOKEN_EXPIRED", "ACCESS_DENIED", "NOT_FOUND", "RATE_LIMITED", "OVERLOADED", "BACKEND_UNAVAILABLE",
                 "SHUTTING_DOWN", "DEADLINE_EXCEEDED", "MESSAGE_TOO_LARGE", "METADATA_TOO_LARGE", "RESERVED_METADATA",
                 "CONTENT_TYPE_UNSUPPORTED", "HTTP_METHOD_UNSUPPORTED", "QUERY_INVALID", "COMPRESSION_UNSUPPORTED")


def snake(name):
    """"FailedPrecondition" as "failed_precondition"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def sources(folder):
    return [path for path in sorted(folder.rglob("*.cc")) + sorted(folder.rglob("*.h")) if "test" not in path.name]


def read(paths):
    """What the sources of a room say of each reason in them."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    laws = {name: article for text in texts for name, article in LAW.findall(text)}
    found = {}
    for text in texts:
        helped = [(HELPER_CODES[name], *rest) for name, *rest in HELPER.findall(text)]
        for code, reason, said, rest in REFUSAL.findall(text) + helped + BARE.findall(text):
            meaning = {"code": snake(code)}
            if said:
                meaning["message"] = re.sub(r"\\(.)", r"\1", "".join(PIECE.findall(said)))
            cited = [laws[name] for name in CITED.findall(rest) if name in laws]
            if cited:
                meaning["article"] = cited[0]
            found.setdefault(reason, meaning)
        for law, reason in STEP.findall(text):
            found.setdefault(reason, STATE | ({"article": laws[law]} if law in laws else {}))
    for text in texts:
        for reason in LITERAL.findall(text):
            found.setdefault(reason, {})
    return found


class Reasons:
    """Of the common rooms and the gateway, and of one service after another."""

    def __init__(self, root):
        self.root = root
        self.common = read(sources(root / "common"))
        self.gateway = self.common | read(sources(root / "services/gateway"))
        self.of_service = {}

    def named(self, comments, method, owner):
        """The reasons that the comment of a method says after "Errors:", in order; "as Other" are those of the other."""
        said = comments.get(method, "")
        if "Errors:" not in said:
            return []
        said = said.split("Errors:", 1)[1]
        found = {}
        for other in AS_OTHER.findall(said):
            for row in self.named(comments, f"{method.rpartition('.')[0]}.{other}", owner):
                found[row["reason"]] = row
        for name in NAME.findall(said):
            meaning = self._meaning(name, owner)
            if meaning is not None:
                found.setdefault(name, {"reason": name, **meaning})
        return list(found.values())

    def every(self):
        return [{"reason": name, **self.gateway[name]} for name in OF_EVERY_CALL]

    def _meaning(self, name, owner):
        known = self._of(owner)
        if name in known:
            return known[name]
        return STATE if name.endswith("_STATE") else None

    def _of(self, owner):
        if not owner:
            return self.common
        if owner not in self.of_service:
            self.of_service[owner] = self.common | read(sources(self.root / "services" / owner.replace("-", "_")))
        return self.of_service[owner]
