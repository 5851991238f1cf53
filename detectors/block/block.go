// Package block writes and reads snapshots: numbers and bytes in blocks that carry their length and sum, so that a file that was cut
// off or changed is refused before anything of a block is believed.
package block

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// blockSize is the most that a block holds.
const blockSize = 1 << 20

// ErrUnusable is wrapped by every refusal: what is read is something else, of another version, cut off or changed.
var ErrUnusable = errors.New("no usable snapshot")

// Encoder writes a magic word, a version and blocks: length, XXH64 of the bytes, bytes; an empty block ends it.
type Encoder struct {
	w     io.Writer
	block []byte
	err   error
}

// NewEncoder begins a snapshot.
func NewEncoder(w io.Writer, magic string, version uint64) *Encoder {
	e := &Encoder{w: w, block: make([]byte, 0, blockSize)}
	e.write([]byte(magic))
	e.write(binary.AppendUvarint(nil, version))
	return e
}

func (e *Encoder) write(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *Encoder) flush() {
	head := binary.AppendUvarint(nil, uint64(len(e.block)))
	head = binary.LittleEndian.AppendUint64(head, xxhash.Sum64(e.block))
	e.write(head)
	e.write(e.block)
	e.block = e.block[:0]
}

// Close writes what is left, and the empty block.
func (e *Encoder) Close() error {
	if len(e.block) > 0 {
		e.flush()
	}
	e.flush()
	return e.err
}

func (e *Encoder) room(n int) {
	if len(e.block) > 0 && len(e.block)+n > blockSize {
		e.flush()
	}
}

// Uint writes a number.
func (e *Encoder) Uint(v uint64) {
	e.room(binary.MaxVarintLen64)
	e.block = binary.AppendUvarint(e.block, v)
}

// Int writes a number with its sign.
func (e *Encoder) Int(v int64) {
	e.room(binary.MaxVarintLen64)
	e.block = binary.AppendVarint(e.block, v)
}

// ID writes a number of 32 bits.
func (e *Encoder) ID(v int32) { e.Int(int64(v)) }

// Count writes how many follow.
func (e *Encoder) Count(n int) { e.Uint(uint64(n)) }

// Bytes writes text.
func (e *Encoder) Bytes(b []byte) {
	e.Count(len(b))
	for len(b) > 0 {
		n := min(len(b), blockSize)
		e.room(n)
		e.block = append(e.block, b[:n]...)
		b = b[n:]
	}
}

// Bool writes yes or no.
func (e *Encoder) Bool(v bool) {
	if v {
		e.Uint(1)
		return
	}
	e.Uint(0)
}

// Decoder reads what an Encoder wrote. After a failure all it gives is zero.
type Decoder struct {
	r     *bufio.Reader
	block []byte
	err   error
}

// NewDecoder opens a snapshot.
func NewDecoder(r io.Reader, magic string, version uint64) *Decoder {
	d := &Decoder{r: bufio.NewReaderSize(r, 64<<10)}
	word := make([]byte, len(magic))
	if _, err := io.ReadFull(d.r, word); err != nil || string(word) != magic {
		d.Fail("something else")
		return d
	}
	if v, err := binary.ReadUvarint(d.r); err != nil || v != version {
		d.Fail(fmt.Sprintf("version %d, this program reads %d", v, version))
	}
	return d
}

// Fail says that what was read cannot be right.
func (d *Decoder) Fail(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("read snapshot: %s: %w", why, ErrUnusable)
	}
	d.block = nil
}

// next reads a block. It returns false at the end and after a failure.
func (d *Decoder) next() bool {
	if d.err != nil {
		return false
	}
	size, err := binary.ReadUvarint(d.r)
	if err != nil || size > blockSize+binary.MaxVarintLen64 {
		d.Fail("cut off or changed")
		return false
	}
	var sum [8]byte
	block := make([]byte, size)
	if _, err := io.ReadFull(d.r, sum[:]); err != nil {
		d.Fail("cut off")
		return false
	}
	if _, err := io.ReadFull(d.r, block); err != nil {
		d.Fail("cut off")
		return false
	}
	if binary.LittleEndian.Uint64(sum[:]) != xxhash.Sum64(block) {
		d.Fail("changed")
		return false
	}
	d.block = block
	return size > 0
}

// Uint reads a number.
func (d *Decoder) Uint() uint64 {
	if len(d.block) == 0 && !d.next() {
		d.Fail("ends early")
		return 0
	}
	v, n := binary.Uvarint(d.block)
	if n <= 0 {
		d.Fail("changed")
		return 0
	}
	d.block = d.block[n:]
	return v
}

// Int reads a number with its sign.
func (d *Decoder) Int() int64 {
	v := d.Uint()
	return int64(v>>1) ^ -int64(v&1)
}

// ID reads a number of 32 bits.
func (d *Decoder) ID() int32 { return int32(d.Int()) }

// Index reads a number that must be below a bound.
func (d *Decoder) Index(bound int) int32 {
	v := d.Int()
	if v < 0 || v >= int64(bound) {
		d.Fail("names what it does not hold")
		return 0
	}
	return int32(v)
}

// Count reads how many follow; 0 after a failure, so that loops end.
func (d *Decoder) Count() int {
	n := d.Uint()
	if n > 1<<31 {
		d.Fail("changed")
		return 0
	}
	return int(n)
}

// Bytes reads text.
func (d *Decoder) Bytes() []byte {
	n := d.Count()
	var out []byte
	for len(out) < n {
		if len(d.block) == 0 && !d.next() {
			d.Fail("ends early")
			return nil
		}
		take := min(n-len(out), len(d.block))
		out = append(out, d.block[:take]...)
		d.block = d.block[take:]
	}
	return out
}

// Bool reads yes or no.
func (d *Decoder) Bool() bool { return d.Uint() == 1 }

// End checks that everything was read and nothing follows.
func (d *Decoder) End() error {
	if d.err != nil {
		return d.err
	}
	more := len(d.block) > 0 || d.next()
	if d.err == nil && !more {
		_, err := d.r.ReadByte()
		more = !errors.Is(err, io.EOF)
	}
	if more {
		d.Fail("holds more than it should")
	}
	return d.err
}

// Err is the first failure.
func (d *Decoder) Err() error { return d.err }
