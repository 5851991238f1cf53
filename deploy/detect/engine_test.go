package detect_test

import (
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// quiet is a testing.TB for what tests share: it outlives each of them.
type quiet struct{ testing.TB }

func (*quiet) Helper() {}

func (*quiet) Fatal(args ...any) { panic(args) }

func (*quiet) TempDir() string {
	dir, err := os.MkdirTemp("", "readtrail-detect-")
	if err != nil {
		panic(err)
	}
	return filepath.Clean(dir)
}

func TestLive(t *testing.T) {
	h := fortnight()
	e, w := run(t, engineConfig(t, h), h.batches)
	s := e.Stats()
	t.Logf("%+v", s)
	byState := map[string]int{}
	for _, a := range w.versions {
		key := a.State.String()
		if a.Shown {
			key += " shown"
		}
		if a.Hard {
			key += " hard"
		}
		if a.Sampled {
			key += " sampled"
		}
		byState[key]++
	}
	t.Log(byState, len(w.findings))
	for _, a := range w.versions {
		if a.State == v1.AlertState_ALERT_STATE_RETRACTED || a.Hard {
			t.Logf("%x v%d %s hard=%v shown=%v day=%d rank=%d chance=%d %s | %s", a.AlertId[:6], a.Version, a.State, a.Hard, a.Shown, a.Day, a.Rank, a.Chance, a.Note.GetTitle(), a.Because)
		}
	}
}
