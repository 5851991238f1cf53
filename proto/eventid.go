package proto

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/ksuid"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// EventIDSize is the length of a binary event id in bytes.
const EventIDSize = 20

// EventID is a KSUID made from parts, so that a retry makes the same one. Its time is the source's recorded time in
// whole seconds, clamped to what a KSUID can say; never order by it, positions do that. The zero EventID means "none".
type EventID [EventIDSize]byte

// ErrEventID marks text or bytes that are no event id.
var ErrEventID = errors.New("not an event id")

// KSUID counts 32 bits of seconds from 2014-05-13T16:53:20Z and wraps around beyond.
const ksuidEpoch = 1_400_000_000

// EventIdentity is what makes an event the same event when it is sent again.
type EventIdentity struct {
	// Source is the registered name.
	Source string
	// Observer is the reporting system or site as the content names it: one feed can carry several.
	Observer string
	// Key is the source's own id, the content, or the content with its ordinal, as the source's identity policy says.
	Key []byte
	// Recorded is the source's recorded time; zero counts as the KSUID epoch.
	Recorded time.Time
}

// NewEventID derives the id: 4 bytes of time, then the first 16 bytes of SHA-256 over source, observer and key, each
// preceded by its length.
func NewEventID(id EventIdentity) EventID {
	var room [identityRoom]byte
	text := room[:0]
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(id.Source))), id.Source...)
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(id.Observer))), id.Observer...)
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(id.Key))), id.Key...)
	sum := sha256.Sum256(text)
	return makeEventID(id.Recorded, sum[:16])
}

// identityRoom is the memory in which identities are put together: nearly all fit.
const identityRoom = 256

// NativeID is the id of an access event that its source tells apart by ids of its own: one feed can carry several systems,
// two of them can count alike, and they can begin again, so the observer, the site and the recorded time are part of it.
func NativeID(e *v1.AccessEvent) EventID {
	// NewEventID of Observer + "\x00" + Site, without putting that together first: every event's id is made twice.
	var room [identityRoom]byte
	text := room[:0]
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(e.Source))), e.Source...)
	text = binary.BigEndian.AppendUint64(text, uint64(len(e.Observer)+1+len(e.Site)))
	text = append(append(append(text, e.Observer...), 0), e.Site...)
	text = append(binary.BigEndian.AppendUint64(text, uint64(len(e.SourceEventId))), e.SourceEventId...)
	sum := sha256.Sum256(text)
	return makeEventID(time.UnixMicro(e.RecordedUs), sum[:16])
}

// NativeMark stands in an access event for an id that is its NativeID: a fifth of what an event takes in the journal would be
// ids that follow from the rest. ItemID tells the id, Batch.Item puts it in its place.
func NativeMark() []byte { return []byte{nativeMark} }

const nativeMark = 1

func isNativeMark(id []byte) bool { return len(id) == 1 && id[0] == nativeMark }

// Salted returns the id under which a conflict is stored: same time, payload hashed together with the content hash.
func (id EventID) Salted(content ContentHash) EventID {
	h := sha256.New()
	h.Write([]byte("readtrail conflict\x00"))
	h.Write(id[:])
	h.Write(content[:])
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	out := id
	copy(out[4:], sum[:16])
	return out
}

func makeEventID(at time.Time, payload []byte) EventID {
	seconds := at.Unix() - ksuidEpoch
	if at.IsZero() {
		seconds = 0
	}
	seconds = min(max(seconds, 0), 1<<32-1)
	var id EventID
	binary.BigEndian.PutUint32(id[:4], uint32(seconds))
	copy(id[4:], payload)
	return id
}

// MintEventID returns a fresh random id for an entry that only Readtrail itself can make: a question, an import.
func MintEventID(at time.Time) (EventID, error) {
	k, err := ksuid.NewRandomWithTime(at)
	if err != nil {
		return EventID{}, fmt.Errorf("mint event id: %w", err)
	}
	return EventID(k), nil
}

// Time is the id's time: what was recorded when it was made, in whole seconds and within a KSUID's range.
func (id EventID) Time() time.Time { return ksuid.KSUID(id).Time().UTC() }

// IsZero reports whether there is no id.
func (id EventID) IsZero() bool { return id == EventID{} }

// Bytes returns the 20 bytes, or nil for the zero id.
func (id EventID) Bytes() []byte {
	if id.IsZero() {
		return nil
	}
	return append([]byte(nil), id[:]...)
}

// String returns the 27 characters of KSUID text.
func (id EventID) String() string { return ksuid.KSUID(id).String() }

// ParseEventID reads KSUID text. The error wraps ErrEventID and does not repeat the text.
func ParseEventID(text string) (EventID, error) {
	k, err := ksuid.Parse(text)
	// The library reads characters that are not in its alphabet as others.
	if err != nil || k.String() != text {
		return EventID{}, fmt.Errorf("parse event id of %d characters: %w", len(text), ErrEventID)
	}
	return EventID(k), nil
}

// EventIDFromBytes reads 20 bytes. The error wraps ErrEventID.
func EventIDFromBytes(b []byte) (EventID, error) {
	if len(b) != EventIDSize {
		return EventID{}, fmt.Errorf("event id of %d bytes: %w", len(b), ErrEventID)
	}
	return EventID(b), nil
}

// ContentHash tells whether two events of one id say the same: the first 16 bytes of a SHA-256 that the adapter takes
// over the content in a form that transport does not change (compact JSON, the fields of a row).
type ContentHash [16]byte

// HashContent hashes content for a ContentHash.
func HashContent(content []byte) ContentHash { return ContentOf(sha256.Sum256(content)) }

// ContentOf is HashContent of content whose SHA-256 is known.
func ContentOf(sum [sha256.Size]byte) ContentHash { return ContentHash(sum[:16]) }
