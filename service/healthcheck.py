"""``python -m konkyo.service.healthcheck``: exits with 0 if the service in this container is ready."""

import os
import sys
from urllib.request import Request, urlopen


def main() -> int:
    """Ask ``/readyz``; 0 if the service is ready."""
    port = os.environ.get("KONKYO_PORT", "")
    port = port if port.isdigit() else "8000"
    # The service answers only requests with a trusted host name, so the first of these names is sent.
    trusted = [host.strip() for host in os.environ.get("KONKYO_TRUSTED_HOSTS", "").split(",")]
    host = next(filter(None, trusted), "*").replace("*", "localhost")
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}/readyz", headers={"Host": host}), timeout=2):
            return 0
    except OSError as error:
        print(f"not ready: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
