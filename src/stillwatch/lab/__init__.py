"""Worlds to test on, and how well a case found what was in them. Nothing imports the lab.

``generate`` writes a log and its truth from a scenario (``scenarios/*.yaml``) and a seed; ``check`` looks for rules
that would solve a world without evidence; ``evaluate`` compares a case with the truth. Kinds of honest traffic are in
``honest/``, campaigns in ``harvest.py`` (what is sent), ``pool.py`` (when and by whom) and ``recruit.py`` (as whom);
texts come from the grammars in ``text/``, rates and lengths from public traces (``fitted.yaml``).
"""
