#include "tools/nisi/serve_services.h"

#include "services/clusters/service.h"
#include "services/clusters/tables.h"
#include "services/contracts/service.h"
#include "services/contracts/tables.h"
#include "services/export_refunds/service.h"
#include "services/export_refunds/tables.h"
#include "services/grants/service.h"
#include "services/grants/tables.h"
#include "services/industry_map/service.h"
#include "services/industry_map/tables.h"
#include "services/priority_goods/service.h"
#include "services/priority_goods/tables.h"
#include "services/suppliers/service.h"
#include "services/suppliers/tables.h"

namespace nisi::cli {

const std::map<std::string, ServiceParts>& ServedServices() {
  static const auto* const kServices = new std::map<std::string, ServiceParts>{
      {"industry-map",
       {industry_map::Open, industry_map::IndustryMapSchema, industry_map::Machines}},
      {"export-refunds",
       {export_refunds::Open, export_refunds::ExportRefundsSchema, export_refunds::Machines}},
      {"contracts",
       {contracts::Open, contracts::ContractsSchema, contracts::Machines, contracts::CheckNorms}},
      {"clusters",
       {clusters::Open, clusters::ClustersSchema, clusters::Machines, clusters::CheckNorms}},
      {"grants", {grants::Open, grants::GrantsSchema, grants::Machines, grants::CheckNorms}},
      {"priority-goods",
       {priority_goods::Open, priority_goods::PriorityGoodsSchema, priority_goods::Machines}},
      {"suppliers", {suppliers::Open, suppliers::SuppliersSchema, suppliers::Machines}},
  };
  return *kServices;
}

}  // namespace nisi::cli
