"""The offline illustrator: the same bytes each time, the size asked for, and nothing important hidden."""

import io
import itertools
from random import Random

import pytest
from PIL import Image

from kinds.offline.drawing import sky
from kinds.offline.drawing.catalogue import ENTRIES, Home
from kinds.offline.drawing.composition import Figure, arrange
from kinds.offline.drawing.illustrator import MAX_SUBJECTS, SETTINGS, draw, setting_of
from kinds.offline.drawing.look import look_of
from kinds.offline.drawing.naming import read

pytestmark = pytest.mark.slow

SMALL = {"width": 256, "height": 192}


def scene(*subjects: str, setting: str = "meadow", time: str = "day", weather: str = "clear") -> dict[str, object]:
    return {"setting": setting, "time_of_day": time, "weather": weather, "subjects": list(subjects)}


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def colours(png: bytes) -> set[object]:
    return {colour for _, colour in picture(png).getcolors(1 << 20) or []}


def test_the_same_request_gives_the_same_bytes() -> None:
    request = scene("Pim, an orange fox", "owl", weather="rain", time="night")
    assert draw(request, **SMALL, seed=4).png == draw(request, **SMALL, seed=4).png
    assert draw(request, **SMALL, seed=4).png != draw(request, **SMALL, seed=5).png


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (512, 512), (300, 400)])
def test_a_picture_has_the_size_asked_for_and_stays_small(width: int, height: int) -> None:
    png = draw(
        scene("dragon", "princess", "castle", setting="forest", weather="snow"), width=width, height=height, seed=1
    ).png
    assert picture(png).size == (width, height)
    assert len(png) <= 400_000


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_a_picture_of_its_own_at_any_time(setting: str) -> None:
    drawn = {time: draw(scene(setting=setting, time=time), **SMALL, seed=1).png for time in sky.LIGHTS}
    others = {draw(scene(setting=other), **SMALL, seed=1).png for other in SETTINGS if other != setting}
    assert drawn["day"] not in others
    assert all(len(colours(png)) > 40 for png in drawn.values())


@pytest.mark.parametrize("weather", ["cloudy", "rain", "snow", "fog", "storm"])
def test_weather_changes_the_picture(weather: str) -> None:
    assert draw(scene(weather=weather), **SMALL, seed=1).png != draw(scene(), **SMALL, seed=1).png


def test_night_is_darker_than_day() -> None:
    def brightness(time: str) -> float:
        grey = (
            picture(draw(scene("fox", time=time), **SMALL, seed=1).png)
            .convert("L")
            .resize((1, 1), Image.Resampling.BOX)
        )
        return float(grey.tobytes()[0])

    assert brightness("night") < brightness("dusk") < brightness("day")


@pytest.mark.parametrize("name", ENTRIES)
def test_every_subject_is_drawn_and_is_not_a_stand_in(name: str) -> None:
    """Alone in a meadow it changes the picture, and no two subjects look the same."""
    alone = draw(scene(name), **SMALL, seed=1)
    assert alone.stand_ins == []
    assert alone.png != draw(scene(), **SMALL, seed=1).png


def test_what_cannot_be_drawn_is_replaced_and_said() -> None:
    drawn = draw(scene("Axel, a pink axolotl", "fox", "axolotl", "bagpipes"), **SMALL, seed=1)
    assert drawn.stand_ins == ["axolotl", "bagpipes"]
    assert drawn.png != draw(scene("fox"), **SMALL, seed=1).png


@pytest.mark.parametrize(
    ("phrase", "entry", "count"),
    [
        ("puppy", "dog", 1), ("two puppies", "dog", 2), ("a ship", "boat", 1), ("mice", "mouse", 3), ("Wolves",
        "wolf", 3),
        ("Pim, an orange fox", "fox", 1), ("girl in red", "girl", 1), ("castle on a hill", "castle", 1),
        ("old treasure chest", "treasure chest", 1), ("fishing boats", "boat", 3), ("Star, a horse", "horse", 1),
        ("butterflies", "butterfly", 3), ("axolotl", None, 1), ("", None, 1),
    ],
)  # fmt: skip
def test_phrases_are_read(phrase: str, entry: str | None, count: int) -> None:
    named = read(phrase)
    assert (named.entry, named.count) == (entry, count)


def test_the_hero_keeps_the_same_colours_on_every_page() -> None:
    """Whatever the pose and the seed, the coat of a named hero is the same; another name may have another."""
    entry = ENTRIES["dragon"]
    first = look_of("Ember, a dragon", entry.coats, None, wave=False, tilt=0)
    later = look_of("Ember, a dragon", entry.coats, None, wave=True, tilt=5)
    assert (first.coat, first.trim, first.hair, first.skin) == (later.coat, later.trim, later.hair, later.skin)
    assert len({look_of(f"Name {n}", entry.coats, None, wave=False, tilt=0).coat for n in range(20)}) > 1


def test_the_colour_word_decides() -> None:
    red = picture(draw(scene("red dragon"), **SMALL, seed=1).png)
    blue = picture(draw(scene("blue dragon"), **SMALL, seed=1).png)
    assert red.tobytes() != blue.tobytes()
    red_mean, blue_mean = (sum(image.resize((1, 1), Image.Resampling.BOX).tobytes()[::2]) for image in (red, blue))
    assert red_mean != blue_mean


@pytest.mark.parametrize("seed", range(12))
def test_no_subject_hides_another_or_leaves_the_picture(seed: int) -> None:
    names = Random(seed).sample(sorted(ENTRIES), MAX_SUBJECTS)
    look = look_of("x", (), None, wave=False, tilt=0)
    figures = [Figure(ENTRIES[name], look, ENTRIES[name].size) for name in names]
    spots = arrange(figures, wide=4 / 3, rng=Random(seed), water=False, floating=False)
    assert len(spots) == MAX_SUBJECTS
    standing = [spot for spot in spots if spot.figure.entry.home is not Home.SKY]
    for one, other in itertools.combinations(standing, 2):
        apart = abs(one.x - other.x)
        assert apart >= (one.size * one.figure.entry.wide + other.size * other.figure.entry.wide) / 2 - 1e-6
    for spot in standing:
        half = spot.size * spot.figure.entry.wide / 2
        assert spot.x - half >= -1e-6
        assert spot.x + half <= 4 / 3 + 1e-6
        assert 0 <= spot.y - spot.size < spot.y <= 1


def test_glows_leave_no_dark_halo() -> None:
    """Around the sun in a clear sky nothing is darker than the sky itself at its darkest."""
    image = picture(draw(scene(), width=512, height=384, seed=1).png).convert("L").crop((0, 0, 512, 150))
    assert min(image.tobytes()) > 120


@pytest.mark.parametrize(
    ("words",
    "setting"),
    [("a dark forest", "forest"), ("under the sea", "underwater"), ("on the beach by the sea", "beach"),
     ("castle garden", "garden"),
     ("the kitchen of a castle", "kitchen"), ("somewhere else", "meadow"), ("", "meadow")],
)  # fmt: skip
def test_settings_are_recognised_in_free_words(words: str, setting: str) -> None:
    assert setting_of(words) is SETTINGS[setting]


def test_a_scene_with_nothing_in_it_is_still_a_picture() -> None:
    assert picture(draw({}, **SMALL, seed=0).png).size == (256, 192)
