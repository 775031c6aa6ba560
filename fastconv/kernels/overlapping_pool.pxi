"""Max pooling by windows of 3x3 cells, two apart: the gradient by blocks of 2x2 cells.

A block lies under four windows: the one that begins at its first cell, and those above, to the left, and both. Each of
their gradients and winners is read once for all of the block's cells.
"""

cdef inline vf gradient_of(const bint inner, bint there, const real* dy, const uint8_t* which,
                           vi* winner) noexcept nogil:
    """Return a window's gradients and set its winners; zero where there is no such window."""
    if inner or there:
        winner[0] = vload_bytes_n(which, VL)
        return vload(dy)
    winner[0] = viset(NO_WINNER)
    return vset(0)


cdef inline void block_of_cells(const bint inner, const real* dy, const uint8_t* which, const Pool* s, ix i, ix j,
                                real* dx) noexcept nogil:
    """All channels of block (i, j) of an image; `inner`: all its windows and cells are there.

    dy and which are those of window (i, j), dx is the block's first cell.
    """
    cdef ix c, at, channels = s.channels, up = s.out_width * channels, line = s.width * channels
    cdef bint here = i < s.out_height and j < s.out_width, above = 0 < i and j < s.out_width
    cdef bint left = i < s.out_height and 0 < j, corner = 0 < i and 0 < j
    cdef bint top = i * 2 >= s.top, low = 0 <= i * 2 + 1 - s.top < s.height
    cdef bint first = j * 2 >= s.left, second = 0 <= j * 2 + 1 - s.left < s.width
    cdef vf a, b, d, e
    cdef vi wa, wb, wd, we
    for c from 0 <= c < channels by VL:
        at = min(c, channels - VL)
        a = gradient_of(inner, here, dy + at, which + at, &wa)
        b = gradient_of(inner, left, dy + at - channels, which + at - channels, &wb)
        d = gradient_of(inner, above, dy + at - up, which + at - up, &wd)
        e = gradient_of(inner, corner, dy + at - up - channels, which + at - up - channels, &we)
        if inner or (top and first):
            vstore(dx + at, vkeep_equal(e, we, 8) + vkeep_equal(d, wd, 6)
                   + vkeep_equal(b, wb, 2) + vkeep_equal(a, wa, 0))
        if inner or (top and second):
            vstore(dx + at + channels, vkeep_equal(d, wd, 7) + vkeep_equal(a, wa, 1))
        if inner or (low and first):
            vstore(dx + at + line, vkeep_equal(b, wb, 5) + vkeep_equal(a, wa, 3))
        if inner or (low and second):
            vstore(dx + at + line + channels, vkeep_equal(a, wa, 4))


cdef inline void row_of_blocks(const real* dy, const uint8_t* which, const Pool* s, ix i, real* dx) noexcept nogil:
    """Row i of an image's blocks: two rows of cells, of which the first and the last may lie outside."""
    cdef ix j, at, blocks = (s.width + s.left + 1) // 2
    cdef bint inner = 0 < i < s.out_height and i * 2 >= s.top and i * 2 + 1 - s.top < s.height
    dx += ((i * 2 - s.top) * s.width - s.left) * s.channels
    for j in range(blocks):
        at = (i * s.out_width + j) * s.channels
        if inner and 0 < j < s.out_width and j * 2 >= s.left and j * 2 + 1 - s.left < s.width:
            block_of_cells(True, dy + at, which + at, s, i, j, dx)
        else:
            block_of_cells(False, dy + at, which + at, s, i, j, dx)
        dx += 2 * s.channels
