"""``canaryctl`` and ``python -m canaryctl``."""

from canaryctl.cli.app import main

if __name__ == "__main__":
    main()
