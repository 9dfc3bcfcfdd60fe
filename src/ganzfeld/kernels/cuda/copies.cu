// Many tensors copied at once, scaled, and drawn towards others on the way. A block a piece of one of them.
//
// Macro: THREADS.

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
    for (int i = piece.start + threadIdx.x; i < piece.end; i += THREADS) {
        float x = copy.x[i];
        if (copy.other) {
            const float other = copy.other[i];
            x = share < 0.5f ? x + share * (other - x) : other - (1 - share) * (other - x);
        }
        x *= copy.scale;
        if (copy.limit > 0) x = fminf(fmaxf(x, -copy.limit), copy.limit);
        if (copy.halved) ((half_t *)copy.out)[i] = half_from(x);
        else ((float *)copy.out)[i] = x;
    }
}
