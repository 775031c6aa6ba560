"""Machines that are not like the one of the developers: few or many threads, containers, older processors."""

import os
import shutil
import subprocess
import sys
import sysconfig

import pytest

from fastconv import kernels
from fastconv.runtime import _cpu, threads

needs_openmp = pytest.mark.skipif(not _cpu.OPENMP, reason="built without OpenMP")

#: Trains a little and prints the number of threads and the bits that came out.
TRAIN = """
import hashlib, numpy as np, fastconv as keras
from fastconv import layers as L
rng = np.random.default_rng(0)
model = keras.Sequential([L.Input((28, 28, 3)), L.Conv2D(16, 3, activation="relu"), L.MaxPooling2D(2),
                          L.Conv2D(32, 3, activation="relu"), L.Flatten(), L.Dense(10, activation="softmax")])
model.set_weights([0.1 * rng.standard_normal(w.shape) for w in model.get_weights()])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = rng.random((24, 28, 28, 3)).astype("float32"), rng.integers(0, 10, 24)
model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
bits = b"".join(w.tobytes() for w in model.get_weights()) + model.predict(x, verbose=0).tobytes()
print(keras.config.get_num_threads(), hashlib.sha256(bits).hexdigest())
"""
ONE_CORE = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
#: Half a core, as Linux tells it: written to a folder that stands for /sys/fs/cgroup.
HALF_A_CORE = """
import os, pathlib
for name, text in {"membership": "0::/box\\n", "fs/box/cpu.max": "50000 100000\\n"}.items():
    pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(name).write_text(text)
import builtins
real = open
def redirected(path, *args, **settings):
    path = str(path).replace("/proc/self/cgroup", "membership").replace("/sys/fs/cgroup", "fs")
    return real(path, *args, **settings)
builtins.open = redirected
import fastconv.runtime.threads
builtins.open = real
"""


@pytest.fixture(scope="module")
def usual():
    """Return the bits that this machine computes on one thread."""
    done = subprocess.run(
        [sys.executable, "-c", TRAIN],
        env=os.environ | {"FASTCONV_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()[1]


@needs_openmp
@pytest.mark.parametrize(
    ("prelude", "variables", "expected"),
    [
        ("", {"OMP_NUM_THREADS": "64"}, min(64, threads.processors())),
        ("", {"FASTCONV_NUM_THREADS": "64", "OMP_NUM_THREADS": "64"}, 64),
        ("", {"OMP_THREAD_LIMIT": "1"}, 1),
        pytest.param(
            *(ONE_CORE, {}, 1), marks=pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
        ),
        pytest.param(*(HALF_A_CORE, {}, 1), marks=pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")),
    ],
    ids=["OMP_NUM_THREADS=64", "64 threads", "one allowed", "one core", "half a core"],
)
def test_the_same_bits_on_machines_of_all_sizes(prelude, variables, expected, run_python, usual):
    assert run_python(prelude + TRAIN, **variables).split() == [str(expected), usual]


def test_half_a_core_is_what_decides(run_python):
    if sys.platform != "linux" or not _cpu.OPENMP:
        pytest.skip("needs Linux and OpenMP")
    program = HALF_A_CORE + "print(fastconv.runtime.threads.explain())"
    facts = run_python(program)
    assert "'cgroup quota': 1" in facts and "'threads': 1" in facts


# ---- what a processor lacks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", ["avx2", "avx512"])
def test_instructions_that_the_machine_lacks_are_refused_by_name(cap, monkeypatch):
    monkeypatch.setattr(kernels, "built", lambda: list(kernels.NEEDS))
    monkeypatch.setattr(kernels._cpu, "supports", lambda level: False)
    monkeypatch.setenv("FASTCONV_ISA", cap)
    with pytest.raises(
        ImportError, match=rf"FASTCONV_ISA='{cap}': this machine cannot execute it; possible here: base"
    ):
        kernels._choose()
    monkeypatch.delenv("FASTCONV_ISA")
    assert kernels._choose()[0] == "baseline"


QEMU = shutil.which("qemu-x86_64")
#: Emulated processors and the best variant that they run; qemu has no AVX-512.
PROCESSORS = {"Nehalem": "baseline", "SandyBridge": "baseline", "Haswell": "avx2", "EPYC": "avx2"}

COMPUTE = """
import numpy as np
from fastconv import kernels, ops
from fastconv.ops import primitives as P, reference as R
rng = np.random.default_rng(0)
x, w, b = rng.integers(-4, 5, (2, 9, 10, 16)), rng.integers(-4, 5, (3, 3, 16, 24)), rng.integers(-4, 5, 24)
x, w, b = (a.astype("float32") for a in (x, w, b))
y, backprop = P.Conv2D(padding="same")(x, w, b)
assert np.abs(y - R.conv2d(x, w, b, padding="same")).max() <= 1e-3
for mine, right in zip(backprop(y), R.conv2d_backward(x, w, y, padding="same")):
    assert np.abs(mine - right).max() <= 1e-5 * np.abs(right).max()
assert (ops.max_pool(x, 2) == R.max_pool2d(x, pool_size=(2, 2))[0]).all()
assert np.abs(ops.tanh(x) - np.tanh(x)).max() < 1e-6
assert np.abs(ops.softmax(x).sum(-1) - 1).max() < 1e-6
print(kernels.variant(), kernels.runnable())
"""


def emulated(processor, program, **variables):
    """Run a program on an emulated processor, on one thread.

    NumPy's OpenBLAS is told what to use: left alone, it takes instructions that an emulated processor does not have.
    """
    ours = {"FASTCONV_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem"}
    environment = os.environ | ours | variables
    command = [QEMU, "-cpu", processor, sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


needs_qemu = pytest.mark.skipif(
    not QEMU or "x86_64" not in sysconfig.get_platform(), reason="needs qemu-x86_64 (Debian's qemu-user) on x86-64"
)


@pytest.mark.slow
@needs_qemu
@pytest.mark.parametrize("processor", PROCESSORS)
def test_emulated_processors(processor):
    allowed = list(kernels.NEEDS)[list(kernels.NEEDS).index(PROCESSORS[processor]) :]
    expected = [name for name in kernels.built() if name in allowed]
    done = emulated(processor, COMPUTE)
    assert done.stdout.strip() == f"{expected[0]} {expected}", done.stderr


@pytest.mark.slow
@needs_qemu
def test_an_emulated_processor_refuses_what_it_lacks():
    better = [name for name in kernels.built() if kernels.NEEDS[name]]
    if not better:
        pytest.skip("nothing but baseline kernels was built")
    done = emulated("Nehalem", "import fastconv", FASTCONV_ISA=better[0])
    assert done.returncode == 1
    assert f"FASTCONV_ISA='{better[0]}': this machine cannot execute it; possible here: baseline" in done.stderr


@pytest.mark.slow
@needs_qemu
def test_the_emulation_notices_instructions_that_are_not_there():
    better = [name for name in kernels.built() if kernels.NEEDS[name]]
    if not better:
        pytest.skip("nothing but baseline kernels was built")
    forced = COMPUTE.replace("x, w, b =", "kernels._cpu.supports = bool\nx, w, b =", 1)
    forced = forced.replace("y, backprop", f"kernels.use('{better[0]}').__enter__()\ny, backprop")
    assert emulated("Nehalem", forced).returncode < 0, "SIGILL was expected"
