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
using suppliers::v1::Supplier;
using suppliers::v1::SuppliersService;

// As many as it answers at once.
constexpr int kQuestions = 1000;

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

// As the register is today: of what is not in it, there is no record with a version of its own.
std::string PositionOf(const CheckDomesticResponse& said) {
  return absl::StrCat("position ", said.position());
}

Told SizeIn(const CheckDomesticResponse::Result& result, const CheckDomesticResponse& said) {
  const std::string record = RecordOf(result.bin());
  if (result.reason() == kNotActive) return {kNotActive, record, PositionOf(said)};
  if (result.size() == suppliers::v1::SIZE_UNSPECIFIED) {
    return {kNotTold, record, result.supplier_etag()};
  }
  return {suppliers::v1::Size_Name(result.size()), record, result.supplier_etag(),
          result.size_rests_on_assumption()};
}

class PeerSources final : public Sources {
 public:
  explicit PeerSources(rpc::Peers* peers)
      : check_domestic_(NISI_PEER(peers, SuppliersService, CheckDomestic)),
        lists_(cases::ListsBy(NISI_PEER(peers, GrantAgreementsService, CheckRecipient), "grants")) {
  }

  absl::StatusOr<std::map<Asked, Standing>> Suppliers(const rpc::Call& call,
                                                      const std::set<Asked>& asked) override {
    std::map<Asked, Standing> told;
    CheckDomesticRequest request;
    for (auto next = asked.begin(); next != asked.end();) {
      request.clear_questions();
      for (; next != asked.end() && request.questions_size() < kQuestions; ++next) {
        auto* question = request.add_questions();
        question->set_bin(next->first);
        *question->mutable_on_date() = next->second.ToProto();
      }
      RETURN_IF_ERROR(Ask(call, request, asked, &told));
    }
    return told.size() == asked.size() ? absl::StatusOr<std::map<Asked, Standing>>(std::move(told))
                                       : check_domestic_.WrongAnswer();
  }

  absl::StatusOr<cases::Listed> Lists(const rpc::Call& call, const Asked& asked) override {
    return lists_(call, asked.first, asked.second);
  }

 private:
  absl::Status Ask(const rpc::Call& call, const CheckDomesticRequest& request,
                   const std::set<Asked>& asked, std::map<Asked, Standing>* told) {
    const auto answer = check_domestic_(call, request);
    if (!answer.ok()) return check_domestic_.NoAnswer(answer.status());
    const CheckDomesticResponse& said = answer->message;
    if (said.results_size() != request.questions_size()) return check_domestic_.WrongAnswer();
    for (int i = 0; i < said.results_size(); ++i) {
      const auto& result = said.results(i);
      const auto day = base::Date::FromProto(result.on_date());
      const Asked one{result.bin(), day.value_or(base::Date())};
      if (!day.ok() || one.first != request.questions(i).bin() || !asked.contains(one)) {
        return check_domestic_.WrongAnswer();
      }
      // Without a version nobody could tell by which of its records was decided: so said a release
      // that does not tell the size either.
      const bool active = result.reason() != kNotActive;
      if (active == result.supplier_etag().empty() || !suppliers::v1::Size_IsValid(result.size())) {
        return check_domestic_.WrongAnswer();
      }
      (*told)[one] = {{DomesticAs(result), RecordOf(result.bin()), PositionOf(said),
                       result.decision().rests_on_assumption()},
                      SizeIn(result, said)};
    }
    return absl::OkStatus();
  }

  rpc::PeerMethod<CheckDomesticRequest, CheckDomesticResponse> check_domestic_;
  const cases::AskLists lists_;
};

}  // namespace

std::unique_ptr<Sources> AskPeers(rpc::Peers* peers) {
  return std::make_unique<PeerSources>(peers);
}

}  // namespace nisi::export_refunds
