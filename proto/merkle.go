package proto

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
)

// Hash is a SHA-256 tree hash as RFC 6962 section 2.1 defines it.
type Hash [sha256.Size]byte

// LeafHash is the RFC 6962 hash of a leaf whose data are salt || data.
func LeafHash(salt [16]byte, data []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(salt[:])
	h.Write(data)
	var out Hash
	h.Sum(out[:0])
	return out
}

// LeafSalt derives the salt of leaf i from a frame's random bytes. Disclosing one leaf's salt says nothing of
// another's, so that evidence of one event does not let its neighbours be guessed.
func LeafSalt(salt []byte, i int) [16]byte { return newSalter(salt).leaf(i) }

// saltSize is the length of the random bytes that a frame's salts derive from.
const saltSize = 16

// salter derives the salts of one frame's leaves, as LeafSalt does.
type salter struct{ mac hash.Hash }

func newSalter(salt []byte) salter { return salter{hmac.New(sha256.New, salt)} }

func (s salter) leaf(i int) [16]byte {
	s.mac.Reset()
	var index [8]byte
	binary.BigEndian.PutUint64(index[:], uint64(i))
	s.mac.Write(index[:])
	var sum [sha256.Size]byte
	s.mac.Sum(sum[:0])
	return [16]byte(sum[:16])
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
