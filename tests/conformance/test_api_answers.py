"""The JSON door answers what openapi.json says: every route that answers JSON is called, and its answer holds nothing else and nothing less."""

import base64
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pyotp
from pydantic import ValidationError

from tests import phantoms
from tests.conformance.api_routes import WHY, database, send
from tests.conformance.browsing import Browser, study_row, until
from tests.peers import dcmtk
from tests.peers.authenticator import Authenticator
from tests.peers.heliograph import Server
from tests.peers.ports import free_port
from tests.phantoms import Shape
from tools.reference.answers import ANSWERS

SHAPE = Shape(2, rows=16, columns=16, seed=7900, patient="ANSWERS")
SESSION = "POST /api/session"
ALARM = "0190a000-0000-7000-8000-000000000001"


class Caller:
    """Calls routes by their pattern and holds each answer to its model."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.otherwise: list[str] = []
        self.called: set[str] = {SESSION, "POST /api/session/link", "POST /api/session/password"}

    def __call__(self, name: str, /, body: Any = None, *, files: Any = None, query: str = "", **ids: Any) -> Any:
        method, _, pattern = name.partition(" ")
        answer = self.browser.request(
            method,
            pattern.format(**ids) + query,
            **({"files": files} if files else {"json": body} if body is not None else {}),
        )
        return self.check(name, answer)

    def check(self, name: str, answer: httpx.Response) -> Any:
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text[:300]}"
        try:
            ANSWERS[name].model_validate_json(answer.content, strict=True)
        except ValidationError as error:
            self.otherwise.append(f"{name}: {error}")
        self.called.add(name)
        return answer.json()


def test_every_answer_is_what_the_contract_says(api_house: Server, admin: Browser) -> None:
    call = Caller(admin)
    study = _studies(call, api_house)
    _quarantine(call, api_house)
    _devices(call, api_house)
    _routing(call, study)
    _house(call, api_house)
    _trust(call, api_house, study)
    _own_account(call, api_house)
    _organisations(call, api_house)
    assert not call.otherwise, "answers that are not as documented:\n" + "\n".join(call.otherwise)
    assert call.called == set(ANSWERS), "a route that nobody called"


def _studies(call: Caller, house: Server) -> str:
    earlier = replace(SHAPE, study=2)
    assert send(house, SHAPE) == [0, 0]
    assert send(house, earlier) == [0, 0]
    found = call("POST /api/studies/search", {"patient_id": "ANSWERS"})
    assert found["count"] == 2
    study = str(study_row(house, SHAPE.study_uid)["id"])
    held = [raw.replace(b"Load^Phantom", b"Toad^Phantom") for raw in phantoms.slices(SHAPE)]
    assert call("POST /api/uploads", files=[("file", (f"{n}.dcm", raw)) for n, raw in enumerate(held)])["held"] == 2
    assert call("GET /api/studies/{study_id}", study_id=study)["series"]
    manifest = call("GET /api/studies/{study_id}/manifest", study_id=study)
    assert (len(manifest["priors"]), len(manifest["held"])) == (1, 2)
    assert len(call("GET /api/studies/{study_id}/held", study_id=study)["items"]) == 2
    document = call("GET /api/series/{series_id}/document", series_id=manifest["series"][0]["id"])
    assert len(document["instances"]) == 2
    copies = call("GET /api/series/{series_id}/copies", series_id=manifest["series"][0]["id"])
    assert copies["items"] == [], "small images get no copies"
    image = {"series_uid": document["series_uid"], "sop_uid": document["instances"][0]["sop_uid"]}
    body = {
        "kind": "length",
        "image": image,
        "points": [[0, 0], [3, 4]],
        "measured": [{"name": "length", "value": 5.0, "unit": "px"}],
    }
    drawn = {"id": str(uuid4()), "mark": str(uuid4()), "version": 1, "at": "2026-11-22T10:00:00Z", "body": body}
    assert call("POST /api/studies/{study_id}/marks", {"events": [drawn]}, study_id=study)["last"] >= 1
    assert call("GET /api/studies/{study_id}/marks", study_id=study)["items"][0]["body"]["kind"] == "length"
    _hanging(call)
    assert call("POST /api/where", {"text": SHAPE.study_uid})["answers"][0]["events"]
    assert call("GET /api/changes")["items"]
    return study


def _quarantine(call: Caller, house: Server) -> None:
    page = call("GET /api/quarantine", query="?limit=1")
    assert page["next"]
    assert (
        call("GET /api/quarantine", query=f"?limit=1&cursor={page['next']}")["items"][0]["id"] != page["items"][0]["id"]
    )
    assert call("POST /api/quarantine/{held_id}/release", WHY, held_id=page["items"][0]["id"])["outcome"] == "newer"
    assert call("GET /api/quarantine", query="?state=released")["items"][0]["decided_by"]


def _devices(call: Caller, house: Server) -> None:
    assert dcmtk.echoscu(house.dicom, calling="STRANGER").code == 0
    callers = until(lambda: call("GET /api/devices/wants-in")["items"])
    made = call("POST /api/devices/wants-in/{caller_id}/accept", {"port": free_port()}, caller_id=callers[0]["id"])
    assert call("POST /api/devices/{device_id}/echo", device_id=made["id"])["ok"] is False
    call("PATCH /api/devices/{device_id}", {"description": "other"}, device_id=made["id"])
    call("POST /api/devices", {"aet": "ANSWERED", "host": "127.0.0.1", "port": 104})
    assert len(call("GET /api/devices")["items"]) >= 2
    paper = call("POST /api/devices/{device_id}/certificates", {"days": 30}, device_id=made["id"])
    assert call("GET /api/certificates")["items"][0]["fingerprint"] == paper["fingerprint"]
    assert paper["authority_pem"] == call("GET /api/authority")["pem"]


def _routing(call: Caller, study: str) -> None:
    dead = call("POST /api/nodes", {"name": "nobody", "aet": "NOBODY", "host": "127.0.0.1", "port": free_port()})["id"]
    own = call(
        "POST /api/nodes",
        {"name": "self", "aet": "HELIOGRAPH", "host": "127.0.0.1", "port": call.browser.server.dicom.port},
    )["id"]
    call.browser.server.add_device("HELIOGRAPH")
    assert call("POST /api/nodes/{node_id}/echo", node_id=own)["ok"] is True
    assert call("POST /api/nodes/{node_id}/query", {"patient_id": "ANSWERS"}, node_id=own)["items"]
    call("PATCH /api/nodes/{node_id}", {"name": "renamed"}, node_id=dead)
    assert len(call("GET /api/nodes")["items"]) == 2
    rule = call("POST /api/rules", {"name": "all", "node_id": dead, "enabled": False, "modalities": ["XX"]})
    call("PATCH /api/rules/{rule_id}", {"name": "other"}, rule_id=rule["id"])
    assert call("GET /api/rules")["items"]
    sent = call("POST /api/sends", {"study_id": study, "node_id": dead})["id"]
    until(lambda: [one for one in call("GET /api/sends")["items"] if one["id"] == sent and one["error"]])
    call("POST /api/sends/{send_id}/{verb}", send_id=sent, verb="cancel")
    job = call("POST /api/nodes/{node_id}/retrieve", {"study_uid": "1.2.3"}, node_id=dead)["job_id"]
    assert job in {one["id"] for one in call("GET /api/jobs")["items"]}
    call("POST /api/jobs/{job_id}/{verb}", job_id=job, verb="cancel")


def _house(call: Caller, house: Server) -> None:
    with database(house) as connection:
        connection.execute(
            "insert into alarm (id, tenant_id, key, kind, severity, message, mend, since) "
            "values (%s, 1, 'verification/test', 'verification', 'critical', 'one object is damaged', 'restore it', now())",
            (ALARM,),
        )
    assert ALARM in {alarm["id"] for alarm in call("GET /api/alarms")["items"]}
    call("POST /api/alarms/{alarm_id}/acknowledge", alarm_id=ALARM)
    person = call("POST /api/users", {"name": "answered", "roles": ["viewer"]})
    staff = base64.b64encode(b"name;roles\nlisted;viewer\n").decode()
    assert [one["outcome"] for one in call("POST /api/users/import", {"file": staff})["items"]] == ["new"]
    call("POST /api/users/{user_id}/link", user_id=person["id"])
    call("PATCH /api/users/{user_id}", {"display_name": "Other"}, user_id=person["id"])
    call("POST /api/tokens", {"name": "answered", "scopes": ["study.read"], "days": 1})
    assert call("GET /api/users")["items"]
    assert call("GET /api/tokens")["items"]
    assert call("GET /api/about")["counts"]["studies"] >= 2
    assert call("GET /api/settings")["items"]
    assert call("GET /api/session")["csrf"]
    assert call("POST /api/stations", {"name": "screen of theatre 1"})["link"]
    token = next(one for one in call("GET /api/tokens")["items"] if one["name"] == "answered")
    call("PATCH /api/tokens/{token_id}", {"hourly_instances": 1000}, token_id=token["id"])
    call("POST /api/tokens/{token_id}/rotate", {"overlap_hours": 1}, token_id=token["id"])
    with Browser(house) as window:
        call.check("POST /api/session/link", window.sign_in_by_link(person["link"]))
        password = {"new": "long enough for this"}
        call.check("POST /api/session/password", window.request("POST", "/api/session/password", json=password))
        call.check(SESSION, window.sign_in("answered", password["new"]))


def _trust(call: Caller, house: Server, study: str) -> None:
    site = call("POST /api/sites", {"name": "south"})["id"]
    call("POST /api/sites/{site_id}/departments", {"name": "radiology"}, site_id=site)
    department = call("GET /api/sites")["items"][1]["departments"][0]["id"]
    call("PATCH /api/sites/{site_id}", {"name": "south wing"}, site_id=site)
    call("PATCH /api/departments/{department_id}", {"closed": True}, department_id=department)
    (device, *_) = call("GET /api/sites")["devices"]
    call("POST /api/devices/{device_id}/place", {"site_ids": []}, device_id=device["id"])
    assert call("POST /api/audit/search", {"limit": 20})["items"]
    assert call("POST /api/audit/patient", {"patient_id": SHAPE.patient})["items"]
    _watching(call)
    policy = call("GET /api/policy")
    assert call("POST /api/policy/check", {"rules": policy["rules"]})["rules"] == policy["rules"]
    broken = [*policy["rules"], policy["rules"][0] | {"name": "torn", "when": "study.site =="}]
    assert call("POST /api/policy/check", {"rules": broken})["problems"][0]["at"] == len("study.site ==")
    nobody = [policy["rules"][0] | {"when": "false"}]
    assert call("POST /api/policy/preview", {"rules": nobody})["items"][0]["loses"] > 0
    assert study in [one["id"] for one in call("POST /api/policy/studies", {"text": SHAPE.patient})["items"]]
    saved = {"rules": policy["rules"], "comment": "as they were", "expected_version": policy["version"]}
    assert call("POST /api/policy", saved)["version"] == policy["version"] + 1
    reader = call("POST /api/users", {"name": "emergency", "roles": ["radiologist"]})
    call("POST /api/users/{user_id}/place", {"clearances": []}, user_id=reader["id"])
    call("POST /api/studies/{study_id}/ties", {"tie": "reader", "subject": reader["id"]}, study_id=study)
    assert call("GET /api/studies/{study_id}/ties", study_id=study)["ties"][0]["subject"] == reader["id"]
    call("PUT /api/users/{user_id}/projects", {"projects": ["lung"]}, user_id=reader["id"])
    assert call("GET /api/users/{user_id}", user_id=reader["id"])["ties"][0]["study_id"] == study
    asked = {"user_id": reader["id"], "study_id": study}
    assert call("POST /api/policy/explain", asked)["may_read"]
    call("POST /api/studies/{study_id}/ties/remove", {"tie": "reader", "subject": reader["id"]}, study_id=study)
    patient = call("GET /api/studies/{study_id}", study_id=study)["patient"]["id"]
    call("POST /api/patients/{patient}/restriction", {"restriction": "vip", "reason": "asked for it"}, patient=patient)
    assert call("GET /api/patients/restricted")["items"][0]["reason"] == "asked for it"
    assert call("POST /api/patients/find", {"patient_id": SHAPE.patient})["items"][0]["id"] == patient
    assert not call("POST /api/policy/explain", asked)["may_read"]
    with Browser(house) as window:
        window.sign_in_by_link(reader["link"])
        _break_glass(call, window, patient, study)
    call("POST /api/patients/{patient}/restriction", {"restriction": ""}, patient=patient)
    person = call("POST /api/users", {"name": "own-record", "roles": ["viewer"]})
    call("POST /api/users/{user_id}/is-patient/{patient}", user_id=person["id"], patient=patient)
    with Browser(house) as window:
        window.sign_in_by_link(person["link"])
        assert window.request("GET", f"/api/studies/{study}").status_code == 404, (
            "nobody looks into the own record at work"
        )
    gone = call.browser.request("DELETE", f"/api/users/{person['id']}/is-patient/{patient}")
    assert gone.status_code == 204


def _watching(call: Caller) -> None:
    proof = call("POST /api/audit/proof", {"sop_uid": SHAPE.sop_uid(1)})
    assert (proof["unchanged"], proof["findings"]) == (True, [])
    row = call("GET /api/audit/events/{event_id}", event_id=proof["event_id"])
    assert row["kind"] == "instances.received"
    assert row["place"]["unchanged"]
    assert row["place"]["checkpoint"]["signed"]
    assert row["place"]["checkpoint"]["holds"]
    call("POST /api/audit/verify")
    done = until(lambda: [
        state for state in [call("GET /api/audit/state")] if state["verification"]["state"] == "done"
    ])[0]  # fmt: skip
    assert done["verification"]["findings"] == []
    assert done["log"]["checkpoint"] >= 1
    assert call("GET /api/security")["peers"]["devices"] >= 2
    call("GET /api/security/unusual")
    call("GET /api/limits")


def _break_glass(call: Caller, window: Browser, patient: str, study: str) -> None:
    """Safety guard 10: who treats is told that something is withheld, opens it with a reason, and somebody else looks at that."""

    def listed() -> Any:
        return call.check(
            "POST /api/studies/search", window.request("POST", "/api/studies/search", json={"patient_id": "ANSWERS"})
        )

    hidden = listed()
    assert (hidden["items"], hidden["count"]) == ([], 0)
    assert hidden["withheld"] == [{"patient": patient, "issuer": "", "count": 2}]
    why = {"patient": patient, "reason_code": "emergency", "reason": "unconscious, bleeding"}
    glass = call.check("POST /api/glass", window.request("POST", "/api/glass", json=why))
    assert listed()["count"] == 2
    assert call("GET /api/glass", query="?unreviewed=true")["items"][0]["id"] == glass["id"]
    assert window.request("GET", f"/api/studies/{study}/manifest").status_code == 200
    assert call("GET /api/glass/waiting")["count"] == 1
    assert call("POST /api/glass/search", {"state": "waiting", "text": "ANSWERS"})["items"][0]["id"] == glass["id"]
    assert call("GET /api/glass/{glass_id}/seen", glass_id=glass["id"])["items"][0]["study_id"] == study
    own = window.request("POST", f"/api/glass/{glass['id']}/review", json={"finding": "justified"})
    assert own.status_code == 403, "nobody reviews their own"
    assert call("POST /api/glass/{glass_id}/review", {"finding": "justified"}, glass_id=glass["id"])["reviewed_at"]
    call.check("POST /api/glass/{glass_id}/end", window.request("POST", f"/api/glass/{glass['id']}/end"))
    assert listed()["count"] == 0


def _organisations(call: Caller, house: Server) -> None:
    link = house.cli("user", "add", "--name", "answers-operator", "--roles", "operator").stdout.strip()
    with Browser(house) as window:
        assert window.sign_in_by_link(link.partition("link=")[2]).status_code == 200

        def ask(name: str, body: Any = None, **ids: Any) -> Any:
            method, _, pattern = name.partition(" ")
            return call.check(name, window.request(method, pattern.format(**ids), json=body))

        made = ask("POST /api/tenants", {"name": "answers", "titles": ["ANSWERS"], "hosts": ["answers.test"]})
        ask("PATCH /api/tenants/{tenant_id}", {"display_name": "Answers"}, tenant_id=made["id"])
        ask("POST /api/tenants/{tenant_id}/close", tenant_id=made["id"])
        ask("POST /api/tenants/{tenant_id}/open", tenant_id=made["id"])
        assert len(ask("GET /api/tenants")["items"]) >= 2


def _own_account(call: Caller, house: Server) -> None:
    """As one person: an app, a PIN, a passkey, the lock, and what an administrator sees of it."""
    made = call("POST /api/users", {"name": "own-account", "roles": ["viewer"]})
    with Browser(house) as window:
        own = Caller(window)
        window.sign_in_by_link(made["link"])
        own("POST /api/session/password", {"new": "long enough for this"})
        begun = own("POST /api/account/totp")
        app = pyotp.TOTP(begun["secret"])
        codes = own("POST /api/account/totp/confirm", {"step": begun["step"], "code": app.now()})["recovery_codes"]
        assert window.request("PUT", "/api/account/pin", json={"pin": "271828"}).status_code == 204
        window.sign_in("own-account", "long enough for this")
        second = {"way": "recovery", "value": codes[0]}
        half = window.request("POST", "/api/session", json={"name": "own-account", "password": "long enough for this"})
        assert half.status_code == 202
        came = own.check(
            "POST /api/session/second",
            window.taken(window.post("/api/session/second", json={**second, "second": half.json()["second"]["step"]})),
        )
        assert came["session"]["way"] == "second"
        assert own("POST /api/session/lock")["session"]["state"] == "locked"
        assert own("POST /api/session/unlock", {"way": "pin", "value": "271828"})["session"]["state"] == "open"
        own("POST /api/session/prove", {"way": "password", "value": "long enough for this"})
        assert len(own("POST /api/account/recovery")["recovery_codes"]) == 10
        _own_passkey(own, house)
        assert own("GET /api/account")["sessions"][0]["is_this"]
        assert own("PUT /api/account/preferences/{name}", {"document": {"w": "window"}}, name="keys")["revision"] == 1
        assert own("GET /api/account/preferences/{name}", name="keys")["own"]["document"] == {"w": "window"}
        own("DELETE /api/account/sessions")
        call.called |= own.called
        call.otherwise += own.otherwise
        assert call("GET /api/users/{user_id}/sessions", user_id=made["id"])["items"]
    assert call("DELETE /api/users/{user_id}/sessions", user_id=made["id"])["ended"] >= 1
    assert call("POST /api/users/{user_id}/reset", user_id=made["id"])["link"]


def _hanging(call: Caller) -> None:
    shipped = call("GET /api/hanging/protocols")["items"][0]["document"]
    made = call("POST /api/hanging/protocols", {"layer": "site", "document": shipped | {"name": "Ours"}})
    assert (
        call("PATCH /api/hanging/protocols/{protocol_id}", {"version": 1, "enabled": False}, protocol_id=made["id"])[
            "version"
        ]
        == 2
    )
    assert {one["layer"] for one in call("GET /api/hanging/layers")["items"]} == {"shipped", "site"}
    assert call("GET /api/hanging/lint")["protocols"]
    assert call("GET /api/hanging/schema")["title"] == "Protocol"
    assert call.browser.request("DELETE", f"/api/hanging/protocols/{made['id']}").status_code == 204


def _own_passkey(own: Caller, house: Server) -> None:
    """Browsers keep keys for names: here for `localhost`."""
    host = f"localhost:{house.http_port}"
    own.browser.headers["Host"] = host
    device = Authenticator(f"http://{host}")
    begun = own("POST /api/account/passkeys/start")
    body = {"step": begun["step"], "name": "Key", "answer": device.make(begun["options"])}
    key = own("POST /api/account/passkeys", body)["id"]
    own("PATCH /api/account/passkeys/{passkey_id}", {"name": "Blue key"}, passkey_id=key)
    asked = own("POST /api/session/prove/passkey")
    own("POST /api/session/prove", {"way": "passkey", "step": asked["step"], "answer": device.sign(asked["options"])})
    assert own("GET /api/session/ways")["passkey"]
    asked = own("POST /api/session/passkey/start")
    answer = own.browser.post(
        "/api/session/passkey", json={"step": asked["step"], "answer": device.sign(asked["options"])}
    )
    own.browser.taken(answer)
    own.check("POST /api/session/passkey", answer)
    del own.browser.headers["Host"]
