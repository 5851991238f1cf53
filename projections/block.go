package projections

import (
	"encoding/binary"
	"io"
	"math"
	"sync"
)

// colKind is how a column travels in ClickHouse's Native format. Strings travel as String also where the table has
// LowCardinality(String): the server converts while it reads, which costs it less than building dictionaries costs us.
type colKind uint8

const (
	colUInt8 colKind = iota
	colUInt16
	colUInt32
	colUInt64
	colInt64
	colMicros // DateTime64(6, 'UTC'), microseconds
	colSeconds
	colDay
	colString
	colStrings // Array(String)
	colUInt32s // Array(UInt32)
	colUInt64s // Array(UInt64)
	colBool    // one byte, as UInt8
	colInt32
	numColKinds = iota
)

// wireTypes are the type names in the block header. The server checks them and converts to the column's own type.
var wireTypes = [numColKinds]string{
	"UInt8", "UInt16", "UInt32", "UInt64", "Int64", "DateTime64(6, 'UTC')", "DateTime('UTC')", "Date", "String",
	"Array(String)", "Array(UInt32)", "Array(UInt64)", "Bool", "Int32",
}

// column is one column of a block under construction: the bytes of its values, and for an array the length of each row.
type column struct {
	name    string
	kind    colKind
	data    []byte
	lengths []uint32
}

func (c *column) uint8(v uint8)   { c.data = append(c.data, v) }
func (c *column) uint16(v uint16) { c.data = binary.LittleEndian.AppendUint16(c.data, v) }
func (c *column) uint32(v uint32) { c.data = binary.LittleEndian.AppendUint32(c.data, v) }
func (c *column) uint64(v uint64) { c.data = binary.LittleEndian.AppendUint64(c.data, v) }
func (c *column) int64(v int64)   { c.uint64(uint64(v)) }

// micros appends a time; what DateTime64(6) cannot hold is moved to its edge.
func (c *column) micros(us int64) { c.int64(min(max(us, minMicros), maxMicros)) }

// seconds appends a time as seconds since 1970, moved into DateTime's range.
func (c *column) seconds(us int64) { c.uint32(uint32(min(max(us/1e6, 0), math.MaxUint32))) }

// day appends a UTC day, moved into Date's range.
func (c *column) day(us int64) { c.uint16(uint16(dayOf(us))) }

func (c *column) bool(v bool) {
	b := uint8(0)
	if v {
		b = 1
	}
	c.uint8(b)
}

func (c *column) string(v string) {
	c.data = binary.AppendUvarint(c.data, uint64(len(v)))
	c.data = append(c.data, v...)
}

// bytes is string for text under construction.
func (c *column) bytes(v []byte) {
	c.data = binary.AppendUvarint(c.data, uint64(len(v)))
	c.data = append(c.data, v...)
}

// length ends the row of an array column, of which n elements were appended.
func (c *column) length(n int) { c.lengths = append(c.lengths, uint32(n)) }

func (c *column) strings(vs ...string) {
	for _, v := range vs {
		c.string(v)
	}
	c.length(len(vs))
}

// DateTime64(6) holds 1900-01-01 to 2299-12-31.
const (
	minMicros = -2_208_988_800_000_000
	maxMicros = 10_413_791_999_999_999
	dayMicros = 86_400_000_000
)

// block holds rows of one table, column by column, in the table's order. Blocks of equal tables join by copying.
type block struct {
	table   *table
	columns []column
	rows    int
	// writer is the one of the row being written.
	writer rowWriter
}

func newBlock(t *table) *block {
	b := &block{table: t, columns: make([]column, len(t.columns))}
	for i, c := range t.columns {
		b.columns[i].name, b.columns[i].kind = c.name, c.kind
	}
	return b
}

// bytes is how much the block holds.
func (b *block) bytes() int {
	n := 0
	for i := range b.columns {
		n += len(b.columns[i].data) + 4*len(b.columns[i].lengths)
	}
	return n
}

// join appends the rows of other, a block of the same table.
func (b *block) join(other *block) {
	for i := range b.columns {
		b.columns[i].data = append(b.columns[i].data, other.columns[i].data...)
		b.columns[i].lengths = append(b.columns[i].lengths, other.columns[i].lengths...)
	}
	b.rows += other.rows
}

// blockPool keeps the memory of blocks that are done with.
type blockPool [numTables]sync.Pool

// messageBlocks are those of messages. It is a cache: it holds no state, and the garbage collector empties it.
var messageBlocks blockPool

// get returns an empty block of a table.
func (p *blockPool) get(t *table) *block {
	if b, ok := p[t.id].Get().(*block); ok {
		return b
	}
	return newBlock(t)
}

// put takes a block back; the caller must not use it any more.
func (p *blockPool) put(b *block) {
	b.reset()
	p[b.table.id].Put(b)
}

// reset empties the block and keeps its memory.
func (b *block) reset() {
	for i := range b.columns {
		b.columns[i].data, b.columns[i].lengths = b.columns[i].data[:0], b.columns[i].lengths[:0]
	}
	b.rows = 0
}

// rowWriter appends one row, column by column in the table's order.
type rowWriter struct {
	block *block
	next  int
}

// begin starts a row; end must follow before the next one begins.
func (b *block) begin() *rowWriter {
	b.writer = rowWriter{block: b}
	return &b.writer
}

func (w *rowWriter) column() *column {
	w.next++
	return &w.block.columns[w.next-1]
}

func (w *rowWriter) u8(v uint8)        { w.column().uint8(v) }
func (w *rowWriter) u16(v uint16)      { w.column().uint16(v) }
func (w *rowWriter) u32(v uint32)      { w.column().uint32(v) }
func (w *rowWriter) u64(v uint64)      { w.column().uint64(v) }
func (w *rowWriter) i32(v int32)       { w.column().uint32(uint32(v)) }
func (w *rowWriter) i64(v int64)       { w.column().int64(v) }
func (w *rowWriter) bool(v bool)       { w.column().bool(v) }
func (w *rowWriter) time(us int64)     { w.column().micros(us) }
func (w *rowWriter) hour(us int64)     { w.column().seconds(us) }
func (w *rowWriter) day(us int64)      { w.column().day(us) }
func (w *rowWriter) text(v string)     { w.column().string(v) }
func (w *rowWriter) bytes(v []byte)    { w.column().bytes(v) }
func (w *rowWriter) texts(v ...string) { w.column().strings(v...) }

func (w *rowWriter) u32s(vs ...uint32) {
	c := w.column()
	for _, v := range vs {
		c.uint32(v)
	}
	c.length(len(vs))
}

func (w *rowWriter) u64s(vs ...uint64) {
	c := w.column()
	for _, v := range vs {
		c.uint64(v)
	}
	c.length(len(vs))
}

// end completes the row. A row of another number of columns than the table's is a mistake of this package: the server
// refuses the block.
func (w *rowWriter) end() { w.block.rows++ }

// reader returns the block in Native format (revision 0: no block info). It copies headers and offsets only.
func (b *block) reader() io.Reader {
	var parts multiBytes
	head := binary.AppendUvarint(nil, uint64(len(b.columns)))
	head = binary.AppendUvarint(head, uint64(b.rows))
	for i := range b.columns {
		c := &b.columns[i]
		head = appendText(head, c.name)
		head = appendText(head, wireTypes[c.kind])
		if c.kind == colStrings || c.kind == colUInt32s || c.kind == colUInt64s {
			end := uint64(0)
			for _, n := range c.lengths {
				end += uint64(n)
				head = binary.LittleEndian.AppendUint64(head, end)
			}
		}
		parts = append(parts, head, c.data)
		head = nil
	}
	return &parts
}

func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// multiBytes reads slices one after the other.
type multiBytes [][]byte

func (m *multiBytes) Read(p []byte) (int, error) {
	n := 0
	for len(*m) > 0 && n < len(p) {
		k := copy(p[n:], (*m)[0])
		n += k
		if (*m)[0] = (*m)[0][k:]; len((*m)[0]) == 0 {
			*m = (*m)[1:]
		}
	}
	if n == 0 && len(*m) == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
