"""One world being written: its accounts, exchanges and truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from bench.realtext.network import Network, Stack
from bench.realtext.texts import RESPONSE_LIMIT, Item, Library
from bench.realtext.traces import DAY, SECOND, Floats, Traces

T = TypeVar("T")
STAMP = pa.timestamp("us", tz="UTC")
TEXT = ["account_id", "exchange_id", "org_id", "api_key_id", "end_user_id", "session_id", "channel", "model"]
TEXT += ["system_prompt", "prompt", "response", "tool_schema_hash", "finish_reason", "refusal_category"]
TEXT += ["client_ip", "user_agent", "tls_fingerprint", "response_format"]
WHOLE = ["message_count", "input_tokens", "output_tokens", "cached_input_tokens", "max_output_tokens", "tools_count"]
EXCHANGES = pa.schema(
    [("ts", STAMP)]
    + [(name, pa.string()) for name in TEXT]
    + [(name, pa.int64()) for name in [*WHOLE, "status", "asn"]]
    + [(name, pa.float64()) for name in ("temperature", "top_p")]
    + [(name, pa.bool_()) for name in ("stream", "refusal")]
)
ACCOUNT_TEXT = ["account_id", "org_id", "plan", "programme", "verification", "email_domain", "phone_fingerprint"]
ACCOUNT_TEXT += ["payment_fingerprint", "signup_ip", "device_fingerprint", "country"]
ACCOUNTS = pa.schema([("created_at", STAMP)] + [(name, pa.string()) for name in ACCOUNT_TEXT])
TRUTH = pa.schema(
    [(name, pa.string()) for name in ("account_id", "role", "campaign", "language")]
    + [("vpn", pa.bool_()), ("new", pa.bool_())]
)
FREE_MAIL = ["gmail.com", "outlook.com", "icloud.com", "yahoo.com", "proton.me", "qq.com", "163.com", "hotmail.com"]
REFUSALS = [
    "I can't help with that.",
    "I'm sorry, but I can't share that.",
    "I won't do this, but I can help otherwise.",
]
COUNTRIES = ["US", "IN", "DE", "BR", "GB", "FR", "JP", "CN", "KR", "NL", "CA", "SG", "NG", "MX", "PL", "VN"]
MODELS = ["atlas-large-2", "atlas-mini-2", "atlas-code-1", "atlas-large-3"]


@dataclass(slots=True)
class Account:
    id: str
    created: int
    stack: Stack
    addresses: list[str]
    parameters: dict[str, Any]
    model: str
    channel: str
    lengths: Floats
    key: str | None = None
    org: str | None = None
    system: str | None = None
    tools: tuple[int, str] | None = None
    stream: bool | None = None
    queries: int = field(default=0)


class Ledger:
    def __init__(self, data: Path, seed: int, days: int) -> None:
        self.rng = np.random.default_rng([seed, 20_260])
        start = dt.datetime(2026, 3, 2, tzinfo=dt.UTC) + dt.timedelta(days=int(self.rng.integers(200)))
        self.start, self.days = int(start.timestamp() * SECOND), days
        self.end = self.start + days * DAY * SECOND
        self.library = Library(data, self.rng)
        self.traces = Traces(data, self.rng, self.start, days)
        self.network = Network(data, self.rng)
        self.disposable = [
            str(v) for v in pq.read_table(data / "E_disposable_email_domains.parquet")["domain"].to_pylist()
        ]
        self.accounts: list[dict[str, Any]] = []
        self.exchanges: list[dict[str, Any]] = []
        self.truth: list[dict[str, Any]] = []
        self.licences: list[dict[str, Any]] = []

    # ---- small draws
    def token(self, prefix: str) -> str:
        return f"{prefix}_{self.rng.bytes(6).hex()}"

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def mail(self, disposable: float) -> str:
        if self.chance(disposable):  # a few services take most sign-ups
            return self.disposable[int(min(len(self.disposable) - 1, self.rng.zipf(1.3) * 7))]
        return FREE_MAIL[min(len(FREE_MAIL) - 1, int(self.rng.geometric(0.45)) - 1)]

    def age(self, new: float) -> float:
        """Days since sign-up: a share of recent accounts, the rest over two years; negative = inside the window."""
        if self.chance(new):
            return float(self.rng.uniform(-0.6 * self.days, 8.0))
        return float(min(800.0, 8.0 + self.rng.lognormal(4.6, 1.1)))

    # ---- accounts
    def account(
        self,
        role: str,
        *,
        campaign: str = "",
        language: str = "en",
        app: bool = False,
        net: str = "",
        new: float = 0.12,
        disposable: float = 0.03,
        days_old: float | None = None,
        **fixed: Any,
    ) -> Account:
        """One account; whatever is not fixed is drawn as for anybody else of its channel."""
        draw = self.rng.random()
        net = net or ("home" if draw < 0.66 else "cgnat" if draw < 0.84 else "vpn" if draw < 0.94 else "datacenter")
        if not app and net == "home" and self.chance(0.45):
            net = "datacenter"
        vpn = net == "vpn"
        age = self.age(new) if days_old is None else days_old
        created = int(min(self.start - age * DAY * SECOND, self.end - 3600 * SECOND))
        addresses = fixed.get("addresses") or self.network.addresses(net)
        cloud = "" if app or not self.chance(0.12) else self.pick(["cloud:nimbus", "cloud:stratus", "reseller"])
        model = MODELS[min(3, int(self.rng.geometric(0.42)) - 1)]
        out = Account(
            id=self.token("acct"),
            created=created,
            stack=fixed.get("stack") or self.network.stack(app),
            addresses=addresses,
            parameters=fixed["parameters"] if "parameters" in fixed else {} if app else self.network.parameters(),
            model=fixed.get("model") or model,
            channel="app" if app else fixed.get("channel") or cloud or "api",
            lengths=fixed["lengths"] if "lengths" in fixed else self.traces.profile(),
            key=None if app else self.token("key"),
            org=fixed.get("org"),
            system=fixed.get("system"),
            tools=fixed.get("tools"),
            stream=True if app else self.pick([None, None, True, False]),
        )
        paid = self.chance(0.8 if not app else 0.45)
        sign_up = self.network.home() if self.chance(0.5) and net in ("datacenter", "vpn") else self.pick(addresses)
        row = {
            "account_id": out.id,
            "created_at": created,
            "org_id": out.org,
            "plan": fixed.get("plan") or (self.pick(["payg", "payg", "pro", "team"]) if paid else "free"),
            "programme": fixed.get("programme"),
            "verification": fixed.get("verification") or self.pick(["email", "email", "phone", "phone", "none", "id"]),
            "email_domain": fixed.get("email") or self.mail(disposable),
            "phone_fingerprint": fixed.get("phone") or (self.token("ph") if self.chance(0.6) else None),
            "payment_fingerprint": fixed.get("payment") or (self.token("pay") if paid else None),
            "signup_ip": fixed.get("signup_ip") or sign_up,
            "device_fingerprint": fixed.get("device") or (self.token("dev") if self.chance(0.7) else None),
            "country": self.pick(COUNTRIES),
        }
        self.accounts.append(row)
        fresh = created >= self.start - 7 * DAY * SECOND
        label = {"account_id": out.id, "role": role, "campaign": campaign or None, "language": language}
        self.truth.append({**label, "vpn": vpn, "new": fresh})
        return out

    # ---- exchanges
    def emit(self, account: Account, ts: int, prompt: str, response: str | None = None, **given: Any) -> bool:
        """Write one exchange, unless it falls outside the log or before sign-up."""
        if not (max(self.start, account.created + 60 * SECOND) <= ts < self.end):
            return False
        status = int(given.get("status", 200))
        refused = bool(given.get("refusal", status == 200 and self.chance(0.006)))
        done = status == 200
        system = given.get("system", account.system)
        wide = sum(ord(char) > 0x2E80 for char in prompt[:200]) > 20
        size = len(prompt) / (1.6 if wide else 4.1) + len(system or "") / 4.2 + 6 + given.get("history", 0)
        limit = account.parameters.get("max_output_tokens")
        output = int(given.get("output") or (self.rng.integers(12, 60) if refused else self.length(account, response)))
        cut = limit is not None and output >= limit
        body = REFUSALS[int(self.rng.integers(3))] if refused else response or self.pick(self.library.replies)
        address = account.addresses[0] if self.chance(0.8) else self.pick(account.addresses)
        self.exchanges.append(
            {
                "ts": ts,
                "account_id": account.id,
                "exchange_id": self.token("ex"),
                "org_id": account.org,
                "api_key_id": account.key,
                "end_user_id": given.get("end_user"),
                "session_id": given.get("session"),
                "channel": account.channel,
                "model": account.model,
                "system_prompt": system,
                "prompt": prompt,
                "response": body if done else None,
                "message_count": given.get("messages", 1) + (system is not None),
                "input_tokens": int(given.get("input") or size),
                "output_tokens": (min(output, limit) if limit else output) if done else None,
                "cached_input_tokens": given.get("cached"),
                "tools_count": account.tools[0] if account.tools else None,
                "tool_schema_hash": account.tools[1] if account.tools else None,
                "status": status,
                "finish_reason": ("length" if cut else "stop") if done else None,
                "refusal": refused if done else None,
                "client_ip": address,
                "asn": self.network.asn(address),
                "user_agent": account.stack.user_agent,
                "tls_fingerprint": account.stack.tls,
                "temperature": account.parameters.get("temperature"),
                "top_p": account.parameters.get("top_p"),
                "max_output_tokens": limit,
                "stream": account.stream,
            }
        )
        return True

    def length(self, account: Account, response: str | None) -> int:
        """Output tokens: those of a stored reply that is whole, else a draw from the account's real client."""
        if response and len(response) < RESPONSE_LIMIT:
            wide = 1.6 if ord(response[0]) > 0x2E80 else 4.1
            return 1 + int(len(response) / wide * self.rng.uniform(0.85, 1.25))
        return max(60 if response else 1, self.traces.output_tokens(account.lengths))

    def send(self, account: Account, ts: int, item: Item | str, response: str | None = None, **given: Any) -> None:
        """As `emit`, with the throttling anybody meets now and then: the same account tries again."""
        prompt, reply = (item, response) if isinstance(item, str) else (item.prompt, item.response)
        if self.chance(0.006):
            self.emit(account, ts, prompt, status=int(self.pick([429, 429, 500, 503])), **given)
            ts += int(self.rng.uniform(1, 20) * SECOND)
        self.emit(account, ts, prompt, reply, **given)

    # ---- files
    def write(self, out: Path, without: set[str]) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.exchanges.sort(key=lambda row: (row["ts"], row["exchange_id"]))
        seen = {row["account_id"] for row in self.exchanges}
        order = self.rng.permutation(len(self.accounts))
        tables = (
            ("exchanges", self.exchanges, EXCHANGES),
            ("accounts", [self.accounts[int(i)] for i in order], ACCOUNTS),
            ("truth", [self.truth[int(i)] for i in order], TRUTH),
        )
        for name, rows, schema in tables:
            kept = rows if name == "exchanges" else [row for row in rows if row["account_id"] in seen]
            table = pa.Table.from_pylist(kept, schema=schema)
            if name != "truth":
                table = table.drop_columns([c for c in table.column_names if c in without and c != "account_id"])
            pq.write_table(table, out / f"{name}.parquet", compression="zstd")
        (out / "licences.yaml").write_text(yaml.safe_dump({"licences": self.licences}, sort_keys=False))
