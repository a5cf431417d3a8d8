#include "common/rpc/resource.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/rpc/disclosure.h"

namespace nisi::rpc {

using google::protobuf::Message;

std::string IdFor(const Call& call) {
  return base::HexEncode(
             base::Sha256Bytes(absl::StrCat(call.caller->subject, "\n", call.caller->bin, "\n",
                                            call.method->path, "\n", call.request_id)))
      .substr(0, 20);
}

bool MaySee(const Call& call, const Ties& ties, const Message& resource, Visible visible,
            uint32_t* roles) {
  *roles = RolesFor(call, ties, resource);
  if ((!call.method->is_public || ties.closed()) && *roles == 0) return false;
  return visible == nullptr || visible(resource, *roles);
}

absl::StatusOr<bool> MayRead(const store::Reader& reader, const Call& call, const Ties& ties,
                             const Message& resource, Visible visible, uint32_t* roles) {
  if (MaySee(call, ties, resource, visible, roles)) return true;
  if (visible != nullptr && !visible(resource, *roles)) return false;
  return HasPermit(reader, call, resource);
}

bool SeesAll(const Call& call, const Ties& ties, Visible visible) {
  if (visible != nullptr) return false;
  const MethodPolicy& method = *call.method;
  if (method.is_public) return !ties.closed() || (call.caller->roles & kCountryRoles) != 0;
  return (call.caller->roles & method.roles & kCountryRoles) != 0;
}

absl::Status Absent(const Call& call, const Ties& ties, Visible visible,
                    absl::string_view collection, absl::string_view name) {
  return SeesAll(call, ties, visible) ? base::NotFound(collection, name)
                                      : Missing(call, collection, name);
}

const Message& ResourceIn(const Message& row) {
  return row.GetReflection()->GetMessage(row, row.GetDescriptor()->FindFieldByNumber(1));
}

absl::Status InItem(absl::Status status, absl::string_view path) {
  auto info = base::InfoOf(status);
  (*info.mutable_metadata())["item"] = std::string(path);
  status.SetPayload(base::TypeUrl(info), absl::Cord(info.SerializeAsString()));
  return status;
}

}  // namespace nisi::rpc
