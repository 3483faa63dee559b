"""The program: ``dougong``, or ``python -m builder``."""

from __future__ import annotations

from builder.long_lived import long_lived


def main() -> None:
    """Runs the command line."""
    with long_lived():
        from builder.cli import main as command
    command(prog_name="dougong")


if __name__ == "__main__":
    main()
