"""The year: what happens on which day. 2026 from January to December, and what comes of it until the last money is back."""
import datetime

import act_cluster
import act_contracts
import act_disclosure
import act_export
import act_goods
import act_grant
import act_journals
import act_map
import act_suppliers
import cast


def day(month, number, year=2026):
    return datetime.date(year, month, number)


FIRST = day(1, 12)


def play(stage, file, scratch):
    """All of it, in order of time. Raises Wrong or Refused at the first thing that is not as the law says."""
    cast.everybody(stage)
    for when, scene, *with_ in calendar(file, scratch):
        stage.go_to(when)
        scene(stage, *with_)


def again(stage, file, scratch):
    """What can be played in registers that have lived: another edition of the list, and the journals."""
    cast.everybody(stage)
    act_goods.draft(stage, file, scratch)
    stage.go_to(act_goods.approve(stage))
    act_goods.in_force(stage, scratch)
    act_journals.verified(stage, scratch)


def calendar(file, scratch):
    return [
        (day(1, 12), act_goods.draft, file, scratch),
        (day(1, 12), act_goods.approve),
        (day(1, 15), act_goods.in_force, scratch),
        (day(1, 19), act_suppliers.places),
        (day(1, 19), act_suppliers.registered),
        (day(1, 20), act_suppliers.proven),
        (day(1, 22), act_export.list_in_force),
        (day(1, 26), act_map.proposed),
        (day(2, 3), act_map.included),
        (day(2, 9), act_cluster.initiative),
        (day(2, 20), act_cluster.selected),
        (day(2, 24), act_cluster.supported),
        (day(2, 26), act_grant.programme),
        (day(3, 2), act_grant.filed),
        (day(3, 10), act_grant.examined),
        (day(3, 26), act_grant.decided),
        (day(4, 2), act_grant.agreed),
        (day(4, 8), act_map.reported, 0),
        (day(4, 20), act_grant.paid, 1),
        (day(4, 27), act_contracts.needs),
        (day(5, 12), act_export.signed),
        (day(5, 18), act_contracts.sent),
        (day(5, 18), act_export.sent_back),
        (day(5, 22), act_export.fixed),
        (day(5, 28), act_contracts.listed),
        (day(6, 24), act_contracts.agreed),
        (day(7, 8), act_map.reported, 1),
        (day(7, 20), act_grant.paid, 2),
        (day(7, 22), act_contracts.approved),
        (day(7, 28), act_grant.monitored, 2026, 1, "Линия поставлена"),
        (day(8, 17), act_contracts.concluded),
        (day(9, 14), act_export.duplicate),
        (day(10, 7), act_map.reported, 2),
        (day(10, 7), act_map.year_of_reports),
        (day(10, 20), act_grant.paid, 3),
        (day(11, 9), act_contracts.delivered, 2026),
        (day(11, 16), act_map.approved_edition),
        (day(12, 10), act_disclosure.consented),
        (day(12, 11), act_disclosure.read_by),
        (day(12, 18), act_journals.verified, scratch),
        # What comes of it.
        (day(1, 8, 2027), act_map.reported, 3),
        (day(1, 12, 2027), act_grant.year_closed),
        (day(1, 18, 2027), act_contracts.assessed, 2026, act_contracts.PENALTY),
        (day(1, 20, 2027), act_grant.monitored, 2026, 2, "Стенд пущен"),
        (day(2, 1, 2027), act_contracts.settled),
        (day(2, 16, 2027), act_export.report, 2026),
        (day(6, 25, 2027), act_map.commissioned),
        (day(7, 20, 2027), act_grant.monitored, 2027, 1, "Выпуск начат", (("вывоз", "120"),)),
        (day(11, 8, 2027), act_contracts.delivered, 2027),
        (day(1, 17, 2028), act_contracts.assessed, 2027, 0),
        (day(1, 24, 2028), act_contracts.fulfilled),
        (day(2, 15, 2028), act_export.report, 2027),
        (day(12, 20, 2028), act_suppliers.warned),
        (day(2, 15, 2029), act_export.report, 2028),
        (day(3, 12, 2029), act_export.closed),
        (day(7, 10, 2030), act_grant.missed),
        (day(7, 15, 2030), act_grant.demanded),
        (day(8, 26, 2030), act_grant.late),
        (day(9, 5, 2030), act_grant.recovered),
        (day(9, 6, 2030), act_journals.verified, scratch),
    ]
