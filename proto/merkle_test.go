package proto_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/readtrail/readtrail/proto"
)

// TestTreeHashVectors uses the test data of Certificate Transparency's reference implementation.
func TestTreeHashVectors(t *testing.T) {
	leaves := []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	roots := []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	for n, want := range roots {
		var hashes []proto.Hash
		for _, leaf := range leaves[:n] {
			data, err := hex.DecodeString(leaf)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, sha256.Sum256(append([]byte{0}, data...)))
		}
		if got := proto.TreeHash(hashes); hex.EncodeToString(got[:]) != want {
			t.Errorf("root of %d leaves is %x, want %s", n, got, want)
		}
	}
}

func hashes(n int) []proto.Hash {
	out := make([]proto.Hash, n)
	for i := range out {
		out[i] = proto.LeafHash(proto.LeafSalt([16]byte([]byte("0123456789abcdef")), i), fmt.Append(nil, i))
	}
	return out
}

// TestTreeHashIsThatOfTlog compares roots with golang.org/x/mod/sumdb/tlog, an implementation that is not ours.
func TestTreeHashIsThatOfTlog(t *testing.T) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, at := range indexes {
			out[i] = stored[at]
		}
		return out, nil
	})
	leaves := hashes(300)
	for n, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(n), tlog.Hash(leaf), read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		want, err := tlog.TreeHash(int64(n+1), read)
		if err != nil {
			t.Fatal(err)
		}
		if got := proto.TreeHash(append([]proto.Hash(nil), leaves[:n+1]...)); tlog.Hash(got) != want {
			t.Fatalf("root of %d leaves is %x, want %x", n+1, got, want)
		}
	}
}

func TestProofs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		i := rapid.IntRange(0, n-1).Draw(t, "i")
		leaves := hashes(n)
		leaf := leaves[i]
		path := proto.Proof(leaves, i)
		root := proto.TreeHash(append([]proto.Hash(nil), leaves...))
		if !proto.VerifyProof(leaf, i, n, path, root) {
			t.Fatalf("leaf %d of %d is not proven", i, n)
		}
		if leaves[i] != leaf {
			t.Fatal("making a proof changed the leaves")
		}
		wrong := proto.LeafHash([16]byte{}, []byte("other"))
		at := rapid.IntRange(0, n).Draw(t, "at")
		switch {
		case proto.VerifyProof(wrong, i, n, path, root), proto.VerifyProof(leaf, i, n, path, wrong),
			at != i && proto.VerifyProof(leaf, at, n, path, root),
			proto.VerifyProof(leaf, i, n, append(path, wrong), root),
			len(path) > 0 && proto.VerifyProof(leaf, i, n, path[1:], root),
			proto.VerifyProof(leaf, -1, n, path, root):
			t.Fatal("a wrong proof is accepted")
		}
		if len(path) > 0 {
			k := rapid.IntRange(0, len(path)-1).Draw(t, "k")
			path[k][0] ^= 1
			if proto.VerifyProof(leaf, i, n, path, root) {
				t.Fatal("an altered proof is accepted")
			}
		}
	})
}

func TestLeafSalts(t *testing.T) {
	seen := map[[16]byte]bool{}
	for i := range 4200 {
		salt := proto.LeafSalt([16]byte([]byte("0123456789abcdef")), i)
		if seen[salt] {
			t.Fatalf("salt %d occurs twice", i)
		}
		seen[salt] = true
	}
	a, b := proto.LeafSalt([16]byte{1}, 0), proto.LeafSalt([16]byte{2}, 0)
	if a == b {
		t.Error("two batches have one salt")
	}
}
