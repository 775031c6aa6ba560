"""Value by value: activations, rescaling, dropout; and data movement: padding, axis order, gathering a batch."""

cdef enum:
    SLICE = 8192                      # values a thread takes at a time


cdef class Elementwise(Kernel):
    """A kernel over slices of a flat array."""
    cdef ix size

    def __init__(self, ix size, int threads, double work=1):
        self.size, self.threads = size, useful_threads(threads, size * work / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange((self.size + SLICE - 1) // SLICE, num_threads=self.threads, schedule="static"):
            self.slice(t * SLICE, min(self.size, (t + 1) * SLICE))

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        pass


cdef class relu_forward(Elementwise):
    """y = x, with slope below the threshold and cut at the maximum (infinity: not cut). NaN passes."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef real slope, threshold, maximum

    def __init__(self, const real[::1] x, real[::1] y, real slope, real threshold, real maximum, int threads=1):
        Elementwise.__init__(self, x.size, threads)
        self.x, self.y, self.slope, self.threshold, self.maximum = x, y, slope, threshold, maximum

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        cdef real v
        for i in range(start, stop):
            v = self.x[i]
            if v <= self.threshold:
                v = self.slope * (v - self.threshold) if self.slope != 0 else 0
            self.y[i] = self.maximum if v > self.maximum else v


cdef class relu_backward(Elementwise):
    """dx = dy times relu's slope at x."""
    cdef const real[::1] x, dy
    cdef real[::1] dx
    cdef real slope, threshold, maximum

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] dx, real slope, real threshold, real maximum,
                 int threads=1):
        Elementwise.__init__(self, x.size, threads)
        self.x, self.dy, self.dx, self.slope, self.threshold, self.maximum = x, dy, dx, slope, threshold, maximum

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        cdef real v
        for i in range(start, stop):
            v = self.x[i]
            if v <= self.threshold:
                self.dx[i] = self.slope * self.dy[i] if self.slope != 0 else 0
            else:
                self.dx[i] = self.dy[i] if v < self.maximum else 0


cdef class relu_backward_from_output(Elementwise):
    """dx = dy where relu's output is above zero: for steps that keep no input. dx may be dy."""
    cdef const real[::1] y, dy
    cdef real[::1] dx

    def __init__(self, const real[::1] y, const real[::1] dy, real[::1] dx, int threads=1):
        Elementwise.__init__(self, y.size, threads)
        self.y, self.dy, self.dx = y, dy, dx

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.dx[i], vkeep_positive(vload_n(&self.dy[i], stop - i), vload_n(&self.y[i], stop - i)),
                     stop - i)


# The smooth activations: one row per function, f(x) and f'(x) from x.
ctypedef real (*Function)(real x, real a) noexcept nogil

cdef real sigmoid(real x, real a) noexcept nogil:
    return 1 / (1 + <real>exp(-x)) if x >= 0 else <real>exp(x) / (1 + <real>exp(x))
cdef real sigmoid_slope(real x, real a) noexcept nogil:
    cdef real s = sigmoid(x, a)
    return s * (1 - s)
cdef real tanh_(real x, real a) noexcept nogil:
    return <real>tanh(x)
cdef real tanh_slope(real x, real a) noexcept nogil:
    cdef real t = <real>tanh(x)
    return 1 - t * t
cdef real elu(real x, real a) noexcept nogil:
    return x if x > 0 else a * <real>expm1(x)
cdef real elu_slope(real x, real a) noexcept nogil:
    return 1 if x > 0 else a * <real>exp(x)
cdef real SELU_SCALE = <real>1.0507009873554805
cdef real SELU_ALPHA = <real>1.6732632423543772
cdef real selu(real x, real a) noexcept nogil:
    return SELU_SCALE * elu(x, SELU_ALPHA)
cdef real selu_slope(real x, real a) noexcept nogil:
    return SELU_SCALE * elu_slope(x, SELU_ALPHA)
cdef real softplus(real x, real a) noexcept nogil:
    return (x if x > 0 else 0) + <real>log1p(exp(-fabs(x)))
cdef real softsign(real x, real a) noexcept nogil:
    return x / (1 + <real>fabs(x))
cdef real softsign_slope(real x, real a) noexcept nogil:
    return 1 / ((1 + <real>fabs(x)) * (1 + <real>fabs(x)))
cdef real silu(real x, real a) noexcept nogil:
    return x * sigmoid(x, a)
cdef real silu_slope(real x, real a) noexcept nogil:
    cdef real s = sigmoid(x, a)
    return s * (1 + x * (1 - s))
cdef real gelu(real x, real a) noexcept nogil:
    return <real>(0.5 * x * (1 + erf(x * 0.7071067811865476)))
cdef real gelu_slope(real x, real a) noexcept nogil:
    return <real>(0.5 * (1 + erf(x * 0.7071067811865476)) + x * 0.3989422804014327 * exp(-0.5 * x * x))
cdef real exponential(real x, real a) noexcept nogil:
    return <real>exp(x)
cdef real hard_sigmoid(real x, real a) noexcept nogil:
    return 0 if x <= -3 else (1 if x >= 3 else x / 6 + <real>0.5)
cdef real hard_sigmoid_slope(real x, real a) noexcept nogil:
    return 0 if x <= -3 or x >= 3 else <real>(1.0 / 6)

cdef struct Activation:
    Function value, slope

cdef Activation[10] ACTIVATIONS
ACTIVATIONS[0] = Activation(sigmoid, sigmoid_slope)
ACTIVATIONS[1] = Activation(tanh_, tanh_slope)
ACTIVATIONS[2] = Activation(elu, elu_slope)
ACTIVATIONS[3] = Activation(selu, selu_slope)
ACTIVATIONS[4] = Activation(softplus, sigmoid)
ACTIVATIONS[5] = Activation(softsign, softsign_slope)
ACTIVATIONS[6] = Activation(silu, silu_slope)
ACTIVATIONS[7] = Activation(gelu, gelu_slope)
ACTIVATIONS[8] = Activation(exponential, exponential)
ACTIVATIONS[9] = Activation(hard_sigmoid, hard_sigmoid_slope)
ACTIVATION_NAMES = ("sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "silu", "gelu", "exponential",
                    "hard_sigmoid")


cdef class activation_forward(Elementwise):
    """y = f(x)."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef Function function
    cdef real a

    def __init__(self, const real[::1] x, real[::1] y, str name, real a=1, int threads=1):
        Elementwise.__init__(self, x.size, threads, 20)
        self.x, self.y, self.a = x, y, a
        self.function = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].value

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        for i in range(start, stop):
            self.y[i] = self.function(self.x[i], self.a)


cdef class activation_backward(Elementwise):
    """dx = dy * f'(x)."""
    cdef const real[::1] x, dy
    cdef real[::1] dx
    cdef Function slope
    cdef real a

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] dx, str name, real a=1, int threads=1):
        Elementwise.__init__(self, x.size, threads, 20)
        self.x, self.dy, self.dx, self.a = x, dy, dx, a
        self.slope = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].slope

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        for i in range(start, stop):
            self.dx[i] = self.dy[i] * self.slope(self.x[i], self.a)


cdef class scale_shift(Elementwise):
    """y = x * scale + shift, each one value for every place of the last axis; also its own gradient, with shift 0."""
    cdef const real[::1] x, scale, shift
    cdef real[::1] y

    def __init__(self, const real[::1] x, const real[::1] scale, const real[::1] shift, real[::1] y, int threads=1):
        Elementwise.__init__(self, x.size, threads)
        self.x, self.scale, self.shift, self.y = x, scale, shift, y

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i, n = self.scale.shape[0]
        for i in range(start, stop):
            self.y[i] = self.x[i] * self.scale[i % n] + self.shift[i % n]


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): a good hash of a counter."""
    z = (z ^ (z >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
    z = (z ^ (z >> 27)) * <uint64_t>0x94d049bb133111eb
    return z ^ (z >> 31)


cdef class dropout(Elementwise):
    """y = x / (1 - rate) where a hash of (seed, place) says keep, else 0. With dy for x, it is its own gradient."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef const uint64_t[::1] seed
    cdef uint64_t limit
    cdef real scale

    def __init__(self, const real[::1] x, real[::1] y, const uint64_t[::1] seed, double rate, int threads=1):
        Elementwise.__init__(self, x.size, threads, 4)
        self.x, self.y, self.seed = x, y, seed
        self.limit = <uint64_t>(rate * 4294967296.0)
        self.scale = <real>(1.0 / (1.0 - rate)) if rate < 1 else 0

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef ix i
        cdef uint64_t seed = mix(self.seed[0]), dice
        for i in range(start, stop):
            dice = mix(seed + <uint64_t>i * <uint64_t>0x9e3779b97f4a7c15) >> 32
            self.y[i] = self.x[i] * self.scale if dice >= self.limit else 0


cdef class copy_box(Kernel):
    """Copy a box of cells between images: zero padding (into a larger, cleared image) and cropping (its gradient)."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef ix[12] s
    cdef bint clear

    def __init__(self, const real[::1] x, real[::1] y, sizes, bint clear, int threads=1):
        """sizes: images, rows, values a row; then for x and for y: image size, row size, first value; in values."""
        cdef ix i
        for i in range(9):
            self.s[i] = sizes[i]
        self.x, self.y, self.clear, self.threads = x, y, clear, useful_threads(threads, <double>y.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.s[0], num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix r
        cdef const real* x = &self.x[0] + n * self.s[3] + self.s[5]
        cdef real* y = &self.y[0] + n * self.s[6]
        if self.clear:
            memset(y, 0, self.s[6] * sizeof(real))
        for r in range(self.s[1]):
            memcpy(y + self.s[8] + r * self.s[7], x + r * self.s[4], self.s[2] * sizeof(real))


cdef class swap_axes(Kernel):
    """y[n, b, a] = x[n, a, b]: channels first to channels last, and back."""
    cdef const real[:, :, ::1] x
    cdef real[:, :, ::1] y

    def __init__(self, const real[:, :, ::1] x, real[:, :, ::1] y, int threads=1):
        self.x, self.y, self.threads = x, y, useful_threads(threads, <double>x.size)

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.x.shape[0], num_threads=self.threads, schedule="static"):
            self.image(n)

    cdef void image(self, ix n) noexcept nogil:
        cdef ix a, b, b0
        for b0 in range(0, self.x.shape[2], 16):                  # a strip of 16 fits a cache line of the output
            for a in range(self.x.shape[1]):
                for b in range(b0, min(b0 + 16, self.x.shape[2])):
                    self.y[n, b, a] = self.x[n, a, b]


ctypedef fused element:
    uint8_t
    signed char
    unsigned short
    short
    uint32_t
    int
    long long
    float
    double


def gather_rows(const element[:, ::1] source, const ix[::1] index, real[:, ::1] out, int threads=1):
    """out[i] = source[index[i]], converted: the next batch of a data set that is never copied."""
    cdef ix i, j
    cdef int t = useful_threads(available(threads, now()), out.size / 4.0)
    for i in prange(index.shape[0], nogil=True, num_threads=t, schedule="static"):
        for j in range(source.shape[1]):
            out[i, j] = <real>source[index[i], j]


def count_argmax(const real[:, ::1] scores, const int[::1] labels):
    """Return in how many rows the first maximum (or the first NaN) stands at the row's label."""
    cdef ix i, j, best, hits = 0
    cdef real score
    with nogil:
        for i in range(scores.shape[0]):
            best = 0
            for j in range(1, scores.shape[1]):
                score = scores[i, j]
                if score > scores[i, best] or (score != score and scores[i, best] == scores[i, best]):
                    best = j
            hits += best == labels[i]
    return hits
