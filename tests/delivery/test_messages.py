"""The words between server and workers: twins, and no crash on anything."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from listserv_py.config import Settings
from listserv_py.delivery.client import Timeouts
from listserv_py.delivery.messages import KINDS, Frames, Garbled, Message, encode
from listserv_py.delivery.terms import settings_of, terms

numbers = st.integers(-(2**60), 2**60)
words = st.text(max_size=20)
of_type = {
    "int": numbers,
    "str": words,
    "bool": st.booleans(),
    "float": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=50),
    "int | None": numbers | st.none(),
    "list[int]": st.lists(numbers, max_size=5),
    "list[str]": st.lists(words, max_size=5),
    "list[bool]": st.lists(st.booleans(), max_size=5),
    "list[Any]": st.lists(numbers | words, max_size=5),
    "dict[str, Any]": st.dictionaries(words, numbers | words | st.none(), max_size=5),
}
messages = st.sampled_from(sorted(KINDS)).flatmap(
    lambda name: st.builds(
        KINDS[name], **{one: of_type[kind] for one, kind in KINDS[name].__annotations__.items()}
    )
)


@given(st.lists(messages, max_size=5), st.integers(1, 40))
def test_what_is_said_is_heard_however_it_is_cut(said: list[Message], size: int) -> None:
    frames, heard = Frames(), []
    stream = b"".join(map(encode, said))
    for at in range(0, len(stream), size):
        heard += frames.feed(stream[at : at + size])
    assert heard == said


@given(st.binary(max_size=200))
def test_nonsense_is_refused_or_waits_for_more(stream: bytes) -> None:
    with contextlib.suppress(Garbled):
        assert Frames().feed(stream) == []


@given(messages, st.data())
def test_what_was_damaged_is_refused_or_another(said: Message, data: st.DataObject) -> None:
    frame = bytearray(encode(said))
    frame[data.draw(st.integers(8, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        (heard,) = Frames().feed(bytes(frame))
    except Garbled:
        return
    assert type(heard).__name__ in KINDS


def test_settings_come_out_as_they_went_in(tmp_path) -> None:  # type: ignore[no-untyped-def]
    settings = Settings.model_validate(
        {
            "site": {"domain": "lists.test", "postmasters": ["p@lists.test"], "data_dir": "/x"},
            "delivery": {
                "relay": "[::1]:2525", "tls": "required", "retry": ["1s", "2m"], "connections": 7,
                "username": "u", "password_file": str(tmp_path / "p"), "max_message_age": "2d",
                "rate": 60,
            },
            "dkim": {"selector": "s", "key_file": str(tmp_path / "k")},
            "dns": {"servers": ["127.0.0.1:5353"], "timeout": "3s"},
        },
        context={"folder": tmp_path},
    )  # fmt: skip
    (message,) = Frames().feed(encode(terms(settings, Timeouts(idle=3))))
    found, timeouts = settings_of(message)  # type: ignore[arg-type]
    assert timeouts == Timeouts(idle=3)
    assert found.delivery.rate == 60
    assert terms(settings, timeouts, 4).values["rate"] == 15, "they share the relay"
    assert found.dns.servers == settings.dns.servers
    assert found.dns.timeout == settings.dns.timeout
    assert found.dkim.key_file == settings.dkim.key_file
    for name in ("relay", "tls", "retry", "connections", "username", "password_file"):
        assert getattr(found.delivery, name) == getattr(settings.delivery, name)
