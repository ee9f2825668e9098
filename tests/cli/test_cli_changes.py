"""`check-changelog`: an untouched log is confirmed, an altered one is named."""

from cli_site import Site


def test_the_log_is_checked(with_list: Site) -> None:
    empty = with_list.ok("check-changelog")
    with_list.ok("create", "LOG-L", "--owner", "olga@example.org", "--set", "Change-Log= Yes")
    with_list.ok("cmd", "ADD LOG-L joe@example.net Joe Doe")
    with_list.ok("cmd", "DELETE LOG-L joe@example.net")
    head = with_list.ok("check-changelog")
    assert len(head.strip()) == 64
    assert head != empty
    assert "joe@example.net" in with_list.ok("cmd", "GET LOG-L CHANGELOG")
    with_list.ok("erase", "joe@example.net")
    assert with_list.ok("check-changelog") == head
    assert with_list.anywhere("joe@example.net") == []


def test_an_altered_line_is_named(with_list: Site) -> None:
    with_list.ok("create", "LOG-L", "--owner", "olga@example.org", "--set", "Change-Log= Yes")
    with_list.ok("cmd", "ADD LOG-L joe@example.net Joe Doe")
    with_list.store(lambda tx: tx.db.execute("UPDATE change_log SET rest = 'Eve'"))
    assert "line 1: " in with_list.refused("check-changelog")
