// A 3×3 convolution of StyleGAN2 and all that follows it, for the Hopper generation (compute capability 9.0).
//
// A block of two groups of four warps makes BN outputs of a tile of 16 pixels by 8·MB. The tile's input, with a border
// of one pixel, comes to shared memory once for every BK channels and serves all nine taps: a tap is the same memory
// read from another pixel on. Read tap by tap, as a plain product would, it is the road from the cache that is full and
// the tensor cores wait. One more warp fetches: the input two parts ahead, the weights in a ring of STAGES slabs.
//
// Macros: BN 32, 64 or 128; BK 32 or 64; MB 1 or 2; UP 1 or 2; COLOURS 0, or those of a picture that is painted here
// (UP is 1 then and BN all channels); FIRST: there is no smaller picture below it; PARTIAL: sums of a part of the inputs
// are written as they are; PHASES: how many of the four a tile holds; STAGES, BLOCKS (on a processor at a time).
//
// Pixels lie [row][column][channel] in half precision, rows `pitch` pixels apart; weights [output][tap][input]. What lies
// past the edges of the picture comes as zeros from the unit that fetches.

#ifdef __CUDACC__
typedef unsigned int u32;
typedef unsigned long long u64;
#define F __device__ __forceinline__
#define GRID_CONSTANT const __grid_constant__
struct alignas(64) TensorMap { char opaque[128]; };
F u32 shared_address(const void *p) { u32 a; asm("{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }" : "=r"(a) : "l"(p)); return a; }
F void barrier_init(u32 barrier, int count) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barrier), "r"(count)); }
F void barriers_are_ready() { asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async;"); }
F void arrive(u32 barrier) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(barrier) : "memory"); }
F void expect(u32 barrier, int bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(bytes) : "memory"); }
F void wait_for(u32 barrier, int phase) {
    asm volatile("{ .reg .pred p;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra DONE;\nbra AGAIN;\nDONE: }"
        :: "r"(barrier), "r"(phase) : "memory");
}
F void fetch_pixels(u32 to, const TensorMap *map, u32 barrier, int channel, int x, int y) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];"
        :: "r"(to), "l"(map), "r"(barrier), "r"(channel), "r"(x), "r"(y) : "memory");
}
F void fetch_weights(u32 to, const TensorMap *map, u32 barrier, int input, int output) {
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
        :: "r"(to), "l"(map), "r"(barrier), "r"(input), "r"(output) : "memory");
}
F void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
F void products_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
F void products_wait_but_one() { asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory"); }
F void products_wait() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }
F u32 packed(float low, float high) { u32 d; asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low)); return d; }
// Numbers that nobody writes meanwhile: the compiler may ask for them as early as it likes.
F float known(const float *p) { return __ldg(p); }
F float2 known_pair(const float *p) { return __ldg((const float2 *)p); }
// Asked for here and now, long before it is needed.
F float ask_for(const float *p) { float a; asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(a) : "l"(p)); return a; }
F u32 exchange(u32 a, int lanes) { return __shfl_xor_sync(0xffffffffu, a, lanes); }
F float taken(float a, int lane) { return __shfl_sync(0xffffffffu, a, lane); }
// Sixteen pixels by sixteen channels times those channels' eight colours.
F void add_colours(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
F void threads_meet() { __syncthreads(); }
// Registers change hands: the warps that fetch need few, those that multiply many.
F void few_registers() { asm volatile("setmaxnreg.dec.sync.aligned.u32 24;"); }
F void many_registers() { asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" :: "n"(BLOCKS == 1 ? 240 : 104)); }
#define SHARED_MEMORY(name) extern __shared__ char name[]
#if BN == 32
F void multiply(float (&d)[16], u64 a, u64 b, int add) {
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %18, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}, %16, %17, p, 1, 1, 0, 0; }"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
        : "l"(a), "l"(b), "r"(add));
}
#elif BN == 64
F void multiply(float (&d)[32], u64 a, u64 b, int add) {
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %34, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, %32, %33, p, 1, 1, 0, 0; }"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
        : "l"(a), "l"(b), "r"(add));
}
#else
F void multiply(float (&d)[64], u64 a, u64 b, int add) {
    asm volatile("{ .reg .pred p; setp.ne.b32 p, %66, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, %64, %65, p, 1, 1, 0, 0; }"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
        : "l"(a), "l"(b), "r"(add));
}
#endif
#endif

#define THREADS 384
#define REGISTERS (BN / 2)
#define TILE_WIDTH 16
#define TILE_HEIGHT (8 * MB)
#define BORDERED (TILE_WIDTH + 2)
#define ROW_BYTES (2 * BK)
#define PIXEL_BYTES ((BORDERED * (TILE_HEIGHT + 2) * ROW_BYTES + 1023) / 1024 * 1024)
#define FETCHED_BYTES (BORDERED * (TILE_HEIGHT + 2) * ROW_BYTES)
#define SLAB_BYTES (BN * ROW_BYTES)

struct Tile { int x, y, output, split; };

// Which tile comes at `number`: the same pixels for all outputs first, so that they are still in the cache.
F Tile tile_of(int number, int width, int outputs, int splits) {
    int across = (width + TILE_WIDTH - 1) / TILE_WIDTH, slabs = outputs / BN;
    Tile tile;
    tile.split = number % splits;
    number /= splits;
    tile.output = number % slabs * BN;
    number /= slabs;
    tile.x = number % across * TILE_WIDTH;
    tile.y = number / across * TILE_HEIGHT;
    return tile;
}

// How the tensor cores find eight rows of eight numbers each, and the next eight `stride` bytes on; rows are swizzled.
F u64 matrix_at(u32 address, int stride) {
    const u64 swizzle = BK == 64 ? 1 : 2;
    return (u64)(address >> 4 & 0x3fff) | (u64)1 << 16 | (u64)(stride >> 4) << 32 | swizzle << 62;
}

struct After {
    int height, width, pitch, outputs, channels, layer, styled_pitch;
    float clamp, rgb_clamp;
    const float *noise, *strengths, *gain, *bias, *style, *rgb_bias, *before, *taps, *rgb_weight;
    unsigned short *styled, *plain;
    float *picture, *partial;
};

// What is not a number becomes the lower limit.
F float between(float value, float limit) { return fminf(fmaxf(value, -limit), limit); }

// Four lanes that hold two channels each of four groups of eight: each gets all eight of one group, in `values`.
F void share_out(u32 (&values)[4], int lane) {
    u32 low = lane & 1 ? values[0] : values[1], high = lane & 1 ? values[2] : values[3];
    low = exchange(low, 1), high = exchange(high, 1);
    if (lane & 1) values[0] = low, values[2] = high;
    else values[1] = low, values[3] = high;
    u32 first = lane & 2 ? values[0] : values[2], second = lane & 2 ? values[1] : values[3];
    first = exchange(first, 2), second = exchange(second, 2);
    if (lane & 2) values[0] = first, values[1] = second;
    else values[2] = first, values[3] = second;
}

F void store(unsigned short *to, const u32 (&values)[4]) {
    *(uint4 *)to = make_uint4(values[0], values[1], values[2], values[3]);
}

// The noise of this lane's pixels: x, y the first of them.
F void ask_for_noise(float (&noise)[PHASES][MB][2], const Tile &tile, const After &after, int x, int y) {
#pragma unroll
    for (int p = 0; p < PHASES; p++) {
        const int phase = tile.output / after.channels + p;
#pragma unroll
        for (int b = 0; b < MB; b++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const int row = UP * (y + 8 * b + h) + phase / 2, column = UP * x + phase % 2;
            const bool inside = x < after.width && y + 8 * b + h < after.height;
            noise[p][b][h] = ask_for(after.noise + (inside ? row * UP * after.width + column : 0));
        }
    }
}

#if COLOURS
// What this lane holds of the way to RGB, in the order of the tensor cores: for sixteen channels at a time.
F void known_colours(u32 (&colours)[BN / 16][2], const After &after, int lane) {
#pragma unroll
    for (int k = 0; k < BN / 16; k++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const float *at = after.rgb_weight + (16 * k + 8 * half + 2 * (lane & 3)) * 16 + lane / 4;
        colours[k][half] = packed(known(at), known(at + 16));
    }
}
#else
F void known_colours(u32 (&colours)[BN / 16][2], const After &after, int lane) {}
#endif

// Demodulation, noise, bias, leaky ReLU, clamp; then the next layer's style, and the way to RGB.
// acc[b][4·j + 2·h + i]: pixel (x, y + 8·b + h), output 8·j + i of the tile's, beginning at what this lane holds.
F void finish(float (&acc)[MB][REGISTERS], float (&noise)[PHASES][MB][2], u32 (&colours)[BN / 16][2], const Tile &tile, const After &after, int x, int y, int lane) {
    const int pair = 2 * (lane & 3);
    const float strength = known(after.strengths + after.layer);
    const int out_width = UP * after.width;
#if COLOURS
    float rgb[MB][4] = {};
#endif
#pragma unroll
    for (int jj = 0; jj < BN / 32; jj++) {
        const int p = 32 * jj / (BN / PHASES), phase = tile.output / after.channels + p;
        const int channel = tile.output % after.channels + 32 * jj % (BN / PHASES);
        float2 gain[4], bias[4], style[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int at = channel + 8 * j + pair;
            gain[j] = known_pair(after.gain + at);
            bias[j] = known_pair(after.bias + at);
            style[j] = known_pair(after.style + at);
        }
#pragma unroll
        for (int b = 0; b < MB; b++) {
            u32 halves[2][4];
#pragma unroll
            for (int h = 0; h < 2; h++) {
                const bool inside = x < after.width && y + 8 * b + h < after.height;
                const int row = UP * (y + 8 * b + h) + phase / 2, column = UP * x + phase % 2;
                const float shift = noise[p][b][h] * strength;
                float low[4], high[4];
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    const float a = acc[b][16 * jj + 4 * j + 2 * h] * gain[j].x + (shift + bias[j].x);
                    const float c = acc[b][16 * jj + 4 * j + 2 * h + 1] * gain[j].y + (shift + bias[j].y);
                    low[j] = between(fmaxf(a, 0.2f * a), after.clamp);
                    high[j] = between(fmaxf(c, 0.2f * c), after.clamp);
                    halves[h][j] = packed(low[j], high[j]);
                }
                const int to = channel + 8 * (lane & 3);
                if (after.styled) {
                    u32 values[4];
                    for (int j = 0; j < 4; j++) values[j] = packed(low[j] * style[j].x, high[j] * style[j].y);
                    share_out(values, lane);
                    if (inside) store(after.styled + (u64)(row * after.styled_pitch + column) * after.channels + to, values);
                }
                if (after.plain) {
                    u32 values[4];
                    for (int j = 0; j < 4; j++) values[j] = halves[h][j];
                    share_out(values, lane);
                    if (inside) store(after.plain + (u64)(row * out_width + column) * after.channels + to, values);
                }
            }
#if COLOURS
            for (int k = 0; k < 2; k++) {
                const u32 pixels[4] = {halves[0][2 * k], halves[1][2 * k], halves[0][2 * k + 1], halves[1][2 * k + 1]};
                add_colours(rgb[b], pixels, colours[2 * jj + k]);
            }
#endif
        }
    }
#if COLOURS
    // Two colours each are with the first two lanes of four: one each to all.
    const int colour = lane & 3;
#pragma unroll
    for (int b = 0; b < MB; b++)
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const float even = taken(rgb[b][2 * h], lane / 4 * 4 + colour / 2), odd = taken(rgb[b][2 * h + 1], lane / 4 * 4 + colour / 2);
        float mine = colour & 1 ? odd : even;
        const int row = y + 8 * b + h;
        if (colour >= COLOURS || x >= after.width || row >= after.height) continue;
        mine = between(mine + known(after.rgb_bias + colour), after.rgb_clamp);
        if (!FIRST) {
            // Twice the size by four taps: two of them, every other one, fall on samples of each axis.
            const int height = after.height / 2, width = after.width / 2;
#pragma unroll
            for (int dy = 0; dy < 2; dy++)
#pragma unroll
            for (int dx = 0; dx < 2; dx++) {
                const int from_y = (row + 1) / 2 - 1 + dy, from_x = (x + 1) / 2 - 1 + dx;
                if (from_y < 0 || from_y >= height || from_x < 0 || from_x >= width) continue;
                const float tap = known(after.taps + (1 + row - 2 * from_y) * 4 + 1 + x - 2 * from_x);
                mine += 4 * tap * known(after.before + (colour * height + from_y) * width + from_x);
            }
        }
        after.picture[(colour * after.height + row) * after.width + x] = mine;
    }
#endif
}

F void keep_part(float (&acc)[MB][REGISTERS], const Tile &tile, const After &after, int x, int y, int lane) {
    float *to = after.partial + (u64)tile.split * after.height * after.pitch * after.outputs;
#pragma unroll
    for (int b = 0; b < MB; b++)
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int row = y + 8 * b + h;
        if (x >= after.width || row >= after.height) continue;
        float *pixel = to + (u64)(row * after.pitch + x) * after.outputs + tile.output + 2 * (lane & 3);
#pragma unroll
        for (int j = 0; j < BN / 8; j++)
            *(float2 *)(pixel + 8 * j) = make_float2(acc[b][4 * j + 2 * h], acc[b][4 * j + 2 * h + 1]);
    }
}

// Parts of BK inputs that split number `split` sums: [begin, end).
F int part_begin(int split, int parts, int splits) { return split * parts / splits; }

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
convolution(GRID_CONSTANT TensorMap pixels, GRID_CONSTANT TensorMap weights, GRID_CONSTANT After after, int inputs, int splits, int tiles) {
    SHARED_MEMORY(memory);
    const u32 base = (shared_address(memory) + 1023) / 1024 * 1024;
    const u32 slabs = base + 2 * PIXEL_BYTES, barriers = slabs + STAGES * SLAB_BYTES;
    // Full and empty, of the two parts of the input; then of the slabs.
    const u32 pixels_full = barriers, pixels_empty = barriers + 16;
    const u32 slab_full = barriers + 32, slab_empty = slab_full + 8 * STAGES;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, parts = inputs / BK;

    if (threadIdx.x == 0) {
        for (int i = 0; i < 2; i++) barrier_init(pixels_full + 8 * i, 1), barrier_init(pixels_empty + 8 * i, 8);
        for (int i = 0; i < STAGES; i++) barrier_init(slab_full + 8 * i, 1), barrier_init(slab_empty + 8 * i, 8);
        barriers_are_ready();
    }
    threads_meet();

    int part_stage = 0, part_phase = 0, stage = 0, phase = 0;
    if (warp >= 8) {
        few_registers();
        if (threadIdx.x == 256)
            for (int number = blockIdx.x; number < tiles; number += gridDim.x) {
                const Tile tile = tile_of(number, after.width, after.outputs, splits);
                const int end = part_begin(tile.split + 1, parts, splits);
                for (int part = part_begin(tile.split, parts, splits); part < end; part++) {
                    wait_for(pixels_empty + 8 * part_stage, part_phase ^ 1);
                    expect(pixels_full + 8 * part_stage, FETCHED_BYTES);
                    fetch_pixels(base + part_stage * PIXEL_BYTES, &pixels, pixels_full + 8 * part_stage, part * BK, tile.x - 1, tile.y - 1);
                    if (++part_stage == 2) part_stage = 0, part_phase ^= 1;
                    for (int tap = 0; tap < 9; tap++) {
                        wait_for(slab_empty + 8 * stage, phase ^ 1);
                        expect(slab_full + 8 * stage, SLAB_BYTES);
                        fetch_weights(slabs + stage * SLAB_BYTES, &weights, slab_full + 8 * stage, tap * inputs + part * BK, tile.output);
                        if (++stage == STAGES) stage = 0, phase ^= 1;
                    }
                }
            }
    } else {
        many_registers();
        // Group 0 takes the tile's left half, group 1 the right: MB times 8 by 8 pixels each.
        const int group = warp / 4;
        float acc[MB][REGISTERS];
        u32 colours[BN / 16][2];
        known_colours(colours, after, lane);
        for (int number = blockIdx.x; number < tiles; number += gridDim.x) {
            const Tile tile = tile_of(number, after.width, after.outputs, splits);
            const int begin = part_begin(tile.split, parts, splits), end = part_begin(tile.split + 1, parts, splits);
            const int x = tile.x + 8 * group + lane / 4, y = tile.y + 2 * (warp & 3);
#if !PARTIAL
            float noise[PHASES][MB][2];
            ask_for_noise(noise, tile, after, x, y);
#endif
            int last_stage = -1;
            for (int part = begin; part < end; part++) {
                wait_for(pixels_full + 8 * part_stage, part_phase);
                const u32 corner = base + part_stage * PIXEL_BYTES + 8 * group * ROW_BYTES;
                for (int tap = 0; tap < 9; tap++) {
                    const u32 from = corner + (tap / 3 * BORDERED + tap % 3) * ROW_BYTES;
                    wait_for(slab_full + 8 * stage, phase);
                    const u32 slab = slabs + stage * SLAB_BYTES;
                    products_begin();
#pragma unroll
                    for (int k = 0; k < BK / 16; k++)
#pragma unroll
                        for (int b = 0; b < MB; b++)
                            multiply(acc[b], matrix_at(from + 8 * b * BORDERED * ROW_BYTES + 32 * k, BORDERED * ROW_BYTES),
                                     matrix_at(slab + 32 * k, 8 * ROW_BYTES), part > begin || tap > 0 || k > 0);
                    products_commit();
                    products_wait_but_one();
                    // What the products before these read may be written over.
                    if (lane == 0 && last_stage >= 0) {
                        arrive(slab_empty + 8 * last_stage);
                        if (tap == 0) arrive(pixels_empty + 8 * (part_stage ^ 1));
                    }
                    last_stage = stage;
                    if (++stage == STAGES) stage = 0, phase ^= 1;
                }
                if (++part_stage == 2) part_stage = 0, part_phase ^= 1;
            }
            products_wait();
            if (lane == 0) {
                arrive(slab_empty + 8 * last_stage);
                arrive(pixels_empty + 8 * (part_stage ^ 1));
            }
#if PARTIAL
            keep_part(acc, tile, after, x, y, lane);
#else
            finish(acc, noise, colours, tile, after, x, y, lane);
#endif
        }
    }
}
