package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// written is what came out, as bytes.
type written struct {
	findings, alerts [][]byte
	versions         []*v1.AlertVersion
	messages         []*v1.Findings
}

func (w *written) take(tb testing.TB) func(detectors.Output) error {
	return func(o detectors.Output) error {
		if o.Findings != nil {
			data, err := o.Findings.MarshalVT()
			if err != nil {
				tb.Fatal(err)
			}
			w.findings, w.messages = append(w.findings, data), append(w.messages, o.Findings)
		}
		if o.Alert != nil {
			data, err := o.Alert.MarshalVT()
			if err != nil {
				tb.Fatal(err)
			}
			copied := &v1.AlertVersion{}
			if err := copied.UnmarshalVT(data); err != nil {
				tb.Fatal(err)
			}
			w.alerts, w.versions = append(w.alerts, data), append(w.versions, copied)
		}
		return nil
	}
}

// clone is what was written by now; more of it takes nothing from who has the other one.
func (w *written) clone() written {
	return written{slices.Clone(w.findings), slices.Clone(w.alerts), slices.Clone(w.versions), slices.Clone(w.messages)}
}

func (w *written) same(other *written) error {
	for _, of := range []struct {
		name string
		a, b [][]byte
	}{{"findings", w.findings, other.findings}, {"alerts", w.alerts, other.alerts}} {
		if len(of.a) != len(of.b) {
			return fmt.Errorf("%d and %d messages of %s", len(of.a), len(of.b), of.name)
		}
		for i := range of.a {
			if !bytes.Equal(of.a[i], of.b[i]) {
				return fmt.Errorf("message %d of %s differs", i, of.name)
			}
		}
	}
	return nil
}

func engineConfig(tb testing.TB, h *hospital) detectors.EngineConfig {
	return detectors.EngineConfig{
		Zone: h.zone, Parse: ruleset.Parse, Dir: tb.TempDir(),
		FreeText: func(b *proto.Batch, i int) *v1.FreeText {
			sealed, err := b.Original(i)
			if err != nil {
				return nil
			}
			return sealed.GetFreeText()
		},
	}
}

// run is what one engine comes to and writes from the beginning.
func run(tb testing.TB, cfg detectors.EngineConfig, batches []*proto.Batch) (*detectors.Engine, *written) {
	tb.Helper()
	e, err := detectors.NewEngine(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	w := &written{}
	w.more(tb, e, batches)
	return e, w
}

// more takes what an engine writes of batches behind those that it has read; of an alert each version follows the one before.
func (w *written) more(tb testing.TB, e *detectors.Engine, batches []*proto.Batch) {
	tb.Helper()
	for _, b := range batches {
		if err := e.Apply(context.Background(), b, w.take(tb)); err != nil {
			tb.Fatal(err)
		}
	}
	last := map[string]uint32{}
	for _, a := range w.versions {
		if a.Version != last[string(a.AlertId)]+1 {
			tb.Errorf("version %d of an alert follows version %d", a.Version, last[string(a.AlertId)])
		}
		last[string(a.AlertId)] = a.Version
	}
}
