#include "common/rpc/head_key.h"

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/key_files.h"

namespace nisi::rpc {

absl::StatusOr<HeadKey> HeadKeyFromFile(const std::string& path) {
  using Signer = std::shared_ptr<const store::HeadSigner>;
  RETURN_IF_ERROR(store::OpenHeadSigner(path).status());  // makes it
  const auto parse = [path](absl::string_view pem) -> absl::StatusOr<Signer> {
    return store::HeadSignerFromPem(pem, path);
  };
  ASSIGN_OR_RETURN(std::shared_ptr<ReloadingFile<Signer>> file,
                   ReloadingFile<Signer>::Open(path, parse, base::SystemNow(), Secrecy::kSecret));
  return HeadKey([file] { return *file->Current(base::SystemNow()); });
}

}  // namespace nisi::rpc
