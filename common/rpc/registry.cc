#include "common/rpc/registry.h"

#include <set>

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

// All types that the message consists of, itself among them.
void Gather(const google::protobuf::Descriptor& message,
            std::set<const google::protobuf::Descriptor*>* types) {
  if (!types->insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    const auto* part = message.field(i)->message_type();
    if (part != nullptr) Gather(*part, types);
  }
}

// Adds the roles that a reading method admits to those of each type that its answer holds.
void AddReaders(const google::protobuf::MethodDescriptor& method,
                std::map<std::string, uint32_t>* readers) {
  const v1::Policy& policy = method.options().GetExtension(v1::policy);
  if (policy.mutation()) return;
  uint32_t roles = 0;
  for (const int role : policy.roles()) {
    roles |= role == v1::PUBLIC ? ~0U : base::RoleBit(static_cast<Role>(role));
  }
  std::set<const google::protobuf::Descriptor*> types;
  Gather(*method.output_type(), &types);
  for (const auto* type : types) (*readers)[std::string(type->full_name())] |= roles;
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
    AddReaders(*policy.descriptor, &readers_);
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

uint32_t Registry::ReadersOf(const std::string& type) const {
  const auto found = readers_.find(type);
  return found == readers_.end() ? ~0U : found->second;
}

absl::StatusOr<bool> Registry::IsShown(const store::Reader& reader, const std::string& type,
                                       const std::string& version, uint32_t roles) const {
  const uint32_t admitted = roles & ReadersOf(type);
  if (admitted == 0) return false;
  const auto found = shown_.find(type);
  if (found == shown_.end()) return true;
  const std::unique_ptr<Message> parsed(found->second.prototype->New());
  if (!parsed->ParseFromString(version)) return base::StoreCorrupt("a version in the journal");
  return found->second.shown(reader, *parsed, admitted);
}

const Method* Registry::Find(const std::string& path) const {
  const auto it = methods_.find(path);
  return it == methods_.end() ? nullptr : it->second.get();
}

}  // namespace nisi::rpc
