"""Reports of benchmarks: rows, claims, and what is kept of an earlier run."""

from report import Report


def test_rows_that_are_not_measured_again_are_kept(tmp_path):
    first = Report("some", quick=False)
    for case in ("a", "b"):
        for seed in (0, 1):
            first.add(case=case, seed=seed)
    first.write(tmp_path)
    second = Report("some", quick=False)
    second.keep(tmp_path, {"case": ["a"], "seed": [1]})
    assert [(row["case"], row["seed"]) for row in second.rows] == [("a", 0), ("b", 0), ("b", 1)]


def test_without_an_earlier_run_there_is_nothing_to_keep(tmp_path):
    report = Report("some", quick=False)
    report.keep(tmp_path, {"case": ["a"]})
    assert not report.rows
