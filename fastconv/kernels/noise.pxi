"""Random numbers, each a hash of a seed and a place: the same for any number of threads, and on the way back."""


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): a good hash of a counter."""
    z = (z ^ (z >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
    z = (z ^ (z >> 27)) * <uint64_t>0x94d049bb133111eb
    return z ^ (z >> 31)


cdef inline uint64_t dice(uint64_t seed, ix place) noexcept nogil:
    """64 random bits of a place; `seed` went through mix before."""
    return mix(seed + <uint64_t>place * <uint64_t>0x9e3779b97f4a7c15)


cdef class dropout(Elementwise):
    """y = x * scale + shift where the dice of a place say keep, else `fill`; with dy for x it is its own gradient.

    Values that share a place share its fate: `places` has the place of each value of a sample, and a sample has
    `stride` places (0: all samples share them). Without `places` each value has its own.
    """
    cdef const real[::1] x
    cdef real[::1] y
    cdef const uint64_t[::1] seed
    cdef const ix[::1] places
    cdef ix stride
    cdef uint64_t limit
    cdef real scale, shift, fill

    def __init__(self, const real[::1] x, real[::1] y, const uint64_t[::1] seed, double rate, double scale,
                 double shift=0, double fill=0, const ix[::1] places=None, ix stride=0, int threads=1):
        Elementwise.__init__(self, x.size, threads, 4)
        self.x, self.y, self.seed, self.places, self.stride = x, y, seed, places, stride
        self.limit = <uint64_t>(rate * 4294967296.0)
        self.scale, self.shift, self.fill = <real>scale, <real>shift, <real>fill

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i, place, size = 0 if self.places is None else self.places.shape[0]
        cdef uint64_t seed = mix(self.seed[0])
        for i in range(start, stop):
            place = i if size == 0 else i // size * self.stride + self.places[i % size]
            self.y[i] = self.x[i] * self.scale + self.shift if dice(seed, place) >> 32 >= self.limit else self.fill


cdef class gaussian(Elementwise):
    """y = x + stddev * z, or with `multiplies` x * (1 + stddev * z); z is normal (Box and Muller 1958)."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef const uint64_t[::1] seed
    cdef double stddev
    cdef bint multiplies

    def __init__(self, const real[::1] x, real[::1] y, const uint64_t[::1] seed, double stddev, bint multiplies,
                 int threads=1):
        Elementwise.__init__(self, x.size, threads, 100)
        self.x, self.y, self.seed, self.stddev, self.multiplies = x, y, seed, stddev, multiplies

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        cdef uint64_t seed = mix(self.seed[0]), bits
        cdef double z, radius, angle
        for i in range(start, stop):
            bits = dice(seed, i)
            radius = sqrt(-2 * log(((bits >> 32) + 1) / 4294967296.0))
            angle = 6.283185307179586 * ((bits << 32) >> 32) / 4294967296.0
            z = self.stddev * radius * cos(angle)
            self.y[i] = <real>(self.x[i] * (1 + z) if self.multiplies else self.x[i] + z)
