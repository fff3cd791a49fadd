"""Content: accounts that send the same work (template, injected system prompt, skeleton, tool schema)."""

from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Kind
from stillwatch.signals.ties import TieSignal

_F = Family.CONTENT

SIGNAL = TieSignal(
    family=_F,
    kinds=(
        Kind(name="template", family=_F, label="template", source="derived", software=True),
        Kind(name="phrase", family=_F, label="fixed phrase", source="derived", software=True, forms=False),
        Kind(
            name="system", family=_F, label="system prompt", source="exchange", column="system_skeleton", software=True
        ),
        Kind(name="skeleton", family=_F, label="prompt skeleton", source="exchange", column="skeleton", software=True),
        Kind(
            name="edge_template",
            family=_F,
            label="template named at the edge",
            source="exchange",
            column="edge_template",
            software=True,
        ),
        Kind(name="schema", family=_F, label="tool schema", source="exchange", column="schema", software=True),
    ),
    null="members share templates, system prompts, skeletons and schemas no more than accounts of the same volume and "
    "age drawn at random",
    source="winnowing (Schleimer, Wilkerson & Aiken 2003) for the marks; matched permutation",
    evades="paraphrase of every fixed part; then parameters, lengths, timing and identity remain",
)
