// What the gateway reads of clients that do not speak gRPC: JSON by a descriptor, the query of a
// GET, base64 in pieces; and what it writes for them. Whatever is taken says the same when it goes
// there and back.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "google/protobuf/message.h"
#include "nisi/testing/v1/testing.pb.h"
#include "services/gateway/base64_reader.h"
#include "services/gateway/connect.h"
#include "services/gateway/transcode.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::json_target {
namespace {

void ReadJson(absl::string_view text) {
  const auto& type = *testing::v1::FormSample::descriptor();
  const auto bytes = gateway::FromJson(type, std::string(text));
  if (!bytes.ok()) {
    Expect(absl::IsInvalidArgument(bytes.status()), "what is no JSON is the client's mistake");
    return;
  }
  const auto shown = gateway::ToJson(type, *bytes);
  Expect(shown.ok(), "what was read is written");
  const auto again = gateway::FromJson(type, *shown);
  Expect(again.ok(), "what was written is read");
  testing::v1::FormSample first;
  testing::v1::FormSample second;
  Expect(first.ParseFromString(*bytes) && second.ParseFromString(*again), "they are messages");
  Expect(gateway::ToJson(type, second.SerializeAsString()).value() == *shown,
         "it is the same message");
}

// What a service says, in whatever order.
void WriteJson(absl::string_view bytes) {
  testing::v1::FormSample sample;
  const auto shown = gateway::ToJson(*sample.GetDescriptor(), bytes);
  if (!sample.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const auto again = gateway::ToJson(*sample.GetDescriptor(), sample.SerializeAsString());
  Expect(shown.ok() == again.ok(), "written anew, it has a form in JSON or none");
  // Maps have no order.
  Expect(!shown.ok() || nlohmann::json::parse(*shown) == nlohmann::json::parse(*again),
         "written anew, it is the same");
}

void ReadQuery(absl::string_view text) {
  gateway::ConnectQuery query;
  if (gateway::ParseConnectQuery(text, &query).ok() && query.message.has_value()) {
    Expect(query.message->size() <= text.size(), "a message is no longer than what says it");
  }
  gateway::ParseConnectTimeout(text);
}

void ReadBase64(Input& in) {
  gateway::Base64Reader whole;
  gateway::Base64Reader pieces;
  std::string all;
  std::string read;
  std::string of_whole;
  bool good = true;
  while (!in.empty()) {
    const absl::string_view part = in.Part();
    all.append(part.data(), part.size());
    good = good && pieces.Push(part, &read);
  }
  Expect(whole.Push(all, &of_whole) == good, "cut anywhere, it is sound or not");
  if (!good) return;
  Expect(of_whole == read && whole.at_border() == pieces.at_border(), "cut anywhere, it is one");
}

}  // namespace

NISI_FUZZ_TARGET(json) {
  Input in(data, size);
  switch (in.Byte() % 4) {
    case 0:
      ReadJson(in.Rest());
      break;
    case 1:
      ReadQuery(in.Rest());
      break;
    case 2:
      WriteJson(in.Rest());
      break;
    default:
      ReadBase64(in);
  }
  return 0;
}

}  // namespace nisi::fuzz::json_target
