"""Infrastructure: accounts that come from the same machines (address, network, TLS, client, parameters)."""

from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Kind
from stillwatch.signals.ties import TieSignal

_F = Family.INFRASTRUCTURE

SIGNAL = TieSignal(
    family=_F,
    kinds=(
        Kind(name="address", family=_F, label="address", source="exchange", column="address"),
        Kind(name="signup_address", family=_F, label="sign-up address", source="account", column="signup_ip"),
        Kind(name="network", family=_F, label="network prefix", source="exchange", column="network"),
        Kind(name="tls", family=_F, label="TLS fingerprint", source="exchange", column="tls", software=True),
        Kind(name="client", family=_F, label="client", source="exchange", column="client", software=True),
        Kind(
            name="parameters",
            family=_F,
            label="request parameters",
            source="exchange",
            column="parameters",
            software=True,
        ),
        Kind(name="stack", family=_F, label="client stack", source="derived", software=True),
    ),
    null="members share addresses, network prefixes and client stacks no more than accounts of the same volume and "
    "age drawn at random; a hub (VPN, NAT, popular client) counts only for its excess",
    source="co-occurrence beyond the hub's own frequency (after Tumminello et al. 2011); matched permutation",
    evades="one residential address per account and the commonest client strings",
)
