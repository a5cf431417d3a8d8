#include "services/gateway/reference.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/gateway/reference_files.h"

namespace nisi::gateway {
namespace {

constexpr char kHome[] = "/reference/";

// The page asks its own server and nobody else, runs nothing but its own files, makes no markup of
// texts, and stands in no frame.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

std::string Inflated(const ReferenceFile& file) {
  constexpr int kGzip = 16 + MAX_WBITS;
  std::string out(file.size, '\0');
  z_stream stream{};
  inflateInit2(&stream, kGzip);
  stream.next_in = const_cast<Bytef*>(file.gzip);  // zlib does not write there
  stream.avail_in = static_cast<uInt>(file.gzip_size);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return out;
}

// All files for the few clients that take no gzip; made when the first of them comes.
absl::string_view PlainOf(size_t index) {
  static const auto& plain = *[] {
    auto* all = new std::vector<std::string>();
    for (size_t i = 0; i < kReferenceFileCount; ++i) all->push_back(Inflated(kReferenceFiles[i]));
    return all;
  }();
  return plain[index];
}

// Whether one of the items of a list in a header is `wanted`; parameters but "q=0" do not matter.
bool Lists(absl::string_view header, absl::string_view wanted) {
  for (const absl::string_view item : absl::StrSplit(header, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(item, ';');
    if (absl::StripAsciiWhitespace(parts.front()) != wanted) continue;
    return std::none_of(parts.begin() + 1, parts.end(), [](absl::string_view part) {
      part = absl::StripAsciiWhitespace(part);
      return part == "q=0" || part == "q=0.0" || part == "q=0.00" || part == "q=0.000";
    });
  }
  return false;
}

void Protect(Page& page) {
  page.headers.Add("content-security-policy", kPolicy);
  page.headers.Add("x-content-type-options", "nosniff");
  page.headers.Add("x-frame-options", "DENY");
  page.headers.Add("referrer-policy", "no-referrer");
  page.headers.Add("cross-origin-opener-policy", "same-origin");
  page.headers.Add("cross-origin-resource-policy", "same-origin");
}

Page PageOf(size_t index, absl::string_view accept_encoding, absl::string_view if_none_match) {
  const ReferenceFile& file = kReferenceFiles[index];
  const bool gzip = Lists(accept_encoding, "gzip");
  const std::string etag = absl::StrCat("\"", file.etag, gzip ? "-gzip" : "", "\"");
  Page page;
  Protect(page);
  page.headers.Add("etag", etag);
  // Asked for anew each time, so that nobody reads of yesterday's methods; answered by 304.
  page.headers.Add("cache-control", "no-cache");
  page.headers.Add("vary", "accept-encoding");
  if (Lists(if_none_match, etag) || Lists(if_none_match, absl::StrCat("W/", etag))) {
    page.status = 304;
    return page;
  }
  page.headers.Add("content-type", file.content_type);
  if (gzip) page.headers.Add("content-encoding", "gzip");
  page.body = gzip ? absl::string_view(reinterpret_cast<const char*>(file.gzip), file.gzip_size)
                   : PlainOf(index);
  return page;
}

}  // namespace

std::optional<Page> FindPage(absl::string_view path, absl::string_view accept_encoding,
                             absl::string_view if_none_match) {
  if (path == "/" || path == "/reference") {
    Page page;
    page.status = 302;
    Protect(page);
    page.headers.Add("location", kHome);
    return page;
  }
  for (size_t i = 0; i < kReferenceFileCount; ++i) {
    if (path == kReferenceFiles[i].path) return PageOf(i, accept_encoding, if_none_match);
  }
  return std::nullopt;
}

}  // namespace nisi::gateway
