"""A world: its time, networks, texts, accounts, and the model provider that all agents call."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from bench.agents.clock import DAY, EPOCH, MINUTE
from bench.agents.dice import Dice
from bench.agents.internet import Internet
from bench.agents.ledger import Ledger, Row, Setup, Where
from bench.agents.texts import Texts, tokens

LARGE, SMALL, CODE, NEXT = "atlas-large-3", "atlas-small-3", "atlas-code-2", "atlas-large-4"
# Requests a minute by plan; above it the provider answers 429.
LIMITS = {"free": 6, "plus": 12, "pro": 30, "payg": 60, "team": 60, "enterprise": 600, "trial": 15}
# How often the provider refuses a request, by what its filter thinks of it.
REFUSED = {"harm": 0.75, "borderline": 0.2, "reasoning_extraction": 0.006, "framing": 0.93, "political": 0.05}
LABELS = ("harm", "borderline", "reasoning_extraction")  # what the filter calls a harmless request by mistake
_MAIL = {"gmail.com": 55, "outlook.com": 14, "yahoo.com": 7, "icloud.com": 9, "proton.me": 4, "hotmail.com": 5}
_LOCAL_MAIL = {
    "ru": ["mail.ru", "yandex.ru"],
    "zh": ["qq.com", "163.com"],
    "de": ["gmx.de", "web.de"],
    "fr": ["orange.fr"],
}


@dataclass(slots=True)
class Account:
    """One account, and the truth about it. Times in µs since 1970."""

    index: int
    role: str
    campaign: str | None
    language: str
    country: str
    created_at: int
    plan: str
    vpn: bool = False
    org_id: str | None = None
    programme: str | None = None
    verification: str | None = "email"
    email_domain: str | None = None
    phone_fingerprint: str | None = None
    payment_fingerprint: str | None = None
    signup_ip: str | None = None
    device_fingerprint: str | None = None
    licence_id: str | None = None
    banned_at: int | None = None
    key: str = ""


@dataclass(slots=True)
class Reply:
    """What the model would answer, should the provider let it: text, total output tokens, hidden reasoning tokens."""

    text: str
    tokens: int = 0
    reasoning: int = 0
    risk: str | None = None


@dataclass
class World:
    name: str
    seed: int
    days: float
    data: Path
    scale: float = 1.0
    weekday: int = 0
    release_at: int | None = None
    outages: list[tuple[int, int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = Dice("world", self.name, self.seed)
        self.start = EPOCH + self.weekday * DAY
        self.end = self.start + int(self.days * DAY)
        self.texts = Texts(self.data)
        self.internet = Internet(self.dice.child("internet"), self.data)
        self.ledger = Ledger()
        self.accounts: list[Account] = []
        self.licences: list[dict[str, object]] = []
        self.board: list[str] = []  # prompts people have posted where others copy them
        self._minutes: defaultdict[tuple[int, int], int] = defaultdict(int)

    def size(self, count: float) -> int:
        return max(2, round(count * self.scale))

    def at(self, day: float) -> int:
        return self.start + int(day * DAY)

    def open_account(self, dice: Dice, role: str, country: str, language: str, **given: object) -> Account:
        """An account with ordinary attributes, unless `given` says otherwise."""
        age = dice.lognormal(150, 1.3) * DAY
        created = self.start - int(min(age, 1200 * DAY))
        if dice.chance(0.07):
            created = self.at(dice.py.uniform(-2, self.days * 0.8))
        plan = dice.weighted({"free": 40, "plus": 30, "pro": 6, "payg": 20, "trial": 4})
        verification = "phone" if dice.chance(0.45) else "email"
        account = Account(
            len(self.accounts),
            role,
            None,
            language,
            country,
            created,
            plan,
            verification=verification,
            email_domain=self.mail(dice, language),
            device_fingerprint=dice.token("dev") if dice.chance(0.7) else None,
        )
        for name, value in given.items():
            setattr(account, name, value)
        if "payment_fingerprint" not in given and account.plan not in ("free", "trial"):
            account.payment_fingerprint = dice.token("card")
        if "phone_fingerprint" not in given and account.verification in ("phone", "id"):
            account.phone_fingerprint = dice.token("tel")
        account.key = dice.token("key")
        self.accounts.append(account)
        return account

    def mail(self, dice: Dice, language: str) -> str:
        if language in _LOCAL_MAIL and dice.chance(0.4):
            return dice.pick(_LOCAL_MAIL[language])
        return dice.weighted(_MAIL)

    def model(self, dice: Dice, at: int, base: str = LARGE, keen: float = 0.25) -> str:
        """The model somebody asks for: after the release, `keen` is the share that has moved on within a day."""
        if base == LARGE and self.release_at is not None and at >= self.release_at:
            moved = keen * min(1.0, 0.3 + (at - self.release_at) / DAY)
            return NEXT if dice.chance(moved) else base
        return base

    def call(
        self,
        dice: Dice,
        account: Account,
        at: int,
        setup: Setup,
        where: Where,
        model: str,
        prompt: str,
        reply: Reply,
        *,
        session: str | None = None,
        end_user: str | None = None,
        messages: int = 1,
        history: int = 0,
        presented: str | None = None,
    ) -> int:
        """Send one request; the provider answers and the log keeps it. Returns the HTTP status."""
        if not self.start <= at < self.end:
            return 0
        status, label = self._judge(dice, account, at, reply.risk)
        answered, refused = status == 200, label is not None
        text = self.texts.refusal(dice, account.language) if refused else reply.text
        out = max(tokens(text), reply.tokens if not refused else 0)
        limit = setup.max_output_tokens
        cut = answered and limit is not None and out > limit
        given = tokens(setup.system_prompt) + tokens(prompt) + history + 8
        thought = 0 if not answered or refused else reply.reasoning
        if answered and not refused and not thought and model in (LARGE, NEXT) and dice.chance(0.3):
            thought = int(dice.lognormal(280, 0.9))
        prefix = tokens(setup.system_prompt) + history
        cached = prefix // 128 * 128 if prefix >= 1024 and dice.chance(0.7) else 0
        issued = f"rr_{dice.py.getrandbits(64):016x}" if thought and dice.chance(0.8) else None
        self.ledger.add(
            Row(
                at,
                account.index,
                self.ledger.setup(setup),
                self.ledger.where(where),
                model,
                prompt,
                text if answered else None,
                session,
                end_user,
                messages,
                given,
                (min(out, limit) if limit is not None else out) if answered else None,
                thought if answered else None,
                cached if answered else None,
                status,
                ("length" if cut else "stop") if answered else None,
                refused if answered else None,
                "reasoning_extraction" if label == "framing" else label,
                issued,
                presented,
            )
        )
        return status

    def _judge(self, dice: Dice, account: Account, at: int, risk: str | None) -> tuple[int, str | None]:
        """The status, and the provider's label if it refuses; its filter is wrong about one request in a thousand."""
        if account.banned_at is not None and at >= account.banned_at:
            return 403, None
        minute = (account.index, at // MINUTE)
        self._minutes[minute] += 1
        if self._minutes[minute] > LIMITS[account.plan]:
            return 429, None
        down = next((share for begin, end, share in self.outages if begin <= at < end), 0.002)
        if dice.chance(down):
            return dice.pick((500, 529, 529, 503)), None
        if risk is None:
            return 200, dice.pick(LABELS) if dice.chance(0.001) else None
        return 200, risk if dice.chance(REFUSED[risk]) else None
