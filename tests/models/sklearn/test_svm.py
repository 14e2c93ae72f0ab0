"""RBF-SVM: spatial folds, a choice on held-out pixels only, calibrated without changing it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from bdgf.models.sklearn.svm import (
    RBF_SVM,
    SvmSettings,
    assign_folds,
    check_svm,
    fit_inverse_temperature,
    held_out_decisions,
)
from bdgf.models.sklearn.training_pixels import TrainingPixels
from bdgf.splits.validation_groups import ValidationSettings, spatial_groups

FEW = SvmSettings(c=(1.0, 10.0), gamma=(0.3, 1.0), folds=3, jobs=1)


def plots(classes=3, count=4, side=3, gap=4):
    """A row of square plots for each class, well apart."""
    step = side + gap
    labels = np.zeros((classes * step, count * step), int)
    for class_id in range(classes):
        for plot in range(count):
            row, col = class_id * step, plot * step
            labels[row : row + side, col : col + side] = class_id + 1
    return labels


def table_of(label_map, seed=0, spread=0.6):
    rng = np.random.default_rng(seed)
    labels = label_map[label_map != 0]
    centres = rng.normal(size=(label_map.max() + 1, 3)) * 2
    features = centres[labels] + spread * rng.normal(size=(len(labels), 3))
    return TrainingPixels(features.astype(np.float32), label_map)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 500),
    share=st.floats(0.02, 0.5),
    groups=st.sampled_from(["components", "blocks", "pixels"]),
    folds=st.integers(2, 6),
)
def test_folds_keep_groups_whole_and_every_class_in_training(seed, share, groups, folds):
    rng = np.random.default_rng(seed)
    label_map = np.where(rng.random((20, 20)) < share, rng.integers(1, 4, (20, 20)), 0)
    label_map[0, 0] = 1
    chosen = SvmSettings(groups=groups, folds=folds, block=5)
    dealt = assign_folds(label_map, chosen, np.random.default_rng(seed))
    labels = label_map[label_map != 0]
    together = spatial_groups(
        label_map, ValidationSettings(groups=groups, min_groups=folds, block=5)
    )[label_map != 0]
    assert dealt.min() >= -1
    assert dealt.max() < folds
    for group in np.unique(together):
        assert len(np.unique(dealt[together == group])) == 1
    for class_id in np.unique(labels):
        of_class = dealt[labels == class_id]
        if len(of_class) == 1:
            assert of_class[0] == -1  # trains in every fold
        else:
            assert (of_class >= 0).all()
            assert len(np.unique(of_class)) >= 2
    np.testing.assert_array_equal(
        dealt, assign_folds(label_map, chosen, np.random.default_rng(seed))
    )


def test_whole_plots_are_held_out():
    label_map = plots()
    dealt = assign_folds(label_map, FEW, np.random.default_rng(0))
    folds = np.full(label_map.shape, -2)
    folds[label_map != 0] = dealt
    for class_id in range(3):
        for plot in range(4):
            cells = folds[7 * class_id :, 7 * plot :][:3, :3]
            assert (cells == cells[0, 0]).all()


def test_held_out_decisions_are_scikit_learns():
    table = table_of(plots())
    folds = assign_folds(table.label_map, FEW, np.random.default_rng(0))
    machine = make_pipeline(StandardScaler(), SVC(C=10, gamma=0.2))
    expected = cross_val_predict(
        machine, table.features, table.labels, cv=PredefinedSplit(folds), method="decision_function"
    )
    np.testing.assert_allclose(held_out_decisions(table, folds, 10, 0.2, False), expected)


def test_it_chooses_what_validates_best_and_trains_on_all_pixels():
    table = table_of(plots(), spread=1.5)
    fitted = RBF_SVM.fit(table, FEW, 0)
    assert fitted["c"] in FEW.c
    assert fitted["gamma"] * 3 in FEW.gamma
    expected = make_pipeline(StandardScaler(), SVC(C=fitted["c"], gamma=fitted["gamma"]))
    expected.fit(table.features, table.labels)
    probabilities = RBF_SVM.probabilities(fitted, table.features, FEW)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    decisions = expected.decision_function(table.features)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), decisions.argmax(axis=1))
    assert RBF_SVM.size(fitted) == expected[-1].n_support_.sum()


def test_a_grid_with_one_hopeless_value_is_left_for_the_other():
    table = table_of(plots())
    chosen = SvmSettings(c=(10.0,), gamma=(1.0, 1e6), folds=3, jobs=1)
    assert RBF_SVM.fit(table, chosen, 0)["gamma"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("classes", [2, 4])
def test_two_classes_and_more_have_probabilities(classes):
    table = table_of(plots(classes))
    fitted = RBF_SVM.fit(table, FEW, 0)
    probabilities = RBF_SVM.probabilities(fitted, table.features, FEW)
    assert probabilities.shape == (len(table.labels), classes)
    right = RBF_SVM.classes(fitted)[probabilities.argmax(axis=1)] == table.labels
    assert right.mean() > 0.8


def test_classes_of_a_single_pixel_train_too():
    label_map = np.zeros((3, 12), int)
    label_map[1, [1, 5, 9]] = [1, 2, 3]
    fitted = RBF_SVM.fit(table_of(label_map), FEW, 0)
    assert RBF_SVM.classes(fitted).tolist() == [1, 2, 3]
    assert fitted["inverse_temperature"] == 1.0


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_the_temperature_of_drawn_classes_is_found(temperature):
    rng = np.random.default_rng(0)
    decisions = rng.normal(size=(20000, 3))
    noise = rng.gumbel(size=decisions.shape)  # Gumbel maxima are draws from the softmax
    truth = (temperature * decisions + noise).argmax(axis=1)
    assert fit_inverse_temperature(decisions, truth) == pytest.approx(temperature, rel=0.06)


def test_support_vectors_that_do_not_add_up_are_refused():
    fitted = RBF_SVM.fit(table_of(plots()), FEW, 0)
    check_svm(fitted)
    fitted["machine"][-1]._n_support = fitted["machine"][-1]._n_support + 1000
    with pytest.raises(ValueError, match="add up"):
        check_svm(fitted)
