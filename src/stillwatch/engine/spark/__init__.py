"""Spark runs the same steps and kernels; needs the extra ``spark`` and Java. A reader starts at ``engine.py``."""
