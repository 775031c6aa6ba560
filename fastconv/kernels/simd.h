/* What a vector is here: with vmath.h and bfloat16.h, the only C of the project.

   FASTCONV_FLOAT64 selects double for `real`; FASTCONV_SCALAR (and compilers without vector extensions) selects vectors
   of one lane, which are the oracle of the wider ones. Everything else follows from the instruction set that the
   compiler was told to use. Cython is told that `vf` is a real number and `vi` an integer, so arithmetic on vectors is
   written there as plain arithmetic; comparisons and selections, which C and Cython see differently, live here. */
#ifndef FASTCONV_SIMD_H
#define FASTCONV_SIMD_H
#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#  include <immintrin.h>
#endif

/* Of the functions that Cython makes, see setup.py: the kernels' inline functions, and constructors. */
#if defined(__GNUC__)
#  define FASTCONV_INLINE inline __attribute__((always_inline))
#  define FASTCONV_COLD __attribute__((cold))
#else
#  define FASTCONV_INLINE __inline
#  define FASTCONV_COLD
#endif

#ifdef FASTCONV_FLOAT64
#define REAL_BYTES 8
typedef double real;
typedef long long lane;                    /* an integer as wide as a real */
#define FC_SQRT sqrt
#else
#define REAL_BYTES 4
typedef float real;
typedef int lane;
#define FC_SQRT sqrtf
#endif

#if defined(FASTCONV_SCALAR) || !defined(__GNUC__)
#  define VL 1
#elif defined(__AVX512F__)
#  define VL (64 / REAL_BYTES)
#elif defined(__AVX__)
#  define VL (32 / REAL_BYTES)
#else
#  define VL (16 / REAL_BYTES)
#endif
/* Whether comparisons make masks of one bit a lane, and loads and stores take them. */
#if VL == 16 && defined(__AVX512BW__) && defined(__AVX512VL__)
#  define MASKS 1
#else
#  define MASKS 0
#endif

/* Register tile of the matrix-like loops: TILE_M rows of TILE_V vectors, TILE_V + 1 registers to spare for operands. */
#define TILE_M 6
#if defined(__AVX512F__) || defined(__aarch64__)
#  define TILE_V 4                         /* 32 vector registers */
#else
#  define TILE_V 2                         /* 16 */
#endif
#define BLOCK_LANES (TILE_V * VL)          /* output channels of a block of packed filters */
#define ROW_V (TILE_M * TILE_V)            /* vectors that a loop with one row of accumulators keeps in registers */
#define FILTER_ROWS (24 * 1024 / (BLOCK_LANES * REAL_BYTES))     /* packed filter rows that stay in the first cache */
#define TILE_P 8                           /* pixels of a depthwise tile, at most */
#if (defined(__AVX512F__) || defined(__aarch64__)) && VL > 1     /* 32 registers: */
#  define BAND_ROWS 2                      /* two output rows at a time, */
#  define DEPTHWISE_PAIRS 1                /* or two vectors of channels a pixel */
#else
#  define BAND_ROWS 1
#  define DEPTHWISE_PAIRS 0
#endif
#if defined(__GNUC__)
#  define vprefetch(p) __builtin_prefetch(p)
#else
#  define vprefetch(p) ((void)(p))
#endif
#define DEAD_WINDOW 255                    /* the winner's place in a window where none is above zero */

#if defined(FASTCONV_SCALAR) || !defined(__GNUC__)
typedef real vf;
typedef lane vi;
static inline vf vload(const real *p) { return *p; }
static inline void vstore(real *p, vf v) { *p = v; }
static inline vf vset(real a) { return a; }
static inline vi viset(int a) { return a; }
static inline vf vrelu(vf v) { return v < 0 ? 0 : v; }
static inline vf vkeep_positive(vf v, vf test) { return test > 0 ? v : 0; }
static inline vf vkeep_equal(vf v, vi a, int b) { return a == b ? v : 0; }
static inline vf vdrop_equal(vf v, vi a, int b) { return a == b ? 0 : v; }
static inline vi vmark_dead(vi which, vf v, int mark) { return v <= 0 ? mark : which; }
static inline void vtake_winner(vf *best, vi *which, vf v, int index) {
    if (v > *best || v != v) { *best = v; *which = index; }
}
static inline vf vlarger(vf best, vf v) { return v > best || v != v ? v : best; }
static inline vi vload_bytes(const unsigned char *p) { return *p; }
static inline vi vload_int(const int *p) { return *p; }
static inline vf vkeep_same(vf v, vi a, vi b) { return a == b ? v : 0; }
static inline void vstore_bytes(unsigned char *p, vi v) { *p = (unsigned char)v; }
static inline vf vsqrt(vf v) { return FC_SQRT(v); }
static inline vf vmax(vf a, vf b) { return a > b ? a : b; }
static inline void vtranspose(vf *rows) { (void)rows; }
#else
typedef real vf __attribute__((vector_size(VL * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef lane vi __attribute__((vector_size(VL * sizeof(lane)), aligned(sizeof(lane)), may_alias));
typedef unsigned char vbytes __attribute__((vector_size(VL), aligned(1), may_alias));
static inline vf vload(const real *p) { return *(const vf *)p; }
static inline void vstore(real *p, vf v) { *(vf *)p = v; }
/* a - 0 is a for every a, -0 included: a plain broadcast, where 0 + a would cost an addition */
static inline vf vset(real a) { return a - (vf){0}; }
static inline vi viset(int a) { return a - (vi){0}; }
static inline vf vselect(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
/* NaN passes */
static inline vf vrelu(vf v) { return (vf)(~(vi)(v < (vf){0}) & (vi)v); }
static inline vf vkeep_positive(vf v, vf test) { return (vf)((vi)(test > (vf){0}) & (vi)v); }
static inline vf vkeep_equal(vf v, vi a, int b) { return (vf)((vi)(a == viset(b)) & (vi)v); }
static inline vf vdrop_equal(vf v, vi a, int b) { return (vf)(~(vi)(a == viset(b)) & (vi)v); }
static inline vf vkeep_same(vf v, vi a, vi b) { return (vf)((vi)(a == b) & (vi)v); }
typedef int vints __attribute__((vector_size(VL * sizeof(int)), aligned(sizeof(int)), may_alias));
static inline vi vload_int(const int *p) { return __builtin_convertvector(*(const vints *)p, vi); }
static inline vi vmark_dead(vi which, vf v, int mark) {
    vi dead = (vi)(v <= (vf){0});
    return (dead & viset(mark)) | (~dead & which);
}
/* the first maximum wins; NaN wins over numbers and stays */
#if MASKS
static inline __mmask16 vwins(vf v, vf best) {
    return _mm512_cmp_ps_mask((__m512)v, (__m512)best, _CMP_GT_OQ)
         | _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q);
}
static inline vf vlarger(vf best, vf v) {     /* max_ps gives its second operand where one is NaN */
    __m512 larger = _mm512_max_ps((__m512)v, (__m512)best);
    return (vf)_mm512_mask_mov_ps(larger, _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q), (__m512)v);
}
static inline void vtake_winner(vf *best, vi *which, vf v, int index) {
    __mmask16 take = vwins(v, *best);
    *best = (vf)_mm512_mask_mov_ps((__m512)*best, take, (__m512)v);
    *which = (vi)_mm512_mask_mov_epi32((__m512i)*which, take, _mm512_set1_epi32(index));
}
#else
static inline vi vwins(vf v, vf best) { return (vi)(v > best) | (vi)(v != v); }
static inline vf vlarger(vf best, vf v) { return vselect(vwins(v, best), v, best); }
static inline void vtake_winner(vf *best, vi *which, vf v, int index) {
    vi take = vwins(v, *best);
    *best = vselect(take, v, *best);
    *which = (take & viset(index)) | (~take & *which);
}
#endif
/* bytes to lanes and back: where compilers turn the conversion into scalar code, by instructions */
#if MASKS
static inline vi vload_bytes(const unsigned char *p) {
    return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
#elif defined(__AVX2__) && VL == 8
static inline vi vload_bytes(const unsigned char *p) {
    return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
#else
static inline vi vload_bytes(const unsigned char *p) { return __builtin_convertvector(*(const vbytes *)p, vi); }
#endif
#if defined(__AVX2__) && VL == 8
static inline void vstore_bytes(unsigned char *p, vi v) {
    const __m256i first = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                           0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i bytes = _mm256_shuffle_epi8((__m256i)v, first);
    __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    _mm_storel_epi64((__m128i *)p, both);
}
#else
static inline void vstore_bytes(unsigned char *p, vi v) { *(vbytes *)p = __builtin_convertvector(v, vbytes); }
#endif
static inline vf vsqrt(vf v) {
    real lanes[VL];
    vstore(lanes, v);
    for (int i = 0; i < VL; i++) lanes[i] = FC_SQRT(lanes[i]);      /* compilers make this one instruction */
    return vload(lanes);
}
/* NaN in b passes */
static inline vf vmax(vf a, vf b) { return vselect((vi)(a > b), a, b); }
#if VL == 2
#  define FC_LOW 0, 2
#  define FC_HIGH 1, 3
#elif VL == 4
#  define FC_LOW 0, 4, 1, 5
#  define FC_HIGH 2, 6, 3, 7
#elif VL == 8
#  define FC_LOW 0, 8, 1, 9, 2, 10, 3, 11
#  define FC_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#  define FC_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#  define FC_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif
#if defined(__clang__)
#  define FC_ZIP(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#  define FC_ZIP(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif
/* Row k beside row k + VL / 2, zipped: each of log2(VL) rounds turns the index of a value by one bit. */
static inline void vzip_rows(const vf *x, vf *y) {
    for (int k = 0; k < VL / 2; k++) {
        y[2 * k] = FC_ZIP(x[k], x[k + VL / 2], FC_LOW);
        y[2 * k + 1] = FC_ZIP(x[k], x[k + VL / 2], FC_HIGH);
    }
}
/* VL rows of VL values become columns. */
static inline void vtranspose(vf *rows) {
    vf other[VL];
#if VL == 4 || VL == 16
    for (int k = 0; k < (VL == 4 ? 1 : 2); k++) { vzip_rows(rows, other); vzip_rows(other, rows); }
#elif VL == 8
    vzip_rows(rows, other); vzip_rows(other, rows); vzip_rows(rows, other);
    memcpy(rows, other, sizeof other);
#else
    vzip_rows(rows, other);
    memcpy(rows, other, sizeof other);
#endif
}
#endif

/* In a register, to be used several times: without this, gcc reads it from memory once for each use. */
#if defined(__AVX512F__) && defined(__GNUC__) && VL > 1
static inline vf vheld(vf v) { __asm__("" : "+v"(v)); return v; }
#elif defined(__x86_64__) && defined(__GNUC__) && VL > 1
static inline vf vheld(vf v) { __asm__("" : "+x"(v)); return v; }
#else
static inline vf vheld(vf v) { return v; }
#endif
/* Lane i is p[index[i]]. */
static inline vf vpick(const real *p, const int *index) {
#if defined(__AVX512F__) && VL == 16
    return (vf)_mm512_i32gather_ps(_mm512_loadu_si512(index), p, 4);
#elif defined(__AVX2__) && VL == 8 && REAL_BYTES == 4
    return (vf)_mm256_i32gather_ps(p, _mm256_loadu_si256((const __m256i *)index), 4);
#else
    real lanes[VL];
    for (int i = 0; i < VL; i++) lanes[i] = p[index[i]];
    return vload(lanes);
#endif
}
/* The sum of all lanes, by halves. */
static inline real vsum(vf v) {
#if defined(__AVX512F__) && VL == 16
    return _mm512_reduce_add_ps((__m512)v);
#elif defined(__AVX2__) && VL == 8 && REAL_BYTES == 4
    __m128 x = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
#else
    real lanes[VL];
    vstore(lanes, v);
    for (int n = VL / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++) lanes[i] += lanes[i + n];
    return lanes[0];
#endif
}
/* Lane i is lane index[i] of v. */
static inline vf vpermute(vf v, const int *index) {
#if defined(__AVX512F__) && VL == 16
    return (vf)_mm512_permutexvar_ps(_mm512_loadu_si512(index), (__m512)v);
#elif defined(__AVX2__) && VL == 8 && REAL_BYTES == 4
    return (vf)_mm256_permutevar8x32_ps((__m256)v, _mm256_loadu_si256((const __m256i *)index));
#else
    real lanes[VL];
    vstore(lanes, v);
    return vpick(lanes, index);
#endif
}
/* The same of integers: their bits pass as a real's. */
static inline vi vpermute_int(vi v, const int *index) {
    vf bits;
    memcpy(&bits, &v, sizeof bits);
    bits = vpermute(bits, index);
    memcpy(&v, &bits, sizeof v);
    return v;
}
/* The first n lanes (n may be more than VL): the rest is zero, or left alone in memory. */
#if MASKS
static inline __mmask16 vfirst(long n) { return (__mmask16)(n <= 0 ? 0 : (1u << n) - 1); }
static inline vf vload_n(const real *p, long n) {
    return n >= VL ? vload(p) : (vf)_mm512_maskz_loadu_ps(vfirst(n), p);
}
static inline void vstore_n(real *p, vf v, long n) {
    if (n >= VL) vstore(p, v); else _mm512_mask_storeu_ps(p, vfirst(n), (__m512)v);
}
static inline vi vload_bytes_n(const unsigned char *p, long n) {
    return n >= VL ? vload_bytes(p) : (vi)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(vfirst(n), p));
}
static inline void vstore_bytes_n(unsigned char *p, vi v, long n) {
    _mm512_mask_cvtepi32_storeu_epi8(p, n >= VL ? 0xffff : vfirst(n), (__m512i)v);
}
#else
#if defined(__AVX2__) && VL == 8
static inline __m256i vfirst(long n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf vload_n(const real *p, long n) {
    return n >= VL ? vload(p) : (vf)_mm256_maskload_ps(p, vfirst(n));
}
static inline void vstore_n(real *p, vf v, long n) {
    if (n >= VL) vstore(p, v); else _mm256_maskstore_ps(p, vfirst(n), (__m256)v);
}
#else
static inline vf vload_n(const real *p, long n) {
    real lanes[VL];
    if (n >= VL) return vload(p);
    for (int i = 0; i < VL; i++) lanes[i] = i < n ? p[i] : 0;      /* n may be 0: nothing is read then */
    return vload(lanes);
}
static inline void vstore_n(real *p, vf v, long n) {
    real lanes[VL];
    if (n >= VL) { vstore(p, v); return; }
    vstore(lanes, v);
    for (int i = 0; i < n; i++) p[i] = lanes[i];
}
#endif
static inline vi vload_bytes_n(const unsigned char *p, long n) {
    unsigned char lanes[VL];
    if (n >= VL) return vload_bytes(p);
    for (int i = 0; i < VL; i++) lanes[i] = i < n ? p[i] : 0;
    return vload_bytes(lanes);
}
static inline void vstore_bytes_n(unsigned char *p, vi v, long n) {
    unsigned char lanes[VL];
    if (n >= VL) { vstore_bytes(p, v); return; }
    vstore_bytes(lanes, v);
    for (int i = 0; i < n; i++) p[i] = lanes[i];
}
#endif
static inline void vstore_int_n(int *p, vi v, long n) {
    lane lanes[VL];
    memcpy(lanes, &v, sizeof lanes);
    for (int i = 0; i < (n < VL ? n : VL); i++) p[i] = (int)lanes[i];
}
#endif
