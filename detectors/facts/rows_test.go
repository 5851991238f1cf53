package facts_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
)

// TestRows asserts that packed rows are a sorted list without repetition, whatever is added and removed in whatever order.
func TestRows(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 27))
		packed, plain := facts.NewRows(), []facts.Row(nil)
		for range 120 {
			if rng.IntN(8) == 0 {
				fact := facts.ID(rng.IntN(20))
				packed.Drop(fact)
				plain = slices.DeleteFunc(plain, func(r facts.Row) bool { return r.Fact == fact })
			} else {
				add := someRow(rng)
				i, found := slices.BinarySearchFunc(plain, add, compareRows)
				want := 0
				if !found {
					plain = slices.Insert(plain, i, add)
					want = len(plain)
				}
				same(t, "rows", packed.Insert(add), want)
				if want > 12 {
					packed.Evict(add)
					oldest := slices.MinFunc(slices.DeleteFunc(slices.Clone(plain), func(r facts.Row) bool { return r == add }),
						func(a, b facts.Row) int { return cmp.Compare(a.Until, b.Until) })
					plain = slices.Delete(plain, slices.Index(plain, oldest), slices.Index(plain, oldest)+1)
				}
			}
			same(t, "rows", packed.All(), plain)
		}
		other := facts.NewRows()
		for _, i := range rng.Perm(len(plain)) {
			other.Insert(plain[i])
		}
		same(t, "in another order", other.All(), plain)
	}
}

func compareRows(a, b facts.Row) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Who, b.Who))
}

// someRow is one of few, so that some come twice, with times as they are stated: open, of a day, to the millisecond, and not.
func someRow(rng *rand.Rand) facts.Row {
	pick := func(all ...int64) int64 { return all[rng.IntN(len(all))] }
	r := facts.Row{
		From: pick(0, -62135596800e6, 1772463600e6, 1772463600e6+int64(rng.IntN(5))*1000, 1772463600123456, 253402300799999999),
		Fact: facts.ID(rng.IntN(20)), Kind: facts.CareKind(rng.IntN(3)), Who: facts.ID(pick(0, 1, -1, 20_000, -1<<31, 1<<31-1)),
	}
	r.Until = pick(facts.Forever, r.From+1, r.From+3600e6, r.From, r.From+1001, 253402300800000000)
	// What a row of one fact says beside is the same in all of them.
	r.Reason, r.Class, r.Type = [...]facts.ID{0, 7, -3, -20_000_000}[r.Fact%4], r.Fact%3, r.Fact%7
	r.Doubt = facts.Doubt(r.Fact % 5)
	return r
}

// FuzzRows asserts that whatever bytes are read as rows end, and that what was read is read again.
func FuzzRows(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 27))
	for n := range 12 {
		r := facts.NewRows()
		for range n {
			r.Insert(someRow(rng))
		}
		f.Add([]byte(r.Bytes))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := facts.NewRows()
		for _, form := range []facts.Row{{}, {Kind: 2}, {Kind: 1, Class: 3, Type: 4}} {
			r.Insert(form)
		}
		r.Bytes = string(data)
		read := r.All()
		if !slices.IsSortedFunc(read, compareRows) {
			return // nothing that was written
		}
		again := facts.NewRows()
		for _, row := range read {
			if row.From < -1<<60 || row.From > 1<<60 || row.Until < row.From || row.Until > facts.Forever {
				return // no time that can be stated
			}
			again.Insert(row)
		}
		same(t, "rows", again.All(), slices.CompactFunc(read, func(a, b facts.Row) bool { return compareRows(a, b) == 0 }))
	})
}
