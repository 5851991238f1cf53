package register

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/register/snapshot"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

type registered struct {
	entry  *v1.SourceRegistered
	source ingest.Source
}

// fold is the register as a function of the entries so far: the latest entry of a name or a token id holds.
type fold struct {
	sources       map[string]*registered
	tokens        map[string]*v1.TokenRegistered
	byCredential  map[[sha256.Size]byte]*registered
	byCertificate map[[sha256.Size]byte]*registered
	byToken       map[[sha256.Size]byte]*v1.TokenRegistered
}

func newFold() *fold {
	return &fold{
		sources: map[string]*registered{}, tokens: map[string]*v1.TokenRegistered{},
		byCredential: map[[sha256.Size]byte]*registered{}, byCertificate: map[[sha256.Size]byte]*registered{},
		byToken: map[[sha256.Size]byte]*v1.TokenRegistered{},
	}
}

// apply reports whether the item changed anything. What is kept is cloned, so that the batch's memory can go.
func (f *fold) apply(it *v1.Item) bool {
	switch body := it.Body.(type) {
	case *v1.Item_Source:
		f.source(clone(body.Source))
	case *v1.Item_Token:
		f.token(clone(body.Token))
	default:
		return false
	}
	return true
}

func (f *fold) source(entry *v1.SourceRegistered) {
	if old, ok := f.sources[entry.Name]; ok {
		unlink(f.byCredential, old.entry.CredentialSha256, old)
		unlink(f.byCertificate, old.entry.CertificateSha256, old)
	}
	s := &registered{entry: entry, source: sourceOf(entry)}
	f.sources[entry.Name] = s
	if sum, ok := hash(entry.CredentialSha256); ok {
		f.byCredential[sum] = s
	}
	if sum, ok := hash(entry.CertificateSha256); ok {
		f.byCertificate[sum] = s
	}
}

// unlink forgets a hash unless another source took it over since.
func unlink(index map[[sha256.Size]byte]*registered, raw []byte, old *registered) {
	if sum, ok := hash(raw); ok && index[sum] == old {
		delete(index, sum)
	}
}

func (f *fold) token(entry *v1.TokenRegistered) {
	if old, ok := f.tokens[entry.TokenId]; ok {
		if sum, ok := hash(old.Sha256); ok && f.byToken[sum] == old {
			delete(f.byToken, sum)
		}
	}
	f.tokens[entry.TokenId] = entry
	if sum, ok := hash(entry.Sha256); ok {
		f.byToken[sum] = entry
	}
}

// message is a journal entry's body.
type message[T any] interface {
	*T
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// clone copies a message, so that what leaves the fold can be changed by whoever gets it. It goes through the bytes: a copy of
// the fields would share their text with the memory of the batch that they were read from.
func clone[T any, M message[T]](m M) M {
	out := M(new(T))
	if err := out.UnmarshalVT(mustMarshal(m)); err != nil {
		panic(fmt.Sprintf("copy a register entry: %v", err))
	}
	return out
}

func hash(raw []byte) (sum [sha256.Size]byte, ok bool) {
	if len(raw) != len(sum) {
		return sum, false
	}
	return [sha256.Size]byte(raw), true
}

// sourceOf is what adapters see of an entry. A zone that this machine does not know is read as UTC: the entry was
// valid where it was made, and its events must not be lost for it.
func sourceOf(entry *v1.SourceRegistered) ingest.Source {
	zone, err := time.LoadLocation(entry.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return ingest.Source{
		Name: entry.Name, Zone: zone, Policy: entry.IdentityPolicy, BaseURL: entry.BaseUrl,
		PatientSystem: entry.PatientSystem, ReaderSystem: entry.ReaderSystem,
		PairWithin: time.Duration(entry.PairWithinS) * time.Second,
	}
}

// foldState is a fold in a snapshot: the entries in force, serialised as the journal has them.
type foldState struct {
	Sources [][]byte `json:"sources"`
	Tokens  [][]byte `json:"tokens"`
}

func (f *fold) state() foldState {
	var out foldState
	for _, name := range slices.Sorted(maps.Keys(f.sources)) {
		out.Sources = append(out.Sources, mustMarshal(f.sources[name].entry))
	}
	for _, id := range slices.Sorted(maps.Keys(f.tokens)) {
		out.Tokens = append(out.Tokens, mustMarshal(f.tokens[id]))
	}
	return out
}

// mustMarshal cannot fail: the message came out of a journal entry whole.
func mustMarshal(m interface{ MarshalVT() ([]byte, error) }) []byte {
	raw, err := m.MarshalVT()
	if err != nil {
		panic(fmt.Sprintf("marshal a register entry: %v", err))
	}
	return raw
}

func (s foldState) fold() (*fold, error) {
	f := newFold()
	for _, raw := range s.Sources {
		entry := &v1.SourceRegistered{}
		if err := entry.UnmarshalVT(raw); err != nil {
			return nil, fmt.Errorf("read a source: %w: %w", snapshot.ErrUnusable, err)
		}
		f.source(entry)
	}
	for _, raw := range s.Tokens {
		entry := &v1.TokenRegistered{}
		if err := entry.UnmarshalVT(raw); err != nil {
			return nil, fmt.Errorf("read a token: %w: %w", snapshot.ErrUnusable, err)
		}
		f.token(entry)
	}
	return f, nil
}
