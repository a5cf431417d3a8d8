#include "common/rpc/streams.h"

#include <optional>

#include "common/base/status.h"

namespace nisi::rpc {
namespace {

constexpr auto kTick = std::chrono::seconds(2);

absl::Status Busy() {
  return base::Overloaded("executor", absl::Milliseconds(200));
}
absl::Status ShuttingDown() {
  return base::Unavailable("SHUTTING_DOWN",
                           "The server is shutting down: resume from the last position.",
                           absl::Seconds(1));
}

}  // namespace

class ServerStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  ServerStream(const Site& site, const Bound& bound, LiveStreams* live,
               grpc::CallbackServerContext* context, const grpc::ByteBuffer* request)
      : site_(site), live_(live), in_(site, bound, context), request_(*request) {
    live_->Add(this);
  }

  void Begin() { Wake(); }

  // Something may have changed: pull again.
  void Wake() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (finished_) return;
      again_ = true;
      if (busy_) return;
      busy_ = true;
    }
    Schedule();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      End(absl::CancelledError());
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      again_ = true;
    }
    Schedule();
  }
  void OnCancel() override { Wake(); }
  void OnDone() override {
    live_->Remove(this);
    source_.reset();  // from here on nobody wakes
    delete this;
  }

 private:
  void Schedule() {
    if (!site_.stream_executor->Submit([this] { Pump(); })) End(Busy());
  }

  absl::Status Open() {
    RETURN_IF_ERROR(in_.Open());
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> request, in_.Read(request_));
    ASSIGN_OR_RETURN(source_, in_.method().server_stream(in_.call(), *request));
    source_->OnStart([this] { Wake(); });
    return absl::OkStatus();
  }

  // Runs on the executor, one at a time: busy_ is held from Wake until a wait, a write or the end.
  void Pump() {
    if (source_ == nullptr) {
      if (const absl::Status opened = Open(); !opened.ok()) {
        End(opened);
        return;
      }
    }
    while (true) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        again_ = false;
      }
      if (const absl::Status wanted = in_.StillWanted(); !wanted.ok()) return End(wanted);
      if (live_->draining()) return End(ShuttingDown());
      std::string message;
      const auto state = source_->Pull(&message);
      if (!state.ok()) return End(state.status());
      if (*state == MessageSource::State::kEnd) return End(absl::OkStatus());
      if (*state == MessageSource::State::kMessage) {
        outgoing_ = ToByteBuffer(std::move(message));
        StartWrite(&outgoing_);
        return;
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!again_) {
        busy_ = false;
        return;
      }
    }
  }

  void End(const absl::Status& status) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (finished_) return;
      finished_ = true;
    }
    Finish(in_.Close(status));
  }

  const Site& site_;
  LiveStreams* live_;
  Incoming in_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer outgoing_;
  std::unique_ptr<MessageSource> source_;
  std::mutex mutex_;
  bool busy_ = false;
  bool again_ = false;
  bool finished_ = false;
};

class ClientStream final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  ClientStream(const Site& site, const Bound& bound, grpc::CallbackServerContext* context,
               grpc::ByteBuffer* response)
      : site_(site), in_(site, bound, context), response_(response) {}

  void Begin() {
    if (!site_.executor->Submit([this] { Open(); })) End(Busy());
  }
  void OnReadDone(bool ok) override {
    if (!ok) {
      // Both a finished client and one that broke off look like this. Headers seldom reach the
      // second: what must be whole says in its first message how much follows.
      StartSendInitialMetadata();
      return;
    }
    if (!site_.executor->Submit([this] { Push(); })) End(Busy());
  }
  void OnSendInitialMetadataDone(bool ok) override {
    if (!ok) return End(absl::CancelledError());
    if (!site_.executor->Submit([this] { Complete(); })) End(Busy());
  }
  void OnDone() override { delete this; }

 private:
  void Open() {
    absl::Status status = in_.Open();
    if (status.ok()) {
      auto sink = in_.method().client_stream(in_.call());
      status = sink.status();
      if (sink.ok()) sink_ = *std::move(sink);
    }
    if (!status.ok()) return End(status);
    StartRead(&incoming_);
  }

  void Push() {
    absl::Status status = in_.StillWanted();
    if (status.ok()) {
      auto message = in_.Read(incoming_);
      status = message.ok() ? sink_->Push(**message) : message.status();
    }
    if (!status.ok()) return End(status);
    StartRead(&incoming_);
  }

  void Complete() {
    if (const absl::Status wanted = in_.StillWanted(); !wanted.ok()) return End(wanted);
    auto reply = sink_->Finish(in_.call());
    if (reply.ok()) *response_ = ToByteBuffer(*std::move(reply));
    End(reply.status());
  }

  void End(const absl::Status& status) { Finish(in_.Close(status)); }

  const Site& site_;
  Incoming in_;
  grpc::ByteBuffer* response_;
  grpc::ByteBuffer incoming_;
  std::unique_ptr<MessageSink<Message>> sink_;
};

LiveStreams::LiveStreams() : ticker_([this] { Loop(); }) {}

LiveStreams::~LiveStreams() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  change_.notify_all();
  ticker_.join();
}

void LiveStreams::Add(ServerStream* stream) {
  const std::lock_guard<std::mutex> lock(mutex_);
  streams_.insert(stream);
}

void LiveStreams::Remove(ServerStream* stream) {
  const std::lock_guard<std::mutex> lock(mutex_);
  streams_.erase(stream);
}

void LiveStreams::Drain() {
  const std::lock_guard<std::mutex> lock(mutex_);
  draining_ = true;
  change_.notify_all();
}

bool LiveStreams::draining() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return draining_;
}

void LiveStreams::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  bool drained = false;
  while (!stopping_) {
    change_.wait_for(lock, kTick, [&] { return stopping_ || (draining_ && !drained); });
    drained = draining_;
    // Under the lock: a stream that is in the set is not gone.
    for (ServerStream* stream : streams_) stream->Wake();
  }
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* NewServerStream(const Site& site, const Bound& bound,
                                                            LiveStreams* live,
                                                            grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request) {
  auto* stream = new ServerStream(site, bound, live, context, request);
  stream->Begin();
  return stream;
}

grpc::ServerReadReactor<grpc::ByteBuffer>* NewClientStream(const Site& site, const Bound& bound,
                                                           grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* response) {
  auto* stream = new ClientStream(site, bound, context, response);
  stream->Begin();
  return stream;
}

}  // namespace nisi::rpc
