"""A package: the files of one add-on, as Splunk reads them. Reads and writes archives and conf files."""
