"""``python -m service.healthcheck``: whether the service of this container is ready. Quick, as it runs all the time."""

import os
import sys
from urllib.request import Request, urlopen


def main() -> int:
    """0 if it is."""
    port = os.environ.get("KONKYO_PORT", "")
    port = port if port.isdigit() else "8000"
    # The service answers only for the hosts that it is told of, and to us as well: the first of them is named.
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
