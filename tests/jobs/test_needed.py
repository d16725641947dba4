"""What a script is sent with."""

from jobs.scripts.needed import needed_by, written_out

DECLARATIONS = """local LIMITS = { 1 }
local first, second = 1, 2
local function unused()
  return LIMITS
end
-- used is only named here, as is unused
local function used()
  return first
end
"""


def test_what_nobody_names_is_left_out() -> None:
    code = needed_by("return used()", DECLARATIONS)
    assert "function used" in code
    assert "local first, second" in code
    assert "function unused" not in code
    assert "LIMITS" not in code


def test_a_comment_or_a_text_needs_nothing() -> None:
    assert needed_by("-- unused\nreturn 'used'", DECLARATIONS) == ""


def test_constants_are_written_out_but_not_in_texts() -> None:
    code = written_out("return KEY .. 'KEY' .. KEYS -- KEY", {"KEY": "'hr'"})
    assert code == "return 'hr' .. 'KEY' .. KEYS "
