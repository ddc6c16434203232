"""A file of each earlier version, as it was written then, is loaded as if it were of the present one."""

from pathlib import Path

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.family.file import container

SAMPLES = Path(__file__).parents[2] / "samples"
VERSIONS = range(1, container.VERSION + 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_loads_answers_and_extends(version, tmp_path):
    family = pp.load(SAMPLES / f"family-v{version}.pac")
    assert [c.damping for c in family] == [0.5, 0.6, 0.7]
    assert [each.status for each in family.values()] == ["converged"] * 3
    assert [each.steps for each in family.values()] == [57, 4, 6]
    for each in family.values():
        task = family.task(**each.coefficients)
        x, exact = task.reference_on_grid()
        difference = family.predict(x, **each.coefficients) - exact
        assert each.score.name == "relative L2 error"  # as it was then
        assert each.score.value == pytest.approx(np.linalg.norm(difference) / np.linalg.norm(exact), rel=1e-6)
        assert each.score.value < 1e-5
        assert len(each.history) > 0
    family.extend([{"damping": 0.75}])
    again = pp.load(family.save(tmp_path / "new.pac"))
    assert len(again) == 4
    x = np.linspace(0, 1, 5)[:, None]
    assert (again.predict(x, damping=0.6) == family.predict(x, damping=0.6)).all()


def test_the_sample_of_the_present_version_is_of_that_version():
    assert max(VERSIONS) == 2, "add a sample of the new version, and keep those of the old ones"
