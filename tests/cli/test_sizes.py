"""Sizes in words, on a page of 80 columns and on a narrow one."""

import deepxde as dde
import pytest
import torch

import pacpinn as pp
from pacpinn.cli import tables
from pacpinn.cli.sizes import NamedSizes, sizes_of
from pacpinn.family.file.problem_state import restored
from tests.toys import Advection, Decay, SoftDecay, Waves

FLOW = NamedSizes(
    {"x": (-0.5, 1.0), "t": (0.0, 2_592_000.0)},
    {"u": (0.9943, 1.93), "v": (-0.0006815, 0.38), "T": (293.15, 25.0), "dose": (-0.0, 0.04449)},
    {
        **{f"residual {i}": size for i, size in enumerate((1.94, 40.2, 12_345.0), 1)},
        "condition 1 (DirichletBC)": 0.0431,
        "condition 2 (NeumannBC)": 3.2e-7,
    },
)


def test_numbers_are_short_and_stand_by_what_they_are_sizes_of():
    assert FLOW.lines(1000) == [
        "inputs x -0.5 to 1, t 0 to 2.592e+06; outputs u 1 ± 1.9, v 0 ± 0.38, T 293 ± 25, dose 0 ± 0.044; "
        "residuals 1.9, 40, 12000; conditions 0.043, 3.2e-07"
    ]


@pytest.mark.parametrize("width", [80, 40, 24])
def test_lines_fit_and_end_after_a_number(width):
    lines = FLOW.lines(width)
    assert max(map(len, lines)) <= width
    assert all(line.endswith((",", ";")) for line in lines[:-1])
    assert " ".join(lines) == FLOW.lines(1000)[0]


def test_what_a_problem_does_not_have_is_left_out():
    assert NamedSizes({}, {}, {"residual": 4.0}).lines(80) == ["residuals 4"]


def test_sizes_are_those_at_the_source():
    problem = SoftDecay()
    sizes, found = problem.sizes_at(problem.source), sizes_of(problem)
    assert found.inputs == {"t": (0, 1)}
    assert found.outputs == {"u": (sizes.offset.item(), sizes.size.item())}
    assert found.blocks == dict(zip(["residual", "condition 1 (IC)"], sizes.blocks.tolist(), strict=True))


def test_features_take_the_points_as_they_are():
    class Periodic(Advection):
        def features(self, x, c):
            angle = 2 * torch.pi * x[:, 0:1]
            return torch.cat([torch.sin(angle), torch.cos(angle), x[:, 1:2]], dim=1)

    assert sizes_of(Periodic()).inputs == {}
    assert list(sizes_of(Advection()).inputs) == ["x", "t"]


def test_a_network_that_keeps_the_problems_units_has_sizes_of_blocks_alone():
    def data(c):
        geometry = dde.geometry.TimeDomain(0, 1)
        start = dde.icbc.IC(geometry, lambda t: 1, lambda _, on_initial: on_initial)
        return dde.data.TimePDE(geometry, lambda t, u: dde.grad.jacobian(u, t) + c.rate * u, start, 16, 2)

    def network():
        found = dde.nn.FNN([1, 8, 1], "tanh", "Glorot normal")
        found.apply_output_transform(lambda t, u: 2 * u)
        return found

    found = sizes_of(pp.from_deepxde(data, network, {"rate": pp.Coefficient(1.0, low=0.5, high=2.0)}))
    assert (found.inputs, found.outputs) == ({}, {})
    assert len(found.blocks) == 2


def test_no_equation_and_a_family_of_version_01_have_none():
    for problem in (Waves(), restored(Decay(), None)):
        assert sizes_of(problem) is None
        assert list(tables.sizes(problem, 80)) == []


def test_further_lines_are_indented():
    first, *others = tables.sizes(Advection(), 40)
    assert first.startswith("sizes: inputs x 0 to 1, t 0 to 0.5;")
    assert others
    assert all(line.startswith(" " * 7) and not line[7].isspace() for line in others)
