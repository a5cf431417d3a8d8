// The request types that the message target reads, by the first byte of an input.
#pragma once

#include <memory>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::fuzz {

struct RequestType {
  const google::protobuf::Descriptor* descriptor;
  bool is_mutation;
};

// Of every method of every service here, then forms that no method has.
const std::vector<RequestType>& RequestTypes();

inline const RequestType& TypeFor(uint8_t first_byte) {
  return RequestTypes()[first_byte % RequestTypes().size()];
}

std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor& type);

}  // namespace nisi::fuzz
