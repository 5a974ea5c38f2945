"""The intermediate query: what is asked, free of SQL; paths of joins; and how both become SQL."""
