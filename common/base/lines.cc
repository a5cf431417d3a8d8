#include "common/base/lines.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "common/base/csv.h"

namespace nisi::base {
namespace {

// Names and notes are other people's text: what a spreadsheet would run is made plain.
constexpr CsvStyle kStyle{.spreadsheet_safe = true, .line_end = "\r\n"};

// No memory or a broken installation, as in hash.cc.
void Require(int done) {
  if (done != 1) std::abort();
}

}  // namespace

void AppendJsonString(std::string& out, absl::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

struct LineWriter::Hasher {
  Hasher() : context(EVP_MD_CTX_new()) {
    if (context == nullptr) std::abort();
    Require(EVP_DigestInit_ex(context, EVP_sha256(), nullptr));
  }
  ~Hasher() { EVP_MD_CTX_free(context); }
  EVP_MD_CTX* const context;
};

LineWriter::LineWriter(Format format, std::vector<std::string> columns)
    : format_(format), columns_(std::move(columns)), hasher_(std::make_unique<Hasher>()) {
  if (format_ == Format::kCsv) AppendCsvRow(out_, columns_, kStyle);
}

LineWriter::~LineWriter() = default;

void LineWriter::Add(const std::vector<std::string>& values) {
  ++count_;
  if (format_ == Format::kCsv) {
    AppendCsvRow(out_, values, kStyle);
    return;
  }
  char separator = '{';
  for (size_t i = 0; i < values.size() && i < columns_.size(); ++i) {
    if (values[i].empty()) continue;
    out_.push_back(separator);
    separator = ',';
    AppendJsonString(out_, columns_[i]);
    out_.push_back(':');
    AppendJsonString(out_, values[i]);
  }
  out_ += separator == '{' ? "{}\n" : "}\n";
}

std::string LineWriter::Take() {
  Require(EVP_DigestUpdate(hasher_->context, out_.data(), out_.size()));
  std::string taken;
  taken.swap(out_);
  return taken;
}

std::string LineWriter::Digest() {
  std::array<uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  Require(EVP_DigestFinal_ex(hasher_->context, hash.data(), &size));
  return {reinterpret_cast<const char*>(hash.data()), size};
}

}  // namespace nisi::base
