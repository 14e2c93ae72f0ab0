"""MapModel: everything needed to turn a raster into a map, and nothing else.

Whoever draws a map calls its `predict` or streams its `step`. Its folder on disk is that of
`bdgf.inference.map_model_folder`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bdgf.core.errors import SceneError, SettingsError
from bdgf.core.fingerprint import fingerprint
from bdgf.features.prepared_window import classifier_reach
from bdgf.inference.fast.model import FastModel
from bdgf.inference.map_model_folder import (
    MapModelParts,
    description,
    read_map_model,
    write_map_model,
)
from bdgf.inference.prediction_sets import set_rule, tell_sets
from bdgf.inference.settings import InferenceSettings
from bdgf.inference.window_step import (
    CLASS_MAP,
    PROBABILITIES,
    SET_SIZE_MAP,
    UNCERTAINTY_MAP,
    Guidance,
    WindowStep,
    empty_layers,
)
from bdgf.models.base import TrainedModel
from bdgf.preprocessing.preparation import Preparation
from bdgf.raster.windows import blocks
from bdgf.scenes.classes import ClassTable
from bdgf.scenes.ingest.scene_file import open_scene_file
from bdgf.scenes.masks import check_hidden
from bdgf.scenes.modality_forms import all_alike, listed
from bdgf.scenes.scene_windows import DatasetWindows, InOrder, ModalityForm, SceneWindows

if TYPE_CHECKING:
    from bdgf.inference.fast.settings import DistilSettings
    from bdgf.inference.fast.teacher import Teacher
    from bdgf.training.devices import DeviceSettings
    from bdgf.training.metric_logger import MetricLogger

FAST = "fast"
"""Of the fast network: its entry in the card, and in the attribute `drawn_by` of its maps."""
_WITHOUT_FAST = (
    "model '{model}' of '{scene}' has no fast network (inference.fast); distil one: kedro run "
    "--pipeline=train --params dataset={scene},model={model},inference.fast=true, or in Python: "
    "model.distilled(scene)"
)
_BLOCK = 512
"""Side of the blocks of a raster in memory, in pixels."""


@dataclass(frozen=True)
class MapModel:
    """A trained model with the preparation of its input.

    Attributes:
        preparation: Turns a raster's bands into channels.
        classifier: Turns channels and features into probabilities.
        classes: The classes.
        guidance: Makes diffusion features, for a classifier that uses them.
        card: What else is known: scene, model, seed, split, versions, fingerprints; `fast`: how far
            the fast network agrees with the model.
        fast: The fast network that was distilled from it, which maps with `inference.fast`.
        stored: Digest of the files that it was loaded from.
        place: The folder that it was loaded from.
    """

    preparation: Preparation
    classifier: TrainedModel
    classes: ClassTable
    guidance: Guidance | None = None
    card: dict[str, Any] = field(default_factory=dict)
    fast: FastModel | None = None
    stored: str | None = None
    place: Path | None = None

    @property
    def name(self) -> str:
        """The model's name in the registry."""
        return str(self.classifier.config["model"])

    @property
    def scene(self) -> str:
        """The scene that it was trained on."""
        return str(self.classifier.config.get("scene", ""))

    @property
    def modalities(self) -> dict[str, ModalityForm]:
        """Required form of each modality's values, in order."""
        return self.preparation.forms

    @property
    def maps_rasters(self) -> bool:
        """Whether it can map any raster; external features belong to one scene only."""
        uses_features = self.classifier.config.get("feature_fingerprint") is not None
        return self.guidance is not None or not uses_features

    @property
    def digest(self) -> str:
        """Digest of everything that determines a map; for a loaded model, of its files."""
        if self.stored is not None:
            return self.stored
        guidance = self.guidance
        told = description(self._parts, self._forms)
        parts: list[Any] = [self.preparation.to_weights().tensors, self.card, told]
        parts += [self.classifier.config]
        if self.fast is not None:
            parts += [self.fast.weights.tensors, self.fast.config]
        if guidance is not None:
            parts += [guidance.denoiser.tensors, guidance.normalisation]
            parts += [guidance.settings.model_dump(mode="json"), list(guidance.levels)]
        return fingerprint(*parts)

    def drawn_by(self, inference: InferenceSettings) -> tuple[TrainedModel, Guidance | None]:
        """What draws a map: the classifier with its features, or the fast network.

        Args:
            inference: How a map is drawn.

        Raises:
            SettingsError: The fast network is asked for and there is none.
        """
        if inference.fast:
            if self.fast is None:
                raise SettingsError(_WITHOUT_FAST.format(model=self.name, scene=self.scene))
            return self.fast, None
        return self.classifier, self.guidance

    @property
    def reach(self) -> int:
        """Radius in pixels that a pixel's class depends on, without smoothing.

        That of the fast network is `fast.reach`.
        """
        patch = int(self.classifier.config["patch"])
        if self.guidance is None:
            return classifier_reach(patch, ())
        return classifier_reach(patch, self.guidance.levels) + self.guidance.halo

    def step(
        self,
        source: SceneWindows,
        inference: InferenceSettings | None = None,
        devices: DeviceSettings | None = None,
        layers: Sequence[str] = (CLASS_MAP, UNCERTAINTY_MAP),
    ) -> WindowStep:
        """The step that maps a raster window by window.

        Args:
            source: The raster.
            inference: How a map is drawn.
            devices: Where to compute.
            layers: Which layers are wanted.

        Raises:
            SceneError: Modalities, bands or units are not those of the training; both are listed.
            SettingsError: A modality that is to be hidden is unknown, or none would be left; or the
                model was trained on features that nobody can make of another raster; or
                prediction sets are asked of a model without held-out evidence.
        """
        if not self.maps_rasters:
            raise SettingsError(
                f"model '{self.name}' of '{self.scene}' was trained on features from elsewhere "
                "(features.external), which another raster has not; train it on the denoiser's "
                "(features.external=null)"
            )
        inference = inference or InferenceSettings()
        classifier, guidance = self.drawn_by(inference)
        check_hidden(list(self.modalities), inference.hide)
        self.check(source, inference.hide)
        if (rule := set_rule(self.classifier.config, inference)) is not None:
            tell_sets(rule)
        return WindowStep(
            InOrder(source, tuple(self.modalities)),
            self.preparation,
            classifier,
            guidance,
            inference,
            devices,
            tuple(layers),
        )

    def predict(
        self,
        raster: xr.Dataset | SceneWindows | str | PathLike[str],
        inference: InferenceSettings | None = None,
        devices: DeviceSettings | None = None,
        *,
        block: int = _BLOCK,
    ) -> xr.Dataset:
        """The map of a raster that fits into memory.

        Args:
            raster: A scene (`bdgf.scenes.scene`), labelled or not; windows of one; or the YAML file
                that describes one, see `bdgf.open_scene`.
            inference: How a map is drawn.
            devices: Where to compute.
            block: Side in pixels of the blocks that are made at a time.

        Returns:
            `class_map` (y, x) uint8, 0 = no data; `uncertainty_map` (y, x) float32, NaN = no data;
            `probabilities` (class, y, x) float32; with `inference.sets.coverage` also
            `set_size_map` (y, x) uint8, 0 = no data; the raster's georeference.

        Raises:
            SceneError: It is not what the model was trained for.
        """
        source = _windows(raster)
        inference = inference or InferenceSettings()
        sets = (SET_SIZE_MAP,) * (inference.sets.coverage is not None)
        wanted = (CLASS_MAP, UNCERTAINTY_MAP, PROBABILITIES, *sets)
        step, shape = self.step(source, inference, devices, wanted), source.shape
        maps = empty_layers(shape, self.classes.count, wanted)
        for window in blocks(shape, block):
            for name, values in step(window).items():
                maps[name][..., window.rows, window.columns] = values
        return self._dataset(source, maps, {"drawn_by": FAST} if inference.fast else {})

    def distilled(
        self,
        scene: xr.Dataset | SceneWindows | str | PathLike[str],
        settings: DistilSettings | None = None,
        devices: DeviceSettings | None = None,
        *,
        seed: int = 0,
    ) -> MapModel:
        """The model with a fast network that is distilled from it.

        Args:
            scene: The scene that it was trained on, or another one of the kind that it is to map;
                labels are not looked at.
            settings: How.
            devices: Where to compute.
            seed: Decides every draw.

        Raises:
            SceneError: It is not what the model was trained for, or too small.
            SettingsError: The model was trained on features from elsewhere.
        """
        from bdgf.inference.fast.teacher import Teacher

        source = _windows(scene)
        self.step(source)  # refuses what the model cannot map
        ordered = InOrder(source, tuple(self.modalities))
        teacher = Teacher(
            *(ordered, self.preparation, self.classifier, self.guidance), devices=devices
        )
        return self.taught_by(teacher, settings, seed)

    def taught_by(
        self,
        teacher: Teacher,
        settings: DistilSettings | None = None,
        seed: int = 0,
        logger: MetricLogger | None = None,
    ) -> MapModel:
        """The model with the fast network of a teacher, and their agreement in the card.

        Args:
            teacher: This model on a scene.
            settings: How.
            seed: Decides every draw.
            logger: Takes the curve.

        Raises:
            SceneError: The scene is too small.
            SettingsError: The model was trained on features from elsewhere.
        """
        from bdgf.inference.fast.distil import distil
        from bdgf.inference.fast.settings import DistilSettings

        if not self.maps_rasters:
            raise SettingsError(
                f"model '{self.name}' of '{self.scene}' was trained on features from elsewhere "
                "(features.external), so no fast network is distilled from it; leave out "
                "inference.fast"
            )
        fast = distil(teacher, settings or DistilSettings(), seed, logger)
        card = {**self.card, FAST: fast.report}
        return replace(self, fast=fast, card=card, stored=None, place=None)

    def adapted(self, source: SceneWindows) -> MapModel:
        """The model with the statistics of another raster; see `Preparation.adapted`."""
        from bdgf.inference.adaptation import band_statistics

        self.check(source, tuple(self.modalities))
        ordered = InOrder(source, tuple(self.modalities))
        return replace(
            self, preparation=self.preparation.adapted(band_statistics(ordered, self.preparation))
        )

    def check(self, source: SceneWindows, hidden: Sequence[str] = ()) -> None:
        """Compares a raster's modalities with those of the training.

        Args:
            source: The raster.
            hidden: Modalities that it may lack.

        Raises:
            SceneError: One line with both lists.
        """
        wanted, found = self.modalities, source.modalities
        lacking = [name for name in wanted if name not in found]
        same = all_alike(found, wanted)
        if not same or set(lacking) - set(hidden):
            without = f", or inference.hide=[{','.join(lacking)}] to map without" if same else ""
            raise SceneError(
                f"scene '{source.name}' is not what model '{self.name}' of '{self.scene}' was "
                f"trained for: it has {listed(found)}; the model takes {listed(wanted)}; give a "
                f"scene of the same modalities, bands and units, by the same names{without}"
            )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the folder completely or not at all.

        Args:
            path: Its main file, `map_model.json`; the others go beside it.

        Raises:
            StorageError: The disk refuses.
        """
        write_map_model(Path(path), self._parts, self._forms)

    @property
    def _parts(self) -> MapModelParts:
        return MapModelParts(
            *(self.preparation, self.classifier, self.classes, self.guidance, self.card, self.fast)
        )

    @property
    def _forms(self) -> dict[str, Any]:
        modalities = [{"name": n} | asdict(form) for n, form in self.modalities.items()]
        return {"modalities": modalities, "reach": self.reach}

    def _dataset(
        self, source: SceneWindows, maps: Mapping[str, np.ndarray], more: Mapping[str, str]
    ) -> xr.Dataset:
        from bdgf.raster.georeferencing import with_georeference

        dims = {PROBABILITIES: ("class", "y", "x")}
        variables = {name: (dims.get(name, ("y", "x")), values) for name, values in maps.items()}
        dataset = xr.Dataset(
            variables,
            coords={"class": list(self.classes.names)},
            attrs={"scene": source.name, "model": self.name, "trained_on": self.scene, **more},
        )
        return with_georeference(dataset, source.crs, source.transform)


def _windows(raster: xr.Dataset | SceneWindows | str | PathLike[str]) -> SceneWindows:
    if isinstance(raster, str | PathLike):
        raster = open_scene_file(raster)
    return DatasetWindows(raster) if isinstance(raster, xr.Dataset) else raster


def load_map_model(path: str | PathLike[str]) -> MapModel:
    """Reads a model written by `MapModel.save`; also available as `bdgf.load_model`.

    Args:
        path: The folder, such as a version of the catalog's `map_model` or a copy of it; or its
            `map_model.json`.

    Raises:
        ArtifactError: A file is damaged, or of another version.
        MissingArtifactError: There is none.
    """
    stored = read_map_model(Path(path))
    return MapModel(**vars(stored.parts), stored=stored.digest, place=stored.place)
