"""Scenes of some of the demo scene's modalities, perhaps with holes."""

import numpy as np
import xarray as xr

from bdgf.scenes.scene import ModalityArray, class_table, new_scene, valid_mask
from bdgf.scenes.synthetic.scene import DemoSettings, make_demo_scene

DEMO = make_demo_scene(DemoSettings(size=48, bands=12))
HOLES = {"optical": np.s_[10:20, 12:30], "sar": np.s_[15:40, 25:40]}
"""Where a modality has no data, of a demo scene with holes; they overlap."""


def scene_of(*names: str, holes: bool = False) -> xr.Dataset:
    arrays = {}
    for name in names:
        kind, units, scale = (DEMO[name].attrs[key] for key in ("kind", "units", "scale"))
        values = DEMO[name].to_numpy().copy()
        if holes and name in HOLES:
            values[HOLES[name]] = np.nan
        arrays[name] = ModalityArray(values, kind, units, scale)
    valid, labels = valid_mask(DEMO), DEMO["labels"].to_numpy()
    return new_scene("demo", arrays, labels, class_table(DEMO), valid=valid)
