package proto_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/ksuid"
	"pgregory.net/rapid"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestEventIDIsStable holds ids to what they were when the first journal was written: another value here means that a
// retry after an upgrade is stored twice.
func TestEventIDIsStable(t *testing.T) {
	at := time.Date(2026, 11, 3, 9, 30, 0, 123456789, time.UTC)
	cases := []struct {
		name string
		id   proto.EventIdentity
		want string
	}{
		{"native", proto.EventIdentity{Source: "emr", Observer: "Device/1", Key: []byte("abc"), Recorded: at}, "3LahgtxhcfTgBIYCGuVe3s5khuk"},
		{"nothing", proto.EventIdentity{}, "000004nJrDvZc858PrfhM0vuGUq"},
		{"another zone", proto.EventIdentity{Source: "emr", Observer: "Device/1", Key: []byte("abc"), Recorded: at.In(time.FixedZone("", 7200))}, "3LahgtxhcfTgBIYCGuVe3s5khuk"},
		{"within the second", proto.EventIdentity{Source: "emr", Observer: "Device/1", Key: []byte("abc"), Recorded: at.Truncate(time.Second)}, "3LahgtxhcfTgBIYCGuVe3s5khuk"},
		{"before the epoch", proto.EventIdentity{Source: "emr", Key: []byte("abc"), Recorded: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}, "000004BK7sLUXuw79lCeIW7XfJm"},
		{"beyond the range", proto.EventIdentity{Source: "emr", Key: []byte("abc"), Recorded: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)}, "aWgEPQ9HzRjk8JhKf0U7TZhG5iA"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := proto.NewEventID(tc.id).String(); got != tc.want {
				t.Errorf("id is %s, want %s", got, tc.want)
			}
		})
	}
	content := proto.HashContent([]byte("content"))
	if got := proto.NewEventID(cases[0].id).Salted(content).String(); got != "3LahgwjUO6sUlSIg3E92nJGnjOQ" {
		t.Errorf("salted id is %s", got)
	}
}

func TestEventIDClampsTime(t *testing.T) {
	id := func(at time.Time) ksuid.KSUID {
		return ksuid.KSUID(proto.NewEventID(proto.EventIdentity{Key: []byte("k"), Recorded: at}))
	}
	first, last := time.Unix(1_400_000_000, 0), time.Unix(1_400_000_000+math.MaxUint32, 0)
	for name, tc := range map[string]struct{ at, want time.Time }{
		"zero": {time.Time{}, first}, "1970": {time.Unix(0, 0), first}, "first": {first, first}, "before first": {first.Add(-time.Second), first},
		"last": {last, last}, "after last": {last.Add(time.Second), last}, "year 9999": {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), last},
	} {
		if got := id(tc.at).Time(); !got.Equal(tc.want) {
			t.Errorf("%s: time is %s, want %s", name, got, tc.want)
		}
	}
}

// TestEventIDParts moves bytes between the parts: each gives another id.
func TestEventIDParts(t *testing.T) {
	seen := map[proto.EventID]string{}
	for _, p := range [][3]string{{"ab", "c", "d"}, {"a", "bc", "d"}, {"a", "b", "cd"}, {"abcd", "", ""}, {"", "abcd", ""}, {"", "", "abcd"}} {
		id := proto.NewEventID(proto.EventIdentity{Source: p[0], Observer: p[1], Key: []byte(p[2])})
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %s have one id", p, other)
		}
		seen[id] = p[0] + "|" + p[1] + "|" + p[2]
	}
}

func TestEventIDText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := proto.EventID(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "id"))
		back, err := proto.ParseEventID(id.String())
		if err != nil || back != id {
			t.Fatalf("%x became %x, %v", id, back, err)
		}
		if id.IsZero() {
			return
		}
		if back, err = proto.EventIDFromBytes(id.Bytes()); err != nil || back != id {
			t.Fatalf("%x became %x, %v", id, back, err)
		}
	})
	for _, text := range []string{"", "x", "Patient/12345", "000000000000000000000000000", "zzzzzzzzzzzzzzzzzzzzzzzzzzz"} {
		id, err := proto.ParseEventID(text)
		if err == nil && id.String() == text {
			continue
		}
		if !errors.Is(err, proto.ErrEventID) || text != "" && bytes.Contains([]byte(err.Error()), []byte(text)) && len(text) > 1 {
			t.Errorf("parse %q: %v", text, err)
		}
	}
	if _, err := proto.EventIDFromBytes([]byte("short")); !errors.Is(err, proto.ErrEventID) {
		t.Errorf("short: %v", err)
	}
	if (proto.EventID{}).Bytes() != nil {
		t.Error("the zero id has bytes")
	}
}

func TestMintedEventIDs(t *testing.T) {
	at := time.Date(2026, 11, 3, 9, 30, 0, 0, time.UTC)
	a, err := proto.MintEventID(at)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.MintEventID(at)
	if err != nil {
		t.Fatal(err)
	}
	if a == b || !ksuid.KSUID(a).Time().Equal(at) {
		t.Errorf("minted %s and %s", a, b)
	}
}

func TestItemID(t *testing.T) {
	id := proto.NewEventID(proto.EventIdentity{Key: []byte("k")})
	for _, it := range []*v1.Item{
		{Body: &v1.Item_Access{Access: &v1.AccessEvent{}}},
		{Body: &v1.Item_Context{Context: &v1.ContextFact{}}},
		{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{}}},
		{Body: &v1.Item_Coverage{Coverage: &v1.CoverageFact{}}},
	} {
		if got, err := proto.ItemID(it); err != nil || !got.IsZero() {
			t.Errorf("%s without id: %s, %v", proto.KindOf(it), got, err)
		}
		if err := proto.SetItemID(it, id); err != nil {
			t.Error(err)
		}
		if got, err := proto.ItemID(it); err != nil || got != id {
			t.Errorf("%s: %s, %v", proto.KindOf(it), got, err)
		}
	}
	tick := &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{}}}
	if err := proto.SetItemID(tick, id); !errors.Is(err, proto.ErrEventID) {
		t.Errorf("id of a tick: %v", err)
	}
	if got, err := proto.ItemID(tick); err != nil || !got.IsZero() {
		t.Errorf("tick: %s, %v", got, err)
	}
	if _, err := proto.ItemID(&v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{EventId: []byte("x")}}}); !errors.Is(err, proto.ErrEventID) {
		t.Errorf("short id: %v", err)
	}
}

func TestPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sequence := rapid.Uint64Range(1, 1<<52-2).Draw(t, "sequence")
		index := rapid.IntRange(0, proto.MaxBatchItems-1).Draw(t, "index")
		p := proto.At(sequence, index)
		if p.Sequence() != sequence || p.Index() != index || p > proto.EndOf(sequence) || proto.EndOf(sequence) >= proto.At(sequence+1, 0) {
			t.Fatalf("position %d of (%d, %d)", p, sequence, index)
		}
		if back, err := proto.ParsePosition(p.String()); err != nil || back != p {
			t.Fatalf("%s became %s, %v", p, back, err)
		}
	})
	for _, text := range []string{"", "0", "4095", "-1", "1.5", "18446744073709551616", "Patient/1"} {
		if p, err := proto.ParsePosition(text); !errors.Is(err, proto.ErrPosition) {
			t.Errorf("parse %q: %s, %v", text, p, err)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("4096")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := proto.ParsePosition(text)
		if err != nil {
			return
		}
		if back, err := proto.ParsePosition(p.String()); err != nil || back != p {
			t.Fatalf("%q is %s, which is %s, %v", text, p, back, err)
		}
	})
}

func FuzzParseEventID(f *testing.F) {
	f.Add("0ujsszwN8NRY24YaXiTIE2VWDTS")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := proto.ParseEventID(text)
		if err != nil {
			return
		}
		if id.String() != text {
			t.Fatalf("%q is %s", text, id)
		}
	})
}

// TestNativeIDOfParts holds the id that is made in one go to what it is made of.
func TestNativeIDOfParts(t *testing.T) {
	for _, e := range []*v1.AccessEvent{
		{},
		{Source: "ehr-main", Observer: "Device/1", Site: "north", SourceEventId: "42", RecordedUs: 1_700_000_000_123_456},
		{Source: "s", Site: "\x00", SourceEventId: strings.Repeat("x", 300), RecordedUs: -1},
	} {
		want := proto.NewEventID(proto.EventIdentity{
			Source: e.Source, Observer: e.Observer + "\x00" + e.Site, Key: []byte(e.SourceEventId), Recorded: time.UnixMicro(e.RecordedUs),
		})
		if got := proto.NativeID(e); got != want {
			t.Errorf("the id of %v is %s, want %s", e, got, want)
		}
	}
}
