"""Sizes: what networks see and give in them, what errors are relative to, and which a user may state."""

import numpy as np
import pytest
import torch

from pacpinn.equations.sizes import Sizes, require_blocks, stated_block
from pacpinn.errors import SizeError
from tests.equations.units import Mixed, Rod, in_units
from tests.toys import Rotation, SoftDecay


def tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


SIZES = Sizes.of(
    tensor(0.5, 20),
    tensor(0.5, 10),
    tensor(650),
    tensor(350),
    tensor(200),
    tensor(8, 3),
    names=["residual", "condition 1 (IC)"],
)


def test_the_box_is_minus_one_to_one_and_outputs_are_offset_and_size():
    corners = torch.tensor([[0.0, 10.0], [1.0, 30.0], [0.5, 20.0]], dtype=torch.float64)
    assert SIZES.scaled_inputs(corners).tolist() == [[-1, -1], [1, 1], [0, 0]]
    assert SIZES.sized_outputs(tensor(-1, 0, 1)[:, None])[:, 0].tolist() == [300, 650, 1000]
    assert SIZES.block_size(1, tensor(1.0, 2.0)).tolist() == [3]


def test_values_keep_their_dtype():
    x = torch.ones(3, 2)
    assert SIZES.scaled_inputs(x).dtype == SIZES.sized_outputs(x[:, :1]).dtype == torch.float32
    assert SIZES.block_size(0, x[:, 0]).dtype == torch.float32


def test_unit_sizes_change_nothing():
    x = torch.rand(5, 2, dtype=torch.float64)
    unit = Sizes.unit(2, 2, 1)
    assert torch.equal(unit.scaled_inputs(x), x)
    assert torch.equal(unit.sized_outputs(x), x)
    assert torch.equal(x[:, 0] / unit.block_size(0, x[:, 0]), x[:, 0])


def test_several_targets_have_sizes_of_their_own():
    problem = SoftDecay()
    tasks = [problem.task(k=k) for k in (0.5, 4.0)]
    together = Sizes.stacked([problem.sizes_at(each.coefficients) for each in tasks])
    x, y = torch.ones(6, 1, dtype=torch.float64), torch.arange(6.0, dtype=torch.float64)[:, None]
    for k, task in enumerate(tasks):
        rows, own = slice(3 * k, 3 * k + 3), problem.sizes_at(task.coefficients)
        torch.testing.assert_close(together.scaled_inputs(x)[rows], own.scaled_inputs(x[rows]))
        torch.testing.assert_close(together.sized_outputs(y)[rows], own.sized_outputs(y[rows]))
        assert together.block_size(0, y)[k].item() == pytest.approx(own.blocks[0].item())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([300, 500, 700], np.std([300, 500, 700])),
        ([640, 640, 640.1], 200),  # next to nothing beside the variation that is expected, 200, as is true of 640
        ([5, 5, 5], 5),
        ([0, 0, 0], 200),
        ([1e200, 3e200, 2e200], 1e200 * np.std([1, 3, 2])),
    ],
    ids=["varying", "constant", "small constant", "zero", "squares overflow"],
)
def test_errors_are_relative_to_the_variation_or_to_the_size_of_a_constant(values, expected):
    assert SIZES.yardstick(np.array(values, dtype=float)[:, None]) == pytest.approx([expected])


def test_every_output_has_a_yardstick_of_its_own():
    sizes = Sizes.unit(1, 2, 0)
    assert sizes.yardstick(np.array([[1.0, 10.0], [3.0, 30.0]])) == pytest.approx([1, 10])


def with_sizes(kind, **sizes):
    problem = type("Sized", (kind,), {"sizes": {key.replace("_", " "): each for key, each in sizes.items()}})()
    return lambda: problem.sizes_at(problem.source)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"u": 0}, r"sizes\['u'\] of sized is 0; expected a size above 0"),
        ({"u": -2.0}, r"sizes\['u'\] of sized is -2.0; expected a size above 0"),
        ({"u": (1.0, 0.0)}, r"is \(1.0, 0.0\); expected a size above 0"),
        (
            {"u": float("nan")},
            r"sizes\['u'\] of sized is nan; expected a size above 0, or of an output \(offset, size\)",
        ),
        ({"u": (0, float("inf"))}, r"is \(0, inf\); expected a size above 0, or of an output \(offset, size\)"),
        ({"u": (1, 2, 3)}, r"is \(1, 2, 3\); expected a size above 0, or of an output \(offset, size\)"),
        ({"u": "large"}, r"is 'large'; expected a size"),
        ({"u": None}, r"is None; expected a size"),
        ({"t": 5}, r"sizes\['t'\] of sized is 5; expected the ends of the input, as \(0, 0.04\)"),
        ({"t": (1, 1)}, r"is \(1, 1\); expected low < high"),
        ({"t": (0, float("inf"))}, r"is \(0, inf\); expected the ends"),
        ({"residual": 0.0}, r"sizes\['residual'\] of sized is 0.0; expected a size above 0"),
        ({"condition_1": (1, 2)}, r"sizes\['condition 1'\] of sized is \(1, 2\); expected a size above 0"),
        ({"v": 1.0}, r"size of 'v', which it does not have; expected one of: t, u, or a residual block, such as"),
        ({"residual_2": 1.0}, r"size of 'residual 2', .* expected one of: residual, condition 1 \(IC\)"),
        (
            {"condition_7": 1.0},
            r"size of 'condition 7', which it does not have; expected one of: residual, condition 1",
        ),
    ],
)
def test_what_is_no_size_is_refused(sizes, message):
    with pytest.raises(SizeError, match=message):
        with_sizes(SoftDecay, **sizes)()


def test_blocks_are_named_with_their_kind_or_without():
    assert with_sizes(SoftDecay, **{"condition 1 (IC)": 4.0})().blocks[1].item() == pytest.approx(4)
    assert stated_block({"residual 1": 2}, "residual 1") == 2
    assert stated_block({"residual 1": 2}, "residual 10") is None
    require_blocks({"residual 2": 1.0}, ["residual 1", "residual 2"], "any")


def test_sizes_of_a_system_are_stated_by_name():
    sizes = with_sizes(Rotation, **{"v": (3.0, 5.0), "residual 2": 7.0, "t": (0, 4)})()
    assert (sizes.offset[1].item(), sizes.size[1].item()) == pytest.approx((3, 5))
    assert sizes.blocks[1].item() == pytest.approx(7)
    assert (sizes.centre.item(), sizes.half.item()) == (2, 2)


def test_what_the_network_gives_is_the_solution_in_its_own_units():
    problem = in_units(Mixed, 1e-3, (1.0, 1e3))
    x = np.array([[0.0], [1e-3]])
    found = problem.task().predict(lambda seen: torch.cat([seen, 0 * seen], dim=1), x)
    np.testing.assert_allclose(found[:, 0], [300, 1000])
    sizes = Rod().sizes_at(Rod().source)
    assert (sizes.offset.item(), sizes.size.item()) == pytest.approx((650, 350))
