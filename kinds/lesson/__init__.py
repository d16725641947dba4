"""A lesson on a topic: to read, or as a narrated video too."""

from datetime import timedelta
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from headrace import FileRef, GeneratedInput, Kind, Line
from kinds.report import LONGEST_SOURCE
from kinds.story import Scene

Modality: TypeAlias = Literal["text", "video"]

MAX_SECTIONS = 8
_LATIN_ENDS = 0x250
"""The first code point after Latin letters (Unicode blocks Basic Latin to Latin Extended-B)."""


def _mostly_latin(text: str) -> bool:
    letters = [ord(sign) for sign in text if sign.isalpha()]
    return sum(letter < _LATIN_ENDS for letter in letters) * 2 >= len(letters)


class LessonInput(GeneratedInput):
    model_config = ConfigDict(extra="forbid")

    topic: Annotated[Line, Field(max_length=300, description="What is learnt", examples=["How whales live"])]
    audience: Annotated[
        Line, Field(max_length=200, description="Who learns: children, students, adults, or in your own words")
    ] = "students"
    source: Annotated[
        Line | None,
        Field(
            max_length=LONGEST_SOURCE,
            description="Text to teach from, plain or Markdown. Null: what the provider knows, or how to find out",
        ),
    ] = None
    minutes: Annotated[
        int,
        Field(ge=1, le=10, description="About how long it is when read aloud; a shorter source makes a shorter lesson"),
    ] = 3
    modality: Annotated[
        Modality,
        Field(
            description="`text` makes no picture, speech or video, and says what that saved. `video` makes a narrated"
            " video of the same lesson as well, spoken in English",
        ),
    ] = "text"
    seed: Annotated[int, Field(ge=0, lt=2**31, description="Same seed and input: same offline lesson")] = 0

    @field_validator("modality")
    @classmethod
    def _can_be_spoken(cls, modality: Modality, info: ValidationInfo) -> Modality:
        said: list[str] = [info.data.get("topic") or "", info.data.get("source") or ""]
        if modality == "video" and not all(map(_mostly_latin, said)):
            raise ValueError("the voice of a video reads Latin letters, as English: ask for `text`, or send English")
        return modality

    @property
    def sections(self) -> int:
        return min(MAX_SECTIONS, self.minutes + 1)


class Check(BaseModel):
    """A question with its answer."""

    question: str = Field(min_length=1, max_length=500)
    answer: str = Field(min_length=1, max_length=500)


class QuizItem(BaseModel):
    """A question of the quiz. Without choices it is an open one."""

    question: str = Field(min_length=1, max_length=500)
    choices: list[str] = Field(max_length=5, description="One of them is the answer; empty for an open question")
    answer: str = Field(min_length=1, max_length=500, description="Exactly as among the choices, if there are any")

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> Self:
        if self.choices and self.answer not in self.choices:
            raise ValueError("the answer must be one of the choices, word for word")
        return self


class LessonPicture(BaseModel):
    """What the picture of a section shows, if the lesson becomes a video."""

    picture: str = Field(max_length=1000, description="In one or two sentences, without words or letters in it")
    scene: Scene


class LessonSection(BaseModel):
    heading: str = Field(min_length=1, max_length=120)
    explanation: str = Field(min_length=1, max_length=4000, description="As it can be read aloud")
    points: list[str] = Field(min_length=1, max_length=4, description="What to keep in mind, each under 15 words")
    example: str = Field(min_length=1, max_length=1500, description="One that can be read aloud")
    check: Check
    picture: LessonPicture | None = Field(description="Null when no picture would help")


class LessonPlan(BaseModel):
    """The whole lesson in words."""

    title: str = Field(min_length=1, max_length=200)
    goals: list[str] = Field(min_length=1, max_length=6, description="What one can do after it")
    sections: list[LessonSection] = Field(min_length=1, max_length=MAX_SECTIONS)
    summary: str = Field(min_length=1, max_length=2000, description="As it can be read aloud")
    quiz: list[QuizItem] = Field(min_length=1, max_length=10)


class Lesson(LessonPlan):
    """The lesson as it is handed out."""

    byline: str = Field(description="Who made it")
    audience: str


class LessonVideo(BaseModel):
    video: FileRef = Field(description="MP4: H.264, AAC and captions")
    captions: FileRef = Field(description="WebVTT, for players that take captions as a file")
    slides: list[FileRef] = Field(description="PNG, one after another")
    seconds: float = Field(description="Duration, measured from the file")


class NotMade(BaseModel):
    """What a video of the same lesson would have needed, and a text did not pay for. Seconds are an estimate."""

    images: int
    slides: int
    speech_seconds: int
    video_seconds: int


class LessonResult(Lesson):
    modality: Modality
    provider: str
    markdown: FileRef
    html: FileRef
    video: LessonVideo | None = Field(description="Null for a text")
    not_made: NotMade | None = Field(description="Null for a video")


KIND = Kind(
    name="lesson",
    path="/lessons",
    input=LessonInput,
    result=LessonResult,
    summary="A lesson with checks and a quiz: JSON, Markdown and HTML; on request narrated slides as MP4 with captions",
    make="kinds.lesson.pipeline:make",
    asks=lambda lesson: ["text", "image"] if lesson.modality == "video" else ["text"],
    time_limit=timedelta(hours=1),
)
