"""Text whose encoding nobody states."""

from __future__ import annotations

import pytest

from augmentai.dataset.text_encoding import NotTextError, decode_names, decode_text

CLASS_NAMES = [  # encoding, text as it is in files of class names
    ("utf-8", "person\ncar\n"),
    ("utf-8-sig", "person\r\ncar\r\n"),  # Notepad
    ("utf-16", "person\r\ncar\r\n"),  # PowerShell 5
    ("utf-16-le", "person\r\ncar\r\n"),  # without a mark
    ("utf-16-be", "person\r\ncar\r\n"),
    ("utf-16", "猫\n狗\n"),
    ("utf-32", "person\ncar\n"),
    ("utf-32-le", "person\ncar\n"),
    ("utf-16-le", "0 0.5 0.5 0.1 0.1\n"),
    ("gbk", "猫\n狗\n"),  # the system's encoding of Windows, by country
    ("gbk", "缺陷\n划痕\n正常\n"),
    ("gbk", "口罩\n未戴口罩\n"),
    ("cp950", "汽車\n行人\n機車\n"),
    ("cp932", "猫\n犬\n"),
    ("cp932", "りんご\nバナナ\n"),
    ("euc_jp", "りんご\n自動車\n"),
    ("cp949", "고양이\n강아지\n"),
    ("cp949", "사람\n자동차\n"),
    ("cp1251", "кошка\nсобака\n"),
    ("cp1251", "Машина\nЧеловек\n"),
    ("cp866", "кошка\nсобака\n"),
    ("koi8_r", "кошка\nсобака\n"),
    ("latin-1", "café\nnaïve\n"),
    ("latin-1", "Größe\nMädchen\n"),
    ("cp1252", "señal de tráfico\nniño\n"),
    ("cp1252", "“quoted” – it’s\n"),
    ("cp1253", "γάτα\nσκύλος\n"),
    ("cp1255", "חתול\nכלב\n"),
    ("cp1256", "قط\nكلب\n"),
    ("cp874", "แมว\nหมา\n"),
    ("cp874", "สุนัข\nแมว\n"),  # with vowels above and below
]


@pytest.mark.parametrize(("encoding", "text"), CLASS_NAMES)
def test_class_names(encoding: str, text: str) -> None:
    decoded = decode_text(text.encode(encoding))
    assert decoded.text == text
    assert bool(decoded.guessed) == (not encoding.startswith("utf"))


NAMES_IN_ARCHIVES = [  # encoding, names, what is said of them
    ("utf-8", ["ねこ/é.jpg"], ""),  # macOS, without the flag
    ("cp932", ["写真/猫/1.jpg", "写真/犬/1.jpg"], "Japanese (Shift JIS)"),
    ("gbk", ["数据/苹果/1.jpg", "数据/香蕉/1.jpg"], "Chinese (GBK)"),
    ("cp950", ["圖片/汽車/1.jpg", "圖片/機車/1.jpg"], "Chinese (Big5)"),
    ("cp949", ["고양이/1.jpg", "강아지/1.jpg"], "Korean (EUC-KR)"),
    ("cp866", ["Кошки/фото.jpg", "Собаки/1.jpg"], "Cyrillic (DOS 866)"),
    ("cp437", ["café/1.jpg", "Äpfel/Ü.jpg"], "Western European (DOS 437)"),
    ("cp850", ["señal/niño.jpg"], "Western European (DOS 437)"),  # which has the same letters in these places
    ("cp1252", ["café/Größe.jpg"], "Western European (Windows-1252)"),
    ("cp852", ["kočka/žába.jpg"], "Central European (DOS 852)"),
    ("cp874", ["แมว/1.jpg", "สุนัข/1.jpg"], "Thai (Windows-874)"),
    ("cp862", ["חתולים/1.jpg", "כלבים/1.jpg"], "Hebrew (DOS 862)"),
    ("cp1251", ["кошки/1.jpg", "собаки/1.jpg"], "Cyrillic (Windows-1251)"),
]


@pytest.mark.parametrize(("encoding", "names", "title"), NAMES_IN_ARCHIVES)
def test_names_of_an_archive(encoding: str, names: list[str], title: str) -> None:
    assert decode_names([name.encode(encoding) for name in names]) == (names, title)


def test_all_names_of_an_archive_are_in_one_encoding() -> None:
    """ "Ä" in DOS 437 alone would be half a character of Chinese."""
    names = ["数据/猫.jpg".encode("gbk"), b"\xc3\xa8.jpg"]  # the second is UTF-8 by chance
    assert decode_names(names)[0] == ["数据/猫.jpg", "猫.jpg"]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("gbk", "gbk"), ("Shift_JIS", "cp932"), ("ISO-8859-2", "iso8859_2"), ("utf-16", "utf-16"), ("utf-16", "utf-8")],
)
def test_the_declaration_of_xml_counts(declared: str, encoding: str) -> None:
    name = {"gbk": "猫", "Shift_JIS": "猫", "ISO-8859-2": "kočka", "utf-16": "猫"}[declared]
    text = f'<?xml version="1.0" encoding="{declared}"?><name>{name}</name>'
    decoded = decode_text(text.encode(encoding))
    assert (decoded.text, decoded.guessed) == (text, "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"cat\0\0\0\0", "contains NUL"),  # what a loss of power leaves
        (b"\0" * 40, "contains NUL"),
        (b"\x00\x01\x02\x03\xff\xfe" * 9, "contains NUL"),
        (b"\xff\xfec\x00a", "begins as UTF-16 and is damaged at byte 4"),
        (b"\xef\xbb\xbfcaf\xe9", "begins as UTF-8 and is damaged at byte 3"),
    ],
)
def test_what_is_not_text(data: bytes, words: str) -> None:
    with pytest.raises(NotTextError, match=words):
        decode_text(data)
