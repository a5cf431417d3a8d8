#include "services/contracts/ocds.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/base/hash.h"

namespace nisi::contracts {
namespace {

// The prefix of the publisher, as the standard asks for; to be registered with it.
constexpr char kOcidPrefix[] = "ocds-kznisi";
constexpr char kUri[] = "https://nisi.gov.kz/ocds/";
// Business identifiers of Kazakhstan in the list of organization identifiers.
constexpr char kScheme[] = "KZ-BIN";

// Parts of a JSON text, in the order given; empty values are left out, as the standard asks for.
std::string JsonText(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      absl::StrAppend(&out, absl::StrFormat("\\u%04x", static_cast<unsigned>(byte)));
    } else {
      out += c;
    }
  }
  return out + "\"";
}
std::string JsonList(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

class JsonObject {
 public:
  JsonObject& Text(absl::string_view key, absl::string_view value) {
    return value.empty() ? *this : Raw(key, JsonText(value));
  }
  JsonObject& List(absl::string_view key, const std::vector<std::string>& values) {
    return values.empty() ? *this : Raw(key, JsonList(values));
  }
  JsonObject& Raw(absl::string_view key, std::string value) {
    parts_.push_back(absl::StrCat(JsonText(key), ":", value));
    return *this;
  }
  std::string ToString() const { return absl::StrCat("{", absl::StrJoin(parts_, ","), "}"); }

 private:
  std::vector<std::string> parts_;
};

std::string TimeText(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds),
                          absl::UTCTimeZone());
}
std::string DayText(const google::type::Date& date) {
  return absl::StrFormat("%04d-%02d-%02dT00:00:00+05:00", date.year(), date.month(), date.day());
}
std::string NameOf(const type::v1::LocalizedText& text) {
  return text.ru().empty() ? text.kk() : text.ru();
}
// Exact decimals as numbers: what a reader makes of them is its own.
absl::StatusOr<std::string> ValueText(const google::type::Money& money) {
  ASSIGN_OR_RETURN(const base::Money value, base::Money::FromProto(money));
  return JsonObject().Raw("amount", value.ToString()).Text("currency", "KZT").ToString();
}

// "contracts/x" as an id of the standard.
std::string IdOf(const std::string& name) {
  return name.substr(name.find('/') + 1);
}
std::string OcidOf(const Contract& contract) {
  return absl::StrCat(kOcidPrefix, "-", IdOf(contract.name()));
}

std::string OrganizationOf(const std::string& bin, const std::string& name) {
  return JsonObject().Text("id", absl::StrCat(kScheme, "-", bin)).Text("name", name).ToString();
}
std::string PartyText(const std::string& bin, const std::string& name, const char* role) {
  return JsonObject()
      .Text("id", absl::StrCat(kScheme, "-", bin))
      .Text("name", name)
      .Raw("identifier",
           JsonObject().Text("scheme", kScheme).Text("id", bin).Text("legalName", name).ToString())
      .List("roles", {JsonText(role)})
      .ToString();
}

std::string ItemText(const Contract& contract) {
  const v1::Good& good = contract.good();
  return JsonObject()
      .Text("id", "1")
      .Text("description", NameOf(good.title()))
      .Raw("classification",
           JsonObject().Text("scheme", "KZ-ENSTRU").Text("id", good.ens_tru()).ToString())
      .Raw("unit", JsonObject().Text("name", good.unit()).ToString())
      .ToString();
}

// What was paid and delivered, day by day: a contract of years has thousands of entries, and an
// answer must fit a message.
struct Executed {
  std::vector<std::string> transactions, milestones;
};
absl::StatusOr<Executed> ExecutedOf(const OcdsContract& of) {
  std::map<base::Date, base::Money> paid;
  std::map<base::Date, int64_t> delivered;
  for (const Entry& entry : of.entries) {
    ASSIGN_OR_RETURN(const base::Date day, base::Date::FromProto(entry.event_date()));
    Tally tally;
    AddShares(SharesOf(entry), &tally);
    if (tally.delivered > 0) delivered[day] += tally.delivered;
    if (tally.paid == 0 || !of.figures) continue;
    ASSIGN_OR_RETURN(const base::Money sum, base::Money::FromTiyn(tally.paid));
    ASSIGN_OR_RETURN(paid[day], paid[day].Add(sum));
  }
  Executed done;
  for (const auto& [day, sum] : paid) {
    ASSIGN_OR_RETURN(const std::string value, ValueText(sum.ToProto()));
    done.transactions.push_back(
        JsonObject()
            .Text("id", absl::StrCat("payment-", day.ToString()))
            .Text("date", DayText(day.ToProto()))
            .Raw("value", value)
            .Raw("payer", OrganizationOf(of.contract.customer(), of.customer_name))
            .Raw("payee", OrganizationOf(of.contract.supplier(), of.supplier_name))
            .ToString());
  }
  for (const auto& [day, volume] : delivered) {
    done.milestones.push_back(
        JsonObject()
            .Text("id", absl::StrCat("delivery-", day.ToString()))
            .Text("type", "delivery")
            .Text("title", of.figures
                               ? absl::StrCat(QuantityText(volume), " ", of.contract.good().unit())
                               : "")
            .Text("dateMet", DayText(day.ToProto()))
            .Text("status", "met")
            .ToString());
  }
  return done;
}

// What a release tells, and when that was so.
struct Telling {
  const char* tag;
  int64_t time = 0;                 // seconds since the epoch
  const Contract* terms = nullptr;  // the contract as it was then; null: the award alone
  size_t amendments = 0;            // in force then
  bool executed = false;            // what happened under it as well
};

// What a release says of the contract.
absl::StatusOr<std::string> ContractText(const OcdsContract& of, const Telling& telling) {
  const Contract& terms = *telling.terms;
  google::type::Date first, last;
  first.set_year(terms.years(0).year());
  first.set_month(1);
  first.set_day(1);
  last.set_year(terms.years().rbegin()->year());
  last.set_month(12);
  last.set_day(31);
  const bool ended = of.contract.has_end_time() && telling.time >= of.contract.end_time().seconds();
  JsonObject contract;
  contract.Text("id", IdOf(terms.name()))
      .Text("awardID", IdOf(terms.name()))
      .Text("title", NameOf(terms.good().title()))
      .Text("description", terms.good().characteristics())
      .Text("status", ended ? "terminated" : "active")
      .Raw("period",
           JsonObject().Text("startDate", DayText(first)).Text("endDate", DayText(last)).ToString())
      .List("items", {ItemText(terms)})
      .Text("dateSigned", DayText(of.contract.sign_date()));
  if (of.figures) {
    ASSIGN_OR_RETURN(std::string value, ValueText(terms.sum()));
    contract.Raw("value", std::move(value));
  }
  std::vector<std::string> changes;
  for (size_t i = 0; i < telling.amendments; ++i) {
    const Amendment& amendment = of.amendments[i];
    changes.push_back(JsonObject()
                          .Text("id", absl::StrCat(i + 1))
                          .Text("date", TimeText(amendment.update_time().seconds()))
                          .Text("rationale", amendment.reason())
                          .ToString());
  }
  contract.List("amendments", changes);
  if (telling.executed) {
    ASSIGN_OR_RETURN(const Executed done, ExecutedOf(of));
    const auto& [transactions, milestones] = done;
    if (!transactions.empty() || !milestones.empty()) {
      contract.Raw("implementation", JsonObject()
                                         .List("transactions", transactions)
                                         .List("milestones", milestones)
                                         .ToString());
    }
  }
  return contract.ToString();
}

// One release. Its id is of what it says: what says something else, as after a correction, has
// another one for ever.
absl::StatusOr<std::string> ReleaseText(const OcdsContract& of, const Telling& telling) {
  const Contract& contract = of.contract;
  const std::string buyer = OrganizationOf(contract.customer(), of.customer_name);
  JsonObject release;
  release.Text("ocid", OcidOf(contract))
      .Text("date", TimeText(telling.time))
      .List("tag", {JsonText(telling.tag)})
      .Text("initiationType", "tender")
      .Text("language", "ru")
      .List("parties", {PartyText(contract.customer(), of.customer_name, "buyer"),
                        PartyText(contract.supplier(), of.supplier_name, "supplier")})
      .Raw("buyer", buyer)
      .Raw("tender", JsonObject()
                         .Text("id", contract.item())
                         .Text("title", NameOf(of.item.title()))
                         .Text("status", "complete")
                         .Text("procurementMethod", "direct")
                         .ToString())
      .List("awards",
            {JsonObject()
                 .Text("id", IdOf(contract.name()))
                 .Text("status", "active")
                 .Text("date", DayText(contract.sign_date()))
                 .List("suppliers", {OrganizationOf(contract.supplier(), of.supplier_name)})
                 .ToString()});
  if (telling.terms != nullptr) {
    ASSIGN_OR_RETURN(const std::string text, ContractText(of, telling));
    release.List("contracts", {text});
  }
  const std::string digest = base::HexEncode(base::Sha256Bytes(release.ToString()).substr(0, 16));
  release.Text("id", absl::StrCat(OcidOf(contract), "-", telling.tag, "-", digest));
  return release.ToString();
}

// In the order in which it came about.
absl::StatusOr<std::vector<Telling>> TellingsOf(const OcdsContract& of) {
  const Contract& contract = of.contract;
  ASSIGN_OR_RETURN(const base::Date signed_on, base::Date::FromProto(contract.sign_date()));
  const int64_t signing = absl::ToUnixSeconds(signed_on.StartOfDay());
  std::vector<Telling> tellings{{"award", signing}, {"contract", signing, &of.terms.front()}};
  for (size_t i = 0; i < of.amendments.size(); ++i) {
    tellings.push_back(
        {"contractAmendment", of.amendments[i].update_time().seconds(), &of.terms[i + 1], i + 1});
  }
  if (contract.has_end_time()) {
    tellings.push_back(
        {"contractTermination", contract.end_time().seconds(), &contract, of.amendments.size()});
  }
  if (!of.entries.empty()) {
    int64_t last = 0;
    for (const Entry& entry : of.entries) last = std::max(last, entry.create_time().seconds());
    // With the terms of then: an amendment that came later is told by itself.
    const auto in_force = static_cast<size_t>(std::count_if(
        of.amendments.begin(), of.amendments.end(),
        [last](const Amendment& one) { return one.update_time().seconds() <= last; }));
    tellings.push_back({"implementation", last, &of.terms[in_force], in_force, true});
  }
  std::stable_sort(tellings.begin(), tellings.end(),
                   [](const Telling& a, const Telling& b) { return a.time < b.time; });
  return tellings;
}

absl::StatusOr<std::vector<std::string>> TextsOf(const OcdsContract& of,
                                                 const std::vector<Telling>& tellings) {
  std::vector<std::string> texts;
  for (const Telling& telling : tellings) {
    ASSIGN_OR_RETURN(std::string text, ReleaseText(of, telling));
    texts.push_back(std::move(text));
  }
  return texts;
}

JsonObject PackageOf(const OcdsContract& of, const char* kind, int64_t time) {
  JsonObject package;
  package.Text("uri", absl::StrCat(kUri, kind, "/", IdOf(of.contract.name())))
      .Text("version", "1.1")
      .Text("publishedDate", TimeText(time))
      .Raw("publisher",
           JsonObject().Text("name", "National Information System of Industry").ToString());
  return package;
}

}  // namespace

absl::StatusOr<std::string> ReleasePackage(const OcdsContract& contract) {
  ASSIGN_OR_RETURN(const std::vector<Telling> tellings, TellingsOf(contract));
  ASSIGN_OR_RETURN(const std::vector<std::string> releases, TextsOf(contract, tellings));
  return PackageOf(contract, "releases", tellings.back().time)
      .Raw("releases", JsonList(releases))
      .ToString();
}

absl::StatusOr<std::string> RecordPackage(const OcdsContract& contract) {
  ASSIGN_OR_RETURN(const std::vector<Telling> tellings, TellingsOf(contract));
  ASSIGN_OR_RETURN(const std::vector<std::string> releases, TextsOf(contract, tellings));
  const int64_t time = tellings.back().time;
  ASSIGN_OR_RETURN(const std::string compiled,
                   ReleaseText(contract, {"compiled", time, &contract.contract,
                                          contract.amendments.size(), true}));
  const std::string record = JsonObject()
                                 .Text("ocid", OcidOf(contract.contract))
                                 .Raw("releases", JsonList(releases))
                                 .Raw("compiledRelease", compiled)
                                 .ToString();
  return PackageOf(contract, "records", time).List("records", {record}).ToString();
}

}  // namespace nisi::contracts
