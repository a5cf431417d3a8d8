// What is withheld of an answer: the way over its bytes alone takes out what the way over messages
// does, whatever the bytes.
#include "common/rpc/mask.h"

#include "nisi/testing/v1/disclosure.pb.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::mask_target {
namespace {

template <class Answer>
void CheckMask(absl::string_view bytes) {
  static const auto* const kMask = new rpc::Mask(*rpc::Mask::Of(*Answer::descriptor()));
  constexpr auto kReason = rpc::v1::Withheld::NOT_ASKED;
  const auto masked = kMask->wire().WithholdAll(bytes, kReason);
  const bool known = kMask->wire().IsKnown(bytes);
  Answer expected;
  if (!expected.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  Answer kept = expected;
  kept.DiscardUnknownFields();
  Expect(!known || kept.ByteSizeLong() == expected.ByteSizeLong(),
         "what is all known has nothing to drop");
  for (const rpc::Mask::Place& place : kMask->Find(&kept)) {
    rpc::Withhold(*place.type, rpc::ShownMarks(place.type->marks.size(), false), kReason,
                  place.resource);
  }
  if (!masked.has_value()) return;  // left to the messages
  Answer got;
  Expect(got.ParseFromString(*masked), "what is left parses");
  Expect(got.SerializeAsString() == kept.SerializeAsString(), "it is the same both ways");
}

}  // namespace

NISI_FUZZ_TARGET(mask) {
  Input in(data, size);
  switch (in.Byte() % 3) {
    case 0:
      CheckMask<testing::v1::SearchWorksResponse>(in.Rest());
      break;
    case 1:
      CheckMask<testing::v1::Works>(in.Rest());
      break;
    default:
      CheckMask<testing::v1::ListWidgetsResponse>(in.Rest());
  }
  return 0;
}

}  // namespace nisi::fuzz::mask_target
