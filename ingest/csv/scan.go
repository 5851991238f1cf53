package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/readtrail/readtrail/ingest"
)

// Limits on what a file may hold.
const (
	// MaxLineBytes bounds one row; what is longer becomes dead letters of at most this size, so that nothing is dropped.
	MaxLineBytes = 1 << 20
	// MaxColumns bounds the columns of one row.
	MaxColumns = 1000
	// readBytes is how much is read at a time: enough to make the calls cheap, small beside MaxLineBytes.
	readBytes = 256 << 10
)

// Reasons of dead letters that only delimited text has.
const (
	ReasonUnterminatedQuote = "unterminated_quote"
	ReasonBadQuote          = "bad_quote"
	ReasonColumnCount       = "wrong_column_count"
)

type kind uint8

const (
	kindRow kind = iota
	// kindBlank, kindComment and kindMark (a byte order mark) carry no data.
	kindBlank
	kindComment
	kindMark
)

// span is a field within the bytes of its row, without its quotes.
type span struct {
	start, end int
	// doubled: quotes inside are doubled.
	doubled bool
}

// row is a piece of the input. The pieces follow one another without a gap: together they are the input.
type row struct {
	raw    []byte
	kind   kind
	fields []span
	// line is where the row begins, from 1; offset counts the bytes before it.
	line   int
	offset int64
	// err: the row is malformed. Line and Column count within raw.
	err *ingest.DecodeError
}

// scanner cuts input into rows. raw and fields of a row are valid until the next call.
type scanner struct {
	r         io.Reader
	delimiter byte
	// quote is 0 when quotes mean nothing.
	quote   byte
	comment []byte
	// quotedLines is how many lines a quoted field may span.
	quotedLines int
	// columns is how many columns a row has to have; 0: any number.
	columns int

	buf        []byte
	begin, end int
	eof        bool
	readErr    error
	line       int
	offset     int64
	// long: the input stands within a line that is over the limit.
	long   bool
	fields []span
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, line: 1, buf: make([]byte, 0, readBytes)}
}

// fill reads more input behind what there is and reports whether there was any.
func (s *scanner) fill() bool {
	if s.eof {
		return false
	}
	if s.begin > 0 {
		s.buf = s.buf[:copy(s.buf[:cap(s.buf)], s.buf[s.begin:s.end])]
		s.end -= s.begin
		s.begin = 0
	}
	if cap(s.buf)-s.end < readBytes/2 {
		grown := make([]byte, s.end, 2*cap(s.buf)+readBytes)
		copy(grown, s.buf[:s.end])
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:cap(s.buf)])
		s.end += n
		s.buf = s.buf[:s.end]
		if err != nil {
			s.eof = true
			if !errors.Is(err, io.EOF) {
				s.readErr = err
			}
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.eof, s.readErr = true, io.ErrNoProgress
	return false
}

// pending is what is read and not handed out.
func (s *scanner) pending() []byte { return s.buf[s.begin:s.end] }

// lineEnd returns how many bytes of pending, from the given one on, belong to the first line; whole is false when the
// line goes on beyond the limit.
func (s *scanner) lineEnd(from int) (n int, whole bool) {
	for at := from; ; {
		data := s.pending()
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 && at+i < MaxLineBytes {
			return at + i + 1, true
		} else if i >= 0 || len(data) >= MaxLineBytes {
			return MaxLineBytes, false
		}
		at = len(data)
		if !s.fill() {
			return len(s.pending()), true
		}
	}
}

// peek returns up to n bytes from the beginning of the input without taking them.
func (s *scanner) peek(n int) []byte {
	for len(s.pending()) < n && s.fill() {
	}
	return s.pending()[:min(n, len(s.pending()))]
}

// next returns the next piece, or io.EOF at the end. A reader that fails does so after every whole line before it.
func (s *scanner) next() (row, error) {
	if s.offset == 0 && bytes.HasPrefix(s.peek(len(byteOrderMark)), []byte(byteOrderMark)) {
		return s.take(row{kind: kindMark}, len(byteOrderMark)), nil
	}
	n, whole := s.lineEnd(0)
	if n == 0 || (s.readErr != nil && s.eof && n == len(s.pending()) && s.pending()[n-1] != '\n') {
		if s.readErr != nil {
			return row{}, fmt.Errorf("read delimited text: %w", s.readErr)
		}
		return row{}, io.EOF
	}
	if !whole || s.long {
		s.long = !whole
		return s.take(row{err: &ingest.DecodeError{
			Reason: ingest.ReasonTooLarge, Message: fmt.Sprintf("the line is longer than %d bytes", MaxLineBytes),
			Line: 1, Column: 1,
		}}, n), nil
	}
	line := s.pending()[:n]
	switch {
	case len(trimEnd(line)) == 0:
		return s.take(row{kind: kindBlank}, n), nil
	case len(s.comment) > 0 && bytes.HasPrefix(line, s.comment):
		return s.take(row{kind: kindComment}, n), nil
	}
	s.fields = s.fields[:0]
	if s.quote == 0 || bytes.IndexByte(line, s.quote) < 0 {
		s.split(line)
		return s.take(row{fields: s.fields, err: s.checkCount(line)}, n), nil
	}
	return s.quoted(n), nil
}

// take hands out the first n pending bytes.
func (s *scanner) take(r row, n int) row {
	r.raw, r.line, r.offset = s.pending()[:n:n], s.line, s.offset
	s.begin += n
	s.offset += int64(n)
	s.line += bytes.Count(r.raw, []byte{'\n'})
	return r
}

// trimEnd cuts the line's end off.
func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		if n > 1 && line[n-2] == '\r' {
			line = line[:n-2]
		}
	}
	return line
}

// split cuts a line without quotes.
func (s *scanner) split(line []byte) {
	content, at := trimEnd(line), 0
	for {
		i := bytes.IndexByte(content[at:], s.delimiter)
		if i < 0 || len(s.fields) > MaxColumns {
			s.fields = append(s.fields, span{start: at, end: len(content)})
			return
		}
		s.fields = append(s.fields, span{start: at, end: at + i})
		at += i + 1
	}
}

func (s *scanner) checkCount(line []byte) *ingest.DecodeError {
	n := len(s.fields)
	if n > MaxColumns {
		return &ingest.DecodeError{
			Reason: ingest.ReasonTooLarge, Message: fmt.Sprintf("the row has more than %d columns", MaxColumns),
			Line: 1, Column: s.fields[MaxColumns].start + 1,
		}
	}
	last := s.fields[n-1]
	if s.columns == 0 || n == s.columns || (n == s.columns+1 && last.start == last.end) {
		return nil
	}
	at := len(trimEnd(line)) + 1
	if n > s.columns {
		at = s.fields[s.columns].start + 1
	}
	err := &ingest.DecodeError{
		Reason: ReasonColumnCount, Message: fmt.Sprintf("the row has %d columns, the header has %d", n, s.columns),
	}
	err.Line, err.Column = locate(line, at-1)
	return err
}

// locate turns an offset within a row into the line and the byte column, both from 1.
func locate(raw []byte, offset int) (line, column int) {
	before := raw[:min(offset, len(raw))]
	return 1 + bytes.Count(before, []byte{'\n'}), offset - bytes.LastIndexByte(before, '\n')
}
