"""What every kernel shares: the vector type of simd.h, and Kernel, a call bound to its arrays."""
cimport cython
from cython.parallel cimport prange, threadid
from libc.math cimport INFINITY, exp, expm1, fabs, log, log1p, pow, sqrt, tanh, erf
from libc.string cimport memcpy, memset
from libc.stdlib cimport calloc, free
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "simd.h" nogil:
    ctypedef float real          # double in the float64 build
    ctypedef float vf            # a vector of VL reals
    ctypedef int vi              # a vector of VL integers
    enum: VL, TILE_M, TILE_V, ROW_V, BLOCK_LANES, FILTER_ROWS, DEAD_WINDOW
    vf vload(const real*)
    vf vload_n(const real*, long)
    void vstore(real*, vf)
    void vstore_n(real*, vf, long)
    vf vset(real)
    vi viset(int)
    vf vrelu(vf)
    vf vkeep_positive(vf, vf)
    vf vkeep_equal(vf, vi, int)
    vf vdrop_equal(vf, vi, int)
    vi vmark_dead(vi, vf, int)
    void vtake_winner(vf*, vi*, vf, int)
    vf vlarger(vf, vf)
    vi vload_bytes_n(const uint8_t*, long)
    void vstore_bytes_n(uint8_t*, vi, long)
    void vstore_int_n(int*, vi, long)
    vf vsqrt(vf)
    vf vmax(vf, vf)

ctypedef Py_ssize_t ix

cdef enum:
    SUMMED = 160                        # pixels whose gradients stay in the first cache
    MOST_ITEMS = 64                     # pieces that a sum over images is cut into at most, for any number of threads

VECTOR, BLOCK = VL, BLOCK_LANES    # for the sizes of packed filters and scratch memory


cdef class Kernel:
    """A call waiting to be made: the constructor checks and binds arrays, sizes and the thread count; calling it runs
    the loop.

    Nothing is allocated by a call, and the arrays stay alive as long as the kernel does.
    """
    cdef int threads

    cdef void run(self) noexcept nogil:
        pass

    def __call__(self):
        with nogil:
            self.run()


cdef int useful_threads(int threads, double work) noexcept nogil:
    """Return how many of `threads` pay for `work` (in simple operations).

    A thread must have some ten microseconds to do: less is lost in waking it, and on a busy machine far more.
    """
    cdef double most = work / 60000.0
    return 1 if most < 2 else (threads if most > threads else <int>most)
