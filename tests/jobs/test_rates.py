"""jobs/rates.py: limits as an operator writes them."""

import pytest
from pydantic import ValidationError

from jobs.rates import UNLIMITED, Rate, Rates
from jobs.settings import Settings


def test_rates_are_by_model_and_the_longest_pattern_counts() -> None:
    rates = Rates.parse("openai/gpt-5.4-mini=500rpm,200000tpm; gemini/*=60rpm;gemini/x*= 5000tpm ;")

    assert rates.of("openai", "gpt-5.4-mini") == Rate(requests=500, tokens=200_000)
    assert rates.of("gemini", "flash") == Rate(requests=60)
    assert rates.of("gemini", "x-1") == Rate(tokens=5000)
    assert rates.of("openai", "gpt-image-2") == UNLIMITED


def test_without_rates_there_are_no_limits() -> None:
    assert Rates.parse("").of("openai", "gpt-5.4-mini") == UNLIMITED


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("60rpm", "'60rpm' names no model"),
        ("openai=60rpm", "names no model"),
        ("a/b=60rpm;a/b=70rpm", "one twice"),
        ("a/b=60", "'60' in 'a/b=60' is not a rate"),
        ("a/b=60rpm,70rpm", "'70rpm' in"),
        ("a/b=0rpm", "'0rpm' in"),
        ("a/b=", "'' in 'a/b='"),
    ],
)
def test_what_is_no_rate_is_refused_with_the_form_it_needs(
    monkeypatch: pytest.MonkeyPatch, text: str, named: str
) -> None:
    monkeypatch.setenv("HEADRACE_RATES", text)

    with pytest.raises(ValidationError, match=f"{named}.*write provider/model=500rpm,200000tpm"):
        Settings()
