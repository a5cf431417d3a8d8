#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "nisi/rpc/v1/options.pb.h"

// The services this program knows. Everything else here works from their descriptors, so a new
// package costs one line in packages.cc.
namespace nisi::cli {

// All proto services that one name on the command line stands for.
struct Service {
  // The owner, as "priority-goods"; "journal" for the standard service that every process has.
  std::string name;
  // A call must say which process it means (`--service`).
  bool standard = false;
  std::vector<const google::protobuf::ServiceDescriptor*> parts;
};

// In the order of the package list.
const std::vector<Service>& Services();

// Null when there is none.
const Service* FindService(absl::string_view name);
// By its name on the command line, as "check-goods". Null when there is none.
const google::protobuf::MethodDescriptor* FindMethod(const Service& service,
                                                     absl::string_view name);
std::vector<const google::protobuf::MethodDescriptor*> MethodsOf(const Service& service);

// The names of those that own a package: what `--service` may be.
std::vector<std::string> Owners();

const nisi::rpc::v1::Policy& PolicyOf(const google::protobuf::MethodDescriptor& method);
// "/nisi.priority_goods.v1.PriorityGoodsService/CheckGoods"
std::string PathOf(const google::protobuf::MethodDescriptor& method);

}  // namespace nisi::cli
