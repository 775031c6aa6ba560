"""Build script: everything static lives in pyproject.toml; this file only builds extensions.

Switches (environment; none is needed for a normal build)
  FASTCONV_BUILD_OPENMP=auto|1|0         auto (default) probes; 1: a missing OpenMP is an error; 0: one thread
  FASTCONV_BUILD_ISA=all|scalar[,avx2]   kernel variants to build beside baseline and float64
  FASTCONV_BUILD_DEBUG=1                 bounds checks on, -O1 -g, no vectors
  FASTCONV_BUILD_COVERAGE=1              -O1, counts which lines run, for tools/kernel_coverage.py
  FASTCONV_BUILD_SANITIZE=address,undefined  -O1 -g; run with LD_PRELOAD as the sanitizers stage of .ci/run does
  FASTCONV_BUILD_WERROR=1                -Wall -Wextra -Werror
  FASTCONV_BUILD_JOBS=N                  C compiler processes (default: all cores)
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext as _build_ext
from setuptools.errors import CompileError, LinkError

# One source, several instruction sets: name -> (where, gcc and clang flags, MSVC flags). `baseline` is what every
# machine of the architecture has (SSE2 on x86-64, NEON on aarch64); `scalar` is the oracle of the others; `float64` is
# for gradient checks.
VARIANTS = {
    "scalar": ("any", ["-DFASTCONV_SCALAR", "-Os"], ["/DFASTCONV_SCALAR"]),  # small: its speed does not matter
    "baseline": ("any", [], []),
    "avx2": ("x86-64", ["-march=x86-64-v3"], None),
    "avx512": ("x86-64", ["-march=x86-64-v4", "-mprefer-vector-width=512"], None),
    "float64": ("any", ["-DFASTCONV_FLOAT64"], ["/DFASTCONV_FLOAT64"]),
}
ALWAYS = ("baseline", "float64")
KERNELS = "fastconv/kernels"
UTILITY = "fastconv._cyutility"  # the memoryview runtime, compiled once instead of once a module

DIRECTIVES = {
    "language_level": "3str",
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "nonecheck": False,
    "binding": True,
    "auto_pickle": False,
    "embedsignature": True,
    "freethreading_compatible": True,
    "show_performance_hints": False,
}
OPENMP_PROBE = """
#include <omp.h>
#include <stdio.h>
int main(void) {
  int n = 0;
  #pragma omp parallel reduction(+:n)
  n += 1;
  printf("%d %d\\n", _OPENMP, n);
  return n < 1;
}
"""
X86_64_PROBE = """
#if !(defined(__x86_64__) || defined(_M_X64))
#error not x86-64
#endif
int main(void) { return 0; }
"""
NO_OPENMP = """no OpenMP: the compiler %s cannot build an OpenMP program. fastconv will run on ONE thread.
  Debian/Ubuntu gcc: nothing to install; clang: apt install libomp-dev; macOS: brew install libomp
  (LIBOMP_PREFIX=... if it lives elsewhere). FASTCONV_BUILD_OPENMP=0 silences this, =1 makes it an error."""


def switch(name, default=""):
    return os.environ.get("FASTCONV_BUILD_" + name, default)


class build_ext(_build_ext):
    """Probe the compiler, pick the variants, cythonize each into a folder of its own, compile in parallel."""

    def finalize_options(self):
        super().finalize_options()
        if self.parallel is None:
            self.parallel = int(switch("JOBS") or os.cpu_count() or 1)

    def build_extensions(self):
        openmp_compile, openmp_link, openmp = self.probe_openmp()
        variants = self.pick_variants()
        compile_args, link_args, macros = self.common_flags()
        for extension in self.extensions:
            extension.extra_compile_args = compile_args + openmp_compile + variants.get(self.variant(extension), [])
            extension.extra_link_args = link_args + openmp_link
            extension.define_macros = macros
        self.drop(lambda extension: self.variant(extension) not in (None, *variants))
        directives, kernels = self.directives(), [e for e in self.extensions if self.variant(e)]
        self.force_if_flags_changed(directives)
        self.cythonize(directives)
        for extension in kernels:
            self.attribute(Path(extension.sources[0]))
        print(f"fastconv: OpenMP {openmp}; kernel variants: {', '.join(variants)}", file=sys.stderr)
        super().build_extensions()

    # -- what this compiler can do ------------------------------------------------------------------------
    def compiles(self, source, compile_args=(), link_args=(), link=False):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probe.c")
            path.write_text(source)
            try:
                objects = self.compiler.compile([str(path)], output_dir=folder, extra_postargs=list(compile_args))
                if link:
                    self.compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=list(link_args))
            except (CompileError, LinkError):
                return False
        return True

    def openmp_candidates(self):
        if self.compiler.compiler_type == "msvc":
            return [(["/openmp"], [])]
        candidates = [(["-fopenmp"], ["-fopenmp"])]
        if sys.platform == "darwin":  # Apple's clang has the pragmas but not the library
            roots = [
                os.environ.get("LIBOMP_PREFIX", ""),
                sys.prefix,
                "/opt/homebrew/opt/libomp",
                "/usr/local/opt/libomp",
            ]
            for root in (r for r in roots if r and Path(r, "lib").is_dir()):
                link = [f"-L{root}/lib", f"-Wl,-rpath,{root}/lib", "-lomp"]
                candidates.append((["-Xpreprocessor", "-fopenmp", f"-I{root}/include"], link))
        return candidates

    def probe_openmp(self):
        wanted = switch("OPENMP", "auto")
        if wanted == "0":
            return [], [], "disabled by FASTCONV_BUILD_OPENMP=0"
        for compile_args, link_args in self.openmp_candidates():
            if self.compiles(OPENMP_PROBE, compile_args, link_args, link=True):
                return compile_args, link_args, "on"
        message = NO_OPENMP % " ".join(getattr(self.compiler, "compiler_so", None) or [self.compiler.compiler_type])
        if wanted == "1":
            raise CompileError(message)
        self.warn(message)
        return [], [], "not found"

    def pick_variants(self):
        wanted = switch("ISA", "all").split(",")
        unknown = [name for name in wanted if name not in ("all", *VARIANTS)]
        if unknown:
            raise CompileError(f"FASTCONV_BUILD_ISA: {unknown} not among {list(VARIANTS)}")
        msvc, x86_64 = self.compiler.compiler_type == "msvc", self.compiles(X86_64_PROBE)
        picked = {}
        for name, (where, gnu_flags, msvc_flags) in VARIANTS.items():
            flags = msvc_flags if msvc else gnu_flags
            if flags is None or (where == "x86-64" and not x86_64):
                continue
            if name not in ALWAYS and "all" not in wanted and name not in wanted:
                continue
            if self.compiles("int main(void){return 0;}", flags):
                picked[name] = flags
            else:
                self.warn(f"compiler rejects {flags}: the {name} kernels are left out")
        return picked

    def common_flags(self):
        debug, coverage, sanitize = switch("DEBUG") == "1", switch("COVERAGE") == "1", switch("SANITIZE")
        # a function that returns a vector has no value to return after an error
        macros = [("FASTCONV_SCALAR", "1")] if debug else []
        if self.compiler.compiler_type == "msvc":
            return (["/Od", "/Zi"] if debug else ["/O2", "/fp:contract"]), [], macros
        args = ["-O1", "-g"] if debug or sanitize or coverage else ["-O3", "-g0"]
        # never -ffast-math: it would flush denormals in the whole process
        args += ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fvisibility=hidden"]
        # the register tiles are templates: inline functions whose sizes are constants at each call, so that their loops
        # are to be unrolled, and what they sum up in stays in registers
        unroll = ["--param=max-completely-peeled-insns=1000", "--param=max-completely-peel-times=32"]
        args += unroll if self.compiles("int main(void){return 0;}", [*unroll, "-Werror"]) else []
        args += ["-Wall", "-Wextra", "-Werror"] if switch("WERROR") == "1" else []
        if sanitize:
            return [*args, f"-fsanitize={sanitize}", "-fno-omit-frame-pointer"], [f"-fsanitize={sanitize}"], macros
        if coverage:
            return [*args, "--coverage", "-fprofile-update=atomic"], ["--coverage"], macros
        # names of static functions, a twelfth of the size: nobody reads them in a wheel
        return args, [] if debug or sys.platform != "linux" else ["-s"], macros

    # -- from .pyx to .c ----------------------------------------------------------------------------------
    @staticmethod
    def variant(extension):
        """Return the kernel variant that an extension is, None for the others."""
        return extension.name.rpartition("._")[2] if extension.sources[0].endswith("_kernels.pyx") else None

    def drop(self, unwanted):
        """Forget extensions, and their older in-place builds, which must not be picked up."""
        for extension in filter(unwanted, list(self.extensions)):
            stale = Path(*extension.name.split(".")[:-1], Path(self.get_ext_filename(extension.name)).name)
            stale.unlink(missing_ok=True)
            self.extensions.remove(extension)

    @staticmethod
    def directives():
        directives = dict(DIRECTIVES)
        if switch("DEBUG") == "1":
            directives.update(boundscheck=True, initializedcheck=True)  # nonecheck does not go with prange
        return directives

    def force_if_flags_changed(self, directives):
        """Rebuild all when a flag changed: setuptools compares time stamps only."""
        stamp = Path("build", f"fastconv-flags-{sys.implementation.cache_tag}.txt")
        flags = [getattr(self.compiler, "compiler_so", None), directives]
        flags += [(e.name, e.extra_compile_args, e.extra_link_args, e.define_macros) for e in self.extensions]
        if not (stamp.exists() and stamp.read_text() == repr(flags)):
            self.force = True
            stamp.parent.mkdir(exist_ok=True)
            stamp.write_text(repr(flags))

    def cythonize(self, directives):
        """Translate one at a time (the Cython compiler shares global state), each into a folder of its own.

        An Extension with one source gives the module its name, so one .pyx serves every variant. Done here and not at
        import of this file: a source distribution must hold the .pyx and not its C.
        """
        from Cython.Build import cythonize

        for extension in self.extensions:
            extension.sources = cythonize(
                [extension],
                build_dir=str(Path(self.build_temp, "cython", extension.name)),
                compiler_directives=directives,
                shared_utility_qualified_name=UTILITY,
                emit_linenums=switch("COVERAGE") == "1",
                force=self.force,
                quiet=not self.verbose,
            )[0].sources

    @staticmethod
    def attribute(source):
        """Write into a variant's C what Cython has no words for; simd.h says what these two words mean.

        Inline functions of the kernels are always inlined, but not those of Cython itself; and constructors, which run
        once, are compiled for size. Together that is a quarter of a variant.
        """
        text = source.read_text(encoding="utf-8")
        changed, found = re.subn(r"^static CYTHON_INLINE (?=.*\b__pyx_f_)", "static FASTCONV_INLINE ", text, flags=re.M)
        if not found and "FASTCONV_INLINE" not in text:
            raise CompileError(f"{source}: Cython names inline functions otherwise; kernels would be slow")
        changed = re.sub(r"^(?=static int __pyx_p[wf]_\w*__init__\(.*;)", "FASTCONV_COLD ", changed, flags=re.M)
        if changed != text:
            source.write_text(changed, encoding="utf-8")


setup(
    ext_modules=[
        Extension(UTILITY, ["fastconv/_cyutility.c"]),
        Extension("fastconv.runtime._cpu", ["fastconv/runtime/_cpu.pyx"]),
        *(
            Extension(
                f"fastconv.kernels._{name}",
                [f"{KERNELS}/_kernels.pyx"],
                include_dirs=[KERNELS],
                depends=[str(p) for pattern in ("*.h", "*.pxi") for p in sorted(Path(KERNELS).glob(pattern))],
            )
            for name in VARIANTS
        ),
    ],
    cmdclass={"build_ext": build_ext},
)
