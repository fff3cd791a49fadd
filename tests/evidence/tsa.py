"""A timestamping authority for tests: RFC 3161 answers signed by a key of its own, no network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA256 = "2.16.840.1.101.3.4.2.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
POLICY = "1.3.6.1.4.1.99999.1"


def tlv(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def sequence(*content: bytes) -> bytes:
    return tlv(0x30, *content)


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    out = bytearray()
    for value in [40 * first + second, *rest]:
        digits = [value & 0x7F]
        while value := value >> 7:
            digits.append(0x80 | value & 0x7F)
        out += bytes(reversed(digits))
    return tlv(0x06, bytes(out))


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def read(data: bytes) -> tuple[int, bytes, bytes]:
    """(tag, content, what follows)."""
    tag, size, at = data[0], data[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    return tag, data[at : at + size], data[at + size :]


def parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        tag, content, data = read(data)
        yield tag, content


class Authority:
    """A self-signed root and a stamping certificate under it. ``now`` is what its clock says."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._serial = 7
        root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test root")])
        start, end = now - timedelta(days=3650), now + timedelta(days=3650)
        self.root = (
            x509.CertificateBuilder(name, name, root_key.public_key(), 1, start, end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        mine = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test TSA")])
        self.certificate = (
            x509.CertificateBuilder(name, mine, self._key.public_key(), 2, start, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(root_key, hashes.SHA256())
        )

    def stamp(self, data: bytes) -> bytes:
        """The response over some bytes, as if they had been asked for."""
        imprint = sequence(sequence(oid(SHA256)), tlv(0x04, hashlib.sha256(data).digest()))
        return self._response(imprint, integer(1))

    def answer(self, request: bytes) -> bytes:
        """The response to a request in DER."""
        _, body, _ = read(request)
        imprint, nonce = b"", b""
        for number, (tag, content) in enumerate(parts(body)):
            if tag == 0x30 and not imprint:
                imprint = tlv(0x30, content)
            elif tag == 0x02 and number > 0:
                nonce = tlv(0x02, content)
        return self._response(imprint, nonce)

    def _response(self, imprint: bytes, nonce: bytes) -> bytes:
        self._serial += 1
        at = tlv(0x18, self.now.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())
        info = sequence(integer(1), oid(POLICY), imprint, integer(self._serial), at, nonce)
        der = self.certificate.public_bytes(Encoding.DER)
        signing = sequence(sequence(sequence(tlv(0x04, hashlib.sha256(der).digest()))))
        attributes = sorted(
            [
                sequence(oid(CONTENT_TYPE), tlv(0x31, oid(TST_INFO))),
                sequence(oid(MESSAGE_DIGEST), tlv(0x31, tlv(0x04, hashlib.sha256(info).digest()))),
                sequence(oid(SIGNING_CERTIFICATE_V2), tlv(0x31, signing)),
            ]
        )
        signature = self._key.sign(tlv(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
        signer = sequence(
            integer(1),
            sequence(self.certificate.issuer.public_bytes(), integer(self.certificate.serial_number)),
            sequence(oid(SHA256)),
            tlv(0xA0, *attributes),
            sequence(oid(ECDSA_SHA256)),
            tlv(0x04, signature),
        )
        signed = sequence(
            integer(3),
            tlv(0x31, sequence(oid(SHA256))),
            sequence(oid(TST_INFO), tlv(0xA0, tlv(0x04, info))),
            tlv(0xA0, der),
            tlv(0x31, signer),
        )
        return sequence(sequence(integer(0)), sequence(oid(SIGNED_DATA), tlv(0xA0, signed)))


@contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """The authority over HTTP on loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
