"""``python -m trainer``."""

import sys

try:
    from konkyo.trainer.cli import run
except ModuleNotFoundError as error:
    # `make serve` installs only what serving needs.
    sys.exit(f"error: the package {error.name} is not installed; `make trainer` installs all that the trainer needs")

if __name__ == "__main__":
    run()
