package ingestsettings

// A Rung is a size in which films are encoded.
type Rung struct {
	Side       int   // the shorter side, in pixels
	Quality    int32 // QVBR level
	MaxBitrate int32 // bits a second
}

// rungs are AWS's starting values for QVBR, largest first (MediaConvert user
// guide, "QVBR guidelines").
var rungs = []Rung{
	{2160, 9, 18_000_000}, {1440, 9, 10_000_000}, {1080, 9, 6_000_000}, {720, 8, 4_000_000}, {480, 7, 1_000_000}, {360, 7, 700_000}, {240, 7, 350_000},
}

// lowest is the smallest rung of a film that has larger ones.
const lowest = 360

// Ladder returns the rungs of a film whose shorter side is to have at most so
// many pixels, largest first. For a film smaller than every rung there is none.
func Ladder(side int) (list []Rung) {
	for _, r := range rungs {
		if r.Side <= side && (r.Side >= lowest || len(list) == 0) {
			list = append(list, r)
		}
	}
	return list
}

// LowestRung returns the rung with the fewest pixels.
func LowestRung() Rung { return rungs[len(rungs)-1] }
