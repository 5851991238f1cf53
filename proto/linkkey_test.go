package proto_test

import (
	"bytes"
	"testing"

	"github.com/readtrail/readtrail/proto"
)

// TestLinkKey: it follows from the master key alone, tells nothing of it, and is the caller's own.
func TestLinkKey(t *testing.T) {
	t.Parallel()
	open := func(master byte) *proto.KeyRing {
		t.Helper()
		ring, err := proto.OpenKeyRing(t.TempDir(), bytes.Repeat([]byte{master}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	one, again, other := open(1), open(1), open(2)
	if len(one.LinkKey()) != 32 || !bytes.Equal(one.LinkKey(), again.LinkKey()) {
		t.Error("two processes with one master key have different keys")
	}
	if bytes.Equal(one.LinkKey(), other.LinkKey()) || bytes.Equal(one.LinkKey(), bytes.Repeat([]byte{1}, 32)) {
		t.Error("the key is another deployment's, or the master key")
	}
	clear(one.LinkKey())
	if !bytes.Equal(one.LinkKey(), again.LinkKey()) {
		t.Error("a caller changed the ring's key")
	}
}
