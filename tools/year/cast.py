"""Who acts in the year, and the companies they act for. All numbers are made up and valid."""


def bin_of(born, serial):
    """A valid BIN: year and month of registration, the kind of a resident legal entity, a number, the check digit."""
    for number in range(serial * 10, serial * 10 + 10):
        digits = f"{born}40{number:05}"
        check = sum(int(d) * w for d, w in zip(digits, range(1, 12))) % 11
        if check == 10:
            check = sum(int(d) * w for d, w in zip(digits, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2))) % 11
        if check < 10:
            return digits + str(check)
    raise AssertionError("no number with a check digit")


FACTORY = bin_of("1203", 1)       # makes transformers; owner of the project, recipient of the grant, exporter
WORKSHOP = bin_of("1705", 2)      # makes cable; its registration is settled by hand
STRANGER = bin_of("1501", 3)      # another enterprise: sees nothing of theirs
SELLER = bin_of("0906", 4)        # sells the factory its line
REGISTRAR = bin_of("0401", 5)     # keeps the register of producers
AKIMAT = bin_of("9801", 6)        # answers for the factory's project
ORGANIZATION = bin_of("2101", 7)  # organization of the cluster
BANK = bin_of("9505", 8)          # reads by consent
MINE = bin_of("0007", 9)          # a subsoil user: plans what it buys, and buys off-take
FUND = bin_of("0811", 18)         # half of it is the National Welfare Fund's: no customer of such contracts
MEMBERS = [bin_of("1602", 10 + number) for number in range(8)]

REGION, TOWN = "110000000", "111010000"
NAMES = {FACTORY: "ТОО «Завод трансформаторов»", WORKSHOP: "ТОО «Кабельный цех»", ORGANIZATION: "ТОО «Кластер энергетики»",
         MINE: "АО «Горнорудная компания»", FUND: "АО «Дочерняя организация фонда»"}


def everybody(stage):
    """The officials of each body are several persons, since whoever prepares a case does not decide it."""
    for who, role in (("industry-1", "institute.industry"), ("industry-2", "institute.industry"),
                      ("industry-3", "institute.industry"), ("ministry-1", "authority.industry"),
                      ("ministry-2", "authority.industry"), ("content-1", "institute.local_content"),
                      ("content-2", "institute.local_content"), ("trade-1", "authority.trade"),
                      ("trade-2", "authority.trade"), ("subsoil-1", "authority.subsoil"),
                      ("export-1", "institute.export"), ("export-2", "institute.export"),
                      ("export-3", "institute.export"), ("auditor", "auditor"),
                      *((f"expert-{i}", "expert") for i in range(1, 4)), *((f"member-{i}", "expert") for i in range(1, 8))):
        stage.cast(who, role)
    for who, of in (("factory", FACTORY), ("workshop", WORKSHOP), ("stranger", STRANGER),
                    ("organization", ORGANIZATION), ("bank", BANK)):
        stage.cast(who, "entity", bin=of)
    stage.cast("mine", "customer", bin=MINE)
    stage.cast("akimat", "akimat", region="11")
