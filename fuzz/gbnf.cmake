apr_fuzz(gbnf LINKS apr_sampling)
