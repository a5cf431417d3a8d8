"""Administrative data (Art. 6(3)): who may see it, by consent, and the owner's list of who has."""
import datetime

from cast import BANK, FACTORY


def consented(stage):
    stage.act("The factory lets its bank see the project", "Art. 6(3)")
    hidden = stage.call("industry_map.GetProject", "bank", name=stage.project)
    stage.same(list(hidden.withheld.fields), ["administrative_data"], "what is withheld from the bank")
    permit = stage.call("disclosure.GiveConsent", "factory", "industry-map", permit=dict(
        owner_bin=FACTORY, reader_bin=BANK, record=stage.project, first_day=stage.today, last_day=stage.day(30)))
    shown = stage.call("industry_map.GetProject", "bank", name=stage.project)
    stage.check(shown.administrative_data.terms.cost.units > 0, "the bank sees it by consent", shown)
    stage.call("disclosure.WithdrawPermit", "factory", "industry-map", name=permit.name, etag=permit.etag,
               reason="Кредит получен")
    again = stage.call("industry_map.GetProject", "bank", name=stage.project)
    stage.check(not again.HasField("administrative_data"), "a consent that is withdrawn shows nothing", again)
    stage.say(f"{permit.name}: given, used once, withdrawn; from then on it shows nothing.")


def read_by(stage):
    stage.act("The owner lists who has read its data", "Art. 6(3)")
    stage.check(not stage.pages("disclosure.ListAccesses", "stranger", "industry-map"), "a stranger's list is empty")
    grounds = stage.protos.message("nisi.disclosure.v1.Access").DESCRIPTOR.enum_types_by_name["Ground"].values_by_number
    rows = []
    for register in ("industry-map", "grants", "suppliers", "export-refunds"):
        seen = {}
        for access in stage.pages("disclosure.ListAccesses", "factory", register):
            stage.same(access.owner_bin, FACTORY, "whose data it is")
            key = (access.reader_subject, grounds[access.ground].name)
            seen.setdefault(key, []).append(access)
        for (reader, ground), accesses in sorted(seen.items()):
            fields = sorted({field for access in accesses for field in access.fields})
            rows.append((register, reader, ground, len(accesses), ", ".join(fields)[:48]))
    stage.check(any(row[1:3] == ("dev:bank", "CONSENT") for row in rows), "the bank's look by consent is there", rows)
    stage.check(not any(row[1] in ("dev:factory", "dev:stranger") for row in rows), "nobody is there who saw nothing", rows)
    stage.table(("register", "reader", "ground", "looks", "fields"), rows)
    stage.hint(f"--as entity --bin {FACTORY} disclosure list-accesses --service industry-map")
