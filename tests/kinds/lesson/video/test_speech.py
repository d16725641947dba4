"""Speech by the real voice: audible while something is said, silent in between, and stopped when nobody waits."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinds.lesson.video import speech
from kinds.lesson.video.slides import LEAD, Slide
from kinds.lesson.video.speech import speak, spoken_form
from tests.support.films import RATE, loudness, samples
from tests.support.waiting import wait_until


def slide(*said: str, pause: float = 1.0) -> Slide:
    return Slide("points", "", "", [], list(said), pause=pause)


async def test_what_is_said_is_heard_when_its_caption_shows(tmp_path: Path) -> None:
    spoken = await speak(slide("Whales breathe air.", "A blue whale eats 4 tonnes of krill a day."))
    audio = samples(spoken.wav, tmp_path / "speech.wav")
    assert len(audio) == round(spoken.seconds * RATE)
    assert len(audio) % (RATE // 24) == 0
    assert [cue.text for cue in spoken.cues] == ["Whales breathe air.", "A blue whale eats 4 tonnes of krill a day."]
    assert all(loudness(audio, cue.start, cue.end) > 0.02 for cue in spoken.cues)
    assert all(0.5 < cue.end - cue.start < 5 for cue in spoken.cues)
    assert loudness(audio, 0, LEAD) == 0
    assert loudness(audio, spoken.cues[0].end, spoken.cues[1].start) == 0
    assert loudness(audio, spoken.seconds - 1, spoken.seconds) == 0


async def test_words_that_cannot_be_spoken_stay_to_be_read(tmp_path: Path) -> None:
    spoken = await speak(slide("\u9be8\u306f\u606f\u3092\u3059\u308b\u3002" * 5))
    assert spoken.cues[0].end - spoken.cues[0].start == pytest.approx(35 / 15, abs=0.01)
    assert loudness(samples(spoken.wav, tmp_path / "speech.wav"), 0, spoken.seconds) == 0


async def test_speech_stops_within_a_sentence_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = 0
    go_on = threading.Semaphore(1)

    def voice(_text: str, **_options: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401  # the voice's own
        nonlocal begun
        begun += 1
        go_on.acquire()
        return np.zeros(10)

    monkeypatch.setattr(speech, "_voice", lambda: voice)
    speaking = asyncio.create_task(speak(slide(*["One."] * 1000)))
    await wait_until(lambda: begun == 2, within=5, what="the second sentence is begun")
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    go_on.release(1000)
    await speak(slide())
    assert begun == 2, "the next speech began when that one had ended"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Fish, e.g. cod, vs. squid etc.", "Fish, for example, cod, versus squid and so on."),
        ("See https://www.example.com/a_b.", "See example.com/a b."),
        ("It eats ____ tonnes.", "It eats ... something ... tonnes."),
        ("Dr. Smith paid $9.99 at 7:30 pm.", "Dr. Smith paid $9.99 at 7:30 pm."),
    ],
)
def test_what_the_voice_would_stumble_over_is_written_out(written: str, said: str) -> None:
    assert spoken_form(written) == said
