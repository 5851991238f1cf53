package detectors

import "github.com/readtrail/readtrail/detectors/block"

// ErrSnapshot is wrapped by every refusal of a snapshot: the caller replays from the journal instead.
var ErrSnapshot = block.ErrUnusable
