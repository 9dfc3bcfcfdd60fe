// Leaky ReLU without aliasing (Karras et al. 2021, section 3.2): upsample, apply it, downsample, in one pass.
//
// Two channels a thread, in the two halves of a register; neighbouring threads are neighbouring channels, so that
// memory is read in order. A thread walks down a strip OUTPUTS wide and keeps all it needs in registers: the last six
// rows of its input, and the six rows of outputs that are not finished. The upsampled signal is never written.
//
// Macros: UP 2 or 4; PHASE_X, PHASE_Y: upsampled samples between the first input's and the first output's, along a row
// and down a column; OUTPUTS: columns a thread; RANK: the downsampling filter is a sum of so many separable ones; THREADS, BLOCKS: a block's threads, and how
// many blocks a processor should hold. Filters have 6·UP taps up and 12 down; down is always by 2.
//
// Everything is scaled by 1/clamp on the way up, so that clamping to ±1 costs nothing (a saturating product), and by
// clamp on the way down.

#ifdef __CUDACC__
typedef unsigned int half2_t;
#define F __device__ __forceinline__
F half2_t fma2(half2_t a, half2_t b, half2_t c) { half2_t d; asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c)); return d; }
F half2_t mul2(half2_t a, half2_t b) { half2_t d; asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b)); return d; }
F half2_t sub2(half2_t a, half2_t b) { half2_t d; asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b)); return d; }
F half2_t mul_saturated(half2_t a, half2_t b) { half2_t d; asm("mul.rn.sat.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b)); return d; }
F half2_t saturated(half2_t a) { return mul_saturated(a, 0x3c003c00u); }
F half2_t limited(half2_t a) { half2_t d; asm("min.f16x2 %0, %1, %2;" : "=r"(d) : "r"(a), "r"(0x74007400u)); asm("max.f16x2 %0, %1, %2;" : "=r"(a) : "r"(d), "r"(0xf400f400u)); return a; }
F half2_t packed(const float *values, int pair) {
    // Half precision ends at 65504, and infinity times zero is not a number.
    float low = fminf(fmaxf(values[2 * pair], -60000.0f), 60000.0f);
    float high = fminf(fmaxf(values[2 * pair + 1], -60000.0f), 60000.0f);
    half2_t d;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
    return d;
}
F half2_t load(const half2_t *p) { half2_t d; asm volatile("ld.global.nc.b32 %0, [%1];" : "=r"(d) : "l"(p)); return d; }
#endif

#define TAPS (6 * UP)
#define WIDE (2 * OUTPUTS + 10)
#define REACH ((WIDE - 1 - PHASE_X + TAPS - 1) / UP + 1)

struct Filters { half2_t up[TAPS]; half2_t across[RANK][12]; half2_t along[RANK][12]; };

__device__ __forceinline__ void load_row(half2_t *into, const half2_t *x, int row, int column, int height, int width, int pairs, int pair) {
    const half2_t *at = x + ((long long)row * width + column) * pairs + pair;
    if (row >= 0 && row < height && column >= 0 && column + REACH <= width) {
#pragma unroll
        for (int j = 0; j < REACH; j++) into[j] = load(at + j * pairs);
    } else {
#pragma unroll
        for (int j = 0; j < REACH; j++)
            into[j] = row >= 0 && row < height && column + j >= 0 && column + j < width ? load(at + j * pairs) : 0;
    }
}

__device__ __forceinline__ void activate_row(half2_t *row_of, int row, int column, int height, int width, half2_t gain, half2_t bias) {
    bool inside = row >= 0 && row < height;
    bool whole = column >= 0 && column + REACH <= width;
    if (inside && whole) {
#pragma unroll
        for (int j = 0; j < REACH; j++) row_of[j] = limited(fma2(row_of[j], gain, bias));
    } else {
#pragma unroll
        for (int j = 0; j < REACH; j++)
            row_of[j] = inside && column + j >= 0 && column + j < width ? limited(fma2(row_of[j], gain, bias)) : 0;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) streamed(
    const half2_t *__restrict__ x, const float *__restrict__ gains, const float *__restrict__ biases, const float *__restrict__ styles,
    half2_t *__restrict__ out, int height, int width, int out_height, int out_width, int out_pitch, int pairs, int first_row, int first_column,
    int chunk,     const Filters filters) {
    int index = blockIdx.x * blockDim.x + threadIdx.x;
    int pair = index % pairs, strip = index / pairs;
    if (strip * OUTPUTS >= out_width) return;
    half2_t gain = packed(gains, pair);
    half2_t bias = packed(biases, pair);
    half2_t style = packed(styles, pair);
    int start = blockIdx.y * chunk;
    int rows = min(chunk, out_height - start);
    int column = strip * (OUTPUTS * 2 / UP) + first_column;
    int row = start * 2 / UP + first_row;

    half2_t window[6][REACH], ahead[REACH], sums[6][OUTPUTS];
#pragma unroll
    for (int i = 0; i < 6; i++) {
        load_row(window[i], x, row + i, column, height, width, pairs, pair);
        activate_row(window[i], row + i, column, height, width, gain, bias);
#pragma unroll
        for (int o = 0; o < OUTPUTS; o++) sums[i][o] = 0;
    }
    const half2_t slope = 0xb266b266u;  // -0.2
    int iterations = (2 * rows + 10 - PHASE_Y - 1 + UP - 1) / UP + 1;
#pragma unroll 1
    for (int k = 0; k < iterations; k++) {
        load_row(ahead, x, row + k + 6, column, height, width, pairs, pair);
#pragma unroll
        for (int g = 0; g < UP; g++) {
            half2_t up[REACH], line[RANK][OUTPUTS];
#pragma unroll
            for (int j = 0; j < REACH; j++) {
                half2_t s = mul2(window[0][j], filters.up[g + 5 * UP]);
#pragma unroll
                for (int i = 1; i < 6; i++) s = fma2(window[i][j], filters.up[g + (5 - i) * UP], s);
                up[j] = s;
            }
#pragma unroll
            for (int q = 0; q < WIDE; q++) {
                const int from = (q - PHASE_X + UP - 1) / UP;
                half2_t u = mul2(up[from], filters.up[q - PHASE_X + TAPS - 1 - UP * from]);
#pragma unroll
                for (int j = 1; j < 6; j++) u = fma2(up[from + j], filters.up[q - PHASE_X + TAPS - 1 - UP * (from + j)], u);
                u = sub2(saturated(u), mul_saturated(u, slope));
#pragma unroll
                for (int r = 0; r < RANK; r++)
#pragma unroll
                    for (int o = 0; o < OUTPUTS; o++) {
                        if (q == 2 * o) line[r][o] = mul2(u, filters.across[r][11]);
                        else if (q > 2 * o && q < 2 * o + 12) line[r][o] = fma2(u, filters.across[r][11 - (q - 2 * o)], line[r][o]);
                    }
            }
            const int odd = (PHASE_Y + 1 + g) % 2;
#pragma unroll
            for (int i = 5; i >= 0; i--)
#pragma unroll
                for (int o = 0; o < OUTPUTS; o++) {
                    half2_t s = odd ? sums[i][o] : i ? sums[i - 1][o] : 0;
#pragma unroll
                    for (int r = 0; r < RANK; r++) s = !odd && !i && !r ? mul2(line[r][o], filters.along[r][11]) : fma2(line[r][o], filters.along[r][11 - odd - 2 * i], s);
                    sums[i][o] = s;
                }
            if (odd) {
                int finished = (UP * (k - 1) + PHASE_Y + 1 + g - 11) >> 1;
                if (finished >= 0 && finished < rows) {
                    half2_t *at = out + ((long long)(start + finished) * out_pitch + strip * OUTPUTS) * pairs + pair;
#pragma unroll
                    for (int o = 0; o < OUTPUTS; o++)
                        if (strip * OUTPUTS + o < out_width) at[o * pairs] = mul2(sums[5][o], style);
                    if (strip == (out_width - 1) / OUTPUTS)  // the padding between rows
                        for (int o = out_width - strip * OUTPUTS; o < out_pitch - strip * OUTPUTS; o++) at[o * pairs] = 0;
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 5; i++)
#pragma unroll
            for (int j = 0; j < REACH; j++) window[i][j] = window[i + 1][j];
#pragma unroll
        for (int j = 0; j < REACH; j++) window[5][j] = ahead[j];
        activate_row(window[5], row + k + 6, column, height, width, gain, bias);
    }
}
