package evaluation

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
)

// maxSectionFile is how large a file with a section of the configuration may be: far more than all the sites of all queues take.
const maxSectionFile = 32 << 20

// loadQueues reads a file of queues of sites.
func loadQueues(path string) (detectors.SiteQueues, error) {
	var f struct {
		Queues detectors.SiteQueues `yaml:"queues"`
	}
	if err := loadSection("--queues", path, &f); err != nil {
		return nil, err
	}
	if len(f.Queues) == 0 {
		return nil, fmt.Errorf("--queues: %s names no queue", path)
	}
	if err := f.Queues.Validate(); err != nil {
		return nil, fmt.Errorf("--queues: %s:\n%w", path, err)
	}
	return f.Queues, nil
}

// exemptionsFile is what a file of exemptions holds.
type exemptionsFile struct {
	Exemptions detectors.Exemptions `yaml:"exemptions"`
}

// loadExemptions reads a file of exemptions.
func loadExemptions(path string) (detectors.Exemptions, error) {
	var f exemptionsFile
	if err := loadSection("--exemptions", path, &f); err != nil {
		return nil, err
	}
	if len(f.Exemptions) == 0 {
		return nil, fmt.Errorf("--exemptions: %s names no exemption", path)
	}
	if err := f.Exemptions.Validate(); err != nil {
		return nil, fmt.Errorf("--exemptions: %s:\n%w", path, err)
	}
	return f.Exemptions, nil
}

// loadSection reads the file that a flag names.
func loadSection(flag, path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	defer file.Close()
	if err := readSection(file, into); err != nil {
		return fmt.Errorf("%s: %s: %w", flag, path, err)
	}
	return nil
}

// readSection reads YAML as a configuration has it: a key that there is not is an error.
func readSection(r io.Reader, into any) error {
	d := yaml.NewDecoder(io.LimitReader(r, maxSectionFile))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err //nolint:wrapcheck // the caller says of what
	}
	return nil
}
