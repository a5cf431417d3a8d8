#include "services/export_refunds/sources.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::export_refunds {
namespace {

using grants::v1::CheckRecipientRequest;
using grants::v1::CheckRecipientResponse;
using grants::v1::GrantAgreementsService;
using grants::v1::UnreliableRecipient;
using suppliers::v1::CheckDomesticRequest;
using suppliers::v1::CheckDomesticResponse;
using suppliers::v1::GetSupplierRequest;
using suppliers::v1::Supplier;
using suppliers::v1::SuppliersService;

// A record of the database of suppliers.
std::string RecordOf(const std::string& bin) {
  return absl::StrCat("suppliers/suppliers/", bin);
}

// "PRODUCER,SERVICES"; "0" of what is not domestic.
std::string DomesticAs(const CheckDomesticResponse::Result& result) {
  if (!result.domestic() || result.activities().empty()) return "0";
  return absl::StrJoin(result.activities(), ",", [](std::string* out, int activity) {
    out->append(Supplier::Activity_Name(static_cast<Supplier::Activity>(activity)));
  });
}

// Whether a refusal says that the database does not show such a supplier: an answer, and no error.
bool IsNotShown(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status);
}

// Whether it is an answer to that question, of that day: what is no list, or no entry, is none.
bool IsAnswer(const CheckRecipientResponse& said, const Asked& asked) {
  const auto day = base::Date::FromProto(said.on_date());
  if (said.recipient() != asked.first || !day.ok() || *day != asked.second ||
      said.position() <= 0) {
    return false;
  }
  return std::all_of(said.listings().begin(), said.listings().end(), [](const auto& listing) {
    return UnreliableRecipient::List_IsValid(listing.list()) &&
           listing.list() != UnreliableRecipient::LIST_UNSPECIFIED && !listing.name().empty() &&
           !listing.etag().empty();
  });
}

class PeerSources final : public Sources {
 public:
  explicit PeerSources(rpc::Peers* peers)
      : check_domestic_(NISI_PEER(peers, SuppliersService, CheckDomestic)),
        get_supplier_(NISI_PEER(peers, SuppliersService, GetSupplier)),
        check_recipient_(NISI_PEER(peers, GrantAgreementsService, CheckRecipient)) {}

  absl::StatusOr<std::map<Asked, Told>> Producers(const rpc::Call& call,
                                                  const std::set<Asked>& asked) override {
    std::map<base::Date, std::vector<std::string>> by_day;
    for (const auto& [bin, day] : asked) by_day[day].push_back(bin);
    std::map<Asked, Told> told;
    for (const auto& [day, bins] : by_day) {
      CheckDomesticRequest request;
      for (const std::string& bin : bins) request.add_bins(bin);
      *request.mutable_on_date() = day.ToProto();
      const auto answer = check_domestic_(call, request);
      if (rpc::IsNotAnswered(answer.status())) return answer.status();
      // It has no ground to refuse what is asked here.
      if (!answer.ok()) return check_domestic_.WrongAnswer();
      const CheckDomesticResponse& said = answer->message;
      const auto on_date = base::Date::FromProto(said.on_date());
      if (!on_date.ok() || *on_date != day || said.results_size() != request.bins_size()) {
        return check_domestic_.WrongAnswer();
      }
      for (int i = 0; i < said.results_size(); ++i) {
        const auto& result = said.results(i);
        if (result.bin() != request.bins(i)) return check_domestic_.WrongAnswer();
        told[{result.bin(), day}] = {DomesticAs(result), RecordOf(result.bin()),
                                     absl::StrCat("position ", said.position())};
      }
    }
    return told;
  }

  absl::StatusOr<Told> EnterpriseSize(const rpc::Call& call, const Asked& asked) override {
    GetSupplierRequest request;
    request.set_name(absl::StrCat("suppliers/", asked.first));
    *request.mutable_as_of() = asked.second.ToProto();
    const auto answer = get_supplier_(call, request);
    if (!answer.ok() && IsNotShown(answer.status())) return Told{"", RecordOf(asked.first), ""};
    if (rpc::IsNotAnswered(answer.status())) return answer.status();
    if (!answer.ok()) return get_supplier_.WrongAnswer();
    const Supplier& supplier = answer->message;
    if (supplier.bin() != asked.first) return get_supplier_.WrongAnswer();
    return Told{supplier.size() == suppliers::v1::SIZE_UNSPECIFIED
                    ? ""
                    : suppliers::v1::Size_Name(supplier.size()),
                RecordOf(asked.first), supplier.etag()};
  }

  absl::StatusOr<Listed> Lists(const rpc::Call& call, const Asked& asked) override {
    CheckRecipientRequest request;
    request.set_recipient(asked.first);
    *request.mutable_on_date() = asked.second.ToProto();
    const auto answer = check_recipient_(call, request);
    if (rpc::IsNotAnswered(answer.status()) || absl::IsCancelled(answer.status())) {
      return answer.status();
    }
    // It has no ground to refuse what is asked here.
    if (!answer.ok() || !IsAnswer(answer->message, asked)) return check_recipient_.WrongAnswer();
    const CheckRecipientResponse& said = answer->message;
    Listed listed;
    listed.count = {absl::StrCat(said.listings_size()), "grants/unreliable",
                    absl::StrCat("position ", said.position())};
    for (const auto& entry : said.listings()) {
      listed.entries.push_back({UnreliableRecipient::List_Name(entry.list()),
                                absl::StrCat("grants/", entry.name()), entry.etag()});
    }
    return listed;
  }

 private:
  rpc::PeerMethod<CheckDomesticRequest, CheckDomesticResponse> check_domestic_;
  rpc::PeerMethod<GetSupplierRequest, Supplier> get_supplier_;
  rpc::PeerMethod<CheckRecipientRequest, CheckRecipientResponse> check_recipient_;
};

}  // namespace

std::unique_ptr<Sources> AskPeers(rpc::Peers* peers) {
  return std::make_unique<PeerSources>(peers);
}

}  // namespace nisi::export_refunds
