"""Faults that are real: killed processes, a full disk, a folder that may only be read."""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pacpinn as pp
from tests.toys import Decay, problem_file, same_family

KILLS = 50
ASKED = {"targets": pp.grid(k=np.geomspace(1.2, 4.0, 10)), "keep": 0.5}


def in_a_process_of_its_own(work) -> int:
    """Fork, work, end without a word; the child's process id."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_fifty_runs_killed_at_random_moments_go_on_to_the_same_family(tmp_path):
    whole = pp.solve_family(Decay(), **ASKED)
    began = time.perf_counter()
    assert ended(in_a_process_of_its_own(lambda: pp.solve_family(Decay(), save=tmp_path / "w" / "f.pac", **ASKED))) == 0
    seconds = time.perf_counter() - began
    moments, killed = random.Random(0), 0
    for k in itertools.count():
        path = tmp_path / str(k) / "family.pac"
        child = in_a_process_of_its_own(lambda path=path: pp.solve_family(Decay(), resume=path, **ASKED))
        time.sleep(seconds * (killed + moments.random()) / KILLS)
        os.kill(child, signal.SIGKILL)
        if ended(child) == -signal.SIGKILL:
            killed += 1
        else:
            seconds *= 0.95  # it had ended: the machine was slower when the whole run was timed
        assert ended(in_a_process_of_its_own(lambda path=path: pp.solve_family(Decay(), resume=path, **ASKED))) == 0
        assert same_family(pp.load(path, Decay()), whole)
        assert [each.name for each in path.parent.iterdir()] == ["family.pac"]
        shutil.rmtree(path.parent)
        if killed == KILLS:
            break


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_asked_to_end_saves_says_so_and_goes_on(tmp_path, sent, code):
    file = problem_file(tmp_path)
    command = [sys.executable, "-m", "pacpinn", "solve", str(file), "--targets", f"k={','.join(map(str, RATES))}"]
    command += ["--output", str(tmp_path / "run")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a job in the background ignores
    )
    parts = tmp_path / "run" / "decay.pac.parts"
    while not sum(each.stat().st_size for each in parts.glob("*.members")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "targets solved and kept in" in err
    assert err.rstrip().endswith("interrupted")
    assert "Traceback" not in err
    part = pp.load(tmp_path / "run" / "decay.pac", file)
    assert 2 <= len(part) < 1 + len(RATES)
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert again.returncode == 0, again.stderr
    assert f"{len(RATES)} of {len(RATES)} targets converged" in again.stdout


RATES = np.geomspace(1.01, 3.0, 40).round(4).tolist()


def on_a_small_disk(tmp_path: Path, code: str) -> subprocess.CompletedProcess:
    """Run code in a folder ``disk``, a file system of 64 kB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = tmp_path / "script.py"
    script.write_text(code)
    mount = f"mount -t tmpfs -o size=64k tmpfs {disk}"
    run = f"cd {disk} && {sys.executable} {script}"
    here = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
    }
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mount} && {run}"]
    return subprocess.run(own, capture_output=True, text=True, env=here, timeout=300, check=False)


def _can_mount() -> bool:
    trial = "unshare --map-root-user --mount sh -c 'mount -t tmpfs tmpfs /mnt'"
    return subprocess.run(trial, shell=True, capture_output=True, check=False).returncode == 0


needs_a_disk = pytest.mark.skipif(not _can_mount(), reason="this system lets nobody mount a file system")


@pytest.mark.slow
@needs_a_disk
def test_a_full_disk_leaves_the_previous_file_whole(tmp_path):
    code = """
import os, pathlib, sys, torch
import pacpinn as pp
from tests.toys import Decay, same_family
torch.set_num_threads(1)

def fill():
    try:
        with open("rest", "wb") as file:
            while True:
                file.write(b"0" * 512)
                file.flush()
    except OSError:
        pass

targets = pp.grid(k=[1.1, 1.2, 1.3, 1.4])
family = pp.solve_family(Decay(), targets=targets[:1], save="family.pac", keep=0.5)
whole = pathlib.Path("family.pac").read_bytes()
fill()
family.extend(targets[1:])
try:
    family.save("family.pac")
    sys.exit("saved on a full disk")
except pp.PacpinnError as problem:
    print(problem)
assert pathlib.Path("family.pac").read_bytes() == whole
try:
    pp.solve_family(Decay(), targets=targets, save="other.pac", keep=0.5)
    sys.exit("solved on a full disk")
except pp.PacpinnError as problem:
    print(problem)
os.remove("rest")

def at_the_second(progress):
    if progress.solution is not None and progress.coefficients.k == 1.2:
        fill()

try:
    pp.solve_family(Decay(), targets=targets, save="other.pac", progress=at_the_second, keep=0.5)
    sys.exit("solved on a full disk")
except pp.PacpinnError as problem:
    print(problem)
os.remove("rest")
solved = []
again = pp.solve_family(Decay(), targets=targets, resume="other.pac", keep=0.5, progress=lambda p: solved.append(p))
begun = {p.coefficients.k for p in solved if p.solution is None}
assert 1.4 in begun <= {1.3, 1.4}, begun
assert same_family(again, pp.solve_family(Decay(), targets=targets, keep=0.5))
assert same_family(pp.load("other.pac", Decay()), again)
"""
    ran = on_a_small_disk(tmp_path, code)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert len(lines) == 3
    assert all("No space left on device" in each for each in lines)
    assert "kept in" not in ran.stderr, "nothing is said to be kept that is not"


@pytest.mark.slow
@needs_a_disk
def test_a_folder_that_may_only_be_read_is_named_before_any_work(tmp_path):
    code = """
import subprocess, sys
import pacpinn as pp
from tests.toys import Decay
subprocess.run(["mount", "-o", "remount,ro", "."], check=True)
def never(progress):
    sys.exit("there was work")
for path in ("family.pac", "new/family.pac"):
    try:
        pp.solve_family(Decay(), save=path, progress=never)
    except pp.PacpinnError as problem:
        print(problem)
"""
    ran = on_a_small_disk(tmp_path, code)
    assert ran.returncode == 0, ran.stderr
    assert [each.split(" (")[1] for each in ran.stdout.splitlines()] == 2 * [
        "Read-only file system); choose a folder that may be written to and has room"
    ]
