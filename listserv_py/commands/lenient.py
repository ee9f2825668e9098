"""What a line of LISTSERV's may have that is said otherwise here, or means nothing.

`F=format` asked in which form a file is sent: all files are mail. GOODBYE is FAREWELL.
"""

from __future__ import annotations

import re

FAREWELL = "FAREWELL"
GOODBYE = re.compile(r"(?<=\S[ \t])GOODBYE(?=[ \t]|$)", re.IGNORECASE | re.ASCII)
_FORMAT = re.compile(r"(?:^|[ \t])F=[A-Z0-9/_-]{1,20}(?=[ \t]|$)", re.IGNORECASE | re.ASCII)


def plain(rest: str) -> str:
    """The words behind a command about files, as they are read here."""
    return GOODBYE.sub(FAREWELL, _FORMAT.sub("", rest), count=1).strip(" \t")
