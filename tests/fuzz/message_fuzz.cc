// Requests: what is taken from the wire is one message however it is spelled, its form is judged
// the same twice, and an update changes all that it names or nothing.
#include <map>

#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "common/rpc/form.h"
#include "common/rpc/parse.h"
#include "common/rpc/update.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message_types.h"

namespace nisi::fuzz::message_target {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// gRPC drops an error whose details are longer than about 8 KiB, with its code.
constexpr size_t kMaxDetails = 4'096;

// With the entries of maps in order, so that equal messages have equal bytes.
std::string Bytes(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    Expect(message.SerializeToCodedStream(&output), "a message is written");
  }
  return bytes;
}

void CheckRefusal(const absl::Status& status) {
  Expect(absl::IsInvalidArgument(status), "a bad request is INVALID_ARGUMENT");
  const std::string reason = base::ReasonOf(status);
  Expect(reason == "MALFORMED_MESSAGE" || reason == "INVALID_FIELD", "a bad request has a reason");
  size_t bytes = status.message().size();
  status.ForEachPayload([&bytes](absl::string_view url, const absl::Cord& detail) {
    bytes += url.size() + detail.size();
  });
  Expect(bytes <= kMaxDetails, "an error is short enough to arrive");
}

const rpc::FormChecker& FormOf(const RequestType& type) {
  static auto* const kForms = new std::map<const void*, std::unique_ptr<rpc::FormChecker>>;
  auto& form = (*kForms)[type.descriptor];
  if (form == nullptr) {
    Expect(rpc::CheckDescriptor(type.descriptor).ok(), "the rules of a request make sense");
    form = std::make_unique<rpc::FormChecker>(type.descriptor);
  }
  return *form;
}

// An update by its mask, of a record that is as the request says or empty.
void CheckUpdate(const Message& request, bool stored_is_same) {
  const auto* mask_field = request.GetDescriptor()->FindFieldByName("update_mask");
  if (mask_field == nullptr) return;
  const auto& reflection = *request.GetReflection();
  const FieldDescriptor* part = request.GetDescriptor()->field(0);
  if (part->message_type() == nullptr || part->is_repeated() || part == mask_field) return;
  google::protobuf::FieldMask mask;
  mask.ParseFromString(reflection.GetMessage(request, mask_field).SerializeAsString());
  const Message& from = reflection.GetMessage(request, part);
  const std::unique_ptr<Message> to(from.New());
  if (stored_is_same) to->CopyFrom(from);
  const std::string before = Bytes(*to);
  const absl::Status status = rpc::ApplyUpdate(from, mask, to.get());
  const std::string after = Bytes(*to);
  if (!status.ok()) {
    // Nobody calls, so nobody sees what is confidential.
    if (absl::IsPermissionDenied(status)) {
      Expect(base::ReasonOf(status) == "FIELD_CONFIDENTIAL", "nothing else is denied");
    } else {
      CheckRefusal(status);
    }
    Expect(after == before, "a refused update changes nothing");
    return;
  }
  Expect(rpc::ApplyUpdate(from, mask, to.get()).ok() && Bytes(*to) == after,
         "an update twice is an update once");
}

// Text that passed is in the one form that compares: NFC. The paths of a mask are no text: an
// update refuses those that name no field.
void CheckText(const Message& message) {
  if (message.GetDescriptor()->full_name() == "google.protobuf.FieldMask") return;
  std::vector<const FieldDescriptor*> fields;
  const auto& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_map()) continue;
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    const auto format = rpc::RuleOf(*field).format();
    const bool text = field->type() == FieldDescriptor::TYPE_STRING &&
                      (format == rpc::v1::TEXT || format == rpc::v1::MULTILINE);
    for (int i = 0; i < size; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        CheckText(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                       : reflection.GetMessage(message, field));
      } else if (text) {
        const std::string value = field->is_repeated()
                                      ? reflection.GetRepeatedString(message, field, i)
                                      : reflection.GetString(message, field);
        std::string normal = value;
        Expect(rpc::CheckLine(/*multiline=*/true, &normal).ok() && normal == value,
               "text of good form is normalised");
      }
    }
  }
}

void CheckMessage(const RequestType& type, absl::string_view bytes, bool stored_is_same) {
  const auto message = NewMessage(*type.descriptor);
  if (const auto status = rpc::ParseMessage(bytes, message.get()); !status.ok()) {
    return CheckRefusal(status);
  }
  const std::string spelled = Bytes(*message);
  const auto again = NewMessage(*type.descriptor);
  Expect(rpc::ParseMessage(spelled, again.get()).ok(), "a message that is written is read");
  Expect(Bytes(*again) == spelled, "a message has one spelling");

  const rpc::FormChecker& form = FormOf(type);
  if (const auto status = form.Check(message.get(), type.is_mutation); !status.ok()) {
    return CheckRefusal(status);
  }
  const std::string formed = Bytes(*message);
  Expect(rpc::ParseMessage(formed, again.get()).ok(), "a message of good form is read");
  Expect(form.Check(again.get(), type.is_mutation).ok(), "a good form stays good");
  Expect(Bytes(*again) == formed, "a normalised message stays as it is");
  CheckText(*message);
  CheckUpdate(*message, stored_is_same);
}

}  // namespace

NISI_FUZZ_TARGET(message) {
  Input in(data, size);
  const RequestType& type = TypeFor(in.Byte());
  const bool stored_is_same = (in.Byte() & 1) != 0;
  CheckMessage(type, in.Rest(), stored_is_same);
  return 0;
}

}  // namespace nisi::fuzz::message_target
