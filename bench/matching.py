"""Private matching between two processes over HTTPS on loopback.

    python bench/matching.py [--ask 100000] [--answer 1000000] [--common 5000]

Prints Markdown: seconds, CPU seconds and peak memory of each side. Both sides consent to reveal; that the common
identifiers come out is checked.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PORT = 8597
SCOPE = ("--kind", "payment", "--epoch", "2026-11", "--consent-by", "bench", "--reveal-from", "10")


def certificate(folder: Path) -> None:
    """``tls.crt`` and ``tls.key`` for 127.0.0.1."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=3))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def identifiers(first: int, last: int) -> str:
    """One a line, as a payment processor's fingerprints look."""
    return "".join(f"pay_{hashlib.sha256(str(n).encode()).hexdigest()[:24]}\n" for n in range(first, last))


def usage(child: subprocess.Popen[bytes]) -> tuple[float, int]:
    """CPU seconds and peak resident MiB of a child that has ended or is told to."""
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ask", type=int, default=100_000)
    parser.add_argument("--answer", type=int, default=1_000_000)
    parser.add_argument("--common", type=int, default=5_000)
    given = parser.parse_args()
    program = str(Path(sys.executable).with_name("stillwatch"))
    program = program if Path(program).exists() else shutil.which("stillwatch") or "stillwatch"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate(folder)
        (folder / "ours").write_text(identifiers(0, given.ask))
        (folder / "theirs").write_text(identifiers(given.ask - given.common, given.ask - given.common + given.answer))
        keys = {}
        for side in ("a", "b"):
            subprocess.run(
                [program, "evidence", "keygen", "--out", folder / side], check=True, stdout=subprocess.DEVNULL
            )
            keys[side] = subprocess.check_output(
                [program, "share", "match", "key", "--key", folder / f"{side}.key"], text=True
            ).strip()
        (folder / "peers.yaml").write_text(
            f"peers: [{{name: A, key: {keys['a']}, questions: 3, identifiers: {3 * given.ask}}}]"
        )
        began = time.perf_counter()
        server = subprocess.Popen(
            [program, "share", "match", "serve", folder / "theirs", "--key", folder / "b.key", "--port", str(PORT),
             "--peers", folder / "peers.yaml", "--ledger", folder / "ledger", "--largest", str(given.ask),
             "--tls-cert", folder / "tls.crt", "--tls-key", folder / "tls.key", *SCOPE],
            stderr=subprocess.PIPE,
        )  # fmt: skip
        assert server.stderr is not None
        while b"answering" not in (server.stderr.readline() or b"answering"):
            pass
        ready = time.perf_counter() - began
        began = time.perf_counter()
        asking = subprocess.Popen(
            [program, "share", "match", "ask", folder / "ours", "--url", f"https://127.0.0.1:{PORT}", "--ca",
             folder / "tls.crt", "--peer-key", keys["b"], "--key", folder / "a.key", "--out", folder / "common", *SCOPE]
        )  # fmt: skip
        cpu, memory = usage(asking)
        asked = time.perf_counter() - began
        server.terminate()
        their_cpu, their_memory = usage(server)
        common = set((folder / "common").read_text().split())
        if common != set((folder / "ours").read_text().split()[-given.common :]):
            raise SystemExit("the common identifiers did not come out")
    print(f"\n{given.ask:,} asked of {given.answer:,}, {given.common:,} in common, counted and revealed\n")
    print("| side | seconds | CPU s | peak MiB |\n|---|---|---|---|")
    print(f"| answering, until it is ready | {ready:.0f} | | |")
    print(f"| answering, in all | | {their_cpu:.0f} | {their_memory:,} |")
    print(f"| asking | {asked:.0f} | {cpu:.0f} | {memory:,} |")


if __name__ == "__main__":
    main()
