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
	// mediumFrom and mediumTo bound the texts that are worth a better search, which takes 0.1 ms to make ready: about 40 to 150 events.
	// It saves 2 or 3 bytes of each; of a lone one, and where there are more, it saves less than it takes.
	mediumFrom, mediumTo = 8 << 10, 24 << 10
	// longText is how far back a longer text is searched for repetitions: the text of a batch of the usual size.
	longText = 1 << 20
)
