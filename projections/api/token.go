package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/readtrail/readtrail/proto"
)

const (
	tokenFormat = 1
	// maxToken bounds the text of a token: a format byte, 8 bytes of hash and 7 varints of at most 10 bytes, in base64.
	maxToken = (1+8+7*10)*4/3 + 4
)

// ErrPageToken marks text that is no page token, or one of another question.
var ErrPageToken = errors.New("not a page token of this question")

// order is the place of an access in a list: newest first by occurred time, then by position. The zero order is before
// everything.
type order struct {
	occurred int64
	position proto.Position
}

// after reports whether o comes after p in a list, that is, whether it is older.
func (o order) after(p order) bool {
	if p == (order{}) {
		return true
	}
	if o.occurred != p.occurred {
		return o.occurred < p.occurred
	}
	return o.position < p.position
}

// PageToken says where the next page begins. It pins what the first page rested on, so that later events move nothing.
type PageToken struct {
	// Question is a hash of the parameters: a token serves its own question only.
	Question [8]byte
	// Version and Position pin the projections.
	Version  uint64
	Position proto.Position
	// Page is the number of the page that the token opens, from 2.
	Page uint64
	// AfterOccurred and AfterPosition are the place of the last row of the page before.
	AfterOccurred int64
	AfterPosition proto.Position
	// FromOccurred and FromPosition are the place at which reading starts again, so that accesses are paired as on the
	// first page: the newest event of a run without a gap wider than any pairing.
	FromOccurred int64
	FromPosition proto.Position
}

func (t PageToken) after() order { return order{t.AfterOccurred, t.AfterPosition} }
func (t PageToken) from() order  { return order{t.FromOccurred, t.FromPosition} }

// String encodes the token.
func (t PageToken) String() string {
	b := append([]byte{tokenFormat}, t.Question[:]...)
	b = binary.AppendUvarint(b, t.Version)
	b = binary.AppendUvarint(b, uint64(t.Position))
	b = binary.AppendUvarint(b, t.Page)
	b = binary.AppendVarint(b, t.AfterOccurred)
	b = binary.AppendUvarint(b, uint64(t.AfterPosition))
	b = binary.AppendVarint(b, t.FromOccurred)
	b = binary.AppendUvarint(b, uint64(t.FromPosition))
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParsePageToken reads a token of the question with this hash. The error wraps ErrPageToken.
func ParsePageToken(text string, question [8]byte) (PageToken, error) {
	if len(text) > maxToken {
		return PageToken{}, ErrPageToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 9 || b[0] != tokenFormat {
		return PageToken{}, ErrPageToken
	}
	t := PageToken{Question: [8]byte(b[1:9])}
	r := varints{b: b[9:]}
	t.Version = r.unsigned()
	t.Position = proto.Position(r.unsigned())
	t.Page = r.unsigned()
	t.AfterOccurred = r.signed()
	t.AfterPosition = proto.Position(r.unsigned())
	t.FromOccurred = r.signed()
	t.FromPosition = proto.Position(r.unsigned())
	switch {
	case r.bad || len(r.b) > 0 || t.String() != text:
		return PageToken{}, ErrPageToken
	case t.Question != question || t.Page < 2 || t.Version == 0 || t.AfterPosition == 0 || t.AfterPosition > t.Position || t.FromPosition > t.Position:
		return PageToken{}, ErrPageToken
	}
	return t, nil
}

// varints reads numbers until one is broken.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// questionHash hashes the parameters of a question, each preceded by its length.
func questionHash(parts ...string) [8]byte {
	h := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write([]byte(p))
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return [8]byte(sum[:8])
}
