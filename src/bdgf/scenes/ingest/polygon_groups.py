"""The polygon or point of each labelled pixel, for splits that hold out whole ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bdgf.scenes.ingest.burning import Burned


def polygon_groups(burned: Sequence[tuple[Burned, np.ndarray]]) -> np.ndarray:
    """Numbers polygons and points; those of one class that share pixels are one group.

    Args:
        burned: The features of each label file on one grid, and the class id of each feature. Where
            files differ in class, a later one has the pixel, as official maps come before labels.

    Returns:
        (H, W) int32: each pixel's group from 1, 0 in none.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    owners = np.zeros(burned[0][0].owners.shape, np.int32)
    of_class = np.zeros(1, np.int64)
    pairs = []
    for one, classes in burned:
        before = len(of_class) - 1
        here = np.where(one.owners > 0, one.owners + before, 0).astype(np.int32)
        of_class = np.concatenate([of_class, classes])
        pairs += [pair + before for pair in one.overlaps]
        both = (owners > 0) & (here > 0)
        shared = np.unique(np.stack([owners[both], here[both]], axis=1), axis=0)
        pairs.append(shared[of_class[shared[:, 0]] == of_class[shared[:, 1]]])
        owners = np.where(here > 0, here, owners)
    first, second = np.concatenate(pairs).T
    edges = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(of_class),) * 2)
    component = connected_components(edges, directed=False)[1]
    component[0] = -1  # in none
    found, numbers = np.unique(component[owners], return_inverse=True)
    start = 0 if found[0] == -1 else 1
    return (numbers.reshape(owners.shape) + start).astype(np.int32)
