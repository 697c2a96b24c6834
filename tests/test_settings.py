"""Settings: what bounds the database and a stop, and what keeps the wires closed."""

import pytest

from gql_app.settings import NUMBERS, BadSetting, Settings, check_host, read_settings
from models.limits import USUAL_LIMITS, Limits


def test_the_limits_are_the_usual_ones_unless_they_are_set() -> None:
    assert read_settings({}).limits == USUAL_LIMITS
    names = ("STATEMENT", "REPORT", "WAIT", "IDLE", "SILENCE")
    given = {f"CALLBOARD_{name}_SECONDS": str(n) for n, name in enumerate(names, 1)}
    assert read_settings(given).limits == Limits(1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_limit_is_a_number_between_two_others(name: str) -> None:
    _, least, most = NUMBERS[name]
    for value in (least, most):
        settings = read_settings({f"CALLBOARD_{name.upper()}": str(value)})
        assert getattr(settings, name) == value
    for wrong in (str(least - 1), str(most + 1), "", "2.5", "soon"):
        with pytest.raises(BadSetting, match=f"CALLBOARD_{name.upper()} is a number of"):
            read_settings({f"CALLBOARD_{name.upper()}": wrong})
    assert least <= getattr(Settings(), name) <= most


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgres://me:hunter2@db.example/board?sslmode=prefer"),
        ("BUS_URL", "postgres://me:hunter2@db.example/board?sslmode=disable"),
        ("BUS_URL", "redis://:hunter2@cache.example"),
    ],
)
def test_clear_text_leaves_this_machine_only_if_it_is_said_twice(name: str, url: str) -> None:
    given = {f"CALLBOARD_{name}": url}
    with pytest.raises(BadSetting, match="in clear text") as refused:
        read_settings(given)
    assert str(refused.value).startswith(f"CALLBOARD_{name} ")
    assert "hunter2" not in str(refused.value)
    assert read_settings(given | {"CALLBOARD_INSECURE": "1"}).insecure
    with pytest.raises(BadSetting, match="CALLBOARD_INSECURE is 1 or 0"):
        read_settings(given | {"CALLBOARD_INSECURE": "yes"})


def test_authorities_that_cannot_be_read_stop_the_start() -> None:
    url = "postgres://me:hunter2@db.example/board?sslrootcert=/no/such.pem"
    with pytest.raises(BadSetting, match=r"^CALLBOARD_BUS_URL: sslrootcert=/no/such.pem cannot"):
        read_settings({"CALLBOARD_BUS_URL": url})


def test_hosts_are_named_where_others_can_reach_the_server() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        check_host(Settings(), host)
    for host in ("0.0.0.0", "::", "", "10.0.0.7", "board.example"):
        with pytest.raises(BadSetting, match="name the hosts"):
            check_host(Settings(), host)
        for named in ("*", "board.example"):
            check_host(read_settings({"CALLBOARD_ALLOWED_HOSTS": named}), host)


def test_a_token_for_metrics_is_not_short() -> None:
    assert read_settings({}).metrics_token is None
    for wrong in ("", "fifteen letters", "sixteen letters\n", "sechzehn Zeichen ä"):
        with pytest.raises(BadSetting, match="CALLBOARD_METRICS_TOKEN has at least 16"):
            read_settings({"CALLBOARD_METRICS_TOKEN": wrong})


def test_trusted_proxies_are_addresses_and_networks() -> None:
    given = {"CALLBOARD_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}
    assert read_settings(given).trusted_proxies == ("10.0.0.0/8", "::1")
    for wrong in ("10.0.0.1/8", "proxy.example", "*"):
        with pytest.raises(BadSetting, match="CALLBOARD_TRUSTED_PROXIES lists addresses"):
            read_settings({"CALLBOARD_TRUSTED_PROXIES": wrong})
