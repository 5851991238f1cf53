package facts

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// A snapshot is a magic word, a version and blocks: length, XXH64 of the bytes, bytes; an empty block ends it. So a file that
// was cut off or changed is refused before anything of the block is believed.
const (
	snapshotMagic   = "readtrail facts\n"
	snapshotVersion = 1
	blockSize       = 1 << 20
)

// ErrSnapshot is wrapped by every refusal of Restore: the snapshot is of another version, cut off or changed. The caller replays
// from the journal instead.
var ErrSnapshot = errors.New("no usable snapshot of facts")

type encoder struct {
	w     io.Writer
	block []byte
	err   error
}

func newEncoder(w io.Writer) *encoder {
	e := &encoder{w: w, block: make([]byte, 0, blockSize)}
	e.write([]byte(snapshotMagic))
	e.write(binary.AppendUvarint(nil, snapshotVersion))
	return e
}

func (e *encoder) write(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encoder) flush() {
	head := binary.AppendUvarint(nil, uint64(len(e.block)))
	head = binary.LittleEndian.AppendUint64(head, xxhash.Sum64(e.block))
	e.write(head)
	e.write(e.block)
	e.block = e.block[:0]
}

// close writes what is left, and the empty block.
func (e *encoder) close() error {
	if len(e.block) > 0 {
		e.flush()
	}
	e.flush()
	return e.err
}

func (e *encoder) room(n int) {
	if len(e.block) > 0 && len(e.block)+n > blockSize {
		e.flush()
	}
}

func (e *encoder) uint(v uint64) {
	e.room(binary.MaxVarintLen64)
	e.block = binary.AppendUvarint(e.block, v)
}

func (e *encoder) int(v int64) {
	e.room(binary.MaxVarintLen64)
	e.block = binary.AppendVarint(e.block, v)
}

func (e *encoder) id(v ID)     { e.int(int64(v)) }
func (e *encoder) count(n int) { e.uint(uint64(n)) }
func (e *encoder) bytes(b []byte) {
	e.count(len(b))
	for len(b) > 0 {
		n := min(len(b), blockSize)
		e.room(n)
		e.block = append(e.block, b[:n]...)
		b = b[n:]
	}
}

func (e *encoder) bool(v bool) {
	if v {
		e.uint(1)
		return
	}
	e.uint(0)
}

func (e *encoder) ids(list []ID) {
	e.count(len(list))
	for _, v := range list {
		e.id(v)
	}
}

func (e *encoder) period(p Period) {
	e.int(p.From)
	// Until is far away when it is open: its distance from Forever is short then, as an end's from the beginning is.
	if p.Until == Forever {
		e.int(-1)
		return
	}
	e.int(p.Until - p.From)
}

type decoder struct {
	r     *bufio.Reader
	block []byte
	err   error
}

func newDecoder(r io.Reader) *decoder {
	d := &decoder{r: bufio.NewReaderSize(r, 64<<10)}
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(d.r, magic); err != nil || string(magic) != snapshotMagic {
		d.fail("not a snapshot of facts")
		return d
	}
	if v, err := binary.ReadUvarint(d.r); err != nil || v != snapshotVersion {
		d.fail(fmt.Sprintf("version %d, this program reads %d", v, snapshotVersion))
	}
	return d
}

func (d *decoder) fail(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("restore facts: %s: %w", why, ErrSnapshot)
	}
	d.block = nil
}

// next reads a block. It returns false at the end and after a failure.
func (d *decoder) next() bool {
	if d.err != nil {
		return false
	}
	size, err := binary.ReadUvarint(d.r)
	if err != nil || size > blockSize+binary.MaxVarintLen64 {
		d.fail("cut off or changed")
		return false
	}
	var sum [8]byte
	block := make([]byte, size)
	if _, err := io.ReadFull(d.r, sum[:]); err != nil {
		d.fail("cut off")
		return false
	}
	if _, err := io.ReadFull(d.r, block); err != nil {
		d.fail("cut off")
		return false
	}
	if binary.LittleEndian.Uint64(sum[:]) != xxhash.Sum64(block) {
		d.fail("changed")
		return false
	}
	d.block = block
	return size > 0
}

func (d *decoder) uint() uint64 {
	if len(d.block) == 0 && !d.next() {
		d.fail("ends early")
		return 0
	}
	v, n := binary.Uvarint(d.block)
	if n <= 0 {
		d.fail("changed")
		return 0
	}
	d.block = d.block[n:]
	return v
}

func (d *decoder) int() int64 {
	v := d.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) id() ID { return ID(d.int()) }

// index reads a number that must be below a bound.
func (d *decoder) index(bound int) ID {
	v := d.int()
	if v < 0 || v >= int64(bound) {
		d.fail("names what it does not hold")
		return 0
	}
	return ID(v)
}

// count reads how many follow; 0 after a failure, so that loops end.
func (d *decoder) count() int {
	n := d.uint()
	if n > 1<<31 {
		d.fail("changed")
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	var out []byte
	for len(out) < n {
		if len(d.block) == 0 && !d.next() {
			d.fail("ends early")
			return nil
		}
		take := min(n-len(out), len(d.block))
		out = append(out, d.block[:take]...)
		d.block = d.block[take:]
	}
	return out
}

func (d *decoder) bool() bool { return d.uint() == 1 }

func (d *decoder) period() Period {
	from := d.int()
	length := d.int()
	if length == -1 {
		return Period{from, Forever}
	}
	return Period{from, from + length}
}

// end checks that everything was read and nothing follows.
func (d *decoder) end() error {
	if d.err != nil {
		return d.err
	}
	more := len(d.block) > 0 || d.next()
	if d.err == nil && !more {
		_, err := d.r.ReadByte()
		more = !errors.Is(err, io.EOF)
	}
	if more {
		d.fail("holds more than it should")
	}
	return d.err
}
