apr_fuzz(json_schema LINKS apr_sampling)
