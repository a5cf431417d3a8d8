"""The whole life of a list of priority goods as the roles of the law live it, through the gateway and by a client
nobody here wrote: every method of the registry, of its journal and of its store, over the suite in one process and
over separate processes with mutual TLS. The answers must be the same.

usage: journey_test.py <bin folder> <proto folder> embedded|processes
"""
import contextlib
import csv
import datetime
import hashlib
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import grpc
from google.protobuf import json_format

from suite import GOODS, JOURNAL, Client, Refused, Suite, uid

INSTITUTE, AUTHORITY, AUDITOR, ENTITY = "institute.industry", "authority.industry", "auditor", "entity"
OPERATOR = "operator"
PUBLIC = None
DRAFTER_IN_OFFICE = "the institute's drafter with a post in the authority"
SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "services/priority_goods/testdata/sample_goods.csv"


class Story:
    """What the scenes share: the clients, the calendar, and what earlier scenes have made."""

    def __init__(self, suite):
        self.suite, self.client, self.m = suite, Client(suite), suite.messages
        self.journal, self.refused = self.client.journal, self.client.goods_refused
        self.state, self.check = self.m.resources.Edition, self.m.goods.CheckGoodsResponse
        self.first_day = suite.today()
        # `nisi token` names a subject after its role; this one has the authority's role and the institute's person.
        self.client.tokens[DRAFTER_IN_OFFICE] = suite.token(AUTHORITY, "--subject", f"dev:{INSTITUTE}")
        with open(SAMPLE, encoding="utf-8", newline="") as file:
            self.sample = list(csv.DictReader(file))

    def goods(self, method, role=PUBLIC, **fields):
        """The answer of the registry. What can be rehearsed is: validate_only answers the same and changes nothing."""
        known = self.client.method(GOODS + method).input_type.fields_by_name
        if "validate_only" in known and "validate_only" not in fields and "request_id" not in fields:
            fields["request_id"] = uid()  # which the rehearsal does not use up
            with self.nothing_changes():
                rehearsed = self.client.goods(method, role, validate_only=True, **fields)
            answer = self.client.goods(method, role, **fields)
            assert unmarked(rehearsed) == unmarked(answer), (rehearsed, answer)
            return answer
        return self.client.goods(method, role, **fields)

    def day(self, number):
        """The date so many days after the story began, as a message."""
        return self.client.date(self.first_day + datetime.timedelta(days=number))

    def turn_to(self, number):
        self.suite.move_clock(24 * number)
        self.client.eventually("the day", lambda: self.checked("0101"), lambda a: a.on_date == self.day(number))

    def until(self, edition, state):
        """The edition once it is in this state, which it reaches by itself."""
        return self.client.eventually(f"{edition} turns {self.state.State.Name(state)}",
                                      lambda: self.goods("GetEdition", AUDITOR, name=edition),
                                      lambda found: found.state == state)

    def checked(self, *codes, day=None):
        """CheckGoods as anybody may ask."""
        on_date = {} if day is None else {"on_date": self.day(day)}
        return self.goods("CheckGoods", PUBLIC, codes=codes, **on_date)

    def draft(self, *entries):
        """The name of a new edition with these entries."""
        name = self.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Перечень"}).name
        if entries:
            self.goods("BatchCreateEntries", INSTITUTE, parent=name, entries=entries)
        return name

    def submitted(self, name):
        return self.goods("SubmitEdition", INSTITUTE, name=name)

    def approved(self, name, etag, order_number, day, from_day):
        return self.goods("ApproveEdition", AUTHORITY, name=name, etag=etag, order_number=order_number,
                          order_date=self.day(day), effective_from=self.day(from_day))

    def imported(self, parent, rows, request_id=None, dry_run=False, at_once=100, announced=None):
        kind = self.m.goods.ImportEntriesRequest
        messages = [kind(header={"parent": parent, "request_id": request_id or uid(), "dry_run": dry_run,
                                 "row_count": announced or len(rows)})]
        messages += [kind(rows={"rows": rows[at:at + at_once]}) for at in range(0, len(rows), at_once)]
        return self.client.send(GOODS + "ImportEntries", messages, self.m.imports.ImportReport, INSTITUTE)

    def exported(self, edition, role=PUBLIC):
        return list(self.client.goods_stream("ExportEdition", role, name=edition))

    def pages(self, method, role, between=lambda: None, **fields):
        """All pages of a List, Search or Diff, a list each; `between` is what others do after each page."""
        token = ""
        while True:
            page = self.goods(method, role, page_token=token, **fields)
            yield list(getattr(page, page.DESCRIPTOR.fields[0].name))
            token = page.next_page_token
            if not token:
                return
            between()

    def leaves(self):
        """Serialized journal entries, all of them, asked for page by page."""
        leaves, start = [], 1
        while start:
            page = self.journal("ListEntries", AUDITOR, start_position=start, page_size=40)
            leaves += [record.leaf for record in page.entries]
            start = page.next_position
        return leaves

    def entries(self):
        return [self.m.journal.Entry.FromString(leaf) for leaf in self.leaves()]

    @contextlib.contextmanager
    def nothing_changes(self):
        """What is refused or only checked leaves no trace in the journal."""
        before = self.journal("GetTreeHead").tree_size
        yield
        assert self.journal("GetTreeHead").tree_size == before


def nisi(s, *args):
    """What the command line prints; it must end well."""
    ran = subprocess.run([s.suite.bin / "nisi", *map(str, args)], capture_output=True, text=True)
    assert ran.returncode == 0, (args, ran)
    return ran.stdout


def entry(code, level="HIGH", sector="machinery", **names):
    return {"goods_code": code, "processing_level": level, "sector": sector, **(names or {"name_ru": f"товар {code}"})}


def row(line, number):
    """A line of the sample as a row of an import."""
    return {"row_number": number, "goods_code": line["hs_code"],
            **{key: line[key] for key in ("name_kk", "name_ru", "name_en", "sector", "processing_level")}}


def unmarked(message):
    """A copy without the marks that a record gets when it is stored."""
    copy = type(message)()
    copy.CopyFrom(message)
    for field, value in copy.ListFields():
        if field.name in ("etag", "version", "create_time", "update_time", "decide_time"):
            copy.ClearField(field.name)
        elif field.message_type and field.label == field.LABEL_REPEATED:
            parts = [unmarked(part) for part in value]
            copy.ClearField(field.name)
            getattr(copy, field.name).extend(parts)
        elif field.message_type:
            value.CopyFrom(unmarked(value))
    return copy


def codes(entries):
    return [found.goods_code for found in entries]


def changed_entries(s, record, edition):
    """An edition's entries that a journal entry changes: the name, and whether it is still there after."""
    changed = []
    for change in record.changes:
        if change.table == "entries":
            found, is_there = s.m.resources.Entry(), change.kind == s.m.journal.Change.PUT
            assert (change.after if is_there else change.before).Unpack(found), change
            changed += [(found.name, is_there)] if found.name.startswith(f"{edition}/") else []
    return changed


def edition_after(s, record):
    """The edition that a journal entry of one edition's change leaves behind."""
    edition = s.state()
    assert record.changes[0].after.Unpack(edition), record
    return edition


def expect_refused(code, reason, run):
    """For calls that are no plain unary call."""
    try:
        answer = run()
    except Refused as refusal:
        assert refusal.code.name == code and refusal.reason == reason, refusal
        return refusal
    raise AssertionError(f"not refused but answered {answer}")


# The scenes, in order of time. Day 0 is the first.


def strangers_find_the_door_closed(s):
    """Who is nobody, has another role or brings a forged identity changes nothing, and an auditor only reads."""
    with s.nothing_changes():
        title = {"title_ru": "x"}
        s.refused("UNAUTHENTICATED", "IDENTITY_REQUIRED", "CreateEdition", PUBLIC, edition=title)
        s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "CreateEdition", ENTITY, edition=title)
        path, request = GOODS + "GetEdition", s.m.goods.GetEditionRequest(name="editions/1")
        expect_refused("INVALID_ARGUMENT", "RESERVED_METADATA", lambda: s.client.call(
            path, request, s.m.resources.Edition, PUBLIC, [("nisi-call-context-bin", b"forged")]))
        expect_refused("INVALID_ARGUMENT", "SERVICE_NOT_NAMED", lambda: s.client.call(
            JOURNAL + "GetTreeHead", s.m.journal.GetTreeHeadRequest(), s.m.journal.TreeHead))
        for method in s.m.goods.DESCRIPTOR.services_by_name["PriorityGoodsService"].methods:
            if method.GetOptions().Extensions[s.m.options.policy].mutation and method.name != "ImportEntries":
                s.refused("PERMISSION_DENIED", "ACCESS_DENIED", method.name, AUDITOR)
        expect_refused("UNAUTHENTICATED", "IDENTITY_REQUIRED",
                       lambda: next(s.client.journal_stream("WatchEntries", PUBLIC, start_position=1)))


def reflection_is_asked_by_both_names(s):
    """Newer clients ask v1 first, older ones know v1alpha alone: the gateway and each process answer both alike."""
    list_services, of_health = b"\x3a\x01*", b"\x22\x15grpc.health.v1.Health"
    channels = {"gateway": s.suite.channel()}
    if s.suite.mode == "processes":
        tls = s.suite.data / "keys" / "tls"
        credentials = grpc.ssl_channel_credentials(*((tls / name).read_bytes()
                                                     for name in ("ca.pem", "gateway.key", "gateway.pem")))
        channels |= {owner: grpc.secure_channel(s.suite.addresses(owner), credentials) for owner in s.suite.backend_ports}
    for process, channel in channels.items():
        with channel:
            told = []
            for name in ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"):
                ask = channel.stream_stream(f"/{name}/ServerReflectionInfo")
                told.append(list(ask(iter([list_services, of_health, b"\x22" + bytes([len(name)]) + name.encode()]),
                                     timeout=20)))
                assert all(name.encode() in each for each in (told[-1][0], told[-1][2])), (process, name)
            assert told[0][:2] == told[1][:2] and b"HealthCheckRequest" in told[0][1], process


def nothing_is_listed_before_the_first_edition(s):
    """The answer to every code is no, and says why."""
    answer = s.checked("850423", "0301")
    assert [(r.code, r.verdict, r.reason) for r in answer.results] == [
        ("850423", s.check.NOT_LISTED, "NO_EDITION_IN_FORCE"), ("0301", s.check.NOT_LISTED, "NO_EDITION_IN_FORCE")]
    assert answer.on_date == s.day(0) and answer.edition == "" and answer.legal_basis.article == "Art. 26(1)", answer


def the_institute_assesses_goods(s):
    """Scores of Art. 26(2) become a level, at the norms' bounds, by a decision that explains itself."""
    table = [("8501", (40, 30, 0), 70, "HIGH"), ("8502", (40, 29, 0), 69, "MEDIUM"), ("8503", (40, 0, 0), 40, "MEDIUM"),
             ("8504", (39, 0, 0), 39, "LOW"), ("8505", (40, 30, 30), 100, "HIGH"), ("8506", (0, 0, 0), 0, "LOW")]
    s.assessments = {}
    for code, (complexity, exports, domestic), points, level in table:
        evidence = [{"name": "study.pdf", "media_type": "application/pdf", "size_bytes": 1000, "sha256": b"\7" * 32}]
        made = s.goods("CreateAssessment", INSTITUTE, assessment={
            "goods_code": code, "technological_complexity": complexity, "export_potential": exports,
            "domestic_potential": domestic, "evidence": evidence, "note": "По исследованию рынка."})
        assert made.points == points and made.processing_level == s.m.resources.ProcessingLevel.Value(level), made
        assert made.decision.outcome == level and made.assessor == f"dev:{INSTITUTE}", made
        assert made.decision.rests_on_assumption and made.decision.norms_edition, made.decision
        assert [(f.rule, f.satisfied, f.legal_basis.article) for f in made.decision.findings] == [
            ("SCORE_WITHIN_NORM:technological_complexity", True, "Art. 26(2)"),
            ("SCORE_WITHIN_NORM:export_potential", True, "Art. 26(2)"),
            ("SCORE_WITHIN_NORM:domestic_potential", True, "Art. 26(2)"),
            ("ENTRY_LEVEL_MEDIUM_OR_HIGH", level != "LOW", "Art. 26(1)")], made.decision
        facts = {fact.name: fact for finding in made.decision.findings for fact in finding.facts}
        assert facts["points"].value == str(points), facts
        assert facts["priority_goods.level.high_from"].value == "70", facts
        scores = [facts[name] for name in ("technological_complexity", "export_potential", "domestic_potential")]
        assert {(fact.source, fact.version) for fact in scores} == {(made.name, made.etag)}, scores
        s.assessments[code] = made
    with s.nothing_changes():
        over = s.refused("INVALID_ARGUMENT", "SCORE_OVER_NORM", "CreateAssessment", INSTITUTE,
                         assessment={"goods_code": "8507", "technological_complexity": 41})
        assert over.violations == ["assessment.technological_complexity"] and over.metadata["maximum"] == "40", over
        s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "GetAssessment", ENTITY, name=s.assessments["8501"].name)
    assert s.goods("GetAssessment", AUTHORITY, name=made.name) == made


def decisions_are_computed_again(s):
    """A replay from the stored facts comes to the same decision."""
    for made in s.assessments.values():
        replay = s.goods("ReplayDecision", AUDITOR, name=made.name)
        assert replay.same and replay.stored == made.decision and replay.replayed == made.decision, replay


def the_institute_opens_a_draft(s):
    """An edition is checked, made once however often it is asked for, retitled, and hidden from the public."""
    titles = {"title_kk": "Басым тауарлар тізбесі", "title_ru": "Перечень приоритетных товаров"}
    with s.nothing_changes():
        only = s.goods("CreateEdition", INSTITUTE, edition=titles, validate_only=True)
        assert only.name == "editions/1" and only.state == s.state.DRAFT, only
        s.refused("NOT_FOUND", "NOT_FOUND", "GetEdition", INSTITUTE, name="editions/1")
        s.refused("INVALID_ARGUMENT", "INVALID_FIELD", "CreateEdition", INSTITUTE, edition={"title_en": "English only"})
    request_id = uid()
    made = s.goods("CreateEdition", INSTITUTE, edition=titles, request_id=request_id)
    assert (made.name, made.state, made.drafted_by) == ("editions/1", s.state.DRAFT, f"dev:{INSTITUTE}"), made
    s.first = made.name
    with s.nothing_changes():
        assert s.goods("CreateEdition", INSTITUTE, edition=titles, request_id=request_id) == made
        s.refused("FAILED_PRECONDITION", "IDEMPOTENCY_KEY_REUSED", "CreateEdition", INSTITUTE,
                  edition={"title_ru": "Другой перечень"}, request_id=request_id)
        hidden = [s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "GetEdition", PUBLIC, name=name)
                  for name in (made.name, "editions/99")]
        assert hidden[0].told == hidden[1].told and hidden[0].message == hidden[1].message, hidden
        assert len({trace for refusal in hidden for trace in refusal.traces}) == 2, [each.traces for each in hidden]
        assert s.goods("ListEditions", PUBLIC).editions[:] == []
        assert s.goods("ListEditions", AUDITOR).editions[:] == [made]
    changed = s.goods("UpdateEdition", INSTITUTE, update_mask={"paths": ["title_en", "note"]}, edition={
        "name": made.name, "etag": made.etag, "title_en": "List of priority goods", "note": "Проект.\nСогласован."})
    assert (changed.title_en, changed.title_kk) == ("List of priority goods", titles["title_kk"]), changed
    assert changed.etag != made.etag and s.goods("GetEdition", AUTHORITY, name=made.name) == changed
    with s.nothing_changes():  # nor does an update that changes nothing (AIP-134); once answered it stays answered
        again = uid()
        for mask in (["note"], ["title_en", "note"], []):
            assert s.goods("UpdateEdition", INSTITUTE, update_mask={"paths": mask}, edition={
                "name": made.name, "etag": changed.etag, "title_en": changed.title_en, "note": changed.note},
                request_id=again if not mask else uid()) == changed
    noted = s.goods("UpdateEdition", INSTITUTE, edition={"name": made.name, "note": "Другой."})
    assert s.goods("UpdateEdition", INSTITUTE, request_id=again, update_mask={}, edition={
        "name": made.name, "etag": changed.etag, "title_en": changed.title_en, "note": changed.note}) == changed
    assert s.goods("GetEdition", AUTHORITY, name=made.name) == noted
    changed = s.goods("UpdateEdition", INSTITUTE, edition={"name": made.name, "note": changed.note})
    stale = s.refused("ABORTED", "VERSION_MISMATCH", "UpdateEdition", INSTITUTE,
                      edition={"name": made.name, "etag": made.etag, "note": "поздно"})
    assert stale.metadata["currentEtag"] == changed.etag, stale


def entries_are_written_by_hand(s):
    """One, several, changed and taken out; only goods of medium and high processing, and none covered twice."""
    fish = entry("0301", "MEDIUM", "food", name_kk="Тірі балық", name_ru="Живая рыба", name_en="Live fish")
    request_id = uid()
    with s.nothing_changes():
        low = s.refused("FAILED_PRECONDITION", "LEVEL_TOO_LOW", "CreateEntry", INSTITUTE, parent=s.first,
                        entry={**fish, "processing_level": "LOW"})
        assert low.articles == ["Art. 26(1)"], low
        only = s.goods("CreateEntry", INSTITUTE, parent=s.first, entry=fish, validate_only=True)
        assert only.name == f"{s.first}/entries/0301", only
        s.refused("NOT_FOUND", "NOT_FOUND", "GetEntry", INSTITUTE, name=only.name)
    s.fish = s.goods("CreateEntry", INSTITUTE, parent=s.first, entry=fish, request_id=request_id)
    assert s.fish.name == only.name and s.fish.name_kk == "Тірі балық" and s.fish.etag, s.fish
    with s.nothing_changes():
        assert s.goods("CreateEntry", INSTITUTE, parent=s.first, entry=fish, request_id=request_id) == s.fish
        s.refused("ALREADY_EXISTS", "ALREADY_EXISTS", "CreateEntry", INSTITUTE, parent=s.first, entry=fish)
        overlap = s.refused("FAILED_PRECONDITION", "ENTRY_OVERLAP", "CreateEntry", INSTITUTE, parent=s.first,
                            entry=entry("030111"))
        assert overlap.metadata["entry"] == s.fish.name and overlap.articles == ["Art. 26(2)"], overlap
        several = s.refused("FAILED_PRECONDITION", "ENTRY_OVERLAP", "BatchCreateEntries", INSTITUTE, parent=s.first,
                            entries=[entry("9503"), entry("950300")])
        assert several.metadata["item"] == "entries[1]", several
    batch = s.goods("BatchCreateEntries", INSTITUTE, parent=s.first,
                    entries=[entry("9503"), entry("8703101100"), entry("8703101800")]).entries
    assert codes(batch) == ["9503", "8703101100", "8703101800"] and all(made.etag for made in batch), batch

    better = s.goods("UpdateEntry", INSTITUTE, update_mask={"paths": ["processing_level"]},
                     entry={"name": s.fish.name, "etag": s.fish.etag, "processing_level": "HIGH", "name_ru": "мимо"})
    assert better.processing_level == s.m.resources.HIGH and better.name_ru == "Живая рыба", better
    toys = s.goods("UpdateEntry", INSTITUTE, entry={"name": batch[0].name, "etag": batch[0].etag, "note": "игрушки"})
    with s.nothing_changes():
        assert s.goods("UpdateEntry", INSTITUTE, entry={"name": toys.name, "note": "игрушки"}) == toys
        s.refused("ABORTED", "VERSION_MISMATCH", "UpdateEntry", INSTITUTE,
                  entry={"name": s.fish.name, "etag": s.fish.etag, "note": "поздно"})
        s.refused("FAILED_PRECONDITION", "LEVEL_TOO_LOW", "UpdateEntry", INSTITUTE,
                  entry={"name": s.fish.name, "processing_level": "LOW"})
        s.refused("ABORTED", "VERSION_MISMATCH", "DeleteEntry", INSTITUTE, name=toys.name, etag=batch[0].etag)
    s.goods("DeleteEntry", INSTITUTE, name=toys.name, etag=toys.etag)
    s.refused("NOT_FOUND", "NOT_FOUND", "GetEntry", AUTHORITY, name=toys.name)
    s.toys = toys


def a_file_is_imported(s):
    """A dry run tells all and changes nothing; LOW rows stay out by Art. 26(1); one bad row stops everything."""
    rows = [row(line, number) for number, line in enumerate(s.sample, 2)]
    low = [line["hs_code"] for line in s.sample if line["processing_level"] == "LOW"]
    report = s.m.imports.ImportReport.Row
    s.imported_codes = [line["hs_code"] for line in s.sample if line["processing_level"] != "LOW"]
    request_id = uid()
    with s.nothing_changes():
        dry = s.imported(s.first, rows, dry_run=True)
        assert not dry.committed and (dry.entered_count, dry.refused_count) == (len(s.imported_codes), len(low)), dry
        bad = [{**rows[0], "goods_code": code, "processing_level": "HIGH"} for code in ("7701", "030119")]
        stopped = s.imported(s.first, rows + bad, request_id)
        assert not stopped.committed and (stopped.invalid_count, stopped.refused_count) == (2, len(low)), stopped
        assert [(r.outcome, r.reason, r.field, r.article) for r in stopped.rows[-2:]] == [
            (report.INVALID, "INVALID_FIELD", "goods_code", ""),
            (report.INVALID, "ENTRY_OVERLAP", "", "Art. 26(2)")], stopped.rows[-2:]
        for cut in (rows[:-1], rows[:100]):  # a file that broke off somewhere
            half = expect_refused("INVALID_ARGUMENT", "IMPORT_ROW_COUNT",
                                  lambda: s.imported(s.first, cut, request_id, announced=len(rows)))
            assert half.violations == ["header.row_count"] and half.metadata["came"] == str(len(cut)), half
    done = s.imported(s.first, rows, request_id)  # the id of the stopped ones is free for the mended, whole file
    assert done.committed and done.invalid_count == 0 and len(done.rows) == len(rows), done
    for line, told in zip(rows, done.rows):
        refused = line["processing_level"] == "LOW"
        assert (told.row_number, told.key) == (line["row_number"], line["goods_code"]), told
        assert told.outcome == (report.REFUSED if refused else report.ENTERED), told
        assert (told.reason, told.article) == (("LEVEL_TOO_LOW", "Art. 26(1)") if refused else ("", "")), told
    assert [basis.article for basis in done.legal_basis] == ["Art. 26(1)"], done.legal_basis
    with s.nothing_changes():
        assert s.imported(s.first, rows, request_id) == done == s.imported(s.first, rows, request_id, at_once=77)
        expect_refused("FAILED_PRECONDITION", "IDEMPOTENCY_KEY_REUSED",
                       lambda: s.imported(s.first, rows[:-1], request_id))
    assert codes(s.exported(s.first, INSTITUTE)) == sorted(
        s.imported_codes + ["0301", "8703101100", "8703101800"])


def the_authority_returns_it(s):
    """A submitted edition is frozen; who drafted it decides nothing; sent back with a reason, it is mended."""
    empty = s.goods("CreateEdition", INSTITUTE, edition={"title_kk": "Бос тізбе"})
    none = s.refused("FAILED_PRECONDITION", "EDITION_EMPTY", "SubmitEdition", INSTITUTE, name=empty.name)
    assert none.articles == ["Art. 26(1)"], none
    draft = s.goods("GetEdition", INSTITUTE, name=s.first)
    with s.nothing_changes():
        s.refused("ABORTED", "VERSION_MISMATCH", "SubmitEdition", INSTITUTE, name=s.first, etag=empty.etag)
    s.seen = s.goods("SubmitEdition", INSTITUTE, name=s.first, etag=draft.etag)
    assert s.seen.state == s.state.SUBMITTED and s.seen.entry_count == len(s.imported_codes) + 3, s.seen
    assert s.seen.submitted_by == f"dev:{INSTITUTE}", s.seen
    with s.nothing_changes():
        for name, fields in (("CreateEntry", {"parent": s.first, "entry": entry("9504")}),
                             ("UpdateEntry", {"entry": {"name": s.fish.name, "note": "поздно"}}),
                             ("DeleteEntry", {"name": s.fish.name}),
                             ("UpdateEdition", {"edition": {"name": s.first, "note": "поздно"}})):
            frozen = s.refused("FAILED_PRECONDITION", "EDITION_FROZEN", name, INSTITUTE, **fields)
            assert frozen.metadata["state"] == "SUBMITTED" and frozen.articles == ["Art. 13(2)(2)"], frozen
        expect_refused("FAILED_PRECONDITION", "EDITION_FROZEN", lambda: s.imported(s.first, [row(s.sample[0], 2)]))
        same = s.refused("PERMISSION_DENIED", "SEPARATION_OF_DUTIES", "ReturnEdition", DRAFTER_IN_OFFICE, name=s.first,
                         reason="Сам себе.")
        assert same.articles == ["Art. 9(28)"], same
    reason = "Уточните коды группы 85.\nИ названия на казахском языке."
    with s.nothing_changes():
        s.refused("ABORTED", "VERSION_MISMATCH", "ReturnEdition", AUTHORITY, name=s.first, etag=draft.etag,
                  reason=reason)
        s.refused("INVALID_ARGUMENT", "INVALID_FIELD", "ReturnEdition", AUTHORITY, name=s.first, etag=s.seen.etag)
    back = s.goods("ReturnEdition", AUTHORITY, name=s.first, etag=s.seen.etag, reason=reason)
    assert (back.state, back.reason, back.decided_by) == (s.state.RETURNED, reason, f"dev:{AUTHORITY}"), back
    state = s.refused("FAILED_PRECONDITION", "EDITION_STATE", "ReturnEdition", AUTHORITY, name=s.first, reason=reason)
    assert state.metadata["state"] == "RETURNED" and state.articles == ["Art. 9(28)"], state
    named = s.goods("UpdateEntry", INSTITUTE, update_mask={"paths": ["name_kk"]},
                    entry={"name": f"{s.first}/entries/8703101100", "name_kk": "Қар көлігі"})
    assert named.name_kk == "Қар көлігі", named
    s.resubmitted = s.submitted(s.first)
    assert (s.resubmitted.state, s.resubmitted.reason, s.resubmitted.decided_by) == (
        s.state.SUBMITTED, "", ""), s.resubmitted


def the_authority_approves_it_for_tomorrow(s):
    """Another person approves what was examined, for a day to come; until then nothing is listed."""
    order = {"name": s.first, "etag": s.resubmitted.etag, "order_number": "217-НҚ", "order_date": s.day(0),
             "effective_from": s.day(1)}
    with s.nothing_changes():
        s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "ApproveEdition", INSTITUTE, **order)
        same = s.refused("PERMISSION_DENIED", "SEPARATION_OF_DUTIES", "ApproveEdition", DRAFTER_IN_OFFICE, **order)
        assert same.articles == ["Art. 9(28)"], same
        s.refused("ABORTED", "VERSION_MISMATCH", "ApproveEdition", AUTHORITY, **{**order, "etag": s.seen.etag})
        s.refused("FAILED_PRECONDITION", "EFFECTIVE_DAY_PAST", "ApproveEdition", AUTHORITY,
                  **{**order, "order_date": s.day(-2), "effective_from": s.day(-1)})
        s.refused("FAILED_PRECONDITION", "ORDER_DATE_INVALID", "ApproveEdition", AUTHORITY,
                  **{**order, "order_date": s.day(1)})
    request_id = uid()
    s.approval = s.goods("ApproveEdition", AUTHORITY, request_id=request_id, **order)
    assert s.goods("ApproveEdition", AUTHORITY, request_id=request_id, **order) == s.approval
    assert (s.approval.state, s.approval.order_number) == (s.state.APPROVED, "217-НҚ"), s.approval
    assert (s.approval.order_date, s.approval.effective_from) == (s.day(0), s.day(1)), s.approval
    assert s.approval.decided_by == f"dev:{AUTHORITY}" and not s.approval.HasField("effective_until"), s.approval
    assert s.approval.decision.outcome == "APPROVED" and [
        (f.rule, f.satisfied) for f in s.approval.decision.findings] == [
        ("SEPARATION_OF_DUTIES", True), ("EDITION_NOT_EMPTY", True), ("DATES_IN_ORDER", True)], s.approval.decision
    facts = {fact.name: (fact.value, fact.source, fact.version)
             for finding in s.approval.decision.findings for fact in finding.facts}
    assert facts["submitted_by"] == (f"dev:{INSTITUTE}", s.first, s.resubmitted.etag), facts
    assert facts["order_date"][1:] == (s.first, s.approval.etag), facts
    replay = s.goods("ReplayDecision", AUDITOR, name=s.first)
    assert replay.same and replay.stored == s.approval.decision == replay.replayed, replay
    assert s.goods("GetEdition", PUBLIC, name=s.first) == s.approval
    s.refused("FAILED_PRECONDITION", "EDITION_FROZEN", "CreateEntry", INSTITUTE, parent=s.first, entry=entry("9504"))
    assert s.checked("850423").results[0].reason == "NO_EDITION_IN_FORCE"
    ahead = s.checked("850423", day=1)
    assert (ahead.results[0].verdict, ahead.edition) == (s.check.LISTED, s.first), ahead


def the_day_turns_and_it_is_in_force(s):
    """At midnight the edition comes into force by itself."""
    s.turn_to(1)
    found = s.until(s.first, s.state.IN_FORCE)
    assert found.effective_from == s.day(1) and not found.HasField("effective_until"), found
    answer = s.checked("8504230000", "9503")
    assert (answer.edition, answer.order_number, answer.order_date) == (s.first, "217-НҚ", s.day(0)), answer
    assert (answer.on_date, answer.effective_from) == (s.day(1), s.day(1)), answer
    listed, other = answer.results
    assert (listed.verdict, listed.entry, listed.sector, listed.processing_level) == (
        s.check.LISTED, f"{s.first}/entries/850423", "machinery", s.m.resources.MEDIUM), listed
    assert (other.verdict, other.reason) == (s.check.NOT_LISTED, "NOT_ON_LIST"), other
    assert answer.legal_basis.article == "Art. 26(1)" and answer.edition_position > listed.entry_position > 0, answer


def an_assessment_is_corrected(s):
    """On another day the scores change by one point, and so does the level; the old version stays readable."""
    old = s.assessments["8502"]
    s.corrected = s.goods("UpdateAssessment", INSTITUTE, update_mask={"paths": ["export_potential"]},
                          assessment={"name": old.name, "etag": old.etag, "export_potential": 30})
    assert (s.corrected.points, s.corrected.decision.outcome) == (70, "HIGH"), s.corrected
    assert s.corrected.technological_complexity == 40 and s.corrected.etag != old.etag, s.corrected
    with s.nothing_changes():  # nor is anything decided anew
        assert s.goods("UpdateAssessment", INSTITUTE, update_mask={"paths": ["export_potential"]},
                       assessment={"name": old.name, "export_potential": 30}) == s.corrected
    s.refused("ABORTED", "VERSION_MISMATCH", "UpdateAssessment", INSTITUTE,
              assessment={"name": old.name, "etag": old.etag, "note": "поздно"})
    replay = s.goods("ReplayDecision", AUTHORITY, name=old.name)
    assert replay.same and replay.stored == s.corrected.decision, replay


def more_editions_are_made(s):
    """One takes the next day, as today is taken; one is approved and withdrawn; one is given up; one stays a draft."""
    lines = [line for line in s.sample if line["hs_code"] != "040210"]
    rows = [row(line, number) for number, line in enumerate(lines, 2)]
    for line in rows:
        if line["goods_code"] == "850423":
            line.update(processing_level="HIGH", oked="27.11")
    rows.append({**row(s.sample[0], 999), "goods_code": "9503", "processing_level": "medium", "sector": "toys"})
    s.second = s.draft()
    done = s.imported(s.second, rows)
    assert done.committed and done.entered_count == len(s.imported_codes), done
    seen = s.submitted(s.second)
    with s.nothing_changes():
        taken = s.refused("FAILED_PRECONDITION", "EFFECTIVE_DAY_TAKEN", "ApproveEdition", AUTHORITY, name=s.second,
                          etag=seen.etag, order_number="218-НҚ", order_date=s.day(1), effective_from=s.day(1))
        assert taken.articles == ["Art. 9(28)"] and taken.metadata["edition"] == s.first, taken
    assert s.approved(s.second, seen.etag, "218-НҚ", 1, 2).state == s.state.APPROVED

    s.third = s.draft(entry("9504"))
    approved = s.approved(s.third, s.submitted(s.third).etag, "219-НҚ", 1, 3)
    s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "WithdrawEdition", INSTITUTE, name=s.third, reason="Не нам.")
    reason = "Приказ отменён."
    s.refused("ABORTED", "VERSION_MISMATCH", "WithdrawEdition", AUTHORITY, name=s.third, etag=seen.etag, reason=reason)
    gone = s.goods("WithdrawEdition", AUTHORITY, name=s.third, etag=approved.etag, reason=reason)
    assert (gone.state, gone.reason, gone.decided_by) == (s.state.WITHDRAWN, reason, f"dev:{AUTHORITY}"), gone
    s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "GetEdition", PUBLIC, name=s.third)

    s.given_up = s.draft()
    gone = s.goods("WithdrawEdition", INSTITUTE, name=s.given_up, reason="Начнём сначала.")
    assert gone.state == s.state.WITHDRAWN and gone.reason == "Начнём сначала.", gone
    s.working = s.draft(*[entry(str(840100 + i), "HIGH" if i % 2 else "MEDIUM", "food" if i % 3 == 0 else "machinery")
                          for i in range(30)])


def the_second_supersedes_the_first(s):
    """The next day the first edition ends; a withdrawn one never begins, and one in force is not withdrawn."""
    s.turn_to(2)
    s.until(s.second, s.state.IN_FORCE)
    ended = s.goods("GetEdition", PUBLIC, name=s.first)
    assert (ended.state, ended.effective_from, ended.effective_until) == (
        s.state.SUPERSEDED, s.day(1), s.day(2)), ended
    state = s.refused("FAILED_PRECONDITION", "EDITION_STATE", "WithdrawEdition", AUTHORITY, name=s.second,
                      reason="Поздно.")
    assert state.metadata["state"] == "IN_FORCE" and state.articles == ["Art. 9(28)"], state
    s.turn_to(3)
    assert s.checked("9504").edition == s.second
    assert s.goods("GetEdition", AUDITOR, name=s.third).state == s.state.WITHDRAWN


def goods_are_checked_for_any_day(s):
    """Every day is answered by the edition of that day, every code by the entry that covers it."""
    assert s.checked("0301", day=0).results[0].reason == "NO_EDITION_IN_FORCE"
    for day, edition in ((1, s.first), (2, s.second), (3, s.second), (400, s.second)):
        answer = s.checked("0301", "9503", day=day)
        first = edition == s.first
        assert answer.edition == edition and answer.on_date == s.day(day), answer
        assert [r.verdict for r in answer.results] == (
            [s.check.LISTED, s.check.NOT_LISTED] if first else [s.check.NOT_LISTED, s.check.LISTED]), answer
    asked = ["0301", "03011100", "0301110000", "8703", "870310", "8703101100", "8703101200", "87032319", "8703231900",
             "850423", "8504"]
    answer = s.checked(*asked, day=1)
    assert [r.code for r in answer.results] == asked
    covering = {r.code: r.entry.rpartition("/")[2] for r in answer.results if r.verdict == s.check.LISTED}
    assert covering == {"0301": "0301", "03011100": "0301", "0301110000": "0301", "8703101100": "8703101100",
                        "87032319": "87032319", "8703231900": "87032319", "850423": "850423"}, covering
    partial = {r.code: [name.rpartition("/")[2] for name in r.partial_entries]
               for r in answer.results if r.verdict == s.check.PARTIAL}
    assert partial == {"8703": ["8703101100", "8703101800", "87032319", "870380"],
                       "870310": ["8703101100", "8703101800"],
                       "8504": ["85042210", "850423", "850433", "8504340000"]}, partial
    assert [(r.code, r.reason) for r in answer.results if r.verdict == s.check.NOT_LISTED] == [
        ("8703101200", "NOT_ON_LIST")]
    many = s.checked(*["0301", "9503"] * 5000)
    assert len(many.results) == 10000 and many.results[9999].entry == f"{s.second}/entries/9503"
    s.answer = s.checked("850423")  # whose proof the last scenes ask for


def editions_are_compared(s):
    """What the second edition added, removed and changed, page by page in order of code."""
    kind = s.m.goods.DiffEditionsResponse.Difference
    pages = list(s.pages("DiffEditions", PUBLIC, base=s.first, target=s.second, page_size=4))
    assert [len(page) for page in pages] == [4, 2]
    seen = [(kind.Kind.Name(d.kind), d.before.goods_code, d.after.goods_code, list(d.changed_fields))
            for page in pages for d in page]
    assert seen == [("REMOVED", "0301", "", []), ("REMOVED", "040210", "", []),
                    ("CHANGED", "850423", "850423", ["processing_level", "oked"]),
                    ("REMOVED", "8703101100", "", []), ("REMOVED", "8703101800", "", []),
                    ("ADDED", "", "9503", [])], seen
    assert s.goods("DiffEditions", PUBLIC, base=s.first, target=s.first).differences[:] == []
    s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "DiffEditions", PUBLIC, base=s.first, target=s.working)


def entries_are_searched(s):
    """By the beginnings of words in three languages, of codes, by sector and level, as anybody may."""
    everything = s.exported(s.second)

    def found(**fields):
        return [code for page in s.pages("SearchEntries", PUBLIC, page_size=20, **fields) for code in codes(page)]

    def words(text):
        return re.findall(r"\w+", text.casefold().replace("ё", "е"))

    def expected(query):
        return codes(e for e in everything if all(
            any(word.startswith(part) for word in words(f"{e.name_kk} {e.name_ru} {e.name_en}"))
            for part in words(query)))

    for query in ("трансформаторы жидким", "ТРАНСФОРМАТОР", "сұйық трансформатор", "СҰЙЫҚ", "liquid transf",
                  "transformers, LIQUID", "машины", "из", "electric", "тяжёлые", "тяжелые", "майсыздандырылған"):
        assert found(query=query) == expected(query), query
    assert found(query="Трансформаторы жидким более") == found(query="10 000 сұйық") == found(
        query="liquid transf over") == ["850423"]
    assert found(query="ransformer") == []  # the middle of a word
    assert found(query="майсыздандырылған") == [] and found(query="майсыздандырылған", parent=s.first) == ["040210"]
    assert found() == codes(everything)
    assert found(code_prefix="85") == [c for c in codes(everything) if c.startswith("85")]
    assert found(code_prefix="870323") == ["87032319"]
    assert found(sector="machinery", processing_level="HIGH", code_prefix="87") == codes(
        e for e in everything if e.sector == "machinery" and e.processing_level == s.m.resources.HIGH
        and e.goods_code.startswith("87")) != []
    assert found(query="electric", sector="toys") == []


def lists_hold_still_while_others_write(s):
    """All pages of a list are those of its first moment, whatever is written between them."""
    def between():
        """Entries new and gone before, after and amid those already shown; another edition and assessment."""
        nonlocal written
        there = codes(s.goods("ListEntries", AUDITOR, parent=s.working, page_size=200).entries)
        for code in (there[-1], there[len(there) // 2]):
            s.goods("DeleteEntry", INSTITUTE, name=f"{s.working}/entries/{code}")
        for chapter in ("0100", "8420", "8500"):
            s.goods("CreateEntry", INSTITUTE, parent=s.working, entry=entry(
                f"{chapter}{written:02}", ("HIGH", "MEDIUM")[written % 2], ("machinery", "food")[written // 2 % 2]))
        s.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Ещё один"})
        s.goods("CreateAssessment", INSTITUTE, assessment={"goods_code": f"8600{written:02}"})
        written += 1

    written = 0
    for filter_text, fits in (
            ("", lambda e: True),
            ('sector = "machinery"', lambda e: e.sector == "machinery"),
            ("processing_level = HIGH", lambda e: e.processing_level == s.m.resources.HIGH),
            ("sector = food AND processing_level = HIGH",
             lambda e: e.sector == "food" and e.processing_level == s.m.resources.HIGH),
            ('sector = food OR name_ru : "840101"', lambda e: e.sector == "food" or "840101" in e.name_ru)):
        before = [e for e in s.exported(s.working, AUDITOR) if fits(e)]
        pages = list(s.pages("ListEntries", AUDITOR, between, parent=s.working, page_size=4, filter=filter_text))
        assert [e for page in pages for e in page] == before, filter_text
        assert len(pages) > 1, filter_text
    for method, fields in (("ListEditions", {}), ("ListEditions", {"filter": "state = DRAFT"}),
                           ("ListAssessments", {}), ("ListAssessments", {"filter": "processing_level = LOW"})):
        before = [r for page in s.pages(method, AUDITOR, page_size=200, **fields) for r in page]
        pages = list(s.pages(method, AUDITOR, between, page_size=3, **fields))
        assert [r for page in pages for r in page] == before and len(pages) > 1, method
    assert written > 10
    public = [r for page in s.pages("ListEditions", PUBLIC, page_size=1) for r in page]
    assert [(r.name, r.state) for r in public] == [(s.first, s.state.SUPERSEDED), (s.second, s.state.IN_FORCE)]


def the_past_is_read_in_two_times(s):
    """Every Get and List tells what was in force on a day, and what the register knew at a moment."""
    asked = set()

    def get(method, role, **fields):
        asked.add(method)
        return s.goods(method, role, **fields)

    def gone(method, role, code="NOT_FOUND", **fields):
        s.refused(code, "NOT_FOUND" if code == "NOT_FOUND" else "ACCESS_DENIED", method, role, **fields)

    old, new = s.assessments["8502"], s.corrected
    same_code = {"filter": 'goods_code = "8502"'}
    for when, version in (({}, new), ({"as_of": s.day(0)}, old), ({"as_of": s.day(1)}, new),
                          ({"known_at": old.update_time}, old), ({"known_at": new.update_time}, new),
                          ({"as_of": s.day(0), "known_at": new.update_time}, old),
                          ({"as_of": s.day(1), "known_at": old.update_time}, old)):
        assert get("GetAssessment", AUDITOR, name=old.name, **when) == version, when
        assert get("ListAssessments", AUDITOR, **same_code, **when).assessments[:] == [version], when
    gone("GetAssessment", AUDITOR, name=old.name, as_of=s.day(-1))
    assert s.goods("ListAssessments", AUDITOR, as_of=s.day(-1)).assessments[:] == []

    for when, state in (({"as_of": s.day(0)}, s.state.APPROVED), ({"as_of": s.day(1)}, s.state.IN_FORCE),
                        ({"as_of": s.day(2)}, s.state.SUPERSEDED), ({}, s.state.SUPERSEDED),
                        ({"known_at": s.approval.update_time}, s.state.APPROVED)):
        for role in (PUBLIC, AUDITOR):
            assert get("GetEdition", role, name=s.first, **when).state == state, when
            listed = {e.name: e.state for e in get("ListEditions", role, page_size=200, **when).editions}
            assert listed[s.first] == state, when
    assert s.goods("GetEdition", AUDITOR, name=s.first, known_at=s.seen.update_time) == s.seen
    gone("GetEdition", PUBLIC, "PERMISSION_DENIED", name=s.first, known_at=s.seen.update_time)
    gone("GetEdition", AUDITOR, name=s.second, as_of=s.day(0))
    assert [e.name for e in s.goods("ListEditions", PUBLIC, as_of=s.day(1), filter="state = IN_FORCE").editions] == [
        s.first]
    assert s.goods("ListEditions", PUBLIC, known_at=s.seen.update_time).editions[:] == []

    # Taken out on its first day: never in force on any day, but known for a while.
    assert get("GetEntry", AUDITOR, name=s.toys.name, known_at=s.toys.update_time) == s.toys
    gone("GetEntry", AUDITOR, name=s.toys.name, as_of=s.day(0))
    then = get("ListEntries", AUDITOR, parent=s.first, known_at=s.toys.update_time).entries
    assert codes(then) == ["0301", "8703101100", "8703101800", "9503"] and then[3] == s.toys, then
    # In a draft of day 1, deleted on day 3.
    left = f"{s.working}/entries/840129"
    gone("GetEntry", AUDITOR, name=left)
    for when, count in (({"as_of": s.day(0)}, 0), ({"as_of": s.day(1)}, 30), ({"as_of": s.day(2)}, 30)):
        assert len(s.goods("ListEntries", AUDITOR, parent=s.working, page_size=200, **when).entries) == count, when
        if count:
            assert s.goods("GetEntry", AUDITOR, name=left, **when).goods_code == "840129"
        else:
            gone("GetEntry", AUDITOR, name=left, **when)
    # Published, but the public does not look into its time as a draft.
    gone("ListEntries", PUBLIC, "PERMISSION_DENIED", parent=s.first, known_at=s.seen.update_time)
    gone("GetEntry", PUBLIC, "PERMISSION_DENIED", name=s.fish.name, known_at=s.fish.update_time)
    assert s.goods("GetEntry", AUDITOR, name=s.fish.name, known_at=s.fish.update_time) == s.fish
    assert s.goods("GetEntry", PUBLIC, name=s.fish.name, as_of=s.day(1)).processing_level == s.m.resources.HIGH

    # A decision is computed again as it stood, before the assessment was corrected.
    old = s.assessments["8502"]
    replay = get("ReplayDecision", AUDITOR, name=old.name, known_at=old.update_time)
    assert replay.same and replay.stored == old.decision != s.corrected.decision, replay

    with_times = {method.name for method in s.m.goods.DESCRIPTOR.services_by_name["PriorityGoodsService"].methods
                  if "as_of" in method.input_type.fields_by_name}
    assert asked == with_times, asked ^ with_times


def an_edition_is_exported(s):
    """All entries in one stream, in order of code, the same as page by page, for whoever may see the edition."""
    for edition, role in ((s.first, PUBLIC), (s.second, ENTITY), (s.working, INSTITUTE)):
        whole = s.exported(edition, role)
        paged = [e for page in s.pages("ListEntries", role, parent=edition, page_size=70) for e in page]
        assert whole == paged and codes(whole) == sorted(codes(whole)) and whole, edition
        assert all(e.name == f"{edition}/entries/{e.goods_code}" for e in whole)
    assert len(s.exported(s.first)) == s.approval.entry_count
    expect_refused("PERMISSION_DENIED", "ACCESS_DENIED", lambda: s.exported(s.working, PUBLIC))


def changes_of_entries_are_watched(s):
    """Each change once and in order, from any position on, also when the watcher comes and goes. The public sees no
    drafting: to it an edition comes whole with its approval, and goes whole when it is withdrawn after that."""
    drafted, published = [], []
    for record in s.entries():
        at = (record.position, record.record_time)
        drafted += [(*at, name, is_there) for name, is_there in changed_entries(s, record, s.first)]
        if record.method == GOODS + "ApproveEdition":
            edition = edition_after(s, record).name
            if edition != s.third:  # withdrawn since: whoever comes late sees neither its coming nor its going
                published += [(*at, found.name, True) for found in s.exported(edition)]
    assert [name for _, _, name, is_there in drafted if not is_there] == [s.toys.name]
    assert len(published) == s.approval.entry_count + len(s.exported(s.second))

    def told(message):
        assert all(not change.HasField("entry") or change.entry.name == change.name for change in message.changes)
        return [(c.position, c.record_time, c.name, c.HasField("entry")) for c in message.changes]

    def watched(role, start, **parent):
        return s.client.goods_stream("WatchEntries", role, start_position=start, **parent)

    of_first = [change for change in published if change[2].startswith(f"{s.first}/")]
    for role, parent, changes in ((INSTITUTE, {"parent": s.first}, drafted), (ENTITY, {"parent": s.first}, of_first),
                                  (PUBLIC, {}, published)):
        at_once = []
        with contextlib.closing(watched(role, 1, **parent)) as stream:  # one watcher for all
            while len(at_once) < len(changes):
                at_once += told(next(stream))
        assert at_once == changes, role
        seen, last = [], 0
        while len(seen) < len(changes):  # a new watcher for each message
            with contextlib.closing(watched(role, last + 1, **parent)) as stream:
                message = next(stream)
            assert message.position > last and message.changes, message
            assert all(change.position == message.position for change in message.changes), message
            last = message.position
            seen += told(message)
        assert seen == changes, role
    with contextlib.closing(watched(PUBLIC, last + 1)) as stream:  # nothing there: a bookmark says how far
        message = next(stream)
        assert not message.changes and message.position > last, message
    expect_refused("PERMISSION_DENIED", "ACCESS_DENIED", lambda: next(watched(PUBLIC, 1, parent=s.working)))


def changes_are_watched_as_they_come(s):
    """A watcher that asks for what comes from now on sees what another client writes, without gap or repeat."""
    written, stop = [], threading.Event()

    def write():
        other = Client(s.suite)
        while not stop.is_set() and len(written) < 2000:
            code = f"2900{len(written):04}"
            path = GOODS + "CreateEntry"
            request = other.request(path, parent=s.working, entry=entry(code))
            written.append((other.commit(path, request, INSTITUTE)[1], code))
            stop.wait(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    with contextlib.closing(s.client.goods_stream("WatchEntries", AUDITOR, parent=s.working)) as stream:
        for message in stream:
            seen += [(change.position, change.entry.goods_code) for change in message.changes]
            if len(seen) >= 20:
                break
    stop.set()
    writer.join()
    start = written.index(seen[0])
    assert seen == written[start:start + len(seen)], (seen, written)


def the_auditor_reads_the_journal(s):
    """Every change without a gap: who, when, by which method and request, on which ground, before and after."""
    leaves = s.leaves()
    records = [s.m.journal.Entry.FromString(leaf) for leaf in leaves]
    assert [r.position for r in records] == list(range(1, len(records) + 1))
    times = [(r.record_time.seconds, r.record_time.nanos) for r in records]
    assert all(a < b or (a == b and x.request_id == y.request_id and y.part == x.part + 1)
               for a, b, x, y in zip(times, times[1:], records, records[1:]))
    for r in records:
        by_itself = r.actor == "system/timer"
        assert by_itself != bool(r.request_id) and by_itself != r.actor.startswith("dev:") and r.method, r
        # Also of a timer: one that changes nothing, as on the day of a withdrawn edition, leaves no entry.
        assert r.changes and r.legal_basis and all(basis.article for basis in r.legal_basis), r
    for position in (1, len(leaves) // 2, len(leaves)):
        assert s.journal("GetEntry", AUTHORITY, position=position).leaf == leaves[position - 1]

    def commands(method):
        return [r for r in records if r.method == GOODS + method]

    approval = next(r for r in commands("ApproveEdition"))
    assert approval.actor == f"dev:{AUTHORITY}" and approval.request_id and approval.on_behalf_of == "", approval
    assert [basis.article for basis in approval.legal_basis] == ["Art. 9(28)"], approval
    withdrawals = {edition_after(s, r).name: [basis.article for basis in r.legal_basis]
                   for r in commands("WithdrawEdition")}
    assert withdrawals == {s.third: ["Art. 9(28)"], s.given_up: ["Art. 13(2)(2)"]}, withdrawals
    (change,) = approval.changes
    before, after = s.m.resources.Edition(), s.m.resources.Edition()
    assert change.before.Unpack(before) and change.after.Unpack(after)
    assert (change.table, change.kind) == ("editions", s.m.journal.Change.PUT), change
    assert (before.state, after.state) == (s.state.SUBMITTED, s.state.APPROVED) and after == s.approval, change
    turn = [r for r in records if r.actor == "system/timer"]
    states = []
    for r in turn:
        for change in r.changes:
            assert change.after.Unpack(after)
            states.append((after.name, after.state))
    assert states == [(s.first, s.state.IN_FORCE), (s.first, s.state.SUPERSEDED), (s.second, s.state.IN_FORCE)], states
    imports = commands("ImportEntries")
    assert sum(len(r.changes) for r in imports) == 2 * len(s.imported_codes)
    assert len({r.request_id for r in imports}) == 2
    assert all(r.part <= r.parts for r in records)
    answers = {}
    for r in records:
        answers.setdefault((r.actor, r.method, r.request_id), []).append((r.part, r.parts))
    for key, parts in answers.items():  # a request acted once, whole
        if key[2]:
            assert parts == [(n, parts[0][1]) for n in range(1, parts[0][1] + 1)], (key, parts)

    one_table = s.journal("ListEntries", AUDITOR, table="assessments", page_size=200, start_position=1)
    assert one_table.entries and all(
        any(c.table == "assessments" for c in s.m.journal.Entry.FromString(r.leaf).changes) for r in one_table.entries)
    expect_refused("NOT_FOUND", "NOT_FOUND", lambda: s.journal("GetEntry", AUDITOR, position=len(leaves) + 1))
    expect_refused("PERMISSION_DENIED", "ACCESS_DENIED", lambda: s.journal("GetEntry", ENTITY, position=1))
    expect_refused("UNAUTHENTICATED", "IDENTITY_REQUIRED", lambda: s.journal("ListEntries", PUBLIC))


def the_auditor_watches_the_journal(s):
    """The watch hands out the same bytes as the list, resumed after any position, and goes on with what comes."""
    leaves = s.leaves()
    middle = len(leaves) // 2
    with contextlib.closing(s.client.journal_stream("WatchEntries", AUDITOR, start_position=1)) as stream:
        seen = [next(stream).entry.leaf for _ in range(middle)]
    with contextlib.closing(s.client.journal_stream("WatchEntries", AUDITOR, start_position=middle + 1)) as stream:
        seen += [next(stream).entry.leaf for _ in range(len(leaves) - middle)]
        assert seen == leaves
        made = s.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Пока смотрят"})
        record = s.m.journal.Entry.FromString(next(stream).entry.leaf)
        edition = s.m.resources.Edition()
        assert record.position == len(leaves) + 1 and record.changes[0].after.Unpack(edition) and edition == made
    with contextlib.closing(s.client.journal_stream("WatchEntries", AUDITOR, start_position=len(leaves) + 1,
                                                    table="assessments")) as stream:
        event = next(stream)  # the edition is passed over
        assert event.WhichOneof("event") == "bookmark" and event.bookmark >= len(leaves) + 1, event


def everything_is_proved(s):
    """The signed head stands for all leaves; each entry is in it, and each older tree is its beginning."""
    head, key = s.journal("GetTreeHead"), s.journal("GetSigningKey")
    leaves = s.leaves()
    assert head.origin == "priority-goods" and head.tree_size == len(leaves), head
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert head.root == tree_root(hashes)
    assert head.key_id == key.key_id == hashlib.sha256(key.public_key).digest()[:8], key
    signed = s.m.journal.TreeHead()
    signed.CopyFrom(head)
    signed.ClearField("signature")
    assert signature_holds(key.public_key, signed.SerializeToString(), head.signature)
    signed.tree_size += 1
    assert not signature_holds(key.public_key, signed.SerializeToString(), head.signature)

    # What CheckGoods answered, proved to whoever was told: the entry and the edition's last change.
    listed = s.m.journal.Entry.FromString(leaves[s.answer.results[0].entry_position - 1])
    assert (s.answer.results[0].entry, True) in changed_entries(s, listed, s.second)
    in_force = s.m.journal.Entry.FromString(leaves[s.answer.edition_position - 1])
    assert in_force.actor == "system/timer", in_force
    # The public sees that leaf, and that it stands for every line; of how these were written it sees the hash alone.
    assert s.goods("GetPublishedLeaf", PUBLIC, position=s.answer.edition_position).leaf == leaves[s.answer.edition_position - 1]
    edition = s.m.resources.Edition.FromString(in_force.changes[-1].after.value)
    assert (edition.name, edition.state) == (s.second, s.m.resources.Edition.IN_FORCE), edition
    lines = [line for page in s.pages("ListEntries", PUBLIC, parent=s.second, page_size=200) for line in page]
    assert edition.entries_root == tree_root([leaf_hash(line.SerializeToString()) for line in lines]), lines
    for position in (1, s.answer.results[0].entry_position):
        s.refused("PERMISSION_DENIED", "ACCESS_DENIED", "GetPublishedLeaf", PUBLIC, position=position)
    positions = {1, 2, len(leaves) // 3, len(leaves), s.answer.results[0].entry_position, s.answer.edition_position}
    for size in (len(leaves), max(positions - {len(leaves)})):
        for position in sorted(p for p in positions if p <= size):
            proof = s.journal("GetInclusionProof", position=position, tree_size=size)
            assert (proof.position, proof.tree_size) == (position, size), proof
            assert proof.leaf_hash == hashes[position - 1]
            root = tree_root(hashes[:size])
            assert is_included(proof.leaf_hash, position, size, proof.hashes, root), (position, size)
            assert not is_included(leaf_hash(b"another"), position, size, proof.hashes, root)
    assert s.journal("GetInclusionProof", position=1).tree_size == len(leaves)

    s.goods("CreateEdition", INSTITUTE, edition={"title_ru": "Дерево растёт"})
    grown = s.journal("GetTreeHead")
    hashes = [leaf_hash(leaf) for leaf in s.leaves()]
    assert grown.tree_size == len(leaves) + 1 and grown.root == tree_root(hashes) != head.root
    for first in (1, 2, 3, 4, 5, 8, len(leaves) // 2, len(leaves) - 1, len(leaves), grown.tree_size):
        proof = s.journal("GetConsistencyProof", first_size=first, second_size=grown.tree_size)
        assert (proof.first_size, proof.second_size) == (first, grown.tree_size), proof
        assert is_prefix(first, grown.tree_size, proof.hashes, tree_root(hashes[:first]), grown.root), first
        assert not is_prefix(first, grown.tree_size, proof.hashes, b"\0" * 32, grown.root), first
    expect_refused("OUT_OF_RANGE", "BEYOND_TREE",
                   lambda: s.journal("GetInclusionProof", position=grown.tree_size + 1))


def it_is_stopped_and_loses_no_call(s):
    """SIGTERM to each process in turn while some call without pause and others watch: a watch ends at once with the
    advice to resume, a call is answered or told to come again, and none ends as if its caller had given up."""
    behind = [owner for owner in s.suite.owners() if owner != s.suite.store_process()]  # no call here reaches these
    for process in [name for name in s.suite.processes if name not in behind]:
        stop, answered, lost, ended = threading.Event(), [], [], []

        def ask():
            while not stop.is_set():
                try:
                    answered.append(s.checked("0101"))
                except Refused as refusal:
                    if refusal.code.name != "UNAVAILABLE":
                        lost.append(str(refusal))

        def watch(stream):
            ended.append(expect_refused("UNAVAILABLE", "SHUTTING_DOWN", lambda: list(stream)))

        streams = [s.client.journal_stream("WatchEntries", AUDITOR, start_position=1),
                   s.client.goods_stream("WatchEntries", AUDITOR, start_position=1)]
        for stream in streams:
            next(stream)
        threads = [threading.Thread(target=watch, args=[stream]) for stream in streams]
        threads += [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        while not answered:
            time.sleep(0.01)
        s.suite.kill(signal.SIGTERM, only=process)
        stop.set()
        for thread in threads:
            thread.join()
        assert not lost, lost
        assert len(ended) == len(streams) and all(each.retry and len(each.traces) == 1 for each in ended), ended
        if process == s.suite.store_process() and s.suite.mode == "processes":
            s.suite.restart_store()
            s.client.eventually("an answer", lambda: s.checked("0101"), lambda answer: answer.results)


def the_operator_makes_backups(s):
    """Backups are made while the suite serves, and tell what they hold; nobody else may make them."""
    expect_refused("PERMISSION_DENIED", "ACCESS_DENIED", lambda: s.client.store("CreateBackup", AUDITOR))
    made = s.client.store("CreateBackup", OPERATOR)
    leaves = s.leaves()
    assert made.id == 1 and made.new_bytes == made.total_bytes > 0 and made.log_is_whole, made
    assert made.tree_head.tree_size == len(leaves), made
    s.draft(entry("850424"))
    said = nisi(s, "backup", "--address", f"127.0.0.1:{s.suite.port}", *s.suite.connection_flags(),
                "--token", s.client.tokens[OPERATOR])
    assert f"backup 2 at position {len(s.leaves())}" in said, said
    listed = s.client.store("ListBackups", OPERATOR).backups
    assert [(b.id, b.tree_head.tree_size) for b in listed] == [(1, len(leaves)), (2, len(s.leaves()))], listed
    assert listed[1].new_bytes <= listed[1].total_bytes, listed


def a_lost_store_is_not_begun_anew(s, owner):
    """A service that has backups and no store does not start, unless it is told so; then its backups stay."""
    store, witness = s.suite.data / owner, s.suite.data / f"{owner}.witness"
    aside = [path for path in (store, witness) if path.exists()]  # before the first commit there is no witness
    def begin():
        try:
            s.suite.start_backend(owner)
            return ""
        except AssertionError as refused:  # with its log
            assert s.suite.processes.pop(owner).wait(30) == 1
            return str(refused)
    for path in aside:
        path.rename(s.suite.work / path.name)
    said = begin()
    assert "cannot_start" in said and "STORE_LOST" in said and "--new-store" in said, said
    assert not store.exists() and not witness.exists(), "it left something"
    s.suite.backend_flags.append("--new-store")
    assert begin() == ""
    s.suite.backend_flags.remove("--new-store")
    s.suite.kill(signal.SIGTERM, only=owner)
    assert list((s.suite.backups / owner / "meta").iterdir())
    shutil.rmtree(store)
    witness.unlink(missing_ok=True)
    for path in aside:
        (s.suite.work / path.name).rename(path)


def one_that_fails_stops_no_other(s):
    """All the others are backed up while a service is away, and restored where one has no backup; each is told."""
    def run(*args):
        ran = subprocess.run([s.suite.bin / "nisi", *map(str, args)], capture_output=True, text=True)
        return ran.returncode, ran.stdout, ran.stderr
    owners, first = set(s.suite.owners()), s.suite.owners()[0]
    backup = ("backup", "--address", f"127.0.0.1:{s.suite.port}", *s.suite.connection_flags(), "--token",
              s.client.tokens[OPERATOR])
    made = {owner: len(list((s.suite.backups / owner / "meta").iterdir())) for owner in owners}
    gone = {first} if s.suite.mode == "processes" else set()
    if gone:
        s.suite.kill(signal.SIGTERM, only=first)
    code, out, err = run(*backup)
    assert code == (1 if gone else 0), (code, out, err)
    assert {line.split(":")[0] for line in out.splitlines()} == owners - gone, out
    assert {owner for owner in owners
            if len(list((s.suite.backups / owner / "meta").iterdir())) > made[owner]} == owners - gone
    if gone:
        assert f"{first}: " in err and f"NO BACKUP of {first}; of {len(owners) - 1} services" in err, err
        assert run(*backup, "--service", first)[0] == 3, "one that is away is to be asked again"
        a_lost_store_is_not_begun_anew(s, first)
        s.suite.start_backend(first)

    drill, away = s.suite.work / "drill", s.suite.work / "away"
    (s.suite.backups / first / "meta").rename(away)
    code, out, err = run("restore", "--from", s.suite.backups, "--to", drill)
    away.rename(s.suite.backups / first / "meta")
    assert code == 1 and f"{first}: not restored: BACKUP_NOT_FOUND" in err, (code, out, err)
    assert f"NOT RESTORED: {first}. Of {len(owners) - 1} services" in err and "Start on it" not in out, (out, err)
    assert {line.split(":")[0] for line in out.splitlines() if "restored to" in line} == owners - {first}, out
    assert {path.name for path in drill.iterdir() if path.is_dir()} == owners - {first}


def a_backup_is_restored_and_answers_the_same(s):
    """In another place, by the command line alone; and once more as it was at a position before the end."""
    leaves, head, key = s.leaves(), s.journal("GetTreeHead"), s.journal("GetSigningKey").public_key
    kept = s.suite.work / "head.json"
    kept.write_text(json_format.MessageToJson(head))
    everything, earlier = s.suite.work / "everything", s.suite.work / "earlier"
    prove = ("--service", "priority-goods", "--head", kept, "--public-key", key.hex())
    said = nisi(s, "restore", "--from", s.suite.backups, "--to", everything, *prove)
    assert f"restored to position {len(leaves)}, " in said and "NOT PROVED" not in said, said
    before = s.client.store("ListBackups", OPERATOR).backups[0].tree_head.tree_size
    said = nisi(s, "restore", "--from", s.suite.backups, "--to", earlier, "--position", before + 1,
                *prove)
    assert f"restored to position {before + 1}, " in said, said
    again = subprocess.run([s.suite.bin / "nisi", "restore", "--from", s.suite.backups, "--to", earlier, "--service",
                            "priority-goods"], capture_output=True, text=True)
    assert again.returncode == 1 and "RESTORE_NOT_EMPTY" in again.stderr, again

    editions = [edition.name for page in s.pages("ListEditions", AUDITOR, page_size=50) for edition in page]
    asked = {"editions": list(s.pages("ListEditions", AUDITOR, page_size=50)),
             "goods": s.checked(*s.imported_codes[:20]).SerializeToString(),
             "exported": [s.exported(name, AUDITOR) for name in editions]}
    for folder, count in ((everything, len(leaves)), (earlier, before + 1)):
        with s.suite.served_again(folder) as client:
            restored = Story.__new__(Story)
            restored.__dict__.update(s.__dict__, client=client, journal=client.journal)
            assert restored.leaves() == leaves[:count], folder
            if count == len(leaves):
                assert restored.journal("GetTreeHead").root == head.root
                assert asked["editions"] == list(restored.pages("ListEditions", AUDITOR, page_size=50))
                assert asked["goods"] == restored.checked(*s.imported_codes[:20]).SerializeToString()
                assert asked["exported"] == [restored.exported(name, AUDITOR) for name in editions]
            else:
                root = restored.journal("GetTreeHead").root
                proof = s.journal("GetConsistencyProof", first_size=count, second_size=head.tree_size)
                assert is_prefix(count, head.tree_size, proof.hashes, root, head.root)
            restored.draft(entry("850424"))  # it takes writes
            assert len(restored.leaves()) > count


def every_method_had_its_scene(s):
    """A method that a later contract adds fails here until a scene calls it."""
    services = (s.m.goods.DESCRIPTOR.services_by_name["PriorityGoodsService"],
                s.m.journal.DESCRIPTOR.services_by_name["JournalService"],
                s.m.store.DESCRIPTOR.services_by_name["StoreService"])
    declared = {f"/{service.full_name}/{method.name}" for service in services for method in service.methods}
    assert declared == s.client.called, declared ^ s.client.called


SCENES = (strangers_find_the_door_closed, reflection_is_asked_by_both_names,
          nothing_is_listed_before_the_first_edition, the_institute_assesses_goods, decisions_are_computed_again, the_institute_opens_a_draft, entries_are_written_by_hand, a_file_is_imported,
          the_authority_returns_it, the_authority_approves_it_for_tomorrow, the_day_turns_and_it_is_in_force,
          an_assessment_is_corrected, more_editions_are_made, the_second_supersedes_the_first,
          goods_are_checked_for_any_day, editions_are_compared, entries_are_searched,
          lists_hold_still_while_others_write, the_past_is_read_in_two_times, an_edition_is_exported,
          changes_of_entries_are_watched, changes_are_watched_as_they_come, the_auditor_reads_the_journal,
          the_auditor_watches_the_journal, everything_is_proved, the_operator_makes_backups,
          one_that_fails_stops_no_other, a_backup_is_restored_and_answers_the_same, every_method_had_its_scene,
          it_is_stopped_and_loses_no_call)


# Proofs as their reader checks them, from RFC 6962 and RFC 8032 and nothing of ours.


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_root(hashes):
    """MTH of RFC 6962, 2.1."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)  # the largest power of two below the size
    return node_hash(tree_root(hashes[:split]), tree_root(hashes[split:]))


def is_included(leaf, position, size, path, root):
    """Whether the path leads from the leaf at this position to the root (RFC 6962, 2.1.1)."""
    at, last, found = position - 1, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(other, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, other)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_prefix(first, second, path, first_root, second_root):
    """Whether the tree of the first size is the beginning of the other (RFC 6962, 2.1.2)."""
    if first == second:
        return not path and first_root == second_root
    path = list(path) if first & (first - 1) else [first_root, *path]
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, other)
        at, last = at >> 1, last >> 1
    return last == 0 and (old, new) == (first_root, second_root)


PRIME = 2**255 - 19
CURVE = -121665 * pow(121666, -1, PRIME) % PRIME


def curve_point(data):
    """A point from its 32 bytes, in extended coordinates (RFC 8032, 5.1.3)."""
    sign, y = data[31] >> 7, int.from_bytes(data, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert (x * x - square) % PRIME == 0, "not a point of the curve"
    x = PRIME - x if x & 1 != sign else x
    return x, y, 1, x * y % PRIME


def curve_sum(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * CURVE, 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def curve_times(number, point):
    total = (0, 1, 1, 0)
    while number:
        total = curve_sum(total, point) if number & 1 else total
        number, point = number >> 1, curve_sum(point, point)
    return total


def signature_holds(public_key, message, signature):
    """Ed25519 (RFC 8032, 5.1.7)."""
    base = curve_point((4 * pow(5, -1, PRIME) % PRIME).to_bytes(32, "little"))
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little")
    left = curve_times(int.from_bytes(signature[32:], "little"), base)
    right = curve_sum(curve_point(signature[:32]), curve_times(challenge, curve_point(public_key)))
    return all((left[i] * right[2] - right[i] * left[2]) % PRIME == 0 for i in (0, 1))


def main():
    bin_folder, proto_folder, mode = sys.argv[1:]
    with Suite(bin_folder, proto_folder, mode) as suite:
        story = Story(suite)
        for scene in SCENES:
            scene(story)
        suite.kill(signal.SIGTERM)
    print(f"journey {mode}: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
