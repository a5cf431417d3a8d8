// For the tests of the gateway: requests of HTTP by libcurl, in either version, and by hand.
#pragma once

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace nisi::gateway {

struct HttpAnswer {
  long status = 0;  // 0: none came
  std::multimap<std::string, std::string> fields;
  std::string body;

  std::string Field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
  nlohmann::json Json() const { return nlohmann::json::parse(body, nullptr, false); }
  // The detail of an error with that type, as its JSON.
  nlohmann::json Detail(const std::string& type) const {
    for (const auto& detail : Json().value("details", nlohmann::json::array())) {
      if (detail.value("type", "") == type) return detail.at("debug");
    }
    return nlohmann::json::object();
  }
  std::string Reason() const { return Detail("google.rpc.ErrorInfo").value("reason", ""); }
};

enum class HttpVersion { k1, k2 };

// Calls one after the other, in HTTP/1.1 on one connection.
class HttpClient {
 public:
  using Headers = std::vector<std::string>;

  HttpClient(int port, HttpVersion version) : port_(port), curl_(curl_easy_init()) {
    curl_easy_setopt(
        curl_, CURLOPT_HTTP_VERSION,
        version == HttpVersion::k2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_1_1);
    // Debian's curl begins anew on a connection of HTTP/2 in plain text that it has: no server
    // likes that.
    curl_easy_setopt(curl_, CURLOPT_FORBID_REUSE, version == HttpVersion::k2 ? 1L : 0L);
    curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  }
  ~HttpClient() { curl_easy_cleanup(curl_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpAnswer Post(const std::string& path, const std::string& body, Headers headers) {
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.data());
    return Run(path, std::move(headers));
  }
  HttpAnswer PostJson(const std::string& path, const std::string& body, Headers headers = {}) {
    headers.push_back("content-type: application/json");
    return Post(path, body, std::move(headers));
  }
  HttpAnswer Get(const std::string& path, Headers headers = {}) {
    curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    return Run(path, std::move(headers));
  }
  HttpAnswer Other(const std::string& method, const std::string& path, Headers headers = {}) {
    curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(curl_, CURLOPT_NOBODY, method == "HEAD" ? 1L : 0L);
    HttpAnswer answer = Run(path, std::move(headers));
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, nullptr);
    return answer;
  }
  // Gives up after so long.
  void SetPatience(long milliseconds) { curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, milliseconds); }
  // Of the last answer.
  long connections() const {
    long count = 0;
    curl_easy_getinfo(curl_, CURLINFO_NUM_CONNECTS, &count);
    return count;
  }

 private:
  HttpAnswer Run(const std::string& path, Headers headers) {
    HttpAnswer answer;
    curl_slist* list = nullptr;
    for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl_, CURLOPT_URL, absl::StrCat("http://127.0.0.1:", port_, path).c_str());
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Append);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &AddField);
    if (curl_easy_perform(curl_) == CURLE_OK) {
      curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
    }
    curl_slist_free_all(list);
    return answer;
  }
  static size_t Append(char* bytes, size_t one, size_t size, void* to) {
    static_cast<std::string*>(to)->append(bytes, one * size);
    return one * size;
  }
  static size_t AddField(char* bytes, size_t one, size_t size, void* to) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(absl::string_view(bytes, one * size), absl::MaxSplits(':', 1));
    if (!field.second.empty()) {
      static_cast<HttpAnswer*>(to)->fields.emplace(absl::AsciiStrToLower(field.first),
                                                   absl::StripAsciiWhitespace(field.second));
    }
    return one * size;
  }

  const int port_;
  CURL* const curl_;
};

// A connection by hand, for what no client sends.
class RawConnection {
 public:
  // `ahead`: bytes that may come before they are read; 0: as usual.
  explicit RawConnection(int port, int ahead = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (ahead != 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &ahead, sizeof(ahead));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) abort();
  }
  ~RawConnection() { close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  void Send(const std::string& bytes) {
    if (send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) failed_ = true;
  }
  // Until so many have come, or the other side has closed.
  std::string Read(const std::string& until) {
    while (got_.find(until) == std::string::npos && ReadSome()) {
    }
    return got_;
  }
  std::string ReadAll() {
    while (ReadSome()) {
    }
    return got_;
  }

 private:
  bool ReadSome() {
    char room[4096];
    const ssize_t size = recv(socket_, room, sizeof(room), 0);
    if (size > 0) got_.append(room, static_cast<size_t>(size));
    return size > 0;
  }

  const int socket_;
  std::string got_;
  bool failed_ = false;
};

}  // namespace nisi::gateway
