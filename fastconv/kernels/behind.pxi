"""What may stand behind the values that another kernel makes, before they are written: an activation, as data.

A kernel that is told one in Python gets the tuple (name, settings of the function): None for nothing, ("relu",),
("cut_relu", maximum), or a row of the table in activation.pxi, ("silu",). The loops are made for each of the kinds.
"""

# f(x) or f'(x) from a vector of x and two settings
ctypedef vf (*Function)(vf x, vf a, vf b) noexcept nogil

cdef enum:                            # kinds
    NOTHING, RELU, CUT_RELU, BY_TABLE

cdef struct Behind:
    int kind
    real a, b                         # the function's settings; a is where a relu is cut
    Function value, slope


cdef Behind behind_of(told):
    """Return what the tuple `told` says."""
    cdef Behind f
    f.kind, f.a, f.b, f.value, f.slope = NOTHING, 1, 1, NULL, NULL
    if told is None:
        return f
    name, *numbers = told
    if numbers:
        f.a = <real><double>numbers[0]
    if len(numbers) > 1:
        f.b = <real><double>numbers[1]
    f.kind = KINDS.get(name, BY_TABLE)
    if f.kind == BY_TABLE:
        f.value = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].value
        f.slope = ACTIVATIONS[<int>ACTIVATION_NAMES.index(name)].slope
    return f


KINDS = {"relu": RELU, "cut_relu": CUT_RELU}


cdef inline vf behind(const int kind, vf z, const Behind* f) noexcept nogil:
    """Return the activation of z. The kind is told once more, as a constant where loops are made for each."""
    if kind == RELU:
        return vrelu(z)
    if kind == CUT_RELU:
        return vat_most(vrelu(z), vset(f.a))
    if kind == BY_TABLE:
        return f.value(z, vset(f.a), vset(f.b))
    return z


cdef inline vf let_through(const int kind, vf g, vf z, const Behind* f) noexcept nogil:
    """Return the gradient of z, of which g is that of its activation."""
    if kind == RELU:
        return vkeep_positive(g, z)
    if kind == CUT_RELU:
        return vkeep_positive(vkeep_positive(g, z), vset(f.a) - z)
    if kind == BY_TABLE:
        return g * f.slope(z, vset(f.a), vset(f.b))
    return g


cdef inline void finish_values(const int kind, const Behind* f, real* y, ix n) noexcept nogil:
    """y = f(y), n values in a row."""
    cdef ix j
    for j from 0 <= j < n by VL:
        vstore_n(y + j, behind(kind, vload_n(y + j, n - j), f), n - j)


cdef void finish_pixels(const Behind* f, real* y, const ix* out, ix pixels, ix lanes) noexcept nogil:
    """y = f(y): `lanes` channels of each pixel, which have just been made and are still in the first caches."""
    cdef ix p
    if f.kind == CUT_RELU:
        for p in range(pixels):
            finish_values(CUT_RELU, f, y + out[p], lanes)
    else:
        for p in range(pixels):
            finish_values(f.kind, f, y + out[p], lanes)


cdef void finish_run(const Behind* f, real* y, ix step, ix pixels, ix lanes) noexcept nogil:
    """The same of pixels that lie `step` values apart; all of them at once where nothing lies between."""
    cdef ix p, count = 1 if step == lanes else pixels
    cdef ix n = pixels * lanes if step == lanes else lanes
    for p in range(count):
        if f.kind == CUT_RELU:
            finish_values(CUT_RELU, f, y + p * step, n)
        else:
            finish_values(f.kind, f, y + p * step, n)
