import numpy as np

from bdgf.scenes.scene import ClassTable, ModalityArray, carried_over, check_scene, new_scene
from bdgf.scenes.tiles import TILES, tile_files, with_tiles


def test_a_scene_keeps_its_tiles_and_their_files_through_a_file(tmp_path):
    from bdgf.datasets.netcdf import NetCDFDataset

    image = ModalityArray(np.ones((4, 6, 1)), "spectral")
    scene = new_scene("mine", {"image": image}, None, ClassTable((), (), ()))
    numbers = np.repeat([[1, 1, 2, 2, 0, 0]], 4, axis=0).astype(np.uint8)
    tiled = with_tiles(scene, numbers, ["a.tif", "b.tif"])
    check_scene(tiled)
    NetCDFDataset(filepath=str(tmp_path / "scene.nc")).save(tiled)
    read = NetCDFDataset(filepath=str(tmp_path / "scene.nc")).load()
    assert read[TILES].dtype == np.int32
    np.testing.assert_array_equal(read[TILES], numbers)
    assert tile_files(read) == ["a.tif", "b.tif"]
    assert TILES in carried_over(read)  # so a prepared scene has it too
