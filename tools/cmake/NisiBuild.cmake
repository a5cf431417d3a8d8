# How everything here is compiled, and the three functions that declare a room, its tests and a program.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
option(NISI_WERROR "Warnings stop the build" ON)
set(NISI_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize")

set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -D_FORTIFY_SOURCE=2")
add_compile_options(-fstack-protector-strong)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(NISI_SANITIZE)
  add_compile_options(-fsanitize=${NISI_SANITIZE} -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=${NISI_SANITIZE})
  if(NISI_SANITIZE MATCHES thread)
    # Protocol Buffers lays out maps in another way where it sees this, and its package was built without.
    add_compile_options(-U__SANITIZE_THREAD__)
    add_compile_definitions(NISI_TSAN)
  endif()
  if(NISI_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# From nothing, most of a build's time goes into reading the same headers: the files of a room are compiled together, so
# that a name of a file is one of its room. Off where one edits, so that a file must bring what it uses and one changed
# file is one compiled.
option(NISI_UNITY "Compile the files of a room together" OFF)

# nisi_unity(TARGET [BATCH]): at most so many files at once. 28 are whole services: grants takes 43 s so, and 65 in three.
function(nisi_unity target)
  if(NISI_UNITY)
    list(APPEND ARGN 28)
    list(GET ARGN 0 batch)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${batch})
    # The warning judges by which file is the outermost. And a compiler collects garbage once it has 256 MiB, not at
    # every doubling of a little: a tenth of its time.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage "SHELL:--param ggc-min-heapsize=262144")
  endif()
endfunction()

option(NISI_PLANTED "Mistakes can be switched on, for tools/planted: never in what is shipped" OFF)
if(NISI_PLANTED)
  add_compile_definitions(NISI_PLANTED)
endif()

find_program(NISI_CCACHE ccache)
if(NISI_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${NISI_CCACHE})
endif()
find_program(NISI_MOLD mold)  # links in a third of the time of the default linker
if(NISI_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(GTest REQUIRED)
find_package(ZLIB REQUIRED)
# Debian's own python3: the one that has grpc and protobuf. Another may be first on PATH.
find_program(NISI_PYTHON3 python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(GMP REQUIRED IMPORTED_TARGET gmpxx)
# What one thread allocates another frees here, all day: a fifth of the CPU of a durable create less than with glibc's.
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
include(GoogleTest)

# nisi_link_order(TARGET [LIBRARY...]): the loader looks for each of 25,000 names in one shared library after another.
# Where those that have most of them come first (where they are needed at all), a tenth less CPU goes into a start.
function(nisi_link_order target)
  if(NOT NISI_SANITIZE)  # its own must be first
    list(TRANSFORM ARGN PREPEND -l OUTPUT_VARIABLE before)
    list(JOIN before " " before)
    target_link_options(${target} PRIVATE
                        "SHELL:-Wl,--push-state,--as-needed ${before} -lstdc++ -lgrpc -lprotobuf -lrocksdb -Wl,--pop-state")
  endif()
endfunction()

# Our own code is compiled with these; generated code is not.
set(NISI_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat=2 -Wcast-align
    -Wimplicit-fallthrough -Wextra-semi -Wsuggest-override -Wno-missing-field-initializers)
if(NISI_WERROR)
  # The five named are known false positives of g++ 12 under -O2.
  list(APPEND NISI_WARNINGS -Werror -Wno-error=restrict -Wno-error=maybe-uninitialized
       -Wno-error=stringop-overflow -Wno-error=array-bounds -Wno-error=dangling-pointer)
endif()

# nisi_library(NAME DEPS ... [TEST_DEPS ...] [TEST_SHARDS N]): a room. Takes every .cc of the current folder but
# *_test.cc and main.cc; the tests of the room become one program, NAME_test.
function(nisi_library name)
  cmake_parse_arguments(ARG "" "TEST_SHARDS" "DEPS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_compile_options(${name} PRIVATE ${NISI_WARNINGS})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS})
    nisi_unity(${name})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
  if(tests)
    nisi_test(${name}_test SOURCES ${tests} DEPS ${name} ${ARG_TEST_DEPS} SHARDS ${ARG_TEST_SHARDS})
    nisi_unity(${name}_test 12)  # what a test makes up has the plainest of names
  endif()
endfunction()

# What is tested is optimized, the tests themselves are not, and have no lines for a debugger (those of dev and of the
# sanitizers have): they take two thirds of the time to compile so.
function(nisi_test_options name)
  target_compile_options(${name} PRIVATE ${NISI_WARNINGS} "$<$<CONFIG:Release>:-O0;-g0;-U_FORTIFY_SOURCE>")
endfunction()

# Where one edits, each case of a program is one of ctest, by its name. Where all run, a program is one of ctest, or as
# many as its SHARDS: to start a process for each of 1,400 cases takes longer than the cases.
option(NISI_TEST_CASES "Each case of a test program is a case of ctest" ON)

# nisi_test(NAME SOURCES ... DEPS ... [SHARDS N]): a GoogleTest program.
function(nisi_test name)
  cmake_parse_arguments(ARG "" "SHARDS" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  nisi_test_options(${name})
  nisi_link_order(${name})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE NISI_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             NISI_BINARY_DIR="${CMAKE_BINARY_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  if(NISI_TEST_CASES)
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 LABELS unit PROCESSORS 2)
  else()
    if(NOT ARG_SHARDS)
      set(ARG_SHARDS 1)
    endif()
    foreach(shard RANGE 1 ${ARG_SHARDS})
      math(EXPR index "${shard} - 1")
      add_test(NAME ${name}.${shard} COMMAND ${name} --gtest_brief=1)
      set_tests_properties(${name}.${shard} PROPERTIES TIMEOUT 600 LABELS unit PROCESSORS 2
                           ENVIRONMENT "GTEST_TOTAL_SHARDS=${ARG_SHARDS};GTEST_SHARD_INDEX=${index}")
    endforeach()
  endif()
  set_property(GLOBAL APPEND PROPERTY NISI_UNIT_TESTS ${name})
endfunction()

# nisi_program(NAME SOURCES ... DEPS ...): a program, put into bin/.
function(nisi_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  nisi_unity(${name})
  target_compile_options(${name} PRIVATE ${NISI_WARNINGS})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  nisi_link_order(${name} jemalloc)
  if(NOT NISI_SANITIZE)  # they bring their own
    target_link_libraries(${name} PRIVATE PkgConfig::JEMALLOC)
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()
