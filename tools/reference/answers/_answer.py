"""What every answer is: strict, and a page where there may be more."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Nothing else is answered than what stands here."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer):
    next: str | None


class Made(Answer):
    id: str
