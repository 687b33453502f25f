"""Queries from identifiers and from URL parameters, and what matching means (traps 30-36, 38)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import names, tags
from heliograph.standards.dicom.matching import (
    Condition,
    Matching,
    checked_pattern,
    collapsed,
    in_range,
    like,
    matches,
    name_like,
)
from heliograph.standards.dicom.query import Level, Query, from_identifier, from_parameters

STUDY_DATE, STUDY_TIME = tags.tag_of("StudyDate"), tags.tag_of("StudyTime")
NAME, MODALITY, STUDY_UID = tags.tag_of("PatientName"), tags.tag_of("Modality"), tags.tag_of("StudyInstanceUID")
REQUEST = tags.tag_of("RequestAttributesSequence")


def identifier(level: str | None = "STUDY", **keys: object) -> dict[int, tuple[str, object]]:
    elements: dict[int, tuple[str, object]] = {}
    if level is not None:
        elements[tags.tag_of("QueryRetrieveLevel")] = ("CS", (level,))
    for keyword, value in keys.items():
        tag = tags.tag_of(keyword)
        elements[tag] = (tags.vr_of(tag), value if isinstance(value, tuple) else (value,))
    return elements


def only(query: Query) -> Condition:
    assert len(query.conditions) == 1, query
    return query.conditions[0]


def find(level: str | None = "STUDY", **keys: object) -> Query:
    return from_identifier(identifier(level, **keys), patient_root=False)


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("IMAGES", Level.IMAGE),
        ("INSTANCE", Level.IMAGE),
        ("image ", Level.IMAGE),
        ("Study", Level.STUDY),
        ("SERIES\0", Level.SERIES),
    ],
)
def test_trap_36_level_as_peers_spell_it(spelt: str, meant: Level) -> None:
    assert find(spelt).level is meant


def test_trap_36_missing_level_is_told_by_the_unique_keys() -> None:
    assert find(None, SeriesInstanceUID="", StudyInstanceUID="1.2").level is Level.SERIES
    assert from_identifier(identifier(None, PatientID="1"), patient_root=True).level is Level.PATIENT
    assert from_identifier(identifier(None, PatientID="1"), patient_root=False).level is Level.STUDY
    assert find(None).problems


def test_trap_36_unknown_level_is_refused() -> None:
    with pytest.raises(Invalid, match="Level"):
        find("FRAME")


def test_trap_30_universal_matching_by_empty_and_by_star() -> None:
    query = find(PatientName="*", PatientID="", StudyDate=(), StudyInstanceUID="*", StudyDescription="**")
    assert query.conditions == ()
    assert len(query.return_keys) == 5


def test_trap_30_lists_by_backslash_and_long_ones_are_not_dropped() -> None:
    wanted = tuple(f"1.2.840.99999.{number}" for number in range(500))
    assert only(find(StudyInstanceUID=wanted)).values == wanted
    assert only(find("SERIES", Modality=("CT", "MR"))) == Condition(MODALITY, "CS", Matching.VALUE, ("CT", "MR"))


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("StudyInstanceUID", "1.2.*"), ("StudyDate", "2024*"), ("SeriesNumber", "1?"), ("StudyTime", "10*")],
)
def test_trap_30_wildcards_where_they_do_not_apply_stay_a_filter(keyword: str, value: str) -> None:
    query = find(**{keyword: value})
    condition = only(query)
    assert condition.matching in (Matching.VALUE, Matching.RANGE)
    assert not matches(condition, ("1.2.3", "20240101", "12", "100000"))
    if keyword != "StudyInstanceUID":
        with pytest.raises(Invalid):
            from_parameters(Level.STUDY, [(keyword, value)])


def test_trap_31_sql_and_glob_characters_are_literal() -> None:
    for char in "[]%_\\{}()^$.|+":
        assert like(f"a{char}*", f"a{char}b")
        assert not like(f"a{char}b", "axb") or char == "."
    assert not like("a.b", "axb")
    assert like("a?c*", "abcd")
    assert not like("a?c", "ac")


@given(st.text(alphabet="ab*?", max_size=12), st.text(alphabet="ab", max_size=12))
def test_a_collapsed_pattern_means_the_same(pattern: str, text: str) -> None:
    assert like(pattern, text) == like(collapsed(pattern), text)


def test_p13_wildcard_floods_are_bounded() -> None:
    assert collapsed("*" * 5000) == "*"
    assert collapsed("*?*?*") == "??*"
    with pytest.raises(Invalid, match="wildcards"):
        checked_pattern("PatientName", "a*" * 5000)
    with pytest.raises(Invalid):
        from_parameters(Level.STUDY, [("PatientName", "?" * 5000)])
    with pytest.raises(Invalid):
        find(PatientName="x" * 65536)


@given(st.text(alphabet="aäB^ *?c,", max_size=8), st.text(alphabet="aäB^ c,", max_size=8))
def test_the_pattern_for_folded_names_agrees_with_the_rule(pattern: str, name: str) -> None:
    plain = pattern.strip(" ").rstrip("^= ")
    if plain.strip("*") and name.strip(" ^,"):
        assert names.matches(pattern, name) == like(name_like(pattern), names.fold(name))


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("müller^j*", "MULLER^JÖRG", True),
        ("DOE^JANE^^", "Doe^Jane", True),
        ("DOE", "Doe^Jane", False),
        ("=山田*", "Yamada^Tarou=山田^太郎=やまだ^たろう", True),
        ("=田*", "Yamada^Tarou=山田^太郎", False),
        ("山田*", "Yamada^Tarou=山田^太郎", True),
        ("yamada*=山田*", "Yamada^Tarou=山田^太郎", True),
        ("suzuki*=山田*", "Yamada^Tarou=山田^太郎", False),
        ("[DOE]*", "[Doe]^Jane", True),
    ],
)
def test_trap_32_names(pattern: str, name: str, expected: bool) -> None:
    assert matches(only(find(PatientName=pattern)), (name,)) is expected


def test_trap_32_fuzzy_names_do_not_mind_the_order() -> None:
    fuzzy = only(from_parameters(Level.STUDY, [("PatientName", "jan müll"), ("fuzzymatching", "true")]))
    assert matches(fuzzy, ("Müller^Jane",))
    assert not matches(fuzzy, ("Müller^Tim",))


def test_trap_32_only_names_ignore_case() -> None:
    assert not matches(only(find(StudyDescription="ct*")), ("CT head",))


@pytest.mark.parametrize(
    ("text", "stored", "expected"),
    [
        ("20240101-20240131", "20240131", True),
        ("20240101-20240131", "20240201", False),
        ("20240101-", "20250101", True),
        ("-20240101", "20240101", True),
        ("-20240101", "", False),
        ("20240105", "20240105", True),
        ("2024.01.05", "20240105", True),
        ("20240105", "2024.01.05", False),
    ],
)
def test_trap_33_dates(text: str, stored: str, expected: bool) -> None:
    assert matches(only(find(StudyDate=text)), (stored,)) is expected


@pytest.mark.parametrize(
    ("text", "stored", "expected"),
    [
        ("1030", "103059.5", True),
        ("1030", "1031", False),
        ("10", "1059", True),
        ("100000-113000", "10", True),
        ("100000-113000", "113000.9", True),
        ("100000-1130", "113059", True),
        ("2200-0600", "230000", True),
        ("2200-0600", "0559", True),
        ("2200-0600", "120000", False),
        ("-0600", "000000", True),
        ("2200-", "235959", True),
        ("10:30:00-11:00:00", "10:45", True),
    ],
)
def test_trap_33_times_also_over_midnight(text: str, stored: str, expected: bool) -> None:
    assert matches(only(find(StudyTime=text)), (stored,)) is expected


@pytest.mark.parametrize(
    ("low", "high", "stored", "expected"),
    [
        ("20240101120000-0500", "20240101130000-0500", "20240101173000+0000", True),
        ("20240101120000-0500", "20240101130000-0500", "20240101123000+0000", False),
        ("202402", "", "20240229235959.5", True),
        ("", "202402", "20240301", False),
        ("", "202402", "20240229235959.5", True),
        ("20240229230000-0500", "", "20240301035959+0000", False),
        ("20240229230000-0500", "", "20240301040000+0000", True),
        ("20241399", "", "20250101", False),
    ],
)
def test_trap_33_instants_with_offset(low: str, high: str, stored: str, expected: bool) -> None:
    assert in_range("DT", low, high, stored) is expected


def test_trap_33_range_of_instants_with_negative_offsets_is_cut_at_the_right_minus() -> None:
    query = find("IMAGE", AcquisitionDateTime="20240101120000-0500-20240102120000-0500")
    assert only(query).values == ("20240101120000-0500", "20240102120000-0500")
    assert only(find("IMAGE", AcquisitionDateTime="-20240102")).values == ("", "20240102")


def test_trap_34_group_lengths_and_low_tags_are_not_keys() -> None:
    elements = identifier(PatientID="1") | {
        0x00080000: ("UL", (24,)),
        0x00020010: ("UI", ("1.2",)),
        0x00040000: ("UL", (8,)),
    }
    query = from_identifier(elements, patient_root=False)
    assert query.return_keys == (tags.tag_of("PatientID"),)


def test_trap_35_empty_data_matches_only_the_universal_key() -> None:
    assert not matches(Condition(NAME, "PN", Matching.NAME, ("A*",)), ())
    assert not matches(Condition(MODALITY, "CS", Matching.WILDCARD, ("C*",)), ("",))
    assert matches(Condition(MODALITY, "CS", Matching.EMPTY), ("",))


def test_trap_38_sequences_match_item_by_item() -> None:
    item = {tags.tag_of("RequestedProcedureID"): ("SH", ("R1",)), tags.tag_of("ScheduledProcedureStepID"): ("SH", ())}
    query = find("SERIES", RequestAttributesSequence=(item,))
    condition = only(query)
    assert condition.matching is Matching.SEQUENCE
    assert set(query.items[REQUEST]) == set(item)
    assert matches(condition, ({tags.tag_of("RequestedProcedureID"): ("SH", ("R1",))},))
    assert not matches(condition, ({tags.tag_of("RequestedProcedureID"): ("SH", ("R2",))},))
    assert not matches(condition, ())
    assert find("SERIES", RequestAttributesSequence=({},)).conditions == ()
    assert find("SERIES", RequestAttributesSequence=()).conditions == ()


def test_integer_strings_match_by_value() -> None:
    assert matches(only(find("SERIES", SeriesNumber="007")), ("7",))
    assert not matches(only(find("SERIES", SeriesNumber="7")), ("70",))


def test_combined_and_fuzzy_are_options_of_the_negotiation() -> None:
    query = from_identifier(identifier(PatientName="a"), patient_root=False, fuzzy=True, combined_datetime=True)
    assert query.combined_datetime
    assert only(query).matching is Matching.FUZZY_NAME


# -- QIDO-RS -------------------------------------------------------------------------------------------------------


def test_parameters_by_keyword_and_by_tag() -> None:
    by_tag = from_parameters(Level.STUDY, [("00100020", "P1"), ("0020000D", "1.2,1.3")])
    by_keyword = from_parameters(Level.STUDY, [("PatientID", "P1"), ("StudyInstanceUID", "1.2\\1.3")])
    assert by_tag.conditions == by_keyword.conditions
    assert by_tag.condition(STUDY_UID) == Condition(STUDY_UID, "UI", Matching.VALUE, ("1.2", "1.3"))


def test_a_comma_belongs_to_a_name() -> None:
    assert only(from_parameters(Level.STUDY, [("PatientName", "Doe, Jane")])).values == ("Doe, Jane",)


def test_a_repeated_parameter_is_a_list() -> None:
    query = from_parameters(Level.SERIES, [("Modality", "CT"), ("Modality", "MR")])
    assert only(query).values == ("CT", "MR")


def test_attribute_paths_go_into_items() -> None:
    query = from_parameters(
        Level.SERIES, [("00400275.00401001", "R1"), ("RequestAttributesSequence.ScheduledProcedureStepID", "S1")]
    )
    condition = only(query)
    assert condition.tag == REQUEST
    assert [inner.tag for inner in condition.items] == [0x00401001, 0x00400009]


def test_includefield_in_every_form() -> None:
    query = from_parameters(
        Level.STUDY,
        [("includefield", "00081030,PatientAge"), ("includefield", "00400275.00400009"), ("includefield", "all")],
    )
    assert query.return_keys == (0x00081030, tags.tag_of("PatientAge"), REQUEST)
    assert query.items == {REQUEST: (0x00400009,)}
    assert query.everything


def test_path_uids_are_conditions_and_win() -> None:
    query = from_parameters(Level.SERIES, [("StudyInstanceUID", "9.9")], within={Level.STUDY: "1.2"})
    assert only(query).values == ("1.2",)


def test_paging_and_order() -> None:
    query = from_parameters(Level.STUDY, [("limit", "25"), ("offset", "50"), ("orderby", "-StudyDate,PatientName")])
    assert (query.limit, query.offset) == (25, 50)
    assert [(order.tag, order.descending) for order in query.order] == [(STUDY_DATE, True), (NAME, False)]


@pytest.mark.parametrize(
    "parameters",
    [
        [("limit", "many")], [("offset", "-1")], [("limit", "9" * 30)], [("fuzzymatching", "maybe")], [("NoSuchThing", "1")],
        [("StudyDate", "yesterday")], [("StudyTime", "noon")], [("RequestAttributesSequence", "x")], [("PatientID.PatientName", "x")],
        [("SeriesNumber", "one")], [("PatientID", "\\")], [("x", "1")] * 300, [("PatientID", "x" * 2000)], [("includefield", "NoSuchThing")],
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_used_are_refused(parameters: list[tuple[str, str]]) -> None:
    with pytest.raises(Invalid):
        from_parameters(Level.STUDY, parameters)


def test_empty_value_matching() -> None:
    query = from_parameters(Level.STUDY, [("AccessionNumber", '""'), ("emptyvaluematching", "true")])
    assert only(query).matching is Matching.EMPTY


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=8))
def test_foreign_parameters_never_break_the_reader(parameters: list[tuple[str, str]]) -> None:
    with contextlib.suppress(Invalid):
        from_parameters(Level.IMAGE, parameters)
