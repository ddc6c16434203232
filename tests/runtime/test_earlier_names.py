"""Modules of version 0.1 are found by their earlier names, and so are the classes that its pickles name."""

import importlib
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import pacpinn as pp
from pacpinn.runtime.earlier_names import MODULES, REMOVED, RENAMED, install


@pytest.fixture(autouse=True)
def forgotten():
    """Forget earlier modules before and after, so that each test imports them for the first time."""

    def forget():
        for name in MODULES:
            sys.modules.pop(name, None)

    forget()
    yield
    forget()


@pytest.mark.filterwarnings("ignore:pacpinn.reduced is now:DeprecationWarning")  # the package of one of them
@pytest.mark.parametrize("name", MODULES)
def test_every_earlier_module_is_found_and_warns(name):
    with pytest.warns(DeprecationWarning, match=rf"{name} is now {MODULES[name]}, .* until version 0\.3"):
        importlib.import_module(name)
    importlib.import_module(MODULES[name])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("earlier", RENAMED)
def test_a_renamed_class_is_found_by_its_earlier_name(earlier):
    module, _, name = earlier.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert found is vars(importlib.import_module(MODULES[module]))[RENAMED[earlier]]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("coefficient", "Coefficient Coefficients Count"),
        ("collocation", "Collocation Points"),
        ("equation_task", "EquationTask"),
        ("error_estimate", "ErrorEstimate"),
        ("estimators", "PACClassifier PACRegressor"),
        ("family", "Family"),
        ("inference", "Inference"),
        ("masked", "MaskedNetwork"),
        ("measurements", "Measurements"),
        ("own_loop", "Trainable _AllWeights"),
        ("pac", "Member PAC"),
        ("pruning", "Counts"),
        ("reduced.inverse", "Estimate"),
        ("refinement", "Refinement"),
        ("samples", "Samples"),
        ("scale", "Scale"),
        ("selection", "Choice"),
        ("sensitivity", "Calibrated"),
        ("settings", "Settings"),
        ("solution", "Base Singularity SingularPoint Solution"),
        ("solvers.adam", "Adam"),
        ("solvers.base", "Result Status"),
        ("solvers.lbfgs", "LBFGS"),
        ("solvers.levenberg_marquardt", "LevenbergMarquardt"),
        ("solvers.nncg", "NNCG"),
        ("solvers.sequence", "InTurn"),
        ("supervised", "Classification ClassificationTask Regression RegressionTask"),
        ("task", "Score"),
    ],
)
def test_a_pickle_of_version_01_finds_its_classes(module, names):
    for name in names.split():
        found = pickle.loads(f"cpacpinn.{module}\n{name}\n.".encode())  # what a pickle holds of a class
        assert found.__name__ == name
        assert found is getattr(pp, name, found)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("earlier", ["dask_pool.on", "heads.with_head", "methods.l2_sp"])
def test_a_documented_import_of_version_01_works(earlier):
    module, _, name = earlier.partition(".")
    assert callable(getattr(importlib.import_module(f"pacpinn.{module}"), name))


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
        module = importlib.import_module("pacpinn.masked")
    with pytest.raises(AttributeError, match=r"'pacpinn\.masked', now '.*\.masked_network', has no attribute 'oak'"):
        module.oak  # noqa: B018


@pytest.mark.parametrize("name", REMOVED)
def test_a_removed_name_says_so_however_it_is_imported(name):
    with pytest.raises(ModuleNotFoundError, match=rf"{name} was removed in version 0\.2: "):
        exec(f"from pacpinn import {name.removeprefix('pacpinn.')}")
    with pytest.raises(ModuleNotFoundError, match=rf"{name} was removed in version 0\.2: "):
        importlib.import_module(name)


def test_no_module_of_today_has_an_earlier_name():
    root = Path(pp.__file__).parent
    today = {".".join(("pacpinn", *each.relative_to(root).with_suffix("").parts)) for each in root.rglob("*.py")}
    assert not today & (set(MODULES) | set(REMOVED))


def test_other_modules_are_left_to_python():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'pacpinn\.nothing'"):
        importlib.import_module("pacpinn.nothing")


def test_installing_again_adds_nothing():
    before = list(sys.meta_path)
    install()
    assert sys.meta_path == before
