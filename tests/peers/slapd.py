"""Debian's slapd as the directory of a small hospital: people, groups, groups in groups, a referral that leads elsewhere."""

import ssl
import subprocess
from pathlib import Path
from typing import Any

import ldap3

from tests.peers.certificates import Certificates
from tests.peers.daemons import Daemon
from tests.peers.ports import free_port
from tests.peers.programs import program

BASE = "dc=hospital,dc=test"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
OURS, OUR_PASSWORD = f"cn=heliograph,{BASE}", "the password of our account"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "the administrator's password"
PASSWORD = "correct horse battery"
# A name that means something to a filter and to a distinguished name.
ODD = "o'neil (a*b), jr"

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {folder}/pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
security simple_bind=128
sizelimit 500
database mdb
suffix "{base}"
directory {folder}/data
rootdn "{admin}"
rootpw "{admin_password}"
overlay memberof
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{ours}" read by users read by * none
"""


def _person(uid: str, name: str, password: str = PASSWORD) -> str:
    rdn = uid.replace(",", "\\,")
    return f"""dn: uid={rdn},{PEOPLE}
objectClass: inetOrgPerson
uid: {uid}
cn: {name}
sn: {name}
displayName: {name}
userPassword: {password}
"""


def _group(name: str, *members: str) -> str:
    lines = "".join(f"member: {member}\n" for member in members)
    return f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n{lines}"


def uid(name: str) -> str:
    escaped = name.replace(",", "\\,")
    return f"uid={escaped},{PEOPLE}"


def _ldif(elsewhere: int) -> str:
    top = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Hospital\ndc: hospital\n"
    units = [f"dn: {unit}\nobjectClass: organizationalUnit\nou: x\n" for unit in (PEOPLE, GROUPS)]
    units = [unit.replace("ou: x", f"ou: {name}") for unit, name in zip(units, ("people", "groups"), strict=True)]
    account = f"dn: {OURS}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: heliograph\nuserPassword: {OUR_PASSWORD}\n"
    people = [
        _person("reader", "Rita Reader"), _person("chief", "Carla Chief"), _person("cleaner", "Carl Cleaner"), _person("nested", "Nora Nested"),
        _person("locked", "Lothar Locked"), _person("admin", "Not our admin"), _person(ODD, "Odd O'Neil"),
    ]  # fmt: skip
    groups = [
        _group("radiology", uid("reader"), uid("locked"), uid(ODD), uid("admin")), _group("graz", uid("reader")),
        _group("pacs-admins", uid("chief")), _group("cleaning", uid("cleaner")),
        # nested -> residents -> doctors -> all-doctors -> residents: a ring
        _group("residents", uid("nested"), f"cn=all-doctors,{GROUPS}"), _group("doctors", f"cn=residents,{GROUPS}"),
        _group("all-doctors", f"cn=doctors,{GROUPS}"),
    ]  # fmt: skip
    referral = f"dn: ou=far,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\nref: ldap://127.0.0.1:{elsewhere}/ou=far,{PEOPLE}\n"
    return "\n".join([top, *units, account, *people, *groups, referral])


class Slapd(Daemon):
    """slapd in a folder, on loopback; its certificate is of an authority of its own, for `localhost` and 127.0.0.1."""

    def __init__(self, folder: Path, *, elsewhere: int = 9) -> None:
        daemon, adder = program("slapd"), program("slapadd")
        (folder / "data").mkdir(parents=True)
        certificates = Certificates(folder)
        certificates.issue("server", "localhost")
        self.ca = folder / "ca.pem"
        self.config = folder / "slapd.conf"
        self.config.write_text(
            _CONFIG.format(folder=folder, base=BASE, admin=ADMIN, admin_password=ADMIN_PASSWORD, ours=OURS)
        )
        (folder / "hospital.ldif").write_text(_ldif(elsewhere))
        done = subprocess.run(
            [adder, "-q", "-f", str(self.config), "-l", str(folder / "hospital.ldif")], capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.port, self.tls_port = free_port(), free_port()
        addresses = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        super().__init__(folder, self.tls_port, [daemon, "-f", str(self.config), "-h", addresses, "-d", "0"])

    @property
    def url(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def plain_url(self) -> str:
        return f"ldap://localhost:{self.port}"

    def change(self, dn: str, changes: dict[str, list[tuple[str, list[str]]]] | None) -> None:
        """As its administrator; None deletes the entry."""
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.ca))
        server = ldap3.Server("localhost", port=self.tls_port, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        with ldap3.Connection(server, ADMIN, ADMIN_PASSWORD, auto_bind=True) as connection:
            done: Any = connection.delete(dn) if changes is None else connection.modify(dn, changes)
            assert done, connection.result
