"""docs/reference/conformance.md: the conformance statement (PS3.2), its tables made from the code; and query-keys.md."""

# ruff: noqa: SLF001 the terms of the character sets are wanted here and nowhere else

from typing import Any

from heliograph.features.archive.search import _keys as search_keys
from heliograph.gateways.dicomweb import negotiation as negotiation_of_web
from heliograph.gateways.dicomweb.qido import MOST_RESULTS
from heliograph.gateways.dimse import negotiation, services, status
from heliograph.gateways.dimse.acceptor import AcceptorLimits
from heliograph.gateways.dimse.retrieve import MAX_IDENTIFIER_BYTES
from heliograph.gateways.dimse.sender import MAX_TRANSCODED_BYTES
from heliograph.gateways.dimse.services import Service
from heliograph.kit.settings import FIELDS
from heliograph.standards.dicom import _dictionary, charset, tags, uids
from heliograph.standards.dicom._layout import MAX_DEPTH
from heliograph.standards.dicom.frames import is_video
from heliograph.standards.dicom.query import MOST_VALUES, Level
from heliograph.standards.dicom.transcode import can_transcode
from tools.reference import api
from tools.reference._markdown import code, page, table

_OVERVIEW = """Heliograph is an archive. It stores composite objects from modalities and other systems, answers queries, and gives objects back over
DIMSE and DICOMweb. It queries, retrieves from and sends to other nodes. It keeps every object as it was received.

The tables of this statement are made from the program itself. The sections follow PS3.2 Annex A."""

_MODEL = """One application entity serves all network services. Its title is set by `aet` ([settings](settings.md)). The called title of an association
is not checked: an association to any called title is answered.

- **C-STORE in**: objects go to the archive. Success is answered only after the object and its index row are durable.
- **C-FIND, C-MOVE, C-GET in**: answered from the index; objects are read as stored and converted only when the receiver takes no other form.
- **C-STORE out**: for C-MOVE, for a person's send, and for forwarding rules. A send is repeated until the node has answered every object.
- **C-FIND, C-MOVE, C-GET out**: a person queries a node and fetches a study. A fetch that the person cancels is cancelled by C-CANCEL; a node
  that does not end within ten seconds is aborted.
- **C-ECHO** both ways."""

_POLICY = """- Application context: `1.2.840.10008.3.1.1.1`. Asynchronous operations: none (window 1, 1).
- Implementation class UID `{cls}`, version name `{version}`.
- Presentation contexts of one SOP class may differ in transfer syntax; at most 128 contexts are proposed and answered.
- A registered device has the services that its registration allows. It is known by the certificate that it shows over TLS, or by the address
  that it is pinned to; its title alone is believed from loopback, and from private networks as a setting (`dimse.plaintext`). A caller that
  nobody registered may use C-ECHO and C-STORE from loopback, and from elsewhere as a setting (`dimse.unknown_peers`,
  `dimse.unknown_networks`). Any other caller is rejected: permanent, service user, calling AE title not recognised.
- A context of a service that the device may not use is answered `user rejection`; a standard SOP class that is not offered is answered
  `abstract syntax not supported`.
- User identity negotiation is not used. Extended negotiation is answered for storage (level 2, full), C-FIND (relational queries, combined
  date and time, fuzzy names) and retrieval (relational).
- SCP/SCU role selection is accepted for C-GET. A requestor of C-GET that selects no role at all is taken to mean the SCP role."""

_SYNTAX_CHOICE = """For storage the first proposed transfer syntax of a context is accepted, whatever it is, because modalities put first what their objects
are in; among uncompressed ones Explicit VR Little Endian is preferred. Objects are kept in the transfer syntax they came in. For queries Explicit VR
Little Endian, Implicit VR Little Endian and Explicit VR Big Endian are accepted, in this order of preference.

On the way out an object goes in its own transfer syntax when the receiver accepted it, else uncompressed, else in a lossless compression.
Nothing is compressed with loss. What came compressed with loss and leaves decoded says so in Lossy Image Compression (0028,2110), its ratio
and its method, under its own SOP Instance UID. *Written* below: frames and objects can be converted to it without loss. *Decoded*: pixels can be shown and
converted to an uncompressed form; *by content*: when the stream is of a kind that the decoder knows. JPIP objects hold no pixels."""

_STORE = """Storage SOP classes of the current standard (annex), retired ones and private ones are accepted at level 2 (full), without coercion: no
attribute is changed. A class that the program does not know is storage when its UID lies below the storage root or outside the DICOM root.

An identical object that comes again is answered with success and changes nothing. The same SOP Instance UID with other content from the same source
becomes current and the older one is kept as a version; from another source, or under another study, it is held. Held means: the bytes are
kept, a person decides. A device may be set to get success for held objects."""

_MOVE = """C-MOVE sends to a registered device that has host and port. Sub-operations run over associations that Heliograph opens, with the
message id and title of the requestor as Move Originator. Pending responses are sent at most every half second. The final response lists
the failed SOP Instance UIDs. Counts above 65,535 are answered as 65,535. C-CANCEL is heeded between objects.

A retrieve names whole identifiers: no wildcards, and the unique key of its level must not be empty; at study level an Accession Number
may stand for it."""

_FIND = """Hierarchical and relational queries are answered alike: a query at one level may use the keys of every level. At image level any further
attribute of the object is read from its header. An attribute that cannot be matched is returned with zero length when it was asked for. Names match
without regard to case, accents and full or half width. C-CANCEL is heeded between matches. Time zone adjustment is not done.

Required keys of QIDO-RS stand in bold."""

_INITIATION = """Associations are opened for C-ECHO, C-FIND (Study Root), C-MOVE and C-GET (Study Root) and C-STORE. Transfer syntaxes proposed: Explicit
and Implicit VR Little Endian; for C-STORE first the one each object is stored in, one context for each; for C-GET also common compressed ones. A failed connection is told
to the person; a forwarding or a send is tried again after 10 s, 30 s, 2 min, 10 min and then every hour, at most 100 times."""

_MEDIA = """Read (FSR): folders, ZIP files and disks by `heliograph import` and by upload. Every Part 10 file is taken, with or without a DICOMDIR;
the DICOMDIR itself is not used. Data sets without preamble or file meta information are recognised. Written: Part 10 files by `heliograph export`,
without a DICOMDIR, preamble zeroed."""

_FRAMES = "Frames by number, as stored or in another form; several as multipart."

_CHARSETS = """Text is decoded for the index and for DICOM JSON by Specific Character Set, code extensions included, and by what is usually meant when it
is misspelt. Stored bytes stay as they are. Query answers use the character set of the query when it can hold the text, else `ISO_IR 192`. Terms:"""

_SECURITY = """DIMSE is spoken over TLS on a port of its own (`dicom_tls`, 2762), with the BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile
(PS3.15 B.12): TLS 1.2 and 1.3, both sides show a certificate, no resumption. As a setting (`tls.profile`) the suites of the Modified profile (B.13)
are added in TLS 1.2 with CCM and with DHE of 3072 bits; in TLS 1.3 there is no CCM, and Camellia is not offered. As requestor the certificate and
the name of the other node are verified, or one certificate is pinned. Certificates come from the built-in authority, or from elsewhere
([how](../howto/tls.md)). Without TLS a device is known by its pinned address alone. The browser door speaks HTTPS (`https`), plain HTTP on loopback, or stands behind a reverse proxy that ends TLS (`web.trusted_proxy`, `web.public_url`). DICOMweb takes a bearer token or the browser's session.
Every association, query, retrieve and read of a study leaves an audit row; [audit messages](audit-messages.md) says how each goes out (PS3.15 A.5)."""

_WEB = """Below `/dicom-web` (PS3.18), signed in by `Authorization: Bearer TOKEN`. Machine-readable: [dicomweb.openapi.json](dicomweb.openapi.json).

- **Search** (QIDO-RS): the keys of C-FIND by keyword or tag, wildcards, ranges, lists, `includefield`, `fuzzymatching`, `limit`, `offset`. At most
  {most:,} results a request; a total count stands in the header `X-Total-Count`.
- **Retrieve** (WADO-RS): `multipart/related` or a single part, `application/dicom` in the stored or an asked transfer syntax, `application/zip`
  for studies and series, `application/octet-stream` and the types below for frames, byte ranges for single instances and bulk data. Answers have ETags.
- **Rendered**: `image/jpeg`, `image/png`, `image/gif` or `image/jp2`, with `window`, `viewport` and `quality`.
- **Store** (STOW-RS): `multipart/related; type="application/dicom"` or one `application/dicom` body. Outcomes are those of C-STORE: 200 when all
  were stored, 202 when some were, 409 when none was, with FailedSOPSequence.
- Search results and metadata are `application/dicom+json`; values above 1 KiB are referenced as bulk data. A STOW-RS answer is JSON or XML."""


def render() -> str:
    return page(
        "DICOM conformance statement",
        "## Overview", _OVERVIEW, _network_table(), "## Implementation model", _MODEL,
        "## Association policies", _POLICY.format(cls=negotiation.IMPLEMENTATION_CLASS_UID, version=_version_name()), "### Limits", _limits(),
        "## Association initiation", _INITIATION,
        "## Association acceptance", "### Transfer syntaxes", _SYNTAX_CHOICE, _syntaxes(),
        "### Storage", _STORE, _store_statuses(), "### Query", _FIND, _find_statuses(), *_keys(),
        "### Retrieve", _MOVE, _retrieve_statuses(),
        "## Network interfaces", "TCP/IP, IPv4 and IPv6. The port is set by `dicom`. No DNS is needed unless devices are registered by name.",
        "## Configuration", "Title, ports and limits by [settings](settings.md); devices and nodes in the browser or by `heliograph device add`.",
        "## Media", _MEDIA, "## Character sets", _CHARSETS, _charsets(), "## Security", _SECURITY,
        "## DICOMweb", _WEB.format(most=MOST_RESULTS), _web(), _media_types(), "## Annex: storage SOP classes", _classes(),
    )  # fmt: skip


def query_keys() -> str:
    """The table of attributes that a search can match, as the archive describes it."""
    title, _, rest = search_keys.reference().partition("\n")
    return page(title.removeprefix("# "), rest.strip())


def _network_table() -> str:
    names = {
        uids.VERIFICATION: ("yes", "yes"),
        services.PATIENT_ROOT_FIND: ("no", "yes"), services.PATIENT_ROOT_MOVE: ("no", "yes"), services.PATIENT_ROOT_GET: ("no", "yes"),
        services.STUDY_ROOT_FIND: ("yes", "yes"), services.STUDY_ROOT_MOVE: ("yes", "yes"), services.STUDY_ROOT_GET: ("yes", "yes"),
        services.PATIENT_STUDY_ONLY_FIND: ("no", "yes"), services.PATIENT_STUDY_ONLY_MOVE: ("no", "yes"),
        services.PATIENT_STUDY_ONLY_GET: ("no", "yes"),
    }  # fmt: skip
    offered = {uid for uid in names if services.service_of(uid) not in {None, Service.STORE}}
    rows = [("Storage, all classes (annex)", "", "yes", "yes")]
    rows += [(uids.name_of(uid), code(uid), *roles) for uid, roles in names.items() if uid in offered]
    return table(("SOP class", "UID", "As user (SCU)", "As provider (SCP)"), rows)


def _version_name() -> str:
    return negotiation.IMPLEMENTATION_VERSION_NAME


def _limits() -> str:
    by_name = {field.name: field for field in FIELDS}
    limits = AcceptorLimits()
    rows = [
        (by_name[name].metadata["doc"].rstrip("."), _number(by_name[name].default), code(by_name[name].metadata["toml"]))
        for name in (
            "dimse_max_associations", "dimse_max_per_peer", "dimse_max_pdu_bytes", "dimse_idle_s", "dimse_pdu_s", "max_object_bytes",
        )
    ]  # fmt: skip
    rows += [
        ("From connecting to a whole A-ASSOCIATE-RQ (ARTIM)", _number(limits.artim_s), "fixed"),
        ("Bytes of an A-ASSOCIATE-RQ", f"{limits.max_request_bytes:,}", "fixed"),
        ("Bytes of a query or retrieve identifier", f"{MAX_IDENTIFIER_BYTES:,}", "fixed"),
        ("Values in a list of UIDs", f"{MOST_VALUES:,}", "fixed"),
        ("Depth of nested sequences; deeper ones are kept and given back as bytes", str(MAX_DEPTH), "fixed"),
        ("Bytes of an object that is converted for a receiver", f"{MAX_TRANSCODED_BYTES:,}", "fixed"),
    ]
    return table(("Limit", "Default", "Setting"), rows)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g} s"


def _syntaxes() -> str:
    retired = {uid for uid, row in _dictionary.identifiers().items() if row[3]}
    rows = [
        (
            uids.name_of(uid) + (" (retired)" if uid in retired else ""),
            code(uid),
            "yes",
            _decoded(uid, is_retired=uid in retired),
            "yes" if can_transcode(uids.EXPLICIT_VR_LITTLE_ENDIAN, uid) else "no",
        )
        for uid in uids.transfer_syntaxes()
    ]
    return table(("Transfer syntax", "UID", "Kept", "Decoded", "Written"), rows)


def _decoded(uid: str, *, is_retired: bool) -> str:
    if uid in uids.NATIVE:
        return "yes"
    if is_video(uid) or not uids.is_encapsulated(uid):
        return "no"
    return "by content" if is_retired else "yes"


def _store_statuses() -> str:
    rows = [
        (status.SUCCESS, "The object and its index row are durable; or it was here already."),
        (
            status.DUPLICATE_SOP_INSTANCE,
            "Held: it contradicts what is stored (other content, other study, other patient).",
        ),
        (
            status.CANNOT_UNDERSTAND,
            "Held: it cannot be read, or an identifier is missing or invalid, or it ends too early.",
        ),
        (
            status.DATA_SET_DOES_NOT_MATCH,
            "Held: the SOP Instance UID of the command differs from the one in the object.",
        ),
        (status.OUT_OF_RESOURCES, "No room, or the database does not answer. Send again later."),
        (status.NOT_AUTHORIZED, "The device may not store."),
        (status.PROCESSING_FAILURE, "An error here; the log has its place."),
    ]
    return _statuses(rows)


def _find_statuses() -> str:
    return _statuses([
        (status.PENDING, "A match."),
        (status.SUCCESS, "All matches were sent."),
        (status.CANCEL, "Cancelled by the requestor."),
        (status.DATA_SET_DOES_NOT_MATCH, "The identifier cannot be used; Error Comment says why."),
        (status.OUT_OF_RESOURCES_MATCHES, "The database does not answer."),
        (status.CANNOT_UNDERSTAND, "An error here."),
    ])  # fmt: skip


def _retrieve_statuses() -> str:
    return _statuses([
        (status.PENDING, "Sub-operations go on."),
        (status.SUCCESS, "All objects were taken."),
        (status.SUBOPERATIONS_WITH_FAILURES, "Some objects were not taken, or taken with a warning."),
        (status.OUT_OF_RESOURCES_SUBOPERATIONS, "No object was taken."),
        (status.MOVE_DESTINATION_UNKNOWN, "The destination is not a registered device with host and port."),
        (status.DATA_SET_DOES_NOT_MATCH, "The identifier cannot be used; Error Comment says why."),
        (status.CANCEL, "Cancelled by the requestor."),
    ])  # fmt: skip


def _statuses(rows: list[tuple[int, str]]) -> str:
    return table(("Status", "Meaning"), [(f"{number:04X}", text) for number, text in rows])


def _keys() -> list[str]:
    made = []
    for level in Level:
        found = sorted((key for key in search_keys.keys().values() if key.level is level), key=lambda key: key.tag)
        rows = [
            (
                f"**{key.keyword}**" if key.required else key.keyword,
                tags.text_of(key.tag),
                key.vr,
                search_keys.matching_of(key),
            )
            for key in found
        ]
        made += [f"#### {level.value.title()} level", table(("Attribute", "Tag", "VR", "Matching"), rows)]
    return made


def _charsets() -> str:
    single = [f"ISO_IR {number}" for number in charset._SINGLE_BYTE]
    extended = [
        f"ISO 2022 IR {number}" for number in (*charset._SINGLE_BYTE, *charset._MULTI_BYTE_G0, *charset._MULTI_BYTE_G1)
    ]
    return ", ".join(code(term) for term in (*single, *extended, charset.UTF_8, "GB18030", "GBK")) + "."


def _web() -> str:
    frames = (
        "GET",
        f"{api.DICOMWEB}/studies/{{study_uid}}/series/{{series_uid}}/instances/{{sop_uid}}/frames/{{list}}",
        _FRAMES,
    )
    rows = sorted([*api.dicomweb(), frames], key=lambda row: (row[1], row[0]))
    return table(("Method", "Resource", "What it does"), [(method, code(path), text) for method, path, text in rows])


def _media_types() -> str:
    rows = [
        (code(kind), ", ".join(uids.name_of(uid) for uid in syntaxes))
        for kind, syntaxes in negotiation_of_web.FRAME_TYPES.items()
    ]
    return table(("Media type of a frame", "Transfer syntaxes, the default first"), rows)


def _classes() -> str:
    return table(("SOP class", "UID"), [(uids.name_of(uid), code(uid)) for uid in uids.storage_sop_classes()])
