/* exp, tanh and their like for vectors of float, within 2 units in the last place (tanh: 3); NaN passes.

   exp(x) = 2^n exp(r) with |r| <= ln(2) / 2, and exp(r) by its series (Cody and Waite 1980). Doubles and vectors of one
   lane ask the C library instead: they are what the others are compared with. */
#ifndef FASTCONV_VMATH_H
#define FASTCONV_VMATH_H
#include "simd.h"

#if VL == 1
static inline vf vwhere(vf x, vf y, vf a, vf b) { return x > y ? a : b; }
static inline vf vabs(vf v) { return v < 0 ? -v : v; }
#else
static inline vf vwhere(vf x, vf y, vf a, vf b) { return vselect((vi)(x > y), a, b); }          /* x > y ? a : b */
static inline vf vabs(vf v) { return vselect((vi)(v < (vf){0}), -v, v); }
#endif
/* NaN in the first argument passes */
static inline vf vat_least(vf v, vf least) { return vwhere(least, v, least, v); }
static inline vf vat_most(vf v, vf most) { return vwhere(v, most, most, v); }
static inline vf vsign_of(vf size, vf v) { return vwhere(vset(0), v, -size, size); }

/* Numbers below 2^22 (of doubles: 2^51), to the nearest whole one (halves: to the even one) and to the next below. */
#ifdef FASTCONV_FLOAT64
#define FC_MAGIC 6755399441055744.0        /* 1.5 * 2^52: adding it rounds */
#else
#define FC_MAGIC 12582912.0f               /* 1.5 * 2^23 */
#endif
static inline vf vround(vf v) { return (v + vset(FC_MAGIC)) - vset(FC_MAGIC); }
static inline vf vfloor(vf v) {
    vf nearest = vround(v);
    return nearest - vwhere(nearest, v, vset(1), vset(0));
}
/* 0, 1, 2, ... */
static inline vf vramp(void) {
    static const real places[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return vload(places);
}
/* Whole numbers as integers. */
static inline void vstore_whole(int *p, vf v) {
    real lanes[VL];
    vstore(lanes, v);
    for (int i = 0; i < VL; i++) p[i] = (int)lanes[i];
}

#if defined(FASTCONV_FLOAT64) || VL == 1
#define FC_BY_LANES(name, expression) \
    static inline vf name(vf v) { \
        real lanes[VL]; \
        vstore(lanes, v); \
        for (int i = 0; i < VL; i++) { real x = lanes[i]; lanes[i] = (real)(expression); } \
        return vload(lanes); \
    }
FC_BY_LANES(vexp, exp(x))
FC_BY_LANES(vexpm1, expm1(x))
FC_BY_LANES(vtanh, tanh(x))
FC_BY_LANES(vlog1p_unit, log1p(x))                                          /* for arguments from 0 to 1 */
FC_BY_LANES(vnormal_cdf, 0.5 * erfc(x * -0.7071067811865476))
#else
/* Split x into n ln(2) + r; return r and leave n as a number and as integers. */
static inline vf vreduce(vf x, vf *n, vi *whole) {
    const vf magic = vset(FC_MAGIC);                                     /* 1.5 * 2^23: adding it rounds */
    vf shifted = x * vset(1.44269504f) + magic;
    *whole = (vi)shifted - (vi)magic;
    *n = shifted - magic;
    return x - *n * vset(0.693145752f) - *n * vset(1.42860677e-6f);
}
static inline vf vpow2(vi n) { return (vf)((n + viset(127)) << 23); }       /* -126 <= n <= 127 */
/* exp(r) - 1 for small r */
static inline vf vexpm1_series(vf r) {
    vf p = vset(1 / 5040.0f);
    p = p * r + vset(1 / 720.0f);
    p = p * r + vset(1 / 120.0f);
    p = p * r + vset(1 / 24.0f);
    p = p * r + vset(1 / 6.0f);
    p = p * r + vset(0.5f);
    return p * (r * r) + r;
}
static inline vf vexp(vf x) {
    vf n;
    vi whole, half;
    vf r = vreduce(vat_least(vat_most(x, vset(90)), vset(-105)), &n, &whole);
    half = whole >> 1;                                                      /* 2^n itself may be no float */
    return (vexpm1_series(r) + vset(1)) * vpow2(half) * vpow2(whole - half);
}
static inline vf vexpm1(vf x) {
    vf n, half;
    vi whole;
    vf q = vexpm1_series(vreduce(vat_least(vat_most(x, vset(90)), vset(-40)), &n, &whole));
    half = vpow2(whole - viset(1));
    return vset(2) * (half * q + (half - vset(0.5f)));
}
static inline vf vtanh(vf x) {
    vf e = vexpm1(vset(2) * vat_most(vabs(x), vset(10)));
    return vsign_of(e / (e + vset(2)), x);
}
/* 2 atanh(x / (2 + x)) by its series */
static inline vf vlog1p_unit(vf x) {
    vf s = x / (vset(2) + x), z = s * s;
    vf p = vset(2 / 15.0f);
    p = p * z + vset(2 / 13.0f);
    p = p * z + vset(2 / 11.0f);
    p = p * z + vset(2 / 9.0f);
    p = p * z + vset(2 / 7.0f);
    p = p * z + vset(2 / 5.0f);
    p = p * z + vset(2 / 3.0f);
    return p * (z * s) + vset(2) * s;
}
/* The normal distribution: erfc(z) = exp(-z^2) p((z - 3) / (z + 3)) / (1 + 2 z); p interpolates at Chebyshev nodes. */
static inline vf vnormal_cdf(vf x) {
    vf t = vat_most(vabs(x), vset(14.8f)), z = t * vset(0.707106781f), y = (z - vset(3)) / (z + vset(3));
    vf p = vset(-0.000269006802f);
    p = p * y + vset(-0.000775897423f);
    p = p * y + vset(0.0020097823268f);
    p = p * y + vset(0.0025729044604f);
    p = p * y + vset(-0.0238000590087f);
    p = p * y + vset(0.0682927481143f);
    p = p * y + vset(-0.119270944047f);
    p = p * y + vset(0.129646857536f);
    p = p * y + vset(-0.047562372955f);
    p = p * y + vset(-0.135621155552f);
    p = p * y + vset(1.25300805862f);
    p = p * vexp(vset(-0.5f) * t * t) / (vset(2) + vset(4) * z);
    return vwhere(x, vset(0), vset(1) - p, p);
}
#endif
#endif
