"""Where the audit log and alarms go, and how much runs at once."""

from dataclasses import dataclass

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.setting import setting, split_address


@dataclass(frozen=True)
class Watching:
    """Where the audit log and alarms go, and how much runs at once."""

    audit_witness: str = setting(
        "", "A further file that gets every checkpoint of the audit log, best on another machine.", toml="audit.witness"
    )
    audit_syslog: str = setting(
        "", "host:port of an audit record repository that takes syslog over TLS (ITI-20).", toml="audit.syslog"
    )
    audit_syslog_ca: str = setting(
        "",
        "File of the authority that its certificate comes from; empty trusts those of the system.",
        toml="audit.syslog_ca",
    )
    audit_syslog_certificate: str = setting(
        "", "File of our certificate for it (PEM), when it asks for one.", toml="audit.syslog_certificate"
    )
    audit_syslog_key: str = setting(
        "", "File of the key to it, when it is not in the same file.", toml="audit.syslog_key"
    )

    job_slots: int = setting(2, "Long jobs that run at the same time.", toml="jobs.slots", least=1)

    alarm_webhook: str = setting("", "URL that gets every new alarm as JSON.", toml="alarms.webhook")
    alarm_email: str = setting("", "Address that gets every new alarm.", toml="alarms.email")
    alarm_smtp: str = setting("", "host:port of the mail server for alarms.", toml="alarms.smtp")
    egress_networks: str = setting(
        "",
        "Networks that addresses given by people (webhooks, sign-in services) may lead to besides public and private ones, "
        "as `127.0.0.0/8`; never followed elsewhere.",
        toml="egress.networks",
    )
    disk_warning_bytes: int = setting(
        10 << 30, "Free disk space that raises an alarm.", toml="alarms.disk_warning_bytes"
    )


def check(settings: Watching) -> None:
    if settings.alarm_webhook and not settings.alarm_webhook.startswith(("http://", "https://")):
        raise Invalid("alarms.webhook must be an http:// or https:// address", code="bad_setting")
    if settings.audit_syslog:
        split_address(settings.audit_syslog, "audit.syslog")
    if settings.alarm_smtp:
        split_address(settings.alarm_smtp, "alarms.smtp")
