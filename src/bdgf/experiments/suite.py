"""From suites, scenes and seeds to the runs they need."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, reduce
from typing import Any

from omegaconf import OmegaConf
from pydantic import Field, model_validator

from bdgf import __version__
from bdgf.core.errors import SettingsError
from bdgf.core.fingerprint import fingerprint
from bdgf.core.names import name_problem
from bdgf.core.settings import Settings
from bdgf.framework.config_loader import refuse_unknown
from bdgf.framework.renamed import UNTIL, with_new_names
from bdgf.framework.validation import check_parameters, checked
from bdgf.models.registry import model_entry

log = logging.getLogger(__name__)

# Groups that say where files are and how they are read, not what comes of them.
_PLACES = ("data_folder", "working_folder", "cache", "ingest", "check_digests")
_WITHOUT_EFFECT = (
    ("train", "checkpoint_seconds"),
    ("train", "optimization", "skipped_steps"),
    ("pretrain", "optimization", "skipped_steps"),
    ("inference", "sets"),
)
"""Parameters that decide whether a run ends, or what is drawn beside its map, not its measures."""
_OTHER_COMMANDS = ("balance", "executor", "mlflow", "model_version", "predict", "target")
"""Groups that no run of a bench reads."""
_OF_DISTANCE = (("split", "distance"), ("split", "farthest"))
_OF_DAMAGE = (("evaluation", "damage"),)
_OF_FAST = (("distil",),)


class Variant(Settings):
    """A model with the parameters that differ from the defaults: one row of a table."""

    name: str = Field(min_length=1, description="Name in the table, unique within the suite.")
    group: str = Field("", description="Variants of a group are listed together in the table.")
    model: str = Field("bdgf", description="The parameter `model`.")
    params: dict[str, Any] = Field({}, description="Parameters by dotted name.")


class Suite(Settings):
    """A named table: its variants and the one that the others are tested against."""

    title: str = Field(description="One line above the table.")
    reference: str = Field(description="Name of the variant that the others are compared with.")
    params: dict[str, Any] = Field(
        {},
        description="Parameters of all variants of a model with diffusion features, by dotted "
        "name; a variant's own precede.",
    )
    variants: tuple[Variant, ...] = Field(
        min_length=1, description="The variants, in the table's order."
    )

    @model_validator(mode="before")
    @classmethod
    def _old_name(cls, data: Any) -> Any:
        """Accepts `rows`, the name of `variants` before 0.2."""
        if not isinstance(data, Mapping) or "rows" not in data:
            return data
        log.warning(
            "a suite's `rows` are `variants` now; the old name will be removed in release %s", UNTIL
        )
        return {"variants": data["rows"], **{k: v for k, v in data.items() if k != "rows"}}

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names):
            raise ValueError("two variants have the same name")
        if self.reference not in names:
            raise ValueError(f"the reference '{self.reference}' is none of its variants")
        return self


@dataclass(frozen=True)
class PlannedRun:
    """One run of the bench.

    Attributes:
        suite: Name of the suite.
        variant: Name of the variant.
        scene: The scene.
        seed: The seed.
        params: Runtime parameters of the run, nested.
        fingerprint: Of all parameters that decide the result: two runs with the same one are the
            same run.
        shares: Of the parameters that decide its pretraining; None where there is none.
    """

    suite: str
    variant: str
    scene: str
    seed: int
    params: dict[str, Any]
    fingerprint: str
    shares: str | None

    @property
    def title(self) -> str:
        """What the run is, in a line."""
        return f"{self.scene}, {self.suite}: {self.variant}, seed {self.seed}"


Resolve = Callable[[dict[str, Any]], dict[str, Any]]
"""From runtime parameters to all parameters; raises SettingsError at unknown ones."""


def read_suites(configured: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Suite]:
    """The wanted suites of the configuration.

    Raises:
        SettingsError: There is no such suite, or it is not well formed.
    """
    suites = {}
    for name in wanted:
        if name not in configured:
            near = get_close_matches(name, list(configured), n=1, cutoff=0.5)
            hint = f", did you mean '{near[0]}'?" if near else ""
            raise SettingsError(
                f"unknown suite '{name}'{hint}; known: {', '.join(sorted(configured))}; a new one "
                "is a group in conf/local/bench.yml"
            )
        if (problem := name_problem(name)) is not None:  # tables are files of its name
            raise SettingsError(f"a suite's name {problem}: {name!r}; choose another name")
        suites[name] = checked(Suite.model_validate, configured[name], name)
    return suites


def only_variants(name: str, suite: Suite, wanted: Sequence[str]) -> Suite:
    """A suite of some of its variants, in its own order.

    Without its reference, the first variant that is left is the reference.

    Args:
        name: The suite's name.
        suite: The suite.
        wanted: Names of variants; none for all of them.

    Raises:
        SettingsError: The suite has no such variant.
    """
    known = [variant.name for variant in suite.variants]
    for variant in wanted:
        if variant not in known:
            raise no_variant(name, suite, variant)
    kept = tuple(one for one in suite.variants if not wanted or one.name in wanted)
    reference = suite.reference if suite.reference in {one.name for one in kept} else kept[0].name
    return suite.model_copy(update={"variants": kept, "reference": reference})


def no_variant(name: str, suite: Suite, wanted: str) -> SettingsError:
    """The error that names the variants that there are."""
    known = "; ".join(variant.name for variant in suite.variants)
    return SettingsError(f"suite '{name}' has no variant '{wanted}'; its variants: {known}")


def plan_suite(
    name: str, suite: Suite, scenes: Sequence[str], seeds: Sequence[int], resolve: Resolve
) -> list[PlannedRun]:
    """All runs of a suite.

    Args:
        name: The suite's name.
        suite: The suite.
        scenes: Names of scenes.
        seeds: The seeds.
        resolve: Gives all parameters of a run from its runtime parameters.

    Raises:
        SettingsError: A scene, model or parameter is unknown or wrong; names the variant.
    """
    runs = []
    for scene in scenes:
        for variant in suite.variants:
            try:
                uses_features = model_entry(variant.model).uses_features
                shared = suite.params if uses_features else {}
                own = with_new_names(nested({**shared, **variant.params}))
                typed = {**own, "dataset": scene, "model": variant.model}
                parameters = resolve(typed)
                check_parameters(parameters)
            except SettingsError as error:
                raise SettingsError(f"suite '{name}', variant '{variant.name}': {error}") from error
            decisive = _decisive(parameters, uses_features)
            for seed in seeds:
                runs.append(
                    PlannedRun(
                        name,
                        variant.name,
                        scene,
                        seed,
                        {**typed, "seed": seed},
                        fingerprint({**decisive, "seed": seed}, __version__),
                        _pretraining(parameters, seed) if uses_features else None,
                    )
                )
    return runs


def resolver(of_scene: Callable[[str], dict[str, Any]]) -> Resolve:
    """A `Resolve` that reads the configuration once a scene: a suite asks for many variants.

    Args:
        of_scene: Reads all parameters of a scene.
    """
    read = cache(of_scene)

    def resolve(typed: dict[str, Any]) -> dict[str, Any]:
        parameters = read(str(typed["dataset"]))
        refuse_unknown(typed, parameters)
        merged: dict[str, Any] = OmegaConf.to_container(  # type: ignore[assignment]
            OmegaConf.merge(parameters, typed)
        )
        return merged

    return resolve


def run_order(runs: Iterable[PlannedRun]) -> list[PlannedRun]:
    """Each run once, those that share a pretraining behind one another.

    Runs that pretrain come first: they are the longest.
    """
    unique: dict[str, PlannedRun] = {}
    first: dict[str | None, int] = {}
    for number, run in enumerate(runs):
        unique.setdefault(run.fingerprint, run)
        first.setdefault(run.shares, number)
    return sorted(unique.values(), key=lambda run: (run.shares is None, first[run.shares]))


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters by dotted name as nested mappings."""
    tree = OmegaConf.create({})
    for name, value in dotted.items():
        OmegaConf.update(tree, name, value, merge=True)
    nested: dict[str, Any] = OmegaConf.to_container(tree)  # type: ignore[assignment]
    return nested


def _decisive(parameters: Mapping[str, Any], uses_features: bool) -> dict[str, Any]:
    # Other models' settings, and a pretraining that is not done, decide nothing.
    left_out = {
        *_PLACES,
        *_OTHER_COMMANDS,
        "baselines",
        *(() if uses_features else ("pretrain", "features")),
    }
    own = parameters["baselines"].get(parameters["model"])
    kept = deepcopy({name: value for name, value in parameters.items() if name not in left_out})
    for *groups, name in (*_WITHOUT_EFFECT, *_unused(parameters)):
        group = reduce(lambda tree, key: tree.get(key, {}), groups, kept)
        group.pop(name, None)
    return {**kept, "own": own}


def _unused(parameters: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    # What a run leaves alone: so its record is found whatever stands there.
    of_distance = () if parameters["split"]["name"] == "distance" else _OF_DISTANCE
    of_damage = () if parameters["evaluation"]["damage"]["kinds"] else _OF_DAMAGE
    return (*of_distance, *of_damage, *(() if parameters["inference"]["fast"] else _OF_FAST))


def _pretraining(parameters: Mapping[str, Any], seed: int) -> str:
    decisive = ("scene", "dataset", "preparation", "pretrain", "devices")
    return fingerprint({name: parameters[name] for name in decisive}, seed)
