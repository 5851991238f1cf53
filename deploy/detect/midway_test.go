package detect_test

import (
	"bytes"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// midway is an engine between two batches of a hospital that tests share: a snapshot of it, and what it had written. A copy of the hospital
// that differs behind it is judged from there on. Most tests change a few days of two weeks, and what they say is of the days behind.
type midway struct {
	read  []*proto.Batch
	parts map[string][]byte
	wrote written
}

// midwayEvery is how many batches lie between two midways, about half a day.
const midwayEvery = 25

// share judges a hospital and keeps midways of what is received from a time on, and of its end; none of those before gets lost.
func (h *hospital) share(tb testing.TB, from time.Time) {
	tb.Helper()
	e, w, n := h.begun(tb, engineConfig(tb, h), len(h.batches))
	next := max(n, receivedBy(h.batches, from))
	for ; next < len(h.batches); next += midwayEvery {
		w.more(tb, e, h.batches[n:next])
		h.midways, n = append(h.midways, midwayOf(tb, e, w, h.batches[:next])), next
	}
	w.more(tb, e, h.batches[n:])
	h.midways = append(h.midways, midwayOf(tb, e, w, h.batches))
}

// whole is a copy that is judged from the beginning.
func (h *hospital) whole(tb testing.TB) *hospital {
	out := h.copy(tb)
	out.midways = nil
	return out
}

func midwayOf(tb testing.TB, e *detectors.Engine, w *written, read []*proto.Batch) *midway {
	tb.Helper()
	if len(e.Spilled()) > 0 {
		tb.Fatal("a midway with days in files")
	}
	return &midway{read: slices.Clone(read), parts: snapshotOf(tb, e), wrote: w.clone()}
}

// snapshotOf are the parts of a snapshot.
func snapshotOf(tb testing.TB, e *detectors.Engine) map[string][]byte {
	tb.Helper()
	parts := map[string][]byte{}
	for _, p := range e.Parts() {
		var out bytes.Buffer
		if err := p.Write(&out); err != nil {
			tb.Fatal(err)
		}
		parts[p.Name] = out.Bytes()
	}
	return parts
}

// restored is an engine of the parts of a snapshot.
func restored(tb testing.TB, cfg detectors.EngineConfig, parts map[string][]byte) *detectors.Engine {
	tb.Helper()
	e, err := detectors.Restore(cfg, func(name string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(parts[name])), nil })
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// begun is an engine that has read the first n batches of a hospital, as many as a midway has that knows at most so many and those only, and
// what it has written: of a hospital without midways none. What a configuration may differ in from engineConfig are its hands.
func (h *hospital) begun(tb testing.TB, cfg detectors.EngineConfig, most int) (e *detectors.Engine, w *written, n int) {
	tb.Helper()
	for _, m := range slices.Backward(h.midways) {
		if n = len(m.read); n <= most && slices.Equal(m.read, h.batches[:n]) {
			wrote := m.wrote.clone()
			return restored(tb, cfg, m.parts), &wrote, n
		}
	}
	e, w = run(tb, cfg, nil)
	return e, w, 0
}

// judged is what an engine writes of a hospital, as run has it, from a midway on where there is one.
func judged(tb testing.TB, h *hospital) *written {
	tb.Helper()
	e, w, n := h.begun(tb, engineConfig(tb, h), len(h.batches))
	w.more(tb, e, h.batches[n:])
	return w
}

// TestMidwaysChangeNothing: of a hospital that was changed on its way an engine writes from a midway on what it writes from the beginning, to the
// byte, with the hands and the snapshots of other tests too. It begins at the midway closest to the change.
func TestMidwaysChangeNothing(t *testing.T) {
	t.Parallel()
	snooping, reader, at := snooped(t, 8)
	for name, c := range map[string]struct {
		of   *hospital
		come []arrival
	}{
		"a rule set": {fortnight(), []arrival{{fortnight().start(8).Add(9 * time.Hour), []entry{budgetOf(t, 2)}}}},
		"a late fact": {snooping, []arrival{
			{at[4], attended(snooping, 2, reader, &v1.Identifier{Value: "Patient/stranger-2"}, at[2])},
		}},
		"a merge that is taken back": {snooping, []arrival{{at[3], replaced(snooping, 1, 2)}, {at[6], unlinked(snooping, 1)}}},
		"nothing":                    {snooping, nil},
	} {
		h := c.of.copy(t)
		h.insert(c.come...)
		same := len(h.batches)
		if len(c.come) > 0 {
			same = receivedBy(c.of.batches, c.come[0].at)
		}
		if _, _, n := h.begun(t, engineConfig(t, h), len(h.batches)); n > same || n < same-midwayEvery {
			t.Errorf("%s: an engine begins behind %d batches of which %d are the same", name, n, same)
		}
		_, want := run(t, engineConfig(t, h), h.batches)
		if err := judged(t, h).same(want); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := restoredOften(t, h, len(h.batches)-150).same(want); err != nil {
			t.Errorf("%s, restored often: %v", name, err)
		}
		if n := len(h.midways); len(c.come) > 0 && want.same(&h.midways[n-1].wrote) == nil {
			t.Errorf("%s changes nothing: the test saw nothing", name)
		}
	}
}
