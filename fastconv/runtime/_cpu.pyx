# cython: autotestdict=False
"""What this processor and this build can do; compiled with baseline flags, so safe to import everywhere.

This module is also the only door to OpenMP: nothing else in the package includes ``omp.h``.
"""

cdef extern from *:
    """
    /* ---- OpenMP, or stand-ins that say "one thread" ---- */
    #ifdef _OPENMP
    #  include <omp.h>
    #  define FC_OPENMP _OPENMP
    #else
    #  define FC_OPENMP 0
       static int omp_get_max_threads(void) { return 1; }
       static int omp_get_thread_limit(void) { return 1; }
    #endif

    /* libgomp's pool of threads does not survive fork(); LLVM's libomp looks after itself. */
    #if defined(_OPENMP) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
       static int fc_pause(void) { return omp_pause_resource_all(omp_pause_soft); }
    #else
       static int fc_pause(void) { return 0; }
    #endif

    static int fc_team_size(int wanted) {
        int came = 0;
        (void)wanted;
        #ifdef _OPENMP
        #pragma omp parallel num_threads(wanted) reduction(+:came)
        #endif
        came += 1;
        return came;
    }

    /* ---- cpuid: registers are numbered eax 0, ebx 1, ecx 2, edx 3 ---- */
    #if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
    #  include <cpuid.h>
       static void fc_cpuid_count(unsigned leaf, unsigned part, unsigned r[4]) {
           if (!__get_cpuid_count(leaf, part, &r[0], &r[1], &r[2], &r[3])) r[0] = r[1] = r[2] = r[3] = 0;
       }
       static unsigned fc_xgetbv(void) {
           unsigned low, high;
           __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
           return low;
       }
    #elif defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
    #  include <intrin.h>
       static void fc_cpuid_count(unsigned leaf, unsigned part, unsigned r[4]) {
           int last[4];
           __cpuid(last, leaf & 0x80000000u);
           if ((unsigned)last[0] < leaf) r[0] = r[1] = r[2] = r[3] = 0;
           else __cpuidex((int *)r, (int)leaf, (int)part);
       }
       static unsigned fc_xgetbv(void) { return (unsigned)_xgetbv(0); }
    #else
       static void fc_cpuid_count(unsigned leaf, unsigned part, unsigned r[4]) {
           (void)leaf;
           (void)part;
           r[0] = r[1] = r[2] = r[3] = 0;
       }
       static unsigned fc_xgetbv(void) { return 0; }
    #endif

    static void fc_cpuid(unsigned leaf, unsigned r[4]) { fc_cpuid_count(leaf, 0, r); }

    /* What the operating system saves when it switches threads: 6 = xmm and ymm, 0xe6 = zmm and masks too. */
    static unsigned fc_os_state(void) {
        unsigned r[4];
        fc_cpuid(1, r);
        return (r[2] >> 27 & 1) ? fc_xgetbv() : 0;
    }

    /* ---- sizes of the caches in bytes, 0 where unknown ---- */
    #if defined(__APPLE__)
    #  include <sys/sysctl.h>
       static long long fc_cache(int level) {
           static const char *names[] = {"hw.l1dcachesize", "hw.l2cachesize", "hw.l3cachesize"};
           long long value = 0;
           size_t size = sizeof value;
           return sysctlbyname(names[level - 1], &value, &size, 0, 0) ? 0 : value;
       }
    #elif defined(__linux__)
    #  include <unistd.h>
       static long long fc_cache(int level) {
           long value = -1;
       #ifdef _SC_LEVEL1_DCACHE_SIZE
           static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
           value = sysconf(names[level - 1]);
       #endif
           return value > 0 ? value : 0;
       }
    #else
       static long long fc_cache(int level) { (void)level; return 0; }
    #endif

    #if defined(__clang__)
    #  define FC_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #  define FC_COMPILER "gcc " __VERSION__
    #elif defined(_MSC_VER)
    #  define FC_STR_(x) #x
    #  define FC_STR(x) FC_STR_(x)
    #  define FC_COMPILER "MSVC " FC_STR(_MSC_VER)
    #else
    #  define FC_COMPILER "unknown"
    #endif
    """
    const int FC_OPENMP
    const char *FC_COMPILER
    int omp_get_max_threads() noexcept nogil
    int omp_get_thread_limit() noexcept nogil
    int fc_pause() noexcept nogil
    int fc_team_size(int wanted) noexcept nogil
    void fc_cpuid(unsigned leaf, unsigned *registers) noexcept nogil
    void fc_cpuid_count(unsigned leaf, unsigned part, unsigned *registers) noexcept nogil
    unsigned fc_os_state() noexcept nogil
    long long fc_cache(int level) noexcept nogil


OPENMP = FC_OPENMP
COMPILER = FC_COMPILER.decode("ascii", "replace").strip()

# name: (cpuid leaf or (leaf, part of it), register, bit, state that the operating system must save)
cdef enum:
    EAX = 0
    EBX = 1
    ECX = 2
    SSE_STATE = 0
    YMM_STATE = 0x06
    ZMM_STATE = 0xE6

_FEATURES = {
    "fma": (1, ECX, 12, YMM_STATE),
    "movbe": (1, ECX, 22, SSE_STATE),
    "avx": (1, ECX, 28, YMM_STATE),
    "f16c": (1, ECX, 29, YMM_STATE),
    "bmi": (7, EBX, 3, SSE_STATE),
    "avx2": (7, EBX, 5, YMM_STATE),
    "bmi2": (7, EBX, 8, SSE_STATE),
    "avx512f": (7, EBX, 16, ZMM_STATE),
    "avx512dq": (7, EBX, 17, ZMM_STATE),
    "avx512cd": (7, EBX, 28, ZMM_STATE),
    "avx512bw": (7, EBX, 30, ZMM_STATE),
    "avx512vl": (7, EBX, 31, ZMM_STATE),
    "avx512_bf16": ((7, 1), EAX, 5, ZMM_STATE),
    "lzcnt": (0x80000001, ECX, 5, SSE_STATE),
}
_AVX2 = frozenset(["avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"])

# What a compiler may use under -march=x86-64-v3 and -v4: all of a level's features or none of it.
LEVELS = {
    "avx2": _AVX2,
    "avx512": _AVX2 | frozenset(["avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"]),
}


def features():
    """Return the names of the instruction sets that the processor has and the operating system allows.

    Returns
    -------
    frozenset of str
        Empty on processors that are not x86.
    """
    cdef unsigned registers[4]
    cdef unsigned state = fc_os_state()
    found = []
    for name, (leaf, register, bit, needed) in _FEATURES.items():
        leaf, part = leaf if isinstance(leaf, tuple) else (leaf, 0)
        fc_cpuid_count(leaf, part, registers)
        if registers[<int>register] >> <int>bit & 1 and state & <unsigned>needed == <unsigned>needed:
            found.append(name)
    return frozenset(found)


def supports(level):
    """Tell whether kernels compiled for `level` (a key of ``LEVELS``) may run here.

    Parameters
    ----------
    level : str

    Returns
    -------
    bool
    """
    return LEVELS[level] <= features()


def brand():
    """Return the processor's own name for itself, or ``""`` where it has none (anything but x86)."""
    cdef unsigned registers[12]
    fc_cpuid(0x80000002, &registers[0])
    fc_cpuid(0x80000003, &registers[4])
    fc_cpuid(0x80000004, &registers[8])
    return (<const char *>registers)[:48].split(b"\0")[0].decode("ascii", "replace").strip()


def cache_sizes():
    """Return the bytes of the caches as ``(level 1 data, level 2, level 3)``; 0 where unknown."""
    return fc_cache(1), fc_cache(2), fc_cache(3)


def max_threads():
    """Return how many threads OpenMP would give the calling thread now (``threadpoolctl`` lowers this)."""
    return omp_get_max_threads()


def thread_limit():
    """Return the most threads that OpenMP may ever start (``OMP_THREAD_LIMIT``)."""
    return omp_get_thread_limit()


def team_size(int wanted):
    """Open a parallel region of `wanted` threads and return how many came.

    Parameters
    ----------
    wanted : int
        At least 1.

    Returns
    -------
    int
    """
    cdef int came
    if wanted < 1:
        raise ValueError(f"team_size: wanted={wanted} is not at least 1.")
    with nogil:
        came = fc_team_size(wanted)
    return came


def pause():
    """Drop the calling thread's OpenMP pool; the next parallel region brings it back."""
    return fc_pause()
