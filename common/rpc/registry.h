// Which function answers which method. One line a method, checked by the compiler: the generated
// service class gives request and response types.
//
//   NISI_UNARY(registry, PriorityGoodsService, CheckGoods, env, CheckGoods);
//   NISI_COMMAND(registry, PriorityGoodsService, CreateEntry, env, store, CreateEntry);
//   NISI_SERVER_STREAM(registry, PriorityGoodsService, ExportEdition, env, ExportEdition);
//   NISI_CLIENT_STREAM(registry, PriorityGoodsService, ImportEntries, env, ImportEntries);
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/rpc/call.h"
#include "common/rpc/form.h"
#include "common/rpc/mask.h"
#include "common/rpc/policy.h"
#include "common/store/store.h"
#include "google/protobuf/service.h"

namespace nisi::rpc {

using google::protobuf::Closure;
using google::protobuf::Message;
using google::protobuf::RpcController;

// A method with its function, types forgotten.
struct Method {
  MethodPolicy policy;
  std::unique_ptr<FormChecker> form;
  const Message* request_prototype = nullptr;
  Mask mask;  // of its answers
  const Message* response_prototype = nullptr;
  store::Store* disclosure = nullptr;  // where permits and accesses lie; null: nowhere
  std::set<std::string> services;      // that may call it by themselves, see Registry::LetIn

  // Answers where it is called, and may wait. Of a command: for it to be durable.
  std::function<absl::StatusOr<std::string>(Call&, const Message&)> unary;
  // A unary mutation that is one transaction of `store` and nothing else: no thread waits for it.
  std::function<absl::StatusOr<std::string>(const Call&, store::Tx&, const Message&)> command;
  store::Store* store = nullptr;
  std::function<absl::StatusOr<std::unique_ptr<MessageSource>>(Call&, const Message&)>
      server_stream;
  std::function<absl::StatusOr<std::unique_ptr<MessageSink<Message>>>(Call&)> client_stream;
  bool bound() const { return unary || server_stream || client_stream; }
};

// Whether roles that hold over this version of a record are shown it, by the state of the store
// that is read.
using ShownVersion = std::function<absl::StatusOr<bool>(const store::Reader& reader,
                                                        const Message& version, uint32_t roles)>;

class Registry {
 public:
  // Adds a service with all its methods, unbound yet. FAILED_PRECONDITION when its declarations do
  // not hold.
  absl::Status Add(const google::protobuf::ServiceDescriptor& service);

  template <class Service, class Req, class Resp, class Env, class Result>
  void BindUnary(const char* name, void (Service::*)(RpcController*, const Req*, Resp*, Closure*),
                 Env& env, absl::StatusOr<Result> (*fn)(Env&, Call&, const Req&)) {
    static_assert(std::is_same_v<Result, Resp> || std::is_same_v<Result, Encoded<Resp>>,
                  "returns another message");
    Slot(Service::descriptor(), name).unary =
        [&env, fn](Call& call, const Message& request) -> absl::StatusOr<std::string> {
      auto result = fn(env, call, static_cast<const Req&>(request));
      if (!result.ok()) return std::move(result).status();
      if constexpr (std::is_same_v<Result, Resp>) {
        return result->SerializeAsString();
      } else {
        return std::move(result->bytes);
      }
    };
  }
  template <class Service, class Req, class Resp, class Env>
  void BindCommand(const char* name, void (Service::*)(RpcController*, const Req*, Resp*, Closure*),
                   Env& env, store::Store& store,
                   absl::StatusOr<Resp> (*fn)(Env&, const Call&, store::Tx&, const Req&)) {
    Method& method = Slot(Service::descriptor(), name);
    method.store = &store;
    method.command = [&env, fn](const Call& call, store::Tx& tx,
                                const Message& request) -> absl::StatusOr<std::string> {
      const auto response = fn(env, call, tx, static_cast<const Req&>(request));
      if (!response.ok()) return response.status();
      return response->SerializeAsString();
    };
    method.unary = [&store, run = method.command](Call& call, const Message& request) {
      return WriteAndWait(store, run, call, request);
    };
  }
  template <class Service, class Req, class Resp, class Env>
  void BindServerStream(const char* name,
                        void (Service::*)(RpcController*, const Req*, Resp*, Closure*), Env& env,
                        absl::StatusOr<std::unique_ptr<MessageSource>> (*fn)(Env&, Call&,
                                                                             const Req&)) {
    Slot(Service::descriptor(), name).server_stream = [&env, fn](Call& call,
                                                                 const Message& request) {
      return fn(env, call, static_cast<const Req&>(request));
    };
  }
  template <class Service, class Req, class Resp, class Env>
  void BindClientStream(const char* name,
                        void (Service::*)(RpcController*, const Req*, Resp*, Closure*), Env& env,
                        absl::StatusOr<std::unique_ptr<MessageSink<Req>>> (*fn)(Env&, Call&)) {
    Slot(Service::descriptor(), name).client_stream =
        [&env, fn](Call& call) -> absl::StatusOr<std::unique_ptr<MessageSink<Message>>> {
      auto sink = fn(env, call);
      if (!sink.ok()) return std::move(sink).status();
      return std::make_unique<ErasedSink<Req>>(*std::move(sink));
    };
  }

  // Lets a service call the method by itself, as for what it delivers, with one of the method's
  // roles: no service calls any other so. Those for whom a service calls need nothing here.
  template <class Service, class Req, class Resp>
  void LetIn(const std::string& service, const char* name,
             void (Service::*)(RpcController*, const Req*, Resp*, Closure*)) {
    Slot(Service::descriptor(), name).services.insert(service);
  }

  // Permits and accesses lie in this store, by which methods show confidential fields. Before them.
  void DiscloseFrom(store::Store* store) { disclosure_ = store; }
  // Whether a record in an answer of some method has a confidential field of that path, or such
  // records have names like this.
  bool KnowsMark(const std::string& dotted) const;
  bool KnowsRecord(const std::string& name) const;

  // What health asks each time, by name: see Health::Ask.
  void AskForHealth(const std::string& name, std::function<absl::Status()> why_not) {
    asked_for_health_[name] = std::move(why_not);
  }
  const std::map<std::string, std::function<absl::Status()>>& asked_for_health() const {
    return asked_for_health_;
  }

  // Says which versions of a resource the methods show to roles that hold over it, where they keep
  // some from a role that the journal admits. The journal asks it.
  template <class Resource>
  void Shows(ShownVersion shown) {
    shown_[std::string(Resource::descriptor()->full_name())] = {&Resource::default_instance(),
                                                                std::move(shown)};
  }
  // The roles to which a reading method shows records of the type of that name: all of them where
  // it is one for everybody, and where no method answers with them.
  uint32_t ReadersOf(const std::string& type) const;
  // Whether the methods show this version of a record, in wire form, to a caller with these roles
  // over all records.
  absl::StatusOr<bool> IsShown(const store::Reader& reader, const std::string& type,
                               const std::string& version, uint32_t roles) const;

  // FAILED_PRECONDITION naming the first method without a function, or bound as another kind than
  // its proto says, or that discloses and has nowhere to record it.
  absl::Status Check() const;

  const std::vector<const google::protobuf::ServiceDescriptor*>& services() const {
    return services_;
  }
  // By path, "/package.Service/Method"; null when unknown.
  const Method* Find(const std::string& path) const;

 private:
  template <class Req>
  class ErasedSink final : public MessageSink<Message> {
   public:
    explicit ErasedSink(std::unique_ptr<MessageSink<Req>> sink) : sink_(std::move(sink)) {}
    absl::Status Push(const Message& message) override {
      return sink_->Push(static_cast<const Req&>(message));
    }
    absl::StatusOr<std::string> Finish(Call& call) override { return sink_->Finish(call); }

   private:
    std::unique_ptr<MessageSink<Req>> sink_;
  };

  static absl::StatusOr<std::string> WriteAndWait(
      store::Store& store,
      const std::function<absl::StatusOr<std::string>(const Call&, store::Tx&, const Message&)>&
          run,
      Call& call, const Message& request);
  Method& Slot(const google::protobuf::ServiceDescriptor* service, const char* name);

  struct Shown {
    const Message* prototype = nullptr;
    ShownVersion shown;
  };

  store::Store* disclosure_ = nullptr;
  std::map<std::string, Shown> shown_;       // by type
  std::map<std::string, uint32_t> readers_;  // by type
  std::map<std::string, std::function<absl::Status()>> asked_for_health_;
  std::vector<const google::protobuf::ServiceDescriptor*> services_;
  absl::flat_hash_map<std::string, std::unique_ptr<Method>> methods_;
};

#define NISI_UNARY(registry, service, method, env, fn) \
  (registry).BindUnary(#method, &service::method, env, &fn)
#define NISI_COMMAND(registry, service, method, env, store, fn) \
  (registry).BindCommand(#method, &service::method, env, store, &fn)
#define NISI_SERVER_STREAM(registry, service, method, env, fn) \
  (registry).BindServerStream(#method, &service::method, env, &fn)
#define NISI_CLIENT_STREAM(registry, service, method, env, fn) \
  (registry).BindClientStream(#method, &service::method, env, &fn)

// NISI_LET_IN(registry, "export-refunds", GrantAgreementsService, ReportDebt);
#define NISI_LET_IN(registry, name, service, method) \
  (registry).LetIn(name, #method, &service::method)

}  // namespace nisi::rpc
