package evaluation

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/readtrail/readtrail/detectors"
)

// maxQueuesFile is how large a file of queues may be: far more than all the sites that there may be take.
const maxQueuesFile = 32 << 20

// loadQueues reads a file of queues of sites.
func loadQueues(path string) (detectors.SiteQueues, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--queues: %w", err)
	}
	defer file.Close()
	var f struct {
		Queues detectors.SiteQueues `yaml:"queues"`
	}
	d := yaml.NewDecoder(io.LimitReader(file, maxQueuesFile))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--queues: %s: %w", path, err)
	}
	if len(f.Queues) == 0 {
		return nil, fmt.Errorf("--queues: %s names no queue", path)
	}
	if err := f.Queues.Validate(); err != nil {
		return nil, fmt.Errorf("--queues: %s:\n%w", path, err)
	}
	return f.Queues, nil
}
