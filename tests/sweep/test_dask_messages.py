"""What travels to workers arrives as it was."""

import pytest

import pacpinn as pp
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
from pacpinn.sweep.tree_step import StartPoint, StepContext
from tests.toys import same_bits

cloudpickle = pytest.importorskip("cloudpickle")
messages = pytest.importorskip("pacpinn.sweep.dask_messages")


@pytest.fixture
def context(family):
    return StepContext(family.problem, family.bases, family.settings)


@pytest.fixture
def grown(family):
    masked = family.bases[0].masked
    return Base(masked.with_mask(~masked.free, True), pp.Coefficients(k=1.4))


def test_a_step_arrives_with_its_bases(family, context, grown):
    old, new = SolutionOnBase(family.source, family.bases[0]), SolutionOnBase(family.targets[0], grown)
    starts = [
        (StartPoint(old, SolutionOnBase(family.targets[1], family.bases[0])), pp.Coefficients(k=1.1)),
        (StartPoint(new, None, (grown,)), pp.Coefficients(k=1.5)),
        (StartPoint(new, None, (grown,)), pp.Coefficients(k=1.6)),
    ]
    first, second, third = messages.loads(context, messages.pack_step(context, starts))
    assert [target.k for _, target in (first, second, third)] == [1.1, 1.5, 1.6]
    assert first[0].start.base is first[0].before.base is family.bases[0]
    assert first[0].start.solution.history == []
    assert same_bits(first[0].before.solution.z, family.targets[1].z)
    assert second[0].start.base is third[0].start.base is second[0].grown[0]
    assert second[0].start.base.coefficients == grown.coefficients
    assert same_bits(second[0].start.base.masked.weights, grown.masked.weights)
    assert (second[0].start.base.masked.free == grown.masked.free).all()


def test_a_further_base_travels_once_and_those_of_the_context_not_at_all(family, context, grown):
    at_old, at_new = (StartPoint(SolutionOnBase(family.source, base)) for base in (family.bases[0], grown))
    target = pp.Coefficients(k=1.1)
    old, one, two = (
        len(messages.pack_step(context, [(point, target)] * count))
        for point, count in [(at_old, 1), (at_new, 1), (at_new, 2)]
    )
    weights = grown.masked.weights.numel() * grown.masked.weights.element_size()
    assert one - old > weights > two - one


def test_a_result_comes_back_on_the_base_from_which_it_started(family, context, grown):
    starts = [
        (StartPoint(SolutionOnBase(family.source, base)), pp.Coefficients(k=1.3)) for base in (*family.bases, grown)
    ]
    results = [StepResult(SolutionOnBase(family.targets[0], point.start.base)) for point, _ in starts]
    back = messages.unpack_results(context, starts, messages.pack_results(context, results))
    assert [each.found.base for each in back] == [family.bases[0], grown]
    assert back[0].found.solution.history == family.targets[0].history
    assert back[0].grown == ()


def test_a_result_brings_new_bases_along_and_builds_on_the_last(family, context, grown):
    starts = [(StartPoint(SolutionOnBase(family.source, family.bases[0])), pp.Coefficients(k=1.3))]
    other = Base(grown.masked.with_mask(grown.masked.free, True), pp.Coefficients(k=1.2))
    result = StepResult(SolutionOnBase(family.targets[0], grown), (other, grown))
    (back,) = messages.unpack_results(context, starts, messages.pack_results(context, [result]))
    assert [each.coefficients.k for each in back.grown] == [1.2, 1.4]
    assert back.found.base is back.grown[-1]


def test_the_context_is_recognised_by_its_digest(context):
    one, again = messages.pack_context(context), messages.pack_context(context)
    assert one == again
    assert cloudpickle.loads(one.pickled).problem.name == context.problem.name


def test_modules_are_pickled_by_value_only_while_the_context_is(context):
    before = set(cloudpickle.list_registry_pickle_by_value())
    messages.pack_context(context)
    assert set(cloudpickle.list_registry_pickle_by_value()) == before
