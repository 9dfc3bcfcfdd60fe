// Many tensors copied at once, scaled, and drawn towards others on the way. A block a piece of one of them.
//
// Macro: THREADS.

#define AT_ONCE 8

#ifdef __CUDACC__
typedef unsigned short half_t;
#define F static __device__ __forceinline__
F half_t half_from(float a) { half_t h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(a)); return h; }
#endif

// limit: of what is written, either side of zero; 0 for none. halved: out is in half precision. number: of the amount.
struct Copy { const float *x, *other; void *out; float scale, limit; int count, halved, number; };
struct Piece { int copy, start, end, nothing; };

extern "C" __global__ void copies(const Copy *all, const Piece *pieces, const float *amounts, int amount_stride) {
    const Piece piece = pieces[blockIdx.x];
    const Copy copy = all[piece.copy];
    const float share = copy.other ? amounts[copy.number * amount_stride] : 0;
    // Many are asked for before the first is written: memory is far away.
    for (int start = piece.start + threadIdx.x; start < piece.end; start += AT_ONCE * THREADS) {
        float xs[AT_ONCE], others[AT_ONCE] = {};
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            const int i = start + k * THREADS < piece.end ? start + k * THREADS : start;
            xs[k] = copy.x[i];
            if (copy.other) others[k] = copy.other[i];
        }
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) {
            const int i = start + k * THREADS;
            if (i >= piece.end) break;
            float x = xs[k];
            if (copy.other) x = share < 0.5f ? x + share * (others[k] - x) : others[k] - (1 - share) * (others[k] - x);
            x *= copy.scale;
            if (copy.limit > 0) x = fminf(fmaxf(x, -copy.limit), copy.limit);
            if (copy.halved) ((half_t *)copy.out)[i] = half_from(x);
            else ((float *)copy.out)[i] = x;
        }
    }
}
