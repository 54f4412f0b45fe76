"""The encoding of a text file, or of names in an archive, that does not say it: UTF-8, or else the likeliest one.

Class names are short, and statistics of a language need long texts. So each encoding that systems use is tried, and
what it gives is judged by what short names have in common: words of one script, capital letters in front, characters
from the part of a standard that holds the frequent ones. charset-normalizer decides where none of them fits.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice

_LETTERS_JUDGED = 2000  # characters beyond ASCII
_MIN_SCORE = 0.5
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_THAI = re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]+")  # its vowels above and below are no letters to Python
_VOWELS = re.compile("(?i)[аеёиоуыэюяіїєў]")
_EIGHT_BITS = re.compile("cp|iso8859|gb|big5|euc|shift_jis|koi8|mac|ascii|utf-8|tis")
_COMMON_HANGUL = frozenset(
    "이다의는에을가고하지로도기사나리그자은들서어아인한대를시수라만부정있일보해러구스여장우비조제면안내주세전원때과성것동적오없거상소게공국신으마관화위유문치진무말"
    "모물바미연음점생분선민계학중재청차양와식방실용금경속개산회두교간김발남행강람노트터크프"
)
_TYPOGRAPHY = frozenset("’‘“”„«»–—…·°©®™№§€£¥¿¡ªº½¼¾²³×±　、。，！？（）【】・ー～：")

# What systems call 8-bit text, and how likely it is where two fit alike.
_OF_FILES = {
    "gb18030": 1.0,
    "cp932": 1.0,
    "cp949": 1.0,
    "cp950": 0.97,
    "euc_jp": 0.95,
    "cp1251": 0.95,
    "cp1252": 0.93,
    "cp1253": 0.88,
    "cp1255": 0.885,
    "cp866": 0.85,
    "cp874": 0.82,
    "cp1250": 0.8,
    "cp1256": 0.76,
    "koi8_r": 0.77,
    "cp437": 0.6,
    "mac_roman": 0.5,
}
# A ZIP has names in the code page of a DOS window, a TAR in that of the system.
_OF_NAMES = {
    "gb18030": 1.0,
    "cp932": 1.0,
    "cp949": 1.0,
    "cp950": 0.97,
    "cp866": 0.95,
    "euc_jp": 0.93,
    "cp437": 0.92,
    "cp850": 0.91,
    "cp1251": 0.9,
    "cp1252": 0.86,
    "cp852": 0.84,
    "cp737": 0.82,
    "cp1253": 0.81,
    "cp862": 0.8,
    "cp1255": 0.79,
    "cp1250": 0.78,
    "koi8_r": 0.77,
    "cp874": 0.75,
    "cp1256": 0.74,
    "mac_roman": 0.5,
}
_TITLES = {
    "gb18030": "Chinese (GBK)",
    "cp950": "Chinese (Big5)",
    "cp932": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (EUC-KR)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp866": "Cyrillic (DOS 866)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1252": "Western European (Windows-1252)",
    "cp437": "Western European (DOS 437)",
    "cp850": "Western European (DOS 850)",
    "cp1250": "Central European (Windows-1250)",
    "cp852": "Central European (DOS 852)",
    "cp1253": "Greek (Windows-1253)",
    "cp737": "Greek (DOS 737)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp862": "Hebrew (DOS 862)",
    "cp1256": "Arabic (Windows-1256)",
    "cp874": "Thai (Windows-874)",
    "mac_roman": "Western European (Macintosh)",
    "latin_1": "Western European (Latin-1)",
}


class NotTextError(ValueError):
    """Bytes that are not text in any encoding; the message completes "the file ..."."""


@dataclass(frozen=True)
class Decoded:
    """The text of a file.

    Attributes:
        text: without a byte order mark.
        guessed: the title of its encoding if nothing states it, else "".
    """

    text: str
    guessed: str = ""


def decode_text(data: bytes) -> Decoded:
    """The text of a file in any encoding that is in use.

    Args:
        data: the whole file.

    Returns:
        Its text. UTF-8, UTF-16 and UTF-32 are recognised, with or without a byte order mark; of XML the declaration
        counts; any other encoding is guessed.

    Raises:
        NotTextError: it contains NUL, as no text does, or breaks off.

    Example:
        >>> decode_text("person\\r\\ncar".encode("utf-16")).text.split()
        ['person', 'car']
        >>> decode_text("りんご".encode("cp932"))
        Decoded(text='りんご', guessed='Japanese (Shift JIS)')
    """
    decoded = _by_mark(data) or _by_width(data) or _as_declared(data) or _as_utf8(data)
    if decoded is None:
        encoding = guess_encoding(data, _OF_FILES)
        decoded = Decoded(data.decode(encoding), title_of(encoding))
    if "\0" in decoded.text:
        raise NotTextError("contains NUL, so it is damaged or not a text file; save it again as UTF-8")
    return decoded


def _by_mark(data: bytes) -> Decoded | None:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    if encoding is None:
        return None
    try:
        return Decoded(data.decode(encoding))
    except UnicodeDecodeError as error:
        found = encoding.removesuffix("-sig").upper()
        raise NotTextError(f"begins as {found} and is damaged at byte {error.start}; save it again as UTF-8") from error


def _by_width(data: bytes) -> Decoded | None:
    """UTF-16 and UTF-32 without a mark: line ends and ASCII have zeros beside them, and nothing else has."""
    for encoding in _WIDE if b"\0" in data else ():
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and sum(character.isascii() for character in text) * 2 >= min(len(text), 2):
            controls = sum(
                unicodedata.category(character) in {"Cc", "Co", "Cn"} for character in set(text) - set("\r\n\t")
            )
            if not controls:
                return Decoded(text)
    return None


def _as_declared(data: bytes) -> Decoded | None:
    """XML that states an encoding of 8 bits; one that states UTF-16 and is not was saved as UTF-8 by mistake."""
    declared = _DECLARED.match(data[:300])
    try:
        codec = codecs.lookup(declared[1].decode()) if declared else None
        return Decoded(codec.decode(data)[0]) if codec is not None and _EIGHT_BITS.match(codec.name) else None
    except (UnicodeError, LookupError):
        return None


def _as_utf8(data: bytes) -> Decoded | None:
    try:
        return Decoded(data.decode("utf-8"))
    except UnicodeDecodeError:
        return None


def decode_names(names: list[bytes]) -> tuple[list[str], str]:
    """The file names of one archive, which are all in one encoding.

    Args:
        names: those that do not say their encoding.

    Returns:
        The names, and the title of their encoding if it was guessed; "" for UTF-8, which some systems write without
        saying so.

    Example:
        >>> decode_names(["苹果/1.jpg".encode("gbk"), "香蕉/1.jpg".encode("gbk")])
        (['苹果/1.jpg', '香蕉/1.jpg'], 'Chinese (GBK)')
    """
    try:
        return [name.decode("utf-8") for name in names], ""
    except UnicodeDecodeError:
        pass
    parts = {part for name in names for part in name.split(b"/") if not part.isascii()}
    encoding = guess_encoding(b"\n".join(sorted(parts)), _OF_NAMES)
    return [name.decode(encoding, "replace") for name in names], title_of(encoding)


def title_of(encoding: str) -> str:
    """What an encoding is called in messages."""
    return _TITLES.get(encoding, encoding)


def guess_encoding(data: bytes, likely: Mapping[str, float]) -> str:
    """The likeliest encoding of bytes that are not UTF-8; Latin-1, which reads anything, if none fits.

    Args:
        data: the text.
        likely: the encodings to choose from, each with how likely it is where two fit alike.
    """
    scores = {encoding: prior * _score(data, encoding) for encoding, prior in likely.items()}
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] >= _MIN_SCORE:
        return best
    return _by_statistics(data) or (best if scores[best] > 0 else "latin_1")


def _by_statistics(data: bytes) -> str | None:
    from charset_normalizer import from_bytes

    found = from_bytes(data, cp_isolation=list(_TITLES)).best()
    try:
        return found.encoding if found is not None and data.decode(found.encoding) else None
    except (UnicodeDecodeError, LookupError):
        return None


def _score(data: bytes, encoding: str) -> float:
    """How plausible the text is in this encoding, 0 to 1: the mean over its characters beyond ASCII."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0
    beyond = "".join(islice((character for character in text if not character.isascii()), _LETTERS_JUDGED))
    if not beyond:
        return 0
    if encoding in _COMMON:
        common = _COMMON[encoding]
        inside_words = len(re.findall(r"[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]", text[: 2 * _LETTERS_JUDGED]))  # "se兀l"
        found = sum(common(character, character.encode(encoding)) for character in beyond)
        return max(0.0, found - 0.7 * inside_words) / len(beyond)
    words = re.findall(rf"{_THAI.pattern}|[^\W\d_]+|[^\x00-\x7f]", text)
    values = [value for word in islice(words, _LETTERS_JUDGED) if not word.isascii() for value in _of_word(word)]
    return sum(values) / len(values)


def _of_word(word: str) -> list[float]:
    """How plausible each character beyond ASCII of a word is in an alphabet."""
    beyond = [character for character in word if not character.isascii()]
    if not word.isalpha() and not _THAI.fullmatch(word):
        return [0.6 if character in _TYPOGRAPHY else 0.0 for character in beyond]
    scripts = {_script(character) for character in word}
    if len(scripts) > 1:
        return [0.05] * len(beyond)
    value = 1.0
    if scripts == {"LATIN"} and len(word) > 2 and len(beyond) > 0.6 * len(word):
        value = 0.2  # "êîøêà": Cyrillic that is read as Latin
    elif not (word == word.lower() or word.istitle()):
        value = 0.75 if word.isupper() else 0.3
    elif scripts == {"CYRILLIC"} and (word[0] in "ъьы" or (len(word) > 2 and not _VOWELS.search(word))):
        value = 0.3  # no word begins with these
    return [value] * len(beyond)


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").partition(" ")[0]


def _common_chinese(character: str, code: bytes) -> float:
    if len(code) != 2:
        return 0.0
    lead, trail = code
    if 0xB0 <= lead <= 0xD7 and trail >= 0xA1:
        return 1.0  # the 3,755 characters of GB 2312's first level
    if 0xD8 <= lead <= 0xF7 and trail >= 0xA1:
        return 0.4
    return _symbol(character, 0.3 if character.isalpha() and lead in {0xA4, 0xA5} else 0.1)


def _common_traditional(character: str, code: bytes) -> float:
    if len(code) != 2:
        return 0.0
    return 1.0 if 0xA4 <= code[0] <= 0xC6 else 0.3 if 0xC9 <= code[0] <= 0xF9 else _symbol(character, 0.1)


def _common_japanese(character: str, code: bytes) -> float:
    if len(code) == 1:
        return 0.1  # half-width katakana, which other encodings turn into
    if _script(character) in {"HIRAGANA", "KATAKANA"}:
        return 1.0
    if 0x88 <= code[0] <= 0x97 or (code[0] == 0x98 and code[1] <= 0x72):
        return 1.0
    return 0.3 if character.isalpha() else _symbol(character, 0.0)


def _common_euc_japanese(character: str, code: bytes) -> float:
    if _script(character) in {"HIRAGANA", "KATAKANA"} and len(code) == 2 and code[0] in {0xA4, 0xA5}:
        return 1.2  # by chance, few characters are from these two rows
    if len(code) != 2:
        return 0.0
    return 0.95 if 0xB0 <= code[0] <= 0xCF else 0.3 if character.isalpha() else _symbol(character, 0.0)


def _common_korean(character: str, code: bytes) -> float:
    if character in _COMMON_HANGUL:
        return 1.5  # by chance, three in a hundred are
    if _script(character) == "HANGUL":
        return 0.7 if len(code) == 2 and 0xB0 <= code[0] <= 0xC8 and code[1] >= 0xA1 else 0.1
    return 0.15 if character.isalpha() else _symbol(character, 0.0)


def _symbol(character: str, otherwise: float) -> float:
    return 0.6 if character in _TYPOGRAPHY else otherwise


_COMMON: dict[str, Callable[[str, bytes], float]] = {
    "gb18030": _common_chinese,
    "cp950": _common_traditional,
    "cp932": _common_japanese,
    "euc_jp": _common_euc_japanese,
    "cp949": _common_korean,
}
