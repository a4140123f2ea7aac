"""nginx with the project's own configuration; clients that hold its places, and healthy ones beside them."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from support.client import ClosedError, Connection, prepared
from support.folders import ROOT
from support.server import PATIENCE, SkippedError, free_port, wait_until_ready

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONFIGURATION = ROOT / "nginx.conf"
BALANCER = ROOT / "deploy" / "edge" / "balancer.conf"
ATTACKERS = [f"127.0.0.{n}" for n in range(2, 12)]  # the edge counts connections by address
HIDDEN = ("/metrics", "/docs", "/docs/static/swagger-ui.css", "/openapi.json")


@dataclass(frozen=True)
class Slow:
    """A request that is begun, and what follows each second; ``bounded`` if the edge has a time for the whole."""

    begun: bytes
    drip: bytes = b""
    bounded: bool = True


_HEADER = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-"
_BODY = prepared("POST", "/predict", bytes(1000))[:-900]
SLOW = (Slow(b""), Slow(_HEADER), Slow(_HEADER, b"x"), Slow(_BODY), Slow(_BODY, b"\0", bounded=False))


@contextmanager
def edge(port: int, changes: Mapping[str, str] = MappingProxyType({})) -> Iterator[int]:
    """nginx with the project's own configuration before the service on ``port``; gives the port of the edge.

    ``changes`` says what is put in the place of which text of the configuration.
    """
    if not Path(NGINX).exists():
        raise SkippedError("nginx is not installed (Debian: apt-get install nginx-light)")
    listen = free_port()
    addresses = {"konkyo:8000": f"127.0.0.1:{port}", "listen 8080": f"listen 127.0.0.1:{listen}"}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder).chmod(0o777)  # nginx's workers may be another user
        texts = {path.name: path.read_text() for path in (BALANCER, CONFIGURATION)}
        for old, new in {**addresses, **changes}.items():
            if not any(old in text for text in texts.values()):
                raise SkippedError(f"nothing configures '{old}' to put another text in place of")
            texts = {name: text.replace(old, new) for name, text in texts.items()}
        for name, text in texts.items():
            path = Path(folder) / name
            path.write_text(text.replace("/tmp/", f"{folder}/"))  # noqa: S108
            process = stack.enter_context(_nginx(path))
        wait_until_ready(f"http://127.0.0.1:{listen}/healthz", process)
        yield listen


@contextmanager
def _nginx(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [NGINX, "-c", str(path), "-p", str(path.parent), "-g", "daemon off;"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


async def hold(port: int, number: int, attackers: Sequence[str] = ATTACKERS) -> None:
    """Begin a request and go on slowly until the edge closes."""
    slow, source = SLOW[number % len(SLOW)], (attackers[number % len(attackers)], 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
    try:
        writer.write(slow.begun)
        while not reader.at_eof():
            try:
                await asyncio.wait_for(reader.read(1000), 1)
            except TimeoutError:
                writer.write(slow.drip)
    except OSError:
        pass
    finally:
        writer.close()


async def healthy(port: int, picture: bytes, count: int) -> int:
    """How many of so many new clients get their answer."""
    good, request = 0, prepared("POST", "/predict", picture)
    for _ in range(count):
        try:
            async with Connection(port) as connection:
                good += (await connection.ask(request)).status == 200
        except ClosedError:
            pass
    return good


async def hidden(port: int) -> list[int]:
    """How the edge answers for what it hides."""
    async with Connection(port) as connection:
        return [(await connection.ask(prepared("GET", path))).status for path in HIDDEN]
