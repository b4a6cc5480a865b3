"""``canaryctl`` and ``python -m canaryctl``."""

import gc

# What is imported stays; looking through it for garbage while it comes in costs a fifth of
# the time that `--help` takes.
gc.disable()

from canaryctl.cli.app import main as _main  # noqa: E402  after the line above, on purpose

gc.freeze()
gc.enable()


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    _main()


if __name__ == "__main__":
    main()
