"""``python -m trainer``."""

import sys


def main() -> int:
    """Run the command line. Importing a network needs less than the other commands, and is asked for first."""
    try:
        if sys.argv[1:2] == ["import"]:
            from konkyo.trainer.importing.command import run as bring

            return bring(sys.argv[2:], "python -m trainer import")
        from konkyo.trainer.cli import run
    except ModuleNotFoundError as error:
        # `make serve` installs only what serving needs.
        sys.exit(
            f"error: the package {error.name} is not installed; `make trainer` installs all that the trainer needs"
        )
    run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
