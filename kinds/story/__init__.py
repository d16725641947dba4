"""A picture book from a title and an idea."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from headrace import FileRef, GeneratedInput, Kind, Line


class StoryInput(GeneratedInput):
    model_config = ConfigDict(extra="forbid")

    title: Annotated[Line, Field(max_length=200, description="Title on the cover", examples=["My Story"])]
    prompt: Annotated[
        Line,
        Field(
            max_length=4000,
            description="What the story is about: a hero, a place, a mood",
            examples=["A magical adventure"],
        ),
    ]
    pages: Annotated[int, Field(ge=4, le=12, description="Pages, each with a picture")] = 6
    seed: Annotated[int, Field(ge=0, lt=2**31, description="Same seed and input: same offline book")] = 0


class Scene(BaseModel):
    """What a picture shows, in parts."""

    setting: str = Field(description="Where: forest, village, beach, castle, night sky, kitchen ...")
    time_of_day: str = Field(description="dawn, day, dusk or night")
    weather: str = Field(description="clear, cloudy, rain, snow, fog or storm")
    subjects: list[str] = Field(description="Who and what is in it, most important first: fox, girl, boat, house ...")


class StoryPage(BaseModel):
    text: str
    scene: Scene
    picture: str = Field(description="The picture in one sentence, for a model that paints from words")


class StoryOutline(BaseModel):
    """The whole book in words, before any picture is made."""

    title: str
    hero: str = Field(
        description="The hero as drawn on every page: name, kind, colours, clothes, and all else one tells it by"
    )
    style: str = Field(description="The art style of every picture: medium, line, colours, light")
    pages: list[StoryPage] = Field(min_length=4, max_length=12)


class StoryResultPage(BaseModel):
    number: int
    text: str
    picture: FileRef
    stand_ins: list[str] = Field(description="What the offline illustrator could not draw and drew a stand-in for")


class StoryResult(BaseModel):
    title: str
    provider: str
    pages: list[StoryResultPage]
    pdf: FileRef
    html: FileRef


KIND = Kind(
    name="story",
    path="/stories",
    input=StoryInput,
    result=StoryResult,
    summary="An illustrated picture book: JSON, one PNG a page, PDF and HTML",
    make="kinds.story.pipeline:make",
    time_limit=timedelta(hours=1),
)
