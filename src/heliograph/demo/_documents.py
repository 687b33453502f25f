"""Objects without a scan: reports (PS3.3 A.35), a PDF (A.45), a colour photograph (A.8)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset

from heliograph.demo._fields import Array, filtered_noise, smoothstep
from heliograph.demo._part10 import JPEG_BASELINE, Instance
from heliograph.demo._study import Series, Study, code, colour, items

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

Measure = tuple[str, float, str]  # what, how much, UCUM unit
Reference = tuple[str, str, str]  # SOP class, SOP instance, series


def report(
    study: Study,
    number: int,
    findings: Sequence[str],
    conclusion: str,
    *,
    measures: Sequence[Measure] = (),
    references: Sequence[Reference] = (),
) -> Series:
    """A diagnostic imaging report after TID 2000; with measures, an Enhanced SR."""
    ds = study.series(number, "SR", "Report", model="Phantom RIS", after_s=1500)
    for keyword in ("BodyPartExamined", "AcquisitionDate", "AcquisitionTime", "OperatorsName"):
        if keyword in ds:
            delattr(ds, keyword)
    ds.ReferencedPerformedProcedureStepSequence = items()
    kind = ENHANCED_SR if measures else BASIC_TEXT_SR

    def instance(_: int) -> Instance:
        made = study.instance(kind, number, 1)
        made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
        made.PerformedProcedureCodeSequence = items()
        if references:
            made.CurrentRequestedProcedureEvidenceSequence = items(_evidence(study, references))
        _container(made, code("18748-4", "LN", "Diagnostic Imaging Report"))
        template = Dataset()
        template.MappingResource, template.TemplateIdentifier = "DCMR", "2000"
        made.ContentTemplateSequence = items(template)
        body = [_text("121070", "Findings", text) for text in findings]
        body += [_measure(*m) for m in measures]
        body += [_image(r) for r in references]
        section = _item("CONTAINER", "CONTAINS", code("121070", "DCM", "Findings"))
        section.ContinuityOfContent = "SEPARATE"
        for part in body:
            if part.ValueType == "TEXT":
                part.ConceptNameCodeSequence = items(code("121071", "DCM", "Finding"))
        section.ContentSequence = items(*body)
        end = _item("CONTAINER", "CONTAINS", code("121076", "DCM", "Conclusions"))
        end.ContinuityOfContent = "SEPARATE"
        end.ContentSequence = items(_text("121077", "Conclusion", conclusion))
        language = _item("CODE", "HAS CONCEPT MOD", code("121049", "DCM", "Language of Content Item and Descendants"))
        language.ConceptCodeSequence = items(code("en", "RFC5646", "English"))
        observer = _item("CODE", "HAS OBS CONTEXT", code("121005", "DCM", "Observer Type"))
        observer.ConceptCodeSequence = items(code("121006", "DCM", "Person"))
        name = _item("PNAME", "HAS OBS CONTEXT", code("121008", "DCM", "Person Observer Name"))
        name.PersonName = "Zenith^Ada^^Dr."
        made.ContentSequence = items(language, observer, name, section, end)
        return Instance(made)

    return Series(number, 1, ds, instance)


def _container(ds: Dataset, title: Dataset) -> None:
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = items(title)


def _item(value_type: str, relationship: str, name: Dataset | None) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relationship, value_type
    if name is not None:
        ds.ConceptNameCodeSequence = items(name)
    return ds


def _text(value: str, meaning: str, text: str) -> Dataset:
    ds = _item("TEXT", "CONTAINS", code(value, "DCM", meaning))
    ds.TextValue = text
    return ds


def _measure(what: str, amount: float, unit: str) -> Dataset:
    ds = _item("NUM", "CONTAINS", code({"Length": "410668003"}.get(what, "246205007"), "SCT", what))
    value = Dataset()
    value.NumericValue = f"{amount:g}"
    value.MeasurementUnitsCodeSequence = items(code(unit, "UCUM", unit))
    ds.MeasuredValueSequence = items(value)
    return ds


def _image(reference: Reference) -> Dataset:
    ds = _item("IMAGE", "CONTAINS", None)
    sop = Dataset()
    sop.ReferencedSOPClassUID, sop.ReferencedSOPInstanceUID = reference[:2]
    ds.ReferencedSOPSequence = items(sop)
    return ds


def _evidence(study: Study, references: Sequence[Reference]) -> Dataset:
    ds = Dataset()
    ds.StudyInstanceUID = study.uid("study")
    by_series: dict[str, list[Dataset]] = {}
    for sop_class, sop_uid, series_uid in references:
        sop = Dataset()
        sop.ReferencedSOPClassUID, sop.ReferencedSOPInstanceUID = sop_class, sop_uid
        by_series.setdefault(series_uid, []).append(sop)
    parts = []
    for series_uid, sops in by_series.items():
        part = Dataset()
        part.SeriesInstanceUID, part.ReferencedSOPSequence = series_uid, items(*sops)
        parts.append(part)
    ds.ReferencedSeriesSequence = items(*parts)
    return ds


def letter(study: Study, number: int, title: str, lines: Sequence[str]) -> Series:
    """An encapsulated PDF."""
    ds = study.series(number, "DOC", title, model="Phantom RIS", after_s=1800)
    for keyword in ("BodyPartExamined", "AcquisitionDate", "AcquisitionTime", "OperatorsName"):
        if keyword in ds:
            delattr(ds, keyword)
    ds.ConversionType = "WSD"

    def instance(_: int) -> Instance:
        made = study.instance(ENCAPSULATED_PDF, number, 1)
        at = study.started
        made.AcquisitionDateTime = f"{at:%Y%m%d%H%M%S}"
        made.BurnedInAnnotation = "NO"
        made.DocumentTitle = title
        made.ConceptNameCodeSequence = items(code("18748-4", "LN", "Diagnostic Imaging Report"))
        made.MIMETypeOfEncapsulatedDocument = "application/pdf"
        data = pdf(title, lines)
        made.EncapsulatedDocumentLength = len(data)
        made.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
        return Instance(made)

    return Series(number, 1, ds, instance)


def pdf(title: str, lines: Sequence[str]) -> bytes:
    """One page of text (ISO 32000-1), nothing compressed."""

    def escaped(text: str) -> str:
        return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")

    page = f"BT /F1 18 Tf 60 770 Td ({escaped(title)}) Tj /F1 11 Tf 0 -34 Td 16 TL "
    page += " ".join(f"({escaped(line)}) Tj T*" for line in lines) + " ET\n60 758 m 535 758 l S"
    stream = page.encode("latin-1", "replace")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    resources = b"<< /Font << /F1 5 0 R >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources %s >>" % resources,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        font,
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def photograph(study: Study) -> list[Series]:
    """A colour photograph of a spot on skin with a ruler."""
    shape = (study.pixels(960), study.pixels(1280))
    ds = study.series(1, "XC", "Skin photograph", model="Phantom Camera")
    colour(ds, shape, "YBR_FULL_422")
    ds.ConversionType = "DI"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "14"
    ds.LossyImageCompressionMethod = "ISO_10918_1"
    ds.BurnedInAnnotation = "NO"
    ds.NominalScannedPixelSpacing = [f"{25.0 / shape[1]:.6f}"] * 2
    ds.PatientOrientation = ""

    def instance(_: int) -> Instance:
        made = study.instance(SECONDARY_CAPTURE, 1, 1, after_s=0)
        return Instance(made, [_skin(study, shape)])

    return [Series(1, 1, ds, instance, JPEG_BASELINE)]


def _skin(study: Study, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rng = study.rng("skin")
    size = (960, 1280)
    pores = filtered_noise(rng, size, 0.02, 0.09)
    broad = filtered_noise(rng, size, 0.0008, 0.006, 0.5)
    blotch = filtered_noise(rng, size, 0.003, 0.05, 1.7)
    y, x = np.mgrid[0:960, 0:1280].astype(np.float32)
    rgb = np.stack([c + a * broad + b * pores for c, a, b in ((214, 5, 3.2), (168, 6, 4.0), (146, 6, 4.2))], axis=2)
    far = np.sqrt(((x - 620) / 1.18) ** 2 + (y - 450) ** 2) + 24 * blotch
    spot = 1 - smoothstep(far, 150, 205)
    inner = 1 - smoothstep(far + 20 * broad, 60, 130)
    brown = np.array([118, 72, 50], np.float32) + blotch[:, :, None] * np.array([16, 12, 9], np.float32)
    dark = np.array([64, 40, 34], np.float32) + pores[:, :, None] * 4
    rgb += spot[:, :, None] * 0.9 * (brown - rgb)
    rgb += inner[:, :, None] * 0.75 * (dark - rgb)
    halo = np.exp(-(((far - 215) / 40) ** 2))[:, :, None]
    rgb += halo * np.array([12, -14, -10], np.float32)
    light: Array = 1.08 - 0.32 * (((x - 520) / 900) ** 2 + ((y - 380) / 700) ** 2)
    rgb *= light[:, :, None]
    picture = Picture.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(26):
        start = rng.uniform((0, 0), (1280, 960))
        bend = start + rng.normal(0, 70, 2)
        draw.line(
            [tuple(start), tuple((start + bend) / 2 + rng.normal(0, 12, 2)), tuple(bend)], fill=(92, 66, 54), width=2
        )
    _ruler(draw)
    return np.asarray(picture.resize((shape[1], shape[0]), Picture.Resampling.LANCZOS))


def _ruler(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((60, 812, 1220, 900), fill=(238, 236, 228), outline=(120, 120, 116))
    font = ImageFont.load_default(size=22)
    for mm in range(22):
        at = 90 + mm * 51.2
        draw.line((at, 812, at, 850 if mm % 5 == 0 else 832), fill=(30, 30, 34), width=3)
        if mm % 5 == 0:
            draw.text((at - 8, 856), str(mm), fill=(30, 30, 34), font=font)
    draw.text((1150, 856), "mm", fill=(30, 30, 34), font=font)


def outside_letter(study: Study) -> list[Series]:
    """A study that is only a document."""
    lines = [
        f"Accession {study.accession}",
        "",
        "Dear colleague,",
        "this letter belongs to the sample hospital. Nobody in it exists,",
        "and every picture beside it was computed.",
        "",
        "With kind regards",
        "Meridian Sample Hospital",
    ]
    return [letter(study, 1, "Discharge letter", lines)]
