"""A cube of two levels, written in two tiles."""

import numpy as np

from bdgf.features.cube_writer import CubeLayout

SHAPE, CHANNELS = (13, 9), {0: 4, 1: 6}


def layout(mark="f00d"):
    return CubeLayout(mark, "small", SHAPE, (50, 100), CHANNELS, tiles=2)


def level_values(level, seed=0):
    rows, columns = (-(-side // 2**level) for side in SHAPE)
    rng = np.random.default_rng([seed, level])
    return rng.standard_normal((CHANNELS[level], rows, columns)).astype(np.float16)


def level_validity(level):
    valid = np.ones(level_values(level).shape[1:], bool)
    valid[:3, :2] = False
    return valid


def write_tile(writer, number):
    spans = {level: (slice(0, 8 >> level), slice(8 >> level, None))[number] for level in CHANNELS}
    writer.write(
        number,
        (8 * number, 0),
        {level: level_values(level)[:, span] for level, span in spans.items()},
        {level: level_validity(level)[span] for level, span in spans.items()},
    )
