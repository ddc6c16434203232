"""What figures share."""

import numpy as np
import pytest
from matplotlib.ticker import MaxNLocator

from pacpinn.family.plots import style


def test_zeros_are_gaps_on_a_logarithmic_axis():
    np.testing.assert_array_equal(style.positive(np.array([1.0, 0.0, 2.0])), [1.0, np.nan, 2.0])


@pytest.mark.parametrize(("doc", "label"), [("rate", "k (rate)"), ("", "k")])
def test_a_label_says_the_meaning_if_it_is_known(doc, label):
    assert style.coefficient_label("k", doc) == label


def test_logarithmic_axes_have_plain_numbers():
    axes = style.new_figure(2.0).subplots()
    axes.set(xscale="log", xlim=(0.01, 0.5))
    style.log_ticks(axes.xaxis)
    ticks = axes.xaxis.get_major_locator().tick_values(0.01, 0.5)
    assert {0.01, 0.02, 0.03, 0.05, 0.1} <= set(ticks.round(9))
    assert axes.xaxis.get_major_formatter()(0.02) == "0.02"
    assert axes.xaxis.get_minor_formatter()(0.04) == ""
    style.log_ticks(axes.xaxis, MaxNLocator(3))
    assert isinstance(axes.xaxis.get_major_locator(), MaxNLocator)


def test_frames_are_open_and_outer_axes_labelled():
    panels = style.new_figure(2.0).subplots(2, 2)
    style.tidy(panels.flat)
    style.label_outer(panels, "x", "t")
    assert not any(axes.spines[side].get_visible() for axes in panels.flat for side in ("top", "right"))
    assert [axes.get_xlabel() for axes in panels.flat] == ["", "", "x", "x"]
    assert [axes.get_ylabel() for axes in panels.flat] == ["t", "", "t", ""]
