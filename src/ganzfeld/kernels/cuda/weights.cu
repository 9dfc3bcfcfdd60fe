// A convolution's weight, as a file holds it, bent and blended on the way, to what the GPU paths multiply with; a block an
// output. Half precision of norm 1 per output, inputs last; the norms; the energies for demodulation; and for an
// upsampling layer the four phases of its picture. One pass over the weight, which may happen on every frame.
//
// Macros: KERNEL: taps along a side; POLYPHASE, NORMS 1 or 0; HALVED: the weight is in half precision; PARTS: lines that bend or blend; THREADS. What the parts do
// stands where PARTS_HERE is: see weights.py.

#ifdef __CUDACC__
typedef unsigned short half_t;
#define F static __device__ __forceinline__
#define F_MEMBER __device__ __forceinline__
#define SHARED_FLOATS(name) extern __shared__ float name[]
F float exchange(float a, int lanes) { return __shfl_xor_sync(0xffffffffu, a, lanes); }
F void threads_meet() { __syncthreads(); }
F float known(const float *p) { return __ldg(p); }
F float half_of(half_t h) { float a; asm("cvt.f32.f16 %0, %1;" : "=f"(a) : "h"(h)); return a; }
F half_t half_from(float a) { half_t h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(a)); return h; }
#endif

#define TAPS (KERNEL * KERNEL)

struct Sizes { int inputs, output_stride, tap_stride, phase_stride, energy_stride; };

#if HALVED
typedef half_t weight_t;
F float number_of(weight_t w, float unit) { return half_of(w) * unit; }
#else
typedef float weight_t;
F float number_of(weight_t w, float unit) { return w; }
#endif

// The weight as it was, one number of each output: those in this one's place in other outputs.
struct Rows {
    const weight_t *at;
    float unit;
    int count, outputs;
    F_MEMBER float operator()(int output) const { return number_of(at[(long long)output * count], unit); }
    // Output number `output`, counted on past the last and before the first.
    F_MEMBER float around(int output) const { return (*this)((output % outputs + outputs) % outputs); }
};

// Numbers on the device: one for all outputs (stride 0), or one for each.
struct Number { const float *at; long long stride; };
// other, half: a number for each of the weight's; order: of outputs; deviation: one number; outputs, inputs: how much of
// the part each gets.
struct Part {
    Number numbers[MOST_NUMBERS];
    const float *other, *deviation, *outputs, *inputs;
    const half_t *half;
    const long long *order;
};
struct Chain { Part parts[PARTS ? PARTS : 1]; };

F float number(const Part &part, int which, int o) { return known(part.numbers[which].at + o * part.numbers[which].stride); }
F float sign_of(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f; }
F float masked(float before, float x, const Part &part, int o, int i) {
    if (!part.outputs && !part.inputs) return x;
    const float mask = (part.outputs ? known(part.outputs + o) : 1) * (part.inputs ? known(part.inputs + i) : 1);
    return mask == 1 ? x : before + mask * (x - before);
}


// What is worked out once for an output, and what is done to each number:
// struct Once; Once once(const Chain &chain, int o);
// void bend(float &x, const Chain &chain, const Once &once, const Rows &row, int o, int i, long long at);
//PARTS_HERE

F float sum_of_block(float a, float *shared) {
    for (int lanes = 16; lanes; lanes /= 2) a += exchange(a, lanes);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = a;
    threads_meet();
    a = 0;
    for (int warp = 0; warp < THREADS / 32; warp++) a += shared[warp];
    return a;
}

// weight [O, I, k, k], in halves of `unit`, or as it is; taps [4, 4]; out [O, k², ≥ I] or [4, O, 9, ≥ I] half precision; energy [O, ≥ I] half precision.
extern "C" __global__ void __launch_bounds__(THREADS)
derive(const weight_t *weight, const float *unit_at, const float *taps, half_t *out, half_t *energy, float *norms, const Sizes sizes, const Chain chain) {
    SHARED_FLOATS(values);
    const Once ready = once(chain, blockIdx.x);
    const int o = blockIdx.x, count = sizes.inputs * TAPS;
    const float unit = HALVED ? known(unit_at) : 1;
    float *sums = values + count;
    float power = 0;
    for (int e = threadIdx.x; e < count; e += THREADS) {
        const long long at = (long long)o * count + e;
        float x = number_of(weight[at], unit);
        const int i = e / TAPS;
        const Rows row = {weight + e, unit, count, (int)gridDim.x};
        bend(x, chain, ready, row, o, i, at);
        values[e] = x;
        power += x * x;
    }
#if POLYPHASE
    float fir[16];
    for (int k = 0; k < 16; k++) fir[k] = 4 * known(taps + k);
#endif
    const float norm = sqrtf(sum_of_block(power, sums));  // and all values are there
    const float scale = 1 / fmaxf(norm, 1e-30f);
    if (NORMS && threadIdx.x == 0) norms[o] = norm;
    for (int i = threadIdx.x; i < sizes.inputs; i += THREADS) {
        float own[TAPS], squares = 0;
        for (int k = 0; k < TAPS; k++) own[k] = values[i * TAPS + k] * scale, squares += own[k] * own[k];
        energy[(long long)o * sizes.energy_stride + i] = half_from(squares);
        half_t *to = out + (long long)o * sizes.output_stride + i;
#if POLYPHASE
        // Pixel 2·j + a has from input j + d − 1 the weights W[k] times the flipped tap 2·d + k − a − 1.
#pragma unroll
        for (int phase = 0; phase < 4; phase++)
#pragma unroll
        for (int tap = 0; tap < 9; tap++) {
            const int a = phase / 2, b = phase % 2, y = tap / 3, x = tap % 3;
            float sum = 0;
#pragma unroll
            for (int k = 0; k < 9; k++) {
                const int down = 4 + a - 2 * y - k / 3, across = 4 + b - 2 * x - k % 3;
                if (down >= 0 && down < 4 && across >= 0 && across < 4) sum += fir[4 * down + across] * own[k];
            }
            to[phase * sizes.phase_stride + tap * sizes.tap_stride] = half_from(sum);
        }
#else
        for (int k = 0; k < TAPS; k++) to[k * sizes.tap_stride] = half_from(own[k]);
#endif
    }
}
