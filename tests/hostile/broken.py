"""Bytes that are no HTTP."""

from support.client import get, post
from support.pictures import sample

_SEVEN = sample(7)
_LENGTH = f"Content-Length: {len(_SEVEN)}"
_CHUNKED = "Transfer-Encoding: chunked"

BROKEN = {
    "a length and chunks": post("/predict", _LENGTH, _CHUNKED, body=_SEVEN),
    "a request inside the chunks of another": post(
        "/predict", "Content-Length: 4", _CHUNKED, body=b"0\r\n\r\n" + get("/models")
    ),
    "two lengths": post("/predict", _LENGTH, "Content-Length: 9", body=_SEVEN),
    "a negative length": post("/predict", "Content-Length: -1", body=_SEVEN),
    "a signed length": post("/predict", f"Content-Length: +{len(_SEVEN)}", body=_SEVEN),
    "a length of 80 digits": post("/predict", "Content-Length: " + "9" * 80, body=_SEVEN),
    "bare line feeds": get("/healthz").replace(b"\r\n", b"\n"),
    "a bare carriage return": get("/healthz", "X: a\rY: b"),
    "a folded header": get("/healthz", "X: a\r\n b"),
    "a space before the colon": get("/healthz", "X : a"),
    "NUL in the path": get("/health\0z"),
    "NUL in a header": get("/healthz", "X: a\0b"),
    "bytes beyond ASCII in the path": get("/models/\xff\xfe"),
    "a method that is none": b"BREW /predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "a tunnel": b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "the start of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zeros": bytes(10_000),
    "a chunk size that is no number": post("/predict", _CHUNKED, body=b"zz\r\nab\r\n"),
    "chunks that end in line feeds": post("/predict", _CHUNKED, body=b"1\nx\n0\n\n"),
}
