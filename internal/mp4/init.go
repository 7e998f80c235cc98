// Package mp4 reads what publishing a video needs to know of ISO base media
// files (MP4, QuickTime and fragmented MP4): the codec of an initialization
// segment, the key frames of a media segment, and the tracks of a film.
package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An Init is what the initialization segment of a fragmented MP4 says of its
// one track.
type Init struct {
	Codec     string // as RFC 6381 writes it, such as avc1.640028 or mp4a.40.2
	Width     int    // pixels, of video
	Height    int
	Channels  int // of audio
	Timescale int // units a second
}

// ParseInit reads an initialization segment with one track of H.264, HEVC or
// AAC (ISO/IEC 14496-12 and -15).
func ParseInit(data []byte) (Init, error) {
	var in Init
	moov, err := child(data, "moov")
	if err != nil {
		return in, err
	}
	trak, err := child(moov, "trak")
	if err != nil {
		return in, err
	}
	mdia, err := child(trak, "mdia")
	if err != nil {
		return in, err
	}
	mdhd, err := child(mdia, "mdhd")
	if err != nil {
		return in, err
	}
	at := 12 // version and flags, two times of 32 bits
	if len(mdhd) > 0 && mdhd[0] == 1 {
		at = 20 // two times of 64 bits
	}
	if len(mdhd) < at+4 {
		return in, errors.New("the box mdhd is too short")
	}
	in.Timescale = int(binary.BigEndian.Uint32(mdhd[at:]))
	var stsd []byte
	for box, path := mdia, []string{"minf", "stbl", "stsd"}; ; {
		if box, err = child(box, path[0]); err != nil {
			return in, err
		}
		if path = path[1:]; len(path) == 0 {
			stsd = box
			break
		}
	}
	if len(stsd) < 8 {
		return in, errors.New("the box stsd is too short")
	}
	err = boxes(stsd[8:], func(kind string, entry []byte) error { return in.sample(kind, entry) })
	if err == nil && in.Codec == "" {
		err = errors.New("the track has no H.264, HEVC or AAC")
	}
	return in, err
}

// sample reads a sample entry.
func (in *Init) sample(kind string, entry []byte) error {
	switch kind {
	case "avc1", "avc3", "hvc1", "hev1":
		const fields = 78 // of a visual sample entry, before its boxes
		if len(entry) < fields {
			return fmt.Errorf("the sample entry %s is too short", kind)
		}
		in.Width, in.Height = int(binary.BigEndian.Uint16(entry[24:])), int(binary.BigEndian.Uint16(entry[26:]))
		if kind[0] == 'a' {
			config, err := child(entry[fields:], "avcC")
			if err != nil {
				return err
			}
			if len(config) < 4 {
				return errors.New("the box avcC is too short")
			}
			in.Codec = fmt.Sprintf("%s.%02x%02x%02x", kind, config[1], config[2], config[3])
			return nil
		}
		config, err := child(entry[fields:], "hvcC")
		if err != nil {
			return err
		}
		in.Codec, err = hevcCodec(kind, config)
		return err
	case "mp4a":
		const fields = 28 // of an audio sample entry, before its boxes
		if len(entry) < fields {
			return errors.New("the sample entry mp4a is too short")
		}
		esds, err := child(entry[fields:], "esds")
		if err != nil {
			return err
		}
		object, channels, err := audioConfig(esds)
		if err != nil {
			return err
		}
		in.Codec, in.Channels = fmt.Sprintf("mp4a.40.%d", object), channels
		if channels == 0 {
			in.Channels = int(binary.BigEndian.Uint16(entry[16:]))
		}
	}
	return nil
}

// hevcCodec writes an HEVC configuration as ISO/IEC 14496-15, annex E.3 does.
func hevcCodec(kind string, c []byte) (string, error) {
	if len(c) < 13 {
		return "", errors.New("the box hvcC is too short")
	}
	space := []string{"", "A", "B", "C"}[c[1]>>6]
	tier := "L"
	if c[1]&0x20 != 0 {
		tier = "H"
	}
	flags := binary.BigEndian.Uint32(c[2:])
	var reversed uint32
	for i := range 32 {
		reversed |= flags >> i & 1 << (31 - i)
	}
	codec := fmt.Sprintf("%s.%s%d.%X.%s%d", kind, space, c[1]&0x1f, reversed, tier, c[12])
	last := 11
	for last >= 6 && c[last] == 0 {
		last--
	}
	for _, constraint := range c[6 : last+1] {
		codec += fmt.Sprintf(".%X", constraint)
	}
	return codec, nil
}

// audioConfig finds the type of AAC and its channels in an elementary stream
// descriptor (ISO/IEC 14496-1, 7.2.6.5 and 14496-3, 1.6.2.1). The sample entry
// says two channels of mono, too. 0 channels: the descriptor does not say.
func audioConfig(esds []byte) (object, channels int, err error) {
	tooShort := errors.New("the box esds is too short")
	if len(esds) < 4 {
		return 0, 0, tooShort
	}
	rest := esds[4:]
	// descriptor reads a tag and a length of up to four bytes of seven bits.
	descriptor := func() (tag byte, ok bool) {
		if len(rest) < 2 {
			return 0, false
		}
		tag, rest = rest[0], rest[1:]
		for range 4 {
			if len(rest) == 0 {
				return 0, false
			}
			more := rest[0]&0x80 != 0
			rest = rest[1:]
			if !more {
				break
			}
		}
		return tag, true
	}
	skip := func(n int) bool {
		if len(rest) < n {
			return false
		}
		rest = rest[n:]
		return true
	}
	if tag, ok := descriptor(); !ok || tag != 3 || len(rest) < 3 {
		return 0, 0, tooShort
	}
	flags := rest[2]
	n := 3
	if flags&0x80 != 0 {
		n += 2
	}
	if flags&0x20 != 0 {
		n += 2
	}
	if flags&0x40 != 0 {
		if len(rest) <= n {
			return 0, 0, tooShort
		}
		n += 1 + int(rest[n])
	}
	if !skip(n) {
		return 0, 0, tooShort
	}
	const isMPEG4Audio = 0x40
	if tag, ok := descriptor(); !ok || tag != 4 || len(rest) == 0 {
		return 0, 0, tooShort
	}
	if rest[0] != isMPEG4Audio {
		return 0, 0, fmt.Errorf("the audio is of object type %#x, not MPEG-4 audio", rest[0])
	}
	if !skip(13) {
		return 0, 0, tooShort
	}
	if tag, ok := descriptor(); !ok || tag != 5 || len(rest) < 2 {
		return 0, 0, tooShort
	}
	object = int(rest[0] >> 3)
	if object == 31 {
		return 32 + int(rest[0]&7)<<3 + int(rest[1]>>5), 0, nil
	}
	if index := int(rest[0]&7)<<1 | int(rest[1]>>7); index == 15 {
		return object, 0, nil // a sampling rate of its own follows
	}
	// Seven channels are eight: 7.1.
	return object, []int{0, 1, 2, 3, 4, 5, 6, 8}[rest[1]>>3&7], nil
}

// child returns the content of the first box of a kind.
func child(data []byte, kind string) (found []byte, err error) {
	errFound := errors.New("found")
	err = boxes(data, func(k string, content []byte) error {
		if k == kind {
			found = content
			return errFound
		}
		return nil
	})
	switch {
	case errors.Is(err, errFound):
		return found, nil
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("no box %s", kind)
}

// boxes calls do with each box of data, until it returns an error.
func boxes(data []byte, do func(kind string, content []byte) error) error {
	for len(data) > 0 {
		if len(data) < 8 {
			return errors.New("a box ends early")
		}
		size, header := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		switch size {
		case 0: // to the end
			size = uint64(len(data))
		case 1:
			if len(data) < 16 {
				return errors.New("a box ends early")
			}
			size, header = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size < header || size > uint64(len(data)) {
			return fmt.Errorf("the box %q has an invalid size", data[4:8])
		}
		if err := do(string(data[4:8]), data[header:size]); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}
