package api

import (
	"encoding/base64"
	"encoding/binary"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
)

const (
	keysetFormat = 2
	// maxKeyset bounds the text of a token in bytes: six varints, a hash and a text of up to 100.
	maxKeyset = 320
)

// keyset is a page token of a list by days: what the first page rested on, and the last row of the page before.
type keyset struct {
	question [8]byte
	version  uint64
	position proto.Position
	// sequence pins the stream that the list is read from.
	sequence uint64
	// from and to are the days that the first page decided on.
	from, to int32
	// day, number, sub and text are the place of the last row.
	day         int32
	number, sub int64
	text        string
}

func (k keyset) String() string {
	b := append([]byte{keysetFormat}, k.question[:]...)
	b = binary.AppendUvarint(b, k.version)
	b = binary.AppendUvarint(b, uint64(k.position))
	b = binary.AppendUvarint(b, k.sequence)
	for _, n := range []int64{int64(k.from), int64(k.to), int64(k.day), k.number, k.sub} {
		b = binary.AppendVarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, k.text...))
}

// parseKeyset reads a token of the question with this hash; none is the zero token.
func parseKeyset(text string, question [8]byte) (keyset, error) {
	if text == "" {
		return keyset{}, nil
	}
	bad := connect.NewError(connect.CodeInvalidArgument, errKeyset)
	if len(text) > maxKeyset {
		return keyset{}, bad
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 9 || b[0] != keysetFormat {
		return keyset{}, bad
	}
	k := keyset{question: [8]byte(b[1:9])}
	r := varints{b: b[9:]}
	k.version, k.position, k.sequence = r.unsigned(), proto.Position(r.unsigned()), r.unsigned()
	k.from, k.to, k.day = int32(r.signed()), int32(r.signed()), int32(r.signed())
	k.number, k.sub = r.signed(), r.signed()
	k.text = string(r.b)
	if r.bad || k.question != question || k.version == 0 || k.position == 0 || k.String() != text {
		return keyset{}, bad
	}
	return k, nil
}
