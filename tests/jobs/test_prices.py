"""jobs/prices.py: what calls cost, and whose table says so."""

from decimal import Decimal
from pathlib import Path

import pytest

from jobs.prices import Price, Prices, to_micros
from jobs.settings import Settings


def test_the_table_that_comes_with_headrace_can_be_read() -> None:
    prices = Prices.load()

    assert prices.of("offline", "composer-1") == Price(expect_output=0)
    mini = prices.of("openai", "gpt-5.4-mini-2026-03-17")
    assert mini is not None
    assert mini == prices.of("openai", "gpt-5.4-mini")
    assert mini.input > 0


@pytest.mark.parametrize("provider", ["openai", "gemini"])
@pytest.mark.parametrize("use", ["text", "image"])
def test_a_model_that_is_asked_unless_another_is_named_has_a_price(provider: str, use: str) -> None:
    """Without one every job with a budget would end as `price_unknown`."""
    price = Prices.load().of(provider, getattr(Settings(), f"{provider}_{use}_model"))
    assert price is not None
    assert price.output > 0


def test_a_model_that_is_in_no_table_has_no_price() -> None:
    """Not even that of a model whose name begins alike."""
    assert Prices.load().of("openai", "gpt-5.4-pro") is None


def test_a_price_is_exact_and_rounded_up_to_a_micro_dollar() -> None:
    price = Price(input=Decimal("0.10"), output=Decimal("0.40"), image=Decimal("0.04"))

    assert price.micros(input_tokens=1, output_tokens=0, images=0) == 1
    assert price.micros(input_tokens=1_000_000, output_tokens=1_000_000, images=2) == 580_000


def test_ones_own_prices_come_first_and_the_longest_pattern_counts(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        'updated = 2026-11-22\n[models]\n"openai/*" = { input = 1 }\n"openai/gpt-*" = { input = 2 }\n'
        '"openai/gpt-5.4-mini" = { input = 3 }\n'
    )
    prices = Prices.load(own)

    found = [prices.of("openai", model) for model in ("o9", "gpt-9", "gpt-5.4-mini")]

    assert [price.input for price in found if price] == [1, 2, 3]
    assert prices.of("offline", "x") == Price(expect_output=0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("updated = ", "is not TOML"),
        ("[models]", "updated: Field required"),
        ('updated = 2026-11-22\n[models]\n"a/b" = { input = -1 }', "models.a/b.input: .* greater than or equal to 0"),
        ('updated = 2026-11-22\n[models]\n"a/b" = { inptu = 1 }', "models.a/b.inptu: Extra inputs"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(tmp_path: Path, text: str, says: str) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(text)

    with pytest.raises(ValueError, match=says):
        Prices.load(own)


def test_budgets_are_whole_micro_dollars() -> None:
    assert to_micros(Decimal("2.5")) == 2_500_000
