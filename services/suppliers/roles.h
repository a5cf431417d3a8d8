// The roles of this register, as its state tables and rules name them.
#pragma once

#include "common/base/roles.h"

namespace nisi::suppliers {

inline constexpr uint32_t kEntity = base::RoleBit(rpc::v1::ENTITY);
inline constexpr uint32_t kInstitute = base::RoleBit(rpc::v1::INSTITUTE_LOCAL_CONTENT);
inline constexpr uint32_t kAuthority = base::RoleBit(rpc::v1::AUTHORITY_INDUSTRY);

}  // namespace nisi::suppliers
