"""Every package hands out its public names, and loads no more than they need."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import pacpinn as pp
from pacpinn.runtime import lazy

ROOT = Path(pp.__file__).parent
PACKAGES = sorted(".".join(("pacpinn", *each.parent.relative_to(ROOT).parts)) for each in ROOT.rglob("__init__.py"))


def loaded_by(code: str, *modules: str) -> dict[str, bool]:
    """Which modules a process of its own has loaded after it ran `code`."""
    report = f"import sys; {code}; print([each in sys.modules for each in {modules}])"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return dict(zip(modules, eval(done.stdout), strict=True))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_can_be_imported(package):
    face = importlib.import_module(package)
    assert face.__all__
    assert all(getattr(face, name) is not None for name in face.__all__)
    assert sorted(set(face.__all__)) == dir(face)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_of_a_package_hides_a_public_name(package):
    """Once a module is imported, it is an attribute of its package: it would take the place of a name spelt alike."""
    face = importlib.import_module(package)
    folder = Path(face.__file__).parent
    modules = {each.stem for each in folder.glob("*.py")} | {each.name for each in folder.iterdir() if each.is_dir()}
    assert not modules & set(face.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match=r"module 'pacpinn' has no attribute 'solve_everything'$"):
        pp.solve_everything  # noqa: B018
    assert not hasattr(pp, "__path_of_no_package__")


def test_a_removed_name_says_what_to_do_instead():
    advice = (
        r"it was removed in version 0\.2: read images with torchvision\.datasets\.ImageFolder .* to Samples\.split$"
    )
    with pytest.raises(AttributeError, match=advice):
        pp.image_folder  # noqa: B018


def test_a_package_without_its_source_is_refused(monkeypatch):
    loader = type("Sourceless", (), {"get_source": staticmethod(lambda name: None)})
    monkeypatch.setattr(pp.__spec__, "loader", loader)
    with pytest.raises(ImportError, match=r"pacpinn is installed without its .py files"):
        lazy.face("pacpinn")


def test_the_package_loads_neither_torch_nor_deepxde():
    assert loaded_by("import pacpinn", "torch", "deepxde", "numpy") == {
        "torch": False,
        "deepxde": False,
        "numpy": False,
    }


@pytest.mark.parametrize("name", ["PAC", "PACRegressor", "Samples", "LevenbergMarquardt"])
def test_what_needs_no_equation_loads_no_deepxde(name):
    assert loaded_by(f"import pacpinn; pacpinn.{name}", "torch", "deepxde") == {"torch": True, "deepxde": False}


@pytest.mark.parametrize("name", ["Coefficient", "grid", "PacpinnError"])
def test_coefficients_and_errors_load_no_torch(name):
    assert loaded_by(f"import pacpinn; pacpinn.{name}", "torch") == {"torch": False}
