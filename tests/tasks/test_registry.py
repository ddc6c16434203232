"""Finding a problem: by name, registered by another package, or in a user's own file."""

import importlib
import sys

import pytest

from pacpinn import get_problem
from pacpinn.errors import ProblemFileError, UnknownProblem
from pacpinn.tasks.registry import installed_problems
from tests.toys import Decay, SoftDecay, problem_file


@pytest.mark.parametrize("name", sorted(installed_problems()))
def test_every_installed_problem_is_found_by_its_name(name):
    assert get_problem(name).name == name


def test_an_unknown_name_lists_the_known():
    with pytest.raises(UnknownProblem, match=r"no problem 'burger'; known are: .*friedman.*; or give the path"):
        get_problem("burger")


def test_a_problem_is_found_in_a_file(tmp_path):
    problem = get_problem(problem_file(tmp_path))
    assert problem.name == "decay"
    assert dict(problem.task(k=2).coefficients) == {"k": 2.0}


def test_the_path_may_be_text(tmp_path):
    assert get_problem(str(problem_file(tmp_path))).name == "decay"


def test_two_files_of_one_name_do_not_stand_in_for_each_other(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = problem_file(tmp_path / "a", Decay), problem_file(tmp_path / "b", SoftDecay)
    assert [get_problem(each).name for each in (first, second, first)] == ["decay", "soft_decay", "decay"]


def test_a_file_that_changes_is_read_again(tmp_path):
    get_problem(problem_file(tmp_path, Decay))
    assert get_problem(problem_file(tmp_path, SoftDecay)).name == "soft_decay"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnknownProblem, match=r"there is no file .*nowhere\.py"):
        get_problem(tmp_path / "nowhere.py")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("import numpy as np\nx = np.nothing_of_the_kind\n", r"line 2: x = np\.nothing_of_the_kind  \(AttributeError"),
        ("import pacpinn\n\ndef f(:\n", r"line 3: def f\(:  \("),
        ("import no_such_package\n", r"line 1: import no_such_package  \(ModuleNotFoundError: .*no_such_package"),
        ("raise SystemExit('no')\n", r"line 1: raise SystemExit"),
    ],
    ids=["attribute", "syntax", "import", "exit"],
)
@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_a_file_that_does_not_import_shows_the_line(tmp_path, monkeypatch, text, shown, relative):
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProblemFileError, match=rf"broken\.py does not import: {shown}"):
        get_problem("broken.py" if relative else tmp_path / "broken.py")


def test_a_file_that_does_not_import_leaves_no_module_behind(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    before = set(sys.modules)
    with pytest.raises(ProblemFileError):
        get_problem(tmp_path / "broken.py")
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n", r"0 problems \(none\); expected a class"),
        ("from pacpinn import Equation\n", r"0 problems \(none\); expected a class"),
        ("from pacpinn import Equation\nclass Half(Equation):\n    hidden = (8,)\n", r"0 problems \(none\); expected"),
        (
            "from pacpinn.problems.friedman import Friedman\nclass A(Friedman): ...\nclass B(Friedman): ...\n",
            r"2 problems \(A, B\); say which is meant, as in mine\.py:A",
        ),
    ],
    ids=["nothing", "imported only", "abstract", "two"],
)
def test_a_file_without_a_problem_or_with_several(tmp_path, text, found):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ProblemFileError, match=rf"mine\.py holds {found}"):
        get_problem(tmp_path / "mine.py")


def test_of_several_problems_one_is_named(tmp_path):
    text = "from pacpinn.problems.friedman import Friedman\nclass A(Friedman): ...\nclass B(Friedman): ...\n"
    (tmp_path / "mine.py").write_text(text)
    assert get_problem(f"{tmp_path / 'mine.py'}:B").name == "b"
    with pytest.raises(ProblemFileError, match=r"2 problems \(A, B\); expected C among them"):
        get_problem(f"{tmp_path / 'mine.py'}:C")


def test_an_object_is_a_problem_too(tmp_path):
    text = "from pacpinn.problems.friedman import Friedman\nclass Mine(Friedman): ...\nproblem = Mine()\n"
    (tmp_path / "both.py").write_text(text)
    assert get_problem(tmp_path / "both.py").name == "mine"
    given = """import deepxde as dde
import pacpinn as pp


def growth(c):
    time = dde.geometry.TimeDomain(0, 1)
    start = dde.icbc.IC(time, lambda t: 1, lambda _, on_initial: on_initial)
    return dde.data.PDE(time, lambda t, u: dde.grad.jacobian(u, t) - c.rate * u, start, 16, 2)


problem = pp.from_deepxde(growth, dde.nn.FNN([1, 8, 1], "tanh", "Glorot normal"), {"rate": pp.Coefficient(1, 0.5, 2)})
"""
    (tmp_path / "given.py").write_text(given)
    assert get_problem(tmp_path / "given.py").name == "growth"


def test_a_problem_that_cannot_be_made_is_named(tmp_path):
    text = "from pacpinn.problems.friedman import Friedman\nclass Mine(Friedman):\n    def __init__(self, n): ...\n"
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ProblemFileError, match="Mine"):
        get_problem(tmp_path / "mine.py")


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """Another package, installed, that registers the problems `spring` and `friedman`."""
    problem_file(tmp_path, Decay, "third_party_spring.py")
    folder = tmp_path / "third_party-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    entries = "spring = third_party_spring\nfriedman = third_party_spring\n"
    (folder / "entry_points.txt").write_text(f"[pacpinn.problems]\n{entries}")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("third_party_spring", None)


@pytest.mark.usefixtures("third_party")
def test_another_package_registers_a_problem():
    assert installed_problems()["spring"] == "third_party_spring"
    assert get_problem("spring").name == "decay"


@pytest.mark.usefixtures("third_party")
def test_no_other_package_replaces_one_of_our_own():
    assert get_problem("friedman").name == "friedman"
