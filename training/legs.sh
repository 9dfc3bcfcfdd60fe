#!/bin/bash
# Training in legs of under ten minutes on a machine with two GPUs.
#   training/legs.sh LEG FOLDER OUT      checkpoints and the compiler's cache stay in FOLDER, what to take home goes to OUT
# The two legs that made the shipped networks; then go_on.sh gave flowers its 256 px.
set -u
leg=$1 folder=$2 out=$3
export PYTHONPATH=src:. PYTHONUNBUFFERED=1 TORCHINDUCTOR_CACHE_DIR=$folder/cache TORCHINDUCTOR_COMPILE_THREADS=8
export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True OMP_NUM_THREADS=4
mkdir -p "$folder" "$out"
train() { # gpu log recipe arguments…
    local gpu=$1 log=$2
    shift 2
    CUDA_VISIBLE_DEVICES=$gpu python3 -m training.train "$@" >"$folder/$log.out" 2>&1 &
}
carry() { echo "--folder $folder/$1 --carry $out/$1"; }
warmers=()

case $leg in
1)
    train 0 planets-1 planets --stages 64e:1.2,64:1.3,128:6.6 $(carry planets); first=$!
    train 1 orbits-1 orbits --stages 128e:2.2,128:6.9 $(carry orbits); second=$!
    for size in 64 128 256; do
        train 0 warm-planets-$size planets --stages $size:1 --folder $folder/warm --warm; warmers+=($!)
    done
    train 1 warm-orbits orbits --stages 128:1 --folder $folder/warm --warm; warmers+=($!)
    for _ in 1 2 3 4 5 6 7 8 9; do # a mistake should not cost ten minutes
        sleep 5
        if ! kill -0 $first 2>/dev/null || ! kill -0 $second 2>/dev/null; then
            tail -n 25 $folder/*.out
            kill $first $second "${warmers[@]}" 2>/dev/null
            exit 1
        fi
    done
    wait "${warmers[@]}"
    CUDA_VISIBLE_DEVICES=1 python3 -m training.flames 24576 $folder/garden.pt --seconds 60 --sheet $folder/flames.jpg \
        >$folder/garden.out 2>&1
    wait $first $second
    ;;
2)
    train 1 orbits-2 orbits --stages 128:9.1 $(carry orbits); second=$!
    train 0 planets-2 planets --stages 256:5.1 $(carry planets); first=$!
    wait $first
    rm -f $out/planets/generator.pt $out/planets/judge.pt # more may not come home; planets are ready
    train 0 flowers-2 flowers --stages 128:3.9 --start-from $folder/planets --garden $folder/garden.pt $(carry flowers); first=$!
    wait $first $second
    ;;
esac
tar cf $out/orbits-generators.tar -C $out/orbits average.pt generator.pt && rm $out/orbits/average.pt $out/orbits/generator.pt
tail -n 6 $folder/*-$leg.out $folder/warm*.out $folder/garden.out $folder/report*.out 2>/dev/null
sheets=$(find $folder -name '*.jpg' -o -name '*.json' -o -name '*.out' | grep -v cache)
tar czf $out/sheets.tgz $sheets
ls -la $out $out/*
