package proto

import (
	_ "embed" // for the dictionary
)

// dictionary holds what texts of small batches usually say, so that a lone event does not have to say it all again. It
// is part of the format: a better one gets a new id and a new file, and this one stays as it is for ever. Its test
// makes it, from documents of our own.
//
//go:embed dictionary1.bin
var dictionary []byte

const (
	// briefText is the size in bytes of a table's text up to which the dictionary helps: about 100 events.
	briefText = 64 << 10
	// mediumFrom is from where a text is worth a better search, about 20 events: of 64 it saves 5 bytes each for 10 us; of fewer, whose
	// search takes as long to make ready, less than it takes.
	mediumFrom = 8 << 10
	// mediumTo is up to where it is: about 70 events. Its tables of 4 MB are made ready anew for each text, which of the 750 events of an
	// import's batch takes longer than all else about compressing it, to save 1 byte each.
	mediumTo = 36 << 10
	// longText is how far back a longer text is searched for repetitions: the text of a batch of the usual size.
	longText = 1 << 20
)
