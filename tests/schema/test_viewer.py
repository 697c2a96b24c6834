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


async def test_the_viewer_says_what_each_role_may_do(server: Server) -> None:
    rights = (
        *("mayReadNotes", "mayLogContacts", "mayCreateTasks", "mayImport", "mayReadActivity"),
        *("mayReadAudit", "mayMoveTasks", "mayReleaseForOthers", "maySeeWhoWorks"),
        "mayManageAccess",
    )
    said = {}
    for role in ("staff", "supervisor", "admin", "partner"):
        viewer = (await server.data(f"{{ viewer {{ {' '.join(rights)} }} }}", role))["viewer"]
        said[role] = {right for right in rights if viewer[right]}
    assert said["staff"] == {"mayReadNotes", "mayLogContacts", "maySeeWhoWorks"}
    assert said["supervisor"] == set(rights) - {"mayReadAudit", "mayManageAccess"}
    assert said["admin"] == set(rights)
    assert said["partner"] == {"mayCreateTasks"}
