"""Settings that train any registered model on a small scene within a second."""

from bdgf.diffusion.pretraining.settings import PretrainSettings
from bdgf.models.bdgf.settings import TrainSettings

PRETRAIN = PretrainSettings(
    steps=2,
    batch_size=2,
    tile=16,
    denoiser={"width": 8, "multipliers": (1, 2), "blocks": 1, "head_channels": 8},
)
TRAIN = TrainSettings(
    epochs=2,
    batches_per_epoch=6,
    batch_size=32,
    selection={"rule": "best"},
    decision={"held_out": {"folds": 2}},
    optimization={"learning_rate": 3e-3, "warmup_steps": 5},
    classifier={
        "patch": 5,
        "modality_width": 8,
        "pyramid": {"width": 16, "embedding": 16, "stages": 2},
        "guide": {"width": 16, "groups": 4},
        "classical": {
            "components": 4,
            "linear": {"c": (0.1,)},  # to choose one takes longer than all else
            "forest": {"trees": 5},
        },
    },
)
SVM = {"c": (1.0, 10.0), "gamma": (0.3, 1.0), "jobs": 1}
OWN = {
    "random_forest": {"trees": 20},
    "random_forest_windows": {"trees": 20, "window": 5},
    "random_forest_features": {"trees": 20},
    "svm": SVM,
    "svm_windows": {**SVM, "window": 5},
    "two_stream_cnn": {"width": 8, "embedding": 16},
    "mft": {"width": 16, "heads": 2},
}
