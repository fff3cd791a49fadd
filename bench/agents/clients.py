"""Programs people use: their user agents, TLS fingerprints and default parameters."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from bench.agents.dice import Dice
from bench.agents.ledger import Setup


@dataclass(frozen=True, slots=True)
class Client:
    """One program in one version. `ja4` follows the library it was built with, not the program's name."""

    user_agent: str
    ja4: str

    def setup(self, channel: str = "api", **fixed: object) -> Setup:
        values: dict[str, object] = {"channel": channel, "user_agent": self.user_agent, "tls_fingerprint": self.ja4}
        return Setup(**{**values, **fixed})  # type: ignore[arg-type]


def ja4(library: str, alpn: str = "h2") -> str:
    """A fingerprint in JA4's form, fixed per library build."""
    word = blake2b(library.encode(), digest_size=12).hexdigest()
    return f"t13d{13 + int(word[0], 16) % 6}{10 + int(word[1], 16) % 8}{alpn}_{word[:12]}_{word[12:24]}"


_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit"
_KIT = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"
_BROWSERS = {
    (f"{_WINDOWS}) {_KIT}", "chromium"): 40,
    (f"{_MAC}{_KIT[11:]}", "chromium"): 16,
    (f"{_WINDOWS}) {_KIT} Edg/{{v}}.0.0.0", "chromium"): 12,
    (f"{_MAC}/605.1.15 (KHTML, like Gecko) Version/{{s}} Safari/605.1.15", "safari"): 12,
    ("Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0", "firefox"): 6,
    (_WINDOWS + "; rv:{v}.0) Gecko/20100101 Firefox/{v}.0", "firefox"): 7,
}  # fmt: skip
_PHONES = {
    ("Atlas/6.{p} (iPhone; iOS 19.{q})", "ios19"): 45,
    ("Atlas/6.{p} (Android 16; {m})", "okhttp5"): 40,
    ("Atlas/6.{p} (Android 15; {m})", "okhttp4"): 15,
}
_MODELS = ("Pixel 10", "SM-S938B", "SM-A556E", "CPH2671", "23127PN0CG", "XQ-FS54", "moto g85", "V2419")
_SDKS = {
    ("atlas-python/2.{p}.{r}", "httpx-openssl3"): 45,
    ("atlas-python/1.6{r}.0", "httpx-openssl1"): 15,
    ("atlas-node/5.{p}.{r}", "node22"): 22,
    ("atlas-node/4.9{r}.0", "node18"): 8,
    ("atlas-go/0.{p}.0", "go1.25"): 5,
    ("okhttp/5.1.0", "okhttp5"): 3,
    ("python-requests/2.32.{r}", "requests-openssl3"): 6,
    ("langchain/1.{r} python/3.12", "httpx-openssl3"): 6,
    ("litellm/1.8{r}.0", "aiohttp-openssl3"): 5,
    ("curl/8.1{r}.0", "curl8"): 2,
}
_IDES = {
    ("helixcode/3.{p} vscode/1.10{r}", "electron37"): 50,
    ("codecrane/2026.{r} jetbrains", "java21"): 30,
    ("nvim-atlas/0.{r}", "curl8"): 10,
}


def _fill(choice: tuple[str, str], dice: Dice) -> Client:
    roll = dice.py.random
    text = choice[0].format(
        v=int(136 + 8 * roll() ** 0.5), s=dice.pick(["18.5", "18.6", "26.0"]), p=int(4 + 9 * roll() ** 0.5),
        q=int(4 * roll()), r=int(6 * roll()), m=dice.pick(_MODELS),
    )  # fmt: skip
    return Client(text, ja4(choice[1]))


def browser(dice: Dice) -> Client:
    return _fill(dice.weighted(_BROWSERS), dice)


def phone(dice: Dice) -> Client:
    return _fill(dice.weighted(_PHONES), dice)


def sdk(dice: Dice) -> Client:
    return _fill(dice.weighted(_SDKS), dice)


def ide(dice: Dice) -> Client:
    return _fill(dice.weighted(_IDES), dice)


def own_program(dice: Dice, name: str) -> Client:
    """A program somebody built: an unusual agent, and a TLS stack that few others have."""
    return Client(f"{name}/{dice.py.randrange(1, 4)}.{dice.py.randrange(10)}", ja4(f"{name}-{dice.py.random()}"))
