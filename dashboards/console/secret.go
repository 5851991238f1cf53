package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// secretBytes is 256 bits: nobody guesses it, so its hash needs no salt and no stretching.
const secretBytes = 32

// maxSecret bounds what is hashed when a secret comes back.
const maxSecret = 64

// digest is the SHA-256 of a secret: all that is kept of it.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// newSecret returns a secret to give away, and its digest to keep.
func newSecret() (string, digest, error) {
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", digest{}, fmt.Errorf("make a secret: %w", err)
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return secret, digestOf(secret), nil
}
