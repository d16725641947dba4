"""Black-and-white pictures as boolean arrays (height, width): grown, shrunk, and sorted by connected parts."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]


def grow(mask: Mask, radius: int) -> Mask:
    """Every part larger by `radius` pixels on all sides: an octagon, which is nearly round."""
    grown = mask
    for step in range(radius):
        grown = _spread(grown, square=step % 3 == 1)
    return grown


def shrink(mask: Mask, radius: int) -> Mask:
    """Every part smaller by `radius` pixels on all sides; the border of the picture eats nothing."""
    return ~grow(~mask, radius)


def close(mask: Mask, radius: int) -> Mask:
    """Gaps up to twice `radius` wide are bridged."""
    return shrink(grow(mask, radius), radius)


def _spread(mask: Mask, *, square: bool) -> Mask:
    across = mask.copy()
    across[:, 1:] |= mask[:, :-1]
    across[:, :-1] |= mask[:, 1:]
    source = across if square else mask
    across = across.copy()
    across[1:] |= source[:-1]
    across[:-1] |= source[1:]
    return across


def sizes(mask: Mask, *, diagonal: bool) -> tuple[Labels, NDArray[np.intp]]:
    """The connected parts, numbered from 1 (0 is outside), and the pixels of each number.

    `diagonal`: pixels that touch at a corner belong together, as ink does and the white between lines does not.
    """
    height, width = mask.shape
    # Runs of pixels in a row are the nodes; runs that touch in neighbouring rows are the edges.
    starts = mask.copy()
    starts[:, 1:] &= ~mask[:, :-1]
    runs = np.cumsum(starts.ravel(), dtype=np.int32).reshape(height, width)
    runs[~mask] = 0
    parents = _roots(int(runs.max(initial=0)), _edges(runs, diagonal=diagonal))
    _, numbers = np.unique(parents, return_inverse=True)
    labels = numbers.astype(np.int32)[runs]
    return labels, np.bincount(labels.ravel())


def extents(labels: Labels) -> NDArray[np.intp]:
    """The longer side of the box around each number of `labels`; 0 for none."""
    inside = np.flatnonzero(labels)
    numbers, count = labels.ravel()[inside], int(labels.max(initial=0)) + 1
    longer = np.zeros(count, np.intp)
    for where in np.divmod(inside, labels.shape[1]):
        low, high = np.full(count, max(labels.shape)), np.full(count, -1)
        np.minimum.at(low, numbers, where)
        np.maximum.at(high, numbers, where)
        longer = np.maximum(longer, np.where(high < 0, 0, high - low + 1))
    return longer


def without_specks(mask: Mask, least: int, *, diagonal: bool = True) -> Mask:
    """Only the parts of at least so many pixels."""
    labels, counts = sizes(mask, diagonal=diagonal)
    kept = counts >= least
    kept[0] = False
    return kept[labels]


def _edges(runs: Labels, *, diagonal: bool) -> Labels:
    upper, lower = runs[:-1], runs[1:]
    pairs = [(upper, lower)]
    if diagonal:
        pairs += [(upper[:, 1:], lower[:, :-1]), (upper[:, :-1], lower[:, 1:])]
    found = [np.stack([one[both], other[both]]) for one, other in pairs if (both := (one > 0) & (other > 0)).any()]
    if not found:
        return np.zeros((2, 0), np.int32)
    edges = np.concatenate(found, axis=1)
    # The same two runs touch at many pixels in a row: one edge is enough.
    fresh = np.ones(edges.shape[1], bool)
    fresh[1:] = (edges[:, 1:] != edges[:, :-1]).any(axis=0)
    return edges[:, fresh]


def _roots(count: int, edges: Labels) -> Labels:
    """For each node from 0 to `count`, the least node it is connected with: hook to the smaller, then jump."""
    parents = np.arange(count + 1, dtype=np.int32)
    while True:
        one, other = parents[edges[0]], parents[edges[1]]
        apart = one != other
        if not apart.any():
            return parents
        low, high = np.minimum(one[apart], other[apart]), np.maximum(one[apart], other[apart])
        np.minimum.at(parents, high, low)
        while not np.array_equal(jumped := parents[parents], parents):
            parents = jumped
