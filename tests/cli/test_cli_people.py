import json
from datetime import UTC, datetime, timedelta

import pytest
from cli_site import OWNER, Site

from listserv_py.lists.options import Options
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.cookies import Ask, CookieKind
from listserv_py.store.outbox import Kind
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.store import Tx
from listserv_py.store.subscribers import Consent

NOW = datetime.now(UTC).replace(microsecond=0)
CANARY = parse_mailbox("Canary-Bird@example.net")
OTHER = parse_mailbox("other@example.net")
LIST = parse_mailbox("test-l@lists.example.org")
FACTS = ListFacts(
    listname="TEST-L",
    title="A test",
    domain="lists.example.org",
    command_address="listserv@lists.example.org",
    subject_tag="TEST-L",
    reply_to="",
    reply_respect=True,
    send_closed=False,
    archive_url="",
    approved_by="canary-bird@example.net",
    stamp=1,
    author_key="other@example.net",
)


def letter(author: Mailbox, text: str = "x") -> bytes:
    head = f"From: {author}\r\nTo: {LIST}\r\nMessage-ID: <{abs(hash((author, text)))}@x.example>"
    return f"{head}\r\nSubject: s\r\n\r\n{text}\r\n".encode()


def come_in(tx: Tx, author: Mailbox, text: str) -> int:
    raw = letter(author, text)
    tx.spool.take(Envelope(author, (LIST,), raw, "192.0.2.1", "helo.example", Protocol.SMTP, NOW))
    return max(tx.spool.ready(10, 10**6))


def everywhere(tx: Tx) -> None:
    """Plant the canary in every table that can name a person."""
    mailing_list = tx.lists.get("TEST-L")
    for number, person in enumerate((CANARY, OTHER)):
        consent = Consent(
            NOW, "<asked@x.example>", "192.0.2.9", f"SUBSCRIBE {person}", NOW, "<c@x>"
        )
        tx.subscribers.add(mailing_list.id, person, "Some Body", Options(), NOW, consent)
        held = come_in(tx, person, "held")
        tx.spool.hold(held, "MODERATED", mailing_list.id, person, NOW + timedelta(days=7))
        ask = Ask(CookieKind.APPROVAL, OTHER, "{}", NOW + timedelta(days=7), NOW, spool_id=held)
        tx.cookies.issue(ask, f"{'A' if person is CANARY else 'B'}" * 16)
        tx.outbox.send(OTHER, letter(OTHER, f"approve this: {person}"), kind=Kind.APPROVAL, now=NOW)
        tx.outbox.send(person, letter(OTHER, "to you"), kind=Kind.REPLY, now=NOW)
        post = tx.outbox.distribute(mailing_list.id, letter(person, "post"), FACTS, NOW)
        if number == 1:
            reader = tx.subscribers.find(mailing_list.id, CANARY)
            assert reader is not None
            sent = Settled(post, reader.id, str(CANARY), Fate.SENT)
            tx.sending.record_page(post, reader.id, [sent], int(NOW.timestamp()))
    ask = Ask(CookieKind.COMMAND, CANARY, '{"line": "SIGNOFF"}', NOW + timedelta(days=2), NOW)
    tx.cookies.issue(ask, "C" * 16)
    line = '{"line": "ADD TEST-L canary-bird@example.net"}'
    tx.cookies.issue(Ask(CookieKind.COMMAND, OTHER, line, NOW + timedelta(days=2), NOW), "D" * 16)
    tx.signup.register(CANARY, "Some Body")
    tx.passwords.set(CANARY, "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", NOW)
    tx.service.count(CANARY, 3, NOW, proven=False)
    tx.db.execute(
        "INSERT INTO bounce (subscriber_id, list_id, mailing_id, address, at, code, status, text)"
        " VALUES (NULL, ?, 1, 'Canary-Bird@example.net', 1, 550, '5.1.1', 'no canary-bird')",
        (mailing_list.id,),
    )


@pytest.fixture
def planted(with_list: Site) -> Site:
    with_list.store(everywhere)
    maildir = with_list.data / "maildir" / "Canary-Bird@example.net" / "new"
    maildir.mkdir(parents=True)
    (maildir / "1").write_text("To: canary-bird@example.net\n")
    return with_list


def test_all_that_is_stored_is_told(planted: Site) -> None:
    told = json.loads(planted.ok("personal-data", "canary-bird@EXAMPLE.net"))
    [subscription] = told["subscriptions"]
    assert subscription["list"] == "TEST-L"
    assert subscription["name"] == "Some Body"
    assert subscription["consent"]["asked_host"] == "192.0.2.9"
    assert subscription["consent"]["asked_at"] == NOW.isoformat()
    assert [one["kind"] for one in told["confirmations"]] == ["command"]
    [held] = told["mail_in"]
    assert held["client"] == "192.0.2.1"
    assert "held" in held["content"]
    assert sorted(one["kind"] for one in told["mail_out"]) == ["post", "reply"]
    assert told["service"][0]["invalid"] == 3
    assert told["registered"][0]["name"] == "Some Body"
    assert told["password"] == [{"set_at": NOW.isoformat()}]
    assert told["bounces"][0]["status"] == "5.1.1"
    assert [one["outcome"] for one in told["deliveries"]] == ["sent"]
    assert "other@example.net" not in json.dumps(told["subscriptions"])


def test_roles_are_told(planted: Site) -> None:
    told = json.loads(planted.ok("personal-data", OWNER))
    assert told["roles"] == [{"list": "TEST-L", "header_line": f"* Owner= {OWNER}"}]
    assert told["subscriptions"] == []


def test_an_erased_person_is_gone_from_every_byte(planted: Site) -> None:
    assert planted.anywhere("canary-bird")
    planted.ok("erase", "Canary-Bird@example.net")
    assert planted.anywhere("canary-bird") == []
    told = json.loads(planted.ok("personal-data", "canary-bird@example.net"))
    assert not any(found for kind, found in told.items() if kind != "address")


def test_an_erasure_touches_nobody_else(planted: Site) -> None:
    planted.ok("erase", "canary-bird@example.net")
    assert planted.store(lambda tx: len(tx.spool.held())) == 1
    assert planted.store(lambda tx: tx.cookies.find("B" * 16, NOW)) is not None
    assert planted.store(lambda tx: tx.cookies.find("A" * 16, NOW)) is None
    told = json.loads(planted.ok("personal-data", "other@example.net"))
    assert [len(told[kind]) for kind in ("subscriptions", "mail_in", "mail_out")] == [1, 1, 3]
    [post] = [one for one in told["mail_out"] if one["kind"] == "post"]
    assert "From: other@example.net" in post["content"]


def test_whoever_a_list_names_is_not_erased(planted: Site) -> None:
    assert "TEST-L" in planted.refused("erase", OWNER)
    assert "postmaster" in planted.refused("erase", "admin@owner.example")
    assert planted.anywhere(OWNER)


def test_a_name_that_only_ends_alike_hinders_nobody(planted: Site) -> None:
    planted.ok("erase", "na@owner.example")


def test_nothing_was_stored(site: Site) -> None:
    result = site.run("erase", "nobody@example.net")
    assert result.exit_code == 0
    assert "nothing" in result.stderr
    for words in (("erase", "x"), ("personal-data", "x@@y")):
        assert "address" in site.refused(*words)


def test_erase_names_the_texts_that_owners_have_to_change(with_list: Site) -> None:
    who = "joe@example.net"
    with_list.ok("cmd", f"ADD TEST-L {who} Joe")
    with_list.store(
        lambda tx: tx.templates.put(
            tx.lists.get("TEST-L").id, "WELCOME", f"Ask Joe, {who.upper()}.", NOW
        )
    )
    forms = with_list.data / "templates" / "site.mailtpl"
    forms.parent.mkdir()
    forms.write_text(f">>> THANKS\nWrite to x{who} or {who}\n")
    stored = json.loads(with_list.ok("personal-data", who))
    line = f"Ask Joe, {who.upper()}."
    assert stored["texts"] == [{"list": "TEST-L", "text": "WELCOME", "line": line}]
    result = with_list.run("erase", who)
    assert result.exit_code == 0
    assert "still named in TEST-L WELCOME" in result.stderr
    assert "still named in templates/site.mailtpl" in result.stderr


def test_who_held_a_list_is_forgotten(with_list: Site) -> None:
    who = "joe@example.net"
    with_list.store(lambda tx: tx.lists.hold(tx.lists.get("TEST-L"), f"Held by {who}"))
    with_list.ok("erase", who)
    assert with_list.anywhere(who) == []
    assert with_list.store(lambda tx: tx.lists.get("TEST-L").held)
