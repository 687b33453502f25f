"""What the HTTP doors share: who asks (`auth`), how errors look (`problems`), the face of a request (`context`)."""

from heliograph.gateways.http.auth import (
    ActorDep,
    AnySessionDep,
    Authenticator,
    FreshActorDep,
    FreshSessionDep,
    OwnSessionDep,
    SessionDep,
    actor_of,
    client_address,
    session_of,
)
from heliograph.gateways.http.context import ServicesDep, services_of
from heliograph.gateways.http.problems import PROBLEM_STATUS, add_error_handlers, problem

__all__ = [
    "PROBLEM_STATUS",
    "ActorDep",
    "AnySessionDep",
    "Authenticator",
    "FreshActorDep",
    "FreshSessionDep",
    "OwnSessionDep",
    "ServicesDep",
    "SessionDep",
    "actor_of",
    "add_error_handlers",
    "client_address",
    "problem",
    "services_of",
    "session_of",
]
