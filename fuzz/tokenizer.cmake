apr_fuzz(tokenizer LINKS apr_tokenizer)
# The vocabulary is the tests' own small one.
target_include_directories(fuzz_tokenizer PRIVATE ${PROJECT_SOURCE_DIR}/tests)
