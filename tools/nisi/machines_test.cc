#include "tools/nisi/machines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "nisi/rpc/v1/options.pb.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::HasSubstr;

rpc::v1::LegalBasis AnyLaw() {
  return base::Law("Art. 1", "Says so.");
}

TEST(MachinesTest, PrintsAllOrThoseOfOneName) {
  enum class Verb { kClose };
  const auto* states = rpc::v1::DataClass_descriptor();
  const base::Machine<rpc::v1::DataClass, Verb> box(
      "BOX", states, {{"close", AnyLaw}},
      {{{rpc::v1::OPEN}, Verb::kClose, rpc::v1::CONFIDENTIAL, 1U << rpc::v1::ENTITY, AnyLaw}});
  const base::MachineDef long_name("TEST_BOX", states, {}, {});
  const Machines machines{{"boxes", {&box, &long_name}}};
  const auto run = [&](const std::vector<std::string>& argv) {
    std::ostringstream out, err;
    Io io;
    io.out = &out;
    io.err = &err;
    const int code = RunMachines(argv, machines, io);
    return Ran{code, out.str(), err.str()};
  };
  EXPECT_EQ(run({}).out, absl::StrCat("### box (boxes)\n\n```mermaid\n", box.Mermaid(),
                                      "```\n\n### test-box (boxes)\n\n```mermaid\n",
                                      long_name.Mermaid(), "```\n"));
  EXPECT_EQ(run({"box"}).out,
            absl::StrCat("### box (boxes)\n\n```mermaid\n", box.Mermaid(), "```\n"));
  EXPECT_EQ(run({"boxs"}).code, kUsage);
  EXPECT_THAT(run({"boxs"}).err, HasSubstr("Did you mean box?"));
  EXPECT_THAT(run({"--help"}).out, HasSubstr("nisi machines [RESOURCE]"));
}

}  // namespace
}  // namespace nisi::cli
