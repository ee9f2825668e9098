"""Retry times, replies, wire forms, Maildir names, journals: values in, values out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.delivery import journal
from listserv_py.delivery.journal import FOLDER, SUFFIX, Journal, Journals
from listserv_py.delivery.maildir import deliver, folder_name, unstuffed
from listserv_py.delivery.replies import Reply, Stage, is_too_many, judge, read_reply
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.wire import split, stuffed
from listserv_py.store.outcomes import Fate

PATIENCE = Patience((60, 300, 900), 5 * 86400)


@pytest.mark.parametrize(
    ("failures", "luck", "pause"),
    [(1, 0.5, 60), (1, 0.0, 48), (2, 0.5, 300), (3, 0.5, 900), (9, 0.5, 900), (9, 0.0, 720)],
)
def test_pauses_grow_and_the_last_one_repeats(failures: int, luck: float, pause: int) -> None:
    assert PATIENCE.pause(failures, luck) == pause


@given(st.integers(1, 1000), st.floats(0, 0.999))
def test_pauses_keep_within_a_fifth(failures: int, luck: float) -> None:
    base = PATIENCE.pauses[min(failures, 3) - 1]
    assert 0.8 * base - 1 <= PATIENCE.pause(failures, luck) <= 1.2 * base + 1


def test_the_last_attempt_falls_on_the_end_of_a_mails_time() -> None:
    end = 5 * 86400
    assert PATIENCE.next_attempt(0, 1, end - 10, 0.5) == end
    assert PATIENCE.next_attempt(0, 1, end, 0.5) is None
    assert PATIENCE.is_over(0, end)
    assert not PATIENCE.is_over(0, end - 1)


@pytest.mark.parametrize(
    ("stage", "code", "text", "fate", "host_rests", "blames"),
    [
        (Stage.DOT, 250, "2.0.0 queued", Fate.SENT, False, False),
        (Stage.DOT, 354, "what", Fate.LATER, True, False),
        (Stage.RCPT, 450, "4.2.1 grey", Fate.LATER, False, True),
        (Stage.RCPT, 550, "5.1.1 no", Fate.REFUSED, False, True),
        (Stage.RCPT, 552, "too many", Fate.LATER, False, False),
        (Stage.RCPT, 552, "5.2.2 full", Fate.REFUSED, False, True),
        (Stage.MAIL, 550, "no", Fate.REJECTED, False, False),
        (Stage.MAIL, 452, "disk", Fate.LATER, True, False),
        (Stage.MAIL, 451, "4.3.0 trouble", Fate.LATER, True, False),
        (Stage.MAIL, 530, "5.7.0 log in", Fate.UNTRIED, True, False),
        (Stage.DATA, 554, "no", Fate.REJECTED, False, False),
        (Stage.DOT, 554, "spam", Fate.REJECTED, False, False),
        (Stage.DOT, 452, "4.2.2 full", Fate.LATER, False, False),
        (Stage.DOT, 421, "bye", Fate.LATER, True, False),
        (Stage.RCPT, 421, "bye", Fate.UNTRIED, True, False),
        (Stage.DATA, 777, "?", Fate.LATER, True, False),
    ],
)
def test_what_a_reply_means(
    stage: Stage, code: int, text: str, fate: Fate, host_rests: bool, blames: bool
) -> None:
    found = judge(stage, read_reply(code, text))
    assert (found.fate, found.host_rests, found.blames) == (fate, host_rests, blames)


@pytest.mark.parametrize(
    ("code", "text", "reply"),
    [
        (550, "5.1.1 no such user", Reply(550, "5.1.1", "no such user")),
        (550, "no 5.1.1 user", Reply(550, "", "no 5.1.1 user")),
        (451, "4.7.1", Reply(451, "4.7.1", "")),
        (250, "ok\x1b[31m\nred", Reply(250, "", "ok [31m red")),
    ],
)
def test_reading_a_reply(code: int, text: str, reply: Reply) -> None:
    assert read_reply(code, text) == reply


def test_too_many_recipients_is_told_from_a_full_mailbox() -> None:
    assert is_too_many(Reply(452, "4.5.3", ""))
    assert is_too_many(Reply(452, "", "too many"))
    assert not is_too_many(Reply(452, "4.2.2", "full"))


lines = st.lists(st.binary(max_size=6).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"")))


@given(lines.map(lambda some: b"".join(line + b"\r\n" for line in some)))
def test_stuffing_is_undone(mail: bytes) -> None:
    wire = stuffed(mail)
    assert wire.endswith(b".\r\n")
    assert b"\r\n.\r\n" not in wire[: -len(b"\r\n")]
    assert unstuffed(wire) == mail


@given(st.binary(max_size=40))
def test_splitting_a_mail_loses_nothing(mail: bytes) -> None:
    head, body = split(mail)
    if b"\r\n\r\n" in mail or mail.startswith(b"\r\n"):
        assert head + b"\r\n" + body == mail


@given(st.text(max_size=120).map(lambda text: text or "x"))
def test_no_address_is_a_path(address: str) -> None:
    name = folder_name(address)
    assert "/" not in name
    assert "\0" not in name
    assert not name.startswith(".")
    assert len(name.encode()) <= 255
    assert name.isascii()


@given(st.text(max_size=60), st.text(max_size=60))
def test_two_addresses_have_two_folders(one: str, other: str) -> None:
    assert (folder_name(one) == folder_name(other)) == (one == other)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("joe.doe+x_y=z-1@example.org", "joe.doe+x_y=z-1@example.org"),
        ("../../etc/passwd@example.org", "%2E./../etc/passwd@example.org".replace("/", "%2F")),
        (".hidden@example.org", "%2Ehidden@example.org"),
        ("Jürgen@example.org", "J%C3%BCrgen@example.org"),
        ('"a b"@example.org', "%22a%20b%22@example.org"),
    ],
)
def test_folder_names(address: str, name: str) -> None:
    assert folder_name(address) == name


def test_a_maildir_copy_is_one_file_however_often_it_is_written(tmp_path: Path) -> None:
    wire = stuffed(b"Subject: x\r\n\r\n.dot\r\n")
    for _ in range(2):
        path = deliver(tmp_path, "joe@example.org", "1.M1S1.listserv_py", b"owner@x.test", wire)
    assert path.read_bytes() == b"Return-Path: <owner@x.test>\nSubject: x\n\n.dot\n"
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["1.M1S1.listserv_py"]
    assert sorted(one.name for one in (tmp_path / "joe@example.org").iterdir()) == [
        "cur", "new", "tmp"
    ]  # fmt: skip


keys = st.tuples(st.integers(1, 2**60), st.integers(1, 2**60) | st.none())


states = st.sampled_from((journal.WAITING, journal.BEGUN, journal.SENT))
marked = st.lists(st.lists(st.tuples(keys, states), max_size=12), min_size=1, max_size=4)


@given(marked, st.data())
def test_a_journal_says_how_far_each_copy_has_come(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[journal.Key, int]]],
    data: st.DataObject,
) -> None:
    """Whatever a power cut left of it: a section that is not sound hides none behind it."""
    made = Journal(tmp_path_factory.mktemp("journal") / f"1-1{SUFFIX}", 4096)
    theirs = journal.marks(str(made.path))
    ends = []
    for batch in batches:
        section = made.section(len(batch) + 1)
        assert section is not None
        slots = section.enter([key for key, _ in batch])
        for slot, (_, state) in zip(slots, batch, strict=True):
            theirs[slot] = state
            assert section.state(slot) == state
        ends.append(slots)
    made.close()
    raw = made.path.read_bytes()
    assert list(journal.read(raw)) == [one for batch in batches for one in batch]
    torn = data.draw(st.integers(0, len(raw)))
    kept = [
        key
        for batch, slots in zip(batches, ends, strict=True)
        for slot, (key, state) in zip(slots, batch, strict=True)
        if state == journal.SENT and slot < torn
    ]
    found = journal.read(raw[:torn] + bytes(len(raw) - torn))
    assert [key for key, state in found if state == journal.SENT] == kept
    rest = [slots.start for slots in ends[1:]]
    if rest:
        behind = [one for batch in batches[1:] for one in batch]
        garbled = bytes(ends[0].start) + raw[ends[0].start :]
        assert list(journal.read(garbled)) == behind


def test_a_journal_goes_with_its_last_batch_and_the_next_one_follows(tmp_path: Path) -> None:
    journals = Journals(tmp_path, 4096)
    first, second = journals.section(100), journals.section(100)
    assert first.path == second.path
    shared = first.share()
    third = journals.section(100)
    assert sorted(tmp_path.iterdir()) == sorted({second.path, third.path})
    for section in (first, second, shared):
        section.enter([(1, 1)])
        assert second.path.exists()
        section.remove()
    assert not second.path.exists()
    slot = next(iter(third.enter([(7, None)])))
    third.mark(slot, journal.SENT)
    assert journal.read_all(tmp_path).taken == [(7, None)]
    third.remove()
    assert journal.read_all(tmp_path).taken == [], "the store has it"
    assert journals.in_use() == []
    large = journals.section(1000)
    large.enter([(1, n) for n in range(1, 1001)])
    journals.close()
    assert list(tmp_path.iterdir()) == [large.path], "what is left in it is needed"
    large.remove()
    assert list(tmp_path.iterdir()) == []


def test_journals_are_cleared_for_another_database(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    Journal(tmp_path / FOLDER / f"1-1{SUFFIX}", 1).close()
    journal.clear(tmp_path)
    assert list((tmp_path / FOLDER).iterdir()) == []
