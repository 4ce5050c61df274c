package tier

import (
	"math/bits"

	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
)

// Bands of growth: exact up to 63, then 32 to each doubling, so that a band is at most 3 % wide.
const subBands = 32

// Band is the band a growth value falls into.
func Band(growth int64) int {
	if growth < 2*subBands {
		return int(max(growth, 0))
	}
	shift := bits.Len64(uint64(growth)) - 6
	return (shift+1)*subBands + int(growth>>shift) - subBands
}

// bandStart is the least growth of a band, the inverse of Band.
func bandStart(band int) int64 {
	if band < 2*subBands {
		return int64(band)
	}
	shift := band/subBands - 1
	return int64(band%subBands+subBands) << shift
}

// Standing is the distribution of growth over all members: a few hundred numbers, whatever their number.
type Standing struct {
	below []int64 // members in lower bands, by band
	in    []int64
	All   int64
}

// StandingNow reads the distribution.
func StandingNow(r db.Reader) *Standing {
	s := &Standing{}
	for _, t := range standings.Select(r, db.Query[tally]{Order: "band", Match: func(*tally) bool { return true },
		Less: func(a, b *tally) bool { return a.Key < b.Key }}) {
		for len(s.in) <= t.Key {
			s.in = append(s.in, 0)
			s.below = append(s.below, s.All)
		}
		s.in[t.Key] = t.Members
		s.All += t.Members
	}
	return s
}

// Ahead is the share of members with less growth (超越 N %). Inside a band members are taken as evenly spread.
func (s *Standing) Ahead(growth int64) money.Rate {
	if s.All == 0 {
		return 0
	}
	b := Band(growth)
	if b >= len(s.in) {
		return money.One
	}
	width := bandStart(b+1) - bandStart(b)
	inside := money.Prorate(s.in[b], max(growth, 0)-bandStart(b), width)
	r, err := money.MulDiv(s.below[b]+inside, int64(money.One), s.All, money.Floor)
	if err != nil {
		return 0
	}
	return money.Rate(r)
}

// Mix counts members by the tier they hold.
func Mix(r db.Reader) map[int]int64 {
	out := map[int]int64{}
	for _, t := range counts.Select(r, db.Query[tally]{Match: func(*tally) bool { return true }}) {
		if t.Members != 0 {
			out[t.Key] = t.Members
		}
	}
	return out
}

// Impact is what another ladder would do to all members.
type Impact struct {
	Members int64
	Up      int64
	Down    int64            // would not keep their tier at the next review
	Before  map[int]int64    // by rank now
	After   map[int]int64    // by rank at once: upgrades happen, downgrades wait for the review
	Settled map[int]int64    // by rank once every tier was reviewed
	Moves   map[[2]int]int64 // from, to once reviewed
}

// Preview runs a ladder over all members without changing anything.
func Preview(v *db.View, next Settings) (Impact, error) {
	out := Impact{Before: map[int]int64{}, After: map[int]int64{}, Settled: map[int]int64{}, Moves: map[[2]int]int64{}}
	if err := next.Check(); err != nil {
		return out, err
	}
	seen := int64(0)
	eachGrowth(v, func(_, growth int64, earned int) {
		seen++
		at := max(min(earned, len(next.Levels)-1), next.For(growth))
		settled := at
		for settled > next.For(growth) && growth < next.Level(settled).Keep {
			settled--
		}
		out.add(earned, at, settled, 1)
	})
	if rest := StandingNow(v).All - seen; rest > 0 { // members without any growth
		out.add(0, 0, 0, rest)
	}
	return out, nil
}

func (i *Impact) add(before, after, settled int, n int64) {
	i.Members += n
	i.Before[before] += n
	i.After[after] += n
	i.Settled[settled] += n
	if after > before {
		i.Up += n
	}
	if settled < before {
		i.Down += n
	}
	if settled != before {
		i.Moves[[2]int{before, settled}] += n
	}
}
