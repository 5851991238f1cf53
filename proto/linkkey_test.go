package proto_test

import (
	"bytes"
	"testing"

	"github.com/readtrail/readtrail/proto"
)

// TestDerivedKeys: each follows from the master key alone, tells nothing of it nor of the other, and is the caller's own.
func TestDerivedKeys(t *testing.T) {
	t.Parallel()
	for name, derived := range map[string]func(*proto.KeyRing) []byte{"links": (*proto.KeyRing).LinkKey, "pseudonyms": (*proto.KeyRing).PseudonymKey, "alerts": (*proto.KeyRing).AlertKey} {
		t.Run(name, func(t *testing.T) { checkDerived(t, derived) })
	}
	ring, err := proto.OpenKeyRing(t.TempDir(), bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(ring.LinkKey(), ring.PseudonymKey()) || bytes.Equal(ring.AlertKey(), ring.PseudonymKey()) || bytes.Equal(ring.AlertKey(), ring.LinkKey()) {
		t.Error("one key for two purposes")
	}
}

func checkDerived(t *testing.T, derived func(*proto.KeyRing) []byte) {
	t.Helper()
	open := func(master byte) *proto.KeyRing {
		t.Helper()
		ring, err := proto.OpenKeyRing(t.TempDir(), bytes.Repeat([]byte{master}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	one, again, other := open(1), open(1), open(2)
	if len(derived(one)) != 32 || !bytes.Equal(derived(one), derived(again)) {
		t.Error("two processes with one master key have different keys")
	}
	if bytes.Equal(derived(one), derived(other)) || bytes.Equal(derived(one), bytes.Repeat([]byte{1}, 32)) {
		t.Error("the key is another deployment's, or the master key")
	}
	clear(derived(one))
	if !bytes.Equal(derived(one), derived(again)) {
		t.Error("a caller changed the ring's key")
	}
}
