#include "services/gateway/base64_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"

namespace nisi::gateway {
namespace {

// Of a text in pieces of so many letters; nullopt where it is no base64.
std::optional<std::string> Read(absl::string_view text, size_t at_once) {
  Base64Reader reader;
  std::string bytes;
  for (; !text.empty(); text.remove_prefix(std::min(at_once, text.size()))) {
    if (!reader.Push(text.substr(0, at_once), &bytes)) return std::nullopt;
  }
  return reader.at_border() ? std::optional<std::string>(bytes) : std::nullopt;
}

TEST(Base64Reader, ReadsPiecesWhereverTheyAreCut) {
  const std::string said = absl::Base64Escape("frame") + absl::Base64Escape("another one") +
                           absl::Base64Escape("\xff\xfe\xfd");
  for (size_t at_once = 1; at_once <= said.size(); ++at_once) {
    EXPECT_EQ(Read(said, at_once), "frameanother one\xff\xfe\xfd") << at_once;
  }
  EXPECT_EQ(Read("AAA", 3), std::nullopt);
}

TEST(Base64Reader, RefusesWhatIsNoneWhereverItIsCut) {
  for (const char* text :
       {"AAA\vAAAAAAAA", "AAA\fAAAAAAAA", "AAA AAAAAAAA", "AAA\nAAAAAAAA", "AA..AAAA", "AA-_AAAA",
        "A=AAAAAA", "=AAAAAAA", "AA=AAAAA", "====AAAA", "!!!!AAAA"}) {
    for (const size_t at_once : {size_t{1}, size_t{3}, size_t{4}, size_t{12}}) {
      EXPECT_EQ(Read(text, at_once), std::nullopt) << text << " by " << at_once;
    }
  }
}

}  // namespace
}  // namespace nisi::gateway
