// The dense layers of a mapping network for one latent, in one launch.
//
// A warp makes one output at a time; its weights lie in its registers before the layer below is done. All blocks wait
// for each other between layers, so there may be no more of them than can run at a time.
//
// Macros: THREADS; WIDE: 32 times the numbers of a row that a lane holds.

#ifdef __CUDACC__
#define F static __device__ __forceinline__
F float exchange(float a, int lanes) { return __shfl_xor_sync(0xffffffffu, a, lanes); }
// Past the nearest cache, which does not hear of what other processors write.
F float fresh(const float *p) { float a; asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(a) : "l"(p) : "memory"); return a; }
F void block_is_done(int *counter) {
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(counter, 1);
}
F void wait_for_all(const int *counter) {
    if (threadIdx.x == 0) {
        int count;
        do asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
        while (count < (int)gridDim.x);
    }
    __syncthreads();
}
#endif

#define MOST_LAYERS 16
#define HELD (WIDE / 32)

struct Layers {
    const float *weight[MOST_LAYERS], *bias[MOST_LAYERS];
    int inputs[MOST_LAYERS], outputs[MOST_LAYERS], count, normalise;
};

F float sum_of_warp(float a) {
    for (int lanes = 16; lanes; lanes /= 2) a += exchange(a, lanes);
    return a;
}

// x [inputs of the first layer] -> out [outputs of the last]. between [2, WIDE] and counters [count], zero, are for us.
extern "C" __global__ void __launch_bounds__(THREADS) mapping(const float *x, float *out, float *between, int *counters, const Layers layers) {
    const int lane = threadIdx.x % 32, warp = (blockIdx.x * THREADS + threadIdx.x) / 32, warps = gridDim.x * THREADS / 32;
    for (int layer = 0; layer < layers.count; layer++) {
        const int inputs = layers.inputs[layer], outputs = layers.outputs[layer];
        const float *weight = layers.weight[layer];
        float own[HELD];
        for (int k = 0; k < HELD; k++)
            own[k] = warp < outputs && lane + 32 * k < inputs ? weight[(long long)warp * inputs + lane + 32 * k] : 0;
        const float *from = layer ? between + (layer & 1) * WIDE : x;
        float *to = layer + 1 < layers.count ? between + (layer + 1 & 1) * WIDE : out;
        if (layer) wait_for_all(counters + layer - 1);
        float given[HELD], power = 0;
        for (int k = 0; k < HELD; k++) {
            given[k] = lane + 32 * k < inputs ? fresh(from + lane + 32 * k) : 0;
            power += given[k] * given[k];
        }
        const float scale = layer == 0 && layers.normalise ? rsqrtf(sum_of_warp(power) / inputs + 1e-8f) : 1;
        for (int output = warp; output < outputs; output += warps) {
            float sum = 0;
            for (int k = 0; k < HELD; k++) {
                if (output != warp && lane + 32 * k < inputs) own[k] = weight[(long long)output * inputs + lane + 32 * k];
                sum += own[k] * given[k];
            }
            sum = sum_of_warp(sum) * scale + layers.bias[layer][output];
            if (lane == 0) to[output] = sum > 0 ? sum : 0.2f * sum;
        }
        if (layer + 1 < layers.count) block_is_done(counters + layer);
    }
}
