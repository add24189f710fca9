# Flags of every target, in one interface library.
add_library(apr_flags INTERFACE)
target_include_directories(apr_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
# No fused multiply-add behind our back: where one is meant, the code says fma. The same bits everywhere depend on it.
target_compile_options(apr_flags INTERFACE -Wall -Wextra -ffp-contract=off -fno-math-errno)
# GCC 12 takes text + text for copies that overlap (gcc.gnu.org/PR105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(apr_flags INTERFACE -Wno-restrict)
endif()
if(APR_WERROR)
  target_compile_options(apr_flags INTERFACE -Werror)
endif()
if(APR_SANITIZE)
  target_compile_options(apr_flags INTERFACE -fsanitize=${APR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(apr_flags INTERFACE -fsanitize=${APR_SANITIZE})
endif()
if(APR_FUZZ)
  target_compile_options(apr_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
