"""Bytes in whatever charset a mail claims, to text.

Never raises, whatever the label: unknown and broken labels fall back to UTF-8 and then
windows-1252, and only codecs of real charsets are reached (Python also offers `unicode_escape`,
`punycode` and worse by name).
"""

from __future__ import annotations

import codecs
import encodings
import pkgutil
import re
from encodings.aliases import aliases
from functools import lru_cache

_ALIASES = {
    "ascii": "us-ascii",
    "ansi_x3.4-1968": "us-ascii",
    "iso-8859-1": "cp1252",  # as browsers do: octets 128 to 159 are never C1 controls in mail
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-6-e": "iso8859-6",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "windows-936": "gb18030",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-mac-roman": "mac_roman",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
}
_REAL = re.compile(
    r"ascii|utf-(7|8(-sig)?|(16|32)(-[bl]e)?)|iso8859-\d+|(cp|windows)\d+|koi8-[rtu]|gb18030|gb2312|gbk|hz"
    r"|big5(hkscs)?|cp950|euc_\w+|shift_jis\w*|iso2022_\w+|mac-\w+|johab|kz1048|ptcp154|hp-roman8|tis-620"
)
_LABEL = re.compile(r"[a-z0-9_.:()-]{1,40}")
_BROKEN_LABEL = re.compile(r"(cp|windows|win|iso|utf)[-_ ]?(\d[\d_-]*)")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MODULES = frozenset(one.name for one in pkgutil.iter_modules(encodings.__path__))


def decode(data: bytes, label: str) -> str:
    """Text of `data`; octets that make no sense become U+FFFD."""
    codec = _codec(label) if label else ""
    if codec in ("", "ascii"):
        return _guess(data)
    text = data.decode(codec, "replace")
    return text if codec == "utf-8" or text.isascii() else _SURROGATES.sub("\ufffd", text)


def encode(text: str, label: str) -> bytes:
    """Text in a charset that has ASCII in its place, `?` for what it lacks; else in ASCII."""
    codec = _codec(label)
    if codec.startswith(("utf-7", "utf-16", "utf-32", "iso2022", "hz")) or not codec:
        codec = "ascii"
    return text.encode(codec, "replace")


def _guess(data: bytes) -> str:
    """UTF-8 if it can be, else windows-1252: what unlabelled eight-bit text nearly always is."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


@lru_cache(maxsize=256)
def _codec(label: str) -> str:
    """The name of Python's codec, or "" for a label that says nothing."""
    label = label.strip(" \t'\"").lower()
    if not label or not label.isascii() or not _LABEL.fullmatch(label):
        return ""
    for candidate in (label, label.replace("_", "-"), _mended(label)):
        found = _known(_ALIASES.get(candidate, candidate))
        if found:
            return found
    return ""


def _mended(label: str) -> str:
    """What `cp-1252`, `windows1252`, `utf_8`, `iso8859_15` or `x-cp1252` mean."""
    match = _BROKEN_LABEL.search(label)
    if match is None:
        return label
    family, number = match[1], match[2].replace("_", "-").strip("-")
    if family in ("cp", "windows", "win"):
        return f"cp{number}"
    if family == "iso":
        return "iso-8859-" + number.removeprefix("8859").strip("-")
    return f"{family}-{number}"


def _known(name: str) -> str:
    # Python keeps whatever name it was ever asked for: only names of its own modules reach it.
    plain = encodings.normalize_encoding(name)
    module = aliases.get(plain) or aliases.get(plain.replace(".", "_"), plain)
    if module not in _MODULES:
        return ""
    try:
        found = codecs.lookup(module).name
    except LookupError:
        return ""
    return found if _REAL.fullmatch(found) else ""
