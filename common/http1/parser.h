// The bytes of a connection cut into requests, by http-parser. What two readers could read in two
// ways is refused: a length given twice or beside chunks, codings other than chunks, two hosts, a
// line of a head that ends with a bare LF; and what is no HTTP/1, as a request without a version.
#pragma once

#include <http_parser.h>

#include <string>

#include "absl/strings/string_view.h"
#include "common/http2/head_reader.h"

namespace nisi::http1 {

class Parser {
 public:
  // Called from Feed.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnHead(http2::RequestHead head) = 0;
    virtual void OnBody(absl::string_view bytes) = 0;
    // The parser stands still until Next.
    virtual void OnRequestEnd() = 0;
  };

  Parser(size_t max_head_bytes, Owner* owner);
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // How many bytes were taken; fewer than came at the end of a request, or where they are wrong.
  size_t Feed(absl::string_view bytes);
  void Next();

  bool wrong() const { return wrong_; }
  // Wrong for its length: a head, or what stands beside a chunk.
  bool too_long() const { return HTTP_PARSER_ERRNO(&parser_) == HPE_HEADER_OVERFLOW; }
  // Some bytes of a request came that has not begun.
  bool in_head() const { return in_head_; }
  // No request has begun.
  bool fresh() const { return fresh_; }
  // Of the request that came last.
  bool keep_alive() const { return keep_alive_; }
  bool chunks_allowed() const { return parser_.http_major == 1 && parser_.http_minor >= 1; }
  bool expects_continue() const { return expects_continue_; }
  // Of the request that came last: its answer has no body, but the length of one.
  bool asks_head() const { return parser_.method == HTTP_HEAD; }

 private:
  static const http_parser_settings& Settings();
  static Parser* Of(http_parser* parser) { return static_cast<Parser*>(parser->data); }
  void Begin();
  // Whether each line of the head in these bytes ends with CR LF; http-parser takes LF alone.
  bool LinesEnd(absl::string_view bytes);
  // Its method and target come before its fields, which may be over the bound.
  void EndTarget();
  bool EndField();
  bool EndHead();

  Owner* const owner_;
  http_parser parser_{};
  http2::HeadReader head_;
  char last_ = '\0';          // byte of the head
  size_t line_bytes_ = 0;     // of the line of the head that is read
  bool head_began_ = false;   // a line that is not empty has come
  bool lines_ended_ = false;  // the empty line after them has come
  std::string target_;
  std::string name_;
  std::string value_;
  bool target_ended_ = false;
  bool value_began_ = false;
  int hosts_ = 0;
  int lengths_ = 0;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool in_head_ = false;
  bool fresh_ = true;
  bool wrong_ = false;
};

}  // namespace nisi::http1
