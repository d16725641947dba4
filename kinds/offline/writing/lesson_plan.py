"""A lesson's plan from its topic alone: what to find out, where to look and how to tell that it is right. No facts."""

from dataclasses import dataclass

from kinds.lesson import Check, LessonPlan, LessonSection, QuizItem
from kinds.offline.writing import ranking


@dataclass(frozen=True)
class Stage:
    """One part of finding out. `rank` says which stages a short lesson has. All words are for `str.format`."""

    rank: int
    heading: str
    goal: str
    ask: str
    points: tuple[str, ...]
    task: str
    check: str
    answer: str


STAGES = (
    Stage(1, "What we already know", "Say what you know of {topic}, and what you only believe.",
          "Before you look anything up, write down all that you know of {topic}. Mark what you are sure of, and what"
          " you only believe. Then write three questions that you would like to have answered.",
          ("Know, believe, wonder: three lists", "Three questions of your own", "No looking up yet"),
          "Exchange lists with a partner. Where only one of you is sure, you have found a good question.",
          "Which of your statements on {topic} could you prove, and how?",
          "A good answer names one statement and the evidence that would prove it."),
    Stage(2, "The words", "Explain {subjects} in words of your own.",
          "A topic is understood when its words are. Look up {subjects} in two places that do not copy one another."
          " Compare what they say, and write an explanation that a younger child would understand.",
          ("Look up each word in two places", "Compare what they say", "Explain it to someone younger"),
          "Make a card for each word: its meaning on the front, and on the back a sentence in which you use it.",
          "What do {subjects} mean, in one sentence each?",
          "A good answer uses none of the words that it explains."),
    Stage(5, "Where it comes from", "Put the story of {topic} in order.",
          "Find out how {topic} came to be as it is today. Look for when it began, for turning points, and for the"
          " people or causes behind them. Note with every date where you have found it.",
          ("When did it begin?", "What changed it?", "Note where you found each date"),
          "Draw a line of time with at least three events, and write beside each why it mattered.",
          "Which event changed most, and why do you think so?",
          "A good answer names what was different before and after, and a source for it."),
    Stage(3, "How it works", "Draw how the parts of {topic} act on one another.",
          "Take {topic} apart. Which parts does it have, and what does each of them do? Ask of every part: what would"
          " happen if it were missing? Then put the parts together again in a drawing with arrows.",
          ("Which parts are there?", "What does each of them do?", "What if one were missing?"),
          "Draw the parts as boxes and write on every arrow between them what passes along it.",
          "What causes what in your drawing, and how do you know?",
          "A good answer follows one arrow, and says what one would see if it were wrong."),
    Stage(4, "See for yourself", "Check one claim about {topic} yourself.",
          "Choose one claim about {topic} that can be tried, counted, measured or watched. Say beforehand what you"
          " expect. Then try it, and write down what happens, also if it is not what you thought.",
          ("Choose one claim", "Say first what you expect", "Write down what happens"),
          "Plan it on one page: what you need, what you do, what you will write down, and who helps.",
          "Did it turn out as you expected, and what could have misled you?",
          "A good answer compares what was expected with what was seen, and names one source of error."),
    Stage(7, "Two sides", "Give the best reasons of two sides on {topic}.",
          "People see {topic} in different ways. Find two voices that disagree, and write down the best reason of"
          " each, so fairly that they would sign it. Only then say what you think.",
          ("Find two who disagree", "Their best reasons, fairly put", "Then your own view"),
          "Hold a short debate. Draw lots for the sides, and change them after five minutes.",
          "Which reason of the other side was the strongest?",
          "A good answer gives that reason without making it weaker."),
    Stage(6, "Why it matters", "Say whom {topic} concerns, and what depends on it.",
          "Whom does {topic} concern, and what would be different without it? Ask somebody who has to do with it, and"
          " look for one example near the place where you live.",
          ("Whom does it concern?", "What would be different without it?", "One example near you"),
          "Ask one person who has to do with it three questions, and write down what they say in their own words.",
          "For whom does {topic} matter most, and why?",
          "A good answer names a person or a group, and what would change for them."),
    Stage(8, "Tell it on", "Teach {topic} to someone who does not know it.",
          "Those who can teach it have learnt it. Gather what you have found out about {topic}, leave out what is not"
          " needed, and tell it to someone within two minutes.",
          ("Gather what you found out", "Leave out what is not needed", "Two minutes, no notes"),
          "Make a poster with one picture, three sentences and the sources that you used.",
          "What did your listener ask that you could not answer?",
          "A good answer turns that question into the next thing to find out."),
)  # fmt: skip
"""In the order of a lesson."""

_QUIZ = (
    ("Which of your questions on {topic} have you answered, and from which sources?",
     "A good answer names two sources that do not copy one another."),
    ("What did you believe about {topic} before, and no longer do?",
     "A good answer says what changed your mind."),
    ("Which question on {topic} is still open, and what would answer it?",
     "A good answer names somebody to ask, something to read or something to try."),
)  # fmt: skip


def plan_lesson(topic: str, *, audience: str, count: int, empty: bool) -> LessonPlan:
    """`count` stages of finding out. `empty` says that there was a source, but no sentences in it."""
    subjects = ranking.subjects(topic, 3)
    named = " and ".join(filter(None, [", ".join(subjects[:-1]), *subjects[-1:]])) or "the words of the topic"
    words = {"topic": f"\u201c{topic.strip().rstrip('.')}\u201d", "subjects": named}
    kept = sorted(stage.rank for stage in STAGES)[:count]
    stages = [stage for stage in STAGES if stage.rank in kept]
    why = "The source has no sentences to teach from" if empty else "No source was given"
    title = " ".join(topic.split()).rstrip(".")
    return LessonPlan(
        title=(title[:1].upper() + title[1:])[:200],
        goals=[stage.goal.format(**words)[:500] for stage in stages][:6],
        sections=[_section(stage, words) for stage in stages],
        summary=(
            f"This lesson for {audience} states no facts on {words['topic']}: {why[:1].lower()}{why[1:]}, and no model"
            f" was asked. It shows in {len(stages)} steps how to find them out, and how to tell whether they are right."
        ),
        quiz=[QuizItem(question=each.format(**words), choices=[], answer=tells) for each, tells in _QUIZ],
    )


def _section(stage: Stage, words: dict[str, str]) -> LessonSection:
    return LessonSection(
        heading=stage.heading,
        explanation=stage.ask.format(**words),
        points=[point.format(**words) for point in stage.points],
        example=f"A task: {stage.task.format(**words)}",
        check=Check(question=stage.check.format(**words)[:500], answer=stage.answer.format(**words)),
        picture=None,
    )
