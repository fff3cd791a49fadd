"""The families of evidence in use. Adding one = adding a file and a line here."""

from stillwatch.signals import content, continuity, identity, infrastructure, intent, timing
from stillwatch.signals.base import Kind, Signal
from stillwatch.signals.ties import TieSignal

SIGNALS: tuple[Signal, ...] = (
    identity.SIGNAL,
    infrastructure.SIGNAL,
    content.SIGNAL,
    timing.SIGNAL,
    continuity.SIGNAL,
    intent.SIGNAL,
)

TIES: tuple[TieSignal, ...] = (
    identity.SIGNAL,
    infrastructure.SIGNAL,
    content.SIGNAL,
    continuity.SIGNAL,
    intent.SIGNAL,
)
KINDS: tuple[Kind, ...] = tuple(kind for signal in TIES for kind in signal.kinds)
