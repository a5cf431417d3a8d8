// Being refused says nothing about whether a record exists: every method that takes a name, by
// every scoped role that has nothing to do with the record, gives the same refusal for a record
// that is there and for one that is not.
#include <map>

#include "common/rpc/scope.h"
#include "nisi/rpc/v1/options.pb.h"
#include "services/suppliers/service_testing.h"

namespace nisi::suppliers {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// All that a refusal says, in an order of its own.
std::string BytesOf(const absl::Status& status) {
  std::map<std::string, std::string> payloads;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    payloads[std::string(url)] = std::string(payload);
  });
  std::string bytes = absl::StrCat(absl::StatusCodeToString(status.code()), status.message());
  for (const auto& [url, payload] : payloads) absl::StrAppend(&bytes, "\n", url, "\n", payload);
  return bytes;
}

class StrangersTest : public SuppliersTest {
 protected:
  // Records that are not public, by the pattern of their names: one that is there, one that is not.
  struct Names {
    std::string there, not_there;
  };
  std::map<std::string, Names> MakeRecords() {
    const std::string bin = Bin(1), customer = Bin(3), other = Active(2);
    EXPECT_TRUE(Register(bin).ok());
    v1::AddEvidenceRequest evidence;
    *evidence.mutable_evidence() = MakeEvidence(bin, "1", 5'000);
    Must<v1::Evidence>("AddEvidence", Owner(bin), evidence);
    Offered(MakeOffer(bin));
    const std::string offer = Offered(MakeOffer(other)).name();
    v1::CreateDemandRequest demand;
    demand.mutable_demand()->set_customer_bin(customer);
    demand.mutable_demand()->set_kind(v1::GOOD);
    demand.mutable_demand()->set_ens_tru(kCode);
    demand.mutable_demand()->set_name_ru("Клапаны");
    demand.mutable_demand()->set_unit("pcs");
    demand.mutable_demand()->set_quantity("5");
    demand.mutable_demand()->set_first_year(2027);
    demand.mutable_demand()->set_years(1);
    Must<v1::Demand>("CreateDemand", Owner(customer), demand);
    v1::RespondToDemandRequest respond;
    respond.set_parent("demands/1");
    respond.mutable_response()->set_bin(other);
    respond.mutable_response()->add_offers(offer);
    respond.mutable_response()->set_quantity("5");
    Must<v1::Response>("RespondToDemand", Owner(other), respond);
    v1::SubscribeRequest subscribe;
    subscribe.mutable_subscription()->set_bin(bin);
    Must<v1::Subscription>("Subscribe", Owner(bin), subscribe);
    v1::AddMonitoredOrganizationRequest monitor;
    monitor.mutable_organization()->set_bin(customer);
    monitor.mutable_organization()->set_name_ru("АО");
    monitor.mutable_organization()->set_kato("751110000");
    monitor.mutable_organization()->set_order_number("1");
    *monitor.mutable_organization()->mutable_order_date() = today().ToProto();
    Must<v1::MonitoredOrganization>("AddMonitoredOrganization", authority_, monitor);
    v1::SubmitProcurementReportRequest report;
    report.set_parent("monitored/" + customer);
    report.mutable_report()->set_stage(v1::ProcurementReport::PLAN);
    *report.mutable_report()->mutable_period_from() = today().ToProto();
    *report.mutable_report()->mutable_period_to() = today().ToProto();
    report.mutable_report()->set_part(1);
    auto* line = report.mutable_report()->add_lines();
    line->set_number(1);
    line->set_kind(v1::GOOD);
    line->set_ens_tru(kCode);
    line->set_title("Клапан");
    line->mutable_amount()->set_currency_code("KZT");
    line->mutable_amount()->set_units(1);
    Must<v1::ProcurementReport>("SubmitProcurementReport",
                                CallerOf("buyer", {rpc::v1::CUSTOMER}, customer), report);
    return {{"suppliers/*", {"suppliers/" + bin, "suppliers/" + Bin(77)}},
            {"evidence/*", {"evidence/1", "evidence/77"}},
            {"offers/*", {"offers/1", "offers/77"}},
            {"demands/*/responses/*",
             {"demands/1/responses/" + other, "demands/1/responses/" + Bin(77)}},
            {"subscriptions/*", {"subscriptions/1", "subscriptions/77"}},
            {"monitored/*", {"monitored/" + customer, "monitored/" + Bin(77)}},
            {"procurement_reports/*", {"procurement_reports/1", "procurement_reports/77"}}};
  }

  static const rpc::v1::Field& RuleOf(const FieldDescriptor& field) {
    return field.options().GetExtension(rpc::v1::field);
  }

  // Fills what is required but the name.
  void Fill(Message* message) {
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message->GetDescriptor()->field(i);
      const rpc::v1::Field& rule = RuleOf(*field);
      if (!rule.required()) continue;
      const auto* reflection = message->GetReflection();
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        reflection->SetString(message, field,
                              rule.format() == rpc::v1::UUID   ? NextUuid()
                              : rule.format() == rpc::v1::ETAG ? std::string("\"1-1\"")
                                                               : std::string("word"));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
        reflection->SetEnumValue(message, field, 1);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                 field->message_type() == google::type::Date::descriptor()) {
        reflection->MutableMessage(message, field)->CopyFrom(today().ToProto());
      }
    }
  }

  absl::Status CallAny(const rpc::Method& method, const rpc::Caller& caller, Message* request) {
    rpc::Call call = MakeCall(method, caller);
    RETURN_IF_ERROR(Prepare(method, request, &call));
    return method.unary(call, *request).status();
  }
};

TEST_F(StrangersTest, LearnNothing) {
  const std::map<std::string, Names> records = MakeRecords();
  int methods = 0, calls = 0;
  const auto& service = *v1::SuppliersService::descriptor();
  for (int m = 0; m < service.method_count(); ++m) {
    const rpc::Method& method = MethodOf(service.method(m)->name());
    if (!method.unary) continue;
    const auto* type = method.request_prototype->GetDescriptor();
    const FieldDescriptor* name = type->FindFieldByName("name");
    if (name == nullptr) name = type->FindFieldByName("parent");
    // Of an update its resource's own.
    const FieldDescriptor* resource = nullptr;
    if (name == nullptr && type->FindFieldByName("update_mask") != nullptr) {
      resource = type->field(0);
      name = resource->message_type()->FindFieldByName("name");
    }
    if (name == nullptr || !records.contains(RuleOf(*name).resource())) continue;
    const Names& names = records.at(RuleOf(*name).resource());
    // The list of monitored organizations is public: that one is on it is no secret.
    const bool is_public = method.policy.is_public && RuleOf(*name).resource() == "monitored/*";
    if (is_public) continue;
    ++methods;
    for (const rpc::Role role : rpc::AllRoles()) {
      if ((rpc::kScopedRoles & base::RoleBit(role)) == 0 && role != rpc::v1::PUBLIC) continue;
      rpc::Caller stranger = CallerOf("stranger", {role}, Bin(9));
      stranger.regions = {"71"};
      std::string refusals[2];
      for (int i = 0; i < 2; ++i) {
        std::unique_ptr<Message> request(method.request_prototype->New());
        Fill(request.get());
        Message* holder = resource == nullptr
                              ? request.get()
                              : request->GetReflection()->MutableMessage(request.get(), resource);
        holder->GetReflection()->SetString(holder, name, i == 0 ? names.there : names.not_there);
        const absl::Status refused = CallAny(method, stranger, request.get());
        SCOPED_TRACE(absl::StrCat(method.policy.path, " ", rpc::RoleName(role)));
        EXPECT_TRUE(refused.code() == absl::StatusCode::kPermissionDenied ||
                    refused.code() == absl::StatusCode::kInvalidArgument)
            << refused;
        refusals[i] = BytesOf(refused);
        ++calls;
      }
      EXPECT_EQ(refusals[0], refusals[1]) << method.policy.path << " " << rpc::RoleName(role);
    }
  }
  EXPECT_EQ(methods, 24);
  EXPECT_EQ(calls, methods * 2 * 6);
}

}  // namespace
}  // namespace nisi::suppliers
