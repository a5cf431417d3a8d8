"""What the formats of nisi.rpc.v1.Format look like to a client: a pattern, a limit, an example. `common/rpc/form.cc` judges
them; the tests of the gateway see that each example made from here passes it."""
import re

# Those that common/base knows a shape of. Check digits, regions and chapters are judged by the services alone.
PATTERNS = {
    "UUID": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    "GOODS_CODE": "^([0-9]{4}|[0-9]{6}|[0-9]{8}|[0-9]{10})$",
    "GOODS_CODE_PREFIX": "^([0-9]{2}){1,5}$",
    "OKED": r"^[0-9]{2}\.[0-9]{2}(\.[0-9])?$",
    "KPVED": r"^[0-9]{2}\.[0-9]{2}(\.[0-9]|\.[0-9]{2}|\.[0-9]{2}\.[0-9]{3})?$",
    "ENS_TRU": r"^[0-9]{6}\.[0-9]{3}\.[0-9]{6}$",
    "ENS_TRU_PREFIX": r"^[0-9]{6}(\.[0-9]{3}(\.[0-9]{6})?)?$",
    "BIN": "^[0-9]{12}$",
    "KATO": "^[0-9]{9}$",
    "KATO_PREFIX": "^[0-9]{2,9}$",
    "ETAG": "^[!-~]{1,128}$",
    "WORD": "^[a-z0-9_]{1,63}$",
    "QUARTER": "^[0-9]{4}Q[1-4]$",
    "DECIMAL": r"^[0-9]{1,12}(\.[0-9]{1,3})?$",
}

WORDS = {
    "GOODS_CODE": "A goods code of 4, 6, 8 or 10 digits.",
    "GOODS_CODE_PREFIX": "The beginning of goods codes, 2 to 10 digits.",
    "OKED": "A code of OKED, as 27.11.",
    "KPVED": "A code of KPVED, as 27.11.41.",
    "ENS_TRU": "A code of ENS TRU, as 281212.300.000001.",
    "ENS_TRU_PREFIX": "The beginning of ENS TRU codes, in whole groups.",
    "BIN": "A BIN or IIN, 12 digits with the check digit.",
    "KATO": "A place by the classifier KATO, 9 digits.",
    "KATO_PREFIX": "The beginning of places of KATO, 2 to 9 digits.",
    "FILTER": "A filter in the form of AIP-160, at most 2,000 characters.",
    "ORDER_BY": "An order in the form of AIP-132.",
    "PAGE_TOKEN": "As the answer before gave it.",
    "ETAG": "As an answer gave it.",
    "QUARTER": "A quarter, as 2026Q3.",
    "DECIMAL": "An exact decimal number of at most 3 decimals, as 1250.5.",
}

# Fields that mean the same in every request, where the proto does not say it again.
COMMON = {
    "request_id": "A UUID that the caller makes. A call repeated with the same one is done once.",
    "validate_only": "Judges the request, and changes nothing.",
    "update_mask": "Fields to change, as `titleRu,note`; absent: all that are set.",
    "page_size": "How many at most; 0 means 50, more than 200 means 200.",
    "page_token": "As the page before gave it; absent: the first page.",
    "next_page_token": "For the page after this one; absent on the last.",
    "as_of": "The day asked about; absent: today in legal time.",
    "known_at": "What the register knew at this moment; absent: now.",
    "etag": "The version seen; absent: whatever it is.",
    "reveal": "Shows confidential fields to whom has a right to them; that is recorded.",
}

EXAMPLES = {
    "UUID": "1f0c2a3e-5b7d-4c9a-8e21-6d4f0b9a7c15",
    "GOODS_CODE": "850423",
    "GOODS_CODE_PREFIX": "8504",
    "OKED": "27.11",
    "KPVED": "27.11.41",
    "ENS_TRU": "281212.300.000001",
    "ENS_TRU_PREFIX": "281212",
    "BIN": "940140000385",
    "KATO": "750000000",
    "KATO_PREFIX": "75",
    "ETAG": "00000001",
    "WORD": "machinery",
    "QUARTER": "2026Q3",
    "DECIMAL": "1250.5",
}

# A limit that stands where the proto names none; other formats have one in their pattern or their parser.
DEFAULT_CHARS = {"TEXT": 300, "MULTILINE": 10000}
DEFAULT_ITEMS, DEFAULT_ENTRIES = 500, 64
RESOURCE_SEGMENT = "[a-z0-9-]{1,63}"


def resource_pattern(resource):
    """Of the names that a pattern as "editions/*/entries/*" stands for."""
    return "^" + "/".join(RESOURCE_SEGMENT if part == "*" else re.escape(part) for part in resource.split("/")) + "$"


def resource_example(resource):
    return resource.replace("entries/*", "entries/850423").replace("*/*", "editions/1").replace("*", "1")


def resource_words(resource):
    return f"A name as \"{resource_example(resource)}\"."
