// A walk over the journal of a service as a role that reads it and is no auditor: what it shows of
// a record the methods show to that role, too.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/rpc/registry.h"
#include "common/rpc/requests_testing.h"
#include "common/store/store.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "nisi/journal/v1/journal.pb.h"

namespace nisi::rpc {

struct JournalWalk {
  int shown = 0;        // entries
  int partial = 0;      // of these, without a version before
  int passed_over = 0;  // entries
  int asked = 0;  // versions of records that an auditor finds by the methods, of entries shown
};

class JournalWalker {
 public:
  JournalWalker(const Registry& registry, store::Store& store, base::Clock* clock)
      : registry_(registry), store_(store), clock_(clock) {}

  JournalWalk Walk() {
    const Method& get = *registry_.Find("/nisi.journal.v1.JournalService/GetEntry");
    for (int64_t position = 1; position <= store_.position(); ++position) {
      journal::v1::GetEntryRequest request;
      request.set_position(position);
      const auto bytes = Ask(get, v1::AUTHORITY_INDUSTRY, request);
      if (absl::IsPermissionDenied(bytes.status())) {
        ++walk_.passed_over;
        continue;
      }
      EXPECT_TRUE(bytes.ok()) << bytes.status();
      ++walk_.shown;
      journal::v1::EntryRecord record;
      journal::v1::Entry entry;
      EXPECT_TRUE(record.ParseFromString(bytes.value_or("")));
      if (record.has_partial()) {
        entry = record.partial();
        ++walk_.partial;
      } else {
        EXPECT_TRUE(entry.ParseFromString(record.leaf()));
      }
      std::set<std::pair<std::string, std::string>> changed;
      for (const journal::v1::Change& change : entry.changes()) {
        auto time = entry.record_time();
        AskFor(change, change.after(), time, position);
        // What lies between two changes of one entry no method knows.
        if (!changed.emplace(change.table(), change.key()).second) continue;
        time.set_nanos(time.nanos() - 1000);
        if (time.nanos() < 0) {
          time.set_nanos(time.nanos() + 1'000'000'000);
          time.set_seconds(time.seconds() - 1);
        }
        AskFor(change, change.before(), time, position);
      }
    }
    return walk_;
  }

 private:
  absl::StatusOr<std::string> Ask(const Method& method, Role role, const Message& request) const {
    auto caller = std::make_shared<Caller>();
    caller->subject = "walker";
    caller->Grant(role);
    Call call;
    call.method = &method.policy;
    call.caller = caller;
    call.now = clock_->Now();
    call.deadline = absl::InfiniteFuture();
    RETURN_IF_ERROR(CheckRoles(method.policy, *caller));
    return method.unary(call, request);
  }

  // The one that gets a record of the type by its name; null: none does.
  const Method* Getting(const std::string& type) const {
    for (const Method* method : MethodsOf(registry_)) {
      const auto& descriptor = *method->policy.descriptor;
      if (method->unary && !method->policy.mutation &&
          descriptor.output_type()->full_name() == type &&
          descriptor.input_type()->FindFieldByName("name") != nullptr) {
        return method;
      }
    }
    return nullptr;
  }

  void AskFor(const journal::v1::Change& change, const google::protobuf::Any& version,
              const google::protobuf::Timestamp& known, int64_t position) {
    if (version.type_url().empty()) return;
    const std::string type = version.type_url().substr(version.type_url().rfind('/') + 1);
    const Method* const method = Getting(type);
    if (method == nullptr) return;
    const std::unique_ptr<Message> resource(method->response_prototype->New());
    ASSERT_TRUE(resource->ParseFromString(version.value()));
    const std::unique_ptr<Message> request(method->request_prototype->New());
    const auto* reflection = request->GetReflection();
    const auto field = [&](const char* name) {
      return request->GetDescriptor()->FindFieldByName(name);
    };
    reflection->SetString(request.get(), field("name"),
                          resource->GetReflection()->GetString(
                              *resource, resource->GetDescriptor()->FindFieldByName("name")));
    if (field("known_at") != nullptr) {
      reflection->MutableMessage(request.get(), field("known_at"))->CopyFrom(known);
    }
    if (field("as_of") != nullptr) {
      reflection->MutableMessage(request.get(), field("as_of"))->CopyFrom(change.effective_from());
    }
    if (!Ask(*method, v1::AUDITOR, *request).ok()) return;
    ++walk_.asked;
    const absl::Status seen = Ask(*method, v1::AUTHORITY_INDUSTRY, *request).status();
    EXPECT_TRUE(seen.ok()) << "entry " << position
                           << " shows what a method does not: " << method->policy.path << " "
                           << request->ShortDebugString() << ": " << seen;
  }

  const Registry& registry_;
  store::Store& store_;
  base::Clock* const clock_;
  JournalWalk walk_;
};

inline JournalWalk WalkJournal(const Registry& registry, store::Store& store, base::Clock* clock) {
  return JournalWalker(registry, store, clock).Walk();
}

}  // namespace nisi::rpc
