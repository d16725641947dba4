"""What a lesson's slides say: all of it, and never too much to one slide."""

from kinds.lesson import Lesson
from kinds.lesson.video.slides import TO_THINK, estimate, slides

EXPLANATION = [f"Sentence number {number} of the explanation says a little about whales." for number in range(30)]
LESSON = Lesson.model_validate(
    {
        "title": "Whales",
        "byline": "Composed offline by Headrace, without AI",
        "audience": "children",
        "goals": ["Know whales"],
        "sections": [
            {
                "heading": "Breathing",
                "explanation": " ".join(EXPLANATION),
                "points": ["They breathe air"],
                "example": "A sperm whale dives for an hour.",
                "check": {"question": "What do whales breathe?", "answer": "Air"},
                "picture": None,
            }
        ],
        "summary": "Whales breathe air.",
        "quiz": [{"question": "Are whales fish?", "choices": ["Yes", "No"], "answer": "No"}],
    }
)


def test_a_long_explanation_is_said_whole_to_several_slides() -> None:
    section = [slide for slide in slides(LESSON) if slide.heading == "Breathing"]
    assert [sentence for slide in section for sentence in slide.said] == ["Breathing.", *EXPLANATION]
    assert len(section) > 2
    assert all(sum(map(len, slide.said)) <= 550 for slide in section)
    assert section[0].lines == ["They breathe air"]
    assert all(slide.lines == slide.said for slide in section[1:])


def test_a_question_waits_for_an_answer_that_does_not_show_yet() -> None:
    question, answer = [slide for slide in slides(LESSON) if slide.layout in {"question", "answer"}]
    assert question.pause == TO_THINK
    assert question.lines == ["What do whales breathe?"]
    assert answer.lines == ["What do whales breathe?", "Air"]
    assert answer.said == ["The answer.", "Air."]


def test_an_estimate_counts_every_slide() -> None:
    saved = estimate(LESSON)
    assert (saved.images, saved.slides) == (0, len(slides(LESSON)))
    assert 100 < saved.speech_seconds < saved.video_seconds < 200
