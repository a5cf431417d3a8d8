#include "tools/benchmarks/workloads.h"

#include <cstdlib>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/rpc/wire.h"
#include "google/protobuf/util/json_util.h"
#include "nisi/grants/v1/service.pb.h"
#include "nisi/industry_map/v1/service.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/suppliers/v1/service.pb.h"
#include "tools/benchmarks/echo_server.h"

namespace nisi::bench {
namespace {

namespace goods = priority_goods::v1;
namespace map = industry_map::v1;
namespace sellers = suppliers::v1;

std::string Goods(const char* method) {
  return absl::StrCat("/", goods::PriorityGoodsService::descriptor()->full_name(), "/", method);
}

std::string Map(const char* method) {
  return absl::StrCat("/", map::IndustryMapService::descriptor()->full_name(), "/", method);
}

// Of a made country (tools/country).
Workload Summarize(bool cube) {
  map::SummarizeRequest request;
  request.add_group_by(map::SummarizeRequest::REGION);
  if (cube) {
    request.add_group_by(map::SummarizeRequest::SECTOR);
    request.add_group_by(map::SummarizeRequest::STAGE);
  }
  return {Map("Summarize"), [bytes = request.SerializeAsString()](int64_t) { return bytes; }};
}

// Boxes of two by four degrees that walk over the country.
Workload ListInBox() {
  return {Map("ListInBox"), [](int64_t n) {
            map::ListInBoxRequest request;
            map::Box& box = *request.mutable_box();
            box.set_south_millionths(42'000'000 + static_cast<int32_t>(n * 370'000 % 10'000'000));
            box.set_north_millionths(box.south_millionths() + 2'000'000);
            box.set_west_millionths(50'000'000 + static_cast<int32_t>(n * 730'000 % 29'000'000));
            box.set_east_millionths(box.west_millionths() + 4'000'000);
            request.set_page_size(200);
            return request.SerializeAsString();
          }};
}

// `common`: by words that stand in the specification of every offer that tools/country makes.
Workload SearchOffers(bool common) {
  return {absl::StrCat("/", sellers::SuppliersService::descriptor()->full_name(), "/SearchOffers"),
          [common](int64_t n) {
            constexpr const char* kThings[] = {"насос", "кабель", "труба", "клапан", "цемент"};
            constexpr const char* kKinds[] = {"стальной", "медный", "литой", "бытовой"};
            constexpr const char* kPlaces[] = {"35", "55", "63", "71"};
            sellers::SearchOffersRequest request;
            request.set_query(common ? "ГОСТ исполнение"
                                     : absl::StrCat(kThings[n % 5], " ", kKinds[n / 5 % 4]));
            request.set_kato_prefix(kPlaces[n / 20 % 4]);
            request.set_kind(sellers::GOOD);
            request.set_domestic_only(true);
            return request.SerializeAsString();
          }};
}

std::string Uuid(int64_t salt, int64_t n) {
  return absl::StrFormat("%08x-0000-4000-8000-%012x", salt & 0xffffffff, n);
}

// Ten digits: no code covers another. A salt has a million codes of its own.
std::string Code(int64_t salt, int64_t n) {
  constexpr int64_t kSalts = 100, kChapters = 13;
  return absl::StrFormat("%02d%08d", 84 + salt / kSalts % kChapters,
                         salt % kSalts * 1'000'000 + n % 1'000'000);
}

goods::Entry DraftEntry(int64_t salt, int64_t n) {
  goods::Entry entry;
  entry.set_goods_code(Code(salt, n));
  entry.set_name_kk(absl::StrCat("Электр трансформаторы, қуаты 650 кВА дейін, ", n));
  entry.set_name_ru(absl::StrCat("Трансформаторы с жидким диэлектриком до 650 кВА, ", n));
  entry.set_name_en(absl::StrCat("Liquid dielectric transformers up to 650 kVA, ", n));
  entry.set_sector("machinery");
  entry.set_processing_level(goods::HIGH);
  entry.set_oked("27.11");
  return entry;
}

absl::StatusOr<std::vector<std::string>> ReadCodes(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> codes;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) codes.push_back(line);
  }
  if (codes.empty()) return absl::InvalidArgumentError("--codes names no file with codes");
  return codes;
}

absl::StatusOr<Workload> CheckGoods(const LoadSettings& settings, int codes_a_call) {
  ASSIGN_OR_RETURN(auto read, ReadCodes(settings.codes_file));
  const auto codes = std::make_shared<const std::vector<std::string>>(std::move(read));
  return Workload{Goods("CheckGoods"), [codes, codes_a_call](int64_t n) {
                    goods::CheckGoodsRequest request;
                    for (int i = 0; i < codes_a_call; ++i) {
                      const auto at = static_cast<size_t>(n * codes_a_call + i) % codes->size();
                      request.add_codes((*codes)[at]);
                    }
                    return request.SerializeAsString();
                  }};
}

// An application of the BIN `parent` for the first of the codes, with the project that is there.
absl::StatusOr<Workload> CheckEligibility(const LoadSettings& settings) {
  ASSIGN_OR_RETURN(const auto codes, ReadCodes(settings.codes_file));
  grants::v1::CheckEligibilityRequest request;
  grants::v1::Application& application = *request.mutable_application();
  application.set_programme("programmes/grants");
  application.set_applicant(settings.parent);
  application.mutable_title()->set_ru("Линия трансформаторов");
  application.set_project("projects/1");
  application.add_goods_codes(codes.front());
  auto* item = application.add_cost_items();
  item->set_title("Станок");
  item->mutable_cost()->set_currency_code("KZT");
  item->mutable_cost()->set_units(1'000'000);
  *application.mutable_requested_sum() = item->cost();
  application.mutable_requested_sum()->set_units(400'000);
  *application.mutable_own_contribution() = item->cost();
  application.mutable_own_contribution()->set_units(600'000);
  auto* obligation = application.add_obligations();
  obligation->set_area(obligations::v1::Obligation::EXPORT);
  obligation->set_indicator("вывоз");
  obligation->set_unit("млн тенге");
  obligation->set_target("100");
  for (auto* date : {application.mutable_commissioning_date(), obligation->mutable_due_date()}) {
    date->set_year(2190);
    date->set_month(1);
    date->set_day(1);
  }
  application.set_obligations_accepted(true);
  const std::string bytes = request.SerializeAsString();
  return Workload{
      absl::StrCat("/", grants::v1::GrantsService::descriptor()->full_name(), "/CheckEligibility"),
      [bytes](int64_t) { return bytes; }};
}

// etcd's messages by the field numbers of its published rpc.proto: no generated code for a peer.
//   PutRequest {key = 1, value = 2}; RangeRequest {key = 1}
//   TxnRequest {success = 2: RequestOp {request_put = 2}}
std::string EtcdPut(const std::string& key, const std::string& value) {
  rpc::ReplyBuilder put, op;
  put.AddBytesField(1, key);
  put.AddBytesField(2, value);
  op.AddBytesField(2, put.bytes());
  return std::move(op).Take();
}

// The same durable create as NISI's: record, two index rows, journal row, request row, at once.
std::string EtcdCreate(int64_t salt, int64_t n) {
  const std::string record = DraftEntry(salt, n).SerializeAsString();
  const std::string code = Code(salt, n);
  rpc::ReplyBuilder txn;
  txn.AddBytesField(2, EtcdPut("entries/1/" + code, record));
  txn.AddBytesField(2, EtcdPut("by_sector/1/machinery/" + code, "1"));
  txn.AddBytesField(2, EtcdPut("by_level/1/3/" + code, "1"));
  txn.AddBytesField(2, EtcdPut(absl::StrFormat("journal/%d-%016d", salt, n), record + record));
  txn.AddBytesField(2, EtcdPut("once/" + Uuid(salt, n), record));
  return std::move(txn).Take();
}

std::string EtcdGet(int64_t salt, int64_t n) {
  rpc::ReplyBuilder range;
  range.AddBytesField(1, "entries/1/" + Code(salt, n % 1000));
  return std::move(range).Take();
}

absl::StatusOr<Workload> Named(const LoadSettings& settings) {
  const std::string parent = settings.parent;
  const int64_t salt = settings.salt;
  const std::string& name = settings.workload;
  if (name == "echo") {
    return Workload{kEchoPath, [](int64_t) { return std::string(); }};
  }
  if (name == "check-eligibility") return CheckEligibility(settings);
  if (name == "check-goods") return CheckGoods(settings, 1);
  // An answer of some 2 KiB.
  if (name == "check-goods-20") return CheckGoods(settings, 20);
  if (name == "check-goods-10000") return CheckGoods(settings, 10'000);
  if (name == "create-entry") {
    return Workload{Goods("CreateEntry"), [parent, salt](int64_t n) {
                      goods::CreateEntryRequest request;
                      request.set_parent(parent);
                      request.set_request_id(Uuid(salt, n));
                      *request.mutable_entry() = DraftEntry(salt, n);
                      return request.SerializeAsString();
                    }};
  }
  if (name == "get-entry") {  // of those that create-entry made with the same salt
    return Workload{Goods("GetEntry"), [parent, salt](int64_t n) {
                      goods::GetEntryRequest request;
                      request.set_name(absl::StrCat(parent, "/entries/", Code(salt, n % 1000)));
                      return request.SerializeAsString();
                    }};
  }
  if (name == "list-entries") {
    return Workload{Goods("ListEntries"), [parent](int64_t) {
                      goods::ListEntriesRequest request;
                      request.set_parent(parent);
                      request.set_page_size(50);
                      request.set_filter("sector = \"machinery\"");
                      return request.SerializeAsString();
                    }};
  }
  if (name == "summarize-region") return Summarize(false);
  if (name == "summarize-cube") return Summarize(true);
  if (name == "list-in-box") return ListInBox();
  if (name == "search-offers") return SearchOffers(false);
  if (name == "search-offers-common") return SearchOffers(true);
  if (name == "etcd-create") {
    return Workload{"/etcdserverpb.KV/Txn", [salt](int64_t n) { return EtcdCreate(salt, n); }};
  }
  if (name == "etcd-get") {
    return Workload{"/etcdserverpb.KV/Range", [salt](int64_t n) { return EtcdGet(salt, n); }};
  }
  return absl::InvalidArgumentError(absl::StrCat("no such workload: ", name));
}

// The same requests as JSON, by the method's descriptor.
absl::StatusOr<Workload> InJson(Workload workload) {
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrReplaceAll(workload.path.substr(1), {{"/", "."}}));
  if (method == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("no such method: ", workload.path));
  }
  const auto* type =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method->input_type());
  return Workload{workload.path, [type, bytes = workload.request](int64_t n) {
                    const std::unique_ptr<google::protobuf::Message> message(type->New());
                    std::string json;
                    if (!message->ParseFromString(bytes(n)) ||
                        !google::protobuf::util::MessageToJsonString(*message, &json).ok()) {
                      std::abort();
                    }
                    return json;
                  }};
}

}  // namespace

std::vector<std::string> AllWorkloads() {
  return {"echo",           "check-goods", "check-goods-20",   "check-goods-10000",
          "create-entry",   "get-entry",   "list-entries",     "summarize-region",
          "summarize-cube", "list-in-box", "search-offers",    "search-offers-common",
          "etcd-create",    "etcd-get",    "check-eligibility"};
}

absl::StatusOr<Workload> MakeWorkload(const LoadSettings& settings) {
  ASSIGN_OR_RETURN(Workload named, Named(settings));
  if (settings.protocol != "connect-json") return named;
  return InJson(std::move(named));
}

}  // namespace nisi::bench
