#!/usr/bin/env bash
# Makes the sample HLS below this folder, which mirrors the bucket:
#
#   public/trailers/sample/   the trailer, served to everybody
#   public/sample/posters/           one picture for each video, served to everybody
#   premium/course-1/sample/  served with signed cookies only
#   premium/course-2/sample/  served with signed cookies only
#
# Every video has a master playlist, master.m3u8, and two renditions, 640x360
# and 426x240: H.264 and AAC in MPEG-TS segments of four seconds, each of which
# begins with a keyframe. The size of a rendition is written in its corner, so
# that one can see the player change over.
#
# Usage: player/sample/make.sh          (needs ffmpeg with libx264 and drawtext)
#        FONT=/path/to/font.ttf player/sample/make.sh
#
# Seeds are fixed, encoders run single-threaded and muxers bit-exact: the same
# ffmpeg, x264 and font give the same files.
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "make.sh: $*" >&2; exit 1; }

command -v ffmpeg >/dev/null || fail "ffmpeg is not installed."
font=${FONT:-$(fc-match -f '%{file}' 'DejaVu Sans:style=ExtraLight' 2>/dev/null || true)}
[ -f "$font" ] || fail "no font found; name one with FONT=/path/to/font.ttf"

# All files together have to stay below this.
limit=1000000
rate=24

# hill COLOR LINE — one still picture, opaque below LINE (a geq expression of X
# for 640 pixels of width) and transparent above it, with a soft edge.
hill() {
    local r=$((16#${1:0:2})) g=$((16#${1:2:2})) b=$((16#${1:4:2}))
    echo "color=black:s=640x360:r=$rate:d=0.04,format=rgba,geq=r=$r:g=$g:b=$b:a='255*clip((Y-($2))/1.5,0,1)',loop=loop=-1:size=1,setpts=N/$rate/TB"
}

# picture SECONDS SKY GLOW HILLS TITLE SUBTITLE — a filter graph ending in
# [picture]: a sky of slow colours, a light that rises, three lines of hills in
# front of it, and the title.
picture() {
    local seconds=$1 sky=$2 glow=$3 far=$4 middle=$5 near=$6 title=$7 subtitle=$8
    local r=$((16#${glow:0:2})) g=$((16#${glow:2:2})) b=$((16#${glow:4:2}))
    cat <<GRAPH
gradients=s=640x360:r=$rate:d=$seconds:$sky,format=rgba[sky];
color=black:s=320x320:r=$rate:d=0.04,format=rgba,geq=r=$r:g=$g:b=$b:a='clip(250*exp(-pow(hypot(X-160\\,Y-160)/46\\,2.4))+90*exp(-pow(hypot(X-160\\,Y-160)/84\\,2))\\,0\\,255)*clip((160-hypot(X-160\\,Y-160))/30\\,0\\,1)',loop=loop=-1:size=1,setpts=N/$rate/TB[glow];
$(hill "$far" '232+22*sin(X/83+1)+9*sin(X/31)')[far];
$(hill "$middle" '268+20*sin(X/61+4)+7*sin(X/23+2)')[middle];
$(hill "$near" '312+14*sin(X/97+2)+6*sin(X/29+5)')[near];
[sky][glow]overlay=x='330+20*t/$seconds':y='110-90*t/$seconds':eval=frame:shortest=1[a];
[a][far]overlay=shortest=1[b];[b][middle]overlay=shortest=1[c];[c][near]overlay=shortest=1[d];
[d]drawtext=fontfile=$font:text='$title':fontsize=42:fontcolor=white:x=40:y=48:alpha='clip((t+0.4)/1.2,0,1)',
drawtext=fontfile=$font:text='$subtitle':fontsize=17:fontcolor=white@0.85:x=42:y=104:alpha='clip((t-0.2)/1.2,0,1)',
trim=duration=$seconds,format=yuv420p[picture]
GRAPH
}

# sound SECONDS ROOT — a chord over ROOT (Hz) that swells slowly, in [sound].
sound() {
    local seconds=$1 root=$2
    cat <<GRAPH
aevalsrc=d=$seconds:s=44100:c=mono:exprs='0.10*sin(2*PI*$root*t)*(0.75+0.25*sin(2*PI*0.11*t))+0.07*sin(2*PI*$root*1.5*t)*(0.6+0.4*sin(2*PI*0.17*t+1))+0.05*sin(2*PI*$root*2.5*t)*(0.5+0.5*sin(2*PI*0.23*t+2))+0.03*sin(2*PI*$root*4*t)*(0.5+0.5*sin(2*PI*0.07*t+3))',lowpass=f=1800,afade=t=in:d=1.5,afade=t=out:st=$(awk "BEGIN{print $seconds-1.5}"):d=1.5[sound]
GRAPH
}

# encode FOLDER POSTER SECONDS SOUND PICTURE — both renditions with a running
# clock, the master playlist and the poster of one video.
encode() {
    local folder=$1 poster=$2 seconds=$3 sound=$4 picture=$5
    rm -rf "$folder"
    mkdir -p "$folder/360p" "$folder/240p" "$(dirname "$poster")"
    local label="fontfile=$font:fontcolor=white@0.8:x=w-tw-24:y=24"
    local clock="fontfile=$font:text='%{pts\\:hms}':fontsize=20:fontcolor=white@0.9:x=42:y=h-84"
    ffmpeg -v error -y -filter_complex_threads 1 -filter_complex "
$picture;
$sound;
[picture]split[p][q];
[p]drawtext=$clock,split[p0][p1];
[p0]drawtext=text='640x360':fontsize=15:$label[v0];
[p1]scale=426:240:flags=bicubic+bitexact,drawtext=text='426x240':fontsize=11:$label[v1];
[q]select='eq(n,84)'[still];
[sound]asplit[a0][a1]" \
        -map '[v0]' -map '[a0]' -map '[v1]' -map '[a1]' \
        -c:v libx264 -preset veryslow -threads 1 -flags:v +bitexact -pix_fmt yuv420p \
        -r "$rate" -g $((rate * 4)) -keyint_min $((rate * 4)) -sc_threshold 0 \
        -profile:v:0 main -level:v:0 3.0 -crf:v:0 28 -maxrate:v:0 220k -bufsize:v:0 440k \
        -profile:v:1 baseline -level:v:1 3.0 -crf:v:1 30 -maxrate:v:1 110k -bufsize:v:1 220k \
        -c:a aac -b:a 26k -ac 1 -ar 44100 -flags:a +bitexact \
        -map_metadata -1 -fflags +bitexact -t "$seconds" \
        -f hls -hls_time 4 -hls_playlist_type vod -hls_flags independent_segments \
        -hls_segment_type mpegts -hls_segment_filename "$folder/%v/segment-%02d.ts" \
        -master_pl_name master.m3u8 -var_stream_map 'v:0,a:0,name:360p v:1,a:1,name:240p' \
        "$folder/%v/index.m3u8" \
        -map '[still]' -frames:v 1 -c:v mjpeg -q:v 5 -pix_fmt yuvj420p -flags:v +bitexact "$poster"
}

encode public/trailers/sample public/sample/posters/trailer.jpg 8 "$(sound 8 146.83)" "$(picture 8 \
    'c0=0x16213e:c1=0x53386b:c2=0xb5566c:n=3:seed=7:x0=0:y0=0:x1=640:y1=360:speed=0.004' ffd9b8 43304f 2a2138 17141f \
    'Evening Light' 'Two short courses. A first look.')"

encode premium/course-1/sample public/sample/posters/course-1.jpg 20 "$(sound 20 130.81)" "$(picture 20 \
    'c0=0x0b1d33:c1=0x11505a:c2=0x3f9c86:n=3:seed=11:x0=0:y0=0:x1=640:y1=360:speed=0.004' d8ffe9 17434d 0e2b38 081722 \
    'Northern Light' 'Course 1')"

encode premium/course-2/sample public/sample/posters/course-2.jpg 10 "$(sound 10 164.81)" "$(picture 10 \
    'c0=0x5b1f2a:c1=0xc0532b:c2=0xf0a444:n=3:seed=23:x0=0:y0=0:x1=640:y1=360:speed=0.004' fff3cf 8a3a2a 5a2424 2c1418 \
    'Desert Light' 'Course 2')"

size=$(find public premium -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
[ "$size" -lt "$limit" ] || fail "the sample has $size bytes; it has to stay below $limit."
echo "The sample has $size bytes."
