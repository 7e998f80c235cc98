package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Fragment is one fragment of a segment: a moof and its mdat, which begin
// with a key frame where each fragment is a closed group of pictures.
type Fragment struct {
	Offset   int64 // of the moof in the file, in bytes
	Length   int64 // of moof, mdat's header and the key frame
	Duration float64
	// NoKeyFrame is true if the fragment says that its first frame needs others.
	NoKeyFrame bool
}

// Fragments finds the fragments of a media segment with one track, and the
// length of the first frame in each. timescale is the track's.
func Fragments(segment []byte, timescale int) (list []Fragment, err error) {
	if timescale <= 0 {
		return nil, fmt.Errorf("invalid timescale %d", timescale)
	}
	var at int64
	var open *Fragment
	rest := segment
	err = boxes(segment, func(kind string, content []byte) error {
		start := at
		whole := boxSize(rest)
		at += whole
		rest = rest[whole:]
		switch kind {
		case "moof":
			first, err := readSamples(content)
			if err != nil {
				return err
			}
			list = append(list, Fragment{
				Offset: start, Length: whole + first.size, Duration: float64(first.duration) / float64(timescale), NoKeyFrame: first.flags&nonSync != 0,
			})
			open = &list[len(list)-1]
		case "mdat":
			if open == nil {
				return errors.New("an mdat without a moof before it")
			}
			open.Length += whole - int64(len(content)) // the header of mdat
			open = nil
		}
		return nil
	})
	return list, err
}

// boxSize returns the size of the first box of data, which boxes has checked.
func boxSize(data []byte) int64 {
	switch size := binary.BigEndian.Uint32(data); size {
	case 0:
		return int64(len(data))
	case 1:
		return int64(binary.BigEndian.Uint64(data[8:]))
	default:
		return int64(size)
	}
}

// samples are those of a fragment: the size in bytes and the flags of the first,
// and the duration of all.
type samples struct {
	size, duration int64
	flags          uint32
}

// nonSync is sample_is_non_sync_sample (ISO/IEC 14496-12, 8.8.3.1).
const nonSync = 0x10000

// readSamples reads the boxes of a fragment (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
// Flags that only the initialization segment has are 0.
func readSamples(moof []byte) (all samples, err error) {
	traf, err := child(moof, "traf")
	if err != nil {
		return samples{}, err
	}
	tfhd, err := child(traf, "tfhd")
	if err != nil {
		return samples{}, err
	}
	tooShort := errors.New("the box tfhd or trun is too short")
	if len(tfhd) < 8 {
		return samples{}, tooShort
	}
	flags := binary.BigEndian.Uint32(tfhd) & 0xffffff
	fields := tfhd[8:]
	take := func(n int) (v uint32, ok bool) {
		if len(fields) < n {
			return 0, false
		}
		v, fields = binary.BigEndian.Uint32(fields[n-4:]), fields[n:]
		return v, true
	}
	var defaultDuration, defaultSize, defaultFlags uint32
	for _, f := range []struct {
		flag  uint32
		bytes int
		into  *uint32
	}{{0x1, 8, nil}, {0x2, 4, nil}, {0x8, 4, &defaultDuration}, {0x10, 4, &defaultSize}, {0x20, 4, &defaultFlags}} {
		if flags&f.flag == 0 {
			continue
		}
		v, ok := take(f.bytes)
		if !ok {
			return samples{}, tooShort
		}
		if f.into != nil {
			*f.into = v
		}
	}
	first := true
	err = boxes(traf, func(kind string, trun []byte) error {
		if kind != "trun" {
			return nil
		}
		if len(trun) < 8 {
			return tooShort
		}
		flags, count := binary.BigEndian.Uint32(trun)&0xffffff, binary.BigEndian.Uint32(trun[4:])
		fields = trun[8:]
		var firstFlags *uint32
		for _, flag := range []uint32{0x1, 0x4} { // data offset, flags of the first sample
			if flags&flag != 0 {
				v, ok := take(4)
				if !ok {
					return tooShort
				}
				if flag == 0x4 {
					firstFlags = &v
				}
			}
		}
		for range count {
			d, s, own := defaultDuration, defaultSize, defaultFlags
			for _, f := range []struct {
				flag uint32
				into *uint32
			}{{0x100, &d}, {0x200, &s}, {0x400, &own}, {0x800, nil}} {
				if flags&f.flag == 0 {
					continue
				}
				v, ok := take(4)
				if !ok {
					return tooShort
				}
				if f.into != nil {
					*f.into = v
				}
			}
			if first {
				if firstFlags != nil {
					own = *firstFlags
				}
				all.size, all.flags, first = int64(s), own, false
			}
			all.duration += int64(d)
			if flags&0xf00 == 0 { // every sample is alike
				all.duration += int64(count-1) * int64(d)
				break
			}
		}
		return nil
	})
	if err == nil && first {
		err = errors.New("a fragment without samples")
	}
	return all, err
}
