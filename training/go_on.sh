#!/bin/bash
# Goes on with a shipped StyleGAN2 on one GPU: 128 px without the compiler while that works, then 256 px; then measures
# every shipped network and the new one.
#   training/go_on.sh RECIPE SECONDS GPU OUT      JUDGE: its discriminator (a judge.pt); FOLDER: where to work
# Everything ends within SECONDS. OUT gets what is worth keeping, from the first minutes on: the average generator and the
# discriminator in half precision, and sheets, numbers and logs in one .tgz.
set -um # m: every background job is a process group, which can be ended as a whole
recipe=$1 seconds=$2 gpu=$3 out=$4
here=$(cd "$(dirname "$0")" && pwd)
shipped=${SHIPPED:-src/ganzfeld/networks/shipped} folder=${FOLDER:-/tmp/go-on} judge=${JUDGE:-}
garden=${GARDEN_FLAMES:-24576} count=${COUNT:-8192} large=${LARGE:-256} small=${SMALL:-128}
measuring=${MEASURING:-85} # seconds kept for the last report
export CUDA_VISIBLE_DEVICES=$gpu PYTHONPATH=$here/../src:$here/.. PYTHONUNBUFFERED=1
export TORCHINDUCTOR_CACHE_DIR=$folder/cache TORCHINDUCTOR_COMPILE_THREADS=3 OMP_NUM_THREADS=2 MKL_NUM_THREADS=2
export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
mkdir -p "$folder/$recipe" "$folder/report" "$out"
left() { echo $((seconds - SECONDS)); }
run() { # log limit module arguments…: never past its limit
    local log=$1 limit=$2
    shift 2
    timeout --foreground "$limit" python3 -m "$@" >"$folder/$log.out" 2>&1
}
collect() { # whole files only: each is written beside the old one first
    for player in average judge; do
        [ -e "$folder/carry/$player.pt" ] && cp "$folder/carry/$player.pt" "$out/.new" && mv "$out/.new" "$out/$recipe-$player.pt"
    done
    (cd "$folder" && find . \( -name '*.jpg' -o -name '*.json' -o -name '*.out' \) -not -path './cache/*' | tar czf "$out/.new" -T -) &&
        mv "$out/.new" "$out/$recipe-sheets.tgz"
}

rm -f "$folder/ready"
(
    run warm-generator 200 training.train "$recipe" --stages "$large:1" --folder "$folder/warm" --warm generator & first=$!
    run warm-judge 200 training.train "$recipe" --stages "$large:1" --folder "$folder/warm" --warm judge && wait $first && touch "$folder/ready"
) &
background=("$!")
(
    for other in planets orbits; do
        run "report-$other" 200 training.report "$other" --folder "$shipped/$other.safetensors" --to "$folder/report" --count "$count"
    done
) &
background+=("$!")
[ -e "$folder/garden.pt" ] || run garden 120 training.flames "$garden" "$folder/garden.pt" --seconds "${GROW:-50}" --sheet "$folder/report/garden.jpg"
(
    [ -e "$folder/fresh.pt" ] || run fresh 120 training.flames "$((garden / 4))" "$folder/fresh.pt" --seconds "${GROW_FRESH:-15}"
    run report-old 200 training.report "$recipe" --folder "$shipped/$recipe.safetensors" --to "$folder/report/old" \
        --count "$count" --garden "$folder/fresh.pt"
) &
background+=("$!")
(while sleep 20; do collect; done) 2>/dev/null &
copier=$!

training=$(($(left) - measuring))
minutes=$(python3 -c "t=$training/60; first=min(2.2, t/3); print(f'${small}e:{first:.3f},$large:{t-first:.3f}')")
echo "$SECONDS s: trains for $training s, $minutes"
run train $((training + 25)) training.train "$recipe" --stages "$minutes" --folder "$folder/$recipe" --garden "$folder/garden.pt" \
    --start-from "$shipped/$recipe.safetensors" ${judge:+--judge "$judge"} --carry "$folder/carry" \
    --save-every 1 --settle "$(python3 -c "print($training / 60 * 0.4)")" --ready "$folder/ready"
echo "$SECONDS s: trained"
kill -- -$copier 2>/dev/null
collect
run report $(($(left) - 12)) training.report "$recipe" --folder "$folder/carry" --to "$folder/report" --count "$count" \
    --garden "$folder/fresh.pt" --learnt-from "$folder/garden.pt"
run blend $(($(left) - 8)) training.report planets --folder "$shipped/planets.safetensors" --to "$folder/report" --blend-with "$folder/carry" --count 0
for process in "${background[@]}"; do kill -- "-$process" 2>/dev/null; done
collect
tail -n 4 "$folder"/*.out
ls -la "$out"
echo "$SECONDS s: done"
