"""The sums and the words of docs/benchmarks.md, and what programs read."""

import json
from pathlib import Path

import pytest

from bench.bench import Bench, Column, Table
from bench.lab import DoesNotRun
from bench.report import as_json, cell, render
from bench.systems import CELERY, HEADRACE
from bench.targets import TARGETS, Target

SPEED = Table("Speed", "How fast.", [Column("speed", "calls/s", ratio=True)])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench([HEADRACE, CELERY], rounds=3, quick=False, folder=tmp_path)


def rendered(bench: Bench) -> list[str]:
    versions = {system.name: "1.0" for system in bench.systems}
    return render(bench, [SPEED], versions, command="make bench", plot="plot.png").splitlines()


def test_a_figure_is_the_median_of_its_rounds_with_its_spread() -> None:
    assert cell([3, 1000, 2], "", 0) == "3 (2 to 1,000)"
    assert cell([1.25], "", 1) == "1.2"
    assert cell([], "not within 45 s", 1) == "not within 45 s"
    assert cell([8.04], "2 starts", 1) == "8.0; 2 starts"


def test_ratios_are_to_plain_celery_in_the_same_round(bench: Bench) -> None:
    bench.figures.values = {
        (HEADRACE.name, "speed"): [300.0, 100.0, 200.0],
        (CELERY.name, "speed"): [100.0, 200.0, 80.0],
    }
    assert "| Headrace | 200 (100 to 300) | 2.50 |" in rendered(bench)
    assert "| Celery, early ack | 100 (80 to 200) | 1.00 |" in rendered(bench)


def test_a_system_that_does_not_run_is_in_the_table_with_its_reason(bench: Bench) -> None:
    with bench.excused(HEADRACE, "speed"):
        raise DoesNotRun("no such command | really")
    assert "| Headrace | does not run here |  |" in rendered(bench)
    assert any(line.endswith("**Does not run here:** no such command / really |") for line in rendered(bench))


def test_what_was_not_measured_is_neither_met_nor_missed(bench: Bench) -> None:
    lines = [line for line in rendered(bench) if line.endswith("| not measured in this run |")]
    assert len(lines) == len(TARGETS)


@pytest.mark.parametrize(("at_most", "measured", "met"), [(False, 2.0, True), (False, 1.9, False), (True, 2.1, False)])
def test_a_target_is_a_limit_on_one_side(at_most: bool, measured: float, met: bool) -> None:
    assert Target("", lambda _: None, 2, at_most=at_most).met(measured) is met


def test_programs_read_every_value_and_what_was_asked(bench: Bench) -> None:
    bench.figures.values = {(HEADRACE.name, "POST, 32"): [90.0, 110.0], ("Empty route", "POST, 32"): [100.0, 100.0]}
    read = json.loads(as_json(bench, {HEADRACE.name: "1.0"}, command="make bench"))
    assert {"system": "Headrace", "figure": "POST, 32", "values": [90.0, 110.0]} in read["figures"]
    [post] = [target for target in read["targets"] if "of an empty route" in target["asked"]]
    assert (post["measured"], post["met"]) == (1.0, True)
    assert [target["met"] for target in read["targets"] if target["measured"] is None] == [None] * (len(TARGETS) - 1)
