"""Gradients of windows over a row of cells whose channels do not fill a vector: lanes that know their own window.

A row of cells is one line of values, in vectors that begin and end anywhere in a cell. `Lanes` says of each of
their lanes which value of the row of windows it takes: a permutation of a vector that is loaded there. Of windows that
overlap a lane has several, one a slot. Cells follow each other in steps of one window at most, or stay in the same, so
what the lanes of a vector take lies no further apart than they do.
"""

cdef enum:
    NO_PLACE = -(1 << 20)               # of a lane that is in no window: no winner's place, however moved


cdef struct Span:                       # the cells of a window inside of the image, along one axis
    ix first, count, skipped            # skipped: cells of the window that lie before the image


cdef class Lanes:
    """Tables [vector][slot][lane] over a row of cells; the last vector ends at the last value."""
    cdef Span* window                   # [windows], to be set before `fill`
    cdef Span* row                      # [rows], the same for rows of windows
    cdef ix* base                       # [vector][slot] the value of the row of windows from which on one is loaded
    cdef int* index                     # which lane of it
    cdef int* place                     # a cell's place in its window
    cdef real* share                    # how many cells of the row that window has
    cdef bint* even                     # [vector] whether all its windows lie inside of the image
    cdef ix windows, vectors, slots, size, out_size
    cdef real whole                     # the cells of a row under a window that lies inside
    cdef bint fits                      # whether what the lanes of each vector take lies close enough

    def __cinit__(self, ix windows, ix rows):
        self.windows = windows
        self.base, self.index, self.place, self.share, self.even = NULL, NULL, NULL, NULL, NULL
        self.window = <Span*>calloc(max(1, windows), sizeof(Span))
        self.row = <Span*>calloc(max(1, rows), sizeof(Span))
        if not (self.window and self.row):
            raise MemoryError()

    def __dealloc__(self):
        free(self.window)
        free(self.row)
        free(self.base)
        free(self.index)
        free(self.place)
        free(self.share)
        free(self.even)

    cdef inline ix end(self, ix j) noexcept:
        return self.window[j].first + self.window[j].count

    cdef int fill(self, ix cells, ix channels, ix whole) except -1:
        """Make the tables for so many cells, under windows that have `whole` of them unless the image ends before."""
        cdef ix v, q, j = 0, stop = 0, count
        self.size, self.out_size, self.slots, self.fits = cells * channels, self.windows * channels, 1, True
        self.vectors, self.whole = (self.size + VL - 1) // VL, <real>whole
        for q in range(cells):
            while j < self.windows and self.end(j) <= q:
                j = j + 1
            while stop < self.windows and self.window[stop].first <= q:
                stop = stop + 1
            self.slots = max(self.slots, stop - j)
        count = max(1, self.vectors * self.slots)
        self.base, self.even = <ix*>calloc(count, sizeof(ix)), <bint*>calloc(count, sizeof(bint))
        self.index, self.place = <int*>calloc(count * VL, sizeof(int)), <int*>calloc(count * VL, sizeof(int))
        self.share = <real*>calloc(count * VL, sizeof(real))
        if not (self.base and self.even and self.index and self.place and self.share):
            raise MemoryError()
        for v in range(self.vectors if self.windows else 0):
            self.vector(v, channels, whole)
        return 0

    cdef inline ix at(self, ix v) noexcept nogil:
        """Return the first value of a vector."""
        return max(0, min(v * VL, self.size - VL))

    cdef void vector(self, ix v, ix channels, ix whole) noexcept:
        cdef ix lane, slot, q, j = 0, w, row
        cdef ix lanes = min(VL, self.size - self.at(v))
        cdef Span span
        cdef ix[VL] taken
        self.even[v] = True
        for slot in range(self.slots):
            row, j = v * self.slots + slot, 0
            for lane in range(VL):
                q = (self.at(v) + min(lane, lanes - 1)) // channels
                while j < self.windows and self.end(j) <= q:
                    j = j + 1
                w = min(j + slot, self.windows - 1)
                span = self.window[w]
                taken[lane] = w * channels + (self.at(v) + min(lane, lanes - 1)) % channels
                self.place[row * VL + lane], self.share[row * VL + lane] = NO_PLACE, 1
                if w == j + slot and span.first <= q < span.first + span.count:
                    self.place[row * VL + lane] = <int>(q - span.first + span.skipped)
                    self.share[row * VL + lane] = <real>span.count
                    self.even[v] = self.even[v] and span.count == whole
            self.take(row, taken)

    cdef void take(self, ix row, const ix* taken) noexcept:
        """Say which values the lanes of a slot take."""
        cdef ix lane, base = taken[0]
        for lane in range(1, VL):
            base = min(base, taken[lane])
        self.base[row] = base
        for lane in range(VL):
            self.fits = self.fits and taken[lane] - base < VL
            self.index[row * VL + lane] = <int>(taken[lane] - base)

    cdef void winners(self, const real* dy, const uint8_t* which, ix rows, int place, int step,
                      real* dx) noexcept nogil:
        """Write a row of cells under so many rows of windows: their gradients where the cell is the winner.

        `place` is that of the cells in the column and row where the first windows begin; in each row it is `step` less.
        """
        cdef ix v
        for v in range(self.vectors):
            if self.slots == 1:
                self.won(1, v, dy, which, rows, place, step, dx)
            elif self.slots == 2:
                self.won(2, v, dy, which, rows, place, step, dx)
            else:
                self.won(self.slots, v, dy, which, rows, place, step, dx)

    cdef inline void won(self, const ix slots, ix v, const real* dy, const uint8_t* which, ix rows, int place, int step,
                         real* dx) noexcept nogil:
        cdef ix i, slot, at = self.at(v), base, left
        cdef const int* index
        cdef vf total = vset(0), g
        cdef vi winner
        for i in range(rows):
            for slot in range(slots):
                base, index = self.base[v * slots + slot], self.index + (v * slots + slot) * VL
                left = self.out_size - base
                g = vpermute(vload_n(dy + base, left), index)
                winner = vpermute_int(vload_bytes_n(which + base, left), index)
                total = total + vkeep_same(g, winner, vload_int(self.place + (v * slots + slot) * VL) + viset(place))
            dy, which, place = dy + self.out_size, which + self.out_size, place - step
        vstore_n(dx + at, total, self.size - at)

    cdef void shares(self, const real* dy, const Span* row, ix rows, real* dx) noexcept nogil:
        """The same of means: each cell has an equal share of its windows; `row` says how many rows these have."""
        cdef ix v, i
        cdef bint alike = True
        for i in range(1, rows):
            alike = alike and row[i].count == row[0].count
        for v in range(self.vectors):
            if self.slots == 1:
                self.shared(1, v, dy, row, rows, alike, dx)
            elif self.slots == 2:
                self.shared(2, v, dy, row, rows, alike, dx)
            else:
                self.shared(self.slots, v, dy, row, rows, alike, dx)

    cdef inline void shared(self, const ix slots, ix v, const real* dy, const Span* row, ix rows, bint alike,
                            real* dx) noexcept nogil:
        cdef ix i, slot, at = self.at(v), base, k
        cdef bint even = alike and self.even[v]
        cdef vf total = vset(0), g
        for i in range(rows):
            for slot in range(slots):
                k = (v * slots + slot) * VL
                base = self.base[v * slots + slot]
                g = vpermute(vload_n(dy + base, self.out_size - base), self.index + k)
                g = vdrop_equal(g, vload_int(self.place + k), NO_PLACE)
                total = total + (g if even else g / (vload(self.share + k) * vset(<real>row[i].count)))
            dy = dy + self.out_size
        if even and rows > 0:
            total = total / vset(self.whole * <real>row[0].count)
        vstore_n(dx + at, total, self.size - at)
