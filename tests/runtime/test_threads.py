"""The number of threads: each limit by itself, and the setter."""

import os
import sys

import pytest

from fastconv.runtime import _cpu, threads

needs_openmp = pytest.mark.skipif(not _cpu.OPENMP, reason="built without OpenMP")
SHOW = "from fastconv.runtime import threads as t; print(t.get_num_threads(), t.explain()['why'])"


@pytest.fixture(autouse=True)
def default_afterwards():
    yield
    threads.set_num_threads(None)


# ---- what the environment grants ---------------------------------------------------------------------------


@needs_openmp
def test_fastconv_num_threads_decides(run_python):
    assert run_python(SHOW, FASTCONV_NUM_THREADS="3", OMP_NUM_THREADS="1") == "3 FASTCONV_NUM_THREADS"


@pytest.mark.parametrize("text", ["many", "0", "-2", "1.5", "2,2"])
def test_a_bad_fastconv_num_threads_is_named(run_python, text):
    done = run_python(SHOW, check=False, FASTCONV_NUM_THREADS=text)
    assert done.returncode == 1
    assert f"FASTCONV_NUM_THREADS is '{text}'; expected a whole number above 0" in done.stderr


@needs_openmp
@pytest.mark.parametrize("text", ["1", "1,4", " 1 "])
def test_omp_num_threads_lowers(run_python, text):
    assert run_python(SHOW, OMP_NUM_THREADS=text) == "1 OMP_NUM_THREADS"


@needs_openmp
def test_omp_thread_limit_lowers(run_python):
    assert run_python(SHOW, OMP_THREAD_LIMIT="1") == "1 OMP_THREAD_LIMIT"


@needs_openmp
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs os.sched_setaffinity")
def test_affinity_lowers(run_python):
    one = min(os.sched_getaffinity(0))
    assert run_python(f"import os; os.sched_setaffinity(0, [{one}])\n{SHOW}") == "1 processors"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/app\n", {"app/cpu.max": "150000 100000"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "50000 100000"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "200000 100000", "cpu.max": "300000 100000"}, 2.0),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("3:cpuset:/x\n1:cpu,cpuacct:/x\n", {
            "cpu,cpuacct/x/cpu.cfs_quota_us": "100000", "cpu,cpuacct/x/cpu.cfs_period_us": "50000",
            "cpuset/x/cpu.cfs_quota_us": "1", "cpuset/x/cpu.cfs_period_us": "1",
        }, 2.0),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("0::/\n", {"cpu.max": "nonsense"}, None),
        ("0::/gone\n", {}, None),
    ],
)  # fmt: skip
def test_the_quota_of_the_control_groups(tmp_path, membership, files, quota):
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert threads._cgroup_quota(tmp_path / "cgroup", tmp_path / "fs") == quota


def test_no_control_groups_no_quota(tmp_path):
    assert threads._cgroup_quota(tmp_path / "missing", tmp_path) is None


@needs_openmp
def test_the_least_limit_decides():
    unset = dict.fromkeys(threads.explain()["limits"])
    limits = unset | {"processors": 8, "cgroup quota": 3, "OMP_NUM_THREADS": 5}
    assert threads._default_of(limits) == (3, "cgroup quota")


# ---- the setter --------------------------------------------------------------------------------------------


@needs_openmp
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_number_set_is_the_number_used(n):
    threads.set_num_threads(n)
    assert threads.get_num_threads() == n
    assert threads.explain()["why"] == "set_num_threads"


def test_none_returns_to_the_default():
    before = threads.explain()
    threads.set_num_threads(1)
    threads.set_num_threads(None)
    assert threads.explain() == before


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_thread_is_an_error(n):
    with pytest.raises(ValueError, match=f"set_num_threads: n={n} "):
        threads.set_num_threads(n)


@pytest.mark.parametrize("n", [1.5, "2"])
def test_a_number_that_is_not_whole_is_an_error(n):
    with pytest.raises(TypeError, match="set_num_threads: n="):
        threads.set_num_threads(n)


def test_without_openmp_the_setter_warns_once(monkeypatch):
    monkeypatch.setattr(threads._cpu, "OPENMP", 0)
    monkeypatch.setattr(threads, "_has_warned", False)
    before = threads.get_num_threads()
    with pytest.warns(RuntimeWarning, match="built without OpenMP") as caught:
        threads.set_num_threads(4)
    threads.set_num_threads(3)  # a second warning would be an error
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert threads.get_num_threads() == before


@needs_openmp
def test_threadpoolctl_limits_the_calling_thread(run_python):
    pytest.importorskip("threadpoolctl")
    program = """
from threadpoolctl import threadpool_limits
from fastconv.runtime import threads
threads.set_num_threads(2)
with threadpool_limits(1):
    print(threads.get_num_threads(), threads.explain()["why"])
print(threads.get_num_threads())
"""
    wanted = "1 a limit on OpenMP in the calling thread (threadpoolctl)\n2"
    assert run_python(program, OMP_NUM_THREADS="2") == wanted


# ---- fork --------------------------------------------------------------------------------------------------

FORK = """
import os, signal, sys
from fastconv.runtime import _cpu, threads
assert _cpu.team_size(2) == 2
child = os.fork()
if child == 0:
    signal.alarm(10)            # a child that hangs is killed
    os._exit(_cpu.team_size(2))
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), _cpu.team_size(2))
"""


@needs_openmp
@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs a fork() that is safe")
def test_a_forked_child_computes_in_parallel(run_python):
    assert run_python(FORK) == "2 2"
