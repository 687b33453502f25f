"""TLS of both doors, and whose certificates they believe."""

from dataclasses import dataclass

from heliograph.kit.settings.setting import one_of, setting


@dataclass(frozen=True)
class Tls:
    """TLS of both doors, and whose certificates they believe."""

    tls_profile: str = setting(
        "bcp195",
        "Rules of TLS: `bcp195` (PS3.15 B.12) or `modified` (PS3.15 B.13: also CCM, and DHE of 3072 bits).",
        toml="tls.profile",
    )
    tls_client_certificates: str = setting(
        "",
        "Whether a DICOM caller must show a certificate: `required` or `optional`. When not set: `required`, `optional` when the door "
        "listens on loopback alone.",
        toml="tls.client_certificates",
    )
    tls_certificate: str = setting(
        "",
        "Certificate (PEM, with its chain) for our TLS doors, instead of one of the built-in authority.",
        toml="tls.certificate",
    )
    tls_key: str = setting("", "Its key (PEM), when it is not in the same file.", toml="tls.key")
    tls_trust: str = setting(
        "",
        "Authorities (PEM) whose certificates devices and nodes may show, beside the built-in one.",
        toml="tls.trust",
    )
    tls_names: str = setting("", "More names and addresses for our certificate, with commas between.", toml="tls.names")
    tls_handshake_s: float = setting(
        10.0, "A TLS handshake must be done within this.", toml="tls.handshake_s", least=0.1
    )


def check(settings: Tls) -> None:
    one_of("tls.profile", settings.tls_profile, "bcp195", "modified")
    one_of("tls.client_certificates", settings.tls_client_certificates, "", "required", "optional")
