"""A report as PDF: a head with the abstract, numbered sections, page numbers, and references that can be clicked."""

from typing import Any

from kinds.report import Cited, Report
from kinds.shared import typesetting
from kinds.shared.printable import printable


def render_pdf(report: Report) -> bytes:
    """A4."""
    return typesetting.render_pdf(_TEMPLATE, _data(report))


def _data(report: Report) -> dict[str, Any]:
    return {
        "title": printable(report.title),
        "byline": printable(report.byline),
        "abstract": printable(report.abstract),
        "sections": [
            {
                "heading": printable(section.heading),
                "paragraphs": [[_cited(statement) for statement in paragraph] for paragraph in section.paragraphs],
                "lists": [
                    {"title": printable(points.title), "points": [_cited(point) for point in points.points]}
                    for points in section.lists
                ],
            }
            for section in report.sections
        ],
        "references": [
            {
                "number": reference.number,
                "passage": reference.passage,
                "under": printable(reference.under or ""),
                "quotes": [printable(quote) for quote in reference.quotes],
            }
            for reference in report.references
        ],
    }


def _cited(statement: Cited) -> dict[str, Any]:
    return {"text": printable(statement.text), "references": statement.references}


_TEMPLATE = r"""
#let report = json("data.json")
#let ink = rgb("#1f2a44")
#let soft = rgb("#5f6673")
#set document(title: report.title, author: "Headrace")
#set page(
  paper: "a4", margin: (x: 28mm, top: 27mm, bottom: 25mm),
  header: context if counter(page).get().first() > 1 {
    set text(size: 8.5pt, fill: soft)
    block(width: 100%, height: 1em, clip: true, report.title)
  },
  footer: context align(center, text(size: 9pt, fill: soft, counter(page).display("1 / 1", both: true))),
)
#set text(font: "Libertinus Serif", size: 11pt, lang: "en", hyphenate: true)
#set par(leading: 0.68em, spacing: 0.95em, justify: true)
#set heading(numbering: "1.")
#show heading: set text(fill: ink, hyphenate: false)
#show heading: set par(justify: false)
#show heading.where(level: 1): it => block(above: 1.7em, below: 0.8em, text(size: 14.5pt, it))
#show heading.where(level: 2): it => block(above: 1.3em, below: 0.7em, text(size: 11.5pt, it))
#set list(indent: 0.6em, spacing: 0.7em)

// A word longer than its line may break anywhere.
#let breakable(words) = words.split(" ").map(word =>
  if word.clusters().len() > 40 { word.clusters().join("\u{200B}") } else { word }
).join(" ")
#let mark(number) = link(label("ref-" + str(number)), text(size: 0.85em, fill: soft, "[" + str(number) + "]"))
#let cited(statement) = {
  breakable(statement.text)
  if statement.references.len() > 0 { sym.space.nobreak + statement.references.map(mark).join() }
}

#block(width: 100%, {
  set par(justify: false, leading: 0.5em)
  let long = report.title.clusters().len() > 90
  text(size: if long { 18pt } else { 24pt }, weight: "bold", fill: ink, hyphenate: false, breakable(report.title))
  v(0.4em)
  text(size: 10pt, fill: soft, style: "italic", breakable(report.byline))
})
#line(length: 100%, stroke: 0.6pt + soft)
#block(inset: (x: 8mm, y: 2mm), {
  set text(size: 10.5pt)
  text(weight: "bold", fill: ink)[Abstract]
  parbreak()
  breakable(report.abstract)
})
#line(length: 100%, stroke: 0.6pt + soft)

#for section in report.sections {
  heading(level: 1, breakable(section.heading))
  for statements in section.paragraphs { par(statements.map(cited).join(" ")) }
  for points in section.lists {
    heading(level: 2, numbering: none, breakable(points.title))
    list(..points.points.map(cited))
  }
}

#if report.references.len() > 0 {
  heading(level: 1, numbering: none)[References]
  set text(size: 9.5pt)
  set par(justify: false)
  [Passages are numbered from the beginning of the source.]
  for each in report.references {
    [#block(below: 0.8em, grid(
      columns: (9mm, 1fr),
      text(fill: soft, "[" + str(each.number) + "]"),
      {
        [Passage #each.passage]
        if each.under != "" { [, under ] + emph(breakable(each.under)) }
        [: ] + each.quotes.map(words => "\u{201C}" + breakable(words) + "\u{201D}").join(" \u{2026} ")
      },
    )) #label("ref-" + str(each.number))]
  }
}
"""
