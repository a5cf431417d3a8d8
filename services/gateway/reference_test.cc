// What the build made of the protos, against the descriptors that the program itself goes by.
#include "services/gateway/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/rpc/form.h"
#include "common/rpc/policy.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "services/gateway/packages.h"

namespace nisi::gateway {
namespace {

using google::protobuf::MethodDescriptor;
using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string HeaderOf(const Page& page, const std::string& name) {
  const std::string* const found = page.headers.Find(name);
  return found == nullptr ? "" : *found;
}

const Json& Document() {
  static const auto& document =
      *new Json(Json::parse(std::string(FindPage("/openapi.json", "", "")->body)));
  return document;
}

// Every linked method by its path.
std::map<std::string, const MethodDescriptor*> Methods() {
  std::map<std::string, const MethodDescriptor*> methods;
  for (const auto* service : LinkedServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      methods[absl::StrCat("/", service->full_name(), "/", service->method(i)->name())] =
          service->method(i);
    }
  }
  return methods;
}

TEST(ReferenceTest, HasEveryLinkedMethodAndNoOther) {
  std::set<std::string> linked;
  std::set<std::string> documented;
  for (const auto& [path, method] : Methods()) linked.insert(path);
  for (const auto& [path, item] : Document()["paths"].items()) documented.insert(path);
  EXPECT_EQ(documented, linked);
  EXPECT_GT(linked.size(), 400U);
}

TEST(ReferenceTest, SaysWhoMayCallAsThePolicyDoes) {
  for (const auto& [path, method] : Methods()) {
    const auto policy = rpc::MethodPolicy::Of(*method);
    ASSERT_TRUE(policy.ok()) << path;
    const Json& item = Document()["paths"][path];
    const Json& post = item["post"];
    std::set<std::string> roles;
    for (int role = 1; role < 32; ++role) {
      if ((policy->roles >> role & 1U) != 0)
        roles.insert(rpc::RoleName(static_cast<rpc::Role>(role)));
    }
    EXPECT_EQ(post["x-nisi-roles"].get<std::set<std::string>>(), roles) << path;
    EXPECT_EQ(post["security"].front().empty(), policy->is_public) << path;
    EXPECT_EQ(post["x-nisi-mutation"], policy->mutation) << path;
    EXPECT_EQ(absl::Milliseconds(post["x-nisi-deadline-ms"].get<int64_t>()), policy->deadline);
    EXPECT_EQ(post["x-nisi-max-request-bytes"], policy->max_request_bytes) << path;
    const bool unary = !method->client_streaming() && !method->server_streaming();
    EXPECT_EQ(item.contains("get"), unary && !policy->mutation) << path;
    EXPECT_EQ(post["requestBody"]["content"].contains("application/json"), unary) << path;
  }
}

// An example is there to be sent: the form check of the services must let it pass.
TEST(ReferenceTest, ExamplesAreWellFormed) {
  google::protobuf::DynamicMessageFactory factory;
  for (const auto& [path, method] : Methods()) {
    const Json& content = Document()["paths"][path]["post"]["requestBody"]["content"];
    const bool mutation = rpc::MethodPolicy::Of(*method)->mutation;
    ASSERT_FALSE(content.front()["examples"].empty()) << path;
    for (const Json& example : content.front()["examples"]) {
      const std::unique_ptr<google::protobuf::Message> request(
          factory.GetPrototype(method->input_type())->New());
      const auto read =
          google::protobuf::util::JsonStringToMessage(example["value"].dump(), request.get());
      ASSERT_TRUE(read.ok()) << path << ": " << read.ToString();
      const absl::Status checked =
          rpc::FormChecker(method->input_type()).Check(request.get(), mutation);
      EXPECT_TRUE(checked.ok()) << path << ": " << request->ShortDebugString() << ": " << checked;
    }
  }
}

TEST(ReferenceTest, ServesItsFilesPlainAndCompressed) {
  const auto plain = FindPage("/openapi.json", "", "");
  const auto packed = FindPage("/openapi.json", "br;q=1.0, gzip;q=0.8, *;q=0.1", "");
  ASSERT_TRUE(plain.has_value() && packed.has_value());
  EXPECT_EQ(HeaderOf(*plain, "content-encoding"), "");
  EXPECT_EQ(HeaderOf(*packed, "content-encoding"), "gzip");
  EXPECT_LT(packed->body.size(), plain->body.size() / 4);
  EXPECT_EQ(plain->body.back(), '\n');
  EXPECT_NE(HeaderOf(*plain, "etag"), HeaderOf(*packed, "etag"));
  EXPECT_EQ(HeaderOf(*FindPage("/openapi.json", "gzip;q=0", ""), "content-encoding"), "");
}

TEST(ReferenceTest, SendsNothingTwiceToOneClient) {
  const std::string etag = HeaderOf(*FindPage("/openapi.json", "gzip", ""), "etag");
  const auto again = FindPage("/openapi.json", "gzip", absl::StrCat("\"other\", W/", etag));
  EXPECT_EQ(again->status, 304);
  EXPECT_TRUE(again->body.empty());
  EXPECT_EQ(FindPage("/openapi.json", "gzip", "\"other\"")->status, 200);
}

TEST(ReferenceTest, ShowsThePageAndNothingElse) {
  EXPECT_EQ(HeaderOf(*FindPage("/", "", ""), "location"), "/reference/");
  const auto page = FindPage("/reference/", "", "");
  ASSERT_TRUE(page.has_value());
  EXPECT_EQ(HeaderOf(*page, "content-type"), "text/html; charset=utf-8");
  for (const char* path : {"/", "/reference/", "/openapi.json"}) {
    const auto found = FindPage(path, "", "");
    EXPECT_THAT(HeaderOf(*found, "content-security-policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(HeaderOf(*found, "content-security-policy"), HasSubstr("frame-ancestors 'none'"));
    EXPECT_EQ(HeaderOf(*found, "x-content-type-options"), "nosniff");
    EXPECT_EQ(HeaderOf(*found, "referrer-policy"), "no-referrer");
  }
  for (const char* path : {"", "/reference/../openapi.json", "/reference/index.html", "/openapi"}) {
    EXPECT_FALSE(FindPage(path, "", "").has_value()) << path;
  }
}

}  // namespace
}  // namespace nisi::gateway
