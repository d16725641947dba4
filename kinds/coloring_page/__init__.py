"""A page to colour in, from words or from a picture."""

from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from headrace import FileRef, GeneratedInput, Kind, Line
from kinds.story import Scene

Detail: TypeAlias = Literal["simple", "normal", "fine"]
Paper: TypeAlias = Literal["A4", "letter"]


class ColoringPageInput(GeneratedInput):
    """Exactly one of `image` and `prompt`."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] | None,
        Field(description="The id of an upload (`POST /uploads`): a photo or drawing whose lines become the page"),
    ] = None
    prompt: Annotated[
        Annotated[Line, StringConstraints(max_length=2000)] | None,
        Field(
            validate_default=True,
            description="What the page shows: who, where, doing what",
            examples=["A dragon and a princess flying a kite by the castle"],
        ),
    ] = None
    title: Annotated[
        Annotated[Line, StringConstraints(max_length=120)] | None,
        Field(description="Printed small at the foot of the sheet"),
    ] = None
    detail: Annotated[Detail, Field(description="`simple` has few large areas and thick lines, for small hands")] = (
        "normal"
    )
    paper: Annotated[Literal["A4", "letter", "both"], Field(description="The sheets to print")] = "both"
    seed: Annotated[int, Field(ge=0, lt=2**31, description="Same seed and input: same offline page")] = 0

    @field_validator("prompt")
    @classmethod
    def _one_of_both(cls, prompt: str | None, info: ValidationInfo) -> str | None:
        if "image" in info.data:
            image = info.data["image"]
            if prompt is None and image is None:
                raise ValueError("send a prompt, or the id of an upload as image")
            if prompt is not None and image is not None:
                raise ValueError("send either prompt or image, not both")
        return prompt


class ColoringPageOutline(BaseModel):
    """A page in words, before it is drawn."""

    title: str = Field(max_length=120, description="Two to six words for the foot of the sheet")
    picture: str = Field(description="The picture in one or two sentences, for a model that draws from words")
    scene: Scene


class ColoringPageResult(BaseModel):
    title: str | None
    source: Literal["prompt", "image"]
    provider: str
    picture: FileRef = Field(description="Black lines on white, PNG, 300 dpi")
    sheets: list[FileRef] = Field(description="Ready to print, PDF, one for each paper")
    stand_ins: list[str] = Field(description="What the offline illustrator could not draw and drew a stand-in for")


KIND = Kind(
    name="coloring_page",
    path="/coloring-pages",
    input=ColoringPageInput,
    result=ColoringPageResult,
    summary="Line art to colour in, from a prompt or an uploaded picture: PNG at 300 dpi and PDF for A4 and Letter",
    make="kinds.coloring_page.pipeline:make",
    asks=lambda page: ["text", "image"] if page.image is None else ["image"],
    time_limit=timedelta(minutes=15),
    uploads=("image",),
)
