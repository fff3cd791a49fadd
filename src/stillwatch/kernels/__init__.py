"""Compiled work on Arrow buffers.

Trap: Numba's disk cache looks only at the file of the function that is called. After a change to a private module
(``_tokens.py`` …) its callers in ``text.py`` run the old code until ``__pycache__/*.nb?`` is deleted.
"""
