"""``python -m service``: serve until stopped."""

import sys

import uvicorn
from pydantic import ValidationError

from models.errors import CheckpointError
from service.app import create_app
from service.settings import Settings

GRACE_SECONDS = 10


def main() -> int:
    """Start the server; a setting or checkpoint that is wrong stops the start with one line."""
    try:
        settings = Settings()
        app = create_app(settings)
    except ValidationError as error:
        for item in error.errors():
            print(f"error: KONKYO_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}", file=sys.stderr)
        return 1
    except CheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    uvicorn.run(app, host=settings.host, port=settings.port, timeout_graceful_shutdown=GRACE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
