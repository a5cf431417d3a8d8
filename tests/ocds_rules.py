"""The field rules of the Open Contracting Data Standard 1.1 (release, release package, record package) that its schema
states, for what this suite publishes: required fields, types, formats, closed and open codelists, references. Written from
the published reference of the standard; nothing is fetched.

    problems = check_release_package(json.loads(text))   # empty: it holds
"""
import datetime
import re

DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
EVER = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
URI = re.compile(r"^[a-z][a-z0-9+.-]*://\S+$")
OCID = re.compile(r"^ocds-[a-z0-9]{6}-\S+$")
RELEASE_TAGS = {"planning", "planningUpdate", "tender", "tenderAmendment", "tenderUpdate", "tenderCancellation", "award",
                "awardUpdate", "awardCancellation", "contract", "contractUpdate", "contractAmendment", "implementation",
                "implementationUpdate", "contractTermination", "compiled"}
CONTRACT_STATUS = {"pending", "active", "cancelled", "terminated"}
AWARD_STATUS = {"pending", "active", "cancelled", "unsuccessful"}
TENDER_STATUS = {"planning", "planned", "active", "cancelled", "unsuccessful", "complete", "withdrawn"}
METHOD = {"open", "selective", "limited", "direct"}
MILESTONE_STATUS = {"scheduled", "met", "notMet", "partiallyMet"}
PARTY_ROLES = {"buyer", "procuringEntity", "supplier", "tenderer", "funder", "enquirer", "payer", "payee",
               "reviewBody", "interestedParty", "invitedCandidate"}


def moment(release):
    """When a release is of; one without a date is before all, so that what orders by it does not hold."""
    found = re.match(DATE_TIME, release.get("date", ""))
    return datetime.datetime.fromisoformat(found.group().replace("Z", "+00:00")) if found else EVER


class Rules:
    def __init__(self):
        self.problems = []

    def need(self, good, where, what):
        if not good:
            self.problems.append(f"{where}: {what}")
        return good

    def fields(self, value, where, required, allowed):
        """An object with all of `required` and nothing beside `allowed`; the schema has no field of another name."""
        if not self.need(isinstance(value, dict), where, "is no object"):
            return False
        whole = all([self.need(value.get(name) not in (None, "", [], {}), where, f"{name} is required")
                     for name in required])
        for name, held in value.items():
            self.need(name in allowed, where, f"{name} is no field of it")
            self.need(held not in (None, "", [], {}), where, f"{name} is empty")
        return whole

    def text(self, value, where):
        self.need(isinstance(value, str) and value, where, "is no text")

    def date(self, value, where):
        self.need(isinstance(value, str) and DATE_TIME.match(value), where, f"{value} is no date-time")

    def code(self, value, codes, where):
        self.need(value in codes, where, f"{value} is not in its codelist")

    def unique(self, values, where):
        ids = [value.get("id") for value in values]
        self.need(len(ids) == len(set(ids)), where, "ids repeat")

    def value(self, value, where):
        if self.fields(value, where, ("amount", "currency"), ("amount", "currency")):
            self.need(isinstance(value["amount"], (int, float)) and not isinstance(value["amount"], bool), where,
                      "amount is no number")
            self.need(re.match("^[A-Z]{3}$", value["currency"]), where, "currency is no ISO 4217 code")

    def reference(self, value, parties, where):
        if self.fields(value, where, ("id",), ("id", "name")):
            self.need(value["id"] in parties, where, f"{value['id']} is no party of the release")

    def parties(self, values, where):
        self.unique(values, where)
        for party in values:
            if not self.fields(party, where, ("id", "name", "roles"), ("id", "name", "identifier", "roles")):
                continue
            for role in party["roles"]:
                self.code(role, PARTY_ROLES, where)
            self.fields(party["identifier"], where, ("scheme", "id"), ("scheme", "id", "legalName"))
        return {party.get("id") for party in values}

    def item(self, item, where):
        if self.fields(item, where, ("id",), ("id", "description", "classification", "unit", "quantity")):
            self.fields(item["classification"], where, ("scheme", "id"), ("scheme", "id", "description"))
            self.fields(item["unit"], where, ("name",), ("name", "value"))

    def contract(self, contract, awards, parties, where):
        allowed = ("id", "awardID", "title", "description", "status", "period", "value", "items", "dateSigned",
                   "amendments", "implementation")
        if not self.fields(contract, where, ("id", "awardID"), allowed):
            return
        self.need(contract["awardID"] in awards, where, "awardID names no award")
        self.code(contract["status"], CONTRACT_STATUS, where)
        self.value(contract["value"], f"{where}.value")
        self.date(contract["dateSigned"], f"{where}.dateSigned")
        self.fields(contract["period"], f"{where}.period", (), ("startDate", "endDate"))
        for name in contract["period"]:
            self.date(contract["period"][name], f"{where}.period.{name}")
        for item in contract["items"]:
            self.item(item, f"{where}.items")
        self.unique(contract["items"], f"{where}.items")
        for amendment in contract.get("amendments", []):
            self.fields(amendment, f"{where}.amendments", (), ("id", "date", "rationale", "description"))
            self.date(amendment["date"], f"{where}.amendments.date")
        self.unique(contract.get("amendments", []), f"{where}.amendments")
        done = contract.get("implementation", {})
        for transaction in done.get("transactions", []):
            if self.fields(transaction, f"{where}.transactions", ("id",), ("id", "date", "value", "payer", "payee")):
                self.date(transaction["date"], f"{where}.transactions.date")
                self.value(transaction["value"], f"{where}.transactions.value")
                self.reference(transaction["payer"], parties, f"{where}.transactions.payer")
                self.reference(transaction["payee"], parties, f"{where}.transactions.payee")
        self.unique(done.get("transactions", []), f"{where}.transactions")
        for milestone in done.get("milestones", []):
            if self.fields(milestone, f"{where}.milestones", ("id",), ("id", "type", "title", "dateMet", "status")):
                self.date(milestone["dateMet"], f"{where}.milestones.dateMet")
                self.code(milestone["status"], MILESTONE_STATUS, f"{where}.milestones")
        self.unique(done.get("milestones", []), f"{where}.milestones")

    def release(self, release, where, compiled=False):
        required = ("ocid", "id", "date", "tag", "initiationType")
        allowed = (*required, "language", "parties", "buyer", "tender", "awards", "contracts")
        if not self.fields(release, where, required, allowed):
            return
        self.need(OCID.match(release["ocid"]), where, f"{release['ocid']} is no ocid")
        self.need("#" not in release["id"], where, "id holds #")
        self.date(release["date"], f"{where}.date")
        self.need(isinstance(release["tag"], list), where, "tag is no list")
        for tag in release["tag"]:
            self.code(tag, RELEASE_TAGS, where)
        self.need((release["tag"] == ["compiled"]) == compiled, where, "only a compiled release is tagged so")
        self.need(release["initiationType"] == "tender", where, "initiationType is a closed codelist: tender")
        parties = self.parties(release["parties"], f"{where}.parties")
        self.reference(release["buyer"], parties, f"{where}.buyer")
        if self.fields(release["tender"], f"{where}.tender", ("id",), ("id", "title", "status", "procurementMethod")):
            self.code(release["tender"]["status"], TENDER_STATUS, f"{where}.tender")
            self.code(release["tender"]["procurementMethod"], METHOD, f"{where}.tender")
        for award in release["awards"]:
            if self.fields(award, f"{where}.awards", ("id",), ("id", "title", "status", "date", "suppliers")):
                self.code(award["status"], AWARD_STATUS, f"{where}.awards")
                self.date(award["date"], f"{where}.awards.date")
                for supplier in award["suppliers"]:
                    self.reference(supplier, parties, f"{where}.awards.suppliers")
        awards = {award["id"] for award in release["awards"]}
        for contract in release.get("contracts", []):
            self.contract(contract, awards, parties, f"{where}.contracts")

    def package(self, package, what):
        required = ("uri", "publisher", "publishedDate", "version", what)
        if self.fields(package, "package", required, required):
            self.need(URI.match(package["uri"]), "package", "uri is none")
            self.date(package["publishedDate"], "package.publishedDate")
            self.need(package["version"] == "1.1", "package", "version is another")
            self.fields(package["publisher"], "package.publisher", ("name",), ("name", "scheme", "uid", "uri"))


def check_release_package(package):
    rules = Rules()
    rules.package(package, "releases")
    for i, release in enumerate(package.get("releases", [])):
        rules.release(release, f"releases[{i}]")
    rules.unique(package.get("releases", []), "releases")
    return rules.problems


def check_record_package(package):
    rules = Rules()
    rules.package(package, "records")
    for i, record in enumerate(package.get("records", [])):
        where = f"records[{i}]"
        if not rules.fields(record, where, ("ocid", "releases"), ("ocid", "releases", "compiledRelease")):
            continue
        for release in record["releases"]:
            rules.release(release, f"{where}.releases")
            rules.need(release["ocid"] == record["ocid"], where, "a release is of another process")
        compiled = record["compiledRelease"]
        rules.release(compiled, f"{where}.compiledRelease", compiled=True)
        rules.unique([*record["releases"], compiled], f"{where}.releases")
        # Releases are merged in order of date; the compiled one is dated as the last of them.
        dates = [moment(release) for release in record["releases"]]
        rules.need(dates == sorted(dates), where, "releases are not in order of date")
        rules.need(moment(compiled) == max(dates), where, "the compiled release is not of the last one's date")
    return rules.problems
