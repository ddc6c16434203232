"""What survives when a solve is cut short, and what a second run makes of it."""

import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.errors import FamilyFileError, FamilyInUse, PacpinnError
from pacpinn.family.file import codec, provenance
from pacpinn.family.file.journal import Journal, locked
from pacpinn.solvers.base import Result, Status
from tests.sweep.lines import Lines
from tests.toys import Decay, SoftDecay, Waves, problem_file, same_family

RATES = pp.grid(k=np.geomspace(1.2, 3.0, 5))


def frozen_too_much(objective, z, report):
    """A solver that converges up to twice the coefficient at which a base was allocated: its first frozen weight."""
    k, masked = objective.task.coefficients.k, objective.masked
    if not masked.frozen_buffers:  # fit and allocation
        z = z.detach().index_fill(0, torch.tensor(0), k)
        return Result(z, Status.CONVERGED, steps=100, seconds=0.0, history=[0.0])
    status = Status.CONVERGED if k <= 2 * masked.weights[~masked.free][0] else Status.STALLED
    return Result(z.detach() + 0.01 * k, status, steps=1, seconds=0.0, history=[1.0])


WAYS = {
    "one by one": {"targets": RATES},
    "in batches": {"targets": RATES, "batch": 2},
    "over a range": {"within": {"k": (1.0, 2.5)}, "tolerance": 1e-3},
    "targets, then a range": {"targets": [{"k": 1.5}], "within": {"k": (1.0, 3.0)}, "tolerance": 1e-4},
    "new bases": {
        "problem": Lines(),
        "targets": pp.grid(k=[1.5, 3.0, 3.3, 3.6]),
        "solver": frozen_too_much,
        "halvings": 2,
        "bases": 2,
    },
    "fine-tuning": {"targets": RATES[:3], "method": "fine-tuning"},
    "from scratch": {"targets": RATES[:3], "method": "from-scratch"},
    "parametric": {"targets": RATES[:3], "method": "parametric"},
    "data": {"problem": Waves(), "targets": pp.grid(shift=[0.1, 0.2, 0.3]), "solver": pp.Adam(steps=5)},
}


def solved(progress=lambda _: None, problem=None, **asked):
    return pp.solve_family(problem or Decay(), keep=0.5, progress=progress, **asked)


@pytest.fixture(scope="module")
def whole():
    """Each family solved without an interruption, once."""
    found = {}

    def of(name):
        if name not in found:
            found[name] = solved(**WAYS[name])
        return found[name]

    return of


class Cut(Exception):
    """The end of a run, as by a kill."""


class After:
    """Progress that does something when so many members are solved: the source is the first."""

    def __init__(self, members, action):
        self.left, self.action = members, action

    def __call__(self, progress):
        self.left -= progress.solution is not None
        if self.left == 0 and progress.solution is not None:
            self.action()


def cut():
    raise Cut


def interrupt():
    raise KeyboardInterrupt


# Going on -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("members", [2, 3])
def test_a_killed_run_goes_on_to_the_same_family(whole, tmp_path, name, members):
    """The folder as it was at some moment is all that a killed process leaves."""
    path, moment = tmp_path / "run" / "family.pac", tmp_path / "moment"
    solved(After(members, lambda: shutil.copytree(path.parent, moment)), save=path, **WAYS[name])
    shutil.rmtree(path.parent)
    moment.rename(path.parent)
    begun = []
    again = solved(begun.append, resume=path, **WAYS[name])
    assert same_family(again, whole(name))
    assert same_family(pp.load(path, again.problem), whole(name))
    solving = {each.coefficients for each in begun if each.solution is None}
    assert not solving & set(list(again)[: members - again.requests[0].batch + 1 if name == "in batches" else members])
    assert [each.name for each in path.parent.iterdir()] == ["family.pac"]


@pytest.mark.parametrize("name", WAYS)
def test_an_interrupted_run_leaves_one_file_and_goes_on_to_the_same_family(whole, tmp_path, name, caplog):
    path = tmp_path / "family.pac"
    with pytest.raises(KeyboardInterrupt):
        solved(After(2, interrupt), save=path, **WAYS[name])
    assert re.search(r"kept in .*family\.pac: 1; --resume goes on", caplog.text)
    part = pp.load(path, whole(name).problem)
    assert (len(part), part.finished) == (2, False)
    assert same_family(solved(resume=path, **WAYS[name]), whole(name))


def test_a_base_that_was_grown_before_the_interruption_is_there_after_it(whole, tmp_path):
    path, asked = tmp_path / "family.pac", WAYS["new bases"]
    with pytest.raises(KeyboardInterrupt):
        solved(After(4, interrupt), save=path, **asked)
    assert len(pp.load(path, Lines()).bases) == 2
    assert same_family(solved(resume=path, **asked), whole("new bases"))


def test_several_interruptions_in_turn(whole, tmp_path):
    path = tmp_path / "family.pac"
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            solved(OneMore(), resume=path, **WAYS["one by one"])
    assert len(pp.load(path, Decay())) == 4
    assert same_family(solved(resume=path, **WAYS["one by one"]), whole("one by one"))


class OneMore:
    """Progress that interrupts once a member has been solved in this run."""

    def __init__(self):
        self.solving = False

    def __call__(self, progress):
        if progress.solution is not None and self.solving and progress.stage == "calibrate":
            raise KeyboardInterrupt
        self.solving = progress.solution is None


def test_an_error_in_a_users_formula_loses_nothing_that_is_solved(tmp_path, whole):
    path = tmp_path / "family.pac"
    with pytest.raises(Cut):
        solved(After(3, cut), save=path, **WAYS["one by one"])
    assert len(pp.load(path, Decay())) == 3
    assert same_family(solved(resume=path, **WAYS["one by one"]), whole("one by one"))


def test_nothing_there_is_where_to_begin(tmp_path, whole):
    assert same_family(solved(resume=tmp_path / "new" / "family.pac", **WAYS["one by one"]), whole("one by one"))


def test_a_finished_run_is_not_solved_again(tmp_path, whole):
    path, seen = tmp_path / "family.pac", []
    solved(save=path, **WAYS["one by one"])
    before = path.read_bytes()
    again = solved(seen.append, resume=path, **WAYS["one by one"])
    assert all(each.solution is not None for each in seen)
    assert len(seen) == len(again)
    assert same_family(again, whole("one by one"))
    assert path.read_bytes() == before


def test_parts_that_a_kill_has_left_beside_a_finished_family_go(tmp_path, whole):
    path = tmp_path / "family.pac"
    solved(save=path, **WAYS["one by one"])
    left = tmp_path / "family.pac.parts" / "0123456789abcdef.members"
    left.parent.mkdir()
    left.write_bytes(b"members that are in the family")
    (tmp_path / ".family.pac.4711").write_bytes(b"half of a file that another process was writing")
    assert same_family(solved(resume=path, **WAYS["one by one"]), whole("one by one"))
    assert [each.name for each in tmp_path.iterdir()] == ["family.pac"]


def test_a_family_that_is_interrupted_in_python_goes_on_too(whole):
    family = solved(targets=RATES[:1])
    whole_one = solved(targets=RATES[:1])
    whole_one.extend(RATES[1:])
    with pytest.raises(KeyboardInterrupt):
        family.extend(RATES[1:], After(2, interrupt))
    assert (len(family), family.finished) == (4, False)
    family.finish()
    assert same_family(family, whole_one)


@pytest.mark.parametrize("damage", [lambda there: there[:-7], lambda there: there[:-300] + b"?" + there[-299:]])
def test_a_part_that_is_damaged_is_solved_again(tmp_path, whole, caplog, damage):
    path, moment = tmp_path / "run" / "family.pac", tmp_path / "moment"
    solved(After(4, lambda: shutil.copytree(path.parent, moment)), save=path, **WAYS["one by one"])
    (members,) = (moment / "family.pac.parts").glob("*.members")
    members.write_bytes(damage(members.read_bytes()))
    begun = []
    again = solved(begun.append, resume=moment / "family.pac", **WAYS["one by one"])
    assert "the target and those after it are solved again" in caplog.text
    assert len({each.coefficients for each in begun if each.solution is None}) == 3
    assert same_family(again, whole("one by one"))


# What is not overwritten ----------------------------------------------------------------------------------------------

OTHERS = {
    "keep: 0.5 there, 0.6 asked": {"keep": 0.6},
    "seed: 0 there, 3 asked": {"seed": 3},
    "tolerance: the default there, 0.01 asked": {"tolerance": 1e-2},
    "solver: the default there, lbfgs asked": {"solver": "lbfgs"},
    "always_kept: the default there, ('*.bias',) asked": {"always_kept": ["*.bias"]},
    "source: k=1 there, k=1.1 asked": {"source": {"k": 1.1}},
    "5 targets (k=1.2 to k=3) there, the target k=1.2 asked": {"targets": RATES[:1]},
    "5 targets (k=1.2 to k=3) there, 5 targets (k=3 to k=1.2) asked": {"targets": RATES[::-1]},
    "5 targets (k=1.2 to k=3) there, the range k=1:2 to 0.001 with 40 members asked": {
        "targets": None,
        "within": {"k": (1.0, 2.0)},
    },
}


@pytest.mark.parametrize("how", ["save", "resume"])
@pytest.mark.parametrize("difference", OTHERS)
def test_another_run_in_its_place_is_refused_with_the_difference(finished, difference, how):
    before = finished.read_bytes()
    asked = {"keep": 0.5, "targets": RATES, **OTHERS[difference], how: finished}
    with pytest.raises(FamilyFileError, match=re.escape(difference)):
        pp.solve_family(Decay(), **asked)
    assert finished.read_bytes() == before


@pytest.fixture
def finished(tmp_path, whole):
    return whole("one by one").save(tmp_path / "family.pac")


def test_another_problem_in_its_place_is_refused(finished):
    with pytest.raises(FamilyFileError, match="name: decay there"):
        solved(problem=SoftDecay(), targets=RATES, save=finished)


def test_a_problems_file_that_has_changed_is_refused(tmp_path):
    file = problem_file(tmp_path)
    pp.solve_family(file, targets=[{"k": 1.1}], tolerance=0.05, save=tmp_path / "own.pac")
    file.write_text(file.read_text() + "\n# changed\n")
    with pytest.raises(FamilyFileError, match="its content has changed"):
        pp.solve_family(file, targets=[{"k": 1.1}], tolerance=0.05, resume=tmp_path / "own.pac")


def test_a_run_that_is_not_finished_is_not_begun_anew(tmp_path):
    path = tmp_path / "family.pac"
    with pytest.raises(KeyboardInterrupt):
        solved(After(3, interrupt), save=path, targets=RATES)
    with pytest.raises(
        FamilyFileError, match=r"not finished: 2 targets are solved; --resume goes on .* remove .*family\.pac"
    ):
        solved(save=path, targets=RATES)


def test_the_same_run_again_takes_its_place(finished, whole):
    again = solved(save=finished, targets=RATES)
    assert same_family(again, whole("one by one"))
    assert again.source.seconds != whole("one by one").source.seconds


def test_a_damaged_file_is_not_overwritten(finished):
    finished.write_bytes(finished.read_bytes()[:100])
    with pytest.raises(FamilyFileError, match="truncated, damaged"):
        solved(save=finished, targets=RATES)


@pytest.mark.parametrize("how", ["save", "resume"])
def test_more_than_goes_into_one_file_is_refused_before_any_work(tmp_path, monkeypatch, how):
    monkeypatch.setattr("pacpinn.family.file.codec._MOST_MEMBERS", 5)

    def never(progress):
        raise AssertionError("there was work")

    with pytest.raises(PacpinnError, match=r"6 members are asked for in .*family\.pac; one family file holds 5: solve"):
        solved(never, targets=RATES, **{how: tmp_path / "family.pac"})


def test_two_files_to_go_on_from_and_to_save_to(tmp_path):
    with pytest.raises(PacpinnError, match="two files; expected one"):
        solved(save=tmp_path / "a.pac", resume=tmp_path / "b.pac")


# One at a time --------------------------------------------------------------------------------------------------------


def test_a_second_run_on_a_file_in_use_is_refused(tmp_path):
    path = tmp_path / "family.pac"
    with locked(path), pytest.raises(FamilyInUse, match=r"solving or saving .*family\.pac"):
        solved(save=path, targets=RATES[:1])


def test_a_save_waits_for_another(family, tmp_path):
    path, order = tmp_path / "family.pac", []
    held, let_go = threading.Event(), threading.Event()

    def hold():
        with locked(path):
            held.set()
            let_go.wait()
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(0.2, let_go.set).start()
    family.save(path)
    order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_what_another_has_added_since_is_not_lost(family, tmp_path):
    path = family.save(tmp_path / "family.pac")
    one, other = (pp.load(path, Decay()) for _ in range(2))
    one.extend([{"k": 1.1}])
    other.extend([{"k": 1.2}])
    one.save(path)
    with pytest.raises(FamilyFileError, match="written by another process or thread since"):
        other.save(path)
    assert {"k": 1.1} in pp.load(path, Decay())
    other.save(tmp_path / "other.pac")


def test_a_family_saves_over_itself_as_often_as_it_likes(family, tmp_path):
    path = family.save(tmp_path / "family.pac")
    for k in (1.1, 1.2):
        family.extend([{"k": k}])
        family.save(path)
    assert len(pp.load(path, Decay())) == len(family)


def test_threads_that_extend_one_family_do_not_lose_each_others_targets(family):
    threads = [threading.Thread(target=family.extend, args=([{"k": k}],)) for k in (1.1, 1.2, 1.4, 1.45)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all({"k": k} in family for k in (1.1, 1.2, 1.4, 1.45))
    assert all(each.status == "converged" for each in family.values())


def test_threads_with_families_of_their_own_get_what_each_gets_alone(whole):
    found = {}

    def solve(name):
        found[name] = solved(**WAYS[name])

    names = ["one by one", "in batches", "data"]
    threads = [threading.Thread(target=solve, args=(name,)) for name in names]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(same_family(found[name], whole(name)) for name in names)


# In what order files come and go --------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path, whole):
    """Four members, two of them since it was begun."""
    journal, record = Journal(tmp_path / "family.pac", torch.device("cpu")), whole("one by one").record
    journal.begin(first(record, 2))
    for each in record.solutions[2:4]:
        journal.add(each, record.bases, None)
    return journal


def first(record, members):
    return replace(record, solutions=record.solutions[:members], finished=False)


def kept(journal, record):
    return len(journal.earlier_run(asked_of(record), record.problem, resume=True).solutions)


def asked_of(record):
    return provenance.run_spec(record.problem, record.solutions[0].coefficients, record.settings, record.requests)


@pytest.mark.parametrize("cut_off", [0, 1, 100])
def test_members_are_taken_in_their_order_as_far_as_they_are_whole(journal, whole, cut_off):
    record = whole("one by one").record
    (members,) = journal.folder.glob("*.members")
    members.write_bytes(members.read_bytes()[: members.stat().st_size - cut_off])
    there = journal.earlier_run(asked_of(record), record.problem, resume=True).solutions
    assert list(map(same_but_seconds, there)) == list(map(same_but_seconds, record.solutions[: 3 if cut_off else 4]))


def same_but_seconds(solution):
    return solution.coefficients, solution.z.tolist(), solution.history, solution.status


def test_every_byte_of_the_last_member_may_be_missing(journal, whole):
    record = whole("one by one").record
    (members,) = journal.folder.glob("*.members")
    content = members.read_bytes()
    last = 8 + int.from_bytes(content[:8], "little")  # where the second of the two members begins
    begun = codec.read_family(journal.folder / "begin.pac", record.problem, torch.device("cpu"))
    for length in range(last, len(content)):
        members.write_bytes(content[:length])
        assert len(codec.read_appended(begun, members).solutions) == 3


@pytest.mark.parametrize("call", range(4))
def test_a_resume_that_is_cut_short_at_any_of_its_files_loses_nothing(journal, whole, monkeypatch, call):
    record, left = whole("one by one").record, [call]

    def cut_at(action):
        def act(*arguments, **options):
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            return action(*arguments, **options)

        return act

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", cut_at(Path.unlink))
        patch.setattr("pathlib.Path.open", cut_at(Path.open))
        patch.setattr("pathlib.Path.replace", cut_at(Path.replace))
        with pytest.raises(Cut):
            journal.begin(first(record, 4))
    assert kept(journal, record) == 4


def test_members_of_another_run_do_not_pass_for_its_own(journal, whole):
    record = whole("one by one").record
    (journal.folder / "begin.pac").unlink()  # as a removal that was cut short leaves it
    journal.begin(first(record, 1))
    assert kept(journal, record) == 1
    assert len(list(journal.folder.iterdir())) == 2
