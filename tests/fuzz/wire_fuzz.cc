// Replies built from stored bytes: protobuf itself reads them as the message they are.
#include "common/rpc/wire.h"

#include "common/store/layout.h"
#include "nisi/testing/v1/testing.pb.h"
#include "tests/fuzz/fuzz.h"

namespace nisi::fuzz::wire_target {

NISI_FUZZ_TARGET(wire) {
  using testing::v1::EchoRequest;
  using testing::v1::ListWidgetsRequest;
  using testing::v1::ListWidgetsResponse;
  Input in(data, size);
  const std::string token = Letters(in.Part());

  rpc::ReplyBuilder texts;
  texts.AddString(2, token);
  ListWidgetsRequest request;
  Expect(request.ParseFromString(texts.bytes()), "a built message parses");
  Expect(request.page_token() == token, "it holds what is put in");
  Expect(request.SerializeAsString() == texts.bytes(), "it is built as protobuf would");

  ListWidgetsResponse expected;
  rpc::ReplyBuilder reply(in.Byte());
  for (int i = 0; i < 16 && !in.empty(); ++i) {
    testing::v1::WidgetRow row;
    const absl::string_view bytes = in.Part();
    if (!row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
    if (!row.has_widget()) continue;
    const std::string stored = row.SerializeAsString();
    const auto view = store::SplitRow(stored);
    Expect(view.ok() && view->resource == row.widget().SerializeAsString(),
           "a row begins with its resource");
    if (i % 2 == 0) {
      reply.AddRaw(view->field);
    } else {
      reply.AddBytesField(1, view->resource);
    }
    *expected.add_widgets() = row.widget();
  }
  ListWidgetsResponse response;
  Expect(response.ParseFromString(reply.bytes()) &&
             response.SerializeAsString() == expected.SerializeAsString(),
         "a spliced reply is the reply");
  return 0;
}

}  // namespace nisi::fuzz::wire_target
