"""Objects of STIX 2.1: what leaves a case, as plain values; ids, times and labels that everything here uses."""
