// To which question an answer is. Not every answer says so itself: a record is returned without the
// day that it was asked for, and a refusal without the record. So a service that asks another has
// the question told back in the trailers of the answer, be it a refusal, as the other one has got
// it; what tells of another question is none to this one. Of a release before this nothing comes.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/hash.h"

namespace nisi::rpc {

// In the head of a call: its question is to be told back; in the trailers: it is this one.
inline constexpr char kQuestionKey[] = "nisi-question";

// `path`: of the method. Short, and for no two questions the same.
inline std::string QuestionOf(absl::string_view path, absl::string_view request) {
  return base::HexEncode(base::AsBytes(base::Sha256({path, " ", request})).substr(0, 16));
}

}  // namespace nisi::rpc
