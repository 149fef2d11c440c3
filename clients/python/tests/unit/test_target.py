"""Where and as whom is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from windlass_client._target import find_target


@pytest.mark.parametrize(
    ("address", "authority", "secure", "loopback"),
    [
        ("http://127.0.0.1:8265", "127.0.0.1:8265", False, True),
        ("http://127.1.2.3:1/", "127.1.2.3:1", False, True),
        ("http://localhost", "localhost:80", False, True),
        ("http://[::1]:9", "[::1]:9", False, True),
        ("https://windlass.example", "windlass.example:443", True, False),
        ("https://10.0.0.1:8443", "10.0.0.1:8443", True, False),
        ("http://127.0.0.1.example:1", "127.0.0.1.example:1", False, False),
    ],
)
def test_an_address_says_host_port_and_tls(address: str, authority: str, secure: bool, loopback: bool) -> None:
    target = find_target(address, "t", {})
    assert (target.authority, target.secure, target.loopback) == (authority, secure, loopback)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:8265",
        "ftp://h:1",
        "http://",
        "http://h:x",
        "http://h:70000",
        "http://h/api",
        "http://u:p@h",
        "http://h?q",
        "http://h :1",
    ],
)
def test_what_is_no_address_is_told_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r'^address ".*" is not an address; give one like http://127\.0\.0\.1:8265$'):
        find_target(address, None, {})


def test_the_environment_gives_what_is_not_given() -> None:
    environ = {"WINDLASS_ADDRESS": "http://a:1", "WINDLASS_TOKEN": " secret\n"}
    target = find_target(None, None, environ)
    assert (target.authority, target.token) == ("a:1", "secret")
    given = find_target("http://b:2", "other", environ)
    assert (given.authority, given.token) == ("b:2", "other")
    with pytest.raises(ValueError, match=r"^WINDLASS_ADDRESS "):
        find_target(None, None, {"WINDLASS_ADDRESS": "nowhere"})


def test_the_admin_token_is_found_on_loopback_alone(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("admin\n")
    environ = {"WINDLASS_STATE_DIR": str(tmp_path)}
    assert find_target(None, None, environ).token == "admin"
    assert find_target("http://10.0.0.1:8265", None, environ).token == ""
    assert find_target(None, "", environ).token == ""
    assert find_target(None, None, {**environ, "WINDLASS_TOKEN": "mine"}).token == "mine"
    assert find_target(None, None, {"WINDLASS_STATE_DIR": str(tmp_path / "nope")}).token == ""


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "HOME"])
def test_the_state_dir_follows_the_xdg_rules(tmp_path: Path, variable: str) -> None:
    folder = tmp_path / ("windlass" if variable == "XDG_STATE_HOME" else ".local/state/windlass")
    folder.mkdir(parents=True)
    (folder / "admin.token").write_text("admin")
    assert find_target(None, None, {variable: str(tmp_path)}).token == "admin"


def test_a_token_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="the token has characters that no token has"):
        find_target(None, "a\nb", {})
