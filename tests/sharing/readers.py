"""The readers that others use. Importing them warns of what is old in them: not ours to mend, so not an error here."""

from __future__ import annotations

import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import stix2
    import stix2validator
    from misp_stix_converter import ExternalSTIX2toMISPParser
    from pymisp import MISPEvent
    from stix2patterns.validator import run_validator

# one of them leaves a finder of Python 2's time behind, of which every later import of anything would warn
sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]

__all__ = ["ExternalSTIX2toMISPParser", "MISPEvent", "run_validator", "stix2", "stix2validator"]
