// The times in a certificate.
#pragma once

#include <openssl/asn1.h>

#include <ctime>
#include <optional>

#include "absl/time/time.h"

namespace nisi::http2 {

// Nothing where OpenSSL cannot read it.
inline std::optional<absl::Time> TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace nisi::http2
