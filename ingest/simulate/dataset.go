package simulate

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// DatasetConfig says where a dataset goes.
type DatasetConfig struct {
	// Dir is the directory to write into. It is made when missing, and refused when it holds anything.
	Dir string
	// Gzip compresses the NDJSON files, and adds .gz to their names.
	Gzip bool
	// Progress, when set, is called after each day with what was written so far.
	Progress func(Progress)
}

// Progress is how far a dataset has come.
type Progress struct {
	Day, Days int
	// Events and Bytes count accesses and their size as NDJSON, before compression.
	Events, Bytes int64
}

// Manifest describes a dataset; it is its manifest.json.
type Manifest struct {
	Format    int              `json:"format"`
	Seed      uint64           `json:"seed"`
	Staff     int              `json:"staff"`
	Patients  int              `json:"patients"`
	Start     string           `json:"start"`
	Days      int              `json:"days"`
	Zone      string           `json:"zone"`
	Incidents int              `json:"incidents"`
	Weights   map[string]int   `json:"weights,omitempty"`
	Covering  bool             `json:"covering,omitempty"`
	NoStory   bool             `json:"no_story,omitempty"`
	Labelled  int64            `json:"labelled_accesses"`
	Scenarios []ScenarioCount  `json:"scenarios,omitempty"`
	Sources   []SourceCount    `json:"sources"`
	Files     []FileCount      `json:"files"`
	Story     *ManifestedStory `json:"story,omitempty"`
}

// ScenarioCount is how many incidents and accesses of a scenario are labelled.
type ScenarioCount struct {
	Name      string `json:"name"`
	Incidents int    `json:"incidents"`
	Accesses  int    `json:"accesses"`
}

// SourceCount is how many events a source reported.
type SourceCount struct {
	Name   string `json:"name"`
	Events int64  `json:"events"`
}

// FileCount is one file: its records, and size and hash of its content before compression.
type FileCount struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// ManifestedStory is the planted story as the manifest tells it.
type ManifestedStory struct {
	Reader   string   `json:"reader"`
	Patient  string   `json:"patient"`
	EventIDs []string `json:"event_ids"`
	Text     string   `json:"text"`
}

// contextTypes are the context files, in the order in which they are listed.
var contextTypes = []string{
	"Organization", "Location", "Practitioner", "PractitionerRole", "Schedule", "Patient", "RelatedPerson", "Person", "Consent",
	"Encounter", "Condition", "Appointment", "CareTeam", "ServiceRequest", "DocumentReference", "Observation", "MedicationAdministration",
	"Slot",
}

// WriteDataset writes the hospital as a dataset directory: AuditEvent.ndjson in order of time, the context files named by
// resource type, tables with their mappings, labels.csv, manifest.json and README.md. Files are written under a .partial name and renamed at the
// end, so a directory with an AuditEvent.ndjson is whole; after an error or a cancelled context none of them remain.
func (h *Hospital) WriteDataset(ctx context.Context, cfg DatasetConfig) (m Manifest, err error) {
	d := &dataset{h: h, cfg: cfg, wrongs: map[string]*ScenarioCount{}, incident: map[string]bool{}}
	if err := d.open(); err != nil {
		return Manifest{}, fmt.Errorf("write dataset: %w", err)
	}
	defer func() {
		if err != nil {
			d.discard()
			err = fmt.Errorf("write dataset: %w", err)
		}
	}()
	if err := d.context(ctx); err != nil {
		return Manifest{}, err
	}
	if err := d.tables(); err != nil {
		return Manifest{}, err
	}
	if err := d.events(ctx); err != nil {
		return Manifest{}, err
	}
	return d.finish()
}

type dataset struct {
	h        *Hospital
	cfg      DatasetConfig
	files    []*datasetFile
	labels   *csv.Writer
	labelled int64
	wrongs   map[string]*ScenarioCount
	incident map[string]bool
	counts   [sources]int64
}

// datasetFile is one NDJSON or CSV file while it is written.
type datasetFile struct {
	name    string
	path    string
	file    *os.File
	zip     *gzip.Writer
	out     *bufio.Writer
	hash    hash.Hash
	records int64
	bytes   int64
}

// fileBuffer is what is handed to the operating system at once.
const fileBuffer = 1 << 20

func (d *dataset) open() error {
	if err := os.MkdirAll(d.cfg.Dir, 0o755); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	there, err := os.ReadDir(d.cfg.Dir)
	if err != nil {
		return fmt.Errorf("read the directory: %w", err)
	}
	if len(there) > 0 {
		return errors.New("the directory is not empty")
	}
	for _, typ := range append([]string{"AuditEvent"}, contextTypes...) {
		if err := d.create(typ+".ndjson", d.cfg.Gzip); err != nil {
			d.discard()
			return err
		}
	}
	plain := []string{"labels.csv"}
	for _, name := range Tables() {
		plain = append(plain, name, mappingOf(name))
	}
	for _, name := range plain {
		if err := d.create(name, false); err != nil {
			d.discard()
			return err
		}
	}
	d.labels = csv.NewWriter(d.file("labels.csv"))
	return d.labels.Write([]string{"event_id", "scenario", "incident"})
}

func (d *dataset) create(name string, zip bool) error {
	if zip {
		name += ".gz"
	}
	f := &datasetFile{name: name, path: filepath.Join(d.cfg.Dir, name), hash: sha256.New()}
	file, err := os.Create(f.path + ".partial")
	if err != nil {
		return fmt.Errorf("create a file: %w", err)
	}
	f.file, f.out = file, bufio.NewWriterSize(file, fileBuffer)
	if zip {
		// The header carries neither name nor time, so the same content gives the same file.
		f.zip = gzip.NewWriter(f.out)
	}
	d.files = append(d.files, f)
	return nil
}

// Write implements io.Writer.
func (f *datasetFile) Write(b []byte) (int, error) {
	f.hash.Write(b)
	f.bytes += int64(len(b))
	var w io.Writer = f.out
	if f.zip != nil {
		w = f.zip
	}
	return w.Write(b)
}

// line writes one record. The bytes behind it in its block belong to nobody else yet, but are not written to.
func (f *datasetFile) line(b []byte) error {
	f.records++
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	if _, err := f.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	return nil
}

func (d *dataset) context(ctx context.Context) error {
	n := 0
	for r := range d.h.Context() {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for i, typ := range contextTypes {
			if typ != r.Type {
				continue
			}
			if err := d.files[1+i].line(r.JSON); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *dataset) events(ctx context.Context) error {
	out, labels := d.files[0], d.file("labels.csv")
	for day := range d.h.cfg.Days {
		for e := range d.h.Events(day) {
			if err := out.line(e.JSON); err != nil {
				return err
			}
			for i, name := range Sources() {
				if name == e.Source {
					d.counts[i]++
				}
			}
			if e.Label != (Label{}) {
				d.count(e.Label)
				labels.records++
				if err := d.labels.Write([]string{e.ID, e.Label.Scenario, e.Label.Incident}); err != nil {
					return fmt.Errorf("write labels: %w", err)
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.cfg.Progress != nil {
			d.cfg.Progress(Progress{Day: day + 1, Days: d.h.cfg.Days, Events: out.records, Bytes: out.bytes})
		}
	}
	return nil
}

// count keeps what labels.csv will hold, for the manifest.
func (d *dataset) count(l Label) {
	d.labelled++
	c := d.wrongs[l.Scenario]
	if c == nil {
		c = &ScenarioCount{Name: l.Scenario}
		d.wrongs[l.Scenario] = c
	}
	c.Accesses++
	if !d.incident[l.Incident] {
		d.incident[l.Incident] = true
		c.Incidents++
	}
}

func (d *dataset) happened() []ScenarioCount {
	var out []ScenarioCount
	for _, name := range Scenarios() {
		if c := d.wrongs[name]; c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// finish closes the files, names them and writes what describes them.
func (d *dataset) finish() (Manifest, error) {
	d.labels.Flush()
	if err := d.labels.Error(); err != nil {
		return Manifest{}, fmt.Errorf("write labels: %w", err)
	}
	for _, f := range d.files {
		if err := f.close(); err != nil {
			return Manifest{}, err
		}
	}
	m := d.manifest()
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, fmt.Errorf("encode the manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.cfg.Dir, "manifest.json"), append(text, '\n'), 0o644); err != nil {
		return Manifest{}, fmt.Errorf("write the manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(d.cfg.Dir, "README.md"), m.readme(), 0o644); err != nil {
		return Manifest{}, fmt.Errorf("write the readme: %w", err)
	}
	// AuditEvent last: its name says that the directory is whole.
	for _, f := range slices.Backward(d.files) {
		if err := os.Rename(f.path+".partial", f.path); err != nil {
			return Manifest{}, fmt.Errorf("name %s: %w", f.name, err)
		}
	}
	return m, nil
}

func (f *datasetFile) close() error {
	var errs []error
	if f.zip != nil {
		errs = append(errs, f.zip.Close())
	}
	errs = append(errs, f.out.Flush(), f.file.Close())
	f.file = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close %s: %w", f.name, err)
	}
	return nil
}

// discard removes what was begun.
func (d *dataset) discard() {
	for _, f := range d.files {
		if f.file != nil {
			_ = f.file.Close()
		}
		_ = os.Remove(f.path + ".partial")
		_ = os.Remove(f.path)
	}
	_ = os.Remove(filepath.Join(d.cfg.Dir, "manifest.json"))
	_ = os.Remove(filepath.Join(d.cfg.Dir, "README.md"))
}

func (d *dataset) manifest() Manifest {
	c := d.h.cfg
	m := Manifest{
		Format: 1, Seed: c.Seed, Staff: c.Staff, Patients: c.Patients, Start: c.Start.Format("2006-01-02"), Days: c.Days,
		Zone: c.Zone.String(), Incidents: max(0, c.Incidents), Weights: c.Weights, Covering: c.Covering, NoStory: c.NoStory,
		Labelled: d.labelled, Scenarios: d.happened(),
	}
	for i, name := range Sources() {
		m.Sources = append(m.Sources, SourceCount{name, d.counts[i]})
	}
	for _, f := range d.files {
		m.Files = append(m.Files, FileCount{f.name, f.records, f.bytes, hex.EncodeToString(f.hash.Sum(nil))})
	}
	if s := d.h.Story(); len(s.EventIDs) > 0 {
		m.Story = &ManifestedStory{s.Reader.Value, s.Patient.Value, s.EventIDs, s.Text}
	}
	return m
}

func (m *Manifest) readme() []byte {
	b := fmt.Appendf(nil, "# A synthetic hospital\n\nMade by `readtrail simulate`. Nobody in it exists.\n\n"+
		"%d staff, %d patients, %d days from %s (%s), seed %d. The same command gives the same bytes:\n\n"+
		"    readtrail simulate --out DIR --seed %d --staff %d --patients %d --days %d --start %s --zone %s --incidents=%d%s\n\n",
		m.Staff, m.Patients, m.Days, m.Start, m.Zone, m.Seed, m.Seed, m.Staff, m.Patients, m.Days, m.Start, m.Zone, incidentsFlag(m.Incidents), m.flags())
	b = append(b, "| file | records | bytes before compression |\n|---|---|---|\n"...)
	for _, f := range m.Files {
		b = fmt.Appendf(b, "| %s | %d | %d |\n", f.Name, f.Records, f.Bytes)
	}
	b = append(b, "\nEvents come from three sources, told apart by `source`:"...)
	for _, s := range m.Sources {
		b = fmt.Appendf(b, " %s %d;", s.Name, s.Events)
	}
	b = fmt.Appendf(b[:len(b)-1], ". `labels.csv` names %s that should not have happened; it is the truth to measure "+
		"detectors against, and no input to them.\n", plural(m.Labelled, "access", "accesses"))
	if len(m.Scenarios) > 0 {
		b = append(b, "\n| scenario | incidents | accesses |\n|---|---|---|\n"...)
		for _, s := range m.Scenarios {
			b = fmt.Appendf(b, "| %s | %d | %d |\n", s.Name, s.Incidents, s.Accesses)
		}
	}
	if m.Story != nil {
		b = fmt.Appendf(b, "\n## The planted story\n\n%s\n", m.Story.Text)
	}
	return b
}

// flags are those that most datasets are made without.
func (m *Manifest) flags() string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(m.Weights)) {
		b = fmt.Appendf(b, " --weight %s=%d", name, m.Weights[name])
	}
	if m.Covering {
		b = append(b, " --covering"...)
	}
	if m.NoStory {
		b = append(b, " --no-story"...)
	}
	return string(b)
}

// incidentsFlag is the flag that gives so many: 0 would mean the default.
func incidentsFlag(n int) int {
	if n == 0 {
		return -1
	}
	return n
}
