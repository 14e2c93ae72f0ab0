"""Rejects a run that cannot succeed before any of its nodes starts."""

from __future__ import annotations

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from bdgf.core.errors import MissingArtifactError
from bdgf.datasets.absent import AbsentDataset
from bdgf.datasets.local_versioned import LocalVersionedDataset
from bdgf.framework.made_from import BASELINE_SETTINGS
from bdgf.framework.session import OF_FEATURES, OPTIONAL, STEPS, concerns_model
from bdgf.models.registry import model_entry


class CheckHooks:
    """Refuses a run that cannot succeed before any node of it starts."""

    @hook_impl(tryfirst=True)  # before an MLflow run is opened for it
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol
    ) -> None:
        """Validates every parameter of the pipeline and checks that its inputs exist."""
        from bdgf.framework.validation import check_parameters

        leave_features_out(pipeline, catalog)
        leave_optional_out(pipeline, catalog)
        taken = [name[7:] for name in pipeline.inputs() if name.startswith("params:")]
        groups = {name.split(".")[0] for name in taken}  # a part is checked with its group
        parameters = {name: catalog.load(f"params:{name}") for name in sorted(groups)}
        if BASELINE_SETTINGS in pipeline.inputs():
            parameters["baselines"] = catalog.load(BASELINE_SETTINGS)
        check_parameters(parameters)
        entries = [name for name in sorted(pipeline.inputs()) if not name.startswith("params:")]
        missing = [name for name in entries if not catalog.exists(name)]
        if missing:
            scene = catalog.load("params:dataset")
            names = ", ".join(name.replace("_", " ") for name in missing)
            raise MissingArtifactError(
                f"scene '{scene}' has no {names} yet; run first: {_what_to_run(missing, catalog)}"
            )
        for name in entries:
            dataset = catalog.get(name)
            if isinstance(dataset, LocalVersionedDataset):
                dataset.remedy = f"make it again: {_what_to_run([name], catalog)}"


def _what_to_run(missing: list[str], catalog: CatalogProtocol) -> str:
    from kedro.framework.project import pipelines

    makers = [step for step in STEPS if pipelines[step].all_outputs() & set(missing)]
    first = makers[0] if len(makers) == 1 else "full"
    scene, model = (catalog.load(f"params:{name}") for name in ("dataset", "model"))
    return f"kedro run --pipeline={first} --params dataset={scene},model={model}"


def leave_features_out(pipeline: Pipeline, catalog: CatalogProtocol) -> None:
    """Makes the denoiser and its features read as None if the run's model does not use them."""
    model = str(catalog.load("params:model"))
    if not concerns_model(pipeline) or model_entry(model).uses_features:
        return
    for name in pipeline.inputs() & set(OF_FEATURES):
        catalog[name] = AbsentDataset()


def leave_optional_out(pipeline: Pipeline, catalog: CatalogProtocol) -> None:
    """Makes a missing artifact read as None if all of its readers can do without it."""
    for name in sorted(pipeline.inputs() & OPTIONAL.keys()):
        readers = {node.name for node in pipeline.nodes if name in node.inputs}
        if readers <= set(OPTIONAL[name]) and not catalog.exists(name):
            catalog[name] = AbsentDataset()
