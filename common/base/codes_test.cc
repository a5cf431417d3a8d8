#include "common/base/codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/hash/hash.h"

namespace nisi::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Case {
  std::string text;
  std::string reason;  // "" when accepted
};

// Every accepted text prints as it was; every refusal gives its reason without the value.
template <class T>
void Check(const std::vector<Case>& cases,
           absl::StatusOr<T> (*parse)(absl::string_view) = &T::Parse) {
  for (const Case& c : cases) {
    const absl::StatusOr<T> got = parse(c.text);
    EXPECT_EQ(std::string(got.status().message()), c.reason) << c.text;
    if (got.ok()) {
      EXPECT_EQ(got->ToString(), c.text);
    } else {
      EXPECT_EQ(got.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

template <class Form>
void CheckForm(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const absl::Status got = Form::Check(c.text);
    EXPECT_EQ(std::string(got.message()), c.reason) << c.text;
    if (!got.ok()) {
      EXPECT_EQ(got.code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

GoodsCode G(const char* text) {
  return GoodsCode::ParsePrefix(text).value();
}

TEST(GoodsCodeTest, Form) {
  Check<GoodsCode>({
      {"8504", ""},
      {"850423", ""},
      {"85042300", ""},
      {"8504230001", ""},
      {"0101", ""},
      {"9999999999", ""},
      {"", "is empty"},
      {"85", "has 2 digits, needs 4, 6, 8 or 10"},
      {"85042", "has 5 digits, needs 4, 6, 8 or 10"},
      {"850423000100", "has 12 digits, needs 4, 6, 8 or 10"},
      {std::string(10'000, '1'), "has 10000 digits, needs 4, 6, 8 or 10"},
      {"8504 2", "has a character that is not a digit"},
      {"8504.23", "has a character that is not a digit"},
      {"\xef\xbc\x98\xef\xbc\x95", "has a character that is not a digit"},  // full-width digits
      {std::string("85\0423", 5), "has a character that is not a digit"},
      {"0001", "has a chapter (00 or 77) that does not exist"},
      {"7701", "has a chapter (00 or 77) that does not exist"},
  });
  Check<GoodsCode>({{"85", ""},
                    {"8504", ""},
                    {"8", "has 1 digits, needs 2, 4, 6, 8 or 10"},
                    {"77", "has a chapter (00 or 77) that does not exist"}},
                   &GoodsCode::ParsePrefix);
}

TEST(GoodsCodeTest, OrdersAsText) {
  std::vector<std::string> texts = {"0101",       "010100",   "0101000000", "010110",
                                    "8504",       "85040000", "850423",     "8504230001",
                                    "8504230002", "850424",   "99"};
  ASSERT_TRUE(std::is_sorted(texts.begin(), texts.end()));
  for (size_t i = 0; i + 1 < texts.size(); ++i) {
    EXPECT_LT(G(texts[i].c_str()), G(texts[i + 1].c_str())) << texts[i];
  }
  EXPECT_EQ(absl::HashOf(G("8504")), absl::HashOf(G("8504")));
}

TEST(BinIinTest, Form) {
  Check<BinIin>({
      {"950240000122", ""},  // a BIN
      {"850101300124", ""},  // an IIN
      {"010340000208", ""},  // a BIN whose check digit needs the second weights
      {"", "is empty"},
      {"95024000012", "has 11 digits, needs 12"},
      {"9502400001222", "has 13 digits, needs 12"},
      {"95024000012a", "has a character that is not a digit"},
      {"950240 00122", "has a character that is not a digit"},
      {"950240000123", "has a wrong check digit"},
      {"850101300125", "has a wrong check digit"},
      {"950040000122", "has a month outside 01 to 12"},
      {"951340000122", "has a month outside 01 to 12"},
      {"850001300124", "has a month outside 01 to 12"},
      {"950244000122", "is not a BIN: its sixth digit is outside 0 to 3"},
      {"950270000122", "is not an IIN: its seventh digit is outside 1 to 6"},
      {"850101000124", "is not an IIN: its seventh digit is outside 1 to 6"},
      {"850101700124", "is not an IIN: its seventh digit is outside 1 to 6"},
      {"850230300124", "is not an IIN: it does not begin with a real date"},
      {"850100300124", "is not an IIN: it does not begin with a real date"},
      {"850229300124",
       "is not an IIN: it does not begin with a real date"},  // 1985 was no leap year
  });
  Check<BinIin>(
      {{"950240000122", ""}, {"850101300124", "is not a BIN: its fifth digit is outside 4 to 6"}},
      &BinIin::ParseBin);
  Check<BinIin>({{"850101300124", ""},
                 {"950240000122", "is not an IIN: its seventh digit is outside 1 to 6"}},
                &BinIin::ParseIin);
  EXPECT_EQ(BinIin::Parse("950240000122")->kind(), BinIin::Kind::kBin);
  EXPECT_EQ(BinIin::Parse("850101300124")->kind(), BinIin::Kind::kIin);
}

TEST(BinIinTest, NoCheckDigitFitsWhenBothRemaindersAreTen) {
  for (char last = '0'; last <= '9'; ++last) {
    EXPECT_FALSE(BinIin::Parse(std::string("01034000021") + last).ok()) << last;
  }
}

TEST(BinIinTest, OnlyOneCheckDigitFits) {
  int accepted = 0;
  for (char last = '0'; last <= '9'; ++last)
    accepted += BinIin::Parse(std::string("95024000012") + last).ok();
  EXPECT_EQ(accepted, 1);
}

TEST(KatoTest, FormAndRegion) {
  Check<Kato>({
      {"750000000", ""},
      {"101010000", ""},
      {"75000000", "has 8 digits, needs 9"},
      {"7500000000", "has 10 digits, needs 9"},
      {"75000000x", "has a character that is not a digit"},
      {"120000000", "begins with no known region of KATO"},
      {"000000000", "begins with no known region of KATO"},
      {"800000000", "begins with no known region of KATO"},
  });
  EXPECT_EQ(KatoRegions().size(), 20u);
  std::set<int> prefixes;
  for (const KatoRegion& region : KatoRegions()) {
    EXPECT_EQ(std::string(region.iso), "KZ-" + std::to_string(region.prefix));
    EXPECT_TRUE(prefixes.empty() || *prefixes.rbegin() < region.prefix) << "in order";
    prefixes.insert(region.prefix);
    const auto kato = Kato::Parse(std::to_string(region.prefix) + "1234567");
    ASSERT_TRUE(kato.ok());
    EXPECT_EQ(&kato->region(), &region);
  }
}

TEST(TextFormsTest, EachSaysWhatIsWrong) {
  CheckForm<OkedForm>({{"01.11", ""},
                       {"01.11.1", ""},
                       {"01.1", "is not an OKED code as NN.NN or NN.NN.N"},
                       {"01.11.11", "is not an OKED code as NN.NN or NN.NN.N"},
                       {"0111", "is not an OKED code as NN.NN or NN.NN.N"},
                       {"", "is not an OKED code as NN.NN or NN.NN.N"}});
  const std::string kpved = "is not a KPVED code as NN.NN to NN.NN.NN.NNN";
  CheckForm<KpvedForm>({{"01.11", ""},
                        {"01.11.1", ""},
                        {"01.11.11", ""},
                        {"01.11.11.110", ""},
                        {"01", kpved},
                        {"01.11.11.", kpved},
                        {"01.11.11.11", kpved},
                        {"01.11.11.1100", kpved},
                        {"aa.11", kpved}});
  const std::string ens_tru = "is not an ENS TRU code as NNNNNN.NNN.NNNNNN";
  CheckForm<EnsTruForm>({{"271141.500.000004", ""},
                         {"271141.500.00000", ens_tru},
                         {"271141-500-000004", ens_tru},
                         {"27114a.500.000004", ens_tru},
                         {"", ens_tru}});
  const std::string ens_tru_prefix =
      "is not the beginning of an ENS TRU code as NNNNNN or NNNNNN.NNN";
  CheckForm<EnsTruPrefixForm>({{"271141", ""},
                               {"271141.500", ""},
                               {"271141.500.000004", ""},
                               {"27114", ens_tru_prefix},
                               {"271141.", ens_tru_prefix},
                               {"271141.50", ens_tru_prefix},
                               {"271141.500.", ens_tru_prefix},
                               {"", ens_tru_prefix}});
  CheckForm<KatoPrefixForm>({{"75", ""},
                             {"7", "has 1 digits, needs 2 to 9"},
                             {"751", ""},
                             {"750000000", ""},
                             {"7500000000", "has 10 digits, needs 2 to 9"},
                             {"7x", "has a character that is not a digit"},
                             {"12", "begins with no known region of KATO"},
                             {"", "is empty"}});
  CheckForm<UuidForm>({{"123e4567-e89b-42d3-a456-426614174000", ""},
                       {"123E4567-e89b-42d3-a456-426614174000", "is not a UUID in lower case"},
                       {"123e4567-e89b-42d3-a456_426614174000", "is not a UUID in lower case"},
                       {"123e4567ee89b-42d3-a456-426614174000", "is not a UUID in lower case"},
                       {"g23e4567-e89b-42d3-a456-426614174000", "is not a UUID in lower case"},
                       {"{23e4567-e89b-42d3-a456-42661417400}", "is not a UUID in lower case"},
                       {"00000000-0000-0000-0000-000000000000", "is the UUID of zeros alone"},
                       {"00000000-0000-0000-0000-000000000001", ""},
                       {"123e4567", "has 8 characters, a UUID has 36"},
                       {"", "has 0 characters, a UUID has 36"}});
  CheckForm<WordForm>({{"metal_works_2", ""},
                       {"", "is empty"},
                       {std::string(64, 'a'), "has more than 63 characters"},
                       {"Metal", "has other characters than a-z, 0-9 and _"},
                       {"a b", "has other characters than a-z, 0-9 and _"}});
}

TEST(ResourceNameTest, CapturesTheStars) {
  EXPECT_THAT(MatchResourceName("editions/*/entries/*", "editions/7/entries/e-1").value(),
              ElementsAre("7", "e-1"));
  EXPECT_THAT(MatchResourceName("editions/*", "editions/" + std::string(63, 'a'))->size(), 1u);
  EXPECT_THAT(MatchResourceName("settings", "settings").value(), IsEmpty());
}

TEST(ResourceNameTest, RefusesWithAReason) {
  const struct {
    const char* name;
    const char* reason;
  } kCases[] = {
      {"", "is empty"},
      {"editions", "has too few segments"},
      {"editions/7", "has too few segments"},
      {"editions/7/entries", "has too few segments"},
      {"editions/7/entries/", "has an empty segment"},
      {"editions//entries/1", "has an empty segment"},
      {"/editions/7/entries/1", "does not have the segment editions where it belongs"},
      {"editions/7/entries/1/", "has too many segments"},
      {"editions/7/entries/1/x", "has too many segments"},
      {"entries/7/entries/1", "does not have the segment editions where it belongs"},
      {"editions/7/parts/1", "does not have the segment entries where it belongs"},
      {"editions/A/entries/1", "has a segment with other characters than a-z, 0-9 and -"},
      {"editions/../entries/1", "has a segment with other characters than a-z, 0-9 and -"},
      {"editions/a_b/entries/1", "has a segment with other characters than a-z, 0-9 and -"},
      {"editions/*/entries/1", "has a segment with other characters than a-z, 0-9 and -"},
  };
  for (const auto& c : kCases) {
    const auto got = MatchResourceName("editions/*/entries/*", c.name);
    EXPECT_EQ(std::string(got.status().message()), c.reason) << c.name;
  }
  EXPECT_FALSE(MatchResourceName("editions/*", "editions/" + std::string(64, 'a')).ok());
  EXPECT_FALSE(MatchResourceName("editions/*", absl::string_view("editions/a\0b", 12)).ok());
}

}  // namespace
}  // namespace nisi::base
