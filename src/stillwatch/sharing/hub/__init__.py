"""The hub: a neutral server that joins what several providers saw of one campaign, and shows each what it may see.

It knows what members published as STIX, nothing else: no text, no account, no address narrower than they share.
"""
