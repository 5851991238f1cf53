package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// read takes in context first, whatever the order of the files: it is judged at the end, when all of it is known.
func (r *run) read(ctx context.Context) error {
	for _, step := range []struct {
		name  string
		paths []string
		take  func(context.Context, *v1.Item, *v1.FreeText) error
	}{
		{"context", r.files.context, r.fact},
		{"events", r.files.events, r.event},
	} {
		total, done := sizes(r.cfg.Dir, step.paths), int64(0)
		for _, path := range step.paths {
			in, err := open(r.cfg.Dir, path, func(n int) { done += int64(n) })
			if err != nil {
				return err
			}
			before := r.report.DeadLetters
			file := File{path, mappingBeside(r.cfg.Dir, path), in}
			err = r.cfg.Decode(ctx, file, r.cfg.Zone, func(item *v1.Item, free *v1.FreeText) error {
				r.cfg.Progress(step.name, done, total)
				return step.take(ctx, item, free)
			})
			if errors.Is(err, ErrUnknownFile) {
				r.report.Unread, err = append(r.report.Unread, path), nil
			}
			if err = errors.Join(err, in.Close()); err != nil {
				return fmt.Errorf("read dataset: %s: %w", path, err)
			}
			if n := r.report.DeadLetters - before; n > 0 {
				r.report.deadLetters(path, n)
			}
		}
		r.cfg.Progress(step.name, total, total)
	}
	return nil
}

func sizes(dir fs.FS, paths []string) int64 {
	total := int64(0)
	for _, p := range paths {
		if info, err := fs.Stat(dir, p); err == nil {
			total += info.Size()
		}
	}
	return total
}

// importID is that of the one import that an evaluation is: its events are judged at its end, as a backfill is.
const importID = "evaluation"
