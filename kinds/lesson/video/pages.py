"""A lesson's slides as pictures."""

from collections.abc import Mapping, Sequence

from kinds.lesson.video.slides import Slide
from kinds.shared import typesetting
from kinds.shared.printable import printable

WIDTH, HEIGHT = 1280, 720
"""Pixels of a slide."""
_MAX_SIGNS = 600


def render_pages(slides: Sequence[Slide], pictures: Mapping[int, bytes]) -> list[bytes]:
    """A PNG for each slide. `pictures` are PNG bytes by section."""
    shown = [_shown(slide, pictures) for slide in slides]
    return typesetting.render_pngs(_TEMPLATE, shown, {_file_of(section): png for section, png in pictures.items()})


def _shown(slide: Slide, pictures: Mapping[int, bytes]) -> dict[str, object]:
    return {
        "layout": slide.layout,
        "kicker": printable(slide.kicker),
        "heading": printable(slide.heading),
        "lines": [_readable(printable(line)) for line in slide.lines],
        "picture": _file_of(slide.section) if slide.section in pictures else None,
    }


def _file_of(section: int | None) -> str:
    return f"picture-{section}.png"


def _readable(line: str) -> str:
    """As much of it as can be read on a slide; all of it is spoken."""
    return line if len(line) <= _MAX_SIGNS else f"{line[:_MAX_SIGNS]}\u2026"


_TEMPLATE = r"""
#let slides = json("data.json")
#let ink = rgb("#1f2a44")
#let soft = rgb("#5f6673")
#let blue = rgb("#2f62ad")
#let colours = (
  title: (blue, rgb("#eaf1fb")), points: (blue, rgb("#f7f9fd")), words: (rgb("#b97716"), rgb("#fdf8ee")),
  question: (rgb("#39804a"), rgb("#f1f8f2")), answer: (rgb("#39804a"), rgb("#f1f8f2")),
)
#set page(width: 1280pt, height: 720pt, margin: 0pt)
#set text(font: "Libertinus Serif", fill: ink, lang: "en", hyphenate: false)
#set par(leading: 0.55em, spacing: 0.8em)

// A word longer than its line may break.
#let breakable(words) = words.split(" ").map(word =>
  word.clusters().chunks(24).map(part => part.join()).join("\u{200B}")
).join(" ")

// As large as fits the room that there is.
#let fitted(sizes, body) = layout(room => {
  let fits(size) = measure(block(width: room.width, { set text(size: size); body })).height <= room.height
  let size = sizes.find(fits)
  block(width: room.width, height: room.height, clip: true,
    align(horizon, { set text(size: if size == none { sizes.last() } else { size }); body }))
})
#let large = (110pt, 96pt, 84pt, 72pt, 60pt, 48pt, 38pt, 30pt)
#let sizes = (40pt, 36pt, 32pt, 28pt, 25pt, 22pt, 19pt, 16pt, 13pt)

#let body(slide, colour) = if slide.layout == "points" {
  fitted(sizes, {
    set par(leading: 0.5em)
    list(marker: text(fill: colour, sym.bullet), indent: 0pt, body-indent: 0.6em, spacing: 0.9em,
      ..slide.lines.map(breakable))
  })
} else if slide.layout == "answer" {
  fitted((48pt, 44pt, ..sizes), {
    text(size: 0.8em, fill: soft, breakable(slide.lines.first()))
    v(0.5em)
    block(fill: white, stroke: (left: 6pt + colour), inset: (x: 0.9em, y: 0.7em), width: 100%,
      text(weight: "bold", breakable(slide.lines.last())))
  })
} else { fitted((56pt, 52pt, 48pt, 44pt, ..sizes), slide.lines.map(breakable).map(par).join()) }

#for (index, slide) in slides.enumerate() {
  let (colour, paper) = colours.at(slide.layout)
  page(fill: paper, {
    place(top + left, rect(width: 16pt, height: 100%, fill: colour))
    // How far the lesson is.
    place(bottom + left, rect(width: 100% * (index + 1) / slides.len(), height: 8pt, fill: colour))
    if slide.layout == "title" {
      block(inset: (left: 100pt, right: 90pt, y: 80pt), width: 100%, height: 100%, align(horizon, {
        text(size: 26pt, fill: colour, weight: "bold", breakable(slide.kicker))
        v(10pt)
        block(height: 320pt, fitted(large, text(weight: "bold", breakable(slide.heading))))
        v(10pt)
        text(size: 22pt, fill: soft, style: "italic", slide.lines.map(breakable).join(" "))
      }))
    } else {
      let words = body(slide, colour)
      block(inset: (left: 80pt, right: 64pt, top: 52pt, bottom: 48pt), width: 100%, height: 100%, grid(
        rows: (auto, auto, 1fr), row-gutter: (12pt, 26pt),
        text(size: 22pt, fill: colour, weight: "bold", breakable(slide.kicker)),
        block(height: 66pt, fitted((54pt, 46pt, 38pt, 30pt, 24pt), text(weight: "bold", breakable(slide.heading)))),
        if slide.picture == none { words } else {
          grid(columns: (1fr, 520pt), column-gutter: 44pt, rows: 1fr, words, align(horizon, box(
            clip: true, radius: 18pt, width: 520pt, height: 400pt,
            image(slide.picture, width: 100%, height: 100%, fit: "cover"),
          )))
        },
      ))
    }
  })
}
"""
