import pytest

from listserv_py.mail.trace import origin

OURS = "from localhost by lists.example.org with LMTP id 1; Sun, 1 Mar 2026 00:00:00 +0000"


@pytest.mark.parametrize(
    ("by_mta", "host"),
    [
        ("from h.example (h.example [192.0.2.1]) by mx.example.org (Postfix) id 1", "192.0.2.1"),
        ("from [198.51.100.9] (unknown [192.0.2.1]) by mx.example.org (Postfix) id 1", "192.0.2.1"),
        ("from [198.51.100.9] (h.example [IPv6:2001:db8::1]) by mx.example.org", "2001:db8::1"),
        ("from [192.0.2.1] (helo=[198.51.100.9]) by mx.example.org with esmtp (Exim)", "192.0.2.1"),
        ("from h.example ([192.0.2.1] helo=[198.51.100.9]) by mx.example.org", "192.0.2.1"),
        ("by mx.example.org (Postfix, from userid 0) id 1", ""),
    ],
)
def test_the_host_is_the_one_that_the_mta_saw_whatever_it_called_itself(
    by_mta: str, host: str
) -> None:
    assert origin([OURS, by_mta]) == host
