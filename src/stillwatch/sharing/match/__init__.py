"""Private matching: two providers learn how many identifiers they share, and only with both consenting, which.

Private set intersection by elliptic-curve Diffie–Hellman (Meadows 1986; Huberman, Franklin & Hogg 1999), from the
`openmined-psi` library. What the protocol leaves open is closed around it: who may ask, how often, about what, from
which set.
"""
