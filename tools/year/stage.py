"""Where the year is played: the suite, its clock, and the people who call through the gateway.

A call is tried again, with the same request id, for as long as a process is away, so that it makes no difference to what
comes of the year whether something is killed meanwhile. Anything that is not as the law says ends the play: `Wrong`.
"""
import datetime
import os
import pathlib
import subprocess
import time
import uuid

os.environ.setdefault("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "50")  # a blocking client notices restarts by it
import grpc  # noqa: E402

from protos import Protos, date_of, plain  # noqa: E402

LEGAL_ZONE = datetime.timezone(datetime.timedelta(hours=5))  # Asia/Almaty since 1 March 2024
MORNING = datetime.time(9)
PATIENCE = 60  # seconds, within which a process that was killed must be back
NAMESPACE = uuid.UUID("86a7a3c4-2021-5227-8600-000000000007")
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Wrong(Exception):
    """Something is not as the law says."""


class Refused(Exception):
    """A refusal as its caller sees it."""

    def __init__(self, error, protos):
        self.code, self.message, self.reason, self.articles, self.metadata = error.code(), error.details() or "", "", [], {}
        wire = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        info, basis = protos.message("google.rpc.ErrorInfo"), protos.message("nisi.rpc.v1.LegalBasis")
        bad, fields = protos.message("google.rpc.BadRequest"), []
        for detail in protos.message("google.rpc.Status").FromString(wire).details:
            if detail.TypeName() == "google.rpc.ErrorInfo":
                found = info.FromString(detail.value)
                self.reason, self.metadata = found.reason, dict(found.metadata)
            elif detail.TypeName() == "nisi.rpc.v1.LegalBasis":
                self.articles.append(basis.FromString(detail.value).article)
            elif detail.TypeName() == "google.rpc.BadRequest":
                fields += [f"{v.field}: {v.description}" for v in bad.FromString(detail.value).field_violations]
        super().__init__(f"{self.code.name} {self.reason}: {self.message} {self.metadata or ''} {'; '.join(fields)}".rstrip())


class Stage:
    def __init__(self, root, binaries, data, clock, address, out, tls_ca=None, salt=""):
        self.root, self.nisi, self.data, self.clock = root, pathlib.Path(binaries) / "nisi", data, pathlib.Path(clock)
        self.address, self.tls_ca, self.out, self.salt = address, tls_ca, out, salt
        self.protos = Protos(root / "proto")
        self.people, self.tokens, self.asked, self.today, self.calls = {}, {}, 0, None, 0
        # Soon there again after a restart. The "min" is the time that one connect has.
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200),
                   ("grpc.min_reconnect_backoff_ms", 10_000), ("grpc.use_local_subchannel_pool", 1)]
        if tls_ca is None:
            self.channel = grpc.insecure_channel(address, options)
        else:
            credentials = grpc.ssl_channel_credentials(pathlib.Path(tls_ca).read_bytes())
            self.channel = grpc.secure_channel(address, credentials, options)

    # ---- People

    def cast(self, who, role, bin=None, region=None):
        """Somebody who calls: a role of the law, for a BIN or in a region where the role is bound to one."""
        self.people[who] = (role, bin, region)

    def flags_of(self, who):
        """By which `nisi` makes the token of somebody."""
        role, bin_, region = self.people[who]
        return ["--subject", f"dev:{who}", *(["--bin", bin_] if bin_ else []), *(["--region", region] if region else [])]

    def token(self, who):
        if who not in self.tokens:
            made = subprocess.run([self.nisi, "token", "--role", self.people[who][0], "--life", "4h", "--data", self.data,
                                   *self.flags_of(who)], check=True, capture_output=True, text=True)
            self.tokens[who] = made.stdout.strip()
        return self.tokens[who]

    def _metadata(self, who, service):
        return [*([("authorization", "Bearer " + self.token(who))] if who else []),
                *([("nisi-service", service)] if service else [])]

    # ---- Calls

    def request_id(self, label):
        """The same in every play of the year: the n-th request of it."""
        self.asked += 1
        return str(uuid.uuid5(NAMESPACE, f"{self.salt} {self.asked} {label}"))

    def call(self, called, who=None, service=None, /, **fields):
        """The answer to one request; Refused when there is none. `who` None is nobody signed in."""
        method = self.protos.find(called)
        if method.takes_request_id and "request_id" not in fields:
            fields["request_id"] = self.request_id(f"{called} {who}")
        request = method.request(**plain(fields))
        stub = self.channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        return self._until_there(lambda: stub(request, metadata=self._metadata(who, service), timeout=20))

    def send(self, name, who, header, rows):
        """An import: a header, then the rows; every row must enter."""
        method = self.protos.find(name)
        header = {"request_id": self.request_id(f"{name} {who}"), "row_count": len(rows), **header}
        rows = [{"row_number": at, **row} for at, row in enumerate(rows, 1)]
        requests = [method.request(**plain({"header": header})), method.request(**plain({"rows": {"rows": rows}}))]
        stub = self.channel.stream_unary(method.path, method.request.SerializeToString, method.response.FromString)
        report = self._until_there(lambda: stub(iter(requests), metadata=self._metadata(who, None), timeout=60))
        self.check(report.committed and report.entered_count == len(rows), f"every row of {name} enters", report)
        return report

    def _until_there(self, run, accepted=()):
        self.calls += 1
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return run()
            except grpc.RpcError as error:
                refused = Refused(error, self.protos)
                if refused.code not in AWAY or refused.reason in accepted or time.monotonic() > deadline:
                    raise refused from None
            time.sleep(0.05)

    def refused(self, reason, called, who=None, /, **fields):
        """The refusal of a call that the law forbids, on this ground."""
        method = self.protos.find(called)
        if method.takes_request_id:
            fields.setdefault("request_id", self.request_id(f"{called} {who} refused"))
        request = method.request(**plain(fields))
        stub = self.channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
        try:
            answer = self._until_there(lambda: stub(request, metadata=self._metadata(who, None), timeout=20), (reason,))
        except Refused as refusal:
            self.check(refusal.reason == reason, f"{called} by {who} is refused with {reason}", refusal)
            return refusal
        raise Wrong(f"{called} by {who} was not refused with {reason} but answered {answer}")

    def pages(self, called, who=None, service=None, /, **fields):
        """All records of a list, page by page."""
        held = next(field.name for field in self.protos.find(called).response.DESCRIPTOR.fields
                    if field.label == field.LABEL_REPEATED)
        found, token = [], ""
        while True:
            answer = self.call(called, who, service, page_size=200, page_token=token, **fields)
            found += getattr(answer, held)
            token = answer.next_page_token
            if not token:
                return found

    def eventually(self, what, ask, good, seconds=PATIENCE):
        """The first answer that is good: of what happens by itself."""
        deadline = time.monotonic() + seconds
        while True:
            answer = ask()
            if good(answer):
                return answer
            if time.monotonic() > deadline:
                raise Wrong(f"{what} did not happen: {answer}")
            time.sleep(0.05)

    def until_told(self, label, record, told, change):
        """A record keeps what a neighbour says of it when it is entered, and is taken without that while the neighbour is
        away; the next change asks again. So it is changed, as it is, until the neighbour was there."""
        deadline, number = time.monotonic() + PATIENCE, 0
        while not told(record):
            self.check(time.monotonic() < deadline, f"{label} is told by the neighbour", record)
            time.sleep(0.1)
            number += 1
            record = change(record, str(uuid.uuid5(NAMESPACE, f"{self.salt} {label} {number}")))
        return record

    # ---- The clock

    def go_to(self, day):
        """The morning of a day: every service has it, and what fell due by itself by then has happened."""
        self.check(self.today is None or day >= self.today, "time goes forward", day)
        if day == self.today:
            return
        wanted = datetime.datetime.combine(day, MORNING, LEGAL_ZONE)
        ahead = (wanted - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        new = self.clock.with_suffix(".new")  # replaced in one step: the suite must not read half a file
        new.write_text(f"+{ahead:.0f}s")
        new.rename(self.clock)
        self.today = day
        for owner in self.protos.owners():
            self.eventually(f"{day} in {owner}", lambda: self.head(owner),
                            lambda head: head.sign_time.seconds >= wanted.timestamp() - 2)
        self.settle()

    def head(self, owner):
        return self.call("journal.GetTreeHead", None, owner)

    def settle(self):
        """Nothing more happens by itself: two looks at all journals find the same."""
        last = None
        while True:
            sizes = [self.head(owner).tree_size for owner in self.protos.owners()]
            if sizes == last:
                return
            last = sizes
            time.sleep(0.05)

    def day(self, ahead=0):
        return self.today + datetime.timedelta(days=ahead)

    # ---- What must hold

    def check(self, holds, what, found=""):
        if not holds:
            raise Wrong(f"{what}: {found}")

    def same(self, found, wanted, what):
        self.check(found == wanted, f"{what} is {wanted!r}", repr(found))

    def state(self, record):
        """The name of a record's state."""
        return record.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[record.state].name

    def in_state(self, record, wanted):
        self.same(self.state(record), wanted, f"the state of {record.name}")
        return record

    # ---- What is told

    def act(self, title, article=""):
        heading = f"{self.today:%d %B %Y}  {title}"
        self.out.write(f"\n\033[1m{heading}\033[0m{f'  ({article})' if article else ''}\n")

    def say(self, text):
        self.out.write(f"   {text}\n")
        self.out.flush()

    def refusal(self, refusal):
        """A refusal, as it reads."""
        self.say(f"refused: {refusal.reason}, {', '.join(refusal.articles)}: {refusal.message}")

    def table(self, columns, rows):
        cells = [[str(cell) for cell in row] for row in [columns, *rows]]
        widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
        numbers = [all(row[at].replace(" ", "").replace(".", "").replace("-", "").isdigit() for row in cells[1:])
                   for at in range(len(columns))]
        for number, row in enumerate(cells):
            line = "  ".join(cell.rjust(width) if right else cell.ljust(width)
                             for cell, width, right in zip(row, widths, numbers))
            self.say("  " + line.rstrip())
            if number == 0:
                self.say("  " + "  ".join("-" * width for width in widths))

    def hint(self, command):
        """What a person can type to look at it."""
        self.say(f"$ nisi {command}")

    def command(self, who, *words, fails=False, quiet=False, silent=False):
        """A command of `nisi` as a person types it, told unless silent, and run; its output, told too unless quiet. A
        change has a request id, so that it can be asked again when a process is away."""
        shown = " ".join(f'"{word}"' if " " in str(word) else str(word) for word in words)
        signed = ["--as", self.people[who][0], *self.flags_of(who)] if who else []
        if not silent:
            self.hint(f"{f'--as {self.people[who][0]} ' if who else ''}{shown}")
        where = ["--address", self.address, "--data", self.data, *(["--tls-ca", self.tls_ca] if self.tls_ca else [])]
        method = self.protos.services.get(str(words[0]).replace("-", "_"), {})
        name = "".join(part.capitalize() for part in str(words[1]).split("-")) if len(words) > 1 else ""
        again = ["--request-id", self.request_id(shown)] if name in method and method[name].takes_request_id else []
        if name in method and method[name].descriptor.input_type.name.startswith("Import"):
            again = ["--request-id", self.request_id(shown)]
        offline = words[0] == "verify"
        deadline = time.monotonic() + PATIENCE
        while True:
            ran = subprocess.run([self.nisi, *map(str, words), *(() if offline else (*where, *signed)), *again],
                                 capture_output=True, text=True)
            self.calls += 1
            if ran.returncode != 3 or time.monotonic() > deadline:  # 3: not available
                break
            time.sleep(0.1)
        self.check((ran.returncode != 0) == fails, f"nisi {shown} {'is refused' if fails else 'is answered'}",
                   ran.stdout + ran.stderr)
        told = ran.stderr if fails else ran.stdout
        if not quiet and not silent:
            for line in told.rstrip().splitlines():
                self.say("  " + line)
        return told


def tenge(tiyn):
    """A sum as people read it."""
    whole = f"{tiyn // 100:,}".replace(",", " ")
    return whole if tiyn % 100 == 0 else f"{whole}.{tiyn % 100:02}"


def day_of(message):
    return date_of(message).isoformat()
