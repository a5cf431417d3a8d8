#include "common/store/journal.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/planted.h"
#include "common/store/verify.h"
#include "google/protobuf/descriptor.h"
#include "nisi/rpc/v1/options.pb.h"

namespace nisi::store {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kSaltBytes = 16;

bool IsConfidential(const FieldDescriptor& field) {
  return field.options().GetExtension(nisi::rpc::v1::field).data_class() ==
         nisi::rpc::v1::CONFIDENTIAL;
}

// Moves a field's value out: as a message with nothing else set, one form for every kind of field.
std::string TakeValue(Message* message, const FieldDescriptor* field) {
  std::unique_ptr<Message> only(message->New());
  only->GetReflection()->SwapFields(only.get(), message, {field});
  return only->SerializeAsString();
}

// Takes every confidential field out of `message`, handing path and value to `take`.
template <class Take>
void Strip(Message* message, const std::string& path, const Take& take) {
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = message->GetReflection();
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string here =
        path.empty() ? std::string(field->name()) : absl::StrCat(path, ".", field->name());
    if (IsConfidential(*field)) {
      take(here, TakeValue(message, field));
      continue;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    if (!field->is_repeated()) {
      Strip(reflection->MutableMessage(message, field), here, take);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
      Strip(reflection->MutableRepeatedMessage(message, field, i), absl::StrCat(here, "[", i, "]"),
            take);
    }
  }
}

bool AnyConfidential(const Descriptor& descriptor, std::vector<const Descriptor*>* seen) {
  for (const Descriptor* one : *seen) {
    if (one == &descriptor) return false;
  }
  seen->push_back(&descriptor);
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    if (IsConfidential(*field)) return true;
    if (field->message_type() != nullptr && AnyConfidential(*field->message_type(), seen))
      return true;
  }
  return false;
}

const Descriptor& ResourceType(const TableDef& table) {
  return *table.prototype->GetDescriptor()->FindFieldByNumber(1)->message_type();
}

std::string TypeUrl(const TableDef& table) {
  return absl::StrCat("type.googleapis.com/", ResourceType(table).full_name());
}

std::unique_ptr<Message> ParseResource(const TableDef& table, absl::string_view resource) {
  const auto* field = table.prototype->GetDescriptor()->FindFieldByNumber(1);
  std::unique_ptr<Message> message(
      table.prototype->GetReflection()->GetMessage(*table.prototype, field).New());
  message->ParseFromArray(resource.data(), static_cast<int>(resource.size()));
  return message;
}

}  // namespace

bool HasConfidential(const Descriptor& descriptor) {
  std::vector<const Descriptor*> seen;
  return AnyConfidential(descriptor, &seen);
}

std::string EncodeJournal(absl::string_view leaf, absl::string_view openings) {
  std::string value;
  value.reserve(4 + leaf.size() + openings.size());
  AppendBigEndian32(&value, static_cast<uint32_t>(leaf.size()));
  value.append(leaf.data(), leaf.size());
  value.append(openings.data(), openings.size());
  return value;
}

absl::StatusOr<JournalRecord> DecodeJournal(int64_t position, absl::string_view value) {
  if (value.size() < 4) return base::StoreCorrupt("journal entry");
  const size_t length = ReadBigEndian32(value);
  value.remove_prefix(4);
  if (length > value.size()) return base::StoreCorrupt("journal entry");
  return JournalRecord{position, std::string(value.substr(0, length)),
                       std::string(value.substr(length))};
}

Sealer::Sealer(std::string secret, const Schema& schema) : secret_(std::move(secret)) {
  for (const TableDef* table : schema.tables) {
    if (HasConfidential(ResourceType(*table))) confidential_.insert(table->id);
    type_urls_.emplace(table->id, TypeUrl(*table));
  }
}

void Sealer::SetAny(const TableDef& table, absl::string_view bytes,
                    google::protobuf::Any* any) const {
  const auto known = type_urls_.find(table.id);
  any->set_type_url(known == type_urls_.end() ? TypeUrl(table) : known->second);
  any->set_value(bytes.data(), bytes.size());
}

void Sealer::Commit(absl::string_view place, int change_index, absl::string_view path,
                    absl::string_view value, journal::v1::Change* change,
                    journal::v1::Openings* openings) const {
  const std::string salt =
      std::string(base::AsBytes(base::HmacSha256(secret_, {place, path})).substr(0, kSaltBytes));
  auto* opening = openings->add_openings();
  opening->set_change(change_index);
  opening->set_commitment(change->commitments_size());
  opening->set_salt(salt);
  opening->set_value(value.data(), value.size());
  auto* commitment = change->add_commitments();
  commitment->set_path(path.data(), path.size());
  commitment->set_digest(CommitmentDigest(salt, path, value));
}

absl::Status Sealer::SealAfter(const TableDef& table, absl::string_view row, int64_t position,
                               int64_t recorded_us, int change_index, journal::v1::Change* change,
                               journal::v1::Openings* openings) const {
  ASSIGN_OR_RETURN(const ResourceView view, SplitRow(row));
  const std::string place =
      absl::StrCat("salt/", position, "/", recorded_us, "/", change_index, "/");
  if (confidential_.contains(table.id) && !base::Planted("confidential-in-leaf")) {
    const auto message = ParseResource(table, view.resource);
    Strip(message.get(), "", [&](const std::string& path, const std::string& value) {
      Commit(place, change_index, path, value, change, openings);
    });
    SetAny(table, message->SerializeAsString(), change->mutable_after());
  } else {
    SetAny(table, view.resource, change->mutable_after());
  }
  if (!view.rest.empty()) Commit(place, change_index, "", view.rest, change, openings);
  return absl::OkStatus();
}

absl::Status Sealer::SealBefore(const TableDef& table, absl::string_view row,
                                journal::v1::Change* change) const {
  ASSIGN_OR_RETURN(const ResourceView view, SplitRow(row));
  if (confidential_.contains(table.id)) {
    const auto message = ParseResource(table, view.resource);
    Strip(message.get(), "", [](const std::string&, const std::string&) {});
    SetAny(table, message->SerializeAsString(), change->mutable_before());
  } else {
    SetAny(table, view.resource, change->mutable_before());
  }
  return absl::OkStatus();
}

}  // namespace nisi::store
