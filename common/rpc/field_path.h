// Paths of text fields, as the options of a .proto name them: "widget.bin". Compiled once, read for
// each message.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

// The text field that a dotted path leads to, through singular messages; empty when it leads
// nowhere. Its last field may be repeated only where `may_repeat`.
FieldPath FollowPath(const google::protobuf::Descriptor& type, absl::string_view dotted,
                     bool may_repeat = false);

// What stands at the end of a path that leads somewhere: one text, empty when unset; of a repeated
// field all its items.
std::vector<std::string> TextsAt(const google::protobuf::Message& message, const FieldPath& path);

}  // namespace nisi::rpc
