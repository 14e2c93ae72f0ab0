"""The section of a report about the decision."""

import pytest

from bdgf.evaluation.report_page.decision_section import decision_blocks
from bdgf.evaluation.report_page.page import Table, Text
from bdgf.scenes.classes import ClassTable

CLASSES = ClassTable((1, 2), ("water", "sand"), ("#0072b2", "#ddcc77"))


def decision(**changes):
    told = {
        "members": [
            {"name": "cnn", "weight": 0.75, "held_out_loss": 0.4},
            {"name": "trees (pixel)", "weight": 0.25, "held_out_loss": 0.5, "features": False},
        ],
        "temperature": 0.8,
        "held_out_loss": 0.35,
        "held_out_pixels": 1200,
        "held_out_blocks": 14,
        "prior": {"name": "training", "shares": [0.5, 0.5], "changed": None},
    }
    return told | changes


def parts(told):
    text, table = decision_blocks(told, CLASSES)
    assert isinstance(text, Text)
    assert isinstance(table, Table)
    return text, table


def test_it_lists_members_and_what_they_were_judged_on():
    text, table = parts(decision())
    assert "1,200 held-out pixels in 14 blocks" in str(text)
    assert "0.80" in str(text)
    assert [row[0] for row in table.rows] == ["cnn", "trees (pixel)", "all together"]
    assert table.rows[0][1].share == 0.75
    assert [row[2] for row in table.rows] == ["0.400", "0.500", "0.350"]


def test_without_evidence_it_says_so():
    members = [{"name": "cnn", "weight": 1.0, "held_out_loss": None}]
    text, table = parts(decision(members=members, held_out_loss=None, held_out_blocks=0))
    assert "No block" in str(text)
    assert table.rows[0][2] == "not held out"


def test_another_prior_is_told_with_its_effect():
    prior = {"name": "estimated", "shares": [0.9, 0.1], "changed": 0.031}
    text, _ = parts(decision(prior=prior))
    assert "water 90.0 %, sand 10.0 %" in str(text)
    assert "3.1 % of the pixels" in str(text)


@pytest.mark.parametrize(("kept", "said"), [(True, "the branches are"), (False, "no branch is")])
def test_a_choice_about_guidance_is_told(kept, said):
    losses = {"guided": 0.4, "unguided": 0.45 if kept else 0.35}
    text, _ = parts(decision(guidance={"kept": kept, "held_out_loss": losses}))
    assert f"{said} guided" in str(text)
    assert "weighed by how far" not in str(text)
    matched, _ = parts(decision(guidance={"kept": kept, "held_out_loss": losses, "matched": True}))
    assert "weighed by how far the scene lies from training pixels" in str(matched)
    assert "guided" not in str(parts(decision(guidance=None))[0])


def test_how_far_the_evidence_reaches_is_told():
    distance = {"held_out": 9.0, "held_out_most": 20.6, "map": 47.2, "beyond": 0.784}
    text, _ = parts(decision(distance=distance))
    assert "9 px from the nearest training pixel (median)" in str(text)
    assert "the pixels of the training scene 47 px" in str(text)
    assert "78.4 % of that scene lies farther from training pixels than 21 px" in str(text)
    assert "farther" not in str(parts(decision(distance=None))[0])
