"""The services of the process behind a request."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from heliograph.services import Services


def services_of(connection: HTTPConnection) -> Services:
    return cast("Services", connection.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]
