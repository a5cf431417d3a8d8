// Requests made from what the protos declare, for walks over every method of a service.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/codes.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/registry.h"
#include "common/rpc/sample.h"

namespace nisi::rpc {

inline bool IsMessage(const google::protobuf::FieldDescriptor& field) {
  return field.message_type() != nullptr && !field.is_map();
}

// Takes out what only the system sets, but the own names of what an update changes.
inline void ClearOutputOnly(bool keep_names, google::protobuf::Message* message) {
  const auto& type = *message->GetDescriptor();
  const auto& reflection = *message->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    if (RuleOf(*field).output_only() && !(keep_names && IsOwnName(*field))) {
      reflection.ClearField(message, field);
    } else if (IsMessage(*field) && field->is_repeated()) {
      for (int n = 0; n < reflection.FieldSize(*message, field); ++n) {
        ClearOutputOnly(false, reflection.MutableRepeatedMessage(message, field, n));
      }
    } else if (IsMessage(*field) && reflection.HasField(*message, field)) {
      ClearOutputOnly(keep_names, reflection.MutableMessage(message, field));
    }
  }
}

// Sets the names in a request to those of records, each where its pattern is the field's. Whether
// any was.
inline bool SetNames(const std::vector<std::string>& names, google::protobuf::Message* message,
                     int depth = 0) {
  bool set = false;
  const auto& type = *message->GetDescriptor();
  const auto& reflection = *message->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    if (field->is_repeated()) continue;
    if (IsMessage(*field) && depth < 2 && reflection.HasField(*message, field)) {
      set = SetNames(names, reflection.MutableMessage(message, field), depth + 1) || set;
    }
    if (RuleOf(*field).format() != v1::RESOURCE_NAME || !reflection.HasField(*message, field)) {
      continue;
    }
    for (const std::string& name : names) {
      if (!base::MatchResourceName(RuleOf(*field).resource(), name).ok()) continue;
      reflection.SetString(message, field, name);
      set = true;
      break;
    }
  }
  return set;
}

// Sets a top-level field of a request where it has it and it is of that kind. Whether it has.
inline bool SetBool(const char* name, bool value, google::protobuf::Message* request) {
  const auto* field = request->GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_BOOL) {
    return false;
  }
  request->GetReflection()->SetBool(request, field, value);
  return true;
}
inline bool SetText(const char* name, const std::string& value,
                    google::protobuf::Message* request) {
  const auto* field = request->GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() ||
      field->type() != google::protobuf::FieldDescriptor::TYPE_STRING) {
    return false;
  }
  request->GetReflection()->SetString(request, field, value);
  return true;
}

inline std::string FreshId() {
  static int last = 0;
  return absl::StrFormat("10000000-0000-4000-8000-%012d", ++last);
}

// A request of good form about these records: of today, no mask, no filter, an etag only where it
// must be given, and then a wrong one.
inline std::unique_ptr<google::protobuf::Message> RequestOf(const Method& method,
                                                            const std::vector<std::string>& names) {
  std::unique_ptr<google::protobuf::Message> request(method.request_prototype->New());
  FillSample(1, request.get());
  const bool is_update = IsUpdate(*request->GetDescriptor());
  ClearOutputOnly(is_update, request.get());
  (void)SetNames(names, request.get());
  SetText("request_id", FreshId(), request.get());
  SetBool("validate_only", false, request.get());
  SetBool("reveal", false, request.get());
  const auto& type = *request->GetDescriptor();
  for (const char* name : {"as_of", "known_at", "update_mask", "page_token", "start_position"}) {
    if (const auto* field = type.FindFieldByName(name)) {
      request->GetReflection()->ClearField(request.get(), field);
    }
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    if (field->type() == google::protobuf::FieldDescriptor::TYPE_STRING &&
        RuleOf(*field).format() == v1::ETAG && !RuleOf(*field).required()) {
      request->GetReflection()->ClearField(request.get(), field);
    }
    // The etag of what an update changes.
    if (is_update && IsMessage(*field) && !field->is_repeated()) {
      auto* part = request->GetReflection()->MutableMessage(request.get(), field);
      if (field->name() == "update_mask") {
        request->GetReflection()->ClearField(request.get(), field);
      } else {
        SetText("etag", "", part);
      }
    }
  }
  return request;
}

// Every method that is served, by path.
inline std::vector<const Method*> MethodsOf(const Registry& registry) {
  std::vector<const Method*> methods;
  for (const auto* service : registry.services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      methods.push_back(
          registry.Find(absl::StrCat("/", service->full_name(), "/", service->method(i)->name())));
    }
  }
  return methods;
}

}  // namespace nisi::rpc
