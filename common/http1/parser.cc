#include "common/http1/parser.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace nisi::http1 {
Parser::Parser(size_t max_head_bytes, Owner* owner) : owner_(owner), head_(max_head_bytes) {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
}

const http_parser_settings& Parser::Settings() {
  static const http_parser_settings kSettings = [] {
    http_parser_settings settings{};
    settings.on_message_begin = [](http_parser* parser) {
      Of(parser)->Begin();
      return 0;
    };
    settings.on_url = [](http_parser* parser, const char* bytes, size_t size) {
      Of(parser)->target_.append(bytes, size);
      return 0;
    };
    settings.on_header_field = [](http_parser* parser, const char* bytes, size_t size) {
      Parser* const self = Of(parser);
      if (self->value_began_ && !self->EndField()) return 1;
      self->name_.append(bytes, size);
      return 0;
    };
    settings.on_header_value = [](http_parser* parser, const char* bytes, size_t size) {
      Parser* const self = Of(parser);
      self->value_began_ = true;
      self->value_.append(bytes, size);
      return 0;
    };
    settings.on_headers_complete = [](http_parser* parser) {
      return Of(parser)->EndHead() ? 0 : -1;
    };
    settings.on_body = [](http_parser* parser, const char* bytes, size_t size) {
      Of(parser)->owner_->OnBody({bytes, size});
      return 0;
    };
    settings.on_message_complete = [](http_parser* parser) {
      http_parser_pause(parser, 1);
      Of(parser)->owner_->OnRequestEnd();
      return 0;
    };
    return settings;
  }();
  return kSettings;
}

void Parser::Begin() {
  head_.Begin();
  target_.clear();
  name_.clear();
  value_.clear();
  target_ended_ = false;
  value_began_ = false;
  hosts_ = 0;
  lengths_ = 0;
  expects_continue_ = false;
  in_head_ = true;
  fresh_ = false;
}

bool Parser::LinesEnd(absl::string_view bytes) {
  for (const char c : bytes) {
    if (lines_ended_) return true;
    if (c == '\n') {
      if (last_ != '\r') return false;
      if (line_bytes_ > 1) {
        head_began_ = true;
      } else {
        lines_ended_ = head_began_;
      }
      line_bytes_ = 0;
    } else {
      ++line_bytes_;
    }
    last_ = c;
  }
  return true;
}

size_t Parser::Feed(absl::string_view bytes) {
  if (!LinesEnd(bytes)) {
    wrong_ = true;
    return 0;
  }
  const size_t taken = http_parser_execute(&parser_, &Settings(), bytes.data(), bytes.size());
  const auto error = HTTP_PARSER_ERRNO(&parser_);
  if (error != HPE_OK && error != HPE_PAUSED) wrong_ = true;
  return taken;
}

void Parser::Next() {
  last_ = '\0';
  line_bytes_ = 0;
  head_began_ = lines_ended_ = false;
  http_parser_pause(&parser_, 0);
}

void Parser::EndTarget() {
  if (std::exchange(target_ended_, true)) return;
  head_.Add(":method", http_method_str(static_cast<http_method>(parser_.method)));
  head_.Add(":path", target_);
}

bool Parser::EndField() {
  EndTarget();
  absl::AsciiStrToLower(&name_);
  // What nghttp2 does not take either.
  for (const char c : value_) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\t') return false;
  }
  if (name_ == "host") ++hosts_;
  if (name_ == "content-length" || name_ == "transfer-encoding") ++lengths_;
  if (name_ == "transfer-encoding" && !absl::EqualsIgnoreCase(value_, "chunked")) return false;
  if (name_ == "expect") expects_continue_ = absl::EqualsIgnoreCase(value_, "100-continue");
  head_.Add(name_, value_);
  name_.clear();
  value_.clear();
  value_began_ = false;
  return true;
}

bool Parser::EndHead() {
  if (value_began_ && !EndField()) return false;
  EndTarget();
  if (parser_.http_major != 1) return false;
  if (lengths_ > 1 || hosts_ > 1 || (chunks_allowed() && hosts_ == 0)) return false;
  in_head_ = false;
  // "Upgrade: h2c" is an offer that need not be taken.
  parser_.upgrade = 0;
  keep_alive_ = http_should_keep_alive(&parser_) != 0;
  owner_->OnHead(head_.Take());
  return true;
}

}  // namespace nisi::http1
