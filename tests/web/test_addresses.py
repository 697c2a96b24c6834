"""Where a request comes from."""

import pytest

from gql_app.web.addresses import client_address, network


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (("203.0.113.7", 4711), "203.0.113.7"),
        (("2001:DB8::1", 0), "2001:db8::1"),
        (("<script>", 0), "unknown"),
        (("", 0), "unknown"),
        (None, "unknown"),
    ],
)
def test_only_an_address_is_passed_on(client: tuple[str, int] | None, address: str) -> None:
    assert client_address({"type": "http", "client": client}) == address


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("unknown", "unknown"),
    ],
)
def test_a_customers_ipv6_addresses_count_as_one(address: str, counted_as: str) -> None:
    assert network(address) == counted_as
