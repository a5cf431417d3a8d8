// The register that keeps the lists of unreliable recipients, as other services ask it: for
// AskGate.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/date.h"
#include "common/base/status.h"
#include "common/cases/gate.h"
#include "common/rpc/call.h"
#include "common/rpc/peer.h"

namespace nisi::cases {

// Asks the service `source` by its method that tells it, as grants' CheckRecipient does.
template <class Request, class Response>
AskLists ListsBy(rpc::PeerMethod<Request, Response> check, const std::string& source) {
  return [check = std::move(check), source](const rpc::Call& call, const std::string& recipient,
                                            base::Date day) -> absl::StatusOr<Listed> {
    Request request;
    request.set_recipient(recipient);
    *request.mutable_on_date() = day.ToProto();
    const auto answer = check(call, request);
    if (!answer.ok()) return check.NoAnswer(answer.status());
    const Response& said = answer->message;
    const auto on_date = base::Date::FromProto(said.on_date());
    // A register into which nothing was ever entered is at position 0.
    if (said.recipient() != recipient || !on_date.ok() || *on_date != day || said.position() < 0) {
      return check.WrongAnswer();
    }
    Listed listed{absl::StrCat(source, "/unreliable"), said.position(), {}};
    for (const auto& entry : said.listings()) {
      const auto* list =
          entry.GetDescriptor()->FindFieldByName("list")->enum_type()->FindValueByNumber(
              entry.list());
      // What is no list, or no entry, is none.
      if (list == nullptr || list->number() == 0 || entry.name().empty() || entry.etag().empty()) {
        return check.WrongAnswer();
      }
      listed.entries.push_back(
          {std::string(list->name()), absl::StrCat(source, "/", entry.name()), entry.etag()});
    }
    return listed;
  };
}

}  // namespace nisi::cases
