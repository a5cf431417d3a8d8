#include "services/contracts/ocds.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

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

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
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
    if (tally.paid == 0) continue;
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
            .Text("title", absl::StrCat(QuantityText(volume), " ", of.contract.good().unit()))
            .Text("dateMet", DayText(day.ToProto()))
            .Text("status", "met")
            .ToString());
  }
  return done;
}

// What a release says of the contract: its terms, and with `executed` what happened under it.
absl::StatusOr<std::string> ContractText(const OcdsContract& of, const Contract& terms,
                                         size_t amendments, bool executed) {
  ASSIGN_OR_RETURN(const std::string value, ValueText(terms.sum()));
  google::type::Date first, last;
  first.set_year(terms.years(0).year());
  first.set_month(1);
  first.set_day(1);
  last.set_year(terms.years().rbegin()->year());
  last.set_month(12);
  last.set_day(31);
  const bool ended =
      of.contract.state() == Contract::TERMINATED || of.contract.state() == Contract::FULFILLED;
  JsonObject contract;
  contract.Text("id", IdOf(terms.name()))
      .Text("awardID", IdOf(terms.name()))
      .Text("title", NameOf(terms.good().title()))
      .Text("description", terms.good().characteristics())
      .Text("status", ended && executed ? "terminated" : "active")
      .Raw("period",
           JsonObject().Text("startDate", DayText(first)).Text("endDate", DayText(last)).ToString())
      .Raw("value", value)
      .List("items", {ItemText(terms)})
      .Text("dateSigned", DayText(of.contract.sign_date()));
  std::vector<std::string> changes;
  for (size_t i = 0; i < amendments; ++i) {
    const Amendment& amendment = of.amendments[i];
    changes.push_back(JsonObject()
                          .Text("id", absl::StrCat(i + 1))
                          .Text("date", TimeText(amendment.update_time()))
                          .Text("rationale", amendment.reason())
                          .ToString());
  }
  contract.List("amendments", changes);
  if (executed) {
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

// One release. `terms`: the contract as it was then; null: only the award.
absl::StatusOr<std::string> ReleaseText(const OcdsContract& of, const char* id, const char* tag,
                                        const std::string& date, const Contract* terms,
                                        size_t amendments, bool executed) {
  const Contract& contract = of.contract;
  const std::string buyer = OrganizationOf(contract.customer(), of.customer_name);
  JsonObject release;
  release.Text("ocid", OcidOf(contract))
      .Text("id", absl::StrCat(OcidOf(contract), "-", id))
      .Text("date", date)
      .List("tag", {JsonText(tag)})
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
  if (terms != nullptr) {
    ASSIGN_OR_RETURN(const std::string text, ContractText(of, *terms, amendments, executed));
    release.List("contracts", {text});
  }
  return release.ToString();
}

absl::StatusOr<std::vector<std::string>> ReleasesOf(const OcdsContract& of) {
  std::vector<std::string> releases;
  const std::string signed_on = DayText(of.contract.sign_date());
  ASSIGN_OR_RETURN(std::string award,
                   ReleaseText(of, "award", "award", signed_on, nullptr, 0, false));
  releases.push_back(std::move(award));
  ASSIGN_OR_RETURN(std::string contract,
                   ReleaseText(of, "contract", "contract", signed_on, &of.terms.front(), 0, false));
  releases.push_back(std::move(contract));
  for (size_t i = 0; i < of.amendments.size(); ++i) {
    const std::string id = absl::StrCat("amendment-", i + 1);
    ASSIGN_OR_RETURN(std::string amendment, ReleaseText(of, id.c_str(), "contractAmendment",
                                                        TimeText(of.amendments[i].update_time()),
                                                        &of.terms[i + 1], i + 1, false));
    releases.push_back(std::move(amendment));
  }
  if (!of.entries.empty()) {
    const Entry* last = &of.entries.front();
    for (const Entry& entry : of.entries) {
      if (entry.create_time().seconds() > last->create_time().seconds()) last = &entry;
    }
    const std::string id = absl::StrCat("execution-", of.entries.size());
    ASSIGN_OR_RETURN(std::string execution,
                     ReleaseText(of, id.c_str(), "implementation", TimeText(last->create_time()),
                                 &of.contract, of.amendments.size(), true));
    releases.push_back(std::move(execution));
  }
  if (of.contract.state() == Contract::TERMINATED) {
    ASSIGN_OR_RETURN(
        std::string termination,
        ReleaseText(of, "termination", "contractTermination", DayText(of.contract.terminate_date()),
                    &of.contract, of.amendments.size(), true));
    releases.push_back(std::move(termination));
  }
  return releases;
}

JsonObject PackageOf(const OcdsContract& of, const char* kind) {
  JsonObject package;
  package.Text("uri", absl::StrCat(kUri, kind, "/", IdOf(of.contract.name())))
      .Text("version", "1.1")
      .Text("publishedDate", TimeText(of.contract.update_time()))
      .Raw("publisher",
           JsonObject().Text("name", "National Information System of Industry").ToString());
  return package;
}

}  // namespace

absl::StatusOr<std::string> ReleasePackage(const OcdsContract& contract) {
  ASSIGN_OR_RETURN(const std::vector<std::string> releases, ReleasesOf(contract));
  return PackageOf(contract, "releases").Raw("releases", JsonList(releases)).ToString();
}

absl::StatusOr<std::string> RecordPackage(const OcdsContract& contract) {
  ASSIGN_OR_RETURN(const std::vector<std::string> releases, ReleasesOf(contract));
  ASSIGN_OR_RETURN(
      const std::string compiled,
      ReleaseText(contract, "compiled", "compiled", TimeText(contract.contract.update_time()),
                  &contract.contract, contract.amendments.size(), true));
  const std::string record = JsonObject()
                                 .Text("ocid", OcidOf(contract.contract))
                                 .Raw("releases", JsonList(releases))
                                 .Raw("compiledRelease", compiled)
                                 .ToString();
  return PackageOf(contract, "records").List("records", {record}).ToString();
}

}  // namespace nisi::contracts
