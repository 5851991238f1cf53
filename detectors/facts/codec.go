package facts

import (
	"io"
	"sync"

	"github.com/readtrail/readtrail/detectors/block"
)

const (
	snapshotMagic   = "readtrail facts\n"
	snapshotVersion = 8
)

// ErrSnapshot is wrapped by every refusal of Restore: the snapshot is of another version, cut off or changed. The caller replays
// from the journal instead.
var ErrSnapshot = block.ErrUnusable

type encoder struct{ *block.Encoder }

func newEncoder(w io.Writer) *encoder {
	return &encoder{block.NewEncoder(w, snapshotMagic, snapshotVersion)}
}

func (e *encoder) ids(list []ID) {
	e.Count(len(list))
	for _, v := range list {
		e.ID(v)
	}
}

func (e *encoder) period(p Period) {
	e.Int(p.From)
	// Until is far away when it is open: its distance from Forever is short then, as an end's from the beginning is.
	if p.Until == Forever {
		e.Int(-1)
		return
	}
	e.Int(p.Until - p.From)
}

type decoder struct {
	*block.Decoder
	// indexing are the tables whose places are being found.
	indexing sync.WaitGroup
}

func newDecoder(r io.Reader) *decoder {
	return &decoder{Decoder: block.NewDecoder(r, snapshotMagic, snapshotVersion)}
}

func (d *decoder) period() Period {
	from := d.Int()
	length := d.Int()
	if length == -1 {
		return Period{from, Forever}
	}
	return Period{from, from + length}
}
