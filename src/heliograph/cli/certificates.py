"""`device certify|trust|revoke|certificates` and `ca`: who is who over TLS."""

import argparse
import secrets
import sys
from datetime import datetime
from pathlib import Path

from heliograph.app import installation
from heliograph.cli._options import Commands, acting, add_tenant, command, positive, settings_of
from heliograph.features import access
from heliograph.features.access import Certified
from heliograph.features.access.peers.issuing import DEVICE_DAYS
from heliograph.kit.errors import Conflict, Invalid
from heliograph.kit.settings import Settings


def add_to_devices(verbs: Commands) -> None:
    certify = command(
        verbs, "certify", "make a certificate by which a device is known",
        "Makes a certificate of the built-in authority for a registered device. Without --csr its key is made here too, written once into "
        "FOLDER as AET.key, AET.pem and AET.p12 (both, for programs that want one file; its password is printed), beside ca.pem, and not kept.",
        "heliograph device certify --aet CT1 --out /media/stick",
    )  # fmt: skip
    certify.add_argument("--aet", dest="device_aet", required=True, help="its application entity title")
    source = certify.add_mutually_exclusive_group()
    source.add_argument("--csr", metavar="FILE", help="its own signing request (PKCS#10); its key stays where it is")
    source.add_argument(
        "--rsa", action="store_true", help="make an RSA key of 3072 bits, for old devices [elliptic P-256]"
    )
    certify.add_argument("--out", metavar="FOLDER", default=".", help="where the files go [the present folder]")
    certify.add_argument(
        "--days", type=positive, default=DEVICE_DAYS, help=f"how long it lasts, at most ten years [{DEVICE_DAYS}]"
    )
    add_tenant(certify)
    certify.set_defaults(run=_certify)
    trust = command(
        verbs, "trust", "know a device by a certificate that it has already",
        example="heliograph device trust --aet CT1 --certificate ct1.pem",
    )  # fmt: skip
    trust.add_argument("--aet", dest="device_aet", required=True, help="its application entity title")
    trust.add_argument("--certificate", metavar="FILE", required=True, help="the certificate, PEM or DER")
    add_tenant(trust)
    trust.set_defaults(run=_trust)
    listing = command(verbs, "certificates", "list the certificates of devices: when each ends, which are revoked")
    add_tenant(listing)
    listing.set_defaults(run=_list)
    revoke = command(
        verbs,
        "revoke",
        "let a certificate open no door any more",
        example="heliograph device revoke --fingerprint 4f...c2",
    )
    revoke.add_argument("--fingerprint", metavar="SHA256", required=True, help="as `device certificates` shows it")
    revoke.add_argument("--reason", default="", help="a word for those who look later")
    add_tenant(revoke)
    revoke.set_defaults(run=_revoke)


def add_to(commands: Commands) -> None:
    ca = commands.add_parser(
        "ca", help="the built-in certificate authority", description="The built-in certificate authority."
    )
    verbs = ca.add_subparsers(dest="verb", metavar="verb", required=True)
    command(verbs, "show", "say who it is and when it ends").set_defaults(run=_show)
    export = command(
        verbs, "export", "print its certificate (PEM), which browsers and devices must trust",
        "Prints the certificate of the authority. Import it where browsers and devices keep authorities that they trust; it holds no secret.",
        "heliograph ca export > heliograph-ca.pem",
    )  # fmt: skip
    export.set_defaults(run=_export)
    renew = command(
        verbs, "renew", "let it live another ten years",
        "Renews the authority's certificate. With the same key everything it has issued stays good; who trusts the old one should be given the new one "
        "before the old one ends.",
    )  # fmt: skip
    renew.add_argument(
        "--new-key", action="store_true", help="its key got into wrong hands: every certificate it has issued is void"
    )
    renew.set_defaults(run=_renew)


def _certify(arguments: argparse.Namespace) -> None:
    settings = settings_of(arguments)
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    csr = Path(arguments.csr).read_bytes() if arguments.csr else b""
    password = "" if csr else secrets.token_urlsafe(12)
    name = _file_name(arguments.device_aet)
    taken = [path.name for path in (out / f"{name}{end}" for end in (".key", ".pem", ".p12")) if path.exists()]
    if taken:
        raise Conflict(f"{taken[0]} is there already; choose another folder with --out", code="file_exists")
    with installation(settings) as services, services.database.transaction() as tx:
        made = access.certify_device(
            tx, acting(tx, arguments), services.settings, arguments.device_aet, days=int(arguments.days), is_rsa=arguments.rsa,
            csr=csr, password=password,
        )  # fmt: skip
        _write(made, out, name)
    print(f"SHA-256 {made.fingerprint}")
    print(f"{made.aet} is known by {out / name}.pem until {_day(made.not_after)}; it must trust {out / 'ca.pem'}")
    if made.key_pem:
        print(f"its key is {out / name}.key; both are in {out / name}.p12, password {password}")


def _write(made: Certified, out: Path, name: str) -> None:
    (out / f"{name}.pem").write_bytes(made.certificate_pem)
    (out / "ca.pem").write_bytes(made.authority_pem)
    for end, data in ((".key", made.key_pem), (".p12", made.pkcs12)):
        if data:
            path = out / f"{name}{end}"
            path.touch(mode=0o600)
            path.write_bytes(data)


def _file_name(aet: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in aet.strip()) or "device"


def _trust(arguments: argparse.Namespace) -> None:
    data = Path(arguments.certificate).read_bytes()
    with installation(settings_of(arguments)) as services:
        with services.database.transaction() as tx:
            print(
                f"SHA-256 {access.register_certificate(tx, acting(tx, arguments), arguments.device_aet, data).fingerprint}"
            )
        access.publish_certificates(services.database, services.settings)


def _list(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        for one in access.certificates(tx, acting(tx, arguments)):
            state = f"revoked {_day(one['revoked_at'])}" if one["revoked_at"] else f"until {_day(one['not_after'])}"
            print(f"{one['aet'] or '-':16} {state:20} {one['fingerprint']}")


def _revoke(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services:
        with services.database.transaction() as tx:
            access.revoke_certificate(tx, acting(tx, arguments), arguments.fingerprint, arguments.reason)
        access.publish_certificates(services.database, services.settings)


def _show(arguments: argparse.Namespace) -> None:
    from heliograph.engine.secrets.authority import Authority, summary

    settings = _existing(arguments)
    root = summary(Authority.open(settings.data, settings.site_name).root)
    print(f"{root.subject}\nSHA-256 {root.fingerprint}\nuntil {_day(root.not_after)}")


def _export(arguments: argparse.Namespace) -> None:
    from heliograph.engine.secrets.authority import Authority

    settings = _existing(arguments)
    sys.stdout.write(Authority.open(settings.data, settings.site_name).root_pem.decode())


def _renew(arguments: argparse.Namespace) -> None:
    from heliograph.engine import secrets as keeping
    from heliograph.engine.secrets.authority import Authority, summary

    settings = _existing(arguments)
    authority = Authority.open(settings.data, settings.site_name)
    authority.renew(new_key=arguments.new_key)
    if keeping.own_pair(settings).certificate.exists():
        keeping.ensure(settings)
    print(f"SHA-256 {summary(authority.root).fingerprint}, until {_day(summary(authority.root).not_after)}")


def _existing(arguments: argparse.Namespace) -> Settings:
    settings = settings_of(arguments)
    if not settings.data.is_dir():
        raise Invalid(f"there is no folder {settings.data}; say where with --data", code="no_installation")
    return settings


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
