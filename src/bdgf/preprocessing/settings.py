"""The group `preparation`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bdgf.core.settings import MAIN, Settings, searched


class PreparationSettings(Settings):
    """Settings of the preparation, the same for all scenes; chosen here."""

    reduction: Literal["mnf", "pca"] = Field(
        "mnf",
        description="Spectral modalities of more bands than `components`: those of minimum noise "
        "fraction (`mnf`), or principal ones (`pca`).",
    )
    components: int = Field(
        30,
        ge=1,
        description="Most components of a spectral modality.",
        json_schema_extra=MAIN | searched(5, 60, log=True),
    )
    least_signal: float = Field(
        0.1, ge=0, lt=1, description="`mnf`: components with a lower share of signal are dropped."
    )
    brightness_apart: bool = Field(
        True,
        description="Divide spectra that are reduced by their brightness, a channel of its own.",
    )
    brightness_floor: float = Field(
        0.05, gt=0, description="Least brightness that divides, as a share of the scene's mean."
    )
    averages: int = Field(
        16,
        ge=0,
        description="Averages of adjacent bands beside the components of a spectral modality.",
    )
    power: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Heavy-tailed bands get a power (Yeo-Johnson) before they are standardised: "
        "where it gains `power_gain` (`auto`), wherever it gains at all (`always`), or `never`. "
        "Spectral modalities that are reduced to components get none.",
    )
    power_gain: float = Field(
        0.1,
        ge=0,
        description="`auto`: least gain of log-likelihood for a power, in nats a pixel.",
    )
    clip: float | None = Field(
        6.0, gt=0, description="Bands and channels are clipped at +- this many sigma; null = never."
    )
    to_db: bool = Field(True, description="Take modalities with scale `log` to decibels.")
    intensity_floor: float = Field(
        1e-6, gt=0, description="Least intensity before the logarithm; 1e-6 is -60 dB."
    )
