"""Reads a picture of any sort as one upright RGB image on white."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

MAX_PIXELS = 40_000_000
"""Larger pictures are not decoded; uploads have the same bound."""
_DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
"""Pillow's modes with more than eight bits, which it would cut off instead of scaling."""


class UnreadablePicture(Exception):
    """The bytes are no whole picture, or one too large to decode."""


def read_picture(data: bytes, *, longest: int) -> Image.Image:
    """The first frame as RGB, turned as its EXIF says, on white where it is clear, at most `longest` pixels a side.

    Raises UnreadablePicture.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            image = Image.open(io.BytesIO(data))
        if image.width * image.height > MAX_PIXELS:
            raise UnreadablePicture(f"it has more than {MAX_PIXELS // 1_000_000} megapixels")
        # A JPEG is decoded at a fraction of its size if that is enough.
        image.draft("RGB", (longest, longest))
        image.load()
        # First, because the size of a turned picture is told before it is scaled.
        image = ImageOps.exif_transpose(image)
        image = _on_white(image)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise UnreadablePicture("it is damaged or incomplete") from error
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP:
        values = np.asarray(image, np.float32)
        top = 65535.0 if values.max(initial=0.0) > 255 else 255.0  # noqa: PLR2004  # of 16 and of 8 bits
        return Image.fromarray((values * (255.0 / top)).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        paper = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(paper, clear).convert("RGB")
    return image.convert("RGB")


def png_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
