"""The light of the day, the sky and the weather."""

from dataclasses import dataclass
from random import Random

from kinds.offline.drawing.canvas import Brush
from kinds.offline.drawing.palette import CREAM, GLOW, GOLD, SLATE, SNOW, WHITE, Colour, mix, rgb


@dataclass(frozen=True)
class Light:
    """One time of day: the colours of the sky and the tint it gives to everything under it."""

    top: Colour
    bottom: Colour
    tint: Colour
    cloud: Colour


LIGHTS = {
    "dawn": Light(rgb("#9cc4e4"), rgb("#fddcc0"), rgb("#fff0e2"), rgb("#fff0e6")),
    "day": Light(rgb("#7fc6ea"), rgb("#e9f6ee"), WHITE, WHITE),
    "dusk": Light(rgb("#7768ab"), rgb("#ffc08a"), rgb("#f7d3c6"), rgb("#f9cdb9")),
    "night": Light(rgb("#1f2a5c"), rgb("#5667a8"), rgb("#8c97d0"), rgb("#5c6aa6")),
}
_DULL = {"cloudy": 0.3, "rain": 0.5, "snow": 0.45, "fog": 0.6, "storm": 0.75}
_GREYS = {"dawn": rgb("#c6ccd6"), "day": rgb("#b9c8d4"), "dusk": rgb("#9b93ae"), "night": rgb("#46507c")}
_WET_TINT = {"storm": rgb("#c3c9dc"), "rain": rgb("#dfe4ec"), "fog": rgb("#eef0f4"), "cloudy": rgb("#f4f5f8")}

_WORDS = {
    "dawn": ("dawn", "morning", "sunrise", "daybreak"),
    "dusk": ("dusk", "evening", "sunset", "twilight"),
    "night": ("night", "midnight", "bedtime"),
    "day": ("day", "noon", "midday", "afternoon"),
}
_WEATHER_WORDS = {
    "storm": ("storm", "thunder", "lightning"),
    "rain": ("rain", "drizzle", "shower"),
    "snow": ("snow", "blizzard", "flurr"),
    "fog": ("fog", "mist", "haz"),
    "cloudy": ("cloud", "overcast", "grey", "wind"),
}


def time_of(words: str) -> str:
    """The nearest of dawn, day, dusk and night; day when nothing fits."""
    return _first_match(words, _WORDS, "day")


def weather_of(words: str) -> str:
    """The nearest of clear, cloudy, rain, snow, fog and storm; clear when nothing fits."""
    return _first_match(words, _WEATHER_WORDS, "clear")


def _first_match(words: str, table: dict[str, tuple[str, ...]], default: str) -> str:
    lower = words.lower()
    return next((name for name, known in table.items() if any(word in lower for word in known)), default)


def light(time: str, weather: str) -> Light:
    """The light of that time under that weather."""
    clear, grey = LIGHTS[time], _GREYS[time]
    share = _DULL.get(weather, 0.0)
    tint = mix(clear.tint, _WET_TINT.get(weather, WHITE), 0.5) if weather in _WET_TINT else clear.tint
    if weather == "storm":
        grey = mix(grey, SLATE, 0.6)
    return Light(
        mix(clear.top, grey, share),
        mix(clear.bottom, grey, share * 0.8),
        tint,
        mix(clear.cloud, grey, share * 0.7),
    )


def paint_sky(brush: Brush, wide: float, time: str, weather: str, rng: Random) -> None:
    """Sky, sun or moon, stars and clouds, over a picture `wide` times as wide as high."""
    now = light(time, weather)
    brush.fade(0.0, 0.72, now.top, now.bottom)
    brush.fade(0.72, 1.0, now.bottom, now.bottom)
    left = rng.random() < 0.5
    x = wide * (rng.uniform(0.1, 0.2) if left else rng.uniform(0.8, 0.9))
    if time == "night":
        if weather in {"clear", "cloudy"}:
            _stars(brush, wide, rng, 70 if weather == "clear" else 25)
        if weather != "storm":
            moon(brush, x, 0.16, 0.075)
    elif weather in {"clear", "cloudy"}:
        _sun(brush, x, time)
    _clouds(brush, wide, weather, now.cloud, rng, bare=x)


def moon(brush: Brush, x: float, y: float, radius: float) -> None:
    """A full, softly marked moon."""
    brush.glow(x, y, radius * 3.2, GLOW, 0.45)
    brush.circle(x, y, radius, rgb("#fff3cf"))
    for dx, dy, r in ((-0.3, -0.2, 0.2), (0.3, 0.25, 0.26), (0.15, -0.45, 0.12), (-0.35, 0.4, 0.12)):
        brush.circle(x + dx * radius, y + dy * radius, r * radius, rgb("#f3deaa"))


def star(brush: Brush, x: float, y: float, radius: float, colour: Colour = GLOW) -> None:
    """A five-pointed star with soft tips."""
    brush.at(x, y, radius).polygon(STAR, colour)


#: Tips and notches of a star of radius 1.
STAR = [
    (0.0, -1.0), (0.25, -0.35), (0.95, -0.31), (0.41, 0.13), (0.59, 0.81),
    (0.0, 0.44), (-0.59, 0.81), (-0.41, 0.13), (-0.95, -0.31), (-0.25, -0.35),
]  # fmt: skip


def _stars(brush: Brush, wide: float, rng: Random, count: int) -> None:
    for _ in range(count):
        x, y = rng.uniform(0, wide), rng.uniform(0.01, 0.55)
        if rng.random() < 0.15:
            brush.glow(x, y, 0.022, GLOW, 0.5)
            star(brush, x, y, 0.009)
        else:
            brush.circle(x, y, rng.uniform(0.0015, 0.0035), CREAM)


def _sun(brush: Brush, x: float, time: str) -> None:
    y = 0.17 if time == "day" else 0.44
    colour = {"dawn": rgb("#ffd98a"), "day": rgb("#ffdc6e"), "dusk": rgb("#ff9a5c")}[time]
    brush.glow(x, y, 0.3, mix(colour, WHITE, 0.4), 0.7)
    brush.circle(x, y, 0.07, colour)
    brush.circle(x, y, 0.058, mix(colour, GOLD, 0.35))


_BARE = 0.24


def _clouds(brush: Brush, wide: float, weather: str, colour: Colour, rng: Random, *, bare: float) -> None:
    """Clouds, but not over the sun or moon at `bare` in fair weather."""
    count = {"clear": 3, "fog": 2}.get(weather, 6)
    for index in range(count):
        x = wide * (index + rng.uniform(0.1, 0.9)) / count
        if weather in {"clear", "cloudy"} and abs(x - bare) < _BARE:
            continue
        cloud(brush.at(x, rng.uniform(0.06, 0.27), rng.uniform(0.1, 0.16)), mix(colour, SLATE, 0.25 * rng.random()))
    if weather == "storm":
        _lightning(brush, wide * rng.uniform(0.3, 0.7))


def cloud(brush: Brush, colour: Colour) -> None:
    """A flat-bottomed cloud, about two units wide."""
    for x, y, r in ((-0.62, 0.0, 0.36), (-0.2, -0.22, 0.5), (0.32, -0.12, 0.44), (0.72, 0.04, 0.3)):
        brush.circle(x, y, r, colour)
    brush.box(-0.95, -0.02, 1.95, 0.38, colour, round_by=0.19)


def _lightning(brush: Brush, x: float) -> None:
    brush.glow(x, 0.3, 0.25, CREAM, 0.35)
    brush.at(x, 0.18, 0.26).polygon(
        [(0.1, 0), (-0.22, 0.52), (-0.02, 0.5), (-0.14, 1.0), (0.24, 0.36), (0.04, 0.38), (0.3, 0)], GLOW
    )


def paint_weather(brush: Brush, wide: float, time: str, weather: str, rng: Random) -> None:
    """What falls or hangs in front of everything: rain, snow and fog."""
    if weather in {"rain", "storm"}:
        colour = rgb("#d6e6f5") if time != "night" else rgb("#9fb3e0")
        for _ in range(130 if weather == "rain" else 190):
            x, y, long = rng.uniform(0, wide + 0.1), rng.uniform(-0.05, 1), rng.uniform(0.02, 0.045)
            brush.polygon([(x, y), (x + 0.0022, y), (x - long * 0.3 + 0.0022, y + long), (x - long * 0.3, y + long)],
                          colour, 0.65)  # fmt: skip
    elif weather == "snow":
        for _ in range(150):
            brush.circle(rng.uniform(0, wide), rng.uniform(0, 1), rng.uniform(0.003, 0.0075), SNOW, 0.9)
    elif weather == "fog":
        mist = light(time, weather).bottom
        brush.veil(0.3, 0.75, mist, 0.5)
        brush.veil(0.75, 1.0, mist, 0.5, rising=True)
