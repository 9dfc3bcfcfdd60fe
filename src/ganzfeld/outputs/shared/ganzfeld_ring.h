/* Pictures from Ganzfeld through shared memory, for C and C++: one header, no library. Version 2 of the format.
   Licence: MIT. Linux and macOS; link with -lrt on an old Linux.

       ganzfeld play organ.ganz --to shared:wall

       gz_reader reader;
       gz_init(&reader, "wall");
       for (;;) {
           gz_picture picture;
           if (gz_take(&reader, &picture)) {      // the newest; 0: none yet, or none newer than the last one
               use(picture.pixels, picture.width, picture.height);
               if (!gz_done(&reader)) discard();  // it was looked at for over a second, and overwritten
           }
       }
       gz_close(&reader);

   `pixels` is in shared memory: look at it, or copy it, between gz_take and gz_done. Nobody waits for anybody; either side
   may start first, end, or be started again. For one thread at a time.

   The format: words of 8 bytes, little-endian. The block "gz-NAME" (the board) names the ring that holds the newest
   pictures, "gz-NAME-0-GENERATION". A ring is a page of words, then its slots. Pixels lie row by row from the top, without
   gaps. A slot's sequence is 2n while it holds picture n, odd while somebody writes into it. */

#ifndef GANZFELD_RING_H
#define GANZFELD_RING_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GZ_VERSION 2
#define GZ_BOARD_MAGIC 0x444c45465a4e4147ull /* "GANZFELD" */
#define GZ_RING_MAGIC 0x474e49525a4e4147ull  /* "GANZRING" */
#define GZ_PAGE 4096
#define GZ_READERS 32
#define GZ_LARGEST_SIDE 16384

enum { GZ_BOARD_GENERATION = 32 }; /* words of the board; its first row begins at word 32 */
enum {                             /* words of a ring */
    GZ_SLOTS = 2, GZ_WIDTH, GZ_HEIGHT, GZ_CHANNELS, GZ_STRIDE, GZ_START, GZ_NEWEST, GZ_DTYPE, GZ_ALPHA, GZ_COLOUR,
    GZ_RETIRED, GZ_ROWS, GZ_SLOT = 16
};
enum { GZ_UINT8, GZ_FLOAT16, GZ_FLOAT32, GZ_UINT16 };
enum { GZ_STRAIGHT, GZ_PREMULTIPLIED, GZ_OPAQUE };
enum { GZ_SRGB, GZ_LINEAR, GZ_DATA };

typedef struct {
    const void *pixels;
    uint32_t width, height, channels, dtype, alpha, colour;
    uint64_t number, frame; /* counts pictures from 1; of the show */
    double t, wall;         /* the show's second; seconds since 1970 */
    uint64_t stamp;         /* nanoseconds of CLOCK_MONOTONIC (macOS: CLOCK_UPTIME_RAW) when it was published */
} gz_picture;

typedef struct {
    char name[64];
    _Atomic uint64_t *board, *ring;
    size_t board_bytes, ring_bytes;
    uint64_t generation, last, last_stamp, held, token;
    double news_at;
    int row;
} gz_reader;

static inline void gz_fence(void) { atomic_thread_fence(memory_order_seq_cst); }

static inline double gz_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline double gz_as_double(uint64_t word) {
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static inline uint64_t gz_as_word(double value) {
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

static inline size_t gz_item_bytes(uint64_t dtype) {
    return dtype == GZ_UINT8 ? 1 : dtype == GZ_FLOAT32 ? 4 : 2;
}

static inline _Atomic uint64_t *gz_map(const char *name, size_t *bytes) {
    struct stat about;
    void *memory = MAP_FAILED;
    int handle = shm_open(name, O_RDWR, 0600);
    if (handle < 0) return NULL;
    if (fstat(handle, &about) == 0 && about.st_size >= GZ_PAGE) {
        *bytes = (size_t)about.st_size;
        memory = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    }
    close(handle);
    return memory == MAP_FAILED ? NULL : (_Atomic uint64_t *)memory;
}

/* A reader of the pictures under a public name; nothing is opened yet. */
static inline void gz_init(gz_reader *reader, const char *name) {
    memset(reader, 0, sizeof *reader);
    snprintf(reader->name, sizeof reader->name, "/gz-%.40s", name);
    reader->token = ((uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)reader ^ gz_as_word(gz_now())) >> 1 | 1;
    reader->row = -1;
}

static inline uint64_t gz_row_word(const gz_reader *reader) {
    return GZ_SLOT + 8 * reader->ring[GZ_SLOTS] + 8 * (uint64_t)reader->row;
}

static inline int gz_owns_row(const gz_reader *reader) {
    return reader->row >= 0 && reader->ring[gz_row_word(reader)] == reader->token;
}

/* Let go of the memory. */
static inline void gz_close(gz_reader *reader) {
    if (reader->ring) {
        if (gz_owns_row(reader)) {
            reader->ring[gz_row_word(reader) + 1] = 0;
            reader->ring[gz_row_word(reader)] = 0;
        }
        munmap((void *)reader->ring, reader->ring_bytes);
    }
    if (reader->board) munmap((void *)reader->board, reader->board_bytes);
    reader->ring = reader->board = NULL;
    reader->generation = reader->held = 0;
    reader->row = -1;
}

static inline int gz_is_ring(const _Atomic uint64_t *ring, size_t bytes) {
    if (ring[0] != GZ_RING_MAGIC || ring[1] != GZ_VERSION) return 0;
    uint64_t slots = ring[GZ_SLOTS], width = ring[GZ_WIDTH], height = ring[GZ_HEIGHT], channels = ring[GZ_CHANNELS];
    if (!slots || slots > 8 || !width || width > GZ_LARGEST_SIDE || !height || height > GZ_LARGEST_SIDE) return 0;
    if (!channels || channels > 4 || ring[GZ_DTYPE] > GZ_UINT16 || ring[GZ_START] < GZ_PAGE) return 0;
    if (ring[GZ_START] > bytes || ring[GZ_STRIDE] < width * height * channels * gz_item_bytes(ring[GZ_DTYPE])) return 0;
    return ring[GZ_STRIDE] <= (bytes - ring[GZ_START]) / slots;
}

static inline int gz_attach(gz_reader *reader) {
    char name[96];
    if (reader->ring && reader->board[0] == GZ_BOARD_MAGIC && !reader->ring[GZ_RETIRED] &&
        reader->board[GZ_BOARD_GENERATION] == reader->generation)
        return 1;
    gz_close(reader);
    reader->board = gz_map(reader->name, &reader->board_bytes);
    if (!reader->board || reader->board[0] != GZ_BOARD_MAGIC || reader->board[1] != GZ_VERSION) return gz_close(reader), 0;
    reader->generation = reader->board[GZ_BOARD_GENERATION];
    snprintf(name, sizeof name, "%s-0-%llu", reader->name, (unsigned long long)reader->generation);
    reader->ring = gz_map(name, &reader->ring_bytes);
    if (!reader->ring || !gz_is_ring(reader->ring, reader->ring_bytes)) return gz_close(reader), 0;
    return 1;
}

static inline void gz_lease(gz_reader *reader, uint64_t newest) {
    if (!gz_owns_row(reader)) return;
    reader->ring[gz_row_word(reader) + 2] = gz_as_word(gz_now());
    reader->ring[gz_row_word(reader) + 1] = newest;
    gz_fence();
}

static inline void gz_keep_row(gz_reader *reader) {
    double now = gz_now();
    if (!gz_owns_row(reader)) {
        for (reader->row = 0; reader->row < GZ_READERS; reader->row++) {
            uint64_t word = gz_row_word(reader);
            if (reader->ring[word] == 0 || gz_as_double(reader->ring[word + 3]) < now - 10) {
                reader->ring[word + 1] = 0;
                reader->ring[word + 3] = gz_as_word(now);
                reader->ring[word] = reader->token;
                gz_fence();
                break;
            }
        }
        if (reader->row == GZ_READERS) reader->row = -1; /* without a row it reads, too, but may see its slot reused */
    }
    if (reader->row >= 0) reader->ring[gz_row_word(reader) + 3] = gz_as_word(now);
}

/* The newest picture, if it is newer than the last one taken: 1; else 0. Give it back with gz_done. */
static inline int gz_take(gz_reader *reader, gz_picture *picture) {
    for (int again = 0; again < 100; again++) {
        if (!gz_attach(reader)) return 0;
        gz_keep_row(reader);
        uint64_t newest = reader->ring[GZ_NEWEST], slot = newest & 15, number = newest >> 4;
        uint64_t word = GZ_SLOT + 8 * slot;
        if (slot >= reader->ring[GZ_SLOTS]) return 0;
        if (!number || (number == reader->last && reader->ring[word + 4] == reader->last_stamp)) {
            if (gz_now() - reader->news_at > 1) { /* the name may lead to another writer's memory by now */
                reader->news_at = gz_now();
                gz_close(reader);
            }
            return 0;
        }
        gz_lease(reader, newest);
        if (reader->ring[word] == 2 * number) {
            _Atomic uint64_t *ring = reader->ring;
            reader->held = newest;
            reader->last = number, reader->last_stamp = ring[word + 4];
            reader->news_at = gz_now();
            picture->pixels = (const char *)ring + ring[GZ_START] + slot * ring[GZ_STRIDE];
            picture->width = (uint32_t)ring[GZ_WIDTH], picture->height = (uint32_t)ring[GZ_HEIGHT];
            picture->channels = (uint32_t)ring[GZ_CHANNELS], picture->dtype = (uint32_t)ring[GZ_DTYPE];
            picture->alpha = (uint32_t)ring[GZ_ALPHA], picture->colour = (uint32_t)ring[GZ_COLOUR];
            picture->number = number, picture->frame = ring[word + 1];
            picture->t = gz_as_double(ring[word + 2]), picture->wall = gz_as_double(ring[word + 3]);
            picture->stamp = ring[word + 4];
            return 1;
        }
        gz_lease(reader, 0);
        if (newest == reader->ring[GZ_NEWEST]) return 0; /* nothing was published in this ring yet */
    }
    return 0;
}

/* Give the picture back. 0: it was overwritten while it was looked at. */
static inline int gz_done(gz_reader *reader) {
    uint64_t held = reader->held;
    if (!held || !reader->ring) return 0;
    reader->held = 0;
    gz_fence();
    int whole = reader->ring[GZ_SLOT + 8 * (held & 15)] == 2 * (held >> 4);
    gz_lease(reader, 0);
    return whole;
}

#endif
