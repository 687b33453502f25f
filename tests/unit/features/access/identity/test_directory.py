"""Sign-in by a directory, against Debian's slapd: whom it lets in, what it never sends, and what it does not follow."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ldap3
import pytest

from heliograph.features.access.identity.directory import Directory, LdapSettings, is_disabled
from heliograph.features.access.identity.outside import read_pairs, read_roles
from heliograph.kit.errors import Busy, Invalid, NotSignedIn
from tests.peers.certificates import Certificates
from tests.peers.slapd import BASE, GROUPS, ODD, OUR_PASSWORD, OURS, PASSWORD, PEOPLE, Slapd, uid


class Trap:
    """Listens, counts who comes, says nothing."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.came: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.came.append(self.socket.accept()[0])

    def close(self) -> None:
        for one in (self.socket, *self.came):
            one.close()


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory, trap: Trap) -> Iterator[Slapd]:
    with Slapd(tmp_path_factory.mktemp("slapd") / "own", elsewhere=trap.port) as running:
        yield running


def directory(slapd: Slapd, **more: Any) -> Directory:
    own = {
        "url": slapd.url, "base": BASE, "bind_name": OURS, "bind_password": OUR_PASSWORD, "ca": str(slapd.ca), "group_base": GROUPS, "timeout_s": 30.0,
    }  # fmt: skip
    return Directory(LdapSettings(**{**own, **more}))


def is_refused(asked: Directory, name: str, password: str = PASSWORD) -> bool:
    with pytest.raises(NotSignedIn) as told:
        asked.sign_in(name, password)
    return told.value.code == "sign_in_failed"


def test_a_person_is_made_sure_of_and_its_groups_are_named(slapd: Slapd) -> None:
    said = directory(slapd).sign_in("reader", PASSWORD)
    assert (said.name, said.display_name) == ("reader", "Rita Reader")
    assert set(said.groups) == {f"cn=radiology,{GROUPS}", f"cn=graz,{GROUPS}", "radiology", "graz"}
    assert len(said.subject) == 36, "the UUID of the entry, which outlives a new name"
    assert directory(slapd).sign_in(" READER ", PASSWORD).subject == said.subject


def test_wrong_unknown_and_disabled_are_refused_alike(slapd: Slapd) -> None:
    slapd.change(uid("locked"), {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]})
    told = set()
    for name, password in (("reader", "wrong"), ("nobody", PASSWORD), ("locked", PASSWORD)):
        with pytest.raises(NotSignedIn) as error:
            directory(slapd).sign_in(name, password)
        told.add((error.value.code, error.value.message))
    assert len(told) == 1


@pytest.mark.parametrize("password", ["", "\0", "x\0y", "y" * 1025])
def test_an_empty_password_is_never_tried(slapd: Slapd, password: str) -> None:
    """A directory takes a bind with a name and no password for nobody in particular, and says that all is well (RFC 4513 5.1.2)."""
    for more in ({}, {"bind_as": f"uid={{name}},{PEOPLE}"}):
        assert is_refused(directory(slapd, **more), "reader", password)
    subject = directory(slapd).sign_in("reader", PASSWORD).subject
    assert not directory(slapd).holds(subject, "reader", password)
    assert directory(slapd).holds(subject, "reader", PASSWORD)


@pytest.mark.parametrize(
    "name",
    ["*", "read*", "reader)(uid=*", "*)(|(uid=*", "reader))(|(cn=*", "\\2a", "reader\\", "(", "", " ", "x\0y", "rea\nder", "x" * 5000, "cn=reader"],
)  # fmt: skip
def test_a_name_is_a_name_and_no_part_of_a_question(slapd: Slapd, name: str) -> None:
    assert is_refused(directory(slapd), name)
    assert is_refused(directory(slapd, bind_as=f"uid={{name}},{PEOPLE}"), name)
    assert is_refused(directory(slapd, bind_as="{name}@hospital.test"), name)


def test_a_name_with_signs_of_a_filter_is_found(slapd: Slapd) -> None:
    assert directory(slapd).sign_in(ODD, PASSWORD).name == ODD
    assert directory(slapd, bind_as=f"uid={{name}},{PEOPLE}").sign_in(ODD, PASSWORD).name == ODD


def test_without_an_account_of_ours_the_person_binds_itself(slapd: Slapd) -> None:
    alone = directory(slapd, bind_name="", bind_as=f"uid={{name}},{PEOPLE}")
    said = alone.sign_in("reader", PASSWORD)
    assert "radiology" in said.groups
    assert not alone.can_look
    assert alone.holds(said.subject, "reader", PASSWORD)
    assert not alone.holds("another", "reader", PASSWORD)
    assert is_refused(alone, "reader", "wrong")


@pytest.mark.parametrize(
    ("nested", "found"), [("no", {"residents"}), ("walk", {"residents", "doctors", "all-doctors"})]
)
def test_groups_in_groups_are_walked_once_even_in_a_ring(slapd: Slapd, nested: Any, found: set[str]) -> None:
    said = directory(slapd, nested_groups=nested).sign_in("nested", PASSWORD)
    assert {group for group in said.groups if "=" not in group} == found


def test_active_directory_is_asked_to_follow_the_chain(monkeypatch: pytest.MonkeyPatch, slapd: Slapd) -> None:
    """slapd knows no such rule and finds nothing by it; what is asked is what Microsoft writes (MS-ADTS 3.1.1.3.4.4.3)."""
    asked = []
    search = ldap3.Connection.search

    def noted(self: Any, base: str, search_filter: str, *rest: Any, **more: Any) -> Any:
        asked.append(search_filter)
        return search(self, base, search_filter, *rest, **more)

    monkeypatch.setattr(ldap3.Connection, "search", noted)
    directory(slapd, nested_groups="chain").sign_in(ODD, PASSWORD)
    begin, end = "(&(objectClass=groupOfNames)(member:1.2.840.113556.1.4.1941:=", "))"
    (chain,) = [one for one in asked if one.startswith(begin)]
    member = chain.removeprefix(begin).removesuffix(end)
    assert not set(member) & set("()*"), "signs of a filter are escaped"
    assert "a\\2ab\\29" in member


def test_nothing_is_said_before_tls_and_to_nobody_else(slapd: Slapd, tmp_path: Path) -> None:
    assert directory(slapd, url=slapd.plain_url, start_tls=True).sign_in("reader", PASSWORD).name == "reader"
    (tmp_path / "other").mkdir()
    Certificates(tmp_path / "other")
    for more in (
        {"ca": str(tmp_path / "other" / "ca.pem")},
        {"ca": ""},
        {"url": slapd.url.replace("localhost", "ip6-localhost.test")},
        {"url": slapd.plain_url, "start_tls": True, "ca": ""},
    ):
        with pytest.raises(Busy) as told:
            directory(slapd, **more).sign_in("reader", PASSWORD)
        assert told.value.code == "directory_down"


def test_a_certificate_of_another_name_is_none(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory's is for localhost and 127.0.0.1; asked under another name it is somebody else."""
    resolve = socket.getaddrinfo

    def there(host: str, *rest: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == "dc1.hospital.test" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", there)
    with pytest.raises(Busy):
        directory(slapd, url=f"ldaps://dc1.hospital.test:{slapd.tls_port}").sign_in("reader", PASSWORD)
    assert directory(slapd, url=f"ldaps://127.0.0.1:{slapd.tls_port}").sign_in("reader", PASSWORD).name == "reader"


def test_referrals_are_not_followed(slapd: Slapd, trap: Trap) -> None:
    before = len(trap.came)
    assert is_refused(directory(slapd, base=f"ou=far,{PEOPLE}"), "reader")
    assert directory(slapd).sign_in("reader", PASSWORD).name == "reader", (
        "a subtree search meets the referral on its way"
    )
    assert len(trap.came) == before


def test_a_directory_that_says_nothing_is_waited_for_so_long(slapd: Slapd, trap: Trap) -> None:
    for url in (f"ldap://127.0.0.1:{trap.port}", f"ldaps://127.0.0.1:{trap.port}"):
        began = time.monotonic()
        with pytest.raises(Busy):
            directory(slapd, url=url, timeout_s=1.0).sign_in("reader", PASSWORD)
        assert time.monotonic() - began < 60


def test_our_own_account_must_be_taken(slapd: Slapd) -> None:
    for password in ("wrong", ""):
        with pytest.raises(Busy):
            directory(slapd, bind_password=password).sign_in("reader", PASSWORD)


def test_people_are_looked_up_again_by_their_identity(slapd: Slapd) -> None:
    asked = directory(slapd)
    reader, chief = (asked.sign_in(name, PASSWORD).subject for name in ("reader", "chief"))
    gone = "00000000-0000-0000-0000-000000000000"
    found = dict(asked.look([reader, chief, gone]))
    assert [found[reader] and found[reader].name, found[chief] and found[chief].name] == ["reader", "chief"]
    assert found[gone] is None
    slapd.change(uid("chief"), {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]})
    assert dict(asked.look([chief]))[chief] is None
    assert list(asked.look([])) == []


AGO = str(int((datetime.now(UTC) - datetime(1601, 1, 1, tzinfo=UTC) - timedelta(days=1)).total_seconds()) * 10**7)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, False), ({"userAccountControl": [b"512"]}, False), ({"userAccountControl": [b"514"]}, True),
        ({"useraccountcontrol": [b"66050"]}, True), ({"accountExpires": [b"0"]}, False), ({"accountExpires": [b"9223372036854775807"]}, False),
        ({"accountExpires": [AGO.encode()]}, True), ({"accountExpires": [b"200000000000000000"]}, False), ({"nsAccountLock": [b"TRUE"]}, True),
        ({"nsAccountLock": [b"false"]}, False), ({"loginDisabled": [b"TRUE"]}, True), ({"pwdAccountLockedTime": [b"000001010000Z"]}, True),
        ({"userAccountControl": [b"rubbish"]}, False), ({"userAccountControl": []}, False),
    ],
)  # fmt: skip
def test_what_directories_say_of_people_who_left(attributes: dict[str, Any], expected: bool) -> None:
    assert is_disabled(attributes) is expected


def test_groups_are_mapped_by_name_or_by_distinguished_name() -> None:
    assert read_roles("radiology=radiologist, pacs=admin") == (("radiology", "radiologist"), ("pacs", "admin"))
    assert read_roles(f"cn=pacs,{GROUPS}=admin; radiology=viewer") == (
        (f"cn=pacs,{GROUPS}", "admin"),
        ("radiology", "viewer"),
    )
    assert read_pairs("graz=Graz, Mitte; all=*") == (("graz", "Graz, Mitte"), ("all", "*"))
    for wrong in ("radiology=king", "=admin", "radiology", "radiology="):
        with pytest.raises(Invalid):
            read_roles(wrong)
