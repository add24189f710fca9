apr_fuzz(jinja LINKS apr_chat)
