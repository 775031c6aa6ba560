"""What every kernel shares: the vector type of simd.h, and Kernel, a call bound to its arrays."""
cimport cython
from cython.parallel cimport prange, threadid
from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, cos, exp, fabs, log, log1p, pow, sqrt
from libc.string cimport memcpy, memset
from libc.stdlib cimport calloc, free
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from fastconv.runtime import spinning, threads as thread_counts

cdef extern from "simd.h" nogil:
    ctypedef float real          # double in the float64 build
    ctypedef float vf            # a vector of VL reals
    ctypedef int vi              # a vector of VL integers
    enum: VL, TILE_M, TILE_V, TILE_P, BAND_ROWS, DEPTHWISE_PAIRS, ROW_V, BLOCK_LANES, FILTER_ROWS, DEAD_WINDOW
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
    vf vkeep_same(vf, vi, vi)
    vi vload_int(const int*)
    vi vmark_dead(vi, vf, int)
    void vtake_winner(vf*, vi*, vf, int)
    vf vlarger(vf, vf)
    vf vheld(vf)
    vf vpick(const real*, const int*)
    vf vpermute(vf, const int*)
    vi vpermute_int(vi, const int*)
    real vsum(vf)
    vi vload_bytes_n(const uint8_t*, long)
    void vstore_bytes_n(uint8_t*, vi, long)
    void vstore_int_n(int*, vi, long)
    vf vsqrt(vf)
    vf vmax(vf, vf)
    void vtranspose(vf*)
    void vprefetch(const real*)

cdef extern from "vmath.h" nogil:
    vf vwhere(vf, vf, vf, vf)
    vf vabs(vf)
    vf vat_least(vf, vf)
    vf vat_most(vf, vf)
    vf vsign_of(vf, vf)
    vf vround(vf)
    vf vfloor(vf)
    vf vramp()
    void vstore_whole(int*, vf)
    vf vexp(vf)
    vf vexpm1(vf)
    vf vtanh(vf)
    vf vlog1p_unit(vf)
    vf vnormal_cdf(vf)

ctypedef Py_ssize_t ix

cdef bint SPINS = spinning.spins()
cdef int PROCESSORS = thread_counts.processors()
cdef double GRAIN = 10000.0                 # operations that a thread is called for: some microseconds
cdef double GRAIN_ASLEEP = 200000.0         # and where it must be woken first
cdef double SIGNAL_SECONDS = 0.05           # between two looks at signals
cdef double SMALL_SECONDS = 300e-6          # a sequence that is over sooner does not wake threads
cdef double AWAKE_SECONDS = 400e-6          # how long threads surely spin for work (see runtime.threads)
cdef double LATE_SECONDS = 1e-3             # a delay that shows that a thread had to wait for its processor
cdef double PATIENCE = 20.0                 # times the delay: how long one thread less is called
cdef enum:
    FEW_IN_A_ROW = 3

cdef enum:
    SUMMED = 480                        # pixels whose gradients stay in the first cache
    FEW_ITEMS = 16                      # pieces, below which blocks of output channels are cut by filter rows, too:
    SLAB_ROWS = 96                      # into slabs of at least so many, since each reads all gradients anew
    REUSED = 48                         # filter rows for which it pays to copy these gradients first
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


cdef extern from *:
    """
    #if defined(_MSC_VER)
    #define fc_take(next) ((Py_ssize_t)_InterlockedExchangeAdd64((volatile long long *)(next), 1))
    #else
    #define fc_take(next) __atomic_fetch_add(next, 1, __ATOMIC_RELAXED)
    #endif
    """
    ix take "fc_take"(ix* next) nogil

cdef enum:
    MOST_THREADS = 256                  # of a loop over pieces

cdef struct Share:                      # a thread's pieces, alone in its cache line
    ix next, stop
    ix spare[6]


cdef class Pieces(Kernel):
    """A kernel that does its work in pieces: each thread its own run of them first, then what is left of the others'.

    So the images that a thread has in its caches from the kernel before are its own again, where processors do not
    share a cache, and yet none waits long for one that got less time.
    """

    cdef void piece(self, ix t, int thread) noexcept nogil:
        """Do one piece, with the scratch memory of `thread`."""
        pass

    cdef void pieces(self, ix count) noexcept nogil:
        """Do that many pieces."""
        cdef Share shares[MOST_THREADS]
        cdef int i, n = min(self.threads, <int>MOST_THREADS)
        for i in range(n):
            shares[i].next, shares[i].stop = i * count // n, (i + 1) * count // n
        for i in prange(n, num_threads=n, schedule="static", chunksize=1):
            self.take_part(&shares[0], i, n)

    cdef void take_part(self, Share* shares, int thread, int n) noexcept nogil:
        cdef int i
        cdef ix t
        cdef Share* share
        for i in range(n):
            share = &shares[(thread + i) % n]
            t = take(&share.next)
            while t < share.stop:
                self.piece(t, thread)
                t = take(&share.next)


cdef int useful_threads(int threads, double work) noexcept nogil:
    """Return how many of `threads` pay for `work` (in simple operations).

    A thread that spins for work joins in half a microsecond; one that sleeps takes fifty to wake. Threads sleep at once
    where OpenMP is told so, and where there are more of them than processors.
    """
    cdef double most = work / (GRAIN if SPINS and threads <= PROCESSORS else GRAIN_ASLEEP)
    return 1 if most < 2 else (threads if most > threads else <int>most)


cdef extern from *:
    """
    #include <time.h>
    #if defined(_MSC_VER)
    #include <intrin.h>
    #define FC_LOCAL static __declspec(thread)
    static volatile long fc_running;
    static int fc_enter(void) { return (int)_InterlockedIncrement(&fc_running); }
    static void fc_leave(void) { _InterlockedDecrement(&fc_running); }
    #else
    #define FC_LOCAL static __thread
    static int fc_running;
    static int fc_enter(void) { return __atomic_add_fetch(&fc_running, 1, __ATOMIC_RELAXED); }
    static void fc_leave(void) { __atomic_sub_fetch(&fc_running, 1, __ATOMIC_RELAXED); }
    #endif
    static double fc_now(void) {
        struct timespec t;
        timespec_get(&t, TIME_UTC);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    }
    FC_LOCAL double fc_left;
    FC_LOCAL int fc_streak;
    """
    int enter "fc_enter"() nogil            # one more sequence runs; returns how many do
    void leave "fc_leave"() nogil
    double now "fc_now"() nogil             # seconds
    double left_at "fc_left"                # when this thread's last sequence ended
    int streak "fc_streak"                  # sequences in a row that this thread ran, with hardly a pause


# Threads that a busy machine kept waiting, so that for a while sequences do without them. Of the whole process, and
# only ever a hint: a race of two threads that write it harms nobody.
cdef int withheld = 0
cdef double withheld_until = 0


cdef int available(int threads, double time) noexcept nogil:
    """Return how many of `threads` are worth calling at this time."""
    return max(1, threads - withheld) if time < withheld_until else threads


cdef class Sequence(Kernel):
    """Kernels that run one behind the other, in a single call; signals (Ctrl-C) are looked at between kernels.

    How many threads they get is settled at each call; the bits of a result do not depend on it.

    - Threads spin for a while after a loop and then sleep, so a sequence of some microseconds calls them only when it
      is one of several in a row: waking them would cost more than they do.
    - Where several Python threads run sequences at once, they share the threads.
    - A sequence that takes far longer than it can has waited for a thread whose processor was busy with something else.
      Then, for twenty times as long as the delay, there is one thread less.
    """
    cdef tuple kernels                        # keeps them alive
    cdef void** items
    cdef int* teams                           # the threads that each kernel asked for
    cdef ix count
    cdef int limit                            # of the present call
    cdef double lasted, quickest              # seconds of the last call, and of the quickest

    def __cinit__(self):
        self.items, self.teams = NULL, NULL

    def __dealloc__(self):
        free(self.items)
        free(self.teams)

    def __init__(self, kernels):
        cdef ix i
        cdef Kernel kernel
        free(self.items)
        free(self.teams)
        self.kernels, self.count, self.threads = tuple(kernels), len(kernels), 1
        self.lasted, self.quickest = 0, 1e9
        self.items = <void**>calloc(max(1, self.count), sizeof(void*))
        self.teams = <int*>calloc(max(1, self.count), sizeof(int))
        if self.items == NULL or self.teams == NULL:
            raise MemoryError()
        for i in range(self.count):
            kernel = self.kernels[i]
            self.items[i], self.teams[i] = <void*>kernel, kernel.threads
            self.threads = max(self.threads, kernel.threads)
        self.limit = self.threads

    def __call__(self):
        cdef ix i
        cdef double start = now(), looked = start, time
        try:
            self.share(self.fair(enter(), start))
            with nogil:
                for i in range(self.count):
                    (<Kernel>self.items[i]).run()
                    time = now()
                    if time - looked > SIGNAL_SECONDS:
                        looked = time
                        with gil:
                            PyErr_CheckSignals()
        finally:
            leave()
            self.learn(start, now())

    cdef int fair(self, int running, double start) noexcept:
        """Return how many threads to use now, while `running` sequences run."""
        global streak
        streak = streak + 1 if SPINS and start - left_at < AWAKE_SECONDS else 0
        if self.lasted < SMALL_SECONDS and streak < FEW_IN_A_ROW:
            return 1
        return max(1, available(self.threads, start) // running)

    cdef void share(self, int limit) noexcept:
        """Let no kernel use more than `limit` threads."""
        cdef ix i
        if limit != self.limit:
            self.limit = limit
            for i in range(self.count):
                (<Kernel>self.items[i]).threads = min(limit, self.teams[i])

    cdef void learn(self, double start, double end) noexcept:
        """Draw conclusions from how long a call took."""
        global left_at, withheld, withheld_until
        cdef double delay = end - start - self.quickest
        cdef bint again
        left_at, self.lasted = end, end - start
        self.quickest = min(self.quickest, self.lasted)
        if self.limit > 1 and delay > LATE_SECONDS and delay > 2 * self.quickest:
            again = start - withheld_until < PATIENCE * delay
            withheld = min(withheld + 1, self.threads - 1) if again else 1
            withheld_until = end + PATIENCE * delay
