"""Bad input over the running suite, through the gateway: the matrix of bad values, row by row, for every method.

usage: bad_input_test.py <bin folder> <proto folder>

Most cases are generated from the descriptors: for each field of each request, one bad value for every rule that the
proto declares for it, and for each (sub-)message all that makes bytes no message. Each must be refused with the code,
the one ErrorInfo and the field path that the matrix says, without repeating the value, and must change nothing: the
head of the journal's tree is the same before and after the cases of a method.

The same at the level of functions, without the system around: bad_input_test.cc of each service. Roles: roles_test.py.
"""
import base64
import ctypes
import collections
import dataclasses
import datetime
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

import grpc

sys.dont_write_bytecode = True
from suite import GOODS, JOURNAL, STANDARD, TO_GOODS, Client, Refused, Suite, path_of, uid  # noqa: E402

MARK = "Zq9Secret"  # stands in the bad values, and in no message of ours
MIN_CASES = 6000  # fewer: the walk over the descriptors misses something
SUBSET = 11  # of the cases with separate processes: every 11th
INSTITUTE, AUTHORITY, OPERATOR = "institute.industry", "authority.industry", "operator"
INT32, INT64 = (-2**31, 2**31 - 1), (-2**63, 2**63 - 1)
MAX_DETAILS, MAX_VIOLATIONS, MAX_ITEMS, MAX_BYTES, MAX_IMPORT_BYTES = 4096, 20, 500, 4 << 20, 8 << 20
MAY_REPEAT = {  # lists in which an item may come twice, and why
    "nisi.priority_goods.v1.CheckGoodsRequest.codes": "each is a question of its own",
    "nisi.priority_goods.v1.BatchCreateEntriesRequest.entries": "the law refuses the second one, and cites it",
    "nisi.priority_goods.v1.ImportEntriesRequest.Rows.rows": "the second one is reported with its row",
}
DATE, TIMESTAMP, MASK = "google.type.Date", "google.protobuf.Timestamp", "google.protobuf.FieldMask"


@dataclasses.dataclass
class Case:
    """One call and how it must be refused."""
    row: str  # of the matrix
    what: str
    method: object
    bodies: list  # the messages sent, as bytes
    code: str = "INVALID_ARGUMENT"
    reason: str = "INVALID_FIELD"
    paths: tuple = None  # of all field violations; None: whatever they are
    secrets: tuple = ()  # values that must not come back
    caller: str = None  # None: the method's usual one; "" nobody
    extra: tuple = ()  # request metadata beside the token
    details: tuple = ()  # kinds of detail that must come beside ErrorInfo
    resource: str = None  # whose name, or whose parent's, ResourceInfo must give
    info: dict = dataclasses.field(default_factory=dict)  # metadata of ErrorInfo that must come
    article: str = None  # that LegalBasis must cite
    streamed: bool = False  # called as if requests were streamed
    bare: bool = False  # refused below us, by gRPC, which sends no details
    named: bool = True  # a standard service is called with the name of the process meant


# Wire form, by hand: what no library would write.

def varint(number):
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def delimited(number, content):
    return tag(number, 2) + varint(len(content)) + content


def with_wire(message, steps, raw, without=None):
    """The wire form of `message` with `raw` behind the fields of the sub-message that `steps` lead to, which loses its
    field `without`."""
    rest = copy_of(message)
    if not steps:
        if without:
            rest.ClearField(without.name)
        return rest.SerializeToString() + raw
    part = getattr(message, steps[0].name)
    if steps[0].label == steps[0].LABEL_REPEATED:
        part = part[0]
    rest.ClearField(steps[0].name)
    return rest.SerializeToString() + delimited(steps[0].number, with_wire(part, steps[1:], raw, without))


UNKNOWN = 9999  # a field number that no message of ours has
NO_MESSAGE = {  # bytes that make any message malformed
    "a tag without end": b"\x80",
    "a tag without its value": tag(UNKNOWN, 0),
    "a varint without end": tag(UNKNOWN, 0) + b"\xff\xff",
    "a varint of eleven bytes": tag(UNKNOWN, 0) + b"\xff" * 10 + b"\x01",
    "a length beyond the end": tag(UNKNOWN, 2) + varint(1 << 20) + MARK.encode(),
    "a length of 4 GiB": tag(UNKNOWN, 2) + varint((1 << 32) - 1) + MARK.encode(),
    "a length of 2^63": tag(UNKNOWN, 2) + varint(1 << 63) + MARK.encode(),
    "half a fixed32": tag(UNKNOWN, 5) + b"\x01\x02",
    "half a fixed64": tag(UNKNOWN, 1) + b"\x01\x02\x03\x04",
    "a group": tag(UNKNOWN, 3) + delimited(1, MARK.encode()) + tag(UNKNOWN, 4),
    "the end of no group": tag(UNKNOWN, 4),
    # No request of ours may hold itself, so groups are the only way to nest deep; known messages end at four levels.
    "a hundred groups, nested": tag(UNKNOWN, 3) * 100 + tag(UNKNOWN, 4) * 100,
    "wire type 6": tag(UNKNOWN, 6) + b"\x01",
    "wire type 7": tag(UNKNOWN, 7),
    "field number 0": tag(0, 0) + b"\x01",
    "a field number over the largest": varint(1 << 32) + b"\x01",
    "101 unknown fields": (tag(UNKNOWN, 0) + b"\x01") * 101,
    "10,000 unknown fields": (tag(UNKNOWN, 0) + b"\x01") * 10_000,
}
NO_UTF8 = {"no UTF-8": b"\xff\xfe", "an overlong NUL": b"\xc0\x80", "half a surrogate pair": b"\xed\xa0\x80",
           "half a character": b"\xe2\x82", "beyond Unicode": b"\xf4\x90\x80\x80"}


# Bad values by the form of a field.

def bad_texts(rule, multiline):
    """{what: value} for text of one or several lines."""
    limit = rule.max_chars or (10_000 if multiline else 300)
    bad = {"NUL": MARK + "\0", "BEL": MARK + "\x07", "ESC": MARK + "\x1b[2J", "CR": MARK + "\r", "DEL": MARK + "\x7f",
           "NEL, a C1 control": MARK + "\x85", "CSI, a C1 control": MARK + "\x9b", "bidi override": MARK + "\u202e",
           "bidi isolate": "\u2066" + MARK, "line separator": MARK + "\u2028", "noncharacter": MARK + "\ufffe",
           "zero-width only": "\u200b\u200d\ufeff", "spaces only": "    ", "soft hyphens only": "\xad" * 4,
           "combining marks, a hundred": MARK + "e" + "\u0301" * 100,
           "one over the limit": MARK + "a" * (limit + 1 - len(MARK)), "ten times the limit": MARK * limit,
           "one over the limit, in Cyrillic": "ж" * (limit + 1)}
    if not multiline:
        bad.update({"line feed": MARK + "\n", "tab": MARK + "\t"})
    return bad


def bad_names(good, pattern):
    """Resource names that none has, whatever the store holds."""
    first, rest = good.split("/", 1)
    return {"a word": MARK, "its pattern": pattern, "another collection": f"widgets/{rest}",
            "too deep": f"{good}/{MARK}", "leading slash": "/" + good, "trailing slash": good + "/",
            "empty segment": f"{first}//{rest}", "no id": first + "/", "only the collection": first,
            "upper case": good.upper(), "mixed case": good.title(), "an id in upper case": f"{first}/{MARK}",
            "parent folder": f"{good}/../7", "folders up": "../../etc/passwd", "an id of dots": f"{first}/..",
            "NUL": good + "\0", "NUL inside": f"{first}/1\0/2", "space": good + " ", "line feed": good + "\n",
            "escaped slash": good.replace("/", "%2F"), "backslash": good.replace("/", "\\"), "full-width": f"{first}/１",
            "an id of 64 characters": f"{first}/" + "a" * 64, "10 KB": MARK * 1200, "quotes": f"{first}/'or'1'='1",
            "10 KB below": f"{first}/" + "a" * 10_000, "a URL": f"https://example.org/{good}"}


BAD_CODES = {"a word": MARK, "5 digits": "85042", "7 digits": "8504239", "3 digits": "850", "11 digits": "85042300001",
             "12 digits": "850423000010", "chapter 00": "0012", "chapter 77": "7712", "space inside": "8504 3",
             "space after": "850423 ", "point": "8504.23", "full-width": "８５０４", "Arabic digits": "٨٥٠٤",
             "sign": "+85042", "negative": "-85042", "hexadecimal": "0x8504", "NUL": "8504\0", "10 KB": "85" * 5000,
             "letter": "85O4"}
UUID = "00000000-0000-4000-8000-00000000abcd"
BAD_UUIDS = {"a word": MARK, "35 characters": UUID[:-1], "37 characters": UUID + "0", "upper case": UUID.upper(),
             "no dashes": UUID.replace("-", ""), "braces": "{" + UUID[1:-1] + "}", "no hexadecimal": UUID[:-1] + "g",
             "dashes elsewhere": UUID.replace("-", "") + "----", "a URN": "urn:uuid:" + UUID, "NUL": UUID[:-1] + "\0",
             "space": UUID[:-1] + " ", "10 KB": UUID * 300, "full-width": UUID[:-1] + "１"}
BAD_WORDS = {"capitals": MARK, "two words": "two words", "hyphen": "heavy-goods", "Cyrillic": "машины", "NUL": "word\0",
             "64 characters": "w" * 64, "10 KB": "w" * 10_000, "point": "heavy.goods", "line feed": "word\n"}
BAD_ETAGS = {"space": MARK + " ", "not ASCII": MARK + "é", "129 characters": "e" * 129, "NUL": MARK + "\0",
             "line feed": MARK + "\n", "10 KB": MARK * 1200}
BAD_OKED = {"a word": MARK, "no point": "2711", "three groups": "27.11.4.1", "one digit": "2.71", "letters": "AB.CD",
            "full-width": "２７.１１", "NUL": "27.11\0", "10 KB": "27.11" * 2000}
BAD_KPVED = {"a word": MARK, "no points": "27114100", "too many digits": "27.11.41.0000", "trailing point": "27.11.",
             "letters": "27.11.XY", "full-width": "２７.１１", "NUL": "27.11\0", "10 KB": "27.11" * 2000}
BAD_DATES = {"30 February": (2026, 2, 30), "29 February of a common year": (2026, 2, 29), "31 June": (2026, 6, 31),
             "month 13": (2026, 13, 1), "month 0": (2026, 0, 15), "day 0": (2026, 6, 0), "day 32": (2026, 1, 32),
             "year 0": (0, 6, 15), "a year alone": (2026, 0, 0), "nothing": (0, 0, 0), "year -1": (-1, 1, 1),
             "year 10000": (10000, 1, 1), "1989": (1989, 12, 31), "2200": (2200, 1, 1), "negative day": (2026, 1, -1),
             "all largest": (INT32[1],) * 3, "all smallest": (INT32[0],) * 3}
BAD_TIMES = {"the epoch": (0, 0), "before the epoch": (-1987654321, 0), "year 0": (-62167219201, 0),
             "year 10000": (253402300800, 0), "nanos -1": (1781500000, -1), "nanos 1e9": (1781500000, 1_000_000_000),
             "nanos int32 min": (1781500000, INT32[0]), "seconds int64 min": (INT64[0], 0),
             "seconds int64 max": (INT64[1], 0), "1989": (631151999, 0), "2200": (7258118400, 0)}
# What a paging token that we never gave may look like; a 64 KB one too.
BAD_TOKENS = {"a word": MARK, "base64 of nothing": "A" * 60, "padded": "QUFB" * 12 + "==", "no base64": "!" * 60,
              "spaces": " " * 60, "NUL": "A" * 59 + "\0", "64 KB": MARK + "A" * 65_536, "Cyrillic": "ы" * 60}


def bad_filters(resource, rules):
    """{what: (filter, position of what is wrong or None)} for lists of `resource`; rules(field) is what it declares."""
    name = resource.fields[0].name
    good = f'{name} = "x"'
    many = lambda count: " AND ".join([good] * count)  # noqa: E731
    bad = {"no such field": (f'{MARK} = "x"', 1), "no such field, second": (f'{good} AND {MARK} = 1', len(good) + 6),
           "no such field below": (f"{name}.{MARK} = 1", 1), "a bare word": (MARK, 1), "no operator": (name, 1),
           "no value": (f"{name} =", len(name) + 3), "two operators": (f"{name} = = 1", None),
           "an operator alone": ("=", 1), "open quote": (f'{name} = "{MARK}', len(name) + 4),
           "open parenthesis": (f"({good}", len(good) + 2), "closed parenthesis": (f"{good})", len(good) + 1),
           "empty parentheses": ("()", None), "AND last": (f"{good} AND", None), "AND first": (f"AND {good}", 1),
           "OR twice": (f"{good} OR OR {good}", None), "NOT alone": ("NOT", None), "two minus": (f"--{good}", None),
           "function": (f'lower({name}) = "x"', 1), "function as value": (f"{name} = lower({MARK})", None),
           "wildcard": (f'{name} = "{MARK}*"', len(name) + 4), "regular expression": (f'{name} =~ "{MARK}.*"', None),
           "unknown escape": (f'{name} = "{MARK}\\q"', None), "control character": (f'{name} = "{MARK}\x07"', None),
           "NUL": (f"{good}\0", None), "bidi override": (f'{name} = "{MARK}\u202e"', len(name) + 4),
           "semicolon": (f"{good}; DROP TABLE editions", len(good) + 1), "comment": (f"{good} -- {MARK}", None),
           "six parentheses deep": ("(" * 6 + good + ")" * 6, 6), "thousand parentheses": ("(" * 1000, None),
           "101 terms": (" AND ".join([f'{name}="x"'] * 101), None), "1,000 terms": (many(1000), None),
           "2,001 characters": (f'{name} = "{MARK}' + "f" * 2001 + '"', None), "confusable": ("nаme = 1", 1)}
    for field in resource.fields:
        if field.label == field.LABEL_REPEATED:
            bad[f"{field.name} is repeated"] = (f'{field.name} = "{MARK}"', None)
        elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
            bad.update({f"{field.name} is a number": (f"{field.name} = {MARK}", None),
                        f"{field.name} in quotes": (f'{field.name} = "5"', None),
                        f"{field.name} too large": (f"{field.name} > 99999999999999999999", None)})
        elif field.cpp_type == field.CPPTYPE_ENUM:
            bad.update({f"{field.name} has no such value": (f"{field.name} = {MARK}", None),
                        f"{field.name} has no order": (f"{field.name} < {field.enum_type.values[1].name}", None)})
        elif field.cpp_type == field.CPPTYPE_MESSAGE:
            bad[f"{field.name} is not text"] = (f'{field.name} = "{MARK}"', None)
            if field.message_type.full_name == DATE:
                bad[f"{field.name} 30 February"] = (f"{field.name} = 2026-02-30", None)
            elif field.message_type.full_name == TIMESTAMP:
                bad[f"{field.name} year 10000"] = (f'{field.name} > "10000-01-01T00:00:00Z"', None)
        if rules(field).data_class != 0:
            raise AssertionError(f"{field.full_name} is confidential: its row of the matrix needs cases here")
    return bad


# The records that the cases are about.

class World:
    """A store with an edition in each state, and a good request of every method."""

    def __init__(self, suite):
        self.suite, self.m, self.client = suite, suite.messages, Client(suite)
        self.client.tokens["two"] = suite.mint(AUTHORITY, subject="dev:" + INSTITUTE)  # one person, both sides
        self.today = self.client.date(suite.today())
        self.changed = {}  # method name: the last request that changed something
        self.editions = {}  # state: name
        self._build()
        self.published = self.client.goods("CheckGoods", codes=["850423"]).edition_position
        self.known_at = int(time.time()) + 7 * 86400  # after all of it, by the clock as moved

    def change(self, name, /, role=INSTITUTE, **fields):
        path = GOODS + name
        self.changed[name] = self.client.request(path, **fields)
        return self.client.call(path, self.changed[name], self.client.response(path), role)

    def entry(self, code, **fields):
        return self.m.resources.Entry(**{"goods_code": code, "name_ru": "Товар", "sector": "machinery",
                                         "processing_level": "HIGH", **fields})

    def draft(self, *codes):
        name = self.change("CreateEdition", edition={"title_ru": "Перечень"}).name
        for code in codes or ("850423", "850433", "850434"):
            self.change("CreateEntry", parent=name, entry=self.entry(code))
        return name

    def submitted(self, name):
        return self.change("SubmitEdition", name=name)

    def approved(self, name, days_ahead):
        first_day = self.suite.today() + datetime.timedelta(days=days_ahead)
        self.change("ApproveEdition", AUTHORITY, name=name, etag=self.submitted(name).etag, order_number="1",
                    order_date=self.client.date(self.suite.today()), effective_from=self.client.date(first_day))
        return name

    def imported(self, name, count):
        kind = self.m.goods.ImportEntriesRequest
        rows = [kind.Row(row_number=i, goods_code=str(900000 + i), name_ru="Товар", sector="machinery",
                         processing_level="HIGH") for i in range(1, count + 1)]
        header = {"parent": name, "request_id": uid(), "row_count": count}
        self.changed["ImportEntries"] = [kind(header=header), kind(rows={"rows": rows})]
        return self.client.send(GOODS + "ImportEntries", self.changed["ImportEntries"],
                                self.m.imports.ImportReport, INSTITUTE)

    def state_of(self, name):
        states = self.m.resources.Edition.State
        return states.Name(self.client.goods("GetEdition", INSTITUTE, name=name).state)

    def _build(self):
        self.editions["SUPERSEDED"] = self.approved(self.draft(), 0)
        self.editions["IN_FORCE"] = self.draft()
        assert self.imported(self.editions["IN_FORCE"], 250).committed
        self.approved(self.editions["IN_FORCE"], 1)
        self.suite.move_clock(24)
        self.client.eventually("the second edition in force", lambda: self.state_of(self.editions["IN_FORCE"]),
                               lambda state: state == "IN_FORCE")
        self.today = self.client.date(self.suite.today())
        self.editions["APPROVED"] = self.approved(self.draft(), 20)
        self.editions["SUBMITTED"] = self.draft()
        self.submitted_etag = self.submitted(self.editions["SUBMITTED"]).etag
        self.editions["RETURNED"] = self.draft()
        self.submitted(self.editions["RETURNED"])
        self.change("ReturnEdition", AUTHORITY, name=self.editions["RETURNED"], reason="Names are missing")
        self.editions["WITHDRAWN"] = self.draft()
        self.change("WithdrawEdition", name=self.editions["WITHDRAWN"], reason="Not needed")
        self.editions["DRAFT"] = self.draft()
        self._edit(self.editions["DRAFT"])
        self._assess()
        for state, name in self.editions.items():
            assert self.state_of(name) == state, name

    def _edit(self, name):
        self.change("BatchCreateEntries", parent=name, entries=[self.entry("8517"), self.entry("8518")])
        self.change("UpdateEntry", entry={"name": f"{name}/entries/8517", "note": "better"})
        self.change("DeleteEntry", name=f"{name}/entries/8518")
        self.change("UpdateEdition", edition={"name": name, "note": "better"})

    def _assess(self):
        for code in ("854411", "854419"):
            self.assessment = self.change("CreateAssessment", assessment={"goods_code": code}).name
        self.change("UpdateAssessment", assessment={"name": self.assessment, "export_potential": 5})

    # Good requests: every field that a caller may give, with a value that passes.

    def rule(self, field):
        return field.GetOptions().Extensions[self.m.options.field]

    def format(self, field):
        return self.m.options.Format.Name(self.rule(field).format)

    def good_text(self, field):
        rule, draft = self.rule(field), self.editions["DRAFT"]
        names = {"editions/*": draft, "editions/*/entries/*": f"{draft}/entries/850423",
                 "assessments/*": self.assessment, "*/*": self.assessment}
        return {"UUID": uid(), "GOODS_CODE": "950300", "GOODS_CODE_PREFIX": "95", "OKED": "27.11", "KPVED": "27.11.41",
                "RESOURCE_NAME": names.get(rule.resource), "ETAG": "00000001" if rule.required else "",
                "FILTER": "", "PAGE_TOKEN": "", "TEXT": "word", "MULTILINE": "two\nlines",
                "WORD": "word", "RAW": "any\ttext\n"}[self.format(field)]

    def fill(self, message, member=0):
        """Fills `message`; of each oneof its member number `member`."""
        for field in message.DESCRIPTOR.fields:
            rule, oneof = self.rule(field), field.containing_oneof
            if rule.output_only or (oneof and oneof.fields[member % len(oneof.fields)] != field):
                continue
            repeated = field.label == field.LABEL_REPEATED
            if field.cpp_type == field.CPPTYPE_MESSAGE:
                if field.message_type.full_name != MASK:
                    part = getattr(message, field.name)
                    self.fill_part(part.add() if repeated else part, member)
            elif repeated:
                getattr(message, field.name).append(self.good_value(field))
            else:
                setattr(message, field.name, self.good_value(field))
        return message

    def fill_part(self, part, member):
        if part.DESCRIPTOR.full_name == DATE:
            part.CopyFrom(self.today)
        elif part.DESCRIPTOR.full_name == TIMESTAMP:
            part.seconds = self.known_at
        else:
            self.fill(part, member)

    def good_value(self, field):
        if field.type == field.TYPE_BYTES:
            return b"h" * self.rule(field).min_chars
        if field.cpp_type == field.CPPTYPE_STRING:
            return self.good_text(field)
        if field.cpp_type == field.CPPTYPE_BOOL:
            return field.name in ("validate_only", "dry_run")  # so that a good request changes nothing either
        return 2 if field.cpp_type == field.CPPTYPE_ENUM else 1

    def good(self, method, member=0):
        request = self.fill(method.input_type._concrete_class(), member)
        submitted, draft = self.editions["SUBMITTED"], self.editions["DRAFT"]
        if method.name in ("ReturnEdition", "ApproveEdition"):
            request.name, request.etag = submitted, self.submitted_etag
        if method.name == "ApproveEdition":
            request.effective_from.year += 1
            request.effective_from.day = min(request.effective_from.day, 28)
        elif method.name == "DiffEditions":
            request.target = self.editions["IN_FORCE"]
        elif method.name == "UpdateEdition":
            request.edition.name = draft
        elif method.name == "UpdateEntry":
            request.entry.name, request.entry.goods_code = f"{draft}/entries/850423", "850423"
        elif method.name == "UpdateAssessment":
            request.assessment.name, request.assessment.goods_code = self.assessment, "854419"
        elif method.name == "GetPublishedLeaf":
            request.position = self.published
        elif "table" in method.input_type.fields_by_name:
            request.table = "entries"
        return request


# Sending a case and judging the answer.

class Judge:
    """Calls, and keeps what was not as it must be."""

    def __init__(self, world):
        self.world, self.client, self.m = world, world.client, world.m
        self.problems = collections.defaultdict(list)  # by method, row and kind of problem
        self.rows, self.tried = collections.Counter(), collections.Counter()  # cases by row, and by method
        self.stubs, self.denials, self.other_token = {}, set(), None

    def usual_caller(self, method):
        roles = {self.m.options.Role.Name(r) for r in self.world.suite.policy(method).roles}
        if roles & {"INSTITUTE_INDUSTRY", "PUBLIC"}:
            return INSTITUTE
        if roles == {"OPERATOR"}:
            return OPERATOR
        assert "AUTHORITY_INDUSTRY" in roles, f"{method.full_name}: nobody here may call it"
        return AUTHORITY

    def stub(self, path, streams_up, streams_down):
        kind = ("stream" if streams_up else "unary") + "_" + ("stream" if streams_down else "unary")
        if (path, kind) not in self.stubs:
            self.stubs[path, kind] = getattr(self.client.connection, kind)(path)
        return self.stubs[path, kind]

    def send(self, method, bodies, caller, extra=(), streamed=False, named=True, **how):
        """The first answer's bytes; raises what gRPC raises."""
        path = method if isinstance(method, str) else path_of(method)
        up = streamed or (not isinstance(method, str) and method.client_streaming)
        down = not isinstance(method, str) and method.server_streaming
        process = TO_GOODS if named and path.startswith(STANDARD) else ()
        metadata = self.client.metadata(caller, tuple(extra) + process)
        stub = self.stub(path, up, down)
        call = stub(iter(bodies) if up else bodies[0], metadata=metadata, timeout=10, **how)
        if not down:
            return call
        try:
            return next(call, b"")
        finally:
            call.cancel()

    def try_case(self, case):
        self.rows[case.row] += 1
        self.tried[case.method if isinstance(case.method, str) else case.method.full_name] += 1
        caller = case.caller if case.caller is not None else self.usual_caller(case.method)
        try:
            self.send(case.method, case.bodies, caller, case.extra, case.streamed, case.named)
        except grpc.RpcError as error:
            self.judge(case, error)
            return
        self.complain(case, "was answered")

    def complain(self, case, problem):
        name = case.method if isinstance(case.method, str) else case.method.full_name
        self.problems[name, case.row, problem.split()[0]].append(f"{case.what}: {problem}")

    def judge(self, case, error):
        refusal = Refused(error, self.m)
        if refusal.code.name != case.code:
            self.complain(case, f"got {refusal}, expected {case.code} {case.reason}")
            return
        if not case.bare:
            for problem in self.wrong_in(case, refusal, self.m.status.Status.FromString(refusal.wire)):
                self.complain(case, f"{problem}: {refusal}")
        for secret in case.secrets:
            found = secret.encode() if isinstance(secret, str) else secret
            if len(found) >= 4 and (found in refusal.told.SerializeToString() or found in refusal.message.encode()):
                self.complain(case, f"repeats the value: {refusal}")

    def wrong_in(self, case, refusal, status):
        """What is wrong in the details of a refusal with the right code."""
        kinds = [detail.type_url.rsplit(".", 1)[-1] for detail in status.details]
        info, bad = self.detail(status, "ErrorInfo"), self.detail(status, "BadRequest")
        paths = tuple(v.field for v in bad.field_violations)
        if kinds.count("ErrorInfo") != 1 or info.domain != "nisi":
            yield "not exactly one ErrorInfo of the domain nisi"
        if not (len(refusal.traces) == 1 and re.fullmatch("[0-9a-f]{32}", refusal.traces[0])):
            yield f"not exactly one trace: {refusal.traces}"
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,62}", info.reason):
            yield "no stable reason"
        if info.reason != case.reason:
            yield f"reason is {info.reason}, expected {case.reason}"
        if case.paths is not None and paths != case.paths:
            yield f"violations are of {paths}, expected {case.paths}"
        if not all(v.description for v in bad.field_violations) or len(paths) > MAX_VIOLATIONS:
            yield "a violation without description, or too many"
        if len(kinds) != len(set(kinds)) or not set(case.details) <= set(kinds):
            yield f"details are {kinds}, expected also {case.details}"
        if len(refusal.wire) > MAX_DETAILS:
            yield f"{len(refusal.wire)} bytes of details"
        if (status.code, status.message) != (refusal.code.value[0], refusal.message):
            yield "the details are of another status"
        for key, value in case.info.items():
            if info.metadata.get(key) != value:
                yield f"metadata {key} is {info.metadata.get(key)}, expected {value}"
        if case.article is not None and refusal.articles != [case.article]:
            yield f"cites {refusal.articles}, expected {case.article}"
        resource = self.detail(status, "ResourceInfo")
        if case.resource is not None and not (re.fullmatch("[a-z_]+", resource.resource_type) and resource.resource_name
                                              and case.resource.startswith(resource.resource_name)):
            yield f"ResourceInfo is {resource.resource_type} {resource.resource_name}, expected {case.resource}"
        if info.reason == "ACCESS_DENIED":
            self.denials.add(refusal.told.SerializeToString())
            if len(self.denials) > 1:
                yield "denied in other bytes than before"

    def detail(self, status, kind):
        message = getattr(self.m.details, kind)()
        for detail in status.details:
            if detail.Unpack(message):
                break
        return message

    def head(self):
        head = self.client.journal("GetTreeHead")
        return head.tree_size, head.root

    def all_of(self, method, cases):
        """Tries the cases of one method; the store must be the same after them."""
        before = self.head()
        for case in cases:
            self.try_case(case)
        if self.head() != before:
            self.problems[method.full_name, "all", "store"].append(f"the store changed: {before}, then {self.head()}")


def of_goods(suite):
    """The methods whose good requests this test knows: those of priority goods and of every process."""
    return [method for method in suite.methods() if suite.serves("priority-goods", method)]


def copy_of(message):
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


# The cases of one method from its descriptors.

class Generator:
    """Walks a good request; `before` are messages that go before it in its stream."""

    def __init__(self, world, method, good, before=()):
        self.world, self.m, self.method, self.request, self.before = world, world.m, method, good, list(before)
        self.mutation = world.suite.policy(method).mutation

    def case(self, row, what, body, **how):
        return Case(row, what, self.method, self.before + [body], **how)

    def changed(self, steps, change):
        """The good request's bytes after `change` of the message that `steps` lead to."""
        request = copy_of(self.request)
        message = request
        for field in steps:
            message = getattr(message, field.name)
            if field.label == field.LABEL_REPEATED:
                message = message[0]
        change(message)
        return request.SerializeToString()

    def cases(self):
        yield from self.no_messages((), "the request")
        yield from self.visit(self.request, (), "", True, False)

    def no_messages(self, steps, where):
        for what, raw in NO_MESSAGE.items():
            yield self.case("raw request bytes", f"{what} in {where}", with_wire(self.request, steps, raw),
                            reason="MALFORMED_MESSAGE", paths=(), secrets=(MARK,))

    def visit(self, message, steps, path, whole, own_name):
        """All fields of `message`. `whole`: what is required here is required; a patch may leave it out. `own_name`:
        the resource of an update, named by its own name."""
        update = "update_mask" in message.DESCRIPTOR.fields_by_name
        for field in message.DESCRIPTOR.fields:
            at, rule = f"{path}.{field.name}".strip("."), self.world.rule(field)
            if field.containing_oneof and not message.HasField(field.name):  # it has a walk of its own
                yield self.twice("oneof", "beside its rival", field, steps, at)
                continue
            yield from self.wire_of(field, steps, at)
            if rule.output_only:
                if self.mutation and not (own_name and field.name == "name"):
                    yield self.output_only(field, steps, at)
            else:
                yield from self.values_of(message, field, steps, at, whole, update)

    def values_of(self, message, field, steps, at, whole, update):
        rule = self.world.rule(field)
        if rule.required and whole:
            yield self.case("required", at, self.changed(steps, lambda m: m.ClearField(field.name)), paths=(at,))
        if field.label == field.LABEL_REPEATED:
            yield from self.repeated(message, field, steps, at)
        elif field.cpp_type == field.CPPTYPE_MESSAGE:
            yield from self.part(message, field, steps, at, whole and not update, update)
        else:
            yield from self.scalar(field, steps, at)

    def wire_of(self, field, steps, at):
        """Bytes that cannot be this field."""
        def bad(row, what, raw, **how):
            body = with_wire(self.request, steps, raw, without=field)
            return self.case(row, f"{what} as {at}", body, reason="MALFORMED_MESSAGE", paths=(), **how)
        sized = field.cpp_type in (field.CPPTYPE_STRING, field.CPPTYPE_MESSAGE)
        wrong = {"a varint": tag(field.number, 0) + b"\x01"} if sized else {"bytes": delimited(field.number, b"Zq9S")}
        wrong.update({"a fixed64": tag(field.number, 1) + b"\x01" * 8, "a fixed32": tag(field.number, 5) + b"\x01" * 4,
                      "a group": tag(field.number, 3) + tag(field.number, 4)})
        for what, raw in wrong.items():
            yield bad("raw request bytes", what, raw)
        if field.type == field.TYPE_STRING:
            for what, raw in NO_UTF8.items():
                yield bad("text", what, delimited(field.number, b"Zq9S" + raw), secrets=("Zq9S",))

    def twice(self, row, what, field, steps, at):
        """`field` once more; beside its rival, or itself again. Its place is said before items are counted."""
        name = field.containing_oneof.name if field.containing_oneof else field.name
        path = re.sub(r"\[\d+\]", "", ".".join([*at.split(".")[:-1], name]))
        return self.case(row, f"{at} {what}", with_wire(self.request, steps, delimited(field.number, b"")),
                         reason="MALFORMED_MESSAGE", paths=(path,))

    def output_only(self, field, steps, at):
        def give(message):
            if field.cpp_type == field.CPPTYPE_MESSAGE:
                getattr(message, field.name).SetInParent()
            elif field.type == field.TYPE_BYTES:
                setattr(message, field.name, MARK.encode())
            else:
                setattr(message, field.name, MARK if field.cpp_type == field.CPPTYPE_STRING else 1)
        return self.case("output only", at, self.changed(steps, give), paths=(at,), secrets=(MARK,))

    def scalar(self, field, steps, at):
        rule = self.world.rule(field)
        values, row, reason = {}, "text", "INVALID_FIELD"
        if field.type == field.TYPE_BYTES:
            values, row = {f"{n} bytes": MARK.encode() * 4 + b"b" * (n - 36) if n > 36 else (MARK.encode() * 4)[:n]
                           for n in (1, rule.min_chars - 1, rule.max_chars + 1, 10_000)}, "bytes"
        elif field.cpp_type == field.CPPTYPE_STRING:
            values, row, reason = self.bad_strings(field)
        elif field.cpp_type == field.CPPTYPE_ENUM:
            values, row = {str(n): n for n in (99, 12345678, -7654321, *INT32)}, "enum"
        elif field.cpp_type != field.CPPTYPE_BOOL:
            values, row = self.bad_numbers(field), "page size" if field.name == "page_size" else "number"
        for what, value in values.items():
            yield self.case(row, f"{at}: {what}", self.changed(steps, lambda m: setattr(m, field.name, value)),
                            reason=reason, paths=(at,), secrets=(MARK, self.secret(value)))

    @staticmethod
    def secret(value):
        """What of a bad value must not come back: a short number may stand in an answer by chance."""
        if isinstance(value, int):
            return str(value) if abs(value) > 99999 else ""
        return value[:200]

    def bad_strings(self, field):
        rule, form = self.world.rule(field), self.world.format(field)
        if form in ("TEXT", "MULTILINE"):
            return bad_texts(rule, form == "MULTILINE"), "text", "INVALID_FIELD"
        if form == "RAW":  # the function's to judge: check_rows
            return {}, "text", "INVALID_FIELD"
        if form == "RESOURCE_NAME":
            return bad_names(self.world.good_text(field), rule.resource), "resource name", "INVALID_FIELD"
        if form == "PAGE_TOKEN":
            return BAD_TOKENS, "page token", "PAGE_TOKEN_INVALID"
        if form == "FILTER":  # those of its resource come apart, with their positions
            return {"a word": MARK, "NUL": "\0", "10 KB": MARK * 1200}, "filter", "FILTER_INVALID"
        values, row = {"GOODS_CODE": (BAD_CODES, "goods code"), "GOODS_CODE_PREFIX": (BAD_CODES, "goods code"),
                       "UUID": (BAD_UUIDS, "idempotency key"), "ETAG": (BAD_ETAGS, "etag"),
                       "WORD": (BAD_WORDS, "code word"), "OKED": (BAD_OKED, "code word"),
                       "KPVED": (BAD_KPVED, "code word")}[form]
        return values, row, "INVALID_FIELD"

    def bad_numbers(self, field):
        rule = self.world.rule(field)
        smallest, largest = INT32 if field.cpp_type == field.CPPTYPE_INT32 else INT64
        bad = set()
        if rule.HasField("min"):
            bad |= {rule.min - 1, rule.min - 1987654321, smallest}
        if rule.HasField("max"):
            bad |= {rule.max + 1, largest}
        return {str(n): n for n in sorted(bad) if n != 0}  # 0 is the same as not given

    def part(self, message, field, steps, at, whole, update):
        kind, inner = field.message_type.full_name, steps + (field,)
        if message.HasField(field.name):
            yield self.twice("raw request bytes", "given twice", field, steps, at)
        yield from self.no_messages(inner, at)
        if kind == DATE:
            for what, (year, month, day) in BAD_DATES.items():
                bad = self.m.date.Date(year=year, month=month, day=day)
                body = self.changed(inner, lambda m: m.CopyFrom(bad))
                yield self.case("civil date", f"{at}: {what}", body, paths=(at,))
        elif kind == TIMESTAMP:
            for what, (seconds, nanos) in BAD_TIMES.items():
                def set_time(time_message):
                    time_message.seconds, time_message.nanos = seconds, nanos
                yield self.case("timestamp", f"{at}: {what}", self.changed(inner, set_time), paths=(at,),
                                secrets=(self.secret(seconds), self.secret(nanos)))
        elif kind == MASK:
            yield from self.masks(inner, at)
        else:
            yield from self.visit(getattr(message, field.name), inner, at, whole, update)

    def masks(self, steps, at):
        """What an update's mask must not name. The resource is the field beside it."""
        resource = self.method.input_type.fields[0].message_type
        system = [f.name for f in resource.fields if self.world.rule(f).output_only or self.world.format(f) == "ETAG"]
        text = next(f.name for f in resource.fields if f.cpp_type == f.CPPTYPE_STRING and f.name not in system)
        bad = {"unknown": MARK, "*": "*", "empty": "", "below text": f"{text}.{MARK}", "point first": f".{text}",
               "point last": f"{text}.", "two points": f"{text}..{text}", "camel case": "zq9SecretField",
               "NUL": text + "\0", "space": text + " ", "two in one": f"{text},{text}", "10 KB": MARK * 1200,
               "full name": resource.full_name, "the request's own": "request_id",
               **{f"{name}, the system's": name for name in system}}
        for what, raw in NO_UTF8.items():
            yield self.case("field mask", what, with_wire(self.request, steps, delimited(1, b"Zq9S" + raw)), paths=(),
                            reason="MALFORMED_MESSAGE", secrets=("Zq9S",))
        for what, path in bad.items():
            yield self.case("field mask", what, self.changed(steps, lambda m: m.paths.append(path)),
                            paths=(f"{at}.paths[0]",), secrets=(MARK, path if what == "camel case" else ""))
        yield self.case("field mask", "second of two", self.changed(steps, lambda m: m.paths.extend([text, MARK])),
                        paths=(f"{at}.paths[1]",), secrets=(MARK,))
        yield self.case("field mask", "101 paths", self.changed(steps, lambda m: m.paths.extend([text] * 101)),
                        paths=(f"{at}.paths",))
        yield self.case("field mask", "30 bad paths", self.changed(steps, lambda m: m.paths.extend([MARK] * 30)),
                        paths=tuple(f"{at}.paths[{i}]" for i in range(MAX_VIOLATIONS)), secrets=(MARK,))
        for field in resource.fields:  # cleared: the good request does not hold them any more
            if self.world.rule(field).required and not self.world.rule(field).immutable:
                yield self.clearing(field, steps, at)

    def clearing(self, field, steps, at):
        request = copy_of(self.request)
        getattr(request, self.method.input_type.fields[0].name).ClearField(field.name)
        getattr(request, steps[-1].name).paths.append(field.name)
        return self.case("field mask", f"clears {field.name}, which is required", request.SerializeToString(),
                         paths=(f"{at}.paths[0]",))

    def repeated(self, message, field, steps, at):
        rule = self.world.rule(field)
        most = rule.max_items or MAX_ITEMS
        first = getattr(message, field.name)[0]
        one = first.SerializeToString() if field.cpp_type == field.CPPTYPE_MESSAGE else first.encode()
        item, blank = delimited(field.number, one), delimited(field.number, b"")
        yield self.case("repeated", f"{at}: one too many", with_wire(self.request, steps, item * most), paths=(at,))
        yield self.case("repeated", f"{at}: fifty thousand empty", with_wire(self.request, steps, blank * 50_000),
                        paths=(at,))
        # So many are refused before any is made in memory.
        yield self.case("repeated", f"{at}: a million empty", with_wire(self.request, steps, blank * 1_000_000),
                        paths=(at,))
        if rule.unique_items:
            again = self.changed(steps, lambda m: getattr(m, field.name).append(getattr(m, field.name)[0]))
            yield self.case("repeated", f"{at}: the first again", again, paths=(f"{at}[1]",))
        else:
            assert field.full_name in MAY_REPEAT, f"{field.full_name}: may an item come twice?"
        if rule.min_items > 0:
            none = self.changed(steps, lambda m: m.ClearField(field.name))
            yield self.case("repeated", f"{at}: none", none, paths=(at,))
        if field.cpp_type == field.CPPTYPE_MESSAGE:
            yield from self.no_messages(steps + (field,), at + "[0]")
            yield from self.visit(first, steps + (field,), at + "[0]", True, False)
        else:
            yield from self.items(field, steps, at)

    def items(self, field, steps, at):
        values, row, reason = self.bad_strings(field)
        for what, value in {**values, "empty": ""}.items():
            def set_first(message):
                getattr(message, field.name)[0] = value

            def add(message):
                getattr(message, field.name).append(value)
            for index, change in enumerate((set_first, add)):
                yield self.case(row, f"{at}[{index}]: {what}", self.changed(steps, change), reason=reason,
                                paths=(f"{at}[{index}]",), secrets=(MARK, self.secret(value)))


def generated(world, method):
    """All that the descriptors of a method's request tell; of a stream with header and rows, both."""
    good = world.good(method)
    yield from Generator(world, method, good).cases()
    if method.client_streaming:
        header = good.SerializeToString()
        yield from Generator(world, method, world.good(method, 1), [header]).cases()


# Rows of the matrix that the form of a field does not tell.

def counts_and_sizes(world, method):
    """Message count, message size, and who is asked first."""
    body = world.good(method).SerializeToString()
    if method.client_streaming:
        yield Case("unary with 0 or 2 messages", "no message of a stream", method, [], reason="IMPORT_ORDER",
                   paths=("content",))
        yield Case("oneof", "none set", method, [b""], reason="IMPORT_ORDER", paths=("content",))
        yield Case("oneof", "two headers", method, [body, body], reason="IMPORT_ORDER", paths=("content",))
        row = world.good(method, 1).SerializeToString()
        for what, bodies in {"the header alone": [body], "a row too many": [body, row, row]}.items():
            yield Case("import row count", what, method, bodies, reason="IMPORT_ROW_COUNT",
                       paths=("header.row_count",), info={"announced": "1", "came": str(len(bodies) - 1)})
        large = world.good(method)
        large.header.row_count = 20_001
        yield Case("import row count", "over the most", method, [large.SerializeToString()],
                   reason="IMPORT_TOO_LARGE", paths=("header.row_count",), info={"maxRows": "20000"})
        yield Case("import size", "one byte over the most", method, import_of_size(world, method, MAX_IMPORT_BYTES + 1),
                   reason="IMPORT_TOO_LARGE", paths=("rows",), info={"maxBytes": str(MAX_IMPORT_BYTES)})
    else:
        for count in (0, 2, 3):
            yield Case("unary with 0 or 2 messages", f"{count} messages", method, [body] * count, streamed=True,
                       reason="MESSAGE_COUNT", paths=())
    for what, size in {"one byte over the cap": MAX_BYTES + 1, "half as much again": MAX_BYTES * 3 // 2}.items():
        yield Case("message size", what, method, [of_size(size)], code="RESOURCE_EXHAUSTED",
                   reason="MESSAGE_TOO_LARGE", paths=(), secrets=(MARK,), info={"maxBytes": str(MAX_BYTES)})
    if method.name == "CheckGoods":  # large, but a message: only its codes are missing
        yield Case("message size", "the cap itself", method, [of_size(MAX_BYTES)], paths=("codes",), secrets=(MARK,))
    if "PUBLIC" not in {world.m.options.Role.Name(r) for r in world.suite.policy(method).roles}:
        for what, bad in {"an empty request": b"", "no message": b"\xff", "bad values": body}.items():
            yield Case("authorization before validation", f"{what} by nobody", method, [bad], caller="",
                       code="UNAUTHENTICATED", reason="IDENTITY_REQUIRED", paths=())
            yield Case("authorization before validation", f"{what} by a stranger", method, [bad], caller="entity",
                       code="PERMISSION_DENIED", reason="ACCESS_DENIED", paths=())


def import_of_size(world, method, size):
    """The messages of an import whose rows have that many bytes together."""
    whole, kind = 3 << 20, method.input_type._concrete_class
    sizes = [whole] * (size // whole) + [size % whole]
    head = world.good(method)
    head.header.row_count = len(sizes)
    rows = [kind.Row(note="x" * (size - len(tag(10, 2)) - len(varint(size - 5)))) for size in sizes]
    assert sum(row.ByteSize() for row in rows) == size, [row.ByteSize() for row in rows]
    return [part.SerializeToString() for part in (head, *(kind(rows={"rows": [row]}) for row in rows))]


def of_size(size):
    """A message of that many bytes, from 2 to 256 MiB: one field that nobody knows."""
    head = tag(UNKNOWN, 2)
    return head + varint(size - len(head) - 4) + MARK.encode().ljust(size - len(head) - 4, b"x")


def filters(world, method):
    """Filters over the resource that the answers hold."""
    if "filter" not in method.input_type.fields_by_name:
        return
    resource = method.output_type.fields[0].message_type
    for what, (text, position) in bad_filters(resource, world.rule).items():
        request = world.good(method)
        request.filter = text
        yield Case("filter", what, method, [request.SerializeToString()], reason="FILTER_INVALID", paths=("filter",),
                   secrets=(MARK,), info={} if position is None else {"position": str(position)})


def first_page(world, judge, method):
    """A request for pages of one, and the token of its second page."""
    request = world.good(method)
    request.page_size = 1
    for field in ("code_prefix", "query", "sector", "processing_level"):  # so that more than one is found
        if field in request.DESCRIPTOR.fields_by_name:
            request.ClearField(field)
    if "parent" in request.DESCRIPTOR.fields_by_name:
        request.parent = world.editions["IN_FORCE"]
    answer = judge.send(method, [request.SerializeToString()], judge.usual_caller(method))
    token = method.output_type._concrete_class.FromString(answer).next_page_token
    assert token, f"{method.full_name}: no second page"
    return request, token


def page_tokens(world, judge, method):
    """Tokens that we gave, but not for this."""
    if "page_token" not in method.input_type.fields_by_name:
        return
    request, token = first_page(world, judge, method)

    def case(what, token, change=lambda m: None, caller=None):
        asked = copy_of(request)
        asked.page_token = token
        change(asked)
        return Case("page token", what, method, [asked.SerializeToString()], reason="PAGE_TOKEN_INVALID",
                    paths=("page_token",), secrets=(token,), caller=caller)
    flipped = lambda at: token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1:]  # noqa: E731
    for at in (0, 1, 12, len(token) // 2, len(token) - 2):
        yield case(f"altered at {at}", flipped(at))
    yield case("cut", token[:-1])
    yield case("longer", token + "A")
    yield case("in other case", token.swapcase())
    yield case("twice", token * 2)
    yield case("padded", token + "=" * (-len(token) % 4 or 4))
    yield case("another caller's", token, caller=AUTHORITY)
    fields = request.DESCRIPTOR.fields_by_name
    if "filter" in fields:
        resource = method.output_type.fields[0].message_type.fields[0].name
        yield case("of another filter", token, lambda m: setattr(m, "filter", f'{resource} != "x"'))
    if "parent" in fields:
        yield case("of another parent", token, lambda m: setattr(m, "parent", world.editions["DRAFT"]))
    if "query" in fields:
        yield case("of another query", token, lambda m: setattr(m, "query", "товар"))
    if "base" in fields:
        yield case("of another pair", token, lambda m: setattr(m, "base", world.editions["SUBMITTED"]))
    if "as_of" in fields:
        yield case("of another day", token, lambda m: m.ClearField("as_of"))
        yield case("of another moment", token, lambda m: m.ClearField("known_at"))
    if judge.other_token:
        yield case("of another method", judge.other_token)
    judge.other_token = token


def keys_and_versions(world, method):
    """The same request id for another body, and etags of another version."""
    if method.name in world.changed:
        yield from reused_keys(world, method)
    request = world.good(method)
    holder = request if "etag" in request.DESCRIPTOR.fields_by_name else None
    if method.name.startswith("Update"):
        holder = getattr(request, method.input_type.fields[0].name)
    if holder is None:
        return
    for etag in ("Zq9Secret0", "0", "ffffffffffffffff"):
        holder.etag = etag
        yield Case("version", f"etag {etag}", method, [request.SerializeToString()], code="ABORTED",
                   reason="VERSION_MISMATCH", paths=(), secrets=(MARK,))


def reused_keys(world, method):
    done = world.changed[method.name]
    bodies = [m.SerializeToString() for m in (done if isinstance(done, list) else [done])]
    caller = AUTHORITY if method.name in ("ReturnEdition", "ApproveEdition") else INSTITUTE
    unknown = tag(UNKNOWN, 0) + b"\x01"
    if method.client_streaming:  # header and rows count, not the messages around them
        header, rows = (copy_of(message) for message in done)
        row = rows.rows.rows[0].SerializeToString()
        del rows.rows.rows[0]
        others = {"an unknown field more": bodies[:1] + [
            delimited(2, delimited(1, row + unknown) + rows.rows.SerializeToString())]}
        header.header.row_count -= 1
        others["a row less"] = [header.SerializeToString(), rows.SerializeToString()]
        header.header.row_count += 1
        header.header.dry_run = True
        others["a dry run"] = [header.SerializeToString(), bodies[1]]
    else:
        others = {"an unknown field more": bodies[:-1] + [bodies[-1] + unknown]}
        other = copy_of(done)
        other.validate_only = True
        others["validate_only"] = [other.SerializeToString()]
    for what, changed in others.items():
        yield Case("same key, other payload", what, method, changed, code="FAILED_PRECONDITION", caller=caller,
                   reason="IDEMPOTENCY_KEY_REUSED", paths=(), details=("PreconditionFailure",))


# (from, verb): who may. The README of the service has the same table; what is not in it is refused.
EDGES = {("DRAFT", "edit"): {INSTITUTE}, ("RETURNED", "edit"): {INSTITUTE},
         ("DRAFT", "submit"): {INSTITUTE}, ("RETURNED", "submit"): {INSTITUTE},
         ("SUBMITTED", "return"): {AUTHORITY}, ("SUBMITTED", "approve"): {AUTHORITY},
         ("DRAFT", "withdraw"): {INSTITUTE, AUTHORITY}, ("RETURNED", "withdraw"): {INSTITUTE, AUTHORITY},
         ("SUBMITTED", "withdraw"): {AUTHORITY}, ("APPROVED", "withdraw"): {AUTHORITY}}
# Whom the roles of a verb's methods admit at all.
ADMITTED = {"edit": (INSTITUTE,), "submit": (INSTITUTE,), "return": (AUTHORITY,), "approve": (AUTHORITY,),
            "withdraw": (INSTITUTE, AUTHORITY)}
VERBS = {"UpdateEdition": "edit", "CreateEntry": "edit", "BatchCreateEntries": "edit", "UpdateEntry": "edit",
         "DeleteEntry": "edit", "ImportEntries": "edit", "SubmitEdition": "submit", "ReturnEdition": "return",
         "ApproveEdition": "approve", "WithdrawEdition": "withdraw"}


def about(world, method, edition):
    """The good request, about another edition."""
    request = world.good(method)
    fields = request.DESCRIPTOR.fields_by_name
    if method.name in ("UpdateEdition", "UpdateEntry"):
        part = getattr(request, method.input_type.fields[0].name)
        part.name = part.name.replace(world.editions["DRAFT"], edition)
    elif method.name == "ImportEntries":
        request.header.parent = edition
    elif "parent" in fields:
        request.parent = edition
    else:
        request.name = "/".join([edition, *request.name.split("/")[2:]])
    if method.name == "ApproveEdition":  # which takes none without
        request.etag = world.client.goods("GetEdition", INSTITUTE, name=edition).etag
    elif "etag" in fields:
        request.etag = ""
    return request


def states(world, method):
    """Every verb in every state that does not allow it."""
    verb = VERBS.get(method.name)
    for state, edition in world.editions.items() if verb else ():
        bodies = [about(world, method, edition).SerializeToString()]
        if method.client_streaming:
            bodies.append(world.good(method, 1).SerializeToString())
        for caller in ADMITTED[verb]:
            may = EDGES.get((state, verb))
            if may is None:
                yield Case("state machine", f"{verb} in {state}", method, bodies, code="FAILED_PRECONDITION",
                           reason="EDITION_FROZEN" if verb == "edit" else "EDITION_STATE", paths=(), caller=caller,
                           details=("PreconditionFailure", "LegalBasis"), info={"state": state})
            elif caller not in may:
                yield Case("state machine", f"{verb} in {state} by the wrong body", method, bodies,
                           code="PERMISSION_DENIED", reason="ACCESS_DENIED", paths=(), caller=caller)


# No record can have these, whatever the store holds; so to say so tells nobody anything of a record.
IMPOSSIBLE = ("0", "007", "abc", "-", "9" * 20, "2147483648")


def absent(world, method):
    """Names of the right form that no record has: NOT_FOUND for who may know, the same as a draft for who may not."""
    public = "PUBLIC" in {world.m.options.Role.Name(r) for r in world.suite.policy(method).roles}
    for field in method.input_type.fields:
        if world.format(field) != "RESOURCE_NAME":
            continue
        pattern, request = world.rule(field).resource, world.good(method)
        under = "/entries/850423" if pattern.endswith("/entries/*") else ""
        name = "assessments/zq9secret" if pattern == "assessments/*" else f"editions/4242{under}"
        yield missing(method, request, field, name)
        for number in IMPOSSIBLE if pattern.startswith(("editions/", "*")) else ():
            yield missing(method, request, field, f"editions/{number}{under}")
            if public:
                yield missing(method, request, field, f"editions/{number}{under}", caller="")
        if public:
            yield hidden(method, request, field, name, "none such")
            for state in ("DRAFT", "SUBMITTED", "RETURNED", "WITHDRAWN"):
                yield hidden(method, request, field, world.editions[state] + under, state)


def missing(method, request, field, name, caller=None):
    request = copy_of(request)
    setattr(request, field.name, name)
    return Case("absent id", f"{field.name} {name}", method, [request.SerializeToString()], code="NOT_FOUND",
                reason="NOT_FOUND", paths=(), details=("ResourceInfo",), resource=name, caller=caller)


def hidden(method, request, field, name, what):
    request = copy_of(request)
    setattr(request, field.name, name)
    return Case("record id of others", f"{field.name}: {what}", method, [request.SerializeToString()],
                code="PERMISSION_DENIED", reason="ACCESS_DENIED", paths=(), caller="", secrets=(name,))


def update_names(world, method):
    """An update says which record by the name in its resource."""
    if not method.name.startswith("Update"):
        return
    field = method.input_type.fields[0]
    good = getattr(world.good(method), field.name).name
    collection = good.split("/")[0]
    for what, name in {"empty": "", **bad_names(good, collection + "/*")}.items():
        request = world.good(method)
        getattr(request, field.name).name = name
        yield Case("resource name", f"{field.name}.name: {what}", method, [request.SerializeToString()],
                   paths=(f"{field.name}.name",), secrets=(MARK,))
    other = {"Edition": "editions/4242", "Entry": f"{good}0000", "Assessment": "assessments/zq9secret"}[
        field.message_type.name]
    request = world.good(method)
    getattr(request, field.name).name = other
    yield Case("absent id", f"{field.name}.name", method, [request.SerializeToString()], code="NOT_FOUND",
               reason="NOT_FOUND", paths=(), details=("ResourceInfo",), resource=other)


def all_together(world, method):
    """Many things wrong at once are reported at once, at most 20 of them and within the bound on details."""
    request = world.good(method)
    if method.name == "CheckGoods":
        del request.codes[:]
        request.codes.extend([MARK] * 10_000)
        yield Case("all together", "10,000 bad codes", method, [request.SerializeToString()], secrets=(MARK,),
                   paths=tuple(f"codes[{i}]" for i in range(MAX_VIOLATIONS)))
    elif method.name == "BatchCreateEntries":
        del request.entries[:]
        request.entries.extend([world.m.resources.Entry(goods_code=MARK, sector=MARK)] * 500)
        fields = ("goods_code", "sector", "processing_level")
        yield Case("all together", "500 bad entries", method, [request.SerializeToString()], secrets=(MARK,),
                   paths=tuple(f"entries[{i // 3}].{fields[i % 3]}" for i in range(MAX_VIOLATIONS)))
    elif method.name == "ApproveEdition":
        request.name, request.etag, request.order_number = MARK, MARK + " ", MARK + "\n"
        request.order_date.day, request.effective_from.month, request.request_id = 99, 99, MARK
        yield Case("all together", "every field", method, [request.SerializeToString()], secrets=(MARK,),
                   paths=("name", "etag", "order_number", "order_date", "effective_from", "request_id"))


def of_the_law(world, method):
    """What the functions of priority goods themselves refuse."""
    def case(row, what, request, **how):
        return Case(row, what, method, [request.SerializeToString()], **how)
    maker = OF_THE_LAW.get(method.name)
    if maker:
        yield from maker(world, world.good(method), case)


def of_create_edition(world, request, case):
    request.edition.ClearField("title_kk")
    request.edition.ClearField("title_ru")
    yield case("names", "neither Kazakh nor Russian", request, paths=("edition.title_ru",))


def of_update_edition(world, request, case):
    request.edition.ClearField("title_kk")
    request.edition.ClearField("title_ru")
    request.update_mask.paths.extend(["title_kk", "title_ru"])
    yield case("names", "both cleared", request, paths=("edition.title_ru",))


def of_create_entry(world, request, case, at="entry", **more):
    entry = request.entry if at == "entry" else request.entries[3]
    good = copy_of(entry)
    entry.ClearField("name_kk")
    entry.ClearField("name_ru")
    yield case("names", "neither Kazakh nor Russian", request, paths=(at + ".name_ru",), **more)
    entry.CopyFrom(good)
    entry.processing_level = world.m.resources.LOW
    yield case("refused by law", "LOW", request, code="FAILED_PRECONDITION", reason="LEVEL_TOO_LOW", paths=(),
               details=("PreconditionFailure", "LegalBasis"), article="Art. 26(1)", **more)
    entry.CopyFrom(good)
    entry.goods_code = "854411"  # assessed, at LOW
    yield case("refused by law", "another level than assessed", request, code="FAILED_PRECONDITION",
               reason="LEVEL_NOT_ASSESSED", paths=(), details=("PreconditionFailure", "LegalBasis"), article="Art. 26(2)",
               **more)
    entry.CopyFrom(good)
    entry.goods_code = "850423"
    yield case("uniqueness", "the same code again", request, code="ALREADY_EXISTS", reason="ALREADY_EXISTS", paths=(),
               details=("ResourceInfo", "LegalBasis"), article="Art. 26(2)", **more)
    for what, code in {"below an entry": "8504230000", "above an entry": "8504"}.items():
        entry.goods_code = code
        yield case("uniqueness", what, request, code="FAILED_PRECONDITION", reason="ENTRY_OVERLAP", paths=(),
                   details=("PreconditionFailure", "LegalBasis"), article="Art. 26(2)", **more)


def of_batch_create(world, request, case):
    del request.entries[:]
    request.entries.extend([world.entry(code) for code in ("9401", "9402", "9403", "9404", "9405")])
    yield from of_create_entry(world, copy_of(request), case, "entries[3]", info={"item": "entries[3]"})
    for what, code in {"the same twice": "9401", "one below another": "940110"}.items():
        request.entries[4].goods_code = code
        same = code == "9401"
        yield case("batch", what, request, code="ALREADY_EXISTS" if same else "FAILED_PRECONDITION", paths=(),
                   reason="ALREADY_EXISTS" if same else "ENTRY_OVERLAP", info={"item": "entries[4]"},
                   article="Art. 26(2)")


def of_update_entry(world, request, case):
    request.entry.processing_level = world.m.resources.LOW
    yield case("refused by law", "LOW", request, code="FAILED_PRECONDITION", reason="LEVEL_TOO_LOW", paths=(),
               details=("PreconditionFailure", "LegalBasis"))
    request.entry.processing_level, request.entry.goods_code = world.m.resources.HIGH, "850424"
    request.update_mask.paths.append("goods_code")
    yield case("immutable", "another code", request, paths=("update_mask.paths[0]",), secrets=("850424",))
    request.entry.goods_code = "850423"
    request.entry.ClearField("name_kk")
    request.entry.ClearField("name_ru")
    request.update_mask.paths[:] = ["name_kk", "name_ru"]
    yield case("names", "both cleared", request, paths=("entry.name_ru",))


def of_create_assessment(world, request, case):
    for field, most in {"technological_complexity": 40, "export_potential": 30, "domestic_potential": 30}.items():
        bad = copy_of(request)
        setattr(bad.assessment, field, most + 1)
        yield case("refused by law", f"{field} over the norm", bad, reason="SCORE_OVER_NORM",
                   paths=(f"assessment.{field}",), details=("LegalBasis",))


def of_update_assessment(world, request, case):
    yield from of_create_assessment(world, request, case)
    request.assessment.goods_code = "850424"
    request.update_mask.paths.append("goods_code")
    yield case("immutable", "another code", request, paths=("update_mask.paths[0]",), secrets=("850424",))


def of_approve(world, request, case):
    law = {"paths": (), "details": ("PreconditionFailure", "LegalBasis"), "code": "FAILED_PRECONDITION"}
    today, ahead = world.suite.today(), lambda days: world.client.date(world.suite.today() + datetime.timedelta(days))
    for days in (1, 400):  # tomorrow the same request is right, so it is the state that forbids it
        bad = copy_of(request)
        bad.order_date.CopyFrom(ahead(days))
        bad.effective_from.CopyFrom(ahead(days))
        yield case("period", f"an order of {days} days ahead", bad, reason="ORDER_DATE_INVALID", **law)
    for days in (-1, -400):
        bad = copy_of(request)
        bad.order_date.CopyFrom(ahead(days))
        bad.effective_from.CopyFrom(ahead(days))
        yield case("period", f"in force since {-days} days", bad, reason="EFFECTIVE_DAY_PAST", **law)
    bad = copy_of(request)
    bad.order_date.CopyFrom(world.client.date(today))
    bad.effective_from.CopyFrom(ahead(-1))
    yield case("period", "in force before the order", bad, paths=("effective_from",))
    bad = copy_of(request)
    bad.effective_from.CopyFrom(world.client.date(today))
    yield case("uniqueness", "another edition's day", bad, reason="EFFECTIVE_DAY_TAKEN", **law)
    yield case("four eyes", "who drafted it approves", request, code="PERMISSION_DENIED", reason="SEPARATION_OF_DUTIES",
               paths=(), caller="two", details=("LegalBasis",))


def of_replay(world, request, case):
    for state in ("DRAFT", "SUBMITTED", "RETURNED", "WITHDRAWN"):  # none of them was approved
        request.name = world.editions[state]
        yield case("state machine", f"replay in {state}", request, code="FAILED_PRECONDITION",
                   reason="DECISION_MISSING", paths=(), details=("PreconditionFailure", "LegalBasis"))


def of_return(world, request, case):
    yield case("four eyes", "who drafted it returns it", request, code="PERMISSION_DENIED",
               reason="SEPARATION_OF_DUTIES", paths=(), caller="two", details=("LegalBasis",))


OF_THE_LAW = {"CreateEdition": of_create_edition, "UpdateEdition": of_update_edition, "CreateEntry": of_create_entry,
              "BatchCreateEntries": of_batch_create, "UpdateEntry": of_update_entry,
              "CreateAssessment": of_create_assessment, "UpdateAssessment": of_update_assessment,
              "ApproveEdition": of_approve, "ReturnEdition": of_return, "ReplayDecision": of_replay}


def of_the_journal(world, method):
    """Positions and sizes that the tree does not have."""
    if not path_of(method).startswith(JOURNAL):
        return
    out = {"code": "OUT_OF_RANGE", "reason": "BEYOND_TREE", "paths": ()}
    size = world.client.journal("GetTreeHead").tree_size
    sets = {"GetInclusionProof": [(INT64[1], 0), (size + 1, 0), (size, size - 1), (1, size + 1), (1, INT64[1])],
            "GetConsistencyProof": [(INT64[1], 0), (size + 1, 0), (size, size - 1), (1, size + 1), (1, INT64[1])]}
    names = [field.name for field in method.input_type.fields]
    for values in sets.get(method.name, []):
        request = method.input_type._concrete_class(**dict(zip(names, values)))
        yield Case("journal position", str(values), method, [request.SerializeToString()], **out)
    if method.name == "GetEntry":
        for position in (size + 1, INT64[1]):
            request = method.input_type._concrete_class(position=position)
            yield Case("absent id", f"entry {position}", method, [request.SerializeToString()], code="NOT_FOUND",
                       reason="NOT_FOUND", paths=(), details=("ResourceInfo",))
    for what, metadata, reason in (("no process named", (), "SERVICE_NOT_NAMED"),
                                   ("an unknown process", [("nisi-service", MARK)], "PROCESS_UNKNOWN"),
                                   ("an empty name", [("nisi-service", "")], "SERVICE_NOT_NAMED"),
                                   ("a process without journal", [("nisi-service", "gateway")], "PROCESS_UNKNOWN")):
        yield Case("standard service", what, method, [world.good(method).SerializeToString()], reason=reason, paths=(),
                   extra=tuple(metadata), named=False, secrets=(MARK,), info={"metadataKey": "nisi-service"})


def metadata_rows(world, method):
    """Metadata that only the gateway may set, and identities that are none."""
    body = [world.good(method).SerializeToString()]
    for key in ("nisi-call-context-bin", "nisi-actor", "nisi-", "nisi-position", "nisi-service-bin"):
        value = MARK.encode() if key.endswith("-bin") else MARK
        yield Case("metadata", f"reserved {key}", method, body, reason="RESERVED_METADATA", paths=(), secrets=(MARK,),
                   extra=((key, value),))
    token = "Bearer " + world.client.tokens[INSTITUTE]
    for what, second in (("the same token twice", token), ("a second token", "Bearer " + MARK)):
        # The matrix has both codes in this row; which of two identities counts is no question of being signed in.
        yield Case("metadata", what, method, body, reason="RESERVED_METADATA", paths=(), secrets=(MARK, token),
                   extra=(("authorization", second),))


def bad_tokens(suite):
    """{what: (authorization, reason)}"""
    good, now = suite.mint(INSTITUTE), int(time.time())
    head, claims, signature = good.split(".")
    b64 = lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()  # noqa: E731
    mint = lambda **how: "Bearer " + suite.mint(INSTITUTE, **how)  # noqa: E731
    bad = {"empty": "", "scheme alone": "Bearer", "no token": "Bearer ", "no scheme": good,
           "Basic": "Basic " + b64("a:b"), "a word": "Bearer " + MARK, "two parts": f"Bearer {head}.{claims}",
           "four parts": f"Bearer {good}.{head}", "no signature": f"Bearer {head}.{claims}.",
           "no claims": f"Bearer {head}..{signature}", "altered claims": f"Bearer {head}.{claims[:-2]}AA.{signature}",
           "altered signature": f"Bearer {head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
           "padded": f"Bearer {head}=.{claims}.{signature}", "two spaces": f"Bearer  {good}",
           "trailing word": f"Bearer {good} x", "no JSON": f"Bearer {b64(MARK)}.{claims}.{signature}",
           "over 4 KiB": mint(purpose=MARK * 500), "alg ES256": mint(header={"alg": "ES256"}),
           "alg none": f"Bearer {b64(json.dumps({'alg': 'none', 'typ': 'at+jwt'}))}.{claims}.",
           "alg HS256": mint(header={"alg": "HS256"}), "no alg": mint(header={"alg": None}),
           "typ JWT": mint(header={"typ": "JWT"}), "no typ": mint(header={"typ": None}),
           "crit": mint(header={"crit": ["exp"]}), "unknown kid": mint(header={"kid": MARK}),
           "no kid": mint(header={"kid": None}), "another's key": mint(key="context-gateway"),
           "another issuer": mint(iss=MARK), "no issuer": mint(iss=None), "another audience": mint(aud="other"),
           "no audience": mint(aud=None), "audiences of which none is ours": mint(aud=["other", MARK]),
           "no subject": mint(sub=None), "no jti": mint(jti=None), "no exp": mint(exp=None),
           "exp as text": mint(exp="1"), "exp negative": mint(exp=-1), "lives too long": mint(exp=now + 90_000),
           "born tomorrow": mint(iat=now + 86_400), "not yet valid": mint(nbf=now + 3000),
           "unknown role": mint(roles=["root"]), "roles as text": mint(roles=INSTITUTE),
           "a BIN of 11 digits": mint(bin="94014000038"), "no region": mint(regions=["KZ"])}
    found = {what: (value, "TOKEN_INVALID") for what, value in bad.items()}
    found["expired"] = (mint(iat=now - 7200, exp=now - 3600), "TOKEN_EXPIRED")
    return found


def tokens(world, method):
    """A bad token is refused also where nobody need sign in."""
    if method.name not in ("CheckGoods", "CreateEdition", "WatchEntries", "ImportEntries"):
        return
    body = [world.good(method).SerializeToString()]
    for what, (value, reason) in bad_tokens(world.suite).items():
        yield Case("token", what, method, body, code="UNAUTHENTICATED", reason=reason, paths=(), caller="",
                   extra=(("authorization", value),), secrets=(MARK, value))


def unknown_methods():
    """Paths that lead nowhere."""
    service = GOODS.strip("/")
    paths = [f"/{service}/{MARK}", f"/{service}/checkgoods", f"/{service}/CheckGoods/", f"//{service}/CheckGoods",
             f"/{service.lower()}/CheckGoods", f"/{service}.CheckGoods", f"/{MARK}/CheckGoods", "/CheckGoods", "/",
             "/.", f"/{service}/../{service}/CheckGoods", f"/{service}/CheckGoods?x=1", f"/{service}/" + MARK * 300,
             "/nisi.testing.v1.WidgetService/Echo", "/nisi.store.v1.Store/Write",
             "/grpc.channelz.v1.Channelz/GetServers"]
    for path in paths:
        yield Case("method unknown", path[:80], path, [b""], code="UNIMPLEMENTED", reason="METHOD_UNKNOWN", paths=(),
                   caller=INSTITUTE, secrets=(MARK,))


def cases_of(world, judge, method):
    for rows in (generated, counts_and_sizes, filters, keys_and_versions, states, absent, update_names, all_together,
                 of_the_law, of_the_journal, metadata_rows, tokens):
        yield from rows(world, method)
    yield from page_tokens(world, judge, method)


# What must pass, or the refusals above would say little.

def check_good_requests(world, judge):
    """The request that each case spoils is answered, and changes nothing."""
    before = judge.head()
    for method in of_goods(world.suite):
        bodies = [world.good(method).SerializeToString()]
        if method.client_streaming:
            bodies.append(world.good(method, 1).SerializeToString())
        try:
            judge.send(method, bodies, judge.usual_caller(method))
        except grpc.RpcError as error:
            raise AssertionError(f"{method.full_name}: the good request: {Refused(error, world.m)}") from None
    assert judge.head() == before, "good requests with validate_only changed the store"


def check_normalised(world, judge):
    """Text that is not NFC comes back in NFC: nothing is lost by it. Returns how many fields."""
    count = 0
    for method in of_goods(world.suite):
        first = method.input_type.fields[0] if method.input_type.fields else None
        if first is None or first.message_type != method.output_type:
            continue
        for field in first.message_type.fields:
            if world.format(field) not in ("TEXT", "MULTILINE") or field.type != field.TYPE_STRING or \
                    world.rule(field).output_only:
                continue
            request = world.good(method)
            setattr(getattr(request, first.name), field.name, "И\u0306од e\u0301")
            answer = method.output_type._concrete_class.FromString(
                judge.send(method, [request.SerializeToString()], judge.usual_caller(method)))
            assert getattr(answer, field.name) == "Йод é", f"{field.full_name}: {answer}"
            count += 1
    return count


def check_rows(world, judge):
    """An import with every bad text in every cell: an answer that reports each with its row, without the value, and
    judges the rows beside them as ever. Returns how many cells."""
    kind, entry = world.m.goods.ImportEntriesRequest, world.m.resources.Entry.DESCRIPTOR.fields_by_name
    report = world.m.imports.ImportReport.Row
    good = {"goods_code": "950300", "name_ru": "Товар", "sector": "machinery", "processing_level": "HIGH"}
    rows, expected = [kind.Row(**good)], [(report.ENTERED, "", "")]
    for field in (f for f in kind.Row.DESCRIPTOR.fields if world.format(f) == "RAW"):
        target = entry[field.name]
        for text in bad_texts(world.rule(target), world.format(target) == "MULTILINE").values():
            rows.append(kind.Row(**{**good, field.name: text}))
            expected.append((report.INVALID, "INVALID_FIELD", field.name))
    rows.append(kind.Row(**{**good, "goods_code": "9504"}))
    expected.append(expected[0])
    for number, row in enumerate(rows, 1):
        row.row_number = number
    header = {"parent": world.editions["DRAFT"], "request_id": uid(), "row_count": len(rows)}
    before = judge.head()
    answer = world.client.send(GOODS + "ImportEntries", [kind(header=header), kind(rows={"rows": rows})],
                               world.m.imports.ImportReport, INSTITUTE)
    assert judge.head() == before and not answer.committed, "an import with invalid rows changed the store"
    assert len(answer.rows) == len(rows)
    for row, told, wanted in zip(rows, answer.rows, expected):
        assert (told.row_number, told.outcome, told.reason, told.field) == (row.row_number, *wanted), told
        assert bool(told.description) == bool(wanted[1]), told
        assert MARK not in str(told), told
    return len(rows) - 2


def check_pages(world, judge):
    """A page size over 200 is 200, and may change between pages. Returns how many lists."""
    count = 0
    for method in of_goods(world.suite):
        if "page_size" not in method.input_type.fields_by_name or "page_token" not in method.input_type.fields_by_name:
            continue
        request, token = first_page(world, judge, method)
        for size, given in ((201, ""), (INT32[1], ""), (1000, token)):
            request.page_size, request.page_token = size, given
            answer = method.output_type._concrete_class.FromString(
                judge.send(method, [request.SerializeToString()], judge.usual_caller(method)))
            items = len(getattr(answer, method.output_type.fields[0].name))
            assert 0 < items <= 200, f"{method.full_name}: {items} items"
            assert items == 200 or "Entries" not in method.name, f"{method.full_name}: {items} of 250"
            count += 1
    return count


def check_expired(world, judge):
    """A token is good for a day: one that was good is refused when it is over. The clock has moved after it."""
    lists = [method for method in of_goods(world.suite) if "page_token" in method.input_type.fields_by_name]
    asked = []
    for method in lists:
        request, token = first_page(world, judge, method)
        request.page_token = token
        judge.send(method, [request.SerializeToString()], judge.usual_caller(method))
        asked.append(Case("page token", "expired", method, [request.SerializeToString()], reason="PAGE_TOKEN_INVALID",
                          paths=("page_token",), secrets=(token,)))
    today = world.suite.today()
    world.suite.move_clock(24 + 25)
    world.client.eventually("the next day", lambda: world.client.goods("CheckGoods", codes=["850423"]),
                            lambda answer: answer.on_date != world.client.date(today))
    for case in asked:
        judge.try_case(case)


# Messages too large even to be read, and compressed ones.

def check_bombs(judge):
    """What would grow over the bound when it is unpacked, which gRPC itself refuses as it does all that is compressed;
    and what it breaks off as too large."""
    method = next(m for m in of_goods(judge.world.suite) if m.name == "CheckGoods")
    for size in (MAX_BYTES + 1, 2 * MAX_BYTES + 1, 16 * MAX_BYTES):
        for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate):
            packed = compression != grpc.Compression.NoCompression
            case = Case("message size", f"{size} bytes, {compression.name}", method, [],
                        bare=packed or size > 2 * MAX_BYTES, reason="MESSAGE_TOO_LARGE",
                        code="UNIMPLEMENTED" if packed else "RESOURCE_EXHAUSTED")
            judge.rows[case.row] += 1
            try:
                judge.send(method, [of_size(size)], None, compression=compression)
                judge.complain(case, "was answered")
            except grpc.RpcError as error:
                judge.judge(case, error)


def memory_of_a_bomb(suite):
    """MiB that a message of 128 kB takes at the gateway until it is refused: 128 MiB when it is unpacked first."""
    status = pathlib.Path("/proc", str(suite.processes["gateway"].pid), "status")

    def kilobytes(name):
        return int(re.search(name + r":\s+(\d+) kB", status.read_text()).group(1))
    before = kilobytes("VmRSS")
    with suite.channel() as channel:
        try:
            channel.unary_unary(GOODS + "CheckGoods")(of_size(32 * MAX_BYTES), compression=grpc.Compression.Gzip)
        except grpc.RpcError:
            pass
    return (kilobytes("VmHWM") - before) >> 10


# HTTP/2 by hand: header blocks that no client library would send.

class HeaderInflater:
    """HPACK of answers, by the library that the suite has it from: Huffman codes and a table are no work for a test."""
    EMIT = 2

    class Field(ctypes.Structure):
        _fields_ = [("name", ctypes.c_void_p), ("value", ctypes.c_void_p), ("name_size", ctypes.c_size_t),
                    ("value_size", ctypes.c_size_t), ("flags", ctypes.c_uint8)]

    def __init__(self):
        self.library, self.state = ctypes.CDLL("libnghttp2.so.14"), ctypes.c_void_p()
        self.library.nghttp2_hd_inflate_hd2.restype = ctypes.c_ssize_t
        self.library.nghttp2_hd_inflate_new(ctypes.byref(self.state))

    def __del__(self):
        self.library.nghttp2_hd_inflate_del(self.state)

    def decode(self, block):
        """Names and values of one whole header block."""
        headers, field, flags = {}, self.Field(), ctypes.c_int()
        while True:
            read = self.library.nghttp2_hd_inflate_hd2(self.state, ctypes.byref(field), ctypes.byref(flags), block,
                                                       ctypes.c_size_t(len(block)), 1)
            assert read >= 0, f"the answer is no HPACK: {read}"
            if flags.value & self.EMIT:
                name = ctypes.string_at(field.name, field.name_size).decode()
                headers[name] = ctypes.string_at(field.value, field.value_size)
            block = block[read:]
            if not block and not flags.value & self.EMIT:
                self.library.nghttp2_hd_inflate_end_headers(self.state)
                return headers


class RawCall:
    """One call on a connection of its own."""
    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
    MAX_FRAME = 16_384
    ACK, END_STREAM, END_HEADERS = 1, 1, 4

    def __init__(self, port, path, headers, payload):
        self.headers, self.settled, self.ended, self.inflater = {}, False, "", HeaderInflater()
        with socket.create_connection(("127.0.0.1", port), 5) as self.socket:
            standard = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
                        ("te", "trailers"), ("content-type", "application/grpc")]
            block = b"".join(self.literal(*header) for header in standard + headers)
            try:
                self.socket.sendall(self.PREFACE + self.frame(self.SETTINGS, 0, 0, b""))
                while not self.settled:  # the server's bounds hold only once they are acknowledged
                    self.read_frame()
                self.socket.sendall(self.header_frames(block) + self.frame(self.DATA, self.END_STREAM, 1, payload))
                while not self.ended:
                    self.read_frame()
            except (OSError, EOFError):
                self.ended = self.ended or "closed"

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def header_frames(self, block):
        """HEADERS, and as many CONTINUATIONs as it takes."""
        parts = [block[at:at + self.MAX_FRAME] for at in range(0, len(block), self.MAX_FRAME)]
        return b"".join(self.frame(self.CONTINUATION if i else self.HEADERS,
                                   self.END_HEADERS if i == len(parts) - 1 else 0, 1, part)
                        for i, part in enumerate(parts))

    @staticmethod
    def number(value, bits, first=0):
        most = (1 << bits) - 1
        return bytes([first | value]) if value < most else bytes([first | most]) + varint(value - most)

    def literal(self, name, value):
        name, value = (part if isinstance(part, bytes) else part.encode() for part in (name, value))
        return b"\0" + self.number(len(name), 7) + name + self.number(len(value), 7) + value

    def exactly(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def read_frame(self):
        head = self.exactly(9)
        kind, flags, payload = head[3], head[4], self.exactly(int.from_bytes(head[:3], "big"))
        if kind in (self.SETTINGS, self.PING) and not flags & self.ACK:
            self.socket.sendall(self.frame(kind, self.ACK, 0, payload if kind == self.PING else b""))
            self.settled = True
        elif kind == self.HEADERS:
            self.decode(payload)
            self.ended = "answered" if flags & self.END_STREAM else ""
        elif kind == self.RST:
            self.ended = "reset"
        elif kind == self.GOAWAY:
            self.ended = "connection ended"

    def decode(self, block):
        self.headers |= self.inflater.decode(block)

    def status(self, messages):
        """Code and reason, or how the call ended without."""
        if "grpc-status" not in self.headers:
            return self.ended, ""
        code = {str(c.value[0]): c.name for c in grpc.StatusCode}[self.headers["grpc-status"].decode()]
        wire = self.headers.get("grpc-status-details-bin", b"")
        wire = base64.b64decode(wire + b"=" * (-len(wire) % 4))
        info = messages.details.ErrorInfo()
        for detail in messages.status.Status.FromString(wire).details:
            if detail.Unpack(info):
                break
        return code, info.reason


def framed(message):
    return b"\0" + struct.pack(">I", len(message)) + message


def raw_deadlines():
    """Junk and absent deadlines are replaced by the method's own, too long ones cut; gRPC itself answers those past."""
    for timeout in ("0n", "0S", "0H"):
        yield "deadline", f"{timeout}: past", [("grpc-timeout", timeout)], ("DEADLINE_EXCEEDED", None)
    yield "deadline", "none", [], ("OK", "")
    for timeout in ("", "abc", "1", "S", "10X", "-1S", " 1S", "1.5S", "1S1S", "0x10S", "9" * 18 + "S", "٥S"):
        yield "deadline", f"{timeout!r}: junk", [("grpc-timeout", timeout)], ("OK", "")
    # What clients send that mean "no deadline": the largest they can hold, in nanoseconds or as hours.
    for timeout in ("60S", "99999999S", "99999999M", "2000000H", "2562047H", "2562048H", "99999999H"):
        yield "deadline", f"{timeout}: over the maximum", [("grpc-timeout", timeout)], ("OK", "")


def raw_metadata(token):
    """Of metadata, the gateway reads few and passes on fewer; what it does not read need be well formed in HTTP/2 alone:
    what is not has no answer, its stream is reset (RFC 9113, 8.1.1)."""
    denied, reserved = ("UNAUTHENTICATED", "TOKEN_INVALID"), ("INVALID_ARGUMENT", "RESERVED_METADATA")
    malformed = ("reset", "")
    trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    cases = {"200 keys": ([(f"x-{i}", "v") for i in range(200)], ("OK", "")),
             # The gateway's bound on the size of all is 8 KiB; the carrier's is 64 KiB.
             "250 keys": ([(f"x-{i}", "v") for i in range(250)], ("RESOURCE_EXHAUSTED", "METADATA_TOO_LARGE")),
             "8 KB in one": ([("x-a", "v" * 8192)], ("RESOURCE_EXHAUSTED", "METADATA_TOO_LARGE")),
             "60 KB in one": ([("x-a", "v" * 60_000)], ("RESOURCE_EXHAUSTED", "METADATA_TOO_LARGE")),
             "64 KB in one": ([("x-a", "v" * 65_536)], ("RESOURCE_EXHAUSTED", "METADATA_TOO_LARGE")),
             "not ASCII, unread": ([("x-a", b"\xd0\xb6\xff")], ("OK", "")),
             "NUL, unread": ([("x-a", b"a\0b")], malformed),
             "bad -bin": ([("x-bin", "!!!!")], ("OK", "")),
             "reserved, bad -bin": ([("nisi-call-context-bin", "!!!!")], reserved),
             "reserved": ([("nisi-call-context-bin", "AAAA")], reserved), "reserved, twice": (
                 [("nisi-service", "priority-goods")] * 2, reserved),
             "the same token twice": ([("authorization", token)] * 2, reserved),
             "a token and a bad one": ([("authorization", token), ("authorization", "Bearer " + MARK)], reserved),
             "reserved, upper case": ([("Nisi-Call-Context-Bin", "AAAA")], malformed),
             "NUL in the token": ([("authorization", token + "\0")], malformed),
             "not ASCII in the token": ([("authorization", token.encode() + b"\xff")], denied),
             "traceparent junk": ([("traceparent", MARK)], ("OK", "")),
             "traceparent not ASCII": ([("traceparent", b"\xff" * 55)], ("OK", "")),
             "tracestate without traceparent": ([("tracestate", MARK)], ("OK", "")),
             "tracestate too long": ([trace, ("tracestate", "a=" + "b" * 1000)], ("OK", "")),
             "tracestate not ASCII": ([trace, ("tracestate", b"a=\xff")], ("OK", "")),
             "tracestate with NUL": ([trace, ("tracestate", b"a=\0")], malformed)}
    for what, (headers, expected) in cases.items():
        yield "metadata", what, headers, expected


def check_raw(world, judge):
    """CheckGoods, which all may call, in HTTP/2 that no library writes."""
    suite, method = world.suite, next(m for m in of_goods(world.suite) if m.name == "CheckGoods")
    body = world.good(method).SerializeToString()
    cases = [(*case, framed(body)) for case in [*raw_deadlines(),
                                                *raw_metadata("Bearer " + world.client.tokens[INSTITUTE])]]
    # A frame that ends before its message is no message, however long it says it is.
    for what, payload in {"no bytes": b"", "half a prefix": b"\0\0",
                          "a frame too long by one": b"\0" + struct.pack(">I", len(body) + 1) + body}.items():
        cases.insert(0, ("raw request bytes", what, [], ("INVALID_ARGUMENT", "MESSAGE_COUNT"), payload))
    cases.insert(0, ("raw request bytes", "a frame of 4 GiB", [], ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"),
                     b"\0\xff\xff\xff\xff" + body))
    cases.insert(0, ("unary with 0 or 2 messages", "two frames", [], ("INVALID_ARGUMENT", "MESSAGE_COUNT"),
                     framed(body) * 2))
    cases.insert(0, ("raw request bytes", "no gzip", [("grpc-encoding", "gzip")],
                     ("UNIMPLEMENTED", "COMPRESSION_UNSUPPORTED"),
                     b"\1" + framed(body)[1:]))
    for row, what, headers, expected, payload in cases:
        case = Case(row, f"HTTP/2 by hand: {what}", method, [])
        judge.rows[row] += 1
        call = RawCall(suite.port, path_of(method), headers, payload)
        got = call.status(world.m)
        if got[:1 if expected[1] is None else 2] != expected[:1 if expected[1] is None else 2]:
            judge.complain(case, f"got {got}, expected {expected}")
        if any(MARK.encode() in value for value in call.headers.values()):
            judge.complain(case, f"repeats the value: {call.headers}")
        if call.ended == "closed" and died(suite):
            judge.complain(case, "the gateway died of it")
            suite.start()
            world.client.reconnect()
            judge.stubs.clear()


def died(suite):
    """Whether the process at the door has ended, or does within a moment."""
    try:
        return suite.processes[suite.store_process()].wait(2) is not None
    except subprocess.TimeoutExpired:
        return False


def check_limits():
    """Rows of load: memory, the bounds of a gateway that has small ones, a service that is away. Returns problems."""
    flags = ["--calls-per-second", "1", "--burst", "3", "--max-streams", "1"]
    with Suite(sys.argv[1], sys.argv[2], "processes", gateway_flags=flags) as suite:
        client, problems = Client(suite), []
        if memory_of_a_bomb(suite) > 32:  # a multiple of the largest message, far from what it unpacks to
            problems.append("a compressed message is unpacked before its size is judged: over 32 MiB for 128 kB")
        client.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Перечень"})

        def refused(code, reason, kinds, ask, tries=1):
            try:
                for _ in range(tries):
                    ask()
            except Refused as refusal:
                status = suite.messages.status.Status.FromString(refusal.wire)
                found = {detail.type_url.rsplit(".", 1)[-1] for detail in status.details}
                if (refusal.code.name, refusal.reason) == (code, reason) and kinds <= found:
                    return
                problems.append(f"got {refusal} with {found}, expected {code} {reason} with {kinds}")
                return
            problems.append(f"was answered, expected {code} {reason}")
        busy = {"RetryInfo", "QuotaFailure"}
        check = lambda: client.goods("CheckGoods", codes=["850423"])  # noqa: E731
        refused("RESOURCE_EXHAUSTED", "RATE_LIMITED", busy, check, tries=50)
        watch = client.journal_stream("WatchEntries", "auditor", start_position=1)
        next(watch)
        # RESOURCE_EXHAUSTED, as the domain page says of overload; the matrix says UNAVAILABLE.
        refused("RESOURCE_EXHAUSTED", "OVERLOADED", busy,
                lambda: next(client.journal_stream("WatchEntries", AUTHORITY, start_position=1)))
        watch.close()
        suite.kill(only="priority-goods")
        refused("UNAVAILABLE", "BACKEND_UNAVAILABLE", {"RetryInfo"},
                lambda: client.goods("GetEdition", "holding", name="editions/1"))
        return problems


def run(mode, stride):
    """All cases, or every stride-th of them, over one suite."""
    with Suite(sys.argv[1], sys.argv[2], mode) as suite:
        world = World(suite)
        judge = Judge(world)
        check_good_requests(world, judge)
        for method in of_goods(suite):
            judge.all_of(method, list(cases_of(world, judge, method))[::stride])
            assert judge.tried[method.full_name], f"{method.full_name} has no cases"
        for case in list(unknown_methods())[::stride]:
            judge.try_case(case)
        if stride == 1:
            judge.rows["text"] += check_normalised(world, judge) + check_rows(world, judge)
            judge.rows["page size"] += check_pages(world, judge)
            check_bombs(judge)
            before = judge.head()
            check_raw(world, judge)
            assert judge.head() == before, "the store changed"
        check_good_requests(world, judge)
        if stride == 1:
            check_expired(world, judge)
        return judge


def report(mode, judge):
    """Prints what was wrong, a few of each kind; returns how many things were."""
    for (method, row, _), problems in judge.problems.items():
        for problem in problems[:2]:
            print(f"{mode}: {method}: {row}: {problem}")
        if len(problems) > 2:
            print(f"{mode}: {method}: {row}: {len(problems) - 2} more like these")
    return sum(len(problems) for problems in judge.problems.values())


def main():
    judge = run("embedded", 1)
    for row, count in sorted(judge.rows.items()):
        print(f"{count:6} {row}")
    cases = sum(judge.rows.values())
    wrong = report("embedded", judge)
    subset = run("processes", SUBSET)
    wrong += report("processes", subset)
    limits = check_limits()
    print("".join(f"limits: {problem}\n" for problem in limits), end="")
    print(f"bad input: {cases} cases of {len(judge.tried)} methods and paths in one process, "
          f"{sum(subset.rows.values())} over processes, {wrong + len(limits)} wrong")
    assert cases >= MIN_CASES, cases
    sys.exit(1 if wrong or limits else 0)


if __name__ == "__main__":
    main()
