"""Sign-in at an OpenID Connect provider."""

from dataclasses import dataclass

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.directory import is_loopback
from heliograph.kit.settings.setting import one_of, setting


@dataclass(frozen=True)
class Oidc:
    """Sign-in at an OpenID Connect provider."""

    oidc_issuer: str = setting(
        "",
        "Address of an OpenID Connect provider whose people may sign in (`https://sso.example.org/realms/x`).",
        toml="oidc.issuer",
    )
    oidc_name: str = setting(
        "", "What the button of that sign-in says; the provider's host when empty.", toml="oidc.name"
    )
    oidc_client_id: str = setting("", "Our name at that provider.", toml="oidc.client_id")
    oidc_client_secret: str = setting(
        "", "Our secret at that provider, or `file:PATH` of a file that holds it.", toml="oidc.client_secret"
    )
    oidc_scopes: str = setting("openid profile email", "What we ask of it.", toml="oidc.scopes")
    oidc_groups_claim: str = setting(
        "groups", "Where its statement names the person's groups.", toml="oidc.groups_claim"
    )
    oidc_roles: str = setting(
        "", "Which role a group gives: `radiology=radiologist, pacs-admins=admin`.", toml="oidc.roles"
    )
    oidc_sites: str = setting(
        "",
        "At which site (by its name; `*` for all) a group lets people work: `graz=Graz, all-houses=*`. When empty, an administrator says it.",
        toml="oidc.sites",
    )
    oidc_new_people: str = setting(
        "refuse", "Who comes for the first time: `refuse`, or `add` when a group gives a role.", toml="oidc.new_people"
    )


def check(settings: Oidc) -> None:
    one_of("oidc.new_people", settings.oidc_new_people, "refuse", "add")
    issuer = settings.oidc_issuer
    if issuer and not issuer.startswith("https://") and not is_loopback(issuer):
        raise Invalid("oidc.issuer must begin with https://", code="bad_setting")
