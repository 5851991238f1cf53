package evaluation

import (
	"strconv"
	"strings"
)

// highWater reads VmHWM of /proc/self/status, in bytes.
func highWater(status string) (uint64, bool) {
	for line := range strings.Lines(status) {
		rest, found := strings.CutPrefix(line, "VmHWM:")
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		return n << 10, err == nil
	}
	return 0, false
}
