"""What travels to workers arrives as it was."""

import pytest

import pacpinn as pp
from pacpinn.continuation.calibration import PathSegment
from pacpinn.continuation.settings import StepContext
from pacpinn.continuation.solution import Base, SolutionOnBase
from pacpinn.continuation.step_control import StepResult
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
    segments = [
        PathSegment(old, pp.Coefficients(k=1.1), SolutionOnBase(family.targets[1], family.bases[0])),
        PathSegment(new, pp.Coefficients(k=1.5), None, (grown,)),
        PathSegment(new, pp.Coefficients(k=1.6), None, (grown,)),
    ]
    first, second, third = messages.loads(context, messages.pack_step(context, segments))
    assert [each.target.k for each in (first, second, third)] == [1.1, 1.5, 1.6]
    assert first.start.base is first.before.base is family.bases[0]
    assert first.start.solution.history == []
    assert same_bits(first.before.solution.z, family.targets[1].z)
    assert second.start.base is third.start.base is second.grown[0]
    assert second.start.base.coefficients == grown.coefficients
    assert same_bits(second.start.base.masked.weights, grown.masked.weights)
    assert (second.start.base.masked.free == grown.masked.free).all()


def test_a_further_base_travels_once_and_those_of_the_context_not_at_all(family, context, grown):
    target = pp.Coefficients(k=1.1)
    at_old, at_new = (PathSegment(SolutionOnBase(family.source, base), target) for base in (family.bases[0], grown))
    old, one, two = (
        len(messages.pack_step(context, [segment] * count))
        for segment, count in [(at_old, 1), (at_new, 1), (at_new, 2)]
    )
    weights = grown.masked.weights.numel() * grown.masked.weights.element_size()
    assert one - old > weights > two - one


def test_a_result_comes_back_on_the_base_from_which_it_started(family, context, grown):
    target = pp.Coefficients(k=1.3)
    segments = [PathSegment(SolutionOnBase(family.source, base), target) for base in (*family.bases, grown)]
    results = [StepResult(SolutionOnBase(family.targets[0], each.start.base)) for each in segments]
    back = messages.unpack_results(context, segments, messages.pack_results(context, results))
    assert [each.found.base for each in back] == [family.bases[0], grown]
    assert back[0].found.solution.history == family.targets[0].history
    assert back[0].grown == ()


def test_a_result_brings_new_bases_along_and_builds_on_the_last(family, context, grown):
    segments = [PathSegment(SolutionOnBase(family.source, family.bases[0]), pp.Coefficients(k=1.3))]
    other = Base(grown.masked.with_mask(grown.masked.free, True), pp.Coefficients(k=1.2))
    result = StepResult(SolutionOnBase(family.targets[0], grown), (other, grown))
    (back,) = messages.unpack_results(context, segments, messages.pack_results(context, [result]))
    assert [each.coefficients.k for each in back.grown] == [1.2, 1.4]
    assert back.found.base is back.grown[-1]


def test_the_context_is_the_same_bytes_again(context):
    one, again = messages.pack_context(context), messages.pack_context(context)
    assert one == again
    assert cloudpickle.loads(one).problem.name == context.problem.name


def test_modules_are_pickled_by_value_only_while_the_context_is(context):
    before = set(cloudpickle.list_registry_pickle_by_value())
    messages.pack_context(context)
    assert set(cloudpickle.list_registry_pickle_by_value()) == before
