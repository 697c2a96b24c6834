"""Where connections go, how they are encrypted, and what each driver is told of it."""

import ssl
from pathlib import Path

import pytest

from models.wires import BadWire, is_loopback, read_wire


@pytest.mark.parametrize(
    ("url", "mode", "may_be_read"),
    [
        ("postgres://me:pw@db.example/board", "verify-full", False),
        ("postgresql://me@10.0.0.7:5433/board?maxsize=4", "verify-full", False),
        ("postgres://me@db.example/board?sslmode=require", "require", False),
        ("postgres://me@db.example/board?sslmode=prefer", "prefer", True),
        ("postgres://me@db.example/board?sslmode=allow", "allow", True),
        ("postgres://me@db.example/board?sslmode=disable", "disable", True),
        ("postgres://me@127.0.0.1,db.example/board?sslmode=prefer", "prefer", True),
        ("postgres://me@/board?host=db.example&sslmode=prefer", "prefer", True),
        ("postgres://me@localhost/board", "prefer", False),
        ("postgres://me@[::1]:5432/board", "prefer", False),
        ("postgres://me@127.9.9.9/board?sslmode=disable", "disable", False),
        ("postgres://me@/board?host=/run/postgresql", "prefer", False),
        ("postgres://me@localhost/board?sslmode=verify-full", "verify-full", False),
        ("redis://cache.example:6379/1", "disable", True),
        ("redis://localhost", "disable", False),
        ("redis://:pw@[::1]:6379/1", "disable", False),
        ("rediss://cache.example", "verify-full", False),
        ("rediss://cache.example?sslmode=require", "require", False),
    ],
)
def test_beyond_this_machine_all_is_encrypted_and_checked_unless_it_says_otherwise(
    url: str, mode: str, may_be_read: bool
) -> None:
    wire = read_wire(url)
    assert (wire.mode, wire.may_be_read) == (mode, may_be_read)
    assert "sslmode" not in wire.url


@pytest.mark.parametrize(("variable", "value"), [("PGHOST", "db.example"), ("PGSERVICE", "board")])
def test_a_host_from_elsewhere_is_not_taken_for_this_machine(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    assert read_wire("postgres:///board").mode == "prefer"
    monkeypatch.setenv(variable, value)
    assert read_wire("postgres:///board").mode == "verify-full"
    assert read_wire("redis://").is_local


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://me@h/b?sslmode=on", "its sslmode is one of disable, allow,"),
        ("postgres://me@h/b?ssl=false", "it has ssl, which is not known"),
        ("postgres://me@h/b?sslnegotiation=direct", "it has sslnegotiation"),
        ("postgres://me@h/b?service=other", "it has service"),
        ("rediss://h?ssl_cert_reqs=none", "it has ssl_cert_reqs"),
        ("rediss://h?sslmode=prefer", "always encrypted"),
        ("redis://localhost?sslmode=verify-full", "needs rediss://"),
    ],
)
def test_a_parameter_that_cannot_work_is_named(url: str, said: str) -> None:
    with pytest.raises(BadWire, match=said):
        read_wire(url)


def test_both_drivers_are_told_the_same() -> None:
    for mode, checks, names in (
        ("require", ssl.CERT_NONE, False),
        ("verify-ca", ssl.CERT_REQUIRED, False),
        ("verify-full", ssl.CERT_REQUIRED, True),
    ):
        context = read_wire(f"postgres://me@h/b?sslmode={mode}").for_postgres()
        assert isinstance(context, ssl.SSLContext)
        assert (context.verify_mode, context.check_hostname) == (checks, names)
        told = read_wire(f"rediss://h?sslmode={mode}").for_redis()
        assert told["ssl_cert_reqs"] == ("none" if checks == ssl.CERT_NONE else "required")
        assert told["ssl_check_hostname"] is names
    assert read_wire("postgres://me@localhost/b").for_postgres() == "prefer"
    assert read_wire("redis://localhost").for_redis() == {}


def test_a_file_of_authorities_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for file, said in (("missing.pem", "cannot be read"), ("empty.pem", "has no certificate")):
        wire = read_wire(f"postgres://me@h/b?sslrootcert={tmp_path / file}")
        with pytest.raises(BadWire, match=f"sslrootcert={tmp_path / file} {said}"):
            wire.for_postgres()
    assert read_wire("postgres://me@h/b?sslrootcert=system").root is None


def test_only_what_always_means_this_machine_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST")))
    assert not any(map(is_loopback, ("", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "db")))
