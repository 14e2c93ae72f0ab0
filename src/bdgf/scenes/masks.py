"""Where each modality of a scene has data: validity belongs to a layer, not to the scene.

A scene's `valid` says where any modality has data. A modality that is missing on some of these
pixels has a mask of its own, `valid_<modality>`; it is 0 there, in the scene and in the prepared
one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import numpy as np
import xarray as xr

from bdgf.core.errors import SettingsError
from bdgf.scenes.mask_variables import mask_name, mask_variables
from bdgf.scenes.scene import modality_names, valid_mask

log = logging.getLogger(__name__)


def modality_mask(scene: xr.Dataset, modality: str) -> np.ndarray:
    """(H, W) bool: True where the modality has data."""
    own = mask_name(modality)
    return scene[own].to_numpy() != 0 if own in scene else valid_mask(scene)


def modality_masks(scene: xr.Dataset) -> np.ndarray | None:
    """Where each modality has data.

    Args:
        scene: A scene or prepared scene.

    Returns:
        (M, H, W) bool in the order of the modalities; None where every modality has data on every
        valid pixel.
    """
    names = modality_names(scene)
    if not any(mask_name(name) in scene for name in names):
        return None
    return np.stack([modality_mask(scene, name) for name in names])


def tell_missing(scene: xr.Dataset) -> None:
    """Logs the share of the valid pixels on which a modality is missing, where one is."""
    masks, valid = modality_masks(scene), valid_mask(scene)
    if masks is None:
        return
    shares = {
        name: 1 - mask.sum() / valid.sum()
        for name, mask in zip(modality_names(scene), masks, strict=True)
    }
    told = [f"{name} on {100 * share:.2g} %" for name, share in shares.items() if share]
    log.info("%s: missing on valid pixels: %s", scene.attrs["scene"], ", ".join(told))


def check_hidden(names: Collection[str], hidden: Collection[str]) -> None:
    """Checks that modalities can be hidden.

    Raises:
        SettingsError: There is no such modality, or none would be left.
    """
    if unknown := [name for name in hidden if name not in names]:
        raise SettingsError(
            f"there is no modality {', '.join(unknown)} to hide; the scene has {', '.join(names)}"
        )
    if set(names) == set(hidden):
        raise SettingsError(f"all modalities are hidden ({', '.join(names)}); leave one at least")


def hide_modalities(scene: xr.Dataset, hidden: Collection[str]) -> xr.Dataset:
    """The scene as if some modalities had no data anywhere.

    Args:
        scene: A scene or prepared scene.
        hidden: Names of modalities, not all of them; none leaves the scene as it is.

    Returns:
        The scene with these modalities 0 and masked; pixels that nothing else covers are invalid.

    Raises:
        SettingsError: There is no such modality, or none would be left.
    """
    names = modality_names(scene)
    check_hidden(names, hidden)
    if not hidden:
        return scene
    left = [name for name in names if name not in hidden]
    covered = np.logical_or.reduce([modality_mask(scene, name) for name in left])
    nothing = np.zeros(covered.shape, bool)
    masks = {name: modality_mask(scene, name) if name in left else nothing for name in names}
    own = [mask_name(name) for name in names if mask_name(name) in scene]
    # Pages of zeros that nobody writes to take no memory, and what is hidden is not read.
    empty = {
        name: scene[name].copy(data=np.zeros(scene[name].shape, scene[name].dtype))
        for name in hidden
    }
    return scene.drop_vars(own).assign({**empty, **mask_variables(masks, covered)})
