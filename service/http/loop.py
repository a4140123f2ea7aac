"""The event loop of a worker that shares its port with others."""

import asyncio
import socket
from typing import Any

# Connections accepted in one turn. More are for the other workers, which are woken by the same connections.
ACCEPTED = 2


class SharingLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, but it leaves connections to the other workers.

    asyncio accepts all connections that wait. The first worker to wake up would take all those of a burst, and keep
    them, while the others have none. asyncio has no setting for it, so a private method is overridden.
    """

    def _accept_connection(
        self,
        protocol_factory: Any,
        sock: socket.socket,
        sslcontext: Any = None,
        server: Any = None,
        backlog: int = ACCEPTED,
        *timeouts: Any,
    ) -> None:
        super()._accept_connection(  # type: ignore[misc]
            protocol_factory, sock, sslcontext, server, min(backlog, ACCEPTED), *timeouts
        )
