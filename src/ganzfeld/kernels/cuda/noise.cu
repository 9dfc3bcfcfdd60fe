// TouchDesigner's noise, one thread a pixel; the formula and its sources are in kernels/noise.py.
//
// Macros: DIMENSIONS 2, 3 or 4 (0: white noise only); SIMPLEX 1 or 0 (Perlin's gradient noise). To be compiled without
// contracting products and sums: where simplices meet, the last digit decides.

#ifdef __CUDACC__
#define F static __device__ __forceinline__
#endif
typedef unsigned int u32;

// A number given by the host, or one that the device holds.
struct Amount { const float *at; float value; };
F float of(const Amount &amount) { return amount.at ? *amount.at : amount.value; }

struct Field {
    double skew, unskew, across, up;
    int width, height, channels, octaves, start, channel_stride, row_stride, column_stride;
    float reach, normalisation;
    Amount harmonics, gain, amplitude, offset, exponent;
};

// Wellons' "lowbias32".
F u32 mix(u32 number) {
    number = (number ^ number >> 16) * 0x7feb352du;
    number = (number ^ number >> 15) * 0x846ca68bu;
    return number ^ number >> 16;
}

#if DIMENSIONS
struct Tables { const int *hashes; const float *gradients; };

// The gradient at a lattice point, times a place.
F float slope(const Tables &tables, const int (&cell)[DIMENSIONS], const float (&away)[DIMENSIONS]) {
#if DIMENSIONS == 2
    const int place = (cell[1] & 255) << 8 | (cell[0] & 255);
#else
    const int first = tables.hashes[(cell[1] & 255) << 8 | (cell[0] & 255)];
#if DIMENSIONS == 3
    const int place = ((cell[2] & 255) << 8) + first;
#else
    const int place = (tables.hashes[(cell[3] & 255) << 8 | (cell[2] & 255)] << 8) + first;
#endif
#endif
    float sum = 0;
    for (int d = 0; d < DIMENSIONS; d++) sum += tables.gradients[place * DIMENSIONS + d] * away[d];
    return sum;
}

F float simplex(const Tables &tables, const double (&point)[DIMENSIONS], const Field &field) {
    double sum = point[0], back, first[DIMENSIONS];
    for (int d = 1; d < DIMENSIONS; d++) sum += point[d];
    const double skewed = sum * field.skew;
    for (int d = 0; d < DIMENSIONS; d++) {
        first[d] = floor(point[d] + skewed);
        back = d ? back + first[d] : first[d];
    }
    back *= field.unskew;
    int cell[DIMENSIONS], rank[DIMENSIONS] = {};
    float start[DIMENSIONS], total = 0;
    for (int d = 0; d < DIMENSIONS; d++) {
        cell[d] = (int)((long long)first[d] & 255);
        first[d] = point[d] - (first[d] - back);
        start[d] = (float)first[d];
    }
    for (int i = 0; i < DIMENSIONS; i++)
        for (int k = i + 1; k < DIMENSIONS; k++) rank[first[i] > first[k] ? i : k]++;
    for (int corner = 0; corner <= DIMENSIONS; corner++) {
        int at[DIMENSIONS];
        float away[DIMENSIONS], squares = 0;
        for (int d = 0; d < DIMENSIONS; d++) {
            const int step = rank[d] >= DIMENSIONS - corner;
            at[d] = cell[d] + step;
            away[d] = start[d] - step + (float)(corner * field.unskew);
            if (d) squares += away[d] * away[d];
        }
        float near = field.reach - squares - away[0] * away[0];
        near = near > 0 ? near : 0;
        total += near * near * near * near * slope(tables, at, away);
    }
    return total * field.normalisation;
}

F float between(float a, float b, float share) {
    return share < 0.5f ? a + share * (b - a) : b - (b - a) * (1 - share);
}

F float perlin(const Tables &tables, const double (&point)[DIMENSIONS], const Field &field) {
    int cell[DIMENSIONS];
    float inside[DIMENSIONS], values[1 << DIMENSIONS];
    for (int d = 0; d < DIMENSIONS; d++) {
        const double lower = floor(point[d]);
        cell[d] = (int)((long long)lower & 255);
        inside[d] = (float)(point[d] - lower);
    }
    // The last axis changes fastest.
    for (int corner = 0; corner < 1 << DIMENSIONS; corner++) {
        int at[DIMENSIONS];
        float away[DIMENSIONS];
        for (int d = 0; d < DIMENSIONS; d++) {
            const int step = corner >> (DIMENSIONS - 1 - d) & 1;
            at[d] = cell[d] + step, away[d] = inside[d] - step;
        }
        values[corner] = slope(tables, at, away);
    }
    for (int d = DIMENSIONS - 1; d >= 0; d--) {
        const float u = inside[d], fade = u * u * u * (u * (u * 6 - 15) + 10);
        for (int i = 0; i < 1 << d; i++) values[i] = between(values[2 * i], values[2 * i + 1], fade);
    }
    return values[0];
}
#endif

// coefficients [octaves + 1, channels, 4, 4]: of each axis a, b, o and spread^j; last the key of white noise and whether.
extern "C" __global__ void noise(const double *coefficients, const int *hashes, const float *gradients, float *out, const Field field) {
    const int pixel = blockIdx.x * blockDim.x + threadIdx.x, channel = blockIdx.y;
    if (pixel >= field.width * field.height) return;
    const int column = pixel % field.width, row = pixel / field.width;
    const double *last = coefficients + ((long long)field.octaves * field.channels + channel) * 16;
    float total = 0;
    if (DIMENSIONS == 0 || last[1] > 0) {
        const u32 hash = mix(mix(mix((u32)(long long)last[0]) + row) + column);
        total = (float)(hash >> 8) / 8388608.0f - (float)(1 - 1.0 / 16777216);
    } else {
#if DIMENSIONS
        const Tables tables = {hashes, gradients};
        const double x = 4 * (column + 0.5) / field.across - 2, y = 4 * (field.height - 1 - row + 0.5) / field.up - 2;
        const float harmonics = of(field.harmonics), gain = of(field.gain);
        for (int octave = 0; octave < field.octaves; octave++) {
            float share = harmonics + 1 - octave;
            share = octave < 1 || share >= 1 ? 1 : share;
            if (!(share > 0)) continue;
            const double *axes = coefficients + ((long long)octave * field.channels + channel) * 16;
            double point[DIMENSIONS];
            for (int d = 0; d < DIMENSIONS; d++)
                point[d] = (x * axes[4 * d] + y * axes[4 * d + 1] + axes[4 * d + 2]) * axes[4 * d + 3];
            const float value = SIMPLEX ? simplex(tables, point, field) : perlin(tables, point, field);
            total += value * (powf(gain, (float)octave) * share);
        }
#endif
    }
    const float value = total * of(field.amplitude);
    const float sign = value > 0 ? 1.0f : value < 0 ? -1.0f : 0.0f;
    float shaped = sign * powf(fabsf(value), of(field.exponent)) + of(field.offset);
    shaped = shaped == shaped ? shaped : 0;
    shaped = shaped > -1e6f ? shaped : -1e6f;
    shaped = shaped < 1e6f ? shaped : 1e6f;
    out[field.start + channel * field.channel_stride + row * field.row_stride + column * field.column_stride] = shaped;
}
