// What mask.h does, by the bytes of an answer alone: a page of records for whoever is shown nothing
// confidential is copied without what is, instead of being parsed, gone through and serialized
// again. Most who read lists are such, and most of a record may be confidential.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "nisi/rpc/v1/withheld.pb.h"

namespace nisi::rpc {

struct MarkedType;

// Compiled with the mask, of the descriptors that it was compiled of. Thread-safe.
class WireMask {
 public:
  // `types`: the marked ones that an answer can hold.
  WireMask(const google::protobuf::Descriptor& answer,
           const std::vector<std::unique_ptr<MarkedType>>& types);

  // The answer without any confidential field and without fields that its types do not know; each
  // record says what is withheld. nullopt: bytes that no serializer of ours writes.
  std::optional<std::string> WithholdAll(absl::string_view answer,
                                         v1::Withheld::Reason reason) const;

  // Whether an answer has, at any depth, no field that its types do not know.
  bool IsKnown(absl::string_view answer) const { return IsKnown(*root_, answer); }

 private:
  struct Shape;
  struct Field {
    bool known = false;
    bool dropped = false;  // confidential; or what is withheld, which is said anew
    uint32_t type = 0;     // its wire type
    bool repeated = false;
    bool may_be_packed = false;     // and then of type 2 as well
    const Shape* within = nullptr;  // of a message
  };
  struct Shape {
    std::vector<Field> fields;  // by number
    bool leads = false;         // to something that is dropped, here or below
    // Of a marked type, by reason: the field `withheld`, tag and all.
    std::vector<std::string> withheld;

    // Null: not known, also where it stands with another wire type.
    const Field* Find(uint32_t number, uint32_t type) const;
  };
  class Compiler;

  static bool IsKnown(const Shape& shape, absl::string_view message);
  // False: bytes that no serializer of ours writes.
  static bool Copy(const Shape& shape, v1::Withheld::Reason reason, absl::string_view message,
                   std::string* out);

  std::map<const google::protobuf::Descriptor*, std::unique_ptr<Shape>> shapes_;
  const Shape* root_ = nullptr;
};

}  // namespace nisi::rpc
