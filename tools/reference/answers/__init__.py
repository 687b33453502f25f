"""What the routes of `/api` answer, as models: openapi.json is typed by them, and a test holds a running server to them.

They stand here and not in the routes: the server writes its answers as they are, without the cost of a second validation.
"""

from tools.reference.answers._answer import Answer, Made
from tools.reference.answers.installation import About, Settings
from tools.reference.answers.peers import Callers, Device, Devices, Echo, Node, NodeMatches, Nodes, Rule, Rules, Sends
from tools.reference.answers.people import LinkMade, Session, TokenMade, Tokens, UserMade, Users
from tools.reference.answers.policy import (
    Explanation,
    Glass,
    Glasses,
    NumberMade,
    PolicyAnswer,
    PolicyChecked,
    PolicySaved,
    Sites,
)
from tools.reference.answers.studies import HeldOfStudies, Manifest, SeriesDocument, StudyPage, StudyWithSeries
from tools.reference.answers.work import Alarms, Changes, JobMade, Jobs, Lives, Quarantine, Released, Uploaded

__all__ = ["ANSWERS", "BYTES", "Answer"]

ANSWERS: dict[str, type[Answer]] = {
    "GET /api/session": Session,
    "POST /api/session": Session,
    "POST /api/session/link": Session,
    "POST /api/session/password": Session,
    "POST /api/studies/search": StudyPage,
    "GET /api/studies/{study_id}": StudyWithSeries,
    "GET /api/studies/{study_id}/manifest": Manifest,
    "GET /api/studies/{study_id}/held": HeldOfStudies,
    "GET /api/series/{series_id}/document": SeriesDocument,
    "GET /api/devices": Devices,
    "POST /api/devices": Device,
    "PATCH /api/devices/{device_id}": Device,
    "POST /api/devices/{device_id}/echo": Echo,
    "GET /api/devices/wants-in": Callers,
    "POST /api/devices/wants-in/{caller_id}/accept": Device,
    "GET /api/nodes": Nodes,
    "POST /api/nodes": Node,
    "PATCH /api/nodes/{node_id}": Node,
    "POST /api/nodes/{node_id}/echo": Echo,
    "POST /api/nodes/{node_id}/query": NodeMatches,
    "POST /api/nodes/{node_id}/retrieve": JobMade,
    "GET /api/sends": Sends,
    "POST /api/sends": Made,
    "POST /api/sends/{send_id}/{verb}": Made,
    "GET /api/rules": Rules,
    "POST /api/rules": Rule,
    "PATCH /api/rules/{rule_id}": Rule,
    "GET /api/quarantine": Quarantine,
    "POST /api/quarantine/{held_id}/release": Released,
    "GET /api/jobs": Jobs,
    "POST /api/jobs/{job_id}/{verb}": Made,
    "GET /api/alarms": Alarms,
    "POST /api/alarms/{alarm_id}/acknowledge": Made,
    "POST /api/where": Lives,
    "GET /api/changes": Changes,
    "POST /api/uploads": Uploaded,
    "GET /api/users": Users,
    "POST /api/users": UserMade,
    "PATCH /api/users/{user_id}": Made,
    "POST /api/users/{user_id}/link": LinkMade,
    "GET /api/tokens": Tokens,
    "POST /api/tokens": TokenMade,
    "GET /api/glass": Glasses,
    "POST /api/glass": Glass,
    "POST /api/glass/{glass_id}/end": Made,
    "POST /api/glass/{glass_id}/review": Glass,
    "GET /api/policy": PolicyAnswer,
    "POST /api/policy": PolicySaved,
    "POST /api/policy/check": PolicyChecked,
    "POST /api/policy/explain": Explanation,
    "GET /api/sites": Sites,
    "POST /api/sites": NumberMade,
    "POST /api/sites/{site_id}/departments": NumberMade,
    "POST /api/users/{user_id}/place": Made,
    "POST /api/users/{user_id}/is-patient/{patient}": Made,
    "POST /api/studies/{study_id}/ties": Made,
    "POST /api/studies/{study_id}/ties/remove": Made,
    "POST /api/patients/{patient}/restriction": Made,
    "GET /api/about": About,
    "GET /api/settings": Settings,
}
# What answers no JSON: bytes of an object, a picture.
BYTES = {
    "GET /api/quarantine/{held_id}/file": "application/dicom",
    "GET /api/series/{series_id}/thumbnail": "image/jpeg",
}
