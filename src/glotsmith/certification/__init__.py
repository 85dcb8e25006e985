"""The certificate of a language: how often verification passes right programs, and fails wrong ones.

It judges labelled programs: the rows of the language, translations that are right, and their mutants.
"""
