"""The list of priority goods (Art. 26): drafted from a file, approved by order, in force, asked, watched and proved. All of
it by the command line, as a person at a desk does it. It can be played again in registers that have lived: each time is
another edition."""
import csv
import datetime
import json

KNOWN = "850423"  # large transformers: what the factory of the year makes, where the file has them


def draft(stage, file, scratch):
    stage.act("The institute for industry drafts the list of priority goods", "Art. 13(2)(2)")
    made = stage.command("industry-1", "priority-goods", "create-edition", "--edition.title-ru", "Перечень приоритетных товаров",
                         "--edition.title-kk", "Басым тауарлар тізбесі", "--format", "json", quiet=True)
    stage.edition = json.loads(made)["name"]
    stage.say(f"The draft is {stage.edition}. It takes in {file}")
    stage.say("A row of low processing is refused by Art. 26(1) and does not stop the others.")
    report = scratch / "import-report.csv"
    stage.command("industry-1", "priority-goods", "import-entries", "--parent", stage.edition, "--csv", file, "--ignore-columns",
                  "--report", report)
    with open(report, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    entered = sum(row["outcome"] == "ENTERED" for row in rows)
    stage.check(entered > 0, "something enters", report)
    stage.check(all(row["reason"] == "LEVEL_TOO_LOW" and row["article"] == "Art. 26(1)" for row in rows
                    if row["outcome"] == "REFUSED"), "rows are refused by Art. 26(1) alone", report)
    stage.say(f"{entered} entries, {len(rows) - entered} refusals. The whole report, a line a row: {report}")

    stage.say("A refusal reads like this, of a good of low processing that is entered by hand:")
    told = stage.command("industry-1", "priority-goods", "create-entry", "--parent", stage.edition, "--entry.goods-code", "0101",
                         "--entry.name-ru", "лошади", "--entry.sector", "food", "--entry.processing-level", "LOW", fails=True)
    stage.check("Art. 26(1)" in told, "the refusal cites Art. 26(1)", told)
    stage.entered = entered


def approve(stage):
    """By order, for the first day that is free: two editions cannot claim one."""
    stage.act("It is submitted, and approved by order", "Art. 9(28)")
    submitted = json.loads(stage.command("industry-1", "priority-goods", "submit-edition", "--name", stage.edition, "--format",
                                         "json", quiet=True))
    stage.same(submitted["entryCount"], stage.entered, "the number of entries submitted")
    taken = [datetime.date(e.effective_from.year, e.effective_from.month, e.effective_from.day)
             for e in stage.pages("priority_goods.ListEditions", "ministry-1") if e.HasField("effective_from")]
    effective = max([stage.day(3), *(day + datetime.timedelta(days=1) for day in taken)])
    stage.command("ministry-1", "priority-goods", "approve-edition", "--name", stage.edition, "--etag", submitted["etag"],
                  "--order-number", "1-НҚ", "--order-date", stage.today.isoformat(), "--effective-from", effective.isoformat(),
                  quiet=True)
    stage.say(f"{stage.edition}: {stage.entered} entries, approved by order 1-НҚ; nobody approves a draft of their own.")
    stage.say(f"It comes into force by itself on {effective}: the clock goes there.")
    return effective


def in_force(stage, scratch):
    stage.act("The list is in force: anybody asks, follows and proves", "Art. 26(1)")
    edition = stage.eventually(f"{stage.edition} in force", lambda: stage.call("priority_goods.GetEdition", name=stage.edition),
                               lambda answer: stage.state(answer) == "IN_FORCE")
    day = stage.today.isoformat()
    codes = [entry.goods_code for entry in stage.call("priority_goods.ListEntries", parent=stage.edition, page_size=1,
                                                      filter=f'goods_code = "{KNOWN}"').entries]
    codes += [entry.goods_code for entry in stage.call("priority_goods.ListEntries", parent=stage.edition,
                                                       page_size=1).entries]
    stage.code = codes[0]
    longer = stage.code.ljust(10, "0")
    asked = stage.call("priority_goods.CheckGoods", codes=[stage.code, longer])
    stage.check([result.verdict for result in asked.results] == [1, 1] and asked.edition == edition.name,
                "a longer code is covered by the entry", asked)
    stage.command(None, "priority-goods", "check-goods", "--codes", f"{stage.code},{longer},010121,{stage.code[:4]}",
                  "--on-date", day)
    stage.say("and before there was a list:")
    stage.command(None, "priority-goods", "check-goods", "--codes", stage.code, "--on-date", "2020-01-01")
    stage.say("Anybody follows the changes, from any position, without gap or repeat:")
    stage.command(None, "priority-goods", "watch-entries", "--parent", stage.edition, "--start-position", "1", "--max", "1",
                  "--format", "json", "-o", scratch / "watch.json", quiet=True)
    stage.check(json.loads((scratch / "watch.json").read_text().splitlines()[0]), "changes are watched")
    stage.say("Anybody can verify an answer offline, without a token: that the list is in force by that order is in a tree whose")
    stage.say("head the service signed, and each line of it is as it was approved.")
    public, lines = scratch / "proof-public.json", scratch / "list.json"
    stage.command(None, "proof", "get", "--service", "priority-goods", "--position", asked.edition_position, "-o", public,
                  quiet=True)
    stage.command(None, "priority-goods", "export-edition", "--name", stage.edition, "--format", "json", "-o", lines, quiet=True)
    told = stage.command(None, "verify", public, "--list", lines)
    stage.check("now IN_FORCE" in told and f"{stage.entered} entries of {stage.edition} have root" in told,
                "the public verifies the list", told)
    stage.say("How it was drafted is for those who may read the journal: who wrote the line, and when.")
    proof = scratch / "proof.json"
    stage.command("auditor", "proof", "get", "--service", "priority-goods", "--position", asked.results[0].entry_position, "-o",
                  proof, quiet=True)
    told = stage.command(None, "verify", proof)
    stage.check("The proof holds." in told, "the proof holds", told)
