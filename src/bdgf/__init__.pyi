from bdgf.inference.fit import fit as fit
from bdgf.inference.map_model import load_map_model as load_model
from bdgf.scenes.ingest.scene_file import open_scene_file as open_scene

__version__: str
__all__ = ["fit", "load_model", "open_scene"]
