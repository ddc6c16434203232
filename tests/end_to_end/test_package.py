"""The package as others install it: a wheel, and an editable install, used from another folder."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import pacpinn

ROOT = Path(__file__).parents[2]


def folders_with_python(name: str) -> list[Path]:
    files = [each.relative_to(ROOT) for each in (ROOT / name).rglob("*.py")]
    return sorted({each.parent for each in files})


def test_every_folder_of_python_files_is_named_in_pyproject():
    """A forgotten subpackage vanishes from the wheel, while an editable install hides it."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    ours = [".".join(each.parts) for each in folders_with_python("pacpinn")]
    problems = [".".join(("pacpinn", *each.parts)) for each in folders_with_python("problems")]
    assert sorted(setuptools["packages"]) == sorted(ours + problems)


# Installs -------------------------------------------------------------------------------------------------------------


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of what a build needs, so that it leaves nothing in the repository."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pacpinn", "problems"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--wheel-dir", folder, source)
    (built,) = folder.glob("pacpinn-*.whl")
    return built


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request, source, tmp_path_factory) -> Path:
    """The programs' folder of a virtual environment with pacpinn alone, which borrows all else from this one."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder, with_pip=False)
    programs = folder / "bin"
    what = [request.getfixturevalue("wheel")] if request.param == "wheel" else ["--editable", source]
    pip("--python", programs / "python", "install", "--no-deps", *what)
    (packages,) = folder.glob("lib/python*/site-packages")
    borrowed = [each for each in sys.path if each.endswith("-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    return programs


def run(programs: Path, folder: Path, *command: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DDE_BACKEND")}
    ran = subprocess.run(
        [programs / command[0], *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.slow
def test_the_wheel_ships_everything(wheel):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    ours = {str(each.relative_to(ROOT)) for each in (ROOT / "pacpinn").rglob("*.py")}
    problems = {f"pacpinn/{each.relative_to(ROOT)}" for each in (ROOT / "problems").rglob("*.py")}
    about = f"pacpinn-{pacpinn.__version__}.dist-info"
    assert {*ours, *problems, "pacpinn/py.typed", f"{about}/licenses/LICENSE"} <= shipped
    assert not [each for each in shipped if not each.startswith(("pacpinn/", about))]


@pytest.mark.slow
def test_an_install_works_from_any_folder(installed, tmp_path):
    place = run(installed, tmp_path, "python", "-c", "import pacpinn; print(pacpinn.__file__)")
    assert not Path(place).is_relative_to(ROOT)
    listed = run(installed, tmp_path, "pacpinn", "problems")
    assert all(name in listed for name in ("burgers", "heat", "oscillator", "friedman", "digits"))
    run(installed, tmp_path, "pacpinn", "solve", "burgers", "--targets", "nu=0.045", "--tolerance", "1")
    assert {"burgers.pac", "table.csv"} <= {each.name for each in (tmp_path / "burgers").iterdir()}
