package csv

import (
	"errors"
	"io"
	"time"
)

// Pieces returns the pieces that a scanner cuts input into, for the test that they are the input again.
func Pieces(r io.Reader, delimiter, quote byte, comment string, quotedLines, columns int) (raws [][]byte, bad int, err error) {
	s := newScanner(r)
	s.delimiter, s.quote, s.comment, s.quotedLines, s.columns = delimiter, quote, []byte(comment), quotedLines, columns
	for {
		piece, err := s.next()
		if errors.Is(err, io.EOF) {
			return raws, bad, nil
		}
		if err != nil {
			return raws, bad, err
		}
		if piece.err != nil {
			bad++
		}
		for _, f := range piece.fields {
			_ = piece.raw[f.start:f.end]
		}
		raws = append(raws, append([]byte(nil), piece.raw...))
	}
}

// ParseTime reads a time as a column of these layouts would.
func ParseTime(t Time, zone *time.Location, texts ...string) (at []time.Time, flags []string, err error) {
	c, err := newClock(t, zone)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range texts {
		i, err := c.parse(text)
		if err != nil {
			return nil, nil, err
		}
		at, flags = append(at, time.UnixMicro(i.us).UTC()), append(flags, i.flag)
	}
	return at, flags, nil
}

// FastParse is the shortcut for plain layouts.
func FastParse(layout, text string) (time.Time, bool) { return fastParse(layout, text) }
