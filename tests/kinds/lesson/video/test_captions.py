"""Captions: short enough to be read, in time, and all that is said."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kinds.lesson.video.captions import LINE, cues_of, web_vtt
from tests.support.films import read_captions

SENTENCES = st.lists(st.text("abcdefgh,'", min_size=1, max_size=14), min_size=1, max_size=80).map(" ".join)


@given(SENTENCES, st.floats(0, 100), st.floats(0.5, 60))
def test_a_sentence_is_cut_into_captions_that_follow_one_another(sentence: str, start: float, seconds: float) -> None:
    cues = cues_of(sentence, start, start + seconds)
    assert " ".join(cue.text for cue in cues) == sentence
    assert cues[0].start == start
    assert abs(cues[-1].end - start - seconds) < 1e-6
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(cues))
    assert all(len(cue.text) <= 2 * LINE for cue in cues)


def test_no_word_is_left_alone() -> None:
    sentence = "Tell in your own words what the source says of whales and of the long and winding way they breathe."
    assert min(len(cue.text) for cue in cues_of(sentence, 0, 5)) > 30


def test_slides_follow_one_another_and_nothing_is_markup() -> None:
    vtt = web_vtt([(3.5, cues_of("One & <two>.", 0.5, 2)), (3600, cues_of("Three.", 0.25, 1))])
    assert [(cue.start, cue.end, cue.text) for cue in read_captions(vtt)] == [
        (0.5, 2, "One &amp; &lt;two&gt;."),
        (3.75, 4.5, "Three."),
    ]
    assert vtt.startswith("WEBVTT\n\n")
