from listserv_py.mail.archived import as_text
from listserv_py.mail.message import read

RAW = (
    b"Received: from secret.example by mx\r\nFrom: Ann <ann@example.net>\r\n"
    b"X-Note: one\r\nX-Note: two\r\n\r\nText\r\n"
)


def test_each_field_of_a_full_header_says_its_own() -> None:
    head = as_text(read(RAW), full=True).partition("\n\n")[0]
    assert head == "From: Ann <ann@example.net>\nX-Note: one\nX-Note: two"
