// List filters: one that is read prints as a text that means the same, and what it promises an
// index holds for whatever matches.
#include "common/rpc/filter.h"

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "common/rpc/field_rules.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::filter_target {
namespace {

using rpc::Filter;
using rpc::FilterPolicy;
using testing::v1::FormSample;

// The first byte: for what may be asked.
FilterPolicy PolicyOf(uint8_t byte) {
  FilterPolicy policy;
  if ((byte & 2) != 0) policy.fields = {"word", "row", "codes", "on_date"};
  if ((byte & 4) != 0) policy.max_terms = 3;
  if ((byte & 8) != 0) policy.max_depth = 1;
  if ((byte & 16) != 0) policy.max_chars = 30;
  return policy;
}

void CheckRefusal(const absl::Status& status, absl::string_view text) {
  const std::string reason = base::ReasonOf(status);
  if (absl::IsPermissionDenied(status)) {
    Expect(reason == "FILTER_CONFIDENTIAL", "nothing else is denied");
    return;
  }
  Expect(absl::IsInvalidArgument(status) && reason == "FILTER_INVALID", "a filter has one reason");
  const auto info = base::InfoOf(status);
  size_t position = 0;
  Expect(absl::SimpleAtoi(info.metadata().at("position"), &position) && position >= 1 &&
             position <= rpc::CodePoints(text) + 1,
         "the position lies in the text");
}

void CheckAccepted(const Filter& filter, const FilterPolicy& policy, const FormSample& sample) {
  // One spelling may be longer than what was given and nest deeper.
  FilterPolicy wide = policy;
  wide.max_chars = 1'000'000;
  wide.max_depth = 1'000;
  const std::string canonical = filter.Canonical();
  const auto again = Filter::Parse(canonical, FormSample::descriptor(), wide);
  Expect(again.ok(), "a printed filter is read again");
  Expect(again->Canonical() == canonical, "a filter has one spelling");
  const bool matches = filter.Matches(sample);
  Expect(again->Matches(sample) == matches, "a printed filter means the same");
  Expect(!filter.empty() || matches, "an empty filter matches everything");
  if (!matches) return;
  const auto word = filter.EqualityOn("word");
  Expect(!word.has_value() || *word == sample.word(), "what an index is asked for, matches have");
  const auto code = filter.EqualityOn("codes");
  Expect(!code.has_value() ||
             std::find(sample.codes().begin(), sample.codes().end(), *code) != sample.codes().end(),
         "what an index of items is asked for, matches have");
}

}  // namespace

NISI_FUZZ_TARGET(filter) {
  Input in(data, size);
  const auto policy = PolicyOf(in.Byte());
  nisi::testing::v1::FormSample sample;
  const absl::string_view bytes = in.Part();
  if (!sample.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) sample.Clear();
  const absl::string_view text = in.Rest();
  const auto filter =
      nisi::rpc::Filter::Parse(text, nisi::testing::v1::FormSample::descriptor(), policy);
  if (filter.ok()) {
    CheckAccepted(*filter, policy, sample);
  } else {
    CheckRefusal(filter.status(), text);
  }
  return 0;
}

}  // namespace nisi::fuzz::filter_target
