"""A fresh interpreter for tests of what is decided at import."""

import os
import subprocess
import sys

import pytest

OURS = ("FASTCONV_", "OMP_", "GOMP_", "KMP_")


@pytest.fixture
def run_python(tmp_path):
    """Run a program in a fresh interpreter with these environment variables; return its output."""

    def run(program, check=True, prefix=(), **variables):
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        done = subprocess.run(
            [*prefix, sys.executable, "-W", "error", "-c", program],
            env=inherited | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip() if check else done

    return run
