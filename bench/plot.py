"""Draws the main figures as a PNG. Runs in an environment of its own, which has matplotlib.

`python -m bench.plot FILE.png`, with the panels as JSON on standard input.
"""

import json
import sys

import matplotlib as mpl
from matplotlib.axes import Axes

mpl.use("agg")
import matplotlib.pyplot as plt  # after the choice of how to draw

OURS, OTHERS = "#1b6ca8", "#b9c2c9"
COLUMNS = 3


def draw(panels: list[dict], path: str) -> None:
    rows = -(-len(panels) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(15, 4.4 * rows), layout="constrained", squeeze=False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        _bars(axis, panel)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _bars(axis: Axes, panel: dict) -> None:
    """Most at the top is first. A bar whose value is unknown has its words alone."""
    names = [bar["name"] for bar in panel["bars"]]
    values = [bar["value"] or 0 for bar in panel["bars"]]
    colours = [OURS if name.startswith("Headrace") else OTHERS for name in names]
    drawn = axis.barh(names, values, color=colours, log=panel["log"])
    axis.bar_label(drawn, [bar["words"] for bar in panel["bars"]], padding=4, fontsize=9)
    axis.invert_yaxis()
    axis.margins(x=0.25)
    axis.set_title(panel["title"], loc="left", fontsize=11, fontweight="bold")
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
    axis.tick_params(axis="y", length=0)


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
