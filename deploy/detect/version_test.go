package detect_test

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

var update = flag.Bool("update", false, "rewrite what the detectors of this version write")

// TestCodeVersion: a rule set's hash names what judged, so the same version writes the same bytes: whoever changes what comes out of the shared
// fortnight changes detectors.CodeVersion, and then this file (go test ./deploy/detect -run CodeVersion -update).
func TestCodeVersion(t *testing.T) {
	t.Parallel()
	const file = "testdata/judged.txt"
	h := sha256.New()
	w := fortnightWritten()
	for _, all := range [...][][]byte{w.findings, w.alerts} {
		for _, m := range all {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(m))))
			h.Write(m)
		}
	}
	got := fmt.Sprintf("%s %x\n", detectors.CodeVersion, h.Sum(nil))
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(string(text), " ")
	switch {
	case string(text) == got:
	case version == detectors.CodeVersion:
		t.Errorf("detectors of version %s do not write what they wrote: change detectors.CodeVersion", version)
	case !*update:
		t.Errorf("version %s is new: rewrite %s with -update", detectors.CodeVersion, file)
	default:
		must(t, os.WriteFile(file, []byte(got), 0o600))
	}
}
