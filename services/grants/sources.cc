#include "services/grants/sources.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/codes.h"

namespace nisi::grants {
namespace {

using industry_map::v1::IndustryMapService;
using priority_goods::v1::CheckGoodsResponse;
using priority_goods::v1::PriorityGoodsService;
using suppliers::v1::Supplier;
using suppliers::v1::SuppliersService;

bool IsOf(const google::type::Date& said, base::Date day) {
  const auto date = base::Date::FromProto(said);
  return date.ok() && *date == day;
}

std::string SupplierName(const std::string& bin) {
  return absl::StrCat("suppliers/", bin);
}

base::Date DayOf(const google::protobuf::Timestamp& time) {
  return base::Date::LegalDay(absl::FromUnixSeconds(time.seconds()));
}

}  // namespace

std::optional<base::Date> RegisteredBy(const std::string& bin, base::Date day) {
  if (!base::BinIin::ParseBin(bin).ok()) return std::nullopt;
  int year = 0, month = 0;
  if (!absl::SimpleAtoi(bin.substr(0, 2), &year) || !absl::SimpleAtoi(bin.substr(2, 2), &month)) {
    return std::nullopt;
  }
  year += 2000 + year > day.year() ? 1900 : 2000;
  const auto first = base::Date::Of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1);
  if (!first.ok()) return std::nullopt;
  return *first;
}

PeerSources::PeerSources(rpc::Peers* peers)
    : check_goods_(NISI_PEER(peers, PriorityGoodsService, CheckGoods)),
      check_domestic_(NISI_PEER(peers, SuppliersService, CheckDomestic)),
      get_supplier_(NISI_PEER(peers, SuppliersService, GetSupplier)),
      get_project_(NISI_PEER(peers, IndustryMapService, GetProject)) {}

// The questions go out together: who applies waits for the slowest of them, not for their sum.
absl::StatusOr<Outside> PeerSources::Ask(const rpc::Call& call, const Application& application,
                                         base::Date day) {
  const std::string& bin = application.applicant();
  priority_goods::v1::CheckGoodsRequest goods;
  *goods.mutable_codes() = application.goods_codes();
  *goods.mutable_on_date() = day.ToProto();
  suppliers::v1::CheckDomesticRequest domestic;
  domestic.add_bins(bin);
  *domestic.mutable_on_date() = day.ToProto();
  suppliers::v1::GetSupplierRequest supplier;
  supplier.set_name(SupplierName(bin));
  *supplier.mutable_as_of() = day.ToProto();
  industry_map::v1::GetProjectRequest project;
  project.set_name(application.project());
  *project.mutable_as_of() = day.ToProto();

  // First those that have the most to do.
  rpc::SideBySide asking;
  const auto of_domestic = asking.Add(check_domestic_, domestic);
  const auto of_supplier = asking.Add(get_supplier_, supplier);
  const auto of_project = asking.Add(get_project_, project);
  const auto of_goods = asking.Add(check_goods_, goods);
  asking.Wait(call);

  Outside outside;
  RETURN_IF_ERROR(TakeGoods(of_goods, application, day, &outside));
  RETURN_IF_ERROR(TakeDomestic(of_domestic, bin, day, &outside));
  RETURN_IF_ERROR(TakeSupplier(of_supplier, bin, day, &outside));
  RETURN_IF_ERROR(TakeProject(of_project, application.project(), &outside));
  return outside;
}

absl::Status PeerSources::TakeGoods(const Asked<CheckGoodsResponse>& asked,
                                    const Application& application, base::Date day,
                                    Outside* outside) const {
  if (!asked->status.ok()) return check_goods_.NoAnswer(asked->status);
  const CheckGoodsResponse& said = asked->answer.message;
  if (!IsOf(said.on_date(), day) || said.results_size() != application.goods_codes_size()) {
    return check_goods_.WrongAnswer();
  }
  for (int i = 0; i < said.results_size(); ++i) {
    const auto& result = said.results(i);
    const bool verdict = CheckGoodsResponse::Verdict_IsValid(result.verdict()) &&
                         result.verdict() != CheckGoodsResponse::VERDICT_UNSPECIFIED;
    // Listed by no edition, or by one without a place in the journal, is listed by nothing.
    const bool founded = result.verdict() == CheckGoodsResponse::NOT_LISTED ||
                         (!said.edition().empty() && said.edition_position() > 0);
    if (result.code() != application.goods_codes(i) || !verdict || !founded) {
      return check_goods_.WrongAnswer();
    }
    outside->goods.emplace_back(result.code(), CheckGoodsResponse::Verdict_Name(result.verdict()));
  }
  outside->edition = {absl::StrCat("priority-goods/", said.edition()),
                      absl::StrCat("position ", said.edition_position())};
  return absl::OkStatus();
}

absl::Status PeerSources::TakeDomestic(const Asked<suppliers::v1::CheckDomesticResponse>& asked,
                                       const std::string& bin, base::Date day,
                                       Outside* outside) const {
  if (!asked->status.ok()) return check_domestic_.NoAnswer(asked->status);
  const auto& said = asked->answer.message;
  if (!IsOf(said.on_date(), day) || said.results_size() != 1 || said.results(0).bin() != bin) {
    return check_domestic_.WrongAnswer();
  }
  const auto& result = said.results(0);
  const auto& activities = result.activities();
  outside->producer_assumed = result.decision().rests_on_assumption();
  outside->producer = result.domestic() && std::find(activities.begin(), activities.end(),
                                                     Supplier::PRODUCER) != activities.end();
  return absl::OkStatus();
}

absl::Status PeerSources::TakeSupplier(const Asked<Supplier>& asked, const std::string& bin,
                                       base::Date day, Outside* outside) const {
  // A BIN says the month of registration, and nothing of activity since.
  outside->active_since = RegisteredBy(bin, day);
  outside->active_since_assumed = outside->active_since.has_value();
  outside->supplier.name = SupplierName(bin);
  if (!asked->status.ok()) {
    // A producer that is not in the register: the two answers are not of one register.
    if (rpc::SaysNone(asked->status) && !outside->producer) return absl::OkStatus();
    return get_supplier_.NoAnswer(asked->status);
  }
  const Supplier& supplier = asked->answer.message;
  if (supplier.bin() != bin || supplier.etag().empty() ||
      !suppliers::v1::Size_IsValid(supplier.size())) {
    return get_supplier_.WrongAnswer();
  }
  if (supplier.size() != suppliers::v1::SIZE_UNSPECIFIED) {
    outside->size = suppliers::v1::Size_Name(supplier.size());
    // Not told of what was recorded before it was: then nobody vouches for it.
    outside->size_assumed =
        !supplier.has_size_rests_on_assumption() || supplier.size_rests_on_assumption();
  }
  // Of a person the register says since when it is registered: by the day from which that holds,
  // whenever it was recorded.
  if (!outside->active_since.has_value() && supplier.has_registered_since()) {
    const auto since = base::Date::FromProto(supplier.registered_since());
    if (!since.ok() || *since > day) return get_supplier_.WrongAnswer();
    outside->active_since = *since;
  } else if (!outside->active_since.has_value() && supplier.has_create_time()) {
    outside->active_since = DayOf(supplier.create_time());
    outside->active_since_assumed = true;  // it was active before that, for how long nobody says
  }
  outside->supplier.etag = supplier.etag();
  return absl::OkStatus();
}

absl::Status PeerSources::TakeProject(const Asked<industry_map::v1::Project>& asked,
                                      const std::string& project, Outside* outside) const {
  outside->project.name = project;
  if (!asked->status.ok()) {
    return rpc::SaysNone(asked->status) ? absl::OkStatus() : get_project_.NoAnswer(asked->status);
  }
  const industry_map::v1::Project& said = asked->answer.message;
  const std::string& owner = said.parameters().owner_bin();
  if (said.name() != project || said.etag().empty() ||
      (said.on_map() && !base::BinIin::Parse(owner).ok())) {
    return get_project_.WrongAnswer();
  }
  outside->project_on_map = said.on_map();
  outside->project_owner = owner;
  outside->project.etag = said.etag();
  return absl::OkStatus();
}

}  // namespace nisi::grants
