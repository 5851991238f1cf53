package csv

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/readtrail/readtrail/ingest"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Command is `readtrail mapping`: it needs no server and keeps nothing.
type Command struct {
	Presets PresetsCommand `cmd:"" default:"1" help:"List the built-in mappings."`
	Show    ShowCommand    `cmd:"" help:"Print a built-in mapping, to begin one's own with."`
	Try     TryCommand     `cmd:"" help:"Read a file by a mapping: the first 20 mapped rows and every error. Nothing is kept."`
}

// PresetsCommand is `readtrail mapping presets`.
type PresetsCommand struct{}

// Run lists the presets.
func (PresetsCommand) Run(w io.Writer) error {
	for _, name := range Presets() {
		m, err := Preset(name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%-28s %s\n", name, m.Description); err != nil {
			return fmt.Errorf("list presets: %w", err)
		}
	}
	return nil
}

// ShowCommand is `readtrail mapping show`.
type ShowCommand struct {
	Name string `arg:"" help:"Name of a built-in mapping."`
}

// Run prints the preset's YAML.
func (c ShowCommand) Run(w io.Writer) error {
	text, err := PresetText(c.Name)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("show mapping: %w", err)
	}
	return nil
}

// TryCommand is `readtrail mapping try`.
type TryCommand struct {
	File    string `arg:"" help:"Delimited text, compressed with gzip or not; - for standard input."`
	Mapping string `help:"A built-in mapping, or a YAML file. Default: the preset that the header fits." placeholder:"NAME|FILE"`
	Zone    string `help:"Zone of times that carry none, as the source's registration would say." default:"UTC"`
	JSON    bool   `help:"Write the result as JSON."`
}

// Run reads the whole file and shows what would come of it.
func (c TryCommand) Run(ctx context.Context, w io.Writer) error {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return fmt.Errorf("read --zone: %w", err)
	}
	body, closeFile, err := openText(c.File)
	if err != nil {
		return err
	}
	defer closeFile()
	begin, err := body.Peek(detectBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", c.File, err)
	}
	name, text := c.Mapping, []byte(nil)
	if info, statErr := os.Stat(c.Mapping); statErr == nil && info.Mode().IsRegular() {
		if text, err = os.ReadFile(c.Mapping); err != nil {
			return fmt.Errorf("read mapping: %w", err)
		}
	}
	mapping, err := (&Importer{}).Mapping(name, text, begin)
	if err != nil {
		return err
	}
	source := ingest.Source{Name: "trial", Zone: zone, Policy: v1.IdentityPolicy_IDENTITY_POLICY_CONTENT}
	preview, err := DryRun(ctx, Config{Mapping: mapping, Source: source, Origin: c.File}, body)
	if err != nil {
		return err
	}
	if c.JSON {
		return preview.WriteJSON(w)
	}
	return preview.WriteTable(w)
}

// openText opens a file or standard input and takes compression off.
func openText(path string) (body *bufio.Reader, closeFile func(), err error) {
	var raw io.ReadCloser = os.Stdin
	if path != "-" {
		if raw, err = os.Open(path); err != nil {
			return nil, nil, fmt.Errorf("open: %w", err)
		}
	}
	body = bufio.NewReaderSize(raw, detectBytes)
	if magic, _ := body.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		plain, err := gzip.NewReader(body)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("open %s: %w", path, err), raw.Close())
		}
		body = bufio.NewReaderSize(plain, detectBytes)
	}
	return body, func() { _ = raw.Close() }, nil
}
