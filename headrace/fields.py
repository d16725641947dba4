"""Types of fields that the inputs of several kinds have."""

from typing import Annotated

from pydantic import StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Words, without the blanks around them."""
