"""``konkyo serve`` and ``python -m service``: serve until stopped."""

import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress

import uvicorn
from pydantic import ValidationError
from uvicorn.config import LOGGING_CONFIG
from uvicorn.supervisors import Multiprocess

from konkyo.models.errors import CheckpointError
from konkyo.service.settings import Settings, error_lines, from_options

GRACE_SECONDS = 10
# Time after which a worker that does not answer its parent is replaced. uvicorn's default of 5 seconds is too short: on
# a busy machine, workers would be replaced before they have started. A worker that has died is replaced at once.
SILENCE_SECONDS = 60
LOOPBACK = ("127.0.0.1", "::1", "localhost")
LOOPBACK_HOSTS = "localhost,127.0.0.1,[::1]"


class Workers(Multiprocess):
    """uvicorn's parent of the workers, which keeps the port open until the last worker has ended.

    Whoever connected meanwhile would wait for nobody. Refused at once, an edge asks another replica.
    """

    def terminate_all(self) -> None:
        """Close the port, and tell the workers to end."""
        for port in self.sockets:
            port.close()
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have ended, or are silent.

        The parent keeps no copy of a worker's end of the pipe: who is killed while it is asked would be waited for.
        """
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()


def main(arguments: Sequence[str], program: str) -> int:
    """Start the server. A wrong setting or checkpoint stops the start with one line.

    Parameters
    ----------
    arguments
        Settings as options, such as ``--port 8080``. They go before the environment variables.
    program
        What ``--help`` calls the command.
    """
    try:
        settings = from_options(arguments, program)
    except ValidationError as error:
        for line in error_lines(error):
            _say(line)
        return 1
    if settings.host in LOOPBACK and "trusted_hosts" not in settings.model_fields_set:
        # Another name would be that of a page elsewhere, whose owner has given it this machine's address (rebinding).
        settings = settings.model_copy(update={"trusted_hosts": LOOPBACK_HOSTS})
    # Workers are processes of their own and read the settings again, from the environment.
    os.environ.update(settings.environment)
    if settings.workers == 1:
        # No folder for metrics: a single process would not remove it when a signal ends it.
        return _serve(settings)
    with tempfile.TemporaryDirectory(prefix="konkyo-metrics-") as directory:
        # The workers share their metrics in this folder. prometheus_client reads the variable when it is imported.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        return _serve(settings)


def _serve(settings: Settings) -> int:
    from konkyo.service.catalogue import Catalogue
    from konkyo.service.http.protocol import BoundedProtocol

    # A log reader that stalls must not stop the service, nor the parent of the workers.
    handler = "konkyo.service.http.telemetry.LogHandler"
    handlers = {name: {**default, "class": handler} for name, default in LOGGING_CONFIG["handlers"].items()}

    try:
        # Also loaded here, so that a wrong checkpoint gives one line and not a traceback of each worker.
        Catalogue(settings.models, settings.default_model)
    except CheckpointError as error:
        _say(str(error))
        return 1
    if settings.host not in LOOPBACK and not settings.keys:
        print(f"listening on {settings.host} without KONKYO_API_KEYS: anyone who reaches it may ask", file=sys.stderr)
    if taken := _taken(settings.host, settings.port):
        _say(f"{settings.host}:{settings.port} cannot be listened on ({taken}); another --port fits")
        return 1
    config = uvicorn.Config(
        "konkyo.service.app:create_worker_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=BoundedProtocol,
        # uvloop is no faster here, and accepts one connection a turn: new clients would wait behind all busy ones.
        loop=f"konkyo.service.http.protocol:{'BoundedLoop' if settings.workers == 1 else 'SharingLoop'}",
        log_config={**LOGGING_CONFIG, "handlers": handlers},
        access_log=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=SILENCE_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        if settings.workers > 1:
            Workers(config, [config.bind_socket()]).run()
        else:
            uvicorn.Server(config).run()
    return 0


def _taken(host: str, port: int) -> str | None:
    """Why nothing can listen there, found before anything starts; None if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return None


def _say(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "python -m service"))
