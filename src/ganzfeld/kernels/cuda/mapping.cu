// A mapping network for one latent in one launch: its dense layers, and truncation.
//
// A warp makes a few outputs of every layer; their weights lie in its registers before the layer below is done. Between
// layers all blocks wait for each other: on cards that can couple blocks (Hopper and later) they hand their outputs
// straight into each other's shared memory, elsewhere they meet in global memory, and there may be no more of them than
// half of what can run at a time: nobody is sent away to make room, and another latent's blocks may be waiting, too.
//
// The weights come from far away, and few processors wait long for much. So all the others fetch them into the cache that
// they share, and go.
//
// Macros: THREADS; BLOCKS; WIDE: numbers of the widest row, in whole warps; COUPLED 1 or 0.

#ifdef __CUDACC__
#define F static __device__ __forceinline__
F float exchange(float a, int lanes) { return __shfl_xor_sync(0xffffffffu, a, lanes); }
F void prefetch(const float *p) { asm volatile("prefetch.global.L2 [%0];" :: "l"(p)); }
#if COUPLED
#define SHARED __shared__
#define COUPLE __cluster_dims__(BLOCKS)
F float fresh(const float *p) { return *p; }
// Into the shared memory of every block: a lane each.
F void hand_out(float *to, float value, int lane) {
    if (lane < BLOCKS)
        asm volatile("{ .reg .u64 t; .reg .u32 a; cvta.to.shared.u64 t, %0; cvt.u32.u64 a, t; mapa.shared::cluster.u32 a, a, %1;\n"
            "st.shared::cluster.f32 [a], %2; }" :: "l"(to), "r"(lane), "f"(value) : "memory");
}
// Nobody may write into a block that has not begun.
F void block_is_here() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
F void wait_for_blocks() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
F void layer_is_done(int *counter) { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
F void wait_for_layer(const int *counter) { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
#else
#define COUPLE
// Past the nearest cache, which does not hear of what other processors write.
F float fresh(const float *p) { float a; asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(a) : "l"(p) : "memory"); return a; }
F void hand_out(float *to, float value, int lane) { if (lane == 0) *to = value; }
F void block_is_here() {}
F void wait_for_blocks() {}
F void layer_is_done(int *counter) {
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(counter, 1);
}
F void wait_for_layer(const int *counter) {
    if (threadIdx.x == 0) {
        int count;
        do asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
        while (count < BLOCKS);
    }
    __syncthreads();
}
#endif
#endif

#define MOST_LAYERS 16
#define HELD (WIDE / 32)
#define WARPS (BLOCKS * THREADS / 32)
#define EACH ((WIDE + WARPS - 1) / WARPS)

// A number given by the host, or one that the device holds.
struct Amount { const float *at; float value; };

struct Layers {
    const float *weight[MOST_LAYERS], *bias[MOST_LAYERS], *average;
    int inputs[MOST_LAYERS], outputs[MOST_LAYERS], count, normalise, rows;
    Amount psi, cutoff;
};

F void bring_near(const Layers &layers, int first, int step) {
    const int line = 32;  // numbers
    for (int layer = 0; layer < layers.count; layer++)
        for (int at = first * line; at < layers.inputs[layer] * layers.outputs[layer]; at += step * line)
            prefetch(layers.weight[layer] + at);
}

F float of(const Amount &amount) { return amount.at ? *amount.at : amount.value; }

F float sum_of_warp(float a) {
    for (int lanes = 16; lanes; lanes /= 2) a += exchange(a, lanes);
    return a;
}

// x [inputs of the first layer] -> out [rows, outputs of the last]. between [2, WIDE] and counters [count], zero, are
// ours where blocks meet in global memory.
extern "C" __global__ void COUPLE __launch_bounds__(THREADS) mapping(const float *x, float *out, float *between, int *counters, const Layers layers) {
#if COUPLED
    SHARED float shared[2 * WIDE];
    between = shared;
#endif
    if (blockIdx.x >= BLOCKS) {
        bring_near(layers, (blockIdx.x - BLOCKS) * THREADS + threadIdx.x, (gridDim.x - BLOCKS) * THREADS);
        return;
    }
    const int lane = threadIdx.x % 32, warp = (blockIdx.x * THREADS + threadIdx.x) / 32;
    block_is_here();
    const float psi = of(layers.psi), cutoff = of(layers.cutoff);
    for (int layer = 0; layer < layers.count; layer++) {
        const int inputs = layers.inputs[layer], outputs = layers.outputs[layer];
        float own[EACH][HELD], bias[EACH], averages[EACH];
        const bool last = layer + 1 == layers.count;
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const int output = warp + e * WARPS;
            bias[e] = output < outputs ? layers.bias[layer][output] : 0;
            averages[e] = last && output < outputs ? layers.average[output] : 0;
#pragma unroll
            for (int k = 0; k < HELD; k++)
                own[e][k] = output < outputs && lane + 32 * k < inputs ? layers.weight[layer][(long long)output * inputs + lane + 32 * k] : 0;
        }
        if (layer) wait_for_layer(counters + layer - 1);
        else wait_for_blocks();
        const float *from = layer ? between + (layer & 1) * WIDE : x;
        float given[HELD], power = 0;
#pragma unroll
        for (int k = 0; k < HELD; k++) {
            given[k] = lane + 32 * k < inputs ? fresh(from + lane + 32 * k) : 0;
            power += given[k] * given[k];
        }
        const float scale = layer == 0 && layers.normalise ? rsqrtf(sum_of_warp(power) / inputs + 1e-8f) : 1;
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const int output = warp + e * WARPS;
            float sum = 0;
#pragma unroll
            for (int k = 0; k < HELD; k++) sum += own[e][k] * given[k];
            if (output >= outputs) continue;
            sum = sum_of_warp(sum) * scale + bias[e];
            sum = sum > 0 ? sum : 0.2f * sum;
            if (!last) {
                hand_out(between + ((layer + 1) & 1) * WIDE + output, sum, lane);
            } else {
                // Towards the average, in the first rows.
                const float average = averages[e], nearer = psi < 0.5f ? average + psi * (sum - average) : sum - (sum - average) * (1 - psi);
                for (int row = lane; row < layers.rows; row += 32) out[row * outputs + output] = row < cutoff ? nearer : sum;
            }
        }
        if (!last) layer_is_done(counters + layer);
    }
}
