"""TAXII 2.1 (OASIS Standard, 10 June 2021): a small server, and the client commands that push and pull."""
