package columns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrCorrupt marks bytes that Pack did not make.
var ErrCorrupt = errors.New("corrupt columns")

// maxTableValues bounds what a table may hold: a batch's bytes with a value each.
const maxTableValues = 8 << 20

// arena is how much memory is taken at a time.
const arena = 64 << 10

// unpacker reads a table.
type unpacker struct {
	t      *Table
	beside *Table
	layout []byte
	text   []byte
	bits   bitReader
	next   int // as in packer
	arena  []byte
	left   int // bytes that values and records may still take
}

// Unpack reads a table of n records; Records puts them together. limit bounds the bytes that it may unpack to.
func Unpack(packed Packed, n, limit int, beside *Table) (*Table, error) {
	u := unpacker{t: &Table{records: make([]record, n)}, beside: beside, text: packed.Text, bits: bitReader{in: packed.Bits}, left: limit}
	if beside != nil && len(beside.records) != n {
		return nil, fmt.Errorf("unpack: %d records beside %d: %w", len(beside.records), n, ErrCorrupt)
	}
	layout, err := u.take()
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	u.layout = layout
	if err := u.shapes(n); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	for i := range u.t.shapes {
		u.next = 0
		for c := range u.t.shapes[i].width {
			if err := u.column(&u.t.shapes[i], c); err != nil {
				return nil, fmt.Errorf("unpack: %w", err)
			}
		}
	}
	if len(u.layout) > 0 || len(u.text) > 0 || len(u.bits.in) > 0 {
		return nil, fmt.Errorf("unpack: bytes left over: %w", ErrCorrupt)
	}
	return u.t, nil
}

func (u *unpacker) shapes(n int) error {
	count, err := u.number(n)
	if err != nil {
		return err
	}
	if count == 0 && n > 0 {
		return fmt.Errorf("no shapes: %w", ErrCorrupt)
	}
	u.t.shapes = make([]shape, count)
	for i := range u.t.shapes {
		program, err := u.bytes()
		if err != nil {
			return err
		}
		width, err := check(program)
		if err != nil {
			return err
		}
		u.t.shapes[i] = shape{program: program, width: width}
	}
	total := 0
	for i := range n {
		at := uint64(0)
		if count > 1 {
			if at, err = u.bits.read(bits.Len(uint(count - 1))); err != nil || at >= uint64(count) {
				return fmt.Errorf("shape of record %d: %w", i, ErrCorrupt)
			}
		}
		s := &u.t.shapes[at]
		s.members = append(s.members, i)
		u.t.records[i] = record{int(at), total}
		if total += s.width; total > maxTableValues {
			return fmt.Errorf("more than %d values: %w", maxTableValues, ErrCorrupt)
		}
	}
	u.t.values = make([][]byte, total)
	return nil
}

// number reads a number of at most limit from the layout.
func (u *unpacker) number(limit int) (int, error) {
	v, n := binary.Uvarint(u.layout)
	if n <= 0 || v > uint64(limit) {
		return 0, fmt.Errorf("number out of range: %w", ErrCorrupt)
	}
	u.layout = u.layout[n:]
	return int(v), nil
}

// cut takes the first n bytes of what from points to.
func cut(from *[]byte, n int) ([]byte, error) {
	if n > len(*from) {
		return nil, fmt.Errorf("text ends too early: %w", ErrCorrupt)
	}
	out := (*from)[:n:n]
	*from = (*from)[n:]
	return out, nil
}

// bytes reads bytes of the text whose number stands in the layout.
func (u *unpacker) bytes() ([]byte, error) {
	n, err := u.number(len(u.text))
	if err != nil {
		return nil, err
	}
	return cut(&u.text, n)
}

// take reads bytes of the text behind their number.
func (u *unpacker) take() ([]byte, error) {
	v, n := binary.Uvarint(u.text)
	if n <= 0 || v > uint64(len(u.text)-n) {
		return nil, fmt.Errorf("text ends too early: %w", ErrCorrupt)
	}
	u.text = u.text[n:]
	return cut(&u.text, int(v))
}

// room takes n bytes from the arena.
func (u *unpacker) room(n int) ([]byte, error) {
	if n > u.left {
		return nil, fmt.Errorf("values beyond the limit: %w", ErrCorrupt)
	}
	u.left -= n
	if n > cap(u.arena)-len(u.arena) {
		u.arena = make([]byte, 0, max(n, min(arena, 4*len(u.text)+256)))
	}
	from := len(u.arena)
	u.arena = u.arena[:from+n]
	return u.arena[from : from+n : from+n], nil
}

func (u *unpacker) column(s *shape, c int) error {
	mode, err := cut(&u.layout, 1)
	if err != nil {
		return err
	}
	var each func(member int) ([]byte, error)
	switch mode[0] {
	case modeConstant:
		value, err := u.bytes()
		if err != nil {
			return err
		}
		each = func(int) ([]byte, error) { return value, nil }
	case modeSame:
		each, err = u.same(c)
	case modeWithin:
		each, err = u.within(c)
	case modeFixed:
		each, err = u.fixed()
	case modeSet:
		each, err = u.set()
	case modeAlpha:
		each, err = u.alpha()
	case modePlain:
		each = func(int) ([]byte, error) { return u.take() }
	default:
		err = fmt.Errorf("mode %d: %w", mode[0], ErrCorrupt)
	}
	if err != nil {
		return err
	}
	for _, m := range s.members {
		value, err := each(m)
		if err != nil {
			return err
		}
		u.t.values[u.t.records[m].from+c] = value
	}
	return nil
}

// same reads a reference of column c and returns what it means.
func (u *unpacker) same(c int) (func(int) ([]byte, error), error) {
	missing := fmt.Errorf("reference to what is not there: %w", ErrCorrupt)
	number, err := u.number(8 * maxValues)
	if err != nil {
		return nil, err
	}
	if number&1 == 0 {
		at := c - number>>1
		if at < 0 || at >= c {
			return nil, missing
		}
		return func(member int) ([]byte, error) { return u.t.values[u.t.records[member].from+at], nil }, nil
	}
	zigzag := number >> 1
	at := u.next + (zigzag>>1 ^ -(zigzag & 1))
	if at < 0 || at > maxValues || u.beside == nil {
		return nil, missing
	}
	u.next = at + 1
	return func(member int) ([]byte, error) {
		row := u.beside.row(member)
		if at >= len(row) {
			return nil, missing
		}
		return row[at], nil
	}, nil
}

func (u *unpacker) within(c int) (func(int) ([]byte, error), error) {
	same, err := u.same(c)
	if err != nil {
		return nil, err
	}
	before, err := u.bytes()
	if err != nil {
		return nil, err
	}
	after, err := u.bytes()
	if err != nil {
		return nil, err
	}
	return func(member int) ([]byte, error) {
		v, err := same(member)
		if err != nil {
			return nil, err
		}
		out, err := u.room(len(before) + len(v) + len(after))
		if err != nil {
			return nil, err
		}
		copy(out[copy(out, before):], v)
		copy(out[len(before)+len(v):], after)
		return out, nil
	}, nil
}

func (u *unpacker) fixed() (func(int) ([]byte, error), error) {
	size, err := u.number(u.left)
	if err != nil {
		return nil, err
	}
	mask, err := cut(&u.layout, (size+7)/8)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, size)
	for i := range frame {
		if mask[i/8]>>(i%8)&1 == 0 {
			b, err := cut(&u.text, 1)
			if err != nil {
				return nil, err
			}
			frame[i] = b[0]
		}
	}
	symbols, width, err := u.alphabet()
	if err != nil {
		return nil, err
	}
	return func(int) ([]byte, error) {
		out, err := u.room(size)
		if err != nil {
			return nil, err
		}
		copy(out, frame)
		for i := range out {
			if mask[i/8]>>(i%8)&1 == 1 {
				if out[i], err = u.symbol(symbols, width); err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	}, nil
}

func (u *unpacker) set() (func(int) ([]byte, error), error) {
	n, err := u.number(maxSet + 1)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("empty set: %w", ErrCorrupt)
	}
	set := make([][]byte, n)
	for i := range set {
		if set[i], err = u.take(); err != nil {
			return nil, err
		}
	}
	width := bits.Len(uint(n - 1))
	return func(int) ([]byte, error) {
		at, err := u.bits.read(width)
		if err != nil || at >= uint64(n) {
			return nil, fmt.Errorf("index beyond its set: %w", ErrCorrupt)
		}
		return set[at], nil
	}, nil
}

func (u *unpacker) alpha() (func(int) ([]byte, error), error) {
	prefix, err := u.bytes()
	if err != nil {
		return nil, err
	}
	shortest, err := u.number(u.left)
	if err != nil {
		return nil, err
	}
	lengths, err := u.number(maxBits)
	if err != nil {
		return nil, err
	}
	symbols, width, err := u.alphabet()
	if err != nil {
		return nil, err
	}
	return func(int) ([]byte, error) {
		more, err := u.bits.read(lengths)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if more > uint64(u.left) {
			return nil, fmt.Errorf("values beyond the limit: %w", ErrCorrupt)
		}
		out, err := u.room(len(prefix) + shortest + int(more))
		if err != nil {
			return nil, err
		}
		for i := copy(out, prefix); i < len(out); i++ {
			if out[i], err = u.symbol(symbols, width); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}

// alphabet reads the symbols of a column; nil for all 256.
func (u *unpacker) alphabet() ([]byte, int, error) {
	n, err := u.number(maxAlphabet)
	if err != nil {
		return nil, 0, err
	}
	if n == 0 {
		return nil, 8, nil
	}
	symbols, err := cut(&u.text, n)
	return symbols, bits.Len(uint(n - 1)), err
}

func (u *unpacker) symbol(symbols []byte, width int) (byte, error) {
	at, err := u.bits.read(width)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case symbols == nil:
		return byte(at), nil
	case at >= uint64(len(symbols)):
		return 0, fmt.Errorf("symbol beyond its alphabet: %w", ErrCorrupt)
	}
	return symbols[at], nil
}
