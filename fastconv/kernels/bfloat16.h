/* Pairs of bfloat16: the upper halves of two floats in one word of 32 bits, the first number in the lower half.

   A product of two such numbers is exact in float32, so the sum of a pair's products is two additions, the upper halves
   first: what AVX512_BF16's instruction does in one, and what the others do here, to the same bits. (The instruction
   takes numbers below 1.2e-38 for zero.) It is written as assembly, for the compiler is told of AVX-512 alone; who calls
   asks the processor before. */
#ifndef FASTCONV_BFLOAT16_H
#define FASTCONV_BFLOAT16_H
#include <stdint.h>
#include "simd.h"

#if MASKS && (defined(__clang__) || __GNUC__ >= 10)
#  define PAIR_PRODUCTS 1
#else
#  define PAIR_PRODUCTS 0
#endif

#if VL == 1
typedef uint32_t vp;
typedef union { float value; uint32_t word; } fc_bits;
static inline vp vload_pairs(const uint32_t *p) { return *p; }
static inline void vstore_pairs(uint32_t *p, vp v) { *p = v; }
static inline vf vpair_low(vp p) { fc_bits b; b.word = p << 16; return b.value; }
static inline vf vpair_high(vp p) { fc_bits b; b.word = p & 0xffff0000u; return b.value; }
static inline vp vnarrow(vf v) {
    fc_bits b;
    b.value = (float)v;
    return v != v ? b.word >> 16 | 0x40 : (b.word + 0x7fff + (b.word >> 16 & 1)) >> 16;
}
static inline void vstore_narrow(uint16_t *p, vf v, long n) { if (n > 0) *p = (uint16_t)vnarrow(v); }
static inline vp vload_narrow(const uint16_t *p, long n) { return n > 0 ? *p : 0; }
#else
typedef uint32_t vp __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef int32_t vpmask __attribute__((vector_size(VL * 4)));
typedef float vsingle __attribute__((vector_size(VL * 4)));
typedef uint16_t vhalf __attribute__((vector_size(VL * 2), aligned(2), may_alias));
#  if REAL_BYTES == 4
#    define FC_WIDE(v) ((vf)(v))
#    define FC_SINGLE(v) ((vsingle)(v))
#  else
#    define FC_WIDE(v) __builtin_convertvector(v, vf)
#    define FC_SINGLE(v) __builtin_convertvector(v, vsingle)
#  endif
static inline vp vload_pairs(const uint32_t *p) { return *(const vp *)p; }
static inline void vstore_pairs(uint32_t *p, vp v) { *(vp *)p = v; }
static inline vf vpair_low(vp p) { return FC_WIDE((vsingle)(p << 16)); }
static inline vf vpair_high(vp p) { return FC_WIDE((vsingle)(p & 0xffff0000u)); }
/* Rounded to nearest, ties to even; what is not a number stays so. In the lower half of each word. */
static inline vp vnarrow(vf v) {
    vsingle s = FC_SINGLE(v);
    vp bits = (vp)s, none = (vp)(vpmask)(s != s);
    return (((bits + 0x7fff + (bits >> 16 & 1)) >> 16) & ~none) | ((bits >> 16 | 0x40) & none);
}
/* The first n lanes as 16 bits each, for products: the instruction, where there is one, takes tiny numbers for zero. */
static inline void vstore_narrow(uint16_t *p, vf v, long n) {
#  if PAIR_PRODUCTS
    __m256i h;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(h) : "v"(v));
    if (n >= VL) _mm256_storeu_si256((__m256i *)p, h); else _mm256_mask_storeu_epi16(p, vfirst(n), h);
#  else
    vhalf h = __builtin_convertvector(vnarrow(v), vhalf);
    if (n >= VL) *(vhalf *)p = h; else if (n > 0) memcpy(p, &h, 2 * n);
#  endif
}
static inline vp vload_narrow(const uint16_t *p, long n) {
#  if MASKS
    return (vp)_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(n >= VL ? 0xffff : vfirst(n), p));
#  else
    vhalf h = {0};
    if (n >= VL) h = *(const vhalf *)p; else if (n > 0) memcpy(&h, p, 2 * n);
    return __builtin_convertvector(h, vp);
#  endif
}
#endif
static inline vp vpair(vp low, vp high) { return low | high << 16; }
/* Two vectors, rounded: lane i of both in word i; or their neighbours, so that the first half of the words has `a`. */
#if PAIR_PRODUCTS
static inline __m512i fc_both(vf a, vf b) {
    __m512i both;
    __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(a), "v"(b));
    return both;
}
static inline vp vnarrow_pair(vf low, vf high) {
    const __m512i zip = _mm512_setr_epi32(
        16 << 16 | 0, 17 << 16 | 1, 18 << 16 | 2, 19 << 16 | 3, 20 << 16 | 4, 21 << 16 | 5, 22 << 16 | 6, 23 << 16 | 7,
        24 << 16 | 8, 25 << 16 | 9, 26 << 16 | 10, 27 << 16 | 11, 28 << 16 | 12, 29 << 16 | 13, 30 << 16 | 14,
        31 << 16 | 15);
    return (vp)_mm512_permutexvar_epi16(zip, fc_both(low, high));
}
static inline vp vnarrow_run(vf a, vf b) { return (vp)fc_both(a, b); }
#else
static inline vp vnarrow_pair(vf low, vf high) { return vpair(vnarrow(low), vnarrow(high)); }
static inline vp vnarrow_run(vf a, vf b) {
    uint16_t halves[2 * VL];
    vp words;
    vstore_narrow(halves, a, VL);
    vstore_narrow(halves + VL, b, VL);
    memcpy(&words, halves, sizeof halves);
    return words;
}
#endif
/* Rounded for products, and wide again. */
static inline vf vround_operand(vf v) {
#if PAIR_PRODUCTS
    __m256i h;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(h) : "v"(v));
    return vpair_low((vp)_mm512_cvtepu16_epi32(h));
#else
    return vpair_low(vnarrow(v));
#endif
}
/* VL rows of VL pairs become columns. */
static inline void vtranspose_pairs(vp *rows) {
#if REAL_BYTES == 4
    vtranspose((vf *)rows);
#else
    uint32_t *words = (uint32_t *)rows;
    for (int i = 0; i < VL; i++)
        for (int j = 0; j < i; j++) {
            uint32_t word = words[i * VL + j];
            words[i * VL + j] = words[j * VL + i];
            words[j * VL + i] = word;
        }
#endif
}
/* One pair in all lanes, from any address. */
static inline vp vspread_pair(const uint16_t *p) {
    uint32_t word;
    memcpy(&word, p, 4);
    return word - (vp){0};
}
/* acc + both products of the pairs */
static inline vf vmultiply_pairs(vf acc, vp a, vp b) {
#if PAIR_PRODUCTS
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
    return acc;
#else
    acc += vpair_high(a) * vpair_high(b);
    return acc + vpair_low(a) * vpair_low(b);
#endif
}
#endif
