"""Makes a virtual environment once and prints its folder: make-venv.py NAME REQUIREMENT...

It lies in $XDG_CACHE_HOME/windlass-test, or in a private folder below the one for temporary files, and is used again
as long as the requirements and the Python are the same.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path


def cache_folder() -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    path = Path(given) / "windlass-test" if given else Path(tempfile.gettempdir()) / f"windlass-test-{os.getuid()}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        sys.exit(f"{path} belongs to another user; set XDG_CACHE_HOME")
    return path


def main(name: str, requirements: list[str]) -> None:
    folder = cache_folder() / name
    stamp = folder / "windlass-test.stamp"
    wanted = "\n".join([sys.version, *requirements])
    with open(f"{folder}.lock", "w") as lock:
        # Two suites that start at once: one installs, the other waits.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            stamp.write_text(wanted)
    print(folder)


main(sys.argv[1], sys.argv[2:])
