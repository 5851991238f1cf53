package proto

import (
	"errors"
	"fmt"
	"strconv"
)

// MaxBatchItems is how many items one batch holds at most. It is what 12 bits of index can number.
const MaxBatchItems = 1 << indexBits

const indexBits = 12

// Position is an item's place in the journal's total order: stream sequence << 12 | index in the batch.
// Zero is before the first item: stream sequences begin at 1.
type Position uint64

// ErrPosition marks text that is no position.
var ErrPosition = errors.New("not a journal position")

// At returns the position of item index in the batch at stream sequence.
func At(sequence uint64, index int) Position {
	return Position(sequence<<indexBits | uint64(index)&(MaxBatchItems-1))
}

// EndOf returns the largest position that a batch at stream sequence can hold.
func EndOf(sequence uint64) Position { return At(sequence, MaxBatchItems-1) }

// Sequence is the stream sequence of the batch.
func (p Position) Sequence() uint64 { return uint64(p) >> indexBits }

// Index is the item's index in its batch.
func (p Position) Index() int { return int(p & (MaxBatchItems - 1)) }

// String returns the position in decimal, the form that ParsePosition reads.
func (p Position) String() string { return strconv.FormatUint(uint64(p), 10) }

// ParsePosition reads a decimal position. The error wraps ErrPosition and does not repeat the text.
func ParsePosition(text string) (Position, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n>>indexBits == 0 {
		return 0, fmt.Errorf("parse position of %d characters: %w", len(text), ErrPosition)
	}
	return Position(n), nil
}
