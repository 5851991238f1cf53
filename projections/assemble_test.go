package projections_test

import (
	"testing"

	"github.com/readtrail/readtrail/projections"
)

// TestPace: what fills fast waits, as long as it does and not for ever; what people do never waits.
func TestPace(t *testing.T) {
	for _, tt := range []struct {
		name  string
		sizes []int
		want  int
	}{
		{"people", []int{1_999}, 0},
		{"an import that goes on", []int{2_000, 4_000, 6_000, 8_000, 10_000}, 3},
		{"an import that ends", []int{2_000, 4_000, 4_001, 6_001}, 2},
		{"an import that begins", []int{100, 5_000}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := projections.Waited(2_000, 3, tt.sizes...); got != tt.want {
				t.Errorf("waited %d times, want %d", got, tt.want)
			}
		})
	}
}
