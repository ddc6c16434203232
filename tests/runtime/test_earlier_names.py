"""Modules of version 0.1 are found by their earlier names, and so are the classes that its pickles name."""

import importlib
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.runtime.earlier_names import GONE, MODULES, RENAMED, install


@pytest.fixture(autouse=True)
def forgotten():
    """Forget earlier modules before and after, so that each test imports them for the first time."""

    def forget():
        for name in MODULES:
            sys.modules.pop(f"pacpinn.{name}", None)

    forget()
    yield
    forget()


@pytest.mark.filterwarnings("ignore:pacpinn.reduced is now:DeprecationWarning")  # the package of some of them
@pytest.mark.parametrize("name", MODULES)
def test_every_earlier_module_is_found_and_warns(name):
    with pytest.warns(DeprecationWarning, match=rf"pacpinn\.{name} is now pacpinn\..* until version 0\.3"):
        importlib.import_module(f"pacpinn.{name}")
    for successor in MODULES[name].split():
        importlib.import_module(f"pacpinn.{successor}")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("earlier", RENAMED)
def test_a_renamed_class_is_found_by_its_earlier_name(earlier):
    module, _, name = earlier.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    successors = MODULES[module.removeprefix("pacpinn.")].split()
    assert any(found is vars(importlib.import_module(f"pacpinn.{each}")).get(RENAMED[earlier]) for each in successors)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("pac", "PAC"),
        ("estimators", "PACRegressor"),
        ("samples", "Samples"),
        ("coefficient", "Coefficients"),
        ("settings", "Settings"),
        ("solvers.sequence", "InTurn"),
        ("reduced.online", "Answer"),  # in a package that went
        ("reduced.inverse", "Estimate"),
        ("refinement", "require_equation"),  # from a module that was split
    ],
)
def test_a_pickle_of_version_01_finds_its_classes(module, name):
    named = f"cpacpinn.{module}\n{name}\n.".encode()  # what a pickle holds of a class
    found = pickle.loads(named)
    assert found.__name__ == name
    assert found is getattr(pp, name, found)


@pytest.mark.filterwarnings("ignore")  # also of scikit-learn, about its own version
def test_estimators_pickled_by_version_01_answer_as_before():
    """A dict with a regressor, a classifier, points X and what both answered there when they were pickled."""
    was = pickle.loads((Path(__file__).parents[1] / "samples" / "estimators-v1.pickle").read_bytes())
    assert isinstance(was["regressor"], pp.PACRegressor)
    assert np.allclose(was["regressor"].predict(was["X"]), was["predicted"], rtol=1e-12)
    assert np.allclose(was["regressor"].source_.predict(was["X"]), was["source"], rtol=1e-12)
    assert (was["classifier"].predict(was["X"]) == was["classes"]).all()


def test_an_earlier_module_without_such_a_name_says_where_it_looked():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module("pacpinn.tree")
    with pytest.raises(
        AttributeError, match=r"'pacpinn\.tree', now pacpinn\.sweep\.target_tree, has no attribute 'oak'"
    ):
        module.oak  # noqa: B018


@pytest.mark.parametrize("name", GONE)
def test_what_went_says_so_however_it_is_imported(name):
    with pytest.raises(ModuleNotFoundError, match=rf"{name} went with version 0\.2; "):
        exec(f"from pacpinn import {name.removeprefix('pacpinn.')}")
    with pytest.raises(ModuleNotFoundError, match=rf"{name} went with version 0\.2; "):
        importlib.import_module(name)


def test_no_module_of_today_has_an_earlier_name():
    root = Path(pp.__file__).parent
    today = {".".join(each.relative_to(root).with_suffix("").parts) for each in root.rglob("*.py")}
    assert not today & (set(MODULES) | {name.removeprefix("pacpinn.") for name in GONE})


def test_other_modules_are_left_to_python():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'pacpinn\.nothing'"):
        importlib.import_module("pacpinn.nothing")


def test_installing_again_adds_nothing():
    before = list(sys.meta_path)
    install()
    assert sys.meta_path == before
