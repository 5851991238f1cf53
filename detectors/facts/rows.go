package facts

import "encoding/binary"

// row is a Care as it is stored, on the node of the patient that the fact names.
type row struct {
	from, until int64
	fact        ID
	// who is a node of staff, or minus a node of departments; 0: neither is named.
	who ID
	// reason is a text, or minus the number of the Condition that has it.
	reason ID
	form
}

// form is what many rows have in common.
type form struct {
	kind CareKind
	// class (Care.Class) and typ are texts.
	class, typ ID
	// doubt is seldom any, so that forms stay few.
	doubt Doubt
}

// forms numbers the forms from 0: a hospital has some dozens.
type forms struct {
	all    []form
	number map[form]uint64
	// scratch is reused between changes.
	scratch []byte
}

func newForms() forms { return forms{number: map[form]uint64{}} }

func (f *forms) of(v form) uint64 {
	n, ok := f.number[v]
	if !ok {
		n = uint64(len(f.all))
		f.all, f.number[v] = append(f.all, v), n
	}
	return n
}

// rows are the care of one patient in the order of compareRows, packed: each row as its distance from the one before. A row takes some
// 11 bytes, of which a full hospital has 25 million, and the collector has nothing to look for in them.
type rows string

// append adds a row behind the one before it; a zero row is before the first.
func (f *forms) append(to []byte, before, r *row) []byte {
	to = binary.AppendVarint(to, packSpan(r.from-before.from))
	if r.until == Forever {
		to = append(to, 0)
	} else {
		to = binary.AppendVarint(to, packSpan(r.until-r.from))
	}
	to = binary.AppendVarint(to, int64(r.fact)-int64(before.fact))
	to = binary.AppendVarint(to, int64(r.who))
	if r.reason < 0 { // a Condition is told about when the care is: its number is near
		to = binary.AppendVarint(to, (int64(r.fact)+int64(r.reason))<<1|1)
	} else {
		to = binary.AppendVarint(to, int64(r.reason)<<1)
	}
	return binary.AppendUvarint(to, f.of(r.form))
}

// next takes the first row off rows: r is the one before it, and then that one. It returns false when there is none, or none that can be
// read, as in a snapshot that was changed.
func (f *forms) next(of *rows, r *row) bool {
	b := *of
	if b == "" {
		return false
	}
	var v [5]int64
	for i := range v {
		u, n := uvarint(b)
		if n == 0 {
			return false
		}
		v[i], b = int64(u>>1)^-int64(u&1), b[n:]
	}
	number, n := uvarint(b)
	if n == 0 || number >= uint64(len(f.all)) {
		return false
	}
	r.from += unpackSpan(v[0])
	r.until = Forever
	if v[1] != 0 {
		r.until = r.from + unpackSpan(v[1])
	}
	r.fact += ID(v[2])
	r.who, r.reason = ID(v[3]), ID(v[4]>>1)
	if v[4]&1 != 0 {
		r.reason -= r.fact
	}
	r.form, *of = f.all[number], b[n:]
	return true
}

// uvarint is binary.Uvarint of a text; 0 bytes is none.
func uvarint(b rows) (v uint64, n int) {
	for shift := 0; n < len(b) && n < binary.MaxVarintLen64; shift += 7 {
		c := b[n]
		v |= uint64(c&0x7f) << shift
		if n++; c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// packSpan writes microseconds of less than 2^62 as a number that is small for whole milliseconds, as most times are, and never 0.
func packSpan(us int64) int64 {
	if us%1000 == 0 && us != 0 {
		return us / 1000 << 1
	}
	return us<<1 | 1
}

func unpackSpan(v int64) int64 {
	if v&1 != 0 {
		return v >> 1
	}
	return v >> 1 * 1000
}

// insert adds a row where it belongs. It returns how many there are then; 0: that one was there.
func (f *forms) insert(in rows, r *row) (out rows, count int) {
	var before, at row
	rest, begin, end := in, 0, len(in) // what is written anew
	f.scratch = f.scratch[:0]
	for f.next(&rest, &at) {
		count++
		if len(f.scratch) > 0 {
			continue // it is in
		}
		switch order := compareRows(&at, r); {
		case order == 0:
			return in, 0
		case order < 0:
			before, begin = at, len(in)-len(rest)
		default: // it comes before this one, whose distance changes
			f.scratch, end = f.append(f.append(f.scratch, &before, r), r, &at), len(in)-len(rest)
		}
	}
	if len(f.scratch) == 0 {
		f.scratch = f.append(f.scratch, &before, r)
	}
	return in[:begin] + rows(f.scratch) + in[end:], count + 1
}

// filter leaves out the rows that are not kept.
func (f *forms) filter(in rows, keep func(*row) bool) rows {
	var before, at row
	f.scratch = f.scratch[:0]
	left := false // one was left out behind the last one that was kept, so the distance of the next changes
	for rest := in; ; {
		begin := len(in) - len(rest)
		switch {
		case !f.next(&rest, &at):
			return rows(f.scratch)
		case !keep(&at):
			left = true
			continue
		case left:
			f.scratch = f.append(f.scratch, &before, &at)
		default:
			f.scratch = append(f.scratch, in[begin:len(in)-len(rest)]...)
		}
		before, left = at, false
	}
}

// evict leaves out the row that ended longest ago, but not the one that was added last.
func (f *forms) evict(in rows, last *row) rows {
	var at, before, oldest row
	from, to := 0, 0 // where the oldest stands
	for rest := in; ; {
		begin, ahead := len(in)-len(rest), at
		if !f.next(&rest, &at) {
			break
		}
		if (to == 0 || at.until < oldest.until) && at != *last {
			from, to, before, oldest = begin, len(in)-len(rest), ahead, at
		}
	}
	f.scratch = f.scratch[:0]
	if rest, next := in[to:], oldest; to > 0 && f.next(&rest, &next) { // its distance changes
		f.scratch, to = f.append(f.scratch, &before, &next), len(in)-len(rest)
	}
	return in[:from] + rows(f.scratch) + in[to:]
}

func compareRows(a, b *row) int {
	switch {
	case a.from != b.from:
		return compare64(a.from, b.from)
	case a.until != b.until:
		return compare64(a.until, b.until)
	case a.fact != b.fact:
		return int(a.fact) - int(b.fact)
	case a.kind != b.kind:
		return int(a.kind) - int(b.kind)
	}
	return int(a.who) - int(b.who)
}
