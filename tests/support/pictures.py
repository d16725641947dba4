"""Pictures to upload: a drawing on paper and a scene like a photo, as files of any sort."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

_SIZE = (640, 480)


def drawing() -> Image.Image:
    """A house under a sun, in pencil on white."""
    image = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(image)
    pencil: dict[str, Any] = {"fill": (70, 70, 75), "width": 4}
    draw.line([(120, 300), (120, 180), (230, 90), (340, 180), (340, 300), (120, 300)], **pencil)
    draw.line([(120, 180), (340, 180)], **pencil)
    draw.rectangle([200, 220, 250, 300], outline=(70, 70, 75), width=4)
    draw.ellipse([450, 60, 540, 150], outline=(70, 70, 75), width=4)
    draw.line([(20, 320), (620, 330)], **pencil)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def shaded_drawing(seed: int = 1) -> Image.Image:
    """The same on yellowish paper in uneven light, with the noise of a phone's camera."""
    down, across = np.mgrid[: _SIZE[1], : _SIZE[0]]
    light = 190 * np.exp(-((across - 200) ** 2 + (down - 180) ** 2) / 520**2) + 30
    tinted = np.asarray(drawing(), float) / 255 * light[..., None] * np.array([1.0, 0.93, 0.8])
    return _noisy(tinted, seed, 12)


def photo(seed: int = 1) -> Image.Image:
    """A red ball and a blue box on a table before a wall, lit from the left."""
    image = Image.new("RGB", _SIZE, (150, 170, 150))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 300, 640, 480], fill=(120, 85, 55))
    draw.ellipse([90, 150, 310, 370], fill=(190, 45, 40))
    draw.rectangle([380, 170, 560, 360], fill=(45, 70, 150))
    across = np.linspace(1.1, 0.75, _SIZE[0])
    return _noisy(np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)), float) * across[None, :, None], seed, 5)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:  # noqa: ANN401  # Pillow's own
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _noisy(values: NDArray[np.float64], seed: int, noise: float) -> Image.Image:
    values = values + np.random.default_rng(seed).normal(0, noise, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
