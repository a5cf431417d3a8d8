"""The database of suppliers (Art. 51): registration by the registers of the state and by hand, evidence of what is made
here, offers, search, and the answer whether somebody is a domestic producer on a day."""
import datetime

from cast import FACTORY, NAMES, REGION, REGISTRAR, STRANGER, TOWN, WORKSHOP
from protos import Money, date_of

CHECKS = ("REGISTERED", "NAME", "PLACE", "ACTIVITY", "ACTING", "RELIABLE")
TRANSFORMER, CABLE = "271142.300.000001", "273213.700.000001"
SHARE = 6250  # hundredths of a percent: the in-country value that the register entry of the factory tells


def places(stage):
    """The classifier of places of one region, so that records are tied to what is in force."""
    stage.act("The map takes in the classifier of places", "Art. 6(2)")
    stage.send("industry_map.ImportPlaces", "ministry-1",
               dict(classifier="NK RK 11-2025", effective_date=datetime.date(2026, 1, 1)),
               [dict(kato=REGION, level="REGION", name_ru="Акмолинская область", name_kk="Ақмола облысы"),
                dict(kato=TOWN, level="DISTRICT", name_ru="г. Кокшетау", name_kk="Көкшетау қ.")])
    found = stage.call("industry_map.ResolvePlace", kato=TOWN)
    stage.same(found.region.kato, REGION, "the region of the town")
    stage.say(f"{TOWN} lies in {found.region.display_name.ru}.")


def answers(asked, but=()):
    """What the registers of the state say once they are asked, but of the checks that they did not answer."""
    at = asked.update_time
    return [dict(check=check, satisfied=True, register="legal_entities", answer_time=at, reference=f"R-{check}")
            for check in CHECKS if check not in but]


def register(stage, who, bin_, oked, staff, income):
    made = stage.call("suppliers.RegisterSupplier", who, supplier=dict(
        bin=bin_, name_ru=NAMES[bin_], kato=TOWN, address="ул. Заводская, 1", oked=oked, activities=["PRODUCER"],
        contacts=dict(person="Отдел сбыта", phone="+77162000000", email="sales@example.kz"),
        finance=dict(staff=staff, annual_income=income, year=2025)))
    made = stage.until_told(f"the place of {bin_}", made, lambda supplier: supplier.HasField("place"),
                            lambda supplier, request_id: stage.call(
                                "suppliers.UpdateSupplier", who, request_id=request_id, update_mask=dict(paths=["kato"]),
                                supplier=dict(name=supplier.name, etag=supplier.etag, kato=TOWN)))
    stage.call("suppliers.SubmitSupplier", who, name=made.name, etag=made.etag)
    # The registers of the state are asked by themselves.
    return stage.eventually("the question to the registers", lambda: stage.call("suppliers.GetSupplier", who, name=made.name),
                            lambda answer: stage.state(answer) == "AUTO_VERIFICATION")


def evidence(bin_, number, code, share):
    return dict(bin=bin_, type="REGISTER_ENTRY", number=number, issuer_bin=REGISTRAR, issuer="Реестр товаропроизводителей",
                valid_from=datetime.date(2026, 1, 1), covers=[dict(ens_tru=code, in_country_value_bp=share)],
                document=dict(name="entry.pdf", media_type="application/pdf", size_bytes=1000, sha256=b"e" * 32))


def registered(stage):
    stage.act("Two makers register as suppliers", "Art. 51(4)(1)")
    submitted = register(stage, "factory", FACTORY, "27.11", 80, Money(1_200_000_000))
    verified = stage.call("suppliers.VerifySupplier", "content-1", name=submitted.name, etag=submitted.etag,
                          answers=answers(submitted))
    stage.in_state(verified, "ACTIVE")
    stage.say(f"{NAMES[FACTORY]}: all six registers of the state answer, it is ACTIVE at once.")

    submitted = register(stage, "workshop", WORKSHOP, "27.32", 20, Money(300_000_000))
    waiting = stage.call("suppliers.VerifySupplier", "content-1", name=submitted.name, etag=submitted.etag,
                         answers=answers(submitted, but=["PLACE"]))
    stage.in_state(waiting, "MANUAL_REVIEW")
    decided = dict(name=waiting.name, etag=waiting.etag, verdict="ACCEPT", reason="Адрес подтверждён договором аренды")
    stage.refusal(stage.refused("SEPARATION_OF_DUTIES", "suppliers.ReviewSupplier", "content-1", **decided))
    stage.in_state(stage.call("suppliers.ReviewSupplier", "content-2", **decided), "ACTIVE")
    stage.say(f"{NAMES[WORKSHOP]}: one register did not answer; a second official decides it by hand.")


def proven(stage):
    stage.act("Evidence of what is made here, and offers", "Art. 13(3)(2)")
    added = stage.call("suppliers.AddEvidence", "factory", evidence=evidence(FACTORY, "РП-1", TRANSFORMER, SHARE))
    stage.call("suppliers.CreateOffer", "factory", offer=dict(
        bin=FACTORY, kind="GOOD", ens_tru=TRANSFORMER, goods_code="850423", name_ru="Трансформатор силовой",
        name_kk="Күштік трансформатор", unit="pcs", annual_capacity="400", price_from=Money(95_000_000),
        price_to=Money(120_000_000), localization="FULL_CYCLE", evidence=[added.name]))
    before = check_domestic(stage, FACTORY)
    stage.same((before.domestic, before.reason), (False, "NO_VALID_EVIDENCE"), "what evidence counts that nobody confirmed")
    stage.refused("ACCESS_DENIED", "suppliers.ConfirmEvidence", "factory", name=added.name, etag=added.etag)
    stage.call("suppliers.ConfirmEvidence", "content-1", name=added.name, etag=added.etag)
    cable = stage.call("suppliers.AddEvidence", "content-1", evidence=evidence(WORKSHOP, "РП-2", CABLE, 4000))
    stage.call("suppliers.CreateOffer", "workshop", offer=dict(
        bin=WORKSHOP, kind="GOOD", ens_tru=CABLE, goods_code="854449", name_ru="Кабель силовой", name_kk="Күштік кабель",
        unit="km", annual_capacity="900", price_from=Money(4_000_000), price_to=Money(5_500_000), localization="PARTIAL",
        evidence=[cable.name]))
    after = check_domestic(stage, FACTORY)
    stage.same((after.domestic, after.in_country_value_bp), (True, SHARE), "the factory as a domestic producer")
    found = stage.call("suppliers.SearchOffers", query="силовой", kato_prefix=TOWN, domestic_only=True).results
    mine = {result.offer.bin: result for result in found if result.offer.bin in (FACTORY, WORKSHOP)}
    stage.same({bin_: result.in_country_value_bp for bin_, result in mine.items()}, {FACTORY: SHARE, WORKSHOP: 4000},
               "what the search finds")
    stage.table(("supplier", "size", "offer", "in-country value, %"), [
        (mine[bin_].supplier_name_ru, size_of(mine[bin_]), mine[bin_].offer.name_ru,
         f"{mine[bin_].in_country_value_bp / 100:.2f}") for bin_ in (FACTORY, WORKSHOP)])
    stage.same(check_domestic(stage, STRANGER).reason, "NOT_ACTIVE", "an enterprise that is not in the register")
    stage.hint('suppliers search-offers --query "силовой" --domestic-only')


def warned(stage):
    stage.act("The factory is warned of what runs out", "Art. 51(3)")
    notices = stage.eventually("two warnings", lambda: stage.pages("suppliers.ListNotices", "factory",
                                                                   parent=f"suppliers/{FACTORY}"), lambda all_: len(all_) == 2)
    kinds = notices[0].DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number
    stage.table(("warning", "of", "last day"), [(kinds[notice.type].name, notice.subject, date_of(notice.due_date))
                                                for notice in notices])
    stage.same({kinds[notice.type].name: date_of(notice.due_date) for notice in notices},
               {"EVIDENCE_EXPIRES": datetime.date(2028, 12, 31), "REGISTRATION_EXPIRES": datetime.date(2029, 1, 18)},
               "what the warnings are of")


def check_domestic(stage, bin_):
    return stage.call("suppliers.CheckDomestic", bins=[bin_]).results[0]


def size_of(result):
    return result.DESCRIPTOR.fields_by_name["supplier_size"].enum_type.values_by_number[result.supplier_size].name
