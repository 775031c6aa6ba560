"""What all tests share: the built variants of the kernels, the number of threads, and what signals do."""

import signal

import numpy as np
import pytest


def pytest_configure(config):
    """Make the marks known, so that strict runs accept them; let Ctrl-C through.

    What a shell starts in the background ignores it, and so would the programs that tests start and interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "parity: compares with Keras or PyTorch, where they are installed")


def pytest_generate_tests(metafunc):
    """Run every test that asks for a `variant` once with each that this computer can run."""
    if "variant" in metafunc.fixturenames:
        from fastconv import kernels

        metafunc.parametrize("variant", kernels.runnable(), indirect=True)


@pytest.fixture
def rng():
    """Return a generator that draws the same numbers in every run."""
    return np.random.default_rng(20)


@pytest.fixture
def variant(request):
    """Compute in float32 with one variant of the kernels."""
    from fastconv import kernels

    with kernels.use(request.param):
        yield request.param


@pytest.fixture
def small_tiles():
    """Let Winograd's tiles be those of 2 x 2 outputs, which are exact on whole numbers."""
    from fastconv import config

    config.enable_winograd(tile=2)
    yield
    config.enable_winograd()


@pytest.fixture
def set_num_threads():
    """Return the setter of the number of threads; the default comes back afterwards."""
    from fastconv.runtime import _cpu, threads

    if not _cpu.OPENMP:
        pytest.skip("built without OpenMP: there is one thread")
    yield threads.set_num_threads
    threads.set_num_threads(None)
