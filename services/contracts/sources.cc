#include "services/contracts/sources.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "nisi/suppliers/v1/service.pb.h"

namespace nisi::contracts {
namespace {

using suppliers::v1::CheckProductionRequest;
using suppliers::v1::CheckProductionResponse;
using suppliers::v1::SuppliersService;

constexpr int kCodesAtOnce = 1'000;  // as many as the database takes

class SuppliersDatabase final : public Sources {
 public:
  explicit SuppliersDatabase(rpc::Peers* peers)
      : check_production_(NISI_PEER(peers, SuppliersService, CheckProduction)) {}

  // All portions go out together.
  absl::StatusOr<std::map<std::string, Made>> Production(const rpc::Call& call,
                                                         const std::set<std::string>& codes,
                                                         base::Date day) override {
    std::vector<CheckProductionRequest> requests;
    for (const std::string& code : codes) {
      if (requests.empty() || requests.back().ens_tru_size() == kCodesAtOnce) {
        requests.emplace_back();
        *requests.back().mutable_on_date() = day.ToProto();
      }
      requests.back().add_ens_tru(code);
    }
    rpc::SideBySide asking;
    std::vector<std::shared_ptr<const rpc::SideBySide::Asked<CheckProductionResponse>>> asked;
    for (const auto& request : requests) asked.push_back(asking.Add(check_production_, request));
    asking.Wait(call);
    std::map<std::string, Made> made;
    for (size_t i = 0; i < requests.size(); ++i) {
      RETURN_IF_ERROR(Take(requests[i], *asked[i], day, &made));
    }
    return made;
  }

 private:
  absl::Status Take(const CheckProductionRequest& request,
                    const rpc::SideBySide::Asked<CheckProductionResponse>& asked, base::Date day,
                    std::map<std::string, Made>* made) const {
    if (!asked.status.ok()) return check_production_.NoAnswer(asked.status);
    const CheckProductionResponse& said = asked.answer.message;
    const auto on_date = base::Date::FromProto(said.on_date());
    if (!on_date.ok() || *on_date != day || said.results_size() != request.ens_tru_size()) {
      return check_production_.WrongAnswer();
    }
    for (int i = 0; i < said.results_size(); ++i) {
      const auto& result = said.results(i);
      if (result.ens_tru() != request.ens_tru(i)) return check_production_.WrongAnswer();
      Made one{result.made(), "", {"suppliers", absl::StrCat("position ", said.position())}};
      if (result.made()) {
        const auto since = base::Date::FromProto(result.since());
        if (!since.ok() || *since > day || result.source().empty()) {
          return check_production_.WrongAnswer();
        }
        one.since = since->ToString();
        one.source = {absl::StrCat("suppliers/", result.source()), result.version()};
      }
      (*made)[result.ens_tru()] = std::move(one);
    }
    return absl::OkStatus();
  }

  rpc::PeerMethod<CheckProductionRequest, CheckProductionResponse> check_production_;
};

}  // namespace

std::unique_ptr<Sources> AskSuppliers(rpc::Peers* peers) {
  return std::make_unique<SuppliersDatabase>(peers);
}

}  // namespace nisi::contracts
