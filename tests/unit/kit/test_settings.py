"""kit.settings: precedence, refusal of what is wrong, and messages that name the setting."""

from pathlib import Path
from typing import Any

import pytest

from heliograph.kit.errors import Invalid
from heliograph.kit.settings import FIELDS, Settings, env_name, load, split_address


def written(folder: Path, text: str, name: str = "heliograph.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def refused(flags: dict[str, Any], environ: dict[str, str] | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        load(flags, environ or {})
    assert caught.value.code == "bad_setting"
    return caught.value.message


def test_defaults_are_those_of_the_issue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    made = load({}, {})
    assert (made.data, made.http, made.dicom) == (tmp_path / "heliograph-data", "127.0.0.1:8080", "0.0.0.0:11112")
    assert (made.aet, made.database, made.blobs) == ("HELIOGRAPH", "embedded", "file")
    assert set(made.sources.values()) == {"default"}


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    written(tmp_path, 'aet = "FILE"\nhttp = "127.0.0.1:1"\ndicom = "127.0.0.1:2"\n')
    environ = {"HELIOGRAPH_AET": "ENVIRON", "HELIOGRAPH_HTTP": "127.0.0.1:3"}
    made = load({"data": tmp_path, "aet": "FLAG"}, environ)
    assert (made.aet, made.sources["aet"]) == ("FLAG", "flag")
    assert (made.http, made.sources["http"]) == ("127.0.0.1:3", "environment")
    assert (made.dicom, made.sources["dicom"]) == ("127.0.0.1:2", "file")
    assert (made.blobs, made.sources["blobs"]) == ("file", "default")


def test_a_flag_that_was_not_given_and_an_empty_variable_do_not_count(tmp_path: Path) -> None:
    written(tmp_path, 'aet = "FILE"\n')
    made = load({"data": tmp_path, "aet": None}, {"HELIOGRAPH_AET": ""})
    assert made.aet == "FILE"


def test_the_environment_is_the_real_one_when_none_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HELIOGRAPH_AET", "OUTSIDE")
    assert load({"data": tmp_path}).aet == "OUTSIDE"


def test_data_may_come_from_the_environment_and_its_file_counts(tmp_path: Path) -> None:
    written(tmp_path, '[site]\nname = "General"\n')
    assert load({}, {"HELIOGRAPH_DATA": str(tmp_path)}).site_name == "General"


def test_config_names_another_file(tmp_path: Path) -> None:
    written(tmp_path, 'aet = "INSIDE"\n')
    other = written(tmp_path, 'aet = "OTHER"\n', "other.toml") / "other.toml"
    made = load({"data": tmp_path, "config": str(other)}, {})
    assert (made.aet, made.config) == ("OTHER", other)
    assert "missing.toml" in refused({"data": tmp_path, "config": str(tmp_path / "missing.toml")})


@pytest.mark.parametrize("field", [field for field in FIELDS if field.metadata["toml"]], ids=lambda field: field.name)
def test_every_setting_is_read_from_environment_and_file(field: Any, tmp_path: Path) -> None:
    changed = {"int": 3, "float": 2.5}.get(getattr(field.type, "__name__", ""), "text")
    special = {
        "http": "127.0.0.1:9", "dicom": "127.0.0.1:9", "aet": "ABC", "dimse_unknown_peers": "echo", "dimse_unknown_networks": "any",
        "data": str(tmp_path), "site_timezone": "Europe/Vienna", "database": "postgresql://u@h/n", "blobs": "s3://bucket/x", "dimse_max_pdu_bytes": 4096, "trusted_proxy": "10.0.0.1",
        "public_url": "https://pacs.example.org", "second_factor": "required", "oidc_issuer": "https://sso.example.org", "oidc_new_people": "add",
        "alarm_webhook": "https://alarms.example.org/in", "alarm_smtp": "mail.example.org:25", "audit_syslog": "arr.example.org:6514",
        "https": "127.0.0.1:9", "dicom_tls": "127.0.0.1:9", "dimse_plaintext": "private", "tls_profile": "modified",
        "tls_client_certificates": "optional", "ldap_url": "ldaps://dc1.example.org", "ldap_kind": "active_directory", "ldap_start_tls": "always",
        "ldap_nested_groups": "walk", "ldap_new_people": "add",
    }  # fmt: skip
    value = special.get(field.name, changed)
    # A directory without its base is refused.
    beside = {"ldap_base": "dc=example"} if field.name == "ldap_url" else {}
    environ = {"HELIOGRAPH_DATA": str(tmp_path), env_name(field.name): str(value)}
    environ |= {env_name(name): text for name, text in beside.items()}
    from_environment = load({}, environ)
    assert str(getattr(from_environment, field.name)) == str(value)
    if field.name != "data":
        key = field.metadata["toml"]
        group, _, name = key.rpartition(".")
        line = f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}"
        line += "".join(f'\n{other.removeprefix("ldap_")} = "{text}"' for other, text in beside.items())
        written(tmp_path, f"[{group}]\n{line}\n" if group else f"{line}\n")
        made = load({"data": tmp_path}, {})
        assert (getattr(made, field.name), made.sources[field.name]) == (value, "file")


def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    assert "site.nmae" in refused({"data": written(tmp_path, '[site]\nnmae = "x"\n')})
    assert "colour" in refused({"data": written(tmp_path, 'colour = "red"\n')})


def test_broken_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    message = refused({"data": written(tmp_path, 'aet = "A\n')})
    assert "heliograph.toml" in message
    assert "line 1" in message
    (tmp_path / "heliograph.toml").write_bytes(b'aet = "\xff"\n')
    assert "heliograph.toml" in refused({"data": tmp_path})


@pytest.mark.parametrize(
    ("flags", "environ", "named"),
    [
        ({"http": "8080"}, {}, "http"),
        ({"http": "127.0.0.1:x"}, {}, "http"),
        ({"dicom": "127.0.0.1:70000"}, {}, "dicom"),
        ({"aet": ""}, {}, "aet"),
        ({"aet": "A" * 17}, {}, "aet"),
        ({"aet": "A\\B"}, {}, "aet"),
        ({"aet": "Ä"}, {}, "aet"),
        ({}, {"HELIOGRAPH_JOB_SLOTS": "many"}, "HELIOGRAPH_JOB_SLOTS"),
        ({}, {"HELIOGRAPH_STUDY_QUIET_S": "soon"}, "HELIOGRAPH_STUDY_QUIET_S"),
        ({}, {"HELIOGRAPH_JOB_SLOTS": "0"}, "jobs.slots"),
        ({}, {"HELIOGRAPH_STUDY_QUIET_S": "-1"}, "archive.study_quiet_s"),
        ({}, {"HELIOGRAPH_STUDY_QUIET_S": "nan"}, "archive.study_quiet_s"),
        ({}, {"HELIOGRAPH_STUDY_QUIET_S": "inf"}, "archive.study_quiet_s"),
        ({}, {"HELIOGRAPH_DIMSE_MAX_PDU_BYTES": "100"}, "dimse.max_pdu_bytes"),
        ({}, {"HELIOGRAPH_TRUSTED_PROXY": "proxy"}, "web.trusted_proxy"),
        ({}, {"HELIOGRAPH_PUBLIC_URL": "pacs.example.org"}, "web.public_url"),
        ({}, {"HELIOGRAPH_ALARM_WEBHOOK": "ftp://x"}, "alarms.webhook"),
        ({}, {"HELIOGRAPH_ALARM_SMTP": "mail"}, "alarms.smtp"),
        ({}, {"HELIOGRAPH_SITE_TIMEZONE": "Mars/Base"}, "site.timezone"),
        ({}, {"HELIOGRAPH_SITE_TIMEZONE": "../../etc/passwd"}, "site.timezone"),
        ({"database": "mysql://u:p@h/n"}, {}, "database"),
        ({"blobs": "ftp://x"}, {}, "blobs"),
        ({}, {"HELIOGRAPH_DIMSE_UNKNOWN_PEERS": "all"}, "dimse.unknown_peers"),
        ({}, {"HELIOGRAPH_DIMSE_UNKNOWN_NETWORKS": "some"}, "dimse.unknown_networks"),
        ({}, {"HELIOGRAPH_DIMSE_PLAINTEXT": "any"}, "dimse.plaintext"),
        ({}, {"HELIOGRAPH_TLS_PROFILE": "old"}, "tls.profile"),
        ({}, {"HELIOGRAPH_TLS_CLIENT_CERTIFICATES": "none"}, "tls.client_certificates"),
        ({"https": "8443"}, {}, "https"),
        ({"dicom_tls": "127.0.0.1:99999"}, {}, "dicom_tls"),
    ],
)
def test_a_wrong_value_is_refused_and_named(
    flags: dict[str, Any], environ: dict[str, str], named: str, tmp_path: Path
) -> None:
    assert named in refused({"data": tmp_path, **flags}, environ)


def test_a_wrong_value_in_the_file_says_that_it_is_the_file(tmp_path: Path) -> None:
    message = refused({"data": written(tmp_path, '[jobs]\nslots = "many"\n')})
    assert "jobs.slots" in message
    assert "file" in message


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    made = load({"data": tmp_path}, {})
    with pytest.raises(AttributeError):
        made.aet = "OTHER"  # type: ignore[misc]  # that it is refused is the test


def test_every_setting_is_documented_and_reachable() -> None:
    assert [field.name for field in FIELDS] == [name for name in Settings.__dataclass_fields__ if name != "sources"]
    assert not [field.name for field in FIELDS if not field.metadata["doc"].endswith(".")]
    keys = [field.metadata["toml"] for field in FIELDS if field.metadata["toml"]]
    assert len(keys) == len(set(keys))
    assert {field.name for field in FIELDS if field.metadata["flag"]} == {
        "data", "http", "dicom", "https", "dicom_tls", "aet", "database", "blobs", "config",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
        (":80", ("0.0.0.0", 80)),
        ("db.example.org:0", ("db.example.org", 0)),
    ],
)
def test_addresses(text: str, pair: tuple[str, int]) -> None:
    assert split_address(text, "http") == pair


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None), ("0.0.0.0", ("0.0.0.0", 2762)), ("0.0.0.0:2763", ("0.0.0.0", 2763)), ("pacs.example.org", ("pacs.example.org", 2762)),
        ("[::1]:2763", ("::1", 2763)), ("[::1]", ("::1", 2762)),
    ],
)  # fmt: skip
def test_the_tls_door_has_the_port_of_the_registry_when_none_is_given(text: str, address: Any, tmp_path: Path) -> None:
    assert load({"data": tmp_path, "dicom_tls": text}, {}).dicom_tls_address == address
