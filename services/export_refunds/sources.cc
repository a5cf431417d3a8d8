#include "services/export_refunds/sources.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cases/lists.h"
#include "nisi/grants/v1/agreement_service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::export_refunds {
namespace {

using grants::v1::GrantAgreementsService;
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

class PeerSources final : public Sources {
 public:
  explicit PeerSources(rpc::Peers* peers)
      : check_domestic_(NISI_PEER(peers, SuppliersService, CheckDomestic)),
        get_supplier_(NISI_PEER(peers, SuppliersService, GetSupplier)),
        lists_(cases::ListsBy(NISI_PEER(peers, GrantAgreementsService, CheckRecipient), "grants")) {
  }

  absl::StatusOr<std::map<Asked, Told>> Producers(const rpc::Call& call,
                                                  const std::set<Asked>& asked) override {
    CheckDomesticRequest request;
    for (const auto& [bin, day] : asked) {
      auto* question = request.add_questions();
      question->set_bin(bin);
      *question->mutable_on_date() = day.ToProto();
    }
    const auto answer = check_domestic_(call, request);
    if (!answer.ok()) return check_domestic_.NoAnswer(answer.status());
    const CheckDomesticResponse& said = answer->message;
    if (said.results_size() != request.questions_size()) return check_domestic_.WrongAnswer();
    std::map<Asked, Told> told;
    for (int i = 0; i < said.results_size(); ++i) {
      const auto& result = said.results(i);
      const auto day = base::Date::FromProto(result.on_date());
      const Asked one{result.bin(), day.value_or(base::Date())};
      if (!day.ok() || one.first != request.questions(i).bin() || !asked.contains(one)) {
        return check_domestic_.WrongAnswer();
      }
      told[one] = {DomesticAs(result), RecordOf(result.bin()),
                   absl::StrCat("position ", said.position()),
                   result.decision().rests_on_assumption()};
    }
    return told.size() == asked.size() ? absl::StatusOr<std::map<Asked, Told>>(std::move(told))
                                       : check_domestic_.WrongAnswer();
  }

  absl::StatusOr<Told> EnterpriseSize(const rpc::Call& call, const Asked& asked) override {
    GetSupplierRequest request;
    request.set_name(absl::StrCat("suppliers/", asked.first));
    *request.mutable_as_of() = asked.second.ToProto();
    const auto answer = get_supplier_(call, request);
    if (!answer.ok() && rpc::SaysNone(answer.status())) return NotShown(call, asked);
    if (!answer.ok()) return get_supplier_.NoAnswer(answer.status());
    const Supplier& supplier = answer->message;
    // Without a version nobody could tell by which of its records was decided.
    if (supplier.bin() != asked.first || supplier.etag().empty()) {
      return get_supplier_.WrongAnswer();
    }
    if (supplier.size() == suppliers::v1::SIZE_UNSPECIFIED) {
      return Told{"", RecordOf(asked.first), supplier.etag()};
    }
    // One that was recorded before they said so is as good as assumed.
    const bool assumed =
        !supplier.has_size_rests_on_assumption() || supplier.size_rests_on_assumption();
    return Told{suppliers::v1::Size_Name(supplier.size()), RecordOf(asked.first), supplier.etag(),
                assumed};
  }

  absl::StatusOr<cases::Listed> Lists(const rpc::Call& call, const Asked& asked) override {
    return lists_(call, asked.first, asked.second);
  }

 private:
  // What is not there has no version of its own: that of the whole register is asked for.
  absl::StatusOr<Told> NotShown(const rpc::Call& call, const Asked& asked) {
    ASSIGN_OR_RETURN(const auto told, Producers(call, {asked}));
    const Told& domestic = told.at(asked);
    // A domestic producer that is not shown: the two answers are not of one register.
    if (domestic.value != "0") return get_supplier_.WrongAnswer();
    return Told{"", domestic.source, domestic.version};
  }

  rpc::PeerMethod<CheckDomesticRequest, CheckDomesticResponse> check_domestic_;
  rpc::PeerMethod<GetSupplierRequest, Supplier> get_supplier_;
  const cases::AskLists lists_;
};

}  // namespace

std::unique_ptr<Sources> AskPeers(rpc::Peers* peers) {
  return std::make_unique<PeerSources>(peers);
}

}  // namespace nisi::export_refunds
