// The flat plan of a form check. For form*.cc only.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "common/rpc/field_rules.h"
#include "common/rpc/form.h"

namespace nisi::rpc {

struct FormChecker::Rule {
  enum class Kind {
    kPlain,
    kString,
    kBytes,
    kNumber,
    kEnum,
    kMessage,
    kDate,
    kTimestamp,
    kMoney,
    kMask
  };

  const google::protobuf::FieldDescriptor* field = nullptr;
  Kind kind = Kind::kPlain;  // kPlain: nothing to check in the value itself
  bool repeated = false;
  bool map = false;
  bool required = false;
  bool output_only = false;
  bool unique = false;
  v1::Format format = v1::TEXT;
  size_t min_chars = 0;
  size_t max_chars = std::numeric_limits<size_t>::max();
  bool has_min = false;
  bool has_max = false;
  int64_t min = 0;
  int64_t max = 0;
  int min_items = 0;
  int max_items = 0;
  std::string resource;
  // Of an update's mask: the field of the resource beside it.
  const google::protobuf::FieldDescriptor* masked = nullptr;
  const Node* node = nullptr;  // for kMessage; for a map that of its values, if they are messages
};

struct FormChecker::Node {
  std::vector<Rule> rules;
  std::vector<const google::protobuf::OneofDescriptor*> required_oneofs;
  std::vector<const google::protobuf::FieldDescriptor*> any_of;
};

}  // namespace nisi::rpc
