"""A family in a file, and back."""

import dataclasses
import functools
import json

import numpy as np
import pytest
import torch

import pacpinn as pp
from pacpinn.continuation.settings import Settings
from pacpinn.continuation.solution import Base
from pacpinn.errors import CoefficientError, DeviceError, FamilyFileError, UnknownProblem
from pacpinn.family.file import codec, container
from pacpinn.family.file.schema import ProblemHeader
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.transfer.pruning import kept_weights, layer_magnitude
from tests.toys import Decay, SoftDecay, Waves, batchnorm_network, problem_file, same_bits

T = np.linspace(0, 1, 13)[:, None]


@pytest.fixture
def saved(family, tmp_path):
    return family.save(tmp_path / "decay.pac")


@pytest.fixture(scope="module")
def waves():
    return pp.solve_family(Waves(), keep=0.5, solver=[pp.LBFGS(steps=3), pp.Adam(steps=3)], always_kept=["4.*"], seed=2)


# Round trips ----------------------------------------------------------------------------------------------------------


def test_members_come_back_bit_for_bit(family, saved):
    loaded = pp.load(saved, Decay())
    assert list(loaded) == list(family)
    for mine, its in zip(family.values(), loaded.values(), strict=True):
        assert same_bits(mine.z, its.z)
        rest = [{**vars(each), "z": None} for each in (mine, its)]
        assert rest[0] == rest[1]


def test_predictions_come_back_bit_for_bit(family, saved):
    loaded = pp.load(saved, Decay())
    for c in family:
        assert loaded.predict(T, **c).tobytes() == family.predict(T, **c).tobytes()


def test_buffers_and_parameters_that_are_not_trained_come_back(tmp_path):
    class Fixed(Waves):
        def network(self, seed):
            network = batchnorm_network(seed)
            network[4].requires_grad_(False)
            return network

    family = pp.solve_family(Fixed(), keep=0.5, solver=pp.Adam(steps=5))
    loaded = pp.load(family.save(tmp_path / "f.pac"), Fixed())
    assert family.network()[1].num_batches_tracked > 0
    for c in family:
        assert same_bits(loaded.network(**c), family.network(**c))


def test_settings_come_back(waves, tmp_path):
    loaded = pp.load(waves.save(tmp_path / "f.pac"), Waves()).settings
    assert dataclasses.replace(loaded, device=None, always_kept=("4.*",)) == dataclasses.replace(
        waves.settings, always_kept=("4.*",)
    )


def test_a_criterion_of_ones_own_is_no_obstacle(tmp_path):
    criterion = functools.partial(layer_magnitude)
    family = pp.solve_family(Waves(), keep=0.5, solver=pp.Adam(steps=1), criterion=criterion)
    assert len(pp.load(family.save(tmp_path / "f.pac"), Waves())) == 2


def test_a_dtype_comes_back(tmp_path):
    family = pp.solve_family(Decay(), targets=[{"k": 1.1}], keep=0.5, dtype=torch.float32, tolerance=0.05)
    loaded = pp.load(family.save(tmp_path / "f.pac"), Decay())
    assert loaded.predict(T, k=1.1).dtype == np.float32
    assert loaded.predict(T, k=1.1).tobytes() == family.predict(T, k=1.1).tobytes()


def test_targets_that_took_no_step_are_saved_too(tmp_path):
    family = pp.solve_family(Decay(), targets=pp.grid(k=[1.0001, 1.0002]), keep=0.5, tolerance=0.1)
    assert [each.steps for each in family.targets] == [0, 0]
    loaded = pp.load(family.save(tmp_path / "f.pac"), Decay())
    assert len(loaded) == 3


def test_a_loaded_family_extends_as_the_one_saved(family, saved):
    loaded = pp.load(saved, Decay())
    for each in (family, loaded):
        each.extend([{"k": 2.0}])
    assert same_bits(loaded[{"k": 2.0}].z, family[{"k": 2.0}].z)


def test_saving_again_after_loading_keeps_everything(saved, tmp_path):
    again = pp.load(pp.load(saved, Decay()).save(tmp_path / "again.pac"), Decay())
    for mine, its in zip(pp.load(saved, Decay()).values(), again.values(), strict=True):
        assert same_bits(mine.z, its.z)


def test_a_target_costs_its_free_weights_only(family, tmp_path):
    def size(members):
        part = pp.Family(family.problem, family.bases, members, family.settings)
        return part.save(tmp_path / "part.pac").stat().st_size

    source, first, second = family.values()
    longer = size([source, first, second]) - size([source, first])
    assert longer < 8 * len(second.z) + 8 * len(second.history) + 400


@pytest.mark.slow
class Wide(Decay):
    """Of some 2,000 weights."""

    hidden = (43, 43)


def test_a_hundred_targets_of_two_thousand_weights_take_less_than_a_mebibyte(tmp_path):
    problem = Wide()
    network = MaskedNetwork(problem.initial_network(0).double())
    base = network.with_mask(~kept_weights(network, 0.7), True)
    solution = pp.solve_family(Decay(), keep=0.5, targets=pp.grid(k=[1.1])).targets[0]
    z = torch.rand(len(base.start), dtype=torch.float64)
    members = [dataclasses.replace(solution, coefficients=problem.at({"k": 1 + i / 100}), z=z + i) for i in range(101)]
    members[0] = dataclasses.replace(members[0], z=base.start, parent=None)
    family = pp.Family(problem, [Base(base, members[0].coefficients)], members, Settings())
    assert len(base.weights) >= 2000
    assert len(z) >= 0.3 * len(base.weights) - 1
    assert family.save(tmp_path / "wide.pac").stat().st_size < 2**20
    assert len(pp.load(tmp_path / "wide.pac", problem)) == 101


def test_a_new_process_predicts_bit_for_bit_the_same(tmp_path, run_python):
    file = problem_file(tmp_path)
    family = pp.solve_family(file, targets=[{"k": 1.4}], keep=0.5)
    family.save(tmp_path / "decay.pac")
    np.save(tmp_path / "t.npy", T)
    code = """
import numpy as np, pacpinn as pp, torch
torch.set_num_threads(1)
family = pp.load("decay.pac", problem="mine.py")
np.save("answer.npy", family.predict(np.load("t.npy"), k=1.4))
"""
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr
    assert np.load(tmp_path / "answer.npy").tobytes() == family.predict(T, k=1.4).tobytes()


# Whose problem --------------------------------------------------------------------------------------------------------


def test_an_installed_problem_is_found_by_its_name(tmp_path):
    problem = pp.get_problem("friedman")
    family = pp.solve_family(problem, {"samples": 20}, [{"samples": 10}], solver=pp.Adam(steps=1))
    assert pp.load(family.save(tmp_path / "f.pac")).problem.name == "friedman"


def test_a_users_own_problem_must_be_given(saved):
    with pytest.raises(FamilyFileError, match=r"family of decay, which is not installed; .*problem='my_equation\.py'"):
        pp.load(saved)


@pytest.fixture
def own(tmp_path):
    """A family of a problem in a user's own file: the file, and the family's."""
    file = problem_file(tmp_path)
    family = pp.solve_family(file, targets=[{"k": 1.1}], keep=0.5, tolerance=0.05)
    return file, family.save(tmp_path / "own.pac")


def test_a_users_own_file_is_taken(own):
    file, saved = own
    assert pp.load(saved, problem=file).problem.name == pp.load(saved, problem=str(file)).problem.name == "decay"


def test_a_users_own_file_that_has_changed_is_refused(own):
    file, saved = own
    file.write_text(file.read_text() + "\n# changed\n")
    with pytest.raises(FamilyFileError, match=r"mine\.py is not the file with which .*own\.pac was solved"):
        pp.load(saved, problem=file)


def test_a_problem_object_is_taken_as_it_is(own):
    _, saved = own
    assert pp.load(saved, problem=Decay()).problem.name == "decay"


def test_another_problem_is_refused(saved, tmp_path):
    with pytest.raises(FamilyFileError, match="holds a family of decay, not of soft_decay"):
        pp.load(saved, problem=SoftDecay())


def test_a_file_of_another_problem_is_refused(own, tmp_path):
    _, saved = own
    with pytest.raises(FamilyFileError, match="not"):
        pp.load(saved, problem=problem_file(tmp_path, SoftDecay, "other.py"))


def test_a_problem_file_that_is_not_there_is_named(saved):
    with pytest.raises(UnknownProblem, match=r"nowhere\.py"):
        pp.load(saved, problem="nowhere.py")


def test_a_problem_whose_network_has_changed_is_refused(saved):
    class Wider(Decay):
        hidden = (9, 9)
        name = "decay"

    with pytest.raises(FamilyFileError, match="does not fit the problem it names"):
        pp.load(saved, problem=Wider())


def test_a_problem_whose_network_has_the_same_size_but_other_parts_is_refused(saved):
    class Other(Decay):
        name = "decay"

        def network(self, seed):
            return torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))

    assert sum(each.numel() for each in Other().network(0).parameters()) == 97
    with pytest.raises(FamilyFileError, match="does not fit the problem it names"):
        pp.load(saved, problem=Other())


# Bad files ------------------------------------------------------------------------------------------------------------


def rewritten(path, change):
    """The file with its header changed, and its digest right again."""
    stored = container.read_container(path, torch.device("cpu"))
    head, tensors = json.loads(stored.header), stored.tensors
    change(head, tensors)
    container.write_container(path, json.dumps(head), tensors)
    return path


CHANGES = {
    "no problem": lambda head, tensors: head["asked"].pop("problem"),
    "no base": lambda head, tensors: tensors.pop("base.0.weights"),
    "no weights": lambda head, tensors: tensors.pop("base.0.targets"),
    "fewer weights": lambda head, tensors: tensors.update({"base.0.targets": tensors["base.0.targets"][:, 1:]}),
    "fewer targets": lambda head, tensors: tensors.update({"base.0.targets": tensors["base.0.targets"][1:]}),
    "weights of another kind": lambda head, tensors: tensors.update(
        {"base.0.targets": tensors["base.0.targets"].int()}
    ),
    "a longer mask": lambda head, tensors: tensors.update({"base.0.free": tensors["base.0.free"].repeat(2)}),
    "a mask of another kind": lambda head, tensors: tensors.update({"base.0.free": tensors["base.0.free"].double()}),
    "fewer losses": lambda head, tensors: tensors.update({"losses": tensors["losses"][1:]}),
    "losses less than none": lambda head, tensors: head["members"][1].update(losses=-1),
    "unknown base": lambda head, tensors: head["members"][1].update(base=5),
    "a base before the first": lambda head, tensors: head["members"][1].update(base=-1),
    "unknown status": lambda head, tensors: head["members"][1].update(status="great"),
    "steps in words": lambda head, tensors: head["members"][1].update(steps="many"),
    "no number": lambda head, tensors: head["members"][1].update(coefficients={"k": "one"}),
    "unknown coefficient": lambda head, tensors: head["members"][1].update(coefficients={"q": 1.0}),
    "no setting": lambda head, tensors: head["asked"]["settings"].pop("keep"),
    "unknown dtype": lambda head, tensors: head["asked"]["settings"].update(dtype="float7"),
    "a dtype that is none": lambda head, tensors: head["asked"]["settings"].update(dtype="load"),
    "another shape": lambda head, tensors: head.update(members=3),
    "a request of another kind": lambda head, tensors: head["asked"].update(requests=[{"type": "wish"}]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_header_that_does_not_fit_is_refused(saved, change):
    with pytest.raises(FamilyFileError, match="does not fit the problem it names"):
        pp.load(rewritten(saved, change), Decay())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"asked":' * 100_000, "", "null", "[]", '{"asked": 1e999}'])
def test_text_that_is_no_header_is_refused(saved, text):
    container.write_container(saved, text, container.read_container(saved, torch.device("cpu")).tensors)
    with pytest.raises(FamilyFileError, match="does not fit the problem it names"):
        pp.load(saved, Decay())


def test_a_coefficient_out_of_its_range_is_refused(saved):
    with pytest.raises(CoefficientError, match="outside its range"):
        pp.load(rewritten(saved, lambda head, _: head["members"][1].update(coefficients={"k": 99.0})), Decay())


def test_a_path_in_place_of_a_name_is_not_run(saved, tmp_path):
    """A file that names a problem by its path would have its code run."""
    trap = tmp_path / "trap.py"
    trap.write_text("raise SystemExit('run')")
    change = {"name": str(trap), "installed": True}
    with pytest.raises(FamilyFileError, match="which is not installed"):
        pp.load(rewritten(saved, lambda head, _: head["asked"]["problem"].update(change)))


def test_a_truncated_file_is_refused(saved):
    whole = saved.read_bytes()
    for part in (0.1, 0.5, 0.9):
        saved.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(FamilyFileError, match=r"decay\.pac is truncated, damaged or not a pacpinn family file"):
            pp.load(saved, Decay())


def test_a_device_that_is_not_there(saved):
    with pytest.raises(DeviceError, match="'cuda:77' is not there"):
        pp.load(saved, Decay(), device="cuda:77")


def test_no_code_is_in_the_file(saved):
    """Read by safetensors alone: tensors and JSON text."""
    stored = container.read_container(saved, torch.device("cpu"))
    assert json.loads(stored.header)["asked"]["problem"]["name"] == "decay"
    assert set(stored.tensors) == {"base.0.weights", "base.0.free", "base.0.targets", "losses"}


@pytest.mark.parametrize("name", ["cavity", "heat_2d", "helmholtz", "korteweg_de_vries", "wave"])
def test_a_family_of_0_1_whose_problem_has_other_formulas_now_is_refused(name, tmp_path):
    header = ProblemHeader(name, installed=True, hash="", soft=False, span=None)
    with pytest.raises(FamilyFileError, match=f"in which {name} had other features.*Solve it again"):
        codec._require_formulas_of_0_1(tmp_path / "old.pac", header)
    codec._require_formulas_of_0_1(tmp_path / "old.pac", ProblemHeader("burgers", True, "", False, None))
