package console_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/dashboards/console"
)

// FuzzAllVisible: what leaves is what it would be character by character.
func FuzzAllVisible(f *testing.F) {
	for _, text := range []string{
		"", "<td>Müller 東京</td>\r\n\t", "a\x00b", "\x7f", "turned \u202e text", "soft\u00adhyphen", "cut \xe2\x82", "\xff", "\ufffd is itself", "\U000e0041",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		want := console.EachVisible(bytes.Clone(page))
		if got := console.AllVisible(page); !bytes.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// BenchmarkAllVisible tells what it costs to look at each character of a page to print.
func BenchmarkAllVisible(b *testing.B) {
	page := []byte(strings.Repeat(`<td role="cell" data-label="Reports" class="n"><bdi>Grünwald, Änne</bdi></td>`, 50_000))
	for name, run := range map[string]func([]byte) []byte{"page": console.AllVisible, "each": console.EachVisible} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				run(page)
			}
		})
	}
}
