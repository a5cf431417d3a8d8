// The real service of priority goods as a release after this one might be: of another format on
// disk, with one more index. NEXT_RELEASE=unique makes it one that the records may not fit.
#include <cstdlib>
#include <string>

#include "common/rpc/service_main.h"
#include "services/priority_goods/service.h"
#include "services/priority_goods/tables.h"

namespace nisi::priority_goods {
namespace {

bool IsUnique() {
  const char* const kind = std::getenv("NEXT_RELEASE");
  return kind != nullptr && std::string(kind) == "unique";
}

}  // namespace

int NextMain(int argc, char** argv) {
  static const store::Index<EditionRow> kEditionsByTitle{
      9, "editions_by_title", kEditions, IsUnique(),
      [](const EditionRow& row, const store::EmitKey& emit) {
        emit(store::Key::Of(row.edition().title_ru()));
      }};
  // Its own, before anybody reads it.
  auto& schema = const_cast<store::Schema&>(PriorityGoodsSchema());
  ++schema.format;
  schema.indexes.push_back(&kEditionsByTitle);
  return rpc::ServiceMain(argc, argv, "priority-goods", Open);
}

}  // namespace nisi::priority_goods

int main(int argc, char** argv) {
  return nisi::priority_goods::NextMain(argc, argv);
}
