package api_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
)

func TestPageToken(t *testing.T) {
	t.Parallel()
	question := [8]byte{1, 2, 3}
	want := api.PageToken{
		Question: question, Version: 3, Position: math.MaxUint64, Page: 2, AfterOccurred: math.MinInt64,
		AfterPosition: proto.At(9, 1), FromOccurred: math.MaxInt64, FromPosition: proto.At(9, 3),
	}
	got, err := api.ParsePageToken(want.String(), question)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	late := want
	late.Position, late.AfterPosition = proto.At(1, 0), proto.At(2, 0)
	for name, text := range map[string]string{
		"empty": "", "no base64": "!!!", "another alphabet": strings.Repeat("+", 20), "cut": want.String()[:20],
		"longer": want.String() + "AAAA", "a row beyond its position": late.String(), "long": strings.Repeat("A", 4000),
	} {
		if _, err := api.ParsePageToken(text, question); !errors.Is(err, api.ErrPageToken) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := api.ParsePageToken(want.String(), [8]byte{9}); !errors.Is(err, api.ErrPageToken) {
		t.Errorf("token of another question: got %v", err)
	}
}

func FuzzPageToken(f *testing.F) {
	question := [8]byte{7}
	f.Add(api.PageToken{Question: question, Version: 1, Position: 1 << 13, Page: 2, AfterPosition: 1 << 12}.String())
	f.Add("AQAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := api.ParsePageToken(text, question)
		if err != nil {
			if !errors.Is(err, api.ErrPageToken) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if token.String() != text {
			t.Fatal("two texts for one token")
		}
		if token.AfterPosition > token.Position || token.Page < 2 {
			t.Fatalf("impossible token %+v", token)
		}
	})
}
