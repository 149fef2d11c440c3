"""Where and as whom to call: decided once, from what is given and the environment."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional
from urllib.parse import urlsplit

DEFAULT_ADDRESS = "http://127.0.0.1:8265"


@dataclass(frozen=True)
class Target:
    """Where and as whom to call."""

    host: str
    """Without brackets."""
    port: int
    secure: bool
    token: str
    """Empty: none."""

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it can only be this machine."""
        return is_loopback(self.host)


def find_target(address: Optional[str], token: Optional[str], environ: Mapping[str, str]) -> Target:
    """What is given beats WINDLASS_ADDRESS and WINDLASS_TOKEN; on a loopback address the admin's token file is last."""
    name = "WINDLASS_ADDRESS" if address is None else "address"
    text = address if address is not None else environ.get("WINDLASS_ADDRESS") or DEFAULT_ADDRESS
    host, port, secure = parse_address(text, name)
    if token is None:
        token = environ.get("WINDLASS_TOKEN")
    # The admin's token never leaves the machine by itself.
    if not token and token is None and is_loopback(host):
        token = read_admin_token(state_dir(environ))
    token = (token or "").strip()
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token has characters that no token has; give it as `windlass token` printed it")
    return Target(host, port, secure, token)


def parse_address(text: str, name: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS is spoken, of `http://host:port` or `https://host:port`."""
    problem = f'{name} "{text}" is not an address; give one like {DEFAULT_ADDRESS}'
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError(problem) from None
    extra = url.path.strip("/") or url.query or url.fragment or url.username or url.password
    if url.scheme not in ("http", "https") or not url.hostname or extra or any(char.isspace() for char in text):
        raise ValueError(problem)
    secure = url.scheme == "https"
    return url.hostname, port if port is not None else 443 if secure else 80, secure


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def state_dir(environ: Mapping[str, str]) -> Path:
    """The folder that a Windlass started without `--state-dir` keeps its state in."""
    given = environ.get("WINDLASS_STATE_DIR")
    if given:
        return Path(given)
    xdg = environ.get("XDG_STATE_HOME", "")
    # The XDG rules: a relative path is to be ignored.
    if os.path.isabs(xdg):
        return Path(xdg) / "windlass"
    return Path(environ.get("HOME") or Path.home()) / ".local" / "state" / "windlass"


def read_admin_token(folder: Path) -> str:
    """The token in a state dir, or "" where there is none."""
    path = folder / "admin.token"
    try:
        return path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise PermissionError(f"cannot read {path} ({error.strerror}); set WINDLASS_TOKEN") from error
