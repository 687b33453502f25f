"""Which DIMSE service a SOP class belongs to, and the rights a device needs for it (PS3.4)."""

from enum import StrEnum

from heliograph.standards.dicom import uids

PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
PATIENT_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.1.2"
PATIENT_ROOT_GET = "1.2.840.10008.5.1.4.1.2.1.3"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
PATIENT_STUDY_ONLY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"
PATIENT_STUDY_ONLY_MOVE = "1.2.840.10008.5.1.4.1.2.3.2"
PATIENT_STUDY_ONLY_GET = "1.2.840.10008.5.1.4.1.2.3.3"


class Service(StrEnum):
    """The words of `heliograph device add --allow`."""

    ECHO = "echo"
    STORE = "store"
    FIND = "find"
    MOVE = "move"
    GET = "get"


_SERVICES = {
    uids.VERIFICATION: Service.ECHO,
    PATIENT_ROOT_FIND: Service.FIND,
    STUDY_ROOT_FIND: Service.FIND,
    PATIENT_STUDY_ONLY_FIND: Service.FIND,
    PATIENT_ROOT_MOVE: Service.MOVE,
    STUDY_ROOT_MOVE: Service.MOVE,
    PATIENT_STUDY_ONLY_MOVE: Service.MOVE,
    PATIENT_ROOT_GET: Service.GET,
    STUDY_ROOT_GET: Service.GET,
    PATIENT_STUDY_ONLY_GET: Service.GET,
}
PATIENT_ROOT = frozenset(
    {
        PATIENT_ROOT_FIND,
        PATIENT_ROOT_MOVE,
        PATIENT_ROOT_GET,
        PATIENT_STUDY_ONLY_FIND,
        PATIENT_STUDY_ONLY_MOVE,
        PATIENT_STUDY_ONLY_GET,
    }
)
_DICOM_ROOT = "1.2.840.10008."
_STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."


def service_of(sop_class_uid: str) -> Service | None:
    """The service, or None for a standard service that we do not offer; a class that nobody knows is storage."""
    service = _SERVICES.get(sop_class_uid)
    if service is not None:
        return service
    if uids.is_storage_class(sop_class_uid):
        return Service.STORE
    if not uids.is_valid_uid(sop_class_uid):
        return None
    if sop_class_uid.startswith(_STORAGE_ROOT):
        return Service.STORE  # younger than our dictionary
    return None if sop_class_uid.startswith(_DICOM_ROOT) else Service.STORE
