// Where the confidential fields (Art. 6(3)) of a type of answer lie, and how they are taken out.
// Compiled once from the descriptors, when a server starts. Who may see what: disclosure.h.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/rpc/field_path.h"
#include "common/rpc/scope.h"
#include "common/rpc/wire_mask.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "nisi/rpc/v1/withheld.pb.h"

namespace nisi::rpc {

// A confidential field of a resource.
struct Mark {
  FieldPath path;        // through singular messages
  std::string dotted;    // as in Withheld.fields
  uint32_t readers = 0;  // roles whose duty needs it; AUDITOR not among them unless declared
};

// A resource with confidential fields.
struct MarkedType {
  const google::protobuf::Descriptor* descriptor = nullptr;
  Ties ties;
  const google::protobuf::FieldDescriptor* name = nullptr;  // null: it has none
  const google::protobuf::FieldDescriptor* withheld = nullptr;
  std::vector<Mark> marks;

  std::string NameOf(const google::protobuf::Message& resource) const;
};

// BIN or IIN of a record's owners in the sense of Art. 6(3), each once: of the first of bin_fields,
// as many as nisi.rpc.v1.owners says. None: none is known.
std::vector<std::string> OwnersOf(const google::protobuf::Message& resource);

// The confidential fields of a type with `withheld`; null where it has none. FAILED_PRECONDITION
// (CONFIDENTIAL_INVALID): no `withheld`, no owner; a mark within a map, or within a repeated
// message that is none with `withheld` of its own; readers PUBLIC or OPERATOR, or on an open field;
// what an Any holds.
absl::StatusOr<std::unique_ptr<MarkedType>> MarkedTypeOf(
    const google::protobuf::Descriptor& resource);

// The fields that are shown, by their place in MarkedType::marks.
using ShownMarks = std::vector<bool>;

// Takes out what is not shown and says so in `withheld`; absent where all is shown.
void Withhold(const MarkedType& type, const ShownMarks& shown, v1::Withheld::Reason reason,
              google::protobuf::Message* resource);

// What `withheld` says where none of a type's confidential fields is shown.
v1::Withheld AllWithheld(const MarkedType& type, v1::Withheld::Reason reason);

// The citation of Art. 6(3).
const v1::LegalBasis& ConfidentialityBasis();

class Mask {
 public:
  // FAILED_PRECONDITION as MarkedTypeOf, and for a mark outside of any type with `withheld`.
  static absl::StatusOr<Mask> Of(const google::protobuf::Descriptor& answer);

  // Whether no answer of the type holds anything to withhold or closed: then it is not parsed.
  bool empty() const { return root_ == nullptr; }
  // Whether it can hold confidential fields.
  bool marked() const { return !types_.empty(); }
  // Whether it can hold several records with such fields.
  bool repeats() const { return repeats_; }
  const std::vector<std::unique_ptr<MarkedType>>& types() const { return types_; }

  // The same by the bytes alone, for whoever is shown nothing. Of a marked mask.
  const WireMask& wire() const { return *wire_; }

  struct Place {
    google::protobuf::Message* resource;
    const MarkedType* type;
  };
  // Every record in the answer that has confidential fields.
  std::vector<Place> Find(google::protobuf::Message* answer) const;

  // ACCESS_DENIED when the answer holds a closed resource over which the caller has no role in
  // which the method admits it: a backstop behind the function, which should have seen to it.
  absl::Status CheckClosed(const Call& call, const google::protobuf::Message& answer) const;
  // Whether CheckClosed has anything to look at for this caller.
  bool AsksClosed(const Call& call) const;

 private:
  struct Node;
  struct Part {
    FieldPath path;  // the last may be repeated
    const Node* node;
  };
  struct Node {
    const MarkedType* type = nullptr;
    std::unique_ptr<Ties> closed;
    std::vector<Part> parts;
  };
  class Compiler;

  static void Collect(const Node& node, google::protobuf::Message* message,
                      std::vector<Place>* places);
  static bool HoldsUntied(const Node& node, const Call& call,
                          const google::protobuf::Message& message);

  std::vector<std::unique_ptr<MarkedType>> types_;
  std::map<const google::protobuf::Descriptor*, std::unique_ptr<Node>> nodes_;
  const Node* root_ = nullptr;
  std::unique_ptr<const WireMask> wire_;
  bool repeats_ = false;
  bool closed_ = false;
};

}  // namespace nisi::rpc
