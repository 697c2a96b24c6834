"""Which settings of PostgreSQL let rows into its own log."""

from models.database import opened, write
from models.database.server_log import SAFE, unsafe_log_settings


async def test_each_setting_that_lets_rows_into_the_log_is_named(database_url: str) -> None:
    async with opened(database_url):
        found = await unsafe_log_settings()
        if database_url.startswith("sqlite"):
            assert found == {}
            return
        assert found.items() <= SAFE.items()
        assert "log_error_verbosity" in found
        name = database_url.partition("?")[0].rpartition("/")[2]
        for setting, value in SAFE.items():
            await write(f"ALTER DATABASE {name} SET {setting} = '{value}'")
    async with opened(database_url):
        assert await unsafe_log_settings() == {}
