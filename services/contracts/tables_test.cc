#include "services/contracts/tables.h"

#include <gtest/gtest.h>

#include "common/store/schema_testing.h"

namespace nisi::contracts {
namespace {

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(ContractsSchema(), "contracts");
}

}  // namespace
}  // namespace nisi::contracts
