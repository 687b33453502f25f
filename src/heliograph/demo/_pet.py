"""PET/CT from neck to pelvis: low dose CT and FDG uptake on the same planes in one frame of reference (PS3.3 A.21)."""

import numpy as np
from pydicom.dataset import Dataset

from heliograph.demo._ct_torso import BODY, LUNG, TorsoScan, loudness
from heliograph.demo._documents import letter
from heliograph.demo._fields import Array, axis, blur, filtered_noise
from heliograph.demo._part10 import EXPLICIT, HTJ2K, Instance
from heliograph.demo._scan import CtSeries, Grain, ct_series
from heliograph.demo._study import Series, Study, code, decimal, grey, items, plane
from heliograph.demo._torso import Nodule, Torso

PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"
HALF_LIFE_S = 6586.2
DOSE_BQ = 318e6
UPTAKE_MIN = 61
SPACING = 4.0

# standardized uptake values
UPTAKE = {
    "air": 0.0,
    "skin": 0.35,
    "fat": 0.28,
    "muscle": 0.62,
    "soft": 0.5,
    "cortical": 0.5,
    "marrow": 1.1,
    "spongy": 1.45,
    "arm_bone": 0.5,
    "arm_marrow": 0.9,
    "cartilage": 0.5,
    "disc": 0.5,
    "lung": 0.42,
    "myocardium": 3.4,
    "blood": 1.55,
    "vein": 1.5,
    "artery": 1.5,
    "aorta": 1.55,
    "aortic_wall": 1.4,
    "portal": 1.9,
    "bronchus": 0.7,
    "oesophagus": 1.3,
    "thyroid": 1.4,
    "node": 0.9,
    "csf": 0.7,
    "cord": 1.2,
    "nodule": 10.5,
    "fluid": 0.8,
    "liver": 2.25,
    "metastasis": 7.5,
    "hot_node": 8.5,
    "bone_lesion": 6.0,
    "spleen": 1.9,
    "gut_wall": 1.8,
    "gut_content": 1.1,
    "stool": 1.3,
    "bile": 0.8,
    "pancreas": 1.5,
    "kidney": 3.1,
    "medulla": 9.0,
    "urine": 32.0,
    "prostate": 1.7,
}
LESIONS = (
    Nodule((-16, 12, 4), 7.5, "hot_node"),
    Nodule((-34, 14, -20), 8.5, "hot_node"),
    Nodule((22, -16, 34), 5.5, "hot_node"),
    Nodule((-84, 24, -160), 11, "metastasis"),
    Nodule((6, 46, -92), 8, "bone_lesion"),
    Nodule((-70, 44, -352), 8, "bone_lesion"),
)


def pet_ct(study: Study) -> list[Series]:
    torso = Torso(
        study.rng("torso", patient=True),
        girth=1.03,
        nodules=(Nodule((-64, -22, 36), 13.0),),
        lesions=LESIONS,
        branches=120,
    )
    count = study.slices(140)
    first = -165.0 - SPACING * (count // 2) + 2.0
    matrix = study.pixels(512)
    scan = TorsoScan(
        torso, matrix, 500, grid_mm=max(1.35, 0.6 / study.scale), plane_mm=SPACING, contrast=False, half=(192, 132)
    )
    grain = Grain(study.rng("grain"), 0.02, 0.22)

    def hounsfield(index: int) -> Array:
        clean = scan.at(first + SPACING * index)
        noise: Array = 17 * loudness(clean) * grain(study.rng("ct", index), clean.shape)
        return clean + noise

    plan = CtSeries(
        number=2,
        description="CT WB low dose",
        count=count,
        spacing_z=SPACING,
        thickness=SPACING,
        first_z=first,
        fov_mm=500,
        centre=(0.0, 8.0),
        kernel="B31f",
        windows=(BODY, LUNG),
        matrix=matrix,
        syntax=HTJ2K,
        kvp=120,
        ma=60,
        exposure_ms=500,
        model="Phantom PETCT",
        frame_of_reference="gantry",
        protocol="PETCT whole body",
    )
    found = [ct_series(study, plan, hounsfield), _pet(study, torso, count, first)]
    if study.exam.option("report") == "yes":
        lines = [
            "Fluorodeoxyglucose, uptake 61 minutes.",
            "Intense uptake in the right upper lobe, in nodes on both sides,",
            "in the liver, in one thoracic vertebra and in the right iliac bone.",
        ]
        found.append(letter(study, 91, "PET/CT report", lines))
    return found


def _pet(study: Study, torso: Torso, count: int, first: float) -> Series:
    matrix = study.pixels(168)
    pixel = 560.0 / matrix
    shared = study.series(
        3, "PT", "PET WB", model="Phantom PETCT", after_s=UPTAKE_MIN * 60, frame_of_reference="gantry"
    )
    grey(shared, (matrix, matrix), allocated=16, stored=16, signed=True)
    _describe(study, shared, count, pixel)
    x, y = axis(matrix, pixel), axis(matrix, pixel, 8)
    noise_tiles = filtered_noise(study.rng("pet grain"), (512, 512), 0.0, 0.22)
    dose_at_scan = DOSE_BQ * 2 ** (-UPTAKE_MIN * 60 / HALF_LIFE_S)
    bq_per_suv = dose_at_scan / (study.exam.patient.weight_kg * 1000)

    def instance(index: int) -> Instance:
        z = first + SPACING * index
        per_bed = max(count // 6, 1)
        start_s = UPTAKE_MIN * 60 + (count - 1 - index) // per_bed * 150
        ds = study.instance(PET_IMAGE, 3, index + 1, after_s=start_s)
        plane(ds, (float(x[0]), float(y[0]), z), location=z)
        uptake = blur(torso.tissues(x, y, z, 6.5).values(UPTAKE, texture=0.0), 0.9)
        rows, columns = study.rng("pet", index).integers(0, 512, 2)
        tile = np.roll(noise_tiles, (int(rows), int(columns)), (0, 1))[:matrix, :matrix]
        uptake = np.maximum(uptake + tile * (0.02 + 0.075 * np.sqrt(np.maximum(uptake, 0))), 0)
        activity = uptake * bq_per_suv
        slope = max(float(activity.max()), 1.0) / 32767
        ds.RescaleIntercept, ds.RescaleSlope = "0", f"{slope:.9g}"
        ds.ImageIndex = count - index
        ds.FrameReferenceTime = decimal((start_s - UPTAKE_MIN * 60 + 75) * 1000.0)
        ds.WindowCenter = str(round(3.5 * bq_per_suv))
        ds.WindowWidth = str(round(7 * bq_per_suv))
        return Instance(ds, [np.clip(np.rint(activity / float(ds.RescaleSlope)), 0, 32767).astype(np.int16)])

    return Series(3, count, shared, instance, EXPLICIT)


def _describe(study: Study, ds: Dataset, count: int, pixel: float) -> None:
    """PET Series, PET Isotope, PET Image."""
    ds.SeriesType = ["WHOLE BODY", "IMAGE"]
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.Units, ds.CountsSource = "BQML", "EMISSION"
    ds.NumberOfSlices = count
    ds.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY", "RAN"]
    ds.DecayCorrection = "START"
    ds.CollimatorType = "NONE"
    ds.RandomsCorrectionMethod, ds.AttenuationCorrectionMethod = "DLYD", "measured, CT"
    ds.ScatterCorrectionMethod, ds.ReconstructionMethod = "Model-based", "OSEM 3i24s"
    ds.ConvolutionKernel = "XYZ Gauss 5.00"
    ds.DecayFactor = "1"
    ds.PixelSpacing = [decimal(pixel)] * 2
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.SliceThickness, ds.SpacingBetweenSlices = decimal(SPACING), decimal(SPACING)
    ds.ActualFrameDuration = 150000
    ds.AcquisitionNumber = 1
    isotope = Dataset()
    injected = study.started
    isotope.Radiopharmaceutical = "Fluorodeoxyglucose"
    isotope.RadiopharmaceuticalVolume = "4.2"
    isotope.RadiopharmaceuticalStartTime = f"{injected:%H%M%S}.00"
    isotope.RadiopharmaceuticalStartDateTime = f"{injected:%Y%m%d%H%M%S}"
    isotope.RadionuclideTotalDose = decimal(DOSE_BQ)
    isotope.RadionuclideHalfLife = decimal(HALF_LIFE_S)
    isotope.RadionuclidePositronFraction = "0.967"
    isotope.RadionuclideCodeSequence = items(code("77004003", "SCT", "^18^Fluorine"))
    isotope.RadiopharmaceuticalCodeSequence = items(code("35321007", "SCT", "Fluorodeoxyglucose F^18^"))
    ds.RadiopharmaceuticalInformationSequence = items(isotope)
    gravity = code("102538003", "SCT", "recumbent")
    gravity.PatientOrientationModifierCodeSequence = items(code("40199007", "SCT", "supine"))
    ds.PatientOrientationCodeSequence = items(gravity)
    ds.PatientGantryRelationshipCodeSequence = items(code("102540008", "SCT", "headfirst"))
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
