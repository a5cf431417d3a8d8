#pragma once

#include <string>
#include <vector>

namespace nisi::cli {

// Names the data folder where --data does not, as for the commands that call.
inline constexpr char kDataVariable[] = "NISI_DATA";

// nisi serve: all services and the gateway in this process. Returns the exit code.
int ServeMain(const std::vector<std::string>& args);

// Each Complete: what may stand in the place of the last of the words after its name.
std::vector<std::string> CompleteServe(const std::vector<std::string>& words);

// nisi restore: see serve_restore.cc. Returns the exit code.
int RestoreMain(const std::vector<std::string>& args);
std::vector<std::string> CompleteRestore(const std::vector<std::string>& words);

// nisi doctor: see serve_doctor.cc. Returns the exit code.
int DoctorMain(const std::vector<std::string>& args);
std::vector<std::string> CompleteDoctor(const std::vector<std::string>& words);

}  // namespace nisi::cli
