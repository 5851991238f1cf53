package proto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
)

// Hash is a SHA-256 tree hash as RFC 6962 section 2.1 defines it.
type Hash [sha256.Size]byte

// SaltSize is the length of a leaf's salt, and of the random bytes of a frame that its leaves' salts derive from.
const SaltSize = 16

// LeafHash is the RFC 6962 hash of a leaf whose data are salt || data.
func LeafHash(salt [SaltSize]byte, data []byte) Hash {
	h := leafHasher{sha: sha256.New()}
	return h.hash(salt, data)
}

// LeafSalt derives the salt of leaf i from a frame's random bytes: AES-128 under them of i as 16 bytes, big-endian.
// Disclosing one leaf's salt says nothing of another's, so that evidence of one event does not let its neighbours be
// guessed.
func LeafSalt(frame [SaltSize]byte, i int) [SaltSize]byte {
	h := newLeafHasher(frame)
	return h.salt(i)
}

// leafHasher hashes one frame's leaves, as LeafHash does under the salts of LeafSalt.
type leafHasher struct {
	sha   hash.Hash
	salts cipher.Block
	head  [1 + SaltSize]byte // what a leaf's data stand behind
	out   Hash
}

func newLeafHasher(frame [SaltSize]byte) *leafHasher {
	block, err := aes.NewCipher(frame[:])
	if err != nil {
		panic("salts: " + err.Error()) // only a key of another length fails
	}
	return &leafHasher{sha: sha256.New(), salts: block}
}

func (h *leafHasher) salt(i int) [SaltSize]byte {
	salt := h.head[1:]
	clear(salt)
	binary.BigEndian.PutUint64(salt[8:], uint64(i))
	h.salts.Encrypt(salt, salt)
	return [SaltSize]byte(salt)
}

// leaf hashes leaf i.
func (h *leafHasher) leaf(i int, data []byte) Hash { return h.hash(h.salt(i), data) }

func (h *leafHasher) hash(salt [SaltSize]byte, data []byte) Hash {
	copy(h.head[1:], salt[:])
	h.sha.Reset()
	h.sha.Write(h.head[:])
	h.sha.Write(data)
	h.sha.Sum(h.out[:0])
	return h.out
}

// original hashes leaf i, whose data are an original's digest and what stands beside it.
func (h *leafHasher) original(i int, digest *Hash, beside []byte) Hash {
	h.salt(i) // into the head
	h.sha.Reset()
	h.sha.Write(h.head[:])
	h.sha.Write(digest[:])
	h.sha.Write(beside)
	h.sha.Sum(h.out[:0])
	return h.out
}

func nodeHash(left, right Hash) Hash {
	var buf [1 + 2*sha256.Size]byte
	buf[0] = 1
	copy(buf[1:], left[:])
	copy(buf[1+sha256.Size:], right[:])
	return sha256.Sum256(buf[:])
}

// TreeHash is the RFC 6962 Merkle tree hash over leaves; of none it is SHA-256 of nothing. It overwrites leaves.
func TreeHash(leaves []Hash) Hash {
	if len(leaves) == 0 {
		return sha256.Sum256(nil)
	}
	// An odd node at the end of a level moves up unhashed: that is the tree of RFC 6962, level by level.
	for len(leaves) > 1 {
		n := len(leaves) / 2
		for i := range n {
			leaves[i] = nodeHash(leaves[2*i], leaves[2*i+1])
		}
		if len(leaves)%2 == 1 {
			leaves[n] = leaves[len(leaves)-1]
			n++
		}
		leaves = leaves[:n]
	}
	return leaves[0]
}

// Proof returns the RFC 6962 inclusion path of leaf i, from the leaf's sibling upwards.
func Proof(leaves []Hash, i int) []Hash {
	if len(leaves) <= 1 {
		return nil
	}
	k := splitAt(len(leaves))
	if i < k {
		return append(Proof(leaves[:k], i), TreeHash(append([]Hash(nil), leaves[k:]...)))
	}
	return append(Proof(leaves[k:], i-k), TreeHash(append([]Hash(nil), leaves[:k]...)))
}

// VerifyProof reports whether path proves that leaf stands at index i of a tree of size n with this root.
func VerifyProof(leaf Hash, i, n int, path []Hash, root Hash) bool {
	if i < 0 || i >= n {
		return false
	}
	got, ok := climb(leaf, i, n, path)
	return ok && got == root
}

func climb(leaf Hash, i, n int, path []Hash) (Hash, bool) {
	if n == 1 {
		return leaf, len(path) == 0
	}
	if len(path) == 0 {
		return Hash{}, false
	}
	k, last := splitAt(n), path[len(path)-1]
	if i < k {
		left, ok := climb(leaf, i, k, path[:len(path)-1])
		return nodeHash(left, last), ok
	}
	right, ok := climb(leaf, i-k, n-k, path[:len(path)-1])
	return nodeHash(last, right), ok
}

// splitAt is the largest power of two smaller than n.
func splitAt(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }
