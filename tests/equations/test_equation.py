"""What an equation gives if its problem does not say."""

import torch

import pacpinn as pp
from tests.toys import Decay, Rotation


def residuals(equation, forward, **values):
    task = equation.task(**values)
    return {block.name: block for block in task.residuals(forward, task.everything())}


def test_the_network_sees_features_of_its_inputs():
    class Seen(Decay):
        def features(self, t, c):
            return torch.cat([t, c.k * t**2, torch.sin(t)], dim=1)

    task = Seen().task(k=2.0)
    batch = task.everything()
    given = []
    task.residuals(lambda x: given.append(x) or x.sum(dim=1, keepdim=True), batch)
    (x,) = given
    torch.testing.assert_close(x, torch.cat([batch.x, 2 * batch.x**2, torch.sin(batch.x)], dim=1))
    torch.testing.assert_close(task.inputs(batch), x)
    assert Seen().initial_network(seed=0).linears[0].in_features == 3
    family = pp.solve_family(Seen(), targets=[{"k": 1.1}], keep=0.5)
    assert family.targets[0].score.value < 1e-3


def test_the_default_network_fits_inputs_and_outputs():
    class Wide(Rotation):
        hidden = (5, 7)

    shapes = [tuple(each.shape) for each in Wide().initial_network(0).parameters() if each.ndim == 2]
    assert shapes == [(5, 1), (7, 5), (2, 7)]
