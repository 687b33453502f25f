"""standards.dicom.charset: names in every repertoire, escapes and their resets, misspelt terms, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.standards.dicom import charset


def read(raw: bytes, declared: str, vr: str = "PN") -> str:
    return charset.decode(raw, charset.character_sets(declared.encode()), vr)[0]


# PS3.5 annexes H, I, J and K print these names with their bytes.
STANDARD = [
    (
        "\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        "\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東".encode(), "Wang^XiaoDong=王^小東"),
    ("GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东"),
    ("GBK", "Wang^XiaoDong=王^小东".encode("gbk"), "Wang^XiaoDong=王^小东"),
    ("\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "Zhang^XiaoDong=张^小东"),
    ("ISO_IR 100", "Buc^Jérôme".encode("latin_1"), "Buc^Jérôme"),
    ("ISO_IR 101", "Čapek^Łukasz".encode("iso8859_2"), "Čapek^Łukasz"),
    ("ISO_IR 144", "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг"),
    ("ISO_IR 127", "قباني^لنزار".encode("iso8859_6"), "قباني^لنزار"),
    ("ISO_IR 126", "Διονυσιος".encode("iso8859_7"), "Διονυσιος"),
    ("ISO_IR 138", "שרון^דבורה".encode("iso8859_8"), "שרון^דבורה"),
    ("ISO_IR 148", "Çavuşoğlu".encode("iso8859_9"), "Çavuşoğlu"),
    ("ISO_IR 203", "Œuvre^€".encode("iso8859_15"), "Œuvre^€"),
    ("ISO_IR 166", "นามสกุล".encode("iso8859_11"), "นามสกุล"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ".encode("shift_jis"), "ﾔﾏﾀﾞ"),
]


@pytest.mark.parametrize(("declared", "raw", "name"), STANDARD, ids=[row[0] for row in STANDARD])
def test_reads_the_names_of_the_standard(declared: str, raw: bytes, name: str) -> None:
    assert charset.decode(raw, charset.character_sets(declared.encode()), "PN") == (name, True)


@pytest.mark.parametrize(("declared", "raw", "name"), STANDARD, ids=[row[0] for row in STANDARD])
def test_writes_names_that_read_back(declared: str, raw: bytes, name: str) -> None:
    sets = charset.character_sets(declared.encode())
    coded, fits = charset.encode(name, sets, "PN")
    assert fits
    assert charset.decode(coded, sets, "PN") == (name, True)


def test_writes_the_very_bytes_of_annex_h_and_i() -> None:
    for declared, raw, name in (STANDARD[0], STANDARD[2]):
        assert charset.encode(name, charset.character_sets(declared.encode()), "PN")[0] == raw


def test_the_right_half_is_reset_at_a_delimiter() -> None:
    raw = b"\x1b-F\xe1^\xe1"
    assert read(raw, "ISO 2022 IR 100\\ISO 2022 IR 126") == "α^á"
    assert read(raw, "ISO 2022 IR 100\\ISO 2022 IR 126", "LO") == "α^α"
    assert read(b"\x1b-F\xe1\\\xe1", "ISO 2022 IR 100\\ISO 2022 IR 126", "LO") == "α\\á"
    assert read(b"\x1b-F\xe1\\\xe1", "ISO 2022 IR 100\\ISO 2022 IR 126", "LT") == "α\\α"
    assert read(b"\x1b-F\xe1\r\n\xe1", "ISO 2022 IR 100\\ISO 2022 IR 126", "LT") == "α\r\ná"


def test_a_set_that_is_designated_once_serves_the_whole_value() -> None:
    raw = "홍^길동".encode("euc_kr")
    assert read(b"Hong^Gildong=\x1b$)C" + raw, "\\ISO 2022 IR 149") == "Hong^Gildong=홍^길동"
    assert read(raw, "\\ISO 2022 IR 149") == "홍^길동"


def test_a_backslash_inside_of_a_two_byte_character_is_no_delimiter() -> None:
    name = "誠\\許"  # GB18030 has bytes 5C as second bytes
    raw = name.encode("gb18030")
    assert raw.count(b"\\") >= 1
    assert read(raw, "GB18030", "LO") == name
    kanji = "一\\二"  # the first Kanji is 30 6C in JIS X 0208; 5C stands in others
    sets = charset.character_sets(b"\\ISO 2022 IR 87")
    assert charset.decode(charset.encode(kanji, sets, "LO")[0], sets, "LO")[0] == kanji


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ISO_IR 100", "ISO_IR 100"),
        ("ISO IR 192", "ISO_IR 192"),
        ("iso_ir 192", "ISO_IR 192"),
        ("ISO-IR 100", "ISO_IR 100"),
        ("ISO_IR_100", "ISO_IR 100"),
        ("ISO_IR100", "ISO_IR 100"),
        ("ISO_2022_IR_6", "ISO 2022 IR 6"),
        ("ISO 2022 58", "ISO 2022 IR 58"),
        ("ISO 2022 IR 87", "ISO 2022 IR 87"),
        ("UTF-8", "ISO_IR 192"),
        ("ISO 8859-1", "ISO_IR 100"),
        ("ISO8859-5", "ISO_IR 144"),
        ("GB18030", "GB18030"),
        ("gbk", "GBK"),
        ("", "ISO_IR 6"),
        ("ISO_IR 999", None),
        ("EBCDIC", None),
    ],
)
def test_misspelt_terms_are_understood(written: str, meant: str | None) -> None:
    assert charset.normalised(written) == meant


def test_a_term_that_nobody_knows_is_a_problem_and_no_error() -> None:
    sets = charset.character_sets(b"EBCDIC")
    assert sets.problems == ("Specific Character Set has a term that is not defined",)
    assert charset.decode("Müller".encode(), sets) == ("Müller", False)
    assert charset.decode("Müller".encode("latin_1"), sets) == ("Müller", False)


def test_unicode_rules_over_code_extensions() -> None:
    assert read("Ä".encode(), "ISO_IR 192\\ISO 2022 IR 87") == "Ä"
    assert read("王".encode("gb18030"), "GB18030\\ISO IR 192") == "王"
    assert read("Ä".encode(), "\\ISO_IR 192") == "Ä"


def test_utf_8_that_was_cut_inside_of_a_character_keeps_the_rest() -> None:
    cut = "Østergård^Åse".encode()[:-1] + "é".encode()[:1]
    text, sound = charset.decode(cut, charset.UNICODE)
    assert text.startswith("Østergård^Ås")
    assert not sound
    assert charset.decode("Grüße aus Köln".encode("latin_1"), charset.UNICODE) == ("Grüße aus Köln", False)


def test_what_does_not_fit_becomes_a_question_mark() -> None:
    assert charset.encode("Łukasz", charset.character_sets(b"ISO_IR 100")) == (b"?ukasz", False)
    assert charset.encode("山田", charset.character_sets(b"\\ISO 2022 IR 149"), "PN")[1]
    assert charset.encode("🫀", charset.character_sets(b"\\ISO 2022 IR 87"), "PN") == (b"?", False)


DECLARED = ["", "ISO_IR 100", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
            "\\ISO 2022 IR 149", "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126", "nonsense\\ISO 2022 IR 58"]  # fmt: skip


@given(st.binary(max_size=80), st.sampled_from(DECLARED), st.sampled_from(["PN", "LO", "LT"]))
def test_any_bytes_decode_to_a_text(raw: bytes, declared: str, vr: str) -> None:
    assert isinstance(read(raw, declared, vr), str)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x1b"), max_size=40),
    st.sampled_from(DECLARED),
    st.sampled_from(["PN", "LO", "LT"]),
)
def test_what_a_set_can_hold_reads_back(text: str, declared: str, vr: str) -> None:
    sets = charset.character_sets(declared.encode())
    coded, fits = charset.encode(text, sets, vr)
    if fits:
        assert charset.decode(coded, sets, vr)[0] == text
