#include "services/suppliers/env.h"

#include <algorithm>

#include "common/cases/rows.h"
#include "common/rpc/store_call.h"
#include "services/suppliers/rules_supplier.h"

namespace nisi::suppliers {

bool SupplierIsVisible(const google::protobuf::Message& resource, uint32_t roles) {
  return (roles & kInsiders) != 0 ||
         static_cast<const Supplier&>(resource).state() == Supplier::ACTIVE;
}

absl::StatusOr<const Supplier*> Books::SupplierOn(const std::string& bin, base::Date day) {
  const auto [it, fresh] = suppliers_.try_emplace({bin, day});
  if (fresh) {
    store::At at;
    at.known_at_us = known_at_us_;
    if (day != reader_.today()) at.as_of = day;
    ASSIGN_OR_RETURN(auto found, reader_.Find(kSuppliers, store::Key::Of(bin), at));
    if (found.has_value()) {
      it->second = std::move(*found->row.mutable_supplier());
      ShowOn(day, &*it->second);
    }
  }
  return it->second.has_value() ? &*it->second : nullptr;
}

absl::StatusOr<bool> Books::IsActiveOn(const std::string& bin, base::Date day) {
  ASSIGN_OR_RETURN(const Supplier* supplier, SupplierOn(bin, day));
  return supplier != nullptr && supplier->state() == Supplier::ACTIVE;
}

absl::StatusOr<const std::vector<EvidenceRow>*> Books::EvidenceOf(const std::string& bin) {
  const auto [it, fresh] = evidence_.try_emplace(bin);
  if (fresh) {
    store::At at;
    at.known_at_us = known_at_us_;
    ASSIGN_OR_RETURN(it->second,
                     cases::AllOf(reader_, kEvidenceBySupplier, store::Key::Of(bin), at));
  }
  return &it->second;
}

absl::StatusOr<const EvidenceRow*> Books::EvidenceNamed(const std::string& bin,
                                                        const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<EvidenceRow>* rows, EvidenceOf(bin));
  const auto found = std::find_if(rows->begin(), rows->end(), [&](const EvidenceRow& row) {
    return row.evidence().name() == name;
  });
  return found == rows->end() ? nullptr : &*found;
}

absl::StatusOr<int64_t> NumberOf(const std::string& name, const char* pattern) {
  ASSIGN_OR_RETURN(const int32_t number, rpc::NumberIn(name, pattern, 0));
  return number;
}

absl::StatusOr<bool> SeesOf(const rpc::Call& call, const rpc::Ties& ties,
                            const google::protobuf::Message& resource, const std::string& bin,
                            bool published, Books& books, base::Date day) {
  if ((rpc::RolesFor(call, ties, resource) & kInsiders) != 0) return true;
  if (!published) return false;
  return books.IsActiveOn(bin, day);
}

}  // namespace nisi::suppliers
