"""The library prints nothing: it is for the caller to say what is shown."""

import ast
from pathlib import Path

import pytest

import pacpinn as pp
from tests.toys import Decay, problem_file

PACKAGE = Path(pp.__file__).parent


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_but_the_command_line_prints(path):
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    prints = [each for each in calls if isinstance(each, ast.Name) and each.id == "print"]
    assert not prints or path.parent.name == "cli"


def test_solving_prints_nothing(capfd, tmp_path):
    family = pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5)
    family.extend([{"k": 1.2}])
    family.plot(tmp_path)
    pp.load(family.save(tmp_path / "f.pac"), Decay()).predict([[0.5]], k=1.1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_fresh_process_prints_nothing(run_python, tmp_path):
    problem_file(tmp_path)
    ran = run_python("""
import pacpinn as pp
family = pp.solve_family("mine.py", targets=[{"k": 1.1}], keep=0.5)
family.predict([[0.5]], k=1.1)
family.save("mine.pac")
""")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_help_does_not_wait_for_torch(run_python):
    ran = run_python("import sys, pacpinn; print(sorted({'torch', 'deepxde', 'numpy'} & set(sys.modules)))")
    assert ran.stdout == "[]\n"


def test_every_public_name_is_there(run_python):
    for name in pp.__all__:
        assert getattr(pp, name) is not None
    assert set(dir(pp)) == set(pp.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        pp.nothing  # noqa: B018
