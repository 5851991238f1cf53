package columns

import (
	"encoding/binary"
	"errors"
)

// errBits says that the bits end too early.
var errBits = errors.New("bits end too early")

// maxBits is how many bits a number takes at most.
const maxBits = 32

// bitWriter packs numbers of at most maxBits bits, least significant bit first.
type bitWriter struct {
	out  []byte
	acc  uint64
	held int
}

func (w *bitWriter) write(v uint64, width int) {
	w.acc |= v << w.held
	w.held += width
	if w.held >= 32 {
		w.out = binary.LittleEndian.AppendUint32(w.out, uint32(w.acc))
		w.acc >>= 32
		w.held -= 32
	}
}

func (w *bitWriter) reset() { w.out, w.acc, w.held = w.out[:0], 0, 0 }

func (w *bitWriter) bytes() []byte {
	for ; w.held > 0; w.held -= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
	w.held = 0
	return w.out
}

type bitReader struct {
	in   []byte
	acc  uint64
	held int
}

func (r *bitReader) read(width int) (uint64, error) {
	for r.held < width {
		if len(r.in) >= 4 && r.held <= 32 {
			r.acc |= uint64(binary.LittleEndian.Uint32(r.in)) << r.held
			r.in = r.in[4:]
			r.held += 32
			continue
		}
		if len(r.in) == 0 {
			return 0, errBits
		}
		r.acc |= uint64(r.in[0]) << r.held
		r.in = r.in[1:]
		r.held += 8
	}
	v := r.acc & (1<<width - 1)
	r.acc >>= width
	r.held -= width
	return v, nil
}
