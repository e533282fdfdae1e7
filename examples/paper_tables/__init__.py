"""Tables of arXiv 2005.06828, each beside what is computed here.

A table is a module with a function `table(smoke) -> PaperTable` and an entry in
`reproduce_tables.py`.
"""
