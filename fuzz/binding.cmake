apr_fuzz(binding LINKS apr_model)
# The models that it edits are the tests' own small ones.
target_include_directories(fuzz_binding PRIVATE ${PROJECT_SOURCE_DIR}/tests)
