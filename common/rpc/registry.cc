#include "common/rpc/registry.h"

#include "absl/strings/str_cat.h"
#include "common/base/codes.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/store_call.h"

namespace nisi::rpc {
namespace {

absl::Status Invalid(const std::string& path, absl::string_view what) {
  return base::Refusal(absl::StatusCode::kFailedPrecondition, "BINDING_INVALID",
                       absl::StrCat(path, " ", what));
}

absl::Status CheckDiscloses(const MethodPolicy& policy, const Mask& mask) {
  if (!policy.discloses) return absl::OkStatus();
  if (!mask.marked())
    return Invalid(policy.path, "discloses, and answers with nothing confidential");
  // So that a look at a list costs no write.
  if (mask.repeats() && policy.reveal == nullptr) {
    return Invalid(policy.path, "discloses several records and cannot be asked to: bool reveal");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Registry::Add(const google::protobuf::ServiceDescriptor& service) {
  ASSIGN_OR_RETURN(std::vector<MethodPolicy> policies, PoliciesOf(service));
  services_.push_back(&service);
  for (MethodPolicy& policy : policies) {
    auto method = std::make_unique<Method>();
    method->form = std::make_unique<FormChecker>(policy.descriptor->input_type());
    method->request_prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(
        policy.descriptor->input_type());
    method->response_prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(
            policy.descriptor->output_type());
    ASSIGN_OR_RETURN(method->mask, Mask::Of(*policy.descriptor->output_type()));
    RETURN_IF_ERROR(CheckDiscloses(policy, method->mask));
    method->disclosure = disclosure_;
    const std::string path = policy.path;
    method->policy = std::move(policy);
    methods_[path] = std::move(method);
  }
  return absl::OkStatus();
}

Method& Registry::Slot(const google::protobuf::ServiceDescriptor* service, const char* name) {
  return *methods_.at(absl::StrCat("/", service->full_name(), "/", name));
}

absl::StatusOr<std::string> Registry::WriteAndWait(
    store::Store& store,
    const std::function<absl::StatusOr<std::string>(const Call&, store::Tx&, const Message&)>& run,
    Call& call, const Message& request) {
  ASSIGN_OR_RETURN(
      store::Outcome outcome,
      store.Write(CommandOf(call, request), [&](store::Tx& tx) { return run(call, tx, request); }));
  call.position = outcome.position;
  return std::move(outcome.reply);
}

absl::Status Registry::Check() const {
  for (const auto& [path, method] : methods_) {
    if (!method->bound()) return Invalid(path, "has no function");
    if (method->policy.discloses && method->disclosure == nullptr) {
      return Invalid(path, "discloses, and its register keeps no permits and accesses");
    }
    const auto* descriptor = method->policy.descriptor;
    const bool fits = descriptor->server_streaming()   ? static_cast<bool>(method->server_stream)
                      : descriptor->client_streaming() ? static_cast<bool>(method->client_stream)
                                                       : static_cast<bool>(method->unary);
    if (!fits || (descriptor->server_streaming() && descriptor->client_streaming())) {
      return Invalid(path, "is bound as another kind of call than its proto says");
    }
  }
  return absl::OkStatus();
}

bool Registry::KnowsMark(const std::string& dotted) const {
  for (const auto& [path, method] : methods_) {
    for (const auto& type : method->mask.types()) {
      for (const Mark& mark : type->marks) {
        if (mark.dotted == dotted) return true;
      }
    }
  }
  return false;
}

bool Registry::KnowsRecord(const std::string& name) const {
  for (const auto& [path, method] : methods_) {
    for (const auto& type : method->mask.types()) {
      if (type->name != nullptr &&
          base::MatchResourceName(RuleOf(*type->name).resource(), name).ok()) {
        return true;
      }
    }
  }
  return false;
}

const Method* Registry::Find(const std::string& path) const {
  const auto it = methods_.find(path);
  return it == methods_.end() ? nullptr : it->second.get();
}

}  // namespace nisi::rpc
