"""Moves what protoc generated from the top-level package `windlass` to `windlass_client._gen.windlass`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

PACKAGE = "windlass_client._gen.windlass"


def moved(text: str) -> str:
    """The module's text with its imports and its own name moved."""
    text = re.sub(r"^from windlass\.", f"from {PACKAGE}.", text, flags=re.MULTILINE)
    return re.sub(r"'windlass(\.[a-z0-9_.]+_pb2)'", rf"'{PACKAGE}\1'", text)


def main(folder: str) -> None:
    for path in sorted(Path(folder).rglob("*_pb2.py*")):
        path.write_text(moved(path.read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
