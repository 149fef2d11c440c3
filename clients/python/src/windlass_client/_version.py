from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("windlass-client")
    except PackageNotFoundError:
        return "0"


__version__ = _installed()
"""The version of this client; that of the Windlass it was made for."""
