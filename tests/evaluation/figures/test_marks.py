"""Names that fit into legends."""

from bdgf.evaluation.figures.marks import NAME_CHARACTERS, class_patches, lines_of, wrapped


def test_names_are_wrapped_and_what_is_too_long_is_cut():
    assert wrapped("water") == "water"
    whole = wrapped("Industrial, commercial and private units")
    assert whole.replace("\n", " ") == "Industrial, commercial and private units"
    cut = wrapped("word " * 40)
    assert cut.endswith("...")
    assert cut.count("\n") == 2
    assert max(map(len, cut.split("\n"))) <= NAME_CHARACTERS
    assert lines_of(["water", "word " * 40]) == 4


def test_a_legend_has_the_classes_colours():
    one, other = class_patches(["a", "b"], ["#ff0000", "#00ff00"])
    assert (one.get_label(), other.get_facecolor()) == ("a", (0.0, 1.0, 0.0, 1.0))
