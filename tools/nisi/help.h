#pragma once

#include <string>
#include <vector>

#include "tools/nisi/io.h"
#include "tools/nisi/packages.h"

namespace nisi::cli {

// Commands of the program itself.
struct Command {
  const char* name;
  const char* usage;
  const char* what;
};
const std::vector<Command>& Commands();

// Up to its first full stop; that of "Art." is none.
std::string FirstSentence(const std::string& text);

// "nisi priority-goods check-goods --help"
std::string HelpCommand(const google::protobuf::MethodDescriptor& method);

// What a field holds, as its proto says; of what means the same in every request, as page_size,
// where the proto does not say it again. "" where nobody says it.
std::string TextOf(const google::protobuf::FieldDescriptor& field);

// What a service is for, as its proto says.
std::string PurposeOf(const Service& service);

std::string HelpOf();
std::string HelpOf(const Service& service);
std::string HelpOf(const Service& service, const google::protobuf::MethodDescriptor& method);
// Of a command of the program. Empty when there is none of that name.
std::string HelpOf(const std::string& command);

// A command line of the method that a shell and this program take as it stands.
std::string ExampleOf(const Service& service, const google::protobuf::MethodDescriptor& method);

}  // namespace nisi::cli
