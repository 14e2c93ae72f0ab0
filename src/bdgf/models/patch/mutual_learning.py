"""Mutual learning: alignment of entropy and embeddings, and consistency without labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from bdgf.core.settings import MAIN, Settings, searched


class ConsistencySettings(Settings):
    """Consistency of the branches on pixels without labels (mean teacher). Chosen here.

    Tarvainen and Valpola, NeurIPS 2017. The pseudo-target of a pixel is the fused probability of
    all branches under the averaged weights, of the patch as it is. Each branch is a student: it
    sees the patch turned, and may miss a modality.
    """

    weight: float = Field(
        1.0,
        ge=0,
        description="Weight of the consistency loss; 0 disables it",
        json_schema_extra=MAIN | searched(0, 2),
    )
    pixels: int = Field(64, ge=1, description="Unlabelled pixels in a batch")
    start_epoch: int = Field(3, ge=0, description="Epochs before the consistency loss starts")
    modality_dropout: float = Field(
        0.3, ge=0, lt=1, description="Share of the students' samples with one modality hidden"
    )


class MutualLearningSettings(Settings):
    """[stated] alignment in probability entropy and feature similarity; [chosen] the formulas."""

    entropy_weight: float = Field(
        0.1,
        ge=0,
        description="w_e, weight of the entropy alignment",
        json_schema_extra=MAIN | searched(0, 0.5),
    )
    similarity_weight: float = Field(
        0.1,
        ge=0,
        description="w_s, weight of the feature-similarity alignment",
        json_schema_extra=MAIN | searched(0, 0.5),
    )
    similarity: Literal["relational", "cosine"] = Field(
        "relational",
        description="`relational` compares the batch's similarity matrices, `cosine` the "
        "branches' embeddings of each pixel",
    )
    features_weight: float = Field(
        0.0,
        ge=0,
        description="w_f, weight of the similarity of the branches' embeddings to the diffusion "
        "features, of a model that has them; branches without guides then learn from features that "
        "a map does not need; 0 disables it",
    )
    consistency: ConsistencySettings = Field(
        ConsistencySettings(), description="Consistency on unlabelled pixels"
    )


def entropy_alignment(logits: list[Tensor]) -> Tensor:
    """Mean over pairs of branches and pixels of (H(p_i) - H(p_j))^2 / log(K)^2.

    Args:
        logits: Each branch's logits (B, K).

    Returns:
        Scalar in [0, 1]; 0 with a single branch.
    """
    if len(logits) < 2:
        return logits[0].new_zeros(())
    entropies = [_entropy(branch) for branch in logits]  # (B,) in nats
    scale = math.log(logits[0].shape[1]) ** 2
    differences = [(a - b).square().mean() for a, b in combinations(entropies, 2)]
    return torch.stack(differences).mean() / scale


def relational_similarity(embeddings: list[Tensor]) -> Tensor:
    """Mean over pairs of branches of ||S_i - S_j||_F^2 / B^2.

    Args:
        embeddings: Each branch's embeddings (B, E); S is the cosine similarity between the batch's
            pixels, (B, B).

    Returns:
        Scalar; 0 with a single branch.
    """
    if len(embeddings) < 2:
        return embeddings[0].new_zeros(())
    directions = [functional.normalize(branch.float(), dim=1) for branch in embeddings]
    matrices = [branch @ branch.T for branch in directions]
    differences = [(a - b).square().mean() for a, b in combinations(matrices, 2)]
    return torch.stack(differences).mean()


def cosine_similarity(embeddings: list[Tensor]) -> Tensor:
    """Mean over pairs of branches and pixels of 1 - cos(z_i, z_j).

    Args:
        embeddings: Each branch's embeddings (B, E).

    Returns:
        Scalar in [0, 2]; 0 with a single branch.
    """
    if len(embeddings) < 2:
        return embeddings[0].new_zeros(())
    directions = [functional.normalize(branch.float(), dim=1) for branch in embeddings]
    distances = [1 - (a * b).sum(1).mean() for a, b in combinations(directions, 2)]
    return torch.stack(distances).mean()


def features_alignment(embeddings: list[Tensor], features: list[Tensor]) -> Tensor:
    """Mean over branches and levels of 1 - CKA(Z_i, F_l).

    Linear centred kernel alignment (Kornblith et al., ICML 2019) compares how a batch's pixels lie
    to each other: which way the axes point does not count, nor how long they are. So no layer
    between a branch's width and a level's is needed.

    Args:
        embeddings: Each branch's embeddings (B, E).
        features: Each level's standardised features (B, C_l).

    Returns:
        Scalar in [0, 1].
    """
    kernels = [_centred_kernel(branch) for branch in embeddings]
    wanted = [_centred_kernel(level) for level in features]
    return torch.stack([1 - (a * b).sum() for a in kernels for b in wanted]).mean()


SIMILARITIES = {"relational": relational_similarity, "cosine": cosine_similarity}


def classification_loss(
    logits: Mapping[str, Tensor],
    embeddings: Mapping[str, Tensor],
    targets: Tensor,
    settings: MutualLearningSettings,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    features: list[Tensor] | None = None,
) -> dict[str, Tensor]:
    """The loss of a batch and its terms.

    Sum of the branches' cross-entropies + w_e * entropy alignment + w_s * feature similarity
    + w_f * similarity to the diffusion features.

    Args:
        logits: Each branch's logits (B, K).
        embeddings: Each branch's embeddings (B, E).
        targets: (B,) int64 in 0..K-1, or (B, K) float32 shares of the classes.
        settings: Weights and form of the alignment.
        class_weights: (K,) float32, or None for equal weights.
        label_smoothing: Share of the target spread over all classes.
        features: Each level's diffusion features of the pixels, as `feature_targets` gives them;
            None leaves them out.

    Returns:
        Scalars: `loss`, one `loss_<branch>` each, `loss_entropy`, `loss_similarity` and, with
        features, `loss_features` (these before their weights).
    """
    terms = {
        f"loss_{name}": functional.cross_entropy(
            branch.float(), targets, class_weights, label_smoothing=label_smoothing
        )
        for name, branch in logits.items()
    }
    classification = torch.stack(list(terms.values())).sum()
    terms["loss_entropy"] = entropy_alignment(list(logits.values()))
    terms["loss_similarity"] = SIMILARITIES[settings.similarity](list(embeddings.values()))
    terms["loss"] = (
        classification
        + settings.entropy_weight * terms["loss_entropy"]
        + settings.similarity_weight * terms["loss_similarity"]
    )
    if features is not None:
        terms["loss_features"] = features_alignment(list(embeddings.values()), features)
        terms["loss"] = terms["loss"] + settings.features_weight * terms["loss_features"]
    return terms


def consistency_loss(logits: Mapping[str, Tensor], pseudo_target: Tensor) -> Tensor:
    """Sum over branches of the mean cross-entropy to the pseudo-target.

    Args:
        logits: Each branch's logits (B, K).
        pseudo_target: (B, K) float32, the teacher's fused probabilities, detached.
    """
    losses = [functional.cross_entropy(z.float(), pseudo_target) for z in logits.values()]
    return torch.stack(losses).sum()


def _centred_kernel(values: Tensor) -> Tensor:
    # (B, B), of norm 1; zero where all rows are alike.
    centred = values.float() - values.float().mean(0)
    kernel = centred @ centred.T
    return kernel / kernel.norm().clamp(min=torch.finfo(torch.float32).tiny)


def _entropy(logits: Tensor) -> Tensor:
    log_probabilities = logits.float().log_softmax(1)
    return -(log_probabilities.exp() * log_probabilities).sum(1)
