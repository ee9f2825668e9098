from pathlib import Path

import pytest
from cli_site import Site

ROSTER = (
    "address,name,options,subscribed\n"
    'joe@example.com,"Doe, Joe",NOHTML CONCEAL,2026-01-02T03:04:05Z\n'
    "mia@example.com,,DIGESTS NOMAIL,2025-12-31T23:59:59Z\n"
    "eve@example.com,=Eve,,2026-02-03T00:00:00Z\n"
)


def test_a_new_list_has_our_defaults(site: Site) -> None:
    said = site.ok(
        "create", "News-1", "--owner", "a@b.example", "--owner", "c@d.example", "--set",
        "Send= Public",
    )  # fmt: skip
    assert "news-1@lists.example.org" in said
    header = site.store(lambda tx: tx.lists.get("NEWS-1").header)
    keywords = header.keywords
    assert [str(owner.mailbox) for owner in keywords.owners] == ["a@b.example", "c@d.example"]
    assert keywords.subscription.confirm
    assert [level.access.value for level in keywords.send.access] == ["Public"]


@pytest.mark.parametrize(
    "name", ["", "-x", "x-", "a..b", "x" * 33, "ä", "a b", "listserv", "postmaster", "x-request"]
)
def test_a_name_that_cannot_be(site: Site, name: str) -> None:
    site.refused("create", "--owner", "a@b.example", "--", name)


def test_create_refuses(with_list: Site) -> None:
    assert "already" in with_list.refused("create", "test-l", "--owner", "a@b.example")
    assert "joe" in with_list.refused("create", "X-L", "--owner", "joe")
    faults = with_list.refused(
        "create", "X-L", "--owner", "a@b.example", "--set", "Sent= Public", "--set", "Send= Bla"
    )
    assert "Sent=" in faults
    assert "sets nothing" in with_list.refused(
        "create", "X-L", "--owner", "a@b.example", "--set", "Send Public"
    )
    assert "Bla" in faults
    injected = ("create", "X-L", "--owner", "a@b.example", "--set", "Ack= No\n* Owner= x@y.example")
    assert "one line" in with_list.refused(*injected)
    assert "--owner" in with_list.refused("create", "X-L", status=2)
    assert with_list.store(lambda tx: [one.name for one in tx.lists.all()]) == ["TEST-L"]


def test_a_list_goes_out_as_it_came_in(with_list: Site) -> None:
    with_list.ok("import", "TEST-L", "-", stdin=ROSTER)
    assert with_list.ok("export", "TEST-L") == ROSTER


def test_options_are_told_against_the_lists_default(site: Site) -> None:
    site.ok("create", "T", "--owner", "a@b.example", "--set", "Default-Options= NOHTML,DIGEST")
    site.ok("import", "T", "-", stdin="address,options\na@b.example,\nc@d.example,HTML NODIGEST\n")
    rows = [line.split(",")[2] for line in site.ok("export", "T").splitlines()[1:]]
    assert rows == ["", "NODIGESTS HTML"]


def test_a_file_wins_where_it_says_something(with_list: Site) -> None:
    with_list.ok("import", "TEST-L", "-", stdin=ROSTER)
    with_list.ok("import", "TEST-L", "-", stdin="Joe@example.com Joe Smith\nnew@example.com\n")
    with_list.ok("import", "TEST-L", "-", stdin="address,options\nmia@example.com,\n")
    joe, mia, _, new = with_list.ok("export", "TEST-L").splitlines()[1:]
    assert joe == "joe@example.com,Joe Smith,NOHTML CONCEAL,2026-01-02T03:04:05Z"
    assert mia == "mia@example.com,,,2025-12-31T23:59:59Z"
    assert new.startswith("new@example.com,,,")


def test_all_or_nothing_and_each_bad_line_named(with_list: Site, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("address,options\na@b.example,\nnobody,\nc@d.example,BLUE\n")
    said = with_list.refused("import", "TEST-L", str(file))
    assert "line 3: 'nobody'" in said
    assert "line 4: 'BLUE'" in said
    assert "line 2" not in said
    said = with_list.refused("import", "TEST-L", "-", stdin="a@b.example\ntest-l@lists.example.org")
    assert "line 2: test-l@lists.example.org" in said
    assert with_list.ok("export", "TEST-L").count("\n") == 1


def test_import_sends_nothing_unless_told(with_list: Site) -> None:
    with_list.ok("import", "TEST-L", "-", stdin="a@b.example\n")
    assert with_list.ok("queue") == ""
    with_list.ok("import", "TEST-L", "-", "--notify", stdin="a@b.example\nc@d.example\n")
    assert with_list.ok("queue").count("\n") == 1
    assert "c@d.example" in with_list.ok("queue")


@pytest.mark.parametrize("words", [("import", "NOPE", "-"), ("export", "NOPE")])
def test_no_such_list(site: Site, words: tuple[str, ...]) -> None:
    assert "NOPE" in site.refused(*words, stdin="a@b.example\n")


def test_no_such_file(site: Site) -> None:
    assert "absent.csv" in site.refused("import", "TEST-L", "absent.csv", status=2)


def test_a_hundred_thousand_lines(with_list: Site) -> None:
    rows = "".join(f"u{i}@d{i % 100}.example,Joe {i},,2026-01-02T03:04:05Z\n" for i in range(20000))
    with_list.ok("import", "TEST-L", "-", stdin="address,name,options,subscribed\n" + rows)
    assert with_list.ok("export", "TEST-L").endswith(rows)


def test_cmd(with_list: Site) -> None:
    assert "A test" in with_list.ok("cmd", "LISTS")
    said = with_list.ok("cmd", "--as", "anna@owner.example", "ADD", "TEST-L", "a@b.example", "A")
    assert "a@b.example" in said
    body = "QUERY TEST-L FOR a@b.example\nSET TEST-L NOHTML FOR a@b.example\n"
    said = with_list.ok("cmd", "-", stdin=body)
    assert "> SET TEST-L NOHTML FOR a@b.example" in said
    assert "NOHTML" in with_list.ok("export", "TEST-L")


def test_cmd_that_is_refused(with_list: Site) -> None:
    result = with_list.run("cmd", "--as", "eve@example.com", "DELETE", "TEST-L", "a@b.example")
    assert result.exit_code == 1
    assert result.stdout
    assert "refused" in result.stderr
    assert "address" in with_list.refused("cmd", "--as", "eve", "LISTS")
    with_list.refused("cmd", status=2)
