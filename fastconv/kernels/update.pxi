"""Optimizer steps: one sweep in place over all weights, however many arrays they live in.

A sweep brings gradients into shape (scaled, clipped), decays weights and applies the rule in one pass, in registers.
Norms, where gradients are clipped by them, are summed before, in parts whose sizes do not depend on threads.
"""

cdef enum:
    SHARED = 4                        # the settings that every sweep reads before those of its rule
    EACH_NORM = 1                     # the norm of each gradient is limited
    JOINT_NORM = 2                    # the norm of all together is

cdef struct Owner:                    # a weight: what happens to all of its parts in this step
    double scale, keep, squares
    bint decays

cdef struct Part:                     # a slice of a weight, of its gradient, and of what its optimizer remembers
    real* weight
    const real* gradient
    real* first
    real* second
    real* third
    ix size
    Owner* owner
    double squares

cdef struct Intake:                   # how gradients and weights come out of memory
    vf scale, most, keep


cdef inline vf gradient_at(const Part* p, Intake take, ix i) noexcept nogil:
    return vclamp(vload_n(p.gradient + i, p.size - i) * take.scale, take.most)


cdef inline vf weight_at(const Part* p, Intake take, ix i) noexcept nogil:
    return vload_n(p.weight + i, p.size - i) * take.keep


cdef inline vf vabsolute(vf v) noexcept nogil:
    return vmax(-v, v)


cdef inline vf vclamp(vf v, vf most) noexcept nogil:
    """Return v brought into [-most, most]; NaN passes."""
    return -vmax(-most, -vmax(-most, v))


cdef inline vf vpower(vf v, double power) noexcept nogil:
    cdef real[VL] lanes
    cdef ix i
    if power == 0.5:
        return vsqrt(v)
    vstore(lanes, v)
    for i in range(VL):
        lanes[i] = <real>pow(lanes[i], power)
    return vload(lanes)


cdef double square_sum(const real* x, ix size) noexcept nogil:
    """Return the sum of squares of at most SLICE values."""
    cdef vf a, b, a_sum = vset(0), b_sum = vset(0)
    cdef real[VL] lanes
    cdef double total = 0
    cdef ix i
    for i from 0 <= i < size by 2 * VL:
        a, b = vload_n(x + i, size - i), vload_n(x + i + VL, size - i - VL)
        a_sum, b_sum = a_sum + a * a, b_sum + b * b
    vstore(lanes, a_sum + b_sum)
    for i in range(VL):
        total += lanes[i]
    return total


cdef class Update(Kernel):
    """A sweep over lists of flat arrays: weights, gradients and up to three slots (None where a rule does without).

    `norms` is 0, EACH_NORM or JOINT_NORM; `decays` says of each weight whether it decays. Read at each call, from
    `settings`: what gradients are multiplied by, the most that a value of them may be, the most that a norm may be
    (both may be infinite), which share of a weight decays; then what the rule needs.
    """
    cdef list arrays                  # held, so that they live as long as the kernel
    cdef Part* parts
    cdef Owner* owners
    cdef ix count, weights
    cdef int norms
    cdef const double[::1] settings
    cdef const double* own            # the settings of the rule

    def __cinit__(self):
        self.parts, self.owners = NULL, NULL

    def __dealloc__(self):
        free(self.parts)
        free(self.owners)

    def __init__(self, weights, gradients, slots, const double[::1] settings, decays=None, int norms=0, int threads=1):
        cdef ix i, start, total = sum(weight.size for weight in weights)
        self.weights, self.count = len(weights), sum((weight.size + SLICE - 1) // SLICE for weight in weights)
        free(self.parts)
        free(self.owners)
        self.parts = <Part*>calloc(max(1, self.count), sizeof(Part))
        self.owners = <Owner*>calloc(max(1, self.weights), sizeof(Owner))
        if self.parts == NULL or self.owners == NULL:
            raise MemoryError()
        self.arrays, self.settings, self.own, self.norms = [], settings, &settings[0] + SHARED, norms
        start = 0
        for i in range(self.weights):
            self.owners[i].decays = decays is None or decays[i]
            mine = [None if slot is None else slot[i] for slot in slots]
            start = self.cut(i, start, weights[i], gradients[i], mine + [None] * (3 - len(mine)))
        self.threads = useful_threads(threads, total * 5.0 / VL * (2 + sum(slot is not None for slot in slots)))

    cdef ix cut(self, ix i, ix k, weight, gradient, slots) except -1:
        """Make the parts of weight i, from part k on; return the part after them."""
        cdef const real[::1] g = gradient
        cdef real* w = beginning(weight)
        cdef real* first = beginning(slots[0])
        cdef real* second = beginning(slots[1])
        cdef real* third = beginning(slots[2])
        cdef ix start, size = weight.size
        if g.shape[0] != size or any(slot is not None and slot.size != size for slot in slots):
            raise ValueError(f"weight {i} has {size} values, its gradient {g.shape[0]}, "
                             f"its slots {[None if slot is None else slot.size for slot in slots]}")
        self.arrays += [weight, gradient, *slots]
        for start in range(0, size, SLICE):
            self.parts[k] = Part(w + start, &g[start], later(first, start), later(second, start), later(third, start),
                                 min(<ix>SLICE, size - start), &self.owners[i], 0)
            k += 1
        return k

    cdef void run(self) noexcept nogil:
        cdef ix k
        if self.norms != 0:
            for k in prange(self.count, num_threads=self.threads, schedule="static"):
                self.parts[k].squares = square_sum(self.parts[k].gradient, self.parts[k].size)
        self.prepare()
        for k in prange(self.count, num_threads=self.threads, schedule="static"):
            self.part(k)

    cdef void prepare(self) noexcept nogil:
        """Settle what happens to each weight and its gradient as a whole."""
        cdef ix k
        cdef Owner* owner
        cdef double joint = 0, norm, scale = self.settings[0], limit = self.settings[2], decay = self.settings[3]
        for k in range(self.weights):
            self.owners[k].squares = 0
        for k in range(self.count):
            owner = self.parts[k].owner
            owner.squares += self.parts[k].squares
            joint += self.parts[k].squares
        for k in range(self.weights):
            norm = fabs(scale) * sqrt(joint if self.norms == JOINT_NORM else self.owners[k].squares)
            self.owners[k].scale = scale * shortening(norm, limit) if self.norms != 0 else scale
            self.owners[k].keep = 1 - decay if self.owners[k].decays else 1

    cdef void part(self, ix k) noexcept nogil:
        cdef Owner* owner = self.parts[k].owner
        cdef Intake take
        take.scale, take.keep = vset(<real>owner.scale), vset(<real>owner.keep)
        take.most = vset(<real>self.settings[1])
        self.sweep(&self.parts[k], take)

    cdef void sweep(self, const Part* p, Intake take) noexcept nogil:
        pass


cdef real* beginning(array) except? NULL:
    """Return where a flat array begins that may be written to; NULL for None and for an array without values."""
    cdef real[::1] view
    if array is None or array.size == 0:
        return NULL
    view = array
    return &view[0]


cdef inline real* later(real* begin, ix start) noexcept:
    return NULL if begin == NULL else begin + start


cdef inline double shortening(double norm, double limit) noexcept nogil:
    """Return what a gradient is multiplied by; NaN where the norm is no finite number, as nothing good comes of it."""
    return (1 if norm <= limit else limit / norm) + (norm - norm)


cdef class blend_update(Update):
    """No rule: weights that decay and to which scaled gradients are added; for sums and running averages."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef ix i
        for i from 0 <= i < p.size by VL:
            vstore_n(p.weight + i, weight_at(&p, take, i) + gradient_at(&p, take, i), p.size - i)


cdef class prepared_update(Update):
    """No rule: weights decay, and gradients go into the slot as a rule would get them."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef ix i
        for i from 0 <= i < p.size by VL:
            vstore_n(p.first + i, gradient_at(&p, take, i), p.size - i)
            vstore_n(p.weight + i, weight_at(&p, take, i), p.size - i)


cdef class sgd_update(Update):
    """Settings: rate, momentum, nesterov (0 or 1). Slot (with momentum): velocity."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), momentum = vset(<real>self.own[1]), g, v
        cdef bint nesterov = self.own[2] != 0
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g = rate * gradient_at(&p, take, i)
            if p.first == NULL:
                v = -g
            else:
                v = momentum * vload_n(p.first + i, n) - g
                vstore_n(p.first + i, v, n)
                if nesterov:
                    v = momentum * v - g
            vstore_n(p.weight + i, weight_at(&p, take, i) + v, n)


cdef class adam_update(Update):
    """Settings: corrected rate, 1 - beta_1, 1 - beta_2, epsilon. Slots: momentum, velocity, for amsgrad its maximum.

    The form of Kingma and Ba (2015), section 2, last lines: epsilon is not bias-corrected.
    """

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), a = vset(<real>self.own[1]), b = vset(<real>self.own[2])
        cdef vf epsilon = vset(<real>self.own[3]), g, m, v
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g, m, v = gradient_at(&p, take, i), vload_n(p.first + i, n), vload_n(p.second + i, n)
            m = m + (g - m) * a
            v = v + (g * g - v) * b
            vstore_n(p.first + i, m, n)
            vstore_n(p.second + i, v, n)
            if p.third != NULL:
                v = vmax(vload_n(p.third + i, n), v)
                vstore_n(p.third + i, v, n)
            vstore_n(p.weight + i, weight_at(&p, take, i) - rate * m / (vsqrt(v) + epsilon), n)


cdef class adamax_update(Update):
    """Settings: corrected rate, 1 - beta_1, beta_2, epsilon. Slots: momentum, norm."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), a = vset(<real>self.own[1]), beta = vset(<real>self.own[2])
        cdef vf epsilon = vset(<real>self.own[3]), g, m, u
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g, m, u = gradient_at(&p, take, i), vload_n(p.first + i, n), vload_n(p.second + i, n)
            m = m + (g - m) * a
            u = vmax(beta * u, vabsolute(g))
            vstore_n(p.first + i, m, n)
            vstore_n(p.second + i, u, n)
            vstore_n(p.weight + i, weight_at(&p, take, i) - rate * m / (u + epsilon), n)


cdef class nadam_update(Update):
    """Settings: rate, 1 - beta_1, 1 - beta_2, epsilon, the shares of momentum and of the gradient in a step, the
    correction of the velocity's root.

    Slots: momentum, velocity.
    """

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), a = vset(<real>self.own[1]), b = vset(<real>self.own[2])
        cdef vf epsilon = vset(<real>self.own[3]), old = vset(<real>self.own[4]), new = vset(<real>self.own[5])
        cdef vf correction = vset(<real>self.own[6]), g, m, v
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g, m, v = gradient_at(&p, take, i), vload_n(p.first + i, n), vload_n(p.second + i, n)
            m = m + (g - m) * a
            v = v + (g * g - v) * b
            vstore_n(p.first + i, m, n)
            vstore_n(p.second + i, v, n)
            m = rate * (old * m + new * g)
            vstore_n(p.weight + i, weight_at(&p, take, i) - m / (vsqrt(v) * correction + epsilon), n)


cdef class adagrad_update(Update):
    """Settings: rate, epsilon. Slot: accumulator."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), epsilon = vset(<real>self.own[1]), g, v
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g = gradient_at(&p, take, i)
            v = vload_n(p.first + i, n) + g * g
            vstore_n(p.first + i, v, n)
            vstore_n(p.weight + i, weight_at(&p, take, i) - rate * g / vsqrt(v + epsilon), n)


cdef class adadelta_update(Update):
    """Settings: rate, rho, 1 - rho, epsilon. Slots: accumulated_grad, accumulated_delta_var."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), rho = vset(<real>self.own[1]), rest = vset(<real>self.own[2])
        cdef vf epsilon = vset(<real>self.own[3]), g, v, d
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g, d = gradient_at(&p, take, i), vload_n(p.second + i, n)
            v = rho * vload_n(p.first + i, n) + rest * (g * g)
            vstore_n(p.first + i, v, n)
            g = vsqrt(d + epsilon) * g / vsqrt(v + epsilon)
            vstore_n(p.second + i, rho * d + rest * (g * g), n)
            vstore_n(p.weight + i, weight_at(&p, take, i) - rate * g, n)


cdef class rmsprop_update(Update):
    """Settings: rate, rho, 1 - rho, momentum, epsilon. Slots: velocity, momentum or None, average_gradient or None."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), rho = vset(<real>self.own[1]), rest = vset(<real>self.own[2])
        cdef vf momentum = vset(<real>self.own[3]), epsilon = vset(<real>self.own[4]), g, v, mean
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g = gradient_at(&p, take, i)
            v = rho * vload_n(p.first + i, n) + rest * (g * g)
            vstore_n(p.first + i, v, n)
            if p.third != NULL:
                mean = rho * vload_n(p.third + i, n) + rest * g
                vstore_n(p.third + i, mean, n)
                v = vrelu(v - mean * mean)                       # a variance, which rounding may bring below zero
            g = rate * g / vsqrt(v + epsilon)
            if p.second != NULL:
                g = momentum * vload_n(p.second + i, n) + g
                vstore_n(p.second + i, g, n)
            vstore_n(p.weight + i, weight_at(&p, take, i) - g, n)


cdef class lion_update(Update):
    """Settings: rate, beta_1, 1 - beta_1, beta_2, 1 - beta_2. Slot: momentum."""

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef vf rate = vset(<real>self.own[0]), old = vset(<real>self.own[1]), new = vset(<real>self.own[2])
        cdef vf keep = vset(<real>self.own[3]), rest = vset(<real>self.own[4]), g, m, c
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g, m = gradient_at(&p, take, i), vload_n(p.first + i, n)
            c = old * m + new * g
            vstore_n(p.first + i, keep * m + rest * g, n)
            c = vkeep_positive(rate, c) - vkeep_positive(rate, -c)
            vstore_n(p.weight + i, weight_at(&p, take, i) - c, n)


cdef class ftrl_update(Update):
    """Settings: 1 / rate, minus the power of the rate, l1, twice l2 (with beta), twice the shrinkage.

    Slots: accumulator, linear.
    """

    cdef void sweep(self, const Part* part, Intake take) noexcept nogil:
        cdef Part p = part[0]
        cdef double power = self.own[1]
        cdef vf inverse = vset(<real>self.own[0]), l1 = vset(<real>self.own[2]), l2 = vset(<real>self.own[3])
        cdef vf shrinkage = vset(<real>self.own[4]), g, w, a, z, q
        cdef ix i, n
        for i from 0 <= i < p.size by VL:
            n = p.size - i
            g, w = gradient_at(&p, take, i), weight_at(&p, take, i)
            a, z = vload_n(p.first + i, n), vload_n(p.second + i, n)
            q = vpower(a + g * g, power)
            z = z + (g + shrinkage * w) - (q - vpower(a, power)) * inverse * w
            vstore_n(p.first + i, a + g * g, n)
            vstore_n(p.second + i, z, n)
            vstore_n(p.weight + i, (vclamp(z, l1) - z) / (q * inverse + l2), n)
