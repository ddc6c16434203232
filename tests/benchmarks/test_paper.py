"""The statistics, tasks and methods of the comparison with other transfer methods."""

import copy

import numpy as np
import pytest
import torch
from scipy import stats

import pacpinn as pp
from pacpinn.transfer.pruning import gauss_newton_diagonal
from paper.compare import chosen_of, divided
from paper.page import filled, targets
from paper.parts import inverted, magnitude, random
from paper.tasks import KINDS, transfers
from paper.variants import FLOOR, VARIANTS, in_metric, scales as metric_scales
from paper.verdict import counts, holm, middle, outcomes, paired, summary
from paper.ways import KEEPS, WAYS, Beginning, Setting, Sources, bytes_stored, published, source_after
from tests.toys import same_bits


def rows(**errors: list[float]) -> list[dict]:
    shared = {"task": "t", "kind": "regression", "solver": "Adam", "source": 1.0, "source before": 1.0}
    shared |= {"bytes": 8, "seconds": 0.1}
    return [
        {**shared, "way": way.replace("_", " "), "seed": seed, "target": error}
        for way, own in errors.items()
        for seed, error in enumerate(own)
    ]


# Statistics -----------------------------------------------------------------------------------------------------------


def test_means_have_student_intervals():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert middle(values, "regression") == pytest.approx((2.5, low, high))


def test_errors_of_equations_are_averaged_in_the_logarithm():
    centre, low, high = middle(np.array([1e-4, 1e-2]), "partial equation")
    assert centre == pytest.approx(1e-3)
    assert low < centre < high


def test_holm_corrects_the_smallest_most():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_equal_pairs_are_no_difference():
    assert paired(np.ones(4), np.ones(4)) == 1.0


def test_the_best_method_is_first():
    _, lines = summary(rows(PAC=[2.0, 2.0], other=[1.0, 1.5]))
    assert [line["way"] for line in lines] == ["other", "PAC"]
    assert lines[0]["worst"] == 1.5


@pytest.mark.parametrize(
    ("pac", "baseline", "word"), [(0.5, 1.0, "for"), (0.95, 1.0, "equal"), (1.0, 0.95, "equal"), (1.0, 0.5, "against")]
)
def test_what_a_task_counts_as(pac, baseline, word):
    noise = 1e-3 * np.random.default_rng(0).normal(size=(2, 10))
    found = outcomes(
        rows(PAC=list(pac + noise[0]), baseline=list(baseline + noise[1]), worse=[3.0 + n for n in noise[0]])
    )
    assert [each["counts"] for each in found] == [word]
    assert found[0]["baseline"] == "baseline"


def test_ten_seeds_can_decide_against_seven_baselines():
    baselines = {f"baseline_{k}": list(np.linspace(1.0, 1.1, 10) + 0.1 * k) for k in range(7)}
    (found,) = outcomes(rows(PAC=list(np.linspace(0.5, 0.6, 10)), **baselines))
    assert found["p"] < 0.05
    assert found["counts"] == "for"


def test_variants_and_copies_are_no_baselines():
    (found,) = outcomes(
        rows(**{"PAC": [1.0] * 10, "PAC, gradual": [0.1] * 10, "a copy": [0.1] * 10, "baseline": [2.0] * 10})
    )
    assert found["baseline"] == "baseline"


def test_two_seeds_are_too_few_for_any_verdict():
    (found,) = outcomes(rows(PAC=[0.1, 0.1], baseline=[1.0, 1.1]))
    assert counts(found, [found]) == "equal"


# Tasks ----------------------------------------------------------------------------------------------------------------


def test_every_kind_has_open_tasks_and_one_held_out():
    for kind in {each.kind for each in transfers()}:
        held = {each.problem(0).name for each in transfers() if each.kind == kind and each.held_out}
        seen = {each.problem(0).name for each in transfers() if each.kind == kind and not each.held_out}
        assert len(held) == 1
        assert not held & seen


def test_names_are_unique():
    names = [each.name for each in transfers()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("transfer", [each for each in transfers() if not each.held_out], ids=lambda each: each.name)
def test_source_and_target_can_be_made_and_differ(transfer):
    problem = transfer.problem(3)
    source, target = problem.task(**transfer.source), transfer.task(3)
    assert source.coefficients != target.coefficients
    assert target.tolerance is None
    if transfer.points is not None:
        assert target.equation.points.domain == transfer.points < source.equation.points.domain
    if isinstance(target, pp.RegressionTask | pp.ClassificationTask):
        assert len(target.samples.x_train) == int(target.coefficients["samples"])


# Methods --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_method_has_six_settings_without_repetition(kind):
    for way in WAYS.values():
        assert len(set(way.settings(kind))) == 6


def test_a_strength_is_against_the_sum_of_the_samples_losses(learnt):
    assert Setting(2.0).penalty(learnt.target) == pytest.approx(2 / 25)
    assert Setting(2.0).penalty(pp.get_problem("oscillator").task()) == 2.0


def test_the_setting_with_the_least_mean_validation_loss_is_chosen():
    row = {"task": "t", "kind": "regression", "solver": "Adam", "way": "PAC"}
    losses = [(Setting(0.0), 1.0), (Setting(1.0), 2.0), (Setting(0.0), 3.0), (Setting(1.0), 1.5)]
    rows = [row | {"setting": setting, "loss": loss} for setting, loss in losses]
    assert chosen_of(rows) == {("t", "Adam", "PAC"): Setting(1.0)}


def test_validation_data_are_no_part_of_training():
    transfer = next(each for each in transfers() if each.name.startswith("burgers") and each.points)
    part, judge = divided(transfer, 0)
    assert (part.equation.points.domain, judge.equation.points.domain) == (48, 16)
    part, judge = divided(next(each for each in transfers() if each.name == "friedman, 100"), 0)
    assert part is judge
    assert (len(part.samples.x_train), len(part.samples.x_valid)) == (75, 25)


@pytest.fixture(scope="module")
def learnt():
    """A source of few samples, and a target with a new head."""
    transfer = next(each for each in transfers() if each.name == "digits 5 to 9, 25")
    problem = transfer.problem(0)
    task = problem.task(samples=60)
    sources = Sources.__new__(Sources)
    sources.task, sources.seed, sources._bases = task, 0, {}
    sources.initial = problem.initial_network(0).to(task.dtype)
    few = pp.Adam(steps=3)
    pac = pp.PAC(sources.initial)
    pac.fit(task, few)
    sources.fitted = sources.longer = pac._source
    for keep in KEEPS:
        pac.prune(keep)
        pac.allocate(task, few)
        sources._bases[published, keep] = pac.base
    return Beginning(sources, problem.task(**transfer.target(0)), transfer.head(0), few)


@pytest.mark.parametrize("name", [*WAYS, "PAC, metric"])
def test_every_method_learns_a_target_with_a_head_of_its_own(learnt, name):
    way = (WAYS | VARIANTS)[name]
    setting = way.settings("classification")[0]
    method = way.begin(learnt, setting)
    result = method.train(learnt.target, pp.Adam(steps=2), 1e-4)
    x = learnt.target.inputs(learnt.target.everything())
    assert method.masked.module(result.z)(x).shape == (25, 5)
    after = source_after(learnt, method, result.z, way, setting)
    base = way.source(learnt.sources, setting)
    before = base.module(base.start)
    assert same_bits(after, before) == (way.keeps_source or name == "last layer")
    assert bytes_stored(method) > 0


def test_coordinates_in_a_metric_give_the_same_network_with_plain_names(learnt):
    base = learnt.headed(learnt.sources.base(0.3, published))
    scales = torch.linspace(0.5, 2, len(base.weights)).where(base.free, 1.0)
    masked = in_metric(base, scales)
    z = torch.linspace(-1, 1, len(base.start))
    ours, theirs = masked.module(z * scales[base.free]), base.module(z)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    x = learnt.target.inputs(learnt.target.everything())
    assert torch.allclose(ours(x), theirs(x), atol=1e-5)
    assert torch.allclose(masked.forward(z * scales[base.free])(x), theirs(x), atol=1e-5)


def test_the_metric_is_of_the_sources_residuals_and_leaves_frozen_weights_alone(learnt):
    base = learnt.sources.base(0.3, published)
    found = metric_scales(base, base, learnt)
    diagonal = gauss_newton_diagonal(base, learnt.sources.task)
    relative = diagonal[base.free] / diagonal[base.free].mean()
    assert torch.allclose(found[base.free] ** 2, (relative + FLOOR).float())
    assert (found[~base.free] == 1).all()


def test_pac_stores_less_than_fine_tuning(learnt):
    stored = {
        name: bytes_stored(WAYS[name].begin(learnt, WAYS[name].settings("classification")[-1]))
        for name in ("PAC", "fine-tuning")
    }
    assert stored["PAC"] < 0.5 * stored["fine-tuning"]


@pytest.mark.parametrize("keep", [0.1, 0.3, 0.7])
def test_random_and_inverted_masks_keep_as_many_and_the_inverted_one_the_smallest(learnt, keep):
    masks = [mask(learnt.sources, keep) for mask in (magnitude, random, inverted)]
    assert len({int(mask.sum()) for mask in masks}) == 1
    size = learnt.sources.fitted.weights.abs()
    assert size[masks[2]].max() <= size[~masks[2]].min()
    other = copy.copy(learnt.sources)
    other.seed = 1
    assert not torch.equal(masks[1], random(other, keep))


# Page -----------------------------------------------------------------------------------------------------------------


def test_tables_go_between_their_marks_and_nothing_else_changes():
    page = "before\n<!-- verdict, open -->\nold\n<!-- end -->\nafter"
    once = filled(page, {"verdict, open": "new"})
    assert once == "before\n<!-- verdict, open -->\nnew\n<!-- end -->\nafter"
    assert filled(once, {"verdict, open": "new"}) == once


def test_empty_marks_are_filled_without_what_lies_between_two():
    page = "<!-- a -->\n<!-- end -->\nbetween\n<!-- b -->\n<!-- end -->\n"
    filled_once = "<!-- a -->\n1\n<!-- end -->\nbetween\n<!-- b -->\n2\n<!-- end -->\n"
    assert filled(page, {"a": "1", "b": "2"}) == filled_once


def test_a_table_that_there_is_none_of_stays():
    page = "<!-- a -->\n1\n<!-- end -->\n<!-- b -->\n2\n<!-- end -->\n"
    assert filled(page, {"b": "3"}) == page.replace("2", "3")


def test_the_best_method_is_in_bold_with_its_interval():
    lines = targets(rows(PAC=[2.0, 2.0], baseline=[1.0, 1.0]), "regression").splitlines()
    assert lines[-1] == "| baseline | **1** (1 to 1) |"
