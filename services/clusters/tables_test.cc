#include "services/clusters/tables.h"

#include <gtest/gtest.h>

#include "common/store/schema_testing.h"

namespace nisi::clusters {
namespace {

TEST(SchemaTest, IsSoundAndWhatTheGoldenFileSays) {
  store::ExpectGolden(ClustersSchema(), "clusters");
}

}  // namespace
}  // namespace nisi::clusters
