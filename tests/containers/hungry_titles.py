"""The titles that make a story of `hungry.py` take memory without end."""

ALWAYS = "hungry"
ONCE = "hungry once"
"""In its first attempt only."""
