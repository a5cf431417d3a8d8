// For gateway_test.cc: a service that does what the message says, and a client that sends raw
// bytes.
#pragma once

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/grpc_status.h"

namespace nisi::gateway {

inline grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

inline std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (buffer.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return text;
}

// Soon there again after a restart of the server.
inline std::shared_ptr<grpc::Channel> ChannelTo(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                   grpc::InsecureChannelCredentials(), arguments);
}

// A text as a message with that text as its first field, there and back: what clients need whose
// messages are made from JSON. Short ones only.
inline std::string Message(const std::string& text) {
  return absl::StrCat("\x0a", std::string(1, static_cast<char>(text.size())), text);
}
inline std::string TextIn(const std::string& message) {
  const bool is_message = message.size() > 2 && message.front() == '\x0a' &&
                          static_cast<size_t>(message[1]) == message.size() - 2;
  return is_message ? message.substr(2) : message;
}

// What the backend saw; waits are for events that must come.
class Seen {
 public:
  void Add(const std::string& event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++events_[event];
    changed_.notify_all();
  }
  void Wait(const std::string& event, int times = 1) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return events_[event] >= times; });
  }
  int Count(const std::string& event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return events_[event];
  }
  void SetMetadata(std::map<std::string, std::string> metadata) {
    const std::lock_guard<std::mutex> lock(mutex_);
    metadata_ = std::move(metadata);
  }
  std::map<std::string, std::string> metadata() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return metadata_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> events_;
  std::map<std::string, std::string> metadata_;
};

// Echo: "hang" waits to be cancelled, "hold" for Release, "fail" fails; anything else comes back.
// CountWidgets: so many messages, "forever", or "watch": one, and then it stays open.
// CollectWidgets: how many came. Chat: all come back.
class TestService final : public grpc::CallbackGenericService {
 public:
  explicit TestService(Seen* seen) : seen_(seen) {}

  void Release() {
    std::vector<std::function<void()>> held;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      held.swap(held_);
    }
    for (const auto& release : held) {
      release();
    }
  }

 private:
  class Reactor final : public grpc::ServerGenericBidiReactor {
   public:
    Reactor(TestService* service, grpc::GenericCallbackServerContext* context)
        : service_(service), context_(context), method_(context->method()) {
      std::map<std::string, std::string> metadata;
      for (const auto& [key, value] : context->client_metadata()) {
        metadata.emplace(std::string(key.data(), key.size()),
                         std::string(value.data(), value.size()));
      }
      service_->seen_->SetMetadata(std::move(metadata));
      StartRead(&in_);
    }
    void OnReadDone(bool ok) override {
      if (!ok) {
        service_->seen_->Add("closed");
        if (absl::EndsWith(method_, "/CollectWidgets") && !context_->IsCancelled()) {
          Send(absl::StrCat(count_), /*last=*/true);
        } else if (absl::EndsWith(method_, "/Chat") || context_->IsCancelled()) {
          End(grpc::Status::OK);
        }
        return;
      }
      service_->seen_->Add("message");
      ++count_;
      const std::string text = Text(in_);
      if (absl::EndsWith(method_, "/CollectWidgets")) {
        return StartRead(&in_);
      }
      if (absl::EndsWith(method_, "/Chat")) {
        return Send(text, /*last=*/false);
      }
      if (absl::EndsWith(method_, "/CountWidgets")) {
        forever_ = text == "forever";
        watch_ = text == "watch";
        messages_ = text.size() == 2 && text.front() == '\x08';  // a count in wire form
        if (messages_) {
          left_ = text[1];
        } else if (!absl::SimpleAtoi(text, &left_)) {
          left_ = 1;
        }
        return Next();
      }
      OnEcho(text, TextIn(text));
    }
    void OnWriteDone(bool ok) override {
      if (!ok) {
        return End(grpc::Status::CANCELLED);
      }
      if (absl::EndsWith(method_, "/Chat")) {
        return StartRead(&in_);
      }
      service_->seen_->Add("written");
      if (!watch_) {
        Next();
      }
    }
    void OnCancel() override {
      service_->seen_->Add("cancelled");
      End(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

   private:
    void OnEcho(const std::string& message, const std::string& text) {
      if (text == "hang") {
        service_->seen_->Add("hanging");
      } else if (text == "hold") {
        const std::lock_guard<std::mutex> lock(service_->mutex_);
        const std::string held = message == text ? "held" : Message("held");
        service_->held_.push_back([this, held] { Send(held, /*last=*/true); });
        service_->seen_->Add("holding");
      } else if (text == "fail") {
        context_->AddTrailingMetadata("nisi-position", "7");
        End(rpc::ToGrpc(base::EtagMismatch("abc")));
      } else {
        context_->AddTrailingMetadata("nisi-position", "42");
        Send(message, /*last=*/true);
      }
    }
    void Next() {
      if (!forever_ && left_-- <= 0) {
        return End(grpc::Status::OK);
      }
      Send(messages_ ? Message("widget") : "widget", /*last=*/false);
    }
    void Send(const std::string& text, bool last) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (ended_) {
        return;
      }
      out_ = Bytes(text);
      if (last) {
        ended_ = true;
        StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
      } else {
        StartWrite(&out_);
      }
    }
    void End(const grpc::Status& status) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!std::exchange(ended_, true)) {
        Finish(status);
      }
    }

    TestService* service_;
    grpc::GenericCallbackServerContext* context_;
    const std::string method_;
    std::mutex mutex_;
    grpc::ByteBuffer in_;
    grpc::ByteBuffer out_;
    int count_ = 0;
    int left_ = 0;
    bool forever_ = false;
    bool watch_ = false;
    bool messages_ = false;
    bool ended_ = false;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Reactor(this, context);
  }

  Seen* seen_;
  std::mutex mutex_;
  std::vector<std::function<void()>> held_;
};

// One call, step by step, each step waited for.
class ClientCall {
 public:
  ClientCall(grpc::GenericStub& stub, const std::string& method) : stub_(stub), method_(method) {}
  ~ClientCall() {
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
  }

  grpc::ClientContext& context() { return context_; }
  bool Start() {
    call_ = stub_.PrepareCall(&context_, method_, &queue_);
    call_->StartCall(nullptr);
    return Step();
  }
  bool Write(const std::string& text) {
    call_->Write(Bytes(text), nullptr);
    return Step();
  }
  bool CloseSending() {
    call_->WritesDone(nullptr);
    return Step();
  }
  std::optional<std::string> Read() {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, nullptr);
    return Step() ? std::optional<std::string>(Text(buffer)) : std::nullopt;
  }
  absl::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Step();
    return rpc::FromGrpc(status);
  }
  // Sends all, and takes all; the last message in *answer.
  absl::Status Run(const std::vector<std::string>& messages, std::string* answer = nullptr) {
    if (!Start()) {
      return Finish();
    }
    for (const std::string& message : messages) {
      Write(message);
    }
    CloseSending();
    while (const auto message = Read()) {
      if (answer != nullptr) {
        *answer = *message;
      }
    }
    return Finish();
  }

 private:
  bool Step() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub& stub_;
  const std::string method_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace nisi::gateway
