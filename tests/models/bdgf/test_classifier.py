"""The whole classifier."""

import itertools

import pytest
import torch
from pydantic import ValidationError

from bdgf.core.errors import ArtifactError, SettingsError
from bdgf.core.weights import Weights, read_weights, write_weights
from bdgf.models.bdgf.branches import BRANCHES, PyramidSettings
from bdgf.models.bdgf.classical.branch import ClassicalSettings
from bdgf.models.bdgf.classifier import Classifier, load_classifier
from bdgf.models.bdgf.guidance import Gated, GuideSettings
from bdgf.models.bdgf.settings import ClassifierSettings
from bdgf.raster.patches import PatchBatch

MODALITIES = {"optical": 3, "sar": 2}
LEVELS = (6, 8, 10)


def small(**changes) -> ClassifierSettings:
    sizes = {
        "modality_width": 4,
        "pyramid": PyramidSettings(width=8, embedding=6),
        "guide": GuideSettings(width=8, groups=4, heads=2),
    }
    return ClassifierSettings(**(sizes | changes))


def make(settings=None, levels=LEVELS, classes=4, averages=()) -> Classifier:
    torch.manual_seed(0)
    return Classifier(settings or small(), MODALITIES, levels, classes, averages)


def make_batch(levels=LEVELS, batch: int = 3) -> PatchBatch:
    generator = torch.Generator().manual_seed(0)
    sizes = (11, 7, 3)[: len(levels)]
    return PatchBatch(
        torch.randn(batch, 5, 11, 11, generator=generator),
        torch.ones(batch, 1, 11, 11, dtype=torch.bool),
        tuple(
            torch.randn(batch, c, s, s, generator=generator).half()
            for c, s in zip(levels, sizes, strict=True)
        ),
        tuple(torch.ones(batch, 1, s, s, dtype=torch.bool) for s in sizes),
        tuple(torch.randn(batch, c, generator=generator) for c in levels),
    )


@pytest.mark.parametrize("levels", [(), LEVELS[:1], LEVELS])
def test_it_gives_every_branch_logits_and_embeddings(levels):
    output = make(levels=levels)(make_batch(levels))
    assert list(output.logits) == list(output.embeddings) == list(BRANCHES)  # students
    output = make(levels=levels).eval()(make_batch(levels))
    assert list(output.logits) == [*BRANCHES, "classical"]
    assert list(output.embeddings) == list(BRANCHES)
    assert all(logits.shape == (3, 4) for logits in output.logits.values())
    assert all(embedding.shape == (3, 6) for embedding in output.embeddings.values())


@pytest.mark.parametrize("names", [*itertools.combinations(BRANCHES, 1), ("mamba", "cnn")])
def test_any_branches_make_a_classifier(names):
    output = make(small(branches=names))(make_batch())
    assert tuple(output.logits) == names


def test_without_guides_no_level_is_read():
    classifier = make(small(guides={}))
    assert classifier.levels == 0
    assert len(classifier.projections) == 0
    output = classifier(make_batch(()))
    assert output.logits["cnn"].shape == (3, 4)


def test_open_gates_have_their_price():
    closed = GuideSettings(width=8, groups=4, heads=2, closed=True, gate_penalty=0.5)
    classifier = make(small(guide=closed))
    assert classifier.penalty().item() == 0
    gates = [part.gate for part in classifier.modules() if isinstance(part, Gated)]
    assert len(gates) == 9  # of three branches and three levels
    with torch.no_grad():
        for number, gate in enumerate(gates):
            gate.fill_((-1) ** number * number)
    classifier.penalty().backward()
    assert classifier.penalty().item() == pytest.approx(0.5 * 4)
    assert all((gate.grad.sign() == gate.sign()).all() for gate in gates)
    free = closed.model_copy(update={"gate_penalty": 0.0})
    assert make(small(guide=free)).penalty() is None
    assert make().penalty() is None
    assert make(small(guide=closed, guides={})).penalty() is None
    assert make(small(guide=closed), levels=()).penalty() is None


def test_positions_without_data_count_as_zero():
    classifier = make().eval()
    batch = make_batch()
    inside = batch.scene_inside.clone()
    inside[:, :, :4] = False
    cells = tuple(mask.clone() for mask in batch.features_inside)
    cells[1][:, :, :2] = False
    masked = batch._replace(scene_inside=inside, features_inside=cells)
    spoilt_scene, spoilt_level = batch.scene.clone(), batch.features[1].clone()
    spoilt_scene[:, :, :4] = 99
    spoilt_level[:, :, :2] = 99
    spoilt = masked._replace(
        scene=spoilt_scene, features=(batch.features[0], spoilt_level, batch.features[2])
    )
    classifier.classical.linear.weight.normal_()
    for name in classifier.branch_names:
        assert torch.equal(classifier(masked).logits[name], classifier(spoilt).logits[name])
        assert not torch.equal(classifier(masked).logits[name], classifier(batch).logits[name])


def test_features_are_standardised_by_the_statistics_it_was_given():
    classifier = make().eval()
    batch = make_batch()
    before = classifier(batch).logits["cnn"]
    classifier.set_feature_moments(
        tuple(torch.full((c,), 2.0) for c in LEVELS), tuple(torch.full((c,), 4.0) for c in LEVELS)
    )
    scaled = batch._replace(features=tuple(level.float() * 4 + 2 for level in batch.features))
    assert torch.allclose(classifier(scaled).logits["cnn"], before, atol=1e-4)


def test_a_constant_feature_channel_does_no_harm():
    classifier = make().eval()
    classifier.set_feature_moments(
        tuple(torch.zeros(c) for c in LEVELS), tuple(torch.zeros(c) for c in LEVELS)
    )
    assert classifier(make_batch()).logits["cnn"].isfinite().all()


def test_a_hidden_modality_has_no_influence_on_its_sample():
    classifier = make(levels=()).eval()
    batch = make_batch(())
    keep = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    changed = batch._replace(scene=batch.scene.clone())
    changed.scene[:, 3:] += 5  # the second modality
    for name in BRANCHES:
        before = classifier(batch, keep).logits[name]
        after = classifier(changed, keep).logits[name]
        assert torch.equal(before[0], after[0])
        assert not torch.allclose(before[1:], after[1:])


@pytest.mark.parametrize("training", [True, False])
def test_features_guide_no_sample_with_a_hidden_modality(training):
    # The denoiser saw the modality that is hidden from the sample.
    undropped = small(
        pyramid=PyramidSettings(width=8, embedding=6, dropout=0),
        guide=GuideSettings(width=8, groups=4, heads=2, dropout=0),
    )
    classifier, batch = make(undropped).train(training), make_batch()
    keep = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    changed = batch._replace(features=tuple(level + 1 for level in batch.features))
    for name in BRANCHES:
        before = classifier(batch, keep).logits[name]
        after = classifier(changed, keep).logits[name]
        assert torch.equal(before[[0, 2]], after[[0, 2]])
        assert not torch.allclose(before[1], after[1])


def test_training_drops_whole_feature_channels_and_evaluation_none():
    settings = small(
        pyramid=PyramidSettings(width=8, embedding=6, dropout=0),
        guide=GuideSettings(width=8, groups=4, heads=2, dropout=0.5),
    )
    classifier, batch = make(settings), make_batch()
    first, second = (classifier.train()(batch).logits["cnn"] for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (classifier.eval()(batch).logits["cnn"] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("averages", [(), (1, 2)])
def test_weights_on_disk_rebuild_it(tmp_path, averages):
    classifier = make(averages=averages).eval()
    weights = Weights(classifier.state_dict(), classifier.config())
    write_weights(weights, tmp_path / "classifier.safetensors")
    again = load_classifier(read_weights(tmp_path / "classifier.safetensors"))
    batch = make_batch()
    for name in classifier.branch_names:
        assert torch.equal(again(batch).logits[name], classifier(batch).logits[name])
    assert again.averages == averages
    assert list(again.modalities) == list(MODALITIES)


def test_weights_of_before_there_were_averages_are_read():
    classifier = make().eval()
    config = classifier.config()
    del config["averages"]
    again = load_classifier(Weights(classifier.state_dict(), config))
    assert again.averages == ()


def test_without_a_classical_branch_there_is_none():
    classifier = make(small(classical=ClassicalSettings(use=False))).eval()
    assert classifier.branch_names == tuple(classifier(make_batch()).logits) == tuple(BRANCHES)
    with pytest.raises(SettingsError, match="unknown fusion rule 'branch:classical'"):
        make(small(classical=ClassicalSettings(use=False), fusion="branch:classical"))


def test_the_classical_branch_can_decide_alone():
    classifier = make(small(fusion="branch:classical")).eval()
    assert classifier.fusion == "branch:classical"
    assert (
        classifier.parameter_count()
        - make(small(classical=ClassicalSettings(use=False))).parameter_count()
        == 5 * 4 * (5 * 7 + 24 + 1) + 1
    )  # maps; classes; channels, their six statistics, components; a leaf


def test_other_weights_are_refused():
    with pytest.raises(ArtifactError, match="weights of a classifier"):
        load_classifier(Weights({}, {"kind": "denoiser"}))


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="width is odd, not 10"):
        small(patch=10)
    with pytest.raises(SettingsError, match="unknown fusion rule 'vote'"):
        make(small(fusion="vote"))
    with pytest.raises(SettingsError, match="unknown branch 'rnn'"):
        make(small(branches=("rnn",)))
    with pytest.raises(SettingsError, match="unknown guide 'film'"):
        make(small(guides={"cnn": "film"}))
    with pytest.raises(SettingsError, match="unknown branches rnn"):
        make(small(guides={"rnn": "none"}))
    with pytest.raises(SettingsError, match="name one twice"):
        make(small(branches=("cnn", "cnn")))
    with pytest.raises(SettingsError, match="1 classes leave nothing"):
        make(classes=1)


def test_a_classifier_of_before_the_decision_is_refused_in_one_line():
    classifier = make()
    config = classifier.config()
    config["classifier"]["classical"]["inverse_temperature"] = 10.0
    tensors = {n: t for n, t in classifier.state_dict().items() if not n.startswith("decision.")}
    for known in (config, make().config()):
        with pytest.raises(ArtifactError, match="train again") as refused:
            load_classifier(Weights(tensors, known))
        assert "\n" not in str(refused.value)
