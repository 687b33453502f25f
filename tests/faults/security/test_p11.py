"""P11: entities, schemas and style sheets of XML (NovaPACS CVE-2018-25142, HAPI FHIR CVE-2024-45294): no door parses foreign XML."""

import ast
import socket
import threading
from pathlib import Path

import httpx

import heliograph
from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import MIB, Identity, element

PARSERS = {"xml.etree", "xml.dom", "xml.sax.expatreader", "xml.parsers", "lxml", "xmltodict", "bs4", "html5lib"}
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]><NativeDicomModel>&m;</NativeDicomModel>"
)


# They write XML with a library that could read it as well.
WRITERS = {"standards/ihe/audit_message.py"}
READING = {
    "parse",
    "iterparse",
    "fromstring",
    "fromstringlist",
    "XML",
    "XMLID",
    "XMLParser",
    "XMLPullParser",
    "parseString",
}


def test_no_module_of_the_program_parses_xml() -> None:
    """What is not there cannot be tricked. Whoever brings a parser brings its bounds, and a test here."""
    root = Path(heliograph.__path__[0])
    for file in root.rglob("*.py"):
        place = file.relative_to(root).as_posix()
        nodes = list(ast.walk(ast.parse(file.read_text())))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                names += [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        if any(name == one or name.startswith(one + ".") for one in PARSERS for name in names):
            assert place in WRITERS, place
            used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            used |= {node.id for node in nodes if isinstance(node, ast.Name)}
            assert not used & READING, place


def test_entities_are_neither_expanded_nor_fetched(siege: Siege, web: httpx.Client) -> None:
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.dtd"
        outside = f'<?xml version="1.0"?><!DOCTYPE r SYSTEM "{address}" [<!ENTITY % p SYSTEM "{address}"> %p; <!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
        for body in (LAUGHS, outside):
            for kind in (
                "application/dicom+xml",
                "application/xml",
                'multipart/related; type="application/dicom+xml"; boundary=b',
            ):
                data = (
                    f"--b\r\nContent-Type: application/dicom+xml\r\n\r\n{body}\r\n--b--" if "boundary" in kind else body
                )
                for path in ("/dicom-web/studies", "/api/studies/search", "/api/session"):
                    told = web.post(path, content=data, headers={"Content-Type": kind})
                    assert 400 <= told.status_code < 500, (path, kind, told.status_code)
                    assert "root:" not in told.text
            told = web.post(
                "/api/uploads", files=[("file", ("cda.xml", body.encode())), ("file", ("picture.svg", body.encode()))]
            )
            assert told.json()["stored"] == 0
        _object_with(siege, web, outside)
        try:
            listener.accept()[0].close()
            asked.set()
        except TimeoutError:
            pass
    assert not asked.is_set(), "somebody fetched the document type"
    assert siege.rise() < 64 * MIB


def _object_with(siege: Siege, web: httpx.Client, xml: str) -> None:
    """An encapsulated CDA document is bytes to us."""
    who = Identity()
    sop_class = "1.2.840.10008.5.1.4.1.1.104.2"
    data = (
        hostile.head(who, sop_class=sop_class)
        + element(0x00420011, "OB", xml.encode())
        + element(0x00420012, "LO", "text/XML")
    )
    assert hostile.store(siege.server.dicom, [(who, data)], sop_class=sop_class)[0].status == 0
    assert web.get(who.path + "/metadata").status_code == 200
    assert web.get(
        who.path + "/metadata", headers={"Accept": 'multipart/related; type="application/dicom+xml"'}
    ).status_code in {200, 406}
