package fhir

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// pageParameter is the parameter of page links. It holds the whole search, sealed: a link is kept in histories and logs of
// others, and must tell nobody who was looked for.
const pageParameter = "_page"

const (
	// KeyBytes is the length of the key that seals page links.
	KeyBytes = 32
	// maxSealed bounds the text of a sealed search before it is decoded: the largest search, twice for what JSON escapes, and
	// its way of pages.
	maxSealed = 48 << 10
	// maxWay bounds how many pages back links to previous ones reach.
	maxWay = 64
)

// errPage marks a page link that is none of this caller's: altered, of another caller, or sealed under another key.
var errPage = errors.New("not a page link of this caller")

// place is where a page of a search begins.
type place struct {
	Parameters []Parameter `json:"q"`
	Version    Version     `json:"v"`
	Purpose    string      `json:"p"`
	// Token opens the page; "" the first.
	Token string `json:"t,omitempty"`
	// Way are the tokens of the pages before, the first one's left out.
	Way []string `json:"w,omitempty"`
	// Total is how many events there are, when the first page knew it.
	Total *uint64 `json:"n,omitempty"`
}

// sealer seals places for one caller each.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (*sealer, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("key of page links: %d bytes, want %d", len(key), KeyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of page links: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key of page links: %w", err)
	}
	return &sealer{aead}, nil
}

// seal writes a place as text that only the caller can come back with.
func (s *sealer) seal(p place, caller string) (string, error) {
	plain, err := encode(p) // without what HTML needs escaped: a link has to fit a header
	if err != nil {
		return "", fmt.Errorf("seal page link: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, bound(caller))), nil //nolint:gosec // the AEAD makes its own nonces
}

// open reads it back. The error wraps errPage.
func (s *sealer) open(text, caller string) (place, error) {
	var p place
	if len(text) > maxSealed {
		return p, errPage
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return p, errPage
	}
	plain, err := s.aead.Open(nil, nil, sealed, bound(caller))
	if err != nil || json.Unmarshal(plain, &p) != nil {
		return place{}, errPage
	}
	return p, nil
}

// bound is what a sealed place is bound to.
func bound(caller string) []byte { return []byte("readtrail fhir page\x00" + caller) }

// next is the place of the page behind, previous the one before; ok is false where there is none that is known.
func (p place) next(token string) place {
	q := p
	if p.Token != "" {
		q.Way = append(append([]string(nil), p.Way...), p.Token)
		if len(q.Way) > maxWay {
			q.Way = q.Way[len(q.Way)-maxWay:]
		}
	}
	q.Token = token
	return q
}

func (p place) previous() (q place, ok bool) {
	if p.Token == "" {
		return q, false
	}
	q = p
	if len(p.Way) == 0 {
		q.Token = ""
		return q, true
	}
	q.Token, q.Way = p.Way[len(p.Way)-1], p.Way[:len(p.Way)-1]
	return q, true
}

func (p place) first() place {
	p.Token, p.Way, p.Total = "", nil, nil
	return p
}

// link is the address of a place. Parameters that name nobody stand in it as they are understood; all of them are sealed.
func (h *handler) link(base string, p place, caller string) (string, error) {
	sealed, err := h.seal.seal(p, caller)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(base + "/AuditEvent?")
	for _, one := range p.Parameters {
		if namesNobody(one.Name) {
			b.WriteString(url.QueryEscape(one.Name) + "=" + url.QueryEscape(one.Value) + "&")
		}
	}
	b.WriteString(pageParameter + "=" + sealed)
	return b.String(), nil
}

// namesNobody tells parameters whose values can stand in a link: times, and codes.
func namesNobody(name string) bool {
	name, _, _ = strings.Cut(name, ":")
	switch name {
	case "date", "_lastUpdated", "type", "category", "subtype", "code", "action", "outcome", "entity-type", "object-type",
		"entity-role", "role", "agent-role", "purpose", "_count", "_total":
		return true
	}
	return false
}
