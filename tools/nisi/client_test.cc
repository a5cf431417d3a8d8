// The program against a server that answers from a script.
#include "tools/nisi/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <deque>
#include <fstream>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/store/head_signer.h"
#include "common/store/temp_dir.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "nisi/journal/v1/journal.pb.h"
#include "nisi/priority_goods/v1/service.pb.h"
#include "nisi/store/v1/store.pb.h"
#include "tools/nisi/packages.h"
#include "tools/nisi/test_program.h"

namespace nisi::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace goods = nisi::priority_goods::v1;

struct Seen {
  std::string path;
  std::string authorization;
  std::string service;
  absl::Time deadline;
  std::vector<std::string> requests;
};

struct Answer {
  std::vector<std::string> responses;
  grpc::Status status;
};

// Gives the next answer to each call, whatever it is.
class ScriptedService : public grpc::CallbackGenericService {
 public:
  std::deque<Answer> answers;
  std::vector<Seen> seen;

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Reactor(this, context);
  }

 private:
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(ScriptedService* owner, grpc::GenericCallbackServerContext* context) : owner_(owner) {
      seen_.path = context->method();
      seen_.deadline = absl::FromChrono(context->deadline());
      for (const auto& [key, value] : context->client_metadata()) {
        if (key == "authorization") seen_.authorization = std::string(value.data(), value.size());
        if (key == "nisi-service") seen_.service = std::string(value.data(), value.size());
      }
      StartRead(&buffer_);
    }
    void OnReadDone(bool ok) override {
      if (ok) {
        grpc::Slice slice;
        if (buffer_.DumpToSingleSlice(&slice).ok()) {
          seen_.requests.emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
        }
        StartRead(&buffer_);
        return;
      }
      {
        const std::lock_guard<std::mutex> lock(owner_->mutex_);
        owner_->seen.push_back(seen_);
        if (owner_->answers.empty()) {
          answer_.status = grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "the script is over");
        } else {
          answer_ = owner_->answers.front();
          owner_->answers.pop_front();
        }
      }
      Next();
    }
    void OnWriteDone(bool ok) override { ok ? Next() : Finish(answer_.status); }
    void OnDone() override { delete this; }

   private:
    void Next() {
      if (written_ == answer_.responses.size()) {
        Finish(answer_.status);
        return;
      }
      const grpc::Slice slice(answer_.responses[written_++]);
      buffer_ = grpc::ByteBuffer(&slice, 1);
      StartWrite(&buffer_);
    }

    ScriptedService* owner_;
    Seen seen_;
    Answer answer_;
    grpc::ByteBuffer buffer_;
    size_t written_ = 0;
  };

  std::mutex mutex_;
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    nisi_.env["NISI_ADDRESS"] = absl::StrCat("127.0.0.1:", port);
  }
  ~ClientTest() override { server_->Shutdown(); }

  void Script(const std::vector<const google::protobuf::Message*>& responses,
              const grpc::Status& status = {}) {
    Answer answer;
    for (const auto* response : responses)
      answer.responses.push_back(response->SerializeAsString());
    answer.status = status;
    service_.answers.push_back(answer);
  }
  template <class M>
  M Request(size_t call, size_t index = 0) {
    M message;
    EXPECT_TRUE(message.ParseFromString(service_.seen.at(call).requests.at(index)));
    return message;
  }

  ScriptedService service_;
  std::unique_ptr<grpc::Server> server_;
  Program nisi_;
};

TEST_F(ClientTest, AUnaryCall) {
  goods::CheckGoodsResponse response;
  response.set_edition("editions/3");
  Script({&response});
  nisi_.env["NISI_TOKEN"] = "abc";
  const Ran ran =
      nisi_({"priority-goods", "check-goods", "--codes", "850423,8504", "--on-date", "2026-01-01"});
  EXPECT_EQ(ran.code, kDone) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("editions/3"));
  EXPECT_EQ(service_.seen.at(0).path, "/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods");
  EXPECT_EQ(service_.seen.at(0).authorization, "Bearer abc");
  EXPECT_EQ(Request<goods::CheckGoodsRequest>(0).ShortDebugString(),
            R"(codes: "850423" codes: "8504" on_date { year: 2026 month: 1 day: 1 })");
}

TEST_F(ClientTest, AMutationGetsARequestIdThatIsTold) {
  const goods::Edition edition;
  Script({&edition});
  Script({&edition});
  const Ran made =
      nisi_({"priority-goods", "create-edition", "--json",
             R"({"edition":{"titleRu":"a","titleEn":"b"}})", "--edition.title-ru", "c"});
  const auto request = Request<goods::CreateEditionRequest>(0);
  EXPECT_EQ(made.err, absl::StrCat("request-id: ", request.request_id(), "\n"));
  EXPECT_EQ(request.edition().title_ru(), "c");
  EXPECT_EQ(request.edition().title_en(), "b");
  const Ran again =
      nisi_({"priority-goods", "create-edition", "--request-id", request.request_id()});
  EXPECT_EQ(again.err, "");
  EXPECT_EQ(Request<goods::CreateEditionRequest>(1).request_id(), request.request_id());
}

TEST_F(ClientTest, AllFollowsThePages) {
  goods::ListEntriesResponse first;
  first.add_entries()->set_goods_code("8501");
  first.set_next_page_token("t1");
  goods::ListEntriesResponse second;
  second.add_entries()->set_goods_code("8502");
  Script({&first});
  Script({&second});
  const Ran ran = nisi_({"priority-goods", "list-entries", "--parent", "editions/1", "--all"});
  EXPECT_EQ(ran.out, "GOODS CODE\n8501\n8502\n");
  EXPECT_EQ(Request<goods::ListEntriesRequest>(1).page_token(), "t1");
}

TEST_F(ClientTest, APageThatIsNotTheLastSaysSo) {
  goods::ListEntriesResponse page;
  page.add_entries()->set_goods_code("8501");
  page.set_next_page_token("t1");
  const std::vector<std::string> list = {"priority-goods", "list-entries", "--parent", "editions/1",
                                         "--format"};
  auto run = [&](const char* format) {
    Script({&page});
    std::vector<std::string> argv = list;
    argv.emplace_back(format);
    return nisi_(argv);
  };
  EXPECT_THAT(run("csv").err, HasSubstr("there are more: --all"));
  EXPECT_THAT(run("table").err, HasSubstr("there are more: --all"));
  EXPECT_EQ(run("json").err, "");
  page.clear_next_page_token();
  EXPECT_EQ(run("csv").err, "");
}

TEST_F(ClientTest, AFileOfAnswersKeepsWhatItHadWhereTheCallIsRefused) {
  const std::string path = ::testing::TempDir() + "nisi_output_test.json";
  std::remove(path.c_str());
  const auto content = [&] {
    std::ifstream file(path);
    return file ? std::string(std::istreambuf_iterator<char>(file), {}) : "no file";
  };
  const std::vector<std::string> get = {
      "priority-goods", "get-entry", "--name", "editions/1/entries/8504",
      "--format",       "csv",       "-o",     path};
  Script({}, {grpc::StatusCode::NOT_FOUND, "There is no such record."});
  EXPECT_EQ(nisi_(get).code, kRefused);
  EXPECT_EQ(content(), "no file");
  goods::Entry entry;
  entry.set_goods_code("8504");
  Script({&entry});
  EXPECT_EQ(nisi_(get).code, kDone);
  EXPECT_THAT(content(), HasSubstr(",8504,"));
  Script({}, {grpc::StatusCode::NOT_FOUND, "There is no such record."});
  EXPECT_EQ(nisi_(get).code, kRefused);
  EXPECT_THAT(content(), HasSubstr(",8504,"));
  // A stream of nothing is an answer as well.
  Script({});
  EXPECT_EQ(nisi_({"priority-goods", "export-edition", "--name", "editions/1", "--format", "json",
                   "-o", path})
                .code,
            kDone);
  EXPECT_EQ(content(), "");
  std::remove(path.c_str());
  EXPECT_EQ(nisi_({"priority-goods", "list-editions", "-o", "/no/such/folder/x"}).code, kUsage);
}

TEST_F(ClientTest, PagesThatDoNotEndAreAnError) {
  goods::ListEntriesResponse page;
  page.set_next_page_token("t");
  Script({&page});
  Script({&page});
  const Ran ran = nisi_({"priority-goods", "list-entries", "--parent", "editions/1", "--all"});
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_THAT(ran.err, HasSubstr("same page"));
}

TEST_F(ClientTest, RefusalsAndServersThatAreAway) {
  Script({}, {grpc::StatusCode::NOT_FOUND, "There is no such record."});
  const Ran refused = nisi_({"priority-goods", "get-edition", "--name", "editions/9"});
  EXPECT_EQ(refused.code, kRefused);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("NOT_FOUND"));
  const Ran away =
      nisi_({"priority-goods", "get-edition", "--address", "unix:/there/is/no/such/socket"});
  EXPECT_EQ(away.code, kUnavailable);
  EXPECT_THAT(away.err, HasSubstr("see that a gateway serves at --address"));
}

grpc::Status Denied() {
  google::rpc::ErrorInfo info;
  info.set_reason("ACCESS_DENIED");
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  return {grpc::StatusCode::PERMISSION_DENIED, "The caller may not do this.",
          status.SerializeAsString()};
}

TEST_F(ClientTest, WhoMayNotIsToldOfWhatAndWhetherItIsKnown) {
  Script({}, Denied());
  const Ran nobody = nisi_({"priority-goods", "get-edition", "--name", "editions/9"});
  EXPECT_THAT(nobody.err, HasSubstr("nobody is signed in: --token"));
  EXPECT_THAT(nobody.err, HasSubstr("nisi describe priority-goods.get-edition says who may"));
  Script({}, Denied());
  nisi_.env["NISI_TOKEN"] = "abc";
  const Ran known = nisi_({"priority-goods", "get-edition", "--name", "editions/9"});
  EXPECT_THAT(known.err, Not(HasSubstr("nobody is signed in")));
}

// The command line makes the mask of its flags, so a place in it says nothing to whoever gave them.
TEST_F(ClientTest, AFieldThatCannotBeUpdatedIsTold) {
  google::rpc::BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field("update_mask.paths[1]");
  violation->set_description("cannot change after creation");
  google::rpc::Status status;
  status.add_details()->PackFrom(bad);
  Script({}, {grpc::StatusCode::INVALID_ARGUMENT, "No.", status.SerializeAsString()});
  const Ran ran =
      nisi_({"priority-goods", "update-entry", "--entry.name", "editions/1/entries/8504",
             "--entry.note", "x", "--entry.goods-code", "8505"});
  EXPECT_THAT(ran.err,
              HasSubstr("goods_code (update_mask.paths[1]): cannot change after creation"));
}

TEST_F(ClientTest, WhatWasOnlyCheckedSaysSo) {
  goods::Edition edition;
  edition.set_name("editions/2");
  const std::vector<std::string> create = {"priority-goods", "create-edition", "--edition.title-ru",
                                           "x"};
  Script({&edition});
  EXPECT_THAT(nisi_(create).err, Not(HasSubstr("only checked")));
  std::vector<std::string> check = create;
  check.emplace_back("--validate-only");
  Script({&edition});
  EXPECT_THAT(nisi_(check).err, HasSubstr("This was only checked: nothing was changed.\n"));
  check.insert(check.end(), {"--format", "json"});
  Script({&edition});
  EXPECT_THAT(nisi_(check).err, Not(HasSubstr("only checked")));
}

TEST_F(ClientTest, AStreamThatIsRefusedDoesNotSayThatThereIsNothing) {
  Script({});
  EXPECT_EQ(nisi_({"priority-goods", "export-edition", "--name", "editions/1"}).out, "Nothing.\n");
  Script({}, Denied());
  const Ran ran = nisi_({"priority-goods", "export-edition", "--name", "editions/1"});
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_EQ(ran.out, "");
}

TEST_F(ClientTest, OnlyAChangeMayHaveBeenDoneWhenItsTimeIsOver) {
  const grpc::Status late{grpc::StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded"};
  Script({}, late);
  const Ran read = nisi_({"priority-goods", "get-edition", "--name", "editions/1"});
  EXPECT_EQ(read.code, kUnavailable);
  EXPECT_THAT(read.err, AllOf(HasSubstr("a longer --timeout"), Not(HasSubstr("--request-id"))));
  Script({}, late);
  EXPECT_THAT(nisi_({"priority-goods", "create-edition", "--edition.title-ru", "x"}).err,
              HasSubstr("again with the same --request-id"));
}

TEST_F(ClientTest, WhatIsWrongWithJsonIsOneSentence) {
  const auto told = [&](const char* json) {
    return nisi_({"priority-goods", "get-edition", "--json", json}).err;
  };
  EXPECT_THAT(told(R"({"named": 1})"), HasSubstr(": named: Cannot find field.\n"));
  EXPECT_THAT(told(R"({"name" 1})"),
              AllOf(HasSubstr("Expected : between key:value pair, at {\"name\" 1}.\n"),
                    Not(HasSubstr("^"))));
  EXPECT_TRUE(service_.seen.empty());
}

TEST_F(ClientTest, AFileThatCannotBeWrittenSaysWhy) {
  const Ran ran = nisi_({"priority-goods", "list-editions", "-o", "/no/such/folder/f"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("cannot write /no/such/folder/f: No such file or directory"));
  EXPECT_TRUE(service_.seen.empty());
}

TEST_F(ClientTest, AnAddressHasAHostAndAPort) {
  for (const char* address : {"localhost", "localhost:", ":7400", "127.0.0.1:99999", "127.0.0.1:0",
                              "h:a", "http://127.0.0.1:7400"}) {
    const Ran ran = nisi_({"priority-goods", "list-editions", "--address", address});
    EXPECT_EQ(ran.code, kUsage) << address;
    EXPECT_THAT(ran.err, HasSubstr("is HOST:PORT, as 127.0.0.1:7400")) << address;
  }
  nisi_.env["NISI_ADDRESS"] = "localhost";
  EXPECT_EQ(nisi_({"priority-goods", "list-editions"}).code, kUsage);
}

TEST_F(ClientTest, AnAnswerWithoutAMessageIsNoSuccess) {
  Script({});
  EXPECT_EQ(nisi_({"priority-goods", "get-edition", "--name", "editions/9"}).code, kRefused);
}

TEST_F(ClientTest, ATokenDoesNotLeaveTheMachineInTheClear) {
  const Ran ran =
      nisi_({"priority-goods", "get-edition", "--address", "nisi.example:7400", "--token", "abc"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("--plaintext"));
}

TEST_F(ClientTest, TheJournalSaysWhichProcess) {
  nisi::journal::v1::TreeHead head;
  head.set_origin("priority-goods");
  Script({&head});
  EXPECT_EQ(nisi_({"journal", "get-tree-head", "--service", "priority-goods"}).code, kDone);
  EXPECT_EQ(service_.seen.at(0).service, "priority-goods");
}

// What is committed while it is read is not of the tree that the head was signed for.
TEST_F(ClientTest, AWholeJournalIsKeptPageByPage) {
  nisi::journal::v1::TreeHead head;
  head.set_tree_size(3);
  const nisi::journal::v1::SigningKey key;
  nisi::journal::v1::ListEntriesResponse first;
  first.add_entries()->set_leaf("one");
  first.add_entries()->set_leaf("two");
  first.set_next_position(3);
  nisi::journal::v1::ListEntriesResponse second;
  second.add_entries()->set_leaf("three");
  second.add_entries()->set_leaf("four");
  second.set_next_position(5);
  for (const google::protobuf::Message* answer :
       std::initializer_list<const google::protobuf::Message*>{&head, &key, &first, &second}) {
    Script({answer});
  }
  const Ran ran = nisi_({"proof", "journal", "--service", "grants"});
  EXPECT_EQ(ran.code, kDone) << ran.err;
  EXPECT_EQ(ran.out,
            "{\"treeHead\":{\"treeSize\":\"3\"},\"signingKey\":{}}\n"
            "{\"leaf\":\"b25l\"}\n{\"leaf\":\"dHdv\"}\n{\"leaf\":\"dGhyZWU=\"}\n");
  EXPECT_EQ(service_.seen.at(2).service, "grants");
  EXPECT_EQ(Request<nisi::journal::v1::ListEntriesRequest>(2).start_position(), 1);
  EXPECT_EQ(Request<nisi::journal::v1::ListEntriesRequest>(3).start_position(), 3);
  EXPECT_EQ(nisi_({"proof", "journal"}).code, kUsage);
}

// Whoever is no auditor is not shown all of it, or not all of it whole.
TEST_F(ClientTest, AJournalWithGapsIsNotToldAsWhole) {
  nisi::journal::v1::TreeHead head;
  head.set_tree_size(3);
  const nisi::journal::v1::SigningKey key;
  nisi::journal::v1::ListEntriesResponse page;
  page.add_entries()->set_leaf("one");
  page.add_entries()->mutable_partial()->set_position(3);
  for (const google::protobuf::Message* answer :
       std::initializer_list<const google::protobuf::Message*>{&head, &key, &page}) {
    Script({answer});
  }
  const Ran ran = nisi_({"proof", "journal", "--service", "grants"});
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_THAT(ran.err, HasSubstr("1 of 3 entries whole"));
}

TEST_F(ClientTest, AServerStreamIsOneTable) {
  goods::Entry a;
  a.set_goods_code("8501");
  goods::Entry b;
  b.set_goods_code("850423");
  Script({&a, &b});
  Script({&a, &b});
  EXPECT_EQ(nisi_({"priority-goods", "export-edition", "--name", "editions/1"}).out,
            "GOODS CODE\n8501\n850423\n");
  EXPECT_EQ(nisi_({"priority-goods", "export-edition", "--name", "editions/1", "--max", "1",
                   "--format", "json"})
                .out,
            "{\"goodsCode\":\"8501\"}\n");
}

goods::WatchEntriesResponse Change(int64_t position, const std::string& name) {
  goods::WatchEntriesResponse response;
  response.set_position(position);
  if (!name.empty()) {
    auto* change = response.add_changes();
    change->set_position(position);
    change->set_name(name);
  }
  return response;
}

TEST_F(ClientTest, AFollowedWatchResumesWithoutGapOrRepeat) {
  const auto c5 = Change(5, "a");
  const auto c9 = Change(9, "");
  const auto c12 = Change(12, "b");
  Script({&c5, &c9}, {grpc::StatusCode::UNAVAILABLE, "going"});
  Script({}, {grpc::StatusCode::UNAVAILABLE, "gone"});
  // A server that gives more than was asked for changes nothing.
  Script({&c9, &c12}, {grpc::StatusCode::UNAVAILABLE, "going"});
  Script({}, {grpc::StatusCode::OUT_OF_RANGE, "pruned"});
  const Ran ran = nisi_(
      {"priority-goods", "watch-entries", "--start-position", "3", "--follow", "--format", "csv"});
  EXPECT_EQ(ran.code, kRefused);
  EXPECT_THAT(ran.out, HasSubstr("\n5,"));
  EXPECT_THAT(ran.out, HasSubstr("\n12,"));
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 3);
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(0).start_position(), 3);
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(1).start_position(), 10);
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(2).start_position(), 10);
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(3).start_position(), 13);
  EXPECT_THAT(nisi_.pauses, ElementsAre(absl::Milliseconds(500), absl::Milliseconds(1000),
                                        absl::Milliseconds(500)));
}

TEST_F(ClientTest, AWatchThatEndsSaysWhereItGoesOn) {
  const auto c5 = Change(5, "a");
  auto piece = Change(8, "b");
  piece.set_delivered_changes(2);
  const auto said = [&](const grpc::Status& end, std::vector<std::string> more) {
    Script({&c5, &piece}, end);
    std::vector<std::string> argv = {"priority-goods", "watch-entries", "--start-position", "3"};
    argv.insert(argv.end(), more.begin(), more.end());
    return nisi_(argv).err;
  };
  const grpc::Status gone(grpc::StatusCode::UNAVAILABLE, "going");
  EXPECT_THAT(said(gone, {}), HasSubstr("goes on with --start-position 9 --delivered-changes 2\n"));
  EXPECT_EQ(said({}, {"--max", "1"}), "The watch goes on with --start-position 6\n");
  EXPECT_EQ(said({}, {"--max", "1", "--format", "json"}), "");  // each message says it
}

// A stream ends with its token, and whoever renews the file renews it for years of watching.
TEST_F(ClientTest, AFollowedWatchGoesOnWithTheNextToken) {
  google::rpc::ErrorInfo info;
  info.set_reason("TOKEN_EXPIRED");
  google::rpc::Status packed;
  packed.set_code(grpc::StatusCode::UNAUTHENTICATED);
  packed.add_details()->PackFrom(info);
  const grpc::Status expired(grpc::StatusCode::UNAUTHENTICATED, "", packed.SerializeAsString());
  const store::TempDir dir;
  const std::string token = dir / "token";
  std::ofstream(token) << "one\n";
  nisi_.meanwhile = [&] { std::ofstream(token) << "two\n"; };
  const auto c5 = Change(5, "a");
  const auto c6 = Change(6, "b");
  Script({&c5}, {grpc::StatusCode::UNAVAILABLE, "going"});
  Script({}, expired);
  Script({&c6}, expired);
  const Ran ran = nisi_({"priority-goods", "watch-entries", "--start-position", "3", "--follow",
                         "--format", "csv", "--token-file", token});
  EXPECT_EQ(ran.code, kRefused) << "the file has no other by then";
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\n5,"), HasSubstr("\n6,")));
  ASSERT_EQ(service_.seen.size(), 3);
  EXPECT_EQ(service_.seen[1].authorization, "Bearer one");
  EXPECT_EQ(service_.seen[2].authorization, "Bearer two");
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(2).start_position(), 6);
}

// A journal entry too large for one message comes in pieces, each at the position before it.
TEST_F(ClientTest, AFollowedWatchResumesBetweenThePiecesOfAnEntry) {
  auto first = Change(8, "a");
  first.set_delivered_changes(1);
  auto second = Change(8, "b");
  second.set_delivered_changes(2);
  const auto last = Change(9, "c");
  Script({&first}, {grpc::StatusCode::UNAVAILABLE, "going"});
  Script({&first, &second}, {grpc::StatusCode::UNAVAILABLE, "going"});
  Script({&last}, {grpc::StatusCode::UNAVAILABLE, "going"});
  Script({}, {grpc::StatusCode::OUT_OF_RANGE, "pruned"});
  const Ran ran = nisi_(
      {"priority-goods", "watch-entries", "--start-position", "3", "--follow", "--format", "csv"});
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 4) << ran.out;
  for (const char* name : {"a", "b", "c"}) EXPECT_THAT(ran.out, HasSubstr(name));
  const std::vector<std::pair<int64_t, int64_t>> resumed{{3, 0}, {9, 1}, {9, 2}, {10, 0}};
  for (size_t i = 0; i < resumed.size(); ++i) {
    const auto request = Request<goods::WatchEntriesRequest>(i);
    EXPECT_EQ(std::pair(request.start_position(), request.delivered_changes()), resumed[i]) << i;
  }
}

TEST_F(ClientTest, AFollowedWatchFromNowOnFixesItsStart) {
  nisi::journal::v1::TreeHead head;
  head.set_tree_size(41);
  const auto c43 = Change(43, "a");
  Script({&head});
  Script({}, {grpc::StatusCode::UNAVAILABLE, "gone"});
  Script({&c43});
  const Ran ran = nisi_({"priority-goods", "watch-entries", "--follow", "--max", "1"});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_EQ(service_.seen.at(0).service, "priority-goods");
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(1).start_position(), 42);
  EXPECT_EQ(Request<goods::WatchEntriesRequest>(2).start_position(), 42);
}

TEST_F(ClientTest, ABackupThatCannotBeMadeStopsNoOther) {
  const store::TempDir dir;
  const auto signer = store::OpenHeadSigner(dir / "head.pem");
  ASSERT_TRUE(signer.ok());
  nisi::store::v1::Backup backup;
  backup.mutable_tree_head()->set_root(std::string(32, 'r'));
  ASSERT_TRUE((*signer)->Sign(backup.mutable_tree_head()).ok());
  nisi::journal::v1::SigningKey key;
  key.set_public_key((*signer)->public_key());
  const std::vector<std::string> services = Owners();
  Script({}, {grpc::StatusCode::UNAVAILABLE, "It is away."});
  for (size_t i = 1; i + 1 < services.size(); ++i) {
    Script({&key});
    Script({&backup});
    Script({&key});
  }
  key.set_public_key(std::string(32, 'k'));
  Script({&key});
  Script({&backup});
  Script({&key});
  const Ran ran = nisi_({"backup"});
  EXPECT_EQ(ran.code, kRefused);
  for (size_t i = 1; i + 1 < services.size(); ++i) {
    EXPECT_THAT(ran.out, HasSubstr(services[i] + ": backup "));
  }
  EXPECT_THAT(ran.err, HasSubstr(services.front() + ": It is away."));
  EXPECT_THAT(ran.err, HasSubstr(services.back() + ": "));
  EXPECT_THAT(ran.err, HasSubstr(absl::StrCat("NO BACKUP of ", services.front(), ", ",
                                              services.back(), "; of ", services.size() - 2)));
  // Whether one answers at all is asked first, within much less than a backup may take.
  const auto at = [this](size_t call) { return service_.seen.at(call); };
  EXPECT_EQ(at(1).path, at(3).path);
  EXPECT_THAT(at(2).path, ::testing::EndsWith("/CreateBackup"));
  EXPECT_LT(at(1).deadline + absl::Minutes(10), at(2).deadline);
  // Of one alone the code says whether to ask again.
  Script({}, {grpc::StatusCode::UNAVAILABLE, "It is away."});
  EXPECT_EQ(nisi_({"backup", "--service", "grants"}).code, kUnavailable);
}

class ImportTest : public ClientTest {
 protected:
  ImportTest() {
    for (int i = 0; i < 2; ++i) {
      auto* row = response_.add_rows();
      row->set_row_number(i + 2);
      row->set_outcome(i == 0 ? nisi::rpc::v1::ImportReport::Row::ENTERED
                              : nisi::rpc::v1::ImportReport::Row::REFUSED);
    }
    response_.set_entered_count(1);
    response_.set_refused_count(1);
  }
  Ran Import(const std::vector<std::string>& more) {
    std::vector<std::string> argv = {"priority-goods", "import-entries", "--parent",
                                     "editions/1",     "--csv",          "-"};
    argv.insert(argv.end(), more.begin(), more.end());
    return nisi_(argv);
  }
  nisi::rpc::v1::ImportReport response_;
};

TEST_F(ImportTest, SendsHeaderThenBatchesOfRows) {
  response_.set_committed(true);
  Script({&response_});
  nisi_.in = "hs_code,name_en,sector,processing_level\n";
  for (int i = 0; i < 501; ++i)
    absl::StrAppend(&nisi_.in, "8504", i % 10, i % 7, ",\"a, b\",machinery,HIGH\n");
  const Ran ran = Import({});
  EXPECT_EQ(ran.code, kDone) << ran.err;
  ASSERT_EQ(service_.seen.at(0).requests.size(), 3u);
  const auto header = Request<goods::ImportEntriesRequest>(0, 0).header();
  EXPECT_EQ(header.parent(), "editions/1");
  EXPECT_EQ(header.request_id().size(), 36u);
  EXPECT_EQ(header.row_count(), 501);
  const auto rows = Request<goods::ImportEntriesRequest>(0, 1).rows();
  EXPECT_EQ(rows.rows_size(), 500);
  EXPECT_EQ(
      rows.rows(0).ShortDebugString(),
      R"(row_number: 2 goods_code: "850400" name_en: "a, b" sector: "machinery" processing_level: "HIGH")");
  EXPECT_EQ(Request<goods::ImportEntriesRequest>(0, 2).rows().rows_size(), 1);
  EXPECT_EQ(ran.out,
            "ROW NUMBER  OUTCOME\n3           REFUSED\n\ncommitted yes, entered 1, refused 1, "
            "invalid 0\n");
}

// A program that tries a file before it sends it asks nothing but the exit code.
TEST_F(ImportTest, ADryRunEndsAsTheImportWould) {
  nisi_.in = "goods_code\n8504\n";
  std::string said;
  const auto codes = [&](const std::vector<std::string>& more) {
    Script({&response_});
    std::vector<std::string> dry = more;
    dry.emplace_back("--dry-run");
    const int tried = Import(dry).code;
    response_.set_committed(tried == kDone);
    Script({&response_});
    const Ran ran = Import(more);
    said = ran.out;
    const int done = ran.code;
    response_.set_committed(false);
    EXPECT_EQ(tried, done);
    return tried;
  };
  EXPECT_EQ(codes({}), kDone);
  EXPECT_EQ(codes({"--all-or-none"}), kRefused);
  response_.mutable_rows(1)->set_outcome(nisi::rpc::v1::ImportReport::Row::INVALID);
  EXPECT_EQ(codes({}), kRefused);
  EXPECT_THAT(said, HasSubstr("committed no, would enter 0, "));
  EXPECT_EQ(codes({"--format", "json"}), kRefused);
  response_.mutable_rows(1)->set_outcome(nisi::rpc::v1::ImportReport::Row::ENTERED);
  EXPECT_EQ(codes({"--all-or-none"}), kDone);
  // Of which the law lets nothing in.
  for (auto& row : *response_.mutable_rows()) {
    row.set_outcome(nisi::rpc::v1::ImportReport::Row::REFUSED);
  }
  EXPECT_EQ(codes({}), kRefused);
}

TEST_F(ImportTest, ADryRunThatEntersNothingIsFineAndAnImportThatDoesIsNot) {
  Script({&response_});
  Script({&response_});
  nisi_.in = "goods_code\n8504\n";
  const char kSummary[] = "committed no, would enter 1, refused 1, invalid 0\n";
  const Ran dry = Import({"--dry-run"});
  EXPECT_EQ(dry.code, kDone);
  EXPECT_THAT(dry.out, HasSubstr(kSummary));
  EXPECT_TRUE(Request<goods::ImportEntriesRequest>(0).header().dry_run());
  const Ran real = Import({});
  EXPECT_EQ(real.code, kRefused);
  EXPECT_THAT(real.out, HasSubstr(kSummary));
}

TEST_F(ImportTest, ARowShowsEachOfItsFaults) {
  auto* row = response_.mutable_rows(1);
  row->set_outcome(nisi::rpc::v1::ImportReport::Row::INVALID);
  row->set_field("goods_code");
  row->set_description("is required");
  auto* fault = row->add_further_faults();
  fault->set_field("sector");
  fault->set_description("must not be empty");
  Script({&response_});
  nisi_.in = "goods_code\n8504\n";
  EXPECT_THAT(Import({}).out, StartsWith("ROW NUMBER  OUTCOME  FIELD       DESCRIPTION\n"
                                         "3           INVALID  goods_code  is required\n"
                                         "3           INVALID  sector      must not be empty\n\n"));
}

TEST_F(ImportTest, WhatIsInvalidIsShownFirst) {
  for (int i = 4; i < 34; ++i) {
    auto* row = response_.add_rows();
    row->set_row_number(i);
    row->set_outcome(i % 15 == 0 ? nisi::rpc::v1::ImportReport::Row::INVALID
                                 : nisi::rpc::v1::ImportReport::Row::REFUSED);
  }
  Script({&response_});
  nisi_.in = "goods_code\n8504\n";
  const Ran ran = Import({});
  EXPECT_THAT(ran.out, StartsWith("ROW NUMBER  OUTCOME\n15          INVALID\n30          INVALID\n"
                                  "3           REFUSED\n4           REFUSED\n"));
  EXPECT_THAT(ran.out, HasSubstr("... and 11 more"));
}

TEST_F(ImportTest, ATableMayBePartedBySemicolons) {
  Script({&response_});
  nisi_.in = "hs_code;name_en\n8504;\"a, b; c\"\n";
  Import({});
  EXPECT_EQ(Request<goods::ImportEntriesRequest>(0, 1).rows().rows(0).ShortDebugString(),
            R"(row_number: 2 goods_code: "8504" name_en: "a, b; c")");
}

TEST_F(ImportTest, TheRowsAreCountedWhateverTheCallerSays) {
  Script({&response_});
  nisi_.in = "goods_code\n8504\n8505\n";
  Import({"--json", R"({"rowCount": 9})"});
  EXPECT_EQ(Request<goods::ImportEntriesRequest>(0).header().row_count(), 2);
  const Ran flag = Import({"--row-count", "9"});
  EXPECT_EQ(flag.code, kUsage);
  EXPECT_THAT(flag.err, HasSubstr("There is no flag --row-count here."));
  nisi_.in = "goods_code\n";
  const Ran none = Import({});
  EXPECT_EQ(none.code, kUsage);
  EXPECT_THAT(none.err, HasSubstr("The CSV has no rows."));
  EXPECT_EQ(service_.seen.size(), 1u);
}

TEST_F(ImportTest, ColumnsThatAreNoField) {
  nisi_.in = "Код ТН ВЭД\tnote\n8504\tred\n";
  EXPECT_THAT(Import({}).err, HasSubstr("Rename it with --map 'Код ТН ВЭД=FIELD' ("));
  nisi_.in = "hs_code,colour\n8504,red\n";
  const Ran unknown = Import({});
  EXPECT_EQ(unknown.code, kUsage);
  EXPECT_THAT(unknown.err, HasSubstr("Column colour is no field."));
  EXPECT_TRUE(service_.seen.empty());
  Script({&response_});
  Script({&response_});
  Import({"--ignore-columns"});
  EXPECT_EQ(Request<goods::ImportEntriesRequest>(0, 1).rows().rows(0).ShortDebugString(),
            R"(row_number: 2 goods_code: "8504")");
  Import({"--map", "colour=note"});
  EXPECT_EQ(Request<goods::ImportEntriesRequest>(1, 1).rows().rows(0).note(), "red");
  EXPECT_THAT(Import({"--map", "colour=goods_code"}).err, HasSubstr("Two columns give goods_code"));
  EXPECT_THAT(Import({"--map", "color=note"}).err, HasSubstr("--map names column color"));
}

TEST_F(ImportTest, BadFilesAreRefusedWithTheirLine) {
  nisi_.in = "goods_code,note\n8504,a\n8505\n";
  EXPECT_THAT(Import({}).err, HasSubstr("standard input:3: "));
  nisi_.in = "goods_code,note\n8504,\xff\n";
  EXPECT_THAT(Import({}).err, HasSubstr("standard input:2: column note takes text in UTF-8"));
  EXPECT_TRUE(service_.seen.empty());
}

TEST_F(ImportTest, AFolderIsNoFile) {
  const std::string folder = ::testing::TempDir();
  for (const auto& argv : std::vector<std::vector<std::string>>{
           {"priority-goods", "import-entries", "--parent", "editions/1", "--csv", folder},
           {"priority-goods", "check-goods", "--json", "@" + folder},
           {"priority-goods", "list-editions", "--token-file", folder},
           {"verify", folder},
           {"verify", "there.json", "--list", folder}}) {
    const Ran ran = nisi_(argv);
    EXPECT_EQ(ran.code, kUsage) << argv[0];
    EXPECT_THAT(ran.err, HasSubstr("cannot read " + folder + ": it is a folder")) << argv[0];
  }
  EXPECT_THAT(Import({"--csv", "/no/such.csv"}).err,
              HasSubstr("cannot read /no/such.csv: No such file or directory"));
  EXPECT_TRUE(service_.seen.empty());
}

TEST_F(ImportTest, BlankLinesArePassedOver) {
  Script({&response_});
  nisi_.in = "goods_code,note\r\n\r\n8504,a\r\n\r\n\r\n8505,\r\n\r\n";
  const Ran ran = Import({});
  const auto rows = Request<goods::ImportEntriesRequest>(0, 1).rows();
  ASSERT_EQ(rows.rows_size(), 2) << ran.err;
  EXPECT_EQ(rows.rows(0).row_number(), 3);  // as an editor counts the lines
  EXPECT_EQ(rows.rows(1).row_number(), 6);
  EXPECT_EQ(Request<goods::ImportEntriesRequest>(0, 0).header().row_count(), 2);
}

TEST_F(ImportTest, AFileInAnotherEncodingIsToldWhatToDo) {
  nisi_.in = "goods_code,note\n8504,\xf2\xee\xe2\xe0\xf0\n";
  EXPECT_THAT(Import({}).err, HasSubstr("iconv -t UTF-8 -f CP1251"));
  nisi_.in = std::string("\xff\xfeg\0o\0", 6);
  EXPECT_THAT(Import({}).err, AllOf(HasSubstr("has a NUL byte: save the file as CSV UTF-8"),
                                    HasSubstr("-f UTF-16")));
  EXPECT_TRUE(service_.seen.empty());
}

TEST_F(ImportTest, TheReportHasEveryRow) {
  Script({&response_});
  nisi_.in = "goods_code\n8504\n";
  const std::string path = ::testing::TempDir() + "nisi_report_test.csv";
  Import({"--dry-run", "--report", path});
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(),
            "row_number,key,outcome,reason,field,description,article,further_faults\n"
            "2,,ENTERED,,,,,\n3,,REFUSED,,,,,\n");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace nisi::cli
