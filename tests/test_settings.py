"""Settings that bound what the database may take, and a stop."""

import pytest

from gql_app.settings import NUMBERS, BadSetting, Settings, read_settings
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


def test_trusted_proxies_are_addresses_and_networks() -> None:
    given = {"CALLBOARD_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}
    assert read_settings(given).trusted_proxies == ("10.0.0.0/8", "::1")
    for wrong in ("10.0.0.1/8", "proxy.example", "*"):
        with pytest.raises(BadSetting, match="CALLBOARD_TRUSTED_PROXIES lists addresses"):
            read_settings({"CALLBOARD_TRUSTED_PROXIES": wrong})
