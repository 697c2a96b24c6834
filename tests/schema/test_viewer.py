"""The viewer: who holds the key."""

from tests.serving import Server


async def test_the_viewer_says_who_holds_the_key_and_what_it_may_do(server: Server) -> None:
    query = """{ viewer { name role mayReadNotes mayLogContacts mayCreateTasks expiresAt
        practice { timeZone today } queues { name } } }"""
    assert (await server.data(query, "partner"))["viewer"] == {
        "name": "Partner of maple",
        "role": "PARTNER",
        "mayReadNotes": False,
        "mayLogContacts": False,
        "mayCreateTasks": True,
        "expiresAt": None,
        "practice": {"timeZone": "America/Chicago", "today": server.office.today.isoformat()},
        "queues": [{"name": "Overdue recall"}, {"name": "Missed appointments"}],
    }
