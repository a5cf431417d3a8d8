// Messages filled from what their .proto declares: well-formed values in every field. For what is
// judged on records that nobody has sent yet.
#pragma once

#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace nisi::rpc {

// Sets every field but maps and `withheld`, of a oneof one member; two items in repeated fields.
// Each value has the form that its field declares and differs with the seed where the form has
// room.
void FillSample(int seed, google::protobuf::Message* message);
// One field of it.
void FillSampleField(int seed, const google::protobuf::FieldDescriptor& field,
                     google::protobuf::Message* message);
// A BIN, another for each number up to 99,999.
std::string SampleBin(int number);

}  // namespace nisi::rpc
