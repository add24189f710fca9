# apr_layer(NAME SOURCES … LINKS …): one static library per folder of src/, named apr_NAME.
function(apr_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(apr_${name} STATIC ${arg_SOURCES})
  target_link_libraries(apr_${name} PUBLIC apr_flags ${arg_LINKS})
endfunction()
