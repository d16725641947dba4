"""Headrace as the bench runs it: the product, but for a story that is not made."""
