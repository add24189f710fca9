apr_fuzz(gguf LINKS apr_gguf)
