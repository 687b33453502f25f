"""DICOM: bytes <-> values. No socket, no SQL, no clock.

header     one fast walk over the tags up to Pixel Data; values decode when asked for
parse      the full tree of elements; json writes it as DICOM JSON (PS3.18 F)
dataset    small data sets both ways: queries, responses, command sets
part10     preamble and file meta information
charset    Specific Character Set;  names: person names for display and search
tags uids  the dictionaries of PS3.6
"""
