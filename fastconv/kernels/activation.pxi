"""Activations, value by value."""

# The activations of Keras that go value by value: one row each, f(x) and f'(x) from a vector of x and two settings.

cdef vf vsigmoid(vf x, vf a, vf b) noexcept nogil:
    return vset(1) / (vset(1) + vexp(-x))
cdef vf vsigmoid_slope(vf x, vf a, vf b) noexcept nogil:
    return vsigmoid(x, a, b) * vsigmoid(-x, a, b)
cdef vf tanh_(vf x, vf a, vf b) noexcept nogil:
    return vtanh(x)
cdef vf tanh_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf t = vtanh(x)
    return vset(1) - t * t
cdef vf elu(vf x, vf a, vf b) noexcept nogil:
    return vwhere(x, vset(0), x, a * vexpm1(x))
cdef vf elu_slope(vf x, vf a, vf b) noexcept nogil:
    return vwhere(x, vset(0), vset(1), a * vexp(x))
cdef vf selu(vf x, vf a, vf b) noexcept nogil:
    return b * elu(x, a, b)
cdef vf selu_slope(vf x, vf a, vf b) noexcept nogil:
    return b * elu_slope(x, a, b)
cdef vf celu(vf x, vf a, vf b) noexcept nogil:
    return vwhere(x, vset(0), x, a * vexpm1(x / a))
cdef vf celu_slope(vf x, vf a, vf b) noexcept nogil:
    return vwhere(x, vset(0), vset(1), vexp(x / a))
cdef vf softplus(vf x, vf a, vf b) noexcept nogil:
    return vat_least(x, vset(0)) + vlog1p_unit(vexp(-vabs(x)))
cdef vf log_sigmoid(vf x, vf a, vf b) noexcept nogil:
    return -softplus(-x, a, b)
cdef vf log_sigmoid_slope(vf x, vf a, vf b) noexcept nogil:
    return vsigmoid(-x, a, b)
cdef vf softsign(vf x, vf a, vf b) noexcept nogil:
    return x / (vset(1) + vabs(x))
cdef vf softsign_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf d = vset(1) + vabs(x)
    return vset(1) / (d * d)
cdef vf silu(vf x, vf a, vf b) noexcept nogil:
    return x * vsigmoid(x, a, b)
cdef vf silu_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf e = vexp(-vat_least(x, vset(-80))), s = vset(1) / (vset(1) + e)     # 1 - s = e s, without cancelling
    return s * (vset(1) + x * (e * s))
cdef vf gelu(vf x, vf a, vf b) noexcept nogil:
    return x * vnormal_cdf(x)
cdef vf gelu_slope(vf x, vf a, vf b) noexcept nogil:
    return vnormal_cdf(x) + x * vset(<real>0.3989422804014327) * vexp(vset(<real>-0.5) * x * x)
cdef vf gelu_inner(vf x) noexcept nogil:
    """Twice the argument of the tanh in the approximate gelu."""
    return vset(<real>1.5957691216057308) * (x + vset(<real>0.044715) * x * x * x)
cdef vf gelu_tanh(vf x, vf a, vf b) noexcept nogil:
    return x * vsigmoid(gelu_inner(x), a, b)                     # (1 + tanh(u)) / 2 = sigmoid(2 u)
cdef vf gelu_tanh_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf u = gelu_inner(x), s = vsigmoid(u, a, b)
    return s + s * vsigmoid(-u, a, b) * x * vset(<real>1.5957691216057308) * (vset(1) + vset(<real>0.134145) * x * x)
cdef vf exponential(vf x, vf a, vf b) noexcept nogil:
    return vexp(x)
cdef vf mish(vf x, vf a, vf b) noexcept nogil:
    cdef vf e = vexp(vat_most(x, vset(20))), n = e * (e + vset(2))
    return x * (n / (n + vset(2)))                              # tanh(log(1 + e)) without the logarithm
cdef vf mish_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf e = vexp(vat_most(x, vset(20))), n = e * (e + vset(2)), t = n / (n + vset(2))
    return t + x * (vset(2) / (n + vset(2))) * (vset(1) + t) * (e / (vset(1) + e))
cdef vf clip(vf x, vf least, vf most) noexcept nogil:
    return vat_most(vat_least(x, least), most)
cdef vf inside(vf x, vf edge, vf slope) noexcept nogil:
    """The slope where |x| < edge, else 0."""
    return vwhere(edge, vabs(x), slope, vset(0))
cdef vf hard_sigmoid(vf x, vf a, vf b) noexcept nogil:
    return clip(x / vset(6) + vset(<real>0.5), vset(0), vset(1))
cdef vf hard_sigmoid_slope(vf x, vf a, vf b) noexcept nogil:
    return inside(x, vset(3), vset(<real>(1.0 / 6)))
cdef vf hard_silu(vf x, vf a, vf b) noexcept nogil:
    return x * hard_sigmoid(x, a, b)
cdef vf hard_silu_slope(vf x, vf a, vf b) noexcept nogil:
    return hard_sigmoid(x, a, b) + x * hard_sigmoid_slope(x, a, b)
cdef vf hard_tanh(vf x, vf a, vf b) noexcept nogil:
    return clip(x, vset(-1), vset(1))
cdef vf hard_tanh_slope(vf x, vf a, vf b) noexcept nogil:
    return inside(x, vset(1), vset(1))
cdef vf hard_shrink(vf x, vf a, vf b) noexcept nogil:
    return vwhere(vabs(x), a, x, x - x)                         # 0, and NaN for NaN
cdef vf soft_shrink(vf x, vf a, vf b) noexcept nogil:
    return vwhere(vabs(x), a, x - vsign_of(a, x), x - x)
cdef vf shrink_slope(vf x, vf a, vf b) noexcept nogil:
    return vwhere(vabs(x), a, vset(1), vset(0))
cdef vf sparse_sigmoid(vf x, vf a, vf b) noexcept nogil:
    return clip(vset(<real>0.5) * (x + vset(1)), vset(0), vset(1))
cdef vf sparse_sigmoid_slope(vf x, vf a, vf b) noexcept nogil:
    return inside(x, vset(1), vset(<real>0.5))
cdef vf sparse_plus(vf x, vf a, vf b) noexcept nogil:
    cdef vf s = vat_least(x + vset(1), vset(0))
    return vwhere(vset(1), x, vset(<real>0.25) * s * s, x)
cdef vf squareplus(vf x, vf a, vf b) noexcept nogil:
    cdef vf h = vat_least(vsqrt(x * x + a) + vabs(x), vset(<real>1e-30))
    return vset(<real>0.5) * vwhere(vset(0), x, a / h, h)       # (x + r) (r - x) = b, without cancelling
cdef vf squareplus_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf r = vat_least(vsqrt(x * x + a), vset(<real>1e-30)), rest = a / (r * (r + vabs(x)))
    return vset(<real>0.5) * vwhere(vset(0), x, rest, vset(2) - rest)
cdef vf tanh_shrink(vf x, vf a, vf b) noexcept nogil:
    return x - vtanh(x)
cdef vf tanh_shrink_slope(vf x, vf a, vf b) noexcept nogil:
    cdef vf t = vtanh(x)
    return t * t
cdef vf threshold(vf x, vf a, vf b) noexcept nogil:
    return vwhere(x, a, x, b)
cdef vf threshold_slope(vf x, vf a, vf b) noexcept nogil:
    return vwhere(x, a, vset(1), vset(0))

cdef vf leaky_relu(vf x, vf slope, vf maximum) noexcept nogil:
    return vwhere(x, vset(0), vat_most(x, maximum), slope * x)
cdef vf leaky_relu_slope(vf x, vf slope, vf maximum) noexcept nogil:
    return vwhere(x, vset(0), vwhere(maximum, x, vset(1), vset(0)), slope)

cdef struct Activation:
    Function value, slope

cdef Activation[24] ACTIVATIONS
ACTIVATION_NAMES = []

cdef int row(str name, Function value, Function slope) except -1:
    ACTIVATIONS[<int>len(ACTIVATION_NAMES)] = Activation(value, slope)
    ACTIVATION_NAMES.append(name)
    return 0

row("sigmoid", vsigmoid, vsigmoid_slope)
row("tanh", tanh_, tanh_slope)
row("elu", elu, elu_slope)
row("selu", selu, selu_slope)
row("celu", celu, celu_slope)
row("softplus", softplus, vsigmoid)
row("log_sigmoid", log_sigmoid, log_sigmoid_slope)
row("softsign", softsign, softsign_slope)
row("silu", silu, silu_slope)
row("gelu", gelu, gelu_slope)
row("gelu_tanh", gelu_tanh, gelu_tanh_slope)
row("exponential", exponential, exponential)
row("mish", mish, mish_slope)
row("hard_sigmoid", hard_sigmoid, hard_sigmoid_slope)
row("hard_silu", hard_silu, hard_silu_slope)
row("hard_tanh", hard_tanh, hard_tanh_slope)
row("hard_shrink", hard_shrink, shrink_slope)
row("soft_shrink", soft_shrink, shrink_slope)
row("sparse_sigmoid", sparse_sigmoid, sparse_sigmoid_slope)
row("sparse_plus", sparse_plus, sparse_sigmoid)
row("squareplus", squareplus, squareplus_slope)
row("tanh_shrink", tanh_shrink, tanh_shrink_slope)
row("threshold", threshold, threshold_slope)
row("leaky_relu", leaky_relu, leaky_relu_slope)


cdef class activation_forward(Elementwise):
    """y = f(x), with the settings a and b of f."""
    cdef const real[::1] x
    cdef real[::1] y
    cdef Function function
    cdef real a, b

    def __init__(self, const real[::1] x, real[::1] y, str name, double a=1, double b=1, int threads=1):
        Elementwise.__init__(self, x.size, threads, 20)
        self.x, self.y, self.a, self.b = x, y, <real>a, <real>b
        self.function = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].value

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef vf a = vset(self.a), b = vset(self.b)
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.y[i], self.function(vload_n(&self.x[i], stop - i), a, b), stop - i)


cdef class activation_backward(Elementwise):
    """dx = dy * f'(x)."""
    cdef const real[::1] x, dy
    cdef real[::1] dx
    cdef Function slope
    cdef real a, b

    def __init__(self, const real[::1] x, const real[::1] dy, real[::1] dx, str name, double a=1, double b=1,
                 int threads=1):
        Elementwise.__init__(self, x.size, threads, 20)
        self.x, self.dy, self.dx, self.a, self.b = x, dy, dx, <real>a, <real>b
        self.slope = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].slope

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        cdef vf a = vset(self.a), b = vset(self.b)
        cdef ix i
        for i from start <= i < stop by VL:
            vstore_n(&self.dx[i], vload_n(&self.dy[i], stop - i) * self.slope(vload_n(&self.x[i], stop - i), a, b),
                     stop - i)


cdef class activate(Elementwise):
    """y = f(y); f is what the tuple `behind` says."""
    cdef real[::1] y
    cdef Behind f

    def __init__(self, real[::1] y, behind, int threads=1):
        Elementwise.__init__(self, y.size, threads, 20)
        self.y, self.f = y, behind_of(behind)

    cdef void slice(self, ix start, ix stop) noexcept nogil:
        finish_run(&self.f, &self.y[start], stop - start, 1, stop - start)


cdef class prelu_forward(Kernel):
    """y = x above zero, else alpha * x; alpha has a value for every place of a sample."""
    cdef const real[:, ::1] x
    cdef const real[::1] alpha
    cdef real[:, ::1] y

    def __init__(self, const real[:, ::1] x, const real[::1] alpha, real[:, ::1] y, int threads=1):
        self.x, self.alpha, self.y = x, alpha, y
        self.threads = useful_threads(threads, <double>x.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix n
        for n in prange(self.x.shape[0], num_threads=self.threads, schedule="static"):
            self.sample(n)

    cdef void sample(self, ix n) noexcept nogil:
        cdef ix j, size = self.x.shape[1]
        cdef vf x
        for j from 0 <= j < size by VL:
            x = vload_n(&self.x[n, j], size - j)
            vstore_n(&self.y[n, j], vwhere(x, vset(0), x, vload_n(&self.alpha[j], size - j) * x), size - j)


cdef class prelu_backward(Kernel):
    """dx (unless None) and dalpha, the sum over samples; threads share the places, so each sum has one order."""
    cdef const real[:, ::1] x, dy
    cdef const real[::1] alpha
    cdef real[:, ::1] dx
    cdef real[::1] dalpha

    def __init__(self, const real[:, ::1] x, const real[:, ::1] dy, const real[::1] alpha, real[:, ::1] dx,
                 real[::1] dalpha, int threads=1):
        self.x, self.dy, self.alpha, self.dx, self.dalpha = x, dy, alpha, dx, dalpha
        self.threads = useful_threads(threads, <double>x.size / VL)

    cdef void run(self) noexcept nogil:
        cdef ix t
        for t in prange((self.x.shape[1] + VL - 1) // VL, num_threads=self.threads, schedule="static"):
            self.places(t * VL)

    cdef void places(self, ix j) noexcept nogil:
        cdef ix n, left = self.x.shape[1] - j
        cdef vf zero = vset(0), total = vset(0), alpha = vload_n(&self.alpha[j], left), x, dy
        for n in range(self.x.shape[0]):
            x, dy = vload_n(&self.x[n, j], left), vload_n(&self.dy[n, j], left)
            total = total + dy * vwhere(zero, x, x, zero)
            if self.dx is not None:
                vstore_n(&self.dx[n, j], vwhere(x, zero, dy, vwhere(zero, x, alpha * dy, zero)), left)
        vstore_n(&self.dalpha[j], total, left)
