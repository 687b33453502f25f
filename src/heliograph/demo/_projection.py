"""Modules of projection X-ray objects: CR, and the DX family that mammography belongs to (PS3.3 A.2, A.26, A.27)."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from heliograph.demo._study import Study, code, decimal, grey, items

CR_IMAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_IMAGE = "1.2.840.10008.5.1.4.1.1.1.1"
MG_IMAGE = "1.2.840.10008.5.1.4.1.1.1.2"


@dataclass(frozen=True, slots=True)
class Exposure:
    kvp: int
    mas: float
    ms: int
    distance_mm: int = 1800
    dose_uas: int = 0


def cr_image(ds: Dataset, shape: tuple[int, int], pixel: float, view: str, exposure: Exposure) -> None:
    """CR Series and CR Image; white is the lowest value."""
    grey(ds, shape, allocated=16, stored=12)
    ds.PhotometricInterpretation = "MONOCHROME1"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.ViewPosition = view
    ds.PlateType, ds.PhosphorType, ds.CassetteSize = "GP", "ST-VI", "35CMX43CM"
    ds.CassetteOrientation = "PORTRAIT"
    ds.ImagerPixelSpacing = [decimal(pixel)] * 2
    ds.PixelSpacing = [decimal(pixel)] * 2
    ds.KVP, ds.ExposureTime, ds.Exposure = str(exposure.kvp), exposure.ms, round(exposure.mas)
    ds.DistanceSourceToDetector = str(exposure.distance_mm)
    ds.ExposureIndex, ds.TargetExposureIndex, ds.DeviationIndex = "412", "400", "0.1"
    ds.Sensitivity = "200"
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"


def dx_image(ds: Dataset, shape: tuple[int, int], pixel: float, stored: int, exposure: Exposure) -> None:
    """What DX and MG share: DX Image for presentation, detector, acquisition, positioning, context."""
    grey(ds, shape, allocated=16, stored=stored)
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.PresentationLUTShape = "IDENTITY"
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    ds.AcquisitionDeviceProcessingDescription = "STANDARD"
    ds.ImagerPixelSpacing = [decimal(pixel)] * 2
    ds.DetectorType, ds.DetectorConfiguration = "SCINTILLATOR", "AREA"
    ds.DetectorID, ds.DetectorActiveShape = "D-0117", "RECTANGLE"
    ds.DetectorActiveDimensions = [decimal(shape[0] * pixel), decimal(shape[1] * pixel)]
    ds.FieldOfViewShape, ds.FieldOfViewRotation, ds.FieldOfViewHorizontalFlip = "RECTANGLE", "0", "NO"
    ds.FieldOfViewDimensions = [round(shape[0] * pixel), round(shape[1] * pixel)]
    ds.FieldOfViewOrigin = ["0", "0"]
    ds.KVP, ds.ExposureTime, ds.Exposure = str(exposure.kvp), exposure.ms, round(exposure.mas)
    ds.ExposureInuAs = round(exposure.mas * 1000)
    ds.XRayTubeCurrent = round(exposure.mas / exposure.ms * 1000)
    ds.DistanceSourceToDetector = str(exposure.distance_mm)
    ds.AcquisitionContextSequence = items()


def dx_region(ds: Dataset, region: Dataset, laterality: str, view: Dataset, position: str) -> None:
    """DX Anatomy Imaged and DX Positioning of a plain film."""
    ds.AnatomicRegionSequence = items(region)
    ds.ImageLaterality = laterality
    view.ViewModifierCodeSequence = items()
    ds.ViewCodeSequence = items(view)
    ds.ViewPosition = position
    ds.PositionerType = "NONE"


def request(study: Study, ds: Dataset, procedure: str, meaning: str) -> None:
    """The order behind the series."""
    item = Dataset()
    item.RequestedProcedureID = study.accession[-6:]
    item.RequestedProcedureDescription = meaning
    item.ScheduledProcedureStepID = f"{study.accession[-6:]}.1"
    item.ScheduledProcedureStepDescription = meaning
    ds.RequestAttributesSequence = items(item)
    ds.ProcedureCodeSequence = items(code(procedure, "L", meaning))
