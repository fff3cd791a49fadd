"""Identity: accounts that were opened by the same hand (payment, device, phone, cohort, mail)."""

from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Kind
from stillwatch.signals.ties import TieSignal

_F = Family.IDENTITY

SIGNAL = TieSignal(
    family=_F,
    kinds=(
        Kind(name="payment", family=_F, label="payment instrument", source="account", column="payment_fingerprint"),
        Kind(name="device", family=_F, label="device", source="account", column="device_fingerprint"),
        Kind(name="phone", family=_F, label="phone", source="account", column="phone_fingerprint"),
        Kind(name="mail_domain", family=_F, label="mail domain", source="account", column="email_domain", forms=False),
        Kind(name="cohort", family=_F, label="sign-up hour", source="derived", forms=False),
    ),
    null="members share payment instruments, devices, phones, mail domains and sign-up hours "
    "no more than accounts of the same volume and age drawn at random",
    source="shared-attribute linkage with term frequency (Fellegi & Sunter 1969; Winkler 2006); matched permutation",
    evades="one payment instrument, device and phone per account and sign-ups spread over weeks",
)
